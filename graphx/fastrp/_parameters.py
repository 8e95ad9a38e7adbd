"""Checks of FastRP's parameters, shared by its estimators."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from graphx._threads import resolve_threads
from graphx.errors import InputError
from graphx.fastrp._random import KINDS
from graphx.fastrp._states import STORAGE

if TYPE_CHECKING:
    from graphx.fastrp.fastrp import FastRP

_LARGEST = float(np.finfo(np.float32).max)

__all__ = ["_integer", "_number", "_one_of", "_seed", "check_parameters"]


def check_parameters(model: FastRP) -> None:
    """Whether the parameters of an estimator can be used.

    Args:
        model: The estimator.

    Raises:
        InputError: One cannot; tells which, and what can.
    """
    _integer("n_components", model.n_components, 1)
    _integer("refine", model.refine, 0)
    _integer("oversample", model.oversample, 1)
    _one_of("spectrum", model.spectrum, ("both", "positive"))
    _one_of("projection", model.projection, (*KINDS, None))
    _one_of("convention", model.convention, ("paper", "gds"))
    _one_of("storage", model.storage, tuple(STORAGE))
    _number("normalization_strength", model.normalization_strength)
    _number("self_influence", model.self_influence)
    _number("feature_ratio", model.feature_ratio)
    if not 0 <= model.feature_ratio <= 1:
        raise InputError(f"feature_ratio is {model.feature_ratio}; expected a number from 0 to 1")
    weights = model.iteration_weights
    if isinstance(weights, (str, numbers.Number)) or np.ndim(weights) != 1 or len(weights) == 0:
        raise InputError(f"iteration_weights are {weights!r}; expected one number for each hop, such as (0, 0, 1, 1)")
    for weight in weights:
        _number("an iteration weight", weight)
    if sum(abs(float(weight)) for weight in (*weights, model.self_influence)) > _LARGEST:
        raise InputError(
            f"iteration_weights are {tuple(weights)} and self_influence is {model.self_influence}; expected numbers "
            "whose sum float32 holds: divide all of them by the largest"
        )
    if not any(weights) and not model.self_influence:
        raise InputError(
            f"iteration_weights are {tuple(weights)} and self_influence is 0, so every vector would be zero; "
            "expected one of them not to be 0"
        )
    if model.spectrum != "both" and not model.refine:
        raise InputError(f"spectrum is {model.spectrum!r} and refine is 0; expected refine=8 or so, or spectrum='both'")
    resolve_threads(model.num_threads)


def _seed(random_state: Any) -> int:
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(0, 2**63 - 1, dtype=np.int64))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(0, 2**63 - 1))
    _integer("random_state", random_state, 0)
    if random_state >= 2**64:
        raise InputError(f"random_state is {random_state}; expected less than 2^64")
    return int(random_state)


def _integer(name: str, value: Any, low: int) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < low:
        raise InputError(f"{name} is {value!r}; expected an integer of at least {low}")


def _number(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not np.isfinite(float(value)):
        raise InputError(f"{name} is {value!r}; expected a finite number")


def _one_of(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    if value not in choices:
        raise InputError(f"{name} is {value!r}; expected one of {', '.join(map(repr, choices))}")
