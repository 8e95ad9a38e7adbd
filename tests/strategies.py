"""Hypothesis strategies for graphs."""

from __future__ import annotations

from itertools import combinations

from hypothesis import strategies as st

from tests.graphs import NamedGraph

__all__ = ["graphs", "seeds"]

seeds = st.integers(0, 2**32 - 1)


@st.composite
def graphs(draw: st.DrawFn, min_nodes: int = 0, max_nodes: int = 9) -> NamedGraph:
    """Any undirected simple graph: every pair of nodes is an edge or not, so small graphs and few edges come first."""
    n = draw(st.integers(min_nodes, max_nodes))
    pairs = list(combinations(range(n), 2))
    chosen = draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
    return NamedGraph("drawn", n, tuple(pair for pair, keep in zip(pairs, chosen, strict=True) if keep))
