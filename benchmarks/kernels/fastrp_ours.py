"""The graphx side of fastrp.py: one task in a process of its own."""

from __future__ import annotations

import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from _measure import measured, report

from graphx.data import load_graph, synthetic
from graphx.fastrp import FastRP, _engine
from graphx.graph import Graph

WEIGHTS = (0, 0, 1, 1)


def graph_of(path: str) -> Graph:
    with np.load(path) as arrays:
        return Graph._trusted(arrays["indptr"], arrays["indices"])


def make(nodes: int, path: str) -> dict[str, Any]:
    graph = synthetic.power_law(nodes, average_degree=20.0, seed=0)
    np.savez(path, indptr=graph.indptr, indices=graph.indices)
    return {"num_nodes": graph.num_nodes, "num_edges": graph.num_edges, "max_degree": graph.max_degree}


def embed(path: str, storage: str, threads: int, save: str = "") -> dict[str, Any]:
    graph = graph_of(path)
    model = FastRP(
        128, iteration_weights=WEIGHTS, storage=storage, standardize=False, random_state=0, num_threads=threads
    )
    result: dict[str, Any] = {}
    with measured(result):
        Z = model.fit_transform(graph)
    if save:
        np.save(save, Z)
    return result


def same_by_scipy(path: str, threads: int) -> dict[str, Any]:
    """The same numbers by scipy, float32, from the same random projection; the largest difference is told."""
    from scipy.sparse import csr_array, diags_array

    graph = graph_of(path)
    n = graph.num_nodes
    ones = np.ones(graph.indices.size, np.float32)
    A = csr_array((ones, graph.indices, graph.indptr.astype(np.int32)), shape=(n, n))
    R = _engine.sparse_projection(n, 128, "very_sparse", 0, num_nodes=n, num_threads=threads)
    result: dict[str, Any] = {}
    with measured(result):
        degrees = np.maximum(graph.degrees(), 1).astype(np.float32)
        M = diags_array(1 / degrees).tocsr().astype(np.float32) @ A
        U = (M @ csr_array((R.values, R.columns, R.indptr), shape=(n, 128))).toarray()
        total = np.zeros_like(U)
        for weight in WEIGHTS[1:]:
            U = M @ U
            if weight:
                norms = np.linalg.norm(U, axis=1, keepdims=True)
                total += np.divide(U, norms, out=np.zeros_like(U), where=norms > 0)
    Z = FastRP(128, iteration_weights=WEIGHTS, standardize=False, random_state=0, num_threads=threads).fit_transform(
        graph
    )
    result["largest_difference"] = float(np.abs(Z - total).max())
    return result


def stream_bandwidth(threads: int) -> float:
    """GB/s of a[i] = b[i] + c[i] over 3 x 512 MB, best of five."""
    a, b, c = (np.ones(2**27, np.float32) for _ in range(3))
    cuts = [2**27 * k // threads for k in range(threads + 1)]
    best = np.inf
    for _ in range(5):
        parts = [slice(cuts[k], cuts[k + 1]) for k in range(threads)]
        workers = [threading.Thread(target=lambda s=s: np.add(b[s], c[s], out=a[s])) for s in parts]
        start = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        best = min(best, time.perf_counter() - start)
    return 3 * 2**29 / best / 1e9


def hop(path: str, storage: str, threads: int) -> dict[str, Any]:
    graph = graph_of(path)
    walk = _engine.walk_of(graph)
    n = graph.num_nodes
    before, after = (_engine.empty_state(n, 128, storage) for _ in range(2))
    one = 1 if storage == "float32" else 0x3F80  # bits of bfloat16; those of tiny numbers would take longer
    before.fill(one)
    after.fill(one)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        _engine.propagate(walk, before, after, num_threads=threads)
        seconds.append(time.perf_counter() - start)
    size = before.itemsize * 128
    moved = (graph.indices.size + n) * size + graph.indices.nbytes + graph.indptr.nbytes
    del before, after
    bandwidth = stream_bandwidth(threads)
    best = min(seconds)
    return {
        "seconds": statistics.median(seconds),
        "best_seconds": best,
        "bytes_moved": moved,
        "gigabytes_per_second": moved / best / 1e9,
        "stream_gigabytes_per_second": bandwidth,
        "share_of_stream": moved / best / 1e9 / bandwidth,
    }


def write_text(path: str, text: str) -> dict[str, Any]:
    from graphx import _core

    graph = graph_of(path)
    rows = np.repeat(np.arange(graph.num_nodes), graph.degrees())
    keep = rows < graph.indices
    Path(text).write_bytes(_core.edgelist_format(rows[keep], graph.indices[keep].astype(np.int64), " "))
    return {"bytes": Path(text).stat().st_size}


def pipeline(text: str, storage: str, threads: int, out: str) -> dict[str, Any]:
    """Edge list to a saved .npy, and the embedding's share of it."""
    from graphx._files import atomic_file

    result: dict[str, Any] = {}
    with measured(result):
        start = time.perf_counter()
        graph = load_graph(text)
        loaded = time.perf_counter()
        model = FastRP(
            128, iteration_weights=WEIGHTS, storage=storage, standardize=False, random_state=0, num_threads=threads
        )
        Z = model.fit_transform(graph)
        embedded = time.perf_counter()
        with atomic_file(out) as target:
            np.save(target, Z)
        saved = time.perf_counter()
    return {
        **result,
        "load_seconds": loaded - start,
        "embed_seconds": embedded - loaded,
        "save_seconds": saved - embedded,
        "times_the_embedding": (saved - start) / (embedded - loaded),
    }


def huge(folder: str, storage: str, threads: int) -> dict[str, Any]:
    """10 million nodes, 100 million edges, the graph mapped from its file."""
    path = Path(folder) / "huge.graph"
    if not path.exists():
        synthetic.power_law(10_000_000, average_degree=20.0, seed=0).save(path)
    graph = Graph.open(path)
    result: dict[str, Any] = {}
    with measured(result):
        FastRP(128, iteration_weights=WEIGHTS, storage=storage, random_state=0, num_threads=threads).fit(graph)
    return {**result, "num_nodes": graph.num_nodes, "entries": graph.indices.size}


if __name__ == "__main__":
    task, *arguments = sys.argv[1:]
    if task == "make":
        report(make(int(arguments[0]), arguments[1]))
    elif task == "embed":
        report(embed(arguments[0], arguments[1], int(arguments[2]), *arguments[3:]))
    elif task == "scipy":
        report(same_by_scipy(arguments[0], int(arguments[1])))
    elif task == "hop":
        report(hop(arguments[0], arguments[1], int(arguments[2])))
    elif task == "text":
        report(write_text(arguments[0], arguments[1]))
    elif task == "pipeline":
        report(pipeline(arguments[0], arguments[1], int(arguments[2]), arguments[3]))
    elif task == "huge":
        report(huge(arguments[0], arguments[1], int(arguments[2])))
