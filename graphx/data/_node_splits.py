"""Splits of nodes, and of graphs: random in each class, the official ones, and k folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graphx.data._partition import Split, digest_of, to_numpy
from graphx.data._shares import check_shares, count_of, generator, is_count
from graphx.errors import InputError
from graphx.graph import Graph

__all__ = ["graph_folds", "node_split", "official_splits"]

Ints = npt.NDArray[np.int64]


def node_split(
    data: Any,
    train: float = 0.6,
    val: float = 0.2,
    test: float | None = None,
    *,
    seed: int = 0,
    labels: npt.ArrayLike | None = None,
    stratify: bool = True,
) -> Split:
    """A random split of the labelled nodes, drawn in each class.

    A whole number for `train` takes as many nodes of each class; for `val` and `test` it takes as many nodes in all,
    drawn from the rest. A fraction f takes ``floor(f n)`` of the n nodes of each class. So ``train=20, val=500,
    test=1000`` is the design of the Planetoid splits, and ``0.6, 0.2`` that of the 60/20/20 ones. Nodes with a
    negative or NaN label have none and are in no part.

    Args:
        data: A PyG ``Data`` with labels ``y`` ``[N]`` (or ``[N, 1]``), or the labels, or with ``labels=`` a Graph.
        train: Nodes of each class (a whole number), or the fraction of each class.
        val: Nodes in all, or the fraction of each class.
        test: As `val`; None takes all that are left.
        seed: Fixes the result.
        labels: Labels in place of ``data.y``.
        stratify: False takes all nodes as one class, for multi-label or numeric targets.

    Returns:
        The split.

    Raises:
        InputError: Fractions or numbers that do not fit, or labels and nodes of different number.

    Example:
        >>> split = node_split([0, 0, 0, 1, 1, 1, 1, 1], train=1, val=2, seed=0)
        >>> split.train.size, split.val.size, split.test.size
        (2, 2, 4)
    """
    rng, size, classes = generator(seed), _size_of(data), _classes(data, labels, stratify)
    if size is not None and classes.size != size:
        raise InputError(f"{classes.size} labels for {size} nodes; expected one for each")
    parts: dict[str, list[Ints]] = {"train": [], "val": [], "test": [], "rest": []}
    shares = {"train": train, "val": val, "test": test}
    check_shares(shares)
    for label in np.unique(classes[classes >= 0]):
        members = rng.permutation(np.flatnonzero(classes == label))
        begin = 0
        for name, share in shares.items():
            each = share is not None and (name == "train" or not is_count(share))
            count = count_of(share, members.size) if each and share is not None else 0
            if begin + count > members.size:
                raise InputError(
                    f"class {label} has {members.size} nodes and {name}={share} asks for {count} of the "
                    f"{members.size - begin} left; expected fewer: lower {name}, or drop the class"
                )
            parts[name].append(members[begin : begin + count])
            begin += count
        parts["rest"].append(members[begin:])
    joined = {name: np.concatenate([np.zeros(0, np.int64), *part]) for name, part in parts.items()}
    rest = rng.permutation(joined.pop("rest"))
    for name, share in (("val", val), ("test", test)):
        count = rest.size if share is None else int(share) if is_count(share) else 0
        if count > rest.size:
            raise InputError(f"{name}={share} nodes and {rest.size} are left; expected at most as many: lower {name}")
        joined[name], rest = np.concatenate([joined[name], rest[:count]]), rest[count:]
    empty = [name for name, share in shares.items() if share != 0 and not joined[name].size]
    if empty:
        raise InputError(
            f"{empty[0]} is empty, of {(classes >= 0).sum()} labelled nodes; expected more: raise its share"
        )
    origin = f"node_split(train={train}, val={val}, test={test}, seed={seed}, stratify={stratify})"
    target = data if size is not None else classes
    return Split(**joined, size=classes.size, digest=digest_of(target), origin=origin)


def official_splits(data: Any) -> list[Split]:
    """The splits that come with the data: ``train_mask``, ``val_mask``, ``test_mask``.

    Args:
        data: A PyG ``Data``; masks are ``[N]`` (one split, such as the public one of Planetoid) or ``[N, K]`` (K of
            them, such as the ten of Geom-GCN).

    Returns:
        One split for each column of the masks.

    Raises:
        InputError: There are no masks, they have different shapes, or parts overlap.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> first = torch.tensor([True, False, False])
        >>> data = Data(num_nodes=3, edge_index=torch.tensor([[0, 1], [1, 0]]))
        >>> data.train_mask, data.val_mask, data.test_mask = first, first.roll(1), first.roll(2)
        >>> official_splits(data)[0].test.tolist()
        [2]
    """
    masks = {name: getattr(data, f"{name}_mask", None) for name in ("train", "val", "test")}
    missing = [name for name, mask in masks.items() if mask is None]
    if missing:
        raise InputError(f"the data have no {missing[0]}_mask, so no official split; make one with node_split()")
    arrays = {name: to_numpy(mask) for name, mask in masks.items()}
    size = int(data.num_nodes)
    for name, array in arrays.items():
        flags = array.dtype == bool or (array.dtype.kind in "iu" and np.isin(array, (0, 1)).all())  # Geom-GCN: uint8
        if not flags or array.ndim not in (1, 2) or array.shape[0] != size:
            raise InputError(f"{name}_mask is {array.dtype} {list(array.shape)}; expected bool [{size}] or [{size}, K]")
    tables = {name: array.astype(bool).reshape(size, -1) for name, array in arrays.items()}
    columns = max(table.shape[1] for table in tables.values())
    for name, table in tables.items():  # one test mask for many training masks, as in WikiCS
        if table.shape[1] not in (1, columns):
            raise InputError(f"{name}_mask has {table.shape[1]} columns; expected 1 or {columns}, as the others")
    digest = digest_of(data)
    return [
        Split(
            **{name: np.flatnonzero(table[:, k if table.shape[1] > 1 else 0]) for name, table in tables.items()},
            size=size,
            digest=digest,
            origin=f"official_splits()[{k}]",
        )
        for k in range(columns)
    ]


def graph_folds(dataset: Any, k: int = 10, *, val: bool = True, seed: int = 0) -> list[Split]:
    """Stratified k-fold cross-validation over the graphs of a data set.

    Fold i is the test part of split i and, with `val`, fold i + 1 its validation part. Folds differ by at most one in
    size, and by at most one in the number of graphs of each class.

    Args:
        dataset: Graphs with a class ``y`` each, or the classes ``[G]``.
        k: The number of folds: at least 2, with `val` 3.
        val: Whether to keep a fold for validation.
        seed: Fixes the result.

    Returns:
        k splits of graph numbers.

    Raises:
        InputError: k is out of range, or a graph has no single class.

    Example:
        >>> [split.test.size for split in graph_folds([0, 1] * 25, k=10)]
        [5, 5, 5, 5, 5, 5, 5, 5, 5, 5]
    """
    rng = generator(seed)
    first = dataset[0] if isinstance(dataset, Sequence) or hasattr(dataset, "__getitem__") else None
    if hasattr(first, "num_nodes"):
        try:
            dataset = [int(graph.y) for graph in dataset]
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"a graph has no single class y ({error}); pass the classes [G] instead") from error
    classes = _classes(dataset, None, stratify=True)
    low = 3 if val else 2
    if isinstance(k, bool) or not isinstance(k, int) or not low <= k <= classes.size:
        raise InputError(f"k={k} folds of {classes.size} graphs; expected {low} to {classes.size}")
    if (classes < 0).any():
        raise InputError(f"graph {np.argmax(classes < 0)} has no class; expected one for each: leave it out first")
    order = np.concatenate([rng.permutation(np.flatnonzero(classes == label)) for label in np.unique(classes)])
    fold = np.empty(classes.size, dtype=np.int64)
    fold[order] = np.arange(classes.size) % k  # a class lies on consecutive places, so it is dealt out evenly
    digest = digest_of(classes)
    made = []
    for i in range(k):
        parts = {"test": fold == i, "val": (fold == (i + 1) % k) & val}
        parts["train"] = ~(parts["test"] | parts["val"])
        origin = f"graph_folds(k={k}, val={val}, seed={seed})[{i}]"
        numbers = {name: np.flatnonzero(part) for name, part in parts.items()}
        made.append(Split(**numbers, size=classes.size, digest=digest, origin=origin))
    return made


def _size_of(data: Any) -> int | None:
    """N of a graph; None for an array of labels."""
    if isinstance(data, Graph):
        return data.num_nodes
    return int(data.num_nodes) if hasattr(data, "num_nodes") else None


def _classes(data: Any, labels: Any, stratify: bool) -> Ints:
    """One class for each node, -1 where there is none."""
    if labels is None:
        labels = getattr(data, "y", None) if hasattr(data, "num_nodes") else data
    if labels is None:
        raise InputError("the data have no labels y; pass labels=, one for each node")
    array = to_numpy(labels)
    if not stratify and array.ndim:
        return np.zeros(array.shape[0], dtype=np.int64)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "iufb":
        raise InputError(
            f"labels have shape {list(array.shape)} and type {array.dtype}; expected one number for each node [N] "
            "(for several labels a node pass stratify=False)"
        )
    array = np.where(np.isnan(array), -1, array) if array.dtype.kind == "f" else array
    classes = array.astype(np.int64)
    if not np.array_equal(classes, array):
        raise InputError("labels are not whole numbers; expected classes 0..C-1 (for numeric targets: stratify=False)")
    return classes
