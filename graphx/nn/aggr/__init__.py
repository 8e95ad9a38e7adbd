"""Aggregations: learnable commutative monoids."""

from __future__ import annotations

from graphx.nn.aggr.lcm import LCMAggregation
from graphx.nn.aggr.monoids import MaxOperator, MaxPlusOperator, MinOperator, SumOperator
from graphx.nn.aggr.operators import AttentionOperator, GatedOperator, GRUOperator, MLPOperator
from graphx.nn.aggr.protocol import Operator, Symmetrized

__all__ = [
    "AttentionOperator",
    "GRUOperator",
    "GatedOperator",
    "LCMAggregation",
    "MLPOperator",
    "MaxOperator",
    "MaxPlusOperator",
    "MinOperator",
    "Operator",
    "SumOperator",
    "Symmetrized",
]
