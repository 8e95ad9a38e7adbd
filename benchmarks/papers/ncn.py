"""NCN and NCNC on Cora, CiteSeer and PubMed: the paper's split and settings, ten seeds, mean and unbiased std.

    python benchmarks/papers/ncn.py run --sets cora citeseer pubmed --models ncn ncnc --seeds 10 --data DIR
    python benchmarks/papers/ncn.py epochs --data DIR        seconds of whole epochs and where they go
    python benchmarks/papers/ncn.py tables                   cells so far -> benchmarks/results/ncn.json

Each finished run is a line of ``benchmarks/results/ncn_cells.jsonl`` and is not run again; one that is stopped goes
on from its last epoch, which lies in ``--checkpoints``. The splits are :func:`graphx.data.splits.ncn_link_split`, the
settings ``benchmarks/configs/linkpred/*.json``, which are the authors'.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

import torch  # noqa: E402
import torch_geometric  # noqa: E402
from _linkpred import MODELS, settings  # noqa: E402
from _measure import write_results  # noqa: E402

import graphx  # noqa: E402
from graphx.data.splits import ncn_link_split  # noqa: E402
from graphx.nn.linkpred import LinkConfig, LinkTask, Step, fit  # noqa: E402

RESULTS = Path(__file__).resolve().parents[1] / "results"
CELLS = RESULTS / "ncn_cells.jsonl"
NAMES = {"cora": "Cora", "citeseer": "CiteSeer", "pubmed": "PubMed"}
PAPER = {
    ("cora", "ncn"): (89.05, 0.96),
    ("cora", "ncnc"): (89.65, 1.36),
    ("citeseer", "ncn"): (91.56, 1.43),
    ("citeseer", "ncnc"): (93.47, 0.95),
    ("pubmed", "ncn"): (79.05, 1.16),
    ("pubmed", "ncnc"): (81.29, 0.95),
}


def task_of(name: str, seed: int, root: str) -> LinkTask:
    """The task of one seed."""
    data = graphx.data.load(NAMES[name], root=root)
    data = torch_geometric.transforms.RemoveSelfLoops()(data)
    return LinkTask.from_split(ncn_link_split(data, seed=seed), data.x, name=NAMES[name])


def known() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CELLS.read_text().splitlines()] if CELLS.exists() else []


def run(options: argparse.Namespace) -> None:
    """Runs the cells that are missing."""
    for name in options.sets:
        for model in options.models:
            config, _ = settings(name, model)
            config = config.replace(epochs=options.epochs or config.epochs)
            for seed in range(options.seeds):
                key = {"set": name, "model": model, "seed": seed, "variant": options.variant}
                if not any(all(cell[k] == v for k, v in key.items()) for cell in known()):
                    _cell(key, config, options)


def _cell(key: dict[str, Any], config: LinkConfig, options: argparse.Namespace) -> None:
    task = task_of(key["set"], key["seed"], options.data)
    folder = Path(options.checkpoints) / "-".join(map(str, key.values()))
    folder.parent.mkdir(parents=True, exist_ok=True)
    start = time.process_time()
    result = fit(task, config, seeds=[key["seed"]], checkpoint=folder, checkpoint_every=5, progress=_told(options))
    (found,) = result.runs
    cell = {**key, "valid": found["valid"], "test": found["test"], "best_epoch": found["best_epoch"]}
    cell |= {"epochs": found["epochs"], "num_parameters": result.num_parameters}
    cell["cpu_seconds"] = round(time.process_time() - start, 1)
    with CELLS.open("a") as file:
        file.write(json.dumps(cell) + "\n")
    print(cell, flush=True)


def _told(options: argparse.Namespace) -> Any:
    def tell(step: Step) -> None:
        if step.batch == step.batches and step.epoch % 10 == 0:
            print(f"epoch {step.epoch}: loss {step.loss:.4f}, valid {step.valid}, best {step.best}", flush=True)

    return tell if options.verbose else None


def tables(_: argparse.Namespace) -> None:
    """Means and unbiased standard deviations of what is there."""
    rows = []
    for (name, model), (mean, std) in PAPER.items():
        tests = [
            100 * c["test"]
            for c in known()
            if (c["set"], c["model"], c["variant"]) == (name, model, "paper") and c["seed"] < 10
        ]
        row: dict[str, Any] = {"data": NAMES[name], "model": model.upper(), "runs": len(tests)}
        if tests:
            spread = f" ± {statistics.stdev(tests):.2f}" if len(tests) > 1 else ""
            row["Hits@100, test"] = f"{statistics.mean(tests):.2f}{spread}"
        else:
            row["Hits@100, test"] = "not run"
        rows.append({**row, "paper": f"{mean:.2f} ± {std:.2f}"})
    part = {
        "title": "Hits@100 in %, the paper's split protocol and settings",
        "rows": rows,
        "note": "Mean and unbiased standard deviation over seeds 0, 1, ...; the test at the best validation epoch.",
    }
    versions = {name: str(module.__version__) for name, module in (("torch", torch), ("pyg", torch_geometric))}
    write_results(RESULTS / "ncn.json", {"quality": part}, versions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "tables"])
    parser.add_argument("--sets", nargs="+", default=list(NAMES), choices=list(NAMES))
    parser.add_argument("--models", nargs="+", default=["ncn", "ncnc"], choices=list(MODELS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, help="other than the paper's; goes with --variant")
    parser.add_argument("--variant", default="paper", help="a name for the lines of other settings")
    parser.add_argument("--data", help="the folder of the data sets")
    parser.add_argument("--checkpoints", default=Path(tempfile.gettempdir()) / "graphx-ncn")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    {"run": run, "tables": tables}[options.what](options)


if __name__ == "__main__":
    main()
