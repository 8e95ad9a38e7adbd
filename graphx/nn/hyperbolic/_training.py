"""The fit of H4G: batches of nodes from every source, and checkpoints from which it goes on to the same bits."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphx._checks import positive_integers
from graphx._files import atomic_directory
from graphx.errors import InputError, StoreError
from graphx.nn.hyperbolic._network import H4GNetwork
from graphx.nn.hyperbolic._textgraph import Prepared

__all__ = ["Progress", "Schedule", "read_arrays", "train", "write_arrays"]

Progress = Callable[[str, int, int], object]
_FORMAT = "graphx-h4g-checkpoint-1"


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the network is trained; checked when it is made.

    Attributes:
        steps: Steps of training, at least 1; each takes a batch from every source.
        batch_size: Nodes in a batch, at least 1.
        lr: Step size of Adam.
        dropout: Share of a node's own text that is hidden when training without labels, from 0 to below 1.
        radius_weight: This times the mean hyperbolic radius of the nodes is added to the loss.
        random_state: Seeds the batches, what is hidden, and the first weights.
        trained_share: Share of the trained weights in the mean that is kept of them and the first ones, from 0 to 1.
    """

    steps: int
    batch_size: int
    lr: float
    dropout: float
    radius_weight: float
    random_state: int
    trained_share: float

    def __post_init__(self) -> None:
        positive_integers(steps=self.steps, batch_size=self.batch_size)
        if not self.lr > 0:
            raise InputError(f"lr is {self.lr:g}; expected a positive number")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout is {self.dropout:g}; expected at least 0 and below 1")
        if not self.radius_weight >= 0:
            raise InputError(f"radius_weight is {self.radius_weight:g}; expected 0 or more")
        if not 0 <= self.trained_share <= 1:
            raise InputError(f"trained_share is {self.trained_share:g}; expected a share from 0 to 1")


def train(
    network: H4GNetwork,
    sources: Sequence[Prepared],
    schedule: Schedule,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 50,
    progress: Progress | None = None,
) -> list[float]:
    """Train in place; the losses of all steps. Goes on from the checkpoint where there is one of the same fit."""
    if checkpoint_every < 1:
        raise InputError(f"checkpoint_every is {checkpoint_every}; expected a positive integer")
    first = {name: value.clone() for name, value in network.state_dict().items()}
    generator = torch.Generator().manual_seed(schedule.random_state)
    optimizer = torch.optim.Adam(network.parameters(), lr=schedule.lr)
    losses: list[float] = []
    key = "" if checkpoint is None else _key(network, sources, schedule)
    if checkpoint is not None:
        losses = _resume(Path(checkpoint), key, network, optimizer, generator, schedule.steps)
    network.train()
    known = [_known(source) for source in sources]
    for step in range(len(losses), schedule.steps):
        optimizer.zero_grad()
        total = 0.0
        for source, nodes in zip(sources, known, strict=True):
            picked = nodes[
                torch.randint(nodes.numel(), (min(schedule.batch_size, nodes.numel()),), generator=generator)
            ]
            loss = _loss(network, source, picked, schedule, generator) / len(sources)
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        optimizer.step()
        if not np.isfinite(total):
            raise InputError(f"the loss is not finite after step {step + 1}; lower lr, now {schedule.lr:g}")
        losses.append(total)
        if checkpoint is not None and (len(losses) % checkpoint_every == 0 or len(losses) == schedule.steps):
            _keep(Path(checkpoint), key, network, optimizer, generator, losses)
        if progress is not None:
            progress("fit", step + 1, schedule.steps)
    # The first weights are those that know nothing of the sources: the mean with them holds better on another graph.
    last = network.state_dict()
    network.load_state_dict({name: torch.lerp(first[name], last[name], schedule.trained_share) for name in last})
    network.eval()
    return losses


def _known(source: Prepared) -> Tensor:
    """The nodes that training draws from: with a label where labels are used, else with a text."""
    if source.y is not None:
        return (source.y >= 0).nonzero().reshape(-1)
    return (source.hops[0] != 0).any(dim=1).nonzero().reshape(-1)


def _loss(
    network: H4GNetwork, source: Prepared, nodes: Tensor, schedule: Schedule, generator: torch.Generator
) -> Tensor:
    hops, gate = source.hops[:, nodes], source.gate[nodes]
    if source.y is not None and source.label_x is not None:
        target, against = source.y[nodes], source.label_x
    else:
        # A node must not find its text by its text alone: a part of it is hidden, the neighbours speak for that.
        nodes, place = torch.unique(nodes, return_inverse=True)
        target, against = place, source.hops[0][nodes]
        hidden = torch.rand(hops.shape[1:], generator=generator) < schedule.dropout
        hops = torch.cat([hops[:1].masked_fill(hidden, 0) / (1 - schedule.dropout), hops[1:]])
    u, v = network.nodes(hops, gate, source.trust), network.labels(against)
    loss = torch.nn.functional.cross_entropy(network.scores(u, v), target)
    if schedule.radius_weight:
        radius = 2 * torch.linalg.vector_norm(u, dim=-1)  # Rad(exp0 u) = 2 |u|, for every c
        loss = loss + schedule.radius_weight * radius.mean()
    return loss


def _key(network: H4GNetwork, sources: Sequence[Prepared], schedule: Schedule) -> str:
    """What a checkpoint belongs to: the settings, but not the number of steps, and the data."""
    settings = {
        **network.config.as_dict(),
        **asdict(schedule),
        "dim": network.dim,
        "steps": 0,
        "torch": torch.__version__,
    }
    state = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for source in sources:
        state.update(source.digest().encode())
    return state.hexdigest()


def _keep(
    folder: Path,
    key: str,
    network: H4GNetwork,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    losses: list[float],
) -> None:
    arrays = {f"network.{name}": value for name, value in network.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        arrays.update({f"adam.{number}.{name}": torch.as_tensor(value) for name, value in state.items()})
    arrays["generator"] = generator.get_state()
    with atomic_directory(folder, overwrite=True) as target:
        write_arrays(target / "state.npz", arrays)
        (target / "state.json").write_text(json.dumps({"format": _FORMAT, "key": key, "losses": losses}))


def _resume(
    folder: Path,
    key: str,
    network: H4GNetwork,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    steps: int,
) -> list[float]:
    if folder.is_file():
        raise StoreError(f"{folder} is a file; expected a folder for checkpoints, or a name that is free")
    if not folder.exists() or not any(folder.iterdir()):
        return []
    try:
        told = json.loads((folder / "state.json").read_text())
        arrays = read_arrays(folder / "state.npz")
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise StoreError(f"{folder} holds no whole checkpoint ({error}); remove it, or give another folder") from error
    if not isinstance(told, dict) or told.get("format") != _FORMAT or told.get("key") != key:
        raise StoreError(f"{folder} holds the checkpoint of another fit, with other data or settings; remove it")
    if len(told["losses"]) > steps:
        raise StoreError(
            f"{folder} holds {len(told['losses'])} steps of this fit; expected at most steps={steps}: remove it, or "
            "give another folder"
        )
    network.load_state_dict({name.removeprefix("network."): v for name, v in arrays.items() if name[:8] == "network."})
    held: dict[int, dict[str, Tensor]] = {}
    for name, value in arrays.items():
        if name.startswith("adam."):
            _, number, part = name.split(".")
            held.setdefault(int(number), {})[part] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": held})
    generator.set_state(arrays["generator"])
    return [float(loss) for loss in told["losses"]]


def write_arrays(path: Path, tensors: dict[str, Tensor]) -> None:
    """Tensors as plain arrays: no pickle, so that a file can do nothing but hold numbers."""
    arrays: dict[str, Any] = {name: value.detach().cpu().numpy() for name, value in tensors.items()}
    with path.open("wb") as stream:
        np.savez(stream, **arrays)


def read_arrays(path: Path) -> dict[str, Tensor]:
    """What :func:`write_arrays` wrote."""
    # opened here, as numpy leaves the file of a damaged archive open
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
        return {name: torch.from_numpy(held[name]) for name in held.files}


def terminal_progress() -> tuple[Progress | None, Callable[[], None]]:
    """A bar on stderr where that is a terminal, and what takes it away."""
    if not sys.stderr.isatty():
        return None, lambda: None
    bars: dict[str, Any] = {}

    def close() -> None:
        for bar in bars.values():
            bar.close()
        bars.clear()

    def report(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            from tqdm import tqdm

            close()
            bars[stage] = tqdm(desc=stage, total=total, file=sys.stderr, leave=False, delay=0.2)
        bars[stage].update(done - bars[stage].n)

    return report, close
