r"""The passes of FastRP: the random start, hops of averaging over neighbours, and the weighted sum of unit rows.

A state :math:`U_k` is an array ``[N, d]`` of float32, or of uint16 that holds the bits of bfloat16; the sums are
float32. Every number is made in one fixed order: results have the same bits for any number of threads, for any cut of
the rows into blocks, and for any cut of the columns into tiles of a multiple of :data:`GROUP`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from graphx import _core
from graphx.fastrp._random import (
    DENSE_FROM,
    KINDS,
    SparseStart,
    density_of,
    node_ids,
    projection,
    sparse_projection,
)
from graphx.fastrp._states import GROUP, STORAGE, Floats, State, empty_state, moments, to_float32
from graphx.fastrp._walk import Walk, walk_of

__all__ = [
    "DENSE_FROM",
    "GROUP",
    "KINDS",
    "STORAGE",
    "Progress",
    "SparseStart",
    "State",
    "Walk",
    "accumulate",
    "density_of",
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

Progress: TypeAlias = Callable[[str, int, int], object]


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
    made: Floats = empty_state(rows, columns) if out is None else out
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
        if name not in spare:
            spare[name] = empty_state(rows, columns, storage)
        return spare[name]

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
