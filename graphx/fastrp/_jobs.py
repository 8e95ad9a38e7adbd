"""A FastRP estimator and a graph as a job of blocks, and what happens to the result."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphx._cluster import job_folder, save_array
from graphx._files import atomic_file
from graphx.errors import InputError
from graphx.fastrp._blocks import Job, Spec
from graphx.fastrp._engine import DENSE_FROM, density_of, node_ids
from graphx.graph import Graph

if TYPE_CHECKING:
    from graphx.fastrp.fastrp import FastRP

__all__ = ["open_job", "spec_of", "working_folder"]

_OWN = ("job.json", "ids.npy", "rows_scale.npy", *(f"{kind}-*.npy" for kind in ("tile", "state", "squares", "result")))


def spec_of(model: FastRP, graph: Graph) -> tuple[Spec, npt.NDArray[np.float32] | None]:
    """The numbers of an embedding, and the factors of the rows of the random start.

    Args:
        model: A checked estimator with a seed.
        graph: The graph.

    Returns:
        Both.

    Raises:
        InputError: The estimator asks for what is not made tile by tile.
    """
    from graphx.fastrp._start import _degree_scale

    for name, plain in (("refine", 0), ("oversample", 1), ("feature_ratio", 0)):
        if getattr(model, name) != plain:
            raise InputError(
                f"{name}={getattr(model, name)!r} needs all columns at once; client= and out= make them tile by tile: "
                f"expected {name}={plain}, or neither client= nor out="
            )
    walk, kind = model._walk(graph), model._kind()
    return Spec(
        columns=int(model.n_components),
        kind=kind,
        seed=model.seed_,
        sparse=kind != "gaussian" and density_of(kind, graph.num_nodes) < DENSE_FROM,
        weights=(float(model.self_influence), *map(float, model.iteration_weights)),
        normalize=bool(model.normalize),
        by_count=walk.by_count,
        weights_scale=walk.weights_scale,
        storage=model.storage,
    ), _degree_scale(walk.degrees(), model.normalization_strength)


@contextmanager
def working_folder(work_dir: Any) -> Iterator[Path]:
    """The folder of a job: the user's, emptied of blocks when all went well, or one that goes away in any case."""
    if work_dir is None:
        with tempfile.TemporaryDirectory(prefix="graphx-fastrp-") as made:
            yield Path(made) / "job"
        return
    yield Path(work_dir)
    _clear(Path(work_dir))


def _clear(folder: Path) -> None:
    """Takes a job out of its folder, and the folder away where nothing else is in it."""
    for saved in [folder / "graph", *folder.glob(".graph.partial-*")]:
        shutil.rmtree(saved, ignore_errors=True)
    for pattern in _OWN:
        for file in [*folder.glob(pattern), *folder.glob(f".{pattern}.partial-*")]:
            file.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def open_job(model: FastRP, graph: Graph, folder: Path, cut: dict[str, Any]) -> tuple[Job, str]:
    """Writes what the blocks are made from, or finds it there.

    Args:
        model: A checked estimator with a seed.
        graph: The graph.
        folder: Where to.
        cut: ``layout``, ``width`` and ``bounds``; a job that was begun keeps its own.

    Returns:
        The job, and its layout.
    """
    import graphx

    spec, scale = spec_of(model, graph)
    ids = node_ids(graph)
    facts = {
        "job": "FastRP",
        "graph": graph.digest,
        "named": None if ids is None else hashlib.sha256(ids.tobytes()).hexdigest(),
        "strength": float(model.normalization_strength),
        "graphx": graphx.__version__,
        **asdict(spec),
    }
    home, cut = job_folder(folder, facts, cut)
    for name, array in (("ids", ids), ("rows_scale", scale)):
        if array is not None and not (home / f"{name}.npy").is_file():
            with atomic_file(home / f"{name}.npy") as partial:
                save_array(partial, array)
    saved = _saved_as(graph) or home / "graph"
    if not saved.is_dir():
        graph.without_names().save(saved)
    return Job(str(home), str(saved), spec, int(cut["width"]), tuple(cut["bounds"])), str(cut["layout"])


def _saved_as(graph: Graph) -> Path | None:
    """The folder that the graph was opened from, if it is still that graph."""
    if not isinstance(graph.indices.base, np.memmap | np.ndarray) or not graph.report.source:
        return None
    folder = Path(graph.report.source).absolute()
    try:
        return folder if folder.is_dir() and Graph.open(folder).digest == graph.digest else None
    except ValueError:
        return None
