"""The compiled kernels behind the maps of the ball, as autograd functions on CPU tensors.

The kernels read and write the memory of the tensors. Their checks ride on the pass that computes the norms, so a point
outside the ball costs no pass of its own to find. Differentiating twice goes through the plain torch forms.
"""

from __future__ import annotations

import math
import os
from typing import Any, Final, cast

import torch
from torch import Tensor

from graphx import _core
from graphx.nn.hyperbolic import _plain
from graphx.nn.hyperbolic._inputs import refuse_long, refuse_row

__all__ = ["block_product", "expmap0", "logmap0", "mobius_matvec", "takes"]

_POOLED: Final = 1 << 20  # bytes, see pool.hpp
_REUSE: Final = os.environ.get("GRAPHX_REUSE_MEMORY", "1") != "0"  # told in docs/hyperbolic.md
_SMALL: Final = 1 << 15  # elements below which starting threads costs more than they save


def takes(x: Tensor, weight: Tensor | None = None) -> bool:
    """Whether the kernels can work on these tensors: strided CPU memory, not a wrapper, nothing being traced.

    A diagonal (blocks of one number) is left to torch, which multiplies element by element.
    """
    if torch.compiler.is_compiling():  # first of all: what follows cannot be traced
        return False
    if weight is not None and (weight.shape[-2:] == (1, 1) or not _real(weight)):
        return False
    return _real(x)


def _real(x: Tensor) -> bool:
    # vmap, FakeTensor and other subclasses have no memory to hand out
    plain = type(x) in (Tensor, torch.nn.Parameter) and not torch._C._functorch.is_functorch_wrapped_tensor(x)
    return plain and x.device.type == "cpu" and x.layout == torch.strided


def _threads(x: Tensor) -> int:
    return 1 if x.numel() < _SMALL else torch.get_num_threads()


def _rows(x: Tensor) -> Tensor:
    return x.detach().reshape(x.shape[:-1].numel(), x.size(-1)).contiguous()


def _empty(rows: int, columns: int, like: Tensor) -> Tensor:
    """A tensor to write to. Large ones take the memory of an earlier one that is gone, which torch does not do."""
    if not _REUSE or rows * columns * like.element_size() < _POOLED:
        return like.new_empty(rows, columns)
    make = _core.mobius_empty_float32 if like.dtype == torch.float32 else _core.mobius_empty_float64
    return torch.from_numpy(make(rows, columns))


def _number(c: float | Tensor) -> float:
    return float(c.detach()) if isinstance(c, Tensor) else c


class _Radial(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, c: float | Tensor, logarithm: bool) -> Tensor:
        rows = _rows(x)
        y = _empty(rows.size(0), rows.size(1), rows)
        value = _number(c)
        row, square = _core.mobius_radial(logarithm, value, rows.numpy(), y.numpy(), _threads(rows))
        if row >= 0:
            if logarithm:
                refuse_row(row, math.sqrt(square), "x")
            refuse_long(row, square, "u")
        ctx.save_for_backward(x, c if isinstance(c, Tensor) else None)
        ctx.c, ctx.logarithm = c, logarithm
        return y.view(x.shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, c = ctx.saved_tensors
        c = ctx.c if c is None else c
        if torch.is_grad_enabled() or not takes(grad):
            return *_twice(_plain.logmap0 if ctx.logarithm else _plain.expmap0, (x, c), grad), None
        rows, grad_rows = _rows(x), _rows(grad)
        out = _empty(rows.size(0), rows.size(1), rows)
        by_c = _core.mobius_radial_backward(
            ctx.logarithm, _number(c), rows.numpy(), grad_rows.numpy(), out.numpy(), _threads(rows)
        )
        return out.view(x.shape), _scalar(by_c, ctx.needs_input_grad[1]), None


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, x: Tensor, c: float | Tensor | None) -> Tensor:
        rows, blocks = _rows(x), weight.detach().contiguous()
        y = _empty(rows.size(0), blocks.size(0) * blocks.size(1), rows)
        keep = c is not None and any(ctx.needs_input_grad)
        kept = torch.empty(rows.size(0), 4, dtype=torch.float64) if keep else None
        value = None if c is None else _number(c)
        row, square = _core.mobius_product(
            blocks.numpy(), rows.numpy(), value, y.numpy(), None if kept is None else kept.numpy(), _threads(rows)
        )
        if row >= 0:
            _refuse_product(rows[row], row, square, _number(c) if c is not None else 0.0)
        ctx.kept, ctx.c = kept, c
        out = y.view(*x.shape[:-1], y.size(1))
        ctx.save_for_backward(weight, x, c if isinstance(c, Tensor) else None, out if keep else None)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        weight, x, c, y = ctx.saved_tensors
        c = ctx.c if c is None else c
        if torch.is_grad_enabled() or not takes(grad):
            if c is None:
                return *_twice(_plain.block_product, (weight, x), grad), None
            return _twice(_plain.mobius_matvec, (weight, x, c), grad)
        rows, blocks, grad_rows = _rows(x), weight.detach().contiguous(), _rows(grad)
        by_x = _empty(rows.size(0), rows.size(1), rows) if ctx.needs_input_grad[1] else None
        by_weight = torch.empty_like(blocks) if ctx.needs_input_grad[0] else None
        by_c = _core.mobius_product_backward(
            blocks.numpy(),
            rows.numpy(),
            None if c is None else _number(c),
            None if y is None else _rows(y).numpy(),
            None if ctx.kept is None else ctx.kept.numpy(),
            grad_rows.numpy(),
            None if by_x is None else by_x.numpy(),
            None if by_weight is None else by_weight.numpy(),
            _threads(rows),
        )
        by_x = None if by_x is None else by_x.view(x.shape)
        return by_weight, by_x, _scalar(by_c, ctx.needs_input_grad[2])


def _refuse_product(x: Tensor, row: int, square: float, c: float) -> None:
    inside = c * float(_plain.square(x))
    if inside < 1:
        refuse_long(row, square, "W log0(x)")
    refuse_row(row, math.sqrt(inside), "x")


def _scalar(value: float, wanted: bool) -> Tensor | None:
    return torch.tensor(value, dtype=torch.float64) if wanted else None


def _twice(function: Any, arguments: tuple[Any, ...], grad: Tensor) -> tuple[Tensor | None, ...]:
    """The gradients as differentiable functions of the arguments and of `grad`."""
    with torch.enable_grad():
        # a fresh view keeps the history of an argument and makes it one of its own in the graph of `function`
        views = [a.view_as(a) if isinstance(a, Tensor) and a.requires_grad else a for a in arguments]
        wanted = [a for a in views if isinstance(a, Tensor) and a.requires_grad]
        found = iter(torch.autograd.grad(function(*views), wanted, grad, create_graph=True))
        return tuple(next(found) if isinstance(a, Tensor) and a.requires_grad else None for a in views)


def expmap0(u: Tensor, c: float | Tensor) -> Tensor:
    """exp0 by the kernel."""
    return cast("Tensor", _Radial.apply(u, c, False))  # type: ignore[no-untyped-call]


def logmap0(x: Tensor, c: float | Tensor) -> Tensor:
    """log0 by the kernel."""
    return cast("Tensor", _Radial.apply(x, c, True))  # type: ignore[no-untyped-call]


def mobius_matvec(weight: Tensor, x: Tensor, c: float | Tensor) -> Tensor:
    """exp0(W log0 x) by the kernel."""
    blocks = weight.unsqueeze(0) if weight.dim() == 2 else weight
    return cast("Tensor", _Product.apply(blocks, x, c))  # type: ignore[no-untyped-call]


def block_product(weight: Tensor, x: Tensor) -> Tensor:
    """W x by the kernel."""
    blocks = weight.unsqueeze(0) if weight.dim() == 2 else weight
    return cast("Tensor", _Product.apply(blocks, x, None))  # type: ignore[no-untyped-call]
