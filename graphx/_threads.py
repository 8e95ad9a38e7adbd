"""How many threads a kernel gets: one rule for the whole package."""

from __future__ import annotations

import numbers
import os

from graphx.errors import InputError

__all__ = ["resolve_threads"]


def resolve_threads(num_threads: int | None) -> int:
    """The number of threads to use: as asked, or the processors that this process may run on.

    Args:
        num_threads: A positive number, or None for all processors of the process (its affinity mask where known).

    Returns:
        A number of at least 1.

    Raises:
        InputError: The number is not a positive integer.

    Example:
        >>> resolve_threads(3)
        3
        >>> resolve_threads(None) >= 1
        True
    """
    if num_threads is None:
        if hasattr(os, "sched_getaffinity"):
            return max(1, len(os.sched_getaffinity(0)))
        return os.cpu_count() or 1
    if isinstance(num_threads, bool) or not isinstance(num_threads, (int, numbers.Integral)) or num_threads < 1:
        raise InputError(
            f"num_threads is {num_threads!r}; expected a positive integer, or None for all processors of this process"
        )
    return min(int(num_threads), 1024)
