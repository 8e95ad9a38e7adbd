"""What the parameters of FastRP may be, and the seed of every kind of random state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphx.errors import InputError
from graphx.fastrp import FastRP, OrbitFastRP
from graphx.fastrp._parameters import _integer, _number, _one_of, _seed, check_parameters


def test_seeds_of_every_kind() -> None:
    one, two = (_seed(np.random.default_rng(3)) for _ in range(2))
    assert one == two and 0 <= one < 2**63
    assert _seed(np.random.RandomState(3)) == _seed(np.random.RandomState(3))
    assert _seed(None) != _seed(None) and _seed(7) == 7
    assert _seed(np.uint64(2**64 - 1)) == 2**64 - 1 and type(_seed(np.int32(5))) is int


def test_a_random_state_goes_on() -> None:
    """As in scikit-learn: two fits with one RandomState take different numbers from it."""
    state = np.random.RandomState(0)
    assert _seed(state) != _seed(state)


@pytest.mark.parametrize("value", [np.int8(3), np.uint64(3), 3])
def test_integers_of_numpy_are_integers(value: Any) -> None:
    _integer("n", value, 3)
    with pytest.raises(InputError, match="n is .*3.*; expected an integer of at least 4"):
        _integer("n", value, 4)


@pytest.mark.parametrize("value", [True, np.True_, 3.0, np.float64(3), "3", None, 2, np.array([3])])
def test_what_is_no_integer_of_at_least_three(value: Any) -> None:
    with pytest.raises(InputError, match="expected an integer of at least 3"):
        _integer("n", value, 3)


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), float("-inf"), np.float32("inf"), 1j])
def test_what_is_no_finite_number(value: Any) -> None:
    with pytest.raises(InputError, match="b is .*; expected a finite number"):
        _number("b", value)
    _number("b", np.float16(0.5))
    _number("b", -3)


def test_choices_are_listed() -> None:
    with pytest.raises(InputError, match=r"c is 'z'; expected one of 'x', None"):
        _one_of("c", "z", ("x", None))
    _one_of("c", None, ("x", None))


@pytest.mark.parametrize(
    ("weights", "own", "good"),
    [
        ((3e38,), 0.0, True),
        ((3e38, 0.0, 3e38), 0.0, False),
        ((3e38, -3e38), 0.0, False),  # of opposite signs their states may still add up
        ((1e300,), 0.0, False),
        ((0.0, 1.0), 3.5e38, False),
        ((1,), 3.4e38, True),
        (np.array([0.0, 1.0]), 0.0, True),
    ],
)
def test_weights_that_float32_holds(weights: Any, own: float, good: bool) -> None:
    model = FastRP(2, iteration_weights=weights, self_influence=own)
    if good:
        check_parameters(model)
    else:
        with pytest.raises(InputError, match="expected numbers whose sum float32 holds: divide all of them"):
            check_parameters(model)


def test_parameters_are_looked_at_in_fit_only() -> None:
    """As scikit-learn has it: set_params may pass through states that cannot be used."""
    model = FastRP(n_components=-1, projection="no")  # type: ignore[arg-type]
    model.set_params(n_components=3, projection="gaussian")
    check_parameters(model)
    with pytest.raises(ValueError, match="Invalid parameter 'dimension'"):
        model.set_params(dimension=3)


@pytest.mark.parametrize("estimator", [FastRP, OrbitFastRP])
def test_threads_of_numpy(estimator: Any) -> None:
    """A grid of np.arange gives numpy's integers."""
    edges = np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
    graph = FastRP(2, random_state=0).fit(edges).graph_
    one = estimator(n_components=3, random_state=0, num_threads=np.int64(1)).fit_transform(graph)
    assert np.array_equal(one, estimator(n_components=3, random_state=0).fit_transform(graph))
