"""PyG transforms: structure that message passing cannot see, as node features."""

from __future__ import annotations

from graphx.transforms.fastrp import AddFastRP, AddOrbitFastRP
from graphx.transforms.graphlet_degrees import AddGraphletDegrees

__all__ = ["AddFastRP", "AddGraphletDegrees", "AddOrbitFastRP"]
