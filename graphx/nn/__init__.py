"""Layers for PyTorch Geometric models: aggregation, link prediction, initialisation, hyperbolic geometry."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphx.nn import hyperbolic
    from graphx.nn.hyperbolic.h4g import H4G

__all__ = ["H4G", "hyperbolic"]

_MODULES: frozenset[str] = frozenset({"hyperbolic"})
_ATTRIBUTES: dict[str, str] = {"H4G": "graphx.nn.hyperbolic.h4g"}


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
