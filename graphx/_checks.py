"""The checks at the door of Graph, and of whole numbers: each says what came, what was expected, and the cure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from graphx.errors import CapacityError, InputError

Names = tuple[str, ...] | npt.NDArray[np.int64] | npt.NDArray[np.uint64]
Duplicates = Literal["error", "merge", "sum"]
SelfLoops = Literal["keep", "drop", "error"]

MAX_NODES: Final = 2**31 - 1
DUPLICATES: Final = {"error": 0, "merge": 1, "sum": 2}


def typed(array: Any, dtype: type[np.generic], what: str) -> npt.NDArray[Any]:
    """`array` itself if it is 1-D of exactly `dtype`, C-contiguous; anything else is an InputError."""
    if not isinstance(array, np.ndarray):
        raise InputError(f"{what} is a {type(array).__name__}; expected a numpy array of {np.dtype(dtype).name}")
    if array.ndim != 1:
        raise InputError(f"{what} has shape {array.shape}; expected one dimension")
    if array.dtype != dtype:
        name = np.dtype(dtype).name
        raise InputError(f"{what} is {array.dtype.name}; expected {name}, as {what}.astype(np.{name}) gives")
    return np.ascontiguousarray(array)


def positive_integers(**numbers: Any) -> None:
    """An InputError for the first that is no int of at least 1, by its name."""
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise InputError(f"{name} is {number!r}; expected a positive integer")


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A read-only view."""
    view = array.view()
    view.flags.writeable = False
    return view


def finite(weights: npt.NDArray[Any], size: int) -> npt.NDArray[np.float64]:
    """`weights` if there are `size` of them and all are finite."""
    if weights.size != size:
        raise InputError(f"{weights.size} weights for {size} edges; expected as many of one as of the other")
    good = np.isfinite(weights)
    if not good.all():
        first = int(np.argmin(good))
        raise InputError(f"weight {weights[first]} at position {first}; expected finite numbers: remove or replace it")
    return weights


def edge_weights(weights: npt.ArrayLike, size: int) -> npt.NDArray[np.float64]:
    """Real finite numbers as contiguous float64; -0.0 becomes 0.0, so that equal weights have equal bits."""
    array = np.asarray(weights)
    if array.ndim != 1 or array.dtype.kind not in "fiub":
        raise InputError(
            f"weights have shape {array.shape} and type {array.dtype}; expected one dimension of real numbers"
        )
    if array.dtype.itemsize > 8:
        raise InputError(f"weights are {array.dtype}; expected at most 64 bits: convert them with .astype(np.float64)")
    values = finite(array.astype(np.float64, copy=True), size)
    if array.dtype.kind in "iu" and not _exact(values, array):
        raise InputError(
            "integer weights beyond 2^53 do not fit float64 exactly; convert them with .astype(np.float64)"
        )
    values += 0.0
    return values


def _exact(values: npt.NDArray[np.float64], array: npt.NDArray[Any]) -> bool:
    """Whether floats are the integers that they were made of; the largest may round up to what the type cannot hold."""
    limit = float(np.iinfo(array.dtype).max)
    inside = values < limit if array.dtype.itemsize == 8 else np.ones(values.size, dtype=bool)
    return bool(inside.all()) and np.array_equal(values.astype(array.dtype), array)


def integer_array(names: Sequence[Any]) -> npt.NDArray[Any] | None:
    """Integers as int64, or as uint64 where one needs it; None where neither holds them all."""
    low, high = min(names), max(names)
    if low >= -(2**63) and high < 2**63:
        return np.array(names, dtype=np.int64)
    return np.array(names, dtype=np.uint64) if low >= 0 and high < 2**64 else None


def node_numbers(array: npt.ArrayLike, what: str) -> npt.NDArray[np.int64]:
    """Non-negative node numbers as contiguous int64."""
    values = np.asarray(array)
    if values.size == 0 and values.ndim == 1:
        return np.zeros(0, dtype=np.int64)
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise InputError(
            f"{what} have shape {values.shape} and type {values.dtype}; expected one dimension of integers 0..N-1 "
            "(for names or sparse ids: numpy.unique(..., return_inverse=True), then names=)"
        )
    low, high = int(values.min()), int(values.max())
    if low < 0:
        raise InputError(f"{what} hold the node number {low}; expected 0..N-1: remove or renumber negative nodes")
    if high >= MAX_NODES:
        raise InputError(
            f"{what} hold the node number {high}; expected at most 2^31 - 2: renumber with "
            "numpy.unique(..., return_inverse=True) and pass the ids as names="
        )
    return np.ascontiguousarray(values, dtype=np.int64)


def node_count(
    sources: npt.NDArray[np.int64], targets: npt.NDArray[np.int64], asked: int | None, names: Names | None
) -> int:
    """N: as asked, or as many as there are names, or the largest node number + 1."""
    need = 1 + max(int(sources.max()), int(targets.max())) if sources.size else 0
    if asked is not None and (isinstance(asked, bool) or not isinstance(asked, (int, np.integer)) or asked < 0):
        raise InputError(f"num_nodes is {asked!r}; expected a non-negative integer or None")
    if asked is not None and asked > MAX_NODES:
        raise CapacityError(f"num_nodes is {asked:,}; expected at most 2^31 - 1, as node numbers are 32-bit")
    if names is not None and asked is not None and len(names) != asked:
        raise InputError(f"{len(names)} names and num_nodes={asked}; expected one name for each node")
    size = int(asked) if asked is not None else (len(names) if names is not None else need)
    if need > size:
        raise InputError(f"an edge uses node number {need - 1}; expected below num_nodes={size}: raise num_nodes")
    return size


def checked_names(names: Sequence[str] | npt.NDArray[Any] | None, size: int | None) -> Names | None:
    """Names as a tuple of different strings, or as a read-only array of different int64 or uint64."""
    if names is None:
        return None
    if isinstance(names, str):
        raise InputError(f"names is the string {names!r}; expected a sequence with one name for each node")
    if size is not None and len(names) != size:
        raise InputError(f"{len(names)} names for {size} nodes; expected one for each")
    array = names if isinstance(names, np.ndarray) else None
    if array is None and len(names) > 0 and all(_is_integer(x) for x in names):
        array = integer_array(list(names))
        if array is None:
            raise InputError(
                f"the names {min(names)} to {max(names)} do not fit 64 bits together; expected ones that do, or strings"
            )
    if array is not None and array.dtype.kind in "iu" and array.ndim == 1:
        if np.unique(array).size != array.size:
            raise InputError("an integer id names two nodes; expected different names")
        fits = array.dtype.kind == "i" or array.size == 0 or int(array.max()) < 2**63
        return frozen(array.astype(np.int64 if fits else np.uint64))
    texts = tuple(str(x) if isinstance(x, np.str_) else x for x in names)
    for text in texts:
        if not isinstance(text, str):
            raise InputError(f"the name {text!r} is a {type(text).__name__}; expected strings, or integers throughout")
    if len(set(texts)) != len(texts):
        seen: set[str] = set()
        twice = next(t for t in texts if t in seen or seen.add(t))  # type: ignore[func-returns-value]
        raise InputError(f"the name {twice!r} is that of two nodes; expected different names")
    return texts


def _is_integer(name: Any) -> bool:
    return isinstance(name, (int, np.integer)) and not isinstance(name, bool)


def same_names(a: Names | None, b: Names | None) -> bool:
    """Whether two graphs call their nodes the same."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    return type(a) is type(b) and a == b


def fault_text(
    kind: str, row: int, position: int, indptr: npt.NDArray[np.int64], indices: npt.NDArray[np.int32]
) -> str:
    """The message for the first fault of a claimed CSR."""
    if kind == "start":
        return f"indptr begins with {indptr[0]}; expected 0"
    if kind == "decreasing":
        return f"indptr falls from {indptr[row]} to {indptr[row + 1]} at position {position}; expected it never to fall"
    if kind == "length":
        return f"indptr ends with {indptr[-1]}, and indices has {indices.size} entries; expected the same number"
    if kind == "range":
        found = indices[position]
        return f"row {row} holds node {found}; expected 0..{indptr.size - 2}"
    if kind == "duplicate":
        return f"row {row} holds node {indices[position]} twice; build it with Graph.from_edges(duplicates='merge')"
    return (
        f"row {row} holds node {indices[position]} after a larger one; expected ascending order, as "
        "Graph.from_edges or scipy's sort_indices() gives"
    )


def clash_text(clash: tuple[int, int, float, float], *, weighted: bool, asked: str, directed: bool) -> str:
    """The message for duplicates that were not to be merged."""
    u, v, first, second = clash
    where = f"edge ({u}, {v})" if directed else f"edge ({u}, {v}), in either direction,"
    if weighted and asked == "merge":
        return (
            f"{where} comes with weights {first:g} and {second:g}; expected equal ones: pass duplicates='sum' to add "
            "them" + ("" if directed else ", or directed=True to keep both directions")
        )
    cure = "duplicates='merge' to keep one" + (", duplicates='sum' to add their weights" if weighted else "")
    return f"{where} comes more than once; pass {cure}" + ("" if directed else ", or directed=True to keep directions")
