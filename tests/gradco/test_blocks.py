"""Blocks of rows: a mapping over shared arrays, whose parts are views and whose matrices are canonical."""

from __future__ import annotations

from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.gradco import ORBIT_KEYS, OrbitAdjacency
from graphx.gradco import blocks as block_module
from graphx.gradco.blocks import OrbitBlock, Parts
from tests.graphs import NamedGraph, barabasi_albert
from tests.strategies import graphs


def test_parts_are_views_of_three_arrays() -> None:
    """By hand: two keys, two rows; the second key begins at entry 3."""
    indptr = np.array([[0, 1, 3], [0, 0, 1]])
    indices, values = np.array([4, 0, 2, 3], np.int32), np.array([7, 8, 9, 10])
    parts = Parts({(1, 0, 0): 0, (2, 1, 1): 1}, indptr, indices, values, [0, 3])
    assert list(parts) == [(1, 0, 0), (2, 1, 1)] and len(parts) == 2
    first, second = parts[1, 0, 0], parts[2, 1, 1]
    assert [array.tolist() for array in first] == [[0, 1, 3], [4, 0, 2], [7, 8, 9]]
    assert [array.tolist() for array in second] == [[0, 0, 1], [3], [10]]
    assert all(np.shares_memory(a, b) for a, b in zip(first, (indptr, indices, values), strict=True))
    with pytest.raises(KeyError):
        parts[3, 4, 4]
    block = OrbitBlock(10, 12, 5, parts)
    assert block[2, 1, 1].toarray().tolist() == [[0] * 5, [0, 0, 0, 10, 0]]
    assert (2, 1, 1) in block and (3, 4, 4) not in block and dict(block.items()).keys() == {(1, 0, 0), (2, 1, 1)}
    assert repr(block) == "OrbitBlock(start=10, stop=12, 2 matrices)"


@given(graphs(min_nodes=1), st.integers(1, 4000), st.sets(st.sampled_from(ORBIT_KEYS), min_size=1))
@settings(max_examples=30)
def test_blocks_follow_each_other_and_hold_canonical_rows(case: NamedGraph, size: int, keys: set) -> None:
    orbits = OrbitAdjacency(case.graph)
    whole, reached = orbits.to_csr(keys), 0
    for block in orbits.iter_blocks(keys, max_block_bytes=size):
        assert block.start == reached < block.stop and list(block) == list(whole)
        reached = block.stop
        for key, rows in block.items():
            indptr, indices, values = block.arrays(key)
            assert rows.shape == (block.stop - block.start, case.num_nodes) and indptr[0] == 0
            assert (values > 0).all()
            for row in range(indptr.size - 1):
                assert (np.diff(indices[indptr[row] : indptr[row + 1]]) > 0).all()
            assert np.array_equal(rows.toarray(), whole[key][block.start : block.stop].toarray())
    assert reached == case.num_nodes


def test_matrices_of_a_block_are_as_sorted_as_they_say() -> None:
    for block in OrbitAdjacency(barabasi_albert(80, 4).graph).iter_blocks(max_block_bytes=3000):
        for matrix in block.values():
            honest = matrix.copy()
            honest.has_canonical_format = honest.has_sorted_indices = False
            honest.sum_duplicates()
            assert np.array_equal(honest.indices, matrix.indices) and np.array_equal(honest.data, matrix.data)


def test_long_row_starts_stay_long(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = np.ones(2), np.array([1, 0], np.int32), np.array([0, 1, 2])
    assert block_module.csr(*arrays, (2, 2)).indptr.dtype == np.int32
    small = SimpleNamespace(int32=np.int32, iinfo=lambda _: SimpleNamespace(max=1))
    monkeypatch.setattr(block_module, "np", small)
    assert block_module.csr(*arrays, (2, 2)).indptr.dtype == np.int64


def test_a_block_shows_its_rows() -> None:
    (block,) = OrbitAdjacency(nx.path_graph(4)).iter_blocks([(1, 0, 0)])
    assert repr(block) == "OrbitBlock(start=0, stop=4, 1 matrices)"
