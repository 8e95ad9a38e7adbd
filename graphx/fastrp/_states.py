"""States of FastRP: arrays ``[N, d]`` of float32 or bfloat16, and what is done to whole ones."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from graphx import _core
from graphx._aligned import aligned_empty

__all__ = ["GROUP", "STORAGE", "Floats", "State", "empty_state", "moments", "to_float32"]

State: TypeAlias = npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float32]

STORAGE: Final[dict[str, np.dtype[Any]]] = {"float32": np.dtype(np.float32), "bfloat16": np.dtype(np.uint16)}
GROUP: Final = _core.FASTRP_GROUP


def empty_state(rows: int, columns: int, storage: str = "float32") -> State:
    """Room for a state, not filled."""
    return aligned_empty((rows, columns), STORAGE[storage])


def to_float32(state: State, num_threads: int = 1) -> Floats:
    """The state as float32 (itself if it is)."""
    if state.dtype == np.float32:
        return state
    out = aligned_empty(state.shape, np.float32)
    _core.fastrp_widen(np.ascontiguousarray(state), out, num_threads)
    return out


def moments(x: Floats, num_threads: int = 1) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each column; a column without spread beyond rounding has the deviation 1."""
    mean, variance = _core.fastrp_moments(x, num_threads)
    deviation = np.sqrt(variance)
    flat = deviation <= 1e-6 * np.maximum(np.abs(mean), np.finfo(np.float32).tiny)
    deviation[flat] = 1.0
    return mean.astype(np.float32), deviation.astype(np.float32)
