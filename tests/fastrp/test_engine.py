"""The passes of FastRP against dense numpy: single hops, every pattern of weights, any cut into rows and columns."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.fastrp._engine import (
    GROUP,
    Walk,
    accumulate,
    empty_state,
    hops,
    merge_hops,
    projection,
    propagate,
    sparse_projection,
    to_float32,
    walk_of,
)
from graphx.graph import Graph
from tests.graphs import barabasi_albert
from tests.reference import fastrp as reference
from tests.strategies import seeds

_RNG = np.random.default_rng(2)
WEIGHTED = Graph.from_edges(
    _RNG.integers(0, 200, 900), _RNG.integers(0, 200, 900), _RNG.random(900) + 0.1, num_nodes=260, directed=True,
    duplicates="sum",
)  # fmt: skip
HUB = Graph.from_edges(np.zeros(299, np.int64), np.arange(1, 300), num_nodes=301)
GRAPHS = {"plain": barabasi_albert(257, 4).graph, "weighted": WEIGHTED, "hub": HUB}


def matrix_of(walk: Walk, columns: int) -> npt.NDArray[np.float64]:
    """D^-1 A as a dense matrix, entry by entry."""
    made = np.zeros((walk.num_rows, columns))
    for row in range(walk.num_rows):
        for entry in range(int(walk.indptr[row]), int(walk.indptr[row + 1])):
            made[row, walk.indices[entry]] += 1.0 if walk.weights is None else walk.weights[entry] * walk.weights_scale
        total = float(np.diff(walk.indptr)[row]) if walk.weights is None or walk.by_count else made[row].sum()
        if total:
            made[row] /= total
    return made


def start_of(rows: int, d: int, seed: int = 0, storage: str = "float32") -> Any:
    return projection(rows, d, "gaussian", seed, num_nodes=rows, storage=storage)


# -- one pass ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("convention", ["paper", "gds"])
@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("d", [1, 16, 19, 130])
def test_a_hop_is_the_product_with_a_dense_matrix(name: str, convention: str, d: int) -> None:
    walk = walk_of(GRAPHS[name], convention)
    x = start_of(walk.num_rows, d)
    out = empty_state(walk.num_rows, d)
    propagate(walk, x, out, num_threads=2)
    np.testing.assert_allclose(out, matrix_of(walk, walk.num_rows) @ x.astype(np.float64), atol=2e-6)


@given(
    st.sampled_from(sorted(GRAPHS)), st.integers(1, 40), st.sampled_from([0.0, 0.5, -2.0]),
    st.sampled_from([0.0, 1.0, -0.25]), st.booleans(), st.booleans(), st.booleans(), seeds,
)  # fmt: skip
@settings(max_examples=30)
def test_what_a_pass_adds_to_the_output(
    name: str, d: int, own: float, new: float, add: bool, normalize: bool, kept: bool, seed: int
) -> None:
    walk = walk_of(GRAPHS[name])
    x = start_of(walk.num_rows, d, seed)
    before = np.random.default_rng(seed).normal(size=x.shape).astype(np.float32)
    out = empty_state(*x.shape)
    out[:] = before
    target = empty_state(*x.shape) if kept else None
    propagate(walk, x, target, out=out, own_weight=own, new_weight=new, add=add, normalize=normalize, num_threads=3)
    wide = x.astype(np.float64)
    made = matrix_of(walk, len(x)) @ wide
    expected = reference.merged([wide, made], [own, new], normalize=normalize) + (before if add else 0)
    np.testing.assert_allclose(out, expected, atol=2e-5)
    if target is not None:
        np.testing.assert_allclose(target, made, atol=2e-6)


@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
@pytest.mark.parametrize("d", [3, 16, 70])
def test_a_sparse_start_gives_the_hop_of_the_dense_one(storage: str, d: int) -> None:
    walk = walk_of(WEIGHTED)
    rows = walk.num_rows
    start = sparse_projection(rows, d, "very_sparse", 3, num_nodes=10_000)
    whole = projection(rows, d, "very_sparse", 3, num_nodes=10_000)
    expected = matrix_of(walk, rows) @ whole.astype(np.float64)
    target = empty_state(rows, d, storage)
    out = np.zeros((rows, d), np.float32)
    propagate(walk, start, target, out=out, own_weight=0.5, new_weight=2.0, num_threads=2)
    coarse = storage == "bfloat16"
    np.testing.assert_allclose(to_float32(target), expected, rtol=2**-8 if coarse else 1e-5, atol=1e-6)
    merged = reference.merged([whole.astype(np.float64), expected], [0.5, 2.0], normalize=True)
    np.testing.assert_allclose(out, merged, atol=2e-2 if coarse else 2e-6)


@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
@pytest.mark.parametrize("normalize", [True, False])
def test_accumulate_adds_what_a_pass_adds(storage: str, normalize: bool) -> None:
    walk = walk_of(GRAPHS["hub"])
    x = start_of(walk.num_rows, 21, storage=storage)
    target, passed = empty_state(*x.shape, storage), np.zeros(x.shape, np.float32)
    propagate(walk, x, target, out=passed, own_weight=0.75, normalize=normalize)
    alone = np.full(x.shape, 7, np.float32)
    accumulate(alone, x, 0.75, normalize=normalize, add=False, num_threads=2)
    assert alone.tobytes() == passed.tobytes()
    accumulate(alone, x, -0.75, normalize=normalize)
    assert not alone.any()


# -- every pattern of weights ------------------------------------------------------------------------------------------

PATTERNS = [pattern for q in range(5) for pattern in itertools.product((0.0, 1.5), repeat=q + 1) if any(pattern)]


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
def test_merging_in_few_passes_is_the_sum_of_all_states(storage: str, sparse: bool) -> None:
    """All 57 patterns of up to four hops: the states wait, borrow the output and alternate in every way there is."""
    walk, d = walk_of(GRAPHS["plain"]), 18
    options: dict[str, Any] = {"num_nodes": 500}
    start: Any = (
        sparse_projection(walk.num_rows, d, "very_sparse", 1, **options)
        if sparse
        else projection(walk.num_rows, d, "very_sparse", 1, storage=storage, **options)
    )
    kept = "float32" if sparse else storage
    own = to_float32(projection(walk.num_rows, d, "very_sparse", 1, storage=kept, **options))
    states = [own, *(to_float32(state).copy() for state in hops(walk, start, 4, storage=storage, num_threads=2))]
    for pattern in PATTERNS:
        for normalize in (True, False):
            made = merge_hops(walk, start, pattern, storage=storage, normalize=normalize, num_threads=2)
            wide = [state.astype(np.float64) for state in states[: len(pattern)]]
            expected = reference.merged(wide, pattern, normalize=normalize)
            coarse = storage == "bfloat16"  # the last state that counts is summed before it is rounded
            np.testing.assert_allclose(made, expected, atol=2e-2 if coarse else 5e-6, err_msg=str(pattern))


def test_trailing_weights_of_zero_cost_nothing() -> None:
    told: list[Any] = []
    walk, start = walk_of(GRAPHS["plain"]), start_of(257, 8)
    short = merge_hops(walk, start, (0, 1.0), progress=lambda *what: told.append(what))
    assert {stage for stage, *_ in told} == {"hop 1 of 1"}
    assert np.array_equal(merge_hops(walk, start, (0, 1.0, 0, 0)), short)


def test_the_output_is_the_array_given() -> None:
    walk, start = walk_of(GRAPHS["plain"]), start_of(257, 8)
    out = np.full((257, 8), np.nan, np.float32)
    assert merge_hops(walk, start, (0, 0, 0, 1.0, 1.0), out=out) is out
    assert np.array_equal(out, merge_hops(walk, start, (0, 0, 0, 1.0, 1.0)))


def test_states_stay_until_the_next_but_one() -> None:
    walk, start = walk_of(GRAPHS["plain"]), start_of(257, 8)
    made = hops(walk, start, 3)
    first = next(made)
    kept = first.copy()
    second = next(made)
    assert np.array_equal(first, kept) and not np.shares_memory(first, second)
    assert np.shares_memory(next(made), first)
    assert list(made) == [] and list(hops(walk, start, 0)) == [] and list(hops(walk, start, -1)) == []


# -- the same bits however it is cut -----------------------------------------------------------------------------------


@given(st.sampled_from(sorted(GRAPHS)), st.lists(st.integers(0, 257), max_size=4), st.sampled_from([1, 3]))
@settings(max_examples=25)
def test_any_cut_into_blocks_of_rows_gives_the_same_bits(name: str, cuts: list[int], threads: int) -> None:
    for convention in ("paper", "gds"):
        walk = walk_of(GRAPHS[name], convention)
        x = start_of(walk.num_rows, 35)
        whole, added = empty_state(*x.shape), np.zeros(x.shape, np.float32)
        propagate(walk, x, whole, out=added, own_weight=0.5, new_weight=1.5)
        bounds = sorted({0, *cuts, walk.num_rows})
        for start, stop in itertools.pairwise(bounds):
            part, own = empty_state(stop - start, 35), np.zeros((stop - start, 35), np.float32)
            propagate(walk.block(start, stop), x, part, out=own, own_weight=0.5, new_weight=1.5, num_threads=threads)
            assert part.tobytes() == whole[start:stop].tobytes()
            assert own.tobytes() == added[start:stop].tobytes()


@pytest.mark.parametrize("level", ["plain", "avx2", "avx512"])
@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
def test_any_tiles_of_columns_give_the_same_bits(storage: str, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHX_SIMD", level)
    walk, d = walk_of(WEIGHTED), 5 * GROUP + 3
    whole = [state.copy() for state in hops(walk, start_of(walk.num_rows, d, storage=storage), 3, storage=storage)]
    for width in (GROUP, 2 * GROUP, 4 * GROUP):
        for begin in range(0, d, width):
            columns = (begin, min(d, begin + width))
            start = projection(
                walk.num_rows, d, "gaussian", 0, num_nodes=walk.num_rows, storage=storage, columns=columns
            )
            for state, tile in zip(whole, hops(walk, start, 3, storage=storage), strict=True):
                assert np.array_equal(tile, state[:, slice(*columns)])


def test_progress_tells_rows_of_each_hop_and_stops() -> None:
    told: list[tuple[str, int, int]] = []
    walk, start = walk_of(GRAPHS["plain"]), start_of(257, 4)
    list(hops(walk, start, 2, progress=lambda *what: told.append(what)))
    assert all(0 <= done <= total == 257 for _, done, total in told)
    assert {stage for stage, *_ in told} <= {"hop 1 of 2", "hop 2 of 2"}
    merge_hops(walk, start, (0, 0, 1.0), progress=lambda *what: told.append(what))
    assert [what for what in told if what[1] == 257][-2:] == [("hop 1 of 2", 257, 257), ("hop 2 of 2", 257, 257)]
