"""The linear layer whose rows do not see one another: values, gradients, and bits across its blocks of 512."""

from __future__ import annotations

import pytest
import torch
from torch.library import opcheck

from graphx.nn.aggr.linear import _ROWS, AlignedLinear, AlignedProducts, aligned, aligned_linear, rowwise_linear_relu


def given(rows: int, width: int, out: int, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(rows + width)
    shapes = [(rows, width), (out, width), (out,)]
    return [torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes]


@pytest.mark.parametrize("rows", [0, 1, _ROWS - 1, _ROWS, _ROWS + 1, 2 * _ROWS + 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_values_and_gradients_are_those_of_torch(rows: int, dtype: torch.dtype) -> None:
    leaves = [part.requires_grad_() for part in given(rows, 5, 3, dtype)]
    found = rowwise_linear_relu(*leaves)
    wanted = torch.relu(torch.nn.functional.linear(*(leaf.double() for leaf in leaves)))
    grad = torch.randn(rows, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)
    bound = {torch.float32: 1e-4, torch.float64: 1e-11, torch.bfloat16: 0.6}[dtype]
    torch.testing.assert_close(found.double(), wanted, rtol=bound, atol=bound / 10)
    slopes = torch.autograd.grad(found, leaves, grad)
    masked = grad.double() * (found.double() > 0)
    exact = [masked @ leaves[1].double(), masked.t() @ leaves[0].double(), masked.sum(0)]
    for slope, leaf, value in zip(slopes, leaves, exact, strict=True):
        assert slope.dtype == dtype and slope.shape == leaf.shape
        torch.testing.assert_close(slope.double(), value, rtol=bound, atol=bound)


@pytest.mark.parametrize("width", [1, 7, 64, 129])
def test_a_row_has_its_bits_in_any_company(width: int) -> None:
    x, weight, bias = given(_ROWS + 70, width, 33)
    whole = rowwise_linear_relu(x, weight, bias)
    for rows in (slice(0, 1), slice(3, 20), slice(_ROWS - 2, _ROWS + 5), slice(5, None, 97)):
        assert torch.equal(rowwise_linear_relu(x[rows], weight, bias), whole[rows])
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    assert torch.equal(rowwise_linear_relu(x[order], weight, bias), whole[order])
    poisoned = x.clone()
    poisoned[7] = torch.nan
    found = rowwise_linear_relu(poisoned, weight, bias)
    assert bool(found[7].isnan().all())
    others = torch.arange(len(x)) != 7
    assert torch.equal(found[others], whole[others])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("out", [1, 3, 4, 8, 33])
def test_a_row_has_its_bits_at_any_place(out: int, dtype: torch.dtype) -> None:
    """Where the length of a row is no multiple of 16 bytes, the kernels of some processors round by its number."""
    for width in (*range(1, 36), 65, 129):
        x, weight, bias = given(1, width, out, dtype)
        x = x.expand(64, -1).contiguous()
        found = [aligned_linear(x, weight, bias), rowwise_linear_relu(x, weight, bias)]
        with AlignedProducts():
            found += [torch.nn.functional.linear(x, weight), x @ weight.t(), torch.mm(x, weight.t().contiguous())]
        for rows in found:
            assert torch.equal(rows, rows[:1].expand_as(rows)), (width, out)


def test_a_row_has_its_bits_wherever_the_memory_begins() -> None:
    x, weight, bias = given(2 * _ROWS, 16, 5)
    flat = torch.empty(1 + x.numel())
    moved = flat[1:].view_as(x).copy_(x)
    assert moved.data_ptr() % 16 != x.data_ptr() % 16
    assert torch.equal(rowwise_linear_relu(moved, weight, bias), rowwise_linear_relu(x, weight, bias))


def test_aligned_products_are_those_of_torch() -> None:
    x, weight, bias = given(6, 5, 3, torch.float64)
    layer = torch.nn.Linear(5, 3).double()
    batches = x.view(2, 3, 5)
    wanted = [layer(x), layer(batches), x @ weight.t(), batches @ weight.t(), weight @ x[0], x.t() @ x, x.mm(x.t())]
    with AlignedProducts():
        found = [layer(x), layer(batches), x @ weight.t(), batches @ weight.t(), weight @ x[0], x.t() @ x, x.mm(x.t())]
        found.append(torch.nn.functional.linear(input=x, weight=weight, bias=bias))
        found.append(x.to_sparse() @ weight.t())
    wanted += [torch.addmm(bias, x, weight.t()), x @ weight.t()]
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(aligned(torch.mm)(x, weight.t()), x @ weight.t())
    same = AlignedLinear(5, 3).double()
    same.load_state_dict(layer.state_dict())
    torch.testing.assert_close(same(x), layer(x))
    parts = [x.requires_grad_(), weight.requires_grad_(), bias.requires_grad_()]
    assert torch.autograd.gradcheck(aligned_linear, parts)


def test_the_operator_keeps_the_rules_of_torch_library() -> None:
    leaves = [part.requires_grad_() for part in given(6, 4, 3)]
    opcheck(torch.ops.graphx.rowwise_linear_relu.default, tuple(leaves))
    x, weight, bias = given(6, 4, 3, torch.float64)
    with torch.no_grad():
        far = (torch.nn.functional.linear(x, weight, bias).abs() > 1e-3).all(1)
    parts = [x[far].requires_grad_(), weight.requires_grad_(), bias.requires_grad_()]
    assert torch.autograd.gradcheck(rowwise_linear_relu, parts)


def test_a_frozen_input_needs_no_gradient() -> None:
    x, weight, bias = given(6, 4, 3)
    weight.requires_grad_()
    out = rowwise_linear_relu(x.t().contiguous().t(), weight, bias)  # and memory in another order
    (slope,) = torch.autograd.grad(out, weight, torch.ones(3, 6).t())
    mask = (torch.nn.functional.linear(x, weight, bias) > 0).float()
    torch.testing.assert_close(slope, mask.t() @ x)
