"""How many threads a kernel gets."""

from __future__ import annotations

import os

import numpy as np
import pytest

from graphx._threads import resolve_threads
from graphx.errors import InputError


def test_processors_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 5}, raising=False)
    assert resolve_threads(None) == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert resolve_threads(None) == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert resolve_threads(None) == 1


def test_a_number_is_taken_up_to_a_bound() -> None:
    assert (resolve_threads(1), resolve_threads(10**9)) == (1, 1024)
    for wrong in (0, -1, True, 2.0, "2"):
        with pytest.raises(InputError, match="expected a positive integer, or None for all processors"):
            resolve_threads(wrong)  # type: ignore[arg-type]


def test_integers_of_numpy_are_numbers_of_threads() -> None:
    assert resolve_threads(np.int64(3)) == 3 and type(resolve_threads(np.uint8(3))) is int
    for wrong in (True, np.True_, 2.0, np.float64(2), "2", 0, np.int64(-1)):
        with pytest.raises(InputError, match="expected a positive integer, or None for all processors of this process"):
            resolve_threads(wrong)
