"""graphx: the graph structure that message passing cannot see, for PyTorch Geometric."""

from __future__ import annotations
