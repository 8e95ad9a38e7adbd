"""What a split is: parts that do not overlap, and the digest of what they are parts of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from graphx._checks import frozen
from graphx.errors import InputError
from graphx.graph import Graph

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LinkSplit", "Split", "digest_of", "edge_codes", "to_numpy"]

Ints = npt.NDArray[np.int64]
Part = Literal["train", "val", "test"]
_PARTS: tuple[Part, ...] = ("train", "val", "test")


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Nodes of one graph, or graphs of one data set, in three parts that do not overlap.

    Attributes:
        train: Numbers of the training nodes (or graphs), ascending, int64.
        val: The same for validation.
        test: The same for testing.
        size: N, how many nodes (or graphs) there are; not all need be in a part.
        digest: Of the graph (or labels) that was split, see :func:`graphx.data.splits.save_split`.
        origin: How the split was made.

    Example:
        >>> Split([0, 3], [1], [2], size=5).masks()["train"].tolist()
        [True, False, False, True, False]
    """

    train: Ints
    val: Ints
    test: Ints
    size: int
    digest: str = ""
    origin: str = ""

    def __post_init__(self) -> None:
        for name in _PARTS:
            object.__setattr__(self, name, frozen(np.sort(np.asarray(getattr(self, name), dtype=np.int64))))
        members = np.concatenate([self.train, self.val, self.test])
        if members.size and not 0 <= members.min() <= members.max() < self.size:
            raise InputError(f"the parts hold numbers {members.min()} to {members.max()}; expected 0..{self.size - 1}")
        values, counts = np.unique(members, return_counts=True)
        if values.size != members.size:
            raise InputError(f"number {values[counts > 1][0]} is in more than one part; expected parts without overlap")

    def __eq__(self, other: object) -> bool:
        return _same(self, other)

    def __hash__(self) -> int:
        return hash((self.size, self.digest, self.test.tobytes()))

    def masks(self) -> dict[Part, npt.NDArray[np.bool_]]:
        """The parts as masks ``[N]``.

        Returns:
            A dictionary with ``'train'``, ``'val'`` and ``'test'``.
        """
        made: dict[Part, npt.NDArray[np.bool_]] = {}
        for name in _PARTS:
            made[name] = np.zeros(self.size, dtype=bool)
            made[name][getattr(self, name)] = True
        return made

    def apply(self, data: Any) -> Any:
        """A shallow copy of a PyG ``Data`` with ``train_mask``, ``val_mask`` and ``test_mask``.

        Args:
            data: The data with ``size`` nodes.

        Returns:
            The copy.

        Raises:
            InputError: The data have another number of nodes.
        """
        import copy

        import torch

        if int(data.num_nodes) != self.size:
            raise InputError(f"the split is one of {self.size} nodes and the data have {data.num_nodes}")
        made = copy.copy(data)
        for name, mask in self.masks().items():
            made[f"{name}_mask"] = torch.from_numpy(mask)
        return made


@dataclass(frozen=True, slots=True, eq=False)
class LinkSplit:
    """The edges of a graph in three parts, and pairs that are no edges for validation and test.

    An undirected edge stands once, as ``(u, v)`` with u < v, in exactly one part, so both of its directions are
    together. No negative is an edge, and no negative is in two parts.

    Attributes:
        train: Training edges ``[2, E]``, int64, in ascending order.
        val: Validation edges.
        test: Test edges.
        val_neg: Validation pairs without an edge.
        test_neg: Test pairs without an edge.
        num_nodes: N.
        directed: Whether ``(u, v)`` and ``(v, u)`` are different edges.
        digest: Of the graph that was split.
        origin: How the split was made.

    Example:
        >>> from graphx.data.splits import link_split
        >>> from graphx.data.synthetic import cycle
        >>> split = link_split(cycle(20), seed=0)
        >>> split.train.shape, split.val.shape, split.test_neg.shape
        ((2, 14), (2, 2), (2, 4))
        >>> split.train_graph()
        Graph(num_nodes=20, num_edges=14, undirected)
    """

    train: Ints
    val: Ints
    test: Ints
    val_neg: Ints
    test_neg: Ints
    num_nodes: int
    directed: bool = False
    digest: str = ""
    origin: str = ""

    def __post_init__(self) -> None:
        for name in (*_PARTS, "val_neg", "test_neg"):
            pairs = np.asarray(getattr(self, name), dtype=np.int64)
            pairs = np.ascontiguousarray(pairs[:, np.lexsort((pairs[1], pairs[0]))])
            pairs.flags.writeable = False
            object.__setattr__(self, name, pairs)

    def __eq__(self, other: object) -> bool:
        return _same(self, other)

    def __hash__(self) -> int:
        return hash((self.num_nodes, self.digest, self.test.tobytes()))

    def edge_index(self, *parts: Part) -> Ints:
        """The edges of some parts in PyG's form, both directions of every undirected edge.

        Args:
            *parts: ``'train'`` (the default), ``'val'``, ``'test'``.

        Returns:
            ``[2, E]``, int64, in ascending order.
        """
        pairs = np.concatenate([getattr(self, part) for part in parts or ("train",)], axis=1)
        if not self.directed:
            pairs = np.concatenate([pairs, pairs[::-1]], axis=1)
        return np.ascontiguousarray(pairs[:, np.lexsort((pairs[1], pairs[0]))])

    def train_graph(self) -> Graph:
        """The graph of the training edges, on all nodes: what message passing and heuristics may see.

        Returns:
            A Graph.
        """
        return Graph.from_edges(self.train[0], self.train[1], num_nodes=self.num_nodes, directed=self.directed)

    def to_ogb(self) -> dict[str, dict[str, Tensor]]:
        """The split as OGB's ``get_edge_split()`` gives it.

        Returns:
            ``'train'``, ``'valid'`` and ``'test'``, each with ``edge`` ``[E, 2]``; the last two with ``edge_neg``.
        """
        import torch

        def rows(pairs: Ints) -> Tensor:
            return torch.from_numpy(np.array(pairs.T, order="C"))

        return {
            "train": {"edge": rows(self.train)},
            "valid": {"edge": rows(self.val), "edge_neg": rows(self.val_neg)},
            "test": {"edge": rows(self.test), "edge_neg": rows(self.test_neg)},
        }

    def to_pyg(self, data: Any) -> tuple[Any, Any, Any]:
        """Three ``Data`` as PyG's ``RandomLinkSplit`` makes them, with all attributes of nodes and edges.

        Messages pass over the training edges in the first two, over training and validation edges in the third.
        ``edge_label_index`` holds the edges of the part, then its negatives; ``edge_label`` is 1 and 0.

        Args:
            data: The ``Data`` that was split.

        Returns:
            Data for training (no negatives: draw them anew in each epoch), validation and test.

        Raises:
            InputError: The data are not those that were split.
        """
        import torch

        if digest_of(data) != self.digest:
            raise InputError("the split belongs to another graph; expected the Data that was split")
        codes = edge_codes(data.edge_index, self.num_nodes)
        made = []
        for part, seen in (("train", ("train",)), ("val", ("train",)), ("test", ("train", "val"))):
            keep = np.isin(codes, edge_codes(self.edge_index(*seen), self.num_nodes))
            positive: Ints = getattr(self, part)
            negative: Ints = np.zeros((2, 0), np.int64) if part == "train" else getattr(self, f"{part}_neg")
            piece = data.edge_subgraph(torch.from_numpy(keep))
            piece.edge_label_index = torch.from_numpy(np.concatenate([positive, negative], axis=1))
            piece.edge_label = torch.from_numpy(
                np.repeat(np.array([1, 0], np.float32), [positive.shape[1], negative.shape[1]])
            )
            made.append(piece)
        return made[0], made[1], made[2]


def _same(one: Split | LinkSplit, other: object) -> bool:
    if type(one) is not type(other):
        return False
    names = [entry.name for entry in fields(one) if entry.name != "origin"]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def to_numpy(array: Any) -> npt.NDArray[Any]:
    """A numpy array of a tensor, an array or a list."""
    return np.asarray(array.detach().cpu().numpy() if hasattr(array, "detach") else array)


def edge_codes(edge_index: Any, num_nodes: int) -> Ints:
    """``u N + v`` of every column ``(u, v)``."""
    edges = to_numpy(edge_index).astype(np.int64, copy=False)
    codes: Ints = edges[0] * num_nodes + edges[1]
    return codes


def digest_of(obj: Any) -> str:
    """SHA-256 of N and the set of edges, the same for a Graph and for its Data; or of an array of labels."""
    content: npt.NDArray[Any]
    if isinstance(obj, Graph):
        rows = np.repeat(np.arange(obj.num_nodes, dtype=np.int64), np.diff(obj.indptr))
        kind, size, content = "edges", obj.num_nodes, rows * obj.num_nodes + obj.indices
    elif getattr(obj, "edge_index", None) is not None:
        size = int(obj.num_nodes)
        kind, content = "edges", np.unique(edge_codes(obj.edge_index, size))
    else:
        labels = to_numpy(obj)
        if labels.dtype == object:
            raise InputError(f"got a {type(obj).__name__}; expected a PyG Data, a Graph or an array of labels")
        kind, size, content = f"labels {labels.shape}", labels.shape[0], labels.astype(np.float64).reshape(-1)
    state = hashlib.sha256(f"graphx {kind} {size}\n".encode())
    state.update(np.ascontiguousarray(content, dtype=content.dtype.newbyteorder("<")).data)
    return f"sha256:{state.hexdigest()}"
