"""Curves and distributions: learning curves, variance by layer, hyperbolic radii."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from graphx.errors import InputError
from graphx.plot.style import LINES, MARKERS, finish, new_figure, tone

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

__all__ = ["plot_learning_curves", "plot_radii", "plot_variance"]


class _Layer(Protocol):
    @property
    def forward(self) -> float: ...
    @property
    def backward(self) -> float: ...
    @property
    def forward_quantiles(self) -> tuple[float, float, float]: ...
    @property
    def backward_quantiles(self) -> tuple[float, float, float]: ...


class _Report(Protocol):
    @property
    def before(self) -> Sequence[_Layer]: ...
    @property
    def after(self) -> Sequence[_Layer]: ...
    @property
    def mode(self) -> str: ...


class _Radii(Protocol):
    @property
    def by(self) -> str: ...
    @property
    def value(self) -> Any: ...
    @property
    def quantiles(self) -> Sequence[float]: ...


def plot_learning_curves(
    curves: Mapping[str, npt.ArrayLike], ax: Axes | None = None, *, xlabel: str = "epoch", ylabel: str = "loss"
) -> Axes:
    """Draw one curve or several: losses, or scores, by epoch.

    Args:
        curves: A name and its values ``[epochs]``, or ``[runs, epochs]``, of which the mean and the band from the
            lowest to the highest run are drawn; NaN is a gap.
        ax: Where to draw; without it a new figure of one axes is made (6 by 3.5 inches).
        xlabel: What the places are; they count from 1.
        ylabel: What the values are.

    Returns:
        The axes.

    Raises:
        InputError: There is no curve, or one has another shape.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from graphx.plot import plot_learning_curves
        >>> ax = plot_learning_curves({"train": [1.0, 0.5, 0.3], "valid": [[1.1, 0.8, 0.7], [1.3, 0.8, 0.9]]})
        >>> [line.get_label() for line in ax.lines], ax.lines[1].get_ydata().round(3).tolist()
        (['train', 'valid'], [1.2, 0.8, 0.8])
    """
    import numpy as np

    if not curves:
        raise InputError("there are no curves; expected a dict of a name and its values")
    if ax is None:
        ax = new_figure((6.0, 3.5)).add_subplot()
    for place, (name, values) in enumerate(curves.items()):
        runs = np.asarray(values, dtype=np.float64)
        if runs.ndim not in (1, 2) or not runs.size:
            raise InputError(f"the curve {name!r} has shape {runs.shape}; expected [epochs] or [runs, epochs]")
        runs = np.atleast_2d(runs)
        steps, colour = np.arange(1, runs.shape[1] + 1), tone(place, len(curves))
        if len(runs) > 1:
            ax.fill_between(steps, runs.min(0), runs.max(0), color=colour, alpha=0.2, linewidth=0)
        ax.plot(
            steps,
            runs.mean(0),
            color=colour,
            linestyle=LINES[place % len(LINES)],
            marker=MARKERS[place % len(MARKERS)],
            markevery=max(1, len(steps) // 8),
            markersize=4,
            label=name,
        )
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    return finish(ax)


def plot_variance(report: _Report, axes: tuple[Axes, Axes] | None = None) -> tuple[Axes, Axes]:
    """Draw the mean square by layer, its median over nodes (dashed) and the band from 5 % to 95 % of the nodes.

    Grey is the model as it is, black what :func:`graphx.nn.init.virgo_` would make of it. A mean far above its median
    says that hubs rule the mean.

    Args:
        report: What :func:`graphx.nn.init.variance_report` returns.
        axes: Two axes, forward and backward; without them a new figure is made (9 by 3.2 inches).

    Returns:
        The two axes.

    Raises:
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from graphx.nn.init import LayerVariance, VarianceReport
        >>> from graphx.plot import plot_variance
        >>> layer = LayerVariance("conv", 1.0, 0.5, (0.1, 0.9, 2.0), (0.1, 0.4, 0.9))
        >>> left, right = plot_variance(VarianceReport((layer,) * 4, (layer,) * 4, "forward"))
        >>> left.get_title(), len(left.lines)
        ('forward', 4)
    """
    if axes is None:
        left, right = new_figure((9.0, 3.2)).subplots(1, 2)
        axes = (left, right)
    for ax, what in zip(axes, ("forward", "backward"), strict=True):
        for layers, colour, marker, title in (
            (report.before, "0.55", "s", "as it is"),
            (report.after, "0.0", "o", f"virgo, {report.mode}"),
        ):
            steps = range(1, len(layers) + 1)
            band = [[_log10(q) for q in getattr(layer, f"{what}_quantiles")] for layer in layers]
            ax.fill_between(steps, [b[0] for b in band], [b[2] for b in band], color=colour, alpha=0.2, linewidth=0)
            ax.plot(steps, [b[1] for b in band], color=colour, linestyle="--")
            means = [_log10(getattr(layer, what)) for layer in layers]
            ax.plot(steps, means, color=colour, marker=marker, markersize=4, label=title)
        ax.set(xlabel="layer", ylabel="log10 mean square")
        finish(ax)
        ax.set_title(what, fontsize=10, pad=22)  # above the legend
    return axes


def plot_radii(rows: Sequence[_Radii], limits: Mapping[str, float] | None = None, ax: Axes | None = None) -> Axes:
    """Draw the radii of each group: a line from 5 to 95 per cent, a bar from 25 to 75, a dot at the median.

    Args:
        rows: What :meth:`graphx.nn.hyperbolic.HyperbolicRadius.summary` returns.
        limits: At most four radii to mark across the picture, by name; those above the picture are left out.
        ax: Where to draw; without it a new figure is made, as wide as there are groups.

    Returns:
        The axes.

    Raises:
        InputError: There is nothing to draw.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> import torch
        >>> from graphx.nn.hyperbolic import HyperbolicRadius
        >>> from graphx.plot import plot_radii
        >>> radii = HyperbolicRadius().update(torch.tensor([[0.5, 0.0], [0.0, 1.0]]), hop=torch.tensor([0, 1]))
        >>> [tick.get_text() for tick in plot_radii(radii.summary()).get_xticklabels()]
        ['hop 0', 'hop 1']
    """
    if not rows:
        raise InputError("there are no radii to draw; call update(u) first")
    if ax is None:
        ax = new_figure((max(4.0, 0.5 * len(rows) + 1.5), 3.0)).add_subplot()
    places = range(len(rows))
    low, lower, median, upper, high = zip(*(row.quantiles for row in rows), strict=True)
    ax.vlines(places, low, high, color="black", linewidth=1.0)
    heights = [b - a for a, b in zip(lower, upper, strict=True)]
    ax.bar(places, heights, bottom=lower, width=0.5, color="0.8", edgecolor="black", linewidth=0.6)
    ax.plot(places, median, "o", markersize=4, markerfacecolor="white", color="black", label="median")
    top = 1.15 * max(high)
    for (name, limit), line in zip((limits or {}).items(), ("--", ":", "-.", "-"), strict=False):
        if limit < top:
            ax.axhline(limit, color="black", linewidth=0.8, linestyle=line, label=name)
    ax.set_ylim(0, top or 1.0)
    ax.set_xticks(places, [f"{row.by} {row.value}" for row in rows], rotation=90, fontsize=8)
    ax.set_ylabel("hyperbolic radius")
    return finish(ax)


def _log10(number: float) -> float:
    return math.log10(number) if number > 0 else -math.inf
