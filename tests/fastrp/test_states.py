"""States in float32 and bfloat16: every bit pattern, rounding to the nearest even, moments."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx import _core
from graphx.fastrp._states import GROUP, empty_state, moments, to_float32
from tests.strategies import seeds


def nearest_even(x: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """bfloat16 of finite float32, in whole numbers: half a unit is rounded to the even neighbour."""
    bits = x.view(np.uint32).astype(np.uint64)
    low, high = bits & 0xFFFF, bits >> 16
    up = (low > 0x8000) | ((low == 0x8000) & (high % 2 == 1))
    return (high + up).astype(np.uint16)


def test_every_bfloat16_widens_to_its_own_bits() -> None:
    every = np.arange(2**16, dtype=np.uint16).reshape(256, 256)
    wide = to_float32(every)
    assert np.array_equal(wide.view(np.uint32) >> 16, every)
    assert not (wide.view(np.uint32) & 0xFFFF).any()
    assert np.array_equal(to_float32(every, num_threads=3).view(np.uint32), wide.view(np.uint32))


def test_a_view_that_is_not_contiguous_widens_as_it_reads() -> None:
    every = np.arange(600, dtype=np.uint16).reshape(20, 30)
    for view in (every[::2], every[:, 3:9], every.T):
        assert np.array_equal(to_float32(view).view(np.uint32) >> 16, view)


def test_float32_is_itself() -> None:
    wide = np.ones((2, 2), np.float32)
    assert to_float32(wide) is wide


@pytest.mark.parametrize("columns", [1, 7, 15, 16, 17, 33])
@pytest.mark.parametrize("level", ["plain", "avx2", "avx512"])
def test_narrowing_rounds_to_the_nearest_even(columns: int, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHX_SIMD", level)
    rng = np.random.default_rng(columns)
    bits = rng.integers(0, 2**32, (300, columns), dtype=np.uint32)
    bits[::3] &= np.uint32(0xFFFF8000)  # many exact halves
    bits[1] = 0x00000001  # the smallest subnormal
    bits[2] = 0x80000000  # -0.0
    x = bits.view(np.float32)
    x[~np.isfinite(x)] = 0.5
    x[np.abs(x) > 3e38] = -2.0
    out = empty_state(300, columns, "bfloat16")
    _core.fastrp_narrow(x, out, 2)
    assert np.array_equal(out, nearest_even(x))


@given(st.integers(0, 70), st.integers(1, 40), seeds)
@settings(max_examples=40)
def test_moments_are_those_of_float64(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(rows, columns)) * 10.0 ** rng.integers(-3, 4, columns)).astype(np.float32)
    mean, deviation = moments(x, 2)
    if rows == 0:
        assert np.array_equal(mean, np.zeros(columns)) and np.array_equal(deviation, np.ones(columns))
        return
    wide = x.astype(np.float64)
    np.testing.assert_allclose(mean, wide.mean(0), rtol=1e-6, atol=1e-7 * np.abs(wide).max())
    expected = wide.std(0)
    flat = expected <= 1e-6 * np.abs(wide.mean(0))
    np.testing.assert_allclose(deviation, np.where(flat, 1, expected), rtol=1e-5)
    for threads in (1, 5):
        again = moments(x, threads)
        assert again[0].tobytes() == mean.tobytes() and again[1].tobytes() == deviation.tobytes()


def test_columns_without_spread_have_the_deviation_one() -> None:
    """By hand: constant, constant and large with the last bit changed, all zero, and one that does spread."""
    x = np.array([[3.0, 1e6, 0.0, 1.0], [3.0, 1e6 + 0.0625, 0.0, 3.0]], np.float32)
    mean, deviation = moments(x)
    assert mean.tolist() == [3.0, pytest.approx(1e6 + 0.03125, rel=1e-7), 0.0, 2.0]
    assert deviation.tolist() == [1.0, 1.0, 1.0, 1.0]
    assert moments(np.array([[1.0], [5.0]], np.float32))[1].tolist() == [2.0]


def test_a_large_mean_does_not_swallow_the_spread() -> None:
    """A sum of squares less the square of the mean would lose it in float32."""
    x = (4096 + np.random.default_rng(0).normal(size=(20_000, 3))).astype(np.float32)
    np.testing.assert_allclose(moments(x)[1], x.astype(np.float64).std(0), rtol=1e-6)


@pytest.mark.parametrize(("storage", "size"), [("float32", 4), ("bfloat16", 2)])
def test_room_for_a_state_begins_at_a_cache_line(storage: str, size: int) -> None:
    for shape in ((3, GROUP), (1, 1), (0, 5), (257, 3)):
        made = empty_state(*shape, storage)
        assert made.shape == shape and made.itemsize == size and made.flags.c_contiguous and made.flags.writeable
        assert made.size == 0 or made.ctypes.data % 64 == 0
