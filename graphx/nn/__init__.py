"""Layers for PyTorch Geometric models: aggregation, link prediction, initialisation, hyperbolic geometry."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphx.nn import aggr, hyperbolic, init, linkpred
    from graphx.nn.aggr.lcm import LCMAggregation
    from graphx.nn.hyperbolic.h4g import H4G
    from graphx.nn.linkpred import NCN, NCNC, LinkPredictor

__all__ = ["H4G", "NCN", "NCNC", "LCMAggregation", "LinkPredictor", "aggr", "hyperbolic", "init", "linkpred"]

_MODULES = frozenset({"aggr", "hyperbolic", "init", "linkpred"})
_ATTRIBUTES = {
    "H4G": "graphx.nn.hyperbolic.h4g",
    "NCN": "graphx.nn.linkpred",
    "NCNC": "graphx.nn.linkpred",
    "LCMAggregation": "graphx.nn.aggr.lcm",
    "LinkPredictor": "graphx.nn.linkpred",
}


def __getattr__(name: str) -> Any:
    value: Any
    if name in _MODULES:
        value = importlib.import_module(f"{__name__}.{name}")
    elif name in _ATTRIBUTES:
        value = getattr(importlib.import_module(_ATTRIBUTES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
