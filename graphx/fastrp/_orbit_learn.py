r"""Weights of orbits from labels: a non-negative combination of what each orbit predicts of nodes that it has not seen.

For every orbit o a ridge regression of the class indicators on the orbit's embedding is fitted on all folds but one and
predicts that one, which gives :math:`P_o \in \mathbb{R}^{L \times C}` over the L labelled nodes; then

.. math:: \min_{w \ge 0} \Bigl\lVert Y - \bar Y - \sum_o w_o P_o \Bigr\rVert_F^2

(stacked regression; Breiman, Machine Learning 24, 1996). Its use for orbits is ours.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graphx.errors import InputError

__all__ = ["OrbitStack", "indicators"]

Doubles = npt.NDArray[np.float64]

_FOLDS = 5


def indicators(labels: npt.ArrayLike, num_nodes: int) -> tuple[npt.NDArray[np.intp], Doubles]:
    """The labelled nodes and their class indicators, less the mean.

    Args:
        labels: Integers ``[N]`` with -1 for unknown, or 0 and 1 ``[N, C]`` (all known).
        num_nodes: N.

    Returns:
        Node numbers ``[L]`` and float64 ``[L, C]``.

    Raises:
        InputError: Other shapes, fewer than two classes or too few labelled nodes.
    """
    y = np.asarray(labels)
    if y.ndim not in (1, 2) or y.shape[0] != num_nodes or y.dtype.kind not in "iub":
        raise InputError(
            f"labels have shape {y.shape} and type {y.dtype}; expected integers [{num_nodes}] with -1 for unknown, or "
            f"0 and 1 [{num_nodes}, classes]"
        )
    if y.ndim == 2:
        nodes, made = np.arange(num_nodes), y.astype(np.float64)
    else:
        nodes = np.flatnonzero(y.astype(np.int64) >= 0)
        classes, codes = np.unique(y[nodes], return_inverse=True)
        made = (codes[:, None] == np.arange(classes.size)).astype(np.float64)
    if nodes.size < 2 * _FOLDS or made.shape[1] == 0 or (made.ndim == 2 and y.ndim == 1 and made.shape[1] < 2):
        raise InputError(
            f"{nodes.size} labelled nodes of {made.shape[1]} classes; expected at least {2 * _FOLDS} nodes and 2 classes"
        )
    return nodes, made - made.mean(axis=0)


class OrbitStack:
    """Collects what the orbits predict, one orbit after another, and weighs them.

    Args:
        targets: Class indicators less their mean, ``[L, C]``.
        seed: Of the folds.
        penalty: Of the ridge regression, for standardised columns, as a share of L.
    """

    def __init__(self, targets: Doubles, seed: int, penalty: float = 0.01) -> None:
        self._targets, self._penalty = targets, penalty
        self._fold = np.random.default_rng(seed).permutation(targets.shape[0]) % _FOLDS
        self._predicted: list[Doubles] = []

    def add(self, rows: npt.NDArray[np.float32]) -> None:
        """The embedding of the labelled nodes by the next orbit, ``[L, d]``."""
        x = rows.astype(np.float64)
        x -= x.mean(axis=0)
        spread = x.std(axis=0)
        x /= np.where(spread > 0, spread, 1)
        whole, right = x.T @ x, x.T @ self._targets
        made = np.zeros_like(self._targets)
        ridge = self._penalty * x.shape[0] * np.eye(x.shape[1])
        for fold in range(_FOLDS):
            out = self._fold == fold
            left = whole - x[out].T @ x[out] + ridge
            made[out] = x[out] @ np.linalg.solve(left, right - x[out].T @ self._targets[out])
        self._predicted.append(made)

    def weights(self) -> Doubles:
        """The weights of the orbits, non-negative, of sum 1; equal ones where no orbit predicts anything."""
        from scipy.optimize import nnls

        columns = np.stack([p.ravel() for p in self._predicted], axis=1)
        gram = columns.T @ columns + 1e-10 * np.trace(columns.T @ columns) * np.eye(columns.shape[1])
        root = np.linalg.cholesky(gram + 1e-300 * np.eye(columns.shape[1])) if gram.any() else None
        if root is None:
            return np.full(columns.shape[1], 1 / columns.shape[1])
        found: Doubles = nnls(root.T, np.linalg.solve(root, columns.T @ self._targets.ravel()))[0]
        total = found.sum()
        return found / total if total > 0 else np.full(found.size, 1 / found.size)
