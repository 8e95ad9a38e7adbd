"""Splits of nodes, links and graphs: fixed by a seed, without leakage, saved with a digest.

Everything is drawn from a generator of its own, so the global random state neither matters nor changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from graphx.data._node_splits import graph_folds, node_split, official_splits
from graphx.data._partition import LinkSplit, Split, digest_of
from graphx.data._shares import check_shares, count_of, generator
from graphx.data._split_files import load_split, save_split
from graphx.data.synthetic import distinct, pair_of
from graphx.errors import InputError
from graphx.graph import as_graph

__all__ = [
    "LinkSplit",
    "Split",
    "graph_folds",
    "link_split",
    "load_split",
    "ncn_link_split",
    "node_split",
    "official_splits",
    "save_split",
]

Ints = npt.NDArray[np.int64]


def link_split(
    data: Any,
    val: float = 0.1,
    test: float = 0.2,
    *,
    seed: int = 0,
    negatives: float = 1.0,
    directed: bool = False,
) -> LinkSplit:
    """A random split of the edges, with negatives for validation and test.

    Of M edges ``floor(val M)`` go to validation, ``floor(test M)`` to test, and the others to training; each part but
    training gets ``floor(negatives E)`` pairs for its E edges. The negatives are drawn uniformly, without repetition
    over both parts, from the pairs of different nodes that are no edge: exactly, by rank, however dense the graph.

    PyG's ``RandomLinkSplit`` is not used, because it draws from the global random state, and its negatives of an
    undirected graph can hold ``(u, v)`` for validation and ``(v, u)`` for test.

    Args:
        data: A PyG ``Data``, a Graph, or what :func:`graphx.graph.as_graph` takes. Weights are not looked at.
        val: The fraction of edges for validation, or their number.
        test: The same for testing.
        seed: Fixes the result.
        negatives: Negatives for each positive edge of validation and test.
        directed: Split directed edges: ``(u, v)`` and ``(v, u)`` are different, and may lie in different parts. By
            default a directed graph is refused.

    Returns:
        The split.

    Raises:
        InputError: A directed graph, loops or repeated edges, shares that do not fit, too few edges, or too few pairs
            without an edge.

    Example:
        >>> import graphx
        >>> split = link_split(graphx.data.load_graph("karate"), val=0.1, test=0.2, seed=0)
        >>> [part.shape[1] for part in (split.train, split.val, split.test, split.val_neg, split.test_neg)]
        [56, 7, 15, 7, 15]
    """
    edges = _Edges(data, directed)
    shares = {"val": val, "test": test}
    check_shares(shares)
    if not negatives >= 0:
        raise InputError(f"negatives={negatives}; expected how many for each edge, not below 0")
    sizes = {name: count_of(share, edges.count) for name, share in shares.items()}
    extra = {name: count_of(float(negatives), size) for name, size in sizes.items()}
    origin = f"link_split(val={val}, test={test}, seed={seed}, negatives={negatives}, directed={directed})"
    return edges.split(shares, sizes, extra, seed, origin)


def ncn_link_split(data: Any, *, seed: int = 0) -> LinkSplit:
    """The 70/10/20 split of the NCN paper, as its code makes it for Cora, CiteSeer and PubMed.

    ``floor(0.2 M)`` edges are for testing, half of that number (rounded down) for validation; both parts have
    ``floor(0.2 M)`` negatives. Wang, Yang and Zhang, Neural Common Neighbor with Completion for Link Prediction, ICLR
    2024. The sizes are the paper's; which edges go where is by our generator, and no negative is in both parts, which
    theirs does not ensure.

    Args:
        data: As for :func:`link_split`, undirected.
        seed: Fixes the result; the paper uses 0 to 9.

    Returns:
        The split.

    Raises:
        InputError: As :func:`link_split`.

    Example:
        >>> from graphx.data.synthetic import erdos_renyi
        >>> split = ncn_link_split(erdos_renyi(2708, 5278, seed=0))
        >>> [part.shape[1] for part in (split.train, split.val, split.test, split.val_neg, split.test_neg)]
        [3696, 527, 1055, 1055, 1055]
    """
    edges = _Edges(data, directed=False)
    tested = count_of(0.2, edges.count)
    sizes, extra = {"val": tested // 2, "test": tested}, {"val": tested, "test": tested}
    return edges.split({"val": 0.1, "test": 0.2}, sizes, extra, seed, f"ncn_link_split(seed={seed})")


class _Edges:
    """The edges of a graph as ranks among all pairs: ``(u, v)``, u < v, has rank ``v (v - 1) / 2 + u``."""

    def __init__(self, data: Any, directed: bool) -> None:
        graph = as_graph(data)
        if graph.has_self_loops:
            raise InputError("the graph has self-loops, which are no links to predict; apply RemoveSelfLoops() first")
        graph = graph.without_weights() if graph.is_weighted else graph
        if not graph.is_undirected and not directed:
            raise InputError(
                "the graph is directed; expected both directions of every edge: apply ToUndirected() (or "
                "Graph.to_undirected()) first, or pass directed=True to split directed edges"
            )
        self.digest, self.size, self.directed = digest_of(graph), graph.num_nodes, directed
        self.pairs = self.size * (self.size - 1) // (1 if directed else 2)
        u = np.repeat(np.arange(self.size, dtype=np.int64), np.diff(graph.indptr))
        v = graph.indices.astype(np.int64)
        codes = u * (self.size - 1) + v - (v > u) if directed else (v * (v - 1) // 2 + u)[u < v]
        self.codes = np.sort(codes)
        self.count = self.codes.size

    def split(
        self, shares: dict[str, float], sizes: dict[str, int], extra: dict[str, int], seed: int, origin: str
    ) -> LinkSplit:
        """Draws the parts; `sizes` and `extra` say how many edges and negatives each has."""
        rng = generator(seed)
        kind = "directed" if self.directed else "undirected"
        for name, share in shares.items():
            if share and not sizes[name]:
                raise InputError(
                    f"{name}={share} of {self.count} {kind} edges is none; expected at least one: too few edges, or "
                    f"raise {name}"
                )
        left = self.count - sizes["val"] - sizes["test"]
        if left < 1:
            raise InputError(
                f"val={shares['val']} and test={shares['test']} leave {left} of {self.count} {kind} edges for "
                "training; expected at least one: lower them"
            )
        wanted, free = extra["val"] + extra["test"], self.pairs - self.count
        if wanted > free:
            raise InputError(
                f"{wanted} negatives are asked for and only {free} pairs of {self.size} nodes are no edge; expected at "
                "most as many: the graph is too dense, lower negatives, val or test"
            )
        order = self.codes[rng.permutation(self.count)]
        val, test, train = np.split(order, [sizes["val"], sizes["val"] + sizes["test"]])
        # The r-th pair that is no edge has rank r + j, with j edges before it: those whose rank minus number is <= r.
        drawn = distinct(rng, free, wanted)
        drawn = drawn + np.searchsorted(self.codes - np.arange(self.count), drawn, side="right")
        val_neg, test_neg = np.split(drawn, [extra["val"]])
        parts = {"train": train, "val": val, "test": test, "val_neg": val_neg, "test_neg": test_neg}
        ends: dict[str, Any] = {name: self._ends(part) for name, part in parts.items()}
        return LinkSplit(**ends, num_nodes=self.size, directed=self.directed, digest=self.digest, origin=origin)

    def _ends(self, codes: Ints) -> Ints:
        if not self.directed:
            return np.stack(pair_of(codes))
        u, v = np.divmod(codes, max(self.size - 1, 1))
        return np.stack([u, v + (v >= u)])
