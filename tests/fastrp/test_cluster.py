"""FastRP on two worker processes: the same bits, whoever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from graphx import Graph
from graphx.data.synthetic import barabasi_albert
from graphx.errors import CapacityError, InputError, StoreError
from graphx.fastrp import FastRP
from graphx.fastrp.cluster import _cut, embed_on_cluster
from tests.clusters import at_block, forbid_large_files, kill_one_worker, stamps, two_workers
from tests.conftest import ROOT
from tests.fastrp.test_outofcore import DIRECTED, OPTIONS, UNDIRECTED


def give_up() -> None:
    raise KeyboardInterrupt


def ready(model: FastRP, graph: Graph) -> FastRP:
    """With the attributes that `fit` sets before it embeds."""
    model.graph_, model.seed_, model.mean_, model.scale_ = graph, model.random_state, None, None
    return model


def test_the_same_bits_as_on_one_machine(cluster):
    expected = FastRP(40, random_state=3).fit_transform(UNDIRECTED)
    model = FastRP(40, random_state=3)
    assert np.array_equal(model.fit_transform(UNDIRECTED, client=cluster), expected)
    assert np.array_equal(model.transform(UNDIRECTED.to_scipy())[:5].shape, (5, 40))


@pytest.mark.parametrize("graph", [UNDIRECTED, DIRECTED], ids=["undirected", "directed"])
@pytest.mark.parametrize("options", OPTIONS[1:6], ids=str)
def test_every_option_by_rows(cluster, graph, options, tmp_path):
    model = FastRP(**{"n_components": 40, "random_state": 3, "iteration_weights": (0, 1), **options})
    expected = model.fit_transform(graph)
    made = embed_on_cluster(model, model.graph_, cluster, work_dir=tmp_path / "job", layout="rows", width=32, blocks=3)
    assert np.array_equal(made, expected)
    assert not (tmp_path / "job").exists()


@pytest.mark.parametrize("layout", ["columns", "rows"])
def test_a_worker_killed_in_mid_run(cluster, layout, tmp_path):
    progress = at_block(2, lambda: kill_one_worker(cluster))
    model = ready(FastRP(64, random_state=1, progress=progress), UNDIRECTED)
    made = embed_on_cluster(model, UNDIRECTED, cluster, work_dir=tmp_path / "job", layout=layout, width=16)
    assert progress.state["done"]
    assert np.array_equal(made, FastRP(64, random_state=1).fit_transform(UNDIRECTED))


@pytest.mark.parametrize("layout", ["columns", "rows"])
def test_a_failed_call_is_taken_up_where_it_stopped(cluster, layout, tmp_path):
    work = tmp_path / "job"
    model = ready(FastRP(96, random_state=1, progress=at_block(3, give_up)), UNDIRECTED)
    with pytest.raises(KeyboardInterrupt):
        embed_on_cluster(model, UNDIRECTED, cluster, work_dir=work, layout=layout, width=16)
    before = stamps(work, "state-*.npy")
    assert len(before) >= 3
    after = {}
    model.set_params(progress=lambda *facts: after.update(stamps(work, "state-*.npy")))
    made = embed_on_cluster(model, UNDIRECTED, cluster, work_dir=work)  # layout and tiles stay as they were begun
    assert np.array_equal(made, FastRP(96, random_state=1).fit_transform(UNDIRECTED))
    assert before.items() <= after.items()
    assert len(after) > len(before)


def test_work_of_other_parameters_is_not_taken(cluster, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        FastRP(64, random_state=1, progress=at_block(1, give_up)).fit(
            UNDIRECTED, client=cluster, work_dir=tmp_path / "job"
        )
    with pytest.raises(StoreError, match="blocks of another job"):
        FastRP(64, random_state=2).fit(UNDIRECTED, client=cluster, work_dir=tmp_path / "job")


def test_a_lost_graph_is_told(cluster, tmp_path):
    opened = Graph.open(UNDIRECTED.save(tmp_path / "a.graph"))
    model = FastRP(96, random_state=1, progress=at_block(2, (tmp_path / "a.graph" / "indices.npy").unlink))
    with pytest.raises(StoreError, match=r"indices\.npy: (missing|not found)"):
        ready(model, opened)
        embed_on_cluster(model, opened, cluster, work_dir=tmp_path / "job", layout="rows", width=16)


def test_a_lost_block_is_told(cluster, tmp_path):
    def lose():
        for state in (tmp_path / "job").glob("state-3-*.npy"):
            state.unlink()

    def progress(stage, done, total):
        if stage == "fastrp-tiles" and done == total:
            lose()

    with pytest.raises(StoreError, match=r"state-3-\d+-\d+\.npy: not found, while result"):
        FastRP(32, random_state=1, progress=progress).fit(UNDIRECTED, client=cluster, work_dir=tmp_path / "job")


def test_a_full_disk_is_told_and_the_rest_is_used(cluster, tmp_path):
    cluster.run(forbid_large_files, 20_000)  # marks and squares fit, states do not
    try:
        with pytest.raises(CapacityError, match="finished blocks are kept"):
            FastRP(64, random_state=1).fit(UNDIRECTED, client=cluster, work_dir=tmp_path / "job")
    finally:
        cluster.run(forbid_large_files, None)
    made = FastRP(64, random_state=1).fit_transform(UNDIRECTED, client=cluster, work_dir=tmp_path / "job")
    assert np.array_equal(made, FastRP(64, random_state=1).fit_transform(UNDIRECTED))


def test_rows_where_the_graph_does_not_fit(cluster, monkeypatch):
    model = FastRP(64)
    assert _cut(model, UNDIRECTED, cluster, None, None, None) == {"layout": "columns", "width": 16, "bounds": [0, 700]}
    monkeypatch.setattr("graphx.fastrp.cluster.worker_memory", lambda client: 20_000)
    cut = _cut(model, UNDIRECTED, cluster, None, None, None)
    assert cut["layout"] == "rows"
    assert cut["bounds"][0] == 0 and cut["bounds"][-1] == 700 and len(cut["bounds"]) >= 5


def test_graphs_without_edges(cluster):
    for nodes in (0, 3):
        empty = Graph.from_edges([], [], num_nodes=nodes)
        for layout in ("columns", "rows"):
            model = ready(FastRP(4, random_state=0), empty)
            assert embed_on_cluster(model, empty, cluster, layout=layout).shape == (nodes, 4)


def test_bad_arguments(cluster):
    with pytest.raises(InputError, match="layout is 'diagonal'"):
        embed_on_cluster(FastRP(4), UNDIRECTED, cluster, layout="diagonal")
    with pytest.raises(InputError, match="never both"):
        FastRP(4).fit(UNDIRECTED, client=cluster, out="embedding.npy")
    with pytest.raises(InputError, match="expected one of client and out"):
        FastRP(4).fit(UNDIRECTED, work_dir="job")
    with pytest.raises(InputError, match="refine=2 needs all columns"):
        FastRP(4, refine=2).fit(UNDIRECTED, client=cluster)


_CLIENT = """
import sys
from graphx.data.synthetic import barabasi_albert
from graphx.fastrp import FastRP
from tests.clusters import two_workers

if __name__ == "__main__":
    with two_workers() as client:
        FastRP(512, random_state=1).fit(barabasi_albert(60000, 8, seed=1), client=client, work_dir=sys.argv[1])
"""


@pytest.mark.slow
def test_a_killed_client_is_taken_up_by_a_new_one(tmp_path):
    script, work = tmp_path / "client.py", tmp_path / "job"
    script.write_text(_CLIENT)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(script), str(work)], env=env, start_new_session=True) as client:
        stop = time.monotonic() + 120
        while len(stamps(work, "tile-*.npy")) < 1 and client.poll() is None and time.monotonic() < stop:
            time.sleep(0.005)
        client.send_signal(signal.SIGKILL)
    time.sleep(2)
    before = stamps(work, "tile-*.npy")
    assert before
    assert not list(work.glob("result-*.npy"))
    after = {}
    graph = barabasi_albert(60000, 8, seed=1)
    model = FastRP(512, random_state=1, progress=lambda *facts: after.update(stamps(work, "tile-*.npy")))
    with two_workers() as fresh:
        made = model.fit_transform(graph, client=fresh, work_dir=work)
    assert np.array_equal(made, FastRP(512, random_state=1).fit_transform(graph))
    assert before.items() <= after.items()
    assert len(after) > len(before)
