"""The commands read a graph by the same options, and a refusal names the option that cures it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pytest

import graphx.cli
from graphx.cli.common import Progress
from graphx.cli.reading import add_reading_options, in_words_of_the_command, read_array, read_graph
from graphx.data import load_graph
from graphx.errors import FormatError

TWO_WEIGHTS = "a b 1\nb a 2\nb c 1\n"
MATRIX = "%%MatrixMarket matrix coordinate real {}\n3 3 2\n2 1 {}\n{} {} {}\n"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("two.txt").write_text(TWO_WEIGHTS)
    Path("zero.mtx").write_text(MATRIX.format("symmetric", 1, 3, 2, 0))
    Path("oneway.mtx").write_text(MATRIX.format("general", 1, 1, 2, 3))
    Path("same.mtx").write_text(MATRIX.format("symmetric", 5, 3, 2, 7))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert graphx.cli.main(list(arguments)) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("command", [["fastrp", "-o", "x.npy"], ["data", "info"], ["gradco"]], ids=" ".join)
@pytest.mark.parametrize("file", ["two.txt", "zero.mtx", "oneway.mtx"])
def test_no_refusal_names_an_argument_of_python(
    capsys: pytest.CaptureFixture[str], command: list[str], file: str
) -> None:
    message = refused(capsys, *command, file)
    assert message.count("\n") == 1
    assert "='" not in message and "=True" not in message and "pass --" in message


def test_each_cure_cures(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--duplicates sum" in refused(capsys, "data", "info", "two.txt")
    for file in ("two.txt", "oneway.mtx"):
        assert graphx.cli.main(["data", "convert", file, f"{file}.csv", "--duplicates", "sum"]) == 0
        assert load_graph(f"{file}.csv").weights.max() in (3, 4)
        assert graphx.cli.main(["fastrp", file, "--dim", "4", "--directed", "-o", f"{file}.npy"]) == 0
    assert "--explicit-zeros drop" in refused(capsys, "gradco", "zero.mtx")
    assert graphx.cli.main(["data", "info", "zero.mtx", "--explicit-zeros", "drop"]) == 0
    assert "edges              1\n" in capsys.readouterr().out
    assert "--ignore-weights" in refused(capsys, "gradco", "two.txt")
    assert graphx.cli.main(["gradco", "two.txt", "--ignore-weights", "--matrices", "hop1"]) == 0
    assert "3 nodes, 2 edges" in capsys.readouterr().out


def test_sum_adds_directions_but_not_the_halves_of_a_symmetric_matrix() -> None:
    assert load_graph("oneway.mtx", duplicates="sum").weights.tolist() == [4.0, 4.0]
    assert sorted(load_graph("same.mtx", duplicates="sum").weights.tolist()) == [5.0, 5.0, 7.0, 7.0]


def test_directions_are_kept_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert graphx.cli.main(["fastrp", "two.txt", "--directed", "--dim", "4", "-o", "x.npy"]) == 0
    assert "3 nodes, 3 directed edges" in capsys.readouterr().out
    assert np.load("x.npy").shape == (3, 4)


def test_progress_is_reported_for_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int, int]] = []

    class Told(Progress):
        @property
        def report(self):
            return lambda *state: seen.append(state)

    def load(name, root, **options):
        options["progress"](7)
        assert (root, options["num_threads"]) == (None, 1)
        return load_graph("karate")

    parser = argparse.ArgumentParser()
    parser.add_argument("graph")
    add_reading_options(parser.add_argument)
    monkeypatch.setattr(sys.modules["graphx.data.load"], "load_graph", load)  # graphx.data.load is a function
    for source in ("two.txt", "-"):
        assert read_graph("demo", parser.parse_args([source, "--threads", "1"]), Told()).num_nodes == 34
    assert seen == [("reading", 7, len(TWO_WEIGHTS)), ("reading", 7, 0)]


def test_names_of_nodes_are_told_of_a_file_and_not_of_a_known_set(capsys: pytest.CaptureFixture[str]) -> None:
    Path("names.txt").write_text("a b\nb c\n")
    with Progress(enabled=False) as progress:
        assert read_graph("demo", argparse.Namespace(graph="les-miserables"), progress).names is not None
        assert capsys.readouterr().err == ""
        read_graph("demo", argparse.Namespace(graph="names.txt"), progress)
    assert "ids read as text" in capsys.readouterr().err


def test_the_class_of_an_error_is_kept() -> None:
    Path("bad.txt").write_text("1 2\n3\n")
    with Progress(enabled=False) as progress, pytest.raises(FormatError, match=r"bad\.txt:2"):
        read_graph("demo", argparse.Namespace(graph="bad.txt"), progress)
    assert in_words_of_the_command("set GRAPHX_DATA, or pass root=") == "set GRAPHX_DATA, or pass --root"


def test_arrays_of_files(tmp_path: Path) -> None:
    for array in (np.arange(6).reshape(2, 3), np.array(["a", "b"]), np.zeros((0, 4), bool), np.array(3.5)):
        np.save(tmp_path / "x.npy", array)
        found = read_array(tmp_path / "x.npy")
        assert np.array_equal(found, array) and found.dtype == array.dtype
    for content, message in ((b"", "No data left"), (b"0 1", "pickle"), (b"PK\x03\x04half", "not a zip file")):
        (tmp_path / "x.npy").write_bytes(content)
        with pytest.raises(FormatError, match=rf"x\.npy is no \.npy of numbers: .*{message}"):
            read_array(tmp_path / "x.npy")
    with (tmp_path / "x.npy").open("wb") as file:
        np.savez(file, a=np.arange(3))
    with pytest.raises(FormatError, match=r"it holds several arrays, as an \.npz does"):
        read_array(str(tmp_path / "x.npy"))
    with pytest.raises(FileNotFoundError):
        read_array(tmp_path / "absent.npy")


def test_without_a_stderr_nothing_is_told_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``print(file=None)`` would write to stdout, into the results."""
    (tmp_path / "g.txt").write_text("5 5\n5 7\n")
    monkeypatch.setattr("sys.stderr", None)
    with Progress() as progress:
        graph = read_graph("graphx demo", argparse.Namespace(graph=str(tmp_path / "g.txt")), progress)
    assert graph.report.self_loops_dropped == 1 and capsys.readouterr().out == ""
