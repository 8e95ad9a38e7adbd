"""Shares: fractions are what is written in decimals, counts are counts, and nothing is taken twice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphx.data._shares import check_shares, count_of, generator, is_count
from graphx.errors import InputError


@given(st.integers(0, 1000), st.integers(0, 10**7))
def test_a_share_in_decimals_is_exactly_its_floor(thousandths: int, size: int) -> None:
    """0.29 * 100 is 28.999... in floats; the floor of what was written is 29."""
    share = float(Decimal(thousandths) / 1000)
    assert count_of(share, size) == thousandths * size // 1000
    assert count_of(np.float64(share), size) == thousandths * size // 1000


@pytest.mark.parametrize(("share", "size", "count"), [(0.29, 100, 29), (0.1, 3, 0), (1.0, 7, 7), (1, 7, 1), (9, 7, 9)])
def test_counts_by_hand(share: float, size: int, count: int) -> None:
    assert count_of(share, size) == count


def test_whole_numbers_are_counts() -> None:
    assert is_count(3) and is_count(np.int64(3)) and is_count(0)
    assert not is_count(3.0) and not is_count(None) and not is_count(np.float32(1))


@pytest.mark.parametrize(
    "shares", [{"a": 0.1, "b": 0.2, "c": 0.7}, {"a": 1.0, "b": 5}, {"a": None, "b": 0}, {}, {"a": 0.9999}]
)
def test_shares_that_fit(shares: dict[str, Any]) -> None:
    check_shares(shares)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        (
            {"a": 0.1, "b": 0.2, "c": 0.70001},
            "a=0.1, b=0.2, c=0.70001: the fractions sum to 1.00001; expected at most 1",
        ),
        ({"val": 1.5}, "val=1.5; expected a fraction in 0..1, or a whole number"),
        ({"val": -1}, "val=-1; expected a fraction"),
        ({"val": -0.1}, "val=-0.1"),
        ({"val": float("nan")}, "val=nan"),
        ({"val": True}, "val=True"),
    ],
)
def test_shares_that_do_not(shares: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_shares(shares)


@pytest.mark.parametrize("seed", [-1, 1.0, "1", None, True])
def test_seeds_that_are_none(seed: Any) -> None:
    with pytest.raises(InputError, match="expected a whole number, not negative"):
        generator(seed)


def test_a_seed_is_all_there_is() -> None:
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    assert generator(5).integers(2**60) == generator(np.int32(5)).integers(2**60) != generator(6).integers(2**60)
    assert np.array_equal(np.random.get_state()[1], before)
