"""The farm: blocks that are there are not made again, whoever dies."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from graphx import _cluster
from graphx._cluster import Block, check_client, farm, job_folder, worker_memory, worker_threads
from graphx.errors import CapacityError, InputError, MissingDependencyError, StoreError
from tests.clusters import at_block, forbid_large_files, kill_one_worker, slow_square, stamps, sum_of_files

distributed = pytest.importorskip("distributed")


def squares(folder: Path, count: int, seconds: float = 0.0) -> list[Block]:
    return [Block(folder / f"{i}.npy", (i, seconds)) for i in range(count)]


def test_every_block_is_made_once(cluster, tmp_path):
    blocks = squares(tmp_path, 7)
    assert farm(cluster, slow_square, blocks[:3], what="squares") == 3
    before = stamps(tmp_path, "*.npy")
    seen = []
    assert farm(cluster, slow_square, blocks, what="squares", progress=lambda *facts: seen.append(facts)) == 4
    assert [int(np.load(block.path)[0]) for block in blocks] == [0, 1, 4, 9, 16, 25, 36]
    assert before.items() <= stamps(tmp_path, "*.npy").items()
    assert seen[0] == ("squares", 3, 7) and seen[-1] == ("squares", 7, 7)
    assert farm(cluster, slow_square, blocks, what="squares") == 0


def test_what_a_cluster_has(cluster):
    assert worker_threads(cluster) == 2
    assert worker_memory(cluster) > 2**20


def test_a_worker_killed_in_mid_run(cluster, tmp_path):
    blocks = squares(tmp_path, 12, 0.05)
    progress = at_block(3, lambda: kill_one_worker(cluster))
    farm(cluster, slow_square, blocks, what="squares", progress=progress)
    assert progress.state["done"]
    assert [int(np.load(block.path)[0]) for block in blocks] == [i * i for i in range(12)]


def test_a_lost_file_is_named(cluster, tmp_path):
    lost = tmp_path / "lost.npy"
    with pytest.raises(StoreError, match=r"lost\.npy: not found, while sum\.npy was to be made"):
        farm(cluster, sum_of_files, [Block(tmp_path / "sum.npy", (str(lost),))], what="sums")
    np.save(lost, np.arange(3))
    assert farm(cluster, sum_of_files, [Block(tmp_path / "sum.npy", (str(lost),))], what="sums") == 1


def test_a_full_disk_is_told_and_leaves_no_half_block(cluster, tmp_path):
    blocks = squares(tmp_path, 2)
    assert farm(cluster, slow_square, blocks[:1], what="squares") == 1
    cluster.run(forbid_large_files, 100)
    try:
        with pytest.raises(CapacityError, match="finished blocks are kept"):
            farm(cluster, slow_square, blocks, what="squares")  # one fails, and no other is under way
    finally:
        cluster.run(forbid_large_files, None)
    assert list(tmp_path.iterdir()) == [blocks[0].path]
    assert farm(cluster, slow_square, blocks, what="squares") == 1
    assert [int(np.load(block.path)[0]) for block in blocks] == [0, 1]


def test_a_job_is_recognised(tmp_path):
    made = job_folder(tmp_path / "job", {"seed": 1}, {"blocks": 3})
    assert made == (tmp_path / "job", {"blocks": 3})
    assert job_folder(tmp_path / "job", {"seed": 1}, {"blocks": 4}) == made
    with pytest.raises(StoreError, match="blocks of another job"):
        job_folder(tmp_path / "job", {"seed": 2})
    (tmp_path / "job" / "job.json").write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        job_folder(tmp_path / "job", {"seed": 1})
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("all of it")
    with pytest.raises(InputError, match="not empty and holds no job"):
        job_folder(tmp_path / "full", {})
    with pytest.raises(StoreError, match="Not a directory"):
        job_folder(tmp_path / "full" / "thesis.txt" / "job", {})


def test_what_is_no_client(monkeypatch):
    with pytest.raises(InputError, match=r"client is a str; expected a distributed\.Client"):
        check_client("tcp://127.0.0.1:8786")
    real = builtins.__import__

    def without(name, *rest):
        if name == "distributed":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"graphx-pyg\[cluster\]"):
        check_client(None)


# -- what a cluster may do that is not made happen at will -------------------------------------------------------------


class Asked(distributed.Client):
    """A client that is only asked for its facts."""

    asynchronous = False
    status = "running"

    def __init__(self, **facts: Any) -> None:
        self.__dict__.update(facts)

    def __del__(self) -> None:
        pass


def test_a_client_that_cannot_work_is_refused():
    class Asynchronous(Asked):
        asynchronous = True

    with pytest.raises(InputError, match="the client is asynchronous; expected"):
        check_client(Asynchronous())
    with pytest.raises(InputError, match="the client is closed; expected a connected one"):
        check_client(Asked(status="closed"))


def test_the_first_worker_is_waited_for():
    class Starting:
        workers: ClassVar[dict[str, int]] = {}

        def nthreads(self):
            return self.workers

        def wait_for_workers(self, number, timeout):
            assert (number, timeout) == (1, 60)
            self.workers = {"one": 3}

    class Idle(Starting):
        def wait_for_workers(self, number, timeout):
            raise TimeoutError

    assert worker_threads(Starting()) == 3
    with pytest.raises(InputError, match="the cluster has no workers; start some"):
        worker_threads(Idle())


class KilledWorker(Exception):
    """As distributed's."""


class Future:
    """A future whose status is given, one a look; the block is there after the last."""

    def __init__(self, path, statuses, error=None):
        self.path, self.statuses, self.error = path, list(statuses), error

    @property
    def status(self):
        return self.statuses[0] if len(self.statuses) == 1 else self.statuses.pop(0)

    def exception(self):
        return self.error


class Completed(list):
    """as_completed, to which what is not done may be added."""

    def __iter__(self):
        while self:
            yield self.pop(0)

    def add(self, future):
        np.save(future.path, np.array([1]))
        self.append(future)


def harmed(monkeypatch, path, statuses, error=None):
    """A farm of one block whose future behaves so."""
    cancelled = []

    class Client:
        nthreads = staticmethod(lambda: {"one": 1})

        def submit(self, *_, **__):
            return Future(path, statuses, error)

        def cancel(self, futures, force):
            cancelled.extend(futures)

    fake = SimpleNamespace(as_completed=Completed, scheduler=SimpleNamespace(KilledWorker=KilledWorker))
    monkeypatch.setattr(_cluster, "check_client", lambda _: fake)
    try:
        return farm(Client(), slow_square, [Block(path, (1, 0.0))], what="squares")
    finally:
        assert bool(cancelled) == (sys.exc_info()[0] is not None)


def test_a_block_whose_worker_died_after_the_news_is_made_again(monkeypatch, tmp_path):
    assert harmed(monkeypatch, tmp_path / "a.npy", ["lost", "lost", "finished"]) == 1


def test_a_worker_without_our_files_is_told(monkeypatch, tmp_path):
    with pytest.raises(StoreError, match="and it is not there: workers must share a file system with the client"):
        harmed(monkeypatch, tmp_path / "a.npy", ["finished"])


def test_a_cancelled_block_and_a_killed_worker_are_told(monkeypatch, tmp_path):
    with pytest.raises(StoreError, match=r"the scheduler lost a\.npy .*run the same call again"):
        harmed(monkeypatch, tmp_path / "a.npy", ["cancelled"])
    with pytest.raises(CapacityError, match=r"workers died again and again while making a\.npy"):
        harmed(monkeypatch, tmp_path / "a.npy", ["error"], KilledWorker("task"))
    with pytest.raises(ZeroDivisionError, match="ours"):
        harmed(monkeypatch, tmp_path / "a.npy", ["error"], ZeroDivisionError("ours"))
