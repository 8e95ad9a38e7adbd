"""The command: predicts and writes a table, refuses in one line, and starts at once."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import graphx
from graphx.cli.zeroshot import main

ENCODER = """
import hashlib
import numpy as np

def encode(texts):
    rows = np.zeros((len(texts), 32))
    for row, text in zip(rows, texts):
        for word in text.lower().split():
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
            row += np.random.default_rng(seed).normal(size=32)
    return rows

wrong = lambda texts: [1.0 for _ in texts]
number = 3
"""
OPTIONS = ("--encoder", "toyencoder:encode", "--steps", "3")
LABELS = ("cat kitten", "dog puppy")


def write_graph(folder: Path, texts: list[str], labels: list[str | None], edges: list[tuple[int, int]]) -> None:
    folder.mkdir(parents=True)
    lines = [json.dumps({"text": t, "label": k}) for t, k in zip(texts, labels, strict=True)]
    with gzip.open(folder / "nodes.jsonl.gz", "wt", encoding="utf-8") as out:
        out.write("\n".join(lines))
    with gzip.open(folder / "edges.tsv.gz", "wt", encoding="utf-8") as out:
        out.write("".join(f"{u}\t{v}\n" for u, v in edges))
    names = sorted({label for label in labels if label is not None})
    meta = {"name": folder.name, "num_nodes": len(texts), "num_edges": len(edges), "labels": names}
    (folder / "meta.json").write_text(json.dumps(meta))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GRAPHX_DATA", raising=False)
    monkeypatch.setenv("PYTHONPATH", f"{Path(graphx.__file__).parents[1]}{os.pathsep}{tmp_path}")
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("toyencoder.py").write_text(ENCODER)
    texts = ["cat purr kitten", "kitten cat", "dog bark", "puppy dog", "cat paw", "dog paw puppy"]
    truth = [LABELS[k] for k in (0, 0, 1, 1, 0, 1)]
    write_graph(tmp_path / "pets", texts, truth, [(0, 1), (2, 3), (4, 0), (5, 2)])
    write_graph(tmp_path / "wild", texts, [None] * 6, [])


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr of a command that is refused."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("graphx zeroshot: error: ")
    return line.removeprefix("graphx zeroshot: error: ")


def test_a_table_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--graph", "./pets", "--labels", *LABELS, "--evaluate", *OPTIONS]) == 0
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(out.splitlines()))
    assert [row["label"] for row in rows] == [LABELS[k] for k in (0, 0, 1, 1, 0, 1)]
    assert [row["node"] for row in rows] == list("012345")
    assert all(0.5 <= float(row["probability"]) <= 1 for row in rows)
    assert err == "graphx zeroshot: accuracy 100.0 %, macro 100.0 % over 6 nodes with labels\n"


def test_a_table_in_a_file_from_labelled_sources(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--graph", "./wild", "--labels", "cat", "dog", "--source", "./pets", "-o", "out.tsv", *OPTIONS]
    assert main([*arguments, "--save", "pets.h4g"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["label", "nodes", "mean", "probability"]
    assert out.splitlines()[2].split()[:2] == ["cat", "3"] and out.endswith("written: out.tsv\n")
    first = Path("out.tsv").read_text()
    assert first.splitlines()[0] == "node\tlabel\tprobability"
    assert main(["--graph", "./wild", "--labels", "cat", "dog", "--model", "pets.h4g", "-o", "two.tsv", *OPTIONS]) == 0
    assert Path("two.tsv").read_text() == first
    capsys.readouterr()
    assert "pass --overwrite" in refused(capsys, *arguments, "--save", "pets.h4g")


def test_the_classes_of_the_graph_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--graph", "./pets", *OPTIONS]) == 0
    assert {line.split(",")[1] for line in capsys.readouterr().out.splitlines()[1:]} == set(LABELS)
    assert "names 0 classes; expected at least two: pass --labels" in refused(capsys, "--graph", "./wild", *OPTIONS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--graph", "nowhere", "--labels", "a", "b"], "no text graph 'nowhere'"),
        (["--graph", "./pets", "--labels", "alone"], "--labels names 1 class; expected at least two"),
        (["--graph", "./pets", "--labels", "a", "a"], "--labels names a class twice"),
        (["--graph", "./pets", "--labels", "a", " "], "or with no name; expected different names"),
        (["--graph", "./pets", "-o", "out.doc"], "expected one of: .csv .tsv"),
        (["--graph", "./pets", "-o", "none/out.csv"], "the folder none does not exist"),
        (["--graph", "./pets", "--encoder", "nomodule:f"], "No module named 'nomodule'; expected minilm or MODULE"),
        (["--graph", "./pets", "--encoder", "toyencoder:none"], "expected minilm or MODULE:FUNCTION"),
        (["--graph", "./pets", "--encoder", "toyencoder:number"], "is no function"),
        (["--graph", "./pets", "--encoder", "toyencoder:wrong"], "the encoder gave float64"),
        (["--graph", "./pets", "--model", "none"], "none holds no whole model of H4G.save"),
        (["--graph", "./pets", "--model", "m", "--save", "n"], "--model fits nothing"),
        (["--graph", "./pets", "--source", "./wild"], "at least two to choose from"),
        (["--graph", "./wild", "--labels", "a", "b", "--evaluate"], "cannot be evaluated: it has no labels"),
        (["--graph", "./pets", "--labels", "a", "b", "--evaluate"], "cannot be evaluated: its label 'cat kitten'"),
    ],
)
def test_refused_in_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    extra = () if "--encoder" in arguments else OPTIONS
    assert message in refused(capsys, *arguments, *extra)
    assert not Path("out.csv").exists() and not Path("n").exists()


def test_the_encoder_of_the_extra_by_name(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    from graphx.data import _encoders

    _encoders._minilm_digest.cache_clear()
    message = refused(capsys, "--graph", "./pets", "--labels", "cat", "dog")
    assert "the encoder 'minilm' needs sentence-transformers" in message and "pip install" in message


def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--graph"], ["--graph", "./pets", "--steps", "0"], ["--graph", "./pets", "--what"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
    capsys.readouterr()


def test_help_needs_no_numerical_package() -> None:
    code = "import sys; from graphx.cli.zeroshot import build_parser; build_parser().format_help(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "examples:" in build_help()
    assert not {"torch", "numpy", "scipy", "tqdm"} & {name.partition(".")[0] for name in done.stdout.split()}


def build_help() -> str:
    done = subprocess.run(
        [sys.executable, "-m", "graphx.zeroshot", "--help"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and done.stderr == ""
    return done.stdout


@pytest.mark.slow
def test_ctrl_c_ends_with_130() -> None:
    Path("slowencoder.py").write_text(
        "import time\ndef encode(texts):\n    print('encoding', flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-m", "graphx.zeroshot", "--graph", "./pets", "--encoder", "slowencoder:encode"]
    with subprocess.Popen(
        [*command, "-o", "out.csv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "encoding\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "graphx zeroshot: interrupted\n"
    assert not Path("out.csv").exists()


def test_the_encoder_of_this_test_tells_words_apart() -> None:
    import toyencoder  # type: ignore[import-not-found]

    a, b = toyencoder.encode(["cat", "dog"])
    assert abs(np.dot(a, b)) < 0.6 * np.linalg.norm(a) * np.linalg.norm(b)


def test_what_is_missing_is_told_in_options_of_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRAPHX_DATA", raising=False)
    assert main(["--graph", "no-such-graph", "--labels", "a", "b"]) == 2
    error = capsys.readouterr().err
    assert "no-such-graph" in error
    assert "root=" not in error
