"""What ``graphx linkpred`` does: the graph and its pairs in, a model, a table or JSON out."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from graphx._files import atomic_file
from graphx.cli.common import check_writable, format_table
from graphx.cli.linkpred import check_train
from graphx.cli.pairs import Given, places_of, read_pairs
from graphx.errors import InputError

if TYPE_CHECKING:
    from graphx.data.splits import LinkSplit
    from graphx.graph import Graph
    from graphx.nn.linkpred import LinkConfig

__all__ = ["evaluate", "predict", "train"]

_DEFAULTS: dict[str, Any] = {
    "hidden_channels": 128,
    "conv": "gcn",
    "dropout": 0.1,
    "predictor_dropout": 0.1,
    "encoder_lr": 0.005,
    "predictor_lr": 0.005,
    "metric": "auc",
}


def train(args: argparse.Namespace) -> None:
    """The command ``train``.

    Args:
        args: What was typed.

    Raises:
        InputError: A setting, a file or the graph.

    Example:
        >>> from graphx.cli.linkpred import build_parser
        >>> train(build_parser().parse_args(["train", "karate", "-o", "/nowhere/model"]))
        Traceback (most recent call last):
            ...
        graphx.errors.InputError: /nowhere/model: the folder /nowhere does not exist; make it first
    """
    check_train(args)
    config = _config(args)
    given = Given.read(args)
    from graphx.nn.linkpred import LinkTask, fit

    kind = {"kind": args.split, "val": args.val, "test": args.test, "seed": args.split_seed}
    split = _split(given.graph, kind)
    task = LinkTask.from_split(split, given.x, name=str(args.graph))
    if args.config is None and "batch_size" not in dict(args.set):
        config = config.replace(batch_size=min(max(task.train.size(1) // 10, 64), 65_536))
    told = (
        f"{args.graph}: {given.graph.num_nodes:,} nodes, {given.graph.num_edges:,} edges; "
        f"{'learned vectors' if given.x is None else f'{given.x.size(1)} features'}\n"
        f"{split.train.shape[1]:,} edges to learn from, {split.val.shape[1]:,} for validation, "
        f"{split.test.shape[1]:,} for testing, each with as many pairs that are no edges"
    )
    if not args.json:
        print(told, flush=True)
    seeds = range(args.seed, args.seed + args.runs)
    result = fit(task, config, seeds=seeds, checkpoint=args.checkpoint, device=args.device)
    about = {"graph": str(args.graph), "nodes": given.fingerprint, "split": kind, "split_of": split.digest}
    about["result"] = result.summary()
    result.model.save(args.output, overwrite=args.overwrite, about=about)
    if args.report is not None:
        result.write(args.report, graph=str(args.graph), config=config.as_dict())
    if args.json:
        runs = [{k: run[k] for k in ("seed", "valid", "test", "best_epoch", "epochs")} for run in result.runs]
        print(json.dumps({**result.summary(), "all": runs, "model": str(args.output)}, indent=1))
        return
    rows = [
        [str(run["seed"]), f"{run['best_epoch']} of {run['epochs']}", f"{run['valid']:.4f}", f"{run['test']:.4f}"]
        for run in result.runs
    ]
    print(format_table(["seed", "best epoch", f"valid {config.metric}", f"test {config.metric}"], rows, left=0))
    print(f"\n{result}\nwritten: {args.output}")


def evaluate(args: argparse.Namespace) -> None:
    """The command ``evaluate``.

    Args:
        args: What was typed.

    Raises:
        InputError: The model is of another graph, or the pairs overlap the edges it learned from.

    Example:
        >>> from graphx.cli.linkpred import build_parser
        >>> evaluate(build_parser().parse_args(["evaluate", "karate", "--model", "m", "--positives", "p.txt"]))
        Traceback (most recent call last):
            ...
        graphx.errors.InputError: --positives and --negatives come together; give both, or none for the model's split
    """
    if (args.positives is None) != (args.negatives is None):
        raise InputError("--positives and --negatives come together; give both, or none for the model's split")
    from graphx.nn.linkpred import EvaluationPairs, LinkModel, LinkTask
    from graphx.nn.linkpred._epoch import metric

    model = LinkModel.load(args.model)
    given = Given.read(args, model)
    split = _split(given.graph, model.about["split"])
    if split.digest != model.about.get("split_of"):
        raise InputError(
            f"{args.graph} has other edges than the graph of {args.model}, so that its hidden edges are not known; "
            "expected the same file, or use predict --pairs"
        )
    config = model.config if args.metric is None else model.config.replace(metric=args.metric)
    task = LinkTask.from_split(split, given.x)
    part = task.parts()[args.part]
    if args.positives is not None:
        pairs = [read_pairs(file, given.graph) for file in (args.positives, args.negatives)]
        part = EvaluationPairs(*pairs)
        task = LinkTask(task.graph, task.train, part, None, given.x)
    task.check_metric(config)
    model.to(args.device)
    task = task.to(args.device)
    part = EvaluationPairs(*(pairs.to(args.device) for pairs in part))
    scores = [model.predict(task.x, task.graph, side) for side in part]
    value = metric(config, *scores)
    counts = {"positives": part.positive.size(1), "negatives": part.negative.size(1)}
    if args.json:
        print(json.dumps({"metric": config.metric, "value": value, **counts}, indent=1))
    else:
        print(f"{config.metric} {value:.4f} ({counts['positives']:,} links, {counts['negatives']:,} pairs without)")


def predict(args: argparse.Namespace) -> None:
    """The command ``predict``.

    Args:
        args: What was typed.

    Raises:
        InputError: The model is of another graph, or a node is not in it.

    Example:
        >>> from graphx.cli.linkpred import build_parser
        >>> predict(build_parser().parse_args(["predict", "karate", "--model", "m", "-o", "links.doc"]))
        Traceback (most recent call last):
            ...
        graphx.errors.InputError: links.doc: the suffix names the form; expected one of: .csv .tsv
    """
    if args.output is not None:
        check_writable(args.output, (".csv", ".tsv"))
    if args.pairs is not None and args.nodes is not None:
        raise InputError("--pairs and --nodes cannot be combined; leave one out")
    import torch

    from graphx.nn.linkpred import LinkModel, as_adjacency

    model = LinkModel.load(args.model)
    given = Given.read(args, model)
    adjacency = as_adjacency(given.graph)
    device = args.device
    model.to(device)
    x = None if given.x is None else given.x.to(device)
    adjacency = adjacency.to(device)
    if args.pairs is not None:
        pairs = read_pairs(args.pairs, given.graph).to(device)
        logits = model.predict(x, adjacency, pairs)
    else:
        places = places_of(given.graph)
        chosen = range(given.graph.num_nodes) if args.nodes is None else [_place(places, n) for n in args.nodes]
        pairs, logits = model.topk(x, adjacency, torch.tensor(list(chosen), device=device), args.topk)
    names = given.graph.names
    shares = torch.sigmoid(logits).tolist()
    rows = []
    for u, v, p in zip(*pairs.tolist(), shares, strict=True):
        rows.append((str(u if names is None else names[u]), str(v if names is None else names[v]), p))
    _write(args, rows)


def _config(args: argparse.Namespace) -> LinkConfig:
    from graphx.nn.linkpred import LinkConfig
    from graphx.nn.linkpred.config import MODELS

    config = LinkConfig(**_DEFAULTS) if args.config is None else LinkConfig.from_file(args.config)
    changes = {} if args.model is None else dict(MODELS[args.model])
    changes |= {
        name: getattr(args, name) for name in ("epochs", "patience", "metric") if getattr(args, name) is not None
    }
    return config.replace(**{**changes, **dict(args.set)})


def _split(graph: Graph, kind: dict[str, Any]) -> LinkSplit:
    from graphx.data.splits import link_split, ncn_link_split

    if kind["kind"] == "ncn":
        return ncn_link_split(graph, seed=kind["seed"])
    return link_split(graph, val=kind["val"], test=kind["test"], seed=kind["seed"])


def _place(places: dict[str, int], name: str) -> int:
    if name not in places:
        raise InputError(f"--nodes: the graph has no node {name!r}")
    return places[name]


def _write(args: argparse.Namespace, rows: Sequence[tuple[str, str, float]]) -> None:
    header = ["source", "target", "probability"]
    if args.output is not None:
        with atomic_file(args.output) as target, target.open("w", newline="", encoding="utf-8") as file:
            _table(file, header, rows, "\t" if args.output.suffix.lower() == ".tsv" else ",")
    if args.json:
        print(json.dumps({"links": [dict(zip(header, row, strict=True)) for row in rows]}, indent=1))
    elif args.output is None:
        _table(sys.stdout, header, rows, ",")
    else:
        print(f"{len(rows):,} links\nwritten: {args.output}")


def _table(stream: Any, header: Sequence[str], rows: Sequence[tuple[str, str, float]], delimiter: str) -> None:
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows((u, v, f"{p:.6f}") for u, v, p in rows)
