"""The operators over common neighbours: kernels against plain torch, and the laws that both must keep."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.linkpred import _ops, common_neighbor_lists, common_neighbors, heuristic, neighbor_differences
from graphx.nn.linkpred.common_neighbors import make_query
from tests.interrupts import lost_interrupts
from tests.nn.linkpred.graphs import (
    DIAMOND,
    adjacency_of,
    edges_of,
    extension,
    on_both,
    random_dense,
    random_pairs,
    seeds,
)

WIDTHS = [0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65]


def features(seed: int, rows: int, width: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def answers(graph: Any, pairs: Tensor, x: Tensor, **options: Any) -> list[Tensor]:
    """Everything that can be asked about pairs, in one list."""
    lists = common_neighbor_lists(graph, pairs, **options)
    only_i, only_j = neighbor_differences(graph, pairs, **options)
    found = [common_neighbors(graph, pairs, **options), common_neighbors(graph, pairs, x, **options)]
    found += [lists.rowptr, lists.columns, only_i.rowptr, only_i.columns, only_j.rowptr, only_j.columns]
    return found if lists.values is None else [*found, lists.values]


# -- two ways, the same ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_vector_widths_and_their_tails(width: int, dtype: torch.dtype) -> None:
    """Whole numbers: sums in any order are exact, so all paths and thread counts must have the same bits."""
    dense = random_dense(6, 70, 0.3)
    x = torch.randint(-50, 50, (70, width), generator=torch.Generator().manual_seed(width)).to(dtype)
    pairs = random_pairs(6, 70, 90)
    hits = dense[pairs[0]] * dense[pairs[1]]
    for graph in (adjacency_of(dense), adjacency_of(dense * 2)):  # bit sets and lists; weights
        factor = 1 if graph.weights is None else 4
        for found in on_both(lambda graph=graph: common_neighbors(graph, pairs, x, num_threads=3)):
            assert found.dtype == dtype and torch.equal(found.double(), factor * hits @ x.double())
        leaf = x.clone().requires_grad_()
        grad = torch.randint(-9, 9, (90, width), generator=torch.Generator().manual_seed(1)).to(dtype)
        for found in on_both(
            lambda graph=graph, leaf=leaf, grad=grad: torch.autograd.grad(
                common_neighbors(graph, pairs, leaf), leaf, grad
            )[0]
        ):
            assert torch.equal(found.double(), factor * hits.t() @ grad.double())


@pytest.mark.parametrize("size", [1, 2, 63, 64, 65, 127, 128, 129, 255, 256, 257])
def test_words_of_bit_sets_and_their_ends(size: int) -> None:
    dense = random_dense(2 * size, size, 0.8)
    graph, pairs = adjacency_of(dense), random_pairs(size, size, 40)
    hits = dense[pairs[0]] * dense[pairs[1]]
    for counts, lists in on_both(lambda: (common_neighbors(graph, pairs), common_neighbor_lists(graph, pairs))):
        assert torch.equal(counts, hits.sum(1).long())
        assert torch.equal(lists.columns.long(), hits.nonzero()[:, 1]) and torch.equal(lists.rowptr.diff(), counts)


@pytest.mark.parametrize("shape", ["star", "complete", "two_hubs", "path"])
def test_hubs_and_leaves(shape: str) -> None:
    size = 300
    dense = torch.zeros(size, size, dtype=torch.float64)
    if shape == "complete":
        dense = 1 - torch.eye(size, dtype=torch.float64)
    elif shape == "path":
        dense.diagonal(1).fill_(1)
        dense.diagonal(-1).fill_(1)
    else:
        dense[: 1 if shape == "star" else 2] = 1
        dense = ((dense + dense.t()) > 0).double().fill_diagonal_(0)
    graph, pairs = adjacency_of(dense), random_pairs(0, size, 60)
    pairs = torch.cat((pairs, torch.tensor([[0, 0, 1, 5], [1, 0, 0, 5]])), dim=1)
    squared = dense @ dense
    for found in on_both(lambda: common_neighbors(graph, pairs)):
        assert torch.equal(found, squared[pairs[0], pairs[1]].long())
    for found in on_both(lambda: common_neighbors(graph, pairs, exclude=True)):
        without = dense.clone()
        without[pairs[0], pairs[1]] = without[pairs[1], pairs[0]] = 0
        assert torch.equal(found, (without @ without.t())[pairs[0], pairs[1]].long())


@settings(deadline=None, max_examples=25)
@given(seed=seeds, size=st.sampled_from([1, 5, 40]), density=st.sampled_from([0.1, 0.7]), weighted=st.booleans())
def test_threads_change_no_bit(seed: int, size: int, density: float, weighted: bool) -> None:
    graph, pairs = adjacency_of(random_dense(seed, size, density, weighted=weighted)), random_pairs(seed, size, 200)
    x = features(seed, size, 5, torch.float32)
    alone = answers(graph, pairs, x, num_threads=1)
    for threads in (2, 7):
        assert all(torch.equal(a, b) for a, b in zip(alone, answers(graph, pairs, x, num_threads=threads), strict=True))


# -- laws --------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(seed=seeds, size=st.integers(1, 12), weighted=st.booleans(), enabled=st.booleans())
def test_new_numbers_for_nodes_and_another_order_of_pairs(seed: int, size: int, weighted: bool, enabled: bool) -> None:
    dense, pairs = random_dense(seed, size, weighted=weighted), random_pairs(seed, size, 30)
    generator = torch.Generator().manual_seed(seed)
    new, order = torch.randperm(size, generator=generator), torch.randperm(30, generator=generator)
    moved = torch.empty_like(dense)
    moved[new.unsqueeze(1), new] = dense
    x = features(seed, size, 4)
    x_moved = torch.empty_like(x)
    x_moved[new] = x
    with extension(enabled):
        counts, sums = (common_neighbors(adjacency_of(dense), pairs, value) for value in (None, x))
        found = [common_neighbors(adjacency_of(moved), new[pairs[:, order]], value) for value in (None, x_moved)]
        torch.testing.assert_close(found[0], counts[order])
        torch.testing.assert_close(found[1], sums[order])
        turned = common_neighbors(adjacency_of(dense), pairs.flip(0), x)
        torch.testing.assert_close(turned, sums)


@settings(deadline=None, max_examples=25)
@given(seed=seeds, first=st.integers(1, 8), second=st.integers(1, 8), enabled=st.booleans())
def test_a_disjoint_union_and_isolated_nodes_change_nothing(seed: int, first: int, second: int, enabled: bool) -> None:
    left, right = random_dense(seed, first, 0.5), random_dense(seed + 1, second, 0.5)
    union = torch.block_diag(left, right, torch.zeros(2, 2, dtype=torch.float64))
    pairs, others = random_pairs(seed, first, 20), random_pairs(seed + 2, second, 20)
    crossing = torch.stack((pairs[0], others[1] + first))
    x = features(seed, first + second + 2, 3)
    with extension(enabled):
        whole = adjacency_of(union)
        together = common_neighbors(whole, torch.cat((pairs, others + first), 1), x)
        alone = [common_neighbors(adjacency_of(left), pairs, x[:first])]
        alone.append(common_neighbors(adjacency_of(right), others, x[first:-2]))
        torch.testing.assert_close(together, torch.cat(alone))
        assert int(common_neighbors(whole, crossing).sum()) == 0
        assert common_neighbors(whole, crossing, x).abs().max() == 0


@settings(deadline=None, max_examples=25)
@given(seed=seeds, size=st.integers(1, 12), weighted=st.booleans(), enabled=st.booleans())
def test_the_sum_and_its_gradient_are_transposes(seed: int, size: int, weighted: bool, enabled: bool) -> None:
    graph, pairs = adjacency_of(random_dense(seed, size, weighted=weighted)), random_pairs(seed, size, 15)
    x, y, g = (features(seed + k, rows, 3) for k, rows in ((0, size), (1, size), (2, 15)))
    leaf = x.clone().requires_grad_()
    with extension(enabled):
        out = common_neighbors(graph, pairs, leaf)
        (back,) = torch.autograd.grad(out, leaf, g)
        torch.testing.assert_close((out * g).sum(), (leaf * back).sum())  # <A x, g> = <x, A' g>
        combined = common_neighbors(graph, pairs, 2 * x - 3 * y)
        torch.testing.assert_close(
            combined, 2 * common_neighbors(graph, pairs, x) - 3 * common_neighbors(graph, pairs, y)
        )
        lists = common_neighbor_lists(graph, pairs)
        weights = torch.ones(1).double().expand(lists.columns.numel()) if lists.values is None else lists.values
        rows = torch.repeat_interleave(lists.rowptr.diff())
        by_lists = torch.zeros(15, 3).double().index_add(0, rows, weights[:, None] * x[lists.columns.long()])
        torch.testing.assert_close(common_neighbors(graph, pairs, x), by_lists)


@settings(deadline=None, max_examples=30)
@given(seed=seeds, size=st.integers(2, 10), weighted=st.booleans(), symmetric=st.booleans())
def test_excluded_edges_are_those_of_a_graph_without_them(
    seed: int, size: int, weighted: bool, symmetric: bool
) -> None:
    dense = random_dense(seed, size, 0.5, weighted=weighted, symmetric=symmetric)
    pairs, gone = random_pairs(seed, size, 25), random_pairs(seed + 3, size, 6)
    without = dense.clone()
    without[gone[0], gone[1]] = without[gone[1], gone[0]] = 0
    x = features(seed, size, 3)
    for enabled in (True, False):
        with extension(enabled):
            found = answers(adjacency_of(dense), pairs, x, exclude=gone)
            wanted = answers(adjacency_of(without), pairs, x)
            for a, b in zip(found, wanted, strict=False):  # a matrix may lose its last weight but one
                torch.testing.assert_close(a.double(), b.double())


@pytest.mark.parametrize("enabled", [True, False])
def test_the_third_derivative_is_there_and_right(enabled: bool) -> None:
    graph, pairs = adjacency_of(random_dense(8, 6, 0.6)), random_pairs(8, 6, 7)

    def slope(x: Tensor) -> Tensor:
        first = torch.autograd.grad((common_neighbors(graph, pairs, x) ** 4).sum(), x, create_graph=True)[0]
        return torch.autograd.grad((first**2).sum(), x, create_graph=True)[0]

    with extension(enabled):
        assert torch.autograd.gradcheck(slope, (features(1, 6, 2).requires_grad_(),))


def test_a_backward_pass_over_few_of_the_pairs_is_that_over_all() -> None:
    """Most pairs have nothing in common and are passed over: the others must keep their own gradients."""
    dense = torch.zeros(40, 40, dtype=torch.float64)
    dense[0, 2] = dense[1, 2] = dense[1, 3] = 1.0
    pairs = torch.stack((torch.zeros(50, dtype=torch.int64), torch.arange(50) % 40))
    grad = features(3, 50, 2)
    hits = dense[pairs[0]] * dense[pairs[1]]
    assert 0 < int((hits.sum(1) > 0).sum()) < 25
    for found in on_both(
        lambda: torch.autograd.grad(
            common_neighbors(adjacency_of(dense), pairs, leaf := torch.ones(40, 2).double().requires_grad_()),
            leaf,
            grad,
        )[0]
    ):
        torch.testing.assert_close(found, hits.t() @ grad)


# -- two kinds of nodes ------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(seed=seeds, rows=st.integers(1, 6), others=st.integers(1, 6), weighted=st.booleans(), between=st.booleans())
def test_pairs_that_meet_in_a_third_kind(seed: int, rows: int, others: int, weighted: bool, between: bool) -> None:
    first = random_dense(seed, rows, 0.5, columns=7, weighted=weighted)
    second = random_dense(seed + 2, others, 0.5, columns=7, weighted=weighted and between)
    pairs, x = random_pairs(seed, rows, 20, others), features(seed, 7, 3)
    options = {"other": adjacency_of(second)}
    for enabled in (True, False):
        with extension(enabled):
            weighted_counts = (first @ second.t())[pairs[0], pairs[1]]
            torch.testing.assert_close(
                common_neighbors(adjacency_of(first), pairs, **options).double(), weighted_counts
            )
            sums = common_neighbors(adjacency_of(first), pairs, x, **options)
            torch.testing.assert_close(sums, (first[pairs[0]] * second[pairs[1]]) @ x)
            only_i, only_j = neighbor_differences(adjacency_of(first), pairs, **options)
            mine, theirs = first[pairs[0]] != 0, second[pairs[1]] != 0
            assert torch.equal(only_i.columns.long(), (mine & ~theirs).nonzero()[:, 1])
            assert torch.equal(only_j.columns.long(), (theirs & ~mine).nonzero()[:, 1])


def test_a_matrix_beside_itself_is_the_square_question() -> None:
    graph, pairs, x = adjacency_of(random_dense(10, 9)), random_pairs(10, 9, 12), features(0, 9, 2)
    twin = adjacency_of(random_dense(10, 9))
    for one, same in on_both(lambda: (answers(graph, pairs, x), answers(graph, pairs, x, other=twin))):
        assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    with pytest.raises(InputError, match="exclude with other: the target edges between two kinds"):
        common_neighbors(graph, pairs, other=twin, exclude=True)
    assert torch.equal(
        common_neighbors(graph, pairs, other=graph, exclude=True), answers(graph, pairs, x, exclude=True)[0]
    )


# -- types and errors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_once(dtype: torch.dtype, enabled: bool) -> None:
    """100 times 0.1: summed in half precision it would be far off."""
    graph = as_star(101)
    x = torch.full((103, 2), 0.1).to(dtype).requires_grad_()
    with extension(enabled):
        found = common_neighbors(graph, torch.tensor([[0], [1]]), x)
    assert found.dtype == dtype and torch.equal(found, (101 * x[:1].float()).to(dtype))
    found.sum().backward()
    assert x.grad is not None and x.grad.dtype == dtype and x.grad.sum() == 2 * 101


def as_star(leaves: int) -> Any:
    """Two centres that share all leaves."""
    dense = torch.zeros(leaves + 2, leaves + 2, dtype=torch.float64)
    dense[:2, 2:] = 1
    return adjacency_of(dense + dense.t())


@pytest.mark.parametrize("enabled", [True, False])
def test_memory_in_any_order(enabled: bool) -> None:
    dense, pairs = random_dense(12, 9), random_pairs(12, 9, 8)
    x = features(0, 9, 6)
    strided = torch.empty(18, 12).double()[::2, ::2].copy_(x)
    edges = edges_of(dense)
    with extension(enabled):
        wanted = common_neighbors(edges, pairs, x)
        for graph, asked, values in (
            (edges.t().contiguous().t(), pairs, x),
            (edges, pairs.t().contiguous().t(), x),
            (edges, pairs, x.t().contiguous().t()),
            (edges, pairs, strided),
        ):
            assert torch.equal(common_neighbors(graph, asked, values), wanted)
        leaf = x.clone().requires_grad_()
        grad = features(1, 6, 8).t()
        slope = torch.autograd.grad(common_neighbors(edges, pairs, leaf), leaf, grad)[0]
        assert torch.equal(slope, torch.autograd.grad(common_neighbors(edges, pairs, leaf), leaf, grad.contiguous())[0])


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.tensor(1.0), r"x is torch.float32 \[\]; expected a floating point tensor \[N, F\]"),
        (torch.ones(4), r"x is torch.float32 \[4\]"),
        (torch.ones(4, 2, dtype=torch.int32), r"x is torch.int32 \[4, 2\]"),
        ([[1.0]] * 4, "x is a list; expected a floating point tensor"),
        (torch.ones(3, 2), "edge_index names node 3; expected 0..2"),
        (torch.ones(5, 2, device="meta"), "x is on meta and pairs on cpu"),
    ],
)
def test_features_that_are_none(x: Any, message: str, enabled: bool) -> None:
    with extension(enabled), pytest.raises(InputError, match=message):
        common_neighbors(DIAMOND, torch.tensor([[0], [3]]), x)


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize(("row", "what"), [(0, "source"), (1, "target")])
@pytest.mark.parametrize("bad", [-1, 4, 2**40])
def test_pairs_that_name_no_row(bad: int, row: int, what: str, enabled: bool) -> None:
    pairs = torch.tensor([[0, 1, 2], [3, 2, 1]])
    pairs[row, 1] = bad
    with extension(enabled):
        for ask in (common_neighbors, common_neighbor_lists, neighbor_differences, heuristic):
            with pytest.raises(InputError, match=f"pairs name the {what} node {bad}; expected 0..3: if the graph"):
                ask(DIAMOND, pairs)


def test_options_are_those_of_their_description() -> None:
    from graphx.nn.linkpred.common_neighbors import Options

    assert Options.__doc__ is not None
    described = Options.__doc__.split("Attributes:")[1]
    assert all(f"{name}:" in described for name in Options.__annotations__)
    query = make_query(DIAMOND, torch.tensor([[0], [3]]), num_nodes=6, num_threads=2)
    assert (query.num_columns, query.threads, query.second is query.first) == (6, 2, True)
    assert _ops.count(query).tolist() == [2]


def test_unknown_options() -> None:
    with pytest.raises(TypeError, match="unknown option 'wigth'; expected one of"):
        make_query(DIAMOND, torch.tensor([[0], [3]]), wigth=1)  # type: ignore[call-arg]


# -- Ctrl-C ------------------------------------------------------------------------------------------------------------


def _pool_and_back(graph: Any, pairs: Tensor, exclude: Tensor) -> None:
    x = features(0, 40, 3).requires_grad_()
    common_neighbors(graph, pairs, x, exclude=exclude).sum().backward()


@pytest.mark.parametrize("density", [0.1, 0.9], ids=["lists", "bits"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda graph, pairs, exclude: common_neighbors(graph, pairs, exclude=exclude),
        lambda graph, pairs, _exclude: heuristic(graph, pairs, "aa"),
        lambda graph, pairs, exclude: common_neighbor_lists(graph, pairs, exclude=exclude),
        lambda graph, pairs, exclude: neighbor_differences(graph, pairs, exclude=exclude),
        _pool_and_back,
    ],
    ids=["count", "score", "lists", "differences", "pool"],
)
def test_ctrl_c_in_any_call_of_python_is_not_lost(ask: Any, density: float) -> None:
    """Kernels that asked tensors for their memory in Python dropped it, and a training went on to its end."""
    dense = random_dense(3, 40, density)
    pairs, exclude = random_pairs(3, 40, 20), random_pairs(4, 40, 5)
    calls, lost = lost_interrupts(lambda: ask(adjacency_of(dense), pairs, exclude))
    assert calls > 30 and lost == []
