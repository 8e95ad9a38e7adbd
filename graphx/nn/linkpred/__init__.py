"""Link prediction: common neighbours and their heuristics, the NCN family, evaluation against negatives."""

from __future__ import annotations

from graphx.nn.linkpred.adjacency import Adjacency, as_adjacency
from graphx.nn.linkpred.common_neighbors import (
    NeighborLists,
    common_neighbor_lists,
    common_neighbors,
    neighbor_differences,
)
from graphx.nn.linkpred.heuristics import heuristic, katz

__all__ = [
    "Adjacency",
    "NeighborLists",
    "as_adjacency",
    "common_neighbor_lists",
    "common_neighbors",
    "heuristic",
    "katz",
    "neighbor_differences",
]
