"""Dense work on tall blocks: inner products and bases against numpy, and the same bits for any number of threads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphx.fastrp._rows import Rows, eigh


def columns(seed: int, rows: int, width: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((rows, width)).astype(np.float32)


def scales(seed: int, rows: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(0.5, 2, rows).astype(np.float32)


@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.integers(1, 5))
def test_gram_is_the_inner_product_of_scaled_columns(seed: int, rows: int, width: int) -> None:
    x, y, scale = columns(seed, rows, width), columns(seed + 1, rows, width), scales(seed, rows)
    with Rows(scale, 1) as work:
        found = work.gram(x, y)
    expected = (x / scale[:, None]).astype(float).T @ (y / scale[:, None])
    assert np.allclose(found, expected, rtol=1e-5, atol=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(6, 60), st.integers(1, 6))
def test_orthonormal_columns_span_the_same(seed: int, rows: int, width: int) -> None:
    x, scale = columns(seed, rows, width), scales(seed, rows)
    before = x / scale[:, None]
    with Rows(scale, 1) as work:
        found, _ = work.orthonormal(x.copy(), np.empty_like(x))
        assert np.allclose(work.gram(found, found), np.eye(width), atol=1e-4)
    after = found / scale[:, None]
    assert np.allclose(after @ (after.T @ before), before, atol=1e-2 * np.abs(before).max())


def test_missing_ranks_are_zero_columns() -> None:
    x = np.ones((9, 3), np.float32) * np.float32([1, 2, 0])
    with Rows(np.ones(9, np.float32), 1) as work:
        found, _ = work.orthonormal(x, np.empty_like(x))
    lengths = np.sort(np.linalg.norm(found, axis=0))
    assert lengths == pytest.approx([0, 0, 1], abs=1e-5)
    assert np.allclose(np.abs(found[:, np.linalg.norm(found, axis=0) > 0.5]), 1 / 3, atol=1e-6)


def test_rows_without_scale_count_for_nothing() -> None:
    x = np.float32([[1], [5], [2]])
    with Rows(np.float32([1, 0, 0.5]), 1) as work:
        assert work.gram(x, x).tolist() == [[17.0]]  # 1 and (2 / .5)^2


def test_transform_in_place_keeps_the_other_columns() -> None:
    x = columns(0, 20_000, 3)
    expected = x @ np.float32([[2], [0], [1]])
    last = x[:, 1:].copy()
    with Rows(np.ones(len(x), np.float32), 2) as work:
        work.transform(x, np.array([[2.0], [0.0], [1.0]]), x)
    assert np.allclose(x[:, :1], expected, rtol=1e-6)
    assert np.array_equal(x[:, 1:], last)


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_same_sums_for_any_number_of_threads(threads: int) -> None:
    x, scale = columns(1, 50_000, 4), scales(1, 50_000)
    with Rows(scale, 1) as one, Rows(scale, threads) as many:
        assert np.array_equal(one.gram(x, x), many.gram(x, x))
        assert np.array_equal(
            one.orthonormal(x.copy(), np.empty_like(x))[0], many.orthonormal(x.copy(), np.empty_like(x))[0]
        )


def test_an_error_in_a_thread_is_raised() -> None:
    def fail(part: slice) -> None:
        if part.start:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Rows(np.ones(50_000, np.float32), 3) as work:
        work.each(fail)


def test_eigenvalues_of_what_is_symmetric_but_for_rounding() -> None:
    values, axes = eigh(np.array([[2.0, 1.0 + 1e-12], [1.0, 2.0]]))
    assert values == pytest.approx([1, 3])
    assert np.abs(axes) == pytest.approx(np.full((2, 2), np.sqrt(0.5)))
