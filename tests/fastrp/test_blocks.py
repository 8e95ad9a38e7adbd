"""The blocks of a job, made one by one in this process: any cut gives the bits of the embedding in memory."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphx._files import atomic_file
from graphx.data import synthetic
from graphx.fastrp import FastRP
from graphx.fastrp._blocks import Job, Spec, finish_block, finish_rows, hop_block, hop_name, mark_name, tile_block
from graphx.fastrp._jobs import open_job
from graphx.graph import Graph

_RNG = np.random.default_rng(5)
WEIGHTED = Graph.from_edges(
    _RNG.integers(0, 90, 400), _RNG.integers(0, 90, 400), _RNG.random(400) + 0.1, num_nodes=100, duplicates="sum",
    directed=True,
)  # fmt: skip
NAMED = Graph(*(getattr(synthetic.barabasi_albert(100, 3, seed=1), part) for part in ("indptr", "indices")),
              names=[f"n{i * 7 % 100}" for i in range(100)])  # fmt: skip
OPTIONS: list[dict[str, Any]] = [
    {},
    {"self_influence": 0.5, "iteration_weights": (1, 0, 2)},
    {"self_influence": 1.0, "iteration_weights": (0,)},
    {"storage": "bfloat16", "projection": "gaussian", "iteration_weights": (1, 1)},
    {"convention": "gds", "normalize": False, "normalization_strength": -0.5, "self_influence": 0.25},
]


def spec(**changes: Any) -> Spec:
    facts = {
        "columns": 40, "kind": "sparse", "seed": 0, "sparse": False, "weights": (0.0, 1.0), "normalize": True,
        "by_count": False, "weights_scale": 1.0, "storage": "float32",
    }  # fmt: skip
    return Spec(**{**facts, **changes})


@pytest.mark.parametrize(
    ("weights", "hops", "kept"),
    [
        ((0.0, 0.0, 1.0, 0.0), 2, [(2, 1.0)]),
        ((2.0,), 0, [(0, 2.0)]),
        ((2.0, 0.0, 0.0), 0, [(0, 2.0)]),
        ((0.5, 1.0, 0.0, -1.0), 3, [(0, 0.5), (1, 1.0), (3, -1.0)]),
    ],
)
def test_states_that_the_result_needs(weights: Any, hops: int, kept: Any) -> None:
    made = spec(weights=weights)
    assert made.hops == hops and made.kept() == kept


@pytest.mark.parametrize(
    ("columns", "width", "bounds"), [(40, 16, [0, 16, 32, 40]), (16, 16, [0, 16]), (1, 16, [0, 1])]
)
def test_tiles_cover_the_columns_once(columns: int, width: int, bounds: list[int]) -> None:
    job = Job("f", "g", spec(columns=columns), width, (0, 9))
    assert [job.tile(tile) for tile in range(job.tiles)] == list(itertools.pairwise(bounds))


def test_names_of_files_sort_as_their_numbers() -> None:
    numbers = [0, 9, 10, 99_999, 100_000]
    assert sorted(map(mark_name, numbers)) == list(map(mark_name, numbers))
    names = [hop_name(2, block, tile) for block in numbers for tile in numbers]
    assert sorted(names) == names and len(set(names)) == 25


def job_of(graph: Graph, folder: Path, options: dict[str, Any], width: int, bounds: list[int]) -> tuple[Job, Any]:
    model = FastRP(**{"n_components": 40, "random_state": 3, "standardize": False, **options})
    expected = model.fit_transform(graph)
    cut = {"layout": "rows", "width": width, "bounds": bounds}
    return open_job(model, model.graph_, folder, cut)[0], expected


@pytest.mark.parametrize("graph", [WEIGHTED, NAMED], ids=["weighted", "named"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("width", [16, 48])
def test_tiles_one_by_one(graph: Graph, options: dict[str, Any], width: int, tmp_path: Path) -> None:
    job, expected = job_of(graph, tmp_path / "job", options, width, [0, 100])
    for tile in reversed(range(job.tiles)):  # in any order
        with atomic_file(Path(job.folder) / mark_name(tile)) as partial:
            tile_block(partial, job, tile, threads=1 + tile)
    for rows in (slice(None), slice(0, 1), slice(37, 64), slice(99, 100), slice(40, 40)):
        for threads in (1, 3):
            assert np.array_equal(finish_rows(job, 0, rows, range(job.tiles), threads), expected[rows])
    last = range(job.tiles - 1, job.tiles)
    assert np.array_equal(finish_rows(job, 0, slice(5, 50), last, 1), expected[5:50, job.tile(last[0])[0] :])


@pytest.mark.parametrize("graph", [WEIGHTED, NAMED], ids=["weighted", "named"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("bounds", [[0, 100], [0, 1, 33, 34, 100]], ids=len)
def test_hops_block_by_block(graph: Graph, options: dict[str, Any], bounds: list[int], tmp_path: Path) -> None:
    job, expected = job_of(graph, tmp_path / "job", options, 16, bounds)
    folder = Path(job.folder)
    grid = list(itertools.product(range(len(bounds) - 1), range(job.tiles)))
    for hop in range(0 if job.spec.weights[0] else 1, job.spec.hops + 1):
        for block, tile in reversed(grid):
            with atomic_file(folder / hop_name(hop, block, tile)) as partial:
                hop_block(partial, job, hop, block, tile)
    for block, tile in grid:
        with atomic_file(folder / f"result-{block}-{tile}.npy") as partial:
            finish_block(partial, job, block, tile)
        found = np.load(folder / f"result-{block}-{tile}.npy")
        assert np.array_equal(found, expected[bounds[block] : bounds[block + 1], slice(*job.tile(tile))])


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    job, _ = job_of(WEIGHTED, tmp_path / "job", {}, 16, [0, 100])
    assert job.array("ids") is None and job.array("rows_scale") is None
    scaled, _ = job_of(WEIGHTED, tmp_path / "scaled", {"normalization_strength": 1.0}, 16, [0, 100])
    degrees = np.asarray(WEIGHTED.to_scipy().sum(1)).ravel()
    np.testing.assert_allclose(scaled.array("rows_scale"), np.where(degrees > 0, degrees, 1), rtol=1e-6)
    assert scaled.facts()["weights"] == (0.0, 0.0, 0.0, 1.0, 1.0)
