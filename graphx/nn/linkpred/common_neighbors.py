r"""Common neighbours of node pairs: counts, lists, differences, and pooled features, with the target edges left out."""

from __future__ import annotations

from typing import Any, NamedTuple, TypedDict, Unpack

import torch
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.linkpred import _ops
from graphx.nn.linkpred._torch import Query
from graphx.nn.linkpred.adjacency import Adjacency, _threads, as_adjacency, checked_pairs

__all__ = ["NeighborLists", "common_neighbor_lists", "common_neighbors", "neighbor_differences"]


class NeighborLists(NamedTuple):
    """One list of nodes for each pair, one after the other: list ``b`` is ``columns[rowptr[b]:rowptr[b + 1]]``.

    Args:
        rowptr: int64 ``[B + 1]``, where each list starts.
        columns: int32 ``[M]``, the nodes, ascending within each list.
        values: float64 ``[M]``, products of the two edge weights; None where neither matrix is weighted.

    Example:
        >>> import torch
        >>> lists = common_neighbor_lists(torch.tensor([[0, 1], [2, 2]]), torch.tensor([[0], [1]]))
        >>> lists.columns.tolist()
        [2]
    """

    rowptr: Tensor
    columns: Tensor
    values: Tensor | None


class Options(TypedDict, total=False):
    """What every question about pairs may say besides; each as in :func:`common_neighbors`.

    Attributes:
        other: The matrix whose rows are the neighbourhoods of the second node of each pair; None for the same.
        exclude: Edges ``[2, P]`` that count as absent; True for the pairs themselves; None or False for none.
        edge_weight: Weights ``[E]`` of an ``edge_index``; None for ones.
        num_nodes: N, or ``(R, N)``; None for what the graph knows.
        num_threads: Threads of the compiled kernels; None for as many as torch uses.
    """

    other: Any
    exclude: Tensor | bool | None
    edge_weight: Tensor | None
    num_nodes: int | tuple[int, int] | None
    num_threads: int | None


def common_neighbors(
    graph: Any,
    pairs: Tensor,
    x: Tensor | None = None,
    *,
    other: Any = None,
    exclude: Tensor | bool | None = None,
    edge_weight: Tensor | None = None,
    num_nodes: int | tuple[int, int] | None = None,
    num_threads: int | None = None,
) -> Tensor:
    r"""Count the common neighbours of pairs, or sum their features without ever listing them.

    .. math::

        c_b = \sum_{u \in \mathcal{N}(i_b) \cap \mathcal{N}(j_b)} w_{i_b u} w_{j_b u}, \qquad
        \mathbf{z}_b = \sum_{u \in \mathcal{N}(i_b) \cap \mathcal{N}(j_b)} w_{i_b u} w_{j_b u} \, \mathbf{x}_u

    :math:`\mathbf{z}` is the structural part of NCN (Wang, Yang, Zhang, "Neural Common Neighbor with Completion for
    Link Prediction", ICLR 2024); the fused kernels, the exclusion by a mask and the weights are ours. On the processor
    with the compiled extension a pair is answered by merging, searching or bit sets, whichever reads least, and the
    result has the same bits for any number of threads; on a GPU, or without the extension, plain torch gives the same
    numbers. Differentiable in ``x``, to any order.

    Args:
        graph: Whose rows are the neighbourhoods: anything :func:`as_adjacency` takes. Hand over an
            :class:`Adjacency`, or the same tensor every time, and it is sorted once.
        pairs: int64 ``[2, B]``, nodes ``i`` in the first row and ``j`` in the second, as an ``edge_label_index``.
        x: ``[N, F]``, features to sum; None to count. float16 and bfloat16 are summed in float32.
        other: The matrix whose rows are the neighbourhoods of ``j``, for pairs of two kinds of nodes that meet in a
            third: A1 ``[R1, N]`` and A2 ``[R2, N]``. By default the same as `graph`.
        exclude: Edges ``[2, P]`` that count as absent, in both directions; True for the pairs themselves, which is the
            removal of target links. Edges that are not in the graph change nothing.
        edge_weight: Weights ``[E]`` of an ``edge_index``, without gradient.
        num_nodes: As in :func:`as_adjacency`; by default the length of x where there is one and the edges do not know.
        num_threads: Threads of the compiled kernels; None for ``torch.get_num_threads()``.

    Returns:
        Counts ``[B]`` (int64, or float64 where weighted), or sums ``[B, F]`` in the dtype of x.

    Raises:
        InputError: Pairs of another type or shape or out of range, x of another length, integer x, matrices that do not
            fit, or edges excluded between two kinds of nodes.

    Example:
        >>> import torch
        >>> diamond = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 2, 3, 3], [1, 2, 0, 2, 3, 0, 1, 3, 1, 2]])
        >>> common_neighbors(diamond, torch.tensor([[0, 1], [3, 2]])).tolist()
        [2, 2]
        >>> common_neighbors(diamond, torch.tensor([[0, 1], [3, 2]]), torch.eye(4))[0].tolist()
        [0.0, 1.0, 1.0, 0.0]
        >>> common_neighbors(diamond, torch.tensor([[0, 0], [3, 1]]), exclude=True).tolist()
        [1, 1]
    """
    if x is not None:
        _check_features(x)
        if num_nodes is None and other is None and _is_edge_index(graph):
            num_nodes = x.size(0)
    query = make_query(
        graph,
        pairs,
        other=other,
        exclude=exclude,
        edge_weight=edge_weight,
        num_nodes=num_nodes,
        num_threads=num_threads,
    )
    if x is None:
        weighted = query.first.weights is not None or query.second.weights is not None
        return _ops.score(query, None) if weighted else _ops.count(query)
    return pooled(query, x)[0]


def pooled(query: Query, x: Tensor) -> tuple[Tensor, Tensor]:
    """The sums ``[B, F]`` and the numbers ``[B]`` of common neighbours."""
    if x.size(0) != query.num_columns:
        raise InputError(
            f"x has {x.size(0)} rows and the graph {query.num_columns} columns; expected one row for each node"
        )
    if x.device != query.pairs.device:
        raise InputError(f"x is on {x.device} and pairs on {query.pairs.device}; move one with .to()")
    if x.dtype not in (torch.float32, torch.float64):
        sums, counts = _ops.pool(query, x.float())
        return sums.to(x.dtype), counts
    return _ops.pool(query, x)


def common_neighbor_lists(graph: Any, pairs: Tensor, **options: Unpack[Options]) -> NeighborLists:
    r"""List the common neighbours :math:`\mathcal{N}(i_b) \cap \mathcal{N}(j_b)` of every pair.

    Args:
        graph: As in :func:`common_neighbors`.
        pairs: int64 ``[2, B]``.
        options: `other`, `exclude`, `edge_weight`, `num_nodes`, `num_threads`, as in :func:`common_neighbors`.

    Returns:
        The lists, with products of weights where the matrices have any.

    Raises:
        InputError: As in :func:`common_neighbors`.

    Example:
        >>> import torch
        >>> diamond = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 2, 3, 3], [1, 2, 0, 2, 3, 0, 1, 3, 1, 2]])
        >>> lists = common_neighbor_lists(diamond, torch.tensor([[0, 1], [3, 2]]))
        >>> lists.rowptr.tolist(), lists.columns.tolist()
        ([0, 2, 4], [1, 2, 0, 3])
    """
    query = make_query(graph, pairs, **options)
    rowptr, columns, values = _ops.lists(query)
    weighted = query.first.weights is not None or query.second.weights is not None
    return NeighborLists(rowptr, columns, values if weighted else None)


def neighbor_differences(graph: Any, pairs: Tensor, **options: Unpack[Options]) -> tuple[NeighborLists, NeighborLists]:
    r"""List :math:`\mathcal{N}(i_b) \setminus \mathcal{N}(j_b)`, and the same with i and j exchanged.

    They are the pairs that the completion of NCNC asks for. An excluded edge counts as absent: its end is in neither
    the neighbourhood that is listed nor the one that is taken away.

    Args:
        graph: As in :func:`common_neighbors`.
        pairs: int64 ``[2, B]``.
        options: `other`, `exclude`, `num_nodes`, `num_threads`, as in :func:`common_neighbors`.

    Returns:
        The two, without values.

    Raises:
        InputError: As in :func:`common_neighbors`.

    Example:
        >>> import torch
        >>> paw = torch.tensor([[0, 1, 1, 1, 2, 2, 3, 3], [1, 0, 2, 3, 1, 3, 1, 2]])
        >>> only_i, only_j = neighbor_differences(paw, torch.tensor([[0], [2]]))
        >>> only_i.columns.tolist(), only_j.columns.tolist()
        ([], [3])
    """
    query = make_query(graph, pairs, **options)
    a, b, c, d = _ops.differences(query)
    return NeighborLists(a, b, None), NeighborLists(c, d, None)


def make_query(graph: Any, pairs: Tensor, **options: Unpack[Options]) -> Query:
    """The checked arguments of an operator."""
    if unknown := options.keys() - Options.__annotations__.keys():
        raise TypeError(f"unknown option {min(unknown)!r}; expected one of {', '.join(Options.__annotations__)}")
    other = options.get("other")
    first = as_adjacency(graph, edge_weight=options.get("edge_weight"), num_nodes=options.get("num_nodes"))
    second = first if other is None or other is graph else as_adjacency(other)
    if first.num_columns != second.num_columns:
        raise InputError(
            f"graph has {first.num_columns} columns and other {second.num_columns}; expected the same nodes between "
            "the two: pass num_nodes=(rows, columns) to as_adjacency"
        )
    if first.device != second.device:
        raise InputError(f"graph is on {first.device} and other on {second.device}; move one with .to()")
    pairs = checked_pairs(pairs, "pairs", first.device)
    excluded = _excluded(first, second, pairs, options.get("exclude"))
    side = first._side(excluded)
    return Query(
        side,
        side if second is first else second._side(None),
        pairs,
        first.num_columns,
        _threads(options.get("num_threads")),
    )


def _excluded(first: Adjacency, second: Adjacency, pairs: Tensor, exclude: Tensor | bool | None) -> Tensor | None:
    if exclude is None or exclude is False:
        return None
    if second is not first:
        raise InputError(
            "exclude with other: the target edges between two kinds of nodes are in neither matrix; leave them out of "
            "the edges instead"
        )
    if exclude is True:
        return first.entries(pairs, what="pairs")
    return first.entries(exclude)


def _check_features(x: Any) -> None:
    if not isinstance(x, Tensor) or x.dim() != 2 or not x.is_floating_point():
        came = f"{x.dtype} {list(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
        raise InputError(f"x is {came}; expected a floating point tensor [N, F]")


def _is_edge_index(graph: Any) -> bool:
    return isinstance(graph, Tensor) and graph.layout == torch.strided and not hasattr(graph, "sparse_size")
