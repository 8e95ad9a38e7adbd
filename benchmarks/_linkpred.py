"""Shared by the link prediction scripts: the papers' settings as files of JSON, one a data set."""

from __future__ import annotations

from pathlib import Path

from graphx.nn.linkpred import LinkConfig

CONFIGS = Path(__file__).resolve().parent / "configs" / "linkpred"

MODELS = {
    "gae": {"structure": "gae"},
    "gae-cn": {"structure": "gae_cn"},
    "gae-cat-cn": {"structure": "gae_cat_cn"},
    "gae-cnc": {"structure": "gae_cnc"},
    "ncn": {"structure": "ncn"},
    "ncnc": {"structure": "ncnc"},
    "ncnc2": {"structure": "ncnc", "depth": 2},
    "ncn2": {"structure": "ncn2"},
    "ncn-diff": {"structure": "ncn_diff"},
    "cn2": {"structure": "cn2"},
}


def settings(dataset: str, model: str) -> tuple[LinkConfig, Path]:
    """The settings of a model on a data set, and the file: ``DATASET-MODEL.json``, else ``DATASET.json``."""
    own = CONFIGS / f"{dataset}-{model}.json"
    file = own if own.exists() else CONFIGS / f"{dataset}.json"
    return LinkConfig.from_file(file).replace(**MODELS[model]), file
