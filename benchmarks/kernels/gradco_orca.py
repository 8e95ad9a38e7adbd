"""One measured count by ORCA, as PyPI's `orbit-count` compiles it. Started by gradco.py.

`compiled` is its extension alone on a ready array of edges; `public` is its documented call, which also turns a
networkx graph into that array. PyPI's `orca-graphlets` is ORCA ported to pure Python, hundreds of times slower.
"""

from __future__ import annotations

import sys

import networkx as nx
import numpy as np
import orbit_count
from _measure import measured, report
from orbit_count._orca import motif_counts


def load(path: str) -> tuple[int, np.ndarray]:
    with np.load(path) as file:
        indptr, indices = file["indptr"], file["indices"]
    sources = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    upper = sources < indices
    return len(indptr) - 1, np.stack([sources[upper], indices[upper]], axis=1).astype(int)


def main(task: str, path: str, save_to: str = "") -> None:
    num_nodes, edges = load(path)
    result: dict = {}
    if task == "compiled":
        with measured(result):
            node = motif_counts("node", 4, num_nodes, edges)
            edge = motif_counts("edge", 4, num_nodes, edges)
    else:
        graph = nx.Graph()
        graph.add_nodes_from(range(num_nodes))
        graph.add_edges_from(map(tuple, edges.tolist()))
        with measured(result):
            node = orbit_count.node_orbit_counts(graph)
            edge = orbit_count.edge_orbit_counts(graph)
    if save_to:
        np.savez(save_to, node=node, edge=edge)
    report(result)


if __name__ == "__main__":
    main(*sys.argv[1:])
