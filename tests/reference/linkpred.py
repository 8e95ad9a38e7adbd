"""Common neighbours by sets, metrics by loops, and the equations of every predictor in plain dense torch.

The predictors are transcribed from the paper's equations with a dense adjacency matrix; they share no code with graphx.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

__all__ = [
    "Transcription",
    "auc",
    "common",
    "counts",
    "differences",
    "hits_at",
    "mrr",
    "pool",
]

Weighted = list[dict[int, float]]


def rows_of(dense: Tensor) -> Weighted:
    """Row i as {u: weight}."""
    return [{u: float(w) for u, w in enumerate(row) if w != 0} for row in dense.tolist()]


def without(dense: Tensor, edges: list[tuple[int, int]]) -> Tensor:
    """The matrix with both directions of the edges zero."""
    out = dense.clone()
    for u, v in edges:
        out[u, v] = out[v, u] = 0
    return out


def common(first: Weighted, second: Weighted, pairs: list[tuple[int, int]]) -> list[list[int]]:
    return [sorted(set(first[s]) & set(second[t])) for s, t in pairs]


def counts(first: Weighted, second: Weighted, pairs: list[tuple[int, int]]) -> list[float]:
    return [
        sum(first[s][u] * second[t][u] for u in found)
        for (s, t), found in zip(pairs, common(first, second, pairs), strict=True)
    ]


def pool(first: Weighted, second: Weighted, pairs: list[tuple[int, int]], x: Tensor) -> Tensor:
    out = torch.zeros(len(pairs), x.size(1), dtype=x.dtype)
    for b, ((s, t), found) in enumerate(zip(pairs, common(first, second, pairs), strict=True)):
        for u in found:
            out[b] += first[s][u] * second[t][u] * x[u]
    return out


def differences(first: Weighted, second: Weighted, pairs: list[tuple[int, int]]) -> tuple[list[list[int]], ...]:
    return (
        [sorted(set(first[s]) - set(second[t])) for s, t in pairs],
        [sorted(set(second[t]) - set(first[s])) for s, t in pairs],
    )


# -- metrics ----------------------------------------------------------------------------------------------------------


def _rank(p: float, negative: list[float]) -> float:
    return 1 + sum(n > p for n in negative) + sum(n == p for n in negative) / 2


def hits_at(positive: list[float], negative: list[float] | list[list[float]], k: int) -> float:
    if isinstance(negative[0], list):
        return sum(_rank(p, row) <= k for p, row in zip(positive, negative, strict=True)) / len(positive)
    bar = sorted(negative, reverse=True)[k - 1]
    return sum(p > bar for p in positive) / len(positive)


def mrr(positive: list[float], negative: list[float] | list[list[float]]) -> float:
    rows = negative if isinstance(negative[0], list) else [negative] * len(positive)
    return sum(1 / _rank(p, row) for p, row in zip(positive, rows, strict=True)) / len(positive)


def auc(positive: list[float], negative: list[float] | list[list[float]]) -> float:
    rows = negative if isinstance(negative[0], list) else [negative] * len(positive)
    wins = [sum((p > n) + (p == n) / 2 for n in row) / len(row) for p, row in zip(positive, rows, strict=True)]
    return sum(wins) / len(wins)


# -- predictors -------------------------------------------------------------------------------------------------------


def _mlp(layout: str, sizes: list[int], norm: bool) -> nn.Sequential:
    """L linear (of the next sizes), N layer norm (if norm), R relu: the paper's blocks, in evaluation."""
    steps = pairwise(sizes)
    modules: list[nn.Module] = []
    width = sizes[0]
    for sign in layout:
        if sign == "L":
            a, width = next(steps)
            modules.append(nn.Linear(a, width))
        elif sign == "R":
            modules.append(nn.ReLU())
        elif norm:
            modules.append(nn.LayerNorm(width))
    return nn.Sequential(*modules)


class Transcription(nn.Module):
    """The equations of one predictor, in evaluation, over a dense 0/1 adjacency matrix without the target edges.

    `kind`: gae, gae_cn, gae_cat_cn, gae_cnc, ncn, ncnc, ncn2, ncn_diff, cn2. Options as the authors name them.
    """

    def __init__(
        self,
        kind: str,
        channels: int,
        hidden: int,
        *,
        norm: bool = True,
        use_xlin: bool = False,
        tailact: bool = False,
        twolayerlin: bool = False,
        depth: int = 1,
        alpha: float = 1.0,
        pt: float = 0.5,
        scale: float = 5.0,
        offset: float = 3.0,
        compat: bool = False,
        learnpt: bool = False,
    ) -> None:
        super().__init__()
        self.kind, self.depth, self.compat = kind, depth, compat
        self.alpha, self.pt, self.scale, self.offset = alpha, pt, scale, offset
        tail = "" if tailact else "L"
        h = hidden
        self.xlin = _mlp("LRLNR", [channels, h, channels], norm) if use_xlin else None
        first = 1 if kind in ("gae_cn", "gae_cnc") else channels
        self.xcnlin = _mlp("LRLNR" + tail, [first, h, h, h], norm) if kind not in ("gae", "gae_cat_cn") else None
        extra = {"ncn2": "xcn12lin", "ncn_diff": "xcnreslin", "cn2": "xcn2lin"}
        self.fourth = _mlp("LRLNR" + tail, [channels, h, h, h], norm) if kind == "cn2" else None
        self.alphas = nn.Parameter(torch.ones(3)) if kind == "cn2" else None
        self.second = _mlp("LRLNR" + tail, [channels, h, h, h], norm) if kind in extra else None
        self.xijlin = _mlp("LNR" + tail, [channels, h, h], norm)
        wide = h + 1 if kind == "gae_cat_cn" else h
        self.lin = _mlp("LNRLNRL" if twolayerlin else "LNRL", [wide, h, h, 1] if twolayerlin else [wide, h, 1], norm)
        self.ptlin = _mlp("LNRL", [channels, h, 1], norm) if learnpt else None
        self.beta = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor, a: Tensor, pairs: Tensor) -> Tensor:
        return self.logits(x, a, pairs, self.depth if self.kind in ("ncnc", "gae_cnc") else 0)

    def logits(self, x: Tensor, a: Tensor, pairs: Tensor, depth: int) -> Tensor:
        h = x if self.xlin is None else x + self.xlin(x)
        out = []
        for i, j in pairs.t().tolist():
            xij = self.xijlin(x[i] * x[j])
            if self.kind == "gae":
                out.append(self.lin(xij))
                continue
            cn = a[i] * a[j]
            if self.kind == "gae_cat_cn":
                out.append(self.lin(torch.cat((cn.sum().view(1), xij))))
                continue
            if self.kind == "cn2":
                a2 = ((a @ a) != 0).to(x.dtype)
                share = torch.sigmoid(self.alphas).cumprod(0)
                f1, f2, f4 = self.xcnlin, self.second, self.fourth
                z = share[0] * f1(cn @ h) + share[1] * f2((a[i] * a2[j]) @ h) * f2((a2[i] * a[j]) @ h)
                out.append(self.lin(z + share[2] * f4((a2[i] * a2[j]) @ h) + self.beta * xij))
                continue
            if self.kind == "gae_cn":
                z = self.xcnlin(cn.sum().view(1))
            elif self.kind == "gae_cnc":
                total = cn.sum()
                if depth > 0:
                    total = total + (
                        self.completed(x, h, a, i, j, depth).sum() + self.completed(x, h, a, j, i, depth).sum()
                    )
                z = self.xcnlin(total.view(1))
            elif self.kind == "ncn2":
                a2 = ((a @ a) != 0).to(x.dtype)
                z = self.xcnlin(cn @ h) + self.second((a[i] * a2[j]) @ h + (a2[i] * a[j]) @ h)
            elif self.kind == "ncn_diff":
                z = self.xcnlin(cn @ h) + self.second((a[i] * (1 - a[j]) + a[j] * (1 - a[i])) @ h)
            else:
                weights = cn
                if depth > 0:
                    weights = cn + self.completed(x, h, a, i, j, depth) + self.completed(x, h, a, j, i, depth)
                z = self.xcnlin(weights @ h)
            out.append(self.lin(z * self.beta + xij))
        return torch.cat(out) if out else x.new_zeros(0)

    def completed(self, x: Tensor, h: Tensor, a: Tensor, i: int, j: int, depth: int) -> Tensor:
        """P_ju for every u in N(i) without N(j), as a vector over nodes."""
        nodes = (a[i] * (1 - a[j])).nonzero().flatten()
        weights = torch.zeros_like(a[i])
        if len(nodes) == 0:
            return weights
        inner = torch.stack((torch.full_like(nodes, j), nodes))
        with torch.no_grad():
            s = self.logits(h if self.compat else x, a, inner, depth - 1)
            p0 = torch.sigmoid(self.scale * (s - self.offset))
        pt = self.pt if self.ptlin is None else torch.sigmoid(self.ptlin(x[i] * x[j]))
        weights[nodes] = self.alpha * pt * p0 / (pt * p0 + 1 - p0)
        return weights


def encode(
    dense: Tensor,
    x: Tensor,
    conv: str,
    weights: list[tuple[Tensor, Tensor]],
    layers: int,
    *,
    residual: bool = False,
    norm: bool = False,
    mixture: Tensor | None = None,
) -> Tensor:
    """The encoder on a dense matrix whose row i holds what reaches i, in evaluation mode; `weights` as in W x + b."""

    def spread(h: Tensor) -> Tensor:
        kind = conv.removeprefix("pure")
        if kind == "gcn":
            with_loops = dense + torch.eye(len(dense), dtype=h.dtype)
            root = torch.diag(with_loops.sum(1) ** -0.5)
            return root @ with_loops @ root @ h
        if kind in ("max", "mean", "sage"):  # rows without any entry stay zero
            rows = []
            for row in dense:
                reached = row[row != 0].unsqueeze(1) * h[row != 0]
                empty = torch.zeros(h.size(1), dtype=h.dtype)
                rows.append(empty if len(reached) == 0 else reached.amax(0) if kind == "max" else reached.mean(0))
            return torch.stack(rows)
        return dense @ h

    h, kept = x, []
    if conv.startswith("pure"):
        weight, bias = weights[0]
        h = x @ weight.t() + bias
    for layer in range(layers):
        if conv.startswith("pure"):
            out = spread(h)
        else:
            weight, bias = weights[layer]
            out = spread(h @ weight.t()) + bias
            if layer < layers - 1:
                if norm:
                    out = nn.functional.layer_norm(out, out.shape[1:])
                out = out.relu()
        h = out + h if residual and out.shape == h.shape else out
        kept.append(h)
    return h if mixture is None else sum(a * part for a, part in zip(mixture, kept, strict=True))
