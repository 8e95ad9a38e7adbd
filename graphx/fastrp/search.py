"""FastRPSearch: the weights, beta and dimension of FastRP that serve labels best, from few passes over the graph."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from graphx._threads import resolve_threads
from graphx.errors import InputError
from graphx.fastrp._engine import accumulate, hops, merge_hops
from graphx.fastrp._evaluate import evaluate_labels
from graphx.fastrp._parameters import _seed, check_parameters
from graphx.fastrp.fastrp import FastRP

__all__ = ["FastRPSearch"]

Floats = npt.NDArray[np.float32]

_SEARCHED = ("n_components", "normalization_strength", "iteration_weights")


class FastRPSearch(BaseEstimator):  # type: ignore[misc]
    r"""Search over FastRP's weights, :math:`\beta` and dimension that reuses passes over the graph.

    In :math:`Z = \sum_k w_k \operatorname{rownorm}(U_k)` the :math:`U_k` do not depend on the weights. So the graph is
    passed over once for each pair of dimension and :math:`\beta`; the :math:`U_k` are kept, and every choice of
    weights is a sum. Each is scored by :func:`~graphx.fastrp.evaluate_labels`. The paper (Chen et al., CIKM 2019)
    searches :math:`w_4` and :math:`\beta` so, with 20 trials; to keep the :math:`U_k` between trials is ours.

    Args:
        estimator: A :class:`~graphx.fastrp.FastRP` with what is not searched; None for its defaults.
        params: Lists for ``n_components``, ``normalization_strength`` and ``iteration_weights``; each is optional.
            None tries the paper's range: :math:`(0, 0, 1, w)` with w = 1, 2, 4, ..., 64, and :math:`\beta` in
            (-1, -0.75, -0.5, -0.25, 0).
        scoring: ``'micro'`` or ``'macro'`` F1.
        train_ratio: The share of labelled nodes trained on.
        C: As in :func:`~graphx.fastrp.evaluate_labels`.
        n_splits: Splits a candidate is scored on, the same for all.
        random_state: Of the splits.

    Attributes:
        best_params_: The parameters of the best candidate, the first of equals.
        best_score_: Its mean F1.
        best_estimator_: FastRP with them, fitted to the graph.
        cv_results_: ``params``, ``mean_test_score``, ``std_test_score`` and ``rank_test_score``, as in scikit-learn.
        n_passes_: Sparse products that the search took.

    Raises:
        InputError: In ``fit``: an unknown parameter, an empty list, ``refine`` or ``oversample`` (which have no
            weights), or labels that cannot be used.

    Example:
        >>> from graphx.data import load_graph
        >>> from graphx.fastrp import FastRP, FastRPSearch
        >>> graph = load_graph("karate")
        >>> club = [int(node > 16) for node in range(34)]
        >>> lists = {"iteration_weights": [(1, 0), (0, 1), (1, 1)]}
        >>> search = FastRPSearch(FastRP(8, random_state=0), lists, train_ratio=0.5).fit(graph, club)
        >>> len(search.cv_results_["params"]), search.n_passes_
        (3, 2)
    """

    def __init__(
        self,
        estimator: FastRP | None = None,
        params: Mapping[str, Sequence[Any]] | None = None,
        *,
        scoring: str = "micro",
        train_ratio: float = 0.1,
        C: Sequence[float] = (0.01, 0.1, 1.0),
        n_splits: int = 3,
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.params = params
        self.scoring = scoring
        self.train_ratio = train_ratio
        self.C = C
        self.n_splits = n_splits
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Score every candidate and fit the best.

        Args:
            X: A graph, as :meth:`FastRP.fit` takes it.
            y: Labels ``[N]`` or ``[N, L]``, as :func:`~graphx.fastrp.evaluate_labels` takes them.

        Returns:
            The search.

        Raises:
            InputError: See the class.
        """
        base = FastRP() if self.estimator is None else self.estimator
        dimensions, strengths, weights = self._candidates(base)
        tried: list[dict[str, Any]] = []
        scores: list[tuple[float, float]] = []
        self.n_passes_ = 0
        seed = base.random_state
        if not isinstance(seed, (int, np.integer)):  # one projection for all candidates
            seed = _seed(seed)
        for dimension, strength in itertools.product(dimensions, strengths):
            longest = max(weights, key=len)
            chosen = {"n_components": dimension, "normalization_strength": strength, "random_state": seed}
            passes = _Passes(**{**base.get_params(), **chosen, "iteration_weights": longest}).fit(X)
            self.n_passes_ += len(longest)
            for choice in weights:
                found = passes.embedding(choice)
                (score,) = evaluate_labels(
                    found, y, train_ratios=[self.train_ratio], C=self.C, n_splits=self.n_splits,
                    random_state=self.random_state,
                )  # fmt: skip
                tried.append(
                    {"n_components": dimension, "normalization_strength": strength, "iteration_weights": tuple(choice)}
                )
                scores.append((getattr(score, self.scoring), getattr(score, f"{self.scoring}_std")))
        means = np.array([mean for mean, _ in scores])
        best = int(means.argmax())
        self.best_params_, self.best_score_ = tried[best], float(means[best])
        self.cv_results_ = {
            "params": tried,
            "mean_test_score": means,
            "std_test_score": np.array([deviation for _, deviation in scores]),
            "rank_test_score": 1 + (means[:, None] < means).sum(1),
        }
        self.best_estimator_ = clone(base).set_params(**self.best_params_, random_state=seed).fit(X)
        return self

    def transform(self, X: Any, *, features: Any = None) -> Any:
        """:meth:`FastRP.transform` of the best estimator.

        Args:
            X: Edges of new nodes to known ones.
            features: Their features, if the estimator takes some.

        Returns:
            float32 ``[new, d]``.

        Raises:
            InputError: As there.
        """
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.transform(X, features=features)

    def fit_transform(self, X: Any, y: Any) -> Any:
        """The embedding of the graph by the best candidate.

        Args:
            X: As in :meth:`fit`.
            y: As in :meth:`fit`.

        Returns:
            float32 ``[N, d]``.

        Raises:
            InputError: See the class.
        """
        return self.fit(X, y).best_estimator_.embedding_

    def _candidates(self, base: FastRP) -> tuple[list[int], list[float], list[Sequence[float]]]:
        if self.scoring not in ("micro", "macro"):
            raise InputError(f"scoring is {self.scoring!r}; expected 'micro' or 'macro'")
        for name, plain in (("refine", 0), ("oversample", 1)):
            if getattr(base, name) != plain:
                raise InputError(f"{name} is {getattr(base, name)}; a search over weights needs {name}={plain}")
        lists: dict[str, Any] = {name: [getattr(base, name)] for name in _SEARCHED}
        if self.params is None:
            lists["iteration_weights"] = [(0.0, 0.0, 1.0, float(2**power)) for power in range(7)]
            lists["normalization_strength"] = [-1.0, -0.75, -0.5, -0.25, 0.0]
        else:
            for name, values in self.params.items():
                if name not in _SEARCHED:
                    raise InputError(f"params has {name!r}; expected some of {', '.join(_SEARCHED)}")
                if isinstance(values, (str, bytes)) or not isinstance(values, Sequence) or not len(values):
                    raise InputError(f"params[{name!r}] is {values!r}; expected a list of at least one value")
                lists[name] = list(values)
        for name, values in lists.items():
            for value in values:
                check_parameters(clone(base).set_params(**{name: value}))
        return lists["n_components"], lists["normalization_strength"], lists["iteration_weights"]


class _Passes(FastRP):
    """FastRP up to the states, which it keeps; the sum is left to :meth:`embedding`."""

    def _embed(self, graph: Any, device: Any = None) -> Floats:  # noqa: ARG002 - its states are the kernels'
        self._threads = resolve_threads(self.num_threads)
        walk = self._walk(graph)
        start = self._fitted_start(walk, self._threads)
        own = np.empty((graph.num_nodes if self.self_influence else 0, self.n_components), np.float32)
        if self.self_influence:
            merge_hops(walk, start, [1.0], normalize=False, out=own)
        states: list[Any] = [own]
        count = len(self.iteration_weights)
        made = hops(walk, start, count, storage=self.storage, num_threads=self._threads, progress=self.progress)
        states.extend(state.copy() for state in made)
        self._states = states
        return np.empty((0, self.n_components), np.float32)

    def embedding(self, weights: Sequence[float]) -> Floats:
        """What FastRP gives with these weights, but for the standardisation, which the scores do not see."""
        out = np.zeros((self.graph_.num_nodes, self.n_components), np.float32)
        for weight, state in zip((self.self_influence, *weights), self._states, strict=False):
            if weight:
                accumulate(out, state, float(weight), normalize=self.normalize, num_threads=self._threads)
        return out
