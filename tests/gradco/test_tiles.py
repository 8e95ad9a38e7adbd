"""Orbit adjacencies as programs of products: tiles of columns against the matrices, kept pairs, sparse factors."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.data import synthetic
from graphx.errors import CapacityError
from graphx.gradco import ORBIT_KEYS, OrbitAdjacency
from graphx.gradco._tiles import TiledOrbits, aligned
from tests.graphs import NamedGraph, clique, complete_bipartite, cycle, star
from tests.strategies import graphs, seeds


def tiled(**options: Any) -> TiledOrbits:
    return TiledOrbits(OrbitAdjacency(synthetic.barabasi_albert(60, 3, seed=1)), ORBIT_KEYS, **options)


def products_of(case: NamedGraph, seed: int, columns: int, tiles: int = 1) -> None:
    """Every program applied to whole numbers, which float32 holds exactly, against the counted matrices."""
    orbits = OrbitAdjacency(case.graph)
    made = TiledOrbits(orbits, ORBIT_KEYS)
    rng = np.random.default_rng(seed)
    x = aligned(tiles, case.num_nodes, columns)
    x[:] = rng.integers(-2, 3, x.shape)
    scale = rng.integers(1, 4, case.num_nodes).astype(np.float32)
    for key, matrix in orbits.to_csr().items():
        expected = matrix.astype(np.int64) @ x.transpose(1, 0, 2).reshape(case.num_nodes, -1).astype(np.int64)
        expected = expected.reshape(case.num_nodes, tiles, columns).transpose(1, 0, 2)
        program = made.program(key)
        out, squares = aligned(*x.shape), np.zeros((tiles, case.num_nodes))
        program.apply(x, out, None, squares)
        assert np.array_equal(out, expected), key
        np.testing.assert_allclose(squares, (expected.astype(float) ** 2).sum(2), err_msg=str(key))
        program.apply(x, out, scale, None)
        assert np.array_equal(out, scale[:, None] * expected), key


@given(graphs(min_nodes=1, max_nodes=9), seeds, st.sampled_from([1, 3, 16, 17]))
@settings(max_examples=15)
def test_programs_are_products_with_the_matrices(case: NamedGraph, seed: int, columns: int) -> None:
    products_of(case, seed, columns)


@pytest.mark.parametrize("case", [clique(7), cycle(9), star(12), complete_bipartite(4, 6)], ids=str)
@pytest.mark.parametrize("tiles", [1, 2])
def test_programs_of_named_graphs(case: NamedGraph, tiles: int) -> None:
    products_of(case, 5, 8, tiles)


@given(graphs(min_nodes=1, max_nodes=9))
@settings(max_examples=30)
def test_row_sums_come_from_the_graphlet_degrees(case: NamedGraph) -> None:
    orbits = OrbitAdjacency(case.graph)
    made = TiledOrbits(orbits, ORBIT_KEYS)
    for key, matrix in orbits.to_csr().items():
        assert np.array_equal(made.row_sums(key), matrix.sum(axis=1)), key


def test_explicit_parts_in_any_grouping_are_the_same() -> None:
    """How many edge parts are made in one pass decides memory, not numbers."""
    x = aligned(1, 60, 4)
    x[:] = np.random.default_rng(0).normal(size=x.shape)
    seen: dict[Any, set[bytes]] = {key: set() for key in ORBIT_KEYS}
    for together in (1, 2, 5, 28):
        made = tiled(together=together)
        for key in ORBIT_KEYS:
            out = aligned(1, 60, 4)
            made.program(key).apply(x, out, None, None)
            seen[key].add(out.tobytes())
    assert all(len(kinds) == 1 for kinds in seen.values())


def test_kept_pairs_by_rows_are_those_of_the_lists() -> None:
    one = tiled()
    lists, rows = one.kept, tiled()._kept_by_blocks()
    assert lists.keys() == rows.keys() and len(rows) == 2
    for key, (indptr, indices, values) in lists.items():
        assert np.array_equal(indptr, rows[key][0]) and np.array_equal(indices, rows[key][1])
        assert np.array_equal(values, rows[key][2]) and values is not None and values.any()
    without_lists = tiled()
    counter = SimpleNamespace(square_pairs=lambda *_: None)
    without_lists.orbits = SimpleNamespace(_counter=counter, iter_blocks=one.orbits.iter_blocks)  # type: ignore[assignment]
    assert np.array_equal(without_lists.kept[2, 12, 12][2], lists[2, 12, 12][2])  # type: ignore[arg-type]
    assert TiledOrbits(one.orbits, [(1, 0, 0)]).kept == {}


def test_pairs_that_take_too_much_memory_are_refused() -> None:
    with pytest.raises(CapacityError, match="take more than 0.0 GB; leave out the orbits that need them: 2_4_5, "):
        tiled(most_bytes=100)._kept_by_blocks()
    with pytest.raises(CapacityError, match="the pairs of 2_8_8 and 2_12_12 take more than"):
        tiled(most_bytes=100).program((2, 12, 12))
    tiled(most_bytes=100).program((2, 1, 1))  # keeps none


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
