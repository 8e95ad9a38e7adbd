"""One measured run of graphx. Started by gradco.py: TASK GRAPH.npz THREADS [SAVE_TO]."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import scipy.sparse.linalg  # noqa: F401 - imported before the measured region, as the rival imports it
from _measure import measured, peak_bytes, report

from graphx.data import load_graph
from graphx.data.synthetic import barabasi_albert
from graphx.gradco import ORBIT_KEYS, OrbitAdjacency
from graphx.graph import Graph

HOP1 = [key for key in ORBIT_KEYS if key[0] == 1]


def make(source: str, path: str) -> None:
    """Writes the CSR of `ba:NODES` (10 edges a node) or of an edge list."""
    graph = barabasi_albert(int(source[3:]), 10, seed=1) if source.startswith("ba:") else load_graph(source)
    np.savez(path, indptr=graph.indptr, indices=graph.indices)
    report({"num_nodes": graph.num_nodes, "num_edges": graph.num_edges, "max_degree": graph.max_degree})


def load(path: str) -> Graph:
    with np.load(path) as file:
        return Graph(file["indptr"], file["indices"])


def distinct_bytes(arrays: list[np.ndarray]) -> int:
    """Bytes of the arrays, each once: matrices share their patterns."""
    return sum({a.__array_interface__["data"][0]: a.nbytes for a in arrays if a.size}.values())


def csr(graph: Graph, threads: int, result: dict) -> dict[str, np.ndarray]:
    with measured(result):
        made = OrbitAdjacency(graph, num_threads=threads).to_csr()
    result["nnz"] = sum(int(m.nnz) for m in made.values())
    result["bytes"] = distinct_bytes([part for m in made.values() for part in (m.indptr, m.indices, m.data)])
    if graph.num_nodes > 2000:
        return {}
    return {"_".join(map(str, key)): m.toarray() for key, m in made.items()}


def _stream(orbits: OrbitAdjacency, result: dict, keys: list | None = None) -> None:
    entries = written = 0
    for block in orbits.iter_blocks(keys):
        parts = [block.arrays(key) for key in block]
        entries += sum(len(values) for _, _, values in parts)
        written += sum(array.nbytes for arrays in parts for array in arrays)  # a block shares nothing
        del block, parts
    result["nnz"], result["bytes"] = entries, written


def stream(graph: Graph, threads: int, result: dict) -> dict[str, np.ndarray]:
    with measured(result):
        _stream(OrbitAdjacency(graph, num_threads=threads), result)
    return {}


def degrees(graph: Graph, threads: int, result: dict) -> dict[str, np.ndarray]:
    with measured(result):
        orbits = OrbitAdjacency(graph, num_threads=threads)
        node, edge = orbits.graphlet_degrees(), orbits.edge_graphlet_degrees()
    return {"node": node, "edge": edge}


def million(graph: Graph, threads: int, result: dict) -> dict[str, np.ndarray]:
    """All 19 hop-1 matrices as a stream, then node and edge degrees."""
    with measured(result):
        orbits = OrbitAdjacency(graph, num_threads=threads)
        start = time.perf_counter()
        orbits.graphlet_degrees()
        result["degrees_seconds"] = time.perf_counter() - start
        _stream(orbits, result, HOP1)
        result["matrices_peak_bytes"] = peak_bytes()
        result["edge_bytes"] = orbits.edge_graphlet_degrees().nbytes
    return {}


def operator(graph: Graph, threads: int, result: dict) -> dict[str, np.ndarray]:
    """[3]4_4 @ X against A @ X, 128 columns of float32; the first product also counts what it needs."""
    x = np.random.default_rng(0).standard_normal((graph.num_nodes, 128), dtype=np.float32)

    def best(work: Callable[[], object]) -> float:
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - start)
        return float(np.median(seconds))

    with measured(result):
        orbits = OrbitAdjacency(graph, num_threads=threads)
        start = time.perf_counter()
        orbits.operator(3, 4, 4) @ x
        result["first_product_seconds"] = time.perf_counter() - start
    result["adjacency_seconds"] = best(lambda: orbits.operator(1, 0, 0) @ x)
    result["product_seconds"] = best(lambda: orbits.operator(3, 4, 4) @ x)
    return {}


TASKS: dict[str, Callable[[Graph, int, dict], dict[str, np.ndarray]]] = {
    task.__name__: task for task in (csr, stream, degrees, million, operator)
}


def main(task: str, source: str, threads: str, save_to: str = "") -> None:
    if task == "make":
        make(source, save_to)
        return
    result: dict = {}
    made = TASKS[task](load(source), int(threads), result)
    if save_to:
        np.savez(save_to, **made)
    report(result)


if __name__ == "__main__":
    main(*sys.argv[1:])
