"""Where bytes come from: endings against contents, pipes and folders, gzip by its first bytes, files that replace."""

from __future__ import annotations

import gzip
import io
import os
import threading
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from graphx.data._sources import Source, form_of, form_of_path, open_source, replacing
from graphx.errors import FormatError, InputError


def source(suffix: str, head: bytes) -> Source:
    return Source("g", suffix, io.BytesIO(head), head, zipped=False)


@pytest.mark.parametrize(
    ("suffix", "head", "form"),
    [
        ("", b"0 1\n", "text"),
        (".txt", b"", "text"),
        (".unknown", b"0 1\n", "text"),
        (".mtx", b"%%MatrixMarket matrix", "mtx"),
        (".txt", b"  \n%%matrixmarket matrix", "mtx"),
        (".txt", b"PK\x03\x04...", "npz"),
        (".npz", b"PK\x03\x04...", "npz"),
        ("", b"MATLAB 5.0 MAT-file", "mat"),
        (".mat", b"MATLAB 7.3 MAT-file", "mat"),
        (".txt", b"\n<?xml version='1.0'?>", "graphml"),
        (".txt", b"<!-- by hand --><graphml>", "graphml"),
        (".graphml", b"0 1\n", "graphml"),
        (".npz", b"0 1\n", "npz"),  # told by the reader, in its words
    ],
)
def test_contents_say_more_than_endings(suffix: str, head: bytes, form: str) -> None:
    assert form_of(source(suffix, head)) == form


def test_an_ending_of_matrix_market_needs_its_first_line() -> None:
    with pytest.raises(FormatError, match=r"g:1:1: no %%MatrixMarket line; .*: rename it to \.txt"):
        form_of(source(".mtx", b"0 1\n"))


@pytest.mark.parametrize(
    ("name", "form", "suffix"),
    [
        ("a.txt", "text", ".txt"), ("a.TSV", "text", ".tsv"), ("a.csv.gz", "text", ".csv"), ("a.b.mtx", "mtx", ".mtx"),
        ("a.mtx.GZ", "mtx", ".mtx"), (".hidden.npz", "npz", ".npz"), ("a b.graphml", "graphml", ".graphml"),
        ("a.dat", "text", ".dat"),
    ],
)  # fmt: skip
def test_the_ending_tells_the_form_to_write(name: str, form: str, suffix: str) -> None:
    assert form_of_path(Path(name)) == (form, suffix)


@pytest.mark.parametrize("name", ["a", "a.doc", "a.gz", ".txt.d", "a.gz.gz", "txt"])
def test_endings_that_tell_no_form(name: str) -> None:
    with pytest.raises(InputError, match=r"tells no form; expected one of \.edgelist"):
        form_of_path(Path(name))


# -- reading -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["g.txt", "g.txt.gz", "g", "g.csv.GZ"])
@pytest.mark.parametrize("packed", [False, True])
def test_gzip_is_told_by_its_first_bytes(name: str, packed: bool, tmp_path: Path) -> None:
    path, text = tmp_path / name, b"0 1\n" * 30_000
    path.write_bytes(gzip.compress(text) if packed else text)
    with ExitStack() as stack:
        opened = open_source(path, stack)
        assert opened.zipped == packed and opened.name == str(path)
        assert opened.suffix == {"g": "", "g.csv.GZ": ".csv"}.get(name, ".txt")
        assert opened.head == text[: 1 << 16] and opened.stream.read() == text
        parser = opened.for_parser()
        assert parser is opened.stream if packed else parser[1:] == (0, len(text))
        stream = opened.stream
    assert stream.closed


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
@pytest.mark.parametrize("packed", [False, True])
def test_a_pipe_is_read_to_its_end(packed: bool, tmp_path: Path) -> None:
    pipe, text = tmp_path / "p", b"1 2\n" * 50_000
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(gzip.compress(text) if packed else text))
    writer.start()
    with ExitStack() as stack:
        opened = open_source(pipe, stack)
        writer.join()
        assert opened.zipped == packed and opened.stream.read() == text


def test_standard_input_can_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"0 1\n")))
    with ExitStack() as stack:
        opened = open_source("-", stack)
        assert (opened.name, opened.suffix, opened.head) == ("<stdin>", "", b"0 1\n")
        assert opened.stream.read() == b"0 1\n" and opened.for_parser()[1:] == (0, 4)


def test_a_file_called_minus_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-").write_text("7 8\n")
    with ExitStack() as stack:
        assert open_source(Path("-"), stack).head == b"7 8\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.txt", "no such file; expected a path, '-' for standard input, or a known name"),
        ("folder", "is a folder; expected a file"),
        ("x" * 5000, r"cannot be opened \(File name too long\)"),
        ("a\0b", "cannot be opened .*null"),
        ("file/x", r"cannot be opened \(Not a directory\)"),
    ],
)
def test_what_cannot_be_opened(name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("file").touch()
    with ExitStack() as stack, pytest.raises(InputError, match=message):
        open_source(name, stack)


def test_gzip_that_is_damaged_in_its_head(tmp_path: Path) -> None:
    for content in (b"\x1f\x8b", b"\x1f\x8bgarbage", gzip.compress(b"0 1\n" * 99)[:-12]):
        (tmp_path / "g.gz").write_bytes(content)
        with ExitStack() as stack, pytest.raises(FormatError, match="the gzip data are damaged or end early"):
            open_source(tmp_path / "g.gz", stack)


# -- writing -----------------------------------------------------------------------------------------------------------


def test_a_file_is_replaced_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "g.txt.gz"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), replacing(path) as (stream, zipped):
        stream.write(b"half")
        assert zipped and 1 / 0
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["g.txt.gz"]
    with replacing(path) as (stream, _):
        stream.write(b"new")
    assert path.read_bytes() == b"new" and os.listdir(tmp_path) == ["g.txt.gz"]
    with replacing(tmp_path / "g.txt") as (_, zipped):
        assert not zipped


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place, reason in (("none/g.txt", "No such file or directory"), ("file/g.txt", "Not a directory")):
        with pytest.raises(InputError, match=rf"cannot be written \({reason}\); check"), replacing(tmp_path / place):
            pass

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with (
        pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"),
        replacing(tmp_path / "g.txt"),
    ):
        full()
    assert os.listdir(tmp_path) == ["file"]
