"""Pictures, in one style that reads in black and white: graphlets, spectra, embeddings, layers, radii, curves.

matplotlib is imported on use and comes with the extra ``plot``. Every function draws into the axes it is given, or
makes a figure of its own, and returns the axes; ``axes.figure.savefig("name.pdf")`` writes it.
"""

from __future__ import annotations

from graphx.plot.curves import plot_learning_curves, plot_radii, plot_variance
from graphx.plot.embedding import plot_embedding
from graphx.plot.graphlets import plot_graphlets, plot_orbit_spectrum, plot_summary
from graphx.plot.style import require_matplotlib

__all__ = [
    "plot_embedding",
    "plot_graphlets",
    "plot_learning_curves",
    "plot_orbit_spectrum",
    "plot_radii",
    "plot_summary",
    "plot_variance",
    "require_matplotlib",
]
