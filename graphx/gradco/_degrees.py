"""The compiled counter of a graph, and the graphlet degrees that need no matrix."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from graphx import _core
from graphx._threads import resolve_threads
from graphx.errors import CapacityError, InputError
from graphx.graph import Graph, as_graph

__all__ = ["GraphletDegrees", "Progress"]

Progress = Callable[[str, int, int], object]
"""Called as ``progress(stage, done, total)`` on the calling thread, at most every 50 ms."""


class GraphletDegrees:
    """What OrbitAdjacency counts of nodes and edges (a base class only to keep count.py short).

    Args:
        graph: Whatever :func:`graphx.as_graph` reads; undirected, without loops and weights.
        num_threads: How many threads count; None for all processors.
        progress: Called with the stage, what is done and the total; None for no report.

    Attributes:
        graph: The graph that is counted.
    """

    def __init__(self, graph: Any, *, num_threads: int | None = None, progress: Progress | None = None) -> None:
        self.graph: Graph = _simple(as_graph(graph))
        self._threads = resolve_threads(num_threads)
        self._progress = progress
        self._wide = self.graph.max_degree > _core.MAX_DEGREE_INT32 or os.environ.get("GRAPHX_FORCE_INT64") == "1"
        self._made: _core.OrbitCounter | None = None

    @property
    def _shape(self) -> tuple[int, int]:
        return self.graph.num_nodes, self.graph.num_nodes

    @property
    def _counter(self) -> _core.OrbitCounter:
        if self._made is None:
            graph = self.graph
            self._made = self._run(
                "triangles, cliques and cycles",
                5 * graph.num_nodes,
                lambda *rest: _core.count_orbits(graph.indptr, graph.indices, self._wide, *rest),
            )
        return self._made

    def _run(self, stage: str, total: int, work: Callable[..., Any], *args: Any) -> Any:
        progress = self._progress
        if progress is None:
            return work(*args, self._threads, None)
        made = work(*args, self._threads, lambda done: progress(stage, min(done, total), total))
        progress(stage, total, total)
        return made

    @property
    def num_triangles(self) -> int:
        """The number of triangles of the graph."""
        return self._counter.facts()["num_triangles"]

    def graphlet_degrees(self) -> npt.NDArray[np.int64]:
        r"""The graphlet degree vector of every node: how many graphlets touch it on each orbit 0..14.

        Returns:
            int64 ``[N, 15]``, C-contiguous.

        Example:
            >>> import networkx as nx
            >>> from graphx.gradco import OrbitAdjacency
            >>> OrbitAdjacency(nx.complete_graph(4)).graphlet_degrees()[0].tolist()
            [3, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]

        References:
            Przulj, "Biological network comparison using graphlet degree distribution", Bioinformatics 23 (2007).
        """
        degrees: npt.NDArray[np.int64] = self._run(
            "graphlet degrees", self.graph.num_nodes, self._counter.graphlet_degrees
        )
        return degrees

    def edges(self) -> npt.NDArray[np.int32]:
        """The edges in the order of :meth:`edge_graphlet_degrees`.

        Returns:
            int32 ``[M, 2]``, ``u < v``, ascending.

        Example:
            >>> import networkx as nx
            >>> from graphx.gradco import OrbitAdjacency
            >>> OrbitAdjacency(nx.cycle_graph(3)).edges().tolist()
            [[0, 1], [0, 2], [1, 2]]
        """
        sources = np.repeat(np.arange(self.graph.num_nodes, dtype=np.int32), np.diff(self.graph.indptr))
        upper = sources < self.graph.indices
        return np.stack([sources[upper], self.graph.indices[upper]], axis=1)

    def edge_graphlet_degrees(self) -> npt.NDArray[np.int32] | npt.NDArray[np.int64]:
        """How many graphlets touch every edge on each of the 12 edge orbits of the graphlets G1..G8.

        Column ``k`` has the orbits ``EDGE_ORBITS[k]`` at the ends of the edge.

        Returns:
            ``[M, 12]``, rows in the order of :meth:`edges`; int32 up to maximum degree 32,767, else int64.

        Example:
            >>> import networkx as nx
            >>> from graphx.gradco import OrbitAdjacency
            >>> OrbitAdjacency(nx.cycle_graph(4)).edge_graphlet_degrees()[0].tolist()
            [2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        """
        degrees: npt.NDArray[np.int32] | npt.NDArray[np.int64] = self._run(
            "edge graphlet degrees", self.graph.num_nodes, self._counter.edge_graphlet_degrees
        )
        return degrees


def _simple(graph: Graph) -> Graph:
    """The graph itself if graphlets are defined on it."""
    if graph.is_weighted:
        raise InputError("the graph has weights, and graphlets are defined without: call graph.without_weights() first")
    if graph.has_self_loops:
        raise InputError(
            f"the graph has {graph.num_self_loops} self-loops, and graphlets have none: "
            "call graph.without_self_loops() first"
        )
    if not graph.is_undirected:
        raise InputError("the graph is directed, and graphlets are undirected: call graph.to_undirected() first")
    if graph.indices.size >= 2**32:
        raise CapacityError(f"the graph has {graph.indices.size // 2:,} edges; expected fewer than 2^31")
    return graph
