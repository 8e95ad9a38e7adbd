"""tanh(q)/q and atanh(z)/z as functions of the square, with derivatives that are exact at zero.

Every map of the Poincare ball is a vector times one of these, so the square (c times a sum of squares, smooth at the
origin) is the natural variable: no square root is ever differentiated and no division by a norm is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import torch
from torch import Tensor

from graphx.nn.hyperbolic._inputs import once

__all__ = ["atanhc", "tanhc"]

_SMALL: Final = 0.01  # below it the series, whose eight terms are exact to rounding there
# tanh(q)/q = sum a_k p^k with p = q^2
_TANH: Final = (
    1.0,
    -1 / 3,
    2 / 15,
    -17 / 315,
    62 / 2835,
    -1382 / 155925,
    21844 / 6081075,
    -929569 / 638512875,
    6404582 / 10854718875,
)
_ATANH: Final = tuple(1 / (2 * k + 1) for k in range(12))  # atanh(z)/z = sum z^2k / (2k + 1)


def _derivative(series: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(k * a for k, a in enumerate(series))[1:]


_TANH_1, _ATANH_1 = _derivative(_TANH), _derivative(_ATANH)
_TANH_2, _ATANH_2 = _derivative(_TANH_1), _derivative(_ATANH_1)


def _horner(series: tuple[float, ...], p: Tensor) -> Tensor:
    value = torch.full_like(p, series[-1])
    for a in reversed(series[:-1]):
        value = value * p + a
    return value


def _tanhc(p: Tensor) -> Tensor:
    q = p.sqrt()
    return torch.where(p < _SMALL, _horner(_TANH, p), q.tanh() / q)


def _tanhc_1(p: Tensor) -> Tensor:
    # T = tanh(q)/q solves 2p T' = 1 - T - p T^2
    t = _tanhc(p)
    return torch.where(p < _SMALL, _horner(_TANH_1, p), (1 - t - p * t * t) / (2 * p))


def _tanhc_2(p: Tensor) -> Tensor:
    t, t1 = _tanhc(p), _tanhc_1(p)
    return torch.where(p < _SMALL, _horner(_TANH_2, p), -(3 * t1 + t * t + 2 * p * t * t1) / (2 * p))


def _atanhc(p: Tensor) -> Tensor:
    z = p.sqrt()
    return torch.where(p < _SMALL, _horner(_ATANH, p), 0.5 * (2 * z * (1 + z) / (1 - p)).log1p() / z)


def _atanhc_1(p: Tensor) -> Tensor:
    # A = atanh(z)/z solves 2p A' = 1/(1 - p) - A
    return torch.where(p < _SMALL, _horner(_ATANH_1, p), (1 / (1 - p) - _atanhc(p)) / (2 * p))


def _atanhc_2(p: Tensor) -> Tensor:
    return torch.where(p < _SMALL, _horner(_ATANH_2, p), ((1 - p) ** -2 - 3 * _atanhc_1(p)) / (2 * p))


class _Smooth(torch.autograd.Function):
    """The first of a row of functions, each the derivative of the one before it."""

    @staticmethod
    def forward(ctx: Any, p: Tensor, row: tuple[Callable[[Tensor], Tensor], ...]) -> Tensor:
        ctx.save_for_backward(p)
        ctx.derivatives = row[1:]
        return row[0](p)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (p,) = ctx.saved_tensors
        if len(ctx.derivatives) > 1:
            return grad * cast("Tensor", _Smooth.apply(p, ctx.derivatives)), None  # type: ignore[no-untyped-call]
        once("the second derivative of a map of the ball", "float64 differences")
        return grad * ctx.derivatives[0](p), None


def tanhc(p: Tensor) -> Tensor:
    """tanh(q)/q at q = sqrt(p), for p >= 0 in float64; differentiable twice, at zero too."""
    return cast("Tensor", _Smooth.apply(p, (_tanhc, _tanhc_1, _tanhc_2)))  # type: ignore[no-untyped-call]


def atanhc(p: Tensor) -> Tensor:
    """atanh(z)/z at z = sqrt(p), for 0 <= p < 1 in float64; differentiable twice, at zero too."""
    return cast("Tensor", _Smooth.apply(p, (_atanhc, _atanhc_1, _atanhc_2)))  # type: ignore[no-untyped-call]
