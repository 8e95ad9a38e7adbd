"""Dense operators and Virgo's variances by matrix powers in float64, one layer after another, nothing rescaled by hand.

Python's integers and fractions of mpmath are not needed: numpy's long products are scaled by the largest entry, and the
scale is kept apart as a sum of logarithms, which is another way than the library's.
"""

from __future__ import annotations

import numpy as np

__all__ = ["dense_operators", "dense_variances"]


def dense_operators(kind: str, adjacency: np.ndarray, *, eps: float = 0.0) -> list[np.ndarray]:
    """The operators of the parts of a layer, from its formula; row i takes from column j where j -> i."""
    a = np.asarray(adjacency, dtype=np.float64)
    one = np.eye(len(a))
    if kind == "gcn":
        looped = a + one
        d = looped.sum(axis=1) ** -0.5
        return [d[:, None] * looped * d[None, :]]
    if kind == "gin":
        return [a + (1 + eps) * one]
    if kind == "sage":
        return [a / np.maximum(a.sum(axis=1, keepdims=True), 1), one]
    if kind in {"sagesum", "graph"}:
        return [a, one]
    if kind == "gat":
        looped = a + one
        return [looped / looped.sum(axis=1, keepdims=True)]
    raise ValueError(kind)


def _log_norms(parts: list[np.ndarray], start: np.ndarray, depth: int) -> list[float]:
    """log ||s_k||^2 for k = 0 .. depth, with s_k = sqrt(sum_p (P_p s_{k-1})^2), or P s_{k-1} for one part."""
    vector, scale = start.astype(np.float64), 0.0
    logs = [np.log(np.sum(vector**2))]
    for _ in range(depth):
        if len(parts) == 1:
            vector = parts[0] @ vector
        else:
            vector = np.sqrt(sum((p @ vector) ** 2 for p in parts))
        largest = np.abs(vector).max()
        vector, scale = vector / largest, scale + 2 * np.log(largest)
        logs.append(np.log(np.sum(vector**2)) + scale)
    return logs


def dense_variances(parts: list[np.ndarray], x: np.ndarray, widths: list[int]) -> tuple[list[float], list[float]]:
    """Forward and backward variances of layers of these widths (inputs, hidden ..., outputs), all of one operator."""
    depth, nodes = len(widths) - 1, len(x)
    c = _log_norms(parts, x.mean(axis=1), depth)
    b = _log_norms([p.T for p in parts], np.ones(nodes), depth)
    v = [2 / widths[0], *(2 / widths[k - 1] * np.exp(c[k - 1] - c[k]) for k in range(2, depth + 1))]
    u = [nodes / ((widths[-1] - 1) * np.exp(b[1]))]
    u += [2 / widths[depth - k + 1] * np.exp(b[k - 1] - b[k]) for k in range(2, depth + 1)]
    return v, u[::-1]
