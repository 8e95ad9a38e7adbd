"""The refinement: against a slow obvious reference, by hand, and what it must not do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.errors import InputError
from graphx.nn.hyperbolic.refine import ANCHORS, EDGE_WEIGHTS, refine_scores


def softmax(row: list[float]) -> list[float]:
    top = max(row)
    powers = [math.exp(value - top) for value in row]
    return [power / sum(powers) for power in powers]


def standardised(table: np.ndarray) -> np.ndarray:
    table = table - table.mean(axis=1, keepdims=True)
    return table / (table.std() or 1)


def reference(
    scores: np.ndarray, x: np.ndarray, edges: np.ndarray, t: float, a: float, w: float, iterations: int
) -> np.ndarray:
    """The formulas of the docstring, with loops over nodes, classes and edges."""
    n, c = scores.shape
    s = standardised(scores)
    q = np.array([softmax(list(t * row)) for row in s])
    for _ in range(iterations):
        prior = [(sum(q[i, k] for i in range(n)) + n / c) / (2 * n) for k in range(c)]
        centres = [sum(q[i, k] * x[i] for i in range(n)) for k in range(c)]
        near = np.array([[x[i] @ m / np.linalg.norm(m) for m in centres] for i in range(n)])
        near = standardised(near)
        e, r, ends = np.zeros((c, c)), np.zeros((c, c)), np.zeros(c)
        for i, j in edges.T:
            e += np.outer(q[i], q[j])
            ends += q[i]
        r = np.outer(ends, ends) / edges.shape[1]
        smooth = 0.5 * edges.shape[1] / c**2
        weight = np.log((e + smooth) / (r + smooth))
        logits = [[t * (a * s[i, k] + (1 - a) * near[i, k]) + math.log(prior[k]) for k in range(c)] for i in range(n)]
        for i, j in edges.T:
            for k in range(c):
                logits[i][k] += w * sum(weight[k, m] * q[j, m] for m in range(c))
        q = np.array([softmax(row) for row in logits])
    return q


def example(seed: int, n: int = 12, c: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    pairs = np.array([(i, j) for i in range(n) for j in range(i) if rng.random() < 0.3] or [(1, 0)]).T
    x = rng.normal(size=(n, 4))
    return rng.normal(size=(n, c)), x / np.linalg.norm(x, axis=1, keepdims=True), np.hstack([pairs, pairs[::-1]])


@settings(max_examples=15)
@given(st.integers(0, 200), st.sampled_from([(1.0, 0.5, 1.0), (4.0, 1.0, 0.5), (2.0, 0.0, 0.0)]))
def test_the_formulas_as_they_stand(seed: int, numbers: tuple[float, float, float]) -> None:
    scores, x, edges = example(seed)
    t, a, w = numbers
    found = refine_scores(scores, x, edges, temperature=t, anchor=a, edge_weight=w, iterations=3)
    np.testing.assert_allclose(found, reference(scores, x, edges, t, a, w, 3), atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)


def test_several_settings_are_averaged() -> None:
    scores, x, edges = example(2)
    single = [refine_scores(scores, x, edges, anchor=a, edge_weight=w) for a in (0.2, 0.8) for w in (0.0, 1.0)]
    found = refine_scores(scores, x, edges, anchor=(0.2, 0.8), edge_weight=[0.0, 1.0])
    np.testing.assert_allclose(found, np.mean(single, axis=0), atol=1e-12)
    every = refine_scores(scores, x, edges, anchor=ANCHORS, edge_weight=EDGE_WEIGHTS)
    np.testing.assert_array_equal(refine_scores(scores, x, edges), every)


def test_no_iteration_is_a_softmax() -> None:
    found = refine_scores([[1.0, 3.0], [3.0, 1.0]], None, [], temperature=1.0, iterations=0)
    assert found[0, 1] == pytest.approx(math.exp(2) / (1 + math.exp(2)))  # the standardised scores are -1 and 1


@given(st.integers(0, 200), st.permutations(range(12)))
def test_the_numbering_of_the_nodes_does_not_matter(seed: int, order: list[int]) -> None:
    scores, x, edges = example(seed)
    place = np.argsort(order)
    moved = refine_scores(scores[order], x[order], place[edges])
    np.testing.assert_allclose(moved, refine_scores(scores, x, edges)[order], atol=1e-5)


def test_a_heterophilic_graph_is_read_and_not_smoothed() -> None:
    rng = np.random.default_rng(0)
    n = 400
    y = np.arange(n) % 2
    ends = rng.integers(0, n, size=(2, 6 * n))
    edges = ends[:, y[ends[0]] != y[ends[1]]]  # every edge joins two classes
    edges = np.hstack([edges, edges[::-1]])
    scores = np.eye(2)[y] + 1.2 * rng.normal(size=(n, 2))
    right = [
        (refine_scores(scores, None, edges, temperature=1.0, edge_weight=w).argmax(axis=1) == y).mean()
        for w in (0.0, 1.0)
    ]
    assert right[0] < 0.8 and right[1] > 0.95


def test_a_graph_without_edges_and_equal_scores() -> None:
    scores, x, _ = example(1)
    alone = refine_scores(scores, x, np.zeros((2, 0), dtype=int))
    np.testing.assert_array_equal(alone, refine_scores(scores, x, [[0, 1], [1, 0]], edge_weight=0.0))
    np.testing.assert_allclose(refine_scores(np.ones((4, 2)), None, []), 0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.ones((3, 1))}, r"scores are \[3, 1\]; expected finite numbers"),
        ({"scores": np.full((3, 2), np.nan)}, "expected finite numbers"),
        ({"features": np.ones((4, 2))}, r"features are \[4, 2\] for 3 nodes"),
        ({"edge_index": [[0], [3]]}, r"holds node 3 or a negative one; expected 0\.\.2"),
        ({"edge_index": [0, 1]}, r"expected integers \[2, E\]"),
        ({"temperature": 0.0}, "temperature is 0; expected a positive number"),
        ({"anchor": 1.5}, "anchor is 1.5; expected a share"),
        ({"anchor": (0.5, -0.5)}, "anchor is -0.5; expected a share"),
        ({"anchor": ()}, "anchor or edge_weight is empty"),
        ({"edge_weight": -1.0}, "edge_weight is -1; expected 0 or more"),
        ({"iterations": -1}, "iterations is -1"),
    ],
)
def test_bad_arguments(change: dict, message: str) -> None:
    arguments = {"scores": np.ones((3, 2)), "features": None, "edge_index": [], **change}
    with pytest.raises(InputError, match=message):
        refine_scores(**arguments)
