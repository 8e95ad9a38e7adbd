"""Maps of the Poincare ball at 50 digits, by their textbook formulas: slow and obvious.

Vectors are sequences of mpf; matrices are products of integers, which are exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
    """The law of cosines, cosh d = cosh a cosh b - sinh a sinh b cos, with digits to spare for its cancellation."""
    with mpmath.workdps(50 + int(4 * math.sqrt(c) * float(norm(u) + norm(v)))):
        root = mpmath.sqrt(mpf(c))
        a, b = 2 * root * norm(u), 2 * root * norm(v)
        cos = mpmath.fdot(u, v) / (norm(u) * norm(v))
        return mpmath.acosh(mpmath.cosh(a) * mpmath.cosh(b) - mpmath.sinh(a) * mpmath.sinh(b) * cos) / root


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


def vector_error(x: npt.NDArray[np.floating], true: Vector) -> float:
    """|x - true| / |true|."""
    size = norm(true)
    difference = norm([a - b for a, b in zip(vector(x), true, strict=True)])
    return float(difference if size == 0 else difference / size)
