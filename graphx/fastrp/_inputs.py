"""What FastRP takes for a graph, and for the edges of new nodes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from graphx.errors import InputError
from graphx.graph import Graph, as_graph

__all__ = ["ORIENTATIONS", "gpu_of", "new_edges", "read_graph"]

ORIENTATIONS = ("natural", "reverse", "undirected")


def read_graph(X: Any, orientation: str = "natural") -> Graph:
    """The graph of anything that FastRP takes, with the rows that are to be averaged over.

    Args:
        X: What :func:`graphx.graph.as_graph` takes; a rectangular scipy matrix ``[N, M]``, which is the bipartite graph
            of N row nodes followed by M column nodes; an ``edge_index`` ``[2, E]`` of integers (numpy or torch,
            directed as PyG's); or a pair ``(edge_index, edge_weight)``.
        orientation: ``'natural'``: a node looks at the ends of its edges; ``'reverse'``: at their starts;
            ``'undirected'``: at both (weights of opposite edges are added).

    Returns:
        A graph.

    Raises:
        InputError: It is none of these.

    Example:
        >>> read_graph(np.array([[0, 1, 1], [1, 2, 3]]), "undirected")
        Graph(num_nodes=4, num_edges=3, undirected)
    """
    if orientation not in ORIENTATIONS:
        raise InputError(f"orientation is {orientation!r}; expected one of {', '.join(map(repr, ORIENTATIONS))}")
    graph = _graph(X)
    if orientation == "reverse":
        return _transposed(graph)
    if orientation == "undirected" and not graph.is_undirected:
        return graph.to_undirected(duplicates="sum" if graph.is_weighted else "merge")
    return graph


def gpu_of(X: Any) -> Any:
    """The GPU that the edges of an input are on.

    Args:
        X: As for :func:`read_graph`.

    Returns:
        A torch device, or None.

    Example:
        >>> gpu_of(np.eye(3)) is None
        True
    """
    edges = X[0] if isinstance(X, tuple) and X else getattr(X, "edge_index", X)
    return edges.device if getattr(edges, "is_cuda", False) is True else None


def _graph(X: Any) -> Graph:
    if isinstance(X, Graph):
        return X
    pair = _edge_index(X)
    if pair is not None:
        edges, weights = pair
        return Graph.from_edges(edges[0], edges[1], weights, directed=True)
    if _is_sparse(X) and len(X.shape) == 2 and X.shape[0] != X.shape[1]:
        return _bipartite(X)
    return as_graph(X)


def _is_sparse(X: Any) -> bool:
    if type(X).__module__.partition(".")[0] != "scipy":
        return False
    from scipy.sparse import issparse

    return bool(issparse(X))


def _array(X: Any) -> Any:
    return X.detach().cpu().numpy() if _is_tensor(X) else X


def _is_tensor(X: Any) -> bool:
    return hasattr(X, "detach") and hasattr(X, "numpy")  # a PyG Data has the first as well


def _edge_index(X: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None] | None:
    """The pair ``(edge_index, weights)`` if X is one; a ``[2, 2]`` array is an adjacency matrix."""
    weights = None
    if isinstance(X, tuple) and len(X) == 2 and not isinstance(X[0], (str, os.PathLike)):
        X, weights = _array(X[0]), np.asarray(_array(X[1]))
        X = np.asarray(X)
        if X.ndim != 2 or X.shape[0] != 2:
            raise InputError(f"edge_index has shape {X.shape}; expected [2, E] of a pair (edge_index, edge_weight)")
        return X, weights
    tensor = _is_tensor(X)
    X = _array(X)
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.shape[0] == 2 and (tensor or X.shape[1] != 2):
        return X, None
    if tensor:
        raise InputError(f"the tensor has shape {tuple(X.shape)}; expected an edge_index [2, E]")
    return None


def _bipartite(B: Any) -> Graph:
    from scipy.sparse import coo_array

    rows, columns = B.shape
    coo = coo_array(B)
    return Graph.from_scipy(
        coo_array((coo.data, (coo.row, coo.col + rows)), shape=(rows + columns, rows + columns)), symmetrize=True
    )


def _transposed(graph: Graph) -> Graph:
    """The same nodes, every edge turned round."""
    from scipy.sparse import csr_array

    turned = csr_array(graph.to_scipy().T)
    turned.sort_indices()
    weights = None if graph.weights is None else turned.data.astype(np.float64)
    indptr, indices = turned.indptr.astype(np.int64), turned.indices.astype(np.int32)
    return Graph._trusted(indptr, indices, weights, graph.names, graph.report)


def new_edges(
    X: Any, num_nodes: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float64] | None]:
    """The edges from new nodes to known ones as a CSR of the new.

    Args:
        X: A matrix ``[new, N]``, scipy or numpy, whose entries are weights (none if every one is 1); or an
            ``edge_index`` ``[2, E]`` of integers, new nodes in its first row, known ones in its second; or a pair
            ``(edge_index, edge_weight)``. The array ``[2, N]`` is a matrix.
        num_nodes: N.

    Returns:
        indptr, indices, weights.

    Raises:
        InputError: A node is not known, a weight is not finite or no number, an edge comes twice, or a matrix stores
            zeros.

    Example:
        >>> [part.tolist() for part in new_edges(np.array([[0, 1, 1]]), 3)[:2]]
        [[0, 2], [1, 2]]
    """
    from scipy.sparse import coo_array

    array = _array(X)
    if _is_sparse(X) or (isinstance(array, np.ndarray) and array.ndim == 2 and array.shape[1] == num_nodes):
        if X.shape[-1] != num_nodes:
            raise InputError(
                f"the matrix has shape {tuple(X.shape)}; expected [new nodes, {num_nodes}], a column for each node "
                "that was known in fit"
            )
        coo = coo_array(array.astype(np.float32) if array.dtype == np.float16 else array)  # scipy takes no float16
        rows, columns, values, size = coo.row, coo.col, coo.data, int(X.shape[0])
        if values.dtype.kind not in "fiub":
            raise InputError(f"the matrix holds {values.dtype}; expected real numbers")
        if not np.all(values != 0):
            raise InputError("the matrix stores explicit zeros; call eliminate_zeros() first, as zeros are no edges")
        weights = None if values.dtype.kind == "b" or bool(np.all(values == 1)) else values.astype(np.float64)
    else:
        pair = _edge_index(X)
        if pair is None:
            raise InputError(
                f"transform got a {type(X).__name__}; expected a matrix [new nodes, {num_nodes}], an edge_index [2, E] "
                "from new to known nodes, or a pair (edge_index, edge_weight)"
            )
        (rows, columns), weights = pair
        if rows.dtype.kind not in "iu":
            raise InputError(f"edge_index is {rows.dtype}; expected integers")
        size = int(rows.max(initial=-1)) + 1
    low, high = int(columns.min(initial=0)), int(columns.max(initial=-1))
    if low < 0 or high >= num_nodes:
        raise InputError(
            f"an edge leads to node {low if low < 0 else high}, which was not known in fit; expected 0..{num_nodes - 1}"
        )
    joined = Graph.from_edges(rows, columns, weights, num_nodes=max(size, num_nodes), directed=True)
    indptr = joined.indptr[: size + 1]
    return np.ascontiguousarray(indptr), joined.indices, joined.weights
