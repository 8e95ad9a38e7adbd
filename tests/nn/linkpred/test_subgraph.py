"""The part of a graph around some pairs: against a search by hand, and logits that must not see the difference."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphx.nn.linkpred import LinkConfig, LinkModel, LinkTask
from graphx.nn.linkpred import _epoch as epochs
from graphx.nn.linkpred._messages import messages_of
from graphx.nn.linkpred._subgraph import neighborhood
from graphx.nn.linkpred.task import EvaluationPairs
from tests.nn.linkpred.graphs import adjacency_of, dense_of, edges_of, random_dense, random_pairs, seeds


def reached(dense: Tensor, start: Tensor, steps: int) -> list[int]:
    inside = torch.zeros(len(dense), dtype=torch.bool)
    inside[start.flatten()] = True
    for _ in range(steps):
        inside |= (dense[inside] != 0).any(0)
    return inside.nonzero().squeeze(1).tolist()


@settings(deadline=None, max_examples=40)
@given(seed=seeds, size=st.integers(1, 14), steps=st.integers(0, 4), weighted=st.booleans(), count=st.integers(0, 3))
def test_nodes_edges_and_places(seed: int, size: int, steps: int, weighted: bool, count: int) -> None:
    dense = random_dense(seed, size, 0.12, symmetric=True, weighted=weighted)
    pairs = random_pairs(seed, size, count)
    graph = adjacency_of(dense)
    found = neighborhood(graph, messages_of(graph), pairs, steps)
    nodes = reached(dense, pairs, steps)
    assert found.nodes.tolist() == nodes
    block = dense[nodes][:, nodes]
    assert torch.equal(dense_of(found.graph), block) and torch.equal(dense_of(found.messages.rows), block)
    assert torch.equal(found.nodes[found.pairs], pairs)
    assert found.messages.is_symmetric
    x = torch.randn(len(nodes), 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    torch.testing.assert_close(found.messages.aggregate(x, "sum"), block @ x)


def test_the_encoder_reads_more_than_the_predictor() -> None:
    """The graph of the predictor has lost edges; how far a pair reaches goes by what the encoder reads."""
    whole = random_dense(2, 12, 0.3, symmetric=True, loops=False)
    fewer = whole.clone()
    fewer[::2] = 0  # also not symmetric
    pairs = torch.tensor([[1], [5]])
    found = neighborhood(adjacency_of(fewer), messages_of(adjacency_of(whole)), pairs, 2)
    nodes = reached(whole, pairs, 2)
    assert found.nodes.tolist() == nodes
    assert torch.equal(dense_of(found.graph), fewer[nodes][:, nodes])
    assert torch.equal(dense_of(found.messages.rows), whole[nodes][:, nodes])


STRUCTURES = ["gae", "gae_cn", "gae_cat_cn", "gae_cnc", "ncn", "ncnc", "ncn2", "ncn_diff", "cn2"]


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("conv", ["gcn", "sage", "puremax", "none"])
def test_logits_do_not_see_what_is_further_away(structure: Any, conv: Any) -> None:
    """Sparse graphs of 60 nodes with weights, so that there is something left out; completion two levels deep."""
    for seed in (1, 2):
        dense = random_dense(2 * seed, 60, 0.035, symmetric=True, weighted=True, loops=False)
        config = LinkConfig(structure=structure, conv=conv, hidden_channels=6, num_layers=2, depth=2, residual=True)
        torch.manual_seed(seed)
        model = LinkModel(config, 3).double().eval()
        x = torch.randn(60, 3, dtype=torch.float64)
        graph = adjacency_of(dense)
        pairs = random_pairs(seed, 60, 3)
        near = neighborhood(graph, messages_of(graph), pairs, epochs._reach(config))
        whole = model(x, graph, pairs)
        part = model(x[near.nodes], near.graph, near.pairs, messages=near.messages)
        torch.testing.assert_close(part, whole, rtol=1e-9, atol=1e-12)
        assert near.nodes.numel() < 60 or structure in ("cn2", "ncnc", "gae_cnc")


@pytest.mark.parametrize("structure", ["ncnc", "cn2"])
@pytest.mark.parametrize("exclude", [True, False])
@pytest.mark.parametrize("dropped", [0.0, 0.3])
def test_options_of_training_together(structure: Any, exclude: bool, dropped: float) -> None:
    """Subgraphs, targets left out, edges that the predictor does not see, averaged weights, clipping: one result."""
    dense = random_dense(4, 40, 0.15, symmetric=True, loops=False)
    edges = edges_of(torch.triu(dense))
    absent = edges_of(torch.triu(1 - dense, 1))
    train, valid = edges[:, 6:], EvaluationPairs(edges[:, :6], absent[:, ::9])
    both = torch.cat((train, train.flip(0)), dim=1)
    torch.manual_seed(0)
    x = torch.randn(40, 4)
    config = LinkConfig(
        structure=structure,
        conv="puregcn",
        hidden_channels=5,
        depth=2 if structure == "ncnc" else 1,
        learnable_pt=structure == "ncnc",
        batch_size=16,
        exclude_targets=exclude,
        predictor_edge_dropout=dropped,
        clip_norm=0.7,
        weight_average=0.5,
        negatives="source",
        metric="auc",
    )
    losses, weights = [], []
    for subgraphs in (False, True):
        task = LinkTask(adjacency_of(dense_from(both, 40)), train, valid, x=x)
        torch.manual_seed(0)
        model = LinkModel(config.replace(subgraphs=subgraphs), 4)
        optimizer = epochs.optimizer_of(model)
        losses.append([epochs.train_epoch(model, model, optimizer, task, 5, epoch, None) for epoch in range(2)])
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    torch.testing.assert_close(*weights, rtol=1e-3, atol=1e-4)


def dense_from(edges: Tensor, size: int) -> Tensor:
    dense = torch.zeros(size, size, dtype=torch.float64)
    dense[edges[0], edges[1]] = 1
    return dense
