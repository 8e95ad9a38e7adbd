"""Labels read off embeddings of 128 numbers: ours against its rivals, all at the same dimension.

    python benchmarks/papers/fastrp.py --data shared/data/multilabel --rivals rivals/bin/python --cache /tmp/embeddings

BlogCatalog, PPI, Wikipedia POS and DBLP; 10 % and 50 % of the labelled nodes to train; five splits, the same for all;
C by an inner split; F1 as in ``graphx.fastrp.evaluate_labels``. Embeddings are kept in --cache and found there again.
A result is written after each method, so an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.io
import scipy.sparse as sp
from _measure import BENCHMARKS, ChildError, run_child, write_results

import graphx
from graphx.fastrp import FastRP, evaluate_labels
from graphx.graph import Graph

RESULTS = BENCHMARKS / "results" / "fastrp_quality.json"
DIM = 128
GRAPHS = ("blogcatalog", "ppi", "wikipedia", "dblp")
FILES = {"ppi": "prone_ppi/PPI", "wikipedia": "prone_wikipedia/wikipedia", "dblp": "prone_dblp/dblp"}
TITLES = {"blogcatalog": "BlogCatalog", "ppi": "PPI", "wikipedia": "Wikipedia POS", "dblp": "DBLP"}
OURS: dict[str, dict[str, Any]] = {
    "graphx FastRP": {},
    "graphx FastRP(oversample=4)": {"oversample": 4},
    "graphx FastRP(refine=3)": {"refine": 3},
    "graphx FastRP(refine=8)": {"refine": 8},
    'graphx FastRP(refine=8, spectrum="positive")': {"refine": 8, "spectrum": "positive"},
}
RIVALS = {
    "scikit-network Spectral": "spectral",
    "scikit-network GSVD": "gsvd",
    "nodevectors ProNE": "prone",
    "pycleora (40 iterations, whitened)": "cleora",
    "fastrp (Rust), hops 3 and 4": "fastrp_rs",
    "authors' FastRP (transcribed)": "authors",
}


def load(folder: Path, name: str) -> tuple[sp.csr_matrix, npt.NDArray[np.bool_]]:
    """The adjacency, without loops and weights, and the labels ``[N, L]``."""
    if name == "blogcatalog":
        raw = scipy.io.loadmat(folder / "blogcatalog" / "blogcatalog.mat")
        A, labels = sp.csr_matrix(raw["network"]), raw["group"].toarray() > 0
    else:
        edges = np.loadtxt(folder / f"{FILES[name]}.ungraph", dtype=np.int64)
        lines = (folder / f"{FILES[name]}.cmty").read_text().splitlines()
        members = [np.array(line.split(), dtype=np.int64) for line in lines if line.strip()]
        n = 1 + max(edges.max(), *(nodes.max() for nodes in members))
        A = sp.csr_matrix((np.ones(len(edges)), edges.T), shape=(n, n))
        A, labels = A + A.T, np.zeros((n, len(members)), dtype=bool)
        for label, nodes in enumerate(members):
            labels[nodes, label] = True
    A.setdiag(0)
    A.eliminate_zeros()
    A.data[:] = 1
    A.sort_indices()
    return A.astype(np.float32), labels


def embedding(method: str, name: str, A: sp.csr_matrix, options: argparse.Namespace) -> npt.NDArray[np.float32] | None:
    """From the cache, or made; None where a rival is not to be had."""
    key = RIVALS.get(method) or "ours_" + "_".join(f"{k}{v}" for k, v in OURS[method].items())
    place = options.cache / f"{name}_{key}.npy"
    if place.exists():
        return np.load(place)
    if method in OURS:
        start = time.perf_counter()
        found = FastRP(DIM, random_state=0, num_threads=options.threads, **OURS[method]).fit_transform(
            Graph.from_scipy(A)
        )
        print(f"  {method}: {time.perf_counter() - start:.1f} s")
        np.save(place, found)
        return found
    if not options.rivals:
        print(f"  {method}: no --rivals, left out")
        return None
    graph = options.cache / f"{name}.npz"
    sp.save_npz(graph, A)
    try:
        done = run_child(options.rivals, BENCHMARKS / "papers" / "fastrp_rivals.py", RIVALS[method], graph, place, DIM)
    except ChildError as error:
        print(f"  {method}: {error}")
        return None
    print(f"  {method}: {done['seconds']:.1f} s ({done['version']})")
    return np.load(place)


def rows_of(scores: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    """A row for each method, micro and macro F1 in per cent with the standard deviation of the splits."""
    rows = []
    for method, by_ratio in scores.items():
        row = {"method": method}
        for ratio in ("0.1", "0.5"):
            for measure in ("micro", "macro"):
                score = by_ratio.get(ratio)
                text = f"{100 * score[measure]:.1f} ± {100 * score[measure + '_std']:.1f}" if score else "-"
                row[f"{measure} F1, {100 * float(ratio):.0f} % train"] = text
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder multilabel/")
    parser.add_argument("--rivals", help="a Python that has the rivals' packages")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--graphs", nargs="+", default=GRAPHS, choices=GRAPHS)
    parser.add_argument("--ratios", nargs="+", type=float, default=(0.1, 0.5))
    parser.add_argument("--methods", nargs="+", default=(*OURS, *RIVALS))
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    for name in options.graphs:
        A, labels = load(options.data, name)
        print(f"{name}: {A.shape[0]} nodes, {A.nnz // 2} edges, {labels.shape[1]} labels", flush=True)
        for method in options.methods:
            known = json.loads(RESULTS.read_text()).get(name, {}) if RESULTS.exists() else {}
            scores = {**known.get("scores", {})}
            todo = [ratio for ratio in options.ratios if str(ratio) not in scores.get(method, {})]
            found = embedding(method, name, A, options) if todo else None
            if found is None:
                continue
            for score in evaluate_labels(found, labels, train_ratios=todo):
                print(f"  {method:40s} {score}", flush=True)
                row = {k: getattr(score, k) for k in ("micro", "micro_std", "macro", "macro_std")}
                scores.setdefault(method, {})[str(score.train_ratio)] = {**row, "C": list(score.C)}
            facts = {"num_nodes": A.shape[0], "num_edges": A.nnz // 2, "num_labels": labels.shape[1], "dim": DIM}
            versions = {"graphx": graphx.__version__, "numpy": np.__version__}
            table = {"title": TITLES[name], "rows": rows_of(scores)}
            write_results(RESULTS, {name: {**facts, **table, "scores": scores}}, versions)


if __name__ == "__main__":
    main()
