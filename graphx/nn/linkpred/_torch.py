"""Common neighbours in plain torch, with the results of the kernels: for GPUs, and where there is no extension.

The shorter row of each pair is expanded and looked up in the other: in a matrix of booleans where that is not much
larger than the lists, else among the sorted keys ``row * N + column``. So the work is the sum of the smaller degrees.
Between two matrices, that whose rows are shorter in all is expanded. Pairs go in chunks, which bounds the memory.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

__all__: list[str] = []

CHUNK = 1 << 21
"""Entries expanded at a time."""


class Side(NamedTuple):
    """One matrix of a query, R rows in compressed form.

    Attributes:
        indptr: Where each row begins, int64 ``[R + 1]``.
        indices: The columns of the entries, ascending in each row, ``[E]``.
        weights: Of the entries, ``[E]``; None for ones.
        bits: Whether there is an entry: int64 words for the kernels, booleans ``[R, N]`` here; or None.
        keys: ``row * N + column`` of the entries, int64 ``[E]``, or None.
        excluded: The places in `indices` of entries that count as absent, or None.
    """

    indptr: Tensor
    indices: Tensor
    weights: Tensor | None
    bits: Tensor | None
    keys: Tensor | None
    excluded: Tensor | None


class Query(NamedTuple):
    """Pairs of rows of two matrices.

    Attributes:
        first: The matrix of the first row of each pair.
        second: That of the second row.
        pairs: int64 ``[2, B]``.
        num_columns: How many columns both have, N.
        threads: How many threads the kernels take.
    """

    first: Side
    second: Side
    pairs: Tensor
    num_columns: int
    threads: int


class _Matches(NamedTuple):
    """Common neighbours of the pairs ``start..stop``, in the order of pairs, then of columns.

    The entries, positions in both matrices, only where they are asked for.
    """

    start: int
    stop: int
    counts: Tensor
    columns: Tensor
    entries1: Tensor | None
    entries2: Tensor | None


def edge_keys(indptr: Tensor, indices: Tensor, num_columns: int) -> Tensor:
    """``row * N + column`` of every entry, int64, ascending."""
    rows = torch.repeat_interleave(torch.arange(indptr.numel() - 1, device=indptr.device), indptr.diff())
    return rows.mul_(num_columns).add_(indices)


def edge_matrix(indptr: Tensor, indices: Tensor, num_columns: int) -> Tensor:
    """Whether there is an entry, bool ``[R, N]``."""
    dense = torch.zeros((indptr.numel() - 1, num_columns), dtype=torch.bool, device=indices.device)
    dense.view(-1)[edge_keys(indptr, indices, num_columns)] = True
    return dense


def count(query: Query) -> Tensor:
    """The number of common neighbours, int64 ``[B]``."""
    counts = [matches.counts for matches in _chunks(query)]
    return torch.cat(counts) if counts else query.pairs.new_zeros(0)


def score(query: Query, node_weights: Tensor | None) -> Tensor:
    """Sums of weights over common neighbours, float64 ``[B]``."""
    out = torch.zeros(query.pairs.size(1), dtype=torch.float64, device=query.pairs.device)
    for matches in _chunks(query, positions=_weighted(query)):
        values = _weights(query, matches)
        if node_weights is not None:
            at = node_weights[matches.columns.long()]
            values = at if values is None else values * at
        rows = torch.repeat_interleave(matches.counts)
        if values is None:
            values = torch.ones(rows.numel(), dtype=torch.float64, device=rows.device)
        out[matches.start : matches.stop].index_add_(0, rows, values)
    return out


def lists(query: Query) -> tuple[Tensor, Tensor, Tensor | None]:
    """The common neighbours: where each list starts, columns, and weights if there are any."""
    found = list(_chunks(query, positions=_weighted(query)))
    if len(found) == 1:
        return _starts(found[0].counts), found[0].columns, _weights(query, found[0])
    rowptr = _starts(torch.cat([m.counts for m in found]) if found else query.pairs.new_zeros(0))
    columns = torch.cat([query.first.indices[:0], *(m.columns for m in found)])
    if not _weighted(query):
        return rowptr, columns, None
    values = [v for m in found if (v := _weights(query, m)) is not None]
    return rowptr, columns, torch.cat([torch.zeros(0, dtype=torch.float64, device=columns.device), *values])


def differences(query: Query) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Row s without row t, and row t without row s, each as starts and columns."""
    found = list(_chunks(query, positions=True))
    rows = torch.repeat_interleave(torch.cat([m.counts for m in found])) if found else query.pairs.new_zeros(0)
    out: list[Tensor] = []
    for side, own, which in ((query.first, query.pairs[0], 0), (query.second, query.pairs[1], 1)):
        matched = [e for m in found if (e := m.entries1 if which == 0 else m.entries2) is not None]
        start, size = side.indptr[own], side.indptr[own + 1] - side.indptr[own]
        offsets = _starts(size)
        pair, entries = expand(start, size)
        absent = _absent(side)
        keep = torch.ones_like(entries, dtype=torch.bool) if absent is None else ~absent[entries]
        if matched:
            keep[offsets[rows] + torch.cat(matched) - start[rows]] = False
        out += [_starts(torch.bincount(pair[keep], minlength=own.numel())), side.indices[entries[keep]]]
    return out[0], out[1], out[2], out[3]


def sums(rowptr: Tensor, columns: Tensor, values: Tensor | None, x: Tensor) -> Tensor:
    """``out[b] = sum of values[k] x[columns[k]]`` over list b, ``[B, F]``."""
    if columns.numel() == 0:
        return x.new_zeros(rowptr.numel() - 1, x.size(1))
    if values is None or values.numel() == 0:
        values = x.new_ones(columns.numel())
    short = columns.numel() < 2**31
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CSR is called a beta
        matrix = torch.sparse_csr_tensor(
            rowptr.int() if short else rowptr,
            columns if short else columns.long(),
            values.to(x.dtype),
            (rowptr.numel() - 1, x.size(0)),
            check_invariants=False,
        )
        product: Tensor = matrix @ x
    return product


def spread(rowptr: Tensor, columns: Tensor, values: Tensor | None, grad: Tensor, num_columns: int) -> Tensor:
    """The transpose of :func:`sums`: ``out[columns[k]] += values[k] grad[b]`` for list b, by ascending b."""
    order = torch.sort(columns, stable=True).indices  # so that sums go in ascending order of pairs
    rows = torch.repeat_interleave(rowptr.diff(), output_size=columns.numel()).int()[order]
    starts = _starts(torch.bincount(columns, minlength=num_columns))
    weighted = values is not None and values.numel() > 0
    return sums(starts, rows, values[order] if weighted else None, grad)  # type: ignore[index]


def _chunks(query: Query, *, positions: bool = False) -> Iterator[_Matches]:
    sources, targets = query.pairs
    if sources.numel() == 0:
        return
    first, second = query.first, query.second
    size1 = first.indptr[sources + 1] - first.indptr[sources]
    size2 = second.indptr[targets + 1] - second.indptr[targets]
    swap: Tensor | None = None  # pairs whose second row is expanded; without it, all or none of them
    if second is first:
        swap = size1 > size2
        own, other, size = first, first, torch.minimum(size1, size2)
        rows, partners = torch.where(swap, targets, sources), torch.where(swap, sources, targets)
        flip = False
    else:
        flip = int(size1.sum()) > int(size2.sum())
        own, other, size = (second, first, size2) if flip else (first, second, size1)
        rows, partners = (targets, sources) if flip else (sources, targets)
    absent_own = _absent(own)
    absent_other = absent_own if other.excluded is own.excluded else _absent(other)
    dense = None if positions else _matrix(other)
    keys = None if dense is not None else _keys(other, query)
    partners = partners * query.num_columns
    work = torch.cumsum(size, 0)
    parts = int(work[-1]) // CHUNK + 1
    cuts = torch.searchsorted(work, torch.arange(1, parts, device=work.device) * CHUNK).tolist() if parts > 1 else []
    bounds = sorted({0, *cuts, sources.numel()})
    for start, stop in pairwise(bounds):
        pair, entries = expand(own.indptr[rows[start:stop]], size[start:stop])
        columns = own.indices[entries]
        wanted = partners[start:stop][pair].add_(columns)
        at: Tensor | None = None
        if dense is not None:
            hit = dense.index_select(0, wanted)
        elif keys is None or keys.numel() == 0:
            hit = torch.zeros_like(wanted, dtype=torch.bool)
            at = wanted
        else:
            at = torch.searchsorted(keys, wanted)
            hit = keys[at.clamp_(max=keys.numel() - 1)] == wanted
            if absent_other is not None:
                hit &= ~absent_other[at]
        if absent_own is not None:
            hit &= ~absent_own[entries]
        hits = hit.nonzero().squeeze(1)
        pair = pair[hits]
        counts = torch.bincount(pair, minlength=stop - start)
        if not positions or at is None:
            yield _Matches(start, stop, counts, columns[hits], None, None)
            continue
        mine, theirs = entries[hits], at[hits]
        if swap is not None:
            swapped = swap[start:stop][pair]
            mine, theirs = torch.where(swapped, theirs, mine), torch.where(swapped, mine, theirs)
        elif flip:
            mine, theirs = theirs, mine
        yield _Matches(start, stop, counts, columns[hits], mine, theirs)


def expand(start: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """Which row, and which entry, for all entries of rows that begin at `start`."""
    rows = torch.repeat_interleave(size)
    return rows, (start - _starts(size)[:-1])[rows].add_(torch.arange(rows.numel(), device=size.device))


def _starts(sizes: Tensor) -> Tensor:
    return torch.cat((sizes.new_zeros(1), torch.cumsum(sizes, 0)))


def _absent(side: Side) -> Tensor | None:
    if side.excluded is None or side.excluded.numel() == 0:
        return None
    mask = torch.zeros(side.indices.numel(), dtype=torch.bool, device=side.indices.device)
    mask[side.excluded] = True
    return mask


def _matrix(side: Side) -> Tensor | None:
    """The booleans of a matrix in one line, without its excluded entries."""
    if side.bits is None or side.bits.dtype != torch.bool:
        return None
    flat = side.bits.view(-1)
    if side.excluded is None or side.excluded.numel() == 0:
        return flat
    rows = torch.searchsorted(side.indptr, side.excluded, right=True) - 1
    flat = flat.clone()
    flat[rows * side.bits.size(1) + side.indices[side.excluded]] = False
    return flat


def _keys(side: Side, query: Query) -> Tensor:
    return side.keys if side.keys is not None else edge_keys(side.indptr, side.indices, query.num_columns)


def _weighted(query: Query) -> bool:
    return query.first.weights is not None or query.second.weights is not None


def _weights(query: Query, matches: _Matches) -> Tensor | None:
    first, second = query.first.weights, query.second.weights
    if first is None and second is None:
        return None
    assert matches.entries1 is not None
    assert matches.entries2 is not None
    if first is None or second is None:
        return first[matches.entries1] if first is not None else second[matches.entries2]  # type: ignore[index]
    return first[matches.entries1] * second[matches.entries2]
