"""Graphs made from a graph, against dense matrices: what changes, what stays, what is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graphx.errors import InputError
from graphx.fastrp import FastRP
from graphx.graph import Graph

matrices = hnp.arrays(
    np.float64, st.tuples(st.just(5), st.just(5)), elements=st.sampled_from([0.0, 0.0, 1.0, 2.0, -3.0])
)
NAMES = [f"n{i}" for i in range(5)]


def graph_of(A: Any, *, weighted: bool = True) -> Graph:
    rows, columns = A.nonzero()
    weights = A[rows, columns] if weighted else None
    return Graph.from_edges(rows, columns, weights, num_nodes=5, names=NAMES, directed=True)


def dense(graph: Graph) -> Any:
    return graph.to_scipy().toarray().astype(float)


@given(matrices)
@settings(max_examples=60)
def test_both_directions_against_dense_matrices(A: Any) -> None:
    plain = graph_of(A, weighted=False)
    there = (A != 0).astype(float)
    both = plain.to_undirected()
    assert np.array_equal(dense(both), np.maximum(there, there.T)) and both.is_undirected
    assert both.names == plain.names and both.report.symmetrised == int(((there.T > 0) & (there == 0)).sum())
    assert both.to_undirected() is both
    clash = (A != 0) & (A.T != 0) & (A != A.T)
    weighted = graph_of(A)
    if clash.any():
        with pytest.raises(InputError, match="comes with weights .* expected equal ones"):
            weighted.to_undirected()
    else:
        assert np.array_equal(dense(weighted.to_undirected()), np.where(A != 0, A, A.T))
    added = np.where(np.eye(5, dtype=bool), A, A + A.T)
    assert np.array_equal(dense(weighted.to_undirected(duplicates="sum")), added)


@given(matrices)
@settings(max_examples=60)
def test_what_is_left_out_is_left_out_and_nothing_else(A: Any) -> None:
    graph = graph_of(A)
    off = A * (1 - np.eye(5))
    loopless = graph.without_self_loops()
    assert np.array_equal(dense(loopless), off) and loopless.names == graph.names
    assert loopless.report.self_loops_dropped == int((np.diag(A) != 0).sum()) and not loopless.has_self_loops
    assert (loopless is graph) == (not graph.has_self_loops)
    plain = graph.without_weights()
    assert np.array_equal(dense(plain), (A != 0).astype(float)) and plain.report.weights_dropped
    assert plain.names == graph.names and plain.without_weights() is plain
    bare = graph.without_names()
    assert bare.names is None and bare.digest == graph.digest and bare.without_names() is bare
    assert graph == graph_of(A)  # none of this changed it
    assert Graph(loopless.indptr, loopless.indices, loopless.weights, names=NAMES) == loopless  # checked, and canonical


@given(matrices)
@settings(max_examples=40)
def test_the_order_of_derivations_does_not_matter(A: Any) -> None:
    graph = graph_of(A)
    one = graph.without_weights().without_self_loops().to_undirected().without_names()
    other = graph.without_names().without_weights().to_undirected().without_self_loops()
    assert one == other and one.report.self_loops_dropped == other.report.self_loops_dropped


def test_reports_add_up() -> None:
    graph = Graph.from_edges([0, 0, 1, 1], [1, 1, 1, 2], directed=True, duplicates="merge")
    made = graph.without_self_loops().to_undirected()
    report = made.report
    assert (report.edges_read, report.duplicates_merged, report.self_loops_dropped, report.symmetrised) == (4, 1, 1, 2)
    assert report.summary() == "4 edges read; 1 duplicate merged; 1 self-loop dropped; 2 one-way entries symmetrised"


@pytest.mark.parametrize("rule", ["error", "both", None])
def test_rules_that_are_none(rule: Any) -> None:
    for graph in (graph_of(np.eye(5)), graph_of(np.triu(np.ones((5, 5))), weighted=False)):
        with pytest.raises(InputError, match="expected 'merge' or 'sum'"):
            graph.to_undirected(duplicates=rule)


def test_derived_graphs_are_fit_for_use() -> None:
    A = np.triu(np.ones((5, 5)))
    made = graph_of(A).without_self_loops().without_weights().to_undirected()
    clean = Graph.from_edges(*np.nonzero(np.triu(A, 1)), names=NAMES)
    assert np.array_equal(FastRP(4, random_state=0).fit_transform(made), FastRP(4, random_state=0).fit_transform(clean))
