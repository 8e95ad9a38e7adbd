"""Operators of the user's own: what they must define, how a plain module is made commutative, copies and refusals."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch

from graphx.errors import InputError
from graphx.nn.aggr import LCMAggregation, Operator, Symmetrized


class Sum(Operator):
    """Addition, with a parameter that is not asked for and a child that cannot start anew."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.unused = torch.nn.Parameter(torch.ones(1))
        self.act = torch.nn.Identity()
        self.lin = torch.nn.Linear(channels, channels)

    def combine(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a + b + 0 * self.lin(a + b)


def test_an_operator_is_called_as_a_module() -> None:
    torch.manual_seed(0)
    operator, a, b = Sum(3), torch.ones(2, 3), torch.full((2, 3), 2.0)
    assert torch.equal(operator(a, b), operator.combine(a, b))
    before = operator.lin.weight.detach().clone()
    operator.reset_parameters()
    assert not torch.equal(operator.lin.weight, before) and operator.unused.item() == 1
    with pytest.raises(NotImplementedError, match=r"Operator defines no combine\(a, b\)"):
        Operator(3)(a, b)


class Product(torch.nn.Module):
    """Not commutative: a matrix for each side."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.left = torch.nn.Linear(channels, channels)
        self.right = torch.nn.Linear(channels, channels, bias=False)

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return self.left(a) * torch.tanh(self.right(b))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_module_is_averaged_over_both_orders(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    module = Product(5).to(dtype)
    operator = Symmetrized(module, 5)
    a, b = torch.randn(7, 5, dtype=dtype), torch.randn(7, 5, dtype=dtype)
    assert not torch.equal(module(a, b), module(b, a))
    assert torch.equal(operator(a, b), operator(b, a))
    assert torch.equal(operator(a, b), (module(a, b) + module(b, a)) / 2)
    assert operator.identity is None and repr(operator) == "Symmetrized(5)"
    before = module.left.weight.detach().clone()
    operator.reset_parameters()  # Product cannot start anew: it stays
    assert torch.equal(module.left.weight, before)


def test_copies_of_an_aggregation_with_an_own_operator() -> None:
    torch.manual_seed(0)
    aggr = LCMAggregation(4, 5, operator=Product(5))
    x, index = torch.randn(9, 4), torch.tensor([0, 0, 2, 2, 2, 0, 0, 1, 2])
    wanted = aggr(x, index)
    twin = LCMAggregation(4, 5, operator=Product(5))
    twin.load_state_dict(aggr.state_dict())
    for other in (twin, copy.deepcopy(aggr), pickle.loads(pickle.dumps(aggr))):
        assert torch.equal(other(x, index), wanted)
    assert {name.split(".")[0] for name in aggr.state_dict()} == {"lin", "operator", "empty"}


@pytest.mark.parametrize("channels", [0, -1, True, 2.0, "4", None])
def test_channels_that_are_none(channels: Any) -> None:
    for made in (Operator, lambda number: Symmetrized(torch.nn.Identity(), number)):
        with pytest.raises(InputError, match=f"channels is {channels!r}; expected a positive integer"):
            made(channels)
