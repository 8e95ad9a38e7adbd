"""OrbitFastRP against FastRP on the matrices themselves, and what it does with each argument."""

from __future__ import annotations

import pickle

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from graphx import Graph
from graphx.errors import CapacityError, InputError
from graphx.fastrp import FastRP, OrbitFastRP
from graphx.fastrp._orbit_learn import OrbitStack, indicators
from graphx.gradco import ORBIT_KEYS, OrbitAdjacency
from graphx.gradco._packed import aligned
from graphx.gradco._tiles import TiledOrbits
from graphx.gradco.orbits import key_name
from tests.strategies import graphs

POWER_LAW = nx.powerlaw_cluster_graph(70, 5, 0.6, seed=3)
SPARSE = nx.barabasi_albert_graph(300, 3, seed=1)  # some of its orbit adjacencies have less than an entry a row


def on_the_matrix(orbits, key, n_components, **options):
    """FastRP of the matrix itself, as the weights of a directed graph."""
    graph = Graph.from_scipy(orbits[key].astype(np.float64))
    return FastRP(n_components, standardize=False, **options).fit_transform(graph)


@pytest.mark.parametrize("key", ORBIT_KEYS, ids=key_name)
@pytest.mark.parametrize("projection", ["very_sparse", "gaussian"])
def test_equals_fastrp_on_the_matrix(key, projection):
    options = {"iteration_weights": (0.5, 0.0, 1.0, 2.0), "projection": projection, "random_state": 5}
    orbits = OrbitAdjacency(POWER_LAW)
    made = OrbitFastRP([key], n_components=70, standardize=False, **options).fit_transform(orbits)
    np.testing.assert_allclose(made, on_the_matrix(orbits, key, 70, **options), atol=2e-5)
    assert made.any()


@given(graphs())
@settings(max_examples=40)
def test_products_are_exact_on_whole_numbers(graph):
    orbits = OrbitAdjacency(graph.graph)
    tiled = TiledOrbits(orbits, ORBIT_KEYS)
    nodes = orbits.graph.num_nodes
    rng = np.random.default_rng(nodes)
    x, out, squares = aligned(2, nodes, 5), aligned(2, nodes, 5), np.empty((2, nodes))
    x[:] = rng.integers(-2, 3, x.shape)
    for key in ORBIT_KEYS:
        m = orbits[key].toarray().astype(np.float64)
        assert np.array_equal(m.sum(axis=1), tiled.row_sums(key))
        tiled.program(key).apply(x, out, None, squares)
        for tile in range(2):
            assert np.array_equal(out[tile], m @ x[tile]), key
            assert np.allclose(squares[tile], ((m @ x[tile]) ** 2).sum(axis=1))


@given(graphs(), st.sampled_from(ORBIT_KEYS), st.sampled_from([-0.7, 0.0, 0.4]), st.booleans())
@settings(max_examples=60)
def test_strength_self_influence_and_lengths(graph, key, beta, normalize):
    options = {
        "iteration_weights": (1.0, 0.5, 0.25),
        "normalization_strength": beta,
        "self_influence": 0.3,
        "normalize": normalize,
        "projection": "sparse",
        "random_state": 1,
    }
    orbits = OrbitAdjacency(graph.graph)
    made = OrbitFastRP([key], n_components=8, standardize=False, **options).fit_transform(orbits)
    np.testing.assert_allclose(made, on_the_matrix(orbits, key, 8, **options), atol=5e-5, rtol=5e-5)


def test_a_path_by_hand():
    # [3]4_4 of the path 0-1-2-3 has the entries (0, 3) and (3, 0): node 0 takes on node 3's random vector
    options = {"n_components": 16, "projection": "gaussian", "random_state": 2, "standardize": False}
    path = nx.path_graph(4)
    made = OrbitFastRP([(3, 4, 4)], iteration_weights=(1,), **options).fit_transform(path)
    own = OrbitFastRP([(3, 4, 4)], iteration_weights=(0,), self_influence=1, **options).fit_transform(path)
    np.testing.assert_allclose(np.linalg.norm(own, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(made[[0, 3]], own[[3, 0]], atol=1e-6)
    assert not made[[1, 2]].any()


def test_the_same_bits_for_any_number_of_threads():
    def embedding(threads):
        return OrbitFastRP("all", n_components=6, random_state=0, num_threads=threads).fit_transform(POWER_LAW)

    one = embedding(1)
    assert np.array_equal(one, embedding(2))
    assert np.array_equal(one, embedding(7))


@pytest.mark.parametrize("level", ["plain", "avx2"])
def test_the_same_bits_at_every_level_of_instructions(monkeypatch, level):
    best = OrbitFastRP("all", n_components=70, random_state=0).fit_transform(POWER_LAW)
    monkeypatch.setenv("GRAPHX_SIMD", level)
    assert np.array_equal(best, OrbitFastRP("all", n_components=70, random_state=0).fit_transform(POWER_LAW))


def test_columns_side_by_side_are_those_of_each_orbit():
    keys = [(3, 4, 4), (1, 0, 0)]
    both = OrbitFastRP(keys, n_components=4, random_state=3).fit(POWER_LAW)
    assert both.orbits_ == ((1, 0, 0), (3, 4, 4))
    alone = [OrbitFastRP([key], n_components=4, random_state=3).fit_transform(POWER_LAW) for key in both.orbits_]
    assert np.array_equal(both.embedding_, np.hstack(alone))
    assert list(both.get_feature_names_out())[3:5] == ["orbitfastrp_1_0_0_3", "orbitfastrp_3_4_4_0"]


def test_the_sum_adds():
    keys = [(1, 0, 0), (1, 3, 3), (2, 12, 12)]
    total = OrbitFastRP(keys, "sum", n_components=4, random_state=3, standardize=False).fit(POWER_LAW)
    alone = OrbitFastRP(keys, n_components=4, random_state=3, standardize=False).fit_transform(POWER_LAW)
    np.testing.assert_allclose(total.embedding_, alone[:, :4] + alone[:, 4:8] + alone[:, 8:], atol=1e-6)
    assert total.get_feature_names_out().tolist() == [f"orbitfastrp{i}" for i in range(4)]
    assert total.orbit_weights_.tolist() == [1, 1, 1]


def test_standard_columns():
    made = OrbitFastRP("G0,G2", n_components=5, random_state=0).fit_transform(POWER_LAW)
    np.testing.assert_allclose(made.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(made.std(axis=0), 1, atol=1e-5)


# -- learned weights ---------------------------------------------------------------------------------------------------


def cliques_and_cycles() -> tuple[nx.Graph, np.ndarray]:
    """Communities of cliques and of cycles: only triangles tell which is which."""
    parts = [nx.complete_graph(5) if i % 2 else nx.cycle_graph(5) for i in range(24)]
    return nx.disjoint_union_all(parts), np.repeat(np.arange(24) % 2, 5)


def test_learning_finds_the_orbit_that_tells():
    graph, labels = cliques_and_cycles()
    model = OrbitFastRP([(2, 8, 8), (1, 3, 3)], "learn", n_components=64, self_influence=0.5, random_state=0)
    model.set_params(projection="gaussian").fit(graph, labels)
    assert model.embedding_.shape == (120, 64)
    assert model.orbit_weights_.sum() == pytest.approx(1)
    assert (model.orbit_weights_ >= 0).all()
    again = clone(model).fit(graph, labels)
    assert np.array_equal(again.embedding_, model.embedding_)


def test_the_stack_prefers_what_predicts():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    nodes, targets = indicators(labels, 300)
    stack = OrbitStack(targets, seed=0)
    stack.add(rng.standard_normal((300, 4)).astype(np.float32))
    stack.add((np.eye(3)[labels] + 0.3 * rng.standard_normal((300, 3))).astype(np.float32))
    assert stack.weights()[1] > 0.9
    assert nodes.size == 300


def test_labels_with_unknown_ones_and_several_at_once():
    nodes, targets = indicators(np.array([2, -1, 5, 5, 2] * 4), 20)
    assert nodes.size == 16
    assert targets[0].tolist() == [0.5, -0.5]
    assert indicators(np.eye(20, dtype=np.int64), 20)[1].shape == (20, 20)


@pytest.mark.parametrize("labels", [np.zeros(3, int), np.zeros(20, int), np.full(20, -1), np.linspace(0, 1, 20)])
def test_unfit_labels(labels):
    with pytest.raises(InputError, match="expected"):
        indicators(labels, 20)


def test_labels_belong_to_learning():
    with pytest.raises(InputError, match="pass y to fit"):
        OrbitFastRP("hop3", "learn", n_components=4).fit(POWER_LAW)
    with pytest.raises(InputError, match="with 'learn' only"):
        OrbitFastRP("hop3", "sum", n_components=4).fit(POWER_LAW, np.zeros(70, int))


# -- the estimator -----------------------------------------------------------------------------------------------------


def test_transform_and_pickling():
    model = OrbitFastRP("hop3", n_components=4, random_state=0)
    with pytest.raises(NotFittedError):
        model.transform(POWER_LAW)
    first = model.fit_transform(POWER_LAW)
    kept = pickle.loads(pickle.dumps(model))
    assert np.array_equal(kept.transform(POWER_LAW), first)
    other = nx.path_graph(9)
    assert np.array_equal(
        kept.transform(other), OrbitFastRP("hop3", n_components=4, random_state=0).fit_transform(other)
    )
    assert clone(model).get_params() == model.get_params()


def test_set_output():
    pytest.importorskip("pandas")
    frame = OrbitFastRP("hop3", n_components=2, random_state=0).set_output(transform="pandas").fit_transform(POWER_LAW)
    assert list(frame.columns) == ["orbitfastrp_3_4_4_0", "orbitfastrp_3_4_4_1"]


@pytest.mark.parametrize("nodes", [0, 1, 3])
def test_graphs_without_edges_are_zero(nodes):
    made = OrbitFastRP("all", n_components=3, random_state=0).fit_transform(nx.empty_graph(nodes))
    assert made.shape == (nodes, 84)
    assert not made.any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"orbits": []}, "one at least"),
        ({"orbits": [(1, 0, 0), (1, 0, 0)]}, "different keys"),
        ({"orbits": "G9"}, "names no orbit adjacency"),
        ({"combine": "mean"}, "expected one of 'concat', 'sum', 'learn'"),
        ({"n_components": 0}, "n_components"),
        ({"n_components": 2.5}, "n_components"),
        ({"iteration_weights": ()}, "iteration_weights"),
        ({"iteration_weights": (0, 0)}, "iteration_weights"),
        ({"iteration_weights": (1, np.nan)}, "iteration weight"),
        ({"normalization_strength": np.inf}, "normalization_strength"),
        ({"self_influence": "much"}, "self_influence"),
        ({"projection": "dense"}, "projection"),
        ({"random_state": -1}, "random_state"),
    ],
)
def test_bad_arguments(options, words):
    with pytest.raises(InputError, match=words):
        OrbitFastRP(**{"n_components": 4, **options}).fit(POWER_LAW)


def test_unknown_key():
    with pytest.raises(KeyError, match="is no orbit adjacency"):
        OrbitFastRP([(4, 4, 4)]).fit(POWER_LAW)


def test_directed_graphs_are_refused():
    with pytest.raises(InputError, match="the graph is directed"):
        OrbitFastRP("hop1").fit(nx.DiGraph([(0, 1)]))


def test_pairs_that_do_not_fit():
    tiled = TiledOrbits(OrbitAdjacency(POWER_LAW), [(2, 4, 5)], most_bytes=100)
    with pytest.raises(CapacityError, match="leave out the orbits that need them"):
        tiled.program((2, 4, 5))


def test_more_columns_than_nodes_and_one():
    for d in (1, 90):
        assert OrbitFastRP("hop3", n_components=d, random_state=0).fit_transform(nx.path_graph(8)).shape == (8, d)


@pytest.mark.parametrize(
    ("weights", "options"),
    [
        ((0, 0, 1, 1), {}),
        ((1, 1, 1), {"combine": "sum", "self_influence": 0.5}),
        ((0, 1), {"normalize": False, "standardize": False}),
        ((1, 0, 2), {"combine": "sum", "standardize": False}),
        ((1,), {}),
        ((0, 0, 1, 1), {"storage": "bfloat16"}),
        ((1, 1, 1), {"storage": "bfloat16", "combine": "sum", "self_influence": 0.5}),
        ((0, 1, 0, 0, 1), {"storage": "bfloat16", "normalize": False}),
    ],
)
def test_packed_rows_do_not_change_a_bit(monkeypatch, weights, options):
    """128 columns: what is left of few numbers a row is packed where the processor can, and nowhere else."""
    orbits = OrbitAdjacency(SPARSE)
    options = {"iteration_weights": weights, "n_components": 128, "random_state": 3, **options}
    made = OrbitFastRP(**options).fit_transform(orbits)
    monkeypatch.setenv("GRAPHX_SIMD", "plain")
    np.testing.assert_array_equal(OrbitFastRP(num_threads=1, **options).fit_transform(orbits), made)


def test_a_full_tile_equals_fastrp_of_the_matrices():
    orbits = OrbitAdjacency(SPARSE)
    for key in ((1, 0, 0), (1, 3, 3), (1, 13, 13), (2, 4, 5), (2, 12, 12), (3, 4, 4)):
        options = {"random_state": 0, "standardize": False, "iteration_weights": (0, 0, 1, 1)}
        made = OrbitFastRP([key], n_components=128, **options).fit_transform(orbits)
        expected = FastRP(128, **options).fit_transform(Graph.from_scipy(orbits[key].astype(np.float64)))
        np.testing.assert_allclose(made, expected, atol=2e-5)


@pytest.mark.parametrize("kind", ["very_sparse", "gaussian"])
@pytest.mark.parametrize("columns", [1, 20, 33, 128, 300])
def test_bfloat16_is_near_float32(kind, columns):
    """Against the largest number of each orbit: where terms cancel, what is left of a row can be rounding alone."""
    orbits = OrbitAdjacency(POWER_LAW)
    options = {"n_components": columns, "projection": kind, "random_state": 1, "standardize": False, "normalize": False}
    exact = OrbitFastRP(**options).fit_transform(orbits)
    half = OrbitFastRP(storage="bfloat16", **options).fit_transform(orbits)
    assert half.dtype == np.float32
    for orbit in range(28):
        part = slice(orbit * columns, (orbit + 1) * columns)
        assert np.abs(half[:, part] - exact[:, part]).max() <= 0.02 * np.abs(exact[:, part]).max()
    assert not np.array_equal(half, exact)
    np.testing.assert_array_equal(OrbitFastRP(storage="bfloat16", num_threads=1, **options).fit_transform(orbits), half)


def test_bfloat16_equals_fastrp_with_the_same_storage():
    """Of hop 1, both round each state once and sum in the same order."""
    for key in ((1, 0, 0), (1, 2, 1)):
        options = {"random_state": 0, "standardize": False, "storage": "bfloat16", "iteration_weights": (0, 1, 1)}
        orbits = OrbitAdjacency(SPARSE)
        made = OrbitFastRP([key], n_components=64, **options).fit_transform(orbits)
        expected = FastRP(64, **options).fit_transform(Graph.from_scipy(orbits[key].astype(np.float64)))
        np.testing.assert_allclose(made, expected, atol=0.02)
        assert np.median(np.abs(made - expected)) < 1e-3


def test_unknown_storage():
    with pytest.raises(InputError, match="storage is 'float16'"):
        OrbitFastRP(storage="float16").fit(POWER_LAW)
