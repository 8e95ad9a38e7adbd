"""The one style of all pictures: what tells things apart is shape, line or lightness, never hue alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphx.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["LINES", "MARKERS", "finish", "new_figure", "require_matplotlib", "tone"]

MARKERS = "o^sDvP*X"
LINES = ("-", "--", ":", "-.")


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


def new_figure(size: tuple[float, float]) -> Figure:
    """A figure that belongs to no window and no global state.

    Args:
        size: Width and height in inches.

    Returns:
        An empty figure, to be saved with ``figure.savefig``.

    Raises:
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from graphx.plot.style import new_figure
        >>> new_figure((4, 3)).axes
        []
    """
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    return figure


def tone(place: int, count: int) -> tuple[float, float, float]:
    """The colour of one of several things: from dark to light, so that a grey print keeps them apart.

    Args:
        place: Which one, from 0.
        count: Of how many.

    Returns:
        Red, green and blue of matplotlib's cividis, which colour-blind readers see as others do.

    Raises:
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from graphx.plot.style import tone
        >>> sum(tone(0, 3)) < sum(tone(1, 3)) < sum(tone(2, 3))
        True
    """
    require_matplotlib()
    from matplotlib import colormaps

    red, green, blue, _ = map(float, colormaps["cividis"](0.78 * place / max(count - 1, 1)))
    return red, green, blue


def finish(ax: Axes, *, columns: int = 3) -> Axes:
    """Take off the frame's upper and right side, and set the legend, if there is one, above the picture.

    Args:
        ax: The axes, with everything drawn.
        columns: Of the legend.

    Returns:
        The same axes.

    Example:
        >>> from graphx.plot.style import finish, new_figure
        >>> finish(new_figure((4, 3)).add_subplot()).get_legend() is None
        True
    """
    ax.spines[["top", "right"]].set_visible(False)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False, fontsize=8, ncols=columns, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return ax
