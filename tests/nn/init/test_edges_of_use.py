"""Initialisation where it ends: sparse graphs, layers that fit no theory, and models that cannot be traced."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.nn import GATConv, GATv2Conv, GCNConv, GINConv, GraphConv, Sequential
from torch_geometric.utils import to_torch_csr_tensor

from graphx.errors import InputError
from graphx.nn.init import Part, register_operator, virgo_
from graphx.nn.init._diffusion import diffusion_weights
from graphx.nn.init._trace import Layer, trace
from graphx.nn.init.operators import parts_of
from graphx.nn.init.report import log_slope
from graphx.nn.init.virgo import row_means, traced, uniform, write

EDGES = torch.tensor([[0, 1, 1, 2, 2, 3, 0, 0], [1, 0, 2, 1, 3, 2, 2, 3]])  # some in one direction only
X = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))


def graph(**changes: object) -> Data:
    return Data(**{"x": X, "edge_index": EDGES, **changes})


def dense(parts: list[Part]) -> torch.Tensor:
    return parts[0].operator.to_dense()


# -- operators ---------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Sparse invariant checks", "ignore:Sparse CSR tensor support")  # of PyG's matrices
@pytest.mark.parametrize(
    "layer", [GCNConv(3, 2), GCNConv(3, 2, normalize=False), GATConv(3, 2), GATv2Conv(3, 2, add_self_loops=False)]
)
def test_a_sparse_adj_t_gives_the_operator_of_its_edges(layer: torch.nn.Module) -> None:
    """The one is the transpose of the other: PyG's adj_t has targets in rows."""
    adj_t = to_torch_csr_tensor(EDGES.flip(0), size=(4, 4))
    assert torch.equal(dense(parts_of(layer, X, adj_t)), dense(parts_of(layer, X, EDGES)))


def test_loops_of_attention_are_a_setting() -> None:
    with_loops, without = (dense(parts_of(GATConv(3, 2, add_self_loops=own), X, EDGES)) for own in (True, False))
    assert bool((with_loops.diagonal() > 0).all()) and not without.diagonal().any()
    assert with_loops.sum(1).tolist() == pytest.approx([1, 1, 1, 1])
    averaged = dense(parts_of(GATConv(3, 2, heads=4, concat=False), X, EDGES))
    assert torch.allclose(averaged, with_loops / 2)  # the mean of four independent heads has half the spread


@pytest.mark.parametrize(
    ("layer", "arguments", "message"),
    [
        (GraphConv(3, 2), ((X, X), EDGES), "is called with a pair of node features; expected one x"),
        (GraphConv(3, 2), (X, EDGES.t()), r"edge_index is \(8, 2\); expected an int64 tensor \[2, E\]"),
        (GraphConv(3, 2), (X, "edges"), "edge_index is str; expected"),
        (GraphConv(3, 2), (X, EDGES + 1), "edge_index holds node 4 and x has 4 rows"),
        (GraphConv(3, 2), (X, EDGES, torch.ones(3)), "3 edge weights for 8 edges"),
        (GINConv(torch.nn.ReLU()), (X, EDGES), r"GINConv\.nn begins with no linear layer"),
        (GINConv(torch.nn.BatchNorm1d(3)), (X, EDGES), r"GINConv\.nn begins with no linear layer"),
    ],
)
def test_layers_without_an_operator(layer: torch.nn.Module, arguments: tuple, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parts_of(layer, *arguments)


# -- traces ------------------------------------------------------------------------------------------------------------


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


# -- what comes of it --------------------------------------------------------------------------------------------------


def test_sparse_features_have_the_means_of_dense_ones() -> None:
    assert torch.allclose(row_means(X.to_sparse()), row_means(X))
    model = Sequential("x, edge_index", [(GraphConv(3, 4), "x, edge_index -> x")])
    found = virgo_(model, graph(), generator=torch.Generator().manual_seed(0))
    assert found.mode == "harmonic" and bool(model[0].lin_rel.weight.isfinite().all())


def test_no_signal_and_no_weights() -> None:
    with pytest.raises(InputError, match="would need weights of variance inf; expected a positive number"):
        uniform(torch.ones(2, 2), float("inf"), None)
    with pytest.raises(InputError, match="would need weights of variance 0"):
        uniform(torch.ones(2, 2), 0.0, None)
    lin = torch.nn.Linear(3, 2)
    before = lin.weight.detach().clone()
    layer = Layer("lin", lin, (Part(None, lin.weight),), 4)
    with pytest.raises(InputError, match="the computed weights are not finite"):
        write([layer], {id(lin.weight): torch.full((2, 3), torch.nan)}, [])
    assert torch.equal(lin.weight, before)


def chain(*widths: tuple[int, int], rows: tuple[int, ...] = (4, 4)) -> list[Layer]:
    made = [torch.nn.Linear(*width) for width in widths]
    return [
        Layer(f"lin{i}", lin, (Part(None, lin.weight),), count)
        for i, (lin, count) in enumerate(zip(made, rows, strict=True))
    ]


def test_diffusion_wants_a_chain_of_even_layers() -> None:
    x = X.double()
    with pytest.raises(InputError, match="lin0 has 5 outputs; mode 'diffusion' expects even hidden widths"):
        diffusion_weights([chain((3, 5), (5, 1))], [x], None)
    with pytest.raises(InputError, match="lin1 takes 8 channels and lin0 gives 4; mode 'diffusion' expects a chain"):
        diffusion_weights([chain((3, 4), (8, 1))], [x], None)
    with pytest.raises(InputError, match="no signal passes the operator of lin0; expected a graph with edges"):
        diffusion_weights([chain((3, 4), (4, 1))], [0 * x], None)


def test_diffusion_starts_anew_behind_a_readout() -> None:
    layers = chain((3, 4), (4, 1), rows=(4, 2))
    weights = diffusion_weights([layers], [X.double()], torch.Generator().manual_seed(0))
    for layer in layers:
        found = weights[id(layer.parts[0].weight)]
        assert found.shape == layer.parts[0].weight.shape and bool(found.isfinite().all())


def test_no_slope_of_too_few_layers_or_of_silence() -> None:
    assert log_slope([1.0, 10.0, 100.0, 7.0]) == pytest.approx(1.0)  # the last is left out
    assert [log_slope(values) != log_slope(values) for values in ([1.0], [1.0, 0.0, 1.0, 1.0])] == [True, True]
