"""F1 of labels read off an embedding: against scikit-learn's liblinear and metrics, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from graphx.errors import InputError
from graphx.fastrp import evaluate_labels
from graphx.fastrp._evaluate import _f1, _fit, _most_likely


def blobs(nodes: int = 400, labels: int = 5, d: int = 8, noise: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, labels, nodes)
    return rng.normal(size=(labels, d))[y] + noise * rng.normal(size=(nodes, d)), y


@pytest.mark.parametrize("cost", [0.01, 1.0, 10.0])
def test_weights_are_liblinears(cost: float) -> None:
    x, y = blobs()
    padded = np.hstack([x, np.ones((len(x), 1))]).astype(np.float32)
    ours = _fit(padded, y[:, None] == np.arange(5), cost, tolerance=1e-5)
    for label in range(5):
        rival = LogisticRegression(C=cost, solver="liblinear", tol=1e-8).fit(x, y == label)
        expected = np.append(rival.coef_[0], rival.intercept_)
        assert np.allclose(ours[:, label], expected, atol=1e-3 * np.abs(expected).max())


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(2, 6))
def test_f1_is_scikit_learns(seed: int, nodes: int, labels: int) -> None:
    rng = np.random.default_rng(seed)
    true, predicted = rng.random((2, nodes, labels)) < 0.4
    micro, macro = _f1(predicted, true)
    assert micro == pytest.approx(f1_score(true, predicted, average="micro", zero_division=0))
    assert macro == pytest.approx(f1_score(true, predicted, average="macro", zero_division=0))


def test_most_likely_labels_by_hand() -> None:
    scores = np.array([[0.1, 0.9, 0.5], [3.0, 2.0, 1.0], [1.0, 1.0, 0.0]])
    chosen = _most_likely(scores, np.array([2, 1, 1]))
    assert chosen.tolist() == [[False, True, True], [True, False, False], [True, False, False]]


def test_separable_labels_score_one_and_noise_scores_chance() -> None:
    x, y = blobs(noise=0.05)
    (easy,) = evaluate_labels(x, y, train_ratios=[0.5])
    assert (easy.micro, easy.macro, easy.micro_std) == (1.0, 1.0, 0.0)
    (chance,) = evaluate_labels(np.random.default_rng(1).normal(size=x.shape), y, train_ratios=[0.5])
    assert abs(chance.micro - 0.2) < 0.08
    assert len(chance.C) == 5


def test_forms_of_labels_agree_and_scale_does_not_matter() -> None:
    x, y = blobs()
    one = evaluate_labels(x, y, n_splits=2)
    indicator = y[:, None] == np.arange(5)
    assert evaluate_labels(x, indicator, n_splits=2) == one
    assert evaluate_labels(x, scipy.sparse.csr_array(indicator.astype(int)), n_splits=2) == one
    scaled = evaluate_labels(1000 * x + 7, y, n_splits=2)
    assert scaled[0].micro == pytest.approx(one[0].micro, abs=0.01)


def test_unlabelled_nodes_take_no_part() -> None:
    x, y = blobs()
    more = np.vstack([x, np.full((50, x.shape[1]), 1e-3)])
    (score,) = evaluate_labels(more, np.append(y, np.full(50, -1)), train_ratios=[0.5], n_splits=2)
    (alone,) = evaluate_labels(x, y, train_ratios=[0.5], n_splits=2)
    assert abs(score.micro - alone.micro) < 0.03


@pytest.mark.parametrize(
    ("embedding", "labels", "options", "told"),
    [
        ([[0.0], [np.nan]], [0, 1], {}, r"entry \[1, 0\]"),
        ([0.0, 1.0], [0, 1], {}, r"expected numbers \[N, d\]"),
        ([[0.0], [1.0]], [0, 1, 1], {}, "a row for each node"),
        ([[0.0], [1.0]], [0.5, 1.0], {}, "whole numbers"),
        ([[0.0], [1.0]], [[0, 2], [1, 1]], {}, "other than 0 and 1"),
        ([[0.0], [1.0]], [0, 0], {}, "at least two"),
        ([[0.0], [1.0]], [0, 1], {}, "leaves no node"),
        ([[0.0], [1.0]], [0, 1], {"train_ratios": [1.5]}, "between 0 and 1"),
        ([[0.0], [1.0]], [0, 1], {"C": [0.0]}, "positive"),
        ([[0.0], [1.0]], [0, 1], {"C": []}, "at least one"),
    ],
)
def test_refuses(embedding: list[object], labels: list[object], options: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        evaluate_labels(embedding, labels, **options)
