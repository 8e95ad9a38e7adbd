"""Graphs made from a graph: undirected, without loops, weights or names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from graphx._checks import Duplicates
from graphx.errors import InputError

if TYPE_CHECKING:
    from graphx.graph import Graph

__all__ = ["Derivations"]


class Derivations:
    """What Graph makes of itself (a base class only to keep graph.py short).

    It has no arguments and no fields of its own: it reads those of the Graph that it is a part of.
    """

    __slots__ = ()

    def to_undirected(self, *, duplicates: Literal["merge", "sum"] = "merge") -> Graph:
        """The undirected graph with an edge wherever this one has ``(u, v)`` or ``(v, u)``.

        Args:
            duplicates: What happens to a pair stored in both directions of a weighted graph: ``'merge'`` expects
                equal weights, ``'sum'`` adds the two (so every such weight of a symmetric graph doubles).

        Returns:
            An undirected graph; ``report.symmetrised`` counts the entries added.

        Raises:
            InputError: ``(u, v)`` and ``(v, u)`` have different weights and ``duplicates='merge'``, or `duplicates` is
                neither.

        Example:
            >>> from graphx import Graph
            >>> Graph.from_edges([0, 1, 1], [1, 0, 2], directed=True).to_undirected()
            Graph(num_nodes=3, num_edges=2, undirected)
        """
        graph = cast("Graph", self)
        if duplicates not in ("merge", "sum"):
            raise InputError(f"duplicates={duplicates!r}; expected 'merge' or 'sum'")
        if duplicates == "merge" and graph.is_undirected:
            return graph
        mode: Duplicates = duplicates if graph.is_weighted else "merge"
        made = graph.from_edges(*graph._coo(), graph._weights, num_nodes=graph.num_nodes, duplicates=mode)
        report = replace(graph._report, symmetrised=graph._report.symmetrised + graph._known()[2])
        return graph._trusted(made._indptr, made._indices, made._weights, graph._names, report)

    def without_self_loops(self) -> Graph:
        """The graph without edges ``(u, u)``; itself when it has none.

        Returns:
            A graph on the same nodes; ``report.self_loops_dropped`` counts them.

        Example:
            >>> from graphx import Graph
            >>> Graph.from_edges([0, 0], [0, 1]).without_self_loops().num_edges
            1
        """
        graph = cast("Graph", self)
        if not graph.has_self_loops:
            return graph
        rows, columns = graph._coo()
        keep = rows != columns
        indptr = np.zeros(graph.num_nodes + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows[keep], minlength=graph.num_nodes), out=indptr[1:])
        weights = None if graph._weights is None else graph._weights[keep]
        report = replace(graph._report, self_loops_dropped=graph._report.self_loops_dropped + graph.num_self_loops)
        return graph._trusted(indptr, graph._indices[keep], weights, graph._names, report)

    def without_weights(self) -> Graph:
        """The graph with the same edges and no weights; itself when it has none.

        Returns:
            An unweighted graph over the same arrays.

        Example:
            >>> from graphx import Graph
            >>> Graph.from_edges([0], [1], [2.5]).without_weights().is_weighted
            False
        """
        graph = cast("Graph", self)
        if graph._weights is None:
            return graph
        report = replace(graph._report, weights_dropped=True)
        return graph._trusted(graph._indptr, graph._indices, None, graph._names, report)

    def without_names(self) -> Graph:
        """The graph with its nodes called ``0..N-1``; itself when they are.

        Returns:
            A graph over the same arrays.

        Example:
            >>> from graphx import Graph
            >>> Graph.from_edges([0], [1], names=["a", "b"]).without_names().names is None
            True
        """
        graph = cast("Graph", self)
        if graph._names is None:
            return graph
        return graph._trusted(graph._indptr, graph._indices, graph._weights, None, graph._report)
