"""Generators: exact counts, fixed by the seed, and the law they claim."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.data import synthetic as make
from graphx.errors import InputError
from graphx.graph import Graph


@pytest.mark.parametrize(
    ("graph", "known"),
    [
        (make.path(0), nx.path_graph(0)),
        (make.path(1), nx.path_graph(1)),
        (make.path(6), nx.path_graph(6)),
        (make.cycle(3), nx.cycle_graph(3)),
        (make.cycle(7), nx.cycle_graph(7)),
        (make.star(0), nx.star_graph(0)),
        (make.star(9), nx.star_graph(9)),
        (make.clique(1), nx.complete_graph(1)),
        (make.clique(8), nx.complete_graph(8)),
    ],
)
def test_named_graphs_equal_those_of_networkx(graph: Graph, known: nx.Graph) -> None:
    assert graph == Graph.from_networkx(known)


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 60), st.data(), st.integers(0, 2**32))
def test_barabasi_albert(n: int, data: st.DataObject, seed: int) -> None:
    m = data.draw(st.integers(1, n - 1))
    g = make.barabasi_albert(n, m, seed=seed)
    assert (g.num_nodes, g.num_edges, g.has_self_loops) == (n, m * (n - m), False)
    assert g.degrees()[m + 1 :].min(initial=m) >= m  # who joins later has m edges at least
    assert g == make.barabasi_albert(n, m, seed=seed)


def test_barabasi_albert_prefers_degree() -> None:
    g = make.barabasi_albert(20_000, 5, seed=1)
    degrees = np.sort(g.degrees())[::-1]
    assert degrees[0] > 20 * degrees.mean()
    tail = np.array([(degrees >= k).mean() for k in (20, 40, 80)])  # P(degree >= k) ~ k^-2
    assert np.allclose(tail[:-1] / tail[1:], 4, rtol=0.25)
    assert make.barabasi_albert(20_000, 5, seed=2) != g
    # Fixed for ever: benchmark figures name graphs by their seed.
    assert make.barabasi_albert(10, 2, seed=0).digest.startswith("sha256:")


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 30), st.data(), st.integers(0, 1000))
def test_erdos_renyi_has_exactly_m_edges(n: int, data: st.DataObject, seed: int) -> None:
    m = data.draw(st.integers(0, n * (n - 1) // 2))
    g = make.erdos_renyi(n, m, seed=seed)
    assert (g.num_nodes, g.num_edges, g.has_self_loops) == (n, m, False)
    assert g == make.erdos_renyi(n, m, seed=seed)


def test_erdos_renyi_is_uniform() -> None:
    counts = np.zeros((5, 5))
    for seed in range(3000):
        counts += make.erdos_renyi(5, 3, seed=seed).to_scipy().toarray()
    shares = counts[np.triu_indices(5, 1)] / 3000
    assert np.abs(shares - 0.3).max() < 0.04  # each pair with probability 3 / 10, within 4.7 standard deviations


def test_pairs_of_large_graphs_are_exact() -> None:
    n = 2**31 - 1
    last = n * (n - 1) // 2 - 1
    u, v = make.pair_of(np.array([0, 1, 2, 3, last - n + 2, last - n + 1, last]))
    assert v.tolist() == [1, 2, 2, 3, n - 1, n - 2, n - 1]
    assert u.tolist() == [0, 0, 1, 0, 0, n - 3, n - 2]


def test_power_law() -> None:
    g = make.power_law(20_000, average_degree=8, exponent=2.5, seed=3)
    assert 6 < g.degrees().mean() <= 8
    assert not g.has_self_loops
    assert g.max_degree > 20 * 8
    hub = make.power_law(20_000, hub=15_000, seed=3)
    assert hub.degrees()[0] == 15_000 == hub.max_degree
    assert make.power_law(20_000, hub=15_000, seed=3) == hub
    assert hub.report.is_clean
    assert make.power_law(50, hub=0, seed=1).degrees()[0] == 0


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 24), st.data(), st.integers(0, 1000))
def test_random_regular(n: int, data: st.DataObject, seed: int) -> None:
    d = data.draw(st.integers(0, n - 1).filter(lambda d: n * d % 2 == 0))
    g = make.random_regular(n, d, seed=seed)
    assert g.degrees().tolist() == [d] * n
    assert not g.has_self_loops
    assert g == make.random_regular(n, d, seed=seed)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=4), st.integers(0, 1000))
def test_stochastic_block_model_extremes(sizes: list[int], seed: int) -> None:
    blocks = len(sizes)
    inside, labels = make.stochastic_block_model(sizes, np.eye(blocks), seed=seed)
    same = labels[:, None] == labels[None, :]
    assert np.array_equal(inside.to_scipy().toarray() > 0, same & ~np.eye(len(labels), dtype=bool))
    between, again = make.stochastic_block_model(sizes, 1 - np.eye(blocks), seed=seed)
    assert np.array_equal(between.to_scipy().toarray() > 0, ~same) and np.array_equal(labels, again)
    assert labels.tolist() == [b for b, size in enumerate(sizes) for _ in range(size)]


def test_stochastic_block_model_densities() -> None:
    P = np.array([[0.2, 0.01, 0.05], [0.01, 0.1, 0.0], [0.05, 0.0, 0.3]])
    graph, labels = make.stochastic_block_model([300, 400, 200], P, seed=1)
    hot = np.eye(3)[labels]
    found = hot.T @ graph.to_scipy().astype(float) @ hot
    sizes = np.array([300, 400, 200])
    assert np.allclose(found / (np.outer(sizes, sizes) - np.diag(sizes)), P, rtol=0.08)
    assert make.stochastic_block_model([300, 400, 200], P, seed=1)[0] == graph
    assert make.stochastic_block_model([300, 400, 200], P, seed=2)[0] != graph


@pytest.mark.parametrize(
    "call",
    [
        lambda: make.cycle(2),
        lambda: make.path(-1),
        lambda: make.barabasi_albert(5, 5),
        lambda: make.barabasi_albert(5, 0),
        lambda: make.barabasi_albert(5, 1, seed=-1),
        lambda: make.erdos_renyi(4, 7),
        lambda: make.power_law(10, hub=10),
        lambda: make.power_law(10, exponent=1.0),
        lambda: make.power_law(1),
        lambda: make.random_regular(5, 3),
        lambda: make.random_regular(5, 5),
        lambda: make.stochastic_block_model([2, 3], [[0.5]]),
        lambda: make.stochastic_block_model([2, 3], [[0.5, 0.1], [0.2, 0.5]]),
        lambda: make.stochastic_block_model([2], [[1.5]]),
        lambda: make.stochastic_block_model([-2], [[0.5]]),
    ],
)
def test_refuses(call: Callable[[], Graph]) -> None:
    with pytest.raises(InputError, match="expected"):
        call()
