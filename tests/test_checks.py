"""The checks at the door of Graph: numbers at the ends of their types, names of every kind, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphx._checks import (
    checked_names,
    edge_weights,
    finite,
    frozen,
    integer_array,
    node_count,
    node_numbers,
    positive_integers,
    same_names,
    typed,
)
from graphx.errors import CapacityError, InputError
from graphx.graph import Graph

INT_TYPES = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]

# -- numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0, -3, True, 1.0, "1", None, np.int64(1)])
def test_what_is_no_positive_integer_is_named(bad: Any) -> None:
    positive_integers(width=1, depth=2**70)
    with pytest.raises(InputError) as raised:
        positive_integers(width=1, depth=bad, height=0)
    assert str(raised.value) == f"depth is {bad!r}; expected a positive integer"


# -- weights -----------------------------------------------------------------------------------------------------------


@given(st.sampled_from(INT_TYPES), st.data())
def test_integer_weights_are_exact_or_refused(kind: Any, data: st.DataObject) -> None:
    """float(int) of Python rounds as numpy does, and compares exactly with the integer."""
    low, high = int(np.iinfo(kind).min), int(np.iinfo(kind).max)
    near = st.sampled_from([low, high, 0, *(x for x in (2**53, 2**53 + 1, 2**54, 2**63 - 1, 2**63) if x <= high)])
    numbers = data.draw(st.lists(near | st.integers(low, high), min_size=1, max_size=5))
    array = np.array(numbers, dtype=kind)
    if all(int(float(number)) == number for number in numbers):
        found = edge_weights(array, len(numbers))
        assert found.dtype == np.float64 and [int(x) for x in found] == numbers
    else:
        with pytest.raises(InputError, match=r"integer weights beyond 2\^53 do not fit float64 exactly"):
            edge_weights(array, len(numbers))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, np.nan], "weight nan at position 1; expected finite numbers: remove or replace it"),
        ([-np.inf, 1.0], "weight -inf at position 0"),
        ([1.0], "1 weights for 2 edges; expected as many of one as of the other"),
        ([[1.0, 2.0]], r"weights have shape \(1, 2\) and type float64; expected one dimension of real numbers"),
        (["1", "2"], "and type <U1; expected one dimension of real numbers"),
        ([1j, 2], "and type complex128"),
        ([None, 1.0], "and type object"),
        (np.ones(2, np.longdouble), r"weights are float128; expected at most 64 bits: convert them with"),
    ],
)
def test_weights_that_are_none(weights: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        edge_weights(weights, 2)
    with pytest.raises(InputError, match=message):
        Graph.from_edges([0, 1], [1, 2], weights)


def test_weights_of_small_types_and_flags() -> None:
    assert edge_weights([True, False], 2).tolist() == [1.0, 0.0]
    assert edge_weights(np.array([0.1], np.float32), 1)[0] == float(np.float32(0.1))
    given_weights = np.array([-0.0, 2.0])
    found = edge_weights(given_weights, 2)
    assert not np.signbit(found).any() and np.signbit(given_weights[0]) and not np.shares_memory(found, given_weights)


# -- node numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([0.0, 1.0], "u have shape .* and type float64; expected one dimension of integers 0..N-1"),
        ([True, False], "and type bool"),
        ([[0, 1]], r"u have shape \(1, 2\)"),
        (["a"], "numpy.unique"),
        ([3, -1], "u hold the node number -1; expected 0..N-1: remove or renumber negative nodes"),
        ([2**31 - 1], r"u hold the node number 2147483647; expected at most 2\^31 - 2"),
        (np.array([2**64 - 1], np.uint64), "u hold the node number 18446744073709551615"),
        (np.zeros((0, 2), int), r"u have shape \(0, 2\)"),
    ],
)
def test_node_numbers_that_are_none(numbers: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        node_numbers(numbers, "u")


@pytest.mark.parametrize("kind", INT_TYPES)
def test_node_numbers_of_any_integer_type(kind: Any) -> None:
    found = node_numbers(np.array([5, 0, 127], kind)[::-1], "u")
    assert found.tolist() == [127, 0, 5] and found.dtype == np.int64 and found.flags.c_contiguous
    assert node_numbers([], "u").dtype == np.int64  # numpy makes floats of an empty list


@pytest.mark.parametrize(
    ("edges", "asked", "names", "count"),
    [
        ([], None, None, 0),
        ([], 4, None, 4),
        ([2, 0], None, None, 3),
        ([2, 0], 7, None, 7),
        ([2, 0], np.int32(3), None, 3),
        ([1, 0], None, ("a", "b", "c"), 3),
        ([1, 0], 3, ("a", "b", "c"), 3),
    ],
)
def test_numbers_of_nodes(edges: list[int], asked: Any, names: Any, count: int) -> None:
    array = np.array(edges, dtype=np.int64)
    assert node_count(array, array, asked, names) == count


@pytest.mark.parametrize(
    ("asked", "names", "error", "message"),
    [
        (2, None, InputError, "an edge uses node number 2; expected below num_nodes=2: raise num_nodes"),
        (None, ("a",), InputError, "an edge uses node number 2; expected below num_nodes=1"),
        (4, ("a", "b", "c"), InputError, "3 names and num_nodes=4; expected one name for each node"),
        (-1, None, InputError, "num_nodes is -1; expected a non-negative integer or None"),
        (True, None, InputError, "num_nodes is True"),
        (3.0, None, InputError, "num_nodes is 3.0"),
        (2**31, None, CapacityError, "num_nodes is 2,147,483,648; expected at most"),
    ],
)
def test_numbers_of_nodes_that_do_not_fit(asked: Any, names: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        node_count(np.array([2]), np.array([0]), asked, names)


# -- names -------------------------------------------------------------------------------------------------------------

wide_integers = st.integers(-(2**64), 2**65) | st.sampled_from([-(2**63), 2**63 - 1, 2**63, 2**64 - 1, 2**64, 0, -1])


@given(st.lists(wide_integers, min_size=1, max_size=6, unique=True))
def test_integer_array_of_any_width_are_exact_or_refused(numbers: list[int]) -> None:
    fits_signed = all(-(2**63) <= n < 2**63 for n in numbers)
    fits_unsigned = all(0 <= n < 2**64 for n in numbers)
    array = integer_array(numbers)
    if not (fits_signed or fits_unsigned):
        assert array is None
        with pytest.raises(InputError, match="do not fit 64 bits together; expected ones that do, or strings"):
            checked_names(numbers, None)  # type: ignore[arg-type]
        return
    assert array is not None and array.tolist() == numbers
    assert array.dtype == (np.int64 if fits_signed else np.uint64)
    found = checked_names(numbers, len(numbers))  # type: ignore[arg-type]
    assert isinstance(found, np.ndarray) and found.tolist() == numbers and not found.flags.writeable


def test_small_unsigned_arrays_become_signed_and_large_ones_stay() -> None:
    small, large = (checked_names(np.array([n, 1], np.uint64), 2) for n in (7, 2**63))
    assert isinstance(small, np.ndarray) and small.dtype == np.int64
    assert isinstance(large, np.ndarray) and large.dtype == np.uint64 and large.tolist() == [2**63, 1]
    assert same_names(small, checked_names([7, 1], 2)) and not same_names(small, large)  # type: ignore[arg-type]
    assert not same_names(("7", "1"), small) and same_names(None, None) and not same_names(None, ())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("ab", "names is the string 'ab'; expected a sequence with one name for each node"),
        (["a"], "1 names for 2 nodes; expected one for each"),
        (["a", "a"], "the name 'a' is that of two nodes; expected different names"),
        ([3, 3], "an integer id names two nodes"),
        (["a", 1], "the name 1 is a int; expected strings, or integers throughout"),
        ([True, False], "the name True is a bool"),
        ([True, 2], "the name True is a bool"),
        ([1.0, 2.0], "the name 1.0 is a float"),
        (np.array([0.5, 1.5]), "is a float64"),
        (np.array([[1, 2], [3, 4]]), "is a ndarray"),
        ([None, "a"], "the name None is a NoneType"),
    ],
)
def test_names_that_are_none(names: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        checked_names(names, 2)


def test_strings_of_numpy_are_strings() -> None:
    found = checked_names(np.array(["b", "a"]), 2)
    assert found == ("b", "a") and all(type(name) is str for name in found)
    assert checked_names(np.array(["b", "a"], dtype=object), 2) == found
    assert checked_names([], 0) == () and checked_names(None, 5) is None


# -- arrays ------------------------------------------------------------------------------------------------------------


def test_arrays_of_the_exact_type_are_taken_as_they_are() -> None:
    good = np.arange(3)
    assert typed(good, np.int64, "indptr") is good
    assert typed(np.arange(6)[::2], np.int64, "indptr").flags.c_contiguous
    view = frozen(good)
    assert np.shares_memory(view, good) and not view.flags.writeable and good.flags.writeable
    for bad, message in (
        ([1], "x is a list; expected a numpy array of int64"),
        (np.zeros((1, 1), np.int64), r"x has shape \(1, 1\); expected one dimension"),
        (np.zeros(1, np.int32), r"x is int32; expected int64, as x.astype\(np.int64\) gives"),
        (np.zeros(1, ">i8"), "x is int64|x is >i8"),
    ):
        with pytest.raises(InputError, match=message):
            typed(bad, np.int64, "x")
    with pytest.raises(InputError, match="2 weights for 3 edges"):
        finite(np.ones(2), 3)
