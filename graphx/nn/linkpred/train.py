"""Training of link predictors: seeds, early stopping, checkpoints that go on to the same result, means over runs."""

from __future__ import annotations

import copy
import json
import operator
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from graphx._checks import positive_integers
from graphx._files import atomic_file
from graphx.errors import InputError
from graphx.nn.linkpred import _checkpoint
from graphx.nn.linkpred._bar import Bar
from graphx.nn.linkpred._epoch import (
    evaluate_pairs,
    metric,
    optimizer_of,
    ranks,
    reproducible,
    seed_of,
    train_epoch,
)
from graphx.nn.linkpred.config import LinkConfig
from graphx.nn.linkpred.model import LinkModel
from graphx.nn.linkpred.task import LinkTask

__all__ = ["FitResult", "Step", "fit"]

_SPARSE_BELOW = 0.05
"""Density of features under which a sparse first layer is faster."""


class Step(NamedTuple):
    """Where training is, as a progress function is told after every batch.

    Args:
        seed: Of the run.
        epoch: From 1.
        epochs: How many.
        batch: From 1.
        batches: How many in an epoch.
        loss: Of the batch.
        valid: The metric at the last evaluation, None before the first.
        best: The best so far.

    Example:
        >>> Step(0, 1, 10, 3, 3, 0.7, None, None).epoch
        1
    """

    seed: int
    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    valid: float | None
    best: float | None


@dataclass(frozen=True)
class FitResult:
    """What came out of :func:`fit`.

    Attributes:
        metric: Its name.
        runs: For each seed a dictionary: ``seed``, ``valid`` and ``test`` at the best validation, ``best_epoch``,
            ``epochs`` and the ``history`` of all of them.
        num_parameters: How many numbers are learned.
        model: The model of the run with the best validation, as it was in its best epoch; among all runs that a
            checkpoint holds, those of other seeds too.

    Example:
        >>> result = FitResult("mrr", [{"seed": 0, "valid": 0.5, "test": 0.4}, {"seed": 1, "valid": 0.7, "test": 0.6}])
        >>> print(result)
        2 runs: valid mrr 0.6000 +- 0.1414, test mrr 0.5000 +- 0.1414
    """

    metric: str
    runs: list[dict[str, Any]]
    num_parameters: int = 0
    model: Any = field(default=None, repr=False)

    def summary(self) -> dict[str, Any]:
        """Means and unbiased standard deviations (None for one run) over the runs.

        Returns:
            ``metric``, ``runs``, ``num_parameters``, and ``mean`` and ``std`` of ``valid`` and ``test``.
        """
        told: dict[str, Any] = {"metric": self.metric, "runs": len(self.runs), "num_parameters": self.num_parameters}
        for part in ("valid", "test"):
            values = [run[part] for run in self.runs if run.get(part) is not None]
            if values:
                told[part] = {
                    "mean": statistics.mean(values),
                    "std": statistics.stdev(values) if len(values) > 1 else None,
                }
        return told

    def write(self, path: str | os.PathLike[str], **extra: Any) -> None:
        """Write summary and runs as JSON; the file is there whole or not at all.

        Args:
            path: The file.
            extra: What else to say in it.
        """
        with atomic_file(path) as target:
            Path(target).write_text(json.dumps({**extra, **self.summary(), "all": self.runs}, indent=1) + "\n")

    def __str__(self) -> str:
        told, parts = self.summary(), []
        for part in ("valid", "test"):
            if part in told:
                spread = "" if told[part]["std"] is None else f" +- {told[part]['std']:.4f}"
                parts.append(f"{part} {self.metric} {told[part]['mean']:.4f}{spread}")
        return f"{len(self.runs)} run{'s' if len(self.runs) != 1 else ''}: {', '.join(parts)}"


def fit(
    task: LinkTask,
    config: LinkConfig | None = None,
    *,
    seeds: Sequence[int] = (0,),
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 1,
    initial: LinkModel | None = None,
    device: torch.device | str = "cpu",
    progress: Callable[[Step], object] | bool | None = None,
) -> FitResult:
    r"""Train a link predictor once for each seed.

    In each epoch as many negatives as there are training pairs are drawn, and for each batch of B of both

    .. math::

        \mathcal{L} = \frac{1}{B} \sum_{b} \bigl( -\log \sigma(y_b^+) - \log(1 - \sigma(y_b^-)) \bigr)

    is lowered by Adam, encoder and predictor at their own rates, with the batch's positive pairs left out of the graph.
    This is the training of Wang, Yang, Zhang, "Neural Common Neighbor with Completion for Link Prediction", ICLR 2024.
    Test pairs are scored only when validation is better than ever, and what is reported is the test at the best
    validation. Ours: everything random in an epoch depends on the seed and the epoch's number alone, so that a run
    that was killed goes on from its checkpoint to the same bits (on the same processor and number of threads).

    With ``torch.distributed`` set up, as torchrun does, every process takes its share of each batch and of each
    evaluation, gradients are averaged by ``DistributedDataParallel``, and the first process writes checkpoints.

    Inside ``torch.autocast`` the passes of training run in its precision, the loss and evaluation in single precision;
    a checkpoint does not hold which, so go on from it inside the same.

    Args:
        task: The graph and the pairs.
        config: The settings; None for the defaults.
        seeds: One run for each.
        checkpoint: A folder for the state after each epoch. Where it holds that of the same training, this goes on
            from there; finished runs are not run again.
        checkpoint_every: Epochs between two checkpoints.
        initial: A model whose weights to start from, where it has those names, as when NCNC goes on from a trained
            NCN; then set ``encoder_lr=0`` to keep the encoder.
        device: Where to train.
        progress: Called with a :class:`Step` after every batch; None draws a bar on stderr if it is a terminal, False
            draws none.

    Returns:
        The results of all runs, and the model of the best.

    Raises:
        InputError: Hits@K with fewer than K negatives, no seeds, weights of other sizes, or a loss that is not finite.
        StoreError: The checkpoint is damaged, or that of another training.

    Example:
        >>> from graphx.data import load_graph
        >>> from graphx.data.splits import link_split
        >>> task = LinkTask.from_split(link_split(load_graph("karate"), seed=0))
        >>> config = LinkConfig(hidden_channels=8, batch_size=16, epochs=2, metric="auc")
        >>> result = fit(task, config, seeds=(0, 1), progress=False)
        >>> [run["epochs"] for run in result.runs]
        [2, 2]
    """
    config = LinkConfig() if config is None else config
    seeds = _checked_seeds(seeds)
    positive_integers(checkpoint_every=checkpoint_every)
    task.check_metric(config)
    key, runs, state = "", [], {}  # type: ignore[var-annotated]
    if checkpoint is not None:
        key = _checkpoint.key_of(config, task, ranks().world)
        runs, state = _checkpoint.recall(checkpoint, key)
    place = torch.device(device)
    moved = _with_sparse_features(task, config).to(place)
    best: dict[str, Any] = state.get("best_model", {})
    with Bar(progress) as bar:
        for seed in seeds:
            if any(run["seed"] == seed for run in runs):
                continue
            run = _Run(moved, config, seed, initial)
            if state.get("seed") == seed:
                run.load(state)
            while not run.is_over():
                with reproducible(place):
                    run.epoch(bar.report)
                if checkpoint is not None and not run.is_over() and len(run.history) % checkpoint_every == 0:
                    _keep(checkpoint, key, runs, {**run.state(), "best_model": best})
            if not best or run.best["valid"] > best["valid"]:
                best = {"valid": run.best["valid"], "weights": run.best["weights"]}
            runs = [*runs, run.told()]
            state = {}
            if checkpoint is not None:
                _keep(checkpoint, key, runs, {"best_model": best})
    with reproducible(place):
        model = _make(moved, config)
    model.load_state_dict(best["weights"])
    ordered = [next(run for run in runs if run["seed"] == seed) for seed in seeds]
    return FitResult(config.metric, ordered, model.num_parameters, model.eval())


def _checked_seeds(seeds: Sequence[int]) -> list[int]:
    try:
        found = [operator.index(seed) for seed in seeds]
    except TypeError:
        found = []
    if not found or len(set(found)) < len(found) or min(found) < 0:
        raise InputError(f"seeds are {list(seeds)}; expected one or more different numbers, integers of at least 0")
    return found


class _Run:
    """One seed, epoch by epoch."""

    def __init__(self, task: LinkTask, config: LinkConfig, seed: int, initial: LinkModel | None) -> None:
        self.task, self.config, self.seed = task, config, seed
        device = task.graph.device
        with reproducible(device):
            torch.manual_seed(seed_of(seed, 0, 0))
            self.model = _make(task, config)
        if initial is not None:
            _start_from(self.model, initial)
        self.model.to(device)
        self.wrapped: nn.Module = self.model
        if ranks().world > 1:
            self.wrapped = nn.parallel.DistributedDataParallel(self.model, find_unused_parameters=True)
        self.optimizer = optimizer_of(self.model)
        self.average: AveragedModel | None = None
        self.judged = self.model  # or the average of its weights over the steps
        if config.weight_average:
            moving = get_ema_multi_avg_fn(config.weight_average)  # type: ignore[no-untyped-call]
            average = AveragedModel(self.model, multi_avg_fn=moving)
            self.optimizer.register_step_post_hook(lambda *_: average.update_parameters(self.model))
            self.average, self.judged = average, cast("LinkModel", average.module)
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, Any] = {"epoch": 0, "valid": float("-inf"), "test": None, "weights": {}}
        self.waited = 0

    def epoch(self, report: Callable[[Step], object] | None) -> None:
        """Trains for an epoch and evaluates."""
        start, number = time.perf_counter(), len(self.history)
        last = next((h["valid"] for h in reversed(self.history) if h["valid"] is not None), None)
        best = self.best["valid"] if self.best["epoch"] else None

        def tell(batch: int, batches: int, loss: float) -> None:
            if report is not None:
                report(Step(self.seed, number + 1, self.config.epochs, batch, batches, loss, last, best))

        loss = train_epoch(self.model, self.wrapped, self.optimizer, self.task, self.seed, number, tell)
        entry = {"epoch": number + 1, "loss": loss, "valid": None, "test": None}
        seconds = {"train": time.perf_counter() - start}
        if (number + 1) % self.config.eval_every == 0 or number + 1 == self.config.epochs:
            self._evaluate(entry)
        seconds["evaluate"] = time.perf_counter() - start - seconds["train"]
        self.history.append({**entry, "seconds": {k: round(v, 4) for k, v in seconds.items()}})

    def _evaluate(self, entry: dict[str, Any]) -> None:
        task = self.task
        entry["valid"] = metric(self.config, *evaluate_pairs(self.judged, task.x, task.graph, task.valid))
        if entry["valid"] <= self.best["valid"]:
            self.waited += 1
            return
        self.waited = 0
        if task.test is not None:
            graph = task.graph if task.test_graph is None else task.test_graph
            entry["test"] = metric(self.config, *evaluate_pairs(self.judged, task.x, graph, task.test))
        weights = {name: value.detach().cpu().clone() for name, value in self.judged.state_dict().items()}
        self.best = {"epoch": entry["epoch"], "valid": entry["valid"], "test": entry["test"], "weights": weights}

    def is_over(self) -> bool:
        """Whether all epochs are done, or patience is at its end."""
        patience = self.config.patience
        return len(self.history) >= self.config.epochs or (patience is not None and self.waited >= patience)

    def state(self) -> dict[str, Any]:
        """Everything that the next epoch depends on."""
        return {
            "seed": self.seed,
            "model": self.model.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
            "best": self.best,
            "waited": self.waited,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Goes back to a state."""
        self.model.load_state_dict(state["model"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        self.history, self.best, self.waited = state["history"], state["best"], state["waited"]

    def told(self) -> dict[str, Any]:
        """The run as the result has it."""
        return {
            "seed": self.seed,
            "valid": self.best["valid"],
            "test": self.best["test"],
            "best_epoch": self.best["epoch"],
            "epochs": len(self.history),
            "history": self.history,
        }


def _keep(checkpoint: str | os.PathLike[str], key: str, runs: list[dict[str, Any]], state: dict[str, Any]) -> None:
    if ranks().rank == 0:
        _checkpoint.keep(checkpoint, key, runs, state)
    if ranks().world > 1:
        torch.distributed.barrier()


def _make(task: LinkTask, config: LinkConfig) -> LinkModel:
    return LinkModel(config, None if task.x is None else task.x.size(1), task.num_nodes)


def _start_from(model: LinkModel, initial: LinkModel) -> None:
    own = model.state_dict()
    given = {name: value for name, value in initial.state_dict().items() if name in own}
    for name, value in given.items():
        if value.shape != own[name].shape:
            raise InputError(
                f"initial has {name} {list(value.shape)} and the model {list(own[name].shape)}; expected the same sizes"
            )
    model.load_state_dict({**own, **given})


def _with_sparse_features(task: LinkTask, config: LinkConfig) -> LinkTask:
    """The features as a sparse matrix, where they are mostly zero and the first layer is one that takes it."""
    x = task.x
    if config.subgraphs and x is not None and x.layout != torch.strided:
        raise InputError("subgraphs takes rows of x, which is sparse; pass x.to_dense()")
    takes = (config.conv.startswith("pure") or config.num_layers == 0) and not config.subgraphs
    if x is None or x.layout != torch.strided or not takes:
        return task
    if torch.count_nonzero(x) >= _SPARSE_BELOW * x.numel():
        return task
    made = object.__new__(LinkTask)
    made.__dict__.update({**task.__dict__, "x": _csr(x)})
    return made


def _csr(x: Tensor) -> Tensor:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CSR is called a beta
        return x.to_sparse_csr()
