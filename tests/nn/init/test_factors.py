"""What operators do to a signal, by dense powers; deep networks beyond float64; variances by their formulas."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.errors import InputError
from graphx.nn.init import Part
from graphx.nn.init._factors import (
    MODES,
    backward_squares,
    forward_squares,
    log_mean,
    log_median,
    variances,
)
from graphx.nn.init._trace import Layer


def layers_of(operators: list[list[torch.Tensor | None]], widths: list[int]) -> list[Layer]:
    made = []
    for i, parts in enumerate(operators):
        lins = [torch.nn.Linear(widths[i], widths[i + 1]) for _ in parts]
        given_ = tuple(
            Part(None if p is None else p.to_sparse(), lin.weight) for p, lin in zip(parts, lins, strict=True)
        )
        rows = next((p.size(1) for p in parts if p is not None), 4)
        made.append(Layer(f"layer{i}", lins[0], given_, rows))
    return made


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31), st.integers(1, 4), st.booleans())
def test_squares_are_those_of_dense_products(seed: int, depth: int, root: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    operators = [torch.rand(4, 4, generator=generator, dtype=torch.float64) + 0.01 for _ in range(depth)]
    layers = layers_of([[p, None] if root else [p] for p in operators], [3, *[2] * depth])
    start = torch.rand(4, generator=generator, dtype=torch.float64) + 0.1
    for found, signal, forward in (
        (forward_squares(layers, start), start, True),
        (backward_squares(layers), None, False),
    ):
        vector = torch.ones(4, dtype=torch.float64) if signal is None else signal
        for (before, after), operator in zip(found, operators if forward else operators[::-1], strict=True):
            torch.testing.assert_close(before, 2 * vector.abs().log())
            moved = (operator if forward else operator.t()) @ vector
            vector = (moved**2 + vector**2).sqrt() if root else moved
            torch.testing.assert_close(after, 2 * vector.abs().log())


def test_five_hundred_layers_of_a_growing_operator() -> None:
    """The powers of 9 I leave float64 at layer 162; the logarithms are those of a hand: log 81 a layer."""
    nine = 9 * torch.eye(4, dtype=torch.float64)
    layers = layers_of([[nine]] * 500, [2] * 501)
    squares = forward_squares(layers, torch.ones(4, dtype=torch.float64))
    assert log_mean(squares[-1][1]) == pytest.approx(500 * math.log(81), rel=1e-12)
    ahead, back, used = variances(layers, squares, backward_squares(layers), "forward", 2**0.5)
    assert ahead == pytest.approx([1.0, *[1 / 81] * 499]) and used == ahead
    assert back[:-1] == pytest.approx([1 / 81] * 499) and back[-1] == pytest.approx(1 / 81)  # two outputs: K - 1 is 1


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "diffusion"])
def test_modes_by_their_formulas(mode: str) -> None:
    operator = torch.tensor([[1.0, 1, 0, 0], [0, 2, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0.5]], dtype=torch.float64)
    layers = layers_of([[operator]] * 3, [5, 4, 6, 3])
    start = torch.tensor([1.0, 2, 3, 4], dtype=torch.float64)
    powers = [torch.linalg.matrix_power(operator, k) @ start for k in range(4)]
    size = [float((p**2).median() if mode == "median" else (p**2).mean()) for p in powers]
    v = [2 / 5, 2 / 4 * size[1] / size[2], 2 / 6 * size[2] / size[3]]
    back = [float((torch.linalg.matrix_power(operator.t(), k).sum(1) ** 2).mean()) for k in range(4)]
    u = [2 / 4 * back[2] / back[3], 2 / 6 * back[1] / back[2], 1 / (2 * back[1])]
    ahead, behind, used = variances(layers, forward_squares(layers, start), backward_squares(layers), mode, 2**0.5)
    assert ahead == pytest.approx(v) and behind == pytest.approx(u)
    mixed = {
        "forward": v,
        "median": v,
        "backward": u,
        "harmonic": [2 / (1 / a + 1 / b) for a, b in zip(v, u, strict=True)],
        "mean": [(a + b) / 2 for a, b in zip(v, u, strict=True)],
    }
    assert used == pytest.approx(mixed[mode])


def test_means_and_medians_of_logarithms() -> None:
    logs = torch.tensor([0.0, math.log(3), -math.inf, math.log(8)], dtype=torch.float64)
    assert log_mean(logs) == pytest.approx(math.log(3)) and log_median(logs) == pytest.approx(math.log(3))
    assert log_mean(logs + 5000) == pytest.approx(5000 + math.log(3))  # beyond what exp can hold


def test_a_readout_between_two_layers_starts_anew() -> None:
    eye = torch.eye(4, dtype=torch.float64)
    layers = layers_of([[3 * eye], [2 * torch.eye(2, dtype=torch.float64)]], [3, 3, 2])
    found = forward_squares(layers, torch.ones(4, dtype=torch.float64))
    assert log_mean(found[1][1]) - log_mean(found[1][0]) == pytest.approx(math.log(4))
    assert found[1][0].numel() == 2 and found[0][0].numel() == 4


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ([0.0] * 4, "the forward signal is zero at layer0, so it has no variance to keep; expected features whose"),
        ([1.0, -1, 1, -1], "the forward signal is zero at layer1"),
        ([1.0, math.inf, 0, 0], "the forward signal is not finite at layer0"),
    ],
)
def test_signals_that_are_none(start: list[float], message: str) -> None:
    ones = torch.ones(4, 4, dtype=torch.float64)
    with pytest.raises(InputError, match=message):
        forward_squares(layers_of([[ones], [ones]], [2, 2, 2]), torch.tensor(start, dtype=torch.float64))


def test_operators_that_pass_nothing() -> None:
    nothing = torch.zeros(4, 4, dtype=torch.float64)
    layers = layers_of([[nothing]], [2, 2])
    ahead = forward_squares(layers, torch.ones(4, dtype=torch.float64))
    with pytest.raises(InputError, match="no signal passes the operator of layer0; expected a graph with edges"):
        variances(layers, ahead, backward_squares(layers), "forward", 1.0)
