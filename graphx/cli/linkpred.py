"""``python -m graphx.linkpred train | evaluate | predict``: which links are missing in a graph."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graphx.cli.common import execute, positive_int
from graphx.cli.options import (
    add_graph,
    add_shared,
    add_table,
    make_parser,
    share,
    whole_number,
)
from graphx.cli.reading import add_reading_options
from graphx.errors import InputError

__all__ = ["build_parser", "main"]

_DESCRIPTION = """\
Learn which nodes of a graph should be linked, and find the links that are missing.

GRAPH is a data set known by name (python -m graphx.data list) or a file with an edge a line, "u v"; node
names may be any words. A graph without features gets a learned vector for each node; --features takes a
.npy with a row for each node in the graph's order.

  train     hides a part of the edges, learns from the others, and tells how well it finds the hidden ones
  evaluate  scores the hidden edges of a trained model again, or pairs of your own
  predict   the most probable missing links of some nodes or of all, or the scores of given pairs"""

_EPILOG = """\
examples:
  python -m graphx.linkpred train friends.txt -o friends.model
  python -m graphx.linkpred train friends.txt -o friends.model --model ncnc --runs 5 --set hidden_channels=64
  python -m graphx.linkpred train Cora -o cora.model --split ncn --config cora.json --checkpoint cora.state
  python -m graphx.linkpred evaluate friends.txt --model friends.model --metric hits@50
  python -m graphx.linkpred predict friends.txt --model friends.model --topk 10 --nodes ann bob -o links.csv

exit codes:
  0    done
  2    the graph, a pair, an option or a file; one line on stderr says what to do
  130  interrupted by Ctrl-C; with --checkpoint the same command goes on from the last epoch"""

_MODELS = {
    "gae": "only what the two ends are",
    "gae-cn": "and how many common neighbours they have",
    "gae-cat-cn": "the same number, beside what the ends are",
    "gae-cnc": "and how many are probably common",
    "ncn": "and what the common neighbours are (default)",
    "ncnc": "and neighbours that are probably common",
    "ncnc2": "the same, completed twice",
    "ncn2": "and what is common within two steps",
    "ncn-diff": "and the neighbours of one end only",
    "cn2": "and what is common within one and two steps, learned apart",
}


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command.

    Returns:
        An ``argparse`` parser that needs no numerical package.

    Example:
        >>> build_parser().parse_args(["train", "karate", "-o", "karate.model", "--epochs", "5"]).epochs
        5
    """
    parser = make_parser("linkpred", "train | evaluate | predict  GRAPH [options]", _DESCRIPTION, _EPILOG)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", prog=parser.prog)

    def command(name: str, text: str, arguments: str) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            allow_abbrev=False,
            usage=f"python -m graphx.linkpred {name} GRAPH {arguments} [options]",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        add_graph(made.add_argument)
        return made

    train = command("train", "learn from a part of the edges, tell how well the others are found", "-o DIR")
    evaluate = command("evaluate", "tell how well a trained model finds hidden edges, or given ones", "--model DIR")
    predict = command("predict", "find missing links, or score given pairs", "--model DIR")
    _add_train(train)
    for one in (evaluate, predict):
        one.add_argument("--model", metavar="DIR", type=Path, required=True, help="what train wrote")
    add = evaluate.add_argument
    add("--metric", metavar="NAME", help="hits@K, mrr or auc (default: that of the training)")
    add("--part", choices=("valid", "test"), default="test", help="of the split of the training (default: test)")
    add("--positives", metavar="FILE", type=Path, help="pairs of your own that are links, one 'u v' a line")
    add("--negatives", metavar="FILE", type=Path, help="pairs of your own that are none")
    add = predict.add_argument
    add("--topk", metavar="K", type=positive_int, default=10, help="links for each node (default: 10)")
    add("--nodes", metavar="NODE", nargs="+", help="only for these (default: all)")
    add("--pairs", metavar="FILE", type=Path, help="score these pairs instead, one 'u v' a line")
    add_table(add)
    for one in (train, evaluate, predict):
        add = one.add_argument
        add("--features", metavar="FILE", help="a .npy [N, F], or 'none' to learn vectors where there are features")
        add_shared(add, "--root")
        add("--undirected", action="store_true", help="take every edge of a directed graph in both directions")
        add_reading_options(add, weights=False, exact=False)
        add("--device", metavar="NAME", default="cpu", help="cpu (default) or cuda")
        add_shared(add, "--json")
    return parser


def _add_train(train: argparse.ArgumentParser) -> None:
    add = train.add_argument
    add("-o", "--output", metavar="DIR", type=Path, required=True, help="the folder for the model")
    add("--overwrite", action="store_true", help="replace the folder when it is there")
    lines = "; ".join(f"{name}: {text}" for name, text in _MODELS.items())
    add("--model", choices=list(_MODELS), help=f"what is looked at. {lines}")
    add("--config", metavar="FILE", type=Path, help="settings as JSON, the fields of graphx.nn.linkpred.LinkConfig")
    add(
        "--set",
        metavar="NAME=VALUE",
        type=_setting,
        nargs="+",
        action="extend",
        default=[],
        help="single settings (batch_size: a tenth of the edges, 64 to 65,536, without --config)",
    )
    add("--epochs", metavar="N", type=positive_int, help="passes over the edges (default: 100)")
    add("--patience", metavar="N", type=positive_int, help="stop after so many epochs without a better validation")
    add("--metric", metavar="NAME", help="what validation goes by: hits@K, mrr or auc (default: auc)")
    add("--split", choices=("link", "ncn"), default="link", help="shares as below (default), or the NCN paper's")
    add(
        "--val",
        metavar="SHARE",
        type=share(none=False),
        default=0.1,
        help="of the edges, for validation (default: 0.1)",
    )
    add("--test", metavar="SHARE", type=share(none=False), default=0.2, help="of the edges, for testing (default: 0.2)")
    add("--split-seed", metavar="N", type=whole_number(), default=0, help="fixes which edges are hidden (default: 0)")
    add("--seed", metavar="N", type=whole_number(), default=0, help="of the first run (default: 0)")
    add("--runs", metavar="N", type=positive_int, default=1, help="runs with seeds from --seed on (default: 1)")
    add_shared(add, "--checkpoint")
    add("--report", metavar="FILE", type=Path, help="write all runs and their epochs as .json")


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``graphx linkpred``.

    Args:
        argv: The arguments; None takes them from the command line.

    Returns:
        The exit code: 0, 2 after an error told in one line on stderr, 130 after Ctrl-C.

    Example:
        >>> main(["predict", "karate", "--model", "nowhere"])
        2
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    return execute(parser.prog, lambda: _run(arguments))


def _run(args: argparse.Namespace) -> None:
    from graphx.cli import linkpred_run

    {"train": linkpred_run.train, "evaluate": linkpred_run.evaluate, "predict": linkpred_run.predict}[args.command](
        args
    )


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, such as hidden_channels=64")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, {"True": True, "False": False, "None": None}.get(value, value)


def check_train(args: argparse.Namespace) -> None:
    """Refuse what would fail only after the training.

    Args:
        args: What was typed.

    Raises:
        InputError: A destination that is there or whose folder is not.

    Example:
        >>> check_train(argparse.Namespace(output=Path("/m"), overwrite=False, report=Path("r.doc"), checkpoint=None))
        Traceback (most recent call last):
            ...
        graphx.errors.InputError: r.doc: the suffix names the form; expected one of: .json
    """
    from graphx.cli.common import check_parent, check_writable

    check_parent(args.output)
    if args.output.exists() and not args.overwrite:
        raise InputError(f"{args.output} exists; pass --overwrite to replace it, or give -o another name")
    if args.report is not None:
        check_writable(args.report, (".json",))
    if args.checkpoint is not None:
        check_parent(args.checkpoint)
        if args.checkpoint.resolve() == args.output.resolve():
            raise InputError("--checkpoint and -o are the same folder; give one of them another name")
