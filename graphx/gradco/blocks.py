"""OrbitBlock: some rows of the orbit adjacencies, over memory that all of them share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphx.gradco.orbits import Key

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["OrbitBlock"]

Part = tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[Any]]


class Parts(Mapping[Key, Part]):
    """``(indptr, indices, values)`` of each key as views of three arrays, made when asked for.

    Args:
        place: The number of each key among the selected ones.
        indptr: Row pointers ``[keys, rows + 1]``, each from 0.
        indices: The columns of all keys, one key after the other.
        values: The counts, likewise.
        first: The entry at which each key begins.
    """

    def __init__(
        self,
        place: Mapping[Key, int],
        indptr: npt.NDArray[np.int64],
        indices: npt.NDArray[np.int32],
        values: npt.NDArray[Any],
        first: Sequence[int],
    ) -> None:
        self._place, self._indptr, self._indices, self._values, self._first = place, indptr, indices, values, first

    def __getitem__(self, key: Key) -> Part:
        k = self._place[key]
        indptr, start = self._indptr[k], self._first[k]
        stop = start + int(indptr[-1])
        return indptr, self._indices[start:stop], self._values[start:stop]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._place)

    def __len__(self) -> int:
        return len(self._place)


class OrbitBlock(Mapping[Key, "csr_array"]):
    """Rows ``start..stop`` of the selected matrices, as a mapping from key to CSR ``[stop - start, N]``.

    Args:
        start: The first row.
        stop: One past the last row.
        num_nodes: N.
        parts: ``(indptr, indices, values)`` of each key.

    Example:
        >>> import networkx as nx
        >>> from graphx.gradco import OrbitAdjacency
        >>> for block in OrbitAdjacency(nx.path_graph(4)).iter_blocks([(3, 4, 4)]):
        ...     print(block.start, block.stop, block[3, 4, 4].sum())
        0 4 2
    """

    def __init__(
        self,
        start: int,
        stop: int,
        num_nodes: int,
        parts: Mapping[Key, tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[Any]]],
    ) -> None:
        self.start, self.stop = start, stop
        self._num_nodes, self._parts = num_nodes, parts

    def arrays(self, key: Key) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[Any]]:
        """The raw ``(indptr, indices, values)`` of a key: no copy, no scipy object."""
        return self._parts[key]

    def __getitem__(self, key: Key) -> csr_array:
        indptr, indices, values = self._parts[key]
        return csr(values, indices, indptr, (self.stop - self.start, self._num_nodes))

    def __iter__(self) -> Iterator[Key]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        return f"OrbitBlock(start={self.start}, stop={self.stop}, {len(self)} matrices)"


def csr(
    values: npt.NDArray[Any], indices: npt.NDArray[np.int32], indptr: npt.NDArray[Any], shape: tuple[int, int]
) -> csr_array:
    """A ``csr_array`` over arrays known to be canonical, without a copy or a look at them."""
    from scipy.sparse import csr_array

    if indptr[-1] <= np.iinfo(np.int32).max:  # scipy wants one type for both, and would copy the long one
        indptr = indptr.astype(np.int32)
    matrix = csr_array((values, indices, indptr), shape=shape, copy=False)
    matrix.has_canonical_format = True  # ascending, no duplicates: known, not to be looked for
    return matrix
