"""Operators of layers: what a layer does with unit weights is what its parts say, and layers that fit no theory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data
from torch_geometric.nn import GATConv, GATv2Conv, GCNConv, GINConv, GraphConv, SAGEConv
from torch_geometric.utils import to_torch_csr_tensor

from graphx.errors import InputError
from graphx.nn.init import Part, register_operator
from graphx.nn.init.operators import adjacency, is_registered, made_once, parts_of, stand_ins

EDGES = torch.tensor([[0, 1, 1, 2, 2, 3, 0, 0], [1, 0, 2, 1, 3, 2, 2, 3]])  # some in one direction only
X = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))


def graph(**changes: object) -> Data:
    return Data(**{"x": X, "edge_index": EDGES, **changes})


def dense(parts: list[Part]) -> torch.Tensor:
    return parts[0].operator.to_dense()


def lin() -> torch.nn.Linear:
    return torch.nn.Linear(3, 2)


LAYERS: dict[str, Any] = {
    "gcn": lambda: GCNConv(3, 2),
    "gcn improved": lambda: GCNConv(3, 2, improved=True),
    "gcn without loops": lambda: GCNConv(3, 2, add_self_loops=False),
    "gcn without norm": lambda: GCNConv(3, 2, normalize=False),
    "gcn backwards": lambda: GCNConv(3, 2, flow="target_to_source"),
    "sage": lambda: SAGEConv(3, 2),
    "sage sum": lambda: SAGEConv(3, 2, aggr="sum", root_weight=False),
    "sage backwards": lambda: SAGEConv(3, 2, flow="target_to_source"),
    "graph": lambda: GraphConv(3, 2),
    "graph mean": lambda: GraphConv(3, 2, aggr="mean"),
    "gin": lambda: GINConv(lin(), eps=0.25),
    "gin backwards": lambda: GINConv(lin(), flow="target_to_source"),
}


@pytest.mark.parametrize("name", LAYERS)
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**31), size=st.integers(1, 7), weighted=st.booleans())
def test_a_layer_is_the_sum_of_its_parts(name: str, seed: int, size: int, weighted: bool) -> None:
    """PyG's own forward pass in float64 is the oracle; edges may repeat, run one way and have loops."""
    layer = LAYERS[name]().double()
    generator = torch.Generator().manual_seed(seed)
    edges = torch.randint(size, (2, int(torch.randint(1, 15, (1,), generator=generator))), generator=generator)
    if name.startswith("gcn") and not name.endswith("norm"):
        edges = edges[:, edges[0] != edges[1]]
    x = torch.randn(size, 3, generator=generator, dtype=torch.float64)
    takes_weights = name.startswith(("gcn", "graph")) and weighted
    more = [torch.rand(edges.size(1), generator=generator, dtype=torch.float64) + 0.1] if takes_weights else []
    for parameter_name, parameter in layer.named_parameters():
        if parameter_name.endswith("bias"):
            torch.nn.init.zeros_(parameter)
    made = sum(part.times(x) @ part.weight.t() for part in parts_of(layer, x, edges, *more))
    torch.testing.assert_close(made, layer(x, edges, *more))
    g = torch.randn(size, generator=generator, dtype=torch.float64)
    for part in parts_of(layer, x, edges, *more):  # <P s, g> = <s, P' g>
        torch.testing.assert_close(part.times(x[:, 0]) @ g, x[:, 0] @ part.transposed_times(g))


@pytest.mark.parametrize("kind", [GATConv, GATv2Conv])
@pytest.mark.parametrize(("heads", "concat"), [(1, True), (3, True), (3, False)])
def test_attention_of_equal_scores_is_its_operator(kind: Any, heads: int, concat: bool) -> None:
    """Where the attention is zero, each head takes the mean; heads that are averaged have 1/heads the variance."""
    layer = kind(3, 2, heads=heads, concat=concat).double()
    with torch.no_grad():
        for parameter_name, parameter in layer.named_parameters():
            if parameter_name.startswith("att") or parameter_name.endswith("bias"):
                parameter.zero_()
    x = X.double()
    (part,) = parts_of(layer, x, EDGES)
    per_head = (part.times(x) @ part.weight.t()).view(4, heads, 2)
    wanted = per_head.reshape(4, -1) if concat else per_head.sum(1) / heads * heads**0.5
    torch.testing.assert_close(layer(x, EDGES), wanted)


def test_an_adjacency_by_hand() -> None:
    edges = torch.tensor([[0, 2, 2, 1], [1, 1, 1, 1]])  # node 1 takes from 0, twice from 2, and from itself
    weight = torch.tensor([1.0, 2, 3, 4])
    assert adjacency(edges, 3).to_dense()[1].tolist() == [1, 1, 2]
    assert adjacency(edges, 3, weight).to_dense()[1].tolist() == [1, 4, 5]
    assert adjacency(edges, 3, weight, aggr="mean").to_dense()[1].tolist() == [0.25, 1, 1.25]
    assert adjacency(edges, 3, aggr="mean", loops=0.5).to_dense().diagonal().tolist() == [0.5, 0.75, 0.5]
    assert torch.equal(adjacency(edges, 3, flow="target_to_source").to_dense(), adjacency(edges.flip(0), 3).to_dense())
    assert adjacency(edges[:, :0], 3).to_dense().tolist() == [[0.0] * 3] * 3
    assert adjacency(edges, 3, weight.view(-1, 1)).dtype == torch.float64
    grown = weight.clone().requires_grad_()
    assert not adjacency(edges, 3, grown).requires_grad


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (
            (EDGES, 4),
            {"aggr": "max"},
            "aggregation 'max' is not linear, so it has no operator; expected 'sum' or 'mean'",
        ),
        ((EDGES, 3), {}, "edge_index holds node 3 and x has 3 rows"),
        ((EDGES, 4, torch.ones(2)), {}, "2 edge weights for 8 edges; expected as many of one as of both"),
        ((EDGES[0], 4), {}, r"edge_index is \(8,\); expected an int64 tensor \[2, E\]"),
        (([[0], [1]], 4), {}, "edge_index is list; expected"),
    ],
)
def test_adjacencies_that_are_refused(arguments: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        adjacency(*arguments, **options)


def test_operators_are_shared_only_where_they_are_the_same() -> None:
    first, second = GCNConv(3, 2), GCNConv(3, 5)
    weight = torch.ones(8)
    with made_once():
        shared = [parts_of(layer, X, EDGES)[0].operator for layer in (first, second)]
        assert shared[0] is shared[1]
        others = [
            GCNConv(3, 2, improved=True),
            GCNConv(3, 2, add_self_loops=False),
            GCNConv(3, 2, flow="target_to_source"),
        ]
        found = [parts_of(layer, X, EDGES)[0].operator for layer in others]
        found += [parts_of(first, X, EDGES, weight)[0].operator, parts_of(first, X, EDGES.clone())[0].operator]
        found += [parts_of(GINConv(lin(), eps=eps), X, EDGES)[0].operator for eps in (0.0, 0.5)]
        found += [parts_of(GATConv(3, 2, heads=2, concat=concat), X, EDGES)[0].operator for concat in (True, False)]
        assert len({id(operator) for operator in [shared[0], *found]}) == len(found) + 1
    assert parts_of(first, X, EDGES)[0].operator is not parts_of(second, X, EDGES)[0].operator


def test_a_registration_holds_for_subclasses_and_the_nearest_wins() -> None:
    class Mine(GraphConv):
        pass

    class Nearer(Mine):
        pass

    assert len(parts_of(Mine(3, 2), X, EDGES)) == 2 and is_registered(Mine(3, 2))
    register_operator(Mine, lambda layer, *_: [Part(None, layer.lin_root.weight)])
    assert [part.operator for part in parts_of(Nearer(3, 2), X, EDGES)] == [None]
    assert not stand_ins(Mine(3, 2)) and len(stand_ins(GraphConv(3, 2))) == 1  # an own forward is run as it is
    assert len(parts_of(GraphConv(3, 2), X, EDGES)) == 2
    for bad in (GraphConv(3, 2), "GraphConv", int):
        with pytest.raises(InputError, match="expected a class of layers, such as MyConv itself"):
            register_operator(bad, lambda *_: [])  # type: ignore[arg-type]


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
