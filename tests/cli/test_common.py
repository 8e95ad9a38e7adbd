"""What the commands share: errors in one line, exit codes, files that appear whole, tables and sizes."""

from __future__ import annotations

import argparse
import errno
import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphx.cli.common import (
    Progress,
    check_writable,
    execute,
    format_size,
    format_table,
    parse_size,
    positive_int,
    size_argument,
)
from graphx.errors import GraphXError, InputError


def fail_with(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (GraphXError("what came\n  what was expected"), 2, "error: what came what was expected"),
        (InputError("no"), 2, "error: no"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a.txt"), 2, "error: a.txt: No such file or "),
        (OSError(errno.ENOSPC, "No space left on device", "out.csv"), 2, "error: out.csv: No space left on device"),
        (OSError("odd"), 2, "error: odd"),
        (MemoryError(), 2, "error: out of memory; "),
        (MemoryError("Unable to allocate 9 GiB"), 2, "error: out of memory (Unable to allocate 9 GiB); "),
    ],
)
def test_errors_are_one_line_and_an_exit_code(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute("graphx demo", lambda: fail_with(error)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"graphx demo: {line}")
    assert err.count("\n") == 1


def test_a_defect_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        execute("graphx demo", lambda: fail_with(ZeroDivisionError()))


def test_a_reader_that_goes_away_is_no_error() -> None:
    code = (
        "import sys; from graphx.cli.common import execute\n"
        "def run():\n    for i in range(100000): print(i)\n"
        "sys.exit(execute('graphx demo', run))"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.stderr.read() == b""
    child.stderr.close()
    assert child.wait(timeout=60) == 141


def test_destinations_are_refused_before_the_work(tmp_path: Path) -> None:
    check_writable(tmp_path / "a.CSV", [".csv"])
    with pytest.raises(InputError, match=r"a\.doc: the suffix names the form; expected one of: \.csv \.npy"):
        check_writable(Path("a.doc"), [".csv", ".npy"])
    with pytest.raises(InputError, match="is a folder"):
        check_writable(tmp_path)
    with pytest.raises(InputError, match="does not exist; make it first"):
        check_writable(tmp_path / "none" / "a.csv")


def test_table() -> None:
    table = format_table(["key", "name", "sum"], [["a", "x y", "1"], ["bbbb", "z", "1,000"]], left=2)
    assert table == (
        "key   name    sum\n"
        "----  ----  -----\n"
        "a     x y       1\n"
        "bbbb  z     1,000"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("1k", 1024), ("2G", 2**31), ("1.5M", 3 * 2**19), ("3GiB", 3 * 2**30), ("4 mb", 2**22), ("1T", 2**40)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size
    assert size_argument(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1", "0", "0.0001K", "1X", "1e9", "1G2", "nan"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InputError, match="expected a number with K, M, G or T"):
        parse_size(text)
    with pytest.raises(argparse.ArgumentTypeError, match="not a size"):
        size_argument(text)


@given(st.integers(1, 2**50))
def test_a_printed_size_is_enough_and_near(size: int) -> None:
    assert size <= parse_size(format_size(size)) <= size * 1.11 + 1


@pytest.mark.parametrize("text", ["0", "-3", "1.5", "two", "", "²"])
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="not a number of at least 1"):
        positive_int(text)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Progress() as progress:
        assert progress.report is None
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with Progress() as progress:
        assert progress.report is not None
        progress.report("first", 1, 10)
        progress._bar.delay = 0
        drawn = progress._bar
        progress.report("first", 5, 10)
        assert progress._bar is drawn  # a new bar would wait anew before it shows
        progress._bar.refresh()
        assert progress._bar.n == 5
        progress.report("second", 2, 4)
        assert progress._bar.n == 2
        progress._bar.refresh()
    assert "first:  50%" in screen.getvalue()
    assert "second:  50%" in screen.getvalue()


def test_an_interrupt_inside_an_import_is_an_interrupt(capsys) -> None:
    def run() -> None:
        raise RuntimeError("Error calling __set_name__") from KeyboardInterrupt()

    assert execute("graphx demo", run) == 130
    assert capsys.readouterr().err == "graphx demo: interrupted\n"


def test_the_bar_shows_stages_and_goes_away(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(enabled=True) as progress:
        assert progress.report is not None
        progress.report("reading", 1, 4)
        first = progress._bar
        progress.report("reading", 3, 4)
        assert progress._bar is first and first.n == 3
        progress.report("counting", 1, 0)
        assert progress._bar is not first and progress._bar.total is None
    assert progress._bar is None
    capsys.readouterr()


def test_interrupted_inside_an_import(capsys: pytest.CaptureFixture[str]) -> None:
    error = RuntimeError("import")
    error.__cause__ = KeyboardInterrupt()
    assert execute("graphx demo", lambda: fail_with(error)) == 130
    assert capsys.readouterr().err == "graphx demo: interrupted\n"
    with pytest.raises(RuntimeError, match="else"):
        execute("graphx demo", lambda: fail_with(RuntimeError("else")))


def test_what_argparse_is_told() -> None:
    assert size_argument("2K") == 2048
    with pytest.raises(argparse.ArgumentTypeError, match="is not a size"):
        size_argument("much")
    for text in ("0", "-1", "1.5", "²"):
        with pytest.raises(argparse.ArgumentTypeError, match="at least 1"):
            positive_int(text)
