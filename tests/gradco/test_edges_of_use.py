"""The counter where it ends: nothing to count, files that change under it, and pairs that do not fit."""

from __future__ import annotations

from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest

from graphx.data import synthetic
from graphx.errors import CapacityError, InputError, StoreError
from graphx.gradco import ORBIT_KEYS, OrbitAdjacency
from graphx.gradco import _degrees as degrees
from graphx.gradco import blocks as block_module
from graphx.gradco._farm import _bounds
from graphx.gradco._tiles import TiledOrbits, aligned
from graphx.graph import Graph


def test_nothing_to_count(tmp_path) -> None:
    empty = Graph.from_edges([], [], num_nodes=0)
    orbits = OrbitAdjacency(empty)
    assert orbits.graphlet_degrees().shape == (0, 15)
    assert _bounds(empty, [(1, 0, 0)], 4).tolist() == [0]
    store = OrbitAdjacency.open(orbits.save(tmp_path / "o"))
    assert all(store[key].shape == (0, 0) and store[key].nnz == 0 for key in store)


def test_weights_and_too_many_edges_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="the graph has weights, and graphlets are defined without: call"):
        OrbitAdjacency(Graph.from_edges([0], [1], [2.0]))

    class Many:
        is_weighted, is_undirected, has_self_loops = False, True, False
        indices = np.lib.stride_tricks.as_strided(np.zeros(1, np.int32), (2**32,), (0,))

    with pytest.raises(CapacityError, match="2,147,483,648 edges; expected fewer than"):
        degrees._simple(Many())


def test_what_they_show(tmp_path) -> None:
    orbits = OrbitAdjacency(nx.path_graph(4))
    (block,) = orbits.iter_blocks([(1, 0, 0)])
    assert repr(block) == "OrbitBlock(start=0, stop=4, 1 matrices)"
    store = OrbitAdjacency.open(orbits.save(tmp_path / "o", [(1, 0, 0), (2, 1, 1)]))
    assert repr(store) == f"OrbitStore({str(tmp_path / 'o')!r}, 2 matrices, num_nodes=4)"


def test_an_array_of_a_store_that_is_lost_while_it_is_open(tmp_path) -> None:
    store = OrbitAdjacency.open(OrbitAdjacency(synthetic.barabasi_albert(50, 2, seed=0)).save(tmp_path / "o"))
    assert store[1, 2, 1].nnz
    for path in (tmp_path / "o").rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:20])
    again = [key for key in store if key != (1, 2, 1)]
    with pytest.raises(StoreError, match=r"\.npy cannot be read .*; expected [0-9,]+ bytes"):
        [store[key] for key in again]


def test_long_row_starts_stay_long(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = np.ones(2), np.array([1, 0], np.int32), np.array([0, 1, 2])
    assert block_module.csr(*arrays, (2, 2)).indptr.dtype == np.int32
    small = SimpleNamespace(int32=np.int32, iinfo=lambda _: SimpleNamespace(max=1))
    monkeypatch.setattr(block_module, "np", small)
    assert block_module.csr(*arrays, (2, 2)).indptr.dtype == np.int64


# -- products over orbits ----------------------------------------------------------------------------------------------

KEPT = [(2, 2, 2), (2, 12, 12), (2, 4, 5), (2, 6, 6)]


def tiled(**options) -> TiledOrbits:
    return TiledOrbits(OrbitAdjacency(synthetic.barabasi_albert(60, 3, seed=1)), ORBIT_KEYS, **options)


def test_kept_pairs_by_rows_are_those_of_the_lists() -> None:
    one = tiled()
    lists, rows = one.kept, tiled()._kept_by_blocks()
    assert lists.keys() == rows.keys() and len(rows) == 2
    for key, (indptr, indices, values) in lists.items():
        assert np.array_equal(indptr, rows[key][0]) and np.array_equal(indices, rows[key][1])
        assert np.array_equal(values, rows[key][2]) and values.any()
    without_lists = tiled()
    counter = SimpleNamespace(square_pairs=lambda *_: None)
    without_lists.orbits = SimpleNamespace(_counter=counter, iter_blocks=one.orbits.iter_blocks)
    assert np.array_equal(without_lists.kept[2, 12, 12][2], lists[2, 12, 12][2])
    with pytest.raises(CapacityError, match="take more than 0.0 GB; leave out the orbits that need them"):
        tiled(most_bytes=100)._kept_by_blocks()
    assert TiledOrbits(one.orbits, [(1, 0, 0)]).kept == {}


@pytest.mark.parametrize("tiles", [1, 2])
def test_a_sparse_factor_gives_the_products_of_a_dense_one(tiles: int) -> None:
    made, width = tiled(), 4
    nodes = made.graph.num_nodes
    rng = np.random.default_rng(0)
    x = aligned(tiles, nodes, width)
    x[:] = rng.integers(-2, 3, x.shape) * (rng.random(x.shape) < 0.4)
    flat = x.transpose(1, 0, 2).reshape(nodes, -1)
    rows, columns = flat.nonzero()
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=nodes))])
    sparse = (indptr, columns.astype(np.int32), flat[rows, columns].astype(np.float32))
    scale = rng.random(nodes, dtype=np.float32)
    for key in ORBIT_KEYS:
        program = made.program(key)
        expected, found = aligned(*x.shape), aligned(*x.shape)
        lengths, squares = np.zeros((tiles, nodes)), np.zeros((tiles, nodes))
        program.apply(x, expected, scale, lengths)
        made._parts.clear()
        tiled_again = made.program(key)
        tiled_again.project(sparse, found, scale, squares)
        assert np.allclose(found, expected, rtol=1e-5, atol=1e-4), key
