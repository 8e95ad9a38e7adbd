"""Checkpoints: what they belong to, what comes back, and folders that hold something else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from graphx.data.splits import link_split
from graphx.data.synthetic import cycle
from graphx.errors import InputError, StoreError
from graphx.nn.linkpred import LinkConfig, LinkTask, Step, as_adjacency, fit
from graphx.nn.linkpred._checkpoint import keep, key_of, recall

SMALL = LinkConfig(hidden_channels=4, batch_size=4, epochs=4, metric="auc", encoder_lr=0.05, predictor_lr=0.05)


@pytest.fixture(scope="module")
def task() -> LinkTask:
    return LinkTask.from_split(link_split(cycle(24), seed=0))


def test_the_key_changes_with_all_that_the_result_depends_on(task: LinkTask) -> None:
    x = torch.eye(24)
    turned = as_adjacency(torch.cat((task.train[:, 1:], task.train[:, 1:].flip(0)), 1), num_nodes=24)
    tasks = [
        task,
        LinkTask(task.graph, task.train.flip(1), task.valid, task.test),
        LinkTask(task.graph, task.train, task.valid),
        LinkTask(task.graph, task.train, task.valid, task.test, x),
        LinkTask(task.graph, task.train, task.valid, task.test, x * 2),
        LinkTask(task.graph, task.train, task.valid, task.test, x.double()),
        LinkTask(turned, task.train, task.valid, task.test),
        LinkTask(task.graph, task.train, task.valid, task.test, test_graph=turned),
        LinkTask(task.graph, task.train, task.valid._replace(negative=task.valid.negative.flip(0)), task.test),
    ]
    keys = [key_of(SMALL, other, 1) for other in tasks]
    keys += [
        key_of(SMALL, task, 2),
        key_of(SMALL.replace(dropout=0.1), task, 1),
        key_of(SMALL.replace(pt=0.4), task, 1),
    ]
    assert len(set(keys)) == len(keys)
    same = LinkTask(task.graph, task.train.clone(), task.valid, task.test, name="another name")
    assert key_of(SMALL, same, 1) == keys[0]


def test_what_is_kept_comes_back_bit_by_bit(tmp_path: Path) -> None:
    state = {"seed": 3, "model": {"w": torch.tensor([0.1, torch.nan, torch.inf])}, "history": [{"loss": 0.1 + 0.2}]}
    keep(tmp_path / "state", "key", [{"seed": 0, "valid": 1 / 3}], state)
    keep(tmp_path / "state", "key", [{"seed": 1, "valid": 2 / 3}], state)  # in place of the former
    runs, found = recall(tmp_path / "state", "key")
    assert runs == [{"seed": 1, "valid": 2 / 3}] and found["history"] == state["history"]
    assert torch.equal(found["model"]["w"].view(torch.int32), state["model"]["w"].view(torch.int32))
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert recall(tmp_path / "none", "key") == ([], {})
    (tmp_path / "empty").mkdir()
    assert recall(tmp_path / "empty", "key") == ([], {})


def without_runs(folder: Path) -> None:
    told = json.loads((folder / "state.json").read_text())
    del told["runs"]
    (folder / "state.json").write_text(json.dumps(told))


def truncated(folder: Path) -> None:
    file = folder / "state.pt"
    file.write_bytes(file.read_bytes()[:100])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "state.json").write_text("[]"), "checkpoint of another training"),
        (lambda folder: (folder / "state.json").write_text("null"), "checkpoint of another training"),
        (lambda folder: (folder / "state.json").write_text('{"format": "thesis"}'), "checkpoint of another training"),
        (lambda folder: (folder / "state.json").write_text("{"), r"no whole checkpoint \(.*; remove it"),
        (lambda folder: (folder / "state.json").write_bytes(b"\xff\xfe"), "no whole checkpoint"),
        (lambda folder: (folder / "state.json").unlink(), "no whole checkpoint"),
        (without_runs, r"no whole checkpoint \(no runs in it\); remove it"),
        (lambda folder: (folder / "state.pt").unlink(), "no whole checkpoint"),
        (lambda folder: (folder / "state.pt").write_bytes(b""), "no whole checkpoint"),
        (lambda folder: (folder / "state.pt").write_bytes(b"zip"), "no whole checkpoint"),
        (truncated, "no whole checkpoint"),
    ],
)
def test_folders_of_something_else(task: LinkTask, tmp_path: Path, damage: Any, message: str) -> None:
    config = SMALL.replace(epochs=1)
    fit(task, config, checkpoint=tmp_path / "state", progress=False)
    damage(tmp_path / "state")
    before = {path.name: path.read_bytes() for path in (tmp_path / "state").iterdir()}
    with pytest.raises(StoreError, match=message):
        fit(task, config, checkpoint=tmp_path / "state", progress=False)
    assert {path.name: path.read_bytes() for path in (tmp_path / "state").iterdir()} == before


def test_a_file_in_place_of_a_folder(task: LinkTask, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("mine")
    with pytest.raises(StoreError, match="state is a file; expected a folder for checkpoints"):
        fit(task, SMALL, checkpoint=tmp_path / "state", progress=False)
    assert (tmp_path / "state").read_text() == "mine"


class Killed(Exception):
    pass


@pytest.mark.parametrize(
    ("options", "every", "killed_at"),
    [
        ({"patience": 1}, 1, 6),
        ({"eval_every": 3}, 2, 3),
        ({"weight_average": 0.9, "clip_norm": 0.5}, 1, 2),
        ({"subgraphs": True, "predictor_edge_dropout": 0.3}, 3, 5),
        ({"structure": "ncnc", "depth": 2, "learnable_pt": True, "edge_dropout": 0.2}, 2, 6),
        ({"structure": "cn2", "negatives": "source", "exclude_targets": False, "input_dropout": 0.1}, 1, 3),
    ],
)
def test_killed_anywhere_it_goes_on_to_the_same_bits(
    task: LinkTask, tmp_path: Path, options: dict[str, Any], every: int, killed_at: int
) -> None:
    config, place = SMALL.replace(**options), tmp_path / "state"
    expected = fit(task, config, seeds=(4, 2), progress=False)
    seen = 0

    def kill(step: Step) -> None:
        nonlocal seen
        seen += step.batch == 2
        if seen == killed_at:
            raise Killed

    try:
        fit(task, config, seeds=(4, 2), checkpoint=place, checkpoint_every=every, progress=kill)
    except Killed:
        pass
    else:
        assert seen < killed_at  # patience ended it before
    found = fit(task, config, seeds=(4, 2), checkpoint=place, checkpoint_every=every, progress=False)

    def told(run: dict[str, Any]) -> list[Any]:
        return [run["valid"], run["test"], run["best_epoch"], [(h["loss"], h["valid"]) for h in run["history"]]]

    assert [told(run) for run in found.runs] == [told(run) for run in expected.runs]
    for name, value in expected.model.state_dict().items():
        assert torch.equal(found.model.state_dict()[name], value), name


def test_the_model_is_the_best_of_all_that_the_folder_holds(task: LinkTask, tmp_path: Path) -> None:
    """As told: only the best weights are kept, so asking for one of several finished seeds brings no others."""
    whole = fit(task, SMALL, seeds=(0, 1, 2), checkpoint=tmp_path / "state", progress=False)
    for seed in (0, 1, 2):
        again = fit(task, SMALL, seeds=(seed,), checkpoint=tmp_path / "state", progress=False)
        assert [run["seed"] for run in again.runs] == [seed] and again.runs[0] == whole.runs[seed]
        for name, value in whole.model.state_dict().items():
            assert torch.equal(again.model.state_dict()[name], value)


@pytest.mark.parametrize("seeds", [(), (1, 1), (-1,), (0.5,), "01", (None,)])
def test_seeds_that_are_none(task: LinkTask, seeds: Any) -> None:
    with pytest.raises(InputError, match="expected one or more different numbers, integers of at least 0"):
        fit(task, SMALL, seeds=seeds, progress=False)


def test_seeds_of_numpy_are_written_as_numbers(task: LinkTask, tmp_path: Path) -> None:
    import numpy as np

    config = SMALL.replace(epochs=1)
    found = fit(task, config, seeds=np.arange(2), checkpoint=tmp_path / "state", progress=False)  # type: ignore[arg-type]
    found.write(tmp_path / "result.json")
    told = json.loads((tmp_path / "result.json").read_text())
    assert [run["seed"] for run in told["all"]] == [0, 1] == [run["seed"] for run in found.runs]
    again = fit(task, config, seeds=(1, 0), checkpoint=tmp_path / "state", progress=False)
    assert [run["valid"] for run in again.runs] == [run["valid"] for run in reversed(found.runs)]
