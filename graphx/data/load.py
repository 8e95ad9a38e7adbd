"""One door: a name, a path or standard input to a Graph."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphx.data.edgelist import read_edgelist
from graphx.data.registry import find_dataset, unknown_name
from graphx.graph import Graph

__all__ = ["load_graph"]


def _is_there(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # too long, a NUL: no path
        return False


def load_graph(name_or_path: str | os.PathLike[str], **options: Any) -> Graph:
    """Load a graph by the name of a packaged network, from a file, or from standard input (``'-'``).

    A file that exists wins over a name. Names are forgiving: ``'Les Miserables'`` is ``'les-miserables'``.

    Args:
        name_or_path: A name of :func:`graphx.data.dataset_names`, a path (edge list, .mtx, .npz, .mat, .graphml; text
            also .gz), or ``'-'``.
        **options: As for :func:`graphx.data.read_edgelist`: directed, weighted, ids, delimiter, header, columns,
            num_nodes, duplicates, self_loops, explicit_zeros, variable, num_threads, progress.

    Returns:
        The graph; ``report`` counts what reading cleaned.

    Raises:
        InputError: Neither a file nor a known name; the message suggests the nearest names.
        FormatError: The file cannot be read; tells file, line and column.

    Example:
        >>> load_graph("karate")
        Graph(num_nodes=34, num_edges=78, undirected)
        >>> load_graph("les miserables").names[:3]
        ('Anzelma', 'Babet', 'Bahorel')
    """
    if not isinstance(name_or_path, str) or name_or_path == "-" or _is_there(name_or_path):
        return read_edgelist(name_or_path, **options)
    data = find_dataset(name_or_path)
    if data is None:
        raise unknown_name(name_or_path)
    graph = read_edgelist(data.path, **options)
    report = replace(graph.report, source=data.name)
    return Graph._trusted(graph.indptr, graph.indices, graph.weights, graph.names, report)
