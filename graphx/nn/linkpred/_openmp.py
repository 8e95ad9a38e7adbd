"""Kernels on the threads of torch's OpenMP runtime, which would stand in the way of threads of our own."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import torch

__all__: list[str] = []

_FORKED = 0x40  # PF_FORKNOEXEC of Linux: this process was forked and has not begun a program of its own


def join_openmp(core: ModuleType, status: Path = Path("/proc/self/stat")) -> bool:
    """Lets the kernels run on torch's threads, and says whether they will.

    After an operator torch's threads spin for some milliseconds, each on a processor that a kernel's own threads would
    then have to share: up to twice the time. They do not where torch has no libgomp of its own beside it, and not in a
    forked process, which has the runtime's state without its threads.

    Args:
        core: The extension.
        status: What the system says of this process.

    Returns:
        Whether the kernels take torch's threads.
    """
    try:
        forked = int(status.read_text(encoding="utf-8").rpartition(")")[2].split()[6]) & _FORKED != 0
    except (OSError, ValueError, IndexError):  # not on Linux
        return False
    runtimes = sorted(Path(torch.__file__).with_name("lib").glob("libgomp*.so*"))
    return not forked and any(core.join_openmp(str(runtime)) for runtime in runtimes)
