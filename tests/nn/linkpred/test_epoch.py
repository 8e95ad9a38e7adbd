"""One epoch against the same by hand, negatives on odd graphs, seeds and states that come back, shared work."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from graphx.data.splits import link_split
from graphx.data.synthetic import cycle, star
from graphx.errors import InputError
from graphx.nn.linkpred import EvaluationPairs, LinkConfig, LinkModel, LinkTask, as_adjacency
from graphx.nn.linkpred import _epoch as epochs
from graphx.nn.linkpred._messages import messages_of
from graphx.nn.linkpred.task import has_edges
from tests.nn.linkpred.graphs import adjacency_of, dense_of, edges_of, random_dense


@pytest.fixture(scope="module")
def task() -> LinkTask:
    return LinkTask.from_split(link_split(cycle(20), seed=0))


def dense_task(size: int = 16, seed: int = 2) -> LinkTask:
    dense = random_dense(seed, size, 0.35, symmetric=True, loops=False)
    edges, absent = edges_of(torch.triu(dense)), edges_of(torch.triu(1 - dense, 1))
    train = edges[:, 3:]
    graph = as_adjacency(torch.cat((train, train.flip(0)), 1), num_nodes=size)
    return LinkTask(graph, train, EvaluationPairs(edges[:, :3], absent[:, :6]))


# -- an epoch ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exclude", [True, False])
@pytest.mark.parametrize("clip", [None, 0.05])
def test_an_epoch_by_hand(exclude: bool, clip: float | None) -> None:
    """The same batches with graphs that are built anew, the loss as it is written, and Adam by its formulas."""
    task = dense_task()
    config = LinkConfig(
        hidden_channels=4,
        conv="puresum",
        batch_size=8,
        exclude_targets=exclude,
        clip_norm=clip,
        encoder_lr=0.02,
        predictor_lr=0.05,
    )
    torch.manual_seed(0)
    model, twin = LinkModel(config, None, 16), LinkModel(config.replace(exclude_targets=False), None, 16)
    twin.load_state_dict(model.state_dict())
    mean = epochs.train_epoch(model, model, epochs.optimizer_of(model), task, 7, 3, None)

    generator = torch.Generator().manual_seed(epochs.seed_of(7, 3, 1))
    order = torch.randperm(task.train.size(1), generator=generator)
    negatives = epochs.draw_negatives(task.graph, task.train, "uniform", generator)
    whole, losses = dense_of(task.graph), []
    state = {name: [torch.zeros_like(p), torch.zeros_like(p)] for name, p in twin.named_parameters()}
    twin.train()
    for number in range(task.train.size(1) // 8):
        picked = order[8 * number : 8 * number + 8]
        positive, negative = task.train[:, picked], negatives[:, picked]
        seen = whole.clone()
        if exclude:
            seen[positive[0], positive[1]] = seen[positive[1], positive[0]] = 0
        graph = adjacency_of(seen)
        logits = [twin(None, graph, pairs) for pairs in (positive, negative)]
        loss = -logits[0].sigmoid().log().mean() - (1 - logits[1].sigmoid()).log().mean()
        names, parameters = zip(*twin.named_parameters(), strict=True)
        grads = dict(zip(names, torch.autograd.grad(loss, parameters), strict=True))
        losses.append(float(loss.detach()))
        for part, rate in (("encoder", 0.02), ("predictor", 0.05)):
            mine = [name for name in names if name.startswith(part)]
            norm = torch.stack([grads[name].norm() for name in mine]).norm()
            factor = 1.0 if clip is None else min(1.0, clip / float(norm + 1e-6))
            for name in mine:
                first, second = state[name]
                first.mul_(0.9).add_(grads[name] * factor, alpha=0.1)
                second.mul_(0.999).add_((grads[name] * factor) ** 2, alpha=0.001)
                step = number + 1
                change = (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
                with torch.no_grad():
                    twin.get_parameter(name).sub_(rate * change)
    assert mean == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    for name, value in model.named_parameters():
        torch.testing.assert_close(value, twin.get_parameter(name), rtol=2e-3, atol=2e-4, msg=name)


def test_an_epoch_depends_on_its_number_and_seed_alone() -> None:
    task = dense_task()
    config = LinkConfig(hidden_channels=4, batch_size=5, dropout=0.3, edge_dropout=0.2, predictor_edge_dropout=0.3)

    def run(seed: int, epoch: int, noise: int) -> tuple[float, list[float]]:
        torch.manual_seed(0)
        model = LinkModel(config, None, 16)
        torch.manual_seed(noise)
        loss = epochs.train_epoch(model, model, epochs.optimizer_of(model), task, seed, epoch, None)
        return loss, [float(p.detach().sum()) for p in model.parameters()]

    first = run(1, 2, 3)
    assert run(1, 2, 99) == first
    assert run(1, 3, 3)[0] != first[0] != run(2, 2, 3)[0]


def test_few_pairs_make_one_batch_and_steps_are_told() -> None:
    task, told = dense_task(), []
    count = task.train.size(1)
    for size, batches in ((count + 1, 1), (count, 1), (count // 2, 2), (count - 1, 1)):
        model = LinkModel(LinkConfig(hidden_channels=4, batch_size=size), None, 16)
        told.clear()
        mean = epochs.train_epoch(model, model, epochs.optimizer_of(model), task, 0, 0, lambda *step: told.append(step))
        assert [step[:2] for step in told] == [(number + 1, batches) for number in range(batches)]
        assert mean == pytest.approx(sum(step[2] for step in told) / batches)


def test_a_loss_that_is_not_finite_is_told_with_its_cure() -> None:
    task = dense_task()
    model = LinkModel(
        LinkConfig(hidden_channels=4, batch_size=4, structure="gae", predictor_layer_norm=False), None, 16
    )
    with torch.no_grad():
        model.predictor.head[-1].bias.fill_(torch.inf)
    with pytest.raises(InputError, match=r"the loss is (inf|nan) in epoch 5; lower encoder_lr \(0.001\) and predictor"):
        epochs.train_epoch(model, model, epochs.optimizer_of(model), task, 0, 4, None)


@pytest.mark.parametrize("structure", ["ncn", "gae"])
def test_a_rate_of_zero_keeps_a_side(structure: Any) -> None:
    task = dense_task()
    config = LinkConfig(hidden_channels=4, structure=structure, encoder_lr=0.0, batch_size=8)
    torch.manual_seed(0)
    model = LinkModel(config, None, 16)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = epochs.optimizer_of(model)
    assert [group["lr"] for group in optimizer.param_groups] == [0.0, 0.001]
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(model.parameters()))
    epochs.train_epoch(model, model, optimizer, task, 0, 0, None)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith("predictor.") for name in changed)


# -- what the predictor sees -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exclude", [True, False])
@pytest.mark.parametrize("dropped", [0.0, 0.5])
@pytest.mark.parametrize("world", [1, 2])
def test_what_each_side_sees_of_the_graph(exclude: bool, dropped: float, world: int) -> None:
    task = dense_task()
    whole, positive = dense_of(task.graph), task.train[:, :5]
    config = LinkConfig(exclude_targets=exclude, predictor_edge_dropout=dropped)
    without = whole.clone()
    without[positive[0], positive[1]] = without[positive[1], positive[0]] = 0
    torch.manual_seed(1)
    graph, messages = epochs._without_targets(
        config, task.graph, messages_of(task.graph), positive, epochs.Ranks(0, world)
    )
    assert torch.equal(dense_of(messages.rows), without if exclude else whole)
    found = dense_of(graph)
    if not dropped:  # one process masks its pairs itself; several must agree on the batch's
        assert torch.equal(found, without if exclude and world == 2 else whole)
    else:
        base = without if exclude else whole
        assert bool((found <= base).all()) and 0.2 < float(found.sum() / base.sum()) < 0.8


@pytest.mark.parametrize(
    ("structure", "conv", "layers", "depth", "steps"),
    [
        ("gae", "none", 3, 1, 0),  # the ends alone
        ("gae", "gin", 2, 1, 2),
        ("gae", "gcn", 2, 1, 3),  # and the degrees of the last
        ("ncn", "puremean", 1, 1, 2),
        ("ncn2", "puregcn", 1, 1, 3),
        ("cn2", "sage", 1, 1, 3),
        ("ncnc", "max", 1, 2, 3),
        ("gae_cnc", "none", 1, 3, 3),
    ],
)
def test_how_far_a_logit_reaches(structure: Any, conv: Any, layers: int, depth: int, steps: int) -> None:
    assert epochs._reach(LinkConfig(structure=structure, conv=conv, num_layers=layers, depth=depth)) == steps


# -- negatives ---------------------------------------------------------------------------------------------------------


def test_negatives_of_a_star_are_pairs_of_leaves() -> None:
    graph = as_adjacency(star(5))
    ends = dense_of(graph)[0].sum()
    positive = torch.tensor([[1, 2, 3], [0, 0, 0]])
    assert ends > 0
    for how in ("uniform", "source"):
        drawn = epochs.draw_negatives(graph, positive, how, torch.Generator().manual_seed(0))
        assert not bool((drawn == 0).any()) and not bool((drawn[0] == drawn[1]).any())
        assert not bool(has_edges(graph, drawn).any())
    with pytest.raises(InputError, match="3 of 3 negatives were not found in 100 tries.*pass negatives='uniform'"):
        epochs.draw_negatives(graph, positive.flip(0), "source", torch.Generator().manual_seed(0))
    assert epochs.draw_negatives(graph, positive[:, :0], "source", torch.Generator()).shape == (2, 0)


# -- seeds and states --------------------------------------------------------------------------------------------------


def test_seeds_of_numbers_are_far_apart() -> None:
    """Of runs, epochs, purposes and ranks as training asks for them; zeros at the end are not told apart."""
    asked = [(seed, 0, 0) for seed in range(5)]
    asked += [(seed, epoch, 1) for seed in range(5) for epoch in range(5)]
    asked += [(seed, epoch, 2, rank) for seed in range(5) for epoch in range(5) for rank in range(3)]
    found = {epochs.seed_of(*parts) for parts in asked}
    assert len(found) == len(asked) and all(0 <= seed < 2**63 for seed in found)
    assert epochs.seed_of(3, 1, 2) == epochs.seed_of(3, 1, 2)


@pytest.mark.parametrize("before", [(False, False), (True, True), (True, False)])
def test_torchs_settings_come_back(before: tuple[bool, bool]) -> None:
    mine = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    try:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.manual_seed(3)
        state = torch.get_rng_state()
        with pytest.raises(KeyError), epochs.reproducible(torch.device("cpu")):
            assert torch.are_deterministic_algorithms_enabled()
            assert not torch.is_deterministic_algorithms_warn_only_enabled()
            torch.rand(5)
            raise KeyError
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.are_deterministic_algorithms_enabled() == before[0]
        assert torch.is_deterministic_algorithms_warn_only_enabled() == before[1]
        assert torch.utils.deterministic.fill_uninitialized_memory == fill  # type: ignore[attr-defined]
    finally:
        torch.use_deterministic_algorithms(mine[0], warn_only=mine[1])


# -- evaluation --------------------------------------------------------------------------------------------------------


def test_scores_have_the_shape_of_their_pairs_in_batches_of_any_size() -> None:
    task = dense_task()
    torch.manual_seed(0)
    model = LinkModel(LinkConfig(hidden_channels=4, eval_batch_size=3, dropout=0.9, predictor_dropout=0.9), None, 16)
    own = torch.randint(16, (2, 3, 7), generator=torch.Generator().manual_seed(0))
    part = EvaluationPairs(task.valid.positive, own)
    positive, negative = epochs.evaluate_pairs(model.train(), None, task.graph, part)
    assert not model.training and positive.shape == (3,) and negative.shape == (3, 7)
    direct = model(None, task.graph, own.reshape(2, -1)).reshape(3, 7)
    torch.testing.assert_close(negative, direct)
    assert epochs.score(model, torch.zeros(16, 4), task.graph, own[:, :, :0]).shape == (3, 0)


def test_the_metric_of_the_settings() -> None:
    positive, negative = torch.tensor([3.0, 1.0]), torch.tensor([2.0, 1.0, 0.0])
    expected = {"hits@1": 0.5, "hits@2": 0.5, "hits@3": 1.0, "mrr": (1 + 1 / 2.5) / 2, "auc": (3 + 1.5) / 6}
    for name, value in expected.items():
        assert epochs.metric(LinkConfig(metric=name), positive, negative) == pytest.approx(value)


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
