"""LCM aggregation by recursion, one segment and one pair at a time."""

from __future__ import annotations

import torch
from torch import Tensor


def gru_pair(a: Tensor, b: Tensor, weights: tuple[Tensor, ...]) -> Tensor:
    """Half the sum of torch's GRU cell on (a, b) and on (b, a), for two vectors."""
    cell = torch.nn.GRUCell(a.numel(), a.numel()).to(a.dtype)

    def call(given: Tensor, hidden: Tensor) -> Tensor:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return torch.func.functional_call(cell, dict(zip(names, weights, strict=True)), (given[None], hidden[None]))[0]

    return (call(a, b) + call(b, a)) / 2


def tree(elements: list[Tensor], weights: tuple[Tensor, ...]) -> Tensor:
    """Pair neighbours, pass an odd last one up, and begin again."""
    if len(elements) == 1:
        return elements[0]
    paired = [gru_pair(elements[i], elements[i + 1], weights) for i in range(0, len(elements) - 1, 2)]
    return tree(paired + elements[len(paired) * 2 :], weights)


def aggregate(x: Tensor, index: Tensor, size: int, weights: tuple[Tensor, ...], empty: Tensor) -> Tensor:
    """Every segment by itself, elements in the order in which they came."""
    rows = [[x[e] for e in range(x.size(0)) if int(index[e]) == v] for v in range(size)]
    return torch.stack([tree(row, weights) if row else empty for row in rows])
