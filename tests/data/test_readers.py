"""Graphs of named data sets from small files of their layout: which node is which, what is cleaned, what is refused."""

from __future__ import annotations

import gzip
import pickle
from collections import defaultdict
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.io import savemat

from graphx.data import find_dataset, load_graph, synthetic
from graphx.data._readers import from_pairs, gowalla_pairs, lines, read_json, structure, unpickled
from graphx.data._roots import Found
from graphx.errors import FormatError, InputError
from graphx.graph import Graph


def read(folder: Path, name: str, contents: list[Any], **options: Any) -> Graph:
    """The graph of a data set whose files, in the order of its family, hold these texts (or write themselves)."""
    data = find_dataset(name)
    assert data is not None
    files = {}
    for place, content in zip(data.files, contents, strict=False):
        path = folder / place.replace("/", "_")
        if callable(content):
            with path.open("wb") as out:
                content(out)
        elif place.endswith(".gz"):
            path.write_bytes(gzip.compress(content.encode()))
        else:
            path.write_text(content)
        files[place] = path
    return structure(data, Found(folder, files), options)


def edges(graph: Graph) -> list[tuple[int, int]]:
    u, v = graph.to_scipy().nonzero()
    return [(int(a), int(b)) for a, b in zip(u, v, strict=True) if a < b or not graph.is_undirected]


def test_airports_are_numbered_in_the_order_of_their_labels(tmp_path: Path) -> None:
    """As PyG numbers them, so that labels of one and the graph of the other fit."""
    made = read(tmp_path, "usa", ["10 30\n30 20\n", "node label\n30 1\n10 0\n20 2\n"]) if find_dataset("usa") else None
    if made is None:
        name = next(n for n in ("usa-airports", "airports-usa", "brazil", "airports-brazil") if find_dataset(n))
        made = read(tmp_path, name, ["10 30\n30 20\n", "node label\n30 1\n10 0\n20 2\n"])
    assert made.num_nodes == 3 and edges(made) == [(0, 1), (0, 2)]


def test_users_come_before_items(tmp_path: Path) -> None:
    data = find_dataset("gowalla")
    assert data is not None
    (tmp_path / "train.txt").write_text("0 2 0\n1 0\n")
    made = structure(data, Found(tmp_path, {"gowalla/train.txt": tmp_path / "train.txt"}), {})
    assert made.num_nodes == data.num_nodes and edges(made) == [(0, 2), (0, 4), (1, 2)]
    assert [part.tolist() for part in gowalla_pairs(tmp_path / "train.txt")] == [[0, 0, 1], [2, 0, 0]]


def test_matrices_by_their_variable(tmp_path: Path) -> None:
    A = np.array([[0, 3, 0], [3, 0, 1], [0, 1, 5]])

    def write(out: Any) -> None:
        savemat(out, {"other": np.eye(9), "A": sp.csc_array(A)})

    made = read(tmp_path, "reed98", [write])
    assert made.num_nodes == 3 and not made.is_weighted and edges(made) == [(0, 1), (1, 2)]
    with pytest.raises(FormatError, match="no variable 'network'; expected one of other, A"):
        read(tmp_path, "blogcatalog", [write])


def test_edges_of_arrays_keep_nodes_without_any(tmp_path: Path) -> None:
    def pairs(out: Any) -> None:
        np.savez(out, edges=np.array([[0, 1], [1, 0], [1, 1]]), node_labels=np.zeros(4))

    name = next(n for n in ("chameleon-filtered", "squirrel-filtered", "roman-empire") if find_dataset(n))
    made = read(tmp_path, name, [pairs])
    assert made.num_nodes == 4 and edges(made) == [(0, 1)]
    assert (made.report.duplicates_merged, made.report.self_loops_dropped) == (1, 1)

    def rows(out: Any) -> None:
        matrix = sp.csr_array(np.array([[0, 1, 0], [0, 0, 0], [1, 0, 0]]))
        np.savez(out, adj_indptr=matrix.indptr, adj_indices=matrix.indices)

    made = read(tmp_path, "photo" if find_dataset("photo") else "amazon-photo", [rows], directed=True)
    assert made.num_nodes == 3 and edges(made) == [(0, 1), (2, 0)]


def test_text_keeps_nodes_without_edges(tmp_path: Path) -> None:
    data = find_dataset("lastfm-asia")
    assert data is not None
    made = read(tmp_path, "lastfm-asia", ["node_1,node_2\n0,1\n1,2\n"])
    assert made.num_nodes == data.num_nodes and made.num_edges == 2
    with pytest.raises(FormatError, match="lastfm-asia|edges"):
        read(tmp_path, "lastfm-asia", [f"node_1,node_2\n0,{data.num_nodes}\n"])


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("path", {"num_nodes": 4}, synthetic.path(4)),
        ("star", {"num_leaves": 3}, synthetic.star(3)),
        ("barabasi-albert", {"num_nodes": 20, "m": 2, "seed": 3}, synthetic.barabasi_albert(20, 2, seed=3)),
        ("power-law", {"num_nodes": 30, "hub": 9, "exponent": None}, synthetic.power_law(30, hub=9)),
    ],
)
def test_generators_take_their_own_arguments(name: str, options: dict[str, Any], expected: Graph) -> None:
    assert load_graph(name, **options) == expected
    with pytest.raises(InputError, match=r"expected \w+\(num_"):
        load_graph(name, nonsense=3, **options)


# -- pairs -------------------------------------------------------------------------------------------------------------


def test_pairs_are_cleaned_by_default_and_kept_when_asked() -> None:
    pairs = [[0, 1], [1, 0], [2, 2]]
    made = from_pairs(pairs, 4, {})
    assert (made.num_nodes, made.num_edges, made.report.duplicates_merged) == (4, 1, 1)
    assert from_pairs(pairs, 4, {"self_loops": "keep", "directed": True}).indices.size == 3
    with pytest.raises(InputError, match="comes more than once"):
        from_pairs(pairs, 4, {"duplicates": "error"})
    assert from_pairs([], 2, {"weighted": False, "progress": None}).num_nodes == 2
    with pytest.raises(InputError, match="an edge uses node number 2; expected below num_nodes=2"):
        from_pairs(pairs, 2, {"self_loops": "keep"})


# -- files -------------------------------------------------------------------------------------------------------------


def test_lines_packed_or_not(tmp_path: Path) -> None:
    text = "a b\nç\n\nlast"
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(text.encode()))
    assert list(lines(tmp_path / "a.txt")) == list(lines(tmp_path / "a.txt.gz")) == ["a b\n", "ç\n", "\n", "last"]
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(text.encode() * 999)[:-9])
    with pytest.raises(FormatError, match="the gzip data are damaged or end early"):
        list(lines(tmp_path / "a.txt.gz"))
    (tmp_path / "a.txt").write_bytes(b"ok\n\xff\n")
    with pytest.raises(FormatError, match=r"is no UTF-8 text \(invalid start byte at byte 3\); convert it"):
        list(lines(tmp_path / "a.txt"))


@pytest.mark.parametrize("text", ['{"a": [1, "ü"]}', "[]", "null", "3.5"])
def test_json(text: str, tmp_path: Path) -> None:
    import json

    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert read_json(tmp_path / "a.json") == json.loads(text)


@pytest.mark.parametrize(
    "held",
    [
        defaultdict(list, {0: [1, 2], 1: []}),
        [(1, 2), {"a": None}],
    ],
    ids=["defaultdict", "containers"],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_pickles_of_plain_things(held: Any, protocol: int, tmp_path: Path) -> None:
    (tmp_path / "a.p").write_bytes(pickle.dumps(held, protocol))
    found = unpickled(tmp_path / "a.p")
    assert found == held and type(found) is type(held)


class _Evil:
    def __reduce__(self) -> Any:
        return eval, ("1 + 1",)


@pytest.mark.parametrize(
    "held", [_Evil(), Path("a"), nx.DiGraph([(0, 1)]), {1, 2}, range(3)], ids=lambda held: type(held).__name__
)
def test_pickles_that_ask_for_more_are_refused(held: Any, tmp_path: Path) -> None:
    (tmp_path / "a.p").write_bytes(pickle.dumps(held, 2))
    with pytest.raises(FormatError, match=r"the pickle asks for [\w.]+, which no graph needs; it is not loaded"):
        unpickled(tmp_path / "a.p")
