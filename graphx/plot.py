"""Pictures: the nine graphlets with their orbit numbers, and the orbit spectrum of a graph.

matplotlib is imported on use and comes with the extra ``plot``. All pictures read in black and white.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphx.errors import InputError, MissingDependencyError
from graphx.gradco.orbits import GRAPHLETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from graphx.gradco import OrbitSummary

__all__ = ["plot_embedding", "plot_graphlets", "plot_orbit_spectrum", "plot_summary", "require_matplotlib"]


_SQUARE = ((-0.8, -0.8), (-0.8, 0.8), (0.8, 0.8), (0.8, -0.8))
_CORNER = ((-0.85, -0.7), (0.0, 0.8), (0.85, -0.7))
_STAR = ((0.0, 0.1), (0.0, 0.95), (-0.85, -0.8), (0.85, -0.8))

# Where the nodes of G0 ... G8 are drawn, each in a square of side 2.
_POINTS: tuple[tuple[tuple[float, float], ...], ...] = (
    ((0.0, -0.8), (0.0, 0.8)),
    _CORNER,
    _CORNER,
    _SQUARE,
    _STAR,
    _SQUARE,
    (_STAR[1], _STAR[0], _STAR[2], _STAR[3]),
    (_SQUARE[0], _SQUARE[1], _SQUARE[3], _SQUARE[2]),
    _SQUARE,
)
_SHADES = (("white", "black"), ("0.25", "white"), ("0.75", "black"))  # first, second, third orbit of a graphlet
_SPACING = 3.0


def plot_graphlets(ax: Axes | None = None) -> Axes:
    """Draw the nine graphlets of two to four nodes with their fifteen orbit numbers.

    Nodes that an automorphism of the graphlet maps to one another share an orbit, a number and a shade. The numbers
    are those of Przulj, "Biological network comparison using graphlet degree distribution", Bioinformatics 2007.

    Args:
        ax: Where to draw; without it a new figure of one axes is made (9 by 1.6 inches).

    Returns:
        The axes, with its frame and ticks off.

    Raises:
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from graphx.plot import plot_graphlets
        >>> ax = plot_graphlets()
        >>> sorted({int(text.get_text()) for text in ax.texts if text.get_text().isdigit()})
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
    """
    if ax is None:
        ax = _new_figure((9.0, 1.6)).add_subplot()
    for graphlet, offsets in zip(GRAPHLETS, _POINTS, strict=True):
        shift = graphlet.number * _SPACING
        points = [(x + shift, y) for x, y in offsets]
        for a, b in graphlet.edges:
            ax.plot(*zip(points[a], points[b], strict=True), color="black", linewidth=1.2, zorder=1)
        shades = dict(zip(graphlet.orbits, _SHADES, strict=False))
        for (x, y), orbit in zip(points, graphlet.node_orbits, strict=True):
            face, ink = shades[orbit]
            ax.scatter([x], [y], s=150, facecolor=face, edgecolor="black", linewidth=1.0, zorder=2)
            ax.text(x, y, str(orbit), color=ink, ha="center", va="center_baseline", fontsize=7.5, zorder=3)
        ax.text(shift, -1.5, f"G{graphlet.number} {graphlet.name}", ha="center", va="top", fontsize=7.5)
    ax.set_xlim(-1.4, _SPACING * (len(GRAPHLETS) - 1) + 1.4)
    ax.set_ylim(-2.1, 1.4)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def plot_orbit_spectrum(summary: Sequence[OrbitSummary], ax: Axes | None = None) -> Axes:
    """Draw how often each orbit adjacency occurs in a graph: bars are sums, circles numbers of non-zeros.

    The axis is logarithmic above 1 and linear below, so that a matrix without entries stays at 0.

    Args:
        summary: What :meth:`graphx.gradco.OrbitAdjacency.summary` returns, in the order of the bars.
        ax: Where to draw; without it a new figure of one axes is made (9 by 3 inches).

    Returns:
        The axes.

    Raises:
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> import graphx
        >>> from graphx.gradco import OrbitAdjacency
        >>> from graphx.plot import plot_orbit_spectrum
        >>> summary = OrbitAdjacency(graphx.data.load_graph("karate")).summary()
        >>> len(plot_orbit_spectrum(summary).patches)
        28
    """
    if ax is None:
        ax = _new_figure((9.0, 3.0)).add_subplot()
    hops = {1: ("0.8", ""), 2: ("0.55", "///"), 3: ("0.3", "")}
    for hop, (face, hatch) in hops.items():
        bars = [(place, line.total) for place, line in enumerate(summary) if line.key[0] == hop]
        if bars:
            places, totals = zip(*bars, strict=True)
            label = f"sum, {hop} hop{'s' if hop > 1 else ''}"
            ax.bar(places, totals, width=0.75, color=face, edgecolor="black", linewidth=0.6, hatch=hatch, label=label)
    counts = [line.num_nonzeros for line in summary]
    ax.plot(range(len(counts)), counts, "o", markersize=4, markerfacecolor="white", color="black", label="non-zeros")
    ax.set_yscale("symlog", linthresh=1)
    ax.set_ylim(bottom=0)
    labels = [f"{a}_{b}" for _, a, b in (line.key for line in summary)]
    ax.set_xticks(range(len(labels)), labels, rotation=90, fontsize=8)
    ax.set_xlim(-0.7, max(len(labels), 1) - 0.3)
    ax.set_xlabel("orbit adjacency (orbit of the row _ orbit of the column)")
    ax.set_ylabel("over all node pairs")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return ax


def plot_summary(summary: Sequence[OrbitSummary]) -> Figure:
    """The picture of the command: the orbit spectrum, and below it the graphlets that explain its numbers.

    Args:
        summary: As for :func:`plot_orbit_spectrum`.

    Returns:
        A figure of 9 by 5 inches, to be saved with ``figure.savefig``.

    Raises:
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> import graphx
        >>> from graphx.gradco import OrbitAdjacency
        >>> from graphx.plot import plot_summary
        >>> len(plot_summary(OrbitAdjacency(graphx.data.load_graph("karate")).summary()).axes)
        2
    """
    figure = _new_figure((9.0, 5.0))
    above, below = figure.subplots(2, 1, height_ratios=[3.2, 1.4])
    plot_orbit_spectrum(summary, above)
    plot_graphlets(below)
    return figure


def plot_embedding(embedding: npt.ArrayLike, labels: npt.ArrayLike | None = None, ax: Axes | None = None) -> Axes:
    """Draw the two principal axes of an embedding, a colour and a marker for each of the commonest labels.

    Args:
        embedding: ``[N, d]``.
        labels: Classes ``[N]`` (negative for none) or indicators ``[N, L]``, of which a node shows its commonest;
            labels beyond the eight commonest, and nodes without any, are grey dots.
        ax: Where to draw; without it a new figure of one axes is made (6 by 6 inches).

    Returns:
        The axes.

    Raises:
        InputError: Shapes disagree.
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
    x = x - x.mean(0) if len(x) else x
    _, axes = np.linalg.eigh(x.T @ x)
    points = x @ axes[:, ::-1][:, :2]
    if points.shape[1] < 2:
        points = np.hstack([points, np.zeros((len(points), 1))])
    if ax is None:
        ax = _new_figure((6.0, 6.0)).add_subplot()
    classes = _commonest(labels, len(x))
    rest = classes < 0
    ax.scatter(points[rest, 0], points[rest, 1], s=4, color="0.7", linewidths=0, rasterized=True)
    for number, marker in zip(range(classes.max(initial=-1) + 1), "o^sDvP*X", strict=False):
        chosen = classes == number
        name = str(int(_order(labels)[number]))
        ax.scatter(points[chosen, 0], points[chosen, 1], s=9, marker=marker, linewidths=0, label=name, rasterized=True)
    if (~rest).any():
        ax.legend(title="label", fontsize=7.5, title_fontsize=7.5)
    ax.set_xlabel("first principal axis")
    ax.set_ylabel("second principal axis")
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


def require_matplotlib() -> None:
    """Refuse to draw, before any work, where matplotlib is missing.

    Raises:
        MissingDependencyError: matplotlib is not installed; the message names the command that installs it.

    Example:
        >>> from graphx.plot import require_matplotlib
        >>> require_matplotlib()
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            'graphx.plot needs matplotlib, which is not installed; pip install "graphx-pyg[plot]"'
        ) from error


def _new_figure(size: tuple[float, float]) -> Figure:
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    return figure
