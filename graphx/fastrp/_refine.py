"""What ``FastRP(refine=k)`` does: power steps on a regularised similarity, and principal axes of an over-projection."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from sklearn.base import clone

from graphx._threads import resolve_threads
from graphx.errors import InputError
from graphx.fastrp._engine import node_ids, projection, propagate, walk_of
from graphx.fastrp._inputs import new_edges
from graphx.fastrp._rows import Block, Rows, eigh, serial_blas

if TYPE_CHECKING:
    from graphx.fastrp._engine import Walk
    from graphx.fastrp.fastrp import FastRP
    from graphx.graph import Graph

__all__ = [
    "FILTER",
    "OVERSAMPLING",
    "REGULARIZATION",
    "SMOOTHING",
    "embed",
    "principal_axes",
    "refine",
    "regularized_scale",
]

REGULARIZATION = 0.5  # what is added to every degree, in mean degrees
FILTER = (1.0, 0.2)  # weights of one hop and of two hops in the similarity that is kept
OVERSAMPLING = 32  # columns beyond those that are kept
SMOOTHING = 8  # hops whose averages are added to the refined rows
_GROWTH = 1e4  # of the leading columns over the last ones in a round; float32 keeps the last ones' digits below it
_LARGEST_DEGREE = 10  # of the Chebyshev polynomial of a round, which is its number of products
_MARGIN = 1.05  # the smallest eigenvalue is below the smallest that a round has seen
_SMALLEST = 1e-5  # eigenvalues below it, of at most 1, are rounding


def embed(model: FastRP, graph: Graph) -> Block:
    r"""What ``FastRP._embed`` does with ``refine`` or ``oversample``, before columns are standardised.

    To refined rows E their averages over up to eight hops are added, :math:`\sum_{k=0}^8 P^k E` with
    :math:`P = D^{-1} A`, and rows are scaled to unit length, which serves sparse graphs most.

    Args:
        model: The estimator, its parameters checked, ``graph_`` and ``seed_`` set; keeps what ``transform`` needs.
        graph: The graph in the orientation used.

    Returns:
        ``[N, d]``.

    Raises:
        InputError: The graph is directed or a parameter has no meaning with ``refine``.
    """
    threads = resolve_threads(model.num_threads)
    width = model.n_components * model.oversample
    if not model.refine:
        wide = clone(model).set_params(n_components=width, oversample=1, standardize=False, random_state=model.seed_)
        found = wide.fit(graph, features=model._features).embedding_
        mean, axes = principal_axes(found, model.n_components, num_threads=threads)
        wide.embedding_ = wide.embedding_[:0]  # transform makes its hops anew
        model._wide, model._axes = wide, (mean, axes)
        return _project(found, mean, axes)
    _check_refinable(model, graph)
    walk = walk_of(graph)
    degrees = walk.degrees()
    width = width if model.oversample > 1 else width + OVERSAMPLING
    ids = node_ids(graph)
    start = projection(
        graph.num_nodes if ids is None else ids, width, "gaussian", model.seed_, num_nodes=graph.num_nodes,
        num_threads=threads,
    )  # fmt: skip
    done = 0

    def average(x: Block, out: Block) -> None:
        nonlocal done
        done += 1
        stage, total, report = f"product {done}", graph.num_nodes, model.progress
        step = None if report is None else lambda rows: report(stage, min(rows, total), total)
        propagate(walk, x, out, num_threads=threads, progress=step)

    positive = model.spectrum == "positive"
    rows, inverse = refine(
        average, degrees, start, model.n_components, model.refine, positive=positive, num_threads=threads
    )
    model._leading, model._inverse = rows, inverse
    made = _smoothed(walk, rows, SMOOTHING, threads)
    _unit(made)
    return made


def transform(model: FastRP, X: Any, features: Any) -> Block:
    """What ``FastRP.transform`` does with ``refine`` or ``oversample``.

    Args:
        model: A fitted estimator.
        X: Edges of new nodes.
        features: Their features, where the estimator takes some.

    Returns:
        ``[new, d]``.

    Raises:
        InputError: The edges or features cannot be used.
    """
    if not model.refine:
        made = _project(model._wide.transform(X, features=features), *model._axes)
    else:
        if features is not None:
            raise InputError("features were given and refine uses none; leave them out")
        indptr, indices, weights = new_edges(X, model.graph_.num_nodes)
        values = np.ones(indices.size, np.float32) if weights is None else weights.astype(np.float32)
        edges = scipy.sparse.csr_array((values, indices, indptr), shape=(indptr.size - 1, model.graph_.num_nodes))
        made = np.ascontiguousarray(edges @ model._inverse, dtype=np.float32)
        _unit(made)
        threads = resolve_threads(model.num_threads)
        sums: npt.NDArray[Any] = np.asarray(edges.sum(1))
        shares = scipy.sparse.diags_array(np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0)) @ edges
        made += (shares @ _smoothed(walk_of(model.graph_), model._leading, SMOOTHING - 1, threads)).astype(np.float32)
        _unit(made)
    if model.mean_ is not None and model.scale_ is not None:
        made -= model.mean_
        made /= model.scale_
    return made


def _smoothed(walk: Walk, rows: Block, hops: int, threads: int) -> Block:
    """The rows and their averages over 1 to ``hops`` hops, added up."""
    total, near, far = rows.copy(), rows, np.empty_like(rows)
    for _ in range(hops):
        propagate(walk, near, far, out=total, new_weight=1.0, add=True, normalize=False, num_threads=threads)
        near, far = far, np.empty_like(rows) if near is rows else near
    return total


def _check_refinable(model: FastRP, graph: Graph) -> None:
    if not graph.is_undirected:
        raise InputError(
            "refine needs a symmetric adjacency and the graph is directed; pass orientation='undirected', or refine=0"
        )
    for name in ("feature_ratio", "self_influence", "normalization_strength"):
        if getattr(model, name):
            raise InputError(
                f"{name} is {getattr(model, name)} and refine is {model.refine}: eigenvectors do not depend on the "
                f"start; leave {name} at 0, or refine"
            )


def _project(x: Block, mean: npt.NDArray[np.float64], axes: npt.NDArray[np.float64]) -> Block:
    made = np.zeros((len(x), axes.shape[1]), dtype=np.float32)
    np.matmul(x - mean.astype(np.float32), axes.astype(np.float32), out=made)
    return made


def regularized_scale(degrees: npt.NDArray[Any]) -> Block:
    r"""The diagonal of :math:`(D + \tau I)^{-1/2}`, with :math:`\tau` half the mean degree.

    Args:
        degrees: Sums of the edge weights of every node, ``[N]``.

    Returns:
        ``[N]``; zero for a node without edges.

    Example:
        >>> regularized_scale(np.array([2.5, 2.5, 0.0, 3.0])).round(4)
        array([0.5345, 0.5345, 0.    , 0.5   ], dtype=float32)
    """
    d = np.asarray(degrees, dtype=np.float64)
    tau = REGULARIZATION * (d.mean() if d.size else 0.0)
    with np.errstate(divide="ignore"):
        return np.where(d > 0, 1.0 / np.sqrt(d + tau), 0.0).astype(np.float32)


def refine(
    average: Callable[[Block, Block], object],
    degrees: npt.NDArray[Any],
    start: Block,
    n_components: int,
    rounds: int,
    *,
    positive: bool = False,
    num_threads: int = 1,
) -> tuple[Block, Block]:
    r"""Leading eigenvectors of the regularised similarity, weighted by what two hops say of them.

    With :math:`S = (D + \tau I)^{-1/2} A (D + \tau I)^{-1/2}` each round applies the Chebyshev polynomial
    :math:`T_m((S - c I) / h)`, whose growth outside :math:`[c - h, c + h]` is the fastest of its degree, and makes the
    columns orthonormal again. The interval is :math:`[-a, a]`, or with `positive` :math:`[\lambda_{\min}, a]`; a is the
    eigenvalue at which the kept columns end so far, and m (2 to 10) is as large as float32 bears. The small problem
    :math:`Q^\top S Q = W \Lambda W^\top` then gives :math:`V = Q W`. Of its columns those are kept whose
    :math:`|f(\lambda)|` is largest, or with `positive` those of the largest :math:`\lambda > 0`;
    :math:`f(\lambda) = \lambda + 0.2 \lambda^2`, and each row of :math:`V f(\Lambda)` is scaled to unit length. The
    arrays hold :math:`(D + \tau I)^{-1/2}` times these columns, so that a product by S is one by A and one scaling of
    its rows.

    The randomised start is that of Halko, Martinsson and Tropp, "Finding structure with randomness", SIAM Review
    53(2), 2011; the filter that of Zhou, Saad, Tiago and Chelikowsky, "Self-consistent-field calculations using
    Chebyshev-filtered subspace iteration", J. Comput. Phys. 219, 2006; regularised degrees and unit rows are those of
    Qin and Rohe, "Regularized spectral clustering under the degree-corrected stochastic blockmodel", NeurIPS 2013.
    Eigenvalues of both signs under a two-hop filter, and the choice between them and the positive ones, are ours.

    Args:
        average: ``average(x, out)`` stores :math:`D^{-1} A x` in ``out``; both ``[N, K]`` float32, A symmetric.
        degrees: Row sums of A, ``[N]``.
        start: Random columns, ``[N, K]`` float32; overwritten. K is ``n_components`` and some more.
        n_components: Columns kept; all there are, if the rank is smaller, with zeros behind them.
        rounds: How often a filter (4 products is typical) and an orthogonalisation follow each other; at least 1.
        positive: Whether only positive eigenvalues are kept.
        num_threads: Threads; the result does not depend on it.

    Returns:
        The embedding ``[N, n_components]``, and ``map`` of the same shape: for a new node with neighbour weights
        ``a`` and ``s`` from :func:`regularized_scale`, ``(a * s) @ map`` scaled to unit length is its row.

    Example:
        >>> A = (np.ones((6, 6)) - np.eye(6)).astype(np.float32)
        >>> start = np.random.default_rng(0).standard_normal((6, 3), dtype=np.float32)
        >>> rows, _ = refine(lambda x, out: np.matmul(A / 5, x, out=out), A.sum(1), start, 1, 2)
        >>> abs(rows).ravel().tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    scale = regularized_scale(degrees)
    share = (np.asarray(degrees, dtype=np.float64) * np.square(scale, dtype=np.float64)).astype(np.float32)[:, None]

    with serial_blas(), Rows(scale, num_threads) as rows:

        def product(x: Block, out: Block) -> None:
            average(x, out)
            rows.each(lambda part: np.multiply(out[part], share[part], out=out[part]))

        rows.each(lambda part: np.multiply(start[part], scale[part, None], out=start[part]))
        q, image, spare = start, np.empty_like(start), np.empty_like(start)
        q, spare = rows.orthonormal(q, spare)
        for _ in range(rounds):
            product(q, image)
            values, axes = eigh(rows.gram(q, image))
            center, half, degree = _filter(values, n_components, positive=positive)
            rows.transform(q, axes, q)  # columns that are nearly eigenvectors keep their digits under the filter
            rows.transform(image, axes / half, image)
            if center:
                rows.each(partial(_subtract, image, center / half, q))
            for _ in range(degree - 1):
                product(image, spare)
                if center:
                    rows.each(partial(_subtract, spare, center, image))
                rows.each(partial(_recur, spare, half, q))
                q, image, spare = image, spare, q
            image, q = q, image
            q, spare = rows.orthonormal(q, spare)
        product(q, image)
        values, axes = eigh(rows.gram(q, image))
        weights = np.polyval([*FILTER[::-1], 0.0], values)
        sizes = weights if positive else np.abs(weights)
        order = np.argsort(-sizes, kind="stable")[:n_components]
        order = order[sizes[order] > _SMALLEST * np.abs(weights).max(initial=1.0)]
        axes = axes[:, order] * _signs(axes[:, order])
        embedding = np.zeros((len(q), n_components), dtype=np.float32)
        inverse = np.zeros_like(embedding)
        rows.transform(q, axes * weights[order], embedding)
        rows.transform(q, axes * (weights[order] / values[order]), inverse)
        rows.each(lambda part: _unit(embedding[part]))  # the scale of a row goes with its length
    return embedding, inverse


def principal_axes(
    x: Block, n_components: int, *, num_threads: int = 1
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The mean and the leading principal axes of the rows, which bring an over-projection down.

    Args:
        x: ``[N, K]`` float32.
        n_components: How many axes; at most K.
        num_threads: Threads; the result does not depend on it.

    Returns:
        The mean ``[K]`` and the axes ``[K, n_components]``; ``(x - mean) @ axes`` has uncorrelated columns of falling
        variance.

    Example:
        >>> x = np.array([[0, 0], [2, 2], [4, 4.1]], dtype=np.float32)
        >>> mean, axes = principal_axes(x, 1)
        >>> axes.round(2).ravel().tolist()
        [0.7, 0.72]
    """
    with serial_blas(), Rows(np.ones(len(x), dtype=np.float32), num_threads) as rows:
        mean = rows.sum(lambda part: x[part].sum(0, dtype=np.float64), x.shape[1:]) / max(len(x), 1)
        second = rows.gram(x, x) - len(x) * np.outer(mean, mean)
    _, axes = eigh(second)
    axes = axes[:, ::-1][:, :n_components]
    return mean, axes * _signs(axes)


def _signs(axes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The sign that makes the largest entry of each column positive, as an eigenvector has none of its own."""
    if not axes.size:
        return np.ones(axes.shape[1])
    largest = np.take_along_axis(axes, np.abs(axes).argmax(0)[None], 0)[0]
    return np.where(largest < 0, -1.0, 1.0)


def _filter(
    values: npt.NDArray[np.float64], n_components: int, *, positive: bool
) -> tuple[np.float32, np.float32, int]:
    """Centre and half width of the interval that a Chebyshev filter damps, between or below the leading columns; m."""
    falling = np.sort(values if positive else np.abs(values))[::-1]
    edge = max(float(falling[min(n_components, len(values) - 1)]), _SMALLEST)
    low = max(_MARGIN * min(float(falling[-1]), 0.0), -1.0) if positive else -edge
    center, half = (edge + low) / 2, (edge - low) / 2
    growth = np.arccosh(max((falling[0] - center) / half, 1.0 + 1e-9))
    return np.float32(center), np.float32(half), int(np.clip(np.arccosh(_GROWTH) / growth, 2, _LARGEST_DEGREE))


def _subtract(out: Block, factor: np.float32, before: Block, part: slice) -> None:
    """Take a multiple of some rows away."""
    out[part] -= factor * before[part]


def _recur(out: Block, half: np.float32, before: Block, part: slice) -> None:
    """The three-term recurrence of the Chebyshev polynomials, ``2 / half * out - before``, for some rows."""
    rows = out[part]
    rows *= np.float32(2) / half
    rows -= before[part]


def _unit(rows: Block) -> None:
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    norms[norms == 0] = 1
    rows /= norms[:, None].astype(np.float32)
