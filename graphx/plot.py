"""Pictures: the nine graphlets with their orbit numbers, and the orbit spectrum of a graph.

matplotlib is imported on use and comes with the extra ``plot``. All pictures read in black and white.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from graphx.errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = ["plot_graphlets", "plot_orbit_spectrum"]


class Drawing(NamedTuple):
    """How one graphlet is drawn.

    Attributes:
        title: The graphlet's number and name.
        orbits: Orbit of each of its nodes.
        edges: Its edges, as pairs of positions in ``orbits``.
        points: Where each node is drawn, in the square ``[-1, 1] x [-1, 1]``.
    """

    title: str
    orbits: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]
    points: tuple[tuple[float, float], ...]


_SQUARE = ((-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8))
_RING = ((0, 1), (1, 2), (2, 3), (3, 0))
_TRIANGLE = ((-0.85, -0.7), (0.85, -0.7), (0.0, 0.8))

_STAR = ((0.0, 0.1), (0.0, 0.95), (-0.85, -0.8), (0.85, -0.8))

#: G0 ... G8, in order.
DRAWINGS = (
    Drawing("G0 edge", (0, 0), ((0, 1),), ((0.0, -0.8), (0.0, 0.8))),
    Drawing("G1 path of 3", (1, 1, 2), ((0, 2), (2, 1)), _TRIANGLE),
    Drawing("G2 triangle", (3, 3, 3), ((0, 1), (1, 2), (2, 0)), _TRIANGLE),
    Drawing("G3 path of 4", (4, 4, 5, 5), ((0, 3), (3, 2), (2, 1)), _SQUARE),
    Drawing("G4 claw", (7, 6, 6, 6), ((0, 1), (0, 2), (0, 3)), _STAR),
    Drawing("G5 square", (8, 8, 8, 8), _RING, _SQUARE),
    Drawing("G6 paw", (11, 9, 10, 10), ((0, 1), (0, 2), (0, 3), (2, 3)), _STAR),
    Drawing("G7 diamond", (13, 12, 13, 12), (*_RING, (0, 2)), _SQUARE),
    Drawing("G8 clique of 4", (14, 14, 14, 14), (*_RING, (0, 2), (1, 3)), _SQUARE),
)
_SHADES = (("white", "black"), ("0.25", "white"), ("0.75", "black"))  # first, second, third orbit of a graphlet
_SPACING = 3.0


class SummaryLine(Protocol):
    """What the spectrum reads of one matrix; :class:`graphx.gradco.OrbitSummary` has it.

    Attributes:
        key: ``(hop, o1, o2)``.
        num_nonzeros: Number of stored entries.
        total: Sum of all entries.
    """

    @property
    def key(self) -> tuple[int, int, int]: ...
    @property
    def num_nonzeros(self) -> int: ...
    @property
    def total(self) -> int: ...


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
        ax = _new_axes((9.0, 1.6))
    for number, drawing in enumerate(DRAWINGS):
        shift = number * _SPACING
        points = [(x + shift, y) for x, y in drawing.points]
        for a, b in drawing.edges:
            ax.plot(*zip(points[a], points[b], strict=True), color="black", linewidth=1.2, zorder=1)
        shades = dict(zip(sorted(set(drawing.orbits)), _SHADES, strict=False))
        for (x, y), orbit in zip(points, drawing.orbits, strict=True):
            face, ink = shades[orbit]
            ax.scatter([x], [y], s=150, facecolor=face, edgecolor="black", linewidth=1.0, zorder=2)
            ax.text(x, y, str(orbit), color=ink, ha="center", va="center_baseline", fontsize=7.5, zorder=3)
        ax.text(shift, -1.5, drawing.title, ha="center", va="top", fontsize=7.5)
    ax.set_xlim(-1.4, _SPACING * (len(DRAWINGS) - 1) + 1.4)
    ax.set_ylim(-2.1, 1.4)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def plot_orbit_spectrum(summary: Sequence[SummaryLine], ax: Axes | None = None) -> Axes:
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
        ax = _new_axes((9.0, 3.0))
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


def _new_axes(size: tuple[float, float]) -> Axes:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            'graphx.plot needs matplotlib, which is not installed; pip install "graphx-pyg[plot]"'
        ) from error
    figure = Figure(figsize=size, layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    return figure.add_subplot()
