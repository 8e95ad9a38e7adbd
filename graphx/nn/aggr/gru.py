"""The symmetrised GRU over a tree: forward and backward, as one operator that torch.compile sees through."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphx.nn.aggr.linear import aligned_linear
from graphx.nn.aggr.plan import TreePlan, tree_plan
from graphx.nn.aggr.tree import chunk_pairs, chunks

__all__: list[str] = []


def _core() -> types.ModuleType | None:
    try:
        from graphx import _core as core
    except ImportError:
        return None
    return core


def _is_native(x: Tensor, w_ih: Tensor) -> bool:
    """Whether the compiled kernel takes these: float32 on the processor."""
    return x.device.type == "cpu" and x.dtype == torch.float32 == w_ih.dtype and _core() is not None


def _arrays(*tensors: Tensor) -> list[np.ndarray]:
    return [t.detach().contiguous().numpy() for t in tensors]


def gru_gates(x: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> tuple[Tensor, Tensor]:
    """Both affine maps of a row, in the type of the weights, returned in the type of the rows."""
    low = x.to(w_ih.dtype)
    i, h = aligned_linear(low, w_ih, b_ih), aligned_linear(low, w_hh, b_hh)
    return i.to(x.dtype), h.to(x.dtype)


def _cell(i: Tensor, h: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """One GRU cell with input gates i, hidden gates h and hidden state x: r, z, n, the hidden part of n, the output."""
    (ir, iz, i_n), (hr, hz, hn) = i.chunk(3, -1), h.chunk(3, -1)
    r, z = torch.sigmoid(ir + hr), torch.sigmoid(iz + hz)
    n = torch.tanh(i_n + r * hn)
    return r, z, n, hn, n + z * (x - n)


def gru_combine(a: Tensor, b: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> Tensor:
    """A * b. The two products are of equal shape and the two outputs are added, so b * a has the same bits."""
    weights = (w_ih, w_hh, b_ih, b_hh)
    (ia, ha), (ib, hb) = gru_gates(a, *weights), gru_gates(b, *weights)
    return (_cell(ia, hb, b)[-1] + _cell(ib, ha, a)[-1]) / 2


def _slopes(i: Tensor, h: Tensor, x: Tensor, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of input gates, hidden gates and hidden state, where g is that of the cell's output."""
    r, z, n, hn, _ = _cell(i, h, x)
    dn = g * (1 - z) * (1 - n * n)
    dz = g * (x - n) * z * (1 - z)
    dr = dn * hn * r * (1 - r)
    return torch.cat([dr, dz, dn], -1), torch.cat([dr, dz, dn * r], -1), g * z


def _torch_forward(x: Tensor, plan: TreePlan, weights: tuple[Tensor, ...]) -> Tensor:
    rows = x.new_empty(2 * plan.num_rows, x.size(1))
    rows[: plan.num_rows] = x
    for left, right, first, count in chunks(plan, chunk_pairs(x)):
        made = gru_combine(rows[left], rows[right], *weights)
        rows[first : first + count] = made[:count]
    return rows


def _torch_backward(
    rows: Tensor, plan: TreePlan, weights: tuple[Tensor, ...], grad_rows: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    w_ih, w_hh = weights[0], weights[1]
    sums = [torch.zeros_like(w, dtype=rows.dtype) for w in weights]
    for left, right, first, count in chunks(plan, chunk_pairs(rows), backward=True):
        left, right = left[:count], right[:count]  # noqa: PLW2901
        a, b, g = rows[left], rows[right], grad_rows[first : first + count] / 2
        (ia, ha), (ib, hb) = gru_gates(a, *weights), gru_gates(b, *weights)
        dia, dhb, db = _slopes(ia, hb, b, g)
        dib, dha, da = _slopes(ib, ha, a, g)
        di, dh, x = torch.cat([dia, dib]), torch.cat([dha, dhb]), torch.cat([a, b])
        low_i, low_h, low_x = di.to(w_ih.dtype), dh.to(w_ih.dtype), x.to(w_ih.dtype)
        dx = torch.cat([da, db]) + (low_i @ w_ih + low_h @ w_hh).to(rows.dtype)
        grad_rows[left], grad_rows[right] = dx[:count], dx[count:]
        sums[0] += (low_i.t() @ low_x).to(rows.dtype)
        sums[1] += (low_h.t() @ low_x).to(rows.dtype)
        sums[2] += di.sum(0)
        sums[3] += dh.sum(0)
    d_ih, d_hh, b_ih, b_hh = (s.to(w.dtype) for s, w in zip(sums, weights, strict=True))
    return d_ih, d_hh, b_ih, b_hh


def _plan(x: Tensor, segments: Tensor, is_ptr: bool, size: int, copies: int, order: Tensor | None) -> TreePlan:
    return tree_plan(segments, size, is_ptr=is_ptr, num_rows=x.size(0) // copies, copies=copies, order=order)


@torch.library.custom_op("graphx::lcm_gru", mutates_args=())
def lcm_gru(
    x: Tensor,
    segments: Tensor,
    is_ptr: bool,
    size: int,
    copies: int,
    order: Tensor | None,
    identity: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor,
    b_hh: Tensor,
) -> tuple[Tensor, Tensor]:
    """The roots [size * copies, d], and the rows that the backward pass needs: made ones, or leaves and made ones."""
    plan = _plan(x, segments, is_ptr, size, copies, order)
    out = identity.to(x.dtype).expand(plan.num_segments, -1).clone()
    if not _is_native(x, w_ih):
        rows = _torch_forward(x, plan, (w_ih, w_hh, b_ih, b_hh))
        out[plan.filled] = rows[plan.roots]
        return out, rows
    rows = x.new_empty(x.shape)  # E rows, of which E - V are made: pages that are not written take no memory
    core = _core()
    assert core is not None
    leaves, left, right, *weights = _arrays(x, plan.left, plan.right, w_ih, w_hh, b_ih, b_hh)
    made = rows.numpy()[: plan.num_pairs]
    levels = np.array(plan.levels, dtype=np.int64)
    core.lcm_gru_forward(leaves, left, right, levels, *weights, made, torch.get_num_threads())
    _roots_into(out, plan, x, rows)
    return out, rows


def _roots_into(out: Tensor, plan: TreePlan, x: Tensor, made: Tensor) -> None:
    """out[filled] = rows[roots], where the rows are in two parts."""
    leaf = plan.roots < plan.num_rows
    out[plan.filled[leaf]] = x.detach()[plan.roots[leaf]]
    out[plan.filled[~leaf]] = made[plan.roots[~leaf] - plan.num_rows]


@lcm_gru.register_fake
def _(
    x: Tensor,
    segments: Tensor,  # noqa: ARG001
    is_ptr: bool,  # noqa: ARG001
    size: int,
    copies: int,
    order: Tensor | None,  # noqa: ARG001
    identity: Tensor,  # noqa: ARG001
    w_ih: Tensor,
    w_hh: Tensor,  # noqa: ARG001
    b_ih: Tensor,  # noqa: ARG001
    b_hh: Tensor,  # noqa: ARG001
) -> tuple[Tensor, Tensor]:
    rows = x.size(0) if _is_native(x, w_ih) else 2 * x.size(0)
    return x.new_empty(size * copies, x.size(1)), x.new_empty(rows, x.size(1))


@torch.library.custom_op("graphx::lcm_gru_backward", mutates_args=())
def lcm_gru_backward(
    grad: Tensor,
    x: Tensor,
    rows: Tensor,
    segments: Tensor,
    is_ptr: bool,
    size: int,
    copies: int,
    order: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor,
    b_hh: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of x, the identity and the four weights."""
    plan = _plan(x, segments, is_ptr, size, copies, order)
    empty = torch.ones(plan.num_segments, dtype=torch.bool, device=x.device)
    empty[plan.filled] = False
    grad_identity = grad[empty].sum(0)
    weights = (w_ih, w_hh, b_ih, b_hh)
    if not _is_native(x, w_ih):
        grad_rows = torch.empty_like(rows)
        grad_rows[plan.roots] = grad[plan.filled]
        found = _torch_backward(rows, plan, weights, grad_rows)
        return grad_rows[: plan.num_rows].clone(), grad_identity, *found
    grad_x, grad_made = torch.empty_like(x, memory_format=torch.contiguous_format), torch.empty_like(rows)
    leaf = plan.roots < plan.num_rows
    grad_x[plan.roots[leaf]] = grad[plan.filled[leaf]]
    grad_made[plan.roots[~leaf] - plan.num_rows] = grad[plan.filled[~leaf]]
    leaves, left, right, *given = _arrays(x, plan.left, plan.right, *weights)
    levels = np.array(plan.levels, dtype=np.int64)
    grads = [torch.empty_like(w, memory_format=torch.contiguous_format) for w in weights]
    core = _core()
    assert core is not None
    core.lcm_gru_backward(
        leaves,
        left,
        right,
        levels,
        *given,
        rows.numpy()[: plan.num_pairs],
        grad_x.numpy(),
        grad_made.numpy()[: plan.num_pairs],
        *(g.numpy() for g in grads),
        torch.get_num_threads(),
    )
    return grad_x, grad_identity, grads[0], grads[1], grads[2], grads[3]


@lcm_gru_backward.register_fake
def _(
    grad: Tensor,
    x: Tensor,
    rows: Tensor,  # noqa: ARG001
    segments: Tensor,  # noqa: ARG001
    is_ptr: bool,  # noqa: ARG001
    size: int,  # noqa: ARG001
    copies: int,  # noqa: ARG001
    order: Tensor | None,  # noqa: ARG001
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor,
    b_hh: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    news = [w.new_empty(w.shape) for w in (w_ih, w_hh, b_ih, b_hh)]
    return x.new_empty(x.shape), grad.new_empty(x.size(1)), news[0], news[1], news[2], news[3]


def _setup(ctx: torch.autograd.function.FunctionCtx, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    x, segments, is_ptr, size, copies, order, identity, *weights = inputs
    ctx.save_for_backward(x, output[1], segments, order, *weights)
    ctx.details = (is_ptr, size, copies)  # type: ignore[attr-defined]
    ctx.identity_dtype = identity.dtype  # type: ignore[attr-defined]
    ctx.set_materialize_grads(False)


def _backward(ctx: torch.autograd.function.FunctionCtx, grad: Tensor | None, _: Tensor | None) -> tuple[Any, ...]:
    if grad is None:
        return (None,) * 11
    x, rows, segments, order, *weights = ctx.saved_tensors  # type: ignore[attr-defined]
    details = ctx.details  # type: ignore[attr-defined]
    found = lcm_gru_backward(grad.contiguous(), x, rows, segments, *details, order, *weights)
    dx, d_identity, *d_weights = found
    return dx, None, None, None, None, None, d_identity.to(ctx.identity_dtype), *d_weights  # type: ignore[attr-defined]


lcm_gru.register_autograd(_backward, setup_context=_setup)
