"""Which neighbours of one end only a completion looks at: all, or so many draws for each end of a pair."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from graphx.nn.linkpred import _ops
from graphx.nn.linkpred._torch import Query, expand

__all__: list[str] = []

_LOOKS = 32  # entries that may be looked at for each node: some hundred nanoseconds and bytes, below those of a layer


class Levels(NamedTuple):
    """How much of a completion is left to do.

    Attributes:
        depth: Levels; 0 for none.
        samples: Draws for each end, or None for all neighbours.
        seed: Of the draws.
    """

    depth: int
    samples: int | None = None
    seed: int = 0


class Candidates(NamedTuple):
    """The nodes next to one end of a pair and not to the other, C of them for all pairs.

    Attributes:
        rows: Which pair, int64 ``[C]``.
        columns: The node, int64 ``[C]``.
        others: The end that it is not next to, int64 ``[C]``.
        counts: How much each counts, ``[C]``; None for one.
    """

    rows: Tensor
    columns: Tensor
    others: Tensor
    counts: Tensor | None


def candidates(query: Query, levels: Levels) -> Candidates:
    """Those of the first end of each pair, then those of the second."""
    first, columns1, second, columns2 = _ops.differences(query)
    lists, counts = [(first, columns1), (second, columns2)], None
    if levels.samples is not None:
        drawn = [sampled(*found, query.pairs, levels.samples, 2 * levels.seed + i) for i, found in enumerate(lists)]
        lists, counts = [found[:2] for found in drawn], torch.cat([found[2] for found in drawn])
    rows = [torch.repeat_interleave(starts.diff()) for starts, _ in lists]
    others = torch.cat((query.pairs[1][rows[0]], query.pairs[0][rows[1]]))
    return Candidates(torch.cat(rows), torch.cat([columns for _, columns in lists]).long(), others, counts)


def nodes_read(query: Query, levels: Levels) -> Tensor | None:
    """The nodes whose representations a question reads, each once.

    They are the common neighbours, and with one level of completion the ends and all nodes next to them. The bound on
    what is looked at keeps this far below the cost of one layer for all nodes.

    Args:
        query: A question about nodes of one kind.
        levels: The completion that it asks for.

    Returns:
        Nodes, ascending; None where they are most of all nodes, or may be.
    """
    side, size = query.first, query.num_columns
    start, stop = side.indptr[query.pairs], side.indptr[query.pairs + 1]
    degrees = stop - start
    looked_at = degrees.amin(0).sum() if levels.depth == 0 else degrees.sum()
    if levels.depth > 1 or int(looked_at) > _LOOKS * size:
        return None
    read = torch.zeros(size, dtype=torch.bool, device=query.pairs.device)
    if levels.depth == 0:
        read[_ops.lists(query)[1].long()] = True
    else:
        read[query.pairs.flatten()] = True
        read[side.indices[expand(start.flatten(), degrees.flatten())[1]].long()] = True
    nodes = read.nonzero().squeeze(1)
    return nodes if 4 * nodes.numel() <= 3 * size else None


def sampled(starts: Tensor, columns: Tensor, pairs: Tensor, samples: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    r"""Lists with more than k entries by k draws with replacement, each of which counts length / k.

    A draw is a function of the seed, the two ends and its number alone: it depends on no batch, device or thread. The
    expected sum over a list is the sum over all of it.

    Args:
        starts: Where each list begins, int64 ``[B + 1]``.
        columns: The entries, ``[E]``.
        pairs: int64 ``[2, B]``.
        samples: k.
        seed: Fixes the draws.

    Returns:
        The lists in the same form, without what was not drawn, and how much each entry counts, float32.
    """
    lengths = starts.diff()
    counts = torch.repeat_interleave((lengths <= samples).float(), lengths)
    long = (lengths > samples).nonzero().squeeze(1)
    if long.numel():
        numbers = torch.arange(samples, device=starts.device)
        keys = _mixed(_mixed(_mixed(pairs[0, long] + seed) + pairs[1, long]).unsqueeze(1) + numbers)
        picks = starts[long].unsqueeze(1) + (keys >> 1 & (1 << 62) - 1) % lengths[long].unsqueeze(1)
        each = (lengths[long].float() / samples).unsqueeze(1).expand(-1, samples)
        counts.index_add_(0, picks.flatten(), each.flatten())
    taken = counts.nonzero().squeeze(1)
    rows = torch.repeat_interleave(lengths)[taken]
    sizes = torch.bincount(rows, minlength=lengths.numel())
    return torch.cat((sizes.new_zeros(1), sizes.cumsum(0))), columns[taken], counts[taken]


def _mixed(x: Tensor) -> Tensor:
    """SplitMix64 of int64 numbers, modulo 2^64 (Steele, Lea, Flood, OOPSLA 2014)."""
    x = x + _signed(0x9E3779B97F4A7C15)
    x = (x ^ (x >> 30 & (1 << 34) - 1)) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> 27 & (1 << 37) - 1)) * _signed(0x94D049BB133111EB)
    return x ^ (x >> 31 & (1 << 33) - 1)


def _signed(word: int) -> int:
    return word - (1 << 64)
