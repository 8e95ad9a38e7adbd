"""Common neighbours against sets, on the compiled kernels and in plain torch; every path of the kernels is drawn."""

from __future__ import annotations

import pickle
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch_geometric import EdgeIndex

from graphx import Graph
from graphx.errors import InputError
from graphx.nn.linkpred import (
    Adjacency,
    _ops,
    _torch,
    as_adjacency,
    common_neighbor_lists,
    common_neighbors,
    heuristic,
    katz,
    neighbor_differences,
)
from tests.reference import linkpred as reference

DIAMOND = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 2, 3, 3], [1, 2, 0, 2, 3, 0, 1, 3, 1, 2]])


@pytest.fixture(params=["extension", "torch"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(_ops, "ENABLED", request.param == "extension")
    monkeypatch.setattr(_torch, "CHUNK", 16)
    return request.param


def both(run: Any) -> tuple[Any, Any]:
    """What the extension says, and what plain torch says."""
    found = []
    for enabled in (True, False):
        _ops.ENABLED = enabled
        try:
            found.append(run())
        finally:
            _ops.ENABLED = True
    return found[0], found[1]


@st.composite
def queries(draw: st.DrawFn, square: bool = True) -> dict[str, Any]:
    """One or two matrices and pairs, with runs of a source, repeated pairs, loops, isolated nodes, nothing at all."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    columns = draw(st.sampled_from([1, 2, 5, 9, 70, 140]))
    rows = columns if square else draw(st.sampled_from([1, 3, 8]))
    weighted = draw(st.booleans())

    def matrix(r: int, density: float) -> Tensor:
        keep = torch.rand(r, columns, generator=generator) < density
        keep[torch.rand(r, generator=generator) < 0.1] = False
        weights = torch.randn(r, columns, generator=generator, dtype=torch.float64).sign() + 0.25 if weighted else 1.0
        return keep * torch.ones(r, columns, dtype=torch.float64) * weights

    first = matrix(rows, draw(st.sampled_from([0.0, 0.05, 0.4, 0.9])))
    if square and draw(st.booleans()):
        first = torch.triu(first) + torch.triu(first, 1).t()
    second = first if square else matrix(draw(st.sampled_from([1, 4])), 0.5)
    size = draw(st.sampled_from([0, 1, 7, 40]))
    s = torch.randint(0, first.size(0), (size,), generator=generator)
    t = torch.randint(0, second.size(0), (size,), generator=generator)
    if draw(st.booleans()) and size:
        s[size // 4 :] = s[0]
    return {
        "first": first,
        "second": second,
        "pairs": torch.stack((s, t)),
        "x": torch.randn(columns, draw(st.sampled_from([1, 3, 8, 67])), generator=generator, dtype=torch.float64),
        "threads": draw(st.sampled_from([1, 2, 3])),
    }


def to_adjacency(dense: Tensor) -> Adjacency:
    edges = dense.nonzero().t().contiguous()
    weights = dense[edges[0], edges[1]]
    weighted = not bool((weights == 1).all())
    return as_adjacency(edges, edge_weight=weights if weighted else None, num_nodes=tuple(dense.shape))


def as_lists(found: Any) -> list[list[int]]:
    ends = found.rowptr.tolist()
    return [found.columns[a:b].tolist() for a, b in pairwise(ends)]


def check(query: dict[str, Any], exclude: Any = None, removed: list[tuple[int, int]] | None = None) -> None:
    """Every operation, on both paths, against sets."""
    first, second, pairs, x = (query[k] for k in ("first", "second", "pairs", "x"))
    a = to_adjacency(first)
    b = a if second is first else to_adjacency(second)
    options = {"other": None if b is a else b, "exclude": exclude, "num_threads": query["threads"]}
    dense1 = reference.without(first, removed or [])
    dense2 = dense1 if second is first else second
    rows1, rows2, asked = reference.rows_of(dense1), reference.rows_of(dense2), list(map(tuple, pairs.t().tolist()))
    expected = reference.common(rows1, rows2, asked)
    grad = torch.randn(len(asked), x.size(1), dtype=torch.float64)
    leaf = x.clone().requires_grad_()
    reference_sums = reference.pool(rows1, rows2, asked, leaf)
    reference_grad = torch.autograd.grad(reference_sums, leaf, grad)[0] if reference_sums.requires_grad else None
    bits: list[Tensor] = []
    for enabled in (True, False):
        _ops.ENABLED = enabled
        try:
            counts = common_neighbors(a, pairs, **options)
            torch.testing.assert_close(counts.double(), torch.tensor(reference.counts(rows1, rows2, asked)).double())
            lists = common_neighbor_lists(a, pairs, **options)
            assert as_lists(lists) == expected
            if lists.values is not None:
                products = [rows1[s][u] * rows2[t][u] for (s, t), us in zip(asked, expected, strict=True) for u in us]
                assert lists.values.tolist() == products
            for found, wanted in zip(
                neighbor_differences(a, pairs, **options), reference.differences(rows1, rows2, asked), strict=True
            ):
                assert as_lists(found) == wanted
            leaf = x.clone().requires_grad_()
            sums = common_neighbors(a, pairs, leaf, **options)
            torch.testing.assert_close(sums, reference_sums)
            (found_grad,) = torch.autograd.grad(sums, leaf, grad)
            torch.testing.assert_close(found_grad, torch.zeros_like(x) if reference_grad is None else reference_grad)
            if enabled:
                for threads in (1, 4):
                    leaf = x.clone().requires_grad_()
                    again = common_neighbors(a, pairs, leaf, **{**options, "num_threads": threads})
                    assert torch.equal(again, sums)
                    bits.append(torch.autograd.grad(again, leaf, grad)[0])
        finally:
            _ops.ENABLED = True
    assert torch.equal(bits[0], bits[1])


@settings(max_examples=50)
@given(queries())
def test_square(query: dict[str, Any]) -> None:
    check(query)


@settings(max_examples=25)
@given(queries(square=False))
def test_rectangular(query: dict[str, Any]) -> None:
    check(query)


@settings(max_examples=30)
@given(queries())
def test_target_edges_count_as_absent(query: dict[str, Any]) -> None:
    check(query, exclude=True, removed=query["pairs"].t().tolist())
    some = query["pairs"].flip(0)[:, ::2].contiguous()
    check(query, exclude=some, removed=some.t().tolist())


@pytest.mark.parametrize("level", ["plain", "avx2", "avx512"])
def test_every_instruction_set_finds_the_same_in_long_and_short_rows(
    level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(1)
    dense = torch.rand(60, 6000, generator=generator) < torch.linspace(0.0003, 0.6, 60)[:, None]
    pairs = torch.cartesian_prod(torch.arange(60), torch.arange(60))
    shuffled = pairs[torch.randperm(3600, generator=generator)].t().contiguous()
    adjacency = to_adjacency(dense.double())
    adjacency._bits = torch.zeros(0)  # not asked for: lists only, then bit rows
    expected = (dense[shuffled[0]] & dense[shuffled[1]]).sum(1)
    x = torch.randn(6000, 5, generator=generator)
    monkeypatch.setenv("GRAPHX_SIMD", level)
    for bits in (False, True):
        adjacency = to_adjacency(dense.double())
        if not bits:
            monkeypatch.setattr(adjacency, "_side", lambda excluded, a=adjacency: _torch.Side(
                a.indptr, a.indices, None, None, None, excluded))  # fmt: skip
        for asked, counts in ((shuffled, expected), (pairs.t().contiguous(), None)):
            wanted = counts if counts is not None else (dense[asked[0]] & dense[asked[1]]).sum(1)
            assert torch.equal(common_neighbors(adjacency, asked), wanted)
            lists = common_neighbor_lists(adjacency, asked)
            assert torch.equal(lists.columns.long(), (dense[asked[0]] & dense[asked[1]]).nonzero()[:, 1])
            sums = common_neighbors(adjacency, asked, x)
            torch.testing.assert_close(sums, (dense[asked[0]] & dense[asked[1]]).float() @ x, rtol=1e-4, atol=1e-4)


def test_diamond_by_hand(path: str) -> None:
    pairs = torch.tensor([[0, 1, 0], [3, 2, 1]])
    assert common_neighbors(DIAMOND, pairs).tolist() == [2, 2, 1]
    assert common_neighbors(DIAMOND, pairs, torch.eye(4)).tolist() == [[0, 1, 1, 0], [1, 0, 0, 1], [0, 0, 1, 0]]
    assert common_neighbors(DIAMOND, pairs, exclude=torch.tensor([[0], [2]])).tolist() == [1, 1, 0]
    # cn, 1 / log 3 and 1 / 3 of each of the two middle nodes
    assert heuristic(DIAMOND, pairs[:, :1], "aa").item() == pytest.approx(2 / torch.tensor(3.0).log().item())
    assert heuristic(DIAMOND, pairs[:, :1], "ra").item() == pytest.approx(2 / 3)
    assert heuristic(DIAMOND, pairs, "cn").tolist() == [2, 2, 1]


def test_gradients_of_first_and_second_order(path: str) -> None:
    pairs = torch.tensor([[0, 1, 0, 2], [3, 2, 1, 2]])
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    weights = torch.arange(1.0, 11.0)

    def sums(leaf: Tensor) -> Tensor:
        return common_neighbors(DIAMOND, pairs, leaf, edge_weight=weights, exclude=torch.tensor([[0], [1]]))

    assert torch.autograd.gradcheck(sums, x)
    assert torch.autograd.gradgradcheck(sums, x)


def test_operators_keep_the_rules_of_torch_library() -> None:
    query = as_adjacency(DIAMOND)._side(None)
    flat = (*query, *query, torch.tensor([[0, 1], [3, 2]]), 4, 1)
    x = torch.randn(4, 3, requires_grad=True)
    for operator, rest in (
        (_ops._count, ()),
        (_ops._score, (None,)),
        (_ops._lists, ()),
        (_ops._differences, ()),
        (_ops._pool, (x,)),
    ):
        torch.library.opcheck(operator, (*flat, *rest), test_utils=("test_schema", "test_faketensor"))


@pytest.mark.filterwarnings("ignore:Sparse CS")
def test_every_form_of_a_graph_says_the_same(path: str) -> None:
    size = (4, 4)
    ones = torch.ones(10, dtype=torch.float64)
    coo = torch.sparse_coo_tensor(DIAMOND, ones, size, check_invariants=True)
    forms = [
        DIAMOND,
        DIAMOND.repeat(1, 2),  # every edge twice is the same neighbourhood
        EdgeIndex(DIAMOND, sparse_size=size),
        coo,
        coo.to_sparse_csr(),
        coo.to_sparse_csc(),
        Graph.from_edges([0, 0, 1, 1, 2], [1, 2, 2, 3, 3]),
        as_adjacency(DIAMOND),
        pickle.loads(pickle.dumps(as_adjacency(DIAMOND))),
    ]
    for form in forms:
        assert common_neighbors(form, torch.tensor([[0, 1], [3, 2]])).tolist() == [2, 2], type(form)
    weighted = torch.sparse_coo_tensor(DIAMOND, 2 * ones, size, check_invariants=True)
    assert common_neighbors(weighted, torch.tensor([[0], [3]])).tolist() == [8.0]
    with_weights = Graph.from_edges([0, 0, 1, 1, 2], [1, 2, 2, 3, 3], [2.0] * 5)
    assert common_neighbors(with_weights, torch.tensor([[0], [3]])).tolist() == [8.0]


def test_sparse_tensor_by_its_interface() -> None:
    class SparseTensor:
        def coo(self) -> tuple[Tensor, Tensor, None]:
            return DIAMOND[0], DIAMOND[1], None

        def size(self, dim: int) -> int:
            return 4

    assert common_neighbors(SparseTensor(), torch.tensor([[0], [3]])).tolist() == [2]


def test_directed_rows_are_out_neighbourhoods_and_loops_stay(path: str) -> None:
    edges = torch.tensor([[0, 1, 0, 1], [2, 2, 0, 0]])
    assert common_neighbors(edges, torch.tensor([[0, 2], [1, 2]])).tolist() == [2, 0]


def test_the_same_tensor_is_sorted_once_and_a_changed_one_again() -> None:
    edges = DIAMOND.clone()
    first = as_adjacency(edges)
    assert as_adjacency(edges) is first
    assert as_adjacency(edges, num_nodes=9) is not first
    edges[1, 0] = 3
    changed = as_adjacency(edges)
    assert changed is not first
    assert changed.indices.tolist()[:2] == [2, 3]


def test_half_precision_is_summed_in_single(path: str) -> None:
    x = torch.tensor([[0.0], [2048.0], [1.0], [0.0]], dtype=torch.float16)
    assert common_neighbors(DIAMOND, torch.tensor([[0], [3]]), x).item() == 2048.0  # 2049 is no half
    assert common_neighbors(DIAMOND, torch.tensor([[0], [3]]), x).dtype == torch.float16


def test_compiled_graphs_have_no_break() -> None:
    adjacency = as_adjacency(DIAMOND)
    query = adjacency._side(None)

    def dense_and_sparse(x: Tensor, pairs: Tensor) -> Tensor:
        sums, _ = torch.ops.graphx.cn_pool(*query, *query, pairs, 4, 1, x.relu())
        return sums * 2

    pairs = torch.tensor([[0, 1], [3, 2]])
    compiled = torch.compile(dense_and_sparse, fullgraph=True, backend="eager")
    assert torch.equal(compiled(torch.eye(4), pairs), dense_and_sparse(torch.eye(4), pairs))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: common_neighbors(DIAMOND, torch.tensor([[0], [4]])), r"target node 4; expected 0\.\.3.*num_nodes"),
        (lambda: common_neighbors(DIAMOND, torch.tensor([[-1], [2]])), r"source node -1; expected 0\.\.3"),
        (
            lambda: common_neighbors(DIAMOND, torch.tensor([[0], [9]]), exclude=True),
            r"pairs names the node 9; expected 0\.\.3",
        ),
        (lambda: common_neighbors(DIAMOND, torch.tensor([[0.0], [1.0]])), r"float32 \[2, 1\]; expected an int64"),
        (lambda: common_neighbors(DIAMOND, torch.tensor([[0, 1], [1, 2], [2, 3]])), r"\[3, 2\].*pass pairs.t\(\)"),
        (lambda: common_neighbors(DIAMOND, [[0], [1]]), "pairs is a list; expected an int64 tensor"),
        (lambda: common_neighbors(DIAMOND, DIAMOND, torch.ones(3, 2)), r"node 3; expected 0\.\.2"),
        (lambda: common_neighbors(as_adjacency(DIAMOND), DIAMOND, torch.ones(5, 2)), "5 rows and the graph 4 columns"),
        (lambda: common_neighbors(DIAMOND, DIAMOND, torch.ones(4, 2).long()), "expected a floating point tensor"),
        (lambda: common_neighbors(DIAMOND.float(), DIAMOND), r"edge_index is torch.float32 \[2, 10\]"),
        (lambda: common_neighbors(DIAMOND.t(), DIAMOND), r"pass edge_index.t\(\)"),
        (lambda: common_neighbors("graph", DIAMOND), "is a builtins.str; expected an edge_index"),
        (lambda: common_neighbors(DIAMOND, DIAMOND, num_nodes=3), r"names node 3; expected 0\.\.2"),
        (lambda: common_neighbors(DIAMOND, DIAMOND, edge_weight=torch.ones(3)), r"\[3\]; expected \[10\]"),
        (lambda: common_neighbors(DIAMOND, DIAMOND, edge_weight=torch.full((10,), torch.nan)), "not finite"),
        (lambda: common_neighbors(DIAMOND, DIAMOND, edge_weight=torch.ones(10).requires_grad_()), r"\.detach\(\)"),
        (
            lambda: common_neighbors(DIAMOND.repeat(1, 2), DIAMOND, edge_weight=torch.ones(20)),
            "comes more than once with weights",
        ),
        (lambda: common_neighbors(DIAMOND, DIAMOND, other=as_adjacency(DIAMOND, num_nodes=9)), "4 columns and other 9"),
        (
            lambda: common_neighbors(DIAMOND, DIAMOND, other=as_adjacency(DIAMOND.clone()), exclude=True),
            "in neither matrix",
        ),
        (lambda: as_adjacency(as_adjacency(DIAMOND), num_nodes=7), r"\[4, 4\] and num_nodes says \[7, 7\]"),
        (lambda: common_neighbors(DIAMOND, DIAMOND, num_threads=0), "positive integer"),
        (lambda: heuristic(DIAMOND, DIAMOND, "jaccard"), "expected 'cn', 'aa' or 'ra'"),
        (lambda: heuristic(as_adjacency(DIAMOND, num_nodes=(4, 5)), DIAMOND), "expected a square one"),
        (lambda: katz(DIAMOND, DIAMOND, beta=0.9), "does not converge"),
        (lambda: katz(DIAMOND, DIAMOND, beta=-1.0), "expected a positive number"),
        (lambda: katz(DIAMOND, torch.tensor([[0], [4]])), r"expected 0\.\.3"),
    ],
)
def test_bad_input_is_refused(call: Any, message: str, path: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_katz_is_the_inverse(path: str) -> None:
    generator = torch.Generator().manual_seed(0)
    dense = (torch.rand(90, 90, generator=generator) < 0.1).double().triu(1)
    dense += dense.t().clone()
    pairs = torch.randint(0, 90, (2, 200), generator=generator)
    eye = torch.eye(90, dtype=torch.float64)
    expected = (torch.linalg.inv(eye - 0.05 * dense) - eye)[pairs[0], pairs[1]]
    torch.testing.assert_close(katz(to_adjacency(dense), pairs, beta=0.05), expected, rtol=1e-10, atol=1e-13)


def test_the_published_heuristics_on_ogbl_ddi(data_dir: Path) -> None:
    if not (data_dir / "ogb" / "ogbl_ddi").is_dir():
        pytest.skip("ogbl-ddi is not there")
    from graphx.data import load_graph, load_ogb
    from graphx.nn.linkpred.evaluate import hits_at

    task = load_ogb("ogbl-ddi", data_dir)
    adjacency = as_adjacency(load_graph("ogbl-ddi", data_dir))
    positive, negative = (part.t().contiguous() for part in task.pairs("test"))
    for method, known in (("cn", 0.17730), ("aa", 0.18608)):
        found = hits_at(heuristic(adjacency, positive, method), heuristic(adjacency, negative, method), 20)
        assert round(found, 5) == known
    counts, slow = both(lambda: common_neighbors(adjacency, positive[:, :4000]))
    assert torch.equal(counts, slow)
