"""The command: lists, tells, converts, splits; and refuses in one line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import graphx
from graphx.cli.data import main
from graphx.data import load_graph
from graphx.graph import Graph


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GRAPHX_DATA", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(graphx.__file__).parents[1]))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr of a command that is refused."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()[-1:]
    start = f"graphx data {arguments[0]}: error: "
    assert line.startswith(start)
    return line.removeprefix(start)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "list").splitlines()
    assert len(lines) == 2 + len(graphx.data.list())
    assert next(line for line in lines if line.startswith("cora ")).split()[3:7] == ["2,708", "5,278", "1,433", "7"]
    every = json.loads(printed(capsys, "list", "--family", "planetoid", "--json"))
    assert [about["name"] for about in every] == ["citeseer", "cora", "pubmed"]
    assert "expected one of" in refused(capsys, "list", "--family", "nonsense")


def test_info_of_a_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = printed(capsys, "info", "CORA")
    assert "Revisiting semi-supervised learning" in out
    assert "8 of 8 missing below" in out and str(tmp_path / "cache") in out
    about = json.loads(printed(capsys, "info", "karate", "--json"))
    assert (about["nodes"], about["edges"], about["homophily"]) == (34, 78, 0.756)
    assert "did you mean 'cora'" in refused(capsys, "info", "coraa")


def test_info_of_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("paw.csv").write_text("a,b\nb,c\nc,d\nd,b\nb,a\n")
    assert main(["info", "paw.csv"]) == 0
    out, err = capsys.readouterr()
    assert "1 duplicate merged" in err
    facts = dict(re.split(r"  +", line, maxsplit=1) for line in out.splitlines())
    assert (facts["nodes"], facts["edges"], facts["degree"]) == ("4", "4", "2.00 on average, 1 to 3")
    about = json.loads(printed(capsys, "info", "paw.csv", "--directed", "--json"))
    assert (about["directed"], about["edges"], about["node names"]) == ("yes", 5, "text")
    Path("bad.txt").write_text("0 1\n1 x;\n2\n")
    assert refused(capsys, "info", "bad.txt").startswith("bad.txt:3:")
    Path("cut.txt.gz").write_bytes(b"\x1f\x8b\x08\x00\x00")
    assert "cut.txt.gz: the gzip data are damaged or end early" in refused(capsys, "info", "cut.txt.gz")


def test_convert(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "convert", "karate", "karate.csv") == "karate.csv: 34 nodes, 78 edges\n"
    assert load_graph("karate.csv") == load_graph("karate")
    printed(capsys, "convert", "karate.csv", "karate.graph")
    assert Graph.open("karate.graph") == load_graph("karate")
    printed(capsys, "convert", "karate.graph", "karate.npz")
    assert load_graph("karate.npz") == load_graph("karate")
    assert "exists; pass --overwrite" in refused(capsys, "convert", "karate", "karate.csv")
    assert "exists; pass --overwrite" in refused(capsys, "convert", "karate", "karate.graph")
    printed(capsys, "convert", "les-miserables", "karate.graph", "--overwrite")
    assert Graph.open("karate.graph").num_nodes == 77
    assert "folder" in refused(capsys, "convert", "karate", "nowhere/karate.csv")
    assert "karate.doc" in refused(capsys, "convert", "karate", "karate.doc")
    Path("mine.graph").mkdir()
    Path("mine.graph/thesis.tex").write_text("")
    assert "not replaced" in refused(capsys, "convert", "karate", "mine.graph", "--overwrite")


def test_a_data_set_of_a_root(capsys: pytest.CaptureFixture[str], data_dir: Path, monkeypatch: Any) -> None:
    assert f"present below {data_dir}" in printed(capsys, "info", "cora", "--root", str(data_dir))
    monkeypatch.setenv("GRAPHX_DATA", str(data_dir))
    assert f"present below {data_dir}" in printed(capsys, "info", "cora")
    assert main(["convert", "cora", "cora.graph"]) == 0
    assert load_graph("cora.graph").num_edges == 5278


def test_missing_files_are_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = refused(capsys, "convert", "wing", "wing.csv")
    assert "missing networks/wing.edgelist.gz; they come from" in line and str(tmp_path) in line
    assert "is no folder" in refused(capsys, "convert", "wing", "wing.csv", "--root", "nowhere")


def test_what_argparse_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["nonsense"], ["info"], ["convert", "karate"], ["split", "karate"], ["list", "--seed", "1"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    with pytest.raises(SystemExit):
        main(["split", "karate", "-o", "x.npz", "--val", "1.5"])
    assert "'1.5' is not a share" in capsys.readouterr().err


def test_as_a_module_without_torch() -> None:
    code = "import sys, runpy\nsys.argv = ['x', 'info', 'karate']\ntry:\n"
    code += "    runpy.run_module('graphx.data', run_name='__main__')\n"
    code += "except SystemExit as done:\n    print(done.code, 'torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=False)
    assert run.stdout.splitlines()[-1] == "0 False", run.stderr
    run = subprocess.run(
        [sys.executable, "-m", "graphx.data", "info", "-"],
        input="0 1\n1 2\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0 and "nodes              3" in run.stdout


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("list", "info", "convert", "split", "GRAPHX_DATA"))
    assert graphx.cli.main(["data", "list", "--family", "packaged"]) == 0


def test_split(capsys: pytest.CaptureFixture[str], data_dir: Path) -> None:
    from graphx.data.splits import link_split, load_split, ncn_link_split

    karate = load_graph("karate")
    assert printed(capsys, "split", "karate", "-o", "k.npz", "--seed", "3") == "k.npz: 56 train, 7 val, 15 test\n"
    assert load_split("k.npz", karate) == link_split(karate, seed=3)
    printed(capsys, "split", "karate", "-o", "k.npz", "--val", "0.3", "--test", "0.3")
    assert load_split("k.npz", karate) == link_split(karate, 0.3, 0.3)
    printed(capsys, "split", "karate", "-o", "k.npz", "--kind", "ncn", "--seed", "1")
    assert load_split("k.npz", karate) == ncn_link_split(karate, seed=1)
    assert "leave --val and --test out" in refused(
        capsys, "split", "karate", "-o", "k.npz", "--kind", "ncn", "--val", "0"
    )
    assert "expected one of: .npz" in refused(capsys, "split", "karate", "-o", "k.csv")
    printed(capsys, "split", "texas", "-o", "t.npz", "--kind", "node", "--root", str(data_dir))
    split = load_split("t.npz", graphx.data.load("texas", data_dir))
    assert split.train.size + split.val.size + split.test.size == 183
