"""What FastRP takes for a graph and for edges of new nodes: every kind gives the same numbers or is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graphx.data import synthetic
from graphx.errors import InputError
from graphx.fastrp import FastRP
from graphx.fastrp._inputs import gpu_of, new_edges, read_graph
from graphx.graph import Graph

PATH = synthetic.path(6)
weighted = hnp.arrays(
    np.float64, st.tuples(st.integers(0, 5), st.just(6)), elements=st.sampled_from([0.0, 0.0, 1.0, 0.5, 3.0])
)
squares = hnp.arrays(np.float64, st.tuples(st.just(5), st.just(5)), elements=st.sampled_from([0.0, 0.0, 1.0, 2.5]))
FORMATS = ("csr", "csc", "coo", "lil", "dok", "bsr")


def dense(graph: Graph) -> Any:
    return graph.to_scipy().toarray().astype(float)


# -- graphs ------------------------------------------------------------------------------------------------------------


@given(squares)
@settings(max_examples=40)
def test_orientations_are_those_of_the_matrix(A: Any) -> None:
    graph = read_graph(A)
    assert np.array_equal(dense(graph), A)
    assert np.array_equal(dense(read_graph(graph, "reverse")), A.T)
    assert read_graph(read_graph(graph, "reverse"), "reverse") == graph
    both = dense(read_graph(graph, "undirected"))
    if graph.is_undirected:
        assert np.array_equal(both, A)
    elif graph.is_weighted:
        assert np.array_equal(both, np.where(np.eye(5, dtype=bool), A, A + A.T))
    else:
        assert np.array_equal(both, (A + A.T > 0).astype(float))


def test_turned_edges_keep_names_weights_and_order() -> None:
    graph = Graph.from_edges([0, 2, 1], [2, 1, 1], [5.0, 6.0, 7.0], names=["x", "y", "z"], directed=True)
    turned = read_graph(graph, "reverse")
    assert turned.names == ("x", "y", "z")
    assert turned == Graph.from_edges([2, 1, 1], [0, 2, 1], [5.0, 6.0, 7.0], names=["x", "y", "z"], directed=True)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", ["array", "matrix"])
def test_every_scipy_format_of_a_bipartite_graph(form: str, kind: str) -> None:
    B = np.array([[1, 2, 0, 0], [0, 1, 1, 0]], float)
    made = getattr(sp, f"{form}_{kind}")(B)
    made.eliminate_zeros() if hasattr(made, "eliminate_zeros") and form != "dok" else None
    if form == "bsr":  # its blocks store zeros, which only the caller can judge
        with pytest.raises(InputError, match="explicit zeros"):
            read_graph(sp.bsr_array(B, blocksize=(2, 2)))
    whole = np.block([[np.zeros((2, 2)), B], [B.T, np.zeros((4, 4))]])
    graph = read_graph(made)
    assert np.array_equal(dense(graph), whole) and graph.is_undirected


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((3, 4)), r"the array has shape \(3, 4\); expected a square adjacency matrix"),
        (np.zeros((2, 4)), "expected one dimension of integers"),  # an edge_index of floats
        ((np.zeros((3, 2), int), np.ones(2)), r"edge_index has shape \(3, 2\); expected \[2, E\] of a pair"),
        ((np.array([[0], [1]]), np.ones(3)), "3 weights for 1 edges"),
        ((np.array([[0], [1]]), np.array(["2"])), "expected one dimension of real numbers"),
        ((np.array([[0, 0], [1, 1]]), None), "expected one dimension of real numbers"),
        (np.array([[0, 0, 1], [1, 1, 0]]), "comes more than once"),
        ([[0, 1], [1, 0]], "got a builtins.list; expected a graphx.Graph"),
        (3, "got a builtins.int"),
        (np.array([["a", "b"], ["c", "d"]]), "the array holds <U1; expected real numbers"),
    ],
)
def test_what_is_no_graph(X: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_graph(X)


def test_a_square_array_of_two_rows_is_a_matrix() -> None:
    assert read_graph(np.array([[0, 1], [1, 0]])).num_nodes == 2
    assert read_graph((np.array([[0, 1], [1, 0]]), np.array([2.0, 3.0]))).weights.tolist() == [2.0, 3.0]  # type: ignore[union-attr]


def test_an_unknown_orientation() -> None:
    with pytest.raises(InputError, match="orientation is 'both'; expected one of 'natural', 'reverse', 'undirected'"):
        read_graph(PATH, "both")


def test_nothing_here_is_on_a_gpu() -> None:
    import torch
    from torch_geometric.data import Data

    edges = torch.tensor([[0, 1], [1, 0]])
    for X in (PATH, edges, (edges, torch.ones(2)), (), Data(edge_index=edges), "karate", None, edges.numpy()):
        assert gpu_of(X) is None

    class There:
        is_cuda, device = True, "cuda:1"

    assert gpu_of(There()) == gpu_of((There(), None)) == "cuda:1"


# -- edges of new nodes ------------------------------------------------------------------------------------------------


@given(weighted)
@settings(max_examples=30)
def test_every_kind_of_new_edges_gives_the_same_rows(M: Any) -> None:
    import torch

    indptr, indices, weights = new_edges(M, 6)
    assert indptr.tolist() == np.concatenate([[0], np.cumsum((M != 0).sum(1))]).tolist()
    assert indices.tolist() == M.nonzero()[1].tolist()
    values = M[M.nonzero()]
    assert (weights is None) == bool((values == 1).all())
    assert weights is None or weights.tolist() == values.tolist()
    rows, columns = M.nonzero()
    kinds: list[Any] = [getattr(sp, f"{form}_array")(M) for form in FORMATS[:5]]
    size = int(rows.max(initial=-1)) + 1
    pair = (np.stack([rows, columns]), values)
    kinds += [pair, tuple(map(torch.from_numpy, pair))]
    for kind in kinds:
        again = new_edges(kind, 6)
        last = size if isinstance(kind, tuple) else len(M)  # pairs know nothing of rows without edges at the end
        assert np.array_equal(again[0], indptr[: last + 1]) and np.array_equal(again[1], indices)
        found = np.ones(rows.size) if again[2] is None else again[2]
        assert np.array_equal(found, values)


def test_edges_in_any_order_are_sorted_with_their_weights() -> None:
    pair = (np.array([[1, 0, 1, 0], [0, 4, 5, 2]]), np.array([1.0, 2.0, 3.0, 4.0], np.float32))
    indptr, indices, weights = new_edges(pair, 6)
    assert indptr.tolist() == [0, 2, 4] and indices.tolist() == [2, 4, 0, 5]
    assert weights is not None and weights.tolist() == [4.0, 2.0, 1.0, 3.0] and weights.dtype == np.float64


def test_an_array_as_wide_as_the_graph_is_a_matrix() -> None:
    """[2, N] could be both; the documentation says which it is."""
    both = np.array([[1, 0, 0, 0, 0, 1], [0, 1, 1, 0, 0, 0]])
    indptr, indices, _ = new_edges(both, 6)
    assert indptr.tolist() == [0, 2, 4] and indices.tolist() == [0, 5, 1, 2]
    narrower = np.array([[1, 0, 0, 1, 0], [0, 1, 2, 3, 4]])  # five columns for six nodes: an edge_index
    indptr, indices, _ = new_edges(narrower, 6)
    assert indptr.tolist() == [0, 3, 5] and indices.tolist() == [1, 2, 4, 0, 3]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (sp.csr_array((2, 5)), r"the matrix has shape \(2, 5\); expected \[new nodes, 6\]"),
        (sp.csr_array(np.ones((1, 6), complex)), "the matrix holds complex128; expected real numbers"),
        (
            sp.coo_array(([0.0, 1.0], ([0, 0], [0, 1])), shape=(1, 6)),
            r"stores explicit zeros; call eliminate_zeros\(\)",
        ),
        (sp.coo_array(([2.0, 2.0], ([0, 0], [1, 1])), shape=(1, 6)), "comes more than once"),
        (np.array([[0.0, np.nan, 0, 0, 0, 0]]), "weight nan at position 0; expected finite numbers"),
        ((np.zeros((3, 2)), np.ones(2)), r"edge_index has shape \(3, 2\); expected \[2, E\] of a pair"),
        (np.zeros((2, 3)), "edge_index is float64; expected integers"),
        (np.array([[0, 0], [1, 6], [0, 0]]), r"transform got a ndarray; expected a matrix \[new nodes, 6\]"),
        (np.array([[0], [6]]), r"leads to node 6, which was not known in fit; expected 0\.\.5"),
        (np.array([[0], [-1]]), r"leads to node -1, which was not known in fit"),
        (np.array([[-1], [0]]), "hold the node number -1"),
        ((np.array([[0], [1]]), np.array(["3"])), "weights have shape .* and type <U1"),
        ((np.array([[0], [1]]), np.array([1 + 2j])), "weights have shape .* and type complex128"),
        ((np.array([[0], [1]]), np.array([np.inf])), "weight inf at position 0"),
        ((np.array([[0, 0], [1, 1]]), np.array([1.0, 2.0])), "comes more than once"),
        ([[0, 1, 0, 0, 0, 0]], "transform got a list"),
    ],
)
def test_new_edges_that_are_none(X: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        new_edges(X, 6)
    model = FastRP(3, random_state=0).fit(PATH)
    before = model.embedding_.copy()
    with pytest.raises(InputError, match=message):
        model.transform(X)
    assert np.array_equal(model.embedding_, before)


def test_new_edges_without_weights_weigh_one() -> None:
    graph = Graph.from_edges([0, 1, 2], [1, 2, 3], [2.0, 1.0, 3.0])
    model = FastRP(4, iteration_weights=(1,), random_state=0).fit(graph)
    plain = np.array([[0, 0, 1], [1, 2, 3]])
    assert np.array_equal(model.transform(plain), model.transform((plain, np.ones(3))))
