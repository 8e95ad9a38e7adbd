"""Virgo and the other initialisations on deep networks without norm layers: slopes, accuracy and cost.

    python benchmarks/papers/virgo.py slopes
    python benchmarks/papers/virgo.py accuracy --sets cora --convs graph --depths 16 --inits kaiming diffusion --seeds 5
    python benchmarks/papers/virgo.py cost
    python benchmarks/papers/virgo.py tables          cells so far -> benchmarks/results/virgo.json

Accuracy is trained on processors, so the grid is bought cell by cell: each finished run is a line of
``benchmarks/results/virgo_cells.jsonl`` and is not run again. All methods have the same learning rates to choose from,
by their validation accuracy on the first seeds; the other seeds run at the chosen one. Networks are width 64 with
ReLU, no norm, dropout or skip; Adam, early stopping on validation. A chain of linear operators is trained with the
operators as sparse matrices and the operator times the features made once, which gives the same numbers as the PyG
model (asserted at the start of every run).
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

import torch  # noqa: E402
import torch_geometric  # noqa: E402
from _measure import write_results  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch_geometric.data import Data  # noqa: E402
from torch_geometric.nn import GATConv, GCNConv, GINConv, GraphConv, SAGEConv  # noqa: E402
from virgo_tasks import Labels, Links, load, task  # noqa: E402

from graphx.nn.init import kaiming_, lsuv_, virgo_, xavier_  # noqa: E402
from graphx.nn.init._trace import trace  # noqa: E402
from graphx.nn.init.report import log_slope  # noqa: E402

RESULTS = Path(__file__).resolve().parents[1] / "results"
CELLS = RESULTS / "virgo_cells.jsonl"
SLOPES = RESULTS / "virgo_slopes.jsonl"
WIDTH = 64
VIRGO = ("forward", "backward", "harmonic", "mean", "median", "diffusion")
INITS = ("xavier", "kaiming", "lsuv", *VIRGO)
NAMES = {"gcn": "GCN", "gin": "GIN", "graph": "GraphConv", "sagesum": "SAGE sum", "sage": "SAGE mean", "gat": "GAT"}


class Net(torch.nn.Module):
    """A chain of convs with ReLU between them."""

    def __init__(self, conv: str, inputs: int, outputs: int, depth: int) -> None:
        super().__init__()
        make = {
            "gcn": GCNConv,
            "gin": lambda i, o: GINConv(torch.nn.Linear(i, o)),
            "graph": GraphConv,
            "sagesum": lambda i, o: SAGEConv(i, o, aggr="sum"),
            "sage": SAGEConv,
            "gat": GATConv,
        }[conv]
        widths = [inputs, *[WIDTH] * (depth - 1), outputs]
        self.convs = torch.nn.ModuleList(make(i, o) for i, o in pairwise(widths))

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        for conv in self.convs[:-1]:
            x = conv(x, edge_index).relu()
        return self.convs[-1](x, edge_index)


def initialise(model: torch.nn.Module, data: Data, init: str, seed: int) -> None:
    """Biases zero for all, so that only the weights differ."""
    generator = torch.Generator().manual_seed(seed)
    baseline = {"xavier": xavier_, "kaiming": kaiming_, "lsuv": lsuv_}.get(init, kaiming_)
    baseline(model, data, generator=generator)
    if init in VIRGO:
        virgo_(model, data, mode=init, generator=generator)


class Product(torch.autograd.Function):
    """A sparse matrix times a dense one; the transpose is kept as CSR."""

    @staticmethod
    def forward(ctx: Any, matrix: Any, transposed: Any, h: torch.Tensor) -> torch.Tensor:
        ctx.transposed = transposed
        return matrix @ h

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[Any, ...]:
        return None, None, ctx.transposed @ gradient


class Chain:
    """The same function as a `Net` of linear operators, with the first product made once."""

    def __init__(self, model: Net, data: Data) -> None:
        layers = trace(model, data)
        x = data.x.to_sparse()
        own = [None if part.operator is None else part.operator.to(x.dtype) for part in layers[0].parts]
        pair = lambda m: (m.coalesce().to_sparse_csr(), m.t().coalesce().to_sparse_csr())  # noqa: E731
        self.operators = [None if m is None else pair(m) for m in own]
        self.inputs = [pair(x if m is None else torch.sparse.mm(m, x)) for m in own]
        self.weights = [[part.weight for part in layer.parts] for layer in layers]
        self.biases = [next(p for n, p in layer.module.named_parameters() if n.endswith("bias")) for layer in layers]

    def __call__(self, outputs: list[torch.Tensor] | None = None) -> torch.Tensor:
        """The output; those of all layers before their ReLU go to `outputs`."""
        h = None
        for weights, bias in zip(self.weights, self.biases, strict=True):
            if h is None:
                terms = [Product.apply(*pair, w.t()) for pair, w in zip(self.inputs, weights, strict=True)]
            else:
                h = h.relu()
                around = [h if pair is None else Product.apply(*pair, h) for pair in self.operators]
                terms = [a @ w.t() for a, w in zip(around, weights, strict=True)]
            h = sum(terms[1:], terms[0]) + bias
            if outputs is not None:
                outputs.append(h)
        return h


def run(goal: Labels | Links, conv: str, depth: int, init: str, lr: float, seed: int, options: Any) -> dict[str, Any]:
    """Train once; the test score at the best validation epoch."""
    torch.manual_seed(seed)
    data = goal.data
    model = Net(conv, data.x.size(1), goal.outputs, depth)
    initialise(model, data, init, seed)
    if conv == "gat":
        forward = lambda: model(data.x, data.edge_index)  # noqa: E731
    else:
        forward = Chain(model, data)
        with torch.no_grad():
            expected, found = model(data.x, data.edge_index), forward()
        scale = float(expected.abs().max())
        assert math.isfinite(scale)
        assert float((expected - found).abs().max()) <= 1e-4 * scale, "the chain is not the model"
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=5e-4)
    best = {"val": -1.0, "test": 0.0, "epoch": 0}
    for epoch in range(options.epochs):
        out = forward()
        val, test = goal.scores(out.detach())
        if val > best["val"]:
            best = {"val": val, "test": test, "epoch": epoch}
        elif epoch - best["epoch"] > options.patience:
            break
        loss = goal.loss(out)
        if not math.isfinite(float(loss.detach())):
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return best


def known() -> dict[tuple[Any, ...], dict[str, Any]]:
    lines = CELLS.read_text().splitlines() if CELLS.exists() else []
    cells = [json.loads(line) for line in lines]
    return {(c["set"], c["conv"], c["depth"], c["init"], c["lr"], c["seed"]): c for c in cells}


def accuracy(options: Any) -> None:
    """Learning rates on the first seeds, the chosen one on all."""
    for depth in options.depths:
        for name in options.sets:
            for conv in options.convs:
                for init in options.inits:
                    _cell(name, conv, depth, init, options)


def _cell(name: str, conv: str, depth: int, init: str, options: Any) -> None:
    def one(lr: float, seed: int) -> dict[str, Any]:
        key = (name, conv, depth, init, lr, seed)
        cells = known()
        if key in cells:
            return cells[key]
        start = time.process_time()
        result = run(task(name, options.data, seed), conv, depth, init, lr, seed, options)
        cell = dict(zip(("set", "conv", "depth", "init", "lr", "seed"), key, strict=True)) | result
        cell |= {"cpu_seconds": round(time.process_time() - start, 2), "epochs": options.epochs}
        with CELLS.open("a") as file:
            file.write(json.dumps(cell) + "\n")
        return cell

    picks = {lr: statistics.mean(one(lr, s)["val"] for s in range(options.pick)) for lr in options.lrs}
    lr = max(picks, key=picks.__getitem__)
    tests = [one(lr, seed)["test"] for seed in range(options.seeds)]
    spread = statistics.stdev(tests) if len(tests) > 1 else 0.0
    print(f"{name} {conv} {depth} {init}: {statistics.mean(tests):.3f} +- {spread:.3f} at {lr:g}", flush=True)


def slope(name: str, conv: str, depth: int, init: str, seed: int, options: Any) -> dict[str, Any]:
    """Slopes in float64 of mean squares over nodes and channels, of hidden layers.

    Backward for two losses: the cross-entropy of all labels at a uniform prediction, which is the one that the paper's
    formula is made for, and a linear one with independent random signs in every node.
    """
    data = load(name, options.data)
    torch.manual_seed(seed)
    model = Net(conv, data.x.size(1), int(data.y.max()) + 1, depth)
    initialise(model, data, init, seed)
    outputs: list[torch.Tensor] = []
    out = Chain(model.double(), Data(x=data.x.double(), edge_index=data.edge_index))(outputs)
    labels = 1 / out.size(1) - functional.one_hot(data.y, out.size(1)).double()
    mean_slope = lambda values: log_slope([float(v.square().mean()) for v in values])  # noqa: E731
    directions = {"random": torch.randn_like(out), "labels": labels}
    backward = {
        what: mean_slope(torch.autograd.grad((out * direction).sum() / out.numel() ** 0.5, outputs, retain_graph=True))
        for what, direction in directions.items()
    }
    ahead = [z.detach().square().mean(dim=1) for z in outputs]
    return {
        "forward": log_slope([float(z.mean()) for z in ahead]),
        "backward": backward["random"],
        "backward_labels": backward["labels"],
        "median": log_slope([float(z.median()) for z in ahead]),
        "low": log_slope([float(z.kthvalue(1 + len(z) // 20).values) for z in ahead]),
        "hubs": math.log10(float(ahead[-2].mean() / ahead[-2].median())),
    }


def slopes(options: Any) -> None:
    """Append the slopes that are missing."""
    done = {tuple(json.loads(line)["key"]) for line in SLOPES.read_text().splitlines()} if SLOPES.exists() else set()
    for name in options.sets:
        for conv in options.convs:
            for depth in options.depths:
                for init in options.inits:
                    for seed in range(options.seeds):
                        key = (name, conv, depth, init, seed)
                        if key not in done:
                            line = json.dumps({"key": key, **slope(*key, options)})
                            with SLOPES.open("a") as file:
                                file.write(line + "\n")


def cost(options: Any) -> None:
    """Seconds of virgo_ against one epoch of training of the same PyG model, medians of five."""
    rows = []
    for name in options.sets:
        data = load(name, options.data)
        for conv in options.convs:
            for depth in options.depths:
                model = Net(conv, data.x.size(1), int(data.y.max()) + 1, depth)
                optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

                def epoch(model: Net = model, data: Data = data, optimizer: Any = optimizer) -> None:
                    optimizer.zero_grad()
                    out = model(data.x, data.edge_index)
                    functional.cross_entropy(out[data.train], data.y[data.train]).backward()
                    optimizer.step()

                seconds = {"virgo": [], "epoch": [], "diffusion": []}
                for _ in range(options.seeds):
                    for what, work in (
                        ("virgo", lambda: virgo_(model, data)),  # noqa: B023
                        ("diffusion", lambda: virgo_(model, data, "diffusion")),  # noqa: B023
                        ("epoch", epoch),
                    ):
                        start = time.process_time()
                        work()
                        seconds[what].append(time.process_time() - start)
                medians = {what: statistics.median(values) for what, values in seconds.items()}
                rows.append(
                    {
                        "set": name,
                        "layer": NAMES[conv],
                        "depth": depth,
                        "virgo_, ms": 1000 * medians["virgo"],
                        "diffusion, ms": 1000 * medians["diffusion"],
                        "one epoch, ms": 1000 * medians["epoch"],
                        "virgo_ / epoch": medians["virgo"] / medians["epoch"],
                    }
                )
                print(rows[-1], flush=True)
    _write({"cost": {"title": "virgo_ against one epoch", "rows": rows, "note": "Processor time, one thread."}})


def _write(parts: dict[str, Any]) -> None:
    versions = {"torch": torch.__version__, "torch_geometric": torch_geometric.__version__}
    write_results(RESULTS / "virgo.json", parts, versions)


def tables(_options: Any) -> None:
    """What was run so far, as rows for the pages."""
    groups: dict[tuple[Any, ...], dict[float, dict[int, dict[str, Any]]]] = {}
    for (name, conv, depth, init, lr, seed), cell in known().items():
        groups.setdefault((name, conv, depth, init), {}).setdefault(lr, {})[seed] = cell
    found = {}
    for key, rates in groups.items():
        common = set.intersection(*(set(seeds) for seeds in rates.values()))
        if not common or len(rates) < 2:
            continue  # begun, not finished
        lr = max(rates, key=lambda r: statistics.mean(rates[r][s]["val"] for s in common))
        found[key] = (lr, [cell["test"] for cell in rates[lr].values()], sorted(rates, reverse=True))
    rows = []
    for (name, conv, depth, init), (lr, tests, tried) in sorted(found.items(), key=lambda item: _order(item[0])):
        mean, spread = statistics.mean(tests), statistics.stdev(tests) if len(tests) > 1 else None
        base = found.get((name, conv, depth, "kaiming"))
        sigmas = None
        if base and init != "kaiming" and len(tests) > 1 and len(base[1]) > 1:
            pooled = math.sqrt((statistics.variance(tests) + statistics.variance(base[1])) / 2)
            sigmas = (mean - statistics.mean(base[1])) / pooled
        rows.append(
            {
                "set": name,
                "layer": NAMES[conv],
                "depth": depth,
                "initialisation": init,
                "test": f"{mean:.3f}" + (f" ± {spread:.3f}" if spread is not None else ""),
                "seeds": len(tests),
                "rate": f"{lr:g}",
                "rates tried": ", ".join(f"{r:g}" for r in tried),
                "over Kaiming, deviations": None if sigmas is None else f"{sigmas:+.1f}",
            }
        )
    parts = {"accuracy": {"title": "Accuracy of deep networks without norm layers", "rows": rows}} if rows else {}
    if SLOPES.exists():
        parts |= _slope_tables([json.loads(line) for line in SLOPES.read_text().splitlines()])
    _write(parts)


def _order(key: tuple[Any, ...]) -> tuple[Any, ...]:
    name, conv, depth, init = key
    return conv, depth, name, INITS.index(init)


def _slope_tables(lines: list[dict[str, Any]]) -> dict[str, Any]:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for line in lines:
        groups.setdefault(tuple(line["key"][:4]), []).append(line)
    mean = lambda key, what: statistics.mean(line[what] for line in groups[key])  # noqa: E731
    rows = []
    for key in sorted(groups, key=_order):
        name, conv, depth, init = key
        base = (name, conv, depth, "kaiming")
        row = {
            "set": name,
            "layer": NAMES[conv],
            "depth": depth,
            "initialisation": init,
            "forward": f"{mean(key, 'forward'):+.3f}",
            "backward, labels": f"{mean(key, 'backward_labels'):+.3f}",
            "backward, random": f"{mean(key, 'backward'):+.3f}",
            "median node": f"{mean(key, 'median'):+.3f}",
            "5 % node": f"{mean(key, 'low'):+.3f}",
            "mean over median, decades": f"{mean(key, 'hubs'):.1f}",
            "seeds": len(groups[key]),
        }
        if conv != "gcn" and base in groups and init != "kaiming":
            if init != "lsuv":  # which is flat by construction
                row["times flatter, forward"] = round(abs(mean(base, "forward") / mean(key, "forward")), 1)
            for what, field in (("labels", "backward_labels"), ("random", "backward")):
                row[f"times flatter, {what}"] = round(abs(mean(base, field) / mean(key, field)), 1)
        rows.append((conv == "gcn", row))
    sums = [row for normalised, row in rows if not normalised]
    gcn = [row for normalised, row in rows if normalised]
    title = "Slopes of log10 mean squares a layer"
    return {
        "slopes-gcn": {"title": f"{title}, normalised operators", "rows": gcn},
        "slopes-sum": {"title": f"{title}, sum operators", "rows": sums},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["slopes", "accuracy", "cost", "tables"])
    parser.add_argument("--data", default=str(Path(__file__).resolve().parents[3] / "shared" / "data"))
    parser.add_argument("--sets", nargs="+", default=["cora", "citeseer", "pubmed", "chameleon-filtered", "actor"])
    parser.add_argument("--convs", nargs="+", default=["graph", "gin", "gcn", "sage", "gat"])
    parser.add_argument("--depths", nargs="+", type=int, default=[2, 4, 8, 16, 32])
    parser.add_argument("--inits", nargs="+", choices=INITS, default=list(INITS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--pick", type=int, default=2, help="seeds that choose the learning rate")
    parser.add_argument("--lrs", nargs="+", type=float, default=[3e-3, 1e-3, 3e-4])
    parser.add_argument("--epochs", type=int, default=120)
    parser.add_argument("--patience", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(1)
    {"accuracy": accuracy, "slopes": slopes, "cost": cost, "tables": tables}[options.part](options)


if __name__ == "__main__":
    main()
