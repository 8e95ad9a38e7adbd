"""Draw the picture of the README: what message passing cannot see, and the graphlets that see it.

python docs/readme_picture.py docs/_static/overview.png
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import networkx
from PIL import Image

from graphx.gradco import OrbitAdjacency
from graphx.plot import plot_graphlets
from graphx.plot.style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_graph(ax: Axes, graph: networkx.Graph, places: dict[int, tuple[float, float]], title: str) -> None:
    """A small graph with the number of triangles at each node."""
    triangles = OrbitAdjacency(graph).graphlet_degrees()[:, 3]
    for a, b in graph.edges:
        ax.plot(*zip(places[a], places[b], strict=True), color="black", linewidth=1.4, zorder=1)
    for node, (x, y) in places.items():
        face = "0.25" if triangles[node] else "white"
        ink = "white" if triangles[node] else "black"
        ax.scatter([x], [y], s=260, facecolor=face, edgecolor="black", linewidth=1.2, zorder=2)
        ax.text(x, y, str(triangles[node]), color=ink, ha="center", va="center_baseline", fontsize=9, zorder=3)
    ax.set_title(title, fontsize=9)
    ax.set_aspect("equal")
    ax.set_xlim(-1.5, 1.5)
    ax.set_ylim(-1.25, 1.25)
    ax.set_axis_off()


def draw(path: str) -> None:
    figure = new_figure((9.0, 3.6))
    above, below = figure.subfigures(2, 1, height_ratios=[1.5, 1])
    left, middle, right = above.subplots(1, 3, width_ratios=[1, 1, 1.4])
    ring = networkx.cycle_graph(6)
    draw_graph(left, ring, networkx.circular_layout(ring), "a ring: no triangle")
    pair = networkx.disjoint_union(networkx.cycle_graph(3), networkx.cycle_graph(3))
    corners = {0: (-1.2, -0.6), 1: (-0.2, -0.6), 2: (-0.7, 0.4), 3: (0.2, -0.6), 4: (1.2, -0.6), 5: (0.7, 0.4)}
    draw_graph(middle, pair, corners, "two triangles: one at each node")
    right.text(
        0.0,
        0.5,
        "To message passing these twelve nodes\nare all the same, at every depth:\n"
        "each has two neighbours with two neighbours.\n\n"
        "graphx counts what differs: on how many\ngraphlets, and at which of 15 places,\n"
        "every node and every pair of nodes lies.",
        fontsize=9.5,
        va="center",
    )
    right.set_axis_off()
    plot_graphlets(below.subplots())
    figure.savefig(path, dpi=110)
    with Image.open(path) as picture:  # it has no colour: a third of the bytes
        picture.convert("L").save(path, optimize=True)


if __name__ == "__main__":
    draw(*sys.argv[1:])
