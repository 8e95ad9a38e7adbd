"""The random start R of FastRP: every number depends on the seed, the id of its node and its column alone."""

from __future__ import annotations

import hashlib
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from graphx import _core
from graphx.fastrp._states import Floats, State, empty_state
from graphx.graph import Graph

__all__ = ["DENSE_FROM", "KINDS", "SparseStart", "density_of", "node_ids", "projection", "sparse_projection"]

Kind: TypeAlias = Literal["very_sparse", "sparse", "gaussian"]
Ids: TypeAlias = npt.NDArray[np.uint64]

KINDS: Final = ("very_sparse", "sparse", "gaussian")
DENSE_FROM: Final = 0.1  # density of R from which it is stored whole


class SparseStart(NamedTuple):
    """R as rows of a few entries: a CSR ``[N, n_columns]``.

    Attributes:
        indptr: Where the entries of a row begin, ``[N + 1]``.
        columns: Their columns, ascending in a row.
        values: Their values, :math:`L` included.
        n_columns: d.
    """

    indptr: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int32]
    values: Floats
    n_columns: int


def node_ids(graph: Graph) -> Ids | None:
    """What the random numbers of each node depend on: its integer name, a hash of its text, or its row (None).

    Args:
        graph: The graph.

    Returns:
        uint64 ``[N]``, or None for ``0..N-1``.

    Example:
        >>> node_ids(Graph.from_edges([0], [1], names=np.array([7, 3]))).tolist()
        [7, 3]
    """
    names = graph.names
    if names is None:
        return None
    if isinstance(names, np.ndarray):
        return np.ascontiguousarray(names).view(np.uint64)
    hashed = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(hashed, dtype="<u8").astype(np.uint64)


def density_of(kind: str, num_nodes: int) -> float:
    """The share of entries of R that are not 0; 0 stands for normal variates."""
    if kind == "very_sparse":
        return 1.0 / max(1.0, float(np.sqrt(num_nodes)))
    return 1.0 / 3.0 if kind == "sparse" else 0.0


def _entry(kind: str, num_nodes: int, n_components: int) -> tuple[float, float]:
    """Density, and the size of an entry: rows have unit length in the mean."""
    density = density_of(kind, num_nodes)
    return density, 1.0 / np.sqrt((density or 1.0) * n_components)


def projection(
    ids: Ids | int,
    n_components: int,
    kind: str,
    seed: int,
    *,
    num_nodes: int,
    columns: tuple[int, int] | None = None,
    rows_scale: Floats | None = None,
    storage: str = "float32",
    first: int = 0,
    num_threads: int = 1,
) -> State:
    """R, ``[rows, columns]``: row i depends on (seed, its id, the column), on d and, if very sparse, on N.

    Args:
        ids: The ids of the rows, uint64; or a number of rows with the ids ``first``, ``first + 1``, ...
        n_components: d of the whole R, which its scale depends on.
        kind: ``'very_sparse'`` (density ``1 / sqrt(N)``), ``'sparse'`` (1/3) or ``'gaussian'``.
        seed: 0 to 2^64 - 1.
        num_nodes: N of the whole graph.
        columns: Make columns ``(begin, end)`` only.
        rows_scale: A factor for each row, float32.
        storage: ``'float32'`` or ``'bfloat16'``.
        first: See ``ids``.
        num_threads: Threads.

    Returns:
        float32, or bfloat16 as uint16.

    Example:
        >>> whole = projection(5, 32, "sparse", 1, num_nodes=5)
        >>> part = projection(2, 32, "sparse", 1, num_nodes=5, columns=(16, 32), first=3)
        >>> bool((whole[3:, 16:] == part).all())
        True
    """
    begin, end = columns or (0, n_components)
    rows = ids if isinstance(ids, int) else ids.size
    out = empty_state(rows, end - begin, storage)
    density, scale = _entry(kind, num_nodes, n_components)
    known = None if isinstance(ids, int) else ids
    _core.fastrp_project(known, first, begin, seed, density, scale, rows_scale, out, num_threads)
    return out


def sparse_projection(
    ids: Ids | int,
    n_components: int,
    kind: str,
    seed: int,
    *,
    num_nodes: int,
    columns: tuple[int, int] | None = None,
    rows_scale: Floats | None = None,
    first: int = 0,
    num_threads: int = 1,
) -> SparseStart:
    """:func:`projection` of a sparse kind without its zeros.

    Args:
        ids: As there.
        n_components: As there.
        kind: ``'very_sparse'`` or ``'sparse'``.
        seed: As there.
        num_nodes: As there.
        columns: As there.
        rows_scale: As there.
        first: As there.
        num_threads: As there.

    Returns:
        A CSR.

    Example:
        >>> int(sparse_projection(10**4, 128, "very_sparse", 0, num_nodes=10**4).indptr[-1])
        12851
    """
    begin, end = columns or (0, n_components)
    rows = ids if isinstance(ids, int) else ids.size
    density, scale = _entry(kind, num_nodes, n_components)
    known = None if isinstance(ids, int) else ids
    made = _core.fastrp_project_sparse(known, first, rows, begin, end, seed, density, scale, rows_scale, num_threads)
    return SparseStart(*made, end - begin)
