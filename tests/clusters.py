"""Clusters on this machine for tests: two worker processes over loopback, and ways to harm them."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np


@contextmanager
def two_workers() -> Iterator[Any]:
    """A client of a fresh cluster: two processes with one thread each."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


def kill_one_worker(client: Any) -> None:
    """Signal 9 to the process of one worker."""
    os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)


def at_block(number: int, harm: Callable[[], object]) -> Callable[[str, int, int], None]:
    """A progress callback that does harm once, when so many blocks are done."""
    state = {"done": False}

    def progress(stage: str, done: int, total: int) -> None:
        if number <= done < total and not state["done"]:
            state["done"] = True
            harm()

    progress.state = state  # type: ignore[attr-defined]
    return progress


def stamps(folder: Path, pattern: str) -> dict[str, int]:
    """When each file was written, in nanoseconds."""
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in folder.rglob(pattern)}


def forbid_large_files(limit: int | None) -> None:
    """Runs on a worker: a file of more than `limit` bytes fails as on a full disk; None lifts the ban."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN) if limit is not None else None
    most = resource.RLIM_INFINITY if limit is None else limit
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def slow_square(partial: Path, number: int, seconds: float) -> None:
    """A block of work."""
    time.sleep(seconds)
    np.save(partial, np.array([number * number]))


def sum_of_files(partial: Path, *names: str) -> None:
    """A block made of other files."""
    np.save(partial, sum(np.load(name) for name in names))
