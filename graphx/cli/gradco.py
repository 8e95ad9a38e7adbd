"""``python -m graphx.gradco GRAPH``: count the 28 orbit adjacencies of a graph; print, store, export, plot."""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphx._files import atomic_file
from graphx.cli.common import (
    Progress,
    check_parent,
    check_writable,
    execute,
    format_table,
    size_argument,
)
from graphx.cli.options import add_graph, add_shared, make_parser
from graphx.cli.reading import ZEROS_HINT, add_reading_options, read_graph, read_without_weights
from graphx.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from graphx.gradco import OrbitAdjacency, OrbitSummary
    from graphx.gradco.orbits import Key
    from graphx.graph import Graph

__all__ = ["build_parser", "main"]

_DESCRIPTION = """\
Count, exactly, on how many small induced subgraphs every pair of nodes lies.

A graphlet is a connected graph on two to four nodes; its orbits are the places a node can
take in it, numbered 0 to 14. The matrix h_a_b counts for each pair (u, v) the graphlets in
which u is on orbit a, v on orbit b, and the two are h hops apart inside the graphlet. There
are 28 of them: 1_0_0 is the adjacency matrix, 1_3_3 counts the triangles on an edge, 2_12_12
the diamonds across a pair that is no edge. h_b_a is the transpose of h_a_b. --plot draws the
graphlets with their orbit numbers.

GRAPH is read as undirected; repeated edges, self-loops and gaps in the numbering are cleaned,
and what was cleaned is told on stderr."""

_EPILOG = """\
examples:
  the table of a network that comes with graphx
    python -m graphx.gradco les-miserables
  store all 28 matrices as memory-mapped arrays, and read one of them in Python
    python -m graphx.gradco graph.edgelist -o graph.orbits
    >>> graphx.gradco.OrbitAdjacency.open("graph.orbits")[2, 12, 12]
  graphlet degrees only, which is much cheaper than matrices of far pairs
    zcat big.txt.gz | python -m graphx.gradco - --matrices none --gdv degrees.csv
  some matrices, for another program
    python -m graphx.gradco graph.mtx --matrices hop1,2_12_12 --export parquet:tables
  for a script
    python -m graphx.gradco graph.csv --json | jq .matrices

exit codes:
  0    done
  2    the graph, an option, a file or too little memory; one line on stderr says what to do
  130  interrupted by Ctrl-C; every file is there whole or not at all"""

_TEXT_FORMS = {".csv": ",", ".tsv": "\t", ".txt": " "}
_DEGREE_FORMS = (*_TEXT_FORMS, ".npy")
_PLOT_FORMS = (".png", ".pdf", ".svg")
_HINTS = {
    **ZEROS_HINT,
    "duplicates='sum' to add them, or directed=True to keep both directions": "--ignore-weights to count edges alone",
    "pass weighted=False to leave the weights out": "pass --ignore-weights to leave the weights out",
}


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command.

    Returns:
        An ``argparse`` parser that needs no numerical package.

    Example:
        >>> build_parser().parse_args(["karate", "--threads", "2"]).threads
        2
    """
    parser = make_parser("gradco", "GRAPH [options]", _DESCRIPTION, _EPILOG)
    add = parser.add_argument
    add_graph(add)
    add("-o", "--output", metavar="DIR", type=Path, help="store the matrices in DIR, for OrbitAdjacency.open(DIR)")
    add("--overwrite", action="store_true", help="let -o and --export replace what they wrote before")
    add(
        "--export",
        metavar="FORMAT[:DIR]",
        action="append",
        default=[],
        help="write the matrices for other programs, one file each: npz (scipy), mtx (Matrix Market) or parquet "
        "(source, target, count); into DIR, by default GRAPH-FORMAT here; repeatable",
    )
    add(
        "--matrices",
        metavar="LIST",
        default="all",
        help="which matrices, separated by commas: all, none, hop1, hop2, hop3, G0 to G8, or keys such as 2_12_12; "
        "only what these need is counted (default: all)",
    )
    add(
        "--gdv",
        metavar="FILE",
        type=Path,
        help="write the graphlet degrees, nodes x 15 orbits, as .csv, .tsv or .txt with a header line and the names of "
        "the nodes, or as .npy",
    )
    add(
        "--edge-gdv",
        metavar="FILE",
        type=Path,
        help="write the graphlet degrees of the edges, edges x 12 edge orbits, in the same forms",
    )
    add("--plot", metavar="FILE", type=Path, help="draw the orbit spectrum and the graphlets as .png, .pdf or .svg")
    add_shared(add, "--json")
    add("--ignore-weights", action="store_true", help="count the edges of a weighted graph without their weights")
    add_reading_options(add, weights=False)
    add(
        "--max-memory",
        metavar="SIZE",
        type=size_argument,
        help="memory to use beside the graph itself, such as 512M or 2G: blocks of rows become smaller, and a count "
        "that needs more is refused before it starts",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``graphx gradco``.

    Args:
        argv: The arguments; None takes them from the command line.

    Returns:
        The exit code: 0, 2 after an error told in one line on stderr, 130 after Ctrl-C.

    Example:
        >>> main(["karate", "--matrices", "G2"])
        karate: 34 nodes, 78 edges, 45 triangles, 528 wedges, maximum degree 17
        <BLANKLINE>
        key    graphlet     non-zeros  sum  maximum
        -----  -----------  ---------  ---  -------
        1_3_3  G2 triangle        134  270       10
        0
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    return execute(parser.prog, lambda: _run(arguments))


def _run(args: argparse.Namespace) -> None:
    check_outputs(args)
    from graphx.gradco import OrbitAdjacency, parse_keys

    keys = () if args.matrices == "none" else parse_keys(re.sub(r"(\d):(\d+),(\d+)", r"\1_\2_\3", args.matrices))
    exports = [_export_target(text, args) for text in args.export]
    folders = [folder.resolve() for folder in (*([args.output] if args.output else []), *(to for _, to in exports))]
    if len(set(folders)) < len(folders):
        raise InputError("-o and --export name the same folder twice; give each a folder of its own")
    with Progress() as progress:
        graph = _load(args, progress)
        oa = OrbitAdjacency(graph, num_threads=args.threads, progress=progress.report)
        block_bytes = _block_bytes(oa, args, keys)
        files: dict[str, Any] = {}
        if args.output is not None:
            files["store"] = str(oa.save(args.output, keys or None, overwrite=args.overwrite))
        for file_format, folder in exports:
            from graphx.gradco.export import export_matrices

            export_matrices(oa, folder, file_format, keys, max_block_bytes=block_bytes, overwrite=args.overwrite)
            files.setdefault("export", []).append(str(folder))
        if args.gdv is not None:
            header = ["node", *(f"orbit_{orbit}" for orbit in range(15))]
            _write_degrees(args.gdv, header, oa.graphlet_degrees(), [_labels(graph)])
            files["gdv"] = str(args.gdv)
        if args.edge_gdv is not None:
            _write_edge_degrees(args.edge_gdv, oa)
            files["edge_gdv"] = str(args.edge_gdv)
        summary = oa.summary(keys) if keys else []
        if args.plot is not None:
            _plot(args.plot, summary)
            files["plot"] = str(args.plot)
        facts = _facts(oa)
    if args.json:
        _print_json(args.graph, graph, facts, summary, files)
    else:
        _print_text(args.graph, facts, summary, files)


# -- before the count --------------------------------------------------------------------------------------------------


def check_outputs(args: argparse.Namespace) -> None:
    """Refuse what would fail only after the count."""
    for path in (args.gdv, args.edge_gdv):
        if path is not None:
            check_writable(path, _DEGREE_FORMS)
    if args.gdv is not None and args.edge_gdv is not None and args.gdv.resolve() == args.edge_gdv.resolve():
        raise InputError("--gdv and --edge-gdv are the same file; give one of them another name")
    if args.plot is not None:
        check_writable(args.plot, _PLOT_FORMS)
        if args.matrices == "none":
            raise InputError("--plot draws the matrices of --matrices, which are none; select some")
        from graphx.plot import require_matplotlib

        require_matplotlib()
    if args.output is not None:
        if args.output.exists() and not args.overwrite:
            raise InputError(f"{args.output} exists; pass --overwrite to replace it, or give -o another name")
        check_parent(args.output)
    if args.matrices == "none" and (args.output is not None or args.export):
        raise InputError("-o and --export write the matrices of --matrices, which are none; select some")


def _export_target(text: str, args: argparse.Namespace) -> tuple[str, Path]:
    from graphx.gradco.export import check_folder, check_format

    file_format, _, folder = text.partition(":")
    check_format(file_format)
    if folder:
        target = Path(folder)
    else:
        name = "graph" if args.graph == "-" else Path(args.graph).name.removesuffix(".gz")
        target = Path(f"{Path(name).stem}-{file_format}")
    check_folder(target, overwrite=args.overwrite)
    check_parent(target)
    return file_format, target


def _load(args: argparse.Namespace, progress: Progress) -> Graph:
    if args.ignore_weights:
        return read_without_weights("graphx gradco", args, progress, hints=_HINTS)[0]
    graph = read_graph("graphx gradco", args, progress, hints=_HINTS)
    if graph.is_weighted:
        raise InputError(
            f"{args.graph} has edge weights, and graphlets have none; pass --ignore-weights to count its edges alone"
        )
    return graph


def _block_bytes(oa: OrbitAdjacency, args: argparse.Namespace, keys: Collection[Key]) -> int | None:
    """What --max-memory leaves for a block of rows; refuses a count that needs more than all of it."""
    if args.max_memory is None:
        return None
    from graphx.cli.memory import plan_blocks

    writes = args.output is not None or bool(args.export)
    degrees = 120 * oa.graph.num_nodes * (args.gdv is not None) + 56 * oa.graph.num_edges * (args.edge_gdv is not None)
    return plan_blocks(oa, keys, args.max_memory, num_threads=args.threads, writes_matrices=writes, extra=degrees)


# -- what it writes ----------------------------------------------------------------------------------------------------


def _labels(graph: Graph) -> Sequence[Any]:
    if graph.names is None:
        return range(graph.num_nodes)
    return graph.names if isinstance(graph.names, tuple) else graph.names.tolist()


def _write_edge_degrees(path: Path, oa: OrbitAdjacency) -> None:
    from graphx.gradco import EDGE_ORBITS

    header = ["source", "target", *(f"orbits_{a}_{b}" for a, b in EDGE_ORBITS)]
    names, edges = oa.graph.names, oa.edges()
    ends = [side if names is None else [names[node] for node in side] for side in edges.T.tolist()]
    _write_degrees(path, header, oa.edge_graphlet_degrees(), ends)


def _write_degrees(
    path: Path, header: Sequence[str], counts: npt.NDArray[np.integer[Any]], labels: Sequence[Sequence[Any]]
) -> None:
    """The counts as .npy, or as text with a header and labels in the first columns."""
    with atomic_file(path) as target:
        if path.suffix.lower() == ".npy":
            import numpy as np

            header_of = {"descr": counts.dtype.str, "fortran_order": False, "shape": counts.shape}
            with target.open("wb") as file:  # not np.save, which does not notice that the disk is full
                np.lib.format.write_array_header_1_0(file, header_of)
                file.write(np.ascontiguousarray(counts).data)
            return
        with target.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=_TEXT_FORMS[path.suffix.lower()], lineterminator="\n")
            writer.writerow(header)
            step = 1 << 16
            for start in range(0, len(counts), step):
                columns = [label[start : start + step] for label in labels]
                rows = counts[start : start + step].tolist()
                writer.writerows([*names, *row] for *names, row in zip(*columns, rows, strict=True))


def _plot(path: Path, summary: Sequence[OrbitSummary]) -> None:
    from graphx.plot import plot_summary

    with atomic_file(path) as target:
        plot_summary(summary).savefig(target, format=path.suffix[1:].lower())


def _facts(oa: OrbitAdjacency) -> dict[str, int]:
    degrees = oa.graph.degrees()
    return {
        "num_nodes": oa.graph.num_nodes,
        "num_edges": oa.graph.num_edges,
        "num_triangles": oa.num_triangles,
        "num_wedges": int((degrees * (degrees - 1) // 2).sum()),
        "max_degree": oa.graph.max_degree,
    }


def _print_text(source: str, facts: dict[str, int], summary: Sequence[OrbitSummary], files: dict[str, Any]) -> None:
    from graphx.gradco.orbits import key_name

    nodes, edges, triangles, wedges, degree = (f"{number:,}" for number in facts.values())
    print(f"{source}: {nodes} nodes, {edges} edges, {triangles} triangles, {wedges} wedges, maximum degree {degree}")
    rows = [
        [
            key_name(line.key),
            f"G{line.graphlet.number} {line.graphlet.name}",
            *(f"{number:,}" for number in (line.num_nonzeros, line.total, line.maximum)),
        ]
        for line in summary
    ]
    if rows:
        print(f"\n{format_table(['key', 'graphlet', 'non-zeros', 'sum', 'maximum'], rows, left=2)}")
    if files:
        places = [place for value in files.values() for place in (value if isinstance(value, list) else [value])]
        print(f"\nwritten: {', '.join(places)}")


def _print_json(
    source: str, graph: Graph, facts: dict[str, int], summary: Sequence[OrbitSummary], files: dict[str, Any]
) -> None:
    from dataclasses import asdict

    import graphx
    from graphx.gradco.orbits import key_name

    matrices = [
        {
            "name": key_name(line.key),
            "key": line.key,
            "graphlet": f"G{line.graphlet.number} {line.graphlet.name}",
            "num_nonzeros": line.num_nonzeros,
            "sum": line.total,
            "maximum": line.maximum,
        }
        for line in summary
    ]
    result = {
        "graphx": graphx.__version__,
        "graph": {"source": source, **facts, "digest": graph.digest},
        "cleaning": asdict(graph.report),
        "matrices": matrices,
        "files": files,
    }
    print(json.dumps(result, indent=2))
