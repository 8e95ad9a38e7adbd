r"""The passes of FastRP: the random start, hops of averaging over neighbours, and the weighted sum of unit rows.

A state :math:`U_k` is an array ``[N, d]`` of float32, or of uint16 that holds the bits of bfloat16; the sums are
float32. Every number is made in one fixed order: results have the same bits for any number of threads, for any cut of
the rows into blocks, and for any cut of the columns into tiles of a multiple of :data:`GROUP`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from graphx import _core
from graphx.errors import InputError
from graphx.graph import Graph

__all__ = [
    "GROUP",
    "KINDS",
    "SparseStart",
    "Walk",
    "accumulate",
    "empty_state",
    "hops",
    "merge_hops",
    "moments",
    "node_ids",
    "projection",
    "propagate",
    "sparse_projection",
    "to_float32",
    "walk_of",
]

Kind: TypeAlias = Literal["very_sparse", "sparse", "gaussian"]
Progress: TypeAlias = Callable[[str, int, int], object]
State: TypeAlias = npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float32]
Ids: TypeAlias = npt.NDArray[np.uint64]

KINDS: Final = ("very_sparse", "sparse", "gaussian")
STORAGE: Final[dict[str, np.dtype[Any]]] = {"float32": np.dtype(np.float32), "bfloat16": np.dtype(np.uint16)}
GROUP: Final = _core.FASTRP_GROUP
DENSE_FROM: Final = 0.1  # density of R from which it is stored whole


class SparseStart(NamedTuple):
    """R as rows of a few entries: a CSR ``[N, n_columns]``.

    Attributes:
        indptr: Where the entries of a row begin, ``[N + 1]``.
        columns: Their columns, ascending in a row.
        values: Their values, :math:`L` included.
        n_columns: d.
    """

    indptr: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int32]
    values: Floats
    n_columns: int


@dataclass(frozen=True, slots=True)
class Walk:
    r"""Averages over neighbours, :math:`D^{-1} A`, for some rows of a graph.

    Attributes:
        indptr: int64 ``[rows + 1]``; need not begin with 0.
        indices: int32, which row of the source each entry takes.
        weights: float64 beside ``indices``; None for ones.
        by_count: D counts entries (Neo4j GDS) instead of summing their weights (the paper).
        weights_scale: A factor of all weights, used with ``by_count``.
        first_row: Which row of the source is row 0 itself.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float64] | None = None
    by_count: bool = False
    weights_scale: float = 1.0
    first_row: int = 0

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return self.indptr.size - 1

    def degrees(self) -> npt.NDArray[np.float64]:
        """D: entries or sums of weights of each row, float64 ``[rows]``."""
        counts = np.diff(self.indptr)
        if self.weights is None or self.by_count:
            return counts.astype(np.float64)
        sums = np.zeros(counts.size)
        full = np.flatnonzero(counts)
        if full.size:
            stop = int(self.indptr[-1])
            sums[full] = np.add.reduceat(self.weights[:stop], self.indptr[:-1][full])
        return sums

    def block(self, start: int, stop: int) -> Walk:
        """The same for rows ``start`` to ``stop`` only, over the same arrays."""
        return Walk(
            self.indptr[start : stop + 1],
            self.indices,
            self.weights,
            self.by_count,
            self.weights_scale,
            self.first_row + start,
        )


def walk_of(graph: Graph, convention: str = "paper", *, normalize: bool = True) -> Walk:
    """The averages of a graph as it is stored, by the paper's or Neo4j's convention.

    Args:
        graph: The graph; rows are averaged over.
        convention: ``'paper'`` or ``'gds'``.
        normalize: Rows will be scaled to unit length, so a common factor of all weights may be left out.

    Returns:
        The walk.

    Raises:
        InputError: The paper's convention, and a weight is negative.

    Example:
        >>> walk_of(Graph.from_edges([0, 1], [1, 2])).degrees().tolist()
        [1.0, 2.0, 1.0]
    """
    weights = graph.weights
    if weights is None or weights.size == 0:
        return Walk(graph.indptr, graph.indices)
    if convention == "gds":
        largest = float(np.abs(weights).max())
        scale = 1.0 / largest if normalize and largest > 0 else 1.0
        if largest * scale > np.finfo(np.float32).max:
            raise InputError(f"a weight is {largest:g}; expected less than 3.4e38: divide all weights by the largest")
        return Walk(graph.indptr, graph.indices, weights, by_count=True, weights_scale=scale)
    if weights.min() < 0:
        at = int(np.argmin(weights))
        raise InputError(
            f"entry {at} has the weight {weights[at]:g}; expected none below 0, as convention='paper' divides by the "
            "sum of a node's weights: use convention='gds', which divides by their number, or abs()"
        )
    return Walk(graph.indptr, graph.indices, weights)


def node_ids(graph: Graph) -> Ids | None:
    """What the random numbers of each node depend on: its integer name, a hash of its text, or its row (None).

    Args:
        graph: The graph.

    Returns:
        uint64 ``[N]``, or None for ``0..N-1``.

    Example:
        >>> node_ids(Graph.from_edges([0], [1], names=np.array([7, 3]))).tolist()
        [7, 3]
    """
    names = graph.names
    if names is None:
        return None
    if isinstance(names, np.ndarray):
        return np.ascontiguousarray(names).view(np.uint64)
    hashed = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(hashed, dtype="<u8").astype(np.uint64)


def density_of(kind: str, num_nodes: int) -> float:
    """The share of entries of R that are not 0; 0 stands for normal variates."""
    if kind == "very_sparse":
        return 1.0 / max(1.0, float(np.sqrt(num_nodes)))
    return 1.0 / 3.0 if kind == "sparse" else 0.0


def _entry(kind: str, num_nodes: int, n_components: int) -> tuple[float, float]:
    """Density, and the size of an entry: rows have unit length in the mean."""
    density = density_of(kind, num_nodes)
    return density, 1.0 / np.sqrt((density or 1.0) * n_components)


def projection(
    ids: Ids | int,
    n_components: int,
    kind: str,
    seed: int,
    *,
    num_nodes: int,
    columns: tuple[int, int] | None = None,
    rows_scale: Floats | None = None,
    storage: str = "float32",
    first: int = 0,
    num_threads: int = 1,
) -> State:
    """R, ``[rows, columns]``: row i depends on (seed, its id, the column), on d and, if very sparse, on N.

    Args:
        ids: The ids of the rows, uint64; or a number of rows with the ids ``first``, ``first + 1``, ...
        n_components: d of the whole R, which its scale depends on.
        kind: ``'very_sparse'`` (density ``1 / sqrt(N)``), ``'sparse'`` (1/3) or ``'gaussian'``.
        seed: 0 to 2^64 - 1.
        num_nodes: N of the whole graph.
        columns: Make columns ``(begin, end)`` only.
        rows_scale: A factor for each row, float32.
        storage: ``'float32'`` or ``'bfloat16'``.
        first: See ``ids``.
        num_threads: Threads.

    Returns:
        float32, or bfloat16 as uint16.

    Example:
        >>> whole = projection(5, 32, "sparse", 1, num_nodes=5)
        >>> part = projection(2, 32, "sparse", 1, num_nodes=5, columns=(16, 32), first=3)
        >>> bool((whole[3:, 16:] == part).all())
        True
    """
    begin, end = columns or (0, n_components)
    rows = ids if isinstance(ids, int) else ids.size
    out = np.empty((rows, end - begin), STORAGE[storage])
    density, scale = _entry(kind, num_nodes, n_components)
    known = None if isinstance(ids, int) else ids
    _core.fastrp_project(known, first, begin, seed, density, scale, rows_scale, out, num_threads)
    return out


def sparse_projection(
    ids: Ids | int,
    n_components: int,
    kind: str,
    seed: int,
    *,
    num_nodes: int,
    columns: tuple[int, int] | None = None,
    rows_scale: Floats | None = None,
    first: int = 0,
    num_threads: int = 1,
) -> SparseStart:
    """:func:`projection` of a sparse kind without its zeros.

    Args:
        ids: As there.
        n_components: As there.
        kind: ``'very_sparse'`` or ``'sparse'``.
        seed: As there.
        num_nodes: As there.
        columns: As there.
        rows_scale: As there.
        first: As there.
        num_threads: As there.

    Returns:
        A CSR.

    Example:
        >>> int(sparse_projection(10**4, 128, "very_sparse", 0, num_nodes=10**4).indptr[-1])
        12851
    """
    begin, end = columns or (0, n_components)
    rows = ids if isinstance(ids, int) else ids.size
    density, scale = _entry(kind, num_nodes, n_components)
    known = None if isinstance(ids, int) else ids
    made = _core.fastrp_project_sparse(known, first, rows, begin, end, seed, density, scale, rows_scale, num_threads)
    return SparseStart(*made, end - begin)


def empty_state(rows: int, columns: int, storage: str = "float32") -> State:
    """Room for a state, not filled."""
    return np.empty((rows, columns), STORAGE[storage])


def to_float32(state: State, num_threads: int = 1) -> Floats:
    """The state as float32 (itself if it is)."""
    if state.dtype == np.float32:
        return state
    out = np.empty(state.shape, np.float32)
    _core.fastrp_widen(np.ascontiguousarray(state), out, num_threads)
    return out


def propagate(
    walk: Walk,
    source: State | SparseStart,
    target: State | None = None,
    *,
    out: Floats | None = None,
    own_weight: float = 0.0,
    new_weight: float = 0.0,
    add: bool = False,
    normalize: bool = True,
    num_threads: int = 1,
    progress: Callable[[int], object] | None = None,
) -> None:
    r"""One pass: ``target`` becomes :math:`D^{-1} A` ``source``; weighted unit rows of both go to ``out``.

    Args:
        walk: The averages; entries are rows of the source.
        source: ``[M, d]``, float32 or bfloat16, or a sparse start.
        target: ``[rows, d]`` of the source's storage (of a sparse start: either); None where only ``out`` is wanted.
        out: float32 ``[rows, d]``.
        own_weight: Of the source's own rows in ``out``.
        new_weight: Of the target in ``out``.
        add: Add to what ``out`` holds; otherwise it is overwritten.
        normalize: Scale rows to unit length before they are weighted.
        num_threads: Threads.
        progress: Called with the number of rows done.
    """
    graph = (walk.indptr, walk.indices, walk.weights, walk.weights_scale, walk.by_count)
    last = (own_weight, new_weight, add, normalize, num_threads, progress)
    kernel: Any = _core.fastrp_hop
    if isinstance(source, SparseStart):
        half = target is not None and target.dtype == np.uint16
        kernel = _core.fastrp_sparse_hop_bfloat16 if half else _core.fastrp_sparse_hop
        kernel(*graph, *source, target, out, walk.first_row, *last)
    else:
        kernel(*graph, source, target, out, walk.first_row, *last)


def accumulate(
    out: Floats, state: State, weight: float, *, normalize: bool = True, add: bool = True, num_threads: int = 1
) -> None:
    """``out`` (+)= weight times the unit rows of ``state``; the same numbers as :func:`propagate` adds."""
    _core.fastrp_accumulate(state, weight, normalize, None, add, out, num_threads)


def hops(
    walk: Walk,
    start: State | SparseStart,
    num_hops: int,
    *,
    storage: str = "float32",
    num_threads: int = 1,
    progress: Progress | None = None,
) -> Iterator[State]:
    """:math:`U_1, U_2, ...` one after another in two buffers: each is valid until the next but one is asked for.

    Args:
        walk: The averages of the whole graph.
        start: :math:`U_0`.
        num_hops: How many.
        storage: ``'float32'`` or ``'bfloat16'``.
        num_threads: Threads.
        progress: ``progress(stage, done, total)``.

    Yields:
        ``[N, d]``.
    """
    columns = start.n_columns if isinstance(start, SparseStart) else start.shape[1]
    buffers: list[State] = []
    source: State | SparseStart = start
    for hop in range(1, num_hops + 1):
        if len(buffers) < 2:
            buffers.append(empty_state(walk.num_rows, columns, storage))
        target = buffers[(hop - 1) % 2]
        propagate(walk, source, target, num_threads=num_threads, progress=_stage(progress, hop, num_hops, walk))
        yield target
        source = target


def _stage(progress: Progress | None, hop: int, num_hops: int, walk: Walk) -> Callable[[int], object] | None:
    if progress is None:
        return None
    total = walk.num_rows
    return lambda done: progress(f"hop {hop} of {num_hops}", min(done, total), total)


class _Step(NamedTuple):
    """What one pass adds to the output: weights of its source's own rows and of its result."""

    own: float
    new: float


def _steps(weights: Sequence[float]) -> list[_Step]:
    """The passes of ``weights[0] U_0 + ... + weights[q] U_q``, so that the output is touched as seldom as can be.

    A pass reads its own row of the source anyway, so U_k may wait for the pass that makes U_{k+1}.
    """
    steps, waiting = [], weights[0]
    for k in range(1, len(weights)):
        now = weights[k] if waiting or k == len(weights) - 1 else 0.0
        steps.append(_Step(waiting, now))
        waiting = 0.0 if now else weights[k]
    return steps


def merge_hops(
    walk: Walk,
    start: State | SparseStart,
    weights: Sequence[float],
    *,
    normalize: bool = True,
    storage: str = "float32",
    out: Floats | None = None,
    num_threads: int = 1,
    progress: Progress | None = None,
) -> Floats:
    r"""The sum :math:`\sum_{k=0}^{q} w_k \operatorname{rownorm}(U_k)` in the least time and memory.

    The output is written in the passes that must, and before the first of them its memory holds a state: with weights
    ``(0, 0, 0, 1, 1)`` there are the output and one state, and the output is written once.

    Args:
        walk: The averages of the whole graph.
        start: :math:`U_0`.
        weights: :math:`w_0, ..., w_q`.
        normalize: Scale rows to unit length; otherwise U_k itself is weighted.
        storage: Of the states.
        out: Where to; None makes it.
        num_threads: Threads.
        progress: ``progress(stage, done, total)``.

    Returns:
        float32 ``[N, d]``.
    """
    last = max((k for k, weight in enumerate(weights) if weight), default=0)
    rows = walk.num_rows
    columns = start.n_columns if isinstance(start, SparseStart) else start.shape[1]
    made = np.empty((rows, columns), np.float32) if out is None else out
    if last == 0:
        _merge_start(start, weights[0], made, normalize, num_threads)
        return made
    steps = _steps(weights[: last + 1])
    first = next(k for k, step in enumerate(steps, 1) if step.own or step.new)
    dtype = STORAGE[storage]
    borrowed = made.reshape(-1).view(dtype)[: made.size].reshape(made.shape) if made.flags.c_contiguous else None
    spare: dict[str, State] = {}

    def room(k: int) -> State | None:
        """Where U_k goes: states alternate between A and, while it is free, the output, or else B."""
        if k == last:
            return None
        name = "A" if (last - 1 - k) % 2 == 0 else "B"
        if name == "B" and k <= first - 2 and borrowed is not None:
            return borrowed
        return spare.setdefault(name, np.empty((rows, columns), dtype)) if name not in spare else spare[name]

    source: State | SparseStart = start
    for k, step in enumerate(steps, 1):
        target = room(k)
        touched = bool(step.own or step.new)
        propagate(
            walk,
            source,
            target,
            out=made if touched else None,
            own_weight=step.own,
            new_weight=step.new,
            add=touched and k > first,
            normalize=normalize,
            num_threads=num_threads,
            progress=_stage(progress, k, last, walk),
        )
        if target is not None:
            source = target
        if progress is not None:
            progress(f"hop {k} of {last}", rows, rows)
    return made


def _merge_start(start: State | SparseStart, weight: float, out: Floats, normalize: bool, num_threads: int) -> None:
    if isinstance(start, SparseStart):
        dense = np.zeros(out.shape, np.float32)
        dense[np.repeat(np.arange(out.shape[0]), np.diff(start.indptr)), start.columns] = start.values
        start = dense
    accumulate(out, start, weight, normalize=normalize, add=False, num_threads=num_threads)


def moments(x: Floats, num_threads: int = 1) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each column; a column without spread beyond rounding has the deviation 1."""
    mean, variance = _core.fastrp_moments(x, num_threads)
    deviation = np.sqrt(variance)
    flat = deviation <= 1e-6 * np.maximum(np.abs(mean), np.finfo(np.float32).tiny)
    deviation[flat] = 1.0
    return mean.astype(np.float32), deviation.astype(np.float32)
