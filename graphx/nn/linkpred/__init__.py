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
from graphx.nn.linkpred.config import LinkConfig
from graphx.nn.linkpred.encoder import LinkEncoder, SparseLinear
from graphx.nn.linkpred.heuristics import heuristic, katz
from graphx.nn.linkpred.model import LinkModel
from graphx.nn.linkpred.ncn import NCN, NCNC, LinkPredictor
from graphx.nn.linkpred.task import EvaluationPairs, LinkTask
from graphx.nn.linkpred.train import FitResult, Step, fit

__all__ = [
    "NCN",
    "NCNC",
    "Adjacency",
    "EvaluationPairs",
    "FitResult",
    "LinkConfig",
    "LinkEncoder",
    "LinkModel",
    "LinkPredictor",
    "LinkTask",
    "NeighborLists",
    "SparseLinear",
    "Step",
    "as_adjacency",
    "common_neighbor_lists",
    "common_neighbors",
    "evaluate",
    "fit",
    "heuristic",
    "katz",
    "neighbor_differences",
]
