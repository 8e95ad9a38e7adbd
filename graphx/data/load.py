"""One door: a name, a path or standard input to PyG's Data, or to a Graph without torch."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphx.data._families import FAMILIES
from graphx.data._roots import Found, verified
from graphx.data.edgelist import read_edgelist
from graphx.data.ogb import is_ogb, load_ogb, ogb_edges
from graphx.data.registry import Dataset, find_dataset, unknown_name
from graphx.errors import InputError
from graphx.graph import Graph

__all__ = ["load", "load_graph"]


def load(
    name_or_path: str | os.PathLike[str],
    root: str | os.PathLike[str] | None = None,
    *,
    split: str | None = None,
    **options: Any,
) -> Any:
    """Load a data set or a graph file as PyG ``Data``.

    PyG's and OGB's own classes read and download what they know. Raw files are looked for below ``root``, else below
    ``GRAPHX_DATA`` and then the user's cache; where they are present nothing is downloaded, and what is made of them
    goes to the cache, so a root may be read-only. Every file with a known checksum is compared with it.

    Args:
        name_or_path: A name of :func:`graphx.data.list`, a name of OGB, a folder that ``ogb.io.DatasetSaver`` wrote,
            the folder of a text graph, or any file that :func:`load_graph` reads. A file that exists wins over a name.
        root: The folder that raw files lie in.
        split: Planetoid: ``'public'``, ``'geom-gcn'`` (ten splits), ``'full'`` or ``'random'``.
        **options: For files and structure-only sets those of :func:`load_graph`; for text graphs those of
            :func:`graphx.data.text.load_text_graph`, such as ``encoder``.

    Returns:
        ``torch_geometric.data.Data`` with what the set has: ``edge_index`` int64 ``[2, E]``, ``x`` ``[N, F]``, ``y``
        ``[N]`` (or ``[N, C]``, 0 and 1, where a node has several labels), ``train_mask``, ``val_mask``, ``test_mask``
        ``[N]`` or ``[N, splits]``. A set of many graphs (TU, ogbg-) is PyG's data set itself, indexed by graph.

    Raises:
        InputError: There is no such name or file, or files are missing and cannot be downloaded; tells where to put
            them.
        FormatError: A file is damaged, or not the one it should be.

    Example:
        >>> data = load("karate")
        >>> data.num_nodes, data.num_edges, int(data.y.max())
        (34, 156, 3)
    """
    data = _resolve(name_or_path)
    if split is not None and (data is None or split not in FAMILIES[data.family].splits):
        known = ", ".join(FAMILIES[data.family].splits) if data is not None else ""
        raise InputError(f"split={split!r}: {os.fspath(name_or_path)} has {known or 'no splits to choose from'}")
    if data is None and _is_text(name_or_path):
        from graphx.data.text import load_text_graph

        return load_text_graph(Path(name_or_path), **options)
    if data is None or data.family in ("networkx", "synthetic", "seal", "bionev", "networks", "orca"):
        return load_graph(name_or_path, root, **options).to_pyg()
    if data.family == "text":
        from graphx.data._pyg import raw_files
        from graphx.data.text import load_text_graph

        found = raw_files(data, root)
        verified(found)
        return load_text_graph(found[data.files[0]].parent, **options)
    if options:
        raise InputError(f"{', '.join(options)}: no option of {data.name}")
    if data.family == "ogb":
        return load_ogb(data.key, root).data
    if data.name == "karate":
        from torch_geometric.datasets import KarateClub  # type: ignore[import-untyped]

        return KarateClub()[0]
    if FAMILIES[data.family].pyg:
        from graphx.data._pyg import load_pyg

        made = load_pyg(data, root, split)
        return made if data.family == "tu" else made[0]
    return _arrays(data, root)


def _arrays(data: Dataset, root: str | os.PathLike[str] | None) -> Any:
    import numpy as np
    import torch

    from graphx.data._attributes import attributes
    from graphx.data._pyg import raw_files
    from graphx.data._readers import structure

    found = Found(Path(), {}) if data.family == "packaged" else raw_files(data, root)
    if found.files:
        verified(found)
    graph = structure(data, found, {})
    made = graph.without_names().to_pyg()
    for name, value in attributes(data, found, graph).items():
        made[name] = torch.from_numpy(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value
    return made


def load_graph(
    name_or_path: str | os.PathLike[str], root: str | os.PathLike[str] | None = None, **options: Any
) -> Graph:
    """Load the graph of a data set, of a file, or from standard input (``'-'``), without torch.

    A file that exists wins over a name. Names are forgiving: ``'Les Miserables'`` is ``'les-miserables'``.

    Args:
        name_or_path: A name of :func:`graphx.data.list`, a path (edge list, .mtx, .npz, .mat, .graphml; text also
            .gz; a folder of :meth:`graphx.Graph.save`), or ``'-'``.
        root: The folder that raw files lie in; None for ``GRAPHX_DATA`` and the user's cache.
        **options: As for :func:`graphx.data.read_edgelist`: directed, weighted, ids, delimiter, header, columns,
            num_nodes, duplicates, self_loops, explicit_zeros, variable, num_threads, progress. A data set of arrays
            takes directed, duplicates, self_loops and num_threads (and no weights); a generator its own arguments.

    Returns:
        The graph; ``report`` counts what reading cleaned. Nodes are numbered as in :func:`load`. Of many graphs (TU)
        it is the disjoint union.

    Raises:
        InputError: Neither a file nor a known name, or its files are missing; the message suggests the nearest names.
        FormatError: The file cannot be read; tells file, line and column.

    Example:
        >>> load_graph("karate")
        Graph(num_nodes=34, num_edges=78, undirected)
        >>> load_graph("les miserables").names[:3]
        ('Anzelma', 'Babet', 'Bahorel')
    """
    data = _resolve(name_or_path)
    if data is None:
        if _is_text(name_or_path) and not options:
            from graphx.data.text import read_text_graph

            return read_text_graph(Path(name_or_path)).graph
        if os.path.isdir(name_or_path):
            return _opened(name_or_path, options)
        return read_edgelist(name_or_path, **options)
    if data.family == "ogb":
        return _ogb_graph(data, root, options)
    from graphx.data._pyg import raw_files
    from graphx.data._readers import structure

    found = Found(Path(), {})
    if data.files:
        found = raw_files(data, root)
        verified(found)
    graph = structure(data, found, options)
    return Graph._trusted(
        graph.indptr, graph.indices, graph.weights, graph.names, replace(graph.report, source=data.name)
    )


def _is_there(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # too long, a NUL: no path
        return False


def _resolve(name_or_path: str | os.PathLike[str]) -> Dataset | None:
    """The data set of a name; None for a file, a saved graph or standard input."""
    if not isinstance(name_or_path, str | os.PathLike):
        raise InputError(
            f"{type(name_or_path).__name__} is neither the name of a data set nor a path; "
            "graphx.graph.as_graph takes networkx, igraph, scipy and PyG objects"
        )
    if isinstance(name_or_path, str) and name_or_path != "-" and not _is_there(name_or_path):
        data = find_dataset(name_or_path)
        if data is None and (name_or_path.lower().startswith(("ogbn", "ogbl", "ogbg"))):
            data = Dataset(name_or_path, "ogb", name_or_path, "a data set in OGB's layout", None, None)
        if data is None:
            raise unknown_name(name_or_path)
        return data
    if os.path.isdir(name_or_path) and is_ogb(name_or_path):
        return Dataset(os.fspath(name_or_path), "ogb", os.fspath(name_or_path), "a local set of OGB", None, None)
    return None


def _is_text(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a text graph."""
    return os.path.isfile(os.path.join(path, "nodes.jsonl.gz"))


def _opened(path: str | os.PathLike[str], options: dict[str, Any]) -> Graph:
    if options:
        raise InputError(f"{', '.join(options)}: no option of a saved graph, which is read as it was saved")
    return Graph.open(path)


def _ogb_graph(data: Dataset, root: str | os.PathLike[str] | None, options: dict[str, Any]) -> Graph:
    from graphx.data._readers import from_pairs

    pairs, num_nodes = ogb_edges(data.key, root)
    return from_pairs(pairs, num_nodes, options)
