"""Graph: what the door checks, and what conversions keep."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import graphx.graph
from graphx.errors import CapacityError, InputError, MissingDependencyError
from graphx.graph import CleaningReport, Graph, as_graph


@pytest.fixture(scope="module")
def pyg() -> None:
    """PyG, imported once with its own deprecation warnings silent."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch_geometric  # noqa: F401


quick = settings(deadline=None, max_examples=60)


@st.composite
def edge_arrays(draw: st.DrawFn, max_nodes: int = 12, weighted: bool = False) -> tuple[int, Any, Any, Any]:
    n = draw(st.integers(1, max_nodes))
    node = st.integers(0, n - 1)
    pairs = draw(st.lists(st.tuples(node, node), max_size=40))
    u = np.array([p[0] for p in pairs], dtype=np.int64)
    v = np.array([p[1] for p in pairs], dtype=np.int64)
    w = None
    if weighted:
        w = np.array(draw(st.lists(st.integers(-5, 9), min_size=len(pairs), max_size=len(pairs))), dtype=np.float64)
    return n, u, v, w


def dense(graph: Graph) -> np.ndarray:
    out = np.zeros((graph.num_nodes, graph.num_nodes))
    for row in range(graph.num_nodes):
        for at in range(graph.indptr[row], graph.indptr[row + 1]):
            out[row, graph.indices[at]] = 1 if graph.weights is None else graph.weights[at]
    return out


# -- from_edges ------------------------------------------------------------------------------------------------------


def test_a_triangle_by_hand() -> None:
    g = Graph.from_edges([2, 0, 1], [0, 1, 2])
    assert g.indptr.tolist() == [0, 2, 4, 6]
    assert g.indices.tolist() == [1, 2, 0, 2, 0, 1]
    assert (g.num_nodes, g.num_edges, g.max_degree) == (3, 3, 2)
    assert g.indptr.dtype == np.int64
    assert g.indices.dtype == np.int32
    assert g.degrees().tolist() == [2, 2, 2]
    assert g.degrees().dtype == np.int64
    assert g.is_undirected
    assert not g.has_self_loops
    assert not g.is_weighted
    assert g.report == CleaningReport(edges_read=3)
    assert g.report.is_clean
    assert repr(g) == "Graph(num_nodes=3, num_edges=3, undirected)"


@quick
@given(edge_arrays(), st.booleans())
def test_merging_equals_a_set_of_pairs(case: tuple[int, Any, Any, Any], directed: bool) -> None:
    n, u, v, _ = case
    g = Graph.from_edges(u, v, num_nodes=n, directed=directed, duplicates="merge")
    pairs = set(zip(u.tolist(), v.tolist(), strict=True))
    both = pairs if directed else pairs | {(b, a) for a, b in pairs}
    found = {(r, int(c)) for r in range(n) for c in g.indices[g.indptr[r] : g.indptr[r + 1]]}
    assert found == both
    assert g.indices.size == len(both)
    distinct = pairs if directed else {(min(p), max(p)) for p in pairs}
    assert g.report.duplicates_merged == len(u) - len(distinct)
    assert g.num_self_loops == sum(a == b for a, b in pairs)
    if not directed:
        assert g.is_undirected
        assert g.num_edges == len(distinct)
    Graph(g.indptr, g.indices)  # passes every check of the constructor


@quick
@given(edge_arrays(weighted=True), st.booleans())
def test_sum_equals_dense_addition(case: tuple[int, Any, Any, Any], directed: bool) -> None:
    n, u, v, w = case
    g = Graph.from_edges(u, v, w, num_nodes=n, directed=directed, duplicates="sum", self_loops="drop")
    expected = np.zeros((n, n))
    for a, b, x in zip(u, v, w, strict=True):
        if a != b:
            expected[a, b] += x
            if not directed:
                expected[b, a] += x
    assert np.array_equal(dense(g), expected)
    assert g.report.self_loops_dropped == int((u == v).sum())


@pytest.mark.parametrize("n", [300, 100_000, 5_000_000])  # the three ways to finish rows
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("directed", [False, True])
def test_same_bits_for_any_number_of_threads(n: int, weighted: bool, directed: bool) -> None:
    rng = np.random.default_rng(n)
    u, v = rng.integers(0, n, (2, 200_000))
    w = rng.random(u.size) if weighted else None
    made = [
        Graph.from_edges(
            u, v, w, num_nodes=n, directed=directed, duplicates="sum" if weighted else "merge", num_threads=threads
        )
        for threads in (1, 2, 3, 7)
    ]
    assert len({g.digest for g in made}) == 1
    codes = np.concatenate([u * n + v] if directed else [u * n + v, v * n + u])
    expected = np.unique(codes)
    rows = np.repeat(np.arange(n), made[0].degrees())
    assert np.array_equal(rows * n + made[0].indices, expected)


def test_a_hub_in_one_bucket() -> None:
    n = 100_000
    g = Graph.from_edges(np.zeros(n - 1, dtype=np.int64), np.arange(n - 1, 0, -1))
    assert g.degrees()[0] == n - 1
    assert g.max_degree == n - 1
    assert np.array_equal(g.indices[: n - 1], np.arange(1, n))


def test_columns_that_share_their_upper_bits() -> None:
    """Neighbours close by, in random order: the almost-sorted rows of the fast path are not sorted at all."""
    n, reach = 200_000, 20
    u = np.repeat(np.arange(n - reach), reach)
    v = u + np.tile(np.arange(1, reach + 1), n - reach)
    order = np.random.default_rng(0).permutation(u.size)
    g = Graph.from_edges(u[order], v[order], num_nodes=n, num_threads=2)
    assert g == Graph.from_scipy(sp.coo_array((np.ones(2 * u.size), (np.r_[u, v], np.r_[v, u])), shape=(n, n)).tocsr())
    Graph(g.indptr, g.indices)


def test_empty_and_tiny_graphs() -> None:
    for graph in (Graph.from_edges([], []), Graph(np.zeros(1, np.int64), np.zeros(0, np.int32))):
        assert (graph.num_nodes, graph.num_edges, graph.max_degree) == (0, 0, 0)
        assert graph.is_undirected
        assert graph.degrees().tolist() == []
    one = Graph.from_edges([], [], num_nodes=1)
    assert (one.num_nodes, one.num_edges) == (1, 0)
    loop = Graph.from_edges([0], [0])
    assert (loop.num_nodes, loop.num_edges, loop.num_self_loops, loop.indices.tolist()) == (1, 1, 1, [0])
    assert Graph.from_edges([], [], num_nodes=4).degrees().tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"sources": [0], "targets": [1, 2]}, "1 sources and 2 targets"),
        ({"sources": [0, -3], "targets": [1, 2]}, "node number -3; expected 0..N-1"),
        ({"sources": [0], "targets": [2**40]}, "1099511627776; expected at most 2\\^31 - 2.*names="),
        ({"sources": np.array([2**63], dtype=np.uint64), "targets": [0]}, "expected at most 2\\^31 - 2"),
        ({"sources": [0.0], "targets": [1]}, "float64; expected one dimension of integers"),
        ({"sources": ["a"], "targets": ["b"]}, "expected one dimension of integers"),
        ({"sources": [[0]], "targets": [[1]]}, "shape \\(1, 1\\)"),
        (
            {"sources": [0], "targets": [5], "num_nodes": 3},
            "node number 5; expected below num_nodes=3: raise num_nodes",
        ),
        ({"sources": [0], "targets": [1], "num_nodes": -1}, "num_nodes is -1"),
        ({"sources": [0, 1], "targets": [1, 0]}, r"edge \(0, 1\), in either direction, comes more than once.*'merge'"),
        ({"sources": [0, 0], "targets": [1, 1], "directed": True}, r"edge \(0, 1\) comes more than once"),
        ({"sources": [1], "targets": [1], "self_loops": "error"}, r"\(1, 1\) is a self-loop; pass self_loops='drop'"),
        ({"sources": [0], "targets": [1], "weights": [np.nan]}, "weight nan at position 0; expected finite"),
        ({"sources": [0], "targets": [1], "weights": [np.inf]}, "weight inf"),
        ({"sources": [0], "targets": [1], "weights": [1.0, 2.0]}, "2 weights for 1 edges"),
        ({"sources": [0], "targets": [1], "weights": [1j]}, "complex128; expected one dimension of real numbers"),
        ({"sources": [0], "targets": [1], "weights": [2**53 + 1]}, "beyond 2\\^53"),
        (
            {"sources": [0, 1], "targets": [1, 0], "weights": [1, 2], "duplicates": "merge"},
            "weights 1 and 2.*duplicates='sum'",
        ),
        ({"sources": [0], "targets": [1], "duplicates": "sum"}, "without weights"),
        ({"sources": [0], "targets": [1], "duplicates": "first"}, "duplicates='first'"),
        ({"sources": [0], "targets": [1], "names": ["a"]}, "node number 1; expected below num_nodes=1"),
        ({"sources": [0], "targets": [1], "names": ["a", "a"]}, "the name 'a' is that of two nodes"),
        ({"sources": [0], "targets": [1], "names": [7, 7]}, "an integer id names two nodes"),
        ({"sources": [0], "targets": [1], "names": "ab"}, "names is the string 'ab'"),
        ({"sources": [0], "targets": [1], "names": ["a", 2.5]}, "the name 2.5 is a float"),
        ({"sources": [0], "targets": [1], "names": ["a", "b"], "num_nodes": 3}, "2 names and num_nodes=3"),
        ({"sources": [0], "targets": [1], "num_threads": 0}, "num_threads is 0; expected a positive integer"),
    ],
)
def test_from_edges_refuses(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Graph.from_edges(**kwargs)
    assert "\n" not in str(caught.value)


def test_too_many_nodes_is_a_capacity_error() -> None:
    with pytest.raises(CapacityError, match="2\\^31 - 1"):
        Graph.from_edges([0], [1], num_nodes=2**31)


def test_negative_zero_weight_has_the_bits_of_zero() -> None:
    assert Graph.from_edges([0], [1], [-0.0]).digest == Graph.from_edges([0], [1], [0.0]).digest


# -- the constructor -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("indptr", "indices", "message"),
    [
        ([], [], "indptr is empty"),
        ([1, 1], [], "indptr begins with 1; expected 0"),
        ([0, 2, 1], [0, 1], "indptr falls from 2 to 1 at position 2"),
        ([0, 1], [0, 0], "indptr ends with 1, and indices has 2 entries"),
        ([0, 1], [1], "row 0 holds node 1; expected 0..0"),
        ([0, 1], [-1], "row 0 holds node -1"),
        ([0, 2, 2], [1, 0], "row 0 holds node 0 after a larger one; expected ascending"),
        ([0, 2, 2], [1, 1], "row 0 holds node 1 twice"),
    ],
)
def test_constructor_refuses(indptr: list[int], indices: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Graph(np.array(indptr, dtype=np.int64), np.array(indices, dtype=np.int32))


def test_constructor_wants_exact_types() -> None:
    indptr, indices = np.array([0, 1, 2]), np.array([1, 0], dtype=np.int32)
    with pytest.raises(InputError, match="indices is int64; expected int32"):
        Graph(indptr, indices.astype(np.int64))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="indptr is int32; expected int64"):
        Graph(indptr.astype(np.int32), indices)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="indptr is a list"):
        Graph([0, 1, 2], indices)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="weights is float32"):
        Graph(indptr, indices, np.ones(2, np.float32))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="3 weights for 2"):
        Graph(indptr, indices, np.ones(3))
    with pytest.raises(InputError, match="1 names for 2 nodes"):
        Graph(indptr, indices, names=["a"])


def test_immutable() -> None:
    g = Graph.from_edges([0], [1], [2.0], names=np.array([5, 9]))
    for array in (g.indptr, g.indices, g.weights, g.names):
        assert isinstance(array, np.ndarray)
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
    with pytest.raises(AttributeError):
        g.indices = g.indices  # type: ignore[misc]


def test_equality_hash_pickle_and_digest() -> None:
    g = Graph.from_edges([0, 1], [1, 2], [1.5, 2.5], names=["a", "b", "c"])
    twin = pickle.loads(pickle.dumps(g))
    assert twin == g
    assert hash(twin) == hash(g)
    assert twin.digest == g.digest
    assert twin.report == g.report
    assert g.digest.startswith("sha256:")
    assert len(g.digest) == 71
    assert g != g.without_names()
    assert g.digest == g.without_names().digest
    assert g.without_weights().digest != g.digest
    assert Graph.from_edges([0], [1]).digest != Graph.from_edges([0], [1], num_nodes=3).digest
    # Fixed for ever: stored results are recognised by it.
    assert Graph.from_edges([0], [1]).digest == (
        "sha256:0e8c7845bdf2f660670ebaf2ba1600392e7913a9fcaa2f4ff709ddb16170e080"
    )
    assert g != "g"


# -- made from a graph -----------------------------------------------------------------------------------------------


@quick
@given(edge_arrays())
def test_to_undirected_adds_the_transpose(case: tuple[int, Any, Any, Any]) -> None:
    n, u, v, _ = case
    g = Graph.from_edges(u, v, num_nodes=n, directed=True, duplicates="merge")
    both = g.to_undirected()
    expected = np.maximum(dense(g), dense(g).T)
    assert np.array_equal(dense(both), expected)
    assert both.is_undirected
    assert both.report.symmetrised == int(expected.sum() - dense(g).sum())
    assert g.is_undirected == np.array_equal(dense(g), dense(g).T)
    assert g.num_edges == (both.num_edges if g.is_undirected else g.indices.size)


def test_to_undirected_with_weights() -> None:
    g = Graph.from_edges([0, 1, 1], [1, 0, 2], [2.0, 3.0, 4.0], directed=True)
    assert not g.is_undirected
    with pytest.raises(InputError, match=r"\(0, 1\).*weights 2 and 3"):
        g.to_undirected()
    summed = g.to_undirected(duplicates="sum")
    assert dense(summed).tolist() == [[0, 5, 0], [5, 0, 4], [0, 4, 0]]
    even = Graph.from_edges([0, 1], [1, 0], [2.0, 3.0], directed=True)
    assert not even.is_undirected  # the pattern is symmetric, the weights are not


@quick
@given(edge_arrays(weighted=True))
def test_without_self_loops(case: tuple[int, Any, Any, Any]) -> None:
    n, u, v, w = case
    g = Graph.from_edges(u, v, w, num_nodes=n, duplicates="sum")
    bare = g.without_self_loops()
    expected = dense(g)
    np.fill_diagonal(expected, 0)
    assert np.array_equal(dense(bare), expected)
    assert bare.num_self_loops == 0
    assert bare.report.self_loops_dropped == g.num_self_loops


# -- other libraries -------------------------------------------------------------------------------------------------


@quick
@given(edge_arrays(weighted=True), st.sampled_from(["csr", "csc", "coo", "lil", "dok", "bsr"]))
def test_scipy_round_trip(case: tuple[int, Any, Any, Any], fmt: str) -> None:
    n, u, v, w = case
    g = Graph.from_edges(u, v, np.abs(w) + 1.5, num_nodes=n, directed=True, duplicates="sum")
    back = Graph.from_scipy(g.to_scipy().asformat(fmt), weighted=True)
    assert back == g
    plain = g.without_weights()
    assert Graph.from_scipy(plain.to_scipy().asformat(fmt)) == plain
    assert np.array_equal(g.to_scipy().toarray(), dense(g))


def test_from_scipy_refuses_what_it_would_have_to_guess() -> None:
    coo = sp.coo_array
    with pytest.raises(InputError, match="expected a square adjacency matrix"):
        Graph.from_scipy(sp.csr_array((2, 3)))
    with pytest.raises(InputError, match="got a ndarray"):
        Graph.from_scipy(np.eye(2))
    zeros = coo(([1.0, 0.0], ([0, 1], [1, 0])), shape=(2, 2))
    with pytest.raises(InputError, match=r"1 explicit zeros, the first at \(1, 0\).*explicit_zeros='drop'"):
        Graph.from_scipy(zeros)
    dropped = Graph.from_scipy(zeros, explicit_zeros="drop")
    assert dropped.indices.tolist() == [1]
    assert dropped.report.zeros_dropped == 1
    assert not dropped.is_undirected
    kept = Graph.from_scipy(zeros, explicit_zeros="keep")
    assert kept.weights is not None
    assert kept.weights.tolist() == [1.0, 0.0]
    twice = coo(([1, 1], ([0, 0], [1, 1])), shape=(2, 2))
    with pytest.raises(InputError, match="comes more than once"):
        Graph.from_scipy(twice)
    assert Graph.from_scipy(twice, duplicates="merge").report.duplicates_merged == 1
    with pytest.raises(InputError, match="weight nan"):
        Graph.from_scipy(sp.csr_array(np.array([[0, np.nan], [1, 0]])))
    with pytest.raises(InputError, match="complex128; expected real numbers"):
        Graph.from_scipy(sp.csr_array(np.array([[0, 1j], [1, 0]])))


def test_from_scipy_asymmetric_signed_and_unsorted() -> None:
    asymmetric = sp.csr_array(np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]]))
    assert not Graph.from_scipy(asymmetric).is_undirected
    both = Graph.from_scipy(asymmetric, symmetrize=True)
    assert both.is_undirected
    assert both.num_edges == 2
    assert both.report.symmetrised == 2
    signed = Graph.from_scipy(sp.csr_array(np.array([[0, -1], [-1, 0]])))
    assert signed.weights is not None
    assert signed.weights.tolist() == [-1.0, -1.0]
    unsorted = sp.csr_array((np.ones(3), np.array([2, 1, 0]), np.array([0, 2, 3, 3])), shape=(3, 3))
    assert Graph.from_scipy(unsorted).indices.tolist() == [1, 2, 0]
    assert Graph.from_scipy(sp.csr_array(np.array([[0, 3], [3, 0]])), weighted=False).report.weights_dropped


@quick
@given(edge_arrays(weighted=True), st.booleans(), st.sampled_from(["none", "text", "integers"]))
def test_networkx_and_igraph_round_trips(case: tuple[int, Any, Any, Any], directed: bool, naming: str) -> None:
    n, u, v, w = case
    names: Any = {"none": None, "text": [f"v{i}" for i in range(n)], "integers": np.arange(n) * 7 + 3}[naming]
    g = Graph.from_edges(u, v, w, num_nodes=n, directed=directed, duplicates="sum", names=names)
    weighted = g.indices.size > 0  # without an edge nothing tells
    expected = g if weighted else g.without_weights()
    other = g.to_networkx()
    assert other.number_of_nodes() == n
    assert other.number_of_edges() == g.num_edges
    assert Graph.from_networkx(other) == expected
    assert Graph.from_networkx(g.without_weights().to_networkx()) == g.without_weights()
    igraph = pytest.importorskip("igraph")
    assert isinstance(g.to_igraph(), igraph.Graph)
    assert Graph.from_igraph(g.to_igraph()) == expected
    assert as_graph(g.to_igraph()) == expected


@pytest.mark.usefixtures("pyg")
@settings(deadline=None, max_examples=25)
@given(edge_arrays(weighted=True), st.booleans())
def test_pyg_round_trip(case: tuple[int, Any, Any, Any], directed: bool) -> None:
    n, u, v, w = case
    g = Graph.from_edges(u, v, w, num_nodes=n, directed=directed, duplicates="sum")
    data = g.to_pyg()
    assert list(data.edge_index.shape) == [2, g.indices.size]
    assert str(data.edge_index.dtype) == "torch.int64"
    assert data.num_nodes == n
    assert Graph.from_pyg(data) == g
    assert as_graph(data) == g
    assert Graph.from_pyg(g.without_weights().to_pyg()) == g.without_weights()


@pytest.mark.usefixtures("pyg")
def test_from_pyg_refuses() -> None:
    import torch
    from torch_geometric.data import Data

    with pytest.raises(InputError, match="no edge_index"):
        Graph.from_pyg(Data(num_nodes=3))
    with pytest.raises(InputError, match=r"shape \[3\]; expected \[2, E\]"):
        Graph.from_pyg(Data(edge_index=torch.tensor([0, 1, 2]), num_nodes=3))
    twice = Data(edge_index=torch.tensor([[0, 0], [1, 1]]), num_nodes=2)
    with pytest.raises(InputError, match="comes more than once"):
        Graph.from_pyg(twice)
    assert Graph.from_pyg(twice, duplicates="merge").indices.tolist() == [1]


def test_from_networkx_kinds() -> None:
    shuffled = nx.Graph([(2, 0), (0, 1)])
    g = Graph.from_networkx(shuffled)
    assert g.names is None
    assert g.indices.tolist() == [1, 2, 0, 0]
    multi = nx.MultiGraph([("a", "b"), ("a", "b")])
    with pytest.raises(InputError, match="more than once"):
        Graph.from_networkx(multi)
    assert Graph.from_networkx(multi, duplicates="merge").num_edges == 1
    grid = Graph.from_networkx(nx.grid_2d_graph(2, 2))
    assert grid.names == ("(0, 0)", "(0, 1)", "(1, 0)", "(1, 1)")
    assert grid.num_edges == 4
    partly = nx.Graph([(0, 1, {"weight": 2}), (1, 2)])
    with pytest.raises(InputError, match="1 of 2 edges lack the attribute 'weight'"):
        Graph.from_networkx(partly)
    assert not Graph.from_networkx(partly, weight=None).is_weighted
    with pytest.raises(InputError, match="holds something that is no number"):
        Graph.from_networkx(nx.Graph([(0, 1, {"weight": "heavy"})]))
    with pytest.raises(InputError, match="the name '1' is that of two nodes"):
        Graph.from_networkx(nx.Graph([(1, "1")]))
    assert Graph.from_networkx(nx.Graph()).num_nodes == 0


def test_as_graph() -> None:
    g = Graph.from_edges([0, 1], [1, 2])
    assert as_graph(g) is g
    for other in (g.to_scipy(), sp.csr_matrix(g.to_scipy()), dense(g), dense(g).astype(bool), g.to_networkx()):
        assert as_graph(other) == g
    assert as_graph("karate").num_edges == 78
    with pytest.raises(InputError, match=r"builtins.int; expected a graphx.Graph"):
        as_graph(3)
    with pytest.raises(InputError, match=r"shape \(2, 5\); expected a square.*from_edges"):
        as_graph(np.zeros((2, 5)))


def test_igraph_missing_tells_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "igraph", None)
    with pytest.raises(MissingDependencyError, match="pip install igraph"):
        Graph.from_edges([0], [1]).to_igraph()


def test_report_summary() -> None:
    report = CleaningReport("g.txt", 9, 1, "source,target", 7, 1, 2, 1, 3, "text", "g.txt:4:1", True)
    assert report.summary() == (
        "g.txt: 7 edges read (1 comment or blank line skipped); header line 'source,target' skipped; "
        "1 duplicate merged; 2 self-loops dropped; 1 explicit zero dropped; 3 one-way entries symmetrised; "
        "ids read as text (first at g.txt:4:1); weights left out as asked"
    )
    assert not report.is_clean
    assert CleaningReport(relabelled="integers").summary() == (
        "0 edges read; integer ids are not 0..N-1 and were kept as names"
    )


def test_the_door_imports_no_torch() -> None:
    code = (
        "import sys, graphx, graphx.graph, graphx.data; graphx.data.load_graph('karate'); "
        "print([m for m in ('torch', 'torch_geometric', 'networkx', 'scipy', 'pandas') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_wide_weights_and_two_dimensions_are_refused() -> None:
    with pytest.raises(InputError, match="expected at most 64 bits: convert them with"):
        Graph.from_edges([0], [1], np.ones(1, np.longdouble))
    with pytest.raises(InputError, match=r"indptr has shape \(1, 2\); expected one dimension"):
        Graph(np.array([[0, 0]]), np.zeros(0, np.int32))


def test_more_nodes_than_32_bits_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphx.graph, "MAX_NODES", 2)
    assert Graph(np.zeros(3, np.int64), np.zeros(0, np.int32)).num_nodes == 2
    with pytest.raises(CapacityError, match=r"3 nodes; expected at most 2\^31 - 1"):
        Graph(np.zeros(4, np.int64), np.zeros(0, np.int32))


def test_igraph_keeps_weights() -> None:
    igraph = pytest.importorskip("igraph")
    made = Graph.from_edges([0, 1], [1, 2], [0.5, 2.0]).to_igraph()
    assert isinstance(made, igraph.Graph) and made.es["weight"] == [0.5, 2.0]
