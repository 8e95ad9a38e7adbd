"""What FastRP averages over: the rows of a graph, by the paper's or Neo4j's convention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphx.errors import InputError
from graphx.graph import Graph

__all__ = ["Walk", "walk_of"]


@dataclass(frozen=True, slots=True)
class Walk:
    r"""Averages over neighbours, :math:`D^{-1} A`, for some rows of a graph.

    Attributes:
        indptr: int64 ``[rows + 1]``; need not begin with 0.
        indices: int32, which row of the source each entry takes.
        weights: float64 beside ``indices``; None for ones.
        by_count: D counts entries (Neo4j GDS) instead of summing their weights (the paper).
        weights_scale: A factor of all weights, used with ``by_count``.
        first_row: Which row of the source is row 0 itself.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float64] | None = None
    by_count: bool = False
    weights_scale: float = 1.0
    first_row: int = 0

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return self.indptr.size - 1

    def degrees(self) -> npt.NDArray[np.float64]:
        """D: entries or sums of weights of each row, float64 ``[rows]``."""
        counts = np.diff(self.indptr)
        if self.weights is None or self.by_count:
            return counts.astype(np.float64)
        sums = np.zeros(counts.size)
        full = np.flatnonzero(counts)
        if full.size:
            stop = int(self.indptr[-1])
            sums[full] = np.add.reduceat(self.weights[:stop], self.indptr[:-1][full])
        return sums

    def block(self, start: int, stop: int) -> Walk:
        """The same for rows ``start`` to ``stop`` only, over the same arrays."""
        return Walk(
            self.indptr[start : stop + 1],
            self.indices,
            self.weights,
            self.by_count,
            self.weights_scale,
            self.first_row + start,
        )


def walk_of(graph: Graph, convention: str = "paper", *, normalize: bool = True) -> Walk:
    """The averages of a graph as it is stored, by the paper's or Neo4j's convention.

    Args:
        graph: The graph; rows are averaged over.
        convention: ``'paper'`` or ``'gds'``.
        normalize: Rows will be scaled to unit length, so a common factor of all weights may be left out.

    Returns:
        The walk.

    Raises:
        InputError: The paper's convention, and a weight is negative.

    Example:
        >>> walk_of(Graph.from_edges([0, 1], [1, 2])).degrees().tolist()
        [1.0, 2.0, 1.0]
    """
    weights = graph.weights
    if weights is None or weights.size == 0:
        return Walk(graph.indptr, graph.indices)
    if convention == "gds":
        largest = float(np.abs(weights).max())
        scale = 1.0 / largest if normalize and largest > 0 else 1.0
        if largest * scale > float(np.finfo(np.float32).max):
            raise InputError(f"a weight is {largest:g}; expected less than 3.4e38: divide all weights by the largest")
        return Walk(graph.indptr, graph.indices, weights, by_count=True, weights_scale=scale)
    if weights.min() < 0:
        at = int(np.argmin(weights))
        raise InputError(
            f"entry {at} has the weight {weights[at]:g}; expected none below 0, as convention='paper' divides by the "
            "sum of a node's weights: use convention='gds', which divides by their number, or abs()"
        )
    return Walk(graph.indptr, graph.indices, weights)
