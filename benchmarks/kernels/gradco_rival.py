"""One measured count by the rival, `gradco`, in the interpreter that has it (numpy < 2). Started by gradco.py."""

from __future__ import annotations

import sys

import gradco
import numpy as np
import scipy.sparse as sp
from _measure import measured, report


def load(path: str) -> sp.csr_array:
    with np.load(path) as file:
        indptr, indices = file["indptr"], file["indices"]
    return sp.csr_array((np.ones(len(indices), dtype=np.int64), indices, indptr))


def main(task: str, path: str, save_to: str = "") -> None:
    adjacency = load(path)
    result: dict = {"nnz": 0, "version": "0.1.8", "numpy": np.__version__}
    kept = []
    with measured(result):
        counter = gradco.Counter(adjacency)
        counter.count()
        for hop, o1, o2, matrix in counter.generate_orbit_adjacencies():
            result["nnz"] += int(matrix.nnz)
            if task == "csr":
                kept.append((hop, o1, o2, matrix))
    if save_to:
        np.savez(save_to, **{f"{h}_{a}_{b}": matrix.toarray() for h, a, b, matrix in kept})
    report(result)


if __name__ == "__main__":
    main(*sys.argv[1:])
