"""graphx: the graph structure that message passing cannot see, for PyTorch Geometric, at the speed of the machine.

Names are resolved on first use (PEP 562), so ``import graphx`` imports neither torch nor PyG nor scipy.

Example:
    >>> import graphx
    >>> graphx.data.load_graph("karate").num_nodes
    34
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphx import cli, data, errors, fastrp, gradco, nn, plot, transforms
    from graphx.graph import Graph

    __version__: str

__all__ = ["Graph", "__version__", "cli", "data", "errors", "fastrp", "gradco", "nn", "plot", "transforms"]

_MODULES = frozenset({"cli", "data", "errors", "fastrp", "gradco", "nn", "plot", "transforms"})
_ATTRIBUTES = {"Graph": "graphx.graph"}


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("graphx-pyg")
    except PackageNotFoundError:  # the source tree on the path, nothing installed
        return "0+unknown"


def __getattr__(name: str) -> Any:
    value: Any
    if name in _MODULES:
        value = importlib.import_module(f"graphx.{name}")
    elif name in _ATTRIBUTES:
        value = getattr(importlib.import_module(_ATTRIBUTES[name]), name)
    elif name == "__version__":
        value = _version()
    else:
        raise AttributeError(f"module 'graphx' has no attribute {name!r}; it has: {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
