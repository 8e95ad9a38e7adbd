"""Averages over neighbours: degrees of whole graphs and of blocks of rows, by both conventions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graphx.errors import InputError
from graphx.fastrp import FastRP
from graphx.fastrp._walk import Walk, walk_of
from graphx.graph import Graph
from tests.graphs import barabasi_albert

weights_or_none = hnp.arrays(
    np.float64, st.tuples(st.just(6), st.just(6)), elements=st.one_of(st.just(np.nan), st.floats(0, 4, width=16))
)


def graph_of(entries: Any) -> Graph:
    rows, columns = np.nonzero(~np.isnan(entries))
    return Graph.from_edges(rows, columns, entries[rows, columns], num_nodes=len(entries), directed=True)


@given(weights_or_none)
@settings(max_examples=40)
def test_degrees_are_sums_or_counts_of_rows(entries: Any) -> None:
    graph = graph_of(entries)
    np.testing.assert_allclose(walk_of(graph).degrees(), np.nan_to_num(entries).sum(1))
    counts = (~np.isnan(entries)).sum(1)
    assert np.array_equal(walk_of(graph, "gds").degrees(), counts)
    assert np.array_equal(walk_of(graph.without_weights()).degrees(), counts)
    assert walk_of(graph).num_rows == 6


@given(weights_or_none, st.integers(0, 6), st.integers(0, 6))
@settings(max_examples=30)
def test_a_block_has_the_degrees_of_its_rows(entries: Any, one: int, two: int) -> None:
    start, stop = sorted((one, two))
    for convention in ("paper", "gds"):
        whole = walk_of(graph_of(entries), convention)
        block = whole.block(start, stop)
        assert block.num_rows == stop - start and block.first_row == start
        assert np.array_equal(block.degrees(), whole.degrees()[start:stop])
        inner = block.block(0, block.num_rows // 2)  # a block of a block
        assert np.array_equal(inner.degrees(), whole.degrees()[start : start + block.num_rows // 2])
        assert inner.first_row == start


@pytest.mark.parametrize(
    ("weights", "normalize", "scale"),
    [([2.0, 4.0], True, 0.25), ([2.0, -8.0], True, 0.125), ([2.0, 4.0], False, 1.0), ([0.0, 0.0], True, 1.0)],
)
def test_weights_of_gds_are_brought_to_one_at_most(weights: list[float], normalize: bool, scale: float) -> None:
    walk = walk_of(Graph.from_edges([0, 1], [1, 2], weights, directed=True), "gds", normalize=normalize)
    assert walk.by_count and walk.weights_scale == scale


def test_a_graph_without_weights_or_without_edges_has_no_weights_to_scale() -> None:
    plain = Graph.from_edges([0], [1])
    none = Graph.from_edges([], [], np.zeros(0), num_nodes=3)
    for graph in (plain, none):
        for convention in ("paper", "gds"):
            walk = walk_of(graph, convention)
            assert walk.weights is None and not walk.by_count
            assert walk.degrees().tolist() == graph.degrees().tolist()


def test_weights_below_zero_are_named() -> None:
    graph = Graph.from_edges([0, 1, 2], [1, 2, 0], [1.0, -0.5, -3.0], directed=True)
    with pytest.raises(InputError, match=r"entry 2 has the weight -3; expected none below 0, as convention='paper'"):
        walk_of(graph)
    assert walk_of(graph, "gds").degrees().tolist() == [1.0, 1.0, 1.0]


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_a_weight_beyond_float32() -> None:
    huge = Graph.from_edges([0, 1], [1, 2], [1e39, 1.0])
    with pytest.raises(InputError, match="a weight is 1e\\+39; expected less than 3.4e38: divide all weights"):
        walk_of(huge, "gds", normalize=False)
    assert walk_of(huge, "gds", normalize=True).weights_scale == pytest.approx(1e-39)


@pytest.mark.parametrize("convention", ["paper", "gds"])
def test_a_common_factor_of_all_weights_does_not_matter(convention: Any) -> None:
    g = barabasi_albert(80, 3).graph
    weights = 1.0 + np.minimum(g.indices, 5) * 0.25
    runs = {
        FastRP(12, convention=convention, random_state=0)
        .fit_transform(Graph(g.indptr, g.indices, weights * 2.0**power))
        .tobytes()
        for power in (-6, 0, 3)  # powers of two: no rounding
    }
    assert len(runs) == 1


def test_what_walks_are_made_of_is_not_copied() -> None:
    graph = Graph.from_edges([0, 1], [1, 2], [1.0, 2.0])
    walk = walk_of(graph)
    assert walk.indices is graph.indices and walk.weights is graph.weights
    assert np.shares_memory(walk.block(1, 2).indptr, graph.indptr)
    assert Walk(graph.indptr, graph.indices).degrees().tolist() == [1.0, 2.0, 1.0]
