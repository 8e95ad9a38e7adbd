"""Graph from and to scipy, networkx, igraph and PyG: strict, each library imported on use."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import numpy.typing as npt

from graphx._checks import Duplicates, SelfLoops
from graphx._labels import edge_arrays, edge_attribute, names_and_rows, node_labels
from graphx.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from graphx.graph import Graph

__all__ = ["Conversions", "convert"]


class Conversions:
    """The conversions of Graph (a base class only to keep graph.py short).

    It has no arguments and no fields of its own: it reads those of the Graph that it is a part of.
    """

    __slots__ = ()

    @staticmethod
    def from_scipy(
        matrix: Any,
        *,
        symmetrize: bool = False,
        weighted: bool | None = None,
        duplicates: Duplicates = "error",
        self_loops: SelfLoops = "keep",
        explicit_zeros: Literal["error", "drop", "keep"] = "error",
        names: Sequence[str] | npt.NDArray[Any] | None = None,
        num_threads: int | None = None,
    ) -> Graph:
        """A graph whose adjacency matrix is a square scipy sparse matrix or array, of any format.

        Args:
            matrix: Sparse ``[N, N]``; an asymmetric one gives a directed graph.
            symmetrize: Add ``(v, u)`` for every ``(u, v)`` that lacks it.
            weighted: Whether the values are weights; by default they are unless every one is 1.
            duplicates: As in :meth:`Graph.from_edges`, for entries stored more than once (COO).
            self_loops: As in :meth:`Graph.from_edges`, for the diagonal.
            explicit_zeros: Stored zeros: an error, dropped (no edge), or kept (an edge of weight 0).
            names: Names of the nodes.
            num_threads: Threads; None for all processors.

        Returns:
            The graph.

        Raises:
            InputError: Not sparse, not square, complex, not finite, or one of the cases above.

        Example:
            >>> import scipy.sparse
            >>> from graphx.graph import Graph
            >>> Graph.from_scipy(scipy.sparse.coo_array(([1, 1], ([0, 1], [1, 0])), shape=(2, 2)))
            Graph(num_nodes=2, num_edges=1, undirected)
        """
        from graphx.graph import Graph

        if not _is_sparse(matrix):
            raise InputError(f"from_scipy got a {type(matrix).__name__}; expected a scipy sparse matrix or array")
        if len(matrix.shape) != 2 or matrix.shape[0] != matrix.shape[1]:
            raise InputError(f"the matrix has shape {matrix.shape}; expected a square adjacency matrix")
        coo: Any = matrix.tocoo()
        if coo.dtype.kind not in "fiub":
            raise InputError(f"the matrix holds {coo.dtype}; expected real numbers: pass abs(matrix) or matrix.real")
        rows, columns, values = coo.row, coo.col, coo.data
        zeros = 0 if values.size == 0 else int(values.size - np.count_nonzero(values))
        if zeros and explicit_zeros == "error":
            at = int(np.argmin(values != 0))
            raise InputError(
                f"the matrix stores {zeros} explicit zeros, the first at ({rows[at]}, {columns[at]}); pass "
                "explicit_zeros='drop' if they are no edges (or call eliminate_zeros()), 'keep' if they are edges"
            )
        if zeros and explicit_zeros == "drop":
            keep = values != 0
            rows, columns, values = rows[keep], columns[keep], values[keep]
        weights = values if _has_weights(values, weighted) else None
        graph = Graph.from_edges(
            rows,
            columns,
            weights,
            num_nodes=matrix.shape[0],
            names=names,
            directed=True,
            duplicates="merge" if duplicates == "sum" and weights is None else duplicates,
            self_loops=self_loops,
            num_threads=num_threads,
        )
        report = replace(
            graph.report,
            edges_read=coo.data.size,
            zeros_dropped=zeros if explicit_zeros == "drop" else 0,
            weights_dropped=weighted is False and bool(np.any(values != 1)),
        )
        graph = Graph._trusted(graph.indptr, graph.indices, graph.weights, graph.names, report)
        return graph.to_undirected() if symmetrize else graph

    @staticmethod
    def from_networkx(
        graph: Any,
        *,
        weight: str | None = "weight",
        duplicates: Duplicates = "error",
        self_loops: SelfLoops = "keep",
    ) -> Graph:
        """A graph from a networkx graph of any class.

        Nodes keep the order of ``graph.nodes`` and their names (``str(node)`` unless all are integers); nodes that
        are exactly the integers ``0..N-1`` become those rows and need no names.

        Args:
            graph: A networkx ``Graph``, ``DiGraph``, ``MultiGraph`` or ``MultiDiGraph``.
            weight: The edge attribute that holds weights; absent from every edge means unweighted, None ignores it.
            duplicates: As in :meth:`Graph.from_edges`, for the parallel edges of a multigraph.
            self_loops: As in :meth:`Graph.from_edges`.

        Returns:
            The graph, directed if `graph` is.

        Raises:
            InputError: Some edges have the attribute and some have not, two nodes have the same text, or an edge is
                a duplicate or loop that was not to be there.

        Example:
            >>> import networkx
            >>> from graphx.graph import Graph
            >>> Graph.from_networkx(networkx.karate_club_graph(), weight=None)
            Graph(num_nodes=34, num_edges=78, undirected)
        """
        nodes = list(graph.nodes)
        names, position = names_and_rows(nodes)
        edges = list(graph.edges(data=weight, default=None)) if weight is not None else list(graph.edges())
        sources = np.fromiter((position[e[0]] for e in edges), dtype=np.int64, count=len(edges))
        targets = np.fromiter((position[e[1]] for e in edges), dtype=np.int64, count=len(edges))
        weights = edge_attribute([e[-1] for e in edges], weight) if weight is not None else None
        return _edges_to_graph(
            sources, targets, weights, len(nodes), names, graph.is_directed(), duplicates, self_loops
        )

    @staticmethod
    def from_igraph(
        graph: Any,
        *,
        weight: str | None = "weight",
        duplicates: Duplicates = "error",
        self_loops: SelfLoops = "keep",
    ) -> Graph:
        """A graph from an igraph graph; the vertex attribute ``name``, where there is one, gives the names.

        Args:
            graph: An ``igraph.Graph``.
            weight: The edge attribute that holds weights; absent means unweighted, None ignores it.
            duplicates: As in :meth:`Graph.from_edges`.
            self_loops: As in :meth:`Graph.from_edges`.

        Returns:
            The graph, directed if `graph` is.

        Raises:
            InputError: As :meth:`Graph.from_edges`.
        """
        edges = np.asarray(graph.get_edgelist(), dtype=np.int64).reshape(-1, 2)
        weighted = weight is not None and weight in graph.es.attributes()
        weights = edge_attribute(list(graph.es[weight]), cast("str", weight)) if weighted else None
        names = list(graph.vs["name"]) if "name" in graph.vs.attributes() else None
        return _edges_to_graph(
            edges[:, 0], edges[:, 1], weights, graph.vcount(), names, graph.is_directed(), duplicates, self_loops
        )

    @staticmethod
    def from_pyg(data: Any, *, duplicates: Duplicates = "error", self_loops: SelfLoops = "keep") -> Graph:
        """A graph from a PyG ``Data``: its ``edge_index``, ``edge_weight`` and ``num_nodes``.

        ``edge_index`` lists directed edges, so an undirected graph is one that lists both directions, as PyG's
        undirected data sets do. Node features, labels and ``edge_attr`` are not part of a Graph.

        Args:
            data: An object with ``edge_index`` ``[2, E]`` and ``num_nodes``.
            duplicates: As in :meth:`Graph.from_edges`.
            self_loops: As in :meth:`Graph.from_edges`.

        Returns:
            The graph; ``is_undirected`` says whether both directions were there.

        Raises:
            InputError: There is no ``edge_index``, or as :meth:`Graph.from_edges`.
        """
        from graphx.graph import Graph

        edge_index = getattr(data, "edge_index", None)
        if edge_index is None:
            raise InputError(
                "the Data has no edge_index; a SparseTensor adj_t converts with torch_geometric's ToEdge.."
            )
        edges = np.asarray(edge_index.detach().cpu().numpy() if hasattr(edge_index, "detach") else edge_index)
        if edges.ndim != 2 or edges.shape[0] != 2:
            raise InputError(f"edge_index has shape {list(edges.shape)}; expected [2, E]")
        weights = getattr(data, "edge_weight", None)
        if weights is not None:
            weights = np.asarray(weights.detach().cpu().numpy() if hasattr(weights, "detach") else weights)
        size = data.num_nodes
        return Graph.from_edges(
            edges[0],
            edges[1],
            weights,
            num_nodes=None if size is None else int(size),
            directed=True,
            duplicates=duplicates,
            self_loops=self_loops,
        )

    def to_scipy(self) -> csr_array[np.float64 | np.int8, tuple[int, int]]:
        """The adjacency matrix: float64 weights, or int8 ones when unweighted.

        Returns:
            ``scipy.sparse.csr_array`` ``[N, N]``, its index arrays copied, indices sorted.

        Example:
            >>> from graphx.graph import Graph
            >>> Graph.from_edges([0], [1]).to_scipy().toarray().tolist()
            [[0, 1], [1, 0]]
        """
        from scipy.sparse import csr_array

        graph = cast("Graph", self)
        size = graph.indices.size
        values: Any = np.ones(size, dtype=np.int8) if graph.weights is None else graph.weights.copy()
        index = np.int32 if size < 2**31 else np.int64  # scipy wants one type for both
        shape = (graph.num_nodes, graph.num_nodes)
        made = csr_array((values, graph.indices.astype(index), graph.indptr.astype(index)), shape=shape)
        made.has_sorted_indices = True
        made.has_canonical_format = True
        return made

    def to_networkx(self) -> Any:
        """A networkx ``Graph`` (``DiGraph`` when directed); nodes are the names, or ``0..N-1``.

        Returns:
            The networkx graph, weights in the edge attribute ``weight``.

        Example:
            >>> from graphx.graph import Graph
            >>> sorted(Graph.from_edges([0, 1], [1, 2], names=["a", "b", "c"]).to_networkx().edges)
            [('a', 'b'), ('b', 'c')]
        """
        import networkx

        graph = cast("Graph", self)
        made: Any = networkx.Graph() if graph.is_undirected else networkx.DiGraph()
        labels = node_labels(graph)
        made.add_nodes_from(labels)
        sources, targets, weights = edge_arrays(graph)
        pairs = ((labels[u], labels[v]) for u, v in zip(sources.tolist(), targets.tolist(), strict=True))
        if weights is None:
            made.add_edges_from(pairs)
        else:
            made.add_weighted_edges_from((u, v, w) for (u, v), w in zip(pairs, weights.tolist(), strict=True))
        return made

    def to_igraph(self) -> Any:
        """An igraph ``Graph``; names in the vertex attribute ``name``, weights in the edge attribute ``weight``.

        Returns:
            The igraph graph.

        Raises:
            MissingDependencyError: igraph is not installed.
        """
        try:
            import igraph  # type: ignore[import-untyped]
        except ImportError as error:
            raise MissingDependencyError("igraph is not installed; pip install igraph") from error

        graph = cast("Graph", self)
        sources, targets, weights = edge_arrays(graph)
        made = igraph.Graph(
            n=graph.num_nodes,
            edges=np.column_stack((sources, targets)).tolist(),
            directed=not graph.is_undirected,
        )
        if graph.names is not None:
            made.vs["name"] = node_labels(graph)
        if weights is not None:
            made.es["weight"] = weights.tolist()
        return made

    def to_pyg(self) -> Any:
        """A PyG ``Data`` with ``edge_index`` int64 ``[2, nnz]`` (both directions when undirected) and ``num_nodes``.

        Returns:
            ``torch_geometric.data.Data``, with ``edge_weight`` float64 ``[nnz]`` when weighted. Names do not travel.
        """
        import torch
        from torch_geometric.data import Data  # type: ignore[import-untyped]

        graph = cast("Graph", self)
        rows = np.repeat(np.arange(graph.num_nodes), graph.degrees())
        edge_index = torch.from_numpy(np.stack((rows, graph.indices.astype(np.int64))))
        made = Data(edge_index=edge_index, num_nodes=graph.num_nodes)
        if graph.weights is not None:
            made.edge_weight = torch.from_numpy(graph.weights.copy())
        return made


def convert(obj: Any) -> Graph:
    """The body of :func:`graphx.graph.as_graph` for everything that is not a Graph yet."""
    if isinstance(obj, (str, os.PathLike)):
        from graphx.data.load import load_graph

        return load_graph(obj)
    if isinstance(obj, np.ndarray):
        if obj.ndim != 2 or obj.shape[0] != obj.shape[1]:
            raise InputError(
                f"the array has shape {obj.shape}; expected a square adjacency matrix [N, N] (for an edge_index: "
                "Graph.from_edges(edge_index[0], edge_index[1]))"
            )
        if obj.dtype.kind not in "fiubc":
            raise InputError(f"the array holds {obj.dtype}; expected real numbers: convert it with .astype(np.float64)")
        from scipy.sparse import coo_array

        if obj.dtype == np.float16:  # which scipy does not take
            obj = obj.astype(np.float32)
        rows, columns = np.nonzero(obj)
        return Conversions.from_scipy(coo_array((obj[rows, columns], (rows, columns)), shape=obj.shape))
    homes = {base.__module__.partition(".")[0] for base in type(obj).__mro__}
    if "scipy" in homes:
        return Conversions.from_scipy(obj)
    if "networkx" in homes:
        return Conversions.from_networkx(obj)
    if "igraph" in homes:
        return Conversions.from_igraph(obj)
    if "torch_geometric" in homes:
        return Conversions.from_pyg(obj)
    raise InputError(
        f"got a {type(obj).__module__}.{type(obj).__qualname__}; expected a graphx.Graph, a scipy sparse matrix, a 2-D "
        "numpy array, a networkx or igraph graph, a PyG Data, or a path"
    )


def _is_sparse(obj: Any) -> bool:
    from scipy.sparse import issparse

    return bool(issparse(obj))


def _has_weights(values: npt.NDArray[Any], weighted: bool | None) -> bool:
    if weighted is not None:
        return weighted
    return values.dtype.kind != "b" and bool(np.any(values != 1))


def _edges_to_graph(
    sources: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64] | None,
    num_nodes: int,
    names: Any,
    directed: bool,
    duplicates: Duplicates,
    self_loops: SelfLoops,
) -> Graph:
    from graphx.graph import Graph

    return Graph.from_edges(
        sources,
        targets,
        weights,
        num_nodes=num_nodes,
        names=names,
        directed=directed,
        duplicates="merge" if duplicates == "sum" and weights is None else duplicates,
        self_loops=self_loops,
    )
