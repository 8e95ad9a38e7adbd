"""Shared by the link prediction scripts: the papers' settings as files of JSON, one a data set."""

from __future__ import annotations

from pathlib import Path

from graphx.nn.linkpred import LinkConfig
from graphx.nn.linkpred.config import MODELS

__all__ = ["CONFIGS", "MODELS", "settings"]

CONFIGS = Path(__file__).resolve().parent / "configs" / "linkpred"


def settings(dataset: str, model: str) -> tuple[LinkConfig, Path]:
    """The settings of a model on a data set, and the file: ``DATASET-MODEL.json``, else ``DATASET.json``."""
    own = CONFIGS / f"{dataset}-{model}.json"
    file = own if own.exists() else CONFIGS / f"{dataset}.json"
    return LinkConfig.from_file(file).replace(**MODELS[model]), file
