"""Shares of a split: fractions or whole numbers, and the generator that draws them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from graphx.errors import InputError

__all__ = ["check_shares", "count_of", "generator", "is_count"]


def generator(seed: int) -> np.random.Generator:
    """A generator of its own, so that the global random state neither matters nor changes."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"seed is {seed!r}; expected a whole number, not negative")
    return np.random.default_rng(int(seed))


def is_count(share: float | None) -> bool:
    """Whether a share is a whole number of things, not a fraction of them."""
    return isinstance(share, (int, np.integer))


def count_of(share: float, size: int) -> int:
    """A whole number as it is; of a fraction, written in decimals, exactly the floor of its product with `size`."""
    return int(share) if is_count(share) else int(Fraction(repr(float(share))) * size)


def check_shares(shares: Mapping[str, float | None]) -> None:
    """Refuses what is no share, and fractions that sum to more than one."""
    total = Fraction(0)
    for name, share in shares.items():
        if share is None:
            continue
        if isinstance(share, bool) or not (share >= 0 and (is_count(share) or share <= 1)):
            raise InputError(f"{name}={share}; expected a fraction in 0..1, or a whole number")
        total += 0 if is_count(share) else Fraction(repr(float(share)))
    if total > 1:
        given = ", ".join(f"{name}={share}" for name, share in shares.items())
        raise InputError(f"{given}: the fractions sum to {float(total):g}; expected at most 1")
