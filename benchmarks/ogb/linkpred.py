"""Link prediction on OGB by the leaderboard's rules: official split and evaluator, ten seeds, unbiased deviation.

    python benchmarks/ogb/linkpred.py --dataset ogbl-ddi --model ncn --runs 10 --device cuda
    python benchmarks/ogb/linkpred.py --dataset ogbl-collab --model ncnc --epochs 2 --runs 1      a short look
    torchrun --nproc-per-node 2 benchmarks/ogb/linkpred.py --dataset ogbl-collab --model ncn      two processes
    python benchmarks/ogb/linkpred.py --dataset my/submission_ogbl_mine --config ogbl-collab --model ncn

The settings are the authors', one file a data set in ``benchmarks/configs/linkpred``; ``--set`` changes single ones.
What is printed at the end can be pasted into a leaderboard's form. A run that is stopped goes on from ``--checkpoint``
to the same metrics. NCNC on ogbl-ddi and ogbl-citation2 starts from a trained NCN: run NCN with ``--save DIR`` first
and give the folder to ``--initial``.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

import torch  # noqa: E402
from _linkpred import MODELS, settings  # noqa: E402
from _measure import machine  # noqa: E402
from torch import Tensor  # noqa: E402

import graphx  # noqa: E402
from graphx._files import atomic_file  # noqa: E402
from graphx.data import OGBDataset, load_ogb  # noqa: E402
from graphx.errors import GraphXError, InputError  # noqa: E402
from graphx.nn.linkpred import EvaluationPairs, FitResult, LinkConfig, LinkModel, LinkTask, as_adjacency, fit  # noqa: E402

OVERLAPS = {
    "ogbl-collab": "people who wrote together before the split's year do so again",
    "ogbl-citation2": "a few papers cite each other, and directions are not kept",
}


def task_of(dataset: OGBDataset, *, valid_edges_in_test: bool) -> LinkTask:
    """The task of an OGB data set: training edges in both directions as the graph, pairs as the split has them."""
    data = dataset.data
    train, _ = dataset.pairs("train")
    parts = {name: EvaluationPairs(*(_rows(pairs) for pairs in dataset.pairs(name))) for name in ("valid", "test")}
    x = None if data.get("x") is None else data.x.float()
    test_graph = None
    if valid_edges_in_test:
        test_graph = _graph(torch.cat((_rows(train), parts["valid"].positive), dim=1), data.num_nodes)
    return LinkTask(
        _graph(_rows(train), data.num_nodes),
        _rows(train),
        parts["valid"],
        parts["test"],
        x,
        test_graph,
        name=dataset.name,
        allow_overlap=dataset.name in OVERLAPS,
    )


def _rows(pairs: Tensor | None) -> Tensor:
    """``[P, 2]`` and ``[P, K, 2]`` as ``[2, P]`` and ``[2, P, K]``."""
    assert pairs is not None
    return pairs.movedim(-1, 0).long().contiguous()


def _graph(edges: Tensor, num_nodes: int) -> Any:
    return as_adjacency(torch.cat((edges, edges.flip(0)), dim=1), num_nodes=num_nodes)


def official(dataset: OGBDataset, task: LinkTask, model: LinkModel, part: str) -> float:
    """A part's metric by OGB's own evaluator."""
    graph = task.test_graph if part == "test" and task.test_graph is not None else task.graph
    scores = []
    for pairs in task.parts()[part]:
        flat = model.predict(task.x, graph, pairs.reshape(2, -1))
        scores.append(flat.reshape(pairs.shape[1:]).cpu())
    return dataset.evaluate(*scores)[dataset.metric]


def block(told: dict[str, Any]) -> str:
    """What a leaderboard's form asks for."""

    def spread(part: str) -> str:
        deviation = told[part]["std"]
        return f"{told[part]['mean']:.4f} ± " + ("(one run)" if deviation is None else f"{deviation:.4f}")

    lines = {
        "Dataset": told["dataset"],
        "Method": f"{told['method']} (graphx {told['graphx']})",
        f"Test {told['metric']}": spread("test"),
        f"Validation {told['metric']}": spread("valid"),
        "Runs": f"{told['runs']}, seeds {told['seeds'][0]}..{told['seeds'][-1]}, unbiased standard deviation",
        "#Params": f"{told['num_parameters']:,}",
        "Hardware": told["hardware"],
        "Official package": f"ogb {told['ogb']}, torch {told['torch']}",
        "Paper": "https://arxiv.org/abs/2302.00890",
        "Command": told["command"],
    }
    width = max(map(len, lines))
    return "\n".join(f"{name.ljust(width)}  {text}" for name, text in lines.items())


def hardware(device: str) -> str:
    known = machine()
    cpu = f"{known['cpu']}, {known['cores']} cores, {known['memory_gib']} GiB"
    if not device.startswith("cuda"):
        return cpu
    card = torch.cuda.get_device_properties(device)
    return f"{card.name} ({card.total_memory / 2**30:.0f} GiB), {cpu}"


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Trains all runs; what there is to tell."""
    dataset = load_ogb(options.dataset, options.root)
    if dataset.kind != "link":
        raise InputError(f"{dataset.name} is a {dataset.kind} prediction data set; expected one of links, ogbl-...")
    config, file = settings(options.config or dataset.name, options.model)
    changes = {} if options.epochs is None else {"epochs": options.epochs}
    config = config.replace(**{**changes, **dict(options.set)}, metric=dataset.metric.lower())
    task = task_of(dataset, valid_edges_in_test=(options.config or dataset.name) == "ogbl-collab")
    first = options.rank == 0
    if first:
        print(f"{task}\nsettings: {file.name}, {config}", flush=True)
        if dataset.name in OVERLAPS:
            print(f"note: the official split of {dataset.name} overlaps, as {OVERLAPS[dataset.name]}", flush=True)
    seeds = list(range(options.seed, options.seed + options.runs))
    result = fit(
        task,
        config,
        seeds=seeds,
        checkpoint=options.checkpoint,
        initial=None if options.initial is None else LinkModel.load(options.initial),
        device=options.device,
        progress=None if first else False,
    )
    return _told(options, dataset, task, config, result) if first else {}


def _told(
    options: argparse.Namespace, dataset: OGBDataset, task: LinkTask, config: LinkConfig, result: FitResult
) -> dict[str, Any]:
    import ogb

    best = max(result.runs, key=lambda run: run["valid"])
    model, moved = result.model.to(options.device), task.to(options.device)
    found = {part: official(dataset, moved, model, part) for part in ("valid", "test")}
    for part, value in found.items():
        assert abs(value - best[part]) < 1e-3, f"OGB's evaluator says {value} for {part}, ours {best[part]}"
    if options.save is not None:
        model.save(options.save, overwrite=True, about={"dataset": dataset.name, "seed": best["seed"]})
    return {
        "dataset": dataset.name,
        "method": options.model.upper(),
        "seeds": [run["seed"] for run in result.runs],
        **result.summary(),
        "official_of_best_run": found,
        "graphx": graphx.__version__,
        "ogb": ogb.__version__,
        "torch": torch.__version__,
        "processes": options.world,
        "hardware": hardware(options.device),
        "command": "python benchmarks/ogb/linkpred.py " + shlex.join(options.typed),
        "config": config.as_dict(),
        "all": result.runs,
    }


def _setting(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def main(typed: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--dataset", required=True, help="ogbl-ddi, ogbl-collab, ogbl-ppa, ogbl-citation2, or a DatasetSaver folder")
    add("--model", default="ncn", choices=list(MODELS))
    add("--runs", type=int, default=10)
    add("--seed", type=int, default=0, help="of the first run")
    add("--epochs", type=int, help="other than the settings'")
    add("--config", help="take the settings of this data set")
    add("--set", type=_setting, nargs="+", action="extend", default=[], metavar="NAME=VALUE")
    add("--root", help="the folder of the data sets")
    add("--device", default="cpu")
    add("--threads", type=int)
    add("--checkpoint", type=Path, help="a folder; go on from here after a stop")
    add("--initial", type=Path, help="a folder of --save; start from this model")
    add("--save", type=Path, help="a folder for the best run's model")
    add("--output", type=Path, help="a .json for everything")
    options = parser.parse_args(typed)
    options.typed = sys.argv[1:] if typed is None else typed
    options.rank, options.world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    if options.world > 1:
        if options.device == "cuda":
            options.device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.distributed.init_process_group("nccl" if options.device.startswith("cuda") else "gloo")
    try:
        told = run(options)
    except GraphXError as error:
        print(f"linkpred: error: {error}", file=sys.stderr)
        return 2
    finally:
        if options.world > 1:
            torch.distributed.destroy_process_group()
    if told:
        if options.output is not None:
            with atomic_file(options.output) as target:
                target.write_text(json.dumps(told, indent=1) + "\n")
        print(f"\n{block(told)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
