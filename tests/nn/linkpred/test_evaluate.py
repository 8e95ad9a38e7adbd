"""Metrics against loops, and against OGB's own evaluator."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphx.errors import InputError
from graphx.nn.linkpred.evaluate import auc, evaluate, hits_at, mrr
from tests.reference import linkpred as reference

grid = st.sampled_from([-1.5, 0.0, 0.25, 0.5, 1.0, 3.0])  # few values, so that scores tie


@given(st.lists(grid, min_size=1, max_size=6), st.lists(grid, min_size=1, max_size=6), st.integers(1, 6))
def test_shared_negatives(positive: list[float], negative: list[float], k: int) -> None:
    p, n = torch.tensor(positive), torch.tensor(negative)
    k = min(k, len(negative))
    assert hits_at(p, n, k) == pytest.approx(reference.hits_at(positive, negative, k))
    assert mrr(p, n) == pytest.approx(reference.mrr(positive, negative))
    assert auc(p, n) == pytest.approx(reference.auc(positive, negative))


@given(st.data(), st.integers(1, 4), st.integers(1, 5))
def test_negatives_of_each_positive(data: Any, size: int, m: int) -> None:
    positive = data.draw(st.lists(grid, min_size=size, max_size=size))
    negative = data.draw(st.lists(st.lists(grid, min_size=m, max_size=m), min_size=size, max_size=size))
    p, n = torch.tensor(positive), torch.tensor(negative)
    for k in range(1, m + 1):
        assert hits_at(p, n, k) == pytest.approx(reference.hits_at(positive, negative, k))
    assert mrr(p, n) == pytest.approx(reference.mrr(positive, negative))
    assert auc(p, n) == pytest.approx(reference.auc(positive, negative))
    assert mrr(p, n, ties="pessimistic") <= mrr(p, n) <= mrr(p, n, ties="optimistic")


def test_as_the_evaluator_of_ogb() -> None:
    pytest.importorskip("ogb")
    from ogb.linkproppred import Evaluator

    generator = torch.Generator().manual_seed(0)
    positive, shared = torch.randn(500, generator=generator), torch.randn(900, generator=generator).round(decimals=1)
    own = torch.randn(500, 30, generator=generator).round(decimals=1)
    positive[:200] = positive[:200].round(decimals=1)
    for name in ("ogbl-ddi", "ogbl-collab", "ogbl-ppa"):
        official = Evaluator(name)
        found = official.eval({"y_pred_pos": positive, "y_pred_neg": shared})
        assert hits_at(positive, shared, official.K) == pytest.approx(found[f"hits@{official.K}"])
    found = Evaluator("ogbl-citation2").eval({"y_pred_pos": positive, "y_pred_neg": own})
    assert mrr(positive, own) == pytest.approx(float(found["mrr_list"].double().mean()), abs=1e-6)
    assert hits_at(positive, own, 10) == pytest.approx(float(found["hits@10_list"].double().mean()), abs=1e-6)
    expected = (positive[:, None] > shared).double().mean() + (positive[:, None] == shared).double().mean() / 2
    assert auc(positive, shared) == pytest.approx(float(expected))


def test_all_at_once() -> None:
    found = evaluate(torch.tensor([0.9, 0.1]), torch.tensor([0.5, 0.3]), ks=(1, 2))
    assert found == {"hits@1": 0.5, "hits@2": 0.5, "mrr": pytest.approx(2 / 3), "auc": 0.5}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hits_at(torch.ones(2), torch.ones(3), 4), "Hits@4 with 3 negatives is 1 for any scores"),
        (lambda: hits_at(torch.ones(2), torch.ones(2, 3), 4), "K at most 3"),
        (lambda: hits_at(torch.ones(2), torch.ones(3), 0), "positive integer"),
        (lambda: mrr(torch.ones(2), torch.ones(3, 3)), "3 rows for 2 positives"),
        (lambda: mrr(torch.ones(2), torch.ones(2, 3), ties="best"), "expected 'mean'"),
        (lambda: mrr(torch.ones(2, 1), torch.ones(3)), r"expected \[P\]"),
        (lambda: auc(torch.tensor([1.0, torch.nan]), torch.ones(3)), "not finite"),
        (lambda: auc(torch.ones(0), torch.ones(3)), "no scores"),
        (lambda: auc(torch.ones(2), torch.ones(3).double()), "expected one type"),
        (lambda: auc(torch.ones(2).long(), torch.ones(3)), "floating point"),
        (lambda: auc([1.0], torch.ones(3)), "is list"),
    ],
)
def test_bad_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


# -- laws --------------------------------------------------------------------------------------------------------------


@given(st.lists(grid, min_size=1, max_size=8), st.lists(grid, min_size=1, max_size=8), st.booleans())
def test_monotone_maps_and_orders_do_not_matter(positive: list[float], negative: list[float], own: bool) -> None:
    p, n = torch.tensor(positive, dtype=torch.float64), torch.tensor(negative, dtype=torch.float64)
    n = n.expand(len(p), -1) if own else n
    mixed = n.flip(-1)
    for metric in (mrr, auc, lambda a, b: hits_at(a, b, 1)):
        wanted = metric(p, n)
        assert metric(p.flip(0), mixed) == pytest.approx(wanted)
        assert metric(p.exp(), n.exp()) == pytest.approx(wanted) and metric(4 * p - 7, 4 * n - 7) == pytest.approx(
            wanted
        )
    assert auc(-p, -n) == pytest.approx(1 - auc(p, n))


@given(st.lists(grid, min_size=1, max_size=8), st.lists(grid, min_size=1, max_size=8))
def test_ranks_of_shared_negatives_are_those_of_own_ones(positive: list[float], negative: list[float]) -> None:
    p, n = torch.tensor(positive), torch.tensor(negative)
    for ties in ("mean", "optimistic", "pessimistic"):
        assert mrr(p, n, ties=ties) == pytest.approx(mrr(p, n.expand(len(p), -1), ties=ties))
    assert auc(p, n) == pytest.approx(auc(p, n.expand(len(p), -1)))


@pytest.mark.parametrize("ties", [1, 2, 10])
def test_the_area_is_that_of_scikit_learn(ties: int) -> None:
    from sklearn.metrics import roc_auc_score

    generator = torch.Generator().manual_seed(ties)
    p, n = ((torch.randn(size, generator=generator) * ties).round() / ties for size in (200, 313))
    truth = torch.cat((torch.ones(200), torch.zeros(313)))
    assert auc(p, n) == pytest.approx(roc_auc_score(truth.numpy(), torch.cat((p, n)).numpy()), abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_scores_of_any_type_and_memory(dtype: torch.dtype) -> None:
    """A view, as a column of a table is: torch's search would warn, and warnings are errors here."""
    table = torch.tensor([[0.5, 2, 1], [3, 1, 1], [1, 0, 4], [0.25, 0, 0]]).to(dtype)
    p, n = table[:, 0], table[:, 1]
    listed = p.tolist(), n.tolist()
    assert mrr(p, n) == pytest.approx(reference.mrr(*listed)) and auc(p, n) == pytest.approx(reference.auc(*listed))
    assert hits_at(p, n, 2) == reference.hits_at(*listed, 2)
    own = table.t()[1:].t()
    assert mrr(p, own) == pytest.approx(reference.mrr(listed[0], own.tolist()))
    assert auc(p.requires_grad_(), n) == pytest.approx(reference.auc(*listed))
