"""OrbitAdjacency: the 28 orbit adjacency matrices of a graph, exact, whole, in blocks, or as operators."""

from __future__ import annotations

import os
import weakref
from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graphx.errors import InputError
from graphx.gradco._degrees import GraphletDegrees, Progress
from graphx.gradco.blocks import OrbitBlock, Parts, csr
from graphx.gradco.orbits import GRAPHLETS, ORBIT_KEYS, Graphlet, Key, graphlet_of, key_mask, key_number

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import LinearOperator

__all__ = ["OrbitAdjacency", "OrbitSummary", "Progress"]

_HOP2 = range(19, 27)
_FAR = 27
_DEFAULT_BLOCK_BYTES = 10 << 20


class OrbitSummary(NamedTuple):
    """What one orbit adjacency looks like.

    Args:
        key: ``(hop, o1, o2)``.
        graphlet: The graphlet that it counts.
        num_nonzeros: Entries that are not zero.
        total: The sum of all entries.
        maximum: The largest entry.

    Example:
        >>> import networkx as nx
        >>> OrbitAdjacency(nx.complete_graph(4)).summary([(1, 14, 14)])[0].total
        12
    """

    key: Key
    graphlet: Graphlet
    num_nonzeros: int
    total: int
    maximum: int


class OrbitAdjacency(GraphletDegrees, Mapping[Key, "csr_array"]):
    r"""The 28 orbit adjacency matrices of the graphlets with up to four nodes, counted exactly.

    .. math::
        M^{(h)}_{o_1 o_2}[u, v] = \#\{\text{induced graphlets with } u \text{ on orbit } o_1,\ v \text{ on orbit } o_2,
        \ u \text{ and } v \text{ at } h \text{ hops inside the graphlet}\}

    A mapping from ``(hop, o1, o2)`` to ``scipy.sparse.csr_array`` of shape ``[N, N]`` with ascending indices and no
    stored zeros. Matrices are counted when asked for; what they share (six sums an edge, five sums a pair at distance
    two) is counted once. Nothing is approximated and no count can wrap: entries are int32 while
    :math:`d_{max}^2 < 2^{31}`, else int64; ``(3, 4, 4)``, which is nearly dense, is int16 where its largest entry
    allows (``.astype(np.int64)`` before arithmetic that may exceed it).

    The definitions are the paper's; the counting by edge and pair sums, the blocks and the operators are ours.

    Args:
        graph: A simple undirected graph: a :class:`graphx.Graph` or anything :func:`graphx.graph.as_graph` takes
            (scipy sparse, networkx, igraph, PyG Data, a path).
        num_threads: Threads, None for all processors. The result does not depend on it.
        progress: Called as ``progress(stage, done, total)`` during long work.

    Raises:
        InputError: The graph is directed, weighted or has self-loops; the message names the cure.
        CapacityError: The graph has 2^31 edges or more.

    Example:
        >>> import networkx as nx
        >>> OrbitAdjacency(nx.karate_club_graph())
        Traceback (most recent call last):
            ...
        graphx.errors.InputError: the graph has weights, ...
        >>> orbits = OrbitAdjacency(nx.path_graph(4))
        >>> orbits[2, 1, 1].toarray()
        array([[0, 0, 1, 0],
               [0, 0, 0, 1],
               [1, 0, 0, 0],
               [0, 1, 0, 0]], dtype=int32)
        >>> orbits.graphlet_degrees()[:, [0, 1, 2, 4, 5]].tolist()
        [[1, 1, 0, 1, 0], [2, 1, 1, 0, 1], [2, 1, 1, 0, 1], [1, 1, 0, 1, 0]]

    References:
        Windels, Malod-Dognin, Przulj, "Graphlets correct for the topological information missed by random walks",
        arXiv:2405.14194.
    """

    def __init__(self, graph: Any, *, num_threads: int | None = None, progress: Progress | None = None) -> None:
        super().__init__(graph, num_threads=num_threads, progress=progress)
        self._products: Any = None  # what the operators share, see operator.py
        self._alive: weakref.WeakValueDictionary[int, csr_array] = weakref.WeakValueDictionary()
        self._hop2_asked: set[int] = set()

    # -- the mapping ---------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Key]:
        return iter(ORBIT_KEYS)

    def __len__(self) -> int:
        return len(ORBIT_KEYS)

    def __contains__(self, key: object) -> bool:
        try:
            key_number(key)
        except KeyError:
            return False
        return True

    def __repr__(self) -> str:
        return f"OrbitAdjacency(num_nodes={self.graph.num_nodes}, num_edges={self.graph.num_edges})"

    def __getitem__(self, key: Key) -> csr_array:
        number = key_number(key)
        matrix = self._alive.get(number)
        if matrix is None:
            matrix = self._count_one(number)
            self._alive[number] = matrix
            if all(k in self._alive for k in _HOP2):
                self._counter.drop_pairs()  # nothing left to make of them
        return matrix

    def _count_one(self, number: int) -> csr_array:
        if number not in _HOP2:
            return self._matrices(1 << number)[number]
        self._hop2_asked.add(number)
        if not self._counter.has_pairs():
            if len(self._hop2_asked) == 1:  # one matrix alone costs less without the sums that serve all eight
                return self._matrices(1 << number)[number]
            self._run("pairs at distance two", self.graph.num_nodes, self._counter.make_pairs)
        while (made := self._counter.pair_matrix(number, self._threads, None)) is None:  # dropped by another thread
            self._run("pairs at distance two", self.graph.num_nodes, self._counter.make_pairs)
        indptr, indices, values = made
        return csr(values, indices, indptr, self._shape)

    def to_csr(self, keys: Iterable[Key] | None = None) -> dict[Key, csr_array]:
        """Several matrices in one pass over the graph: the way to all 28 in the least time and memory.

        Args:
            keys: Which; None for all 28.

        Returns:
            A dictionary in the order of ``ORBIT_KEYS``.

        Raises:
            KeyError: A key names no matrix.

        Example:
            >>> import networkx as nx
            >>> {key: m.nnz for key, m in OrbitAdjacency(nx.star_graph(3)).to_csr([(2, 6, 6), (1, 6, 7)]).items()}
            {(1, 6, 7): 3, (2, 6, 6): 6}
        """
        made = self._matrices(key_mask(keys))
        return {ORBIT_KEYS[number]: matrix for number, matrix in made.items()}

    def items(self) -> ItemsView[Key, csr_array]:
        """All 28 ``(key, matrix)``, counted in one pass (see :meth:`to_csr`)."""
        return self.to_csr().items()

    def values(self) -> ValuesView[csr_array]:
        """All 28 matrices, counted in one pass (see :meth:`to_csr`)."""
        return self.to_csr().values()

    def _matrices(self, mask: int) -> dict[int, csr_array]:
        parts = self._run("orbit adjacencies", self.graph.num_nodes, self._counter.matrices, mask, True)
        return {number: csr(values, indices, indptr, self._shape) for number, indptr, indices, values in parts}

    # -- in bounded memory ---------------------------------------------------------------------------------------------

    def iter_blocks(
        self, keys: Iterable[Key] | None = None, *, max_block_bytes: int = _DEFAULT_BLOCK_BYTES
    ) -> Iterator[OrbitBlock]:
        """The matrices in blocks of rows, in order, in bounded memory: every entry is made, nothing is kept.

        A block's arrays stay valid for as long as they are referenced; memory of dropped blocks is used again.

        Args:
            keys: Which matrices; None for all 28.
            max_block_bytes: About how many bytes a block may take, two rows at least.

        Yields:
            :class:`OrbitBlock`.

        Raises:
            InputError: ``max_block_bytes`` is not positive.
            KeyError: A key names no matrix.

        Example:
            >>> import networkx as nx
            >>> orbits = OrbitAdjacency(nx.cycle_graph(50))
            >>> sum(int(block[2, 1, 1].sum()) for block in orbits.iter_blocks([(2, 1, 1)]))
            100
        """
        if max_block_bytes < 1:
            raise InputError(f"max_block_bytes is {max_block_bytes!r}; expected a positive number of bytes")
        mask = key_mask(keys)
        return self._blocks(mask, max_block_bytes)

    def _blocks(self, mask: int, max_block_bytes: int, begin: int = 0, end: int | None = None) -> Iterator[OrbitBlock]:
        place = {key: k for k, key in enumerate(key for number, key in enumerate(ORBIT_KEYS) if mask >> number & 1)}
        total = self.graph.num_nodes
        end = total if end is None else end
        stream = self._counter.stream(mask, begin, end)
        stop = begin
        while stop < end:
            start, stop, indptr, indices, values, first = stream.next(max_block_bytes, self._threads, None)
            if self._progress is not None:
                self._progress("rows", stop, total)
            yield OrbitBlock(start, stop, total, Parts(place, indptr, indices, values, first))
            del indptr, indices, values  # so that their memory is used again

    def summary(self, keys: Iterable[Key] | None = None) -> list[OrbitSummary]:
        """Non-zeros, sum and maximum of the matrices; nothing is stored.

        Args:
            keys: Which matrices; None for all 28.

        Returns:
            One :class:`OrbitSummary` a key, in the order of ``ORBIT_KEYS``.

        Raises:
            KeyError: A key names no matrix.

        Example:
            >>> import networkx as nx
            >>> [s.maximum for s in OrbitAdjacency(nx.cycle_graph(4)).summary([(1, 8, 8), (2, 8, 8)])]
            [1, 1]
        """
        rows = self._run("orbit adjacencies", self.graph.num_nodes, self._counter.summarize, key_mask(keys))
        return [OrbitSummary(ORBIT_KEYS[n], graphlet_of(ORBIT_KEYS[n]), *numbers) for n, *numbers in rows]

    # -- sums of orbit adjacencies -------------------------------------------------------------------------------------

    def graphlet_adjacency(self, graphlet: int) -> csr_array:
        """How many copies of a graphlet two nodes share, whatever their orbits.

        Args:
            graphlet: 0..8, see ``GRAPHLETS``.

        Returns:
            Symmetric int64 ``[N, N]``: the sum of all orbit adjacencies of the graphlet.

        Raises:
            InputError: There is no such graphlet.

        Example:
            >>> import networkx as nx
            >>> OrbitAdjacency(nx.path_graph(3)).graphlet_adjacency(1).toarray()
            array([[0, 1, 1],
                   [1, 0, 1],
                   [1, 1, 0]])
        """
        if isinstance(graphlet, bool) or graphlet not in range(len(GRAPHLETS)):
            raise InputError(f"graphlet is {graphlet!r}; expected 0..{len(GRAPHLETS) - 1}, see GRAPHLETS")
        made = self.to_csr(key for key in ORBIT_KEYS if graphlet_of(key).number == graphlet)
        parts = [matrix.astype(np.int64) for matrix in made.values()]
        total = parts.pop()
        while parts:
            total = total + parts.pop()
        return total

    def edge_orbit_adjacencies(self) -> dict[tuple[int, int], csr_array]:
        """The adjacency of every edge orbit: A itself, then the 12 of :meth:`edge_graphlet_degrees`.

        Returns:
            From ``(o1, o2)`` with ``o1 <= o2`` (and ``(10, 11)``) to a symmetric int64 ``[N, N]`` on the edges.

        Example:
            >>> import networkx as nx
            >>> orbits = OrbitAdjacency(nx.path_graph(3))
            >>> orbits.edge_orbit_adjacencies()[1, 2].toarray()
            array([[0, 1, 0],
                   [1, 0, 1],
                   [0, 1, 0]])
        """
        made = {key[1:]: m.astype(np.int64) for key, m in self.to_csr(k for k in ORBIT_KEYS if k[0] == 1).items()}
        return {(a, b): m if a == b else m + made[b, a] for (a, b), m in made.items() if a <= b}

    # -- products and files --------------------------------------------------------------------------------------------

    def operator(self, hop: int, o1: int, o2: int) -> LinearOperator:
        """A matrix as a linear operator whose products never build it; see :mod:`graphx.gradco.operator`.

        Args:
            hop: 1, 2 or 3.
            o1: The orbit of the row node.
            o2: The orbit of the column node.

        Returns:
            A ``scipy.sparse.linalg.LinearOperator`` ``[N, N]`` for float32, float64 and integer operands.

        Raises:
            KeyError: There is no such matrix.

        Example:
            >>> import networkx as nx, numpy as np
            >>> orbits = OrbitAdjacency(nx.path_graph(4))
            >>> orbits.operator(3, 4, 4) @ np.arange(4)
            array([3, 0, 0, 0])
        """
        from graphx.gradco.operator import OrbitOperator

        return OrbitOperator(self, (hop, o1, o2))

    def save(
        self,
        path: str | os.PathLike[str],
        keys: Iterable[Key] | None = None,
        *,
        overwrite: bool = False,
        client: Any = None,
    ) -> Path:
        """Writes matrices into a directory of memory-mapped arrays; see :func:`graphx.gradco.store.save`.

        Args:
            path: The directory to make.
            keys: Which matrices; None for all 28.
            overwrite: Replace a store that is there.
            client: A Dask ``distributed.Client`` whose workers count the rows.

        Returns:
            The path.

        Raises:
            InputError: The path exists and ``overwrite`` is false, or is no store.

        Example:
            >>> import networkx as nx, tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = OrbitAdjacency(nx.path_graph(4)).save(f"{folder}/path.orbits")
            ...     OrbitAdjacency.open(path)[3, 4, 4].nnz
            2
        """
        from graphx.gradco.store import save

        return save(self, path, keys, overwrite=overwrite, client=client)

    @staticmethod
    def open(path: str | os.PathLike[str], graph: Any = None, *, verify: bool = True) -> Mapping[Key, csr_array]:
        """Opens a saved store; see :class:`graphx.gradco.store.OrbitStore`.

        Args:
            path: The directory.
            graph: The graph that it should belong to; None to take it as it is.
            verify: Compare the checksum of every array.

        Returns:
            An :class:`graphx.gradco.store.OrbitStore`: a mapping like this one, over memory-mapped arrays.

        Raises:
            StoreError: The store is damaged, incomplete, or belongs to another graph.

        Example:
            >>> OrbitAdjacency.open("no such place")
            Traceback (most recent call last):
                ...
            graphx.errors.StoreError: ...
        """
        from graphx.gradco.store import OrbitStore

        return OrbitStore(path, graph, verify=verify)
