"""Embeddings as files: what is read back is what was written, bit by bit, for any names, sizes and threads."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graphx.data import synthetic
from graphx.errors import InputError, MissingDependencyError
from graphx.fastrp._write import FORMS, check_form, write_embedding
from graphx.graph import Graph

PATH = synthetic.path(6)
EDGES = np.array([0]), np.array([1])
NAMES: dict[str, Any] = {
    "none": None,
    "integers": np.array([-7, 0, 10**18]),
    "beyond-int64": np.array([2**64 - 1, 3, 2**63], np.uint64),
    "words": ("anna", "çelik", "#3"),
}


def named(names: Any, size: int) -> Graph:
    return Graph.from_edges(*EDGES, num_nodes=size, names=names)


def read_w2v(path: Path) -> tuple[list[str], npt.NDArray[np.float32]]:
    """As gensim reads it: the sizes, then a word and numbers a line."""
    header, *lines = path.read_bytes().split(b"\n")
    assert lines.pop() == b""
    rows, columns = map(int, header.split())
    words = [line.split(b" ") for line in lines]
    assert len(words) == rows and all(len(row) == columns + 1 for row in words)
    numbers = np.array([[float(x) for x in row[1:]] for row in words]).reshape(rows, columns)
    with np.errstate(over="ignore"):
        return [row[0].decode() for row in words], numbers.astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_names_come_back_in_every_form(name: str, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    graph = named(NAMES[name], 3)
    x = np.arange(6, dtype=np.float32).reshape(3, 2) / 3
    expected = [0, 1, 2] if graph.names is None else list(graph.names)
    for form in FORMS:
        write_embedding(tmp_path / f"e{form}", x, graph)
    assert np.array_equal(np.load(tmp_path / "e.npy"), x)
    words, rows = read_w2v(tmp_path / "e.w2v")
    assert words == [str(name) for name in expected] and np.array_equal(rows, x)
    table = parquet.read_table(tmp_path / "e.parquet")
    assert table["node"].to_pylist() == expected
    assert np.array_equal(np.array(table["embedding"].to_pylist(), np.float32), x)
    assert table.schema.field("embedding").type.list_size == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.npy", "e.parquet", "e.w2v"]


floats = st.floats(width=32, allow_nan=False)


@given(hnp.arrays(np.float32, st.tuples(st.integers(2, 5), st.integers(1, 4)), elements=floats))
@settings(max_examples=80)
def test_text_gives_the_same_bits_back(tmp_path_factory: pytest.TempPathFactory, x: npt.NDArray[np.float32]) -> None:
    path = tmp_path_factory.mktemp("w2v") / "e.w2v"
    write_embedding(path, x, synthetic.path(len(x)))
    _, rows = read_w2v(path)
    assert np.array_equal(
        rows.view(np.uint32) | (x == 0) * np.uint32(2**31), x.view(np.uint32) | (x == 0) * np.uint32(2**31)
    )


def test_the_hardest_float32_to_print() -> None:
    """The ends of the range, subnormals, neighbours of one and powers of two: the nearest others are far or near."""
    one = np.float32(1)
    special = [np.finfo(np.float32).max, np.finfo(np.float32).tiny, np.float32(1e-45), np.nextafter(one, 2), 16777217.0]
    special += [np.nextafter(one, 0), np.float32(2**-126), np.float32(8.5899346e9), np.float32(3.4e-38), -one / 3]
    x = np.array(special, np.float32).reshape(2, 5)
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write_embedding(Path(folder) / "e.w2v", x, synthetic.path(2))
        assert np.array_equal(read_w2v(Path(folder) / "e.w2v")[1], x)


@pytest.mark.parametrize("rows", [0, 1, (1 << 15) - 1, 1 << 15, (1 << 15) + 1])
def test_blocks_of_text_join_without_a_seam(rows: int, tmp_path: Path) -> None:
    x = np.arange(rows, dtype=np.float32)[:, None]
    graphs = [Graph.from_edges([], [], num_nodes=rows)]
    if rows:
        graphs.append(Graph.from_edges([], [], num_nodes=rows, names=np.arange(rows)[::-1] * 3))
        graphs.append(Graph.from_edges([], [], num_nodes=rows, names=[f"n{i}" for i in range(rows)]))
    for graph in graphs:
        seen = set()
        for threads in (1, 3):
            write_embedding(tmp_path / "e.w2v", x, graph, num_threads=threads)
            seen.add((tmp_path / "e.w2v").read_bytes())
        labels = range(rows) if graph.names is None else graph.names
        expected = f"{rows} 1\n" + "".join(f"{label} {number}\n" for number, label in enumerate(labels))
        assert seen == {expected.encode()}


def test_other_numbers_are_written_as_float32(tmp_path: Path) -> None:
    wide = np.random.default_rng(0).normal(size=(6, 3))
    for kind in (wide, wide.astype(">f8"), np.asfortranarray(wide), wide.tolist(), wide[::-1][::-1]):
        write_embedding(tmp_path / "e.npy", kind, PATH)
        found = np.load(tmp_path / "e.npy")
        assert found.dtype == np.float32 and np.array_equal(found, wide.astype(np.float32))
    write_embedding(tmp_path / "e.npy", np.arange(12).reshape(6, 2), PATH)
    assert np.load(tmp_path / "e.npy")[5].tolist() == [10.0, 11.0]


def test_an_old_file_is_replaced_and_a_link_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "real [1]*.NPY", tmp_path / "link.npy"
    real.write_bytes(b"old")
    link.symlink_to(real)
    write_embedding(link, np.ones((6, 1)), PATH)
    assert link.is_symlink() and np.load(real).tolist() == [[1.0]] * 6
    write_embedding(real, np.zeros((6, 1)), PATH)
    assert not np.load(link).any() and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("name", "x", "graph", "message"),
    [
        ("e.npy", np.ones((5, 2)), PATH, r"the embedding has shape \(5, 2\); expected \[6, d\], a row for each node"),
        ("e.npy", np.ones(6), PATH, r"the embedding has shape \(6,\)"),
        ("e.csv", np.ones((6, 2)), PATH, r"e\.csv: the suffix names the form; expected one of: \.npy \.parquet \.w2v"),
        ("e", np.ones((6, 2)), PATH, "the suffix names the form"),
        ("e.w2v", np.ones((2, 2)), named(["a b", "c"], 2), r"the node 'a b' has white space in its name or none"),
        ("e.w2v", np.ones((2, 2)), named(["a", ""], 2), r"the node '' has white space in its name or none"),
        ("e.w2v", np.ones((2, 2)), named(["a", "b\u2003c"], 2), r"\.w2v needs names without: use \.npy"),
        ("e.w2v", np.ones((2, 2)), named(["a\n", "b"], 2), "has white space"),
    ],
)
def test_what_cannot_be_written(name: str, x: Any, graph: Graph, message: str, tmp_path: Path) -> None:
    (tmp_path / "e.w2v").write_text("old")
    with pytest.raises(InputError, match=message):
        write_embedding(tmp_path / name, x, graph)
    assert os.listdir(tmp_path) == ["e.w2v"] and (tmp_path / "e.w2v").read_text() == "old"


def test_names_with_white_space_fit_the_other_forms(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    graph = named(["a b", ""], 2)
    write_embedding(tmp_path / "e.npy", np.ones((2, 1)), graph)
    write_embedding(tmp_path / "e.parquet", np.ones((2, 1)), graph)
    assert parquet.read_table(tmp_path / "e.parquet")["node"].to_pylist() == ["a b", ""]


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    for refuse in (check_form, lambda path: write_embedding(path, np.ones((6, 2)), PATH)):
        with pytest.raises(MissingDependencyError, match=r"pip install .*graphx-pyg\[parquet\]"):
            refuse(tmp_path / "e.parquet")
    check_form(Path("e.npy"))
    assert list(tmp_path.iterdir()) == []
