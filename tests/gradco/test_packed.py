"""Packed rows: a mask of what is not zero and then those numbers, read back by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from graphx import _core
from graphx.gradco import OrbitAdjacency
from graphx.gradco._packed import aligned, packed_rows, packing_pays, packs, tile_width
from graphx.gradco._tiles import TiledOrbits
from tests.graphs import barabasi_albert

COLUMNS, STRIDE = _core.TILE_PACKED


@pytest.mark.parametrize(
    ("columns", "width"), [(1, 4), (4, 4), (5, 8), (127, 128), (128, 128), (129, 128), (1000, 128)]
)
def test_widths_of_tiles(columns: int, width: int) -> None:
    assert tile_width(columns) == width


@pytest.mark.parametrize("shape", [(3, 16), (1, 5, 128), (5, 128), (2, 5, 128), (0, 128), (1, 0, 4)])
def test_tiles_begin_at_a_cache_line_and_do_not_reach_into_each_other(shape: tuple[int, ...]) -> None:
    one, other = aligned(*shape), aligned(*shape)
    assert one.shape == shape and one.dtype == np.float32 and one.flags.c_contiguous
    assert one.size == 0 or one.ctypes.data % 64 == 0
    one[:], other[:] = 1, 2
    assert (one == 1).all() and (other == 2).all()


def test_only_one_whole_tile_is_worth_packing() -> None:
    here = bool(_core.tile_packs())
    assert packing_pays((5, COLUMNS)) == packing_pays((1, 5, COLUMNS)) == here
    assert not packing_pays((2, 5, COLUMNS)) and not packing_pays((5, COLUMNS // 2))
    assert packs(aligned(5, COLUMNS)) == here
    assert not packs(np.zeros((5, COLUMNS), np.float32)) and not packs(aligned(5, COLUMNS)[:, :64])
    assert not packs(aligned(2, 5, COLUMNS))


@pytest.mark.skipif(not _core.tile_packs(), reason="packed rows are not worth it on this processor")
@pytest.mark.parametrize("share", [0.0, 0.05, 0.7, 1.0])
def test_packed_products_read_back_by_hand(share: float) -> None:
    """128 bits say which columns are there, and their numbers follow: the rows of A x for a sparse x."""
    case = barabasi_albert(90, 3)
    rng = np.random.default_rng(0)
    x = sp.csr_array(rng.integers(1, 4, (90, COLUMNS)) * (rng.random((90, COLUMNS)) < share))
    program = TiledOrbits(OrbitAdjacency(case.graph), [(1, 0, 0)]).program((1, 0, 0))
    out = aligned(1, 90, COLUMNS)
    projection = (x.indptr.astype(np.int64), x.indices.astype(np.int32), x.data.astype(np.float32))
    made = program.project(projection, out, None, None, packed=True)
    assert made.shape == (1, 90, STRIDE) and np.shares_memory(made, packed_rows(out))
    expected = case.dense @ x.toarray()
    for row, known in zip(made[0], expected, strict=True):
        bits = np.unpackbits(row[: COLUMNS // 32].view(np.uint8), bitorder="little").astype(bool)
        assert np.array_equal(bits, known != 0)
        first = COLUMNS // 32
        assert np.array_equal(row[first : first + bits.sum()], known[bits])
