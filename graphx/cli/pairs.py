"""The graph, the features and the pairs that ``graphx linkpred`` is given."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphx.cli.common import Progress, tell
from graphx.cli.reading import read_array, read_without_weights
from graphx.errors import FormatError, InputError

if TYPE_CHECKING:
    from torch import Tensor

    from graphx.graph import Graph
    from graphx.nn.linkpred import LinkModel

__all__ = ["Given", "places_of", "read_pairs"]


@dataclass(frozen=True)
class Given:
    """The graph, its features, and a fingerprint of its nodes.

    Attributes:
        graph: Undirected, without loops and weights.
        x: Features ``[N, F]``, or None.
        fingerprint: Of the number and the names of the nodes.

    Example:
        >>> from graphx.cli.linkpred import build_parser
        >>> Given.read(build_parser().parse_args(["predict", "karate", "--model", "m"])).fingerprint
        '34:e3b0c44298fc1c14'
    """

    graph: Graph
    x: Any
    fingerprint: str

    @classmethod
    def read(cls, args: argparse.Namespace, model: LinkModel | None = None) -> Given:
        """What the command names.

        Args:
            args: What was typed.
            model: What will read it.

        Returns:
            The graph and its features.

        Raises:
            InputError: They do not fit the model, or the graph is directed.
        """
        graph = _graph(args)
        x = _features(args, graph, model)
        names = "" if graph.names is None else "\n".join(map(str, graph.names))
        fingerprint = f"{graph.num_nodes}:{hashlib.sha256(names.encode()).hexdigest()[:16]}"
        if model is not None:
            if x is None and model.about.get("nodes") != fingerprint:
                raise InputError(
                    f"{args.graph} has other nodes than the graph of {args.model}, which has learned a vector for each "
                    "of its own; expected the same nodes: train again"
                )
            if x is not None and x.size(1) != model.num_features:
                raise InputError(f"there are {x.size(1)} features; {args.model} expects {model.num_features}")
        return cls(graph, x, fingerprint)


def _graph(args: argparse.Namespace) -> Graph:
    with Progress() as progress:
        graph, weights_left_out = read_without_weights("graphx linkpred", args, progress, asked=False)
    notes = ["weights are not used"] if weights_left_out else []
    if args.undirected and not graph.is_undirected:
        graph = graph.to_undirected()
    if graph.has_self_loops:
        notes.append(f"{graph.num_self_loops} self-loops left out, as they are no links")
        graph = graph.without_self_loops()
    for note in notes:
        tell(f"graphx linkpred: {note}")
    if not graph.is_undirected:
        raise InputError(f"{args.graph} is directed; pass --undirected to take every edge in both directions")
    if args.threads:
        import torch

        torch.set_num_threads(args.threads)
    return graph


def _features(args: argparse.Namespace, graph: Graph, model: LinkModel | None) -> Any:
    """The features as a tensor ``[N, F]``, or None."""
    from graphx.data import find_dataset

    if args.features == "none" or (model is not None and model.num_features is None):
        if model is not None and model.num_features is not None:
            raise InputError(f"{args.model} reads {model.num_features} features; leave --features none out")
        return None
    if args.features is not None:
        return _array(args.features, graph)
    known = None if Path(args.graph).exists() else find_dataset(args.graph)
    if known is None or not known.num_features:
        if model is not None:
            raise InputError(f"{args.model} reads {model.num_features} features; pass them with --features FILE")
        return None
    from graphx.data import load

    x = load(args.graph, root=args.root).x
    return None if x is None else x.float()


def _array(name: str, graph: Graph) -> Any:
    import numpy as np

    found = read_array(name)
    if found.ndim != 2 or len(found) != graph.num_nodes or found.dtype.kind not in "fiub":
        raise InputError(f"{name} is {found.dtype} {found.shape}; expected numbers ({graph.num_nodes}, F)")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        row, column = np.argwhere(~np.isfinite(found))[0]
        raise InputError(f"{name} has {found[row, column]} in row {row}, column {column}; expected numbers: fill them")
    import torch

    return torch.from_numpy(found.astype(np.float32))


def places_of(graph: Graph) -> dict[str, int]:
    """The number of each node by its name.

    Args:
        graph: The graph.

    Returns:
        Names as text, and numbers.

    Example:
        >>> from graphx.data import synthetic
        >>> places_of(synthetic.path(3))
        {'0': 0, '1': 1, '2': 2}
    """
    names = range(graph.num_nodes) if graph.names is None else graph.names
    return {str(name): place for place, name in enumerate(names)}


def read_pairs(path: Path, graph: Graph) -> Tensor:
    r"""Pairs of nodes from a file, ``u v`` a line, by their names in the graph.

    Args:
        path: Text, words separated by white space, commas or semicolons; lines that begin with # are comments.
        graph: Whose nodes they are.

    Returns:
        int64 ``[2, P]``.

    Raises:
        FormatError: A line has no two names, or one that is no node; the line's number is told.
        InputError: There are no pairs.

    Example:
        >>> import tempfile
        >>> from graphx.data import synthetic
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "pairs.txt")
        ...     _ = file.write_text("0 2\n1,2\n")
        ...     read_pairs(file, synthetic.path(3)).tolist()
        [[0, 1], [2, 2]]
    """
    import torch

    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is not text (UTF-8); expected a line 'u v' for each pair") from error
    places, found = places_of(graph), []
    for number, line in enumerate(lines, 1):
        words = line.replace(",", " ").replace(";", " ").split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 2:
            raise FormatError(f"{path}, line {number}: {line.strip()!r} is no pair; expected 'u v'")
        unknown = [word for word in words[:2] if word not in places]
        if unknown:
            raise FormatError(f"{path}, line {number}: the graph has no node {unknown[0]!r}")
        found.append((places[words[0]], places[words[1]]))
    if not found:
        raise InputError(f"{path} holds no pairs; expected a line 'u v' for each")
    return torch.tensor(found).t().contiguous()
