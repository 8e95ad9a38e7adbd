"""Weights of orbits from labels: cross-validated ridge predictions and their best non-negative combination."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.errors import InputError
from graphx.fastrp._orbit_learn import OrbitStack, indicators
from tests.strategies import seeds


def problem(seed: int, nodes: int = 40, orbits: int = 3, d: int = 4) -> tuple[Any, list[npt.NDArray[np.float32]]]:
    """Classes, and embeddings of which the first tells them."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, nodes)
    y[:3] = [0, 1, 2]
    rows = [rng.normal(size=(nodes, d)).astype(np.float32) for _ in range(orbits)]
    rows[0][:, 0] += 3 * (y == 0)
    rows[0][:, 1] += 3 * (y == 1)
    return y, rows


def slow_weights(targets: Any, seed: int, rows: list[Any], penalty: float = 0.01) -> npt.NDArray[np.float64]:
    """By the definition: a ridge regression for each fold, then non-negative least squares over all of them."""
    from scipy.optimize import nnls

    fold = np.random.default_rng(seed).permutation(len(targets)) % 5
    predicted = []
    for row in rows:
        x = row.astype(np.float64)
        x = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1)
        made = np.empty_like(targets)
        for k in range(5):
            a, b = x[fold != k], targets[fold != k]
            coefficients = np.linalg.solve(a.T @ a + penalty * len(x) * np.eye(x.shape[1]), a.T @ b)
            made[fold == k] = x[fold == k] @ coefficients
        predicted.append(made.ravel())
    found = nnls(np.stack(predicted, axis=1), targets.ravel())[0]
    return found / found.sum() if found.sum() > 0 else np.full(len(rows), 1 / len(rows))


@given(seeds)
@settings(max_examples=25)
def test_weights_are_those_of_the_definition(seed: int) -> None:
    y, rows = problem(seed)
    _, targets = indicators(y, len(y))
    stack = OrbitStack(targets, seed)
    for row in rows:
        stack.add(row)
    weights = stack.weights()
    np.testing.assert_allclose(weights, slow_weights(targets, seed, rows), atol=1e-4)
    assert (weights >= 0).all() and weights.sum() == pytest.approx(1)


def test_the_orbit_that_tells_the_classes_has_the_weight() -> None:
    y, rows = problem(1, nodes=200)
    _, targets = indicators(y, 200)
    stack = OrbitStack(targets, 0)
    for row in rows:
        stack.add(row)
    weights = stack.weights()
    assert weights[0] > 0.5 and weights[0] > 2 * weights[1:].max()


def test_orbits_in_another_order_have_their_weights_in_that_order() -> None:
    y, rows = problem(2)
    _, targets = indicators(y, len(y))
    one, other = OrbitStack(targets, 0), OrbitStack(targets, 0)
    for row, back in zip(rows, rows[::-1], strict=True):
        one.add(row)
        other.add(back)
    np.testing.assert_allclose(one.weights(), other.weights()[::-1], atol=1e-6)


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e4])
def test_the_scale_and_place_of_columns_do_not_matter(factor: float) -> None:
    y, rows = problem(3)
    _, targets = indicators(y, len(y))
    stacks = [OrbitStack(targets, 0), OrbitStack(targets, 0)]
    for row in rows:
        stacks[0].add(row)
        stacks[1].add(((row.astype(np.float64) + 2) * factor).astype(np.float32))
    np.testing.assert_allclose(stacks[0].weights(), stacks[1].weights(), atol=2e-3)


def test_orbits_that_say_nothing_weigh_alike() -> None:
    _, targets = indicators(np.arange(20) % 2, 20)
    stack = OrbitStack(targets, 0)
    for _ in range(4):
        stack.add(np.full((20, 3), 7.0, np.float32))
    assert stack.weights().tolist() == [0.25] * 4


# -- labels ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(-2, 4), min_size=10, max_size=40))
def test_indicators_of_classes(labels: list[int]) -> None:
    y = np.array(labels)
    known = y >= 0
    if known.sum() < 10 or np.unique(y[known]).size < 2:
        with pytest.raises(InputError, match="expected at least 10 and 2"):
            indicators(y, y.size)
        return
    nodes, made = indicators(y, y.size)
    assert nodes.tolist() == np.flatnonzero(known).tolist()
    plain = (y[known][:, None] == np.unique(y[known])).astype(float)
    np.testing.assert_allclose(made, plain - plain.mean(0))
    np.testing.assert_allclose(made.sum(0), 0, atol=1e-12)


def test_indicators_of_several_labels_a_node() -> None:
    Y = np.random.default_rng(0).integers(0, 2, (12, 3))
    for kind in (Y, Y.astype(bool), Y.astype(np.uint8), Y.tolist()):
        nodes, made = indicators(kind, 12)
        assert nodes.tolist() == list(range(12))
        np.testing.assert_allclose(made, Y - Y.mean(0))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(11, int), r"labels have shape \(11,\) and type int64; expected integers \[12\]"),
        (np.zeros(12), "and type float64; expected integers"),
        (np.full(12, "a"), "and type <U1"),
        (np.zeros((12, 2, 2), int), r"shape \(12, 2, 2\)"),
        (np.zeros((12, 0), int), "12 labelled nodes of 0 classes"),
        (np.zeros(12, int), "12 labelled nodes of 1 classes; expected at least 10 and 2"),
        (np.array([0, 1] * 3 + [-1] * 6), "6 labelled nodes of 2 classes"),
    ],
)
def test_labels_that_cannot_be_used(labels: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        indicators(labels, 12)
