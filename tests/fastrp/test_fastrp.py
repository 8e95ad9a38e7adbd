from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import clone

import graphx
from graphx.errors import InputError
from graphx.fastrp import FastRP
from tests.graphs import EMPTY, ISOLATED, NO_EDGE, ONE_NODE, barabasi_albert
from tests.reference import fastrp as reference
from tests.strategies import seeds

PARTS = {"float32": 1e-6, "bfloat16": 0.03}


@st.composite
def matrices(draw: st.DrawFn, *, negative: bool = False) -> npt.NDArray[np.float64]:
    """Directed weighted adjacency matrices; NaN where there is no edge, so that an edge may have the weight 0."""
    n = draw(st.integers(1, 8))
    low = -2.0 if negative else 0.0
    values = st.sampled_from([1.0]) if draw(st.booleans()) else st.floats(low, 2.0, width=16)
    return draw(hnp.arrays(np.float64, (n, n), elements=st.one_of(st.just(np.nan), values)))


def graph_of(entries: npt.NDArray[np.float64]) -> graphx.Graph:
    rows, columns = np.nonzero(~np.isnan(entries))
    return graphx.Graph.from_edges(rows, columns, entries[rows, columns], num_nodes=len(entries), directed=True)


def expected(entries: npt.NDArray[np.float64], model: FastRP, seed: int, features: Any = None) -> Any:
    A, edges = np.nan_to_num(entries), ~np.isnan(entries)
    n, d = len(A), model.n_components
    kind = model.projection or ("very_sparse" if model.convention == "paper" else "sparse")
    R = reference.projection(range(n), d, kind, seed, n)
    if features is not None:
        taken = round(d * model.feature_ratio)
        mixer = reference.projection(
            range(features.shape[1]), d, "gaussian" if kind == "gaussian" else "sparse", seed ^ 0x5851F42D4C957F2D, n
        )
        R[:, d - taken :] = features @ mixer[:, d - taken :]
    weights = [model.self_influence, *model.iteration_weights]
    U = reference.states(A, edges, R, len(weights) - 1, model.convention, model.normalization_strength)
    return reference.merged(U, weights, normalize=model.normalize)


options = st.fixed_dictionaries(
    {
        "n_components": st.integers(1, 40),
        "iteration_weights": st.lists(st.sampled_from([0.0, 1.0, 0.5, 2.0, -1.0]), min_size=1, max_size=5),
        "normalization_strength": st.sampled_from([0.0, -0.5, 0.3]),
        "self_influence": st.sampled_from([0.0, 0.7]),
        "projection": st.sampled_from([None, "very_sparse", "sparse", "gaussian"]),
        "normalize": st.booleans(),
    }
).filter(lambda o: any(o["iteration_weights"]) or o["self_influence"])


# -- equal to dense numpy ----------------------------------------------------------------------------------------------


@given(st.data(), options, st.sampled_from(["paper", "gds"]), seeds, st.sampled_from([1, 3]))
def test_equals_dense_numpy(
    data: st.DataObject, drawn: dict[str, Any], convention: Any, seed: int, threads: int
) -> None:
    entries = data.draw(matrices(negative=convention == "gds"))
    model = FastRP(**drawn, convention=convention, standardize=False, random_state=seed, num_threads=threads)
    Z = model.fit_transform(graph_of(entries))
    wanted = expected(entries, model, seed)
    if convention == "gds" and model.normalize:  # a row whose terms cancel has no direction
        settled = _settled(entries, model, seed)
        Z, wanted = Z[settled], wanted[settled]
    np.testing.assert_allclose(Z, wanted, atol=1e-6 * max(1.0, float(np.abs(drawn["iteration_weights"]).sum())))


def _settled(entries: npt.NDArray[np.float64], model: FastRP, seed: int) -> npt.NDArray[np.bool_]:
    """Rows whose states are well away from a sum of terms that cancel."""
    A, edges = np.nan_to_num(entries), ~np.isnan(entries)
    kind = model.projection or "sparse"
    R = reference.projection(range(len(A)), model.n_components, kind, seed, len(A))
    hops = len(model.iteration_weights)
    U = reference.states(A, edges, R, hops, "gds", model.normalization_strength)
    sizes = reference.states(np.abs(A), edges, np.abs(R), hops, "gds", model.normalization_strength)
    ratio = [np.linalg.norm(u, axis=1) >= 1e-1 * np.linalg.norm(s, axis=1) for u, s in zip(U, sizes, strict=True)]
    return np.logical_and.reduce(ratio)


@given(st.integers(2, 60), st.integers(1, 70), st.sampled_from(["very_sparse", "sparse", "gaussian"]), seeds)
def test_random_numbers_one_by_one(n: int, d: int, kind: Any, seed: int) -> None:
    model = FastRP(
        d,
        iteration_weights=[0],
        self_influence=1,
        normalize=False,
        projection=kind,
        standardize=False,
        random_state=seed,
    )
    Z = model.fit_transform(sp.csr_array((n, n)))
    np.testing.assert_allclose(Z, reference.projection(range(n), d, kind, seed, n), atol=1e-6)


def test_features_take_the_place_of_random_numbers() -> None:
    g = barabasi_albert(50, 3)
    X = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    entries = np.where(g.dense, 1.0, np.nan)
    for ratio in (0.25, 1.0):
        model = FastRP(20, feature_ratio=ratio, normalization_strength=-0.5, standardize=False, random_state=3)
        Z = model.fit_transform(g.graph, features=X)
        np.testing.assert_allclose(Z, expected(entries, model, 3, X), atol=1e-6)


def test_standardized_columns_have_mean_zero_and_variance_one() -> None:
    Z = FastRP(40, random_state=0).fit_transform(barabasi_albert(3000).graph)
    raw = FastRP(40, random_state=0, standardize=False).fit_transform(barabasi_albert(3000).graph)
    np.testing.assert_allclose(Z.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(Z.std(0), 1, atol=1e-5)
    np.testing.assert_allclose(Z, reference.standardized(raw.astype(np.float64)), atol=1e-5)


def test_a_constant_column_becomes_zero() -> None:
    clique = nx.complete_graph(6)
    clique.add_edges_from((u, u) for u in range(6))
    Z = FastRP(8, random_state=0, projection="gaussian").fit_transform(clique)
    assert not Z.any()


# -- the conventions, by hand ------------------------------------------------------------------------------------------

# R is replaced by features with feature_ratio=1 and one feature per node, so hand-worked vectors are known up to the
# random mixer Q: every case tells, for one node, the coefficients c of U = c Q before rows are scaled.
PATH = {"edges": ([0, 1, 1, 2], [1, 0, 2, 1])}
WEIGHTED = {"edges": ([0, 0], [1, 2]), "weights": [3.0, 1.0]}
CASES = [
    # convention, graph, weights, self influence, strength, node, coefficients of the features
    ("gds", PATH, [1], 0, 0, 1, [0.5, 0, 0.5]),  # the mean of two neighbours
    ("gds", PATH, [0, 1], 0, 0, 0, [0.5, 0, 0.5]),  # the first weight belongs to one hop
    ("gds", PATH, [0], 2, 0, 1, [0, 2, 0]),  # self influence: the own vector
    ("gds", PATH, [1], 0, 1, 0, [0, 2, 0]),  # L: the neighbour has degree 2
    ("gds", WEIGHTED, [1], 0, 0, 0, [0, 1.5, 0.5]),  # a weighted sum, divided by the count
    ("paper", WEIGHTED, [1], 0, 0, 0, [0, 0.75, 0.25]),  # divided by the sum of weights
    ("gds", WEIGHTED, [0], 1, 1, 0, [2, 0, 0]),  # degree in L: the count
    ("paper", WEIGHTED, [0], 1, 1, 0, [4, 0, 0]),  # the sum
    ("gds", WEIGHTED, [1], 0, 1, 0, [0, 1.5, 0.5]),  # no edges: L is 1
    ("gds", WEIGHTED, [1], 0, 0, 1, [0, 0, 0]),  # no edges: zeros
]


@pytest.mark.parametrize(("convention", "case", "weights", "own", "strength", "node", "coefficients"), CASES)
def test_conventions_by_hand(
    convention: Any, case: Any, weights: Any, own: float, strength: float, node: int, coefficients: list[float]
) -> None:
    g = graphx.Graph.from_edges(*case["edges"], case.get("weights"), num_nodes=3, directed=True)
    common: dict[str, Any] = {
        "iteration_weights": weights,
        "self_influence": own,
        "normalization_strength": strength,
        "feature_ratio": 1,
        "convention": convention,
        "standardize": False,
        "random_state": 1,
    }
    Q = reference.projection(range(3), 6, "sparse", 1 ^ 0x5851F42D4C957F2D, 3)
    wanted = np.asarray(coefficients) @ Q
    plain = FastRP(6, **common, normalize=False).fit_transform(g, features=np.eye(3))
    np.testing.assert_allclose(plain[node], wanted, atol=1e-6)
    unit = FastRP(6, **common).fit_transform(g, features=np.eye(3))
    factor = sum(map(float, weights)) + own
    np.testing.assert_allclose(unit[node], factor * reference.unit_rows(wanted[None])[0], atol=1e-6)


def test_conventions_differ_in_projection_and_standardisation() -> None:
    g = barabasi_albert(400).graph
    gds = FastRP(16, convention="gds", random_state=0).fit_transform(g)
    same = FastRP(16, projection="sparse", standardize=False, random_state=0).fit_transform(g)
    assert np.array_equal(gds, same)


# -- the same bits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
@pytest.mark.parametrize("d", [1, 7, 33, 128, 200])
def test_same_bits_for_any_thread_count_and_instructions(monkeypatch: Any, storage: Any, d: int) -> None:
    g = barabasi_albert(700, 6).graph
    weighted = graphx.Graph(g.indptr, g.indices, 1.0 + np.minimum(g.indices, 5).astype(np.float64))
    for graph in (g, weighted):
        runs = []
        for threads, level in ((1, "avx512"), (2, "avx512"), (5, "avx2"), (3, "plain")):
            monkeypatch.setenv("GRAPHX_SIMD", level)
            model = FastRP(d, self_influence=0.3, storage=storage, random_state=5, num_threads=threads)
            runs.append(model.fit_transform(graph).tobytes())
        assert len(set(runs)) == 1


def test_a_vector_depends_on_the_name_not_on_the_row() -> None:
    g = barabasi_albert(60, 3)
    order = np.random.default_rng(1).permutation(60)
    edges = np.array(g.edges)
    plain = FastRP(24, random_state=2).fit_transform(g.graph)
    place = np.empty(60, dtype=np.int64)
    place[order] = np.arange(60)
    shuffled = graphx.Graph.from_edges(*place[edges].T, names=order)
    np.testing.assert_allclose(FastRP(24, random_state=2).fit_transform(shuffled)[place], plain, atol=2e-5)
    texts = graphx.Graph.from_edges(*edges.T, names=[f"n{i}" for i in range(60)])
    moved = graphx.Graph.from_edges(*place[edges].T, names=[f"n{i}" for i in order])
    a, b = (FastRP(24, random_state=2).fit_transform(x) for x in (texts, moved))
    np.testing.assert_allclose(b[place], a, atol=2e-5)
    assert not np.allclose(a, plain, atol=0.1)


def test_bfloat16_is_near_float32() -> None:
    g = barabasi_albert(500).graph
    a, b = (FastRP(64, storage=s, standardize=False, random_state=0).fit_transform(g) for s in PARTS)
    assert 0 < np.abs(a - b).max() < 0.02
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert cosine.min() > 0.9999


# -- scikit-learn ------------------------------------------------------------------------------------------------------


def test_estimator_protocol() -> None:
    model = FastRP(6, iteration_weights=(1, 1), random_state=4)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert copy.set_params(n_components=5).n_components == 5
    g = barabasi_albert(30, 2).graph
    Z = model.fit(g).embedding_
    assert model.get_feature_names_out().tolist() == [f"fastrp{i}" for i in range(6)]
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.embedding_, Z)
    assert np.array_equal(again.transform(g.to_scipy()), Z)
    assert np.array_equal(copy.set_params(n_components=6).fit_transform(g), Z)
    frame = clone(model).set_output(transform="pandas").fit_transform(g)
    assert list(frame.columns) == list(model.get_feature_names_out())
    assert np.array_equal(frame.to_numpy(), Z)


def test_random_state() -> None:
    g = barabasi_albert(30, 2).graph
    first, second = (FastRP(6, random_state=None).fit(g) for _ in range(2))
    assert not np.array_equal(first.embedding_, second.embedding_)
    assert np.array_equal(FastRP(6, random_state=first.seed_).fit_transform(g), first.embedding_)
    a, b = (FastRP(6, random_state=np.random.RandomState(3)).fit_transform(g) for _ in range(2))
    assert np.array_equal(a, b)


@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
@pytest.mark.parametrize("n", [40, 400])  # R stored whole, and as its entries
def test_transform_of_the_known_edges_gives_the_embedding(storage: Any, n: int) -> None:
    g = barabasi_albert(n, 3).graph
    model = FastRP(20, iteration_weights=(1, 0, 2, 0), normalization_strength=-0.4, storage=storage, random_state=1)
    Z = model.fit_transform(g)
    assert np.array_equal(model.transform(g.to_scipy()), Z)
    rows = g.to_scipy()[[3, 5]]
    assert np.array_equal(model.transform(rows), Z[[3, 5]])
    coo = rows.tocoo()
    assert np.array_equal(model.transform(np.stack([coo.row, coo.col])), Z[[3, 5]])
    weights = np.full(coo.nnz, 2.0)
    np.testing.assert_allclose(model.transform((np.stack([coo.row, coo.col]), weights)), Z[[3, 5]], atol=0.2)
    assert model.transform(np.zeros((0, n))).shape == (0, 20)


def test_transform_with_self_influence_draws_a_vector_for_the_new_node() -> None:
    g = barabasi_albert(40, 3).graph
    model = FastRP(8, iteration_weights=[0], self_influence=1, normalize=False, standardize=False, random_state=1).fit(
        g
    )
    new = model.transform(sp.csr_array((2, 40)))
    np.testing.assert_allclose(new, reference.projection([40, 41], 8, "very_sparse", 1, 40), atol=1e-6)


# -- inputs ------------------------------------------------------------------------------------------------------------


def test_every_kind_of_graph(tmp_path: Path) -> None:
    import igraph
    import torch
    from torch_geometric.data import Data

    g = barabasi_albert(25, 2).graph
    Z = FastRP(10, random_state=0).fit_transform(g)
    matrix = g.to_scipy()
    edges = np.stack(matrix.nonzero())
    file = tmp_path / "g.txt"
    file.write_text("".join(f"{u} {v}\n" for u, v in edges.T.tolist() if u < v))
    tensor = torch.from_numpy(edges)
    pairs = [(int(u), int(v)) for u, v in edges.T if u < v]
    kinds = [
        matrix,
        sp.coo_matrix(matrix),
        matrix.toarray(),
        nx.from_scipy_sparse_array(matrix),
        igraph.Graph(n=25, edges=pairs),
        Data(edge_index=tensor, num_nodes=25),
        edges,
        tensor,
        (tensor, torch.ones(edges.shape[1])),
        file,
    ]
    for kind in kinds:
        got = FastRP(10, random_state=0).fit_transform(kind)  # weights of 1 are weights: they round otherwise
        np.testing.assert_allclose(got, Z, atol=1e-5, err_msg=str(type(kind)))


def test_orientations() -> None:
    arc = graphx.Graph.from_edges([0, 0], [1, 2], [1.0, 3.0], directed=True)
    entries = np.array([[np.nan, 1, 3], [np.nan] * 3, [np.nan] * 3])
    for orientation, matrix in (
        ("natural", entries),
        ("reverse", entries.T),
        ("undirected", np.fmax(entries, entries.T)),
    ):
        model = FastRP(7, orientation=orientation, iteration_weights=(1, 1), standardize=False, random_state=0)  # type: ignore[arg-type]
        np.testing.assert_allclose(model.fit_transform(arc), expected(matrix, model, 0), atol=1e-6)


def test_a_rectangular_matrix_is_a_bipartite_graph() -> None:
    B = sp.csr_array(np.array([[1, 2, 0], [0, 1, 1]]))
    whole = sp.block_array([[None, B], [B.T, None]])
    a, b = (FastRP(9, random_state=0).fit_transform(x) for x in (B, whole))
    assert a.shape == (5, 9)
    assert np.array_equal(a, b)


def test_features_of_a_data_are_its_x() -> None:
    import torch
    from torch_geometric.data import Data

    g = barabasi_albert(25, 2).graph
    x = torch.arange(50.0).reshape(25, 2)
    data = Data(x=x, edge_index=torch.from_numpy(np.stack(g.to_scipy().nonzero())), num_nodes=25)
    a = FastRP(10, feature_ratio=0.5, random_state=0).fit_transform(data)
    assert np.array_equal(a, FastRP(10, feature_ratio=0.5, random_state=0).fit_transform(g, features=x.numpy()))


# -- what is odd, and what is wrong ------------------------------------------------------------------------------------


def test_odd_graphs_have_defined_results() -> None:
    assert FastRP(5, random_state=0).fit_transform(EMPTY.graph).shape == (0, 5)
    assert not FastRP(5, random_state=0).fit_transform(ONE_NODE.graph).any()
    assert not FastRP(5, random_state=0).fit_transform(NO_EDGE.graph).any()
    lonely = FastRP(5, random_state=0, standardize=False).fit_transform(ISOLATED.graph)
    assert not lonely[[0, 5]].any()
    assert lonely[1:5].any(axis=1).all()


def test_zero_weights_are_edges_that_carry_nothing() -> None:
    g = graphx.Graph.from_edges([0, 0], [1, 2], [0.0, 1.0], directed=True)
    without = graphx.Graph.from_edges([0], [2], [1.0], num_nodes=3, directed=True)
    a, b = (FastRP(5, iteration_weights=[1], random_state=0, standardize=False).fit_transform(x) for x in (g, without))
    assert np.array_equal(a, b)
    none = graphx.Graph.from_edges([0, 0], [1, 2], [0.0, 0.0], directed=True)
    assert not FastRP(5, iteration_weights=[1], random_state=0).fit_transform(none).any()
    with pytest.raises(InputError, match="explicit zeros"):
        FastRP(5).fit(sp.coo_array(([0.0, 1.0], ([0, 1], [1, 0])), shape=(2, 2)))


@pytest.mark.parametrize("d", [1, 2, 50])
def test_any_dimension(d: int) -> None:
    Z = FastRP(d, random_state=0, projection="gaussian").fit_transform(barabasi_albert(20, 2).graph)
    assert Z.shape == (20, d)
    assert np.isfinite(Z).all()
    assert Z.any()


G = barabasi_albert(20, 2).graph


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 0}, r"n_components is 0; expected an integer of at least 1"),
        ({"n_components": 2.5}, r"n_components is 2.5"),
        ({"n_components": True}, r"n_components is True"),
        ({"iteration_weights": ()}, r"iteration_weights are \(\); expected one number for each hop"),
        ({"iteration_weights": 1.0}, r"iteration_weights are 1.0"),
        ({"iteration_weights": (0, 0)}, r"every vector would be zero"),
        ({"iteration_weights": (0, np.nan)}, r"iteration weight is nan; expected a finite number"),
        ({"iteration_weights": ("a",)}, r"iteration weight is 'a'"),
        ({"normalization_strength": np.inf}, r"normalization_strength is inf"),
        ({"normalization_strength": 100.0}, r"pass what float32 holds"),
        ({"self_influence": "much"}, r"self_influence is 'much'"),
        ({"projection": "dense"}, r"projection is 'dense'; expected one of 'very_sparse', 'sparse', 'gaussian', None"),
        ({"convention": "neo4j"}, r"convention is 'neo4j'"),
        ({"storage": "float16"}, r"storage is 'float16'; expected one of 'float32', 'bfloat16'"),
        ({"orientation": "both"}, r"orientation is 'both'"),
        ({"feature_ratio": 1.5}, r"feature_ratio is 1.5; expected a number from 0 to 1"),
        ({"feature_ratio": 0.5}, r"there are no features"),
        ({"random_state": -1}, r"random_state is -1"),
        ({"random_state": 2**64}, r"less than 2\^64"),
        ({"random_state": "x"}, r"random_state is 'x'"),
        ({"num_threads": 0}, r"num_threads is 0"),
        ({"refine": -1}, r"refine is -1"),
        ({"refine": 2, "spectrum": "LA"}, r"spectrum is 'LA'; expected one of 'both', 'positive'"),
        ({"spectrum": "positive"}, r"spectrum is 'positive' and refine is 0; expected refine=8"),
        ({"oversample": 0}, r"oversample is 0"),
    ],
)
def test_bad_parameters(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FastRP(**parameters).fit(G)


def test_bad_graphs() -> None:
    with pytest.raises(InputError, match="use convention='gds'"):
        FastRP(4).fit(graphx.Graph.from_edges([0], [1], [-1.0]))
    with pytest.raises(InputError, match="weight nan"):
        FastRP(4).fit(sp.coo_array(([np.nan, 1.0], ([0, 1], [1, 0])), shape=(2, 2)))
    with pytest.raises(InputError, match="weight nan"):
        FastRP(4).fit((np.array([[0], [1]]), np.array([np.nan])))
    with pytest.raises(InputError, match="expected a graphx.Graph"):
        FastRP(4).fit([1, 2, 3])
    with pytest.raises(InputError, match="negative"):
        FastRP(4).fit(np.array([[0, -1, 2], [1, 2, 0]]))
    with pytest.raises(InputError, match="tensor has shape"):
        import torch

        FastRP(4).fit(torch.zeros(3, 3))
    assert FastRP(64, convention="gds", random_state=0).fit_transform(graphx.Graph.from_edges([0], [1], [-1.0])).any()


def test_bad_features() -> None:
    model = FastRP(4, feature_ratio=0.5)
    with pytest.raises(InputError, match=r"features have shape \(19, 2\); expected \[20, F\]"):
        model.fit(G, features=np.ones((19, 2)))
    with pytest.raises(InputError, match="feature 1 of node 3 is nan"):
        model.fit(G, features=np.where(np.arange(40).reshape(20, 2) == 7, np.nan, 1.0))
    with pytest.raises(InputError, match="expected real numbers"):
        model.fit(G, features=np.full((20, 2), "a"))
    with pytest.raises(InputError, match="feature_ratio is 0"):
        FastRP(4).fit(G, features=np.ones((20, 2)))


def test_bad_new_nodes() -> None:
    model = FastRP(4).fit(G)
    with pytest.raises(InputError, match=r"leads to node 20, which was not known in fit; expected 0\.\.19"):
        model.transform(np.array([[0, 0, 1], [1, 20, 3]]))
    with pytest.raises(InputError, match=r"shape \(2, 19\); expected \[new nodes, 20\]"):
        model.transform(sp.csr_array((2, 19)))
    with pytest.raises(InputError, match="transform got a list"):
        model.transform([1, 2])
    with pytest.raises(InputError, match="below 0"):
        model.transform((np.array([[0], [1]]), np.array([-1.0])))
    with pytest.raises(ValueError, match="not fitted"):
        FastRP(4).transform(sp.csr_array((2, 20)))


# -- long work ---------------------------------------------------------------------------------------------------------


def test_progress_tells_every_hop() -> None:
    told: list[tuple[str, int, int]] = []
    FastRP(8, random_state=0, progress=lambda *what: told.append(what)).fit(G)
    assert [t for t in told if t[1] == t[2]] == [(f"hop {k} of 4", 20, 20) for k in (1, 2, 3, 4)]


def test_an_exception_of_progress_stops_the_work() -> None:
    def stop(stage: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FastRP(8, random_state=0, progress=stop).fit(G)


def test_ctrl_c_ends_a_fit():
    # thousands of hops would take minutes; in a process of its own, because the signal goes to the main thread
    code = """
import os, signal, threading, time
from graphx.data.synthetic import barabasi_albert
from graphx.fastrp import FastRP

signal.signal(signal.SIGINT, signal.default_int_handler)
graph, sent = barabasi_albert(20_000, 10, seed=0), []

def interrupt():
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

threading.Timer(0.5, interrupt).start()
try:
    FastRP(128, iteration_weights=(0.0,) * 20_000 + (1.0,), random_state=0).fit(graph)
except KeyboardInterrupt:
    print(f"ended {time.monotonic() - sent[0]:.3f}")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.startswith("ended "), done
