"""Reduce trees with any operator: fixed chunks, so that no row's bits depend on its neighbours, and recomputation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphx.nn.aggr.plan import TreePlan

__all__: list[str] = []


def chunk_pairs(x: Tensor) -> int:
    """Pairs of a chunk: a function of channels and device alone, so that every matrix product has one shape."""
    wanted, most = (2**20, 2**15) if x.device.type != "cpu" else (2**14, 512)
    size = max(1, min(most, wanted // max(1, x.size(-1))))
    return max(32, 1 << (size.bit_length() - 1))


def chunks(plan: TreePlan, size: int, *, backward: bool = False) -> Iterator[tuple[Tensor, Tensor, int, int]]:
    """Left and right rows of `size` pairs, the first row they make, and how many of them are real.

    A matrix product of another height may take another path through the library and round differently. So the last
    chunk of a level is filled up with pairs of row 0, whose results are thrown away.
    """
    order = range(len(plan.levels) - 1)
    for level in reversed(order) if backward else order:
        start, stop = plan.levels[level], plan.levels[level + 1]
        for first in range(start, stop, size):
            count = min(size, stop - first)
            left, right = plan.left[first : first + count], plan.right[first : first + count]
            if count < size:
                fill = left.new_zeros(size - count)
                left, right = torch.cat([left, fill]), torch.cat([right, fill])
            yield left, right, plan.num_rows + first, count


class TreeReduce(torch.autograd.Function):
    """The roots of the trees under any differentiable operator; only the rows are kept, all else is computed again."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        plan: TreePlan,
        combine: Callable[[Tensor, Tensor], Tensor],
        identity: Tensor,
        *parameters: Tensor,
    ) -> tuple[Tensor, Tensor]:
        rows = x.new_empty(plan.num_rows + plan.num_pairs, x.size(1))
        rows[: plan.num_rows] = x
        for left, right, first, count in chunks(plan, chunk_pairs(x)):
            rows[first : first + count] = combine(rows[left], rows[right])[:count].to(rows.dtype)
        out = identity.to(x.dtype).expand(plan.num_segments, -1).clone()
        out[plan.filled] = rows[plan.roots]
        ctx.save_for_backward(rows, *parameters)
        ctx.plan, ctx.combine, ctx.identity_dtype = plan, combine, identity.dtype
        device = x.device.type
        ctx.autocast = (device, torch.is_autocast_enabled(device), torch.get_autocast_dtype(device))
        ctx.mark_non_differentiable(rows)
        return out, rows

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        rows, *parameters = ctx.saved_tensors
        plan: TreePlan = ctx.plan
        grad_rows = torch.empty_like(rows)
        grad_rows[plan.roots] = grad[plan.filled]
        sums = [torch.zeros_like(p) if p.requires_grad else None for p in parameters]
        wanted = [p for p in parameters if p.requires_grad]
        device, enabled, dtype = ctx.autocast
        for left, right, first, count in chunks(plan, chunk_pairs(rows), backward=True):
            a, b = rows[left].requires_grad_(), rows[right].requires_grad_()
            with torch.enable_grad(), torch.autocast(device, dtype=dtype, enabled=enabled):
                out = ctx.combine(a, b)[:count]
            given = grad_rows[first : first + count].to(out.dtype)
            found = torch.autograd.grad(out, [a, b, *wanted], given, allow_unused=True)
            for child, value in ((left[:count], found[0]), (right[:count], found[1])):
                grad_rows[child] = 0 if value is None else value[:count]
            new = iter(found[2:])
            for total in (s for s in sums if s is not None):
                if (value := next(new)) is not None:
                    total.add_(value)
        empty = torch.ones(plan.num_segments, dtype=torch.bool, device=rows.device)
        empty[plan.filled] = False
        grad_identity = grad[empty].sum(0).to(ctx.identity_dtype)
        return grad_rows[: plan.num_rows].clone(), None, None, grad_identity, *sums
