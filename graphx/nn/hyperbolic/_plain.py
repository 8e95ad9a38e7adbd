"""The maps of the ball in plain torch: any device, differentiable twice; what the kernels are held against.

Sums of squares and the scalar of each row are float64 whatever the dtype, the vectors keep theirs.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphx.nn.hyperbolic._inputs import refuse_points, refuse_vectors
from graphx.nn.hyperbolic._scalar import atanhc, tanhc

__all__ = ["block_product", "expmap0", "logmap0", "mobius_matvec", "norm", "square"]

_CHUNK = 64  # so many terms add up in float32 with an error of about 1e-7


def square(x: Tensor) -> Tensor:
    """|x|^2 along the last dimension, kept, in float64."""
    return x.double().square().sum(dim=-1, keepdim=True)


def norm(squares: Tensor) -> Tensor:
    """Square roots whose gradient at zero is zero, of any order (the middle of the subgradient)."""
    zero = squares == 0
    return torch.where(zero, 0.0, torch.where(zero, 1.0, squares).sqrt())


def expmap0(u: Tensor, c: float | Tensor) -> Tensor:
    """exp0(u) = tanh(q)/q u with q^2 = c |u|^2."""
    p = c * square(u)
    refuse_vectors(p.detach(), "u")
    return tanhc(p).to(u.dtype) * u


def logmap0(x: Tensor, c: float | Tensor) -> Tensor:
    """log0(x) = atanh(z)/z x with z^2 = c |x|^2."""
    p = c * square(x)
    refuse_points(p.detach(), "x")
    return atanhc(p).to(x.dtype) * x


def mobius_matvec(weight: Tensor, x: Tensor, c: float | Tensor) -> Tensor:
    """exp0(W log0 x) = A tanh(q)/q W x with A = atanh(z)/z, z^2 = c |x|^2 and q^2 = A^2 c |W x|^2."""
    p = c * square(x)
    refuse_points(p.detach(), "x")
    a = atanhc(p)
    v = block_product(weight, x)
    scale = a * tanhc(a * a * c * square(v))
    return (scale.to(v.dtype) * v).to(x.dtype)


def block_product(weight: Tensor, x: Tensor) -> Tensor:
    """W x for a dense or a block-diagonal W; long sums of float32 come back as float64."""
    dense = weight.unsqueeze(0) if weight.dim() == 2 else weight
    blocks, rows, width = dense.shape
    if width == 1 and rows == 1:
        return x * dense.reshape(blocks)
    if width > _CHUNK and x.dtype == torch.float32:
        dense, x = dense.double(), x.double()
    parts = x.reshape(*x.shape[:-1], blocks, width)
    out = _product(dense, parts)
    return out.reshape(*x.shape[:-1], blocks * rows)


def _product(weight: Tensor, parts: Tensor) -> Tensor:
    if weight.size(0) == 1:
        matrix = weight[0]
        flat = parts[..., 0, :]
        pieces = range(0, max(matrix.size(1), 1), 2 * _CHUNK)
        sums = [flat[..., i : i + 2 * _CHUNK] @ matrix[:, i : i + 2 * _CHUNK].mT for i in pieces]
        return torch.stack(sums).sum(0).unsqueeze(-2) if len(sums) > 1 else sums[0].unsqueeze(-2)
    return torch.einsum("...kb,kab->...ka", parts, weight)
