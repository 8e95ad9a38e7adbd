"""Do orbits tell more of node labels than edges do? F1 of FastRP over each orbit adjacency, and over all, per network.

In the manner of the GRADCO paper (embed one orbit adjacency at a time, classify nodes), with FastRP in the place of
their embedding: multinomial logistic regression on the standardised embedding, 50 % of the labelled nodes to train on,
stratified, 5 splits. 'learn' sees the labels of the training nodes only.

    python benchmarks/papers/orbit_fastrp.py [--networks NAMES] [--root FOLDER]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import numpy as np
import scipy
import sklearn
from _measure import BENCHMARKS, write_results
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedShuffleSplit

import graphx
from graphx import Graph
from graphx.fastrp import FastRP, OrbitFastRP
from graphx.gradco import ORBIT_KEYS, OrbitAdjacency
from graphx.gradco.orbits import key_name

NETWORKS = (
    "brazil-airports europe-airports usa-airports texas cornell wisconsin chameleon-filtered squirrel-filtered cora "
    "citeseer cora-ml amherst41"
)
RESULTS = BENCHMARKS / "results" / "orbit_fastrp_labels.json"
D, SPLITS = 128, 5


def network(name: str, root: str) -> tuple[Graph, np.ndarray]:
    """The undirected simple graph and its labels, -1 for unknown and for classes of fewer than 4 nodes."""
    data = graphx.data.load(name, root=root)
    u, v = data.edge_index.numpy()
    graph = Graph.from_edges(u, v, num_nodes=data.num_nodes, duplicates="merge", self_loops="drop")
    labels = data.y.numpy().astype(np.int64)
    for label in np.unique(labels[labels >= 0]):
        if np.count_nonzero(labels == label) < 4:
            labels[labels == label] = -1
    return graph, labels


def scores(x: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> tuple[float, float]:
    """Micro and macro F1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = LogisticRegression(C=0.1, max_iter=200).fit(x[train], y[train]).predict(x[test])
    return f1_score(y[test], found, average="micro"), f1_score(y[test], found, average="macro", zero_division=0)


def summary(pairs: list[tuple[float, float]]) -> dict[str, float]:
    """Means and standard deviations over splits."""
    micro, macro = zip(*pairs, strict=True)
    return {
        "micro": statistics.mean(micro),
        "micro_std": statistics.stdev(micro),
        "macro": statistics.mean(macro),
        "macro_std": statistics.stdev(macro),
    }


def run(name: str, root: str) -> dict[str, object]:
    """All methods on one network."""
    start = time.perf_counter()
    graph, labels = network(name, root)
    known = np.flatnonzero(labels >= 0)
    splits = [
        (known[a], known[b])
        for a, b in StratifiedShuffleSplit(SPLITS, train_size=0.5, random_state=0).split(known, labels[known])
    ]
    orbits = OrbitAdjacency(graph)
    each = OrbitFastRP("all", n_components=D, random_state=0).fit_transform(orbits)
    fixed = {
        "FastRP": FastRP(D, random_state=0).fit_transform(graph),
        "FastRP 896": FastRP(28 * 32, random_state=0).fit_transform(graph),
        "all orbits, sum": OrbitFastRP("all", "sum", n_components=D, random_state=0).fit_transform(orbits),
        "all orbits, concat 28 x 4": OrbitFastRP("all", n_components=4, random_state=0).fit_transform(orbits),
        "all orbits, concat 28 x 32": OrbitFastRP("all", n_components=32, random_state=0).fit_transform(orbits),
        "random vectors": np.random.default_rng(0).standard_normal((graph.num_nodes, D)),
    }
    methods = {method: summary([scores(x, labels, *split) for split in splits]) for method, x in fixed.items()}
    singles = {}
    for number, key in enumerate(ORBIT_KEYS):
        x = each[:, number * D : (number + 1) * D]
        singles[key_name(key)] = summary([scores(x, labels, *split) for split in splits])
    learned, weights = [], []
    for train, test in splits:
        seen = np.full_like(labels, -1)
        seen[train] = labels[train]
        model = OrbitFastRP("all", "learn", n_components=D, random_state=0).fit(orbits, seen)
        learned.append(scores(model.embedding_, labels, train, test))
        weights.append(model.orbit_weights_)
    methods["all orbits, learn"] = summary(learned)
    best = max(singles, key=lambda key: singles[key]["micro"])
    return {
        "num_nodes": graph.num_nodes,
        "num_edges": graph.num_edges,
        "labelled": int(known.size),
        "classes": int(np.unique(labels[known]).size),
        "methods": methods,
        "orbits": singles,
        "best_orbit": best,
        "learned_weights": {
            key_name(key): round(float(w), 4) for key, w in zip(ORBIT_KEYS, np.mean(weights, axis=0), strict=True)
        },
        "seconds": time.perf_counter() - start,
    }


def main() -> None:
    """Runs the networks one after another; every one is written as soon as it is done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default=NETWORKS.replace(" ", ","))
    parser.add_argument("--root", default=os.environ.get("GRAPHX_TEST_DATA"))
    arguments = parser.parse_args()
    versions = {"graphx": graphx.__version__, "numpy": np.__version__, "scipy": scipy.__version__}
    versions["scikit-learn"] = sklearn.__version__
    for name in arguments.networks.split(","):
        result = run(name, arguments.root)
        write_results(RESULTS, {name: result}, versions)
        print(f"{name}: {result['num_nodes']} nodes, {result['num_edges']} edges, {result['classes']} classes")
        table = {**result["methods"], f"best orbit {result['best_orbit']}": result["orbits"][result["best_orbit"]]}
        for method, found in table.items():
            print(f"  {method:28} micro {found['micro']:.3f} +- {found['micro_std']:.3f}  macro {found['macro']:.3f}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
