"""Plain torch's way: chunks of any size give the same, sums and their transpose, keys and matrices of booleans."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.nn.linkpred import _torch
from graphx.nn.linkpred._torch import Query, edge_keys, edge_matrix, spread, sums
from graphx.nn.linkpred.common_neighbors import make_query
from tests.nn.linkpred.graphs import adjacency_of, extension, random_dense, random_pairs, seeds


@pytest.mark.parametrize("chunk", [1, 2, 7, 64])
@settings(deadline=None, max_examples=15)
@given(seed=seeds, size=st.integers(1, 10), weighted=st.booleans(), other=st.booleans(), exclude=st.booleans())
def test_chunks_of_any_size_are_one(
    chunk: int, seed: int, size: int, weighted: bool, other: bool, exclude: bool
) -> None:
    """Pairs without neighbours at the beginning, in the middle and at the end of chunks too."""
    dense = random_dense(seed, size, 0.4, weighted=weighted)
    second = adjacency_of(random_dense(seed + 2, size, 0.2)) if other else None
    node_weights = torch.rand(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    with extension(False):
        query = make_query(
            adjacency_of(dense), random_pairs(seed, size, 30), other=second, exclude=exclude and not other
        )
    found, whole = [], _torch.CHUNK
    for entries in (whole, chunk):
        _torch.CHUNK = entries
        try:
            rowptr, columns, values = _torch.lists(query)
            found.append([_torch.count(query), _torch.score(query, node_weights), rowptr, columns])
            found[-1] += [*_torch.differences(query), *([] if values is None else [values])]
        finally:
            _torch.CHUNK = whole
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
    assert torch.equal(found[0][0], found[0][2].diff()) and found[0][3].dtype == torch.int32


@settings(deadline=None, max_examples=30)
@given(seed=seeds, size=st.integers(1, 8), columns=st.integers(1, 8))
def test_keys_and_booleans_are_the_matrix(seed: int, size: int, columns: int) -> None:
    dense = random_dense(seed, size, columns=columns)
    made = adjacency_of(dense)
    ends = dense.nonzero()
    assert torch.equal(edge_keys(made.indptr, made.indices, columns), ends[:, 0] * columns + ends[:, 1])
    assert torch.equal(edge_matrix(made.indptr, made.indices, columns), dense != 0)


@pytest.mark.parametrize("weighted", [False, True])
@settings(deadline=None, max_examples=20)
@given(seed=seeds, rows=st.integers(0, 6), columns=st.integers(1, 7))
def test_sums_over_lists_and_their_transpose(seed: int, rows: int, columns: int, weighted: bool) -> None:
    dense = random_dense(seed, rows, columns=columns, weighted=weighted)
    made = adjacency_of(dense)
    values = dense[dense != 0] if weighted else None
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(columns, 3, generator=generator, dtype=torch.float64)
    grad = torch.randn(rows, 3, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(sums(made.indptr, made.indices, values, x), dense @ x)
    torch.testing.assert_close(spread(made.indptr, made.indices, values, grad, columns), dense.t() @ grad)
    empty = torch.zeros(0, dtype=torch.float64)  # as operators, which know no None, say that there are no weights
    if not weighted:
        torch.testing.assert_close(sums(made.indptr, made.indices, empty, x), dense @ x)


def test_the_longer_matrix_is_looked_up() -> None:
    """Of two matrices that with fewer entries in the rows asked for is expanded; sides keep their order."""
    few, many = random_dense(2, 5, 0.2, weighted=True) * 2, random_dense(4, 5, 0.9, weighted=True)
    pairs = random_pairs(0, 5, 12)
    for first, second in ((few, many), (many, few)):
        with extension(False):
            query: Query = make_query(adjacency_of(first), pairs, other=adjacency_of(second))
        rowptr, columns, values = _torch.lists(query)
        hits = first[pairs[0]] * second[pairs[1]]
        assert torch.equal(columns.long(), hits.nonzero()[:, 1]) and torch.equal(rowptr.diff(), (hits != 0).sum(1))
        assert values is not None and torch.equal(values, hits[hits != 0])
        only, rest = (
            ((first[pairs[0]] != 0) & (second[pairs[1]] == 0)),
            (second[pairs[1]] != 0) & (first[pairs[0]] == 0),
        )
        found = _torch.differences(query)
        assert torch.equal(found[1].long(), only.nonzero()[:, 1]) and torch.equal(found[3].long(), rest.nonzero()[:, 1])
