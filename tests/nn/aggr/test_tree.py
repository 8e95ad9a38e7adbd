"""Trees under any operator: one pair after the other, chunks of one shape, and gradients that come back in full."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.nn.aggr import LCMAggregation
from graphx.nn.aggr.plan import tree_plan
from graphx.nn.aggr.tree import TreeReduce, chunk_pairs, chunks
from tests.nn.aggr.test_protocol import Product, Sum


def folded(rows: list[torch.Tensor], combine: object) -> torch.Tensor:
    """Neighbours are paired, an odd last one moves up."""
    while len(rows) > 1:
        made = [combine(a[None], b[None])[0] for a, b in zip(rows[::2], rows[1::2], strict=False)]  # type: ignore[operator]
        rows = made + rows[2 * len(made) :]
    return rows[0]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 5), max_size=40), st.integers(0, 3), st.integers(1, 5))
def test_values_and_gradients_of_the_recursion(index: list[int], spare: int, width: int) -> None:
    """Under an operator that is neither commutative nor associative, so that a wrong pair or side shows."""
    torch.manual_seed(len(index))
    module = Product(width).double()
    x = torch.randn(len(index), width, dtype=torch.float64, requires_grad=True)
    segments, size = torch.tensor(index, dtype=torch.long), max(index, default=-1) + 1 + spare
    empty = torch.randn(width, dtype=torch.float64, requires_grad=True)
    parameters = list(module.parameters())
    plan = tree_plan(segments, size)
    found, rows = TreeReduce.apply(x, plan, module, empty, *parameters)
    groups = [[x[e] for e in range(len(index)) if index[e] == v] for v in range(size)]
    wanted = [folded(group, module) if group else empty for group in groups]
    if not wanted:
        assert found.shape == (0, width)
        return
    torch.testing.assert_close(found, torch.stack(wanted))
    assert rows.shape == (len(index) + plan.num_pairs, width) and not rows.requires_grad
    grad = torch.randn(size, width, dtype=torch.float64)
    leaves = [x, empty, *parameters]
    slopes = torch.autograd.grad(found, leaves, grad, allow_unused=True)
    exact = torch.autograd.grad(torch.stack(wanted), leaves, grad, allow_unused=True)
    for leaf, slope, value in zip(leaves, slopes, exact, strict=True):
        zeros = torch.zeros_like(leaf)
        torch.testing.assert_close(zeros if slope is None else slope, zeros if value is None else value)


@pytest.mark.parametrize(("channels", "device", "pairs"), [(1, "cpu", 512), (32, "cpu", 512), (33, "cpu", 256)])
def test_chunks_by_hand(channels: int, device: str, pairs: int) -> None:
    """2^14 elements at most, a power of two, between 32 and 512."""
    assert chunk_pairs(torch.empty(0, channels, device=device)) == pairs
    assert chunk_pairs(torch.empty(0, 0)) == 512 and chunk_pairs(torch.empty(0, 10_000)) == 32
    assert chunk_pairs(torch.empty(0, 64, device="meta")) == 2**14


@pytest.mark.parametrize("count", [1, 2, 32, 33, 64, 65, 200])
@pytest.mark.parametrize("backward", [False, True])
def test_chunks_hold_every_pair_once_and_have_one_height(count: int, backward: bool) -> None:
    plan = tree_plan(torch.arange(count).repeat(3), count)
    seen: list[int] = []
    for left, right, first, real in chunks(plan, 32, backward=backward):
        assert left.numel() == right.numel() == 32 and 1 <= real <= 32
        pairs = slice(first - plan.num_rows, first - plan.num_rows + real)
        assert torch.equal(left[:real], plan.left[pairs]) and torch.equal(right[:real], plan.right[pairs])
        assert not left[real:].any() and not right[real:].any()
        seen += range(first, first + real)
    assert sorted(seen) == [*range(3 * count, 3 * count + plan.num_pairs)]
    levels = [sum(row - plan.num_rows >= level for level in plan.levels) for row in seen]
    assert levels == sorted(levels, reverse=backward)


def test_a_frozen_operator_and_a_frozen_input() -> None:
    torch.manual_seed(0)
    x, index = torch.randn(9, 3), torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2])
    aggr = LCMAggregation(3, 3, operator=Product(3), project=False)
    whole = torch.autograd.grad(aggr(leaf := x.clone().requires_grad_(), index).square().sum(), leaf)[0]
    for parameter in aggr.operator.parameters():
        parameter.requires_grad_(False)
    again = torch.autograd.grad(aggr(leaf := x.clone().requires_grad_(), index).square().sum(), leaf)[0]
    assert torch.equal(whole, again)
    aggr.operator.module.left.bias.requires_grad_(True)
    (slope,) = torch.autograd.grad(aggr(x, index).square().sum(), aggr.operator.module.left.bias)
    assert bool(slope.any())


def test_parameters_that_a_tree_does_not_use_get_nothing() -> None:
    aggr = LCMAggregation(3, 3, operator=Sum(3), project=False)
    aggr(torch.randn(4, 3), torch.tensor([0, 0, 1, 1])).sum().backward()
    assert aggr.operator.unused.grad is None or not aggr.operator.unused.grad.any()
    assert aggr.operator.lin.weight.grad is not None
