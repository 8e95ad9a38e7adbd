"""Link prediction where it ends: other devices, wrong tensors, odd graphs, and work that processes share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from graphx.data.splits import link_split
from graphx.data.synthetic import cycle, path
from graphx.errors import InputError, StoreError
from graphx.nn.linkpred import (
    LinkConfig,
    LinkModel,
    LinkTask,
    as_adjacency,
    heuristic,
    katz,
)
from graphx.nn.linkpred import _epoch as epochs
from graphx.nn.linkpred._messages import Messages, messages_of
from graphx.nn.linkpred.common_neighbors import make_query

DIAMOND = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 2, 3, 3], [1, 2, 0, 2, 3, 0, 1, 3, 1, 2]])
PAIRS = torch.tensor([[0, 1], [3, 2]])


@pytest.fixture(scope="module")
def task() -> LinkTask:
    return LinkTask.from_split(link_split(cycle(20), seed=0))


def test_unknown_options() -> None:
    with pytest.raises(TypeError, match="unknown option 'wigth'; expected one of"):
        make_query(DIAMOND, PAIRS, wigth=1)  # type: ignore[call-arg]


# -- other devices -----------------------------------------------------------------------------------------------------


def test_a_task_moves_as_a_whole(task: LinkTask) -> None:
    x = torch.eye(20)
    whole = LinkTask(task.graph, task.train, task.valid, task.test, x, test_graph=task.graph)
    moved = whole.to("meta")
    parts = [moved.graph.indices, moved.test_graph.indices, moved.x, moved.train, *moved.valid, *moved.test]
    assert {part.device.type for part in parts} == {"meta"} and moved.train.shape == task.train.shape
    assert task.to("cpu") is task and task.to("meta").x is None and task.to("meta").test_graph is None
    assert whole.digest() != LinkTask(task.graph, task.train, task.valid, task.test, x).digest()


def test_a_graph_for_testing_has_the_same_nodes(task: LinkTask) -> None:
    with pytest.raises(InputError, match="test_graph has 21 nodes; expected 20 as the graph"):
        LinkTask(task.graph, task.train, task.valid, task.test, test_graph=as_adjacency(cycle(21)))
    assert LinkTask(task.graph, task.train, task.valid).test is None


# -- models ------------------------------------------------------------------------------------------------------------


def test_without_layers_the_predictor_reads_the_features() -> None:
    config = LinkConfig(num_layers=0, hidden_channels=8, structure="gae", conv="puregcn")
    model = LinkModel(config, 5, 4).eval()
    scores = model.predict(torch.eye(4, 5), as_adjacency(DIAMOND), PAIRS)
    assert scores.shape == (2,) and bool(scores.isfinite().all())


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps({"format": "thesis"}))
    with pytest.raises(StoreError, match=r"model\.json: no model of LinkModel\.save; give another folder"):
        LinkModel.load(tmp_path)


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


# -- processes that share the work -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [5, 1])
def test_each_process_scores_its_share(monkeypatch: pytest.MonkeyPatch, task: LinkTask, number: int) -> None:
    torch.manual_seed(0)
    model = LinkModel(LinkConfig(hidden_channels=8, structure="ncn"), None, 20).eval()
    h, pairs = torch.randn(20, 8), torch.stack([torch.arange(number), torch.arange(number) + 2])
    whole = epochs.score(model, h, task.graph, pairs)
    sent: dict[int, torch.Tensor] = {}

    def all_gather(parts: list[torch.Tensor], mine: torch.Tensor) -> None:
        sent[epochs.ranks().rank] = mine.clone()
        for rank, part in enumerate(parts):
            part.copy_(sent.get(rank, torch.zeros_like(part)))

    monkeypatch.setattr(torch.distributed, "all_gather", all_gather)
    for rank in (0, 1):
        monkeypatch.setattr(epochs, "ranks", lambda rank=rank: epochs.Ranks(rank, 2))
        found = epochs.score(model, h, task.graph, pairs)
    assert torch.allclose(found, whole, atol=1e-6)


def test_losses_of_processes_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda loss: loss.mul_(2))
    assert epochs._total(torch.tensor(1.5), epochs.Ranks(0, 2)) == 3.0
    assert epochs._total(torch.tensor(1.5), epochs.Ranks()) == 1.5


def test_ranks_are_those_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    assert epochs.ranks() == (0, 1)
    facts: dict[str, Any] = {"is_available": True, "is_initialized": True, "get_rank": 3, "get_world_size": 4}
    for name, value in facts.items():
        monkeypatch.setattr(torch.distributed, name, lambda value=value: value)
    assert epochs.ranks() == (3, 4)
