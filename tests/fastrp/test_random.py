"""The random start: every number by itself, whatever the rows, columns, storage and threads of the call."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.fastrp._random import KINDS, density_of, node_ids, projection, sparse_projection
from graphx.graph import Graph
from tests.fastrp.test_states import nearest_even
from tests.reference import fastrp as reference
from tests.strategies import seeds

SPARSE = KINDS[:2]
some_ids = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=6, unique=True)


def dense(start: Any) -> Any:
    rows = np.repeat(np.arange(start.indptr.size - 1), np.diff(start.indptr))
    made = np.zeros((start.indptr.size - 1, start.n_columns), np.float32)
    made[rows, start.columns] = start.values
    return made


# -- ids ---------------------------------------------------------------------------------------------------------------


def test_ids_of_names() -> None:
    assert node_ids(Graph.from_edges([0], [1])) is None
    signed = node_ids(Graph.from_edges([0, 1], [1, 2], names=[-1, 0, 7]))
    assert signed is not None and signed.tolist() == [2**64 - 1, 0, 7]
    far = node_ids(Graph.from_edges([0], [1], names=np.array([2**64 - 1, 5], np.uint64)))
    assert far is not None and far.tolist() == [2**64 - 1, 5]
    words = ["a", "", "çelik", "a b"]
    texts = node_ids(Graph.from_edges([0, 1, 2], [1, 2, 3], names=words))
    expected = [int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little") for word in words]
    assert texts is not None and texts.tolist() == expected


@pytest.mark.parametrize(
    ("kind", "nodes", "density"),
    [("very_sparse", 0, 1.0), ("very_sparse", 1, 1.0), ("very_sparse", 10_000, 0.01), ("sparse", 5, 1 / 3)],
)
def test_densities(kind: str, nodes: int, density: float) -> None:
    assert density_of(kind, nodes) == pytest.approx(density)
    assert density_of("gaussian", nodes) == 0.0


# -- one number at a time ----------------------------------------------------------------------------------------------


@given(some_ids, st.integers(1, 40), st.sampled_from(KINDS), seeds, st.integers(1, 10**6))
@settings(max_examples=60)
def test_any_ids_have_the_numbers_of_the_reference(ids: list[int], d: int, kind: str, seed: int, nodes: int) -> None:
    made = projection(np.array(ids, np.uint64), d, kind, seed, num_nodes=nodes)
    np.testing.assert_allclose(made, reference.projection(ids, d, kind, seed, nodes), atol=1e-6, rtol=1e-6)


@given(some_ids, st.integers(1, 40), st.sampled_from(SPARSE), seeds, st.integers(1, 3000), st.integers(1, 4))
@settings(max_examples=60)
def test_the_sparse_form_holds_the_entries_of_the_dense_one(
    ids: list[int], d: int, kind: str, seed: int, nodes: int, threads: int
) -> None:
    rows = np.array(ids, np.uint64)
    scale = np.linspace(0.5, 2, rows.size).astype(np.float32)
    options: dict[str, Any] = {"num_nodes": nodes, "rows_scale": scale, "num_threads": threads}
    whole = projection(rows, d, kind, seed, **options)
    start = sparse_projection(rows, d, kind, seed, **options)
    assert np.array_equal(dense(start), whole)
    assert start.values.all() and start.indptr[0] == 0 and start.indptr[-1] == start.columns.size
    for row in range(rows.size):
        assert (np.diff(start.columns[start.indptr[row] : start.indptr[row + 1]]) > 0).all()


@given(st.integers(0, 50), st.integers(1, 33), st.integers(0, 33), st.integers(0, 33), st.sampled_from(KINDS), seeds)
@settings(max_examples=60)
def test_any_rows_and_columns_are_a_part_of_the_whole(
    first: int, count: int, one: int, two: int, kind: str, seed: int
) -> None:
    begin, end = sorted((one, two))
    if begin == end:
        return
    whole = projection(first + count, 33, kind, seed, num_nodes=90)
    part = projection(count, 33, kind, seed, num_nodes=90, columns=(begin, end), first=first)
    assert np.array_equal(part, whole[first:, begin:end])
    by_ids = projection(np.arange(first, first + count, dtype=np.uint64), 33, kind, seed, num_nodes=90)
    assert np.array_equal(by_ids[:, begin:end], part)
    if kind in SPARSE:
        sparse = sparse_projection(count, 33, kind, seed, num_nodes=90, columns=(begin, end), first=first)
        assert sparse.n_columns == end - begin and np.array_equal(dense(sparse), part)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", [1, 15, 16, 17, 64, 65])
def test_bfloat16_is_float32_rounded_once(kind: str, d: int) -> None:
    scale = np.linspace(0.01, 5, 257).astype(np.float32)
    wide = projection(257, d, kind, 11, num_nodes=257, rows_scale=scale)
    half = projection(257, d, kind, 11, num_nodes=257, rows_scale=scale, storage="bfloat16")
    assert np.array_equal(half, nearest_even(wide))


@pytest.mark.parametrize("kind", KINDS)
def test_same_bits_for_any_threads_and_instructions(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for threads, level in ((1, "plain"), (2, "avx2"), (7, "avx512")):
        monkeypatch.setenv("GRAPHX_SIMD", level)
        seen.add(projection(1025, 37, kind, 5, num_nodes=1025, num_threads=threads).tobytes())
    assert len(seen) == 1


# -- as a distribution -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_rows_have_unit_length_in_the_mean_and_columns_no_bias(kind: str) -> None:
    rows, d = 4000, 64
    x = projection(rows, d, kind, 1, num_nodes=rows).astype(np.float64)
    squares = (x**2).sum(1)
    error = squares.std() / np.sqrt(rows)
    assert abs(squares.mean() - 1) < 5 * error
    assert abs(x.mean()) < 5 * x.std() / np.sqrt(x.size)
    gram = x.T @ x / rows * d  # columns are uncorrelated: off the diagonal nothing but noise
    assert np.abs(gram - np.diag(np.diag(gram))).max() < 8 * np.sqrt(np.median(np.diag(gram)) ** 2 / rows) * (
        3 if kind == "very_sparse" else 1
    )


@given(seeds)
@settings(max_examples=10)
def test_seeds_and_nodes_are_told_apart(seed: int) -> None:
    one, other = (projection(30, 32, "gaussian", s, num_nodes=30) for s in (seed, seed + 1))
    assert not (one == other).any(axis=1).all()
    assert len({row.tobytes() for row in np.vstack([one, other])}) == 60
