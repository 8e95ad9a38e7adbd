"""The state between two epochs, on disk as a folder that is there whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from pathlib import Path
from typing import Any

import torch

from graphx._files import atomic_directory
from graphx.errors import StoreError
from graphx.nn.linkpred.config import LinkConfig
from graphx.nn.linkpred.task import LinkTask

__all__: list[str] = []

_FORMAT = "graphx-linkpred-checkpoint-1"


def key_of(config: LinkConfig, task: LinkTask, world: int) -> str:
    """What a checkpoint belongs to: settings, data, torch's version and the number of processes, but not the seeds."""
    told = {**config.as_dict(), "torch": torch.__version__, "world": world}
    state = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    state.update(task.digest().encode())
    return state.hexdigest()


def keep(folder: str | os.PathLike[str], key: str, runs: list[dict[str, Any]], state: dict[str, Any]) -> None:
    """Writes finished runs and the state of the present one."""
    with atomic_directory(folder, overwrite=True) as target:
        torch.save(state, target / "state.pt")
        (target / "state.json").write_text(json.dumps({"format": _FORMAT, "key": key, "runs": runs}) + "\n")


def recall(folder: str | os.PathLike[str], key: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What :func:`keep` wrote; nothing where there is no such folder."""
    path = Path(folder)
    if path.is_file():
        raise StoreError(f"{path} is a file; expected a folder for checkpoints, or a name that is free")
    if not path.exists() or not any(path.iterdir()):
        return [], {}
    try:
        told = json.loads((path / "state.json").read_text(encoding="utf-8"))
        state: dict[str, Any] = torch.load(path / "state.pt", weights_only=True, map_location="cpu")
    except (OSError, ValueError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise StoreError(f"{path} holds no whole checkpoint ({error}); remove it, or give another folder") from error
    if not isinstance(told, dict) or told.get("format") != _FORMAT or told.get("key") != key:
        raise StoreError(
            f"{path} holds the checkpoint of another training, with other data, settings or number of processes; "
            "remove it, or give another folder"
        )
    if not isinstance(told.get("runs"), list):
        raise StoreError(f"{path} holds no whole checkpoint (no runs in it); remove it, or give another folder")
    return told["runs"], state
