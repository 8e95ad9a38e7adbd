"""The compiled maps of the ball against the plain ones: values, gradients, odd shapes, and tensors without memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.hyperbolic import _kernels, _plain, dist, expmap0, hyperbolic_radius, logmap0, mobius_add, mobius_matvec
from graphx.nn.hyperbolic.math import project, tangent_dist

MAPS = ["expmap0", "logmap0"]


def draw(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def inside(x: Tensor, c: float) -> Tensor:
    """Points of the ball in the directions of `x`, at radii of all sizes."""
    radii = x.norm(dim=-1, keepdim=True)
    return 0.999 * x / (1 + radii) / c**0.5


def close(dtype: torch.dtype) -> dict[str, float]:
    return {"rtol": 5e-7, "atol": 1e-9} if dtype == torch.float32 else {"rtol": 1e-13, "atol": 1e-17}


@pytest.mark.parametrize("name", MAPS)
@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**31),
    rows=st.sampled_from([0, 1, 2, 7, 33]),
    width=st.sampled_from([0, 1, 3, 7, 8, 9, 15, 16, 17, 33, 65]),
    c=st.sampled_from([1e-6, 0.3, 1.0, 40.0]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_radial_maps_on_both_ways(name: str, seed: int, rows: int, width: int, c: float, dtype: torch.dtype) -> None:
    x = draw(seed, rows, width) * 10.0 ** draw(seed + 1, rows, 1).clamp(-2, 0.4)
    x = (inside(x, c) if name == "logmap0" else x).to(dtype)
    grad = draw(seed + 2, rows, width, dtype=dtype)
    found = []
    for maps in (_kernels, _plain):
        leaf, curvature = x.clone().requires_grad_(), torch.tensor(c, dtype=torch.float64, requires_grad=True)
        out = getattr(maps, name)(leaf, curvature)
        found.append((out.detach(), *torch.autograd.grad(out, (leaf, curvature), grad)))
    (value, by_x, by_c), (value_plain, by_x_plain, by_c_plain) = found
    torch.testing.assert_close(value, value_plain, **close(dtype))
    torch.testing.assert_close(by_x, by_x_plain, rtol=1e-5 if dtype == torch.float32 else 1e-11, atol=1e-7)
    size = float((x.abs() * grad.abs()).double().sum()) * (1 + 1 / c)
    assert float(by_c) == pytest.approx(float(by_c_plain), rel=1e-5, abs=1e-7 * (size + 1e-9))


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**31),
    rows=st.sampled_from([0, 1, 5, 17]),
    blocks=st.integers(1, 4),
    wide=st.sampled_from([1, 2, 3, 8, 16, 17]),
    high=st.sampled_from([0, 1, 2, 8, 9]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    curved=st.booleans(),
)
def test_products_on_both_ways(
    seed: int, rows: int, blocks: int, wide: int, high: int, dtype: torch.dtype, curved: bool
) -> None:
    """Block-diagonal matrices that are not square too; with and without the ball; the dense matrix says the same."""
    weight, x = draw(seed, blocks, high, wide, dtype=dtype), inside(draw(seed + 1, rows, blocks * wide), 0.7).to(dtype)
    grad = draw(seed + 2, rows, blocks * high, dtype=dtype)
    found = []
    for maps in (_kernels, _plain):
        leaves = [part.clone().requires_grad_() for part in (weight, x)]
        out = maps.mobius_matvec(*leaves, 0.7) if curved else maps.block_product(*leaves)
        found.append((out.detach().to(dtype), *torch.autograd.grad(out, leaves, grad.to(out.dtype))))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=2e-5 if dtype == torch.float32 else 1e-11, atol=1e-6)
    dense = torch.block_diag(*weight.double()) if high else torch.zeros(0, blocks * wide).double()
    flat = mobius_matvec(dense, x.double(), 0.7) if curved else x.double() @ dense.mT
    torch.testing.assert_close(found[0][0].double(), flat, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("function", [expmap0, logmap0, project])
@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 4), (2, 0, 3), (2, 3, 0), (5,)])
def test_shapes_without_elements_and_single_vectors(function: Any, shape: tuple[int, ...]) -> None:
    x = torch.full(shape, 0.1).requires_grad_()
    out = function(x)
    assert out.shape == shape
    out.sum().backward()
    assert x.grad is not None and x.grad.shape == shape
    assert hyperbolic_radius(x.detach()).shape == shape[:-1]
    if shape and shape[-1] == 0:
        assert not hyperbolic_radius(x.detach()).any()


@pytest.mark.parametrize("function", [expmap0, logmap0])
def test_memory_in_any_order_gives_the_same_bits(function: Any) -> None:
    x = 0.1 * draw(0, 6, 5, dtype=torch.float32)
    wanted, (slope,) = (
        function(x),
        torch.autograd.grad(function(leaf := x.clone().requires_grad_()).square().sum(), leaf),
    )
    strided = torch.empty(12, 10)[::2, ::2].copy_(x)
    for same in (x.t().contiguous().t(), strided, x.unsqueeze(1).expand(6, 3, 5)[:, 1]):
        other = same.detach().requires_grad_()
        out = function(other)
        assert torch.equal(out, wanted)
        assert torch.equal(torch.autograd.grad(out.square().sum(), other)[0], slope)
    out = function(x.requires_grad_())
    grad = torch.ones(5, 6).t()
    assert torch.equal(torch.autograd.grad(out, x, grad, retain_graph=True)[0], torch.autograd.grad(out.sum(), x)[0])


def test_what_is_left_to_torch() -> None:
    x, weight = torch.ones(2, 4), torch.ones(2, 2, 2)
    assert _kernels.takes(x) and _kernels.takes(x, weight) and _kernels.takes(torch.nn.Parameter(x))
    assert not _kernels.takes(x, torch.ones(4, 1, 1))  # a diagonal
    assert not _kernels.takes(x.to("meta")) and not _kernels.takes(x, weight.to("meta"))
    assert not _kernels.takes(x.to_sparse())

    class Wrapped(Tensor):
        pass

    assert not _kernels.takes(x.as_subclass(Wrapped))
    made = expmap0(x.as_subclass(Wrapped))
    torch.testing.assert_close(made.as_subclass(Tensor), expmap0(x))
    seen: list[bool] = []
    torch.func.jvp(lambda v: (seen.append(_kernels.takes(v)), v)[1], (x,), (x,))
    assert seen == [False]


def test_compiled_and_eager_agree() -> None:
    """While torch traces, the plain forms are what it sees."""
    x, weight = inside(draw(3, 6, 4), 1.0), draw(4, 2, 2, 2)

    def both(x: Tensor, weight: Tensor) -> Tensor:
        return logmap0(mobius_matvec(weight, expmap0(x)))

    compiled = torch.compile(both, backend="eager")
    torch.testing.assert_close(compiled(x, weight), both(x, weight), rtol=1e-12, atol=1e-14)


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [mobius_add, dist])
@pytest.mark.parametrize(
    ("x", "y", "dim"), [((3, 5), (4, 5), -1), ((3, 5), (3, 4), -1), ((3, 1), (3, 4), -1), ((5, 3), (4, 3), 0)]
)
def test_shapes_that_do_not_fit(function: Any, x: tuple[int, ...], y: tuple[int, ...], dim: int) -> None:
    with pytest.raises(InputError, match=r"x and y have shapes .* expected vectors of one length, and shapes"):
        function(torch.zeros(x), torch.zeros(y), dim=dim)
    assert function(torch.zeros(3, 1, 5), torch.zeros(4, 5)).shape[:2] == (3, 4)
    assert function(torch.zeros(5, 3), torch.zeros(5, 1), dim=0).shape[-1] == 3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("maps", [_kernels, _plain])
def test_the_first_bad_row_is_named_by_both(maps: Any, dtype: torch.dtype) -> None:
    rows = torch.full((5, 4), 0.1, dtype=dtype)
    outside, endless = rows.clone(), rows.clone()
    outside[3], endless[2, 1] = 0.6, torch.nan
    endless[4] = torch.inf
    eye = torch.eye(4, dtype=dtype)
    with pytest.raises(InputError, match=r"vector 3 of x has sqrt\(c\) \|x\| = 1.2\d*; expected below 1"):
        maps.logmap0(outside, 1.0)
    with pytest.raises(InputError, match=r"vector 3 of x has sqrt\(c\) \|x\| = 1.2"):
        maps.mobius_matvec(eye, outside, 1.0)
    with pytest.raises(InputError, match="vector 2 of u has c times its square = nan; expected a finite number"):
        maps.expmap0(endless, 1.0)
    with pytest.raises(InputError, match=r"vector 2 of x has sqrt\(c\) \|x\| = nan"):
        maps.logmap0(endless, 1.0)
    large = eye * torch.finfo(dtype).max  # whose squares float64 holds where it is that of float32
    if dtype == torch.float32:
        torch.testing.assert_close(maps.mobius_matvec(large, rows, 1.0), torch.full_like(rows, 0.5))
        return
    with pytest.raises(InputError, match=r"of W log0\(x\) has c times its square = (inf|nan)"):
        maps.mobius_matvec(large, rows, 1.0)


def test_tangent_dist_of_nothing() -> None:
    nothing, some = torch.zeros(0, 3, requires_grad=True), torch.ones(2, 3, requires_grad=True)
    for u, v, shape in ((nothing, some, (0, 2)), (some, nothing, (2, 0)), (nothing, nothing, (0, 0))):
        out = tangent_dist(u, v)
        assert out.shape == shape
        assert all(not slope.any() for slope in torch.autograd.grad(out.sum(), {u, v}))
    assert tangent_dist(torch.zeros(2, 0), torch.zeros(3, 0)).tolist() == [[0.0] * 3] * 2
