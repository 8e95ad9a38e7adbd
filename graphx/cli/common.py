"""What every command shares: errors as one line, progress, tables, sizes, and files that appear whole or not at all."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from graphx.errors import GraphXError, InputError

__all__ = [
    "Progress",
    "check_parent",
    "check_writable",
    "execute",
    "format_size",
    "format_table",
    "parse_size",
    "positive_int",
    "size_argument",
    "tell",
]

EXIT_OK = 0
EXIT_ERROR = 2  # as argparse's
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def execute(prog: str, run: Callable[[], None]) -> int:
    """Run a command; say what went wrong in one line on stderr and turn it into an exit code.

    Args:
        prog: What stands before the message, such as ``graphx gradco``.
        run: The command, its arguments bound.

    Returns:
        0 when done; 2 after an error that the message explains; 130 after Ctrl-C; 141 when the reader of stdout went
        away. A defect of graphx itself is not caught: its traceback belongs in a bug report.

    Example:
        >>> execute("graphx demo", lambda: print("done"))
        done
        0
    """
    try:
        run()
        if sys.stdout is not None:  # a shell's >&- closes it
            sys.stdout.flush()
    except KeyboardInterrupt:
        return _fail(prog, "interrupted", EXIT_INTERRUPTED)
    except RuntimeError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # Ctrl-C inside an import: Python 3.11 wraps it
            return _fail(prog, "interrupted", EXIT_INTERRUPTED)
        raise
    except BrokenPipeError:
        # The interpreter flushes stdout at exit and would complain once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except GraphXError as error:
        return _fail(prog, f"error: {_one_line(error)}")
    except MemoryError as error:
        detail = _one_line(error)
        return _fail(prog, f"error: out of memory{f' ({detail})' if detail else ''}; {_MEMORY_CURE}")
    except OSError as error:
        return _fail(prog, f"error: {_os_error(error)}")
    return EXIT_OK


_MEMORY_CURE = "select fewer matrices, or bound the working memory with --max-memory"


def _fail(prog: str, message: str, code: int = EXIT_ERROR) -> int:
    with contextlib.suppress(OSError):  # stderr itself may be closed
        tell(f"{prog}: {message}")
    return code


def tell(line: str) -> None:
    """Print a line on stderr, and nothing where there is none (``print`` would take stdout then).

    Args:
        line: The line.

    Example:
        >>> tell("graphx demo: 1 duplicate merged")
    """
    if sys.stderr is not None:
        print(line, file=sys.stderr)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _os_error(error: OSError) -> str:
    if error.strerror is None:
        return _one_line(error)
    places = [str(name) for name in (error.filename, error.filename2) if name is not None]
    return ": ".join([*places, error.strerror])


class Progress:
    """A bar on stderr, drawn only when stderr is a terminal; hand :attr:`report` to what counts.

    Args:
        enabled: None draws on a terminal only; True and False decide.

    Example:
        >>> with Progress(enabled=False) as progress:
        ...     progress.report is None
        True
    """

    def __init__(self, *, enabled: bool | None = None) -> None:
        self._enabled = (sys.stderr is not None and sys.stderr.isatty()) if enabled is None else enabled
        self._bar: Any = None
        self._stage = ""

    @property
    def report(self) -> Callable[[str, int, int], None] | None:
        """``report(stage, done, total)``, or None when no bar is drawn, which spares the counter the calls."""
        return self._report if self._enabled else None

    def _report(self, stage: str, done: int, total: int) -> None:
        if self._bar is None or self._stage != stage:
            from tqdm import tqdm

            self.close()
            self._stage = stage
            self._bar = tqdm(desc=stage, total=total or None, file=sys.stderr, leave=False, unit_scale=True, delay=0.2)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_writable(path: Path, suffixes: Sequence[str] = ()) -> None:
    """Refuse, before any work, a destination that cannot be written in the end.

    Args:
        path: The file to be.
        suffixes: The suffixes that name a form; empty for any.

    Raises:
        InputError: The suffix is none of them, the folder does not exist, or the path is a folder.

    Example:
        >>> check_writable(Path("counts.doc"), [".csv", ".npy"])
        Traceback (most recent call last):
            ...
        graphx.errors.InputError: counts.doc: the suffix names the form; expected one of: .csv .npy
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(f"{path}: the suffix names the form; expected one of: {' '.join(suffixes)}")
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected the name of a file")
    check_parent(path)


def check_parent(path: Path) -> None:
    """Refuse a destination whose folder is missing.

    Args:
        path: The file or folder to be.

    Raises:
        InputError: The folder that it is to stand in does not exist.

    Example:
        >>> check_parent(Path("counts.csv"))
    """
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; make it first")


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """A table for a terminal: the first ``left`` columns to the left, numbers to the right.

    Args:
        header: One title a column.
        rows: The cells.
        left: How many leading columns are text.

    Returns:
        The lines, joined, without a trailing newline.

    Example:
        >>> print(format_table(["key", "sum"], [["1_0_0", "12"], ["2_1_1", "3"]], left=1))
        key    sum
        -----  ---
        1_0_0   12
        2_1_1    3
    """
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *map(line, rows)])


def parse_size(text: str) -> int:
    """Bytes from a size such as ``512M``, ``2G`` or ``1.5GiB`` (powers of 1024).

    Args:
        text: A number with an optional unit K, M, G or T.

    Returns:
        The number of bytes, at least 1.

    Raises:
        InputError: The text is not a size.

    Example:
        >>> parse_size("2G"), parse_size("1.5 KiB"), parse_size("4096")
        (2147483648, 1536, 4096)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?\s*", text.upper())
    size = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 1 <= size < 2**63:
        raise InputError(f"{text!r} is not a size; expected a number with K, M, G or T, such as 512M or 2G")
    return int(size)


def format_size(size: int) -> str:
    """A number of bytes for a person, in a form that :func:`parse_size` reads.

    Args:
        size: Bytes.

    Returns:
        Rounded up to a tenth of the unit.

    Example:
        >>> format_size(3 * 2**29), format_size(700)
        ('1.5G', '700')
    """
    for unit in ("T", "G", "M", "K"):
        if size >= _UNITS[unit]:
            tenths = -(-size * 10 // _UNITS[unit])
            return f"{tenths // 10}{f'.{tenths % 10}' if tenths % 10 else ''}{unit}"
    return str(size)


def size_argument(text: str) -> int:
    """:func:`parse_size` for argparse, which words the error itself.

    Args:
        text: What was typed.

    Returns:
        The number of bytes.

    Raises:
        argparse.ArgumentTypeError: It is no size.

    Example:
        >>> size_argument("1K")
        1024
    """
    try:
        return parse_size(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive_int(text: str) -> int:
    """A whole number of at least 1, for argparse.

    Args:
        text: What was typed.

    Returns:
        The number.

    Raises:
        argparse.ArgumentTypeError: It is something else.

    Example:
        >>> positive_int("4")
        4
    """
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)
