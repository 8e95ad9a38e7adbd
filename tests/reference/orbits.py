"""Orbit adjacencies straight from their definition: every connected induced subgraph of 2, 3 and 4 nodes is visited.

M[h, o1, o2][u, v] is the number of induced copies of a graphlet in which u is on orbit o1, v on orbit o2, and u and v
are h hops apart inside the copy. None of the counter's formulas is used here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

__all__ = ["EDGE_ORBITS", "KEYS", "OrbitCounts", "count_orbits", "graphlet_of"]

# Graphlet and orbits by the sorted degrees inside the subgraph, which tell connected graphs of <= 4 nodes apart;
# nodes of equal degree are on the same orbit. Numbers as in Przulj, Bioinformatics 23(2), 2007, figure 1.
GRAPHLETS: dict[tuple[int, ...], tuple[int, dict[int, int]]] = {
    (1, 1): (0, {1: 0}),
    (1, 1, 2): (1, {1: 1, 2: 2}),
    (2, 2, 2): (2, {2: 3}),
    (1, 1, 2, 2): (3, {1: 4, 2: 5}),
    (1, 1, 1, 3): (4, {1: 6, 3: 7}),
    (2, 2, 2, 2): (5, {2: 8}),
    (1, 2, 2, 3): (6, {1: 9, 2: 10, 3: 11}),
    (2, 2, 3, 3): (7, {2: 12, 3: 13}),
    (3, 3, 3, 3): (8, {3: 14}),
}

# The twelve columns of edge counts, each as the two node orbits at the edge's ends; the order is that of ORCA's files.
EDGE_ORBITS: tuple[tuple[int, int], ...] = (
    (1, 2),
    (3, 3),
    (4, 5),
    (5, 5),
    (6, 7),
    (8, 8),
    (9, 11),
    (10, 10),
    (10, 11),
    (12, 13),
    (13, 13),
    (14, 14),
)

_HOP1 = [
    "0 0",
    "1 2",
    "2 1",
    "3 3",
    "4 5",
    "5 4",
    "5 5",
    "6 7",
    "7 6",
    "8 8",
    "9 11",
    "11 9",
    "10 10",
    "10 11",
    "11 10",
]
_HOP1 += ["12 13", "13 12", "13 13", "14 14"]
_HOP2 = ["1 1", "4 5", "5 4", "6 6", "8 8", "9 10", "10 9", "12 12"]
KEYS: tuple[tuple[int, int, int], ...] = tuple(
    (hop, *map(int, pair.split())) for hop, pairs in ((1, _HOP1), (2, _HOP2), (3, ["4 4"])) for pair in pairs
)


@dataclass
class OrbitCounts:
    """Everything there is to count: 28 matrices [N, N], node degrees [N, 15], edges and edge degrees [M, 12]."""

    matrices: dict[tuple[int, int, int], np.ndarray]
    node: np.ndarray
    edges: np.ndarray
    edge: np.ndarray
    graphlets: list[np.ndarray]


def _neighbors(num_nodes: int, edges: Iterable[tuple[int, int]]) -> list[set[int]]:
    neighbors: list[set[int]] = [set() for _ in range(num_nodes)]
    for u, v in edges:
        neighbors[u].add(v)
        neighbors[v].add(u)
    return neighbors


def connected_subsets(neighbors: list[set[int]], size: int) -> Iterator[frozenset[int]]:
    """Every set of `size` nodes that induces a connected subgraph, once."""
    level = {frozenset((u,)) for u in range(len(neighbors))}
    for _ in range(size - 1):
        level = {nodes | {v} for nodes in level for u in nodes for v in neighbors[u] if v not in nodes}
    return iter(level)


def _distances(nodes: frozenset[int], inside: dict[int, set[int]], source: int) -> dict[int, int]:
    """Hops from `source` inside the subgraph."""
    distance, frontier = {source: 0}, {source}
    while frontier:
        frontier = {v for u in frontier for v in inside[u]} - distance.keys()
        distance.update(dict.fromkeys(frontier, max(distance.values()) + 1))
    return distance


def graphlet_of(inside: dict[int, set[int]]) -> tuple[int, dict[int, int]]:
    """The graphlet that a connected subgraph is, and the orbit of each of its nodes."""
    degrees = {u: len(around) for u, around in inside.items()}
    graphlet, orbit_of_degree = GRAPHLETS[tuple(sorted(degrees.values()))]
    return graphlet, {u: orbit_of_degree[degree] for u, degree in degrees.items()}


def count_orbits(num_nodes: int, edges: Iterable[tuple[int, int]]) -> OrbitCounts:
    """Counts everything by enumeration; for graphs of up to about a hundred nodes."""
    neighbors = _neighbors(num_nodes, edges)
    pairs = [(u, v) for u in range(num_nodes) for v in sorted(neighbors[u]) if u < v]
    row = {pair: i for i, pair in enumerate(pairs)}
    column = {frozenset(ends): i for i, ends in enumerate(EDGE_ORBITS)}
    matrices = {key: np.zeros((num_nodes, num_nodes), dtype=np.int64) for key in KEYS}
    graphlets = [np.zeros((num_nodes, num_nodes), dtype=np.int64) for _ in range(9)]
    node = np.zeros((num_nodes, 15), dtype=np.int64)
    edge = np.zeros((len(pairs), len(EDGE_ORBITS)), dtype=np.int64)
    for size in (2, 3, 4):
        for nodes in connected_subsets(neighbors, size):
            inside = {u: neighbors[u] & nodes for u in nodes}
            graphlet, orbit = graphlet_of(inside)
            for u in nodes:
                node[u, orbit[u]] += 1
            for u, v in permutations(nodes, 2):
                matrices[_distances(nodes, inside, u)[v], orbit[u], orbit[v]][u, v] += 1
                graphlets[graphlet][u, v] += 1
            for u, v in combinations(sorted(nodes), 2):
                if v in inside[u] and size > 2:
                    edge[row[u, v], column[frozenset((orbit[u], orbit[v]))]] += 1
    return OrbitCounts(matrices, node, np.array(pairs, dtype=np.int64).reshape(-1, 2), edge, graphlets)
