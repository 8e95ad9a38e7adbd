"""The tiny named graphs that every test uses, and what is known of them in closed form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from math import comb

import networkx as nx
import numpy as np
import scipy.sparse as sp

import graphx

Key = tuple[int, int, int]


@dataclass(frozen=True)
class NamedGraph:
    """An undirected simple graph given by its edges."""

    name: str
    num_nodes: int
    edges: tuple[tuple[int, int], ...]
    orbits: Callable[[], dict[Key, np.ndarray]] | None = field(default=None, compare=False)

    @cached_property
    def dense(self) -> np.ndarray:
        matrix = np.zeros((self.num_nodes, self.num_nodes), dtype=np.int64)
        for u, v in self.edges:
            matrix[u, v] = matrix[v, u] = 1
        return matrix

    @property
    def graph(self) -> graphx.Graph:
        return make_graph(self.num_nodes, self.edges)

    def __str__(self) -> str:
        return self.name


def make_graph(num_nodes: int, edges: Iterable[tuple[int, int]]) -> graphx.Graph:
    """A Graph of pairs, by way of scipy so that no edge-list code takes part."""
    pairs = np.array(sorted(edges), dtype=np.int64).reshape(-1, 2)
    rows, columns = np.concatenate([pairs, pairs[:, ::-1]]).T
    matrix = sp.csr_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(num_nodes, num_nodes))
    matrix.sort_indices()
    return graphx.Graph(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32))


def from_networkx(graph: nx.Graph, name: str = "") -> NamedGraph:
    nodes = {u: i for i, u in enumerate(graph)}
    return NamedGraph(name, len(nodes), tuple((nodes[u], nodes[v]) for u, v in graph.edges))


def _matrix(n: int, entries: Iterable[tuple[int, int]], value: int = 1) -> np.ndarray:
    result = np.zeros((n, n), dtype=np.int64)
    for u, v in entries:
        result[u, v] = value
    return result


def _with_transposes(orbits: dict[Key, np.ndarray]) -> dict[Key, np.ndarray]:
    return orbits | {(h, b, a): m.T for (h, a, b), m in orbits.items()}


def clique(n: int) -> NamedGraph:
    """K_n: every pair is in n - 2 triangles and C(n-2, 2) four-cliques, and in nothing else."""

    def orbits() -> dict[Key, np.ndarray]:
        edge = 1 - np.eye(n, dtype=np.int64)
        return {(1, 0, 0): edge, (1, 3, 3): (n - 2) * edge, (1, 14, 14): comb(n - 2, 2) * edge}

    return NamedGraph(f"clique{n}", n, tuple(combinations(range(n), 2)), orbits)


def cycle(n: int) -> NamedGraph:
    """C_n, n >= 7: each window of three or four nodes is a path; the orbit numbers are those of its ends and middle."""

    def orbits() -> dict[Key, np.ndarray]:
        def at(*offsets: int) -> np.ndarray:
            return _matrix(n, ((u, (u + o) % n) for u in range(n) for o in offsets))

        keys = {(1, 0, 0): 1, (1, 1, 2): 1, (1, 4, 5): 1, (1, 5, 5): 1, (2, 1, 1): 2, (2, 4, 5): 2, (3, 4, 4): 3}
        return _with_transposes({key: at(offset, -offset) for key, offset in keys.items()})

    return NamedGraph(f"cycle{n}", n, tuple((u, (u + 1) % n) for u in range(n)), orbits)


def path(n: int) -> NamedGraph:
    """P_n: as the cycle, without the windows that would go round."""

    def orbits() -> dict[Key, np.ndarray]:
        threes = [w for u in range(n - 2) for w in ((u, u + 1, u + 2), (u + 2, u + 1, u))]
        fours = [w for u in range(n - 3) for w in ((u, u + 1, u + 2, u + 3), (u + 3, u + 2, u + 1, u))]
        return _with_transposes(
            {
                (1, 0, 0): _matrix(n, [p for u in range(n - 1) for p in ((u, u + 1), (u + 1, u))]),
                (1, 1, 2): _matrix(n, [(a, b) for a, b, _ in threes]),
                (2, 1, 1): _matrix(n, [(a, c) for a, _, c in threes]),
                (1, 4, 5): _matrix(n, [(a, b) for a, b, _, _ in fours]),
                (2, 4, 5): _matrix(n, [(a, c) for a, _, c, _ in fours]),
                (1, 5, 5): _matrix(n, [(b, c) for _, b, c, _ in fours]),
                (3, 4, 4): _matrix(n, [(a, d) for a, _, _, d in fours]),
            }
        )

    return NamedGraph(f"path{n}", n, tuple((u, u + 1) for u in range(n - 1)), orbits)


def star(leaves: int) -> NamedGraph:
    """K_{1,L}, centre 0: two leaves make a P3 with the centre, three leaves a claw."""

    def orbits() -> dict[Key, np.ndarray]:
        n = leaves + 1
        spokes = _matrix(n, ((leaf, 0) for leaf in range(1, n)))
        between = _matrix(n, ((u, v) for u in range(1, n) for v in range(1, n) if u != v))
        return _with_transposes(
            {
                (1, 0, 0): spokes + spokes.T,
                (1, 1, 2): (leaves - 1) * spokes,
                (2, 1, 1): between,
                (1, 6, 7): comb(leaves - 1, 2) * spokes,
                (2, 6, 6): max(leaves - 2, 0) * between,
            }
        )

    return NamedGraph(f"star{leaves}", leaves + 1, tuple((0, leaf) for leaf in range(1, leaves + 1)), orbits)


def complete_bipartite(a: int, b: int) -> NamedGraph:
    """K_{a,b}: P3, claws and four-cycles only."""

    def orbits() -> dict[Key, np.ndarray]:
        n = a + b
        left, right = np.arange(n) < a, np.arange(n) >= a
        sides = ((left, right, a, b), (right, left, b, a))
        m = {key: np.zeros((n, n), dtype=np.int64) for key in _BIPARTITE}
        for own, other, size, across in sides:
            step, same = np.outer(own, other), np.outer(own, own) & ~np.eye(n, dtype=bool)
            m[1, 0, 0] += step
            m[1, 1, 2] += (size - 1) * step
            m[1, 6, 7] += comb(size - 1, 2) * step
            m[1, 8, 8] += (a - 1) * (b - 1) * step
            m[2, 1, 1] += across * same
            m[2, 8, 8] += comb(across, 2) * same
            m[2, 6, 6] += across * (size - 2) * same
        return _with_transposes(m)

    edges = tuple((u, a + v) for u in range(a) for v in range(b))
    return NamedGraph(f"bipartite{a}x{b}", a + b, edges, orbits)


_BIPARTITE = [(1, 0, 0), (1, 1, 2), (1, 6, 7), (1, 8, 8), (2, 1, 1), (2, 8, 8), (2, 6, 6)]

CLOSED_FORM = [
    clique(3),
    clique(4),
    clique(7),
    cycle(7),
    cycle(20),
    path(2),
    path(3),
    path(4),
    path(9),
    star(3),
    star(10),
    complete_bipartite(2, 2),
    complete_bipartite(3, 5),
    complete_bipartite(2, 9),
]

EMPTY = NamedGraph("empty", 0, ())
ONE_NODE = NamedGraph("one-node", 1, ())
NO_EDGE = NamedGraph("no-edge", 5, ())
EDGE = NamedGraph("edge", 2, ((0, 1),))
PAW = NamedGraph("paw", 4, ((0, 1), (1, 2), (1, 3), (2, 3)))
DIAMOND = NamedGraph("diamond", 4, ((0, 1), (0, 2), (1, 2), (1, 3), (2, 3)))
ISOLATED = NamedGraph("isolated-ends", 6, ((1, 2), (2, 3), (3, 1), (3, 4)))
TWO_PARTS = NamedGraph("two-parts", 8, ((0, 1), (1, 2), (2, 0), (4, 5), (5, 6), (6, 7), (7, 4), (4, 6)))

SMALL = [
    EMPTY,
    ONE_NODE,
    NO_EDGE,
    EDGE,
    PAW,
    DIAMOND,
    ISOLATED,
    TWO_PARTS,
    from_networkx(nx.petersen_graph(), "petersen"),
    from_networkx(nx.karate_club_graph(), "karate"),
    from_networkx(nx.les_miserables_graph(), "les-miserables"),
    from_networkx(nx.windmill_graph(4, 5), "windmill"),
    from_networkx(nx.barabasi_albert_graph(60, 4, seed=1), "barabasi-albert"),
    from_networkx(nx.powerlaw_cluster_graph(60, 4, 0.7, seed=2), "powerlaw-cluster"),
    from_networkx(nx.gnp_random_graph(40, 0.4, seed=3), "dense-random"),
    from_networkx(nx.gnp_random_graph(70, 0.04, seed=4), "sparse-random"),
]


def barabasi_albert(n: int, m: int = 5, seed: int = 0) -> NamedGraph:
    return from_networkx(nx.barabasi_albert_graph(n, m, seed=seed), f"ba{n}")
