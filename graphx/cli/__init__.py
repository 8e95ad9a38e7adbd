"""The commands: ``graphx <command>`` and ``python -m graphx.<command>``, one parser a file."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

__all__ = ["main"]

_COMMANDS = {
    "data": "list data sets, tell about one or about a graph file, convert, split",
    "doctor": "tell versions, threads and extras, and test the installation, for a bug report",
    "fastrp": "embed the nodes of a graph by fast random projection",
    "gradco": "count all 28 graphlet orbit adjacencies of a graph, exactly",
    "linkpred": "learn which nodes should be linked, and find the missing links",
    "zeroshot": "classify the nodes of a text graph that has no labels, by the names of the classes",
}


def _help() -> str:
    width = max(map(len, _COMMANDS))
    commands = "\n".join(f"  {name.ljust(width)}  {what}" for name, what in _COMMANDS.items())
    return (
        "usage: graphx <command> [options]\n\n"
        "The graph structure that message passing cannot see, at the speed of the machine.\n\n"
        f"commands:\n{commands}\n\n"
        "options:\n"
        "  -h, --help  show this text; graphx <command> --help tells about a command\n"
        "  --version   show the version\n"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The console script ``graphx``: hand the arguments to a command.

    Args:
        argv: The arguments without the program's name; None takes them from the command line.

    Returns:
        The exit code: that of the command, or 2 when there is no such command.

    Example:
        >>> main(["--version"])  # doctest: +ELLIPSIS
        graphx ...
        0
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    first = arguments[0] if arguments else "--help"
    if first in _COMMANDS:
        command = importlib.import_module(f"graphx.cli.{first}")
        code: int = command.main(arguments[1:])
        return code
    if first in ("-h", "--help", "help"):
        print(_help(), end="")
        return 0 if arguments else 2
    if first == "--version":
        import graphx

        print(f"graphx {graphx.__version__}")
        return 0
    from graphx.cli.common import tell

    tell(f"graphx: error: no command {first!r}; the commands are: {', '.join(_COMMANDS)}")
    return 2
