"""Pairwise distances of exp0(u) and exp0(v), computed from u and v without entering the ball.

With a = 2 sqrt(c) |u|, b = 2 sqrt(c) |v| and t = |u/|u| - v/|v||^2 / 4 = sin^2 of half the angle, the hyperbolic law of
cosines reads

    sinh^2(sqrt(c) d / 2) = sinh^2((a - b) / 2) + t sinh(a) sinh(b),

a sum of positive terms. It is computed as it stands while the terms fit float64, and by logarithms beyond.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

import torch
from torch import Tensor

from graphx.nn.hyperbolic._inputs import once, refuse_vectors

__all__ = ["tangent_dist"]

_DIRECT: Final = 600.0  # sinh(a) sinh(b) fits float64 while a + b is below this
_PAIRS: Final = 1 << 18  # pairs of one chunk, so that the temporaries stay in the cache
_ELEMENTS: Final = 1 << 22  # elements of one chunk of directions that are compared one by one
# 1 - cos loses 1e-16 absolutely; below these t the directions are subtracted instead
_NEAR: Final = {torch.float32: 1e-8, torch.float64: 0.05}


def _log_sinh(x: Tensor) -> Tensor:
    return x + torch.log(-torch.expm1(-2 * x)) - math.log(2)


@dataclass(frozen=True, slots=True)
class _Points:
    """Vectors by length and direction, in float64; the direction of zero is zero.

    Attributes:
        vector: The vectors ``[N, D]``.
        length: Their Euclidean norms ``[N]``.
        unit: Their directions ``[N, D]``.
        root: sqrt(c).
    """

    vector: Tensor
    length: Tensor
    unit: Tensor
    root: float

    @classmethod
    def of(cls, u: Tensor, c: float, name: str) -> _Points:
        u = u.double()
        squares = u.square().sum(-1)
        refuse_vectors(c * squares, name)
        length = squares.sqrt()
        return cls(u, length, u / torch.where(length == 0, 1.0, length).unsqueeze(1), math.sqrt(c))

    @property
    def angle(self) -> Tensor:
        return 2 * self.root * self.length

    def chunks(self, columns: int) -> Iterator[tuple[slice, _Points]]:
        step = max(1, _PAIRS // max(1, columns))
        for i in range(0, self.length.numel(), step):
            rows = slice(i, i + step)
            yield rows, _Points(self.vector[rows], self.length[rows], self.unit[rows], self.root)


class _Pairs:
    """t, a and b of all pairs of two sets of points, and their distance."""

    def __init__(self, u: _Points, v: _Points, near: float) -> None:
        self.root = u.root
        self.a, self.b = u.angle.unsqueeze(1), v.angle.unsqueeze(0)
        self.length_u, self.length_v = u.length.unsqueeze(1), v.length.unsqueeze(0)
        self.t, self.gap = (1 - u.unit @ v.unit.mT) / 2, self.a - self.b
        self._sharpen(u, v, near)
        far = self.a + self.b > _DIRECT
        a, b = self.a.clamp(max=_DIRECT), self.b.clamp(max=_DIRECT)
        h = torch.asinh(
            torch.sqrt(
                torch.sinh(torch.where(far, 0.0, self.gap) / 2).square() + torch.sinh(a) * torch.sinh(b) * self.t
            )
        )
        self.distance = 2 / self.root * (torch.where(far, self._far(), h) if bool(far.any()) else h)

    def _sharpen(self, u: _Points, v: _Points, near: float) -> None:
        """Where directions are near, t and a - b from u - v, which loses nothing."""
        rows, columns = (self.t < near).nonzero(as_tuple=True)
        step = max(1, _ELEMENTS // max(1, u.unit.size(-1)))
        for i in range(0, rows.numel(), step):
            r, k = rows[i : i + step], columns[i : i + step]
            x, y = u.vector[r], v.vector[k]
            length_x, length_y = u.length[r], v.length[k]
            # |u| - |v| = <u - v, u + v> / (|u| + |v|), and u/|u| - v/|v| = (u - v - (|u| - |v|) v/|v|) / |u|
            longer = ((x - y) * (x + y)).sum(-1) / (length_x + length_y)
            turn = (x - y - longer.unsqueeze(1) * v.unit[k]) / length_x.unsqueeze(1)
            self.t[r, k] = turn.square().sum(-1) / 4
            self.gap[r, k] = 2 * self.root * longer

    def _far(self) -> Tensor:
        log = torch.logaddexp(2 * _log_sinh(self.gap.abs() / 2), _log_sinh(self.a) + _log_sinh(self.b) + self.t.log())
        large = log / 2 + torch.log1p(torch.sqrt(1 + torch.exp(-log)))
        return torch.where(log < 0, torch.asinh(torch.exp(log / 2)), large)

    def slopes(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Derivatives by |u| and |v|, and the weights of the directions: (dd/dt) / (2 |u|) and (dd/dt) / (2 |v|)."""
        a, b = self.a, self.b
        log_h, log_a, log_b, log_t = _log_sinh(self.root * self.distance), _log_sinh(a), _log_sinh(b), self.t.log()
        # cosh(a) = sinh(a) / tanh(a), where zero over zero is one; sinh(a) / |u| tends to 2 sqrt(c)
        log_cosh_a = torch.where(a == 0, 0.0, log_a - torch.log(torch.tanh(a)))
        log_cosh_b = torch.where(b == 0, 0.0, log_b - torch.log(torch.tanh(b)))
        rate_a = torch.where(a == 0, math.log(2 * self.root), log_a - torch.log(self.length_u)) - math.log(self.root)
        rate_b = torch.where(b == 0, math.log(2 * self.root), log_b - torch.log(self.length_v)) - math.log(self.root)
        gap = 2 * torch.sign(self.gap) * torch.exp(_log_sinh(self.gap.abs()) - log_h)
        by_u = gap + 4 * torch.exp(log_t + log_cosh_a + log_b - log_h)
        by_v = -gap + 4 * torch.exp(log_t + log_cosh_b + log_a - log_h)
        same = self.distance == 0  # a kink: the middle of the subgradient is 0
        straight = same | (self.t == 0)  # the distance is even in the angle
        return (
            torch.where(same, 0.0, by_u),
            torch.where(same, 0.0, by_v),
            torch.where(straight, 0.0, torch.exp(rate_a + log_b - log_h)),
            torch.where(straight, 0.0, torch.exp(rate_b + log_a - log_h)),
        )


class _TangentDist(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor, v: Tensor, c: float | Tensor) -> Tensor:
        ctx.c, ctx.learn_c = float(c), isinstance(c, Tensor)
        ctx.save_for_backward(u, v)
        all_u, all_v = _Points.of(u, ctx.c, "u"), _Points.of(v, ctx.c, "v")
        out = u.new_empty(u.size(0), v.size(0))
        for rows, part in all_u.chunks(v.size(0)):
            out[rows] = _Pairs(part, all_v, _NEAR[u.dtype]).distance
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        once("tangent_dist", "dist(expmap0(u), expmap0(v))")
        u, v = ctx.saved_tensors
        all_u, all_v = _Points.of(u, ctx.c, "u"), _Points.of(v, ctx.c, "v")
        grad_u = torch.zeros_like(all_u.unit)
        grad_v = torch.zeros_like(all_v.unit)
        grad_c = torch.zeros((), dtype=torch.float64, device=u.device)
        for rows, part in all_u.chunks(v.size(0)):
            pairs = _Pairs(part, all_v, _NEAR[u.dtype])
            by_u, by_v, turn_u, turn_v = pairs.slopes()
            g = grad[rows].double()
            cos = 1 - 2 * pairs.t
            # gradient by u: (dd/d|u|) u/|u| - (dd/dt) / (2 |u|) (v/|v| - cos u/|u|)
            turn_u, turn_v = g * turn_u, g * turn_v
            along_u = (g * by_u + turn_u * cos).sum(1, keepdim=True)
            along_v = (g * by_v + turn_v * cos).sum(0).unsqueeze(1)
            grad_u[rows] = along_u * part.unit - turn_u @ all_v.unit
            grad_v += along_v * all_v.unit - turn_v.mT @ part.unit
            if ctx.learn_c:  # d(u, v; c) = d(sqrt(c) u, sqrt(c) v; 1) / sqrt(c)
                grad_c += (g * (by_u * pairs.length_u + by_v * pairs.length_v - pairs.distance)).sum() / (2 * ctx.c)
        return grad_u.to(u.dtype), grad_v.to(v.dtype), grad_c if ctx.learn_c else None


def tangent_dist(u: Tensor, v: Tensor, c: float | Tensor) -> Tensor:
    """See :func:`graphx.nn.hyperbolic.math.tangent_dist`."""
    return cast("Tensor", _TangentDist.apply(u, v, c))  # type: ignore[no-untyped-call]
