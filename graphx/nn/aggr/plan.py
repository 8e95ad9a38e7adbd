"""The plan of a segmented balanced tree: which rows are combined at which level, made once for a graph."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from graphx.errors import InputError

__all__ = ["TreePlan", "tree_plan"]

_MOST_PLANS = 32


@dataclass(frozen=True)
class TreePlan:
    r"""Which rows are combined at which level.

    Rows ``0..E-1`` are the elements, as they came. Row ``E + p`` is what pair ``p`` makes. In every level the rows of a
    segment are paired in order, (0, 1), (2, 3), ...; an odd last row moves up as it is. So a segment of ``c`` elements
    has ``c - 1`` pairs on :math:`\lceil \log_2 c \rceil` levels, and nothing is padded. Every row is in at most one
    pair, so the backward pass writes every gradient once, without atomic additions.

    Args:
        num_rows: E, the number of elements.
        num_segments: V, the number of segments, empty ones too.
        left: Left rows of all pairs, level by level, ``[P]``, int64; :math:`P = E - V` if no segment is empty.
        right: Right rows, ``[P]``.
        levels: Level ``l`` is pairs ``levels[l] .. levels[l + 1] - 1``.
        roots: The last row of each segment that is not empty, ``[V']``.
        filled: The segments that are not empty, ascending, ``[V']``.

    Example:
        >>> import torch
        >>> plan = tree_plan(torch.tensor([0, 0, 0, 2]), 3)
        >>> plan.left.tolist(), plan.right.tolist(), plan.levels, plan.roots.tolist(), plan.filled.tolist()
        ([0, 4], [1, 2], (0, 1, 2), [5, 3], [0, 2])
    """

    num_rows: int
    num_segments: int
    left: Tensor
    right: Tensor
    levels: tuple[int, ...]
    roots: Tensor
    filled: Tensor

    @property
    def num_pairs(self) -> int:
        """P, the number of operator calls.

        Example:
            >>> import torch
            >>> tree_plan(torch.tensor([0, 0, 0, 2]), 3).num_pairs
            2
        """
        return self.levels[-1]

    def _with_elements(self, order: Tensor) -> TreePlan:
        """The plan in which element `order[i]` takes the place of element i."""
        if self.num_rows == 0:
            return self

        def moved(rows: Tensor) -> Tensor:
            return torch.where(rows < self.num_rows, order[rows.clamp(max=self.num_rows - 1)], rows)

        left, right, roots = moved(self.left), moved(self.right), moved(self.roots)
        return TreePlan(self.num_rows, self.num_segments, left, right, self.levels, roots, self.filled)


def _plan_of_sizes(sizes: Tensor, num_rows: int) -> TreePlan:
    """The plan for elements that are sorted by segment, in O(E) work and O(log max size) steps."""
    filled = sizes.nonzero().view(-1)
    counts = sizes[filled]
    owners = torch.arange(filled.numel(), device=sizes.device)
    roots = torch.empty_like(owners)
    rows = torch.arange(num_rows, device=sizes.device)
    lefts, rights, levels = [rows[:0]], [rows[:0]], [0]
    while True:
        starts = counts.cumsum(0) - counts
        done = counts == 1
        roots[owners[done]] = rows[starts[done]]
        if bool(done.all()):
            break
        starts, counts, owners = starts[~done], counts[~done], owners[~done]
        pairs = counts // 2
        num_pairs = int(pairs.sum())
        within = torch.arange(num_pairs, device=sizes.device)
        before = pairs.cumsum(0) - pairs
        first = 2 * within + torch.repeat_interleave(starts - 2 * before, pairs, output_size=num_pairs)
        lefts.append(rows[first])
        rights.append(rows[first + 1])
        counts_up = counts - pairs
        starts_up = counts_up.cumsum(0) - counts_up
        up = rows.new_empty(num_pairs + int((counts_up - pairs).sum()))
        place = within + torch.repeat_interleave(starts_up - before, pairs, output_size=num_pairs)
        up[place] = within + (num_rows + levels[-1])
        odd = counts_up > pairs
        up[(starts_up + pairs)[odd]] = rows[(starts + counts - 1)[odd]]
        rows, counts = up, counts_up
        levels.append(levels[-1] + num_pairs)
    return TreePlan(num_rows, sizes.numel(), torch.cat(lefts), torch.cat(rights), tuple(levels), roots, filled)


def _described(tensor: Tensor) -> str:
    return f"of shape {list(tensor.shape)} and type {tensor.dtype}"


def _sizes_of_ptr(ptr: Tensor, num_rows: int) -> Tensor:
    if ptr.dim() != 1 or ptr.dtype != torch.int64 or ptr.numel() == 0:
        raise InputError(f"ptr is {_described(ptr)}; expected one dimension of int64, [V + 1]")
    sizes = ptr[1:] - ptr[:-1]
    if sizes.numel() and int(sizes.min()) < 0:
        at = int((sizes < 0).nonzero()[0])
        raise InputError(
            f"ptr falls from {int(ptr[at])} to {int(ptr[at + 1])} at position {at + 1}; expected it never to fall: "
            "sort the elements by segment, or pass index instead"
        )
    if int(ptr[0]) != 0 or int(ptr[-1]) != num_rows:
        raise InputError(
            f"ptr runs from {int(ptr[0])} to {int(ptr[-1])} and there are {num_rows} elements; expected 0 to {num_rows}"
        )
    return sizes


def _check_index(index: Tensor, num_rows: int, size: int) -> None:
    if index.dim() != 1 or index.dtype != torch.int64:
        raise InputError(f"index is {_described(index)}; expected one dimension of int64, [E], as index.long() gives")
    if index.numel() != num_rows:
        raise InputError(f"index has {index.numel()} entries for {num_rows} elements; expected one for each")
    if num_rows == 0:
        return
    low, high = int(index.min()), int(index.max())
    if low < 0:
        raise InputError(f"index holds {low}; expected segments 0..{size - 1}: remove or renumber negative entries")
    if high >= size:
        raise InputError(f"index holds {high} and dim_size is {size}; expected entries below it: raise dim_size")


def _build(segments: Tensor, is_ptr: bool, num_rows: int, size: int, copies: int) -> tuple[TreePlan, TreePlan]:
    """The plan for elements sorted by segment, and for the elements as they came."""
    if is_ptr:
        sizes, index = _sizes_of_ptr(segments, num_rows), None
        if size != sizes.numel():
            raise InputError(f"dim_size is {size} and ptr tells of {sizes.numel()} segments; expected the same number")
        if copies > 1:
            index = torch.repeat_interleave(torch.arange(size, device=sizes.device), sizes, output_size=num_rows)
    else:
        _check_index(segments, num_rows, size)
        sizes, index = torch.bincount(segments, minlength=size), segments
    if index is not None and copies > 1:  # element e of copy b is row e * copies + b, its segment v * copies + b
        index = (index.view(-1, 1) * copies + torch.arange(copies, device=index.device)).view(-1)
        sizes = sizes.repeat_interleave(copies)
    base = _plan_of_sizes(sizes, num_rows * copies)
    if index is None or bool((index[1:] >= index[:-1]).all()):
        return base, base
    return base, base._with_elements(torch.argsort(index, stable=True))


def _is_gone(reference: StorageWeakRef) -> bool:
    return bool(reference.expired())  # type: ignore[no-untyped-call]


class _Cache:
    """The plans of living index tensors: found by storage, view and version, dropped with the storage."""

    def __init__(self) -> None:
        self._plans: OrderedDict[tuple[Any, ...], tuple[StorageWeakRef, tuple[TreePlan, TreePlan]]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, segments: Tensor, *details: int) -> tuple[TreePlan, TreePlan]:
        if segments.is_inference():  # has no version: nobody can tell whether it changed
            return _build(segments, bool(details[0]), *details[1:])
        storage = segments.untyped_storage()
        view = (segments.storage_offset(), *segments.shape, *segments.stride())
        key = (storage._cdata, segments.device, segments.dtype, segments._version, view, details)
        with self._lock:
            known = self._plans.get(key)
            if known is not None and not _is_gone(known[0]):
                self._plans.move_to_end(key)
                return known[1]
        made = _build(segments, bool(details[0]), *details[1:])
        with self._lock:
            for old in [k for k, (ref, _) in self._plans.items() if _is_gone(ref)]:
                del self._plans[old]
            self._plans[key] = (StorageWeakRef(storage), made)  # type: ignore[no-untyped-call]
            while len(self._plans) > _MOST_PLANS:
                self._plans.popitem(last=False)
        return made


_CACHE = _Cache()


def tree_plan(
    segments: Tensor,
    dim_size: int,
    *,
    is_ptr: bool = False,
    num_rows: int | None = None,
    copies: int = 1,
    order: Tensor | None = None,
) -> TreePlan:
    """The plan of the trees over the segments of an index or a pointer, made once and kept while the tensor lives.

    A plan is found again by the memory, the shape and the version of `segments`, so ``edge_index[1]`` gives the same
    plan in every layer and epoch until an operation of torch changes it in place. A change from outside torch, through
    a shared numpy array, cannot be seen.

    Args:
        segments: The segment of each element, ``[E]``, int64, in any order; or the bounds of the segments, ``[V + 1]``.
        dim_size: V, the number of segments.
        is_ptr: Whether `segments` holds bounds.
        num_rows: E, compared with `segments`; needed for bounds.
        copies: Plan for B copies of every element, row ``e * B + b``, in segment ``v * B + b``.
        order: The rows grouped by segment, in the order in which each tree is to take them, ``[E * B]``; None takes
            them as they come.

    Returns:
        The plan.

    Raises:
        InputError: The index has another length, type or a value outside ``0..V-1``; the bounds fall, or do not run
            from 0 to E.

    Example:
        >>> import torch
        >>> index = torch.tensor([1, 0, 1])
        >>> tree_plan(index, 2).left.tolist(), tree_plan(index, 2) is tree_plan(index, 2)
        ([0], True)
    """
    rows = segments.numel() if num_rows is None else num_rows
    base, plan = _CACHE.find(segments, int(is_ptr), rows, dim_size, copies)
    return plan if order is None else base._with_elements(order)
