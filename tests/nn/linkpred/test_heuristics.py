"""Heuristics against networkx, dense matrices and their own laws; Katz where its series ends, crawls or diverges."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphx.data.synthetic import path
from graphx.errors import InputError
from graphx.nn.linkpred import as_adjacency, heuristic, katz
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

PAIRS = torch.tensor([[0, 1], [3, 2]])


@settings(deadline=None, max_examples=30)
@given(seed=seeds, size=st.integers(2, 14), density=st.sampled_from([0.1, 0.4, 0.9]))
def test_as_networkx_has_them(seed: int, size: int, density: float) -> None:
    dense = random_dense(seed, size, density, symmetric=True, loops=False)
    graph = nx.from_numpy_array(dense.numpy())
    pairs = torch.combinations(torch.arange(size)).t().contiguous()
    for method, theirs in (("aa", nx.adamic_adar_index), ("ra", nx.resource_allocation_index)):
        wanted = torch.tensor([score for _, _, score in theirs(graph, pairs.t().tolist())], dtype=torch.float64)
        for found in on_both(lambda method=method: heuristic(edges_of(dense), pairs, method, num_nodes=size)):
            torch.testing.assert_close(found, wanted)
    counts = [len(list(nx.common_neighbors(graph, u, v))) for u, v in pairs.t().tolist()]
    assert heuristic(adjacency_of(dense), pairs, "cn").tolist() == counts


@settings(deadline=None, max_examples=25)
@given(seed=seeds, size=st.integers(2, 9), weighted=st.booleans(), symmetric=st.booleans(), enabled=st.booleans())
def test_weights_loops_and_directions_by_dense_matrices(
    seed: int, size: int, weighted: bool, symmetric: bool, enabled: bool
) -> None:
    dense = random_dense(seed, size, weighted=weighted, symmetric=symmetric)
    pairs, degrees = random_pairs(seed, size, 30), dense.sum(1)
    factors = {
        "cn": torch.ones_like(degrees),
        "aa": torch.where(degrees > 1, 1 / degrees.log(), 0.0),
        "ra": torch.where(degrees > 0, 1 / degrees, 0.0),
    }
    with extension(enabled):
        for method, factor in factors.items():
            wanted = (dense[pairs[0]] * dense[pairs[1]] * factor).sum(1)
            found = heuristic(adjacency_of(dense), pairs, method)  # type: ignore[arg-type]
            torch.testing.assert_close(found, wanted)
            assert torch.equal(found, heuristic(adjacency_of(dense), pairs.flip(0), method))  # type: ignore[arg-type]
            assert torch.equal(found, heuristic(adjacency_of(dense), pairs, method, num_threads=3))  # type: ignore[arg-type]


# -- Katz --------------------------------------------------------------------------------------------------------------


def inverse(dense: Tensor, beta: float) -> Tensor:
    eye = torch.eye(len(dense), dtype=torch.float64)
    return torch.linalg.inv(eye - beta * dense) - eye


@settings(deadline=None, max_examples=30)
@given(
    seed=seeds,
    size=st.integers(1, 9),
    weighted=st.booleans(),
    symmetric=st.booleans(),
    share=st.sampled_from([0.05, 0.5, 0.95]),
)
def test_katz_is_the_inverse_up_to_the_radius(
    seed: int, size: int, weighted: bool, symmetric: bool, share: float
) -> None:
    dense = random_dense(seed, size, weighted=weighted, symmetric=symmetric)
    largest = float(torch.linalg.eigvals(dense).abs().max())
    beta = share / largest if largest > 1e-6 else 0.5
    pairs = random_pairs(seed, size, 20)
    wanted = inverse(dense, beta)[pairs[0], pairs[1]]
    torch.testing.assert_close(katz(adjacency_of(dense), pairs, beta=beta), wanted, rtol=1e-9, atol=1e-9)


def test_katz_with_weights_of_both_signs() -> None:
    """The largest row sum of absolute values is 4, the largest eigenvalue 2 sqrt(2): 0.3 is between their inverses."""
    dense = torch.tensor([[2.0, 2.0], [2.0, -2.0]], dtype=torch.float64)
    found = katz(adjacency_of(dense), torch.tensor([[0, 0, 1], [0, 1, 1]]), beta=0.3)
    torch.testing.assert_close(found, inverse(dense, 0.3)[[0, 0, 1], [0, 1, 1]], rtol=1e-9, atol=0)


def lollipop(tail: int, clique: int) -> Tensor:
    """A path of `tail` steps from node 0 to a clique, whose largest eigenvalue is just above clique - 1."""
    listed = [(i, i + 1) for i in range(tail)]
    listed += [(tail + i, tail + j) for i in range(clique) for j in range(i)]
    edges = torch.tensor(listed).t()
    return torch.cat((edges, edges.flip(0)), dim=1)


@pytest.mark.parametrize("beta", [0.03, 0.0205, 1.0])
def test_a_beta_beyond_the_radius_is_seen_from_afar(beta: float) -> None:
    """From the end of the tail the walks are below any tolerance before they come to the clique, where they grow."""
    edges = lollipop(12, 50)
    with pytest.raises(InputError, match=f"beta={beta}: the sum over walks does not converge.*degree \\(50\\)"):
        katz(edges, torch.tensor([[0], [1]]), beta=beta)
    assert katz(edges, torch.tensor([[0], [1]]), beta=0.02).item() == pytest.approx(0.02 / (1 - 0.0004), rel=1e-3)


def test_katz_of_many_sources_in_any_order() -> None:
    """More sources than are solved together, each more than once."""
    size = 150
    dense = torch.roll(torch.eye(size, dtype=torch.float64), 1, 0)
    dense += dense.t().clone()
    pairs = random_pairs(3, size, 400)
    found = katz(edges_of(dense), pairs, beta=0.4)
    torch.testing.assert_close(found, inverse(dense, 0.4)[pairs[0], pairs[1]], rtol=1e-8, atol=1e-13)
    order = torch.randperm(400, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(katz(edges_of(dense), pairs[:, order], beta=0.4), found[order], rtol=1e-9, atol=1e-13)


def test_a_path_by_hand() -> None:
    """On the path 0 - 1 - 2 the walks from 0 to 2 are 2, 4, 6 ... long, 2^(k - 1) of length 2k: b^2 / (1 - 2 b^2)."""
    found = katz(as_adjacency(path(3)), torch.tensor([[0, 0, 1], [2, 1, 1]]), beta=0.5)
    assert found.tolist() == pytest.approx([0.25 / 0.5, 0.5 / 0.5, 2 * 0.25 / 0.5], rel=1e-11)
    assert katz(as_adjacency(path(3)), torch.zeros(2, 0, dtype=torch.int64)).tolist() == []
    assert katz(torch.zeros(2, 0, dtype=torch.int64), torch.tensor([[0], [1]]), num_nodes=2).tolist() == [0.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: katz(DIAMOND, PAIRS, beta=0.0), "beta is 0.0; expected a positive number below 1 / the largest"),
        (lambda: katz(DIAMOND, PAIRS, beta=float("nan")), "beta is nan"),
        (lambda: katz(DIAMOND, PAIRS, beta=float("inf")), "beta=inf: the sum over walks does not converge"),
        (
            lambda: katz(DIAMOND, PAIRS, beta=0.39, max_steps=5),
            "does not converge",
        ),  # 1 / 2.56 = 0.3904: not in 5 steps
        (lambda: katz(DIAMOND, PAIRS - 1), "pairs name the source node -1|pairs name nodes -1..2"),
        (
            lambda: katz(as_adjacency(DIAMOND, num_nodes=(4, 6)), PAIRS),
            r"the matrix is \[4, 6\]; expected a square one",
        ),
        (lambda: heuristic(DIAMOND, PAIRS, "katz"), r"method is 'katz'.*\(Katz is the function katz\)"),
        (lambda: heuristic(DIAMOND, PAIRS.float()), r"pairs is torch.float32 \[2, 2\]; expected an int64 tensor"),
    ],
)
def test_what_came_and_what_was_expected(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_heuristics_with_weights_and_without_walks() -> None:
    weight = torch.arange(1.0, 11.0, dtype=torch.float64)
    dense = torch.zeros(4, 4, dtype=torch.float64)
    dense[DIAMOND[0], DIAMOND[1]] = weight
    degrees = dense.sum(1)
    expected = [sum(dense[u, w] * dense[v, w] / degrees[w].log() for w in range(4)) for u, v in PAIRS.t().tolist()]
    found = heuristic(as_adjacency(DIAMOND, edge_weight=weight), PAIRS, "aa")
    assert torch.allclose(found, torch.stack(expected))
    arrow = as_adjacency(torch.tensor([[0, 1], [1, 2]]), num_nodes=3)  # walks end: A^3 is 0
    assert katz(arrow, torch.tensor([[0, 0], [1, 2]]), beta=0.5).tolist() == [0.5, 0.25]
