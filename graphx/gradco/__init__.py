"""GRADCO: the 28 orbit adjacency matrices of the graphlets with up to four nodes."""

from __future__ import annotations

from graphx.gradco.blocks import OrbitBlock
from graphx.gradco.count import OrbitAdjacency, OrbitSummary
from graphx.gradco.orbits import EDGE_ORBITS, GRAPHLETS, ORBIT_KEYS, Graphlet, parse_keys

__all__ = [
    "EDGE_ORBITS",
    "GRAPHLETS",
    "ORBIT_KEYS",
    "Graphlet",
    "OrbitAdjacency",
    "OrbitBlock",
    "OrbitSummary",
    "parse_keys",
]
