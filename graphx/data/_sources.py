"""Where the bytes of a graph file come from and go to: plain files, gzip, standard input; which form they have."""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal

from graphx._files import atomic_file
from graphx.errors import FormatError, InputError

__all__ = ["Form", "Source", "form_of", "form_of_path", "open_source", "replacing"]

Form = Literal["text", "mtx", "npz", "mat", "graphml"]
_FORMS: Final[dict[str, Form]] = {
    **dict.fromkeys((".edgelist", ".edges", ".el", ".txt", ".tsv", ".csv", ".ungraph", ".in", ".dat"), "text"),
    ".mtx": "mtx",
    ".npz": "npz",
    ".mat": "mat",
    ".graphml": "graphml",
}
_HEAD: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Source:
    """An open graph file.

    Attributes:
        name: What messages call it.
        suffix: Its ending in lower case, without ``.gz``; empty for standard input.
        stream: The bytes, decompressed, from the beginning.
        head: The first 64 KiB of them.
        zipped: Whether `stream` decompresses.
    """

    name: str
    suffix: str
    stream: IO[bytes] | gzip.GzipFile
    head: bytes
    zipped: bool

    def for_parser(self) -> Any:
        """What the C++ parser reads: (descriptor, begin, end) of a plain file, or the stream."""
        if self.zipped:
            return self.stream
        descriptor = self.stream.fileno()
        return descriptor, 0, os.fstat(descriptor).st_size


def open_source(path: str | os.PathLike[str], stack: ExitStack) -> Source:
    """Open a file or ``'-'``; closed with `stack`.

    Raises:
        InputError: There is no such file, it is a folder or a device, or it cannot be opened.
    """
    if isinstance(path, str) and path == "-":
        name, suffix = "<stdin>", ""
        raw: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())
        shutil.copyfileobj(sys.stdin.buffer, raw, 1 << 20)
        raw.seek(0)
    else:
        name = os.fspath(path)
        suffix = _suffix(Path(name))
        try:
            if stat.S_ISFIFO(Path(name).stat().st_mode):  # a pipe such as <(zcat graph.gz)
                raw = stack.enter_context(tempfile.TemporaryFile())
                with Path(name).open("rb") as pipe:
                    shutil.copyfileobj(pipe, raw, 1 << 20)
                raw.seek(0)
            else:
                raw = stack.enter_context(Path(name).open("rb"))
        except FileNotFoundError as error:
            raise InputError(
                f"{name}: no such file; expected a path, '-' for standard input, or a known name"
            ) from error
        except IsADirectoryError as error:
            raise InputError(f"{name}: is a folder; expected a file") from error
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise InputError(f"{name}: cannot be opened ({reason}); check the path and its permissions") from error
    zipped = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    stream: IO[bytes] | gzip.GzipFile = stack.enter_context(gzip.GzipFile(fileobj=raw, mode="rb")) if zipped else raw
    try:
        head = stream.read(_HEAD)
    except (EOFError, OSError, zlib.error) as error:
        raise FormatError(f"{name}: the gzip data are damaged or end early ({error}); fetch the file again") from error
    stream.seek(0)
    return Source(name, suffix, stream, head, zipped)


def form_of(source: Source) -> Form:
    """The form of an open file: what its first bytes say for certain, else its ending, else text.

    Raises:
        FormatError: Ending and contents contradict each other.
    """
    by_name = _FORMS.get(source.suffix, "text")
    if source.head.lstrip()[:14].lower() == b"%%matrixmarket":
        return "mtx"
    if by_name == "mtx":
        raise FormatError(
            f"{source.name}:1:1: no %%MatrixMarket line; expected one in a .mtx file: rename it to "
            ".txt to read an edge list"
        )
    if source.head[:4] == b"PK\x03\x04":
        return "npz"
    if source.head[:10] == b"MATLAB 5.0" or source.head[:10] == b"MATLAB 7.3":
        return "mat"
    if source.head.lstrip()[:5] == b"<?xml" or b"<graphml" in source.head[:1000]:
        return "graphml"
    return by_name


def form_of_path(path: Path) -> tuple[Form, str]:
    """The form to write, told by the ending; also the ending without ``.gz``.

    Raises:
        InputError: The ending is none that is known.
    """
    suffix = _suffix(path)
    if suffix not in _FORMS:
        raise InputError(
            f"{path}: the ending {suffix!r} tells no form; expected one of {' '.join(_FORMS)} (text also .gz)"
        )
    return _FORMS[suffix], suffix


def _suffix(path: Path) -> str:
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


@contextmanager
def replacing(path: Path) -> Iterator[tuple[IO[bytes], bool]]:
    """A stream whose bytes become the file `path` when the block ends well; nothing is left when it does not.

    Yields:
        The stream, and whether the name asks for gzip.

    Raises:
        InputError: The folder does not exist or cannot be written to.
    """
    try:
        with atomic_file(path) as partial, open(partial, "wb") as stream:
            yield stream, path.suffix.lower() == ".gz"
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); check the folder and its permissions"
        ) from error
