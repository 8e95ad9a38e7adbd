"""operator @ X against the materialised matrices."""

from __future__ import annotations

from functools import cache

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.sparse.linalg import LinearOperator, eigsh

from graphx.errors import CapacityError, InputError
from graphx.gradco import ORBIT_KEYS, OrbitAdjacency
from graphx.gradco.orbits import ROW_DIVISORS
from tests.graphs import SMALL, NamedGraph, barabasi_albert, from_networkx, make_graph, star
from tests.reference.dense import dense_orbits
from tests.strategies import graphs

CASES = [
    barabasi_albert(300, 6),
    from_networkx(nx.powerlaw_cluster_graph(200, 8, 0.9, seed=5), "clustered"),
    from_networkx(nx.gnp_random_graph(90, 0.5, seed=6), "dense"),
    from_networkx(nx.gnp_random_graph(300, 0.006, seed=7), "sparse"),
]


@cache
def setting(case: NamedGraph) -> tuple[OrbitAdjacency, dict]:
    return OrbitAdjacency(case.graph, num_threads=2), dense_orbits(case.dense)


def operand(case: NamedGraph, *columns: int, dtype: type = np.int64) -> np.ndarray:
    drawn = np.random.default_rng(0).integers(-50, 50, (case.num_nodes, *columns))
    return drawn.astype(dtype)


@pytest.mark.parametrize("columns", [(), (1,), (3,), (16,), (17,), (128,)], ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_integers_exactly(case: NamedGraph, columns: tuple[int, ...]) -> None:
    orbits, matrices = setting(case)
    x = operand(case, *columns)
    for key in ORBIT_KEYS:
        found = orbits.operator(*key) @ x
        assert found.dtype == np.int64
        assert found.shape == x.shape
        np.testing.assert_array_equal(found, matrices[key] @ x, str(key))


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_tiny_graphs(case: NamedGraph) -> None:
    orbits, matrices = OrbitAdjacency(case.graph), dense_orbits(case.dense)
    x = operand(case, 2)
    for key in ORBIT_KEYS:
        np.testing.assert_array_equal(orbits.operator(*key) @ x, matrices[key] @ x, str(key))


@given(graphs(min_nodes=1, max_nodes=20))
@settings(max_examples=40)
def test_drawn_graphs(case: NamedGraph) -> None:
    orbits, matrices = OrbitAdjacency(case.graph), dense_orbits(case.dense)
    x = operand(case, 3)
    for key in ORBIT_KEYS:
        np.testing.assert_array_equal(orbits.operator(*key) @ x, matrices[key] @ x, str(key))


@pytest.mark.parametrize("columns", [(), (1,), (17,), (128,)], ids=str)
@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 2e-6), (np.float64, 2e-14)], ids=["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_floats_keep_their_kind(case: NamedGraph, dtype: type, bound: float, columns: tuple[int, ...]) -> None:
    """Within rounding of the largest sum a product with absolute values could meet: 1_1 A for 4_4, M itself else."""
    orbits, matrices = setting(case)
    x = np.random.default_rng(1).normal(size=(case.num_nodes, *columns)).astype(dtype)
    exact = x.astype(np.float64)
    for key in ORBIT_KEYS:
        found = orbits.operator(*key) @ x
        assert found.dtype == dtype, key
        scale = 1 + _terms(key, case, matrices).astype(np.float64) @ np.abs(exact)
        assert np.all(np.abs(found - matrices[key] @ exact) <= 40 * bound * scale), key


def _terms(key: tuple[int, int, int], case: NamedGraph, matrices: dict) -> np.ndarray:
    """A matrix that bounds every term which the product adds and takes away."""
    a, d = case.dense, np.diag(case.dense.sum(axis=1))
    if key[0] == 1:
        return matrices[key]
    walks = a @ (a + d) @ (a + d)
    return matrices[key] + walks + walks.T + d @ d


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.uint16, bool], ids=lambda t: np.dtype(t).name)
def test_other_integers_give_int64(dtype: type) -> None:
    orbits, matrices = setting(CASES[0])
    x = operand(CASES[0], 5).astype(dtype)
    for key in [(1, 4, 5), (2, 8, 8), (3, 4, 4)]:
        found = orbits.operator(*key) @ x
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, matrices[key] @ x.astype(np.int64))


@pytest.mark.parametrize("case", CASES[:2], ids=str)
def test_transposes(case: NamedGraph) -> None:
    orbits, matrices = setting(case)
    vector, block = operand(case), operand(case, 5)
    for key in ORBIT_KEYS:
        operator, transpose = orbits.operator(*key), matrices[key].T
        np.testing.assert_array_equal(operator.rmatvec(vector), transpose @ vector, str(key))
        np.testing.assert_array_equal(operator.rmatmat(block), transpose @ block, str(key))
        np.testing.assert_array_equal(operator.T @ block, transpose @ block, str(key))
        np.testing.assert_array_equal(operator.H @ vector, transpose @ vector, str(key))


@pytest.mark.parametrize("layout", ["fortran", "strided", "reversed", "read-only", "column", "row-vector-view"])
def test_any_memory_layout(layout: str) -> None:
    orbits, matrices = setting(CASES[0])
    n = CASES[0].num_nodes
    x = {
        "fortran": np.asfortranarray(operand(CASES[0], 6)),
        "strided": operand(CASES[0], 12)[:, ::2],
        "reversed": operand(CASES[0], 6)[::-1],
        "read-only": operand(CASES[0], 6),
        "column": operand(CASES[0], 1),
        "row-vector-view": np.arange(2 * n)[::2],
    }[layout]
    x.flags.writeable = layout != "read-only"
    before = x.copy()
    for key in [(1, 0, 0), (1, 9, 11), (2, 6, 6), (2, 4, 5), (3, 4, 4)]:
        np.testing.assert_array_equal(orbits.operator(*key) @ x, matrices[key] @ before)
        np.testing.assert_array_equal(x, before)


def test_it_is_a_scipy_operator() -> None:
    orbits, matrices = setting(CASES[1])
    operator = orbits.operator(2, 1, 1)
    assert isinstance(operator, LinearOperator)
    assert operator.shape == (200, 200)
    x = operand(CASES[1])
    np.testing.assert_array_equal((operator * 2) @ x, 2 * (matrices[2, 1, 1] @ x))
    largest = eigsh(operator, k=1, return_eigenvectors=False, v0=np.ones(200))
    np.testing.assert_allclose(largest, np.linalg.eigvalsh(matrices[2, 1, 1].astype(float))[-1], rtol=1e-8)


def test_rows_sum_to_graphlet_degrees() -> None:
    orbits, _ = setting(CASES[0])
    degrees = orbits.graphlet_degrees()
    for key in ORBIT_KEYS:
        sums = orbits.operator(*key) @ np.ones(CASES[0].num_nodes, dtype=np.int64)
        np.testing.assert_array_equal(sums, ROW_DIVISORS[key] * degrees[:, key[1]])


@pytest.mark.parametrize("key", [(1, 1, 1), (4, 4, 4), ("a", 1, 2)])
def test_no_such_operator(key) -> None:
    with pytest.raises(KeyError):
        setting(CASES[0])[0].operator(*key)


@pytest.mark.parametrize("dtype", [np.float16, np.complex64, np.complex128, object, "U3", np.longdouble])
def test_operands_that_it_cannot_take(dtype) -> None:
    operator = setting(CASES[0])[0].operator(3, 4, 4)
    with pytest.raises(InputError, match="float32, float64 or integers"):
        operator @ np.zeros(300).astype(dtype)


@pytest.mark.parametrize("shape", [(299,), (301, 2), (2, 300), (300, 2, 2), ()], ids=str)
def test_shapes_that_it_cannot_take(shape: tuple[int, ...]) -> None:
    operator = setting(CASES[0])[0].operator(2, 12, 12)
    with pytest.raises(ValueError):  # scipy's own check, before ours
        operator @ np.zeros(shape)


def test_no_columns() -> None:
    for key in ORBIT_KEYS:
        assert (setting(CASES[0])[0].operator(*key) @ np.zeros((300, 0))).shape == (300, 0)


def test_integers_that_could_wrap_are_refused() -> None:
    orbits = OrbitAdjacency(star(3000).graph)
    for summary in orbits.summary():
        if summary.total:
            with pytest.raises(CapacityError, match="float64"):
                orbits.operator(*summary.key) @ np.full(3001, 2**62)
        else:  # partial products wrap, what is left is exact
            assert not (orbits.operator(*summary.key) @ np.full(3001, 2**62)).any()
    with pytest.raises(CapacityError):
        orbits.operator(1, 0, 0) @ np.full(3001, 2**63, dtype=np.uint64)
    found = orbits.operator(2, 6, 6) @ np.full(3001, 2**25)
    assert found[1] == 2999 * 2998 * 2**25
    assert found[0] == 0


def test_nan_stays_where_it_reaches() -> None:
    """NaN at a node of another component must not reach this one."""
    graph = make_graph(10, [(0, 1), (1, 2), (2, 3), (3, 0), (5, 6), (6, 7), (7, 8)])
    orbits = OrbitAdjacency(graph)
    x = np.ones((10, 3))
    x[6, 1] = np.nan
    for key in ORBIT_KEYS:
        found = orbits.operator(*key) @ x
        assert not np.isnan(found[:5]).any(), key
        assert not np.isnan(found[:, [0, 2]]).any(), key


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_bits_for_any_number_of_threads(threads: int, dtype: type) -> None:
    case = CASES[0]
    x = np.random.default_rng(2).normal(size=(case.num_nodes, 33)).astype(dtype)
    one, many = OrbitAdjacency(case.graph, num_threads=1), OrbitAdjacency(case.graph, num_threads=threads)
    for key in ORBIT_KEYS:
        assert np.array_equal(one.operator(*key) @ x, many.operator(*key) @ x), key


@pytest.mark.parametrize("level", ["plain", "avx2"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_same_bits_on_any_processor(level: str, dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[0]
    x = (1000 * np.random.default_rng(2).normal(size=(case.num_nodes, 33))).astype(dtype)
    best = {key: OrbitAdjacency(case.graph).operator(*key) @ x for key in ORBIT_KEYS}
    monkeypatch.setenv("GRAPHX_SIMD", level)
    for key in ORBIT_KEYS:
        assert np.array_equal(OrbitAdjacency(case.graph).operator(*key) @ x, best[key]), key
