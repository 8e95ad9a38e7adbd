"""FastRP where it ends: matrices and files that are none, weights beyond float32, seeds of every kind."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from graphx.data import synthetic
from graphx.errors import InputError, MissingDependencyError
from graphx.fastrp import FastRP, OrbitFastRP
from graphx.fastrp._parameters import _seed
from graphx.fastrp._states import empty_state, to_float32
from graphx.fastrp._walk import walk_of
from graphx.fastrp._write import write_embedding
from graphx.graph import Graph

PATH = synthetic.path(6)


def test_seeds_of_every_kind() -> None:
    one, two = (_seed(np.random.default_rng(3)) for _ in range(2))
    assert one == two and 0 <= one < 2**63
    assert _seed(np.random.RandomState(3)) == _seed(np.random.RandomState(3))
    assert _seed(None) != _seed(None) and _seed(7) == 7


def test_narrow_states_widen_exactly() -> None:
    half = empty_state(3, 4, "bfloat16")
    half[:] = 0
    assert np.array_equal(to_float32(half), np.zeros((3, 4), np.float32))
    wide = np.ones((2, 2), np.float32)
    assert to_float32(wide) is wide


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_a_weight_beyond_float32() -> None:
    huge = Graph.from_edges([0, 1], [1, 2], [1e39, 1.0])
    with pytest.raises(InputError, match="a weight is 1e\\+39; expected less than 3.4e38: divide all weights"):
        walk_of(huge, "gds", normalize=False)
    assert walk_of(huge, "gds", normalize=True).weights_scale == pytest.approx(1e-39)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ((np.zeros((3, 2)), np.ones(2)), r"edge_index has shape \(3, 2\); expected \[2, E\] of a pair"),
        (sp.csr_array(np.ones((1, 6), complex)), "the matrix holds complex128; expected real numbers"),
        (np.zeros((2, 3)), "edge_index is float64; expected integers"),
    ],
)
def test_new_edges_that_are_none(edges: object, message: str) -> None:
    model = FastRP(4, random_state=0).fit(PATH)
    with pytest.raises(InputError, match=message):
        model.transform(edges)


def test_new_edges_without_weights_weigh_one() -> None:
    weighted = Graph.from_edges([0, 1, 2], [1, 2, 3], [2.0, 1.0, 3.0])
    model = FastRP(4, iteration_weights=(1,), random_state=0).fit(weighted)
    plain = np.array([[0, 0, 1], [1, 2, 3]])
    ones = plain, np.ones(3)
    assert np.array_equal(model.transform(plain), model.transform(ones))


def test_features_beside_a_refined_start() -> None:
    model = FastRP(4, refine=2, random_state=0).fit(synthetic.barabasi_albert(30, 2, seed=0))
    with pytest.raises(InputError, match="features were given and refine uses none; leave them out"):
        model.transform(np.array([[0], [1]]), features=np.ones((1, 3)))


def test_features_in_half_precision() -> None:
    x = np.random.default_rng(0).normal(size=(6, 3))
    options = {"feature_ratio": 0.5, "iteration_weights": (1, 1), "random_state": 0}
    half = FastRP(8, storage="bfloat16", **options).fit_transform(PATH, features=x)
    np.testing.assert_allclose(half, FastRP(8, **options).fit_transform(PATH, features=x), atol=0.03)


def test_orbits_tell_how_far_they_are() -> None:
    told: list[tuple[str, int, int]] = []
    OrbitFastRP("hop1", n_components=2, random_state=0, progress=lambda *state: told.append(state)).fit_transform(PATH)
    orbits = [state for state in told if state[0] == "orbits"]
    assert [done for _, done, _ in orbits] == list(range(len(orbits))) and {total for *_, total in orbits} == {
        len(orbits)
    }


# -- files -------------------------------------------------------------------------------------------------------------


def test_embeddings_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"the embedding has shape \(5, 2\); expected \[6, d\], a row for each node"):
        write_embedding(tmp_path / "e.npy", np.ones((5, 2)), PATH)
    with pytest.raises(InputError, match=r"e\.csv: the suffix names the form; expected one of: \.npy"):
        write_embedding(tmp_path / "e.csv", np.ones((6, 2)), PATH)
    named = Graph.from_edges([0], [1], names=["a b", "c"])
    with pytest.raises(InputError, match=r"the node 'a b' has white space in its name or none; \.w2v needs names"):
        write_embedding(tmp_path / "e.w2v", np.ones((2, 2)), named)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingDependencyError, match=r"pip install .*graphx-pyg\[parquet\]"):
        write_embedding(tmp_path / "e.parquet", np.ones((6, 2)), PATH)
    assert list(tmp_path.iterdir()) == []
