"""Exact monoids against sets and polynomials by hand, with their identities, gradients and refusals."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.errors import InputError
from graphx.nn.aggr import LCMAggregation, MaxOperator, MaxPlusOperator, MinOperator, SumOperator

LOW = -math.inf


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.lists(st.integers(-9, 9), min_size=6, max_size=6), min_size=2, max_size=2),
    st.sampled_from([1, 2, 3, 6]),
)
def test_max_plus_is_the_product_of_polynomials(rows: list[list[int]], order: int) -> None:
    a, b = rows
    wanted = []
    for start in range(0, 6, order):
        for k in range(order):
            wanted.append(max(a[start + i] + b[start + k - i] for i in range(k + 1)))
    found = MaxPlusOperator(6, order).combine(torch.tensor([a]).float(), torch.tensor([b]).float())
    assert found.tolist() == [[float(v) for v in wanted]]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=9), st.integers(0, 2**31))
def test_sums_of_the_largest_in_any_order(values: list[int], seed: int) -> None:
    """(0, x, -inf, -inf): coefficient k of the product is the sum of the k largest."""
    rows = torch.tensor([[0.0, v, LOW, LOW] for v in values])
    order = torch.randperm(len(values), generator=torch.Generator().manual_seed(seed))
    aggr = LCMAggregation(4, 4, operator=MaxPlusOperator(4, order=4), project=False, identity="operator")
    ranked = sorted(values, reverse=True)
    wanted = [float(sum(ranked[:k])) if k <= len(ranked) else LOW for k in range(4)]
    found = aggr(rows[order], torch.ones(len(values), dtype=torch.long), dim_size=3)
    assert found.tolist() == [[0.0, LOW, LOW, LOW], wanted, [0.0, LOW, LOW, LOW]]


@pytest.mark.parametrize(
    ("operator", "element"),
    [
        (SumOperator(3), [0.0, 0, 0]),
        (MaxOperator(3), [LOW, LOW, LOW]),
        (MinOperator(2), [math.inf, math.inf]),
        (MaxPlusOperator(4), [0.0, LOW, 0.0, LOW]),
        (MaxPlusOperator(3, order=3), [0.0, LOW, LOW]),
        (MaxPlusOperator(2, order=1), [0.0, 0.0]),
    ],
)
def test_identities(operator: torch.nn.Module, element: list[float]) -> None:
    assert operator.identity.tolist() == element
    a = torch.randn(6, len(element))
    for dtype in (torch.float32, torch.float64):
        e = operator.identity.to(dtype).expand(6, -1)
        assert torch.equal(operator.combine(a.to(dtype), e), a.to(dtype))
        assert torch.equal(operator.combine(e, a.to(dtype)), a.to(dtype))
    assert not list(operator.parameters()) and operator.combine(a[:0], a[:0]).shape == (0, len(element))


@pytest.mark.parametrize("name", ["sum", "max", "min"])
def test_gradients_are_those_of_a_reduction(name: str) -> None:
    x = torch.tensor([[3.0, 1], [2, 7], [5, 4], [1, 9], [8, 0]], dtype=torch.float64, requires_grad=True)
    index, grad = torch.tensor([0, 2, 0, 2, 0]), torch.tensor([[1.0, 2], [100, 100], [3, 4]], dtype=torch.float64)
    aggr = LCMAggregation(2, 2, operator=name, project=False, identity="operator").double()
    (found,) = torch.autograd.grad(aggr(x, index, dim_size=3), x, grad)
    wanted = torch.zeros_like(x)
    for segment, column in itertools.product((0, 2), range(2)):
        rows = (index == segment).nonzero().squeeze(1)
        if name == "sum":
            wanted[rows, column] = grad[segment, column]
        else:
            values = x[rows, column]
            wanted[rows[values.argmax() if name == "max" else values.argmin()], column] = grad[segment, column]
    assert torch.equal(found, wanted)


@pytest.mark.parametrize(("channels", "order"), [(4, 3), (4, 0), (4, -2), (3, 6)])
def test_orders_that_do_not_divide(channels: int, order: int) -> None:
    with pytest.raises(InputError, match=f"channels is {channels} and order is {order}; expected a multiple"):
        MaxPlusOperator(channels, order)
