"""The leaderboard script on local sets in the layouts of ogbl-collab, ogbl-ppa and ogbl-citation2, and by torchrun."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

import graphx
from graphx.data.splits import link_split

pytest.importorskip("ogb", reason="the package ogb is not installed (extra: ogb)")
SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "ogb" / "linkpred.py"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SCRIPT.exists(), reason="benchmarks/ is not here"),
]
SMALL = ["--runs", "2", "--set", "hidden_channels=8", "batch_size=256", "encoder_lr=0.01", "predictor_lr=0.01"]


def saved(root: Path, layout: str) -> Path:
    """A set in the layout of an official one, written by OGB's own class."""
    from ogb.io import DatasetSaver

    graph = graphx.Graph.from_networkx(nx.connected_watts_strogatz_graph(300, 8, 0.1, seed=0))
    split = link_split(graph, seed=0, negatives=1.0)
    rng = np.random.default_rng(0)
    train = split.train.T
    x: Any = rng.normal(size=(300, 12)).astype(np.float32)
    if layout == "citation2":
        wrong = {name: rng.integers(300, size=(getattr(split, name).shape[1], 50)) for name in ("val", "test")}
        parts = {"train": {"source_node": split.train[0], "target_node": split.train[1]}}
        for ogb_name, name in (("valid", "val"), ("test", "test")):
            source, target = getattr(split, name)
            parts[ogb_name] = {"source_node": source, "target_node": target, "target_node_neg": wrong[name]}
        metric = "mrr"
    else:
        parts = {
            "train": {"edge": train},
            "valid": {"edge": split.val.T, "edge_neg": split.val_neg.T},
            "test": {"edge": split.test.T, "edge_neg": split.test_neg.T},
        }
        metric = {"collab": "hits@50", "ppa": "hits@100"}[layout]
        if layout == "ppa":
            x = np.eye(12, dtype=np.int8)[rng.integers(12, size=300)]
    (root / "mapping").mkdir(parents=True, exist_ok=True)
    (root / "mapping" / "README.md").write_text("none")
    both = np.concatenate([split.train, split.train[::-1]], axis=1)
    silence = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    with silence[0], silence[1], pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
        saver = DatasetSaver(f"ogbl-{layout}", is_hetero=False, version=1, root=str(root / "submission"))
        saver.save_graph_list([{"edge_index": both, "num_nodes": 300, "node_feat": x}])
        saver.save_split(parts, split_name="official")
        saver.copy_mapping_dir(str(root / "mapping"))
        saver.save_task_info(task_type="link prediction", eval_metric=metric)
        saver.get_meta_dict()
    return root / f"submission_ogbl_{layout}"


def script(folder: Path, *arguments: str, processes: int = 1, expected: int = 0) -> subprocess.CompletedProcess[str]:
    start = [sys.executable]
    if processes > 1:
        start += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(graphx.__file__).parents[1]),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [*start, str(SCRIPT), *arguments], capture_output=True, text=True, env=environment, timeout=500, cwd=folder
    )
    assert done.returncode == expected, done.stderr[-3000:]
    return done


def measured(file: Path) -> Any:
    told = json.loads(file.read_text())
    return [
        (run["seed"], run["valid"], run["test"], [(h["loss"], h["valid"], h["test"]) for h in run["history"]])
        for run in told["all"]
    ]


@pytest.mark.parametrize(("layout", "model"), [("collab", "ncnc"), ("ppa", "ncn"), ("citation2", "ncn")])
def test_local_sets_in_official_layouts(tmp_path: Path, layout: str, model: str) -> None:
    folder = saved(tmp_path, layout)
    command = ["--dataset", str(folder), "--model", model, "--epochs", "3", *SMALL]
    done = script(tmp_path, *command, "--output", "a.json", "--save", "model")
    shown = dict(line.split("  ", 1) for line in done.stdout.splitlines() if "  " in line)
    assert shown["Dataset"].strip() == f"ogbl-{layout}"
    told = json.loads((tmp_path / "a.json").read_text())
    assert told["runs"] == 2 and 0 < told["test"]["mean"] <= 1 and told["test"]["std"] is not None
    assert shown["#Params"].strip() == f"{told['num_parameters']:,}"
    best = max(told["all"], key=lambda run: run["valid"])
    assert told["official_of_best_run"]["test"] == pytest.approx(best["test"], abs=1e-6)

    # stopped after one epoch of the second run, and gone on
    stop = "import graphx.nn.linkpred.train as t, runpy, sys\nkeep, n = t._keep, []\n"
    stop += "def counted(*a):\n    keep(*a)\n    n.append(0)\n    if len(n) == 4: sys.exit(9)\n"
    stop += f"t._keep = counted\nsys.argv[0] = {str(SCRIPT)!r}\nrunpy.run_path(sys.argv[0], run_name='__main__')\n"
    (tmp_path / "stopped.py").write_text(stop)
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(graphx.__file__).parents[1]),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    arguments = [*command, "--checkpoint", "state", "--output", "b.json"]
    killed = subprocess.run([sys.executable, "stopped.py", *arguments], cwd=tmp_path, env=environment, timeout=300)
    assert killed.returncode == 9 and not (tmp_path / "b.json").exists()
    script(tmp_path, *arguments)
    assert measured(tmp_path / "b.json") == measured(tmp_path / "a.json")


def test_two_processes_by_torchrun(tmp_path: Path) -> None:
    folder = saved(tmp_path, "collab")
    quiet = ["input_dropout=0", "edge_dropout=0", "predictor_dropout=0", "dropout=0"]
    command = ["--dataset", str(folder), "--epochs", "3", *SMALL, *quiet, "--checkpoint"]
    script(tmp_path, *command, "one", "--output", "one.json")
    script(tmp_path, *command, "two", "--output", "two.json", processes=2)
    one, two = (measured(tmp_path / f"{name}.json") for name in ("one", "two"))
    for alone, shared in zip(one, two, strict=True):
        for (loss, valid, _), (loss2, valid2, _) in zip(alone[3], shared[3], strict=True):
            assert loss2 == pytest.approx(loss, rel=1e-3)
            assert valid2 == pytest.approx(valid, abs=0.05)
    assert json.loads((tmp_path / "two.json").read_text())["processes"] == 2


def test_refuses_in_one_line(tmp_path: Path) -> None:
    done = script(tmp_path, "--dataset", "ogbl-nonsense", expected=2)
    assert done.stderr.splitlines()[-1].startswith("linkpred: error: ")
