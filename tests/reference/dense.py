"""All 28 orbit adjacencies from dense matrix products: for graphs of up to a few thousand nodes.

These are the equations that the counter uses too, so this is an oracle for its code, not for its mathematics; it is
itself compared with the enumeration in `orbits.py`. float64 products of counts are exact below 2**53.
"""

from __future__ import annotations

import numpy as np

__all__ = ["dense_orbits"]


def _edges_among_common_neighbors(adjacency: np.ndarray) -> np.ndarray:
    """Q[u, v] = number of edges inside N(u) & N(v)."""
    result = np.zeros_like(adjacency)
    for u, row in enumerate(adjacency):
        around = np.flatnonzero(row)
        among, reach = adjacency[np.ix_(around, around)], adjacency[around]
        result[u] = ((among @ reach) * reach).sum(axis=0) / 2
    return result


def dense_orbits(adjacency: np.ndarray) -> dict[tuple[int, int, int], np.ndarray]:
    """The 28 matrices, int64 [N, N], of a symmetric 0/1 matrix with an empty diagonal."""
    a = np.asarray(adjacency, dtype=np.float64)
    off = 1 - np.eye(len(a))
    d = a.sum(axis=1)
    du, dv = d[:, None], d[None, :]
    common = a @ a
    t = common * a
    triangles = t.sum(axis=1)[None, :] / 2
    inside = _edges_among_common_neighbors(a)
    k = inside * a
    s1 = (a @ t) * a  # S1[u, v] = sum of t_vw over the common neighbours w
    s2 = ((a * dv) @ a) * a
    c4 = (a @ common - du - dv + 1) * a
    b_v, b_u = (dv - 1 - t) * a, (du - 1 - t) * a
    reach = (a * (dv - 1 - t)).sum(axis=1)[None, :] * a
    m: dict[tuple[int, int, int], np.ndarray] = {(1, 0, 0): a, (1, 1, 2): b_v, (1, 3, 3): t, (1, 14, 14): k}
    m[1, 13, 13] = t * (t - 1) / 2 - k
    m[1, 12, 13] = s1 - t - 2 * k
    m[1, 10, 10] = s2 - s1 - s1.T + 2 * k
    m[1, 10, 11] = t * (dv - t) - s1 + 2 * k
    m[1, 9, 11] = triangles * a - s1 + k
    m[1, 6, 7] = b_v * (b_v - 1) / 2 - m[1, 9, 11]
    m[1, 8, 8] = c4 - s1 - s1.T + 2 * t + 2 * k
    m[1, 5, 5] = b_u * b_v - m[1, 8, 8]
    m[1, 4, 5] = reach - b_u - (s2 - t - s1) - m[1, 8, 8]
    apart = (1 - a) * off
    c, q = common * apart, inside * apart
    g = (a @ t) * apart
    f = ((a * (dv - 2)) @ a) * apart - g - g.T
    m[2, 1, 1], m[2, 12, 12], m[2, 8, 8] = c, q, c * (c - 1) / 2 - q
    m[2, 6, 6], m[2, 9, 10], m[2, 4, 5] = f + 2 * q, g - 2 * q, c * (dv - c) - g + 2 * q
    m[3, 4, 4] = (c @ a) * apart - m[2, 9, 10]
    for hop, o1, o2 in list(m):
        if o1 != o2:
            m[hop, o2, o1] = m[hop, o1, o2].T
    return {key: np.rint(value).astype(np.int64) for key, value in m.items()}
