"""FastRP: node embeddings by very sparse random projection, over adjacencies and over graphlet orbit adjacencies."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphx.fastrp._evaluate import LabelScore, evaluate_labels
    from graphx.fastrp.fastrp import FastRP
    from graphx.fastrp.orbit import OrbitFastRP
    from graphx.fastrp.search import FastRPSearch

__all__ = ["FastRP", "FastRPSearch", "LabelScore", "OrbitFastRP", "evaluate_labels"]

_ATTRIBUTES: dict[str, str] = {
    "FastRP": "graphx.fastrp.fastrp",
    "FastRPSearch": "graphx.fastrp.search",
    "LabelScore": "graphx.fastrp._evaluate",
    "evaluate_labels": "graphx.fastrp._evaluate",
    "OrbitFastRP": "graphx.fastrp.orbit",
}


def __getattr__(name: str) -> Any:
    value: Any
    if name in _ATTRIBUTES:
        value = getattr(importlib.import_module(_ATTRIBUTES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
