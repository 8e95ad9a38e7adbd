"""The node, link and graph tasks of the initialisation benchmark: data, loss and scores."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from torch.nn import functional
from torch_geometric.data import Batch, Data
from torch_geometric.utils import remove_self_loops, scatter, to_undirected

import graphx
from graphx.data.splits import link_split, node_split
from graphx.nn.linkpred.evaluate import auc

LINKS = "-links"
GRAPHS = ("mutag", "proteins", "enzymes")
EMBEDDING = 64


@cache
def load(name: str, root: str) -> Data:
    """An undirected graph without loops, rows of features that sum to 1; without splits ten of them.

    ``SET-links`` is the graph of SET; a TU set is one graph of many components. A data set of nodes without splits gets
    ten in Planetoid's design, a set of graphs ten of 80, 10 and 10 per cent.
    """
    data = graphx.data.load(name.removesuffix(LINKS), root=root)
    if name in GRAPHS:
        data = Batch.from_data_list(list(data))
    if data.get("train_mask") is None:
        data.train_mask, data.val_mask, data.test_mask = _masks(data, name)
    edge_index = remove_self_loops(to_undirected(data.edge_index, num_nodes=data.num_nodes))[0]
    x = data.x.float()
    x = x / x.sum(dim=1, keepdim=True).clamp(min=1e-9)
    found = Data(x=x, edge_index=edge_index, y=data.y, train=data.train_mask, val=data.val_mask, test=data.test_mask)
    if name in GRAPHS:
        found.graph = data.batch
    return found


def _masks(data: Data, name: str) -> torch.Tensor:
    if name in GRAPHS:
        orders = torch.stack(
            [torch.randperm(len(data.y), generator=torch.Generator().manual_seed(s)) for s in range(10)]
        )
        places = orders.argsort(dim=1).t() / len(data.y)
        return torch.stack([places < 0.8, (places >= 0.8) & (places < 0.9), places >= 0.9])
    masks = torch.zeros(3, data.num_nodes, 10, dtype=torch.bool)
    for seed in range(10):
        split = node_split(data, train=20, val=500, test=1000, seed=seed)
        for mask, part in zip(masks, (split.train, split.val, split.test), strict=True):
            mask[torch.from_numpy(part), seed] = True
    return masks


class Labels:
    """Cross-entropy and accuracy of nodes, or of graphs as means of their nodes."""

    def __init__(self, data: Data, seed: int) -> None:
        self.data, self.graph = data, data.graph if "graph" in data else None
        self.outputs = int(data.y.max()) + 1
        masks = (data.train, data.val, data.test)
        self.train, self.val, self.test = (m if m.dim() == 1 else m[:, seed % m.size(1)] for m in masks)

    def _pooled(self, out: torch.Tensor) -> torch.Tensor:
        return out if self.graph is None else scatter(out, self.graph, dim=0, reduce="mean")

    def loss(self, out: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(self._pooled(out)[self.train], self.data.y[self.train])

    def scores(self, out: torch.Tensor) -> tuple[float, float]:
        """Validation and test accuracy."""
        right = (self._pooled(out).argmax(dim=1) == self.data.y).float()
        return float(right[self.val].mean()), float(right[self.test].mean())


class Links:
    """Dot products of embeddings, against one random pair for each edge; 85, 5 and 10 per cent; area under the curve.

    The network passes messages along the edges of training only.
    """

    outputs = EMBEDDING

    def __init__(self, data: Data, seed: int) -> None:
        split = link_split(data, val=0.05, test=0.1, seed=seed)
        pairs = lambda found: torch.tensor(found, dtype=torch.long).view(2, -1)  # noqa: E731
        self.train = pairs(split.train)
        self.pairs = [(pairs(p), pairs(n)) for p, n in ((split.val, split.val_neg), (split.test, split.test_neg))]
        self.data = Data(x=data.x, edge_index=to_undirected(self.train, num_nodes=data.num_nodes), y=data.y)

    @staticmethod
    def _products(out: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
        return (out[pairs[0]] * out[pairs[1]]).sum(dim=1) / EMBEDDING**0.5

    def loss(self, out: torch.Tensor) -> torch.Tensor:
        noise = torch.randint(len(out), self.train.shape)
        scores = torch.cat([self._products(out, self.train), self._products(out, noise)])
        return functional.binary_cross_entropy_with_logits(scores, (torch.arange(len(scores)) < len(noise[0])).float())

    def scores(self, out: torch.Tensor) -> tuple[float, float]:
        """Areas under the curve in validation and test; one half where a product is not finite."""
        found = [(self._products(out, p), self._products(out, n)) for p, n in self.pairs]
        finite = [bool(torch.isfinite(torch.cat(both)).all()) for both in found]
        areas = [auc(p, n) if ok else 0.5 for (p, n), ok in zip(found, finite, strict=True)]
        return areas[0], areas[1]


def task(name: str, root: str, seed: int) -> Labels | Links:
    """The task of a set, with its split."""
    data = load(name, root)
    return Links(data, seed) if name.endswith(LINKS) else Labels(data, seed)
