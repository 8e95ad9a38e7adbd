"""A linear layer whose rows have the same bits whatever the other rows are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__: list[str] = []

_ROWS = 512  # of one product: always the same shape, so always the same path through the library


@torch.library.custom_op("graphx::rowwise_linear_relu", mutates_args=())
def rowwise_linear_relu(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """relu(x W^T + b) for rows [E, F], in products of 512 rows, the last one filled up with zeros."""
    out = x.new_empty(x.size(0), weight.size(0))
    for first in range(0, x.size(0), _ROWS):
        part = x[first : first + _ROWS]
        count = part.size(0)
        if count < _ROWS:
            part = torch.cat([part, part.new_zeros(_ROWS - count, part.size(1))])
        torch.clamp(torch.addmm(bias, part, weight.t())[:count], min=0, out=out[first : first + count])
    return out


@rowwise_linear_relu.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:  # noqa: ARG001
    return x.new_empty(x.size(0), weight.size(0))


def _setup(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
    x, weight, _ = inputs
    ctx.save_for_backward(x, weight, output)


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
    x, weight, out = ctx.saved_tensors
    grad = grad * (out > 0)
    return grad @ weight if ctx.needs_input_grad[0] else None, grad.t() @ x, grad.sum(0)


rowwise_linear_relu.register_autograd(_backward, setup_context=_setup)
