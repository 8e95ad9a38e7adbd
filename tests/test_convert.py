"""Conversions: the same graph from every library, in any mix of weights, names, loops and directions; and refusals."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx._convert import convert
from graphx.data import synthetic
from graphx.errors import InputError
from graphx.graph import Graph, as_graph


@st.composite
def any_graphs(draw: st.DrawFn) -> Graph:
    """Directed or not, with or without weights, loops, names and lonely nodes."""
    n = draw(st.integers(1, 6))
    directed, weighted = draw(st.booleans()), draw(st.booleans())
    pairs = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=10, unique=True))
    if not directed:
        pairs = list({(min(p), max(p)): None for p in pairs})
    weights = [draw(st.sampled_from([0.5, 2.0, -1.0, 3.25])) for _ in pairs] if weighted and pairs else None
    names = draw(
        st.sampled_from(
            [None, [f"n{i}" for i in range(n)][::-1], [7 * i - 3 for i in range(n)], [2**63 + i for i in range(n)]]
        )
    )
    u, v = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Graph.from_edges(u, v, weights, num_nodes=n, names=names, directed=directed)


@given(any_graphs())
@settings(max_examples=80)
def test_there_and_back_by_networkx(graph: Graph) -> None:
    there = graph.to_networkx()
    back = Graph.from_networkx(there)
    directed = there.is_directed()
    assert directed == (not graph.is_undirected) and there.number_of_nodes() == graph.num_nodes
    assert back == graph
    again = Graph.from_networkx(nx.MultiDiGraph(there) if directed else nx.MultiGraph(there))
    assert again == graph


@given(any_graphs())
@settings(max_examples=60)
def test_there_and_back_by_igraph_and_scipy(graph: Graph) -> None:
    pytest.importorskip("igraph")
    plain = graph.without_names()
    assert Graph.from_igraph(plain.to_igraph()) == plain
    for made in (plain.to_scipy(), sp.coo_array(plain.to_scipy()), sp.csc_matrix(plain.to_scipy())):
        found = Graph.from_scipy(made, weighted=graph.is_weighted, explicit_zeros="keep")
        assert found == plain
    dense = convert(plain.to_scipy().toarray())
    assert np.array_equal(dense.to_scipy().toarray(), plain.to_scipy().toarray())


@given(any_graphs())
@settings(max_examples=40)
def test_matrices_that_are_handed_out_share_nothing(graph: Graph) -> None:
    before = graph.digest
    matrix = graph.to_scipy()
    matrix.data[:] = 5
    matrix.indices[:] = 0
    assert Graph(graph.indptr, graph.indices, graph.weights).digest == before


# -- nodes of networkx -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "names"),
    [
        ([0, 1, 2], None),
        ([2, 0, 1], None),  # the integers 0..2 are their own rows, in whatever order
        ([1, 2, 3], [1, 2, 3]),
        ([-1, 5, 0], [-1, 5, 0]),
        ([2**63 + 1, 1, 0], [2**63 + 1, 1, 0]),
        ([2**63, -1, 0], ["9223372036854775808", "-1", "0"]),  # no 64 bits hold both
        ([2**70, 1, 0], [str(2**70), "1", "0"]),
        ([True, 0, 2], ["True", "0", "2"]),
        (["a", 1, (2, 3)], ["a", "1", "(2, 3)"]),
        ([np.int64(4), 5, np.uint8(6)], [4, 5, 6]),
    ],
)
def test_names_of_nodes(nodes: list[Any], names: list[Any] | None) -> None:
    there = nx.Graph()
    there.add_nodes_from(nodes)
    there.add_edge(nodes[0], nodes[2])
    made = Graph.from_networkx(there)
    rows = {node: number for number, node in enumerate(nodes if names is not None else range(3))}
    if names is None:
        assert made.names is None
    else:
        assert made.names is not None and list(made.names) == names
    assert sorted(zip(*made.to_scipy().nonzero(), strict=True)) == sorted(
        [(rows[nodes[0]], rows[nodes[2]]), (rows[nodes[2]], rows[nodes[0]])]
    )


def test_nodes_of_one_text_are_refused() -> None:
    with pytest.raises(InputError, match="the name '1' is that of two nodes"):
        Graph.from_networkx(nx.Graph([(1, "1")]))


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ([1, 2], [1.0, 2.0]),
        ([1, 2.5], [1.0, 2.5]),
        ([True, False], [1.0, 0.0]),
        ([2**53, -(2**60)], [2.0**53, -(2.0**60)]),
    ],
)
def test_weights_of_edges(weights: list[Any], found: list[float]) -> None:
    there = nx.DiGraph()
    there.add_weighted_edges_from([(0, 1, weights[0]), (1, 2, weights[1])])
    assert Graph.from_networkx(there).weights.tolist() == found  # type: ignore[union-attr]
    assert Graph.from_networkx(there, weight=None).weights is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([2**53 + 1, 1], "integer weights beyond 2\\^53"),
        ([2**64 - 1, 1], "integer weights beyond 2\\^53"),
        ([2**80, 1], "expected one dimension of real numbers"),
        ([None, 1.0], "1 of 2 edges lack the attribute 'weight'; expected all or none: set it, or pass weight=None"),
        (["heavy", "light"], "holds something that is no number"),
        ([1j, 2], "holds something that is no number"),
        ([float("nan"), 1.0], "weight nan at position 0"),
        ([[1], [2]], "expected one dimension of real numbers"),
    ],
)
def test_weights_of_edges_that_are_none(weights: list[Any], message: str) -> None:
    there = nx.DiGraph()
    there.add_edge(0, 1, weight=weights[0])
    there.add_edge(1, 2, weight=weights[1])
    with pytest.raises(InputError, match=message):
        Graph.from_networkx(there)


def test_parallel_edges_by_every_rule() -> None:
    there = nx.MultiGraph()
    there.add_weighted_edges_from([(0, 1, 2.0), (0, 1, 3.0), (1, 2, 1.0)])
    with pytest.raises(InputError, match="comes more than once"):
        Graph.from_networkx(there)
    with pytest.raises(InputError, match="comes with weights 2 and 3"):
        Graph.from_networkx(there, duplicates="merge")
    assert Graph.from_networkx(there, duplicates="sum").weights.tolist() == [5.0, 5.0, 1.0, 1.0]  # type: ignore[union-attr]
    plain = Graph.from_networkx(there, weight=None, duplicates="sum")
    assert plain.num_edges == 2 and plain.report.duplicates_merged == 1


# -- matrices ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.array([["a", "b"], ["c", "d"]]), "the array holds <U1; expected real numbers: convert it"),
        (np.array([[None, 1], [1, None]]), "the array holds object; expected real numbers"),
        (np.array([[0, 1], [1, 0]], dtype=object), "the array holds object"),
        (np.array([["2020-01-01"]], dtype="M8[D]"), "the array holds datetime64"),
        (np.array([[0, 1j], [1j, 0]]), r"the matrix holds complex128; expected real numbers: pass abs\(matrix\)"),
        (np.array([[0, np.nan], [1, 0]]), "weight nan"),
        (np.zeros((2, 2, 2)), r"the array has shape \(2, 2, 2\); expected a square adjacency matrix"),
        (np.zeros((2, 3)), r"Graph.from_edges\(edge_index\[0\], edge_index\[1\]\)"),
        (np.zeros(4), r"the array has shape \(4,\)"),
        (sp.csr_array((2, 3)), r"the matrix has shape \(2, 3\); expected a square adjacency matrix"),
        (object(), "got a builtins.object; expected a graphx.Graph"),
        (None, "got a builtins.NoneType"),
    ],
)
def test_what_is_no_graph(matrix: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        as_graph(matrix)


@pytest.mark.parametrize("kind", [bool, np.int8, np.uint16, np.float16, np.float32, np.float64])
def test_matrices_of_any_real_type(kind: Any) -> None:
    A = np.array([[0, 1, 0], [1, 0, 2], [0, 2, 0]]).astype(kind)
    made = as_graph(A)
    assert made.is_weighted == (kind is not bool)
    assert np.array_equal(made.to_scipy().toarray(), A.astype(float))


def test_zeros_that_are_stored_by_every_rule() -> None:
    matrix = sp.coo_array(([0.0, 2.0, 2.0], ([0, 1, 2], [1, 2, 1])), shape=(3, 3))
    with pytest.raises(InputError, match=r"stores 1 explicit zeros, the first at \(0, 1\)"):
        Graph.from_scipy(matrix)
    dropped, kept = (Graph.from_scipy(matrix, explicit_zeros=rule) for rule in ("drop", "keep"))  # type: ignore[arg-type]
    assert dropped.num_edges == 1 and dropped.report.zeros_dropped == 1 and dropped.report.edges_read == 3
    assert kept.indices.tolist() == [1, 2, 1] and kept.weights.tolist() == [0.0, 2.0, 2.0]  # type: ignore[union-attr]
    assert Graph.from_scipy(matrix, explicit_zeros="keep", weighted=False).report.weights_dropped


def test_sub_classes_are_known_by_their_base() -> None:
    class Mine(nx.Graph):
        pass

    assert as_graph(Mine([(0, 1)])).num_edges == 1
    graph = synthetic.path(3)
    assert as_graph(graph) is graph
