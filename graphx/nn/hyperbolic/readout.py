"""Scores of labels for nodes: by angle, which cannot see a radius, or by hyperbolic distance, which can."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from graphx.errors import InputError

__all__ = ["READOUTS", "cosine_scores", "distance_scores"]

READOUTS: Final = ("distance", "cosine")


def cosine_scores(u: Tensor, v: Tensor) -> Tensor:
    r"""Cosines between nodes and labels.

    .. math:: s_{ik} = \frac{\langle u_i, v_k\rangle}{|u_i|\,|v_k|}

    A cosine does not change when a vector is made longer or shorter, so that no radius, and no scaling of all radii,
    has any influence on it. A zero vector has the cosine 0 with everything.

    Args:
        u: Tangent vectors of the nodes ``[N, F]``.
        v: Tangent vectors of the labels ``[C, F]``.

    Returns:
        ``[N, C]``, from -1 to 1.

    Raises:
        InputError: The shapes do not fit.

    Example:
        >>> cosine_scores(torch.tensor([[2.0, 0.0]]), torch.tensor([[5.0, 0.0], [0.0, 1.0]])).tolist()
        [[1.0, 0.0]]
    """
    _check(u, v)
    return torch.nn.functional.normalize(u, dim=-1) @ torch.nn.functional.normalize(v, dim=-1).mT


def distance_scores(u: Tensor, v: Tensor, c: float | Tensor = 1.0) -> Tensor:
    r"""Negative hyperbolic distances between nodes and labels, from tangent vectors at the origin.

    .. math:: s_{ik} = -d_c(\exp_0 u_i, \exp_0 v_k)

    The points themselves are never formed: :func:`graphx.nn.hyperbolic.tangent_dist` computes the distance from the
    tangent vectors, exactly for any norm.

    Args:
        u: Tangent vectors of the nodes ``[N, F]``.
        v: Tangent vectors of the labels ``[C, F]``.
        c: The ball has curvature -c; positive.

    Returns:
        ``[N, C]``, at most 0.

    Raises:
        InputError: The shapes do not fit, or c is not positive.

    Example:
        >>> import math
        >>> u, v = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [-1.0, 0.0], [3.0, 0.0]])
        >>> distance_scores(u, v).round().tolist()         # along a ray: twice the difference of the norms
        [[-0.0, -4.0, -4.0]]
    """
    from graphx.nn.hyperbolic.math import tangent_dist

    _check(u, v)
    return -tangent_dist(u, v, c)


def _check(u: Tensor, v: Tensor) -> None:
    if u.dim() != 2 or v.dim() != 2 or u.size(1) != v.size(1):
        raise InputError(
            f"u is {list(u.shape)} and v is {list(v.shape)}; expected [N, F] and [C, F] with the same number of columns"
        )
