"""Sums over neighbours as products with a sparse matrix whose transpose is known, so that gradients are fast."""

from __future__ import annotations

import warnings
import weakref
from functools import partial
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from graphx.nn.linkpred.adjacency import Adjacency

__all__: list[str] = []

Reduce = Literal["gcn", "sum", "mean", "max"]


class Rows(NamedTuple):
    """A sparse matrix by rows; without values every entry is one.

    Attributes:
        indptr: int64 ``[R + 1]``.
        indices: The columns ``[E]``.
        values: ``[E]``, or None.
        num_columns: How many columns there are.
    """

    indptr: Tensor
    indices: Tensor
    values: Tensor | None
    num_columns: int

    def keep(self, places: Tensor) -> Rows:
        """The entries at `places`, int64, ascending."""
        values = None if self.values is None else self.values.index_select(0, places)
        indptr = torch.searchsorted(places, self.indptr)
        return self._replace(indptr=indptr, indices=self.indices.index_select(0, places), values=values)

    def rows(self) -> Tensor:
        """The row of every entry, int64 ``[E]``."""
        return torch.repeat_interleave(self.indptr.diff())

    def sums(self, dtype: torch.dtype) -> Tensor:
        """The sum of every row ``[R]``."""
        if self.values is None:
            return self.indptr.diff().to(dtype)
        size = self.indptr.numel() - 1
        return self.values.new_zeros(size).index_add(0, self.rows(), self.values).to(dtype)

    def matrix(self, dtype: torch.dtype) -> Tensor:
        """As a torch matrix."""
        values = torch.ones_like(self.indices, dtype=dtype) if self.values is None else self.values.to(dtype)
        indptr = self.indptr.to(self.indices.dtype) if self.indices.numel() < 2**31 else self.indptr
        indices = self.indices.to(indptr.dtype)
        size = (self.indptr.numel() - 1, self.num_columns)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CSR is called a beta
            return torch.sparse_csr_tensor(indptr, indices, values, size=size, check_invariants=False)


def where(mask: Tensor) -> Tensor:
    """The places that a mask ``[E]`` holds, int64, ascending."""
    return mask.nonzero().squeeze(1)


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, dense: Tensor, rows: Rows, transposed: Rows) -> Tensor:
        ctx.rows, ctx.transposed = rows, transposed
        return _matmul(rows, dense)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        return _Product.apply(gradient, ctx.transposed, ctx.rows), None, None  # type: ignore[no-untyped-call]


def _matmul(rows: Rows, dense: Tensor) -> Tensor:
    if rows.indices.numel() == 0:
        return dense.new_zeros(rows.indptr.numel() - 1, dense.size(1))
    dtype = torch.promote_types(dense.dtype, torch.float32)  # sparse products know no half precision
    with torch.autocast(dense.device.type, enabled=False):
        out = rows.matrix(dtype) @ dense.to(dtype)
    return out.to(dense.dtype)


def product(rows: Rows, transposed: Rows, dense: Tensor) -> Tensor:
    """The matrix times a dense one ``[N, F]``, differentiable in the latter."""
    out: Tensor = _Product.apply(dense, rows, transposed)  # type: ignore[no-untyped-call]
    return out


class Messages:
    """A graph as an encoder reads it: row ``i`` holds the nodes whose messages reach ``i``.

    Args:
        rows: By receivers.
        transposed: By senders; `rows` itself where the matrix is symmetric.
        order: Where each entry of `transposed` stands in `rows`; None until it is asked for.
    """

    def __init__(self, rows: Rows, transposed: Rows, order: Tensor | None = None) -> None:
        self.rows, self.transposed, self._order = rows, transposed, order

    @property
    def is_symmetric(self) -> bool:
        """Whether both directions are the same matrix."""
        return self.rows is self.transposed

    def order(self) -> Tensor:
        """Where each entry of the transpose stands among the entries, int64 ``[E]``."""
        if self._order is None:
            self._order = torch.argsort(self.rows.indices, stable=True)
        return self._order

    def without(self, entries: Tensor) -> Messages:
        """Without some entries, which come in both directions."""
        stays = torch.ones_like(self.rows.indices, dtype=torch.bool)
        stays[entries] = False
        rows = self.rows.keep(where(stays))
        if self.is_symmetric and self._order is None:
            return Messages(rows, rows)
        there = where(stays.index_select(0, self.order()))
        order = (torch.cumsum(stays, 0) - 1).index_select(0, self.order().index_select(0, there))
        return Messages(rows, rows if self.is_symmetric else self.transposed.keep(there), order)

    def drop(self, p: float) -> Messages:
        """Each entry stays with probability 1 - p and is then worth 1 / (1 - p)."""
        rows = self.rows
        stays = torch.rand(rows.indices.numel(), device=rows.indices.device) >= p
        values = torch.ones_like(rows.indices, dtype=torch.float32) if rows.values is None else rows.values
        values = values / (1 - p)
        there = where(stays.index_select(0, self.order()))
        back = self.transposed._replace(values=None).keep(there)
        back = back._replace(values=values.index_select(0, self.order().index_select(0, there)))
        return Messages(rows._replace(values=values).keep(where(stays)), back)

    def aggregate(self, x: Tensor, reduce: Reduce) -> Tensor:
        r"""What reaches each node: the sum, mean or largest, or :math:`D^{-1/2} (A + I) D^{-1/2} x`."""
        if reduce == "gcn":
            norm = (1 + self.rows.sums(x.dtype)).rsqrt().unsqueeze(1)
            scaled = x * norm
            return (product(self.rows, self.transposed, scaled) + scaled) * norm
        if reduce == "max":
            values = x.index_select(0, self.rows.indices.long())
            if self.rows.values is not None:
                values = values * self.rows.values.to(x.dtype).unsqueeze(1)
            at = self.rows.rows().unsqueeze(1).expand_as(values)
            return x.new_zeros(x.shape).scatter_reduce(0, at, values, "amax", include_self=False)
        out = product(self.rows, self.transposed, x)
        if reduce == "mean":
            out = out / self.rows.indptr.diff().clamp(min=1).to(x.dtype).unsqueeze(1)
        return out


_KNOWN: weakref.WeakKeyDictionary[Adjacency, Messages] = weakref.WeakKeyDictionary()
_FEATURES: dict[int, tuple[weakref.ref[Tensor], int, Messages]] = {}


def messages_of(adjacency: Adjacency) -> Messages:
    """The messages along the edges of a square matrix, from the row to the column; made once."""
    known = _KNOWN.get(adjacency)
    if known is not None:
        return known
    senders = Rows(adjacency.indptr, adjacency.indices, adjacency.weights, adjacency.num_columns)
    receivers, order = _transposed(senders)
    symmetric = torch.equal(receivers.indptr, senders.indptr) and torch.equal(receivers.indices, senders.indices)
    if symmetric and senders.values is not None:
        symmetric = torch.equal(receivers.values, senders.values)  # type: ignore[arg-type]
    if symmetric:
        made = Messages(senders, senders, order)
    else:
        back = torch.empty_like(order)
        back[order] = torch.arange(order.numel(), device=order.device)
        made = Messages(receivers, senders, back)
    _KNOWN[adjacency] = made
    return made


def as_csr(x: Tensor) -> Tensor:
    """A sparse matrix by rows; itself if it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CSR is called a beta
        return x if x.layout == torch.sparse_csr else x.to_sparse_csr()


def messages_of_features(x: Tensor) -> Messages:
    """A sparse matrix of features ``[N, F]`` as messages from features to nodes; made once for a tensor."""
    key = id(x)
    known = _FEATURES.get(key)
    if known is not None and known[0]() is x and known[1] == x._version:
        return known[2]
    csr = as_csr(x)
    # detached: a view of x, kept here, would keep x itself, and so this entry, for ever
    parts = [part.detach() for part in (csr.crow_indices(), csr.col_indices(), csr.values())]
    rows = Rows(parts[0].long(), parts[1].int(), parts[2], x.size(1))
    transposed, order = _transposed(rows)
    made = Messages(rows, transposed, order)
    _FEATURES[key] = (weakref.ref(x, partial(_FEATURES.pop, key)), x._version, made)
    return made


def _transposed(rows: Rows) -> tuple[Rows, Tensor]:
    """The transpose, and where each of its entries stands in `rows`."""
    order = torch.argsort(rows.indices, stable=True)
    ends = torch.zeros(rows.num_columns + 1, dtype=torch.int64, device=order.device)
    ends[1:] = torch.cumsum(torch.bincount(rows.indices, minlength=rows.num_columns), 0)
    values = None if rows.values is None else rows.values[order]
    return Rows(ends, rows.rows()[order].to(rows.indices.dtype), values, rows.indptr.numel() - 1), order
