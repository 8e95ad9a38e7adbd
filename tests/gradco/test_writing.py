"""The writing of a store: layout, shared patterns, names, sums that are those of the files, and what fails."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.data import synthetic
from graphx.errors import InputError, StoreError
from graphx.fastrp import FastRP
from graphx.gradco import ORBIT_KEYS, OrbitAdjacency
from graphx.gradco._farm import _bounds
from graphx.gradco._writing import _File, manifest_checksum, save, value_dtype
from graphx.gradco.orbits import key_name
from graphx.graph import Graph
from tests.graphs import barabasi_albert, clique, star

GRAPH = barabasi_albert(70, 3, seed=4).graph


def manifest(path: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((path / "manifest.json").read_text())
    return made


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        None,
        [f"n{i}é" for i in range(70)],
        ["", " a\n", *"bcdefgh", "\u2028", *(f"x{i}" for i in range(60))],
        np.arange(70)[::-1] - 30,
        np.arange(70, dtype=np.uint64) + np.uint64(2**64 - 70),
    ],
    ids=["none", "texts", "odd texts", "integers", "beyond int64"],
)
def test_a_stored_graph_is_the_graph(names: Any, tmp_path: Path) -> None:
    """Equal, of the same digest, and fit for everything that takes a graph."""
    graph = Graph(GRAPH.indptr, GRAPH.indices, names=names)
    found = OrbitAdjacency.open(save(OrbitAdjacency(graph), tmp_path / "o", [(1, 0, 0)])).graph
    assert found == graph and found.digest == graph.digest and type(found.names) is type(graph.names)
    assert np.array_equal(
        FastRP(4, random_state=0).fit_transform(found), FastRP(4, random_state=0).fit_transform(graph)
    )
    again = OrbitAdjacency(found).save(tmp_path / "again", [(1, 0, 0)])
    assert manifest(again) == manifest(tmp_path / "o")


# -- layout ------------------------------------------------------------------------------------------------------------


@given(st.sets(st.sampled_from(ORBIT_KEYS), min_size=1))
@settings(max_examples=6)
def test_the_manifest_tells_of_every_file_and_of_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, keys: set[Any]
) -> None:
    path = save(OrbitAdjacency(GRAPH), tmp_path_factory.mktemp("store") / "o", keys)
    told = manifest(path)
    there = {file.relative_to(path).as_posix() for file in path.rglob("*.npy")}
    assert there == told["files"].keys()
    for name, facts in told["files"].items():
        content = (path / name).read_bytes()
        assert facts == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert list(told["matrices"]) == [key_name(key) for key in ORBIT_KEYS if key in keys]
    used = {
        entry[part] for entry in told["matrices"].values() for part in ("indptr", "indices", "values") if part in entry
    }
    assert used | {"graph/indptr.npy", "graph/indices.npy"} == there
    for key in keys:
        entry, matrix = told["matrices"][key_name(key)], OrbitAdjacency(GRAPH)[key]
        assert (entry["nnz"], entry["sum"], entry["max"]) == (matrix.nnz, matrix.sum(), matrix.data.max(initial=0))
    assert told["checksum"] == manifest_checksum(told)


def test_equal_patterns_are_stored_once(tmp_path: Path) -> None:
    """In a clique every edge is in triangles and 4-cliques, so that three matrices have the pattern of A."""
    told = manifest(save(OrbitAdjacency(clique(6).graph), tmp_path / "o"))["matrices"]
    for name in ("1_3_3", "1_14_14"):
        assert told[name]["indptr"] == told["1_0_0"]["indptr"] and told[name]["indices"] == told["1_0_0"]["indices"]
        assert told[name]["values"] != told["1_0_0"]["values"]
    assert told["1_4_5"]["nnz"] == 0 and told["1_4_5"]["indptr"] != told["1_0_0"]["indptr"]
    leaves = manifest(save(OrbitAdjacency(star(5).graph), tmp_path / "s"))["matrices"]
    assert leaves["2_6_6"]["indices"] == leaves["2_1_1"]["indices"]  # any two leaves, in both


@pytest.mark.parametrize(
    ("key", "maximum", "wide", "dtype"),
    [
        ((3, 4, 4), 32767, False, np.int16),
        ((3, 4, 4), 32768, False, np.int32),
        ((3, 4, 4), 32767, True, np.int16),
        ((3, 4, 4), 32768, True, np.int64),
        ((1, 0, 0), 1, False, np.int32),
        ((2, 1, 1), 1, True, np.int64),
    ],
)
def test_types_of_values(key: Any, maximum: int, wide: bool, dtype: Any) -> None:
    assert value_dtype(key, maximum, wide) == dtype


def test_nothing_to_count(tmp_path: Path) -> None:
    empty = Graph.from_edges([], [], num_nodes=0)
    orbits = OrbitAdjacency(empty)
    assert orbits.graphlet_degrees().shape == (0, 15)
    assert _bounds(empty, [(1, 0, 0)], 4).tolist() == [0]
    store = OrbitAdjacency.open(orbits.save(tmp_path / "o"))
    assert all(store[key].shape == (0, 0) and store[key].nnz == 0 for key in store)


# -- one file ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 5), max_size=5))
@settings(max_examples=20)
def test_a_file_written_in_pieces_is_one_array(tmp_path_factory: pytest.TempPathFactory, sizes: list[int]) -> None:
    path = tmp_path_factory.mktemp("file") / "a" / "x.npy"
    pieces = [np.arange(size) + 10 * number for number, size in enumerate(sizes)]
    file = _File(path, np.int16, (sum(sizes),))
    for piece in pieces:
        file.write(piece)
    facts = file.close()
    expected = np.concatenate([np.zeros(0, np.int16), *pieces]).astype(np.int16)
    assert np.array_equal(np.load(path), expected) and np.load(path).dtype == np.int16
    assert facts == {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_a_file_that_is_short_of_entries_is_no_store(tmp_path: Path) -> None:
    file = _File(tmp_path / "x.npy", np.int32, (3,))
    file.write(np.arange(2))
    with pytest.raises(StoreError, match="1 entries short of what was counted; please report this"):
        file.close()


# -- what fails --------------------------------------------------------------------------------------------------------


def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "mine.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="is not replaced|exists; remove it"):
            save(OrbitAdjacency(GRAPH), tmp_path / "o", overwrite=overwrite)
    (tmp_path / "empty").mkdir()
    save(OrbitAdjacency(GRAPH), tmp_path / "empty", [(1, 0, 0)])
    with pytest.raises(KeyError, match="no orbit adjacency"):
        save(OrbitAdjacency(GRAPH), tmp_path / "p", [(9, 9, 9)])
    assert sorted(os.listdir(tmp_path)) == ["empty", "o"] and (tmp_path / "o" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["a[1].orbits", "*", "ä ö\t.orbits", "x" * 240, "é" * 120])
def test_odd_names_of_folders(name: str, tmp_path: Path) -> None:
    for number in range(2):
        path = save(OrbitAdjacency(GRAPH), tmp_path / name, [(1, 3, 3)], overwrite=bool(number))
        assert os.listdir(tmp_path) == [name]
    assert OrbitAdjacency.open(path)[1, 3, 3].sum() == OrbitAdjacency(GRAPH)[1, 3, 3].sum()


def test_an_array_of_a_store_that_is_lost_while_it_is_open(tmp_path: Path) -> None:
    store = OrbitAdjacency.open(OrbitAdjacency(synthetic.barabasi_albert(50, 2, seed=0)).save(tmp_path / "o"))
    assert repr(store) == f"OrbitStore({str(tmp_path / 'o')!r}, 28 matrices, num_nodes=50)"
    assert store[1, 2, 1].nnz
    for path in (tmp_path / "o").rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:20])
    again = [key for key in store if key != (1, 2, 1)]
    with pytest.raises(StoreError, match=r"\.npy cannot be read .*; expected [0-9,]+ bytes"):
        [store[key] for key in again]
