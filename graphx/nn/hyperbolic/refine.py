"""Scores of labels refined on the unlabelled graph: a mixture held at the label texts, and a block model of edges."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse

from graphx.errors import InputError

__all__ = ["ANCHORS", "EDGE_WEIGHTS", "refine_scores"]

Floats = npt.NDArray[np.float64]
ANCHORS: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
"""The middles of five equal parts of what an anchor can be."""
EDGE_WEIGHTS: Final = (0.0, 0.5, 1.0, 2.0)
"""Without the graph, by half of what the block model says, as it says, and twice that."""
_SMOOTH: Final = 0.5  # edges added to every pair of classes, in units of R / C^2


def refine_scores(
    scores: npt.ArrayLike,
    features: npt.ArrayLike | None,
    edge_index: npt.ArrayLike,
    *,
    temperature: float = 4.0,
    anchor: float | Sequence[float] = ANCHORS,
    edge_weight: float | Sequence[float] = EDGE_WEIGHTS,
    iterations: int = 10,
    progress: Callable[[str, int, int], object] | None = None,
) -> Floats:
    r"""Class probabilities of all nodes of a graph, from zero-shot scores, without any label.

    The scores are one noisy reading of each node. All nodes together say more: texts of one class resemble one another
    more than they resemble the name of the class, and edges prefer some pairs of classes. With probabilities
    :math:`q_{ik}`, first the softmax of the standardised scores :math:`s`, each iteration computes

    .. math::
        \mu_k &\propto \sum_i q_{ik} x_i, \qquad \pi_k \propto \sum_i q_{ik} + N / C, \\
        E &= q^\top A q, \qquad R = \frac{(q^\top d)(q^\top d)^\top}{\sum_i d_i}, \qquad
        W_{kl} = \log\frac{E_{kl} + \epsilon}{R_{kl} + \epsilon}, \\
        \log q_{ik} &= t\,\bigl(a\, s_{ik} + (1 - a) \langle x_i, \mu_k\rangle / \sigma\bigr) + \log \pi_k
        + w \sum_j A_{ij} (q W)_{jk} + \text{const},

    a mixture whose centres are held at the label texts by the share `a`, and the mean field of a degree-corrected
    stochastic block model. :math:`W` is estimated from the graph: positive on its diagonal where neighbours share a
    class, negative where they differ, so that heterophilic graphs are not smoothed but read.

    How far the label texts, the other nodes and the edges are to be believed differs between graphs, and without labels
    nothing tells: so `a` and `w` are not chosen. The result is the mean of the probabilities over all pairs of an
    `anchor` and an `edge_weight`. One number each gives a single refinement.

    Nothing here is of the H4G paper. The block model is that of Karrer and Newman, Stochastic blockmodels and community
    structure in networks, Physical Review E 83, 2011; its use on zero-shot scores is ours.

    Args:
        scores: Zero-shot scores ``[N, C]``, larger is better.
        features: Unit vectors of the texts ``[N, F]``; None leaves the centres out.
        edge_index: Both directions of every edge ``[2, E]``.
        temperature: `t`, how far the scores of one node are trusted.
        anchor: `a`, from 0 to 1; 1 leaves the centres out. Of several, the mean of the results.
        edge_weight: `w`; 0 leaves the graph out. Of several, the mean of the results.
        iterations: Number of iterations; 0 gives the softmax of the standardised scores.
        progress: Called as ``progress('refine', done, total)`` with numbers of settings.

    Returns:
        ``[N, C]``, float64, rows that sum to 1.

    Raises:
        InputError: The shapes do not fit, or a number is out of its range.

    Example:
        >>> edges = [[0, 0, 1, 3, 3, 4, 1, 2, 2, 4, 5, 5], [1, 2, 2, 4, 5, 5, 0, 0, 1, 3, 3, 4]]  # two triangles
        >>> scores = [[1, 0], [1, 0], [0.45, 0.55], [0, 1], [0, 1], [0, 1]]
        >>> refine_scores(scores, None, edges).argmax(axis=1).tolist()
        [0, 0, 0, 1, 1, 1]
    """
    s = np.asarray(scores, dtype=np.float64)
    x = None if features is None else np.asarray(features, dtype=np.float32)
    anchors, weights = _several(anchor), _several(edge_weight)
    _check(s, x, temperature, anchors, weights, iterations)
    adjacency = _adjacency(edge_index, s.shape[0])
    if not s.shape[0]:
        return s
    s = s - s.mean(axis=1, keepdims=True)
    s = s / (float(s.std()) or 1.0)
    if x is None:
        anchors = (1.0,)
    if not adjacency.nnz:
        weights = (0.0,)
    total: npt.NDArray[np.float64] = np.zeros_like(s)
    pairs = list(itertools.product(anchors, weights))
    for done, (a, w) in enumerate(pairs, 1):
        total += _refined(s, x if a < 1 else None, adjacency if w else None, temperature, a, w, iterations)
        if progress is not None:
            progress("refine", done, len(pairs))
    total /= len(pairs)
    return total


def _refined(
    s: Floats,
    x: npt.NDArray[np.float32] | None,
    adjacency: scipy.sparse.csr_array | None,
    temperature: float,
    anchor: float,
    edge_weight: float,
    iterations: int,
) -> Floats:
    """One refinement of standardised scores; None leaves the centres or the graph out."""
    size, classes = s.shape
    degree = None if adjacency is None else np.asarray(adjacency.sum(axis=1), dtype=np.float64).ravel()
    q = _softmax(temperature * s)
    for _ in range(iterations):
        prior = q.sum(axis=0) + size / classes
        logits = s if x is None else anchor * s + (1 - anchor) * _near_centres(q, x)
        logits = temperature * logits + np.log(prior / prior.sum())
        if adjacency is not None and degree is not None:
            logits = logits + edge_weight * _edge_evidence(q, adjacency, degree)
        q = _softmax(logits)
    return q


def _several(value: float | Sequence[float]) -> tuple[float, ...]:
    return tuple(value) if isinstance(value, Sequence) else (value,)


def _near_centres(q: Floats, x: npt.NDArray[np.float32]) -> Floats:
    """Cosines with the centres of the classes, standardised as the scores are."""
    centres = q.T.astype(np.float32) @ x
    norms = np.linalg.norm(centres, axis=1, keepdims=True)
    near = (x @ (centres / np.where(norms > 0, norms, 1)).T).astype(np.float64)
    near -= near.mean(axis=1, keepdims=True)
    scaled: Floats = near / (float(near.std()) or 1.0)
    return scaled


def _edge_evidence(q: Floats, adjacency: scipy.sparse.csr_array, degree: Floats) -> Floats:
    """What the neighbours of each node say for each class: the sum over them of q W."""
    classes = q.shape[1]
    beside: Floats = adjacency @ q
    observed = q.T @ beside
    observed = (observed + observed.T) / 2
    ends = q.T @ degree
    expected = np.outer(ends, ends) / degree.sum()
    smooth = _SMOOTH * expected.sum() / classes**2
    evidence: Floats = beside @ np.log((observed + smooth) / (expected + smooth)).T
    return evidence


def _adjacency(edge_index: npt.ArrayLike, size: int) -> scipy.sparse.csr_array:
    edges = np.asarray(edge_index)
    if edges.size == 0:
        return scipy.sparse.csr_array((size, size), dtype=np.float64)
    if edges.ndim != 2 or edges.shape[0] != 2 or edges.dtype.kind not in "iu":
        raise InputError(f"edge_index is {edges.dtype} {list(edges.shape)}; expected integers [2, E]")
    if int(edges.min()) < 0 or int(edges.max()) >= size:
        raise InputError(f"edge_index holds node {int(edges.max())} or a negative one; expected 0..{size - 1}")
    found = scipy.sparse.csr_array((np.ones(edges.shape[1]), (edges[0], edges[1])), shape=(size, size))
    found.sum_duplicates()
    return found


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _check(
    s: Floats,
    x: npt.NDArray[np.float32] | None,
    temperature: float,
    anchors: tuple[float, ...],
    weights: tuple[float, ...],
    iterations: int,
) -> None:
    if s.ndim != 2 or s.shape[1] < 2 or not np.isfinite(s).all():
        raise InputError(f"scores are {list(s.shape)}; expected finite numbers [N, C] for at least two classes")
    if x is not None and (x.ndim != 2 or x.shape[0] != s.shape[0]):
        raise InputError(f"features are {list(x.shape)} for {s.shape[0]} nodes; expected [{s.shape[0]}, F]")
    if x is not None and not np.isfinite(x).all():
        row = int(np.argmin(np.isfinite(x).all(axis=1)))
        raise InputError(f"features hold a number that is not finite in row {row}; expected finite numbers")
    if not 0 < temperature < np.inf:
        raise InputError(f"temperature is {temperature:g}; expected a positive number")
    for anchor in anchors:
        if not 0 <= anchor <= 1:
            raise InputError(f"anchor is {anchor:g}; expected a share from 0 to 1")
    for weight in weights:
        if not 0 <= weight < np.inf:
            raise InputError(f"edge_weight is {weight:g}; expected 0 or more")
    if not anchors or not weights:
        raise InputError("anchor or edge_weight is empty; expected a number or several")
    if iterations < 0:
        raise InputError(f"iterations is {iterations}; expected 0 or more")
