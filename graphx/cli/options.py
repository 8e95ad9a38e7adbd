"""What several commands have in common on the command line: parsers of one form, options and types of arguments."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["add_graph", "add_shared", "add_table", "make_parser", "share", "whole_number"]

_SHARED: dict[str, dict[str, Any]] = {
    "--root": {"metavar": "DIR", "help": "where raw files of data sets lie, or where to download them to"},
    "--json": {"action": "store_true", "help": "print JSON on stdout instead of text"},
    "--checkpoint": {"metavar": "DIR", "type": Path, "help": "go on from here after a training that was stopped"},
}


def make_parser(
    name: str, arguments: str, description: str, epilog: str, *, module: str | None = None
) -> argparse.ArgumentParser:
    r"""The parser of one command, in the form that all of them have.

    Args:
        name: The command, such as ``gradco``.
        arguments: What follows it in the line of usage.
        description: What it does, in lines of its own.
        epilog: Examples and exit codes.
        module: What ``python -m`` is given; None for ``graphx.NAME``.

    Returns:
        A parser without options, which takes no abbreviations.

    Example:
        >>> make_parser("demo", "GRAPH", "Show.", "").format_usage()
        'usage: python -m graphx.demo GRAPH\n'
    """
    return argparse.ArgumentParser(
        prog=f"graphx {name}",
        usage=f"python -m {module or f'graphx.{name}'} {arguments}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_graph(add: Callable[..., Any]) -> None:
    """Give a parser the argument ``GRAPH``.

    Args:
        add: ``parser.add_argument``.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_graph(parser.add_argument)
        >>> parser.parse_args(["karate"]).graph
        'karate'
    """
    add(
        "graph",
        metavar="GRAPH",
        help="a file (.edgelist .txt .tsv .csv .mtx .npz .mat .graphml; text also .gz), - for standard input, or the "
        "name of a data set",
    )


def add_shared(add: Callable[..., Any], *names: str) -> None:
    """Give a parser options that mean the same in every command that has them.

    Args:
        add: ``parser.add_argument``.
        names: ``--root``, ``--json``, ``--checkpoint``.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_shared(parser.add_argument, "--root", "--json")
        >>> parser.parse_args(["--root", "/data"])
        Namespace(root='/data', json=False)
    """
    for name in names:
        add(name, **_SHARED[name])


def add_table(add: Callable[..., Any], more: str = "") -> None:
    """Give a parser ``-o`` for a table.

    Args:
        add: ``parser.add_argument``.
        more: What else is to be said of it.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_table(parser.add_argument)
        >>> parser.parse_args(["-o", "links.csv"]).output.suffix
        '.csv'
    """
    add("-o", "--output", metavar="FILE", type=Path, help=f"write the table to a .csv or .tsv file{more}")


def whole_number(bits: int = 32) -> Callable[[str], int]:
    """A type for argparse: whole numbers from 0 on, such as seeds.

    Args:
        bits: How many bits they may have.

    Returns:
        A function from text to the number.

    Raises:
        argparse.ArgumentTypeError: By that function: the text is something else.

    Example:
        >>> whole_number()("7")
        7
        >>> whole_number()("-7")
        Traceback (most recent call last):
            ...
        argparse.ArgumentTypeError: '-7' is not a number from 0 to 2^32 - 1
    """

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and int(text) < 2**bits):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 2^{bits} - 1")
        return int(text)

    return read


def share(*, none: bool) -> Callable[[str], float]:
    """A type for argparse: shares below 1.

    Args:
        none: Whether 0 is one.

    Returns:
        A function from text to the number.

    Raises:
        argparse.ArgumentTypeError: By that function: the text is something else.

    Example:
        >>> share(none=True)("0.25")
        0.25
        >>> share(none=False)("0")
        Traceback (most recent call last):
            ...
        argparse.ArgumentTypeError: '0' is not a share above 0 and below 1
    """

    def read(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = -1.0
        if not (0 < found < 1 or (none and found == 0)):
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a share {'of at least' if none else 'above'} 0 and below 1"
            )
        return found

    return read
