"""Maps of the Poincare ball at 50 digits, by their textbook formulas: slow and obvious.

Vectors are sequences of mpf; matrices are products of integers, which are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
from mpmath import mpf

mpmath.mp.dps = 50

Vector = Sequence[Any]


def vector(x: npt.NDArray[np.floating]) -> list[Any]:
    return [mpf(float(value)) for value in x]


def norm(x: Vector) -> Any:
    return mpmath.sqrt(mpmath.fdot(x, x))


def scaled(factor: Any, x: Vector) -> list[Any]:
    return [factor * value for value in x]


def expmap0(u: Vector, c: float) -> list[Any]:
    q = mpmath.sqrt(mpf(c)) * norm(u)
    return list(u) if q == 0 else scaled(mpmath.tanh(q) / q, u)


def logmap0(x: Vector, c: float) -> list[Any]:
    z = mpmath.sqrt(mpf(c)) * norm(x)
    return list(x) if z == 0 else scaled(mpmath.atanh(z) / z, x)


def mobius_matvec(product: Vector, x: Vector, c: float) -> list[Any]:
    """exp0(W log0 x) from ``W x``."""
    z = mpmath.sqrt(mpf(c)) * norm(x)
    return expmap0(product if z == 0 else scaled(mpmath.atanh(z) / z, product), c)


def mobius_add(x: Vector, y: Vector, c: float) -> list[Any]:
    xy, xx, yy = mpmath.fdot(x, y), mpmath.fdot(x, x), mpmath.fdot(y, y)
    below = 1 + 2 * c * xy + mpf(c) ** 2 * xx * yy
    left, right = (1 + 2 * c * xy + c * yy) / below, (1 - c * xx) / below
    return [left * a + right * b for a, b in zip(x, y, strict=True)]


def dist(x: Vector, y: Vector, c: float) -> Any:
    root = mpmath.sqrt(mpf(c))
    return 2 / root * mpmath.atanh(root * norm(mobius_add(scaled(-1, x), y, c)))


def tangent_dist(u: Vector, v: Vector, c: float) -> Any:
    """The law of cosines, cosh d = cosh a cosh b - sinh a sinh b cos, less one and halved: sinh^2(d / 2)."""
    root, long, wide = mpmath.sqrt(mpf(c)), norm(u), norm(v)
    a, b = 2 * root * long, 2 * root * wide
    half = (1 - mpmath.fdot(u, v) / (long * wide)) / 2
    square = mpmath.sinh((a - b) / 2) ** 2 + half * mpmath.sinh(a) * mpmath.sinh(b)
    return 2 / root * mpmath.asinh(mpmath.sqrt(square))


def product(weight: npt.NDArray[np.floating], x: npt.NDArray[np.floating]) -> list[Any]:
    """``W x`` of a block-diagonal W [K, b', b], exactly."""
    w, w_exponent = _integers(weight)
    v, v_exponent = _integers(x)
    blocks, _, width = weight.shape
    out = [row for k in range(blocks) for row in w[k] @ v[k * width : (k + 1) * width]]
    return [mpmath.ldexp(mpf(int(value)), w_exponent + v_exponent) for value in out]


def _integers(x: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.object_], int]:
    mantissa, exponent = np.frexp(x.astype(np.float64))
    least = int(exponent.min()) - 53 if x.size else 0
    shifts = (exponent - 53 - least).astype(object)
    return (mantissa * 2.0**53).astype(np.int64).astype(object) * 2**shifts, least


@dataclass(frozen=True)
class Exact:
    """A vector as a sum of two float64 vectors: 32 digits, enough to measure errors quickly."""

    head: npt.NDArray[np.float64]
    tail: npt.NDArray[np.float64]

    @classmethod
    def of(cls, true: Vector) -> Exact:
        head = np.array([float(value) for value in true])
        return cls(head, np.array([float(value - mpf(float(h))) for value, h in zip(true, head, strict=True)]))

    def error(self, x: npt.NDArray[np.floating]) -> float:
        """|x - true| / |true|."""
        difference = (x.astype(np.float64) - self.head) - self.tail
        return float(np.linalg.norm(difference) / (np.linalg.norm(self.head) or 1.0))
