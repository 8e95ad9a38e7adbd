"""OrbitFastRP: two communities that edges do not show, but triangles do.

    python examples/orbit_embedding.py

Edges inside a community come as triangles, edges between the two come alone, and there are as many of these. Averages
over edges mix the communities; averages over the orbit adjacency 1_3_3, which counts the triangles on an edge, keep
them apart.
"""

import numpy as np

from graphx import Graph
from graphx.fastrp import FastRP, OrbitFastRP, evaluate_labels

WEIGHTS = (0, 0, 1, 1, 1, 1)  # of hop 1 to 6: communities are wide


def triangle_communities(size: int = 1000, triangles: int = 1200, seed: int = 0) -> tuple[Graph, np.ndarray]:
    """Random triangles inside each half, and as many random edges across as there are edges inside."""
    rng = np.random.default_rng(seed)
    edges = []
    for first in (0, size):
        for _ in range(triangles):
            a, b, c = first + rng.choice(size, 3, replace=False)
            edges += [(a, b), (b, c), (c, a)]
    across = rng.integers(size, size=(len(edges), 2)) + [0, size]
    sources, targets = np.concatenate([edges, across]).T
    return Graph.from_edges(sources, targets, duplicates="merge"), np.repeat([0, 1], size)


def main() -> dict[str, float]:
    graph, communities = triangle_communities()
    found = {}
    for name, model in {
        "edges": FastRP(32, iteration_weights=WEIGHTS, random_state=0),
        "triangles": OrbitFastRP([(1, 3, 3)], n_components=32, iteration_weights=WEIGHTS, random_state=0),
    }.items():
        score = evaluate_labels(model.fit_transform(graph), communities, train_ratios=[0.5], n_splits=3)[0]
        found[name] = score.micro
        print(f"averages over {name:10s} {score}")
    return found


if __name__ == "__main__":
    main()
