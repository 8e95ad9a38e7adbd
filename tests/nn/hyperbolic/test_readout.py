"""Readouts: a cosine sees no radius, a distance does."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphx.errors import InputError
from graphx.nn.hyperbolic import tangent_dist
from graphx.nn.hyperbolic.readout import cosine_scores, distance_scores


def vectors(seed: int, rows: int) -> torch.Tensor:
    return torch.randn(rows, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_values_by_hand() -> None:
    u = torch.tensor([[3.0, 4.0], [0.0, 0.0]], dtype=torch.float64)
    v = torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    torch.testing.assert_close(cosine_scores(u, v), torch.tensor([[0.6, 0.8], [0.0, 0.0]], dtype=torch.float64))
    # orthogonal vectors of norm 1: cosh d = cosh(2)^2; from the origin: twice the norm
    right = distance_scores(v / torch.linalg.vector_norm(v, dim=1, keepdim=True), v[:1])
    assert right[1, 0].item() == pytest.approx(-math.acosh(math.cosh(2) ** 2), rel=1e-14)
    torch.testing.assert_close(distance_scores(u[1:], v), torch.tensor([[-2.0, -4.0]], dtype=torch.float64))


@given(st.integers(0, 1000), st.floats(1e-3, 1e3))
def test_a_cosine_sees_no_radius_and_a_distance_does(seed: int, factor: float) -> None:
    u, v = vectors(seed, 5), vectors(seed + 1, 3)
    torch.testing.assert_close(cosine_scores(factor * u, v), cosine_scores(u, v), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(distance_scores(u, v, 0.5), -tangent_dist(u, v, 0.5), rtol=0, atol=0)
    if not 0.9 < factor < 1.1:
        assert not torch.allclose(distance_scores(factor * u, v), distance_scores(u, v))


@given(st.integers(0, 1000))
def test_a_flat_ball_ranks_as_euclid(seed: int) -> None:
    u, v = vectors(seed, 5), vectors(seed + 1, 3)
    torch.testing.assert_close(distance_scores(u, v, 1e-12), -2 * torch.cdist(u, v), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("scores", [cosine_scores, distance_scores])
def test_shapes_that_do_not_fit(scores: object) -> None:
    with pytest.raises(InputError, match=r"u is \[2, 3\] and v is \[2, 4\]; expected \[N, F\] and \[C, F\]"):
        scores(torch.zeros(2, 3), torch.zeros(2, 4))
    with pytest.raises(InputError, match=r"expected \[N, F\]"):
        scores(torch.zeros(3), torch.zeros(2, 3))
