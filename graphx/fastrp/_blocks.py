r"""FastRP as a job of blocks: rows x tiles of columns, each block a file, each a pure function of other files.

A tile of columns goes through all hops alone; tiles meet only in the lengths of the rows, so the sums of squares are
all that is exchanged. They are taken by groups of 16 columns and added in one order, as the kernels do, so that the
result has the bits of the pass over whole rows, however it was cut.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphx import _core
from graphx._files import atomic_file
from graphx.fastrp._engine import (
    GROUP,
    SparseStart,
    State,
    Walk,
    empty_state,
    projection,
    propagate,
    sparse_projection,
)
from graphx.graph import Graph

__all__ = ["Job", "Spec", "finish_block", "finish_rows", "hop_block", "hop_name", "mark_name", "tile_block"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Spec:
    """All numbers of an embedding but the graph's.

    Args:
        columns: d.
        kind: Of the random start.
        seed: Of the random start.
        sparse: Whether the first hop takes it as sparse rows.
        weights: Of the states in the result, the random start's first.
        normalize: Whether rows are brought to unit length.
        by_count: Whether sums are divided by the number of entries.
        weights_scale: A common factor of the graph's weights.
        storage: Of the states.
    """

    columns: int
    kind: str
    seed: int
    sparse: bool
    weights: tuple[float, ...]
    normalize: bool
    by_count: bool
    weights_scale: float
    storage: str

    @property
    def hops(self) -> int:
        """How many hops the result needs."""
        return max((hop for hop, weight in enumerate(self.weights) if weight), default=0)

    def kept(self) -> list[tuple[int, float]]:
        """The states in the result with their weights, the random start as state 0."""
        return [(hop, weight) for hop, weight in enumerate(self.weights) if weight]


@dataclass(frozen=True)
class Job:
    """The files of a job.

    Args:
        folder: Where blocks go; holds ``rows_scale.npy`` and ``ids.npy`` where there are such.
        graph: A saved graph.
        spec: The numbers.
        width: Columns a tile, a multiple of ``GROUP``.
        bounds: Where blocks of rows begin and end.
    """

    folder: str
    graph: str
    spec: Spec
    width: int
    bounds: tuple[int, ...]

    @property
    def tiles(self) -> int:
        """How many tiles there are."""
        return -(-self.spec.columns // self.width)

    def facts(self) -> dict[str, Any]:
        """What the result depends on."""
        return asdict(self.spec)

    def tile(self, tile: int) -> tuple[int, int]:
        """The first column and one past the last."""
        return tile * self.width, min(self.spec.columns, (tile + 1) * self.width)

    def walk(self) -> Walk:
        """The averages of the graph, mapped into memory."""
        graph = Graph.open(self.graph)
        return Walk(graph.indptr, graph.indices, graph.weights, self.spec.by_count, self.spec.weights_scale)

    def array(self, name: str) -> Any:
        """A vector of the job, or None."""
        path = Path(self.folder) / f"{name}.npy"
        return np.load(path, allow_pickle=False) if path.is_file() else None


def mark_name(tile: int) -> str:
    """The file that says that a tile has gone through all hops."""
    return f"tile-{tile:06d}.npy"


def hop_name(hop: int, block: int, tile: int) -> str:
    """The file of one state of one block."""
    return f"state-{hop}-{block:06d}-{tile:06d}.npy"


def _squares(job: Job, hop: int, block: int, tile: int) -> Path:
    return Path(job.folder) / f"squares-{hop}-{block:06d}-{tile:06d}.npy"


def _empty(job: Job, rows: int, tile: int) -> State:
    first, last = job.tile(tile)
    return empty_state(rows, last - first, job.spec.storage)


def _start(job: Job, tile: int) -> State | SparseStart:
    """The random start of a tile."""
    spec, ids = job.spec, job.array("ids")
    nodes = job.bounds[-1]
    options: dict[str, Any] = {"num_nodes": nodes, "columns": job.tile(tile), "rows_scale": job.array("rows_scale")}
    rows = nodes if ids is None else ids
    if spec.sparse:
        return sparse_projection(rows, spec.columns, spec.kind, spec.seed, **options)
    return projection(rows, spec.columns, spec.kind, spec.seed, storage=spec.storage, **options)


def _dense(start: State | SparseStart) -> State:
    if not isinstance(start, SparseStart):
        return start
    made = np.zeros((start.indptr.size - 1, start.n_columns), np.float32)
    made[np.repeat(np.arange(made.shape[0]), np.diff(start.indptr)), start.columns] = start.values
    return made


def _write_squares(job: Job, hop: int, block: int, tile: int, state: State) -> None:
    with atomic_file(_squares(job, hop, block, tile)) as partial:
        np.save(partial, _core.fastrp_group_squares(np.ascontiguousarray(state), 1))


def _write(job: Job, hop: int, tile: int, state: State) -> None:
    _write_squares(job, hop, 0, tile, state)
    with atomic_file(Path(job.folder) / hop_name(hop, 0, tile)) as partial:
        np.save(partial, state)


def tile_block(partial: Path, job: Job, tile: int, threads: int = 1) -> None:
    """All hops of one tile: writes the states that the result is made of, then a mark to ``partial``."""
    walk, kept = job.walk(), {hop for hop, _ in job.spec.kept()}
    source = _start(job, tile)
    if 0 in kept:
        _write(job, 0, tile, _dense(source))
    buffers = [_empty(job, walk.num_rows, tile) for _ in range(min(2, job.spec.hops))]
    for hop in range(1, job.spec.hops + 1):
        target = buffers[hop % 2 - 1]
        propagate(walk, source, target, num_threads=threads)
        if hop in kept:
            _write(job, hop, tile, target)
        source = target
    np.save(partial, np.array([tile]))


def hop_block(partial: Path, job: Job, hop: int, block: int, tile: int) -> None:
    """One hop of one block of rows of one tile; hop 0 is the random start."""
    start, stop = job.bounds[block], job.bounds[block + 1]
    source = _start(job, tile) if hop <= 1 else _whole(job, hop - 1, tile)
    if hop == 0:
        state = np.ascontiguousarray(_dense(source)[start:stop])
    else:
        state = _empty(job, stop - start, tile)
        propagate(job.walk().block(start, stop), source, state)
    _write_squares(job, hop, block, tile, state)  # first: a state that is there has its squares
    np.save(partial, state)


def _whole(job: Job, hop: int, tile: int) -> State:
    """A state of all rows, put together from its blocks."""
    state = _empty(job, job.bounds[-1], tile)
    for block, (start, stop) in enumerate(zip(job.bounds[:-1], job.bounds[1:], strict=True)):
        state[start:stop] = np.load(Path(job.folder) / hop_name(hop, block, tile), mmap_mode="r")
    return state


def _factors(job: Job, hop: int, weight: float, block: int, rows: slice) -> Floats:
    """The weight of a state over the lengths of its rows, from the sums of squares of all tiles."""
    size = len(range(*rows.indices(job.bounds[block + 1] - job.bounds[block])))
    if not job.spec.normalize:
        return np.full(size, weight, np.float32)
    total = np.zeros(size)
    for tile in range(job.tiles):
        squares = np.load(_squares(job, hop, block, tile), mmap_mode="r")[rows]
        for group in range(squares.shape[1]):
            total += squares[:, group]
    lengths = np.sqrt(total)
    made = np.divide(float(np.float32(weight)), lengths, out=np.zeros(size), where=total > 0)
    return made.astype(np.float32)


def finish_rows(job: Job, block: int, rows: slice, tiles: range, threads: int) -> Floats:
    """The result of some rows of a block, for some tiles side by side."""
    size = len(range(*rows.indices(job.bounds[block + 1] - job.bounds[block])))
    first = job.tile(tiles[0])[0]
    out = np.empty((size, job.tile(tiles[-1])[1] - first), np.float32)
    parts = [np.zeros((size, job.tile(tile)[1] - job.tile(tile)[0]), np.float32) for tile in tiles]
    for number, (hop, weight) in enumerate(job.spec.kept()):
        share = _factors(job, hop, weight, block, rows)
        for tile, part in zip(tiles, parts, strict=True):
            state = np.ascontiguousarray(np.load(Path(job.folder) / hop_name(hop, block, tile), mmap_mode="r")[rows])
            _core.fastrp_accumulate(state, 1.0, False, share, number > 0, part, threads)
    for tile, part in zip(tiles, parts, strict=True):
        start, stop = job.tile(tile)
        out[:, start - first : stop - first] = part
    return out


def finish_block(partial: Path, job: Job, block: int, tile: int) -> None:
    """The result of one block of one tile."""
    np.save(partial, finish_rows(job, block, slice(None), range(tile, tile + 1), 1))
