"""PyG transforms: structure that message passing cannot see, as node features."""

from __future__ import annotations

from graphx.transforms.graphlet_degrees import AddGraphletDegrees

__all__ = ["AddGraphletDegrees"]
