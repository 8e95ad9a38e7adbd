"""What there is to predict: a graph, pairs to learn from, and pairs to be judged by, checked once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.linkpred._messages import as_csr, messages_of
from graphx.nn.linkpred.adjacency import Adjacency, as_adjacency, checked_pairs
from graphx.nn.linkpred.config import LinkConfig

if TYPE_CHECKING:
    from graphx.data.splits import LinkSplit

__all__ = ["EvaluationPairs", "LinkTask"]


class EvaluationPairs(NamedTuple):
    """Pairs that are links and pairs that are none.

    Args:
        positive: int64 ``[2, P]``.
        negative: int64 ``[2, M]``, the same for all positives, or ``[2, P, K]``, K for each, as HeaRT and
            ogbl-citation2 have them.

    Example:
        >>> import torch
        >>> EvaluationPairs(torch.tensor([[0], [1]]), torch.tensor([[0, 2], [3, 4]])).negative.shape
        torch.Size([2, 2])
    """

    positive: Tensor
    negative: Tensor


@dataclass(frozen=True, eq=False)
class LinkTask:
    """A graph with links to learn and links to be judged by, none of which is in both.

    Args:
        graph: The graph that is read while training and validating, undirected: anything :func:`as_adjacency` takes.
        train: Positive training pairs ``[2, E]``, each once; usually the edges of the graph.
        valid: Pairs for validation.
        test: Pairs for testing, or None.
        x: Features ``[N, F]``, dense or sparse; None for a graph without, whose nodes get learned embeddings.
        test_graph: The graph that is read in testing, where it is another, as ogbl-collab's with validation edges.
        name: What it is called.
        allow_overlap: Do not refuse evaluation pairs that are training pairs or edges of the graph, as some official
            splits have them: ogbl-collab, where people write together again.

    Raises:
        InputError: Pairs of another type or out of range, features of another length or not finite, a directed graph,
            or an overlap.

    Example:
        >>> from graphx.data.splits import link_split
        >>> from graphx.data.synthetic import cycle
        >>> task = LinkTask.from_split(link_split(cycle(20), seed=0))
        >>> task
        LinkTask(nodes=20, train=14, valid=2+2, test=4+4, features=none)
    """

    graph: Any
    train: Tensor
    valid: EvaluationPairs
    test: EvaluationPairs | None = None
    x: Tensor | None = None
    test_graph: Any = None
    name: str = ""
    allow_overlap: bool = False

    def __post_init__(self) -> None:
        given = int(self.x.size(0)) if self.x is not None and self.x.dim() else None
        for name in ("graph", "test_graph"):
            graph = getattr(self, name)
            if graph is not None:
                is_edges = isinstance(graph, Tensor) and graph.layout == torch.strided
                object.__setattr__(self, name, as_adjacency(graph, num_nodes=given if is_edges else None))
        if self.x is not None:
            _check_features(self.x, self.num_nodes)
        for graph in (self.graph, self.test_graph):
            if graph is not None and not messages_of(graph).is_symmetric:
                raise InputError(
                    "the graph is directed; expected both directions of every edge: apply ToUndirected() or "
                    "Graph.to_undirected() first"
                )
        if self.test_graph is not None and self.test_graph.num_rows != self.num_nodes:
            raise InputError(f"test_graph has {self.test_graph.num_rows} nodes; expected {self.num_nodes} as the graph")
        self._check_pairs("train", self.train)
        if self.train.size(1) == 0:
            raise InputError("train holds no pairs; expected at least one to learn from")
        for name, part in self.parts().items():
            self._check_pairs(f"{name}.positive", part.positive)
            negative = part.negative
            if negative.dim() == 3 and negative.size(1) != part.positive.size(1):
                raise InputError(
                    f"{name}.negative is {list(negative.shape)}; expected [2, {part.positive.size(1)}, K], K for each "
                    "positive pair, or [2, M]"
                )
            self._check_pairs(f"{name}.negative", negative.reshape(2, -1) if negative.dim() == 3 else negative)
            if part.positive.size(1) == 0 or negative.numel() == 0:
                raise InputError(f"{name} has no positive or no negative pairs; expected some of both")
        if not self.allow_overlap:
            self._check_overlap()

    @classmethod
    def from_split(cls, split: LinkSplit, x: Tensor | None = None, *, name: str = "") -> LinkTask:
        """The task of a split of :mod:`graphx.data.splits`: the training edges are graph and training pairs.

        Args:
            split: Undirected, with negatives.
            x: Features ``[N, F]``.
            name: What it is called.

        Returns:
            The task.

        Raises:
            InputError: A directed split, or as the class.
        """
        if split.directed:
            raise InputError("the split is one of directed edges; expected an undirected one: see link_split")

        def pairs(array: Any) -> Tensor:
            return torch.from_numpy(array.copy())

        train = pairs(split.train)
        both = torch.cat((train, train.flip(0)), dim=1)
        test = EvaluationPairs(pairs(split.test), pairs(split.test_neg)) if split.test.size else None
        valid = EvaluationPairs(pairs(split.val), pairs(split.val_neg))
        return cls(as_adjacency(both, num_nodes=split.num_nodes), train, valid, test, x, name=name)

    @property
    def num_nodes(self) -> int:
        """N."""
        graph: Adjacency = self.graph
        return graph.num_rows

    def parts(self) -> dict[str, EvaluationPairs]:
        """The parts to be judged by.

        Returns:
            ``'valid'``, and ``'test'`` where there is one.
        """
        return {"valid": self.valid} | ({} if self.test is None else {"test": self.test})

    def check_metric(self, config: LinkConfig) -> None:
        """Refuse a metric that says nothing about these pairs.

        Args:
            config: Whose metric is meant.

        Raises:
            InputError: Hits@K with fewer than K negatives.
        """
        for name, part in self.parts().items():
            if config.k is not None and config.k > part.negative.size(-1):
                raise InputError(
                    f"{config.metric} with {part.negative.size(-1)} negatives in {name} is 1 for any scores; expected "
                    f"K at most {part.negative.size(-1)}: take a smaller K, or more negatives"
                )

    def to(self, device: torch.device | str) -> LinkTask:
        """The same task on another device.

        Args:
            device: A torch device.

        Returns:
            The task there; itself if it is there.
        """
        if torch.device(device) == self.graph.device:
            return self
        made = object.__new__(LinkTask)
        held = {**self.__dict__, "graph": self.graph.to(device), "train": self.train.to(device)}
        held |= {name: EvaluationPairs(*(part.to(device) for part in pairs)) for name, pairs in self.parts().items()}
        held["x"] = None if self.x is None else self.x.to(device)
        held["test_graph"] = None if self.test_graph is None else self.test_graph.to(device)
        made.__dict__.update(held)
        return made

    def digest(self) -> str:
        """What the task is made of, as SHA-256.

        Returns:
            64 hexadecimal digits.
        """
        state = hashlib.sha256()
        tensors: list[Tensor | None] = [self.graph.indptr, self.graph.indices, self.graph.weights, self.train]
        tensors += [pairs for part in self.parts().values() for pairs in part]
        if self.test_graph is not None:
            tensors += [self.test_graph.indptr, self.test_graph.indices, self.test_graph.weights]
        if self.x is not None:
            sparse = self.x.layout != torch.strided
            csr = as_csr(self.x) if sparse else None
            tensors += [self.x] if csr is None else [csr.crow_indices(), csr.col_indices(), csr.values()]
        for tensor in tensors:
            if tensor is not None:
                state.update(f"{tensor.dtype}{list(tensor.shape)}".encode())
                state.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
        return state.hexdigest()

    def _check_pairs(self, what: str, pairs: Tensor) -> None:
        checked_pairs(pairs, what, self.graph.device)
        if pairs.numel() and not 0 <= int(pairs.min()) <= int(pairs.max()) < self.num_nodes:
            bad = int(pairs.min()) if int(pairs.min()) < 0 else int(pairs.max())
            raise InputError(f"{what} names the node {bad}; expected 0..{self.num_nodes - 1}")

    def _check_overlap(self) -> None:
        train = self._codes(self.train)
        for name, part in self.parts().items():
            graph = self.graph if name == "valid" or self.test_graph is None else self.test_graph
            for kind, pairs in zip(part._fields, part, strict=True):
                flat = pairs.reshape(2, -1)
                inside = torch.isin(self._codes(flat), train) | has_edges(graph, flat)
                if kind == "negative":
                    inside |= torch.isin(self._codes(flat), self._codes(part.positive))
                if bool(inside.any()):
                    u, v = flat[:, int(inside.nonzero()[0])].tolist()
                    raise InputError(
                        f"{name}.{kind} overlaps what is learned from: {int(inside.sum())} of {flat.size(1)} pairs, "
                        f"first ({u}, {v}), are training pairs, edges of the graph or positive; expected none: split "
                        "again with graphx.data.splits, or pass allow_overlap=True for an official split that is so"
                    )
        if self.test is not None:
            again = torch.isin(self._codes(self.test.positive), self._codes(self.valid.positive))
            if bool(again.any()):
                u, v = self.test.positive[:, int(again.nonzero()[0])].tolist()
                raise InputError(f"({u}, {v}) is in valid and in test; expected parts without overlap")

    def _codes(self, pairs: Tensor) -> Tensor:
        return pairs.amin(0) * self.num_nodes + pairs.amax(0)

    def __repr__(self) -> str:
        parts = ", ".join(f"{k}={p.positive.size(1)}+{p.negative[0].numel()}" for k, p in self.parts().items())
        features = "none" if self.x is None else self.x.size(1)
        return f"LinkTask(nodes={self.num_nodes}, train={self.train.size(1)}, {parts}, features={features})"


def has_edges(graph: Adjacency, pairs: Tensor) -> Tensor:
    """Which pairs ``[2, B]`` are entries of the matrix, bool ``[B]``."""
    keys, wanted = graph.keys(), pairs[0] * graph.num_columns + pairs[1]
    if keys.numel() == 0:
        return torch.zeros_like(wanted, dtype=torch.bool)
    at = torch.searchsorted(keys, wanted).clamp_(max=keys.numel() - 1)
    return keys[at] == wanted


def _check_features(x: Tensor, num_nodes: int) -> None:
    if x.dim() != 2 or x.size(0) != num_nodes or not x.is_floating_point():
        raise InputError(f"x is {x.dtype} {list(x.shape)}; expected floating point [{num_nodes}, F]")
    values = x if x.layout == torch.strided else as_csr(x).values()
    if not bool(torch.isfinite(values).all()):
        where = ""
        if x.layout == torch.strided:
            row, column = (~torch.isfinite(x)).nonzero()[0].tolist()
            where = f", first in row {row}, column {column}"
        bad = int((~torch.isfinite(values)).sum())
        raise InputError(f"x has {bad} values that are NaN or infinite{where}; expected numbers: fill or remove them")
