"""Random graphs as dense matrices, and what the tests of link prediction ask of them on every path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from graphx.nn.linkpred import Adjacency, _ops, as_adjacency

DIAMOND = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 2, 3, 3], [1, 2, 0, 2, 3, 0, 1, 3, 1, 2]])

seeds = st.integers(0, 2**31)


@contextmanager
def extension(enabled: bool) -> Iterator[None]:
    """With the compiled kernels, or in plain torch."""
    before, _ops.ENABLED = _ops.ENABLED, enabled
    try:
        yield
    finally:
        _ops.ENABLED = before


def on_both(run: Callable[[], Any]) -> tuple[Any, Any]:
    """What the kernels say, and what plain torch says."""
    with extension(True):
        first = run()
    with extension(False):
        return first, run()


def random_dense(
    seed: int,
    size: int,
    density: float = 0.3,
    *,
    columns: int | None = None,
    symmetric: bool = False,
    weighted: bool = False,
    loops: bool = True,
) -> Tensor:
    """A float64 matrix with a share of entries, of weights 0.5, 1.5, ... where weighted; odd seeds isolate node 0."""
    generator = torch.Generator().manual_seed(seed)
    wide = size if columns is None else columns
    dense = (torch.rand(size, wide, generator=generator) < density).double()
    if weighted:
        dense *= torch.randint(0, 4, dense.shape, generator=generator) + 0.5
    if symmetric:
        dense = torch.triu(dense) + torch.triu(dense, 1).t()
    if not loops:
        dense.fill_diagonal_(0)
    if seed % 2 and size:
        dense[0] = 0
        if columns is None:
            dense[:, 0] = 0
    return dense


def edges_of(dense: Tensor) -> Tensor:
    return dense.nonzero().t().contiguous()


def adjacency_of(dense: Tensor) -> Adjacency:
    edges = edges_of(dense)
    weights = dense[edges[0], edges[1]]
    given = None if bool((weights == 1).all()) else weights
    return as_adjacency(edges, edge_weight=given, num_nodes=(dense.size(0), dense.size(1)))


def dense_of(matrix: Any, columns: int | None = None) -> Tensor:
    """An Adjacency, or Rows, as float64 matrix."""
    weights = matrix.weights if isinstance(matrix, Adjacency) else matrix.values
    size = matrix.indptr.numel() - 1
    out = torch.zeros(size, matrix.num_columns if columns is None else columns, dtype=torch.float64)
    rows = torch.repeat_interleave(matrix.indptr.diff())
    out[rows, matrix.indices.long()] = 1.0 if weights is None else weights.double()
    return out


def random_pairs(seed: int, rows: int, count: int, columns: int | None = None) -> Tensor:
    generator = torch.Generator().manual_seed(seed + 1)
    ends = (rows, rows if columns is None else columns)
    return torch.stack([torch.randint(size, (count,), generator=generator) for size in ends])
