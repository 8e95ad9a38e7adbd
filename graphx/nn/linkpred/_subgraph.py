"""The part of a graph that the logits of some pairs depend on, with nodes numbered anew."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from graphx.nn.linkpred._messages import Messages, Rows
from graphx.nn.linkpred.adjacency import Adjacency

__all__: list[str] = []


class Neighborhood(NamedTuple):
    """A part of a graph that knows its nodes by their places.

    Attributes:
        nodes: Their numbers in the whole graph ``[n]``, ascending.
        graph: The edges between them.
        messages: What the encoder passes along them.
        pairs: The pairs asked for ``[2, B]``, as places.
    """

    nodes: Tensor
    graph: Adjacency
    messages: Messages
    pairs: Tensor


def neighborhood(graph: Adjacency, messages: Messages, pairs: Tensor, steps: int) -> Neighborhood:
    """All nodes within `steps` of an end of a pair, and all edges between them, of a symmetric graph."""
    inside = torch.zeros(graph.num_rows, dtype=torch.bool, device=pairs.device)
    reached = torch.unique(pairs)
    inside[reached] = True
    for _ in range(steps):
        around = torch.unique(messages.rows.indices[_entries(messages.rows.indptr, reached)].long())
        reached = around[~inside[around]]
        inside[reached] = True
    nodes = inside.nonzero().squeeze(1)
    place = torch.full((graph.num_rows,), -1, dtype=torch.int64, device=pairs.device)
    place[nodes] = torch.arange(nodes.numel(), device=pairs.device)
    whole = Rows(graph.indptr, graph.indices, graph.weights, graph.num_columns)
    seen = _within(whole, nodes, place)
    local = Adjacency(seen.indptr, seen.indices, seen.values, num_columns=nodes.numel())
    rows = _within(messages.rows, nodes, place)
    return Neighborhood(nodes, local, Messages(rows, rows), place[pairs])


def _entries(indptr: Tensor, rows: Tensor) -> Tensor:
    """The positions of the entries of some rows, one row after the other."""
    starts, counts = indptr[rows], indptr[rows + 1] - indptr[rows]
    before = torch.cumsum(counts, 0) - counts
    offsets = torch.repeat_interleave(starts - before, counts)
    return offsets + torch.arange(offsets.numel(), device=rows.device)


def _within(matrix: Rows, nodes: Tensor, place: Tensor) -> Rows:
    """The rows and columns of some nodes, numbered anew."""
    at = _entries(matrix.indptr, nodes)
    counts = matrix.indptr[nodes + 1] - matrix.indptr[nodes]
    rows = torch.repeat_interleave(counts)
    columns = place[matrix.indices[at].long()]
    keep = columns >= 0
    indptr = matrix.indptr.new_zeros(nodes.numel() + 1)
    indptr[1:] = torch.cumsum(torch.bincount(rows[keep], minlength=nodes.numel()), 0)
    values = None if matrix.values is None else matrix.values[at[keep]]
    return Rows(indptr, columns[keep].to(matrix.indices.dtype), values, nodes.numel())
