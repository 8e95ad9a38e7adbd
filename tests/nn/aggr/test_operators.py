"""The operators: commutative to the bit, exact where they claim it, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from graphx.errors import InputError
from graphx.nn import LCMAggregation
from graphx.nn.aggr import (
    AttentionOperator,
    GatedOperator,
    GRUOperator,
    LatticeOperator,
    MaxOperator,
    MaxPlusOperator,
    MinOperator,
    MLPOperator,
    Operator,
    SumOperator,
    Symmetrized,
)

EXACT = [MaxPlusOperator, SumOperator, MaxOperator, MinOperator]
ALL = [GRUOperator, MLPOperator, GatedOperator, AttentionOperator, LatticeOperator, *EXACT]


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_commutative_to_the_bit(kind: type[Operator], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    for channels in (2, 6, 64):
        operator = kind(channels).to(dtype)
        for rows in (1, 2, 7, 33, 200):
            a, b = torch.randn(rows, channels, dtype=dtype), torch.randn(rows, channels, dtype=dtype)
            a[0], b[0] = 0.0, -0.0
            one, other = operator.combine(a, b), operator.combine(b, a)
            assert torch.equal(one, other)
            assert torch.equal(one.signbit(), other.signbit())


@pytest.mark.parametrize("kind", EXACT)
def test_exact_monoids_are_monoids(kind: type[Operator]) -> None:
    operator = kind(6)
    a, b, c = torch.randint(-9, 9, (3, 40, 6)).float().unbind()  # whole numbers: float addition is exact
    combine = operator.combine
    assert torch.equal(combine(combine(a, b), c), combine(a, combine(b, c)))
    identity = operator.identity
    assert identity is not None
    assert torch.equal(combine(a, identity.expand_as(a)), a)


def test_max_plus_finds_the_second_largest() -> None:
    numbers = torch.tensor([3.0, 9.0, 1.0, 7.0, 7.5])
    x = torch.stack([torch.zeros(5), numbers, torch.full((5,), -math.inf)], 1)
    aggr = LCMAggregation(3, 3, operator=MaxPlusOperator(3, order=3), identity="operator", project=False)
    out = aggr(x, torch.zeros(5, dtype=torch.long), dim_size=2)
    assert out.tolist() == [[0.0, 9.0, 16.5], [0.0, -math.inf, -math.inf]]


def test_gated_by_hand() -> None:
    operator = GatedOperator(1)
    with torch.no_grad():
        operator.own.weight.fill_(1.0)
        operator.own.bias.zero_()
        operator.other.weight.zero_()
    sigmoid = 1 / (1 + math.exp(-2))
    assert operator.combine(torch.tensor([[2.0]]), torch.tensor([[0.0]])).item() == pytest.approx(2 * sigmoid)


def test_lattice_begins_as_minimum_and_maximum() -> None:
    torch.manual_seed(0)
    a, b, c = torch.randn(3, 20, 6).unbind()
    operator = LatticeOperator(6)
    found = operator.combine(a, b)
    assert torch.equal(found, torch.cat([torch.minimum(a, b)[:, :3], torch.maximum(a, b)[:, 3:]], 1))
    assert torch.equal(operator.combine(found, c), operator.combine(a, operator.combine(b, c)))
    operator.lin2.weight.data.fill_(1.0)
    operator.reset_parameters()
    assert torch.equal(operator.combine(a, b), found)


def test_lattice_can_hold_the_two_smallest() -> None:
    """Of sets of whole numbers of any size, with weights by hand: (m, n) * (p, q), each pair sorted."""
    operator = LatticeOperator(2, hidden_channels=5)
    #  second = min(u, v) = u - relu(u - v), u = max(m, p), v = min(n, q); the operator starts from max(n, q)
    with torch.no_grad():
        operator.lin1.bias.zero_()
        u, v, start = torch.eye(4)[2], torch.eye(4)[1], torch.eye(4)[3]
        operator.lin1.weight.copy_(torch.stack([u, -u, u - v, start, -start]))
        operator.lin2.weight[1] = torch.tensor([1.0, -1.0, -1.0, -1.0, 1.0])
    aggr = LCMAggregation(2, 2, operator=operator, project=False)
    generator = torch.Generator().manual_seed(0)
    sizes = torch.tensor([1, 2, 3, 7, 16, 100, 513])
    index = torch.repeat_interleave(torch.arange(7), sizes)
    numbers = torch.randint(-500, 500, (index.numel(),), generator=generator).float()
    found = aggr(torch.stack([numbers, torch.full_like(numbers, 1000.0)], 1), index)
    expected = [[*sorted(part.tolist()), 1000.0][:2] for part in numbers.split(sizes.tolist())]
    assert found.tolist() == expected


def test_a_plain_module_is_symmetrised() -> None:
    class Left(nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return a

    aggr = LCMAggregation(2, 2, operator=Left(), project=False)
    assert isinstance(aggr.operator, Symmetrized)
    x = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    assert aggr(x, torch.tensor([0, 0])).tolist() == [[2.0, 4.0]]


def test_an_operator_of_the_users_own() -> None:
    class LogSumExp(Operator):
        def combine(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return torch.logaddexp(a, b)

    x = torch.randn(9, 3)
    aggr = LCMAggregation(3, 3, operator=LogSumExp(3), project=False)
    torch.testing.assert_close(aggr(x, torch.zeros(9, dtype=torch.long))[0], x.logsumexp(0))
    with pytest.raises(InputError, match="identity is 'operator' and LogSumExp has none"):
        LCMAggregation(3, 3, operator=LogSumExp(3), identity="operator", project=False)


@pytest.mark.parametrize("module", [nn.Dropout(0.1), nn.BatchNorm1d(3), nn.Sequential(nn.Linear(3, 3), nn.Dropout())])
def test_refuses_what_mixes_rows(module: nn.Module) -> None:
    with pytest.raises(InputError, match="mixes rows or differs"):
        LCMAggregation(3, 3, operator=module)


def test_refuses_wrong_operators() -> None:
    with pytest.raises(InputError, match="operator is 'lstm'"):
        LCMAggregation(3, 3, operator="lstm")
    with pytest.raises(InputError, match="operator is a int"):
        LCMAggregation(3, 3, operator=3)
    with pytest.raises(InputError, match="operator has 4 channels; expected out_channels, 3"):
        LCMAggregation(3, 3, operator=GRUOperator(4))
    with pytest.raises(InputError, match="multiple of the order"):
        MaxPlusOperator(3)
    with pytest.raises(InputError, match="multiple of the heads"):
        AttentionOperator(3, heads=2)
    with pytest.raises(InputError, match="channels is 0"):
        SumOperator(0)
    with pytest.raises(NotImplementedError, match="defines no combine"):
        Operator(3).combine(torch.zeros(1, 3), torch.zeros(1, 3))


@pytest.mark.parametrize("kind", ALL)
def test_reset_draws_anew(kind: type[Operator]) -> None:
    operator = kind(4)
    before = [p.clone() for p in operator.parameters()]
    operator.reset_parameters()
    changed = [not torch.equal(p, q) for p, q in zip(before, operator.parameters(), strict=True)]
    assert not before or any(changed)
    assert "4" in repr(operator)
