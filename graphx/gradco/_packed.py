"""Tiles of columns, and their memory as packed rows: 128 bits that tell which numbers are not 0, then those numbers."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from graphx import _core
from graphx._aligned import aligned_empty

__all__ = ["Floats", "Rows", "aligned", "float_rows", "packed_rows", "packs", "tile_width"]

Floats: TypeAlias = npt.NDArray[np.float32]
Rows: TypeAlias = npt.NDArray[Any]  # float32, or bfloat16 as uint16

_WIDTH: Final = 128  # the columns that a kernel holds in registers


def aligned(*shape: int, dtype: npt.DTypeLike = np.float32) -> Rows:
    """An uninitialised array that begins at a cache line, so that a row of 16 floats is one line.

    One tile of 128 columns has room behind it for as many packed rows.

    Args:
        shape: Its shape.
        dtype: float32, or uint16 for bfloat16.

    Returns:
        The array.
    """
    columns, stride = _core.TILE_PACKED
    if packing_pays(shape):
        whole: Rows = aligned_empty((shape[-2] * stride,), np.float32).view(dtype)
        return whole[: shape[-2] * columns].reshape(shape)
    return aligned_empty(shape, dtype)


def packing_pays(shape: tuple[int, ...]) -> bool:
    """Whether packed rows are worth it here for a tile of this shape."""
    return shape[-1] == _core.TILE_PACKED[0] and (len(shape) == 2 or shape[0] == 1) and _core.tile_packs()


def packs(tile: Rows) -> bool:
    """The same, and that the tile has room for them."""
    whole = tile.base
    if whole is None or not packing_pays(tile.shape):
        return False
    return bool(whole.ctypes.data + whole.nbytes >= tile.ctypes.data + 4 * tile.shape[-2] * _core.TILE_PACKED[1])


def packed_rows(tile: Rows) -> Floats:
    """The memory of a tile from :func:`aligned` as packed rows ``[1, N, 144]``."""
    nodes, stride = tile.shape[-2], _core.TILE_PACKED[1]
    made: Floats = as_strided(tile.view(np.float32), (1, nodes, stride), (4 * nodes * stride, 4 * stride, 4))
    return made


def float_rows(tile: Rows) -> Floats:
    """The memory of a tile that has room for packed rows as its rows in float32, ``[N, 128]``."""
    nodes, columns = tile.shape[-2], tile.shape[-1]
    made: Floats = as_strided(tile.view(np.float32), (nodes, columns), (4 * columns, 4))
    return made


def tile_width(columns: int) -> int:
    """Columns a tile, whole cache lines where there are many; products do not depend on it."""
    return _WIDTH if columns > _WIDTH else max(1, -(-columns // 4) * 4)
