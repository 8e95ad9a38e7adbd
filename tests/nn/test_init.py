"""The packages of layers: imported on use, and names that are not there."""

from __future__ import annotations

import pytest

import graphx.nn
from graphx.nn.aggr import LCMAggregation


def test_packages_are_imported_on_use() -> None:
    vars(graphx.nn).pop("aggr", None)
    assert graphx.nn.aggr.LCMAggregation is LCMAggregation and "aggr" in dir(graphx.nn)
    with pytest.raises(AttributeError, match="has no attribute 'agg'; it has: "):
        graphx.nn.agg  # noqa: B018
