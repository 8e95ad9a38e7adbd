"""How well a linear classifier reads labels off an embedding: the measure of node embedding papers."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graphx.errors import InputError

__all__ = ["LabelScore", "evaluate_labels"]

Floats = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]

_INNER = 0.8  # the share of the training nodes that a C is tried on; the rest chooses
_MAX_STEPS = 50
_HALVINGS = 12
_CURVATURE = 1e-8  # a node whose share of the Hessian is smaller is left out of it


@dataclass(frozen=True)
class LabelScore:
    """F1 of one share of training nodes, over all splits.

    Attributes:
        train_ratio: The share of the labelled nodes that was trained on.
        micro: Mean micro F1 of the splits.
        micro_std: Its standard deviation.
        macro: Mean macro F1.
        macro_std: Its standard deviation.
        C: What was chosen in each split.

    Example:
        >>> print(LabelScore(0.1, 0.4, 0.01, 0.25, 0.02, (0.1,)))
        10% train: micro F1 0.4000 +- 0.0100, macro F1 0.2500 +- 0.0200
    """

    train_ratio: float
    micro: float
    micro_std: float
    macro: float
    macro_std: float
    C: tuple[float, ...]

    def __str__(self) -> str:
        return (
            f"{self.train_ratio:.0%} train: micro F1 {self.micro:.4f} +- {self.micro_std:.4f}, "
            f"macro F1 {self.macro:.4f} +- {self.macro_std:.4f}"
        )


def evaluate_labels(
    embedding: npt.ArrayLike,
    labels: Any,
    *,
    train_ratios: Sequence[float] = (0.1, 0.5),
    C: Sequence[float] = (0.003, 0.01, 0.1, 1.0),
    n_splits: int = 5,
    random_state: int = 0,
) -> list[LabelScore]:
    r"""Micro and macro F1 of one-vs-rest logistic regression on an embedding.

    Columns are brought to mean 0 and variance 1. Each label has a classifier of its own,

    .. math::

        \min_{w, b}\ \tfrac12 (\lVert w \rVert^2 + b^2) + C \sum_i \log(1 + e^{-y_i (w^\top x_i + b)}),

    which is the problem that liblinear solves; here by Newton steps, to the same F1 in less time. A node with k labels
    is given its k most likely ones, k being known, as in the evaluation of DeepWalk (Perozzi, Al-Rfou and Skiena, KDD
    2014) and of FastRP. C is chosen in each split by micro F1, on a fifth of its training nodes. Micro F1 is
    that of all decisions together, macro F1 the mean over labels. Nodes without labels take no part.

    Args:
        embedding: ``[N, d]``.
        labels: ``[N]``, one class a node, negative for none; or ``[N, L]``, an indicator matrix, dense or sparse.
        train_ratios: Shares of the labelled nodes to train on.
        C: What to choose from.
        n_splits: Random splits of each share.
        random_state: Of the splits; split s of one share is the same for every embedding.

    Returns:
        One :class:`LabelScore` for each share.

    Raises:
        InputError: Shapes disagree, numbers are not finite, fewer than two labels, or a share leaves no node.

    Example:
        >>> import numpy as np
        >>> labels = np.arange(60) % 2
        >>> points = np.random.default_rng(0).normal(size=(60, 3)) + 9 * labels[:, None]
        >>> print(*evaluate_labels(points, labels, train_ratios=[0.5]))
        50% train: micro F1 1.0000 +- 0.0000, macro F1 1.0000 +- 0.0000
    """
    x, y = _checked(embedding, labels)
    costs = sorted({_positive("C", value) for value in C})
    if not costs or n_splits < 1:
        raise InputError(f"C is {tuple(C)} and n_splits {n_splits}; expected at least one of each")
    scores = []
    for ratio in train_ratios:
        if not 0 < _positive("a train ratio", ratio) < 1:
            raise InputError(f"a train ratio is {ratio}; expected a share between 0 and 1")
        results, chosen = [], []
        for split in range(n_splits):
            order = np.random.default_rng([random_state, split]).permutation(len(y))
            size = round(ratio * len(y))
            train, test = order[:size], order[size:]
            if min(round(_INNER * size), size - round(_INNER * size), len(test)) < 1:
                raise InputError(
                    f"a train ratio of {ratio} of {len(y)} labelled nodes leaves no node to train, choose or test on; "
                    "expected a share that leaves some of each"
                )
            best, start = _choose(x[train], y[train], costs)
            weights = _fit(x[train], y[train], best, start)
            results.append(_f1(_most_likely(x[test] @ weights, y[test].sum(1)), y[test]))
            chosen.append(best)
        mean, std = np.mean(results, 0), np.std(results, 0)
        scores.append(
            LabelScore(float(ratio), float(mean[0]), float(std[0]), float(mean[1]), float(std[1]), tuple(chosen))
        )
    return scores


def _positive(name: str, value: Any) -> float:
    if not isinstance(value, numbers.Real) or not 0 < float(value) < float("inf"):
        raise InputError(f"{name} is {value!r}; expected a positive number")
    return float(value)


def _checked(embedding: Any, labels: Any) -> tuple[Floats, Bools]:
    """Standardised columns and one of ones, in float32; an indicator matrix; of the labelled nodes."""
    x = np.asarray(embedding)
    if x.ndim != 2 or x.dtype.kind not in "fiub":
        raise InputError(f"the embedding has shape {x.shape} and dtype {x.dtype}; expected numbers [N, d]")
    x = x.astype(np.float64)
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise InputError(f"entry [{row}, {column}] of the embedding is {x[row, column]}; expected finite numbers")
    y = labels.toarray() if hasattr(labels, "toarray") else np.asarray(labels)
    if y.ndim not in (1, 2) or len(y) != len(x):
        raise InputError(f"labels have shape {y.shape} and the embedding {x.shape}; expected a row for each node")
    if y.ndim == 1:
        if y.dtype.kind not in "iu":
            raise InputError(f"labels are {y.dtype}; expected whole numbers [N], or an indicator matrix [N, L]")
        classes = np.unique(y[y >= 0])
        y = y[:, None] == classes
    elif not np.isin(y, (0, 1)).all():
        raise InputError("the indicator matrix of the labels has entries other than 0 and 1; expected 0 or 1")
    else:
        y = y.astype(bool)
    if y.shape[1] < 2:
        raise InputError(f"there are {y.shape[1]} labels; expected at least two to tell apart")
    deviation = x.std(0)
    x = (x - x.mean(0)) / np.where(deviation > 0, deviation, 1)
    labelled = y.any(1)
    return np.hstack([x, np.ones((len(x), 1))]).astype(np.float32)[labelled], y[labelled]


def _choose(x: Floats, y: Bools, costs: Sequence[float]) -> tuple[float, npt.NDArray[np.float64]]:
    """The cost that is best on the nodes kept back, the smallest of equals, and its weights."""
    size = round(_INNER * len(y))
    weights: npt.NDArray[np.float64] | None = None
    best, best_score, best_weights = costs[0], -1.0, np.zeros((x.shape[1], y.shape[1]))
    for cost in costs:
        weights = _fit(x[:size], y[:size], cost, weights)
        score = _f1(_most_likely(x[size:] @ weights, y[size:].sum(1)), y[size:])[0] if len(costs) > 1 else 0.0
        if score > best_score:
            best, best_score, best_weights = cost, score, weights
    return best, best_weights


def _fit(
    x: Floats, y: Bools, cost: float, start: npt.NDArray[np.float64] | None = None, *, tolerance: float = 1e-2
) -> npt.NDArray[np.float64]:
    """Weights ``[d + 1, L]`` of all classifiers; the last row belongs to the column of ones."""
    weights = np.zeros((x.shape[1], y.shape[1])) if start is None else start.copy()
    for label in range(y.shape[1]):
        weights[:, label] = _newton(x, np.where(y[:, label], 1.0, -1.0), cost, weights[:, label], tolerance)
    return weights


def _newton(
    x: Floats, sign: npt.NDArray[np.float64], cost: float, w: npt.NDArray[np.float64], tolerance: float
) -> npt.NDArray[np.float64]:
    def loss(w: npt.NDArray[np.float64], margin: npt.NDArray[np.float64]) -> float:
        return float(0.5 * w @ w + cost * np.logaddexp(0, -margin).sum())

    margin = sign * (x @ w.astype(np.float32))
    value = loss(w, margin)
    rare = max(min((sign > 0).mean(), (sign < 0).mean()), 1 / len(sign))  # as liblinear scales its tolerance
    small = tolerance * rare * np.linalg.norm(cost * 0.5 * (x.T @ sign.astype(np.float32)))
    for _ in range(_MAX_STEPS):
        wrong = 1 / (1 + np.exp(np.clip(margin, -80, 80)))
        gradient = w - cost * (x.T @ (sign * wrong).astype(np.float32))
        if np.linalg.norm(gradient) <= small:
            break
        curvature = wrong * (1 - wrong)
        heavy = curvature > _CURVATURE
        part = (x if heavy.all() else x[heavy]) * np.sqrt(cost * curvature[heavy], dtype=np.float32)[:, None]
        hessian = (part.T @ part).astype(np.float64)
        hessian.flat[:: len(w) + 1] += 1
        step = np.linalg.solve(hessian, -gradient)
        along = sign * (x @ step.astype(np.float32))
        length, slope = 1.0, float(gradient @ step)
        for _ in range(_HALVINGS):
            new = loss(w + length * step, margin + length * along)
            if new <= value + 1e-4 * length * slope:
                break
            length /= 2
        else:
            break  # float32 cannot tell better from worse any more
        w, margin, value = w + length * step, margin + length * along, new
    return w


def _most_likely(scores: Floats, counts: npt.NDArray[np.integer[Any]]) -> Bools:
    """For every node as many labels as it has, those with the highest scores."""
    order = np.argsort(-scores, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(scores.shape[1])[None], axis=1)
    return rank < counts[:, None]


def _f1(predicted: Bools, true: Bools) -> tuple[float, float]:
    """Micro and macro F1; a label that is neither there nor predicted counts 0, as in scikit-learn."""
    hits, both = (predicted & true).sum(0), predicted.sum(0) + true.sum(0)
    macro = np.divide(2 * hits, both, out=np.zeros(len(both)), where=both > 0).mean()
    return float(2 * hits.sum() / max(both.sum(), 1)), float(macro)
