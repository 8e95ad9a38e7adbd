"""Graph.save and Graph.open: the same graph, mapped; damage is told; nothing half-written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx import _saved
from graphx.data import load_graph
from graphx.errors import InputError, StoreError
from graphx.graph import Graph

GRAPHS = {
    "empty": Graph.from_edges([], [], num_nodes=0),
    "isolated": Graph.from_edges([0], [1], num_nodes=5),
    "loops": Graph.from_edges([0, 1], [0, 2]),
    "directed": Graph.from_edges([0, 1], [1, 2], directed=True),
    "weighted": Graph.from_edges([0, 1], [1, 2], [0.5, -2.0]),
    "texts": Graph.from_edges([0, 1], [1, 2], names=["a", "b\n", "\u00e9"]),
    "ids": Graph.from_edges([0, 1], [1, 2], names=np.array([5, 7, 2**40])),
    "huge ids": Graph.from_edges([0], [1], names=np.array([5, 2**63 + 1], dtype=np.uint64)),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_opened_is_what_was_saved(name: str, tmp_path: Path) -> None:
    graph = GRAPHS[name]
    path = graph.save(tmp_path / "g.graph")
    for verify in (False, True):
        opened = Graph.open(path, verify=verify)
        assert opened == graph
        assert (opened.digest, repr(opened)) == (graph.digest, repr(graph))
        assert opened.max_degree == graph.max_degree
        assert not opened.indices.flags.writeable
        assert type(opened.names) is type(graph.names)
    assert load_graph(path) == graph
    assert load_graph(path).report.source == str(path)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30), st.booleans())
def test_any_graph(pairs: list[tuple[int, int]], directed: bool) -> None:
    import tempfile

    u, v = (np.array([p[k] for p in pairs], dtype=np.int64) for k in (0, 1))
    graph = Graph.from_edges(u, v, num_nodes=10, directed=directed, duplicates="merge")
    with tempfile.TemporaryDirectory() as folder:
        opened = Graph.open(graph.save(f"{folder}/g"))
        assert opened == graph and opened.is_undirected == graph.is_undirected
        assert opened.digest == Graph(np.array(opened.indptr), np.array(opened.indices)).digest


def test_what_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    path = GRAPHS["loops"].save(tmp_path / "g")
    with pytest.raises(InputError, match="exists"):
        GRAPHS["directed"].save(path)
    GRAPHS["directed"].save(path, overwrite=True)
    assert Graph.open(path) == GRAPHS["directed"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("")
    with pytest.raises(InputError, match="no saved graph; it is not replaced"):
        GRAPHS["loops"].save(tmp_path / "other", overwrite=True)


def test_damage_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no saved graph; expected a folder that Graph\.save wrote"):
        Graph.open(tmp_path)
    with pytest.raises(InputError, match="no saved graph"):
        load_graph(tmp_path)
    path = GRAPHS["weighted"].save(tmp_path / "g")
    indices = path / "indices.npy"
    whole = indices.read_bytes()
    indices.write_bytes(whole[:-4])
    with pytest.raises(StoreError, match=r"indices\.npy: .* bytes, expected .* incomplete"):
        Graph.open(path)
    indices.write_bytes(whole[:-1] + b"\x07")
    with pytest.raises(StoreError, match="SHA-256 does not agree"):
        Graph.open(path, verify=True)
    indices.unlink()
    with pytest.raises(StoreError, match="missing"):
        Graph.open(path)
    indices.write_bytes(whole)
    manifest = path / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"num_nodes": 3', '"num_nodes": 4'))
    with pytest.raises(StoreError, match="its checksum does not agree"):
        Graph.open(path)
    manifest.write_text(text[:50])
    with pytest.raises(StoreError, match="cannot be read"):
        Graph.open(path)
    manifest.write_text(text.replace('"version": 1', '"version": 2'))
    with pytest.raises(StoreError, match="reads version 1; update"):
        Graph.open(path)
    manifest.write_text(json.dumps({"format": "graphx-orbits"}))
    with pytest.raises(InputError, match="something else"):
        Graph.open(path)
    with pytest.raises(InputError, match="directed: no option of a saved graph"):
        load_graph(path, directed=True)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("weights", np.ones(4, np.float32), r"weights\.npy: holds float32 \(4,\); save the graph again"),
        ("indices", np.zeros((2, 2), np.int32), r"indices\.npy: holds int32 \(2, 2\); save the graph again"),
        ("indptr", np.array([0, 1, 3, 5]), "indptr does not fit indices; save the graph again"),
    ],
)
def test_arrays_that_are_no_graph_are_told(tmp_path: Path, name: str, array: np.ndarray, message: str) -> None:
    path = GRAPHS["weighted"].save(tmp_path / "g")
    np.save(path / f"{name}.npy", array)
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["files"][f"{name}.npy"]["bytes"] = (path / f"{name}.npy").stat().st_size
    manifest["checksum"] = _saved._checksum(manifest)
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StoreError, match=message):
        Graph.open(path)


def test_a_save_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyboardInterrupt):
        GRAPHS["loops"].save(tmp_path / "g")
    assert not list(tmp_path.iterdir())
