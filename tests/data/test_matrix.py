"""Matrix Market, .npz, .mat and GraphML: round trips, foreign files, and files that are not sound."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphx.data import read_edgelist, write_edgelist
from graphx.errors import FormatError, InputError
from graphx.graph import Graph

BANNER = "%%MatrixMarket matrix coordinate"


@st.composite
def graphs(draw: st.DrawFn, names: bool) -> Graph:
    n = draw(st.integers(2, 9))
    pairs = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=25, unique=True))
    directed = draw(st.booleans())
    if not directed:
        pairs = sorted({(min(p), max(p)) for p in pairs})
    u = np.array([p[0] for p in pairs], dtype=np.int64)
    v = np.array([p[1] for p in pairs], dtype=np.int64)
    w = None
    if pairs and draw(st.booleans()):
        number = st.floats(allow_nan=False, allow_infinity=False, width=64).filter(lambda x: x not in (0.0, 1.0))
        w = draw(st.lists(number, min_size=len(pairs), max_size=len(pairs)))
    labels: Any = None
    if names and draw(st.booleans()):
        text = st.text(
            st.characters(exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp"), max_codepoint=0xFFFF), max_size=6
        )
        labels = draw(st.lists(text.map(lambda s: f"n{s}."), min_size=n, max_size=n, unique=True))
    elif names and draw(st.booleans()):
        labels = np.array(sorted(draw(st.lists(st.integers(n, 2**59), min_size=n, max_size=n, unique=True))))
    return Graph.from_edges(u, v, w, num_nodes=n, names=labels, directed=directed)


@pytest.mark.parametrize("ending", [".mtx", ".mtx.gz", ".npz", ".mat", ".graphml", ".graphml.gz"])
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_write_then_read(tmp_path: Path, ending: str, data: st.DataObject) -> None:
    g = data.draw(graphs(names=not ending.startswith(".mtx")))
    path = tmp_path / f"round{ending}"
    write_edgelist(g, path)
    back = read_edgelist(path, directed=not g.is_undirected, self_loops="keep")
    assert back == g
    assert back.report.source == str(path)
    assert back.report.duplicates_merged == 0


def test_others_read_what_we_write(tmp_path: Path) -> None:
    g = Graph.from_edges([0, 1, 1], [1, 2, 3], [0.1, 2.0, -3.0], names=["a", "b", "c", "d"])
    write_edgelist(g, tmp_path / "g.npz")
    assert (sp.load_npz(tmp_path / "g.npz") != g.to_scipy()).nnz == 0
    write_edgelist(g, tmp_path / "g.mat")
    content = scipy.io.loadmat(tmp_path / "g.mat")
    assert (sp.csr_array(content["network"]) != g.to_scipy()).nnz == 0
    assert [x.item() for x in content["names"].ravel()] == ["a", "b", "c", "d"]
    write_edgelist(g.without_names(), tmp_path / "g.mtx")
    assert (sp.csr_array(scipy.io.mmread(tmp_path / "g.mtx")) != g.to_scipy()).nnz == 0
    write_edgelist(g, tmp_path / "g.graphml")
    assert nx.utils.edges_equal(
        nx.read_graphml(tmp_path / "g.graphml").edges(data=True), g.to_networkx().edges(data=True)
    )


def _mtx(tmp_path: Path, text: str, name: str = "g.mtx", **options: Any) -> Graph:
    path = tmp_path / name
    path.write_text(text)
    return read_edgelist(path, **options)


def test_mtx_kinds(tmp_path: Path) -> None:
    symmetric = _mtx(tmp_path, f"{BANNER} pattern symmetric\n% c\n3 3 2\n2 1\n3 2\n")
    assert symmetric.indices.tolist() == [1, 0, 2, 1]
    assert not symmetric.is_weighted
    assert symmetric.report.symmetrised == 0
    general = _mtx(tmp_path, f"{BANNER} pattern general\n3 3 2\n1 2\n2 3\n")
    assert general.indices.tolist() == [1, 0, 2, 1]
    assert general.report.symmetrised == 2
    directed = _mtx(tmp_path, f"{BANNER} integer general\n3 3 2\n1 2 5\n3 3 1\n", directed=True, self_loops="keep")
    assert directed.weights is not None
    assert directed.weights.tolist() == [5.0, 1.0]
    loops = _mtx(tmp_path, f"{BANNER} real symmetric\n2 2 2\n1 1 4\n2 1 1\n")
    assert loops.report.self_loops_dropped == 1
    assert loops.num_edges == 1
    dense = _mtx(tmp_path, "%%MatrixMarket matrix array real general\n2 2\n0\n1\n1\n0\n")
    assert dense.num_edges == 1
    assert _mtx(tmp_path, f"{BANNER} pattern symmetric\n3 3 1\n2 1\n", name="told-by-its-first-line.txt").num_nodes == 3


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (
            f"{BANNER} real general\n2 2 2\n1 2 0\n2 1 3\n",
            {},
            "1 explicit zeros, the first at (0, 1); pass explicit_zeros=",
        ),
        (f"{BANNER} real general\n2 2 2\n1 2 1\n1 2 3\n", {}, "comes with weights 1 and 3; expected equal ones"),
        (f"{BANNER} pattern general\n2 2 2\n1 2\n1 2\n", {"duplicates": "error"}, "comes more than once"),
        (f"{BANNER} real general\n2 2 2\n1 2 1\n2 1 3\n", {}, "in either direction, comes with weights 1 and 3"),
        (f"{BANNER} real general\n2 3 1\n1 2 1\n", {}, "shape (2, 3); expected a square"),
        (f"{BANNER} complex general\n2 2 1\n1 2 1 1\n", {}, "complex128; expected real numbers"),
        (f"{BANNER} real general\n2 2 1\n1 2 nan\n", {}, "weight nan"),
        (f"{BANNER} real general\n2 2 5\n1 2 1\n", {}, "not a sound Matrix Market file"),
        (f"{BANNER} real general\n2 2 1\n1 7 1\n", {}, "not a sound Matrix Market file"),
        (
            f"{BANNER} pattern general\n2 2 1\n1 2\n",
            {"weighted": True},
            "weighted=True, but the file says that there are no weights",
        ),
        (f"{BANNER} pattern general\n2 2 1\n1 2\n", {"num_nodes": 5}, "num_nodes=5 is for text"),
        ("3 3 2\n1 2\n2 3\n", {}, "g.mtx:1:1: no %%MatrixMarket line; expected one in a .mtx file: rename it to .txt"),
    ],
)
def test_bad_mtx(tmp_path: Path, text: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises((FormatError, InputError)) as caught:
        _mtx(tmp_path, text, **options)
    assert message in str(caught.value)
    assert "g.mtx" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_mtx_cleaned_when_asked(tmp_path: Path) -> None:
    zeros = _mtx(tmp_path, f"{BANNER} real general\n2 2 2\n1 2 3\n2 1 0\n", explicit_zeros="drop")
    assert zeros.report.zeros_dropped == 1
    assert zeros.weights is not None
    assert zeros.weights.tolist() == [3.0, 3.0]
    twice = _mtx(tmp_path, f"{BANNER} real general\n2 2 2\n1 2 1\n1 2 3\n", duplicates="sum")
    assert twice.weights is not None
    assert twice.weights.tolist() == [4.0, 4.0]
    assert twice.report.duplicates_merged == 1
    assert twice.report.symmetrised == 1


def test_truncated_gzip_of_mtx(tmp_path: Path) -> None:
    lines = "".join(f"{i + 1} {i * 7 % 5000 + 1}\n" for i in range(5000))
    packed = gzip.compress(f"{BANNER} pattern general\n5000 5000 5000\n{lines}".encode())
    (tmp_path / "g.mtx.gz").write_bytes(packed)
    assert read_edgelist(tmp_path / "g.mtx.gz").num_nodes == 5000
    (tmp_path / "g.mtx.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(FormatError, match=r"g\.mtx\.gz: "):
        read_edgelist(tmp_path / "g.mtx.gz")


def test_foreign_npz(tmp_path: Path) -> None:
    path = tmp_path / "g.npz"
    a = sp.csr_array(np.array([[0, 2.0, 0], [2.0, 0, 0], [0, 0, 0]]))
    for fmt in ("csr", "csc", "coo"):
        sp.save_npz(path, a.asformat(fmt))
        g = read_edgelist(path)
        assert g.num_nodes == 3
        assert g.weights is not None
        assert g.weights.tolist() == [2.0, 2.0]
    np.savez(path, adj_data=a.data, adj_indices=a.indices, adj_indptr=a.indptr, adj_shape=a.shape)
    assert read_edgelist(path).num_edges == 1
    np.savez(path, edge_index=np.array([[0, 1, 1], [1, 0, 2]]))
    assert read_edgelist(path).num_edges == 2
    assert read_edgelist(path, directed=True).num_edges == 3
    np.savez(path, edges=np.array([[0, 1], [1, 2], [2, 3]]), x=np.eye(2))
    assert read_edgelist(path).num_edges == 3
    np.savez(path, pairs=np.array([[0, 1], [1, 2], [2, 3]]))
    with pytest.raises(FormatError, match=r"arrays pairs; expected those of scipy.sparse.save_npz.*variable="):
        read_edgelist(path)
    assert read_edgelist(path, variable="pairs").num_edges == 3
    with pytest.raises(FormatError, match=r"pairs has shape \[4\]"):
        np.savez(path, pairs=np.arange(4))
        read_edgelist(path, variable="pairs")


def test_foreign_mat(tmp_path: Path) -> None:
    path = tmp_path / "g.mat"
    a = sp.csc_array(np.array([[0, 1.0, 0], [1.0, 0, 1], [0, 1, 0]]))
    scipy.io.savemat(path, {"net": a, "group": sp.csc_array(np.ones((3, 2)))})
    assert read_edgelist(path).num_edges == 2
    scipy.io.savemat(path, {"Problem": {"A": a, "name": "x"}})
    assert read_edgelist(path).num_edges == 2
    scipy.io.savemat(path, {"first": a, "second": a})
    with pytest.raises(FormatError, match="square matrices: first, second; expected one: choose with variable="):
        read_edgelist(path)
    assert read_edgelist(path, variable="second").num_edges == 2
    with pytest.raises(FormatError, match="no variable 'third'; expected one of first, second"):
        read_edgelist(path, variable="third")
    scipy.io.savemat(path, {"A": a.toarray(), "labels": np.eye(3)})
    assert read_edgelist(path).num_edges == 2
    scipy.io.savemat(path, {"x": np.arange(3)})
    with pytest.raises(FormatError, match="none among x; expected one"):
        read_edgelist(path)


def test_graphml(tmp_path: Path) -> None:
    path = tmp_path / "g.graphml"
    nx.write_graphml(nx.DiGraph([("b", "a"), ("a", "c")]), path)
    g = read_edgelist(path)
    assert g.names == ("b", "a", "c")
    assert g.num_edges == 2
    assert g.report.symmetrised == 2
    assert not read_edgelist(path, directed=True).is_undirected
    nx.write_graphml(nx.path_graph(4), path)
    assert read_edgelist(path).names is None
    multi = nx.MultiGraph([(5, 9), (5, 9), (9, 9)])
    nx.write_graphml(multi, path)
    g = read_edgelist(path)
    assert isinstance(g.names, np.ndarray)
    assert g.names.tolist() == [5, 9]
    assert (g.report.duplicates_merged, g.report.self_loops_dropped) == (1, 1)
    with pytest.raises(FormatError, match="no attribute 'weight'"):
        read_edgelist(path, weighted=True)


@pytest.mark.parametrize("ending", [".npz", ".mat", ".graphml", ".mtx"])
@pytest.mark.parametrize("content", [b"", b"\x00\x01garbage" * 50, b"PK\x03\x04 but no archive", b"<graphml><node/>"])
def test_files_that_are_not_sound(tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"g{ending}"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=f"g{ending}") as caught:
        read_edgelist(path)
    assert "\n" not in str(caught.value)


def test_damaged_npz_and_mat(tmp_path: Path) -> None:
    g = Graph.from_edges(np.arange(500), np.arange(1, 501))
    for ending in (".npz", ".mat"):
        path = tmp_path / f"g{ending}"
        write_edgelist(g, path)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(FormatError, match=f"g{ending}: "):
            read_edgelist(path)
