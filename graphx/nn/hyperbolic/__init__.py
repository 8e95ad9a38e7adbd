"""The Poincare ball: exact maps and distances, block-diagonal Mobius scaling, and the diagnosis of hyperbolic radii.

Example:
    >>> import torch
    >>> from graphx.nn import hyperbolic
    >>> u = torch.tensor([[0.0, 0.5]])
    >>> round(hyperbolic.hyperbolic_radius(hyperbolic.expmap0(u)).item(), 6)  # twice the length of u
    1.0
"""

from graphx.nn.hyperbolic.math import (
    dist,
    expmap0,
    hyperbolic_radius,
    logmap0,
    mobius_add,
    mobius_matvec,
    project,
    tangent_dist,
)
from graphx.nn.hyperbolic.radius import HyperbolicRadius, RadiusSummary
from graphx.nn.hyperbolic.scaling import BlockDiagonalMobiusScaling

__all__ = [
    "BlockDiagonalMobiusScaling",
    "HyperbolicRadius",
    "RadiusSummary",
    "dist",
    "expmap0",
    "hyperbolic_radius",
    "logmap0",
    "mobius_add",
    "mobius_matvec",
    "project",
    "tangent_dist",
]
