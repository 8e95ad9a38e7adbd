"""The command: trains, goes on, evaluates, predicts; refuses in one line, and starts at once."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphx
from graphx.cli.linkpred import main

TRAIN = ("--epochs", "3", "--set", "hidden_channels=8")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GRAPHX_DATA", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(graphx.__file__).parents[1]))
    rng = np.random.default_rng(0)
    people = [f"p{k:02}" for k in range(30)]
    edges = {(a, b) for a in range(30) for b in range(a) if (a % 2 == b % 2 and rng.random() < 0.6) or a - b == 1}
    Path("friends.txt").write_text(
        "# who knows whom\n" + "".join(f"{people[a]} {people[b]}\n" for a, b in sorted(edges))
    )


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The last line on stderr of a command that is refused; before it are only notes on the graph."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert "written" not in out
    line = err.splitlines()[-1]
    assert line.startswith("graphx linkpred: error: ")
    return line.removeprefix("graphx linkpred: error: ")


def test_trains_evaluates_and_predicts_on_an_edge_list(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "train", "friends.txt", "-o", "m", "--epochs", "30", "--model", "ncnc", "--report", "r.json")
    assert "friends.txt: 30 nodes, " in out and "learned vectors" in out and out.endswith("written: m\n")
    shown = float(re.search(r"test auc (0\.\d+)\n", out)[1])
    assert shown > 0.6
    report = json.loads(Path("r.json").read_text())
    assert report["config"]["structure"] == "ncnc" and len(report["all"][0]["history"]) == 30
    assert run(capsys, "evaluate", "friends.txt", "--model", "m").startswith(f"auc {shown:.4f} (")
    told = json.loads(
        run(capsys, "evaluate", "friends.txt", "--model", "m", "--metric", "mrr", "--part", "valid", "--json")
    )
    assert told["metric"] == "mrr" and 0 < told["value"] <= 1 and told["positives"] == told["negatives"]

    rows = list(
        csv.DictReader(
            run(capsys, "predict", "friends.txt", "--model", "m", "--topk", "3", "--nodes", "p04", "p07").splitlines()
        )
    )
    assert [row["source"] for row in rows] == ["p04"] * 3 + ["p07"] * 3
    shares = [float(row["probability"]) for row in rows]
    assert shares[:3] == sorted(shares[:3], reverse=True)
    known = {frozenset(line.split()) for line in Path("friends.txt").read_text().splitlines()[1:]}
    assert not known & {frozenset((row["source"], row["target"])) for row in rows}

    Path("pairs.csv").write_text(f"{rows[0]['source']},{rows[0]['target']}\n")
    again = json.loads(run(capsys, "predict", "friends.txt", "--model", "m", "--pairs", "pairs.csv", "--json"))
    assert again["links"][0]["target"] == rows[0]["target"]
    assert again["links"][0]["probability"] == pytest.approx(shares[0], abs=1e-4)
    assert "90 links" in run(capsys, "predict", "friends.txt", "--model", "m", "--topk", "3", "-o", "all.tsv")
    assert Path("all.tsv").read_text().startswith("source\ttarget\tprobability\np")


def test_runs_and_checkpoints_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    command = ("train", "friends.txt", "--runs", "2", "--seed", "5", "--checkpoint", "state", "--json", *TRAIN)
    first = json.loads(run(capsys, *command, "-o", "a"))
    assert [run["seed"] for run in first["all"]] == [5, 6] and first["test"]["std"] is not None
    second = json.loads(run(capsys, *command, "-o", "b"))
    assert {**second, "model": "a"} == first
    config = {"structure": "gae", "hidden_channels": 4, "epochs": 1, "metric": "hits@5", "batch_size": 16}
    Path("c.json").write_text(json.dumps(config))
    told = json.loads(
        run(capsys, "train", "karate", "--config", "c.json", "--json", "--set", "conv=puregcn", "-o", "c")
    )
    assert told["metric"] == "hits@5" and told["num_parameters"] < 1000


def test_features_from_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("x.npy", np.random.default_rng(0).normal(size=(30, 6)))
    out = run(capsys, "train", "friends.txt", "--features", "x.npy", "-o", "m", *TRAIN)
    assert "6 features" in out
    assert run(capsys, "evaluate", "friends.txt", "--features", "x.npy", "--model", "m").startswith("auc ")
    assert "m reads 6 features; pass them with --features" in refused(capsys, "evaluate", "friends.txt", "--model", "m")
    np.save("y.npy", np.ones((30, 5)))
    assert "there are 5 features; m expects 6" in refused(
        capsys, "predict", "friends.txt", "--features", "y.npy", "--model", "m"
    )


def test_a_data_set_with_features(capsys: pytest.CaptureFixture[str], data_dir: Path) -> None:
    command = ("train", "Cora", "--root", str(data_dir), "--split", "ncn", "-o", "m", "--epochs", "1")
    out = run(capsys, *command, "--set", "hidden_channels=8", "conv=puregcn", "batch_size=2048")
    assert "2,708 nodes, 5,278 edges; 1433 features" in out and "3,696 edges to learn from, 527 for validation" in out
    assert run(capsys, "evaluate", "Cora", "--root", str(data_dir), "--model", "m", "--metric", "hits@100")


@pytest.fixture
def model(capsys: pytest.CaptureFixture[str]) -> str:
    run(capsys, "train", "friends.txt", "-o", "m", *TRAIN)
    Path("links.txt").write_text("p00 p02\n")
    return "m"


def write(name: str, text: str) -> str:
    Path(name).write_text(text)
    return name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--positives", "links.txt"], "--positives and --negatives come together"),
        (["--metric", "hits@500"], "is 1 for any scores; expected K at most"),
        (["--metric", "hits"], "metric is 'hits'; expected hits@K such as hits@100, mrr or auc"),
        (["--positives", "trained.txt", "--negatives", "none.txt"], "overlaps what is learned from: 1 of 1 pairs"),
        (["--positives", "unknown.txt", "--negatives", "none.txt"], "unknown.txt, line 2: the graph has no node 'p99'"),
        (
            ["--positives", "short.txt", "--negatives", "none.txt"],
            "short.txt, line 1: 'p01' is no pair; expected 'u v'",
        ),
        (["--positives", "empty.txt", "--negatives", "none.txt"], "empty.txt holds no pairs"),
        (["--positives", "missing.txt", "--negatives", "none.txt"], "missing.txt: No such file"),
        (["--features", "none", "--part", "test", "--model", "nowhere"], "nowhere holds no whole model"),
    ],
)
def test_evaluate_refuses_in_one_line(
    capsys: pytest.CaptureFixture[str], model: str, arguments: list[str], message: str
) -> None:
    from graphx.data import load_graph
    from graphx.data.splits import link_split

    graph = load_graph("friends.txt")
    u, v = link_split(graph).train[:, 0]
    write("trained.txt", f"{graph.names[u]} {graph.names[v]}\n")
    write("none.txt", "p00 p29\n")
    write("unknown.txt", "p00 p02\np01 p99\n")
    write("short.txt", "p01\n")
    write("empty.txt", "# nothing\n")
    assert message in refused(capsys, "evaluate", "friends.txt", "--model", model, *arguments)


def test_predict_refuses_in_one_line(capsys: pytest.CaptureFixture[str], model: str) -> None:
    start = ("predict", "friends.txt", "--model", model)
    assert "--nodes: the graph has no node 'zoe'" in refused(capsys, *start, "--nodes", "p01", "zoe")
    assert "--pairs and --nodes cannot be combined" in refused(capsys, *start, "--nodes", "p01", "--pairs", "links.txt")
    assert "expected one of: .csv .tsv" in refused(capsys, *start, "-o", "out.txt")
    write("other.txt", "a b\nb c\nc a\n")
    assert "other.txt has other nodes than the graph of m" in refused(capsys, "predict", "other.txt", "--model", model)
    lines = Path("friends.txt").read_text().splitlines()
    write("fewer.txt", "\n".join(lines[:-1]))
    assert "fewer.txt has other edges than the graph of m" in refused(capsys, "evaluate", "fewer.txt", "--model", model)
    assert run(capsys, "predict", "fewer.txt", "--model", model, "--nodes", "p01")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.txt"], "nowhere.txt"),
        (["friends.txt", "--set", "hidden=3"], "there is no setting 'hidden'"),
        (["friends.txt", "--set", "epochs=0"], "epochs is 0; expected a positive integer"),
        (["friends.txt", "--metric", "hits@1000"], "negatives in valid is 1 for any scores"),
        (["friends.txt", "--config", "broken.json"], "broken.json: no JSON"),
        (["friends.txt", "--config", "missing.json"], "missing.json: No such file"),
        (["friends.txt", "--features", "nan.npy"], "nan.npy has nan in row 3, column 1; expected numbers"),
        (["friends.txt", "--features", "short.npy"], "short.npy is float64 (2, 2); expected numbers (30, F)"),
        (["friends.txt", "--features", "friends.txt"], "friends.txt is no .npy of numbers"),
        (["friends.txt", "--report", "r.txt"], "r.txt: the suffix names the form; expected one of: .json"),
        (["friends.txt", "--checkpoint", "m"], "--checkpoint and -o are the same folder"),
        (["two.txt"], "val=0.1 of 1 undirected edges is none"),
        (["arrows.graph"], "arrows.graph is directed; pass --undirected"),
    ],
)
def test_train_refuses_in_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    x = np.ones((30, 2))
    x[3, 1] = np.nan
    np.save("nan.npy", x)
    np.save("short.npy", np.ones((2, 2)))
    write("broken.json", "{")
    write("two.txt", "a b\n")
    graphx.Graph.from_edges([0, 1], [1, 2], directed=True).save("arrows.graph")
    assert message in refused(capsys, "train", *arguments, "-o", "m")
    assert not Path("m").exists()


def test_a_word_for_a_weight_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody asked to leave weights out: the line is told, and how to mend it in words that the command knows."""
    lines = [f"n{i} n{(i * 7 + 1) % 60} {i + 1}" for i in range(60)]
    lines[4] = "n4 n29 heavy"
    Path("weights.txt").write_text("\n".join(lines) + "\n")
    assert main(["train", "weights.txt", "-o", "w.model", "--epochs", "1"]) == 2
    error = capsys.readouterr().err
    assert "weights.txt:5:8: the weight 'heavy'; expected a finite number: mend or remove it" in error
    assert "weighted=" not in error
    assert not Path("w.model").exists()


def test_a_folder_that_is_there_is_kept(capsys: pytest.CaptureFixture[str], model: str) -> None:
    assert "m exists; pass --overwrite" in refused(capsys, "train", "friends.txt", "-o", model, *TRAIN)
    assert "written: m" in run(capsys, "train", "friends.txt", "-o", model, "--overwrite", *TRAIN)
    assert "the folder none does not exist" in refused(capsys, "train", "friends.txt", "-o", "none/m", *TRAIN)


def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = [[], ["train"], ["train", "karate"], ["predict", "karate"], ["train", "karate", "-o", "m", "--val", "2"]]
    for arguments in [
        *wrong,
        ["train", "karate", "-o", "m", "--set", "x"],
        ["predict", "g", "--model", "m", "--topk", "0"],
    ]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
    capsys.readouterr()


def test_help_needs_no_numerical_package() -> None:
    code = "import sys; from graphx.cli.linkpred import build_parser; build_parser().format_help(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert not {"torch", "numpy", "scipy", "tqdm"} & {name.partition(".")[0] for name in done.stdout.split()}
    done = subprocess.run(
        [sys.executable, "-m", "graphx.linkpred", "--help"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and "examples:" in done.stdout and done.stderr == ""


def killed(arguments: list[str], number: int) -> tuple[int, str]:
    """Exit code and stderr of a training that gets a signal after its first checkpoint, and before its end."""
    command = [sys.executable, "-m", "graphx.linkpred", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for _ in range(5):
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
        ) as process:
            while not Path("state", "state.json").exists() and process.poll() is None:
                time.sleep(0.02)
            over = process.poll() is not None
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
        if not over:
            return process.returncode, err
        shutil.rmtree("state")  # a busy machine let it finish before we looked: once more
        shutil.rmtree("m", ignore_errors=True)
    raise AssertionError("the training was always over before the signal")


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--set", "hidden_channels=8", "--epochs", "400", "--threads", "1", "--json"]
    whole: Any = json.loads(run(capsys, "train", "friends.txt", "-o", "whole", *options))
    command = ["train", "friends.txt", "-o", "m", "--checkpoint", "state", *options]
    code, err = killed(command, signal.SIGINT)
    assert (code, err.splitlines()[-1]) == (130, "graphx linkpred: interrupted")
    code, _ = killed(command, signal.SIGKILL)
    assert code == -signal.SIGKILL and not Path("m").exists()
    assert {**json.loads(run(capsys, *command)), "model": "whole"} == whole
