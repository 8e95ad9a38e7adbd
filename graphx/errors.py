"""The errors that graphx raises on purpose: what came, what was expected, the cure."""

from __future__ import annotations

__all__ = ["CapacityError", "FormatError", "GraphXError", "InputError", "MissingDependencyError", "StoreError"]


class GraphXError(ValueError):
    """Base of every error that graphx raises on purpose."""


class InputError(GraphXError):
    """An argument or a graph that the method cannot take."""


class FormatError(GraphXError):
    """A file that cannot be read; the message tells file, line and column where known."""


class StoreError(GraphXError):
    """A saved result that is damaged, incomplete, or belongs to another graph."""


class CapacityError(GraphXError):
    """A result that would not fit the integer width, the memory limit or the disk."""


class MissingDependencyError(GraphXError, ImportError):
    """An optional package is needed and not installed; the message names the command that installs it."""
