"""Common neighbours in plain torch, with the results of the kernels: for GPUs, and where there is no extension.

The shorter row of each pair is expanded and looked up among the sorted keys ``row * N + column`` of the other matrix,
so the work is the sum of the smaller degrees. Pairs go in chunks, which bounds the memory.
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
    """One matrix of a query."""

    indptr: Tensor
    indices: Tensor
    weights: Tensor | None
    bits: Tensor | None
    keys: Tensor | None
    excluded: Tensor | None


class Query(NamedTuple):
    """Pairs of rows of two matrices with `num_columns` columns."""

    first: Side
    second: Side
    pairs: Tensor
    num_columns: int
    threads: int


class _Matches(NamedTuple):
    """Common neighbours of the pairs ``start..stop``, in the order of pairs, then of columns."""

    start: int
    stop: int
    counts: Tensor
    entries1: Tensor
    entries2: Tensor


def edge_keys(indptr: Tensor, indices: Tensor, num_columns: int) -> Tensor:
    """``row * N + column`` of every entry, int64, ascending."""
    rows = torch.repeat_interleave(torch.arange(indptr.numel() - 1, device=indptr.device), indptr.diff())
    return rows.mul_(num_columns).add_(indices)


def count(query: Query) -> Tensor:
    """The number of common neighbours, int64 ``[B]``."""
    counts = [matches.counts for matches in _chunks(query)]
    return torch.cat(counts) if counts else query.pairs.new_zeros(0)


def score(query: Query, node_weights: Tensor | None) -> Tensor:
    """Sums of weights over common neighbours, float64 ``[B]``."""
    out = torch.zeros(query.pairs.size(1), dtype=torch.float64, device=query.pairs.device)
    for matches in _chunks(query):
        values = _weights(query, matches)
        if node_weights is not None:
            at = node_weights[query.first.indices[matches.entries1].long()]
            values = at if values is None else values * at
        rows = torch.repeat_interleave(matches.counts)
        if values is None:
            values = torch.ones(rows.numel(), dtype=torch.float64, device=rows.device)
        out[matches.start : matches.stop].index_add_(0, rows, values)
    return out


def lists(query: Query) -> tuple[Tensor, Tensor, Tensor | None]:
    """The common neighbours: where each list starts, columns, and weights if there are any."""
    found = list(_chunks(query))
    rowptr = _starts(torch.cat([m.counts for m in found]) if found else query.pairs.new_zeros(0))
    columns = torch.cat([query.first.indices[:0], *(query.first.indices[m.entries1] for m in found)])
    values = [v for m in found if (v := _weights(query, m)) is not None]
    weighted = query.first.weights is not None or query.second.weights is not None
    empty = torch.zeros(0, dtype=torch.float64, device=query.pairs.device)
    return rowptr, columns, torch.cat([empty, *values]) if weighted else None


def differences(query: Query) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Row s without row t, and row t without row s, each as starts and columns."""
    found = list(_chunks(query))
    rows = torch.repeat_interleave(torch.cat([m.counts for m in found])) if found else query.pairs.new_zeros(0)
    out: list[Tensor] = []
    for side, own, which in ((query.first, query.pairs[0], 0), (query.second, query.pairs[1], 1)):
        matched = [m.entries1 if which == 0 else m.entries2 for m in found]
        start, size = side.indptr[own], side.indptr[own + 1] - side.indptr[own]
        offsets = _starts(size)
        pair, entries = _expand(start, size)
        absent = _absent(side)
        keep = torch.ones_like(entries, dtype=torch.bool) if absent is None else ~absent[entries]
        if matched:
            keep[offsets[rows] + torch.cat(matched) - start[rows]] = False
        out += [_starts(torch.bincount(pair[keep], minlength=own.numel())), side.indices[entries[keep]]]
    return out[0], out[1], out[2], out[3]


def pool(query: Query, x: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of rows of x over common neighbours ``[B, F]``, and their numbers."""
    out = x.new_zeros(query.pairs.size(1), x.size(1))
    counts = query.pairs.new_zeros(query.pairs.size(1))
    for matches in _chunks(query):
        counts[matches.start : matches.stop] = matches.counts
        columns = query.first.indices[matches.entries1].long()
        values = _values(query, matches, x)
        out[matches.start : matches.stop] = _multiply(_starts(matches.counts), columns, values, x)
    return out, counts


def pool_backward(query: Query, counts: Tensor, grad_out: Tensor) -> Tensor:
    """The gradient of `pool` for x ``[N, F]``; pairs without common neighbours are not looked at again."""
    hit = counts.nonzero().squeeze(1)
    if hit.numel() < counts.numel():
        query, grad_out = query._replace(pairs=query.pairs[:, hit]), grad_out[hit]
    found = list(_chunks(query))
    if not found:
        return grad_out.new_zeros(query.num_columns, grad_out.size(1))
    columns = torch.cat([query.first.indices[m.entries1] for m in found])
    order = torch.argsort(columns, stable=True)  # so that sums go in ascending order of pairs
    rows = torch.repeat_interleave(torch.cat([m.counts for m in found]))[order]
    values = torch.cat([_values(query, m, grad_out) for m in found])[order]
    return _multiply(_starts(torch.bincount(columns, minlength=query.num_columns)), rows, values, grad_out)


def _multiply(rowptr: Tensor, columns: Tensor, values: Tensor, dense: Tensor) -> Tensor:
    if columns.numel() == 0:
        return dense.new_zeros(rowptr.numel() - 1, dense.size(1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CSR is called a beta
        size = (rowptr.numel() - 1, dense.size(0))
        product: Tensor = torch.sparse_csr_tensor(rowptr, columns, values, size, check_invariants=False) @ dense
    return product


def _chunks(query: Query) -> Iterator[_Matches]:
    sources, targets = query.pairs
    if sources.numel() == 0:
        return
    size1 = query.first.indptr[sources + 1] - query.first.indptr[sources]
    size2 = query.second.indptr[targets + 1] - query.second.indptr[targets]
    absent1 = _absent(query.first)
    absent2 = absent1 if query.second.excluded is query.first.excluded else _absent(query.second)
    keys1, keys2 = _keys(query.first, query), _keys(query.second, query)
    work = torch.cumsum(torch.minimum(size1, size2), 0)
    parts = int(work[-1]) // CHUNK + 1
    cuts = torch.searchsorted(work, torch.arange(1, parts, device=work.device) * CHUNK).tolist() if parts > 1 else []
    bounds = sorted({0, *cuts, sources.numel()})
    for start, stop in pairwise(bounds):
        s, t = sources[start:stop], targets[start:stop]
        first_smaller = size1[start:stop] <= size2[start:stop]
        found = []
        for own, rows, other, keys, here, swapped in (
            (query.first, s, t, keys2, first_smaller, False),
            (query.second, t, s, keys1, ~first_smaller, True),
        ):
            pair = here.nonzero().squeeze(1)
            r = rows[pair]
            local, entries = _expand(own.indptr[r], own.indptr[r + 1] - own.indptr[r])
            pair = pair[local]
            wanted = own.indices[entries] + other[pair] * query.num_columns
            at = torch.searchsorted(keys, wanted)
            hit = (at < keys.numel()).logical_and_(keys[at.clamp_(max=max(keys.numel() - 1, 0))] == wanted)
            hits = hit.nonzero().squeeze(1)
            pair, entries, at = pair[hits], entries[hits], at[hits]
            found.append((pair, at, entries) if swapped else (pair, entries, at))
        yield _ordered(start, stop, found, absent1, absent2)


def _ordered(
    start: int,
    stop: int,
    found: list[tuple[Tensor, Tensor, Tensor]],
    absent1: Tensor | None,
    absent2: Tensor | None,
) -> _Matches:
    """The two halves (by which row was expanded) in the order of pairs: a pair lies wholly in one of them."""
    if absent1 is not None or absent2 is not None:
        kept = []
        for pair, e, f in found:
            keep = torch.ones_like(pair, dtype=torch.bool)
            if absent1 is not None:
                keep &= ~absent1[e]
            if absent2 is not None:
                keep &= ~absent2[f]
            kept.append((pair[keep], e[keep], f[keep]))
        found = kept
    sizes = [torch.bincount(pair, minlength=stop - start) for pair, _, _ in found]
    counts = sizes[0] + sizes[1]
    starts = _starts(counts)
    total = found[0][0].numel() + found[1][0].numel()
    entries = counts.new_empty((2, total))
    for (pair, e, f), size in zip(found, sizes, strict=True):
        to = torch.arange(pair.numel(), device=pair.device) + (starts[:-1] - _starts(size)[:-1])[pair]
        entries[0, to], entries[1, to] = e, f
    return _Matches(start, stop, counts, entries[0], entries[1])


def _expand(start: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """Which row, and which entry, for all entries of rows that begin at `start`."""
    rows = torch.repeat_interleave(size)
    return rows, torch.arange(rows.numel(), device=size.device) + (start - _starts(size)[:-1])[rows]


def _starts(sizes: Tensor) -> Tensor:
    return torch.cat((sizes.new_zeros(1), torch.cumsum(sizes, 0)))


def _absent(side: Side) -> Tensor | None:
    if side.excluded is None or side.excluded.numel() == 0:
        return None
    mask = torch.zeros(side.indices.numel(), dtype=torch.bool, device=side.indices.device)
    mask[side.excluded] = True
    return mask


def _keys(side: Side, query: Query) -> Tensor:
    return side.keys if side.keys is not None else edge_keys(side.indptr, side.indices, query.num_columns)


def _weights(query: Query, matches: _Matches) -> Tensor | None:
    first, second = query.first.weights, query.second.weights
    if first is None and second is None:
        return None
    if first is None or second is None:
        return first[matches.entries1] if first is not None else second[matches.entries2]  # type: ignore[index]
    return first[matches.entries1] * second[matches.entries2]


def _values(query: Query, matches: _Matches, like: Tensor) -> Tensor:
    values = _weights(query, matches)
    return like.new_ones(matches.entries1.numel()) if values is None else values.to(like.dtype)
