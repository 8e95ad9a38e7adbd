"""What the predictors are made of: their MLPs, and sums of feature rows over neighbourhoods."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Final, Literal, get_args

import torch
from torch import Tensor, nn

from graphx.errors import InputError
from graphx.nn.linkpred import _ops
from graphx.nn.linkpred._torch import Query, Side
from graphx.nn.linkpred.adjacency import Adjacency, as_adjacency
from graphx.nn.linkpred.common_neighbors import make_query, pooled

__all__: list[str] = []

Structure = Literal["gae", "gae_cn", "gae_cat_cn", "gae_cnc", "ncn", "ncnc", "ncn2", "ncn_diff", "cn2"]

STRUCTURES: Final[tuple[str, ...]] = get_args(Structure)

AUTHORS: Final = {
    "cn0": "gae",
    "scn1": "gae_cn",
    "catscn1": "gae_cat_cn",
    "sincn1cn1": "gae_cnc",
    "cn1": "ncn",
    "incn1cn1": "ncnc",
    "cn1.5": "ncn2",
    "cn1res": "ncn_diff",
}
"""The authors' names for the structures; ``cn2`` is one in both."""

Ends = tuple[Tensor, Tensor, Tensor]
"""Representations of sources, of the nodes in between, of targets; one and the same where nodes are of one kind."""


def check_nodes(x: Any, what: str, channels: int) -> None:
    """Refuses what is no floating point ``[N, F]``, or not finite; that costs one pass over x as a rule."""
    if not isinstance(x, Tensor) or x.dim() != 2 or x.size(1) != channels or not x.is_floating_point():
        came = f"{x.dtype} {list(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
        raise InputError(f"{what} is {came}; expected floating point [N, {channels}]")
    if torch.compiler.is_compiling():
        return
    values = x.detach()
    if not torch.isfinite(values.sum()) and not (good := torch.isfinite(values).all(1)).all():
        raise InputError(
            f"{what} holds NaN or infinity, first for node {int((~good).nonzero()[0])}; expected finite numbers: mend "
            "the features, or the encoder (a smaller learning rate, gradient clipping)"
        )


def square_adjacency(graph: Any, num_nodes: int) -> Adjacency:
    """The graph of so many nodes, in whatever form it comes."""
    is_edges = isinstance(graph, Tensor) and graph.layout == torch.strided
    adjacency = as_adjacency(graph, num_nodes=num_nodes if is_edges else None)
    if adjacency.num_rows != num_nodes or adjacency.num_columns != num_nodes:
        raise InputError(
            f"x has {num_nodes} rows and the graph is [{adjacency.num_rows}, {adjacency.num_columns}]; expected one "
            "row for each node"
        )
    return adjacency


def not_linked(adjacency: Adjacency, node: int) -> Tensor:
    """The nodes that `node` is not linked with, ascending, without itself."""
    size = adjacency.num_rows
    if isinstance(node, bool) or not isinstance(node, int) or not 0 <= node < size:
        raise InputError(f"node is {node!r}; expected an integer from 0 to {size - 1}")
    free = torch.ones(size, dtype=torch.bool, device=adjacency.indices.device)
    free[node] = False
    free[adjacency.indices[adjacency.indptr[node] : adjacency.indptr[node + 1]].long()] = False
    return free.nonzero().squeeze(1)


def question(x: Tensor, graph: Any, pairs: Tensor, channels: int, *, exclude: bool) -> tuple[Query, Ends]:
    """The checked question about pairs of one kind of nodes."""
    check_nodes(x, "x", channels)
    query = make_query(square_adjacency(graph, x.size(0)), pairs, exclude=True if exclude else None)
    _ops.check_range(query)
    return query, (x, x, x)


def question_of_two_kinds(x: Any, graphs: Any, pairs: Tensor, channels: int) -> tuple[Query, Ends]:
    """The checked question about pairs between two kinds of nodes that meet in a third."""
    if len(x) != 3 or not isinstance(graphs, tuple | list) or len(graphs) != 2:
        raise InputError("between two kinds of nodes, expected three x and the two matrices (A1, A2)")
    first, second = (as_adjacency(graph) for graph in graphs)
    for part, what, size in (
        (x[0], "x of the sources", first.num_rows),
        (x[1], "x in between", first.num_columns),
        (x[2], "x of the targets", second.num_rows),
    ):
        check_nodes(part, what, channels)
        if part.size(0) != size:
            raise InputError(f"{what} has {part.size(0)} rows and its matrix {size}; expected one for each node")
    query = make_query(first, pairs, other=second)
    _ops.check_range(query)
    return query, (x[0], x[1], x[2])


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode for the time being; every module gets its own mode back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def mlp(layout: str, sizes: tuple[int, ...], norm: bool, dropout: float) -> nn.Sequential:
    """Linear (of the next sizes), Norm, Dropout, Relu in the order of the letters."""
    steps = iter(pairwise(sizes))
    width = sizes[0]
    modules: list[nn.Module] = []
    for letter in layout:
        if letter == "L":
            a, width = next(steps)
            modules.append(nn.Linear(a, width))
        elif letter == "N" and norm:
            modules.append(nn.LayerNorm(width))
        elif letter == "D" and dropout > 0:
            modules.append(nn.Dropout(dropout))
        elif letter == "R":
            modules.append(nn.ReLU())
    return nn.Sequential(*modules)


def common_weight(query: Query) -> Tensor:
    """How many common neighbours, or the sum of their weights."""
    weighted = query.first.weights is not None or query.second.weights is not None
    return _ops.score(query, None) if weighted else _ops.count(query)


def sum_rows(h: Tensor, columns: Tensor, rows: Tensor, size: int, weights: Tensor | None = None) -> Tensor:
    """out[rows[k]] += weights[k] h[columns[k]], ``[size, F]``."""
    values = h.index_select(0, columns)
    if weights is not None:
        values = values * weights.to(h.dtype).unsqueeze(1)
    return values.new_zeros(size, h.size(1)).index_add(0, rows, values)


def difference_sums(query: Query, h: Tensor) -> Tensor:
    """The sum over the nodes next to one end only."""
    size = query.pairs.size(1)
    first, columns1, second, columns2 = _ops.differences(query)
    out = sum_rows(h, columns1.long(), torch.repeat_interleave(first.diff()), size)
    return out + sum_rows(h, columns2.long(), torch.repeat_interleave(second.diff()), size)


class TwoHops:
    """The rows of A @ A at the ends of the pairs, without the excluded entries of A; no other rows are formed."""

    def __init__(self, query: Query) -> None:
        self.query = query
        nodes, self.at = torch.unique(query.pairs, return_inverse=True)
        self.side = _squared_rows(query, nodes)

    def sums(self, h: Tensor, first: int, second: int) -> Tensor:
        """The sums over the nodes `first` steps from i and `second` steps from j."""
        sides = [self.query.first if steps == 1 else self.side for steps in (first, second)]
        ends = [self.query.pairs[k] if steps == 1 else self.at[k] for k, steps in enumerate((first, second))]
        return pooled(self.query._replace(first=sides[0], second=sides[1], pairs=torch.stack(ends)), h)[0]


def _squared_rows(query: Query, nodes: Tensor) -> Side:
    side, size = query.first, query.num_columns
    rows = torch.repeat_interleave(side.indptr.diff())
    columns = side.indices.long()
    if side.excluded is not None:
        keep = torch.ones_like(columns, dtype=torch.bool)
        keep[side.excluded] = False
        rows, columns = rows[keep], columns[keep]
    place = torch.full((size,), -1, device=nodes.device)
    place[nodes] = torch.arange(nodes.numel(), device=nodes.device)
    wanted = place[rows] >= 0

    def matrix(row: Tensor, column: Tensor, count: int) -> Tensor:
        ones = torch.ones(column.numel(), device=column.device)
        return torch.sparse_coo_tensor(torch.stack((row, column)), ones, (count, size), check_invariants=False)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CSR, which the product uses, is called a beta
        some, every = matrix(place[rows[wanted]], columns[wanted], nodes.numel()), matrix(rows, columns, size)
        squared = torch.sparse.mm(some, every).coalesce()
    return as_adjacency(squared.indices(), num_nodes=(nodes.numel(), size))._side(None)
