"""How the commands read a graph: one set of options, progress, what was cleaned on stderr, cures as options."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from graphx.cli.common import Progress, positive_int, tell
from graphx.errors import FormatError, GraphXError

if TYPE_CHECKING:
    import argparse

    import numpy.typing as npt

    from graphx.graph import Graph

__all__ = [
    "ZEROS_HINT",
    "add_reading_options",
    "in_words_of_the_command",
    "read_array",
    "read_graph",
    "read_without_weights",
]

ZEROS_HINT = {
    "explicit_zeros='drop' if they are no edges (or call eliminate_zeros()), 'keep' if they are edges": (
        "--explicit-zeros drop if they are no edges, --explicit-zeros keep if they are"
    ),
}
_HINTS = {
    **ZEROS_HINT,
    "duplicates='sum'": "--duplicates sum",
    "duplicates='merge'": "--duplicates merge",
    "directed=True": "--directed",
    ", or pass weighted=False to leave the weights out": "",
    "root=": "--root",
}


def add_reading_options(add: Callable[..., Any], *, weights: bool = True, exact: bool = True) -> None:
    """Give a parser the options that decide how a graph file is read.

    Args:
        add: ``parser.add_argument``.
        weights: Whether the command uses weights and directions, and so may say what becomes of them.
        exact: Whether its result is the same for any number of threads.

    Example:
        >>> import argparse
        >>> parser = argparse.ArgumentParser()
        >>> add_reading_options(parser.add_argument)
        >>> parser.parse_args(["--duplicates", "sum"]).duplicates
        'sum'
    """
    if weights:
        add("--directed", action="store_true", help="keep directions (default: an edge of a file is two-way)")
        add(
            "--duplicates",
            choices=("merge", "sum"),
            help="of an edge that comes more than once: keep one, or add the weights (default: keep one, and refuse "
            "weights that differ)",
        )
    add(
        "--explicit-zeros",
        choices=("drop", "keep"),
        help="whether stored zeros of a matrix are edges (default: refuse them)",
    )
    add(
        "--threads",
        metavar="N",
        type=positive_int,
        help=f"number of threads (default: all processors){'; the result is the same for any number' if exact else ''}",
    )


def read_graph(
    prog: str,
    args: argparse.Namespace,
    progress: Progress,
    *,
    hints: Mapping[str, str] = _HINTS,
    weighted: bool | None = None,
) -> Graph:
    """Read the graph of a command by its options; say on stderr what reading cleaned.

    Args:
        prog: What stands before the message, such as ``graphx gradco``.
        args: ``graph``, and the options of :func:`add_reading_options`; ``root`` where the command has it.
        progress: Where the reading of a file is shown.
        hints: What to say in place of the arguments of Python that a refusal names.
        weighted: False leaves weights out.

    Returns:
        The graph.

    Raises:
        GraphXError: As :func:`graphx.data.load_graph`, in the words of the command line.

    Example:
        >>> import argparse
        >>> with Progress(enabled=False) as progress:
        ...     read_graph("graphx demo", argparse.Namespace(graph="karate"), progress)
        Graph(num_nodes=34, num_edges=78, undirected)
    """
    from graphx.data.load import load_graph

    names = {
        "directed": "directed",
        "duplicates": "duplicates",
        "explicit_zeros": "explicit_zeros",
        "num_threads": "threads",
    }
    options = {name: value for name, option in names.items() if (value := getattr(args, option, None))}
    if weighted is not None:
        options["weighted"] = weighted
    if os.path.isdir(args.graph):
        options.pop("num_threads", None)  # nothing to parse
    report = progress.report
    if report is not None and (args.graph == "-" or os.path.isfile(args.graph)):
        size = 0 if args.graph == "-" else os.path.getsize(args.graph)
        options["progress"] = lambda done: report("reading", done, size)
    try:
        graph = load_graph(args.graph, getattr(args, "root", None), **options)
    except GraphXError as error:
        raise type(error)(in_words_of_the_command(str(error), hints)) from error
    finally:
        progress.close()
    named = args.graph != "-" and not os.path.exists(args.graph)
    # Of a known data set, that its nodes have names is no news.
    if not (replace(graph.report, relabelled="") if named else graph.report).is_clean:
        tell(f"{prog}: {graph.report.summary()}")
    return graph


def read_without_weights(
    prog: str,
    args: argparse.Namespace,
    progress: Progress,
    *,
    hints: Mapping[str, str] = _HINTS,
    asked: bool = True,
) -> tuple[Graph, bool]:
    """Read the graph of a command that uses its edges alone.

    A file is read with its weights first, as a word over the weights tells a header, and once more without them where
    they contradict each other, or where they are no numbers and the user asked to leave them out. Standard input cannot
    be read twice: its weights are left out at once.

    Args:
        prog: As for :func:`read_graph`.
        args: As for :func:`read_graph`.
        progress: As for :func:`read_graph`.
        hints: As for :func:`read_graph`.
        asked: Whether the user asked to leave weights out; otherwise the command has no use for them.

    Returns:
        The graph without weights, and whether weights were seen and left out.

    Raises:
        GraphXError: As :func:`read_graph`.

    Example:
        >>> import argparse
        >>> with Progress(enabled=False) as progress:
        ...     read_without_weights("graphx demo", argparse.Namespace(graph="karate"), progress)
        (Graph(num_nodes=34, num_edges=78, undirected), False)
    """
    if args.graph == "-":
        return read_graph(prog, args, progress, hints=hints, weighted=False), False
    try:
        graph = read_graph(prog, args, progress, hints=hints)
    except FormatError as error:
        if not asked and "expected a finite number" in str(error):
            raise
        return read_graph(prog, args, progress, hints=hints, weighted=False), True
    return (graph.without_weights(), True) if graph.is_weighted else (graph, False)


def read_array(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """The array of an ``.npy`` file.

    Args:
        path: The file.

    Returns:
        The array.

    Raises:
        FormatError: The file is empty, cut off, of Python objects, or something else.
        OSError: It cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        ...     read_array(file.name)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        graphx.errors.FormatError: ...npy is no .npy of numbers: No data left in file
    """
    import numpy as np

    try:
        with open(path, "rb") as stream:  # numpy leaves a broken archive open
            found = np.load(stream, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(f"{os.fspath(path)} is no .npy of numbers: {error}") from error
    if not isinstance(found, np.ndarray):
        found.close()
        raise FormatError(f"{os.fspath(path)} is no .npy of numbers: it holds several arrays, as an .npz does")
    return found


def in_words_of_the_command(message: str, hints: Mapping[str, str] = _HINTS) -> str:
    """A refusal of the library with the options of the command for the arguments of Python.

    Args:
        message: The refusal.
        hints: Text to replace, and by what; the first that are there come first.

    Returns:
        The message in the words of the command.

    Example:
        >>> in_words_of_the_command("expected equal ones: pass duplicates='sum' to add them")
        'expected equal ones: pass --duplicates sum to add them'
    """
    for python, option in hints.items():
        message = message.replace(python, option)
    return message
