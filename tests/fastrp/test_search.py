"""FastRPSearch: equal to scoring every candidate anew, with fewer passes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from graphx.data import synthetic
from graphx.errors import InputError
from graphx.fastrp import FastRP, FastRPSearch, evaluate_labels


def blocks() -> tuple[object, np.ndarray]:
    return synthetic.stochastic_block_model([60, 60, 60], 0.02 + 0.13 * np.eye(3), seed=0)


LISTS = {
    "n_components": [8, 16],
    "normalization_strength": [-0.5, 0.0],
    "iteration_weights": [(1.0,), (0.0, 0.0, 1.0), (0.0, 1.0, 2.0)],
}


@pytest.mark.parametrize("self_influence", [0.0, 0.7])
@pytest.mark.parametrize("normalize", [True, False])
def test_scores_are_those_of_fitting_each(self_influence: float, normalize: bool) -> None:
    graph, y = blocks()
    base = FastRP(random_state=4, self_influence=self_influence, normalize=normalize)
    search = FastRPSearch(base, LISTS, train_ratio=0.3, C=(0.1,), n_splits=2).fit(graph, y)
    results = search.cv_results_
    assert len(results["params"]) == 12
    assert search.n_passes_ == 4 * 3
    for params, mean in zip(results["params"], results["mean_test_score"], strict=True):
        found = clone(base).set_params(**params).fit_transform(graph)
        (score,) = evaluate_labels(found, y, train_ratios=[0.3], C=(0.1,), n_splits=2)
        assert mean == pytest.approx(score.micro, abs=0.01)
    assert search.best_score_ == results["mean_test_score"].max()
    assert results["rank_test_score"].min() == 1
    best = clone(base).set_params(**search.best_params_).fit_transform(graph)
    assert np.array_equal(search.best_estimator_.embedding_, best)
    assert np.array_equal(search.fit_transform(graph, y), best)
    assert search.transform(graph.to_scipy()).shape == best.shape


def test_paper_range_by_default() -> None:
    graph, y = blocks()
    search = FastRPSearch(FastRP(8, random_state=0), train_ratio=0.3, C=(0.1,), n_splits=1, scoring="macro")
    search.fit(graph, y)
    assert len(search.cv_results_["params"]) == 35
    assert search.n_passes_ == 20


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (FastRPSearch(params={"alpha": [1]}), "alpha"),
        (FastRPSearch(params={"n_components": []}), "at least one"),
        (FastRPSearch(params={"n_components": "abc"}), "a list"),
        (FastRPSearch(params={"n_components": [0]}), "at least 1"),
        (FastRPSearch(FastRP(refine=2)), "refine=0"),
        (FastRPSearch(FastRP(oversample=2)), "oversample=1"),
        (FastRPSearch(scoring="accuracy"), "'micro' or 'macro'"),
    ],
)
def test_refuses(model: FastRPSearch, told: str) -> None:
    graph, y = blocks()
    with pytest.raises(InputError, match=told):
        model.fit(graph, y)
