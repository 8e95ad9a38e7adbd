"""``python -m graphx.zeroshot --graph GRAPH --labels ...``: classify the nodes of a text graph that has no labels."""

from __future__ import annotations

import argparse
import csv
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphx._files import atomic_file
from graphx.cli.common import Progress, check_parent, check_writable, execute, format_table, positive_int, tell
from graphx.cli.options import add_shared, add_table, make_parser, whole_number
from graphx.cli.reading import in_words_of_the_command
from graphx.errors import GraphXError, InputError

if TYPE_CHECKING:
    from graphx.nn.hyperbolic.h4g import H4G

__all__ = ["build_parser", "main"]

_DESCRIPTION = """\
Classify the nodes of a text graph by the names of the classes, without any label.

GRAPH is the name of a text graph below --root, $GRAPHX_DATA or the user's cache, or a folder with
nodes.jsonl.gz (a line {"text": ..., "label": null} for each node), edges.tsv.gz and meta.json.

The model H4G is fitted to the texts and edges of the graph itself, or with --source to other text
graphs that have labels, and then reads each node's class from its text, its neighbours and all
nodes together. A table node,label,probability goes to stdout, or with -o to a file."""

_EPILOG = """\
examples:
  python -m graphx.zeroshot --graph citeseer --labels databases agents "machine learning" -o labels.csv
  python -m graphx.zeroshot --graph pages/ --labels student faculty course --kind "university web page" -o out.csv
  python -m graphx.zeroshot --graph pages/ --source citeseer --save pages.h4g -o out.csv
  python -m graphx.zeroshot --graph more-pages/ --labels student faculty --model pages.h4g -o more.csv

exit codes:
  0    done
  2    the graph, a label, an option or a file; one line on stderr says what to do
  130  interrupted by Ctrl-C; every file is there whole or not at all"""

_STEPS = 100


_HINTS = {
    "pass a callable as encoder": "name a function of your own: --encoder MODULE:FUNCTION",
    "pass root=": "give --root DIR",
}


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command.

    Returns:
        An ``argparse`` parser that needs no numerical package.

    Example:
        >>> build_parser().parse_args(["--graph", "pages", "--labels", "cats", "dogs"]).labels
        ['cats', 'dogs']
    """
    usage = "--graph NAME_OR_FOLDER --labels LABEL LABEL ... [options]"
    parser = make_parser("zeroshot", usage, _DESCRIPTION, _EPILOG)
    add = parser.add_argument
    add("--graph", metavar="NAME_OR_FOLDER", required=True, help="the text graph")
    add(
        "--labels",
        metavar="LABEL",
        nargs="+",
        help="the names of at least two classes (default: those in the meta.json of the graph)",
    )
    add("--kind", metavar="WORDS", default="text", help="what a node is, such as 'web page' (default: text)")
    add_table(add, ", a summary to stdout")
    add("--source", metavar="NAME", action="append", default=[], help="learn from a labelled text graph; repeatable")
    add("--model", metavar="DIR", type=Path, help="use a model that --save wrote, and fit nothing")
    add("--save", metavar="DIR", type=Path, help="save the fitted model")
    add("--overwrite", action="store_true", help="let --save replace a model that is there")
    add_shared(add, "--checkpoint")
    add("--steps", metavar="N", type=positive_int, default=_STEPS, help=f"steps of training (default: {_STEPS})")
    add("--seed", metavar="N", type=whole_number(), default=0, help="fixes the result (default: 0)")
    add(
        "--encoder",
        metavar="NAME",
        default="minilm",
        help="minilm (default), or MODULE:FUNCTION, a function from a list of texts to vectors",
    )
    add("--root", metavar="DIR", help="the folder that holds text/<name>")
    add("--evaluate", action="store_true", help="print the accuracy on stderr, where the graph has labels of its own")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``graphx zeroshot``.

    Args:
        argv: The arguments; None takes them from the command line.

    Returns:
        The exit code: 0, 2 after an error told in one line on stderr, 130 after Ctrl-C.

    Example:
        >>> main(["--graph", ".", "--labels", "alone"])
        2
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    return execute(parser.prog, lambda: _in_words(arguments))


def _in_words(args: argparse.Namespace) -> None:
    try:
        _run(args)
    except GraphXError as error:
        raise type(error)(in_words_of_the_command(str(error), _HINTS)) from error


def _run(args: argparse.Namespace) -> None:
    _check(args)
    encoder = _encoder(args.encoder)
    from graphx.data.text import load_text_graph, read_text_graph
    from graphx.nn.hyperbolic.prompts import label_prompts

    read_text_graph(args.graph, args.root)  # refused before torch is loaded
    data = load_text_graph(args.graph, args.root, encoder=None)
    names = args.labels or data.label_text
    if len(names) < 2:
        raise InputError(f"{args.graph} names {len(names)} classes; expected at least two: pass --labels")
    prompts = label_prompts(names, args.kind)
    if args.evaluate:
        _check_truth(args, data, names)
    with Progress() as progress:
        model = _model(args, encoder, data, progress)
        shares = model.predict_proba(data, prompts)
    if args.save is not None:
        model.save(args.save, overwrite=args.overwrite)
    best = shares.max(dim=1)
    rows = [(node, names[k], f"{p:.4f}") for node, (k, p) in enumerate(zip(best.indices, best.values, strict=True))]
    if args.output is None:
        _table(sys.stdout, rows, ",")
    else:
        with atomic_file(args.output) as target, target.open("w", newline="", encoding="utf-8") as file:
            _table(file, rows, "\t" if args.output.suffix.lower() == ".tsv" else ",")
        _summary(args, names, best)
    if args.evaluate:
        _evaluate(data, names, best.indices)


def _check(args: argparse.Namespace) -> None:
    """Refuse what would fail only after the fit."""
    if args.labels is not None:
        if len(args.labels) < 2:
            raise InputError(f"--labels names {len(args.labels)} class; expected at least two to choose from")
        if len(set(args.labels)) < len(args.labels) or not all(label.strip() for label in args.labels):
            raise InputError("--labels names a class twice, or with no name; expected different names")
    if args.output is not None:
        check_writable(args.output, (".csv", ".tsv"))
    if args.model is not None and (args.source or args.save or args.checkpoint):
        raise InputError("--model fits nothing, so that --source, --save and --checkpoint have no use; leave them out")
    if args.save is not None:
        check_parent(args.save)
        if args.save.exists() and not args.overwrite:
            raise InputError(f"{args.save} exists; pass --overwrite to replace it, or give --save another name")


def _encoder(name: str) -> Any:
    if name == "minilm":
        return name
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"--encoder {name}: {error}; expected minilm or MODULE:FUNCTION") from error
    if not callable(found):
        raise InputError(f"--encoder {name} is no function; expected one from a list of texts to vectors")
    return found


def _model(args: argparse.Namespace, encoder: Any, data: Any, progress: Progress) -> H4G:
    from graphx.data.text import load_text_graph
    from graphx.nn.hyperbolic.h4g import H4G

    if args.model is not None:
        model = H4G.load(args.model, encoder if callable(encoder) else None)
        model.progress = progress.report
        return model
    model = H4G(encoder, steps=args.steps, random_state=args.seed, progress=progress.report)
    sources = [load_text_graph(name, args.root, encoder=None) for name in args.source]
    return model.fit(sources or [data], labels=bool(sources), checkpoint=args.checkpoint)


def _table(stream: Any, rows: Sequence[tuple[Any, ...]], delimiter: str) -> None:
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["node", "label", "probability"])
    writer.writerows(rows)


def _summary(args: argparse.Namespace, names: Sequence[str], best: Any) -> None:
    counts = best.indices.bincount(minlength=len(names)).tolist()
    sums = [float(best.values[best.indices == k].mean()) if count else 0.0 for k, count in enumerate(counts)]
    rows = [[name, f"{count:,}", f"{mean:.2f}"] for name, count, mean in zip(names, counts, sums, strict=True)]
    print(format_table(["label", "nodes", "mean probability"], rows, left=1))
    print(f"\nwritten: {args.output}")


def _check_truth(args: argparse.Namespace, data: Any, names: Sequence[str]) -> None:
    unknown = [name for name in data.label_text if name not in names]
    if unknown or not bool((data.y >= 0).any()):
        why = f"its label {unknown[0]!r} is not among --labels" if unknown else "it has no labels"
        raise InputError(f"{args.graph} cannot be evaluated: {why}; leave --evaluate out")


def _evaluate(data: Any, names: Sequence[str], predicted: Any) -> None:
    known = data.y >= 0
    place = data.y.new_tensor([list(names).index(name) for name in data.label_text])
    truth = place[data.y[known]]
    right = (predicted[known] == truth).double()
    classes = [float(right[truth == k].mean()) for k in truth.unique()]
    tell(
        f"graphx zeroshot: accuracy {100 * float(right.mean()):.1f} %, macro {100 * sum(classes) / len(classes):.1f} % "
        f"over {int(known.sum()):,} nodes with labels"
    )
