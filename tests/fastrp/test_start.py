"""What FastRP starts from: degrees, features beside or in place of random numbers, and what cannot be one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from graphx.data import synthetic
from graphx.errors import InputError
from graphx.fastrp import FastRP
from graphx.fastrp._engine import SparseStart, to_float32, walk_of
from graphx.fastrp._start import _degree_scale, checked_features, start_of
from graphx.graph import Graph
from tests.fastrp.test_random import dense
from tests.reference import fastrp as reference

PATH = synthetic.path(6)
STREAM = 0x5851F42D4C957F2D


def fitted(nodes: int, **options: Any) -> FastRP:
    """A model with what ``fit`` sets before it needs a start."""
    model = FastRP(**{"random_state": 3, **options})
    model.graph_, model.seed_ = synthetic.path(nodes), 3
    return model


@pytest.mark.parametrize("kind", ["very_sparse", "sparse", "gaussian"])
@pytest.mark.parametrize("nodes", [9, 150])  # stored whole, and as its entries where it is sparse
@pytest.mark.parametrize("strength", [0.0, -0.5, 1.0])
def test_rows_are_scaled_by_degrees(kind: str, nodes: int, strength: float) -> None:
    model = fitted(nodes, n_components=20, projection=kind, normalization_strength=strength)
    degrees = np.arange(nodes, dtype=np.float64)  # the first has none
    start = start_of(model, degrees, nodes, None, 2)
    assert isinstance(start, SparseStart) == (kind == "very_sparse" and nodes == 150)
    made = dense(start) if isinstance(start, SparseStart) else start
    R = reference.projection(range(nodes), 20, kind, 3, nodes)
    np.testing.assert_allclose(made, np.where(degrees > 0, degrees, 1)[:, None] ** strength * R, rtol=1e-6, atol=1e-7)
    whole = start_of(model, degrees, nodes, None, 1, dense=True)
    assert not isinstance(whole, SparseStart) and np.array_equal(whole, made)


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.99, 1.0])
@pytest.mark.parametrize("kind", ["very_sparse", "gaussian"])
@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
def test_features_are_mixed_into_the_last_columns(ratio: float, kind: str, storage: str) -> None:
    nodes, d = 30, 20
    model = fitted(nodes, n_components=d, feature_ratio=ratio, projection=kind, storage=storage)
    X = np.random.default_rng(0).normal(size=(nodes, 5)).astype(np.float32)
    made = to_float32(start_of(model, np.ones(nodes), nodes, X, 1))  # type: ignore[arg-type]
    taken = round(d * ratio)
    R = reference.projection(range(nodes), d, kind, 3, nodes)
    Q = reference.projection(range(5), d, "gaussian" if kind == "gaussian" else "sparse", 3 ^ STREAM, nodes)
    expected = np.hstack([R[:, : d - taken], X @ Q[:, d - taken :]])
    np.testing.assert_allclose(made, expected, rtol=2**-8 if storage == "bfloat16" else 1e-5, atol=1e-5)


def test_a_share_that_rounds_to_no_column_leaves_the_random_numbers() -> None:
    model = fitted(6, n_components=3, feature_ratio=0.1)
    X = np.ones((6, 2), np.float32)
    plain = fitted(6, n_components=3)
    assert np.array_equal(start_of(model, np.ones(6), 6, X, 1), start_of(plain, np.ones(6), 6, None, 1))  # type: ignore[arg-type]


def test_the_order_of_nodes_does_not_matter_to_their_features() -> None:
    graph = Graph.from_edges(PATH.to_scipy().nonzero()[0], PATH.to_scipy().nonzero()[1], directed=True)
    X = np.random.default_rng(1).normal(size=(6, 4))
    order = np.array([3, 1, 5, 0, 2, 4])
    u, v = graph.to_scipy().nonzero()
    place = np.argsort(order)
    moved = Graph.from_edges(place[u], place[v], directed=True)
    options: dict[str, Any] = {"n_components": 8, "feature_ratio": 1.0, "random_state": 0}
    one = FastRP(**options).fit_transform(graph, features=X)
    other = FastRP(**options).fit_transform(moved, features=X[order])
    np.testing.assert_allclose(other, one[order], atol=1e-5)


# -- features ----------------------------------------------------------------------------------------------------------


def test_features_of_every_kind_are_the_same() -> None:
    import pandas as pd
    import torch

    model = FastRP(8, feature_ratio=0.5, iteration_weights=(1, 1), random_state=0)
    X = np.random.default_rng(0).integers(0, 3, (6, 4))
    expected = model.fit_transform(PATH, features=X)
    kinds = [
        X.tolist(), X.astype(np.float64), X.astype(np.uint8), np.asfortranarray(X, dtype=np.float32), sp.csr_array(X),
        sp.coo_matrix(X), torch.from_numpy(X), torch.from_numpy(X).double().requires_grad_(), pd.DataFrame(X),
    ]  # fmt: skip
    for kind in kinds:
        assert np.array_equal(model.fit_transform(PATH, features=kind), expected), type(kind)
    flags = model.fit_transform(PATH, features=X > 0)
    assert np.array_equal(flags, model.fit_transform(PATH, features=(X > 0).astype(int)))


@pytest.mark.parametrize(
    ("ratio", "features", "message"),
    [
        (0.0, np.ones((6, 1)), "features were given and feature_ratio is 0; set it to the share"),
        (0.5, None, r"feature_ratio is 0.5 and there are no features; pass features=\[N, F\]"),
        (0.5, np.ones((5, 2)), r"features have shape \(5, 2\); expected \[6, F\]"),
        (0.5, np.ones(6), r"features have shape \(6,\); expected \[6, F\]"),
        (0.5, np.ones((6, 2, 2)), r"features have shape \(6, 2, 2\)"),
        (0.5, np.full((6, 2), "a"), "features are <U1; expected real numbers"),
        (0.5, np.ones((6, 2)) * 1j, "features are complex128; expected real numbers"),
        (0.5, np.array([[1.0, -np.inf]] * 6), "feature 1 of node 0 is -inf; expected finite numbers"),
        (0.5, np.array([[1.0, 1e300]] * 6), r"feature 1 of node 0 is 1e\+300; expected finite numbers that float32"),
    ],
)
def test_features_that_cannot_be_used(ratio: float, features: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        checked_features(FastRP(4, feature_ratio=ratio), features, 6)


def test_features_whose_products_pass_float32() -> None:
    with np.errstate(over="ignore"), pytest.raises(InputError, match="projected features pass what float32 holds"):
        FastRP(64, feature_ratio=1.0, random_state=0).fit(PATH, features=np.full((6, 50), 3e38))


def test_features_of_new_nodes_have_the_columns_of_the_fitted() -> None:
    X = np.random.default_rng(0).normal(size=(6, 3))
    model = FastRP(8, feature_ratio=1.0, self_influence=1.0, iteration_weights=(0.0,), random_state=0)
    Z = model.fit_transform(PATH, features=X)
    edges = sp.csr_array((6, 6))
    np.testing.assert_allclose(model.transform(edges, features=X), Z, atol=1e-6)
    with pytest.raises(InputError, match="features have 4 columns; expected 3, as many as in fit"):
        model.transform(edges, features=np.ones((6, 4)))
    with pytest.raises(InputError, match="there are no features"):
        model.transform(edges)


# -- degrees -----------------------------------------------------------------------------------------------------------


def test_no_strength_needs_no_factors() -> None:
    assert _degree_scale(np.array([0.0, 5.0]), 0.0) is None
    found = _degree_scale(np.array([0.0, 4.0, 0.25]), -0.5)
    assert found is not None and found.tolist() == [1.0, 0.5, 2.0] and found.dtype == np.float32


@pytest.mark.parametrize(
    ("degrees", "strength"), [([10.0], 39.0), ([10.0], -50.0), ([1e200, 1.0], 2.0), ([0.5], 150.0)]
)
def test_factors_that_float32_cannot_hold(degrees: list[float], strength: float) -> None:
    with pytest.raises(
        InputError, match="pass what float32 holds; choose a strength nearer to 0, or scale the weights"
    ):
        _degree_scale(np.array(degrees), strength)


def test_degrees_are_those_of_the_walk() -> None:
    """A weighted star by hand: L of the paper has the sum of weights of the centre, that of GDS its three edges."""
    star = Graph.from_edges([0, 0, 0], [1, 2, 3], [2.0, 3.0, 5.0])
    for convention, degree in (("paper", 10.0), ("gds", 3.0)):
        assert walk_of(star, convention).degrees()[0] == degree
        options: dict[str, Any] = {"iteration_weights": (0,), "self_influence": 1.0, "normalize": False}
        options |= {"standardize": False, "projection": "gaussian", "convention": convention, "random_state": 3}
        scaled = FastRP(5, normalization_strength=1.0, **options).fit_transform(star)
        plain = FastRP(5, **options).fit_transform(star)
        np.testing.assert_allclose(scaled[0], degree * plain[0], rtol=1e-6)
