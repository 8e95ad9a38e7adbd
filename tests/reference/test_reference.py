"""The references themselves, against closed forms, ORCA's own output and each other."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from networkx.algorithms.isomorphism import GraphMatcher

from tests.graphs import CLOSED_FORM, SMALL, NamedGraph
from tests.reference.dense import dense_orbits
from tests.reference.orbits import GRAPHLETS, KEYS, count_orbits, graphlet_of


@pytest.mark.parametrize("case", CLOSED_FORM, ids=str)
def test_closed_forms(case: NamedGraph) -> None:
    expected = case.orbits()
    for key, matrix in count_orbits(case.num_nodes, case.edges).matrices.items():
        np.testing.assert_array_equal(matrix, expected.get(key, np.zeros_like(matrix)), str(key))


def test_the_graphlets_are_the_connected_graphs_of_two_to_four_nodes() -> None:
    atlas = [g for g in nx.graph_atlas_g() if 2 <= len(g) <= 4 and nx.is_connected(g)]
    seen = set()
    for graph in atlas:
        graphlet, orbit = graphlet_of({u: set(graph[u]) for u in graph})
        seen.add(graphlet)
        # an orbit is what the automorphisms map to one another
        classes = {u: {mapping[u] for mapping in GraphMatcher(graph, graph).isomorphisms_iter()} for u in graph}
        assert all((orbit[u] == orbit[v]) == (v in classes[u]) for u in graph for v in graph)
    assert seen == set(range(9))
    assert len(atlas) == 9
    assert sorted(o for _, orbits in GRAPHLETS.values() for o in orbits.values()) == list(range(15))


def test_there_are_28_matrices() -> None:
    assert len(KEYS) == len(set(KEYS)) == 28


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_dense_products_equal_enumeration(case: NamedGraph) -> None:
    counted, products = count_orbits(case.num_nodes, case.edges).matrices, dense_orbits(case.dense)
    assert counted.keys() == products.keys()
    for key, matrix in counted.items():
        np.testing.assert_array_equal(products[key], matrix, str(key))


@pytest.mark.slow
def test_enumeration_equals_orca(data_dir: Path) -> None:
    lines = (data_dir / "orca" / "graph.in").read_text().splitlines()
    num_nodes = int(lines[0].split()[0])
    edges = [tuple(map(int, line.split())) for line in lines[1:]]
    counted = count_orbits(num_nodes, edges)
    row = {tuple(pair): i for i, pair in enumerate(counted.edges.tolist())}
    rows = [row[min(pair), max(pair)] for pair in edges]
    np.testing.assert_array_equal(counted.node, np.loadtxt(data_dir / "orca" / "node-4.out", dtype=np.int64))
    np.testing.assert_array_equal(counted.edge[rows], np.loadtxt(data_dir / "orca" / "edge-4.out", dtype=np.int64))
