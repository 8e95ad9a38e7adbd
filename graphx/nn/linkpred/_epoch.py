"""One epoch of training and one evaluation; what is random in an epoch depends on the seed and its number alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from graphx.errors import InputError
from graphx.nn.linkpred._messages import Messages, messages_of, where
from graphx.nn.linkpred._subgraph import neighborhood
from graphx.nn.linkpred.adjacency import Adjacency
from graphx.nn.linkpred.config import LinkConfig
from graphx.nn.linkpred.evaluate import auc, hits_at, mrr
from graphx.nn.linkpred.model import LinkModel
from graphx.nn.linkpred.task import EvaluationPairs, LinkTask, has_edges

__all__: list[str] = []

_TRIES = 100


class Ranks(NamedTuple):
    """This process among those that share the work."""

    rank: int = 0
    world: int = 1


def ranks() -> Ranks:
    """As ``torch.distributed`` has it, alone where it is not set up."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return Ranks(torch.distributed.get_rank(), torch.distributed.get_world_size())
    return Ranks()


def seed_of(*parts: int) -> int:
    """A seed of 63 bits from numbers."""
    return int(np.random.SeedSequence(list(parts)).generate_state(1, np.uint64)[0] >> 1)


@contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """On the processor, only operations that give the same bits each time; torch's own random state comes back."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    settings: Any = torch.utils.deterministic
    fill = settings.fill_uninitialized_memory
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        try:
            if device.type == "cpu":
                torch.use_deterministic_algorithms(True)
                settings.fill_uninitialized_memory = False
            yield
        finally:
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])
            settings.fill_uninitialized_memory = fill


def draw_negatives(graph: Adjacency, positive: Tensor, how: str, generator: torch.Generator) -> Tensor:
    """As many pairs ``[2, E]`` of different nodes without an edge as there are positives."""
    size, count = graph.num_rows, positive.size(1)
    out = torch.empty_like(positive)
    left = torch.arange(count, device=positive.device)
    for _ in range(_TRIES):
        if how == "source":
            u = positive[0, left]
        else:
            u = torch.randint(size, (left.numel(),), generator=generator).to(positive.device)
        v = torch.randint(size, (left.numel(),), generator=generator).to(positive.device)
        drawn = torch.stack((u, v))
        out[:, left] = drawn
        left = left[(u == v) | has_edges(graph, drawn)]
        if left.numel() == 0:
            return out
    raise InputError(
        f"{left.numel()} of {count} negatives were not found in {_TRIES} tries: the graph leaves too few pairs without "
        "an edge" + ("; pass negatives='uniform'" if how == "source" else "")
    )


def train_epoch(
    model: LinkModel,
    wrapped: nn.Module,
    optimizer: torch.optim.Optimizer,
    task: LinkTask,
    seed: int,
    epoch: int,
    report: Callable[[int, int, float], object] | None,
) -> float:
    """One pass; the mean loss. `wrapped` is the model itself, or what averages gradients over processes."""
    config, device, share = model.config, task.graph.device, ranks()
    generator = torch.Generator().manual_seed(seed_of(seed, epoch, 1))
    torch.manual_seed(seed_of(seed, epoch, 2, share.rank))
    count = task.train.size(1)
    order = torch.randperm(count, generator=generator).to(device)
    negatives = draw_negatives(task.graph, task.train, config.negatives, generator)
    batches = max(1, count // config.batch_size)
    base = messages_of(task.graph)
    losses = []
    model.train()
    for number in range(batches):
        picked = order[number * config.batch_size : (number + 1) * config.batch_size]
        positive, negative = task.train[:, picked], negatives[:, picked]
        graph, messages = _without_targets(config, task.graph, base, positive, share)
        mine = slice(share.rank, None, share.world)
        pairs = torch.cat((positive[:, mine], negative[:, mine]), dim=1)
        half = pairs.size(1) // 2
        if config.subgraphs:
            near = neighborhood(graph, messages, pairs, _reach(config))
            x = None if task.x is None else task.x[near.nodes]
            logits = wrapped(x, near.graph, near.pairs, messages=near.messages, nodes=near.nodes)
        else:
            logits = wrapped(task.x, graph, pairs, messages=messages)
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))  # sums of half precision lose the loss
        # Summed, and divided by the size of the whole batch, so that processes with fewer pairs count less.
        loss = (functional.softplus(-logits[:half]).sum() + functional.softplus(logits[half:]).sum()) / picked.numel()
        optimizer.zero_grad(set_to_none=True)
        (loss * share.world).backward()  # type: ignore[no-untyped-call]
        if config.clip_norm is not None:
            for part in (model.encoder, model.predictor):
                nn.utils.clip_grad_norm_(part.parameters(), config.clip_norm)
        optimizer.step()
        torch.clear_autocast_cache()  # the caller's autocast would go on with the weights of before
        losses.append(_total(loss.detach(), share))
        if not np.isfinite(losses[-1]):
            raise InputError(
                f"the loss is {losses[-1]} in epoch {epoch + 1}; lower encoder_lr ({config.encoder_lr:g}) and "
                f"predictor_lr ({config.predictor_lr:g}), or set clip_norm"
            )
        if report is not None:
            report(number + 1, batches, losses[-1])
    return float(np.mean(losses))


def _reach(config: LinkConfig) -> int:
    """How many steps from its ends the logit of a pair depends on."""
    layers = 0 if config.conv == "none" else config.num_layers
    around = {"gae": 0, "cn2": 2, "ncnc": config.depth, "gae_cnc": config.depth}.get(config.structure, 1)
    return layers + around + config.conv.endswith("gcn")  # whose norm has the degrees of the last


def _without_targets(
    config: LinkConfig, graph: Adjacency, base: Messages, positive: Tensor, share: Ranks
) -> tuple[Adjacency, Messages]:
    """What the predictor and what the encoder sees of the graph in a batch."""
    if config.edge_dropout:
        base.order()  # made once, not in every batch
    messages = base.without(graph.entries(positive)) if config.exclude_targets else base
    if share.world == 1 and not config.predictor_edge_dropout and not config.subgraphs:
        return graph, messages  # the predictor leaves its pairs out by a mask
    rows = messages.rows
    if config.predictor_edge_dropout:
        stay = torch.rand(rows.indices.numel(), device=rows.indices.device) >= config.predictor_edge_dropout
        rows = rows.keep(where(stay))
    return Adjacency(rows.indptr, rows.indices, rows.values, num_columns=graph.num_columns), messages


def _total(loss: Tensor, share: Ranks) -> float:
    if share.world > 1:
        torch.distributed.all_reduce(loss)
    return float(loss)


@torch.no_grad()
def score(model: LinkModel, h: Tensor, graph: Adjacency, pairs: Tensor) -> Tensor:
    """Logits of pairs ``[2, ...]``, each process its share."""
    share, flat = ranks(), pairs.reshape(2, -1)
    size = -(-flat.size(1) // share.world)
    mine = flat[:, share.rank * size : (share.rank + 1) * size]
    if mine.size(1):
        logits = model.predictor.predict(h, graph, mine, batch_size=model.config.eval_batch_size)
    else:
        logits = h.new_zeros(0)
    if share.world > 1:
        parts = [logits.new_zeros(size) for _ in range(share.world)]
        padded = torch.cat((logits, logits.new_zeros(size - logits.numel())))
        torch.distributed.all_gather(parts, padded)
        logits = torch.cat(parts)[: flat.size(1)]
    return logits.reshape(pairs.shape[1:])


@torch.no_grad()
def evaluate_pairs(
    model: LinkModel, x: Tensor | None, graph: Adjacency, part: EvaluationPairs
) -> tuple[Tensor, Tensor]:
    """Scores of the positives and of the negatives, in full precision under autocast too: half has many ties."""
    model.eval()
    with torch.autocast(graph.device.type, enabled=False):
        h = model.encoder(x, messages_of(graph))
        return score(model, h, graph, part.positive), score(model, h, graph, part.negative)


def metric(config: LinkConfig, positive: Tensor, negative: Tensor) -> float:
    """The one number of the settings."""
    if config.k is not None:
        return hits_at(positive, negative, config.k)
    return (mrr if config.metric == "mrr" else auc)(positive, negative)


def optimizer_of(model: LinkModel) -> torch.optim.Optimizer:
    """Adam with a learning rate for the encoder and one for the predictor."""
    groups: list[dict[str, Any]] = [
        {"params": list(model.encoder.parameters()), "lr": model.config.encoder_lr},
        {"params": list(model.predictor.parameters()), "lr": model.config.predictor_lr},
    ]
    return torch.optim.Adam([group for group in groups if group["params"]])
