"""Graphlet degrees: identities that hold on every graph, doors that are closed, progress that comes to its end."""

from __future__ import annotations

from math import comb
from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings

from graphx.data import synthetic
from graphx.errors import CapacityError, InputError
from graphx.gradco import EDGE_ORBITS, GRAPHLETS, OrbitAdjacency
from graphx.gradco import _degrees as degrees
from graphx.graph import Graph
from tests.graphs import NamedGraph, make_graph
from tests.strategies import graphs

_SIZES = {o: sum(orbit == o for orbit in graphlet.node_orbits) for graphlet in GRAPHLETS for o in graphlet.orbits}


@given(graphs(max_nodes=9))
@settings(max_examples=30)
def test_all_orbits_of_a_graphlet_count_the_same_graphlets(case: NamedGraph) -> None:
    """A graphlet has k nodes on an orbit, so the sum of the orbit's degrees is k times the number of graphlets."""
    sums = OrbitAdjacency(case.graph).graphlet_degrees().sum(0)
    for graphlet in GRAPHLETS:
        counts = {sums[orbit] / _SIZES[orbit] for orbit in graphlet.orbits}
        assert len(counts) == 1 and counts.pop().is_integer()


@given(graphs(max_nodes=9))
@settings(max_examples=30)
def test_degrees_that_can_be_written_down(case: NamedGraph) -> None:
    found, d = OrbitAdjacency(case.graph).graphlet_degrees(), case.dense.sum(0)
    assert np.array_equal(found[:, 0], d)
    cube = np.linalg.matrix_power(case.dense, 3)
    assert np.array_equal(found[:, 3], np.diag(cube) // 2 if case.num_nodes else [])
    assert np.array_equal(found[:, 2], [comb(k, 2) for k in d] - found[:, 3])
    fours = found[:, [7, 11, 13, 14]] @ [1, 1, 1, 1]  # a node's three neighbours: claw, paw, diamond or clique
    assert np.array_equal(fours, [comb(k, 3) for k in d])


@given(graphs(max_nodes=8), graphs(max_nodes=8))
@settings(max_examples=25)
def test_side_by_side_is_one_after_the_other(one: NamedGraph, other: NamedGraph) -> None:
    shifted = [(u + one.num_nodes, v + one.num_nodes) for u, v in other.edges]
    both = OrbitAdjacency(make_graph(one.num_nodes + other.num_nodes, [*one.edges, *shifted]))
    parts = [OrbitAdjacency(case.graph) for case in (one, other)]
    assert np.array_equal(both.graphlet_degrees(), np.vstack([part.graphlet_degrees() for part in parts]))
    assert np.array_equal(both.edge_graphlet_degrees(), np.vstack([part.edge_graphlet_degrees() for part in parts]))
    assert np.array_equal(both.edges(), np.vstack([parts[0].edges(), parts[1].edges() + one.num_nodes]))


@given(graphs(min_nodes=2, max_nodes=8))
@settings(max_examples=25)
def test_a_lonely_node_changes_nothing_else(case: NamedGraph) -> None:
    plain, more = OrbitAdjacency(case.graph), OrbitAdjacency(make_graph(case.num_nodes + 1, case.edges))
    assert np.array_equal(more.graphlet_degrees()[:-1], plain.graphlet_degrees())
    assert not more.graphlet_degrees()[-1].any() and more.num_triangles == plain.num_triangles
    assert np.array_equal(more.edge_graphlet_degrees(), plain.edge_graphlet_degrees())


@given(graphs(max_nodes=8))
@settings(max_examples=25)
def test_degrees_of_edges_add_up_to_those_of_nodes(case: NamedGraph) -> None:
    """An orbit pair (a, b) with a != b: every graphlet at a node on orbit a has a fixed number of such edges there."""
    orbits = OrbitAdjacency(case.graph)
    at_nodes, at_edges, edges = orbits.graphlet_degrees(), orbits.edge_graphlet_degrees(), orbits.edges()
    for column, (a, b) in enumerate(EDGE_ORBITS):
        graphlet = next(g for g in GRAPHLETS if a in g.orbits)
        pairs = [{graphlet.node_orbits[u], graphlet.node_orbits[v]} for u, v in graphlet.edges]
        around = np.zeros(case.num_nodes, dtype=np.int64)
        np.add.at(around, edges.ravel(), np.repeat(at_edges[:, column], 2))
        nodes = np.zeros(case.num_nodes, dtype=np.int64)
        for orbit in {a, b}:
            ends = sum((graphlet.node_orbits[u] == orbit) + (graphlet.node_orbits[v] == orbit)
                       for (u, v), pair in zip(graphlet.edges, pairs, strict=True) if pair == {a, b})  # fmt: skip
            nodes += at_nodes[:, orbit] * (ends // _SIZES[orbit])
        assert np.array_equal(around, nodes), (a, b)


# -- the doors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (Graph.from_edges([0], [1], [2.0]), "the graph has weights, and graphlets are defined without: call"),
        (Graph.from_edges([0, 1], [1, 1]), r"the graph has 1 self-loops, .*: call graph.without_self_loops\(\) first"),
        (Graph.from_edges([0], [1], directed=True), r"the graph is directed, .*: call graph.to_undirected\(\) first"),
        (np.array([[0, 2], [2, 0]]), "the graph has weights"),
        (sp.csr_array([[0, 1], [0, 0]]), "the graph is directed"),
        (nx.DiGraph([(0, 1)]), "the graph is directed"),
        ([[0, 1]], "got a builtins.list"),
    ],
)
def test_graphs_without_graphlets(graph: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        OrbitAdjacency(graph)


def test_too_many_edges_are_refused() -> None:
    class Many:
        is_weighted, is_undirected, has_self_loops = False, True, False
        indices = np.lib.stride_tricks.as_strided(np.zeros(1, np.int32), (2**32,), (0,))

    with pytest.raises(CapacityError, match="2,147,483,648 edges; expected fewer than"):
        degrees._simple(Many())  # type: ignore[arg-type]


def test_the_graph_is_not_copied_and_not_changed() -> None:
    graph = synthetic.barabasi_albert(50, 3, seed=0)
    before = graph.digest
    orbits = OrbitAdjacency(graph)
    orbits.graphlet_degrees()[:] = -1
    orbits.edges()[:] = -1
    assert orbits.graph is graph and Graph(graph.indptr, graph.indices).digest == before
    assert (orbits.graphlet_degrees() >= 0).all() and (orbits.edges() >= 0).all()


def test_progress_ends_each_stage_at_its_total() -> None:
    told: list[tuple[str, int, int]] = []
    orbits = OrbitAdjacency(synthetic.barabasi_albert(300, 4, seed=0), progress=lambda *what: told.append(what))
    orbits.graphlet_degrees()
    orbits.edge_graphlet_degrees()
    stages = list(dict.fromkeys(stage for stage, *_ in told))
    assert stages == ["triangles, cliques and cycles", "graphlet degrees", "edge graphlet degrees"]
    for stage in stages:
        done = [(n, total) for name, n, total in told if name == stage]
        assert done[-1][0] == done[-1][1] and all(0 <= n <= total for n, total in done)
        assert [n for n, _ in done] == sorted(n for n, _ in done)
    told.clear()
    assert orbits.num_triangles >= 0 and told == []  # counted once
