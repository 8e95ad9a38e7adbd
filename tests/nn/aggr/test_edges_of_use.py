"""Learnable aggregation where it ends: no index, nothing to shuffle, full caches, parts that cannot start anew."""

from __future__ import annotations

import pytest
import torch

import graphx.nn
from graphx.errors import InputError
from graphx.nn.aggr import LCMAggregation, Operator
from graphx.nn.aggr import plan as plans
from graphx.nn.aggr.plan import tree_plan


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


def test_parameters_that_a_tree_does_not_use_get_nothing() -> None:
    aggr = LCMAggregation(3, 3, operator=Sum(3), project=False)
    aggr(torch.randn(4, 3), torch.tensor([0, 0, 1, 1])).sum().backward()
    assert aggr.operator.unused.grad is None or not aggr.operator.unused.grad.any()
    assert aggr.operator.lin.weight.grad is not None


def test_without_an_index_all_elements_are_one_set() -> None:
    torch.manual_seed(0)
    aggr, x = LCMAggregation(4, 4), torch.randn(5, 4)
    assert torch.equal(aggr(x), aggr(x, torch.zeros(5, dtype=torch.long)))
    with pytest.raises(InputError, match=r"x has shape \[5\] and dim is -2; expected \[\*, E, F\]"):
        aggr.associativity_loss(x[:, 0])


@pytest.mark.parametrize("identity", ["learned", "zero"])
@pytest.mark.parametrize("project", [True, False])
def test_new_parameters(identity: str, project: bool) -> None:
    torch.manual_seed(0)
    aggr = LCMAggregation(4, 4, identity=identity, project=project)
    with torch.no_grad():
        for parameter in aggr.parameters():
            parameter.fill_(7.0)
    aggr.reset_parameters()
    assert not any(bool((parameter == 7).any()) for parameter in aggr.parameters())
    assert (aggr.empty is None) == (identity == "zero") and (aggr.lin is None) == (not project)


def test_no_elements_in_any_order() -> None:
    nothing = torch.zeros(0, dtype=torch.long)
    assert tree_plan(nothing, 2, order=nothing).num_pairs == 0


def test_old_plans_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "_MOST_PLANS", 2)
    cache = plans._Cache()
    monkeypatch.setattr(plans, "_CACHE", cache)
    segments = [torch.tensor([0, 0, k]) for k in (1, 2, 3)]
    made = [tree_plan(one, 4) for one in segments]
    assert len(cache._plans) == 2
    assert tree_plan(segments[2], 4) is made[2] and tree_plan(segments[0], 4) is not made[0]


def test_packages_are_imported_on_use() -> None:
    vars(graphx.nn).pop("aggr", None)
    assert graphx.nn.aggr.LCMAggregation is LCMAggregation and "aggr" in dir(graphx.nn)
    with pytest.raises(AttributeError, match="has no attribute 'agg'; it has: "):
        graphx.nn.agg  # noqa: B018
