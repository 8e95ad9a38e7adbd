"""Arrays that begin at a cache line."""

from __future__ import annotations

import math
import sys
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

    Raises:
        MemoryError: No memory has room for it.

    Example:
        >>> aligned_empty((3, 16), np.float32).ctypes.data % 64
        0
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size > sys.maxsize - _LINE:
        raise MemoryError(f"an array of the shape {shape} takes more bytes than a machine can number")
    raw = np.empty(size + _LINE, np.uint8)
    first = -raw.ctypes.data % _LINE
    made: npt.NDArray[Any] = raw[first : first + size].view(dtype).reshape(shape)
    return made
