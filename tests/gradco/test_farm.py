"""OrbitAdjacency.save with a client: the same bytes, whoever dies."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import networkx as nx
import pytest

from graphx.errors import CapacityError, StoreError
from graphx.gradco import OrbitAdjacency
from tests.clusters import at_block, forbid_large_files, kill_one_worker, stamps, two_workers
from tests.conftest import ROOT

GRAPH = nx.barabasi_albert_graph(300, 4, seed=7)


def contents(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, str]:
    return contents(OrbitAdjacency(GRAPH).save(tmp_path_factory.mktemp("whole") / "a.orbits"))


def test_the_store_has_the_same_bytes(cluster, tmp_path, whole):
    path = OrbitAdjacency(GRAPH).save(tmp_path / "a.orbits", client=cluster)
    assert contents(path) == whole
    assert [item.name for item in tmp_path.iterdir()] == ["a.orbits"]


def test_a_selection_of_a_graph_with_names_and_lonely_nodes(cluster, tmp_path):
    graph = nx.relabel_nodes(nx.star_graph(4), "abcde".__getitem__)
    graph.add_nodes_from("xyz")
    keys = [(2, 6, 6), (1, 6, 7)]
    here = OrbitAdjacency(graph).save(tmp_path / "here", keys)
    there = OrbitAdjacency(graph).save(tmp_path / "there", keys, client=cluster)
    assert contents(here) == contents(there)


def test_a_worker_killed_in_mid_run(cluster, tmp_path, whole):
    progress = at_block(3, lambda: kill_one_worker(cluster))
    path = OrbitAdjacency(GRAPH, progress=progress).save(tmp_path / "a.orbits", client=cluster)
    assert progress.state["done"]
    assert contents(path) == whole


def test_a_failed_call_is_taken_up_where_it_stopped(cluster, tmp_path, whole):
    def give_up() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        OrbitAdjacency(GRAPH, progress=at_block(5, give_up)).save(tmp_path / "a.orbits", client=cluster)
    before = stamps(tmp_path / "a.orbits.blocks", "rows-*.npz")
    assert len(before) >= 5
    assert not (tmp_path / "a.orbits").exists()
    at_end = {}
    watch = OrbitAdjacency(
        GRAPH, progress=lambda what, done, total: at_end.update(stamps(tmp_path / "a.orbits.blocks", "rows-*.npz"))
    )
    assert contents(watch.save(tmp_path / "a.orbits", client=cluster)) == whole
    assert before.items() <= at_end.items()


def test_blocks_of_another_graph_are_not_taken(cluster, tmp_path):
    def give_up() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        OrbitAdjacency(GRAPH, progress=at_block(1, give_up)).save(tmp_path / "a.orbits", client=cluster)
    with pytest.raises(StoreError, match="blocks of another job"):
        OrbitAdjacency(nx.path_graph(9)).save(tmp_path / "a.orbits", client=cluster)


def test_a_full_disk_is_told(cluster, tmp_path, whole):
    cluster.run(forbid_large_files, 2000)
    try:
        with pytest.raises(CapacityError, match="finished blocks are kept"):
            OrbitAdjacency(GRAPH).save(tmp_path / "a.orbits", client=cluster)
    finally:
        cluster.run(forbid_large_files, None)
    assert contents(OrbitAdjacency(GRAPH).save(tmp_path / "a.orbits", client=cluster)) == whole


_CLIENT = """
import sys
import networkx as nx
from graphx.gradco import OrbitAdjacency
from tests.clusters import two_workers

if __name__ == "__main__":
    with two_workers() as client:
        OrbitAdjacency(nx.barabasi_albert_graph(20000, 8, seed=7)).save(sys.argv[1], [(2, 12, 12)], client=client)
"""


@pytest.mark.slow
def test_a_killed_client_is_taken_up_by_a_new_one(tmp_path):
    script, target = tmp_path / "client.py", tmp_path / "a.orbits"
    script.write_text(_CLIENT)
    blocks = tmp_path / "a.orbits.blocks"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(script), str(target)], env=env, start_new_session=True) as client:
        stop = time.monotonic() + 120
        while len(stamps(blocks, "rows-*.npz")) < 5 and client.poll() is None and time.monotonic() < stop:
            time.sleep(0.01)
        client.send_signal(signal.SIGKILL)
    assert not target.exists()
    time.sleep(1)
    before = stamps(blocks, "rows-*.npz")
    assert len(before) >= 5
    after: dict[str, int] = {}
    orbits = OrbitAdjacency(
        nx.barabasi_albert_graph(20000, 8, seed=7), progress=lambda *facts: after.update(stamps(blocks, "rows-*.npz"))
    )
    with two_workers() as fresh:
        orbits.save(target, [(2, 12, 12)], client=fresh)
    assert before.items() <= after.items()
    assert len(after) > len(before)
    assert contents(target) == contents(orbits.save(tmp_path / "b.orbits", [(2, 12, 12)]))
