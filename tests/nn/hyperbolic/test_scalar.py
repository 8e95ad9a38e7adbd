"""tanh(q)/q and atanh(z)/z as functions of the square: against mpmath, with derivatives, across where series end."""

from __future__ import annotations

from typing import Any

import mpmath
import pytest
import torch

from graphx.errors import InputError
from graphx.nn.hyperbolic import _scalar
from graphx.nn.hyperbolic._scalar import atanhc, tanhc

# zero, the smallest numbers, both sides of the end of the series at 0.01, and the ends of the range
BELOW = [0.0, 5e-324, 1e-300, 1e-16, 1e-8, 1e-4, 0.005, 0.00999999, 0.01, 0.0100001, 0.02, 0.1, 0.5, 0.9]
POINTS = {"tanhc": [*BELOW, 1.0, 4.0, 100.0, 1e4, 1e300], "atanhc": [*BELOW, 0.99, 1 - 1e-6, 1 - 2**-53]}
FUNCTIONS = {"tanhc": tanhc, "atanhc": atanhc}


def series(name: str, count: int) -> list[Any]:
    """tanh(q)/q from Bernoulli's numbers, atanh(z)/z as it is known."""
    if name == "atanhc":
        return [1 / mpmath.mpf(2 * k + 1) for k in range(count)]
    powers = [mpmath.mpf(4) ** n for n in range(1, count + 1)]
    return [f * (f - 1) * mpmath.bernoulli(2 * n) / mpmath.factorial(2 * n) for n, f in enumerate(powers, 1)]


def exact(name: str, p: float, order: int) -> Any:
    """The derivative of this order in 60 digits, from the Taylor series at zero and the formula elsewhere."""
    with mpmath.workdps(60):
        function = mpmath.tanh if name == "tanhc" else mpmath.atanh
        if p < 1e-3:
            x = mpmath.mpf(p)
            terms = (a * mpmath.ff(k, order) * x ** (k - order) for k, a in enumerate(series(name, 21)) if k >= order)
            return mpmath.fsum(terms)
        if order == 0:
            return function(mpmath.sqrt(p)) / mpmath.sqrt(p)
        return mpmath.diff(lambda q: function(mpmath.sqrt(q)) / mpmath.sqrt(q), mpmath.mpf(p), order)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("order", "most"), [(0, 2e-15), (1, 2e-13), (2, 2e-10)])
def test_values_and_derivatives(name: str, order: int, most: float) -> None:
    """Beside the end of the series the forms lose digits with each derivative: by 1/p each, a hundred at 0.01."""
    points = [p for p in POINTS[name] if not (name == "atanhc" and order and p > 0.999999)]
    points = [p for p in points if not (name == "tanhc" and order and p > 1e5)]
    leaf = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    found = FUNCTIONS[name](leaf)
    for further in range(order)[::-1]:
        (found,) = torch.autograd.grad(found.sum(), leaf, create_graph=further > 0)
    for p, value in zip(points, found.tolist(), strict=True):
        wanted = float(exact(name, p, order))
        assert value == pytest.approx(wanted, rel=most), p


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_series_meets_the_formula(name: str) -> None:
    below, above = (FUNCTIONS[name](torch.tensor(p, dtype=torch.float64)) for p in (0.01 * (1 - 1e-12), 0.01))
    assert float(below) == pytest.approx(float(above), rel=1e-13)
    assert FUNCTIONS[name](torch.zeros(2, dtype=torch.float64)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_of_first_and_second_order(name: str) -> None:
    p = torch.tensor([0.002, 0.0098, 0.3, 0.8], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(FUNCTIONS[name], (p,))
    assert torch.autograd.gradgradcheck(FUNCTIONS[name], (p,))


def test_the_third_derivative_is_refused() -> None:
    p = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(tanhc(p), p, create_graph=True)
    (second,) = torch.autograd.grad(first, p, retain_graph=True)
    assert float(second) == pytest.approx(float(exact("tanhc", 0.3, 2)), rel=1e-12)
    with pytest.raises(InputError, match="the second derivative of a map of the ball can be differentiated once"):
        torch.autograd.grad(first, p, create_graph=True)


def test_coefficients_are_those_of_the_functions() -> None:
    with mpmath.workdps(40):
        for found, name in ((_scalar._TANH, "tanhc"), (_scalar._ATANH, "atanhc")):
            assert list(found) == pytest.approx([float(a) for a in series(name, len(found))], rel=1e-15)
    assert _scalar._derivative((7.0, 5.0, 3.0, 2.0)) == (5.0, 6.0, 6.0)
