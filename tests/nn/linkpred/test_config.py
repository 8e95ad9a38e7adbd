"""Settings: every field refuses what it is not, and comes back from JSON, pickles and copies as it was."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from graphx.errors import FormatError, InputError
from graphx.nn.linkpred import LinkConfig, LinkModel
from graphx.nn.linkpred.config import MODELS

FIELDS = {field.name: str(field.type) for field in fields(LinkConfig)}
WRONG: dict[str, list[Any]] = {
    "bool": [0, 1, None, "true"],
    "int": [True, 1.0, "1", None],
    "int | None": [True, 2.0, "2"],
    "float": [True, "0.5", None, float("nan"), float("inf"), -float("inf")],
    "float | None": [False, "0.5", float("nan"), float("inf")],
    "str": [1, None, b"auc", ["auc"]],
}
WRONG["Structure"] = WRONG["Conv"] = WRONG["str"]
OUT_OF_RANGE: dict[str, list[Any]] = {
    **{key: [0, -1] for key in ("hidden_channels", "depth", "batch_size", "eval_batch_size", "epochs", "eval_every")},
    **{key: [-0.1, 1, 1.5] for key in ("dropout", "input_dropout", "edge_dropout", "tail_dropout")},
    **{key: [-1e-09, 1.0] for key in ("predictor_dropout", "predictor_edge_dropout", "weight_average")},
    **{key: [-1e-09] for key in ("encoder_lr", "predictor_lr")},
    "patience": [0, -2],
    "completion_samples": [0, -1],
    "eval_completion_samples": [0, -1],
    "clip_norm": [0.0, -1.0],
    "structure": ["NCN", "cn1", ""],
    "conv": ["gat", "GCN"],
    "negatives": ["target", ""],
    "metric": ["hits@0", "hits@-1", "hits@", "hits@1.5", "HITS@5", "accuracy", " auc", "mrr\n", "hits@05"],
}


@pytest.mark.parametrize(("name", "kind"), FIELDS.items())
def test_every_field_refuses_other_types(name: str, kind: str) -> None:
    for value in WRONG[kind]:
        with pytest.raises(InputError) as caught:
            LinkConfig(**{name: value})
        assert str(caught.value) == f"{name} is {value!r}; expected {kind}"


@pytest.mark.parametrize(("name", "values"), OUT_OF_RANGE.items())
def test_every_field_refuses_what_is_out_of_range(name: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(InputError, match="; expected") as caught:
            LinkConfig(**{name: value})
        assert str(value).strip() in str(caught.value)
        with pytest.raises(InputError):
            LinkConfig().replace(**{name: value})


def another(name: str, kind: str, value: Any) -> Any:
    """A value that the field may have and does not have by default."""
    chosen = {"structure": "cn2", "conv": "puremax", "negatives": "source", "metric": "hits@7", "pt": 0.25}
    if name in chosen:
        return chosen[name]
    if kind == "bool":
        return not value
    return 3 if kind.startswith("int") else 0.125


def test_every_field_comes_back(tmp_path: Path) -> None:
    config = LinkConfig(**{name: another(name, kind, getattr(LinkConfig(), name)) for name, kind in FIELDS.items()})
    assert all(getattr(config, name) != getattr(LinkConfig(), name) for name in FIELDS)
    told = json.loads(json.dumps(config.as_dict()))
    assert set(told) == set(FIELDS)
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({**told, "about": ["anything", {"at": "all"}]}))
    copies = [LinkConfig.from_dict(told), LinkConfig.from_file(file), pickle.loads(pickle.dumps(config))]
    copies += [copy.copy(config), copy.deepcopy(config), config.replace(), LinkConfig().replace(**told)]
    for made in copies:
        assert made == config and made.as_dict() == told and hash(made) == hash(config)
    for name in FIELDS:  # equal means equal in all
        assert config.replace(**{name: getattr(LinkConfig(), name)}) != config
    with pytest.raises((FrozenInstanceError, AttributeError)):
        config.depth = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("metric", "k"), [("hits@1", 1), ("hits@100", 100), ("hits@1000000", 1000000), ("mrr", None), ("auc", None)]
)
def test_k_of_the_metric(metric: str, k: int | None) -> None:
    assert LinkConfig(metric=metric).k == k


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", FormatError, r"settings\.json: no JSON"),
        ("{'a': 1}", FormatError, r"settings\.json: no JSON"),
        ("null", FormatError, r"settings\.json: holds a NoneType; expected an object of settings"),
        ('"ncn"', FormatError, "holds a str; expected an object"),
        (
            '{"hidden": 3}',
            InputError,
            r"settings\.json: there is no setting 'hidden'; expected some of: structure",
        ),
        ('{"epochs": "3"}', InputError, "epochs is '3'; expected int"),
        ('{"clip_norm": Infinity}', InputError, "clip_norm is inf; expected float | None"),
    ],
)
def test_files_of_something_else(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text)
    with pytest.raises(error, match=message):
        LinkConfig.from_file(file)


def test_names_that_are_no_settings() -> None:
    with pytest.raises(InputError, match="^LinkConfig: there is no setting 'lr'; expected some of: structure"):
        LinkConfig().replace(lr=0.1)
    with pytest.raises(InputError, match="^mine: there is no setting 'lr'"):
        LinkConfig.from_dict({"epochs": 3, "lr": 0.1}, source="mine")
    with pytest.raises(InputError, match="^the settings: there is no setting 'about'"):
        LinkConfig.from_dict({"about": "only files have it"})


def test_the_names_of_the_command_are_models() -> None:
    for name, settings in MODELS.items():
        config = LinkConfig(hidden_channels=4, **settings)
        model = LinkModel(config, num_nodes=3)
        assert model.predictor.structure.replace("_", "-") == {"ncnc2": "ncnc"}.get(name, name)
        assert model.predictor.depth == (2 if name == "ncnc2" else 1)
