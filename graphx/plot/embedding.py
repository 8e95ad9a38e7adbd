"""An embedding as a scatter of its two principal axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphx.errors import InputError
from graphx.plot.style import MARKERS, finish, new_figure, tone

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes

__all__ = ["plot_embedding"]


def plot_embedding(embedding: npt.ArrayLike, labels: npt.ArrayLike | None = None, ax: Axes | None = None) -> Axes:
    """Draw the two principal axes of an embedding, a marker and a shade for each of the commonest labels.

    Args:
        embedding: ``[N, d]``.
        labels: Classes ``[N]`` (negative for none) or indicators ``[N, L]``, of which a node shows its commonest;
            labels beyond the eight commonest, and nodes without any, are grey dots.
        ax: Where to draw; without it a new figure of one axes is made (6 by 6 inches).

    Returns:
        The axes.

    Raises:
        InputError: Shapes disagree, or a number is not finite.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from graphx.plot import plot_embedding
        >>> ax = plot_embedding([[0, 0], [1, 0], [5, 1]], labels=[0, 0, 1])
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['0', '1']
    """
    import numpy as np

    x = np.asarray(embedding, dtype=np.float64)
    if x.ndim != 2 or not x.shape[1]:
        raise InputError(f"the embedding has shape {x.shape}; expected [N, d]")
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise InputError(f"entry [{row}, {column}] of the embedding is {x[row, column]}; expected finite numbers")
    x = x - x.mean(0) if len(x) else x
    _, axes = np.linalg.eigh(x.T @ x)
    points = x @ axes[:, ::-1][:, :2]
    if points.shape[1] < 2:
        points = np.hstack([points, np.zeros((len(points), 1))])
    if ax is None:
        ax = new_figure((6.0, 6.0)).add_subplot()
    classes = _commonest(labels, len(x))
    rest = classes < 0
    ax.scatter(points[rest, 0], points[rest, 1], s=4, color="0.7", linewidths=0, rasterized=True)
    size = min(30.0, max(6.0, 3000 / max(len(x), 1)))
    for number in range(classes.max(initial=-1) + 1):
        chosen = classes == number
        ax.scatter(
            points[chosen, 0],
            points[chosen, 1],
            s=size,
            marker=MARKERS[number],
            color=tone(number, int(classes.max()) + 1),
            linewidths=0,
            label=str(int(_order(labels)[number])),
            rasterized=True,
        )
    ax.set_xlabel("first principal axis")
    ax.set_ylabel("second principal axis")
    finish(ax, columns=8)
    if (legend := ax.get_legend()) is not None:
        legend.set_title("label")
    return ax


def _order(labels: npt.ArrayLike | None) -> npt.NDArray[np.int64]:
    """The labels, the commonest first."""
    import numpy as np

    y = np.asarray(labels)
    if y.ndim == 2:
        return np.argsort(-y.sum(0), kind="stable")
    known, counts = np.unique(y[y >= 0], return_counts=True)
    return known[np.argsort(-counts, kind="stable")].astype(np.int64)


def _commonest(labels: npt.ArrayLike | None, num_nodes: int) -> npt.NDArray[np.int64]:
    """The place of each node's label among the eight commonest, -1 for none."""
    import numpy as np

    found = np.full(num_nodes, -1, dtype=np.int64)
    if labels is None:
        return found
    y = np.asarray(labels)
    if y.ndim not in (1, 2) or len(y) != num_nodes:
        raise InputError(f"labels have shape {y.shape} and there are {num_nodes} rows; expected a row for each node")
    for place, label in reversed(list(enumerate(_order(y)[:8]))):
        found[y == label if y.ndim == 1 else y[:, label].astype(bool)] = place
    return found
