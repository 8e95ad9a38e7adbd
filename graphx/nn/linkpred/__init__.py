"""Link prediction: common neighbours and their heuristics, the NCN family, evaluation against negatives."""

from __future__ import annotations

from graphx.nn.linkpred import evaluate
from graphx.nn.linkpred.adjacency import Adjacency, as_adjacency
from graphx.nn.linkpred.common_neighbors import (
    NeighborLists,
    common_neighbor_lists,
    common_neighbors,
    neighbor_differences,
)
from graphx.nn.linkpred.heuristics import heuristic, katz
from graphx.nn.linkpred.ncn import NCN, NCNC, LinkPredictor

__all__ = [
    "NCN",
    "NCNC",
    "Adjacency",
    "LinkPredictor",
    "NeighborLists",
    "as_adjacency",
    "common_neighbor_lists",
    "common_neighbors",
    "evaluate",
    "heuristic",
    "katz",
    "neighbor_differences",
]
