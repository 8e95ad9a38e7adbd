"""BlockDiagonalMobiusScaling: what it computes, that a contraction contracts, and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.errors import InputError
from graphx.nn.hyperbolic import BlockDiagonalMobiusScaling, expmap0, hyperbolic_radius, logmap0, tangent_dist

SEEDS = st.integers(0, 2**31 - 1)


def test_two_blocks_by_hand() -> None:
    layer = BlockDiagonalMobiusScaling(4, 2)
    with torch.no_grad():
        layer.blocks.copy_(torch.tensor([[[1.0, 2.0], [0.0, 1.0]], [[0.0, 3.0], [1.0, 0.0]]]))
    u = torch.tensor([[1.0, 1.0, 2.0, 1.0]])
    assert layer(u).tolist() == [[3.0, 1.0, 3.0, 2.0]]
    assert layer.radius_ratio(u).item() == pytest.approx(math.sqrt(23 / 7))
    assert layer.radius_ratio(torch.zeros(2, 4)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("constraint", ["none", "diagonal", "contractive"])
@pytest.mark.parametrize("learn_c", [False, True])
def test_ball_and_tangent_space_agree_and_every_parameter_learns(constraint: str, learn_c: bool) -> None:
    torch.manual_seed(0)
    layer = BlockDiagonalMobiusScaling(12, 4, 0.5, constraint, learn_c=learn_c).double()  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    u = 0.3 * torch.randn(5, 12, dtype=torch.float64)
    image = layer(u)
    assert torch.allclose(image, u @ torch.block_diag(*layer.weight).mT, rtol=1e-12)
    found = layer(expmap0(u, layer.c), space="ball")
    assert torch.allclose(logmap0(found, layer.c), image, rtol=1e-10)
    tangent_dist(image, torch.randn(3, 12, dtype=torch.float64), layer.c).sum().backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in layer.parameters())


@settings(max_examples=25)
@given(SEEDS, st.sampled_from([1, 2, 5, 16]), st.floats(0.1, 100.0), st.sampled_from([torch.float32, torch.float64]))
def test_contractive_never_enlarges_a_radius(seed: int, block: int, spread: float, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(seed)
    layer = BlockDiagonalMobiusScaling(80, block, constraint="contractive").to(dtype)
    with torch.no_grad():  # far beyond what training reaches: sigmoid rounds to one
        for parameter in layer.parameters():
            parameter.copy_(spread * torch.randn(parameter.shape, generator=generator))
    u = torch.randn(20, 80, generator=generator).to(dtype)
    assert torch.linalg.matrix_norm(layer.weight.detach().double(), 2).max() < 1
    assert layer.radius_ratio(u).max() <= 1
    assert (layer(u).norm(dim=1) <= u.norm(dim=1)).all()
    x = expmap0(u / 40)
    assert (hyperbolic_radius(layer(x, space="ball")) <= hyperbolic_radius(x)).all()


@pytest.mark.parametrize("constraint", ["none", "diagonal", "contractive"])
def test_starts_from_a_multiple_of_the_identity(constraint: str) -> None:
    layer = BlockDiagonalMobiusScaling(6, 3, constraint=constraint, init=0.25)  # type: ignore[arg-type]
    assert torch.allclose(layer.weight, 0.25 * torch.eye(3).expand(2, 3, 3), rtol=1e-4)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(3.0)
    layer.reset_parameters()
    assert torch.allclose(layer.weight, 0.25 * torch.eye(3).expand(2, 3, 3), rtol=1e-4)
    sizes = {"none": 18, "diagonal": 6, "contractive": 42}
    assert sum(p.numel() for p in layer.parameters()) == sizes[constraint]


def test_learned_curvature_stays_positive_and_is_saved() -> None:
    layer = BlockDiagonalMobiusScaling(4, 2, 2.0, learn_c=True)
    assert float(torch.as_tensor(layer.c).detach()) == pytest.approx(2.0)
    other = BlockDiagonalMobiusScaling(4, 2, 1.0, learn_c=True)
    other.load_state_dict(layer.state_dict())
    assert float(torch.as_tensor(other.c).detach()) == pytest.approx(2.0)
    assert repr(other) == "BlockDiagonalMobiusScaling(4, block_size=2, c=2 (learned), constraint='none')"


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="block_size 5 does not divide dim 12; expected one of 1, 2, 3, 4, 6, 12"):
        BlockDiagonalMobiusScaling(12, 5)
    with pytest.raises(InputError, match="c is 0"):
        BlockDiagonalMobiusScaling(4, 2, 0.0)
    with pytest.raises(InputError, match="constraint is 'free'"):
        BlockDiagonalMobiusScaling(4, 2, constraint="free")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="between 0 and 1"):
        BlockDiagonalMobiusScaling(4, 2, constraint="contractive", init=1.0)
    with pytest.raises(InputError, match="dim is 0"):
        BlockDiagonalMobiusScaling(0, 1)
    layer = BlockDiagonalMobiusScaling(4, 2)
    with pytest.raises(InputError, match=r"u has shape \[2, 3\]"):
        layer(torch.zeros(2, 3))
    with pytest.raises(InputError, match="space is 'disk'"):
        layer(torch.zeros(2, 4), space="disk")
    with pytest.raises(InputError, match="expected the same"):
        layer(torch.zeros(2, 4).double())
    with pytest.raises(InputError, match="inside the ball"):
        layer(torch.ones(2, 4), space="ball")
