"""Sums over neighbours against dense matrices: every reduction, what is left out or remembered, half precision."""

from __future__ import annotations

import gc
import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphx.data.synthetic import path
from graphx.nn.linkpred import LinkEncoder, SparseLinear, as_adjacency
from graphx.nn.linkpred import _messages as module
from graphx.nn.linkpred._messages import Messages, Rows, messages_of, messages_of_features, product
from tests.nn.linkpred.graphs import DIAMOND, adjacency_of, dense_of, random_dense, seeds

REDUCTIONS = ["gcn", "sum", "mean", "max"]


def by_hand(dense: Tensor, x: Tensor, reduce: str) -> Tensor:
    """Row i of `dense` holds what sends to i."""
    if reduce == "max":
        out = 0 * x
        for node, row in enumerate(dense):
            senders = row.nonzero().squeeze(1)
            if senders.numel():
                out[node] = (x[senders] * row[senders].unsqueeze(1)).amax(0)
        return out
    if reduce == "gcn":
        scale = torch.diag((1 + dense.sum(1)) ** -0.5)
        return scale @ (dense + torch.eye(len(dense)).double()) @ scale @ x
    sums = dense @ x
    return sums / (dense != 0).sum(1, keepdim=True).clamp(min=1) if reduce == "mean" else sums


# -- rows --------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(seed=seeds, size=st.integers(1, 9), columns=st.integers(1, 9), weighted=st.booleans())
def test_rows_are_a_matrix(seed: int, size: int, columns: int, weighted: bool) -> None:
    dense = random_dense(seed, size, columns=columns, weighted=weighted)
    made = adjacency_of(dense)
    rows = Rows(made.indptr, made.indices, made.weights, columns)
    assert torch.equal(rows.rows(), dense.nonzero()[:, 0])
    torch.testing.assert_close(rows.sums(torch.float64), dense.sum(1))
    assert torch.equal(rows.matrix(torch.float64).to_dense(), dense)
    mask = torch.rand(rows.indices.numel(), generator=torch.Generator().manual_seed(seed)) < 0.5
    kept = dense.clone()
    gone = dense.nonzero()[~mask]
    kept[gone[:, 0], gone[:, 1]] = 0
    assert torch.equal(dense_of(rows.keep(mask.nonzero().squeeze(1))), kept)


@settings(deadline=None, max_examples=20)
@given(seed=seeds, size=st.integers(1, 7), weighted=st.booleans())
def test_a_product_and_its_gradient_are_those_of_matrices(seed: int, size: int, weighted: bool) -> None:
    dense = random_dense(seed, size, weighted=weighted)
    made = messages_of(adjacency_of(dense))
    x = torch.randn(size, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64, requires_grad=True)
    out = product(made.rows, made.transposed, x)
    torch.testing.assert_close(out, dense.t() @ x)
    assert torch.autograd.gradcheck(lambda v: product(made.rows, made.transposed, v), (x,))
    assert torch.autograd.gradgradcheck(lambda v: product(made.rows, made.transposed, v).square(), (x,))


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduce", REDUCTIONS)
@settings(deadline=None, max_examples=20)
@given(seed=seeds, size=st.integers(1, 9), weighted=st.booleans(), symmetric=st.booleans())
def test_every_reduction_on_any_graph(seed: int, size: int, weighted: bool, symmetric: bool, reduce: Any) -> None:
    dense = random_dense(seed, size, weighted=weighted, symmetric=symmetric)
    made = messages_of(adjacency_of(dense))
    assert made.is_symmetric == torch.equal(dense, dense.t())
    x = torch.randn(size, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64, requires_grad=True)
    found, wanted = made.aggregate(x, reduce), by_hand(dense.t(), x, reduce)
    torch.testing.assert_close(found, wanted)
    grad = torch.randn(size, 3, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64)
    slopes = [torch.autograd.grad(out, x, grad, retain_graph=True, allow_unused=True)[0] for out in (found, wanted)]
    torch.testing.assert_close(*(torch.zeros_like(x) if slope is None else slope for slope in slopes))


@pytest.mark.parametrize("weighted", [False, True])
@settings(deadline=None, max_examples=20)
@given(seed=seeds, size=st.integers(1, 9), known=st.booleans())
def test_what_is_left_out_of_a_symmetric_graph(seed: int, size: int, known: bool, weighted: bool) -> None:
    dense = random_dense(seed, size, 0.5, symmetric=True, weighted=weighted)
    graph = adjacency_of(dense)
    made = messages_of(graph) if known else Messages(messages_of(graph).rows, messages_of(graph).rows)
    gone = torch.randint(size, (2, 4), generator=torch.Generator().manual_seed(seed))
    without = dense.clone()
    without[gone[0], gone[1]] = without[gone[1], gone[0]] = 0
    once = made.without(graph.entries(gone))
    for left in (once, once.without(torch.zeros(0, dtype=torch.int64))):
        assert left.is_symmetric and torch.equal(dense_of(left.rows), without)
        x = torch.arange(2.0 * size).view(size, 2).double().requires_grad_()
        torch.testing.assert_close(left.aggregate(x, "sum"), without @ x)
        (slope,) = torch.autograd.grad(left.aggregate(x, "sum").sum(), x)
        torch.testing.assert_close(slope, without.sum(0).unsqueeze(1).expand(size, 2))
        ends = dense_of(left.rows).nonzero()
        assert torch.equal(ends[left.order()].flip(1), ends)  # entry k of the transpose is entry order[k]


@settings(deadline=None, max_examples=20)
@given(seed=seeds, symmetric=st.booleans(), weighted=st.booleans(), p=st.sampled_from([0.1, 0.5, 0.9]))
def test_dropped_entries_leave_both_matrices_and_others_grow(
    seed: int, symmetric: bool, weighted: bool, p: float
) -> None:
    dense = random_dense(seed, 8, 0.6, symmetric=symmetric, weighted=weighted)
    made = messages_of(adjacency_of(dense))
    torch.manual_seed(seed)
    once = made.drop(p)
    for dropped, factor in ((once, 1 / (1 - p)), (once.drop(p), (1 - p) ** -2)):
        rows, back = dense_of(dropped.rows), dense_of(dropped.transposed)
        assert torch.equal(rows.t(), back) and not dropped.is_symmetric
        stayed = rows != 0
        torch.testing.assert_close(rows[stayed], dense.t()[stayed] * factor, rtol=1e-6, atol=0)


def test_the_mean_of_dropped_messages_is_the_whole() -> None:
    dense = random_dense(2, 5, 0.7)
    made, x = messages_of(adjacency_of(dense)), torch.ones(5, 1).double()
    torch.manual_seed(0)
    mean = sum(made.drop(0.4).aggregate(x, "sum") for _ in range(1000)) / 1000
    torch.testing.assert_close(mean, dense.t() @ x, rtol=0.1, atol=0)  # 1000 draws of deviation 0.8 a message


# -- half precision ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_single(reduce: Any, dtype: torch.dtype) -> None:
    dense = random_dense(4, 40, 0.5, symmetric=True)
    made = messages_of(adjacency_of(dense))
    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)).to(dtype).requires_grad_()
    out = made.aggregate(x, reduce)
    out.float().sum().backward()
    assert out.dtype == dtype and x.grad is not None and x.grad.dtype == dtype
    wanted = by_hand(dense, x.detach().double(), reduce)
    torch.testing.assert_close(out.double(), wanted, rtol=4 * torch.finfo(dtype).eps, atol=0.02)


@pytest.mark.parametrize("conv", ["gcn", "sage", "gin", "max", "puregcn", "puresum", "puremean", "puremax"])
def test_encoders_run_under_autocast(conv: Any) -> None:
    torch.manual_seed(0)
    encoder = LinkEncoder(6, 8, 2, conv=conv, layer_norm=True, edge_dropout=0.2).eval()
    x, edges = torch.randn(30, 6), random_dense(6, 30, symmetric=True).nonzero().t().contiguous()
    whole = encoder(x, edges)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = encoder(x, edges)
        encoder.train()(x, edges).float().square().sum().backward()
    torch.testing.assert_close(half.float(), whole, rtol=0.05, atol=0.05)
    assert all(p.grad is None or bool(torch.isfinite(p.grad).all()) for p in encoder.parameters())
    low = encoder.bfloat16().eval()(x.bfloat16(), edges)
    assert low.dtype == torch.bfloat16
    torch.testing.assert_close(low.float(), whole, rtol=0.1, atol=0.1)


# -- what is remembered ------------------------------------------------------------------------------------------------


def test_messages_are_made_once_and_go_with_their_graph() -> None:
    graph = as_adjacency(DIAMOND.clone())
    made = messages_of(graph)
    assert messages_of(graph) is made
    before = len(module._KNOWN)
    del graph, made
    gc.collect()
    assert len(module._KNOWN) < before


@pytest.mark.parametrize("layout", [torch.sparse_csr, torch.sparse_coo])
def test_sparse_features_are_remembered_until_they_change(layout: torch.layout) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CSR is called a beta
        x = torch.tensor([[0.0, 2, 0], [1, 0, 0], [0, 0, 0], [0, 0, 3]]).to_sparse(layout=layout)
    torch.manual_seed(0)
    layer = SparseLinear(3, 2)
    made = messages_of_features(x)
    assert messages_of_features(x) is made and (made.rows.num_columns, made.rows.indptr.numel()) == (3, 5)
    torch.testing.assert_close(layer(x), layer(x.to_dense()))
    x.values().mul_(-2)
    assert messages_of_features(x) is not made
    torch.testing.assert_close(layer(x), layer(x.to_dense()))
    key = id(x)
    del x
    gc.collect()
    assert key not in module._FEATURES


def test_sparse_features_that_list_an_entry_twice_add_up() -> None:
    twice = torch.sparse_coo_tensor(
        torch.tensor([[0, 0, 1], [1, 1, 0]]), torch.tensor([1.0, 2, 5]), (2, 2), check_invariants=True
    )
    layer = SparseLinear(2, 3)
    torch.testing.assert_close(layer(twice), layer(torch.tensor([[0.0, 3], [5, 0]])))


# -- messages ----------------------------------------------------------------------------------------------------------


def test_messages_find_their_order_when_asked() -> None:
    known = messages_of(as_adjacency(path(4)))
    fresh = Messages(known.rows, known.rows)
    assert fresh.without(torch.tensor([0, 1])).is_symmetric and fresh._order is None
    assert torch.equal(fresh.order(), known.order())
    dense = torch.zeros(4, 4)
    torch.manual_seed(0)
    dropped = fresh.drop(0.5)
    rows, back = dropped.rows, dropped.transposed
    dense[rows.rows(), rows.indices.long()] = rows.values
    there = torch.zeros(4, 4)
    there[back.rows(), back.indices.long()] = back.values
    assert torch.equal(dense, there.t()) and set(rows.values.tolist()) <= {2.0}


def test_weights_decide_whether_a_matrix_is_symmetric() -> None:
    edges = torch.tensor([[0, 1], [1, 0]])
    assert messages_of(as_adjacency(edges, edge_weight=torch.tensor([2.0, 2.0]).double())).is_symmetric
    assert not messages_of(as_adjacency(edges, edge_weight=torch.tensor([2.0, 3.0]).double())).is_symmetric
