"""FastRP where the states do not fit in memory: a mapped graph, tiles of columns one after another, a mapped result."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphx import _core
from graphx._cluster import save_array, told
from graphx._files import atomic_file, check_room
from graphx._threads import resolve_threads
from graphx.errors import InputError
from graphx.fastrp._blocks import Job, finish_rows, mark_name, tile_block
from graphx.fastrp._engine import GROUP, STORAGE, moments
from graphx.fastrp._jobs import open_job, working_folder
from graphx.graph import Graph

if TYPE_CHECKING:
    from graphx.fastrp.fastrp import FastRP

__all__ = ["embed_to_file", "tile_columns", "write_result"]

Floats = npt.NDArray[np.float32]

_ROWS = 1 << 16  # of the result in memory at a time


def tile_columns(model: FastRP, nodes: int, memory: float) -> int:
    """Columns a tile: as many as two states of them fit in ``memory``, a multiple of ``GROUP``.

    Args:
        model: The estimator.
        nodes: N.
        memory: Bytes.

    Returns:
        At least ``GROUP``.
    """
    fits = int(memory / max(1, 2 * nodes * STORAGE[model.storage].itemsize)) // GROUP * GROUP
    return max(GROUP, min(fits, -(-model.n_components // GROUP) * GROUP))


def embed_to_file(
    model: FastRP, graph: Graph, path: str | os.PathLike[str], *, work_dir: Any = None, width: int | None = None
) -> Floats:
    """The embedding as a ``.npy`` file, mapped into memory; the same bits as in memory.

    States take two tiles of columns in memory, a quarter of the machine's at most where ``GROUP`` columns allow. Tiles
    that the result needs go to files; a call that follows a killed one goes on from the finished tiles.

    Args:
        model: A checked estimator with a seed.
        graph: The graph; its arrays may be mapped.
        path: The file; it appears whole or not at all.
        work_dir: A folder for tiles; None for ``PATH.blocks`` beside the file.
        width: Columns a tile.

    Returns:
        float32 ``[N, d]``, mapped read-only.

    Raises:
        InputError: The name of the file does not end in .npy.
        CapacityError: The disk has too little room.
        StoreError: A file was lost, or the folder for tiles belongs to another job.
    """
    target = Path(path)
    if target.suffix.lower() != ".npy":
        raise InputError(f"out={os.fspath(path)!r}; expected the name of a .npy file")
    threads = resolve_threads(model.num_threads)
    folder = Path(work_dir) if work_dir is not None else target.with_name(f"{target.name}.blocks")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 4 if hasattr(os, "sysconf") else 2**30
    cut = {
        "layout": "columns",
        "width": width or tile_columns(model, graph.num_nodes, memory),
        "bounds": [0, graph.num_nodes],
    }
    with working_folder(folder):
        job, _ = open_job(model, graph, folder, cut)
        _make_tiles(job, threads, model.progress)
        write_result(model, job, target)
    made: Floats = np.load(target, mmap_mode="r")
    return made


def _make_tiles(job: Job, threads: int, progress: Any) -> None:
    size = STORAGE[job.spec.storage].itemsize * job.spec.columns * job.bounds[-1] * len(job.spec.kept())
    marks = [Path(job.folder) / mark_name(tile) for tile in range(job.tiles)]
    left = sum(not mark.is_file() for mark in marks)
    check_room(Path(job.folder), size * left // job.tiles)
    for tile, mark in enumerate(marks):
        if not mark.is_file():
            try:
                with atomic_file(mark) as partial:
                    tile_block(partial, job, tile, threads)
            except OSError as error:
                raise told(error, mark) from error
        if progress is not None:
            progress("tiles of columns", tile + 1, job.tiles)


def write_result(model: FastRP, job: Job, target: Path) -> None:
    """Puts the tiles together, row by row, and standardises where the estimator does.

    Args:
        model: The estimator; gets ``mean_`` and ``scale_``.
        job: A job of one block of rows whose tiles are there.
        target: The file.
    """
    nodes, columns = job.bounds[-1], job.spec.columns
    threads = resolve_threads(model.num_threads)
    try:
        check_room(target.absolute().parent, nodes * columns * 4)
        with atomic_file(target) as partial:
            if nodes == 0:
                made = np.zeros((0, columns), np.float32)
                standardize(model, made)
                save_array(partial, made)
                return
            out = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float32, shape=(nodes, columns))
            _reserve(partial)
            for start in range(0, nodes, _ROWS):
                rows = slice(start, min(nodes, start + _ROWS))
                out[rows] = finish_rows(job, 0, rows, range(job.tiles), threads)
            standardize(model, out)
            out.flush()
            del out
    except OSError as error:
        raise told(error, target) from error


def _reserve(path: Path) -> None:
    """Room on the disk for all of a file, since a mapped one that finds none kills the process."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def standardize(model: FastRP, x: Floats) -> None:
    """As ``fit`` does in memory, in place.

    Args:
        model: The estimator; gets ``mean_`` and ``scale_``.
        x: The result.
    """
    wanted = model.convention == "paper" if model.standardize is None else model.standardize
    if not wanted:
        return
    threads = resolve_threads(model.num_threads)
    plain = x.view(np.ndarray)
    model.mean_, model.scale_ = moments(plain, threads)
    _core.fastrp_standardize(plain, model.mean_, (1 / model.scale_).astype(np.float32), threads)
