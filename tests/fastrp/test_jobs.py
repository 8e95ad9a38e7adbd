"""A FastRP estimator as a job in a folder: what may be taken up, what is another job, and what is cleared away."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphx.data import synthetic
from graphx.errors import InputError, StoreError
from graphx.fastrp import FastRP
from graphx.fastrp._jobs import open_job, spec_of, working_folder
from graphx.graph import Graph

GRAPH = synthetic.barabasi_albert(120, 3, seed=0)
CUT = {"layout": "columns", "width": 16, "bounds": [0, 120]}


def ready(graph: Graph = GRAPH, **options: Any) -> FastRP:
    """A model with what ``fit`` sets before it embeds."""
    model = FastRP(**{"n_components": 20, "random_state": 0, **options})
    model.graph_, model.seed_, model._features = graph, int(model.random_state), None  # type: ignore[arg-type]
    return model


def named(prefix: str) -> Graph:
    return Graph(GRAPH.indptr, GRAPH.indices, names=[f"{prefix}{i}" for i in range(120)])


class Stopped(Exception):
    pass


def stop(*_: object) -> None:
    raise Stopped


# -- what a job is made of ---------------------------------------------------------------------------------------------


def test_a_spec_says_what_the_estimator_says() -> None:
    weighted = Graph(GRAPH.indptr, GRAPH.indices, np.full(GRAPH.indices.size, 4.0))
    spec, scale = spec_of(
        ready(weighted, convention="gds", self_influence=2, iteration_weights=[0, 1], normalization_strength=1.0),
        weighted,
    )
    assert (spec.columns, spec.kind, spec.seed, spec.weights) == (20, "sparse", 0, (2.0, 0.0, 1.0))
    assert spec.by_count and spec.weights_scale == 0.25 and spec.normalize and spec.storage == "float32"
    assert scale is not None and np.array_equal(scale, GRAPH.degrees().astype(np.float32))
    plain, none = spec_of(ready(), GRAPH)
    assert none is None and not plain.by_count and plain.kind == "very_sparse" and plain.sparse
    assert not spec_of(ready(projection="gaussian"), GRAPH)[0].sparse
    assert (spec.hops, spec.kept()) == (2, [(0, 2.0), (2, 1.0)])


@pytest.mark.parametrize(("name", "value"), [("refine", 2), ("oversample", 3), ("feature_ratio", 0.5)])
def test_what_needs_all_columns_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"{name}={value} needs all columns at once; client= and out="):
        spec_of(ready(**{name: value}), GRAPH)


def test_a_job_is_opened_again_with_the_cut_it_was_begun_with(tmp_path: Path) -> None:
    job, layout = open_job(ready(), GRAPH, tmp_path / "job", CUT)
    assert layout == "columns" and job.tiles == 2 and job.tile(1) == (16, 20)
    stamps = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "job").iterdir()}
    again, layout = open_job(ready(), GRAPH, tmp_path / "job", {"layout": "rows", "width": 32, "bounds": [0, 60, 120]})
    assert again == job and layout == "columns"
    assert stamps == {path.name: path.stat().st_mtime_ns for path in (tmp_path / "job").iterdir()}
    assert np.array_equal(job.walk().indices, GRAPH.indices) and job.array("ids") is None


def test_a_saved_graph_is_read_where_it_lies(tmp_path: Path) -> None:
    opened = Graph.open(GRAPH.save(tmp_path / "there.graph"))
    job, _ = open_job(ready(), opened, tmp_path / "job", CUT)
    assert Path(job.graph) == tmp_path / "there.graph" and not (tmp_path / "job" / "graph").exists()
    other = Graph.open(synthetic.path(3).save(tmp_path / "there.graph", overwrite=True))  # another graph is there now
    assert other.num_nodes == 3
    job, _ = open_job(ready(), opened, tmp_path / "next", CUT)
    assert Path(job.graph) == tmp_path / "next" / "graph"


def test_names_are_kept_as_what_the_random_numbers_hang_on(tmp_path: Path) -> None:
    from graphx.fastrp._random import node_ids

    graph = named("n")
    job, _ = open_job(ready(graph), graph, tmp_path / "job", CUT)
    assert np.array_equal(job.array("ids"), node_ids(graph))
    assert Graph.open(job.graph).names is None  # the ids say all


# -- other jobs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "options"),
    [
        (named("b"), {}),  # the same structure, other names
        (GRAPH, {}),
        (named("a"), {"random_state": 1}),
        (named("a"), {"normalization_strength": 0.5}),
        (named("a"), {"iteration_weights": (1, 1, 1)}),
        (named("a"), {"storage": "bfloat16"}),
        (named("a"), {"n_components": 21}),
        (synthetic.path(120), {}),
    ],
)
def test_blocks_of_another_job_are_not_taken(other: Graph, options: dict[str, Any], tmp_path: Path) -> None:
    open_job(ready(named("a")), named("a"), tmp_path / "job", CUT)
    with pytest.raises(StoreError, match="holds the blocks of another job"):
        open_job(ready(other, **options), other, tmp_path / "job", CUT)
    open_job(ready(named("a")), named("a"), tmp_path / "job", CUT)


def test_a_stopped_fit_of_other_names_does_not_lend_its_vectors(tmp_path: Path) -> None:
    out, work = tmp_path / "e.npy", tmp_path / "work"
    with pytest.raises(Stopped):
        FastRP(20, random_state=0, progress=stop).fit(named("a"), out=out, work_dir=work)
    with pytest.raises(StoreError, match="another job"):
        FastRP(20, random_state=0).fit(named("b"), out=out, work_dir=work)
    made = FastRP(20, random_state=0).fit_transform(named("a"), out=out, work_dir=work)
    assert np.array_equal(made, FastRP(20, random_state=0).fit_transform(named("a")))
    assert not np.array_equal(made, FastRP(20, random_state=0).fit_transform(named("b")))


# -- what is cleared away ----------------------------------------------------------------------------------------------


def test_what_else_is_in_the_folder_stays(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / ".git").mkdir(parents=True)
    (work / ".git" / "config").write_text("mine")

    def leave(stage: str, done: int, total: int) -> None:
        (work / "notes.txt").write_text("mine too")

    FastRP(20, random_state=0, progress=leave).fit(GRAPH, out=tmp_path / "e.npy", work_dir=work)
    assert sorted(os.listdir(work)) == [".git", "notes.txt"] and (work / ".git" / "config").read_text() == "mine"


def test_the_folder_goes_with_the_job_and_with_what_killed_writers_left(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / ".tile-000000.npy.partial-999999999-x").write_text("half")
    (work / ".graph.partial-999999999-x").mkdir()
    FastRP(20, random_state=0, normalization_strength=0.5).fit(named("a"), out=tmp_path / "e.npy", work_dir=work)
    assert os.listdir(tmp_path) == ["e.npy"]


def test_a_failed_job_keeps_its_folder_and_a_temporary_one_goes(tmp_path: Path) -> None:
    seen = []
    with pytest.raises(Stopped), working_folder(None) as folder:
        folder.mkdir()
        seen.append(folder)
        raise Stopped
    assert not seen[0].parent.exists()
    with pytest.raises(Stopped), working_folder(tmp_path / "work") as folder:
        (folder / "tile-000000.npy").parent.mkdir()
        (folder / "tile-000000.npy").write_text("done")
        raise Stopped
    assert os.listdir(tmp_path / "work") == ["tile-000000.npy"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_process_is_taken_up_from_its_tiles(tmp_path: Path) -> None:
    work, options = tmp_path / "work", {"n_components": 50, "random_state": 0}
    import graphx.fastrp._outofcore as outofcore

    child = os.fork()
    if child == 0:
        model = ready(**options, num_threads=1)
        model.progress = lambda stage, done, total: os._exit(9) if done == 2 else None
        outofcore.embed_to_file(model, GRAPH, tmp_path / "e.npy", work_dir=work, width=16)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    before = {path.name: path.stat().st_mtime_ns for path in work.glob("tile-*.npy")}
    assert len(before) == 2 and not (tmp_path / "e.npy").exists()
    kept: dict[str, int] = {}
    model = ready(**options)
    model.mean_ = model.scale_ = None
    model.progress = lambda *_: kept.update({p.name: p.stat().st_mtime_ns for p in work.glob("tile-*.npy")})
    made = outofcore.embed_to_file(model, GRAPH, tmp_path / "e.npy", work_dir=work, width=16)
    assert np.array_equal(made, FastRP(**options).fit_transform(GRAPH))
    assert before.items() <= kept.items() and len(kept) == 4 and not work.exists()
