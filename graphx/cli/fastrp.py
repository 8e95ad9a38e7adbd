"""``python -m graphx.fastrp GRAPH -o FILE``: embed the nodes of a graph; write, evaluate, draw."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphx._files import atomic_file
from graphx.cli.common import Progress, check_writable, execute, positive_int
from graphx.cli.options import add_graph, make_parser, whole_number
from graphx.cli.reading import add_reading_options, read_graph
from graphx.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from graphx.graph import Graph

__all__ = ["build_parser", "main"]

_DESCRIPTION = """\
Embed the nodes of a graph by fast random projection (FastRP).

The vector of a node is a weighted sum of averages, over its neighbours, their neighbours and
so on, of random vectors. --weights says how much each hop counts. --refine turns the random
vectors into leading eigenvectors of the graph, which reads labels best and costs some ten
times as much. --orbits averages over graphlet orbit adjacencies in place of edges.

Edges of a file are two-way unless --directed keeps their directions; weights are used where there
are any. --undirected makes the edges of a directed data set or folder two-way."""

_EPILOG = """\
examples:
  128 numbers a node, as a numpy array
    python -m graphx.fastrp graph.edgelist -o embedding.npy
  the best for node labels, and how good that is
    python -m graphx.fastrp graph.edgelist --refine 8 --evaluate labels.txt -o embedding.npy
  for gensim and other readers of word2vec text
    python -m graphx.fastrp graph.edgelist -o embedding.w2v
  over triangles and 4-cliques
    python -m graphx.fastrp graph.edgelist --orbits 1_3_3,1_14_14 --dim 64 -o embedding.parquet

LABELS has a line for each node: its name and its labels, separated by white space or commas;
or is an .npy of classes [N] or indicators [N, L].

exit codes:
  0    done
  2    the graph, an option or a file; one line on stderr says what to do
  130  interrupted by Ctrl-C; every file is there whole or not at all"""

_FORMS = (".npy", ".parquet", ".w2v")
_PLOT_FORMS = (".png", ".pdf", ".svg")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command.

    Returns:
        An ``argparse`` parser that needs no numerical package.

    Example:
        >>> build_parser().parse_args(["karate", "-o", "e.npy", "--weights", "0,1,0.5"]).weights
        (0.0, 1.0, 0.5)
    """
    parser = make_parser("fastrp", "GRAPH -o FILE [options]", _DESCRIPTION, _EPILOG)
    add = parser.add_argument
    add_graph(add)
    add("-o", "--output", metavar="FILE", type=Path, help="write the vectors: .npy, .parquet or .w2v (word2vec text)")
    add("--dim", metavar="D", type=positive_int, default=128, help="length of a vector (default: 128)")
    add(
        "--weights",
        metavar="LIST",
        type=_weights,
        default=None,
        help="weights of hop 1, 2, ..., separated by commas (default: 0,0,1,1)",
    )
    add(
        "--beta",
        metavar="B",
        type=_number,
        default=None,
        help="power of the degree in the random start; below 0, hubs count less (default: 0)",
    )
    add("--seed", metavar="N", type=whole_number(64), default=0, help="of the random numbers (default: 0)")
    add(
        "--refine",
        metavar="K",
        type=whole_number(),
        default=0,
        help="rounds of power steps; 8 is best for labels (default: 0, FastRP as published)",
    )
    add(
        "--spectrum",
        choices=("both", "positive"),
        default="both",
        help="eigenvalues that --refine keeps: of both signs, or positive ones, which are better where neighbours "
        "share labels (default: both)",
    )
    add(
        "--orbits",
        metavar="LIST",
        help="average over these orbit adjacencies: all, hop1, G2, keys such as 2_12_12; --dim columns for each",
    )
    add(
        "--storage",
        choices=("float32", "bfloat16"),
        help="of the hops; bfloat16 is faster and takes half the memory (default: float32)",
    )
    add("--undirected", action="store_true", help="make every edge of a directed graph two-way")
    add(
        "--evaluate",
        metavar="LABELS",
        type=Path,
        help="print F1 of one-vs-rest logistic regression, 10 %% and 50 %% train",
    )
    add(
        "--plot",
        metavar="FILE",
        type=Path,
        help="draw two principal axes as .png, .pdf or .svg, coloured by --evaluate",
    )
    add_reading_options(add)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``graphx fastrp``.

    Args:
        argv: The arguments; None takes them from the command line.

    Returns:
        The exit code: 0, 2 after an error told in one line on stderr, 130 after Ctrl-C.

    Example:
        >>> import contextlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        ...     main(["karate", "--dim", "8", "-o", "karate.npy"])
        karate: 34 nodes, 78 edges; 8 columns
        written: karate.npy
        0
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    return execute(parser.prog, lambda: _run(arguments))


def _run(args: argparse.Namespace) -> None:
    _check(args)
    from graphx.fastrp._write import write_embedding

    with Progress() as progress:
        graph = _load(args, progress)
        labels = None
        if args.evaluate is not None:
            from graphx.cli.labels import read_labels

            labels = read_labels(args.evaluate, graph)
        found = _embed(args, graph, progress)
        progress.close()
        kind = "" if graph.is_undirected else "directed "
        print(f"{args.graph}: {graph.num_nodes:,} nodes, {graph.num_edges:,} {kind}edges; {found.shape[1]} columns")
        if args.output is not None:
            write_embedding(args.output, found, graph, num_threads=args.threads)
        if args.plot is not None:
            from graphx.plot import plot_embedding

            figure = plot_embedding(found, labels).get_figure(root=True)
            assert figure is not None
            with atomic_file(args.plot) as target:
                figure.savefig(target, format=args.plot.suffix[1:].lower())
    if labels is not None:
        from graphx.fastrp import evaluate_labels

        for score in evaluate_labels(found, labels):
            print(score)
    written = [str(path) for path in (args.output, args.plot) if path is not None]
    if written:
        print(f"written: {', '.join(written)}")


def _check(args: argparse.Namespace) -> None:
    """Refuse what would fail only after the work."""
    if args.output is None and args.plot is None and args.evaluate is None:
        raise InputError("nothing to do with the vectors; give -o FILE, --evaluate LABELS or --plot FILE")
    if args.output is not None:
        check_writable(args.output, _FORMS)
        from graphx.fastrp._write import check_form

        check_form(args.output)
    if args.plot is not None:
        check_writable(args.plot, _PLOT_FORMS)
        from graphx.plot import require_matplotlib

        require_matplotlib()
    if args.evaluate is not None and not args.evaluate.is_file():
        raise InputError(f"{args.evaluate}: there is no such file of labels")
    if args.refine and args.orbits is not None:
        raise InputError("--refine and --orbits cannot be combined; leave one out")
    if args.spectrum != "both" and not args.refine:
        raise InputError(f"--spectrum {args.spectrum} says what --refine keeps; give --refine 8, or leave it out")
    if args.refine and (args.weights is not None or args.beta):
        raise InputError("--refine takes eigenvectors, which have no --weights and no --beta; leave them out")


def _load(args: argparse.Namespace, progress: Progress) -> Graph:
    graph = read_graph("graphx fastrp", args, progress)
    if args.undirected and not graph.is_undirected:
        return graph.to_undirected(duplicates="sum" if graph.is_weighted else "merge")
    return graph


def _embed(args: argparse.Namespace, graph: Graph, progress: Progress) -> npt.NDArray[np.float32]:
    options: dict[str, Any] = {
        "n_components": args.dim,
        "random_state": args.seed,
        "num_threads": args.threads,
        "progress": progress.report,
    }
    if args.weights is not None:
        options["iteration_weights"] = args.weights
    if args.beta is not None:
        options["normalization_strength"] = args.beta
    found: npt.NDArray[np.float32]
    if args.orbits is not None:
        from graphx.fastrp import OrbitFastRP

        found = OrbitFastRP(args.orbits, storage=args.storage or "float32", **options).fit_transform(graph)
    else:
        from graphx.fastrp import FastRP

        options |= {"refine": args.refine, "spectrum": args.spectrum}
        found = FastRP(storage=args.storage or "float32", **options).fit_transform(graph)
    return found


def _weights(text: str) -> tuple[float, ...]:
    return tuple(_number(part) for part in text.split(","))


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return value
