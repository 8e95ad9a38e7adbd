"""Graph: the one native view of a graph, a checked CSR with node names, that every method of graphx takes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graphx import _core
from graphx._checks import (
    DUPLICATES,
    MAX_NODES,
    Duplicates,
    Names,
    SelfLoops,
    checked_names,
    clash_text,
    edge_weights,
    fault_text,
    finite,
    frozen,
    node_count,
    node_numbers,
    same_names,
    typed,
)
from graphx._convert import Conversions, convert
from graphx._derive import Derivations
from graphx._report import CleaningReport
from graphx._saved import Saving
from graphx._threads import resolve_threads
from graphx.errors import CapacityError, InputError

__all__ = ["CleaningReport", "Graph", "as_graph"]


class Graph(Conversions, Derivations, Saving):
    r"""A graph as a checked CSR adjacency matrix :math:`A \in \mathbb{R}^{N \times N}`, immutable.

    Row ``u`` holds the neighbours of ``u`` in ascending order without duplicates:
    ``indices[indptr[u]:indptr[u + 1]]``. An undirected graph stores every edge in both rows (a loop once).

    Args:
        indptr: int64 ``[N + 1]``, where each row starts; rises from 0 to ``len(indices)``.
        indices: int32 ``[nnz]``, the neighbours, ascending within each row.
        weights: float64 ``[nnz]``, finite, or None for an unweighted graph.
        names: The names of the nodes in order: ``N`` different strings or integers, or None for ``0..N-1``.
        num_threads: Threads for the checks; None for all processors.

    Raises:
        InputError: The arrays are not such a CSR; the message names the first fault and the cure.

    Example:
        >>> path = Graph.from_edges([0, 1], [1, 2])
        >>> path
        Graph(num_nodes=3, num_edges=2, undirected)
        >>> path.indices.tolist(), path.degrees().tolist()
        ([1, 0, 2, 1], [1, 2, 1])
    """

    __slots__ = ("_digest", "_facts", "_indices", "_indptr", "_names", "_report", "_weights")

    _indptr: npt.NDArray[np.int64]
    _indices: npt.NDArray[np.int32]
    _weights: npt.NDArray[np.float64] | None
    _names: Names | None
    _report: CleaningReport
    _facts: tuple[int, int, int, int] | None
    _digest: str | None

    def __init__(
        self,
        indptr: npt.NDArray[np.int64],
        indices: npt.NDArray[np.int32],
        weights: npt.NDArray[np.float64] | None = None,
        *,
        names: Sequence[str] | npt.NDArray[Any] | None = None,
        num_threads: int | None = None,
    ) -> None:
        indptr = typed(indptr, np.int64, "indptr")
        indices = typed(indices, np.int32, "indices")
        if indptr.size == 0:
            raise InputError("indptr is empty; expected N + 1 numbers, so at least [0]")
        num_nodes = indptr.size - 1
        if num_nodes > MAX_NODES:
            raise CapacityError(f"{num_nodes:,} nodes; expected at most 2^31 - 1, as node numbers are 32-bit")
        kind, row, position = _core.csr_check(indptr, indices, resolve_threads(num_threads))
        if kind:
            raise InputError(fault_text(kind, row, position, indptr, indices))
        if weights is not None:
            weights = finite(typed(weights, np.float64, "weights"), indices.size)
        self._set(indptr, indices, weights, checked_names(names, num_nodes), CleaningReport())

    def _set(
        self,
        indptr: npt.NDArray[np.int64],
        indices: npt.NDArray[np.int32],
        weights: npt.NDArray[np.float64] | None,
        names: Names | None,
        report: CleaningReport,
    ) -> None:
        self._indptr, self._indices = frozen(indptr), frozen(indices)
        self._weights = None if weights is None else frozen(weights)
        self._names, self._report = names, report
        self._facts = self._digest = None

    @classmethod
    def _trusted(
        cls,
        indptr: npt.NDArray[np.int64],
        indices: npt.NDArray[np.int32],
        weights: npt.NDArray[np.float64] | None = None,
        names: Names | None = None,
        report: CleaningReport | None = None,
    ) -> Graph:
        """A graph over arrays that one of our kernels made, without checking them again."""
        graph = cls.__new__(cls)
        graph._set(indptr, indices, weights, names, report or CleaningReport())
        return graph

    # -- what it holds -------------------------------------------------------------------------------------------------

    @property
    def indptr(self) -> npt.NDArray[np.int64]:
        """Where each row starts, int64 ``[N + 1]``, read-only."""
        return self._indptr

    @property
    def indices(self) -> npt.NDArray[np.int32]:
        """The neighbours row by row, int32 ``[nnz]``, read-only."""
        return self._indices

    @property
    def weights(self) -> npt.NDArray[np.float64] | None:
        """The weights of the stored entries, float64 ``[nnz]``, read-only; None when unweighted."""
        return self._weights

    @property
    def names(self) -> Names | None:
        """The node names in order (strings, or the integer ids of the file); None for ``0..N-1``."""
        return self._names

    @property
    def report(self) -> CleaningReport:
        """What reading or converting changed."""
        return self._report

    @property
    def num_nodes(self) -> int:
        """The number of nodes, N."""
        return self._indptr.size - 1

    @property
    def num_edges(self) -> int:
        """Undirected: every pair once, every loop once. Directed: the stored entries."""
        if self.is_undirected:
            return (self._indices.size + self.num_self_loops) // 2
        return self._indices.size

    def _known(self) -> tuple[int, int, int, int]:
        if self._facts is None:
            self._facts = _core.csr_facts(self._indptr, self._indices, self._weights, resolve_threads(None))
        return self._facts

    @property
    def is_undirected(self) -> bool:
        """Whether A equals its transpose, weights included (found once, then remembered)."""
        facts = self._known()
        return facts[2] == 0 and facts[3] == 0

    @property
    def num_self_loops(self) -> int:
        """The number of edges ``(u, u)``."""
        return self._known()[0]

    @property
    def has_self_loops(self) -> bool:
        """Whether any edge joins a node to itself."""
        return self.num_self_loops > 0

    @property
    def is_weighted(self) -> bool:
        """Whether the entries carry weights."""
        return self._weights is not None

    @property
    def max_degree(self) -> int:
        """The largest number of stored entries in a row, 0 for a graph without nodes."""
        return self._known()[1]

    def degrees(self) -> npt.NDArray[np.int64]:
        """The number of stored entries of each row (out-degree when directed).

        Returns:
            int64 ``[N]``.
        """
        return np.diff(self._indptr)

    @property
    def digest(self) -> str:
        """``'sha256:...'`` over shape, indptr, indices and weights: equal for equal graphs, whatever their names."""
        if self._digest is None:
            sha = hashlib.sha256(f"graphx csr {self.num_nodes} {self._indices.size} {self.is_weighted}\n".encode())
            sha.update(self._indptr.astype("<i8", copy=False).data)
            sha.update(self._indices.astype("<i4", copy=False).data)
            if self._weights is not None:
                sha.update(self._weights.astype("<f8", copy=False).data)
            self._digest = f"sha256:{sha.hexdigest()}"
        return self._digest

    def _coo(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        return np.repeat(np.arange(self.num_nodes), self.degrees()), self._indices.astype(np.int64)

    def __repr__(self) -> str:
        kind = "undirected" if self.is_undirected else "directed"
        extra = [kind] + ["weighted"] * self.is_weighted + ["named"] * (self._names is not None)
        extra += [f"self_loops={self.num_self_loops}"] * self.has_self_loops
        return f"Graph(num_nodes={self.num_nodes}, num_edges={self.num_edges}, {', '.join(extra)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        same = np.array_equal(self._indptr, other._indptr) and np.array_equal(self._indices, other._indices)
        if not same or self.is_weighted != other.is_weighted or not same_names(self._names, other._names):
            return False
        return self._weights is None or np.array_equal(self._weights, other._weights)  # type: ignore[arg-type]

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._indptr, self._indices, self._weights, self._names, self._report)

    # -- made from edges -----------------------------------------------------------------------------------------------

    @classmethod
    def from_edges(
        cls,
        sources: npt.ArrayLike,
        targets: npt.ArrayLike,
        weights: npt.ArrayLike | None = None,
        *,
        num_nodes: int | None = None,
        names: Sequence[str] | npt.NDArray[Any] | None = None,
        directed: bool = False,
        duplicates: Duplicates = "error",
        self_loops: SelfLoops = "keep",
        num_threads: int | None = None,
    ) -> Graph:
        """A graph from two arrays of node numbers ``0..N-1``; nothing is cleaned unless asked for.

        Args:
            sources: Integers ``[E]``, where each edge starts.
            targets: Integers ``[E]``, where it ends.
            weights: Numbers ``[E]``, finite; None for an unweighted graph.
            num_nodes: N; by default the number of names, or the largest node number + 1.
            names: Names of the nodes, ``N`` different strings or integers.
            directed: Store ``(u, v)`` only; by default ``(u, v)`` is also ``(v, u)``.
            duplicates: ``'error'``; ``'merge'`` keeps one of equal edges (their weights must agree); ``'sum'`` adds
                their weights. In an undirected graph ``(u, v)`` and ``(v, u)`` are the same edge.
            self_loops: ``'keep'``, ``'drop'`` or ``'error'``.
            num_threads: Threads; None for all processors. The result never depends on it.

        Returns:
            The graph; its ``report`` counts what was merged and dropped.

        Raises:
            InputError: Lengths differ, a number is negative or too large, not an integer, a weight is not finite, or
                an edge is a duplicate or a loop that was not to be there.

        Example:
            >>> g = Graph.from_edges([0, 1, 1], [1, 0, 1], duplicates="merge", self_loops="drop")
            >>> g, g.report.duplicates_merged, g.report.self_loops_dropped
            (Graph(num_nodes=2, num_edges=1, undirected), 1, 1)
        """
        u, v = node_numbers(sources, "sources"), node_numbers(targets, "targets")
        if u.size != v.size:
            raise InputError(f"{u.size} sources and {v.size} targets; expected as many of one as of the other")
        w = None if weights is None else edge_weights(weights, u.size)
        known = checked_names(names, None)
        size = node_count(u, v, num_nodes, known)
        if duplicates not in DUPLICATES or self_loops not in ("keep", "drop", "error"):
            raise InputError(
                f"duplicates={duplicates!r}, self_loops={self_loops!r}; expected duplicates 'error', 'merge' or 'sum' "
                "and self_loops 'keep', 'drop' or 'error'"
            )
        if duplicates == "sum" and w is None:
            raise InputError("duplicates='sum' without weights; pass weights, or duplicates='merge' to keep one edge")
        if self_loops == "error" and np.any(loops := u == v):
            raise InputError(f"edge ({u[loops][0]}, {u[loops][0]}) is a self-loop; pass self_loops='drop' or 'keep'")
        indptr, indices, values, facts = _core.csr_from_edges(
            u, v, w, size, not directed, self_loops == "drop", DUPLICATES[duplicates], resolve_threads(num_threads)
        )
        if (clash := facts["clash"]) is not None:
            raise InputError(clash_text(clash, weighted=w is not None, asked=duplicates, directed=directed))
        report = CleaningReport(
            edges_read=u.size,
            duplicates_merged=facts["duplicates"],
            self_loops_dropped=facts["loops"] if self_loops == "drop" else 0,
        )
        return cls._trusted(indptr, indices, values, known, report)


def as_graph(obj: Any) -> Graph:
    """The graph that an object stands for, converted by the strict rules of the ``Graph.from_...`` methods.

    Args:
        obj: A Graph (returned as it is), a scipy sparse matrix, a 2-D numpy adjacency matrix, a networkx or igraph
            graph, a PyG ``Data``, or a path or dataset name for :func:`graphx.data.load_graph`.

    Returns:
        A Graph.

    Raises:
        InputError: The object is none of these, or its conversion needs a choice that only the caller can make.

    Example:
        >>> as_graph(np.array([[0, 1], [1, 0]])).num_edges
        1
    """
    if isinstance(obj, Graph):
        return obj
    return convert(obj)


def _restore(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float64] | None,
    names: Names | None,
    report: CleaningReport,
) -> Graph:
    return Graph._trusted(indptr, indices, weights, names, report)
