"""Labels of nodes from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graphx.cli.reading import read_array
from graphx.errors import FormatError, InputError
from graphx.graph import Graph

__all__ = ["read_labels"]


def read_labels(path: Path, graph: Graph) -> npt.NDArray[Any]:
    r"""The labels of a graph's nodes.

    Text has a line for each labelled node: its name (its number, where the graph has no names) and its labels,
    separated by white space or commas; lines that begin with # are comments. An ``.npy`` holds classes ``[N]`` or
    indicators ``[N, L]``.

    Args:
        path: The file.
        graph: Whose nodes they are of.

    Returns:
        Indicators ``[N, L]``, bool, columns in the order of the labels' text; of an ``.npy``, what it holds.

    Raises:
        FormatError: A line has no label, or names no node; the line's number is told.
        InputError: The array does not fit the graph.

    Example:
        >>> import tempfile
        >>> from graphx.data import synthetic
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "labels.txt")
        ...     _ = file.write_text("0 red\n2 red blue\n")
        ...     read_labels(file, synthetic.path(3)).astype(int).tolist()
        [[0, 1], [0, 0], [1, 1]]
    """
    if path.suffix.lower() == ".npy":
        return _from_array(path, graph)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is not text (UTF-8); expected a line 'node label ...' for each node") from error
    names = range(graph.num_nodes) if graph.names is None else graph.names
    places = {str(name): place for place, name in enumerate(names)}
    rows: list[int] = []
    labels: list[str] = []
    for number, line in enumerate(lines, 1):
        words = line.replace(",", " ").split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 2:
            raise FormatError(f"{path}, line {number}: {line.strip()!r} has no label; expected 'node label ...'")
        if words[0] not in places:
            raise FormatError(f"{path}, line {number}: the graph has no node {words[0]!r}")
        rows += [places[words[0]]] * (len(words) - 1)
        labels += words[1:]
    known, columns = np.unique(labels, return_inverse=True) if labels else (np.empty(0), np.empty(0, np.int64))
    found = np.zeros((graph.num_nodes, len(known)), dtype=bool)
    found[rows, columns] = True
    return found


def _from_array(path: Path, graph: Graph) -> npt.NDArray[Any]:
    found = read_array(path)
    if found.ndim not in (1, 2) or len(found) != graph.num_nodes:
        raise InputError(f"{path} has shape {found.shape}; expected a row for each of {graph.num_nodes} nodes")
    return found
