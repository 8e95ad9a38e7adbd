"""Products whose rows have the same bits whatever the other rows are, and wherever a row stands among them.

Two things move the last bit of a row in a matrix product. One is the height: another one may take another path through
the library, so every product here and in the trees has one fixed shape. The other is the place of the row: some kernels
(seen with AVX2) sum the entries before the first 16-byte boundary apart, so where the length of a row is no multiple of
that, rows round by their number. Hence rows and weights are filled up with zeros to whole vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import Linear
from torch.nn.functional import linear, pad
from torch.overrides import TorchFunctionMode

__all__: list[str] = []

_ROWS = 512  # of one product: always the same shape, so always the same path through the library
_VECTOR: Final = 32  # bytes; no kernel with wider vectors was seen to round by the place of a row
_MATMULS: Final = (torch.matmul, torch.mm, Tensor.matmul, Tensor.mm, Tensor.__matmul__)


def _gap(x: Tensor) -> int:
    """How many entries are missing in the last vector of a row, on the processor."""
    return -x.size(-1) % (_VECTOR // x.element_size()) if x.device.type == "cpu" else 0


def aligned_linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:  # noqa: A002  (as torch's)
    """A linear layer, x W^T + b: a row's bits do not depend on its place, in an x that begins on a vector."""
    if gap := _gap(input):
        input, weight = pad(input, (0, gap)), pad(weight, (0, gap))  # noqa: A001
    return linear(input.contiguous(), weight.contiguous(), bias)


class AlignedLinear(Linear):
    """torch.nn.Linear by :func:`aligned_linear`."""

    def forward(self, x: Tensor) -> Tensor:
        """As torch.nn.Linear."""
        return aligned_linear(x, self.weight, self.bias)


class AlignedProducts(TorchFunctionMode):
    """While it is entered, linear layers and products of rows with a matrix are those of :func:`aligned_linear`."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Runs `func`, or what stands for it."""
        kwargs = kwargs or {}
        if func is linear or func in _MATMULS:
            dense = all(t.layout is torch.strided for t in (*args, *kwargs.values()) if isinstance(t, Tensor))
            if func is linear and dense:
                return aligned_linear(*args, **kwargs)
            if dense and not kwargs and args[1].dim() == 2:
                return aligned_linear(args[0], args[1].t())
        return func(*args, **kwargs)


def aligned(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Any function with aligned products, for code that is not ours: it costs each call of torch in it some time."""

    def called(*args: Tensor) -> Tensor:
        with AlignedProducts():
            return function(*args)

    return called


@torch.library.custom_op("graphx::rowwise_linear_relu", mutates_args=())
def rowwise_linear_relu(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """relu(x W^T + b) for rows [E, F], in products of 512 rows, the last one filled up with zeros."""
    out = x.new_empty(x.size(0), weight.size(0))
    gap = _gap(x)
    weight = pad(weight, (0, gap)).contiguous()
    for first in range(0, x.size(0), _ROWS):
        part = x[first : first + _ROWS]
        count = part.size(0)
        part = pad(part, (0, gap, 0, _ROWS - count)).contiguous()  # a copy, as x may begin anywhere in memory
        torch.clamp(linear(part, weight, bias)[:count], min=0, out=out[first : first + count])
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
