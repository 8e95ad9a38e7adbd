"""FastRP in dense float64 numpy, as its formulas read; random numbers one by one in Python integers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

Matrix = npt.NDArray[np.float64]

MASK = 2**64 - 1
GAMMA = 0x9E3779B97F4A7C15


def mixed(z: int) -> int:
    """The finaliser of SplitMix64."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def bits(seed: int, node: int, column: int) -> int:
    """32 bits that depend on the three numbers only."""
    key = mixed(mixed((seed + GAMMA) & MASK) ^ mixed((node * GAMMA + 0x632BE59BD9B4E019) & MASK))
    pair = mixed((key + (column // 2 + 1) * GAMMA) & MASK)
    return pair >> 32 if column % 2 else pair & 0xFFFFFFFF


def projection(nodes: Sequence[int], d: int, kind: str, seed: int, num_nodes: int) -> Matrix:
    """R, ``[len(nodes), d]``."""
    density = {"very_sparse": 1 / max(1.0, float(np.sqrt(num_nodes))), "sparse": 1 / 3, "gaussian": 0.0}[kind]
    half = round(density * 2**31)
    R = np.zeros((len(nodes), d))
    for i, node in enumerate(nodes):
        for j in range(d):
            x = bits(seed, node, j)
            if kind == "gaussian":
                R[i, j] = ndtri((x + 0.5) / 2**32) / np.sqrt(d)
            elif x < 2 * half:
                R[i, j] = (1 if x < half else -1) / np.sqrt(density * d)
    return R


def unit_rows(U: Matrix) -> Matrix:
    norms = np.linalg.norm(U, axis=1, keepdims=True)
    return np.divide(U, norms, out=np.zeros_like(U), where=norms > 0)


def averages(A: Matrix, edges: npt.NDArray[np.bool_], convention: str) -> Matrix:
    """D^-1 A; ``edges`` says which entries are there, as one may have the weight 0."""
    D = A.sum(1) if convention == "paper" else edges.sum(1)
    return np.divide(A, D[:, None], out=np.zeros_like(A), where=D[:, None] > 0)


def states(
    A: Matrix, edges: npt.NDArray[np.bool_], R: Matrix, hops: int, convention: str, strength: float
) -> list[Matrix]:
    """U_0, ..., U_hops."""
    D = A.sum(1) if convention == "paper" else edges.sum(1).astype(float)
    made = [np.where(D > 0, D, 1.0)[:, None] ** strength * R]
    M = averages(A, edges, convention)
    for _ in range(hops):
        made.append(M @ made[-1])
    return made


def merged(U: Sequence[Matrix], weights: Sequence[float], *, normalize: bool) -> Matrix:
    """The weighted sum, U_0 first."""
    return np.sum([w * (unit_rows(u) if normalize else u) for w, u in zip(weights, U, strict=True)], axis=0)


def standardized(Z: Matrix) -> Matrix:
    deviation = Z.std(0)
    return (Z - Z.mean(0)) / np.where(deviation <= 1e-6 * np.abs(Z.mean(0)), 1.0, deviation)
