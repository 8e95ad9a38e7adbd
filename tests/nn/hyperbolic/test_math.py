"""Maps of the ball against 50 digits, their gradients, their identities, and what they refuse."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.errors import InputError
from graphx.nn import hyperbolic
from graphx.nn.hyperbolic import _kernels as kernels
from graphx.nn.hyperbolic import (
    dist,
    expmap0,
    hyperbolic_radius,
    logmap0,
    mobius_add,
    mobius_matvec,
    project,
    tangent_dist,
)
from graphx.nn.hyperbolic import math as maps
from tests.reference import hyperbolic as reference

DTYPES = {"float32": torch.float32, "float64": torch.float64}
RADII = (1e-12, 1e-9, 1e-6, 1e-4, 1e-2, 0.05, 0.09999, 0.1, 0.10001, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999, 1 - 1e-4)
RIM = {"float32": (1 - 1e-5, 1 - 1e-6, 1 - 2.0**-23, 1 - 2.0**-24), "float64": (1 - 1e-7, 1 - 1e-10, 1 - 1e-14)}
DIMS = (1, 2, 3, 17, 64, 256, 1024)
PATHS = ("torch", "plain", "avx2", "avx512")


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The plain torch forms, and the kernels for each instruction set (a lesser machine falls back)."""
    if request.param == "torch":
        monkeypatch.setattr(kernels, "takes", lambda *_: False)
    else:
        monkeypatch.setenv("GRAPHX_SIMD", request.param)
    return request.param


def point(radius: float, dim: int, c: float, dtype: torch.dtype, generator: np.random.Generator) -> torch.Tensor:
    """A random direction with sqrt(c) |x| as near `radius` as the dtype has it, and inside the ball."""
    for _ in range(200):
        x = generator.standard_normal(dim)
        found = torch.from_numpy(x / np.linalg.norm(x) * radius / math.sqrt(c)).to(dtype)
        if c * math.fsum(v * v for v in found.double().tolist()) < 1 - 2e-16:
            return found
    raise AssertionError("no such point")


def bound(name: str, radius: float) -> float:
    return 3e-7 if name == "float32" else 1e-15 * max(1.0, 1 / (1 - radius))


@dataclass(frozen=True)
class Case:
    """A point, a weight, and what the maps make of them, exactly."""

    radius: float
    c: float
    x: torch.Tensor
    u: torch.Tensor
    weight: torch.Tensor
    log: reference.Exact
    exp: reference.Exact
    product: reference.Exact

    def __str__(self) -> str:
        return f"radius {self.radius}, {self.x.numel()} numbers, c {self.c}, weight {list(self.weight.shape)}"


def case(name: str, radius: float, shape: tuple[int, int, int], c: float, generator: np.random.Generator) -> Case:
    x = point(radius, shape[0] * shape[2], c, DTYPES[name], generator)
    u = (math.atanh(radius) / radius * x.double()).to(x.dtype)
    weight = torch.from_numpy(generator.standard_normal(shape) / math.sqrt(shape[2])).to(x.dtype)
    exact = reference.vector(x.numpy())
    image = reference.mobius_matvec(reference.product(weight.numpy(), x.numpy()), exact, c)
    results = (reference.logmap0(exact, c), reference.expmap0(reference.vector(u.numpy()), c), image)
    return Case(radius, c, x, u, weight, *map(reference.Exact.of, results))


@cache
def cases(name: str) -> tuple[Case, ...]:
    generator = np.random.default_rng(0)
    found = []
    for dim in DIMS:
        width = 32 if dim % 32 == 0 else dim
        for radius in (*RADII, *RIM[name]):
            if dim < 256 or radius in (1e-12, 0.5, 0.999, *RIM[name]):
                found += [case(name, radius, (dim // width, width, width), c, generator) for c in (1.0, 0.01)]
    for shape in ((1, 1024, 1024), (1, 48, 256), (1, 7, 100), (16, 3, 16)):
        found += [case(name, radius, shape, 1.0, generator) for radius in (0.5, RIM[name][-1])]
    return tuple(found)


@pytest.mark.parametrize("name", DTYPES)
def test_maps_to_the_last_digits(name: str, path: str) -> None:
    for example in cases(name):
        most = bound(name, example.radius)
        assert example.log.error(logmap0(example.x, example.c).numpy()) <= most, example
        assert example.exp.error(expmap0(example.u, example.c).numpy()) <= most, example
        image = mobius_matvec(example.weight, example.x, example.c)
        assert example.product.error(image.numpy()) <= most, example


@pytest.mark.parametrize(("name", "most"), [("float32", 2e-7), ("float64", 1e-14)])
@pytest.mark.parametrize("c", [1.0, 0.01, 5.0])
def test_tangent_dist_for_lengths_from_1e_minus_6_to_1e3(name: str, most: float, c: float) -> None:
    generator = np.random.default_rng(3)
    lengths = 10.0 ** np.arange(-6, 3.5, 0.75)
    for dim in (2, 64):
        u, v = (generator.standard_normal((lengths.size, dim)) for _ in range(2))
        v[1::3] = u[1::3] + 1e-2 * v[1::3]  # some of nearly one direction
        u, v = (torch.from_numpy(x / np.linalg.norm(x, axis=1)[:, None] * lengths[:, None]) for x in (u, v))
        u, v = u.to(DTYPES[name]), v.to(DTYPES[name])
        found = tangent_dist(u, v, c)
        for i in range(len(u)):
            for j in range(len(v)):
                true = reference.tangent_dist(reference.vector(u[i]), reference.vector(v[j]), c)
                assert abs(found[i, j].item() - true) <= most * true, (lengths[i], lengths[j], dim)


@pytest.mark.parametrize("name", DTYPES)
def test_dist_and_mobius_add(name: str) -> None:
    generator = np.random.default_rng(4)
    for c in (1.0, 0.2):
        for radius in (1e-6, 0.1, 0.9, 0.999):
            x, y = (point(r, 5, c, DTYPES[name], generator) for r in (radius, 0.5))
            true = reference.Exact.of(reference.mobius_add(reference.vector(x), reference.vector(y), c))
            assert true.error(mobius_add(x, y, c).numpy()) <= bound(name, radius)
            apart = reference.dist(reference.vector(x), reference.vector(y), c)
            assert abs(dist(x, y, c).item() - apart) <= bound(name, radius) * apart


# -- gradients -----------------------------------------------------------------------------------------------------

CURVATURE = 0.7


def _leaf(shape: tuple[int, ...], radius: float, seed: int) -> torch.Tensor:
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return (x / x.norm(dim=-1, keepdim=True) * radius / math.sqrt(CURVATURE)).requires_grad_()


@pytest.mark.parametrize("radius", [0.0, 1e-9, 1e-4, 0.0999, 0.1001, 0.5, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("compiled", [False, True], ids=["torch", "kernel"])
def test_gradients(radius: float, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not compiled:
        monkeypatch.setattr(kernels, "takes", lambda *_: False)
    x, y = _leaf((2, 4), radius, 0), _leaf((2, 4), max(radius, 0.3), 1)
    c = torch.tensor(CURVATURE, dtype=torch.float64, requires_grad=True)
    blocks, dense = _leaf((2, 3, 2), 1.0, 2), _leaf((3, 4), 1.0, 3)
    tolerance = {"eps": min(1e-6, 1e-3 * (1 - radius)), "atol": 1e-5, "rtol": 1e-4}
    maps_of_the_ball = [
        (expmap0, (x, c)),
        (logmap0, (x, c)),
        (mobius_matvec, (blocks, x, c)),
        (mobius_matvec, (dense, x, c)),
    ]
    if not compiled:  # these have no kernel
        maps_of_the_ball += [(mobius_add, (x, y, c)), (dist, (x, y, c))]
    for function, arguments in maps_of_the_ball:
        assert torch.autograd.gradcheck(function, arguments, **tolerance)
        assert torch.autograd.gradgradcheck(function, arguments, fast_mode=True, **tolerance)
    if compiled:
        assert torch.autograd.gradcheck(tangent_dist, (x, y, c), **tolerance)


@pytest.mark.parametrize("length", [0.0, 1e-9, 1e-3, 1.0, 50.0, 400.0])
def test_gradients_of_tangent_dist(length: float) -> None:
    u, v = _leaf((3, 4), length, 0), _leaf((2, 4), 30.0, 1)
    c = torch.tensor(CURVATURE, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(tangent_dist, (u, v, c), eps=1e-6 * max(1.0, length), atol=1e-5, rtol=1e-4)


def test_gradients_at_equal_points_are_zero() -> None:
    x = _leaf((3, 4), 0.5, 0)
    fixed = x.detach().clone()
    for function in (dist, tangent_dist):
        (grad,) = torch.autograd.grad(
            function(x, fixed, 1.0).diagonal().sum() if function is tangent_dist else function(x, fixed, 1.0).sum(), x
        )
        assert grad.tolist() == torch.zeros(3, 4).tolist()
    # the middle of the kink is what central differences see
    assert torch.autograd.gradcheck(lambda a: dist(a, fixed), (x,), atol=1e-5)
    assert torch.autograd.gradcheck(lambda a: tangent_dist(a[:1], fixed[:1]), (x,), atol=1e-5)
    assert tangent_dist(fixed, fixed).diagonal().tolist() == [0.0, 0.0, 0.0]


def test_gradient_of_tangent_dist_at_the_origin_points_away() -> None:
    u = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    tangent_dist(u, torch.tensor([[3.0, 4.0]], dtype=torch.float64), 2.5).backward()
    assert u.grad is not None
    assert u.grad.tolist() == [[pytest.approx(-1.2), pytest.approx(-1.6)]]  # -2 v / |v|


def test_gradient_at_the_origin_is_that_of_the_linear_map(path: str) -> None:
    weight = torch.arange(8.0).reshape(2, 2, 2)
    x = torch.zeros(1, 4, requires_grad=True)
    mobius_matvec(weight, x).backward(torch.tensor([[1.0, 10.0, 100.0, 1000.0]]))
    assert x.grad is not None
    assert x.grad.tolist() == [[20.0, 31.0, 6400.0, 7500.0]]  # W^T g
    for function in (expmap0, logmap0):
        u = torch.zeros(1, 2, requires_grad=True)
        function(u).backward(torch.tensor([[2.0, 3.0]]))
        assert u.grad is not None
        assert u.grad.tolist() == [[2.0, 3.0]]


def test_tangent_dist_refuses_a_second_derivative() -> None:
    u = _leaf((2, 3), 0.5, 0)
    with pytest.raises(InputError, match="differentiated once"):
        torch.autograd.grad(tangent_dist(u, u.detach() + 1).sum(), u, create_graph=True)


def test_float32_gradients_are_those_of_float64(path: str) -> None:
    generator = torch.Generator().manual_seed(0)
    for blocks, out, width in ((8, 32, 32), (3, 5, 7), (1, 20, 70), (16, 16, 16)):
        dim = blocks * width
        x = torch.randn(300, dim, generator=generator)
        x = x / x.norm(dim=1, keepdim=True) * torch.rand(300, 1, generator=generator)
        weight = torch.randn(blocks, out, width, generator=generator) / math.sqrt(width)
        upstream = torch.randn(300, blocks * out, generator=generator)
        grads = []
        for dtype in (torch.float32, torch.float64):
            a, w = (z.detach().clone().to(dtype).requires_grad_() for z in (x, weight))
            c = torch.tensor(0.9, dtype=torch.float64, requires_grad=True)
            mobius_matvec(w, a, c).backward(upstream.to(dtype))
            grads.append((a.grad, w.grad, c.grad))
        for narrow, wide in zip(*grads, strict=True):  # the slope by c is a sum with cancellation
            assert narrow is not None
            assert wide is not None
            assert (narrow.double() - wide).norm() <= (1e-6 if wide.dim() else 1e-5) * wide.norm()


# -- identities ----------------------------------------------------------------------------------------------------

LENGTHS = st.floats(1e-6, 6.0)
SEEDS = st.integers(0, 2**31 - 1)
CURVES = st.floats(0.01, 4.0)


def _pair(seed: int, *lengths: float, dim: int = 6) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    out = []
    for length in lengths:
        x = torch.randn(dim, dtype=torch.float64, generator=generator)
        out.append(x / x.norm() * length)
    return out


@settings(max_examples=50)
@given(SEEDS, st.floats(1e-6, 3.0), CURVES)
def test_scaling_in_the_ball_is_linear_in_the_tangent_space(seed: int, length: float, c: float) -> None:
    (u,) = _pair(seed, length / math.sqrt(c))
    weight = torch.randn(3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    weight = weight / torch.linalg.matrix_norm(weight, 2).max()
    image = torch.block_diag(*weight) @ u
    found = logmap0(mobius_matvec(weight, expmap0(u, c), c), c)
    assert (found - image).norm() <= 1e-11 * u.norm()
    ratio = image.norm() / u.norm()
    x = expmap0(u, c)
    radius = hyperbolic_radius(mobius_matvec(weight, x, c), c)
    assert radius.item() == pytest.approx((ratio * hyperbolic_radius(x, c)).item(), rel=1e-10)
    assert hyperbolic_radius(x, c).item() == pytest.approx(2 * u.norm().item(), rel=1e-10)


@given(SEEDS, LENGTHS, LENGTHS, LENGTHS, CURVES)
def test_triangle_inequality(seed: int, a: float, b: float, e: float, c: float) -> None:
    u = torch.stack(_pair(seed, a, b, e))
    d = tangent_dist(u, u, c)
    assert torch.equal(d.diagonal(), torch.zeros(3, dtype=torch.float64))
    assert (d - d.T).abs().max() <= 1e-13 * d.max()
    assert d[0, 2] <= d[0, 1] + d[1, 2] + 1e-13 * d.max()


@settings(max_examples=30)
@given(SEEDS, LENGTHS, LENGTHS, CURVES)
def test_orthogonal_blocks_are_isometries(seed: int, a: float, b: float, c: float) -> None:
    u, v = _pair(seed, a, b)
    random = torch.randn(3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed + 1))
    q = torch.linalg.qr(random).Q
    matrix = torch.block_diag(*q)
    before = tangent_dist(u[None], v[None], c)
    assert tangent_dist((matrix @ u)[None], (matrix @ v)[None], c).item() == pytest.approx(before.item(), rel=1e-12)
    x, y = expmap0(u / 6, c), expmap0(v / 6, c)
    moved = dist(mobius_matvec(q, x, c), mobius_matvec(q, y, c), c)
    assert moved.item() == pytest.approx(dist(x, y, c).item(), rel=1e-8)


@given(SEEDS, st.floats(1e-3, 2.0), st.floats(1e-3, 2.0), CURVES)
def test_distances_in_the_ball_and_from_tangent_vectors_agree(seed: int, a: float, b: float, c: float) -> None:
    u, v = _pair(seed, a / math.sqrt(c), b / math.sqrt(c))
    x, y = expmap0(u, c), expmap0(v, c)
    assert dist(x, y, c).item() == pytest.approx(tangent_dist(u[None], v[None], c).item(), rel=1e-10)
    assert hyperbolic_radius(mobius_add(-x, y, c), c).item() == pytest.approx(dist(x, y, c).item(), rel=1e-9)


@given(SEEDS, LENGTHS, LENGTHS)
def test_small_curvature_is_euclidean(seed: int, a: float, b: float) -> None:
    u, v = _pair(seed, a, b)
    c = 1e-12
    assert tangent_dist(u[None], v[None], c).item() == pytest.approx(2 * (u - v).norm().item(), rel=1e-9)
    assert dist(u, v, c).item() == pytest.approx(2 * (u - v).norm().item(), rel=1e-9)
    assert torch.allclose(mobius_add(u, v, c), u + v, rtol=1e-9, atol=1e-9)
    assert torch.allclose(expmap0(u, c), u, rtol=1e-9)


# -- shapes, threads, refusals -----------------------------------------------------------------------------------------


def test_any_leading_shape_and_dimension(path: str) -> None:
    u = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))
    across = expmap0(u, 0.3, dim=1)
    assert torch.equal(across, expmap0(u.transpose(1, 2), 0.3).transpose(1, 2))
    assert torch.allclose(logmap0(across, 0.3, dim=1), u, rtol=1e-5)
    assert hyperbolic_radius(across, 0.3, dim=1).shape == (2, 3)
    assert dist(across, across[:1], 0.3, dim=1, keepdim=True).shape == (2, 1, 3)
    weight = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(1))
    x = across.transpose(1, 2)
    assert torch.allclose(mobius_matvec(weight, x, 0.3)[1, 2], mobius_matvec(weight, x[1, 2], 0.3), rtol=1e-6)
    for shape in ((0, 6), (6,)):
        assert expmap0(torch.ones(shape)).shape == shape
        assert mobius_matvec(weight, torch.zeros(shape)).shape == (*shape[:-1], 12)


@pytest.mark.parametrize("shape", [(8, 32, 32), (4, 5, 9), (1, 40, 130)])
def test_the_same_bits_for_any_number_of_threads(shape: tuple[int, int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(shape, generator=generator) / math.sqrt(shape[2])
    x = expmap0(torch.randn(4000, shape[0] * shape[2], generator=generator) / 16)
    upstream = torch.randn(4000, shape[0] * shape[1], generator=generator)
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            a, w = x.clone().requires_grad_(), weight.clone().requires_grad_()
            c = torch.tensor(0.5, requires_grad=True)
            y = mobius_matvec(w, a, c)
            y.backward(upstream)
            results.append([y.detach(), a.grad, w.grad, c.grad, expmap0(x), logmap0(x)])
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        for first, second in zip(results[0], other, strict=True):
            assert torch.equal(first, second)


def test_project_moves_only_what_is_outside() -> None:
    for dtype in (torch.float32, torch.float64):
        x = torch.randn(200, 7, generator=torch.Generator().manual_seed(0)).to(dtype)
        for c in (1.0, 0.02, 9.0):
            inside = project(x, c)
            kept = c * x.double().square().sum(1) < 1 - 1e-5
            assert torch.equal(inside[kept], x[kept])
            logmap0(inside, c)  # none is refused
            cosine = torch.nn.functional.cosine_similarity(inside, x)
            assert cosine.min() > 1 - 1e-6
    assert project(torch.tensor([3.0, 4.0]), 4.0, eps=0.5).tolist() == pytest.approx([0.15, 0.2])


@pytest.mark.parametrize("size", [1.0, 1.5, math.nan, math.inf])
def test_points_outside_the_ball_are_refused(size: float, path: str) -> None:
    x = torch.zeros(5, 4)
    x[3, 1] = size
    words = r"vector 3 of x .* expected below 1"
    for function in (
        logmap0,
        lambda a: mobius_matvec(torch.ones(2, 2, 2), a),
        hyperbolic_radius,
        lambda a: mobius_add(a, a),
        lambda a: dist(a, a),
    ):
        with pytest.raises(InputError, match=words):
            function(x)


def test_vectors_that_are_not_finite_are_refused(path: str) -> None:
    u = torch.zeros(3, 4)
    u[2, 0] = math.nan
    with pytest.raises(InputError, match="vector 2 of u"):
        expmap0(u)
    with pytest.raises(InputError, match="vector 2 of v"):
        tangent_dist(torch.zeros(1, 4), u)
    with pytest.raises(InputError, match="finite"):
        mobius_matvec(torch.full((4, 4), math.inf), torch.full((1, 4), 0.1))


@pytest.mark.parametrize("c", [0.0, -1.0, math.nan, math.inf, torch.tensor(-0.5), "one", torch.ones(2)])
def test_bad_curvatures_are_refused(c: object) -> None:
    x = torch.zeros(2, 3)
    for function in (expmap0, logmap0, project, hyperbolic_radius):
        with pytest.raises(InputError, match="c is"):
            function(x, c)  # type: ignore[operator]
    with pytest.raises(InputError, match="c is"):
        tangent_dist(x, x, c)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="c is"):
        mobius_matvec(torch.eye(3), x, c)  # type: ignore[arg-type]


def test_shapes_and_dtypes_are_checked() -> None:
    with pytest.raises(InputError, match="3 blocks of 2 columns, 6 in all, and x has 5"):
        mobius_matvec(torch.zeros(3, 2, 2), torch.zeros(1, 5))
    with pytest.raises(InputError, match="weight has 4 columns and x has 5"):
        mobius_matvec(torch.zeros(2, 4), torch.zeros(1, 5))
    with pytest.raises(InputError, match="expected \\[D', D\\]"):
        mobius_matvec(torch.zeros(4), torch.zeros(1, 4))
    with pytest.raises(InputError, match="expected the same"):
        mobius_matvec(torch.eye(4), torch.zeros(1, 4).double())
    with pytest.raises(InputError, match=r"float16; expected float32 or float64"):
        expmap0(torch.zeros(2, 2).half())
    with pytest.raises(InputError, match="expected a torch tensor"):
        expmap0(np.zeros((2, 2)))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no dimension 2"):
        logmap0(torch.zeros(2, 2), dim=2)
    with pytest.raises(InputError, match="expected \\[N, D\\] and \\[C, D\\]"):
        tangent_dist(torch.zeros(2, 2), torch.zeros(2, 3))
    with pytest.raises(InputError, match="eps is 1e-09"):
        project(torch.zeros(2, 2), eps=1e-9)


def test_memory_is_reused_unless_that_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    u = torch.ones(1024, 512)
    place = expmap0(u).data_ptr()  # dropped at once
    assert expmap0(u).data_ptr() == place
    monkeypatch.setattr(kernels, "_REUSE", False)
    monkeypatch.setattr(kernels._core, "mobius_empty_float32", None)
    assert expmap0(u)[0, 0].item() == pytest.approx(math.tanh(512**0.5) / 512**0.5, rel=1e-6)


def test_a_result_outlives_its_neighbours_in_the_pool() -> None:
    first = expmap0(torch.full((600, 512), 0.01))
    value = first[0, 0].item()
    for _ in range(3):
        expmap0(torch.full((600, 512), 0.02))
    view = first[5:7]
    del first
    expmap0(torch.full((600, 512), 0.03))
    assert view.unique().tolist() == [pytest.approx(value)]


def test_every_function_is_exported() -> None:
    assert set(maps.__all__) <= set(hyperbolic.__all__)
