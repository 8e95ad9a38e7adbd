"""The nine graphlets with their orbit numbers, and the orbit spectrum of a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphx.gradco.orbits import GRAPHLETS
from graphx.plot.style import finish, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from graphx.gradco import OrbitSummary

__all__ = ["plot_graphlets", "plot_orbit_spectrum", "plot_summary"]


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
        ax = new_figure((9.0, 1.6)).add_subplot()
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
        ax = new_figure((9.0, 3.0)).add_subplot()
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
    return finish(ax, columns=4)


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
    figure = new_figure((9.0, 5.0))
    above, below = figure.subplots(2, 1, height_ratios=[3.2, 1.4])
    plot_orbit_spectrum(summary, above)
    plot_graphlets(below)
    return figure
