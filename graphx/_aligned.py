"""Arrays that begin at a cache line."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["aligned_empty"]

_LINE = 64


def aligned_empty(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An uninitialised array that begins at a cache line: rows of whole lines then lie in no others.

    Args:
        shape: Its shape.
        dtype: Its type.

    Returns:
        The array.

    Example:
        >>> aligned_empty((3, 16), np.float32).ctypes.data % 64
        0
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    raw = np.empty(size + _LINE, np.uint8)
    first = -raw.ctypes.data % _LINE
    made: npt.NDArray[Any] = raw[first : first + size].view(dtype).reshape(shape)
    return made
