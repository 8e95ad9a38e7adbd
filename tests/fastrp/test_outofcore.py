"""FastRP into a file: the same bits as in memory, and what is left when something fails."""

from __future__ import annotations

import errno

import numpy as np
import pytest

from graphx import Graph
from graphx._files import atomic_file
from graphx.data.synthetic import barabasi_albert
from graphx.errors import CapacityError, InputError, StoreError
from graphx.fastrp import FastRP, _outofcore
from graphx.fastrp._outofcore import embed_to_file, tile_columns
from tests.clusters import stamps

UNDIRECTED = barabasi_albert(700, 4, seed=1)
_RNG = np.random.default_rng(0)
DIRECTED = Graph.from_edges(
    _RNG.integers(0, 300, 900), _RNG.integers(0, 300, 900), _RNG.random(900) + 0.1, directed=True, duplicates="sum"
)
OPTIONS = [
    {},
    {"self_influence": 0.5},
    {"storage": "bfloat16", "self_influence": 0.2},
    {"projection": "gaussian", "storage": "bfloat16", "self_influence": 0.2},
    {"convention": "gds", "normalize": False},
    {"normalization_strength": -0.5, "iteration_weights": (1, 0, 2.5)},
    {"self_influence": 1.0, "iteration_weights": (0,)},
    {"n_components": 1},
    {"orientation": "reverse", "projection": "sparse"},
]


@pytest.mark.parametrize("graph", [UNDIRECTED, DIRECTED], ids=["undirected", "directed"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_same_bits_as_in_memory(graph, options, tmp_path):
    model = FastRP(**{"n_components": 40, "random_state": 3, **options})
    expected = model.fit_transform(graph)
    mean = model.mean_
    made = model.fit_transform(graph, out=tmp_path / "whole.npy")
    assert np.array_equal(made, expected)
    assert isinstance(made, np.memmap)
    assert (mean is None) == (model.mean_ is None) and (mean is None or np.array_equal(mean, model.mean_))
    assert np.array_equal(embed_to_file(model, model.graph_, tmp_path / "tiles.npy", width=16), expected)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["tiles.npy", "whole.npy"]


def test_a_mapped_graph_with_names(tmp_path):
    named = Graph(UNDIRECTED.indptr, UNDIRECTED.indices, names=[f"n{i * 7 % 1000}" for i in range(700)])
    opened = Graph.open(named.save(tmp_path / "a.graph"))
    expected = FastRP(20, random_state=0).fit_transform(named)
    assert np.array_equal(FastRP(20, random_state=0).fit_transform(opened, out=tmp_path / "a.npy"), expected)


@pytest.mark.parametrize("nodes", [0, 1, 4])
def test_graphs_without_edges(nodes, tmp_path):
    empty = Graph.from_edges([], [], num_nodes=nodes)
    made = FastRP(3, random_state=0).fit_transform(empty, out=tmp_path / "a.npy")
    assert made.shape == (nodes, 3)
    assert not made.any()


def test_tiles_fit_the_memory():
    model = FastRP(100)
    assert tile_columns(model, 10**6, 2 * 4 * 10**6 * 40) == 32
    assert tile_columns(model, 10**6, 1) == 16
    assert tile_columns(model, 100, 1e9) == 112
    assert tile_columns(FastRP(100, storage="bfloat16"), 10**6, 2 * 4 * 10**6 * 40) == 80


def test_a_stopped_call_is_taken_up(tmp_path):
    def stop(stage, done, total):
        if done == 2:
            raise KeyboardInterrupt

    target = tmp_path / "a.npy"
    model = FastRP(64, random_state=0, progress=stop)
    with pytest.raises(KeyboardInterrupt):
        embed_to_file(fitted(model), UNDIRECTED, target, width=16)
    assert not target.exists()
    before = stamps(tmp_path / "a.npy.blocks", "tile-*.npy")
    assert len(before) == 2
    seen = {}
    model.set_params(progress=lambda *facts: seen.update(stamps(tmp_path / "a.npy.blocks", "tile-*.npy")))
    made = embed_to_file(model, UNDIRECTED, target, width=32)  # the tiles stay as they were begun
    assert np.array_equal(made, FastRP(64, random_state=0).fit_transform(UNDIRECTED))
    assert before.items() <= seen.items()
    assert len(seen) == 4
    assert not (tmp_path / "a.npy.blocks").exists()


def fitted(model):
    """With the attributes that `fit` sets before it embeds."""
    model.graph_, model.seed_, model.mean_, model.scale_ = UNDIRECTED, 0, None, None
    return model


def test_the_folder_of_another_job(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds no job"):
        FastRP(16, random_state=0).fit_transform(UNDIRECTED, out=tmp_path / "a.npy", work_dir=tmp_path / "work")
    assert (tmp_path / "work" / "notes.txt").read_text() == "mine"


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(_outofcore, "atomic_file", full)
    with pytest.raises(CapacityError, match="No space left on device; finished blocks are kept"):
        FastRP(16, random_state=0).fit_transform(UNDIRECTED, out=tmp_path / "a.npy")
    monkeypatch.setattr(_outofcore, "atomic_file", atomic_file)
    made = FastRP(16, random_state=0).fit_transform(UNDIRECTED, out=tmp_path / "a.npy")
    assert np.array_equal(made, FastRP(16, random_state=0).fit_transform(UNDIRECTED))


def test_too_little_room_is_told_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(CapacityError, match="are to be written"):
        FastRP(16, random_state=0).fit_transform(UNDIRECTED, out=tmp_path / "a.npy")


def test_a_lost_tile_is_told(tmp_path):
    def lose(stage, done, total):
        if done == total:
            next((tmp_path / "a.npy.blocks").glob("state-*.npy")).unlink()

    with pytest.raises(StoreError, match=r"state-[34]-000000-000000\.npy: not found"):
        FastRP(16, random_state=0, progress=lose).fit_transform(UNDIRECTED, out=tmp_path / "a.npy")


@pytest.mark.parametrize("options", [{"refine": 1}, {"oversample": 2}])
def test_what_needs_all_columns(options, tmp_path):
    with pytest.raises(InputError, match="needs all columns at once"):
        FastRP(16, **options).fit(UNDIRECTED, out=tmp_path / "a.npy")
