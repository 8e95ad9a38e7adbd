"""The symmetrised GRU over a tree: torch's own cell as oracle, slopes by autograd, the rules of torch.library."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.library import opcheck

from graphx.nn import LCMAggregation
from graphx.nn.aggr import GRUOperator, gru
from graphx.nn.aggr.gru import gru_combine, gru_gates, lcm_gru
from tests.reference.lcm import aggregate


def weights_of(channels: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(channels)
    shapes = [(3 * channels, channels), (3 * channels, channels), (3 * channels,), (3 * channels,)]
    return tuple(torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes)


@pytest.mark.parametrize("channels", [1, 2, 5, 16])
def test_a_pair_is_half_the_sum_of_torchs_cells(channels: int) -> None:
    torch.manual_seed(0)
    cell = torch.nn.GRUCell(channels, channels).double()
    operator = GRUOperator(channels).double()
    operator.load_state_dict(cell.state_dict())
    a, b = torch.randn(2, 7, channels, dtype=torch.float64).unbind()
    torch.testing.assert_close(operator.combine(a, b), (cell(a, b) + cell(b, a)) / 2)
    again = torch.nn.GRUCell(channels, channels).double()
    again.load_state_dict(operator.state_dict())
    assert torch.equal(again(a, b), cell(a, b))


def test_slopes_are_those_of_autograd() -> None:
    generator = torch.Generator().manual_seed(0)
    i, h = (torch.randn(5, 12, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(2))
    x, g = (torch.randn(5, 4, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(2))
    out = gru._cell(i, h, x)[-1]
    wanted = torch.autograd.grad(out, (i, h, x), g.detach())
    for found, slope in zip(gru._slopes(i.detach(), h.detach(), x.detach(), g.detach()), wanted, strict=True):
        torch.testing.assert_close(found, slope)


def test_gates_in_the_type_of_the_weights() -> None:
    """Rows in single precision and weights in half, as under autocast: products in half, results in single."""
    x, weights = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), weights_of(4, torch.bfloat16)
    i, h = gru_gates(x, *weights)
    assert i.dtype == h.dtype == torch.float32
    exact = torch.nn.functional.linear(x.bfloat16().double(), weights[0].double(), weights[2].double())
    torch.testing.assert_close(i.double(), exact, rtol=0.01, atol=0.05)
    assert torch.equal(i, torch.nn.functional.linear(x.bfloat16(), weights[0], weights[2]).float())
    a, b = x[:3], x[3:]
    assert torch.equal(gru_combine(a, b, *weights), gru_combine(b, a, *weights))


def case(channels: int = 3, dtype: torch.dtype = torch.float64, *, is_ptr: bool = False) -> tuple[Any, ...]:
    x = torch.randn(11, channels, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)
    index = torch.tensor([0, 0, 0, 0, 0, 2, 2, 3, 3, 3, 3])
    segments = torch.tensor([0, 5, 5, 7, 11]) if is_ptr else index
    empty = torch.arange(channels).to(dtype)
    return (x, segments, is_ptr, 4, 1, None, empty, *weights_of(channels, dtype))


@pytest.mark.parametrize("is_ptr", [False, True])
@pytest.mark.parametrize("native", [False, True])
def test_the_operator_is_the_recursion(is_ptr: bool, native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = case(5, torch.float32, is_ptr=is_ptr)
    if not native:
        monkeypatch.setattr(gru, "_core", lambda: None)
    found, rows = lcm_gru(*arguments)
    assert rows.shape == ((11 if native else 22), 5)
    exact = [part.double() for part in (arguments[0], *arguments[6:])]
    index = torch.tensor([0, 0, 0, 0, 0, 2, 2, 3, 3, 3, 3])
    wanted = aggregate(exact[0], index, 4, tuple(exact[2:]), exact[1])
    torch.testing.assert_close(found.double(), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_rules_of_torch_library(dtype: torch.dtype) -> None:
    arguments = list(case(3, dtype))
    for place in (0, 6, 7, 8, 9, 10):
        arguments[place] = arguments[place].requires_grad_()
    checks = ("test_schema", "test_autograd_registration", "test_faketensor")
    opcheck(torch.ops.graphx.lcm_gru.default, tuple(arguments), test_utils=checks)


@pytest.mark.parametrize("native", [False, True])
def test_gradients_in_any_memory_and_of_some_weights_only(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not native:
        monkeypatch.setattr(gru, "_core", lambda: None)
    torch.manual_seed(0)
    aggr = LCMAggregation(5, 5, project=False)
    x, index = torch.randn(9, 5), torch.tensor([0, 2, 0, 0, 2, 2, 0, 2, 2])
    grad = torch.randn(5, 3).t()
    leaf = x.clone().requires_grad_()
    whole = torch.autograd.grad(aggr(leaf, index), [leaf, *aggr.parameters()], grad)
    for parameter in (aggr.operator.weight_hh, aggr.operator.bias_ih, aggr.empty):
        parameter.requires_grad_(False)
    strided = torch.empty(5, 9).t().copy_(x).requires_grad_()
    left = [parameter for parameter in aggr.parameters() if parameter.requires_grad]
    some = torch.autograd.grad(aggr(strided, index), [strided, *left], grad.contiguous())
    kept = [True, *(parameter.requires_grad for parameter in aggr.parameters())]
    for slope, wanted in zip(some, [value for value, keep in zip(whole, kept, strict=True) if keep], strict=True):
        assert torch.equal(slope, wanted)
