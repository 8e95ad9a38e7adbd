"""The command: what it prints and writes, what it refuses, and how it ends when it cannot go on."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest
import scipy.sparse

import graphx
from graphx.cli.gradco import build_parser, main
from graphx.data import load_graph, synthetic, write_edgelist
from graphx.gradco import EDGE_ORBITS, ORBIT_KEYS, OrbitAdjacency

PAW = "a,b\nb,c\nc,d\nd,b\n"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(graphx.__file__).parents[1]))  # for the processes that tests start


@pytest.fixture
def paw(tmp_path: Path) -> str:
    (tmp_path / "paw.csv").write_text(PAW)
    return "paw.csv"


def run(*arguments: str, timeout: float = 120, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "graphx.gradco", *arguments], capture_output=True, text=True, timeout=timeout, **options
    )


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr of a command that is refused."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()[-1:]
    assert line.startswith("graphx gradco: error: ")
    return line.removeprefix("graphx gradco: error: ")


# -- what it prints ----------------------------------------------------------------------------------------------------


def test_table_of_all_matrices(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["karate"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "karate: 34 nodes, 78 edges, 45 triangles, 528 wedges, maximum degree 17"
    rows = [re.split(r"\s{2,}", line) for line in lines[4:]]
    expected = OrbitAdjacency(load_graph("karate")).to_csr()
    assert [row[0] for row in rows] == [f"{h}_{a}_{b}" for h, a, b in ORBIT_KEYS]
    for row, matrix in zip(rows, expected.values(), strict=True):
        numbers = [int(cell.replace(",", "")) for cell in row[2:]]
        assert numbers == [matrix.nnz, matrix.sum(), matrix.max()]
    assert err == ""


def test_json_is_all_there_is_on_stdout(paw: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([paw, "--json", "--gdv", "out.npy"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["graphx"] == graphx.__version__
    graph = result["graph"]
    assert [graph[f"num_{what}"] for what in ("nodes", "edges", "triangles", "wedges")] == [4, 4, 1, 5]
    assert graph["max_degree"] == 3
    assert graph["digest"] == load_graph(paw).digest
    assert result["cleaning"]["edges_read"] == 4
    assert result["files"] == {"gdv": "out.npy"}
    sums = {tuple(line["key"]): line["sum"] for line in result["matrices"]}
    assert list(sums) == list(ORBIT_KEYS)
    assert {key: value for key, value in sums.items() if value} == {
        (1, 0, 0): 8, (1, 1, 2): 2, (1, 2, 1): 2, (1, 3, 3): 6, (1, 9, 11): 1, (1, 11, 9): 1, (1, 10, 10): 2,
        (1, 10, 11): 2, (1, 11, 10): 2, (2, 1, 1): 2 + 2, (2, 9, 10): 2, (2, 10, 9): 2,
    } | {(1, 1, 2): sums[1, 1, 2], (1, 2, 1): sums[1, 2, 1]}  # fmt: skip
    assert sums[1, 1, 2] == sums[1, 2, 1] == 4


@pytest.mark.parametrize(
    ("selection", "keys"),
    [
        ("hop3", [(3, 4, 4)]),
        ("hop1", list(ORBIT_KEYS[:19])),
        ("hop2", list(ORBIT_KEYS[19:27])),
        ("2_12_12", [(2, 12, 12)]),
        ("1:0,0", [(1, 0, 0)]),
        ("2_12_12,1:0,0, hop3", [(1, 0, 0), (2, 12, 12), (3, 4, 4)]),
        ("G2,G8", [(1, 3, 3), (1, 14, 14)]),
        ("none", []),
    ],
)
def test_selections(selection: str, keys: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["karate", "--json", "--matrices", selection]) == 0
    assert [tuple(line["key"]) for line in json.loads(capsys.readouterr().out)["matrices"]] == keys


def test_threads_change_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for threads in ("1", "2", "3", "7"):
        assert main(["les-miserables", "--threads", threads]) == 0
        printed.append(capsys.readouterr().out)
    assert len(set(printed)) == 1


def test_cleaning_is_told_in_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Path("messy.txt").write_text("1 2\n2 1\n2 3\n3 3\n")
    assert main(["messy.txt", "--json", "--matrices", "hop1"]) == 0
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert "1 duplicate merged" in err
    assert "1 self-loop dropped" in err
    assert json.loads(out)["cleaning"]["self_loops_dropped"] == 1


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_a_graph_without_edges(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty.txt").write_text(text)
    code = main(["empty.txt", "--gdv", "gdv.csv", "--edge-gdv", "edges.csv"])
    out, err = capsys.readouterr()
    if code:  # the door may refuse an empty file; if so in one line
        assert err.count("\n") == 1
    else:
        assert out.startswith("empty.txt: 0 nodes, 0 edges")
        assert Path("gdv.csv").read_text().count("\n") == 1


def test_standard_input() -> None:
    done = run("-", "--matrices", "G2", input=PAW)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("-: 4 nodes, 4 edges, 1 triangles")


def test_weights_are_refused_unless_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    Path("weighted.txt").write_text("0 1 0.5\n1 2 2\n2 1 2\n")
    assert "weighted.txt has edge weights" in refused(capsys, "weighted.txt")
    assert main(["weighted.txt", "--ignore-weights"]) == 0
    assert "2 edges" in capsys.readouterr().out


# -- what it writes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "delimiter"), [("csv", ","), ("tsv", "\t"), ("txt", " ")])
def test_graphlet_degrees_as_text(paw: str, suffix: str, delimiter: str) -> None:
    assert main([paw, "--matrices", "none", "--gdv", f"n.{suffix}", "--edge-gdv", f"e.{suffix}"]) == 0
    oa = OrbitAdjacency(load_graph(paw))
    with open(f"n.{suffix}", newline="") as file:
        header, *rows = csv.reader(file, delimiter=delimiter)
    assert header == ["node", *(f"orbit_{orbit}" for orbit in range(15))]
    assert [row[0] for row in rows] == ["a", "b", "c", "d"]
    assert np.array_equal(np.array([row[1:] for row in rows], dtype=int), oa.graphlet_degrees())
    with open(f"e.{suffix}", newline="") as file:
        header, *rows = csv.reader(file, delimiter=delimiter)
    assert header == ["source", "target", *(f"orbits_{a}_{b}" for a, b in EDGE_ORBITS)]
    assert [row[:2] for row in rows] == [["a", "b"], ["b", "c"], ["b", "d"], ["c", "d"]]
    assert np.array_equal(np.array([row[2:] for row in rows], dtype=int), oa.edge_graphlet_degrees())


def test_graphlet_degrees_as_arrays_and_numbered_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["karate", "--gdv", "n.npy", "--edge-gdv", "e.npy", "--matrices", "hop1"]) == 0
    assert "written: n.npy, e.npy" in capsys.readouterr().out
    oa = OrbitAdjacency(load_graph("karate"))
    assert np.array_equal(np.load("n.npy"), oa.graphlet_degrees())
    assert np.array_equal(np.load("e.npy"), oa.edge_graphlet_degrees())
    assert main(["karate", "--gdv", "n.csv", "--matrices", "none"]) == 0
    assert Path("n.csv").read_text().splitlines()[1].startswith("0,16,")


def test_names_with_separators_are_quoted() -> None:
    graph = networkx.Graph([("x y", 'q"t'), ('q"t', "a,b")])
    Path("odd.graphml").write_text("\n".join(networkx.generate_graphml(graph)))
    assert main(["odd.graphml", "--gdv", "n.txt", "--matrices", "none"]) == 0
    with open("n.txt", newline="") as file:
        assert sorted(row[0] for row in csv.reader(file, delimiter=" ")) == sorted(["node", "x y", 'q"t', "a,b"])


def test_store_opens_again_and_is_replaced_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["karate", "-o", "karate.orbits", "--matrices", "hop2"]) == 0
    graph = load_graph("karate")
    store, oa = OrbitAdjacency.open("karate.orbits", graph), OrbitAdjacency(graph)
    assert list(store) == list(ORBIT_KEYS[19:27])
    assert all((store[key] != oa[key]).nnz == 0 for key in store)
    del store
    capsys.readouterr()
    assert "karate.orbits exists; pass --overwrite" in refused(capsys, "karate", "-o", "karate.orbits")
    assert main(["karate", "-o", "karate.orbits", "--overwrite", "--matrices", "hop3"]) == 0
    assert list(OrbitAdjacency.open("karate.orbits")) == [(3, 4, 4)]


def test_exports(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["karate", "--matrices", "G5", "--export", "npz", "--export", "mtx:tables"]) == 0
    assert sorted(os.listdir("karate-npz")) == ["1_8_8.npz", "2_8_8.npz"]
    assert sorted(os.listdir("tables")) == ["1_8_8.mtx", "2_8_8.mtx"]
    matrix = scipy.sparse.load_npz("karate-npz/2_8_8.npz")
    assert (matrix != OrbitAdjacency(load_graph("karate"))[2, 8, 8]).nnz == 0
    assert "written: karate-npz, tables" in capsys.readouterr().out
    assert "holds an earlier export" in refused(capsys, "karate", "--export", "npz")
    assert main(["karate", "--matrices", "G5", "--export", "npz", "--overwrite", "--max-memory", "1M"]) == 0


@pytest.mark.parametrize("name", ["spectrum.png", "spectrum.SVG", "spectrum.pdf"])
def test_plot(name: str) -> None:
    assert main(["karate", "--plot", name]) == 0
    assert os.listdir(".") == [name]
    assert Path(name).read_bytes()[:5] in (b"\x89PNG\r", b"<?xml", b"%PDF-")


def test_text_goes_to_a_pipe_too() -> None:
    done = run("karate", "--matrices", "none", "--json", "--gdv", "/dev/fd/1.csv")
    assert done.returncode == 2  # no such file: /dev/fd/1.csv
    assert done.stderr.count("\n") == 1


# -- what it refuses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["karat"], "karate"),
        (["missing.edgelist"], "missing.edgelist"),
        (["karate", "--matrices", "2_12_13"], "2_12_12"),
        (["karate", "--matrices", "hop4"], "hop"),
        (["karate", "--gdv", "gdv.xlsx"], "expected one of: .csv .tsv .txt .npy"),
        (["karate", "--edge-gdv", "no/such/e.csv"], "does not exist; make it first"),
        (["karate", "--plot", "plot.bmp"], "expected one of: .png .pdf .svg"),
        (["karate", "--plot", "p.png", "--matrices", "none"], "select some"),
        (["karate", "-o", "x", "--matrices", "none"], "select some"),
        (["karate", "--export", "hdf5"], "npz, mtx, parquet"),
        (["karate", "--export", "npz:no/such"], "does not exist"),
        (["karate", "-o", "no/such"], "does not exist"),
        (["karate", "--max-memory", "1K"], "the limit is 1K; raise --max-memory"),
    ],
)
def test_refusals_are_one_line_and_leave_nothing(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refused(capsys, *arguments)
    assert os.listdir(".") == []


@pytest.mark.parametrize(
    "arguments", [[], ["karate", "--threads", "0"], ["karate", "--max-memory", "lots"], ["karate", "--matrice", "hop1"]]
)
def test_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "graphx gradco: error: " in capsys.readouterr().err


def test_a_binary_file_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("noise.edgelist").write_bytes(bytes(range(256)) * 4)
    assert "noise.edgelist" in refused(capsys, "noise.edgelist")


def test_a_needed_size_named_by_the_refusal_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "les-miserables", "--max-memory", "1", "--gdv", "a.csv", "--edge-gdv", "b.csv")
    needed = re.search(r"needs about ([\d.]+[KMGT]?) beside", line)
    assert needed
    more = f"{float(needed[1][:-1]) + 100}{needed[1][-1]}"  # the first refusal may not know all yet
    assert main(["les-miserables", "--max-memory", more, "--gdv", "a.csv", "--edge-gdv", "b.csv"]) == 0


# -- how it ends -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("large") / "large.edgelist"
    write_edgelist(synthetic.barabasi_albert(60_000, 10, seed=1), path)
    return str(path)


@pytest.mark.parametrize("arguments", [[], ["-o", "store"], ["--export", "npz:tables"]])
def test_ctrl_c_ends_it_at_once_and_leaves_nothing(arguments: list[str], large: str) -> None:
    code = (
        "import sys, graphx.data, graphx.gradco, scipy.sparse; from graphx.cli.gradco import main\n"
        "print('ready', file=sys.stderr, flush=True)\n"
        f"sys.exit(main([{large!r}, *{arguments!r}]))"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stderr is not None
    assert child.stderr.readline() == b"ready\n"
    time.sleep(1.5)
    assert child.poll() is None, "the graph is too small for this test"
    child.send_signal(signal.SIGINT)
    start = time.monotonic()
    out, err = child.communicate(timeout=30)
    assert time.monotonic() - start < 10  # promised: one second, on a machine that is not busy
    assert child.returncode == 130
    assert out == b""
    assert err.decode().splitlines()[-1] == "graphx gradco: interrupted"
    assert os.listdir(".") == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of Linux")
@pytest.mark.parametrize(
    "arguments", [["--gdv", "a.csv"], ["--gdv", "a.npy"], ["-o", "store"], ["--export", "mtx:d"], ["--plot", "p.png"]]
)
def test_a_full_disk_is_one_line_and_leaves_nothing(arguments: list[str]) -> None:
    code = (
        "import resource, signal, sys; from graphx.cli.gradco import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "import matplotlib.font_manager\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))\n"
        f"code = main(['karate', *{arguments!r}])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"  # coverage is written at the exit
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "File too large" in done.stderr
    assert os.listdir(".") == []


def test_the_reader_may_leave_early() -> None:
    code = f"{shlex.quote(sys.executable)} -m graphx.gradco karate | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 141)
    assert done.stderr == ""


def test_progress_goes_to_a_terminal_only(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    assert main(["karate", "--gdv", "a.npy", "--export", "npz"]) == 0
    assert capsys.readouterr().out.startswith("karate: ")


# -- what it teaches ---------------------------------------------------------------------------------------------------


def test_the_examples_of_the_help_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    examples = re.findall(r"python -m graphx\.gradco (.*?)(?: \||$)", text.partition("examples:")[2], re.MULTILINE)
    assert len(examples) >= 5
    for example in examples:
        build_parser().parse_args(shlex.split(example))


def test_console_script_is_the_same_command(capsys: pytest.CaptureFixture[str]) -> None:
    from graphx.cli import main as graphx_main

    assert graphx_main(["gradco", "karate", "--matrices", "hop3"]) == 0
    first = capsys.readouterr().out
    assert main(["karate", "--matrices", "hop3"]) == 0
    assert capsys.readouterr().out == first
    assert graphx_main(["--help"]) == 0
    assert "gradco" in capsys.readouterr().out
    assert graphx_main([]) == 2
    assert graphx_main(["--version"]) == 0
    assert graphx.__version__ in capsys.readouterr().out
    assert graphx_main(["gradoc"]) == 2
    assert "no command 'gradoc'" in capsys.readouterr().err


def test_a_header_over_weights_is_no_edge_when_weights_are_ignored(tmp_path, capsys) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("gene_a,gene_b,score\nTP53,MDM2,0.9\nMDM2,MDM4,0.8\n")
    assert main([str(path), "--ignore-weights", "--matrices", "none", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["graph"]["num_edges"] == 2


def test_weights_that_conflict_are_no_matter_when_ignored(tmp_path, capsys) -> None:
    path = tmp_path / "both.csv"
    path.write_text("A,B,0.5\nB,A,0.7\nB,C,0.1\n")
    assert main([str(path), "--ignore-weights", "--matrices", "none", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["graph"]["num_edges"] == 2


def test_text_ids_are_told_where_they_begin(tmp_path, capsys) -> None:
    path = tmp_path / "names.txt"
    path.write_text("# proteins\nTP53 MDM2\nA B\n")
    assert main([str(path), "--matrices", "none"]) == 0
    assert f"first at {path}:2:1" in capsys.readouterr().err
