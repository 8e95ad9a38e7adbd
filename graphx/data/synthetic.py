"""Named graphs made on the spot, fixed by a seed: what tests and benchmarks need."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from graphx import _core
from graphx.errors import InputError
from graphx.graph import Graph

__all__ = [
    "barabasi_albert",
    "clique",
    "cycle",
    "erdos_renyi",
    "path",
    "power_law",
    "random_regular",
    "star",
    "stochastic_block_model",
]


def path(num_nodes: int) -> Graph:
    """The path ``0 - 1 - ... - N-1``.

    Args:
        num_nodes: N.

    Returns:
        A graph with ``max(N - 1, 0)`` edges.

    Example:
        >>> path(4).degrees().tolist()
        [1, 2, 2, 1]
    """
    nodes = np.arange(_at_least(num_nodes, 0, "num_nodes"))
    return Graph.from_edges(nodes[:-1], nodes[1:], num_nodes=num_nodes)


def cycle(num_nodes: int) -> Graph:
    """The cycle on N >= 3 nodes.

    Args:
        num_nodes: N.

    Returns:
        A graph with N edges, every degree 2.

    Example:
        >>> cycle(5).degrees().tolist()
        [2, 2, 2, 2, 2]
    """
    nodes = np.arange(_at_least(num_nodes, 3, "num_nodes"))
    return Graph.from_edges(nodes, np.roll(nodes, -1), num_nodes=num_nodes)


def star(num_leaves: int) -> Graph:
    """The star: node 0 joined to ``1..num_leaves``.

    Args:
        num_leaves: The number of leaves.

    Returns:
        A graph on ``num_leaves + 1`` nodes.

    Example:
        >>> star(3).degrees().tolist()
        [3, 1, 1, 1]
    """
    leaves = np.arange(1, _at_least(num_leaves, 0, "num_leaves") + 1)
    return Graph.from_edges(np.zeros_like(leaves), leaves, num_nodes=num_leaves + 1)


def clique(num_nodes: int) -> Graph:
    """The complete graph, ``N (N - 1) / 2`` edges.

    Args:
        num_nodes: N.

    Returns:
        A graph, every degree ``N - 1``.

    Example:
        >>> clique(5).num_edges
        10
    """
    rows, columns = np.triu_indices(_at_least(num_nodes, 0, "num_nodes"), 1)
    return Graph.from_edges(rows, columns, num_nodes=num_nodes)


def erdos_renyi(num_nodes: int, num_edges: int, *, seed: int = 0) -> Graph:
    """A graph drawn uniformly from those with N nodes and M edges, G(N, M).

    P. Erdos and A. Renyi, On random graphs I, Publicationes Mathematicae Debrecen 6, 1959.

    Args:
        num_nodes: N.
        num_edges: M, at most ``N (N - 1) / 2``.
        seed: Fixes the result.

    Returns:
        A graph with exactly M edges.

    Raises:
        InputError: There are no M pairs of nodes.

    Example:
        >>> erdos_renyi(100, 300, seed=1).num_edges
        300
    """
    pairs = _at_least(num_nodes, 0, "num_nodes") * (num_nodes - 1) // 2
    if not 0 <= num_edges <= pairs:
        raise InputError(f"{num_edges} edges on {num_nodes} nodes; expected 0 to {pairs}")
    codes = distinct(np.random.default_rng(seed), pairs, num_edges)
    u, v = pair_of(codes)
    return Graph.from_edges(u, v, num_nodes=num_nodes)


def barabasi_albert(num_nodes: int, m: int, *, seed: int = 0) -> Graph:
    """Preferential attachment: a star of m + 1 nodes, then each node joins m others in proportion to their degree.

    Barabasi and Albert, Emergence of scaling in random networks, Science 286, 1999.

    Args:
        num_nodes: N, more than m.
        m: Edges of each new node, at least 1.
        seed: Fixes the result, on every machine.

    Returns:
        A graph with ``m (N - m)`` edges.

    Raises:
        InputError: Not ``1 <= m < N``.

    Example:
        >>> barabasi_albert(1000, 10, seed=3).num_edges
        9900
    """
    if not 1 <= m < num_nodes:
        raise InputError(f"m={m}, num_nodes={num_nodes}; expected 1 <= m < num_nodes")
    sources, targets = _core.barabasi_albert(num_nodes, m, _at_least(seed, 0, "seed"))
    return Graph.from_edges(sources, targets, num_nodes=num_nodes)


def power_law(
    num_nodes: int,
    *,
    average_degree: float = 10.0,
    exponent: float = 2.5,
    hub: int | None = None,
    seed: int = 0,
) -> Graph:
    r"""A graph with power-law expected degrees, and a hub of chosen degree.

    Both ends of ``N * average_degree / 2`` edges are drawn with probability proportional to
    :math:`(i + 1)^{-1 / (\gamma - 1)}`; loops and repeated edges are left out (fast Chung-Lu). With `hub`, node 0 is
    then joined to exactly that many random nodes, and to nothing else.

    Chung and Lu, Connected components in random graphs with given expected degree sequences, 2002.

    Args:
        num_nodes: N, at least 2.
        average_degree: Of the draws, so a bound from above on that of the graph.
        exponent: :math:`\gamma > 1`.
        hub: The degree of node 0, below N; None leaves it as drawn.
        seed: Fixes the result.

    Returns:
        A graph.

    Raises:
        InputError: An argument is out of range.

    Example:
        >>> int(power_law(1000, hub=800, seed=1).degrees()[0])
        800
    """
    _at_least(num_nodes, 2, "num_nodes")
    if not exponent > 1 or not average_degree >= 0:
        raise InputError(f"exponent={exponent}, average_degree={average_degree}; expected above 1, and not negative")
    if hub is not None and not 0 <= hub < num_nodes:
        raise InputError(f"hub={hub}; expected 0 to num_nodes - 1 = {num_nodes - 1}")
    rng = np.random.default_rng(seed)
    cumulative = np.cumsum(np.arange(1, num_nodes + 1, dtype=np.float64) ** (-1.0 / (exponent - 1.0)))
    draws = rng.random((2, round(num_nodes * average_degree / 2))) * cumulative[-1]
    ends = np.minimum(np.searchsorted(cumulative, draws, side="right"), num_nodes - 1)
    if hub is not None:
        ends = ends[:, (ends > 0).all(axis=0)]
        spokes = rng.choice(num_nodes - 1, hub, replace=False) + 1
        ends = np.concatenate([ends, np.stack([np.zeros_like(spokes), spokes])], axis=1)
    return _uncounted(Graph.from_edges(ends[0], ends[1], num_nodes=num_nodes, duplicates="merge", self_loops="drop"))


def random_regular(num_nodes: int, degree: int, *, seed: int = 0) -> Graph:
    """A random graph in which every node has the same degree.

    Ends are paired at random, then loops and repeated edges trade ends with random edges until none is left.

    Args:
        num_nodes: N.
        degree: d, with ``d < N`` and ``N d`` even.
        seed: Fixes the result.

    Returns:
        A graph with ``N d / 2`` edges.

    Raises:
        InputError: There is no such graph.

    Example:
        >>> set(random_regular(50, 4, seed=1).degrees().tolist())
        {4}
    """
    if not 0 <= degree < max(num_nodes, 1) or num_nodes * degree % 2:
        raise InputError(f"degree={degree} on {num_nodes} nodes; expected degree < num_nodes and an even product")
    if 2 * degree > num_nodes:  # dense: trading would hardly end, and the complement is sparse
        rest = random_regular(num_nodes, num_nodes - 1 - degree, seed=seed)
        absent = ~rest.to_scipy().toarray().astype(bool)
        rows, columns = np.nonzero(np.triu(absent, 1))
        return Graph.from_edges(rows, columns, num_nodes=num_nodes)
    rng = np.random.default_rng(seed)
    ends = rng.permutation(np.repeat(np.arange(num_nodes), degree)).reshape(2, -1)
    while (bad := _bad_edges(ends, num_nodes)).size:
        partners = rng.choice(ends.shape[1], bad.size, replace=False)
        for edge, partner in zip(bad.tolist(), partners.tolist(), strict=True):
            ends[1, edge], ends[1, partner] = ends[1, partner], ends[1, edge]
    return Graph.from_edges(ends[0], ends[1], num_nodes=num_nodes)


def stochastic_block_model(
    sizes: Sequence[int], probabilities: npt.ArrayLike, *, seed: int = 0
) -> tuple[Graph, npt.NDArray[np.int64]]:
    r"""A graph with blocks as classes: nodes u, v are joined with probability :math:`P_{b(u) b(v)}`, independently.

    Exact, in time linear in nodes, edges and pairs of blocks. Holland, Laskey and Leinhardt, Stochastic blockmodels:
    first steps, Social Networks 5, 1983.

    Args:
        sizes: Nodes of each of the B blocks; block b is a range of nodes that follows that of b - 1.
        probabilities: P, ``[B, B]``, symmetric, between 0 and 1.
        seed: Fixes the result.

    Returns:
        The graph, and the block of each node ``[N]``, int64.

    Raises:
        InputError: Sizes and probabilities do not fit, or are out of range.

    Example:
        >>> graph, labels = stochastic_block_model([3, 2], [[1, 0], [0, 1]])
        >>> graph.num_edges, labels.tolist()
        (4, [0, 0, 0, 1, 1])
    """
    P = np.asarray(probabilities, dtype=np.float64)
    counts = [_at_least(int(size), 0, "a block's size") for size in sizes]
    if P.shape != (len(counts), len(counts)):
        raise InputError(f"probabilities have shape {P.shape} for {len(counts)} sizes; expected [B, B]")
    if not ((P >= 0) & (P <= 1)).all() or not np.array_equal(P, P.T):
        raise InputError("probabilities are not all in 0..1 or not symmetric; expected P[a][b] = P[b][a] in 0..1")
    rng = np.random.default_rng(_at_least(seed, 0, "seed"))
    starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    ends = [np.zeros((2, 0), dtype=np.int64)]
    for a, first in enumerate(counts):
        for b in range(a, len(counts)):
            pairs = first * (first - 1) // 2 if a == b else first * counts[b]
            codes = distinct(rng, pairs, int(rng.binomial(pairs, P[a, b])))
            u, v = pair_of(codes) if a == b else np.divmod(codes, max(counts[b], 1))
            ends.append(np.stack([u + starts[a], v + starts[b]]))
    u, v = np.concatenate(ends, axis=1)
    return Graph.from_edges(u, v, num_nodes=int(starts[-1])), np.repeat(np.arange(len(counts)), counts)


def _bad_edges(ends: npt.NDArray[np.int64], num_nodes: int) -> npt.NDArray[np.int64]:
    """The edges that are loops or repeat an earlier one."""
    codes = np.minimum(ends[0], ends[1]) * num_nodes + np.maximum(ends[0], ends[1])
    _, first = np.unique(codes, return_index=True)
    good = np.zeros(codes.size, dtype=bool)
    good[first] = True
    good &= ends[0] != ends[1]
    return np.nonzero(~good)[0]


def distinct(rng: np.random.Generator, population: int, count: int) -> npt.NDArray[np.int64]:
    """`count` different numbers below `population`, every set of them as likely, in memory of the order of `count`."""
    if 3 * count > population:
        return rng.choice(population, count, replace=False)
    numbers = np.zeros(0, dtype=np.int64)  # draw, drop what came before, draw what is missing
    while numbers.size < count:
        drawn = np.concatenate([numbers, rng.integers(0, population, count - numbers.size + 16)])
        _, first = np.unique(drawn, return_index=True)
        numbers = drawn[np.sort(first)][:count]
    return numbers


def pair_of(codes: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The code-th pair (u, v) with u < v, in the order (0,1), (0,2), (1,2), (0,3), ..."""
    v = ((1 + np.sqrt(1.0 + 8.0 * codes)) / 2).astype(np.int64)
    v -= v * (v - 1) // 2 > codes  # the root may round either way
    v += v * (v + 1) // 2 <= codes
    return codes - v * (v - 1) // 2, v


def _uncounted(graph: Graph) -> Graph:
    """The graph without a report: what a generator merges is no cleaning."""
    return Graph._trusted(graph.indptr, graph.indices)


def _at_least(value: int, low: int, what: str) -> int:
    if value < low:
        raise InputError(f"{what} is {value}; expected at least {low}")
    return value
