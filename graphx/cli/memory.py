"""What counting orbit adjacencies takes in memory, and how large blocks may be under a limit."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from graphx._threads import resolve_threads
from graphx.cli.common import format_size
from graphx.errors import CapacityError

if TYPE_CHECKING:
    from graphx.gradco import OrbitAdjacency
    from graphx.gradco.orbits import Key

__all__ = ["plan_blocks"]

_LARGEST_BLOCK = 12 << 20  # a larger one is not faster
_TILE = 16  # rows that are counted together at least
_MAX_DEGREE_INT32 = 46_340


def plan_blocks(
    oa: OrbitAdjacency,
    keys: Collection[Key],
    limit: int,
    *,
    num_threads: int | None = None,
    writes_matrices: bool = False,
    extra: int = 0,
) -> int:
    """The size of a block of rows that keeps counting within a limit, beside the graph itself.

    The need is estimated from the data structures of the counter: six sums an edge, tables and common neighbours of
    all edges where pairs that are no edge are asked for, about 160 bytes a node for each thread, and three copies of a
    block of rows where matrices are written.

    Args:
        oa: What is to count; its triangles are counted here if the limit leaves room for that.
        keys: The matrices asked for.
        limit: Bytes.
        num_threads: As given to the counter.
        writes_matrices: Whether blocks of rows are made, rather than sums over them.
        extra: Bytes of other results.

    Returns:
        Bytes for ``max_block_bytes``, at least 1.

    Raises:
        CapacityError: The limit is too small; the message says how much is needed.

    Example:
        >>> import networkx
        >>> from graphx.gradco import OrbitAdjacency
        >>> plan_blocks(OrbitAdjacency(networkx.path_graph(5)), [(1, 0, 0)], 2**30)
        12582912
    """
    graph, threads = oa.graph, resolve_threads(num_threads)
    n, m = graph.num_nodes, graph.num_edges
    width = 4 if graph.max_degree <= _MAX_DEGREE_INT32 else 8
    need = (6 * width + 24) * m + 2 * width * n + extra
    if need <= limit and any(key[0] > 1 for key in keys):
        need += 16 * m + 12 * n + 12 * oa.num_triangles + threads * 40 * width * n
    copies = 3
    if writes_matrices:
        need += copies * _TILE * (4 + width) * _entries_a_row(oa, keys)
    if need > limit:
        raise CapacityError(
            f"counting needs about {format_size(need)} beside the graph, and the limit is {format_size(limit)}; raise "
            "--max-memory, use fewer --threads, or select fewer --matrices (hop1 needs least)"
        )
    return max(1, min((limit - need) // copies, _LARGEST_BLOCK))


def _entries_a_row(oa: OrbitAdjacency, keys: Collection[Key]) -> int:
    """Entries that all matrices together have in a row, on average and at most."""
    graph, n = oa.graph, max(oa.graph.num_nodes, 1)
    wedges = np.add.reduceat(np.append(graph.degrees()[graph.indices], 0), graph.indptr[:-1]) if graph.num_nodes else 0
    far = float(np.minimum(wedges, n).mean()) if graph.num_edges else 0.0
    by_hop = {1: graph.indices.size / n, 2: far, 3: float(n)}
    return int(sum(by_hop[key[0]] for key in keys)) + 1
