"""Aggregations: learnable commutative monoids."""

from __future__ import annotations

from graphx.nn.aggr.lcm import LCMAggregation
from graphx.nn.aggr.operators import (
    AttentionOperator,
    GatedOperator,
    GRUOperator,
    MaxOperator,
    MaxPlusOperator,
    MinOperator,
    MLPOperator,
    Operator,
    SumOperator,
    Symmetrized,
)

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
