"""One rival embeds one graph, in a process of its own: ``fastrp_rivals.py METHOD GRAPH.npz OUT.npy DIM``.

Runs in the rivals' interpreter, which needs: scikit-network nodevectors pycleora fastrp scikit-learn.
"""

from __future__ import annotations

import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import scipy.sparse as sp
from _measure import peak_bytes, report

SEED = 42


def spectral(A: Any, dim: int) -> Any:
    from sknetwork.embedding import Spectral

    return Spectral(dim).fit_transform(A)


def gsvd(A: Any, dim: int) -> Any:
    from sknetwork.embedding import GSVD

    return GSVD(dim).fit_transform(A)


def prone(A: Any, dim: int) -> Any:
    from nodevectors import ProNE

    np.random.seed(SEED)
    return ProNE(n_components=dim, verbose=False).fit_transform(A)


def cleora(A: Any, dim: int) -> Any:
    """Its defaults: 40 iterations, whitened. It wants edges as text and numbers nodes as it meets them."""
    from pycleora import SparseMatrix, embed

    upper = sp.triu(A, 1).tocoo()
    edges = (f"{u} {v}" for u, v in zip(upper.row.tolist(), upper.col.tolist(), strict=True))
    graph = SparseMatrix.from_iterator(edges, "complex::reflexive::node")
    found = embed(graph, feature_dim=dim, num_iterations=40, whiten=True, seed=SEED)
    rows = np.array([int(name) for name in graph.entity_ids])
    assert len(rows) == np.count_nonzero(np.diff(A.indptr)), "it has read another number of nodes"
    out = np.zeros((A.shape[0], found.shape[1]), np.float32)
    out[rows] = found
    return out


def rust_fastrp(A: Any, dim: int) -> Any:
    """Hops 3 and 4 of four; its first weight belongs to no hop."""
    from fastrp import FastRP

    return FastRP(dim=dim, weights=[0.0, 0.0, 0.0, 1.0, 1.0], seed=SEED).fit_transform(A)


def authors_fastrp(A: Any, dim: int) -> Any:
    """The authors' steps, transcribed with scikit-learn; weights and beta are what they found on BlogCatalog."""
    from sklearn.preprocessing import normalize, scale
    from sklearn.random_projection import SparseRandomProjection

    n, degrees = A.shape[0], np.asarray(A.sum(1)).ravel()
    inverse = np.divide(1, degrees, out=np.zeros(n), where=degrees > 0)
    powers = np.where(degrees > 0, np.maximum(degrees, 1) ** -0.64, 0)
    walk = sp.diags(inverse) @ A
    projection = SparseRandomProjection(dim, density=1 / np.sqrt(n), random_state=SEED).fit(sp.csr_matrix((1, n)))
    states = [(walk @ (sp.diags(powers) @ projection.components_.T.tocsr())).toarray()]
    for _ in range(3):
        states.append(walk @ states[-1])
    return scale(sum(w * normalize(u) for w, u in zip((0, 0, 1, 6.67), states, strict=True)))


METHODS = {
    "spectral": (spectral, "scikit-network"),
    "gsvd": (gsvd, "scikit-network"),
    "prone": (prone, "nodevectors"),
    "cleora": (cleora, "pycleora"),
    "fastrp_rs": (rust_fastrp, "fastrp"),
    "authors": (authors_fastrp, "scikit-learn"),
}


def main() -> None:
    method, graph, target, dim = sys.argv[1:5]
    run, package = METHODS[method]
    A = sp.csr_matrix(sp.load_npz(graph)).astype(np.float64)
    start, cpu = time.perf_counter(), time.process_time()
    found = np.asarray(run(A, int(dim)), np.float32)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    assert found.shape == (A.shape[0], int(dim)), found.shape
    np.save(target, found)
    report(
        {"seconds": seconds, "cpu_seconds": cpu, "peak_bytes": peak_bytes(), "version": f"{package} {version(package)}"}
    )


if __name__ == "__main__":
    main()
