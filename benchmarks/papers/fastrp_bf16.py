"""What bfloat16 storage costs of F1: FastRP at d = 128 in both storages, the same seeds and splits.

    python benchmarks/papers/fastrp_bf16.py --data shared/data/multilabel

BlogCatalog, PPI and Wikipedia POS; the default weights; several seeds of the projection, five splits each, F1 as in
``graphx.fastrp.evaluate_labels`` at C = 0.1, the authors' (chosen anew for each embedding it may differ by a factor of
ten between two that hardly do, and F1 by .01 with it; --choose does so). The cost is the mean over seeds of float32's
F1 less bfloat16's at the same seed and splits, with its standard error. A graph is written when it is done.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from _measure import BENCHMARKS, write_results  # noqa: E402
from fastrp import DIM, TITLES, load  # noqa: E402

import graphx  # noqa: E402
from graphx.fastrp import FastRP, evaluate_labels  # noqa: E402
from graphx.graph import Graph  # noqa: E402

RESULTS = BENCHMARKS / "results" / "fastrp_bf16.json"
GRAPHS = ("ppi", "blogcatalog", "wikipedia")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder multilabel/")
    parser.add_argument("--graphs", nargs="+", default=GRAPHS, choices=GRAPHS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--ratio", type=float, default=0.1)
    parser.add_argument("--choose", action="store_true", help="C by an inner split, as evaluate_labels does by default")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    choice = {} if options.choose else {"C": (0.1,)}
    for name in options.graphs:
        A, labels = load(options.data, name)
        graph = Graph.from_scipy(A)
        scores: dict[str, list[tuple[float, float]]] = {"float32": [], "bfloat16": []}
        for seed in range(options.seeds):
            for storage, found in scores.items():
                made = FastRP(DIM, storage=storage, random_state=seed, num_threads=options.threads).fit_transform(graph)
                score = evaluate_labels(made, labels, train_ratios=[options.ratio], **choice)[0]
                found.append((score.micro, score.macro))
                print(f"{name} seed {seed} {storage}: {score}", flush=True)
        means = {storage: np.mean(found, axis=0) for storage, found in scores.items()}
        pairs = np.asarray(scores["float32"]) - np.asarray(scores["bfloat16"])  # [seeds, 2], the same seed in a row
        cost = pairs.mean(axis=0)
        error = pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs)) if len(pairs) > 1 else np.full(2, np.nan)
        told = [f"{c:+.4f} +- {e:.4f}" for c, e in zip(cost, error, strict=True)]
        print(f"{name}: bfloat16 costs {told[0]} of micro F1 and {told[1]} of macro F1", flush=True)
        row = {
            "": TITLES[name],
            **{f"{storage}, micro": f"{mean[0]:.4f}" for storage, mean in means.items()},
            **{f"{storage}, macro": f"{mean[1]:.4f}" for storage, mean in means.items()},
            "seeds": str(options.seeds),
            "costs of micro": told[0],
            "costs of macro": told[1],
        }
        facts = {
            "cost": list(cost),
            "standard_error": list(error),
            "dim": DIM,
            "C": "chosen" if options.choose else 0.1,
            "seeds": options.seeds,
            "train_ratio": options.ratio,
            "scores": scores,
        }
        write_results(RESULTS, {name: {"rows": [row], **facts}}, {"graphx": graphx.__version__})


if __name__ == "__main__":
    main()
