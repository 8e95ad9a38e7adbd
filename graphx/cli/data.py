"""``python -m graphx.data``: list the known data sets, tell about one or about a file, convert, split."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphx.cli.common import Progress, check_parent, check_writable, execute, format_size, format_table
from graphx.cli.options import add_shared, make_parser, share, whole_number
from graphx.cli.reading import add_reading_options, read_graph
from graphx.errors import InputError

if TYPE_CHECKING:
    from graphx.graph import Graph

__all__ = ["build_parser", "main"]

_DESCRIPTION = """\
Data sets and graph files.

NAME is a data set (python -m graphx.data list), in any case and with or without hyphens; PATH is a graph file:
.edgelist .txt .tsv .csv (also .gz), .mtx, .npz, .mat, .graphml, a folder of Graph.save, or - for standard input.
A file that exists wins over a name. Raw files are looked for below --root, else below $GRAPHX_DATA and then the
user's cache; nothing is written beside them."""

_EPILOG = """\
examples:
  python -m graphx.data list --family planetoid
  python -m graphx.data info cora
  python -m graphx.data info graph.edgelist
  python -m graphx.data convert big.txt.gz big.graph        # opens without parsing from then on
  python -m graphx.data split cora --kind link --seed 1 -o cora-link-1.npz

exit codes:
  0    done
  2    the graph, an option or a file; one line on stderr says what to do
  130  interrupted by Ctrl-C; every file is there whole or not at all"""

_SAVED = ".graph"


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command.

    Returns:
        An ``argparse`` parser that needs no numerical package.

    Example:
        >>> build_parser().parse_args(["convert", "karate", "karate.csv"]).output
        PosixPath('karate.csv')
    """
    usage = "list | info NAME_OR_PATH | convert IN OUT | split NAME  [options]"
    parser = make_parser("data", usage, _DESCRIPTION, _EPILOG)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", prog=parser.prog)

    def command(name: str, text: str, arguments: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=text, description=text, allow_abbrev=False, usage=f"python -m graphx.data {name} {arguments}"
        )

    listing = command("list", "the data sets that are known by name", "[options]")
    listing.add_argument("--family", metavar="NAME", help="only those of a family, such as planetoid")
    info = command("info", "counts of a graph file, or all that is known of a data set", "NAME_OR_PATH [options]")
    info.add_argument("graph", metavar="NAME_OR_PATH")
    convert = command("convert", "read a graph and write it in the form that the ending tells", "IN OUT [options]")
    convert.add_argument("graph", metavar="IN")
    convert.add_argument(
        "output",
        metavar="OUT",
        type=Path,
        help=".edgelist .txt .tsv .csv (also .gz) .mtx .npz .mat .graphml, or .graph: a folder that opens at once",
    )
    convert.add_argument("--overwrite", action="store_true", help="replace OUT when it is there")
    split = command("split", "make a seeded split and save it with a digest", "NAME -o FILE [options]")
    split.add_argument("graph", metavar="NAME")
    split.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="a .npz file")
    split.add_argument(
        "--kind",
        choices=("link", "ncn", "node"),
        default="link",
        help="edges and negatives (default), the 70/10/20 split of edges of the NCN paper, or nodes per class",
    )
    split.add_argument("--val", type=share(none=True), metavar="SHARE", help="of edges (default 0.1) or nodes (0.2)")
    split.add_argument("--test", type=share(none=True), metavar="SHARE", help="of edges (default 0.2) or nodes (0.2)")
    split.add_argument("--seed", type=whole_number(), default=0, help="fixes the split (default: 0)")
    for one in (info, convert, split):
        add_shared(one.add_argument, "--root")
    for one in (info, convert):
        add_reading_options(one.add_argument)
    for one in (listing, info):
        add_shared(one.add_argument, "--json")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``graphx data``.

    Args:
        argv: The arguments; None takes them from the command line.

    Returns:
        The exit code: 0, 2 after an error told in one line on stderr, 130 after Ctrl-C.

    Example:
        >>> main(["list", "--family", "packaged"])
        name            task            nodes  edges  features  classes  splits
        --------------  --------------  -----  -----  --------  -------  ------
        karate          structure only     34     78        34        4  none
        les-miserables  structure only     77    254         -        -  none
        0
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    run = {"list": _list, "info": _info, "convert": _convert, "split": _split}[arguments.command]
    return execute(f"{parser.prog} {arguments.command}", lambda: run(arguments))


def _list(args: argparse.Namespace) -> None:
    from graphx.data.registry import dataset_names, describe

    every = [describe(name) for name in dataset_names(args.family)]
    if args.json:
        print(json.dumps(every, indent=2))
        return
    header = ["name", "task", "nodes", "edges", "features", "classes", "splits"]
    rows = [[_cell(about[column]) for column in header] for about in every]
    table = format_table(header[:6], [row[:6] for row in rows], left=2).split("\n")
    tails = ["splits", "------", *(row[6] for row in rows)]
    print("\n".join(f"{line}  {tail}" for line, tail in zip(table, tails, strict=True)))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _info(args: argparse.Namespace) -> None:
    from graphx.data.registry import describe, find_dataset

    known = None if args.graph == "-" or os.path.exists(args.graph) else find_dataset(args.graph)
    if known is not None:
        about = describe(known.name)
        about["raw files"] = _whereabouts(known.files, args.root)
    else:
        about = _facts(args.graph, _load(args))
    if args.json:
        print(json.dumps(about, indent=2))
        return
    about = {name: ", ".join(value) if isinstance(value, list) else value for name, value in about.items()}
    width = max(map(len, about))
    print("\n".join(f"{name.ljust(width)}  {_cell(value)}" for name, value in about.items()))


def _whereabouts(files: list[str], root: str | None) -> str:
    from graphx.data._roots import Found, locate, search_roots

    roots = search_roots(root)
    found = locate(files, (), roots)
    if not files or isinstance(found, Found):
        return f"present below {found.root}" if files and isinstance(found, Found) else "none needed, or those of OGB"
    return f"{len(found)} of {len(files)} missing below {' and '.join(map(str, roots))}"


def _load(args: argparse.Namespace) -> Graph:
    with Progress() as progress:
        return read_graph("graphx data", args, progress)


def _facts(source: str, graph: Graph) -> dict[str, Any]:
    degrees = graph.degrees()
    stored = graph.indptr.nbytes + graph.indices.nbytes + (0 if graph.weights is None else graph.weights.nbytes)
    names = graph.names
    return {
        "source": source,
        "nodes": graph.num_nodes,
        "edges": graph.num_edges,
        "directed": "no" if graph.is_undirected else "yes",
        "weights": "yes" if graph.is_weighted else "no",
        "self-loops": graph.num_self_loops,
        "degree": f"{degrees.mean():.2f} on average, {degrees.min():,} to {degrees.max():,}" if degrees.size else "-",
        "nodes of degree 0": int((degrees == 0).sum()),
        "node names": "0..N-1" if names is None else "text" if isinstance(names, tuple) else "integers",
        "memory": format_size(stored),
    }


def _convert(args: argparse.Namespace) -> None:
    from graphx.data.edgelist import write_edgelist

    if args.output.suffix == _SAVED:
        check_parent(args.output)
    else:
        check_writable(args.output)
        from graphx.data._sources import form_of_path

        form_of_path(args.output)
    if args.output.exists() and not args.overwrite:
        raise InputError(f"{args.output} exists; pass --overwrite to replace it, or choose another name")
    graph = _load(args)
    if args.output.suffix == _SAVED:
        graph.save(args.output, overwrite=args.overwrite)
    else:
        write_edgelist(graph, args.output)
    print(f"{args.output}: {graph.num_nodes:,} nodes, {graph.num_edges:,} edges")


def _split(args: argparse.Namespace) -> None:
    check_writable(args.output, [".npz"])
    from graphx.data.load import load, load_graph
    from graphx.data.splits import link_split, ncn_link_split, node_split, save_split

    shares = {name: value for name, value in (("val", args.val), ("test", args.test)) if value is not None}
    if args.kind == "ncn" and shares:
        raise InputError("--kind ncn has the shares of the paper; leave --val and --test out, or use --kind link")
    made: Any
    if args.kind == "node":
        val = shares.get("val", 0.2)
        rest = 1 - Fraction(repr(val)) - Fraction(repr(shares.get("test", 0.2)))
        if rest <= 0:
            raise InputError(f"--val and --test are {float(1 - rest):g} together; expected less than 1: lower them")
        made = node_split(load(args.graph, args.root), float(rest), val, seed=args.seed)
    else:
        graph = load_graph(args.graph, args.root)
        made = (
            link_split(graph, **shares, seed=args.seed)
            if args.kind == "link"
            else ncn_link_split(graph, seed=args.seed)
        )
    save_split(made, args.output)
    sizes = [(part, getattr(made, part).shape[-1]) for part in ("train", "val", "test")]
    print(f"{args.output}: " + ", ".join(f"{size:,} {part}" for part, size in sizes))
