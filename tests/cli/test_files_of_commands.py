"""The files of commands: odd names, places that cannot be written, disks that fill up, options that meet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphx
from graphx.cli import main
from graphx.data import load_graph
from graphx.gradco import OrbitAdjacency

EDGES = [(0, 1), (1, 2), (2, 0), (2, 3)]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(graphx.__file__).parents[1]))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert out == "" and ": error: " in line
    return line.partition(": error: ")[2]


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stem",
    ["a b", "-dash", "[1]*?", "ünïcødé", "quote'\"", "back\\slash", "new\nline", "x" * 240, "é" * 100, "a.b.c", "%s"],
)
def test_odd_names_of_files(stem: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Read, written and written over again; an absolute path keeps a leading dash from being an option."""
    graph = os.path.abspath(f"{stem}.txt")
    Path(graph).write_text("".join(f"{u} {v}\n" for u, v in EDGES))
    embedding, degrees = os.path.abspath(f"{stem}.npy"), os.path.abspath(f"{stem}.csv")
    for _ in range(2):
        assert main(["fastrp", graph, "-o", embedding, "--dim", "2"]) == 0
        assert main(["gradco", graph, "--matrices", "none", "--gdv", degrees]) == 0
    assert np.load(embedding).shape == (4, 2)
    assert Path(degrees).read_text().splitlines()[1].startswith("0,2,1,0,1,")
    assert main(["data", "convert", graph, os.path.abspath(f"{stem}.graph")]) == 0
    assert load_graph(os.path.abspath(f"{stem}.graph")) == load_graph(graph)
    assert sorted(os.listdir()) == sorted(f"{stem}{ending}" for ending in (".txt", ".npy", ".csv", ".graph"))
    assert capsys.readouterr().err == ""


def test_what_a_killed_command_left_is_cleared_whatever_the_name() -> None:
    for name in ("[1].npy", "*.npy", "x" * 200 + ".npy"):
        left = Path(f".{name[:40]}.partial-999999999-abc.npy")
        left.write_text("half")
        assert main(["fastrp", "karate", "-o", name, "--dim", "1"]) == 0
        assert not left.exists()
    assert len(os.listdir()) == 3


def test_a_star_in_a_name_clears_nothing_of_others() -> None:
    other = Path(".other.npy.partial-999999999-abc.npy")
    other.write_text("half")
    assert main(["fastrp", "karate", "-o", "*.npy", "--dim", "1"]) == 0
    assert other.exists()


# -- places ------------------------------------------------------------------------------------------------------------

WRITERS = {
    "fastrp": ["fastrp", "karate", "--dim", "2", "-o", "{}.npy"],
    "gdv": ["gradco", "karate", "--matrices", "none", "--gdv", "{}.csv"],
    "edge-gdv": ["gradco", "karate", "--matrices", "none", "--edge-gdv", "{}.npy"],
    "store": ["gradco", "karate", "--matrices", "1_0_0", "-o", "{}"],
    "export": ["gradco", "karate", "--matrices", "1_0_0", "--export", "npz:{}"],
    "convert": ["data", "convert", "karate", "{}.csv"],
    "saved": ["data", "convert", "karate", "{}.graph"],
    "split": ["data", "split", "karate", "-o", "{}.npz"],
}


@pytest.mark.parametrize("name", WRITERS)
def test_places_that_cannot_be_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("a file")
    for place in ("none/x", "file/x"):
        line = refused(capsys, *(word.format(place) for word in WRITERS[name]))
        assert "does not exist; make it first" in line and place.split("/")[0] in line
    assert os.listdir() == ["file"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that even root cannot write to")
@pytest.mark.parametrize("name", WRITERS)
def test_a_read_only_folder_is_one_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word.format("/proc/x") for word in WRITERS[name]]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "/proc/" in err and ": error: " in err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of Linux")
@pytest.mark.parametrize("form", ["npy", "w2v", "parquet"])
def test_a_disk_that_fills_up_leaves_the_old_embedding(form: str) -> None:
    Path(f"e.{form}").write_text("old")
    code = (
        "import resource, signal, sys; from graphx.cli.fastrp import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))\n"
        f"code = main(['karate', '-o', 'e.{form}', '--dim', '64'])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "File too large" in done.stderr
    assert os.listdir() == [f"e.{form}"] and Path(f"e.{form}").read_text() == "old"


# -- options that meet -------------------------------------------------------------------------------------------------


def test_two_results_in_one_file_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for other in ("d.csv", "./d.csv", os.path.abspath("d.csv")):
        line = refused(capsys, "gradco", "karate", "--gdv", "d.csv", "--edge-gdv", other)
        assert line == "--gdv and --edge-gdv are the same file; give one of them another name"
    Path("link.csv").symlink_to("d.csv")
    assert "the same file" in refused(capsys, "gradco", "karate", "--gdv", "d.csv", "--edge-gdv", "link.csv")
    assert os.listdir() == ["link.csv"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--export", "npz:d", "--export", "mtx:d"],
        ["--export", "npz:d", "--export", "npz:./d"],
        ["-o", "d", "--export", "mtx:d"],
        ["--export", "npz", "--export", "npz"],
        ["--export", "npz", "--export", "mtx:karate-npz", "--overwrite"],
    ],
)
def test_two_results_in_one_folder_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "gradco", "karate", "--matrices", "1_0_0", *arguments)
    assert line == "-o and --export name the same folder twice; give each a folder of its own"
    assert os.listdir() == []


def test_everything_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([
        "gradco", "karate", "-o", "s", "--export", "npz:n", "--export", "mtx:m", "--gdv", "g.npy", "--edge-gdv",
        "e.tsv",
        "--matrices", "G2,2_12_12", "--threads", "2", "--max-memory", "1G", "--ignore-weights",
    ]) == 0  # fmt: skip
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "written: s, n, m, g.npy, e.tsv"
    orbits, stored = OrbitAdjacency(load_graph("karate")), OrbitAdjacency.open("s")
    assert list(stored) == [(1, 3, 3), (2, 12, 12)]
    from scipy.io import mmread
    from scipy.sparse import load_npz

    for name, key in (("1_3_3", (1, 3, 3)), ("2_12_12", (2, 12, 12))):
        expected = orbits[key].toarray()
        assert np.array_equal(load_npz(f"n/{name}.npz").toarray(), expected)
        assert np.array_equal(mmread(f"m/{name}.mtx").toarray(), expected)
        assert np.array_equal(stored[key].toarray(), expected)
    assert np.array_equal(np.load("g.npy"), orbits.graphlet_degrees())
    rows = [line.split("\t") for line in Path("e.tsv").read_text().splitlines()[1:]]
    assert np.array_equal(np.array(rows, int)[:, 2:], orbits.edge_graphlet_degrees())


@pytest.mark.parametrize("shares", [["--val", "0.3", "--test", "0.2"], ["--val", "0.25", "--test", "0.5"], []])
def test_shares_of_nodes_are_exact(shares: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """1 - 0.3 - 0.2 is not quite 0.5 in floats, and classes of 12 and of 4 would lose a training node each."""
    from fractions import Fraction

    given = dict(zip(("--val", "--test"), ("0.2", "0.2"), strict=True)) | dict(
        zip(shares[::2], shares[1::2], strict=True)
    )
    val, test = (Fraction(given[name]) for name in ("--val", "--test"))
    data = graphx.data.load("karate")
    members = np.bincount(data.y.numpy())
    train = sum(int((1 - val - test) * n) for n in members)
    valid = sum(int(val * n) for n in members)
    assert main(["data", "split", "karate", "--kind", "node", "-o", "s.npz", *shares]) == 0
    assert capsys.readouterr().out == f"s.npz: {train} train, {valid} val, {34 - train - valid} test\n"


@pytest.mark.parametrize("shares", [["--val", "0.6", "--test", "0.6"], ["--val", "0.5", "--test", "0.5"]])
def test_shares_that_leave_nothing_to_train_on(shares: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "data", "split", "karate", "--kind", "node", "-o", "s.npz", *shares)
    total = float(shares[1]) + float(shares[3])
    assert line == f"--val and --test are {total:g} together; expected less than 1: lower them"


def test_ids_beyond_63_bits_come_out_as_they_went_in(capsys: pytest.CaptureFixture[str]) -> None:
    far = 2**64 - 1
    Path("far.txt").write_text(f"1 {far}\n1 2\n{2**63} 2\n")
    assert main(["fastrp", "far.txt", "-o", "e.w2v", "--dim", "1"]) == 0
    assert {line.split()[0] for line in Path("e.w2v").read_text().splitlines()[1:]} == {"1", "2", str(far), str(2**63)}
    assert main(["gradco", "far.txt", "--matrices", "none", "--gdv", "d.csv"]) == 0
    assert Path("d.csv").read_text().splitlines()[-1].startswith(f"{far},1,")
    for form in ("npz", "mat", "csv", "graph", "graphml"):
        assert main(["data", "convert", "far.txt", f"far.{form}"]) == 0
        found = load_graph(f"far.{form}")
        assert sorted(map(str, found.names)) == sorted(["1", "2", str(far), str(2**63)]), form  # type: ignore[arg-type]
    capsys.readouterr()
