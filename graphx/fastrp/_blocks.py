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
from graphx.graph import Graph

__all__ = ["GROUP", "Job", "Spec", "factors", "finish_block", "finish_rows", "hop_block", "state_name", "tile_block"]

GROUP: Final = _core.FASTRP_GROUP

Floats = npt.NDArray[np.float32]
State = npt.NDArray[Any]  # float32, or the bits of bfloat16 as uint16


@dataclass(frozen=True)
class Spec:
    """All numbers of an embedding, but the graph's.

    Args:
        columns: d.
        seed: Of the random start.
        density: Of the random start; 0 for normal variates.
        scale: Of its entries.
        sparse: Whether the first hop takes the random start as sparse rows.
        self_weight: The weight of the random start in the result.
        weights: Of the hops, from the first on.
        normalize: Whether rows are brought to unit length.
        by_count: Whether sums are divided by the number of entries.
        weights_scale: A common factor of the graph's weights.
        bfloat16: Whether states are kept in 16 bits.
    """

    columns: int
    seed: int
    density: float
    scale: float
    sparse: bool
    self_weight: float
    weights: tuple[float, ...]
    normalize: bool
    by_count: bool
    weights_scale: float
    bfloat16: bool

    def kept(self) -> list[tuple[int, float]]:
        """The states in the result with their weights, the random start as state 0."""
        return [(hop, weight) for hop, weight in enumerate((self.self_weight, *self.weights)) if weight]


@dataclass(frozen=True)
class Job:
    """The files of a job.

    Args:
        folder: Where blocks go; holds ``rows_scale.npy`` and ``ids.npy`` where there are such.
        graph: A saved graph.
        spec: The numbers.
        width: Columns a tile, a multiple of 16.
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

    def open_graph(self) -> Graph:
        """The graph, mapped into memory."""
        return Graph.open(self.graph)

    def array(self, name: str) -> Any:
        """A vector of the job, or None."""
        path = Path(self.folder) / f"{name}.npy"
        return np.load(path, allow_pickle=False) if path.is_file() else None


def state_name(hop: int, block: int, tile: int) -> str:
    """The file of one state of one block."""
    return f"state-{hop}-{block:06d}-{tile:06d}.npy"


def _squares_name(hop: int, block: int, tile: int) -> str:
    return f"squares-{hop}-{block:06d}-{tile:06d}.npy"


def _empty_state(job: Job, rows: int, tile: int) -> State:
    first, last = job.tile(tile)
    return np.empty((rows, last - first), np.uint16 if job.spec.bfloat16 else np.float32)


def _start(job: Job, tile: int, nodes: int, *, dense: bool) -> Any:
    """The random start of a tile: sparse rows, or a state."""
    spec, (first, last) = job.spec, job.tile(tile)
    ids, rows_scale = job.array("ids"), job.array("rows_scale")
    if spec.sparse and not dense:
        return _core.fastrp_project_sparse(
            ids, 0, nodes, first, last, spec.seed, spec.density, spec.scale, rows_scale, 1
        )
    state = _empty_state(job, nodes, tile)
    _core.fastrp_project(ids, 0, first, spec.seed, spec.density, spec.scale, rows_scale, state, 1)
    return state


def _hop(job: Job, graph: Graph, source: Any, tile: int, start: int, stop: int, threads: int) -> State:
    """Rows start..stop of the next state."""
    spec = job.spec
    target = _empty_state(job, stop - start, tile)
    indptr = np.ascontiguousarray(graph.indptr[start : stop + 1])
    rest = (target, None, 0, 0.0, 0.0, False, True, threads, None)
    common = (indptr, graph.indices, graph.weights, spec.weights_scale, spec.by_count)
    if isinstance(source, tuple):
        hop = _core.fastrp_sparse_hop_bfloat16 if spec.bfloat16 else _core.fastrp_sparse_hop
        hop(*common, *source, target.shape[1], *rest)
    else:
        _core.fastrp_hop(*common, source, *rest)
    return target


def _write(job: Job, hop: int, block: int, tile: int, state: State) -> None:
    """A state and its sums of squares; the squares first, so that a state that is there has them."""
    folder = Path(job.folder)
    for name, array in (
        (_squares_name(hop, block, tile), _core.fastrp_group_squares(state, 1)),
        (state_name(hop, block, tile), state),
    ):
        with atomic_file(folder / name) as partial:
            np.save(partial, array)


def tile_block(partial: Path, job: Job, tile: int, threads: int = 1) -> None:
    """All hops of one tile: writes the states that the result is made of, then a mark to ``partial``."""
    graph, kept = job.open_graph(), {hop for hop, _ in job.spec.kept()}
    if 0 in kept:
        _write(job, 0, 0, tile, _start(job, tile, graph.num_nodes, dense=True))
    source = _start(job, tile, graph.num_nodes, dense=False)
    for hop in range(1, len(job.spec.weights) + 1):
        source = _hop(job, graph, source, tile, 0, graph.num_nodes, threads)
        if hop in kept:
            _write(job, hop, 0, tile, source)
    np.save(partial, np.array([tile]))


def hop_block(partial: Path, job: Job, hop: int, block: int, tile: int) -> None:
    """One hop of one block of rows of one tile; hop 0 is the random start, written only where the result needs it."""
    graph = job.open_graph()
    start, stop = job.bounds[block], job.bounds[block + 1]
    if hop == 0:
        state = np.ascontiguousarray(_start(job, tile, graph.num_nodes, dense=True)[start:stop])
    else:
        source = _start(job, tile, graph.num_nodes, dense=False) if hop == 1 else _whole(job, hop - 1, tile)
        state = _hop(job, graph, source, tile, start, stop, 1)
    with atomic_file(Path(job.folder) / _squares_name(hop, block, tile)) as squares:
        np.save(squares, _core.fastrp_group_squares(state, 1))
    np.save(partial, state)


def _whole(job: Job, hop: int, tile: int) -> State:
    """A state of all rows, put together from its blocks."""
    state = _empty_state(job, job.bounds[-1], tile)
    for block, (start, stop) in enumerate(zip(job.bounds[:-1], job.bounds[1:], strict=True)):
        state[start:stop] = np.load(Path(job.folder) / state_name(hop, block, tile), mmap_mode="r")
    return state


def factors(job: Job, hop: int, weight: float, block: int, rows: slice) -> Floats:
    """The weight of a state over the lengths of its rows, from the sums of squares of all tiles."""
    size = len(range(*rows.indices(job.bounds[block + 1] - job.bounds[block])))
    if not job.spec.normalize:
        return np.full(size, weight, np.float32)
    total = np.zeros(size)
    for tile in range(job.tiles):
        squares = np.load(Path(job.folder) / _squares_name(hop, block, tile), mmap_mode="r")[rows]
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
        share = factors(job, hop, weight, block, rows)
        for tile, part in zip(tiles, parts, strict=True):
            state = np.ascontiguousarray(np.load(Path(job.folder) / state_name(hop, block, tile), mmap_mode="r")[rows])
            _core.fastrp_accumulate(state, 0.0, False, share, number > 0, part, threads)
    for tile, part in zip(tiles, parts, strict=True):
        start, stop = job.tile(tile)
        out[:, start - first : stop - first] = part
    return out


def finish_block(partial: Path, job: Job, block: int, tile: int) -> None:
    """The result of one block of one tile."""
    np.save(partial, finish_rows(job, block, slice(None), range(tile, tile + 1), 1))
