"""HyperbolicRadius: where in the ball an embedding sits, by layer, class and hop."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.hyperbolic import _plain
from graphx.nn.hyperbolic._inputs import check_curvature, check_vectors, refuse_points, refuse_vectors
from graphx.nn.hyperbolic._scalar import atanhc

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HyperbolicRadius", "RadiusSummary"]

_QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_PROJECTION: Final = 1 - 4e-3  # where geoopt, hypll and hgcn put every longer float32 vector


@dataclass(frozen=True, slots=True)
class RadiusSummary:
    """Hyperbolic radii of one group of points.

    Attributes:
        by: ``"layer"``, ``"class"`` or ``"hop"``.
        value: Which layer, class or hop.
        num_points: How many points.
        mean: Mean radius.
        quantiles: The radii that 5, 25, 50, 75 and 95 per cent of the points do not exceed.
        past_projection: Share of points past ``2/sqrt(c) artanh(1 - 4e-3)``, which the usual projection of other
            libraries moves to one sphere.
        past_float32: Share of points past :attr:`HyperbolicRadius.float32_limit`, which no float32 point of the ball
            can tell from one another.

    Example:
        >>> import torch
        >>> from graphx.nn.hyperbolic import HyperbolicRadius
        >>> HyperbolicRadius().update(torch.tensor([[3.0, 4.0]])).summary()[0].mean
        10.0
    """

    by: str
    value: str | int
    num_points: int
    mean: float
    quantiles: tuple[float, float, float, float, float]
    past_projection: float
    past_float32: float


class HyperbolicRadius:
    r"""Collect hyperbolic radii, and summarise them by layer, class and hop.

    .. math::

        \operatorname{Rad}(\exp_0 u) = 2\,|u|, \qquad
        \operatorname{Rad}(x) = \frac{2}{\sqrt{c}} \operatorname{artanh}(\sqrt{c}\,|x|)

    The diagnosis behind H4G, https://arxiv.org/abs/2510.12094, is that embeddings sit at radii so large that their
    scales are compressed ("over-abstraction"). Two limits are reported beside the radii, as both produce that picture
    by numerics alone: where float32 coordinates end, and where the usual projection puts all longer vectors on one
    sphere. The diagnosis as a tool, for any embedding, is ours.

    Args:
        c: The curvature is ``-c``; positive.

    Raises:
        InputError: ``c`` is not positive.

    Example:
        >>> import torch
        >>> from graphx.nn.hyperbolic import HyperbolicRadius
        >>> radius = HyperbolicRadius(c=1.0)
        >>> u = torch.tensor([[0.0, 1.0], [3.0, 4.0], [0.0, 20.0]])
        >>> _ = radius.update(u, layer="input", label=torch.tensor([0, 1, 1]))
        >>> print(radius)
        by     value  points   mean     5%    25%    50%    75%    95%  past projection  past float32
        layer  input       3  17.33    2.8      6     10     25     37            66.7%         33.3%
        class      0       1      2      2      2      2      2      2             0.0%          0.0%
        class      1       2     25   11.5   17.5     25   32.5   38.5           100.0%         50.0%
    """

    def __init__(self, c: float = 1.0) -> None:
        self.c = float(check_curvature(c, torch.device("cpu")))
        self._parts: list[dict[str, npt.NDArray[Any]]] = []

    @property
    def float32_limit(self) -> float:
        """The radius of the last float32 below the rim, ``2/sqrt(c) artanh(1 - 2^-24)``, about ``17.3/sqrt(c)``."""
        return 2 / math.sqrt(self.c) * math.atanh(1 - 2.0**-24)

    @property
    def projection_limit(self) -> float:
        """The radius where other libraries project float32 points, ``2/sqrt(c) artanh(1 - 4e-3)``: ``6.2/sqrt(c)``."""
        return 2 / math.sqrt(self.c) * math.atanh(_PROJECTION)

    def update(
        self,
        u: Tensor,
        *,
        layer: str | int | None = None,
        label: Tensor | None = None,
        hop: Tensor | int | None = None,
        space: Literal["tangent", "ball"] = "tangent",
    ) -> HyperbolicRadius:
        """Add the radii of some points.

        Args:
            u: ``[N, D]``: tangent vectors at the origin (any Euclidean embedding), or points with ``space="ball"``.
            layer: The layer that they come from; None counts them in no layer's group, and as layer ``"all"`` where no
                group is given at all.
            label: The class of each point ``[N]``, whole numbers; negative for none.
            hop: The number of hops of each point ``[N]``, or one number for all (features after ``hop`` propagations).
            space: What ``u`` is.

        Returns:
            This object, so that calls can be chained.

        Raises:
            InputError: ``u`` is no matrix or not finite, a point is not in the ball, or lengths differ.
        """
        check_vectors(u, "u")
        if u.dim() != 2:
            raise InputError(f"u has shape {list(u.shape)}; expected [N, D]")
        if space not in ("tangent", "ball"):
            raise InputError(f"space is {space!r}; expected 'tangent' or 'ball'")
        squares = _plain.square(u.detach()).squeeze(1)
        if space == "ball":
            refuse_points(self.c * squares, "u")
            radii = 2 * atanhc(self.c * squares) * squares.sqrt()
        else:
            refuse_vectors(squares, "u")
            radii = 2 * squares.sqrt()
        size = u.size(0)
        part: dict[str, npt.NDArray[Any]] = {"radius": radii.cpu().numpy()}
        if layer is None and label is None and hop is None:
            layer = "all"
        if layer is not None:
            part["layer"] = np.full(size, layer, dtype=object)
        if label is not None:
            part["class"] = _groups(label, size, "label")
        if hop is not None:
            part["hop"] = np.full(size, hop) if isinstance(hop, int) else _groups(hop, size, "hop")
        self._parts.append(part)
        return self

    def radii(self, by: str | None = None, value: str | int | None = None) -> npt.NDArray[np.float64]:
        """The radii themselves.

        Args:
            by: ``"layer"``, ``"class"`` or ``"hop"``; None for all points.
            value: Which layer, class or hop.

        Returns:
            ``[N]`` float64, in the order of the updates.

        Raises:
            InputError: ``by`` is another word.
        """
        if by not in (None, "layer", "class", "hop"):
            raise InputError(f"by is {by!r}; expected 'layer', 'class', 'hop' or None")
        parts = [
            part["radius"] if by is None else part["radius"][part[by] == value]
            for part in self._parts
            if by is None or by in part
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def summary(self) -> list[RadiusSummary]:
        """One entry for each layer, then each class, then each hop; layers in order of their first update.

        Returns:
            The entries; print the object for a table.
        """
        rows = []
        for by in ("layer", "class", "hop"):
            values = [v for part in self._parts if by in part for v in dict.fromkeys(part[by].tolist())]
            found = dict.fromkeys(values) if by == "layer" else sorted({v for v in values if v >= 0})
            rows += [self._summarize(by, value) for value in found]
        return rows

    def _summarize(self, by: str, value: str | int) -> RadiusSummary:
        radii = self.radii(by, value)
        low, lower, median, upper, high = (float(q) for q in np.quantile(radii, _QUANTILES))
        return RadiusSummary(
            by,
            value,
            radii.size,
            float(radii.mean()),
            (low, lower, median, upper, high),
            float((radii > self.projection_limit).mean()),
            float((radii > self.float32_limit).mean()),
        )

    def __str__(self) -> str:
        head = ["by", "value", "points", "mean", *(f"{q:.0%}" for q in _QUANTILES), "past projection", "past float32"]
        lines = [head]
        for row in self.summary():
            numbers = [f"{x:.4g}" for x in (row.mean, *row.quantiles)]
            shares = [f"{row.past_projection:.1%}", f"{row.past_float32:.1%}"]
            lines.append([row.by, str(row.value), f"{row.num_points:,}", *numbers, *shares])
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        widths[3:9] = [max(5, width) for width in widths[3:9]]
        table = ("  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines)
        return "\n".join(line.rstrip() for line in table)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the radii of each group: a line from 5 to 95 per cent, a bar from 25 to 75, a dot at the median.

        The dashed line is where float32 ends, the dotted one where the usual projection puts all longer vectors.

        Args:
            ax: Where to draw; without it a new figure of one axes is made.

        Returns:
            The axes.

        Raises:
            MissingDependencyError: matplotlib is not installed.
            InputError: There is nothing to draw.
        """
        from graphx.plot import plot_radii

        limits = {"float32 ends": self.float32_limit, "usual projection": self.projection_limit}
        return plot_radii(self.summary(), limits, ax)


def _groups(values: Tensor, size: int, name: str) -> npt.NDArray[Any]:
    found = torch.as_tensor(values).detach().cpu().numpy()
    if found.shape != (size,) or found.dtype.kind not in "iu":
        raise InputError(f"{name} has shape {list(found.shape)} and type {found.dtype}; expected {size} whole numbers")
    return found
