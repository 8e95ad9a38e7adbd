"""FastRP(refine=k) and oversample: against dense eigenvectors and numpy's principal axes."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from graphx.data import load_graph, synthetic
from graphx.errors import InputError
from graphx.fastrp import FastRP, _refine
from graphx.graph import Graph


def dense_spectral(graph: Graph, d: int, *, positive: bool = False) -> np.ndarray:
    """Slow and obvious: all eigenvectors, the leading by |f| or by sign too, rows of unit length; signs are free."""
    A = graph.to_scipy().toarray().astype(float)
    degrees = A.sum(1)
    scale = np.divide(1, np.sqrt(degrees + 0.5 * degrees.mean()), out=np.zeros(len(A)), where=degrees > 0)
    values, vectors = np.linalg.eigh(scale[:, None] * A * scale)
    f = values + 0.2 * values**2
    order = np.argsort(-values if positive else -np.abs(f))[:d]
    order = order[values[order] > 1e-9] if positive else order
    rows = unit(vectors[:, order] * f[order])
    P = np.divide(A, degrees[:, None], out=np.zeros_like(A), where=degrees[:, None] > 0)
    return unit(sum(np.linalg.matrix_power(P, hops) @ rows for hops in range(9)))


def unit(rows: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms > 0, norms, 1)


def same_geometry(ours: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    """Equal inner products of rows, as an eigenvector's sign and the basis of an eigenspace are free."""
    return bool(np.allclose(ours @ ours.T, expected @ expected.T, atol=tolerance))


@pytest.mark.parametrize("name", ["karate", "les-miserables"])
@pytest.mark.parametrize("d", [2, 5])
def test_equals_dense_eigenvectors(name: str, d: int) -> None:
    graph = load_graph(name)
    ours = FastRP(d, refine=6, standardize=False, random_state=0).fit_transform(graph)
    assert ours.shape == (graph.num_nodes, d)
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    assert same_geometry(ours, dense_spectral(graph, d), 1e-4)


@pytest.mark.parametrize("name", ["karate", "les-miserables"])
@pytest.mark.parametrize("d", [2, 5, 9])
def test_positive_spectrum_equals_dense_eigenvectors(name: str, d: int) -> None:
    graph = load_graph(name)
    ours = FastRP(d, refine=12, spectrum="positive", standardize=False, random_state=0).fit_transform(graph)
    assert ours.shape == (graph.num_nodes, d)
    assert same_geometry(ours, dense_spectral(graph, d, positive=True), 1e-4)


def test_positive_spectrum_of_a_bipartite_graph() -> None:
    """Eigenvalues +-x come in pairs: half of what both signs keep, and no column tells the two sides apart."""
    graph = Graph.from_networkx(networkx.complete_bipartite_graph(3, 4))
    both = FastRP(4, refine=3, standardize=False, random_state=0).fit_transform(graph)
    one = FastRP(4, refine=3, spectrum="positive", standardize=False, random_state=0).fit_transform(graph)
    assert np.count_nonzero(np.abs(both).max(0) > 1e-6) == 2
    assert np.count_nonzero(np.abs(one).max(0) > 1e-6) == 1
    assert np.allclose(one @ one.T, 1, atol=1e-5)
    assert (both[:3, 1] * both[-1, 1] < 0).all()


@given(st.integers(0, 2**32 - 1), st.integers(2, 50), st.integers(1, 8))
def test_positive_rows_have_unit_length_or_are_zero(seed: int, nodes: int, d: int) -> None:
    graph = Graph.from_networkx(networkx.gnm_random_graph(nodes, nodes, seed=seed))
    rows = FastRP(d, refine=2, spectrum="positive", standardize=False, random_state=seed).fit_transform(graph)
    norms = np.linalg.norm(rows, axis=1)
    assert np.isfinite(rows).all()
    assert np.all((np.abs(norms - 1) < 1e-4) | (norms < 1e-6))


def test_positive_spectrum_finds_blocks_better_than_both_beside_a_bipartite_part() -> None:
    """A dense bipartite part has a large negative eigenvalue, which one column of both signs goes to."""
    blocks = networkx.stochastic_block_model([40, 40], [[0.4, 0.02], [0.02, 0.4]], seed=0)
    graph = Graph.from_networkx(networkx.disjoint_union(blocks, networkx.complete_bipartite_graph(30, 30)))
    cosines = {}
    for spectrum in ("positive", "both"):
        rows = FastRP(3, refine=8, spectrum=spectrum, standardize=False, random_state=0).fit_transform(graph)  # type: ignore[arg-type]
        left, right = rows[:40].mean(0), rows[40:80].mean(0)
        cosines[spectrum] = left @ right / (np.linalg.norm(left) * np.linalg.norm(right))
    assert cosines["positive"] < 0.6
    assert cosines["both"] > 0.95


@pytest.mark.parametrize("spectrum", ["both", "positive"])
def test_spectrum_is_the_same_for_any_number_of_threads(spectrum: str) -> None:
    graph = synthetic.power_law(20_000, average_degree=6, seed=3)
    one, many = (
        FastRP(16, refine=2, spectrum=spectrum, random_state=0, num_threads=threads).fit_transform(graph)  # type: ignore[arg-type]
        for threads in (1, 3)
    )
    assert np.array_equal(one, many)


def test_positive_spectrum_transforms_known_rows() -> None:
    graph = load_graph("les-miserables").without_weights()
    model = FastRP(4, refine=12, spectrum="positive", random_state=0).fit(graph)
    assert np.allclose(model.transform(graph.to_scipy()), model.embedding_, atol=2e-3)


def test_filter_damps_what_is_not_kept() -> None:
    values = np.array([0.9, 0.5, 0.3, -0.2, -0.6])
    center, half, _ = _refine._filter(values, 2, positive=False)
    assert (center, half) == (0, np.float32(0.5))  # of |0.9|, |-0.6| and |0.5|, the third
    center, half, degree = _refine._filter(values, 2, positive=True)
    assert center + half == pytest.approx(0.3, rel=1e-6)
    assert center - half == pytest.approx(-0.63, rel=1e-6)  # and some room below the smallest
    assert 2 <= degree <= 10


def test_filter_of_no_negative_eigenvalue_begins_at_zero() -> None:
    center, half, _ = _refine._filter(np.array([0.9, 0.5, 0.1]), 1, positive=True)
    assert center - half == pytest.approx(0, abs=1e-7)
    center, half, _ = _refine._filter(np.array([0.9, -0.99]), 1, positive=True)
    assert center - half == pytest.approx(-1, rel=1e-6)  # there are none below -1


def test_two_cliques_by_hand() -> None:
    """Two triangles apart: two equal eigenvalues, so rows of one triangle are equal, of two orthogonal."""
    graph = Graph.from_edges([0, 0, 1, 3, 3, 4], [1, 2, 2, 4, 5, 5])
    rows = FastRP(2, refine=3, standardize=False, random_state=1).fit_transform(graph)
    expected = np.kron(np.eye(2), np.ones((3, 3)))
    assert np.allclose(rows @ rows.T, expected, atol=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(1, 8), st.integers(1, 3))
def test_rows_have_unit_length_or_are_zero(seed: int, nodes: int, d: int, rounds: int) -> None:
    graph = Graph.from_networkx(networkx.gnm_random_graph(nodes, nodes, seed=seed))
    rows = FastRP(d, refine=rounds, standardize=False, random_state=seed).fit_transform(graph)
    norms = np.linalg.norm(rows, axis=1)
    assert np.isfinite(rows).all()
    assert np.all((np.abs(norms - 1) < 1e-4) | (norms < 1e-6))
    assert np.all(norms[graph.degrees() == 0] == 0)


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_same_bits_for_any_number_of_threads(threads: int) -> None:
    graph = synthetic.power_law(20_000, average_degree=6, seed=3)
    one = FastRP(16, refine=2, random_state=0, num_threads=1).fit_transform(graph)
    many = FastRP(16, refine=2, random_state=0, num_threads=threads).fit_transform(graph)
    assert np.array_equal(one, many)


def test_weights_count() -> None:
    graph = load_graph("karate")
    rng = np.random.default_rng(0)
    A = graph.to_scipy().tocoo()
    weights = rng.uniform(0.5, 2, (34, 34))
    weights = weights + weights.T
    weighted = Graph.from_scipy(scipy.sparse.csr_array((weights[A.row, A.col], (A.row, A.col)), shape=A.shape))
    ours = FastRP(3, refine=6, standardize=False, random_state=0).fit_transform(weighted)
    assert same_geometry(ours, dense_spectral(weighted, 3), 1e-4)


def test_transform_gives_known_rows_again() -> None:
    graph = load_graph("les-miserables").without_weights()
    model = FastRP(4, refine=8, random_state=0).fit(graph)
    assert np.allclose(model.transform(graph.to_scipy()), model.embedding_, atol=2e-3)


def test_fewer_ranks_than_columns() -> None:
    rows = FastRP(9, refine=2, standardize=False, random_state=0).fit_transform(synthetic.star(3))
    assert rows.shape == (4, 9)
    assert np.count_nonzero(np.abs(rows).max(0)) == 2  # a star has the eigenvalues +-x and zeros


@pytest.mark.parametrize("graph", [Graph.from_edges([], [], num_nodes=0), Graph.from_edges([], [], num_nodes=3)])
def test_no_edges(graph: Graph) -> None:
    rows = FastRP(4, refine=1, standardize=False, random_state=0).fit_transform(graph)
    assert rows.shape == (graph.num_nodes, 4)
    assert not rows.any()


def test_refuses_what_eigenvectors_do_not_have() -> None:
    karate = load_graph("karate")
    for name, value in [("self_influence", 0.5), ("normalization_strength", -0.5)]:
        with pytest.raises(InputError, match=name):
            FastRP(4, refine=1, **{name: value}).fit(karate)
    with pytest.raises(InputError, match="orientation='undirected'"):
        FastRP(4, refine=1).fit(Graph.from_edges([0, 1], [1, 2], directed=True))


def test_oversample_is_pca() -> None:
    graph = synthetic.barabasi_albert(300, 3, seed=0)
    wide = FastRP(32, standardize=False, random_state=5).fit_transform(graph).astype(float)
    centred = wide - wide.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    expected = centred @ axes[:8].T
    model = FastRP(8, oversample=4, standardize=False, random_state=5).fit(graph)
    assert np.allclose(np.abs(model.embedding_), np.abs(expected), atol=1e-4)
    assert np.allclose(model.transform(graph.to_scipy()), model.embedding_, atol=1e-4)


def test_principal_axes_are_orthonormal() -> None:
    x = np.random.default_rng(0).normal(size=(20_000, 6)).astype(np.float32) * np.arange(1, 7, dtype=np.float32)
    mean, axes = _refine.principal_axes(x, 3, num_threads=3)
    assert np.allclose(axes.T @ axes, np.eye(3), atol=1e-12)
    assert np.allclose(mean, x.mean(0), atol=1e-4)
    assert np.abs(axes).argmax(0).tolist() == [5, 4, 3]


def test_features_beside_a_refined_start() -> None:
    model = FastRP(4, refine=2, random_state=0).fit(synthetic.barabasi_albert(30, 2, seed=0))
    with pytest.raises(InputError, match="features were given and refine uses none; leave them out"):
        model.transform(np.array([[0], [1]]), features=np.ones((1, 3)))
