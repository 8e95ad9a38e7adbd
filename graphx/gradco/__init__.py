"""GRADCO: the 28 orbit adjacency matrices of the graphlets with up to four nodes.

Names are resolved on first use (PEP 562): the command starts, and can be interrupted, before numpy is loaded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_ATTRIBUTES = {
    "OrbitAdjacency": "count",
    "OrbitBlock": "blocks",
    "OrbitSummary": "count",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")
    value = getattr(importlib.import_module(f"{__name__}.{_ATTRIBUTES.get(name, 'orbits')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
