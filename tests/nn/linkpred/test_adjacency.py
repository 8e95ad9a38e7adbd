"""Neighbour lists from every form of a graph: against dense matrices, in place of what was there, wrong tensors."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch_geometric import EdgeIndex

from graphx import Graph
from graphx.errors import CapacityError, InputError
from graphx.nn.linkpred import NCNC, Adjacency, adjacency, as_adjacency, common_neighbors
from graphx.nn.linkpred.adjacency import checked_pairs
from graphx.nn.linkpred.common_neighbors import make_query, pooled
from graphx.nn.linkpred.task import has_edges
from tests.nn.linkpred.graphs import (
    DIAMOND,
    adjacency_of,
    dense_of,
    edges_of,
    extension,
    on_both,
    random_dense,
    random_pairs,
    seeds,
)

PAIRS = torch.tensor([[0, 1], [3, 2]])

# -- tensors that are no graph -----------------------------------------------------------------------------------------


def vectors(**changes: torch.Tensor) -> Adjacency:
    parts = {"indptr": torch.tensor([0, 1, 2]), "indices": torch.tensor([1, 0], dtype=torch.int32), **changes}
    return Adjacency(parts["indptr"], parts["indices"], parts.get("weights"), num_columns=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"indices": torch.tensor([1, 0])}, r"indices torch.int64 \[2\]; expected int64 and int32 vectors"),
        ({"indptr": torch.zeros(1, 3, dtype=torch.int64)}, r"indptr is torch.int64 \[1, 3\]"),
        ({"weights": torch.ones(2, dtype=torch.float64, requires_grad=True)}, r"require a gradient.*\.detach\(\)"),
        ({"weights": torch.ones(2)}, r"weights are torch.float32 \[2\]; expected float64 \[2\]"),
        ({"weights": torch.tensor([1.0, torch.inf], dtype=torch.float64)}, "an edge weight is not finite"),
    ],
)
def test_what_is_no_adjacency(changes: dict[str, torch.Tensor], message: str) -> None:
    assert vectors().degrees().tolist() == [1, 1]
    with pytest.raises(InputError, match=message):
        vectors(**changes)


def test_what_is_no_sparse_matrix() -> None:
    sparse = torch.eye(2).to_sparse()
    with pytest.raises(InputError, match=r"edge_weight goes with an edge_index \[2, E\]"):
        as_adjacency(sparse, edge_weight=torch.ones(2))
    with pytest.raises(InputError, match=r"the sparse tensor has shape \[2, 2, 2\]; expected a matrix"):
        as_adjacency(torch.ones(2, 2, 2).to_sparse())

    class SparseTensor:
        """torch_sparse's, with a vector for each edge."""

        def coo(self) -> tuple[torch.Tensor, ...]:
            return torch.tensor([0, 1]), torch.tensor([1, 0]), torch.ones(2, 3)

        def size(self, _: int) -> int:
            return 2

    with pytest.raises(InputError, match=r"holds values \[2, 3\]; expected one number for each edge"):
        as_adjacency(SparseTensor())
    with pytest.raises(CapacityError, match=r"3,000,000,000 nodes; expected at most 2\^31 - 1"):
        as_adjacency(DIAMOND, num_nodes=3_000_000_000)


def test_entries_are_those_of_a_square_matrix() -> None:
    wide = as_adjacency(torch.tensor([[0, 1], [2, 0]]), num_nodes=(2, 3))
    with pytest.raises(
        InputError, match=r"the matrix is \[2, 3\]; target edges can be excluded from a square one only"
    ):
        wide.entries(PAIRS)
    assert has_edges(as_adjacency(torch.zeros(2, 0, dtype=torch.int64), num_nodes=4), PAIRS).tolist() == [False, False]


def test_tensors_of_two_devices_are_not_mixed() -> None:
    here, there = as_adjacency(DIAMOND), as_adjacency(DIAMOND).to("meta")
    assert here.to("cpu") is here and there.device.type == "meta" and there.num_entries == 10
    with pytest.raises(InputError, match="pairs is on meta and the graph on cpu; move one with"):
        common_neighbors(here, PAIRS.to("meta"))
    with pytest.raises(InputError, match="graph is on cpu and other on meta; move one with"):
        make_query(here, PAIRS, other=there)
    with pytest.raises(InputError, match="x is on meta and pairs on cpu; move one with"):
        pooled(make_query(here, PAIRS), torch.ones(4, 2, device="meta"))


# -- every form, the same matrix ---------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(seed=seeds, size=st.integers(1, 9), columns=st.integers(1, 9), weighted=st.booleans(), enabled=st.booleans())
def test_edges_in_any_order_are_the_dense_matrix(
    seed: int, size: int, columns: int, weighted: bool, enabled: bool
) -> None:
    dense = random_dense(seed, size, columns=columns, weighted=weighted)
    edges = edges_of(dense)
    order = torch.randperm(edges.size(1), generator=torch.Generator().manual_seed(seed))
    mixed = edges[:, order]
    weight = dense[mixed[0], mixed[1]] if weighted else None
    if not weighted:  # what is listed again is the same neighbour
        mixed = torch.cat((mixed, mixed[:, ::2]), dim=1)
    with extension(enabled):
        made = as_adjacency(mixed, edge_weight=weight, num_nodes=(size, columns))
    assert torch.equal(dense_of(made), dense)
    assert (made.num_rows, made.num_columns, made.num_entries) == (size, columns, int((dense != 0).sum()))
    assert torch.equal(made.degrees(), (dense != 0).sum(1))
    codes = torch.repeat_interleave(made.degrees()) * columns + made.indices
    assert torch.equal(made.keys(), codes) and bool((codes.diff() > 0).all())


@settings(deadline=None, max_examples=25)
@given(seed=seeds, size=st.integers(1, 8), weighted=st.booleans())
def test_sparse_layouts_and_graphs_hold_the_same(seed: int, size: int, weighted: bool) -> None:
    dense = random_dense(seed, size, symmetric=True, weighted=weighted, loops=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CSR and CSC are called a beta
        forms: list[Any] = [dense.to_sparse(), dense.to_sparse_csr(), dense.to_sparse_csc()]
        forms += [dense.to_sparse_csr().float(), dense.t().to_sparse()]
    edges = edges_of(dense)
    weights = dense[edges[0], edges[1]].numpy() if weighted else None
    forms.append(Graph.from_edges(edges[0].numpy(), edges[1].numpy(), weights, num_nodes=size, directed=True))
    if not weighted:
        forms.append(EdgeIndex(edges, sparse_size=(size, size)))
    for form in forms:
        assert torch.equal(dense_of(as_adjacency(form)), dense), type(form)


def test_numbers_up_to_the_last_that_fits() -> None:
    last = 2**31 - 2
    edges = torch.tensor([[0, 1, 1, 2], [last, last, 5, 5]])
    pairs = torch.tensor([[0, 1, 0], [1, 2, 2]])
    for weight in (None, torch.ones(4)):
        wide = as_adjacency(edges, edge_weight=weight, num_nodes=(3, 2**31 - 1))
        assert wide.indices.tolist() == [last, 5, last, 5] and wide.keys()[-1] == 2 * (2**31 - 1) + 5
        assert [found.tolist() for found in on_both(lambda w=wide: common_neighbors(w, pairs))] == [[1, 1, 0]] * 2


def test_empty_graphs_of_any_size() -> None:
    none = torch.zeros(2, 0, dtype=torch.int64)
    assert repr(as_adjacency(none)) == "Adjacency(rows=0, columns=0, entries=0)"
    for form in (as_adjacency(none, num_nodes=3), as_adjacency(none, edge_weight=torch.ones(0), num_nodes=3)):
        assert form.degrees().tolist() == [0, 0, 0]
        assert common_neighbors(form, PAIRS[:, 1:]).tolist() == [0]
        for found in on_both(lambda form=form: form.entries(PAIRS[:, 1:])):
            assert found.numel() == 0


# -- where edges lie ---------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(seed=seeds, size=st.integers(1, 9), count=st.integers(0, 20))
def test_entries_are_found_in_both_directions(seed: int, size: int, count: int) -> None:
    dense = random_dense(seed, size)
    asked = random_pairs(seed, size, count)
    made = adjacency_of(dense)
    listed = [tuple(edge) for edge in edges_of(dense).t().tolist()]
    both_ways = {tuple(p) for p in asked.t().tolist()} | {tuple(p) for p in asked.flip(0).t().tolist()}
    expected = {k for k, edge in enumerate(listed) if edge in both_ways}
    for found in on_both(lambda: made.entries(asked)):
        assert set(found.tolist()) == expected
    assert has_edges(made, asked).tolist() == [tuple(p) in listed for p in asked.t().tolist()]


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("bad", [-1, 4])
def test_entries_beyond_the_nodes(bad: int, enabled: bool) -> None:
    with extension(enabled), pytest.raises(InputError, match=f"exclude names the node {bad}; expected 0..3: pass num"):
        as_adjacency(DIAMOND).entries(torch.tensor([[0, bad], [1, 2]]))


@pytest.mark.parametrize("enabled", [True, False])
def test_pairs_may_come_as_edge_index(enabled: bool) -> None:
    """A wrapper without memory of its own must not reach the kernels: they would read what is not there."""
    pairs = torch.tensor([[0, 0], [3, 1]])
    wrapped = EdgeIndex(pairs, sparse_size=(4, 4))
    plain = checked_pairs(wrapped, "pairs", torch.device("cpu"))
    assert type(plain) is Tensor and torch.equal(plain, pairs)
    x, model = torch.randn(4, 3), NCNC(3, 8).train()
    with extension(enabled):
        assert common_neighbors(DIAMOND, wrapped, exclude=True).tolist() == [1, 1]
        assert common_neighbors(DIAMOND, pairs, exclude=EdgeIndex(pairs[:, 1:], sparse_size=(4, 4))).tolist() == [1, 1]
        assert torch.equal(model(x, DIAMOND, wrapped), model(x, DIAMOND, pairs))
        assert torch.equal(model(x, EdgeIndex(DIAMOND, sparse_size=(4, 4)), wrapped), model(x, DIAMOND, pairs))


# -- what is remembered ------------------------------------------------------------------------------------------------


def changed_coo() -> tuple[Any, Any]:
    matrix = torch.tensor([[0.0, 1], [1, 0]]).to_sparse()
    return matrix, lambda: matrix.values().mul_(2)


def changed_csr() -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = torch.tensor([[0.0, 1], [1, 0]]).to_sparse_csr()
    return matrix, lambda: matrix.values().mul_(2)


def changed_edge_index() -> tuple[Any, Any]:
    wrapped = EdgeIndex(torch.tensor([[0, 1], [1, 0]]), sparse_size=(2, 2))

    def change() -> None:
        wrapped[1, 0] = 0

    return wrapped, change


def changed_view() -> tuple[Any, Any]:
    base = torch.tensor([[0, 1, 7], [1, 0, 7]])
    view = base[:, :2]
    return view, base[1, :1].zero_


@pytest.mark.parametrize("made", [changed_coo, changed_csr, changed_edge_index, changed_view])
def test_what_changes_in_place_is_read_anew(made: Any) -> None:
    graph, change = made()
    before = as_adjacency(graph, num_nodes=2)
    assert as_adjacency(graph, num_nodes=2) is before
    change()
    after = as_adjacency(graph, num_nodes=2)
    assert not torch.equal(dense_of(after), dense_of(before))


def test_few_are_remembered_and_none_outlives_its_tensor() -> None:
    adjacency._CACHE.clear()
    graphs = [DIAMOND.clone() for _ in range(adjacency._CACHE_SIZE + 1)]
    known = [as_adjacency(graph) for graph in graphs]
    assert len(adjacency._CACHE) == adjacency._CACHE_SIZE
    assert as_adjacency(graphs[-1]) is known[-1] and as_adjacency(graphs[0]) is not known[0]
    assert as_adjacency(graphs[-1], num_nodes=6).num_rows == 6
    assert as_adjacency(graphs[-1]).num_rows == 4  # a size that was asked for once is not taken for the graph's
    assert as_adjacency(graphs[-1], edge_weight=torch.full((10,), 2.0)).weights is not None
    assert as_adjacency(graphs[-1]).weights is None
    del graphs
    assert not adjacency._CACHE


@pytest.mark.parametrize("weighted", [False, True])
def test_copies_answer_as_the_original(weighted: bool) -> None:
    dense = random_dense(4, 12, 0.7, weighted=weighted)
    made, pairs = adjacency_of(dense), random_pairs(4, 12, 20)
    expected = on_both(lambda: common_neighbors(made, pairs))  # and so the matrices of bits are there
    for other in (copy.deepcopy(made), copy.copy(made), pickle.loads(pickle.dumps(made))):
        assert other._bits is None and torch.equal(dense_of(other), dense)
        for found, wanted in zip(on_both(lambda other=other: common_neighbors(other, pairs)), expected, strict=True):
            assert torch.equal(found, wanted)


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: as_adjacency(DIAMOND.t()), r"int64 \[10, 2\]; expected int64 \[2, E\]: pass edge_index.t\(\)"),
        (lambda: as_adjacency(DIAMOND.int()), r"torch.int32 \[2, 10\]; expected int64 \[2, E\]$"),
        (lambda: as_adjacency(DIAMOND, num_nodes=3), r"names node 3; expected 0..2: raise num_nodes"),
        (lambda: as_adjacency(DIAMOND - 1), "names node -1"),
        (lambda: as_adjacency(DIAMOND, num_nodes=(4, 2)), "names node 3; expected 0..1"),
        (lambda: as_adjacency(DIAMOND, num_nodes=(2, 4)), "names node 3; expected 0..1"),
        (lambda: as_adjacency(DIAMOND, edge_weight=torch.ones(9)), r"shape \[9\]; expected \[10\]"),
        (lambda: as_adjacency(DIAMOND, edge_weight=torch.ones(10, 1)), r"shape \[10, 1\]; expected \[10\]"),
        (lambda: as_adjacency(DIAMOND, edge_weight=torch.ones(10, requires_grad=True)), r"pass .detach\(\)"),
        (
            lambda: as_adjacency(torch.tensor([[2, 2], [1, 1]]), edge_weight=torch.ones(2)),
            r"edge \(2, 1\) comes more than once with weights; merge duplicates first",
        ),
        (lambda: as_adjacency(as_adjacency(DIAMOND), num_nodes=5), r"graph is \[4, 4\] and num_nodes says \[5, 5\]"),
        (lambda: as_adjacency(torch.eye(3).to_sparse(), num_nodes=4), r"\[3, 3\] and num_nodes says \[4, 4\]"),
        (lambda: as_adjacency([[0], [1]]), r"the graph is a builtins.list; expected an edge_index"),
        (lambda: as_adjacency(None), r"the graph is a builtins.NoneType"),
        (lambda: checked_pairs(PAIRS.t()[:1].t(), "pairs", torch.device("meta")), "pairs is on cpu and the graph on"),
        (lambda: checked_pairs([[0], [1]], "train", torch.device("cpu")), "train is a list; expected an int64 tensor"),
        (
            lambda: checked_pairs(torch.zeros(3, 2, dtype=torch.int64), "train", torch.device("cpu")),
            r"train is torch.int64 \[3, 2\]; expected an int64 tensor \[2, B\]: pass pairs.t\(\)",
        ),
    ],
)
def test_what_came_and_what_was_expected(call: Any, message: str) -> None:
    for enabled in (True, False):
        with extension(enabled), pytest.raises(InputError, match=message):
            call()
