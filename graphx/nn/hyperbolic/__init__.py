"""The Poincare ball: exact maps and distances, block-diagonal Mobius scaling, and the diagnosis of hyperbolic radii.

Example:
    >>> import torch
    >>> from graphx.nn import hyperbolic
    >>> u = torch.tensor([[3.0, 4.0]])
    >>> hyperbolic.logmap0(hyperbolic.expmap0(u, c=0.01), c=0.01).tolist()
    [[3.0, 4.0]]
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
from graphx.nn.hyperbolic.scaling import BlockDiagonalMobiusScaling

__all__ = [
    "BlockDiagonalMobiusScaling",
    "dist",
    "expmap0",
    "hyperbolic_radius",
    "logmap0",
    "mobius_add",
    "mobius_matvec",
    "project",
    "tangent_dist",
]
