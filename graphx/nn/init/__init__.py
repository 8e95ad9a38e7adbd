"""Graph-aware initialisation of PyG models, and the report that tells whether initialisation is the problem."""

from __future__ import annotations

from graphx.nn.init.baselines import kaiming_, lsuv_, xavier_
from graphx.nn.init.operators import Part, adjacency, register_operator
from graphx.nn.init.report import LayerVariance, VarianceReport, variance_report
from graphx.nn.init.virgo import Variances, virgo_

__all__ = [
    "LayerVariance",
    "Part",
    "VarianceReport",
    "Variances",
    "adjacency",
    "kaiming_",
    "lsuv_",
    "register_operator",
    "variance_report",
    "virgo_",
    "xavier_",
]
