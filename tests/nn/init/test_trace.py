"""Traces of models: layers in the order of their calls, everything afterwards as it was, and models without one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GAT, GCN, GIN, GCNConv, GraphConv, GraphSAGE, Sequential

from graphx.errors import InputError
from graphx.nn.init import Part, register_operator
from graphx.nn.init._trace import check_graph, check_model, samples, trace, undisturbed
from graphx.nn.init.virgo import traced

EDGES = torch.tensor([[0, 1, 1, 2, 2, 3, 0, 0], [1, 0, 2, 1, 3, 2, 2, 3]])  # some in one direction only
X = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))


def graph(**changes: object) -> Data:
    return Data(**{"x": X, "edge_index": EDGES, **changes})


# -- graphs ------------------------------------------------------------------------------------------------------------


def test_samples_are_spread_over_a_set() -> None:
    graphs = [Data(x=torch.full((2, 3), float(k)), edge_index=EDGES[:, :2]) for k in range(10)]
    for wanted, found in (
        ([0, 3, 6], samples(graphs, 3)),
        ([*range(10)], samples(graphs, 32)),
        ([0], samples(graphs, 1)),
    ):
        assert len(found) == 1  # as one batch
        assert found[0].x[::2, 0].tolist() == wanted
    loader = DataLoader(graphs, batch_size=4)
    assert [batch.x[0, 0].item() for batch in samples(loader, 2)] == [0.0, 4.0]
    assert samples(iter(graphs), 3) == graphs[:3] and samples(graphs[4], 5) == [graphs[4]]


@pytest.mark.parametrize("number", [0, -1, True, 1.0, "3"])
def test_numbers_of_samples_that_are_none(number: Any) -> None:
    with pytest.raises(InputError, match="sample_graphs is .*; expected a positive integer"):
        samples([graph()], number)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "data holds no graph; expected at least one"),
        (iter([]), "data holds no graph"),
        (3, "data is a int; expected a torch_geometric Data, a list or data set of them, or a loader"),
        (Data(edge_index=EDGES), "the graph is a Data without x; expected a torch_geometric Data with node features"),
        ([1, 2], "the graph is a int without x"),
        (graph(x=torch.ones(4)), r"data.x has shape \(4,\); expected \[N, F\]"),
        (graph(x=torch.ones(0, 3)), r"data.x has shape \(0, 3\)"),
        (graph(x=torch.ones(4, 0)), r"data.x has shape \(4, 0\)"),
        (graph(x=X.clone().index_fill(0, torch.tensor([2]), torch.nan)), r"data.x is not finite \(row 2\)"),
        (graph(x=(X * torch.inf).to_sparse()), "data.x is not finite"),
        (graph(x=X[:3]), "edge_index holds node 3 and x has 3 rows; expected every node below"),
    ],
)
def test_graphs_that_are_refused(data: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        samples(data, 4)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
def test_sparse_features_of_every_layout() -> None:
    """Also a COO matrix that nobody has sorted, whose values torch does not hand out."""
    loose = torch.sparse_coo_tensor(torch.tensor([[1, 0, 1], [2, 0, 2]]), torch.ones(3), (4, 3), check_invariants=True)
    for x in (loose, loose.coalesce(), loose.coalesce().to_sparse_csr()):
        check_graph(graph(x=x))
        assert [layer.rows for layer in trace(GCN(3, 4, 2), graph(x=x))] == [4, 4]
    bad = torch.sparse_coo_tensor(
        torch.tensor([[1, 1], [2, 2]]), torch.tensor([torch.inf, 1]), (4, 3), check_invariants=True
    )
    with pytest.raises(InputError, match="data.x is not finite"):
        check_graph(graph(x=bad))


# -- models ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (lambda: GCN(3, 4, 3, out_channels=2), ["convs.0", "convs.1", "convs.2"]),
        (lambda: GraphSAGE(3, 4, 2, jk="cat", out_channels=2), ["convs.0", "convs.1", "lin"]),
        (lambda: GAT(3, 4, 2, heads=2), ["convs.0", "convs.1"]),
        (lambda: GIN(3, 4, 1), ["convs.0", "convs.0.nn.lins.1"]),
        (lambda: GCNConv(3, 4), ["GCNConv"]),
    ],
)
def test_layers_in_the_order_of_their_calls(model: Any, names: list[str]) -> None:
    made = model()
    layers = trace(made, graph())
    assert [layer.name for layer in layers] == names
    modules = dict(made.named_modules())
    assert all(modules[layer.path] is layer.module for layer in layers)
    assert all((layer.fan_out, layer.fan_in) == tuple(layer.parts[0].weight.shape) for layer in layers)


def test_a_trace_leaves_no_trace() -> None:
    model = torch.nn.Sequential()  # a shell, to have modes of several kinds
    inner = GCN(3, 4, 2, out_channels=2, dropout=0.5, cached=True, norm="batch_norm")
    model.add_module("inner", inner)
    inner.norms[0].eval()
    inner(X, EDGES)
    cached = inner.convs[0]._cached_edge_index
    state = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    torch.manual_seed(4)
    random = torch.get_rng_state()
    attributes = [set(module.__dict__) for module in model.modules()]
    trace(inner, graph(edge_index=EDGES[:, :4]))
    assert inner.convs[0]._cached_edge_index is cached
    assert [module.training for module in model.modules()] == modes
    assert [set(module.__dict__) for module in model.modules()] == attributes
    assert not any(module._forward_pre_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), random)
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name
    with pytest.raises(KeyError), undisturbed(inner):
        assert inner.convs[0]._cached_edge_index is None and not inner.training
        raise KeyError
    assert inner.convs[0]._cached_edge_index is cached and [module.training for module in model.modules()] == modes


def test_weights_that_are_shared() -> None:
    first, second = GCNConv(3, 3), GCNConv(3, 3)
    second.lin.weight = first.lin.weight
    steps = [(first, "x, edge_index -> x"), (second, "x, edge_index -> x")]
    with pytest.raises(InputError, match="the weight of module_1 is used by module_0 too; a shared weight has"):
        trace(Sequential("x, edge_index", steps), graph())


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("model", "model is a str; expected a torch.nn.Module"),
        (GCNConv(-1, 4), "the parameter lin.weight is lazy and has no shape yet; call the model once on the data"),
        (torch.nn.Linear(3, 2), "Linear has no message-passing layer; expected at least one PyG conv"),
    ],
)
def test_models_that_are_refused(model: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_model(model)


def test_widths_that_do_not_fit() -> None:
    with pytest.raises(InputError, match="convs.0 gets 3 features; expected 5, the width of its weight"):
        trace(GCN(5, 4, 2), graph())


class OfData(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = GraphConv(3, 2)

    def forward(self, data: Data, scale: float = 1.0) -> torch.Tensor:
        return scale * self.conv(data.x, data.edge_index)


def test_a_model_that_takes_the_data_itself() -> None:
    assert [layer.name for layer in trace(OfData(), graph())] == ["conv"]


class Silent(OfData):
    def forward(self, data: Data, scale: float = 1.0) -> torch.Tensor:
        return scale * data.x


class Moody(OfData):
    """Calls another layer where there are five nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.other = GraphConv(3, 2)

    def forward(self, data: Data, scale: float = 1.0) -> torch.Tensor:
        return scale * (self.other if data.num_nodes == 5 else self.conv)(data.x, data.edge_index)


class Broken(OfData):
    def forward(self, data: Data, scale: float = 1.0) -> torch.Tensor:
        raise IndexError("out of range")


def test_models_that_cannot_be_traced() -> None:
    other = Data(x=torch.ones(5, 3), edge_index=EDGES)
    with pytest.raises(InputError, match="the model called no message-passing layer on this graph"):
        trace(Silent(), graph())
    with pytest.raises(InputError, match="the model calls other layers on other graphs; expected the same order"):
        traced(Moody(), iter([graph(), other]), 8, None)
    with pytest.raises(InputError, match=r"Broken cannot run on this data \(x is \(4, 3\)\): out of range"):
        traced(Broken(), graph(), 8, None)
    with pytest.raises(InputError, match=r"the graphs have \[3, 4\] features; expected the same number in all"):
        traced(OfData(), iter([graph(), Data(x=torch.ones(4, 4), edge_index=EDGES)]), 8, None)


class Odd(torch.nn.Module):
    """A layer whose operator is of another size."""

    def __init__(self) -> None:
        super().__init__()
        self.lin = torch.nn.Linear(3, 2)

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        return self.lin(x)


def test_an_operator_of_another_size() -> None:
    register_operator(Odd, lambda layer, x, edge_index: [Part(torch.eye(5).to_sparse(), layer.lin.weight)])
    with pytest.raises(InputError, match=r"the operator of module_0 is \(5, 5\) and its input has 4 rows"):
        trace(Sequential("x, edge_index", [(Odd(), "x, edge_index -> x")]), graph())
