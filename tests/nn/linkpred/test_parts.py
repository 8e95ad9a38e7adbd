"""What predictors are made of: two steps against A @ A, sums over differences, modes that come back."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from graphx.errors import InputError
from graphx.nn.linkpred._parts import (
    TwoHops,
    check_nodes,
    common_weight,
    difference_sums,
    evaluating,
    mlp,
    not_linked,
    question,
    question_of_two_kinds,
    square_adjacency,
    sum_rows,
)
from graphx.nn.linkpred.common_neighbors import make_query
from tests.nn.linkpred.graphs import DIAMOND, adjacency_of, extension, random_dense, random_pairs, seeds

PAIRS = torch.tensor([[0, 1], [3, 2]])


@settings(deadline=None, max_examples=30)
@given(
    seed=seeds,
    size=st.integers(1, 9),
    weighted=st.booleans(),
    exclude=st.sampled_from([None, True]),
    enabled=st.booleans(),
)
def test_two_steps_are_the_rows_of_the_square(
    seed: int, size: int, weighted: bool, exclude: bool | None, enabled: bool
) -> None:
    """Two steps are a set, whatever the weights; one step counts by its weight."""
    dense, pairs = random_dense(seed, size, weighted=weighted), random_pairs(seed, size, 12)
    x = torch.randn(size, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    with extension(enabled):
        query = make_query(adjacency_of(dense), pairs, exclude=exclude)
        two = TwoHops(query)
        seen = dense.clone()
        if exclude:
            seen[pairs[0], pairs[1]] = seen[pairs[1], pairs[0]] = 0
        steps = {1: seen, 2: ((seen != 0).double() @ (seen != 0).double() > 0).double()}
        for a in (1, 2):
            for b in (1, 2):
                wanted = (steps[a][pairs[0]] * steps[b][pairs[1]]) @ x
                torch.testing.assert_close(two.sums(x, a, b), wanted)
        one_only = (seen[pairs[0]] != 0) ^ (seen[pairs[1]] != 0)
        torch.testing.assert_close(difference_sums(query, x), one_only.double() @ x)
        torch.testing.assert_close(common_weight(query).double(), (seen[pairs[0]] * seen[pairs[1]]).sum(1))


def test_sums_of_rows_by_hand() -> None:
    h = torch.tensor([[1.0, 2], [10, 20], [100, 200]], dtype=torch.float64)
    columns, rows = torch.tensor([0, 2, 2, 1]), torch.tensor([1, 1, 3, 3])
    assert sum_rows(h, columns, rows, 4).tolist() == [[0, 0], [101, 202], [0, 0], [110, 220]]
    weights = torch.tensor([1.0, 0.5, 2, 0])  # float32, beside float64
    assert sum_rows(h, columns, rows, 4, weights).tolist() == [[0, 0], [51, 102], [0, 0], [200, 400]]
    assert sum_rows(h, columns[:0], rows[:0], 2).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("layout", "sizes", "norm", "dropout", "kinds"),
    [
        ("LDRLNDR", (3, 4, 5), True, 0.5, "Linear Dropout ReLU Linear LayerNorm Dropout ReLU"),
        ("LDRLNDR", (3, 4, 5), False, 0.0, "Linear ReLU Linear ReLU"),
        ("LNDRL", (3, 4, 1), True, 0.0, "Linear LayerNorm ReLU Linear"),
        ("L", (3, 2), True, 0.9, "Linear"),
    ],
)
def test_letters_are_layers(layout: str, sizes: tuple[int, ...], norm: bool, dropout: float, kinds: str) -> None:
    made = mlp(layout, sizes, norm, dropout)
    assert " ".join(type(part).__name__ for part in made) == kinds
    linear = [part for part in made if isinstance(part, nn.Linear)]
    assert [linear[0].in_features, *(part.out_features for part in linear)] == list(sizes)
    assert all(part.p == dropout for part in made if isinstance(part, nn.Dropout))


def test_every_module_gets_its_own_mode_back() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.1)))
    model.train()
    model[1].eval()
    modes = [module.training for module in model.modules()]
    with evaluating(model):
        assert not any(module.training for module in model.modules())
    assert [module.training for module in model.modules()] == modes == [True, True, False, True, True]
    with pytest.raises(KeyError), evaluating(model):
        raise KeyError
    assert [module.training for module in model.modules()] == modes


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (None, "x is a NoneType; expected floating point"),
        (torch.ones(4), r"x is torch.float32 \[4\]; expected floating point \[N, 3\]"),
        (torch.ones(4, 2), r"x is torch.float32 \[4, 2\]; expected floating point \[N, 3\]"),
        (torch.ones(4, 3).long(), r"x is torch.int64 \[4, 3\]"),
        (torch.tensor([[1.0, 1, 1], [1, torch.nan, 1], [torch.inf, 1, 1]]), "NaN or infinity, first for node 1"),
        (torch.tensor([[torch.inf, -torch.inf, 0.0]]), "NaN or infinity, first for node 0"),
    ],
)
def test_features_that_are_refused(x: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_nodes(x, "x", 3)


def test_large_features_whose_sum_overflows_are_taken() -> None:
    check_nodes(torch.full((4, 3), 3e38), "x", 3)
    check_nodes(torch.zeros(0, 3), "x", 3)


def test_questions_of_one_kind_and_of_two() -> None:
    x = torch.arange(12.0).view(4, 3)
    query, ends = question(x, DIAMOND, PAIRS, 3, exclude=True)
    assert all(part is x for part in ends) and query.first.excluded is not None
    assert query.first.excluded.tolist() and question(x, DIAMOND, PAIRS, 3, exclude=False)[0].first.excluded is None
    first, second = adjacency_of(random_dense(0, 2, columns=5)), adjacency_of(random_dense(2, 3, columns=5))
    three = [torch.ones(rows, 3) for rows in (2, 5, 3)]
    assert question_of_two_kinds(three, (first, second), torch.tensor([[1], [2]]), 3)[0].second is not None
    for bad, graphs, message in (
        (three[:2], (first, second), r"expected three x and the two matrices \(A1, A2\)"),
        (three, first, "expected three x"),
        (three, (first, second, second), "expected three x"),
        ([three[1], three[1], three[2]], (first, second), "x of the sources has 5 rows and its matrix 2"),
        ([three[0], three[0], three[2]], (first, second), "x in between has 2 rows and its matrix 5"),
        ([three[0], three[1], three[0]], (first, second), "x of the targets has 2 rows and its matrix 3"),
    ):
        with pytest.raises(InputError, match=message):
            question_of_two_kinds(bad, graphs, PAIRS[:, :0], 3)
    with pytest.raises(InputError, match=r"x has 5 rows and the graph is \[4, 4\]; expected one row for each node"):
        question(torch.ones(5, 3), adjacency_of(random_dense(0, 4)), PAIRS, 3, exclude=False)


@given(seed=seeds, size=st.integers(1, 9))
def test_nodes_that_are_not_linked(seed: int, size: int) -> None:
    dense = random_dense(seed, size, weighted=True)
    adjacency = adjacency_of(dense)
    for node in range(size):
        expected = [other for other in range(size) if other != node and dense[node, other] == 0]
        assert not_linked(adjacency, node).tolist() == expected


@pytest.mark.parametrize("node", [-1, 4, True, 1.0, "0", None])
def test_nodes_that_are_not_there(node: Any) -> None:
    with pytest.raises(InputError, match=r"node is .*; expected an integer from 0 to 3"):
        not_linked(adjacency_of(random_dense(0, 4)), node)


def test_a_graph_of_as_many_nodes_as_x_has_rows() -> None:
    """Edges alone do not tell how many nodes there are, other forms do."""
    assert square_adjacency(DIAMOND, 7).num_rows == 7
    with pytest.raises(InputError, match=r"x has 7 rows and the graph is \[4, 4\]"):
        square_adjacency(adjacency_of(random_dense(0, 4)), 7)
