"""Aggregations: learnable commutative monoids."""

from __future__ import annotations

from graphx.nn.aggr.lcm import LCMAggregation
from graphx.nn.aggr.monoids import MaxOperator, MaxPlusOperator, MinOperator, SumOperator
from graphx.nn.aggr.operators import AttentionOperator, GatedOperator, GRUOperator, LatticeOperator, MLPOperator
from graphx.nn.aggr.protocol import Operator, Symmetrized

__all__ = [
    "AttentionOperator",
    "GRUOperator",
    "GatedOperator",
    "LCMAggregation",
    "LatticeOperator",
    "MLPOperator",
    "MaxOperator",
    "MaxPlusOperator",
    "MinOperator",
    "Operator",
    "SumOperator",
    "Symmetrized",
]
