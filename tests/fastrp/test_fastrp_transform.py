"""FastRP as scikit-learn uses it: new nodes, refits, clones and changed parameters, weights and names in every mix."""

from __future__ import annotations

import pickle
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from graphx.data import synthetic
from graphx.errors import InputError
from graphx.fastrp import FastRP, FastRPSearch, OrbitFastRP
from graphx.graph import Graph
from tests.reference import fastrp as reference
from tests.strategies import seeds

GRAPH = synthetic.barabasi_albert(60, 3, seed=2)
_RNG = np.random.default_rng(1)
WEIGHTED = Graph(GRAPH.indptr, GRAPH.indices, 1.0 + np.minimum(GRAPH.indices, 7) * 0.5)


def dense(graph: Graph) -> Any:
    return graph.to_scipy().toarray().astype(float)


def new_rows(M: Any, graph: Graph, model: FastRP) -> Any:
    """Vectors of new nodes by the formula: averages over the states of the fitted graph."""
    A, n, d = dense(graph), graph.num_nodes, model.n_components
    kind = model.projection or ("very_sparse" if model.convention == "paper" else "sparse")
    hops = len(model.iteration_weights)
    R = reference.projection(range(n + len(M)), d, kind, model.seed_, n)
    U = reference.states(A, A != 0, R[:n], hops, model.convention, model.normalization_strength)
    D = reference.averages(M, M != 0, model.convention)
    degree = M.sum(1) if model.convention == "paper" else (M != 0).sum(1)
    own = np.where(degree > 0, degree, 1.0)[:, None] ** model.normalization_strength * R[n:]
    states = [own, *(D @ state for state in U[:-1])]
    return reference.merged(states, [model.self_influence, *model.iteration_weights], normalize=model.normalize)


@given(
    st.sampled_from([GRAPH, WEIGHTED]), st.sampled_from(["paper", "gds"]), st.booleans(), st.booleans(), seeds,
    st.sampled_from([(1.0,), (0.5, 0.0, 2.0), (0.0, 1.0, 0.0)]), st.sampled_from([0.0, 0.6]),
)  # fmt: skip
@settings(max_examples=30)
def test_new_nodes_by_the_formula(
    graph: Graph, convention: Any, normalize: bool, weighted: bool, seed: int, weights: Any, own: float
) -> None:
    """Weights on either side or both: a graph without weights is no reason to divide new edges by another rule."""
    model = FastRP(
        10, convention=convention, normalize=normalize, iteration_weights=weights, self_influence=own,
        normalization_strength=-0.25, standardize=False, random_state=seed,
    ).fit(graph)  # fmt: skip
    rng = np.random.default_rng(seed)
    M = np.where(rng.random((4, 60)) < 0.1, 1.0 + weighted * rng.integers(0, 3, (4, 60)), 0.0)
    M[3] = 0  # a node without an edge
    np.testing.assert_allclose(model.transform(M), new_rows(M, graph, model), atol=3e-5)


@pytest.mark.parametrize("normalize", [True, False])
def test_weights_below_zero_are_for_gds_alone(normalize: bool) -> None:
    M = np.zeros((1, 60))
    M[0, [1, 2]] = [2.0, -1.0]
    for graph in (GRAPH, WEIGHTED):
        model = FastRP(6, convention="gds", normalize=normalize, standardize=False, random_state=0).fit(graph)
        np.testing.assert_allclose(model.transform(M), new_rows(M, graph, model), atol=1e-5)
        with pytest.raises(
            InputError, match="a new edge has the weight -1; expected none below 0 with convention='paper"
        ):
            FastRP(6, normalize=normalize, random_state=0).fit(graph).transform(M)


@given(st.permutations(range(5)))
@settings(max_examples=5)
def test_new_nodes_do_not_see_each_other(order: list[int]) -> None:
    model = FastRP(8, random_state=0).fit(GRAPH)
    M = (np.random.default_rng(3).random((5, 60)) < 0.1).astype(float)
    whole = model.transform(M)
    assert np.array_equal(model.transform(M[order]), whole[order])
    assert np.array_equal(np.vstack([model.transform(M[k : k + 1]) for k in range(5)]), whole)


def test_names_of_the_fitted_graph_carry_over() -> None:
    """The random numbers of known nodes hang on their names, so a renamed graph gives other vectors to new nodes."""
    named = Graph(GRAPH.indptr, GRAPH.indices, names=[f"v{i}" for i in range(60)])
    model = FastRP(8, random_state=0).fit(named)
    assert np.array_equal(model.transform(GRAPH.to_scipy()), model.embedding_)
    assert not np.allclose(FastRP(8, random_state=0).fit(GRAPH).transform(GRAPH.to_scipy()), model.embedding_)


# -- refits and changed parameters -------------------------------------------------------------------------------------


def test_a_model_fitted_twice_is_as_one_fitted_once() -> None:
    model = FastRP(8, random_state=0, normalization_strength=-0.5)
    model.fit(WEIGHTED)
    model.fit(synthetic.path(9))
    once = FastRP(8, random_state=0, normalization_strength=-0.5).fit(synthetic.path(9))
    assert np.array_equal(model.embedding_, once.embedding_) and model.n_features_in_ == 9
    assert np.array_equal(model.mean_, once.mean_) and np.array_equal(model.scale_, once.scale_)  # type: ignore[arg-type]
    model.set_params(standardize=False).fit(WEIGHTED)
    assert model.mean_ is None and model.scale_ is None


@pytest.mark.parametrize("convention", ["paper", "gds"])
def test_another_number_of_components_needs_another_fit(convention: Any) -> None:
    model = FastRP(8, convention=convention, random_state=0).fit(GRAPH)
    model.set_params(n_components=5)
    with pytest.raises(
        InputError, match="n_components is 5, and fit made 8 columns; expected the same: call fit again"
    ):
        model.transform(GRAPH.to_scipy())
    assert model.get_feature_names_out().size == 8  # still those of the embedding that is there
    assert model.fit(GRAPH).transform(GRAPH.to_scipy()).shape == (60, 5)


@pytest.mark.parametrize("copy", [clone, deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("state", [0, np.random.RandomState(5)], ids=["integer", "RandomState"])
def test_copies_made_before_the_fit_give_the_same_vectors(copy: Any, state: Any) -> None:
    model = FastRP(6, iteration_weights=np.array([0.0, 1.0]), random_state=state, num_threads=1)
    other = copy(model)
    assert np.array_equal(model.fit_transform(GRAPH), other.fit_transform(GRAPH))


def test_copies_made_after_the_fit_transform_alike() -> None:
    model = FastRP(6, random_state=None).fit(WEIGHTED)
    rows = WEIGHTED.to_scipy()[[4, 9]]
    for copy in (deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(copy.transform(rows), model.embedding_[[4, 9]])
    fresh = clone(model)
    assert not hasattr(fresh, "embedding_") and fresh.get_params()["random_state"] is None


def test_a_pipeline_reads_labels_off_new_rows() -> None:
    graph, y = synthetic.stochastic_block_model([40, 40], [[0.4, 0.02], [0.02, 0.4]], seed=0)
    pipe = make_pipeline(FastRP(16, random_state=0), LogisticRegression())
    pipe.fit(graph.to_scipy(), y)
    assert pipe.predict(graph.to_scipy()).tolist() == y.tolist()
    assert pipe[:-1].get_feature_names_out().tolist() == [f"fastrp{i}" for i in range(16)]
    pipe.set_params(fastrp__n_components=4)
    assert pipe.fit(graph.to_scipy(), y)[0].embedding_.shape == (80, 4)


# -- out= --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["e", "e.bin", "e.parquet", "e.npy.gz"])
def test_a_file_of_another_form_is_refused_before_the_work(name: str, tmp_path: Any) -> None:
    for graph in (GRAPH, synthetic.path(0)):
        with pytest.raises(InputError, match=r"expected the name of a \.npy file"):
            FastRP(4, random_state=0).fit(graph, out=tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_mapped_embedding_of_nothing_has_the_moments_of_memory(tmp_path: Any) -> None:
    model, there = FastRP(3, random_state=0).fit(synthetic.path(0)), FastRP(3, random_state=0)
    assert there.fit_transform(synthetic.path(0), out=tmp_path / "e.NPY").shape == (0, 3)
    assert np.array_equal(model.mean_, there.mean_) and np.array_equal(model.scale_, there.scale_)  # type: ignore[arg-type]
    assert there.transform(np.zeros((2, 0))).tolist() == [[0.0] * 3] * 2


def test_a_mapped_embedding_transforms_as_one_in_memory(tmp_path: Any) -> None:
    rows = WEIGHTED.to_scipy()[[0, 7]]
    there = FastRP(20, random_state=0).fit(WEIGHTED, out=tmp_path / "e.npy")
    assert np.array_equal(there.transform(rows), FastRP(20, random_state=0).fit(WEIGHTED).transform(rows))
    assert not there.embedding_.flags.writeable


# -- its relatives -----------------------------------------------------------------------------------------------------


def test_a_search_with_a_random_state_can_be_repeated() -> None:
    graph, y = synthetic.stochastic_block_model([30, 30], [[0.4, 0.05], [0.05, 0.4]], seed=0)
    lists = {"iteration_weights": [(1.0,), (0.0, 1.0)]}

    def seed(state: Any) -> int:
        return (
            FastRPSearch(FastRP(4, random_state=state), lists, train_ratio=0.5, n_splits=1)
            .fit(graph, y)
            .best_estimator_.seed_
        )

    assert seed(np.random.RandomState(7)) == seed(np.random.RandomState(7)) != seed(np.random.RandomState(8))
    assert seed(np.int64(3)) == 3 and seed(None) != seed(None)


def test_orbits_of_a_renamed_graph_are_embedded_anew() -> None:
    """The digest of a graph does not see names, and the random numbers do."""
    plain = synthetic.barabasi_albert(30, 3, seed=0)
    one, two = (Graph(plain.indptr, plain.indices, names=[f"{stem}{i}" for i in range(30)]) for stem in "ab")
    model = OrbitFastRP("hop1", "sum", n_components=4, random_state=0).fit(one)
    assert model.transform(Graph(plain.indptr, plain.indices, names=list(one.names))) is model.embedding_  # type: ignore[arg-type]
    other = OrbitFastRP("hop1", "sum", n_components=4, random_state=0).fit_transform(two)
    assert np.array_equal(model.transform(two), other) and not np.array_equal(other, model.embedding_)


def test_orbits_tell_how_far_they_are() -> None:
    told: list[tuple[str, int, int]] = []
    path = synthetic.path(6)
    OrbitFastRP("hop1", n_components=2, random_state=0, progress=lambda *state: told.append(state)).fit_transform(path)
    orbits = [state for state in told if state[0] == "orbits"]
    assert [done for _, done, _ in orbits] == list(range(len(orbits))) and {total for *_, total in orbits} == {
        len(orbits)
    }


@pytest.mark.parametrize("dim", [10**30, 2**62])
def test_more_columns_than_bytes_in_the_world(dim: int) -> None:
    with pytest.raises(MemoryError):
        FastRP(dim, random_state=0, projection="gaussian").fit(sp.csr_array(np.ones((3, 3))))
