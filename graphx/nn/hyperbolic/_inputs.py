"""What the hyperbolic functions check at their door."""

from __future__ import annotations

import math
from typing import Final, NoReturn

import torch
from torch import Tensor

from graphx.errors import InputError

__all__ = [
    "check_broadcast",
    "check_curvature",
    "check_vectors",
    "check_weight",
    "once",
    "refuse_long",
    "refuse_points",
    "refuse_row",
    "refuse_vectors",
]

_DTYPES: Final = (torch.float32, torch.float64)


def check_vectors(x: Tensor, name: str, *, dim: int = -1, like: Tensor | None = None) -> Tensor:
    """`x`, a float32 or float64 tensor that has the dimension `dim`, of the dtype and device of `like`."""
    if not isinstance(x, Tensor):
        raise InputError(f"{name} is a {type(x).__name__}; expected a torch tensor, as torch.as_tensor(...) gives")
    if x.dtype not in _DTYPES:
        raise InputError(f"{name} is {x.dtype}; expected float32 or float64: convert it with .float() or .double()")
    if not -x.dim() <= dim < x.dim():
        raise InputError(f"{name} has shape {list(x.shape)} and no dimension {dim}; expected vectors along it")
    if like is not None and (x.dtype != like.dtype or x.device != like.device):
        raise InputError(
            f"{name} is {x.dtype} on {x.device}, and the other argument {like.dtype} on {like.device}; "
            f"expected the same, as {name}.to(other) gives"
        )
    return x


def check_broadcast(x: Tensor, y: Tensor) -> None:
    """Vectors along the last dimension of both, as many numbers in each, and leading shapes that broadcast."""
    pairs = zip(reversed(x.shape[:-1]), reversed(y.shape[:-1]), strict=False)
    if x.size(-1) != y.size(-1) or any(a != b and 1 not in (a, b) for a, b in pairs):
        raise InputError(
            f"x and y have shapes {list(x.shape)} and {list(y.shape)} with the vectors last; expected vectors of one "
            "length, and shapes that broadcast"
        )


def check_curvature(c: float | Tensor, device: torch.device) -> float | Tensor:
    """`c` > 0 as a float, or as a 0-d float64 tensor that keeps its history."""
    if isinstance(c, Tensor):
        if c.numel() != 1 or not c.is_floating_point():
            raise InputError(f"c is a {c.dtype} tensor of shape {list(c.shape)}; expected one real number")
        value = float(c.detach())
        _positive(value)
        return c.reshape(()).to(device=device, dtype=torch.float64) if c.requires_grad else value
    try:
        value = float(c)
    except (TypeError, ValueError):
        raise InputError(f"c is {c!r}; expected a positive number or a 0-d tensor") from None
    _positive(value)
    return value


def _positive(value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise InputError(
            f"c is {value:g}; expected a positive number (the ball has curvature -c; the Euclidean case is the limit "
            "of small c, 1e-9 say)"
        )


def check_weight(weight: Tensor, dim: int, like: Tensor) -> Tensor:
    """`weight` [D', D] or [K, b', b] with D = K b columns."""
    check_vectors(weight, "weight", like=like)
    if weight.dim() == 2:
        if weight.size(1) != dim:
            raise InputError(f"weight has {weight.size(1)} columns and x has {dim}; expected as many, weight [D', D]")
    elif weight.dim() == 3:
        blocks, _, width = weight.shape
        if blocks * width != dim:
            raise InputError(
                f"weight has {blocks} blocks of {width} columns, {blocks * width} in all, and x has {dim}; expected "
                "as many: a block size that divides the dimension"
            )
    else:
        raise InputError(f"weight has shape {list(weight.shape)}; expected [D', D], or [K, b', b] for K blocks")
    return weight


def once(what: str, instead: str) -> None:
    """To be called in a backward pass that has no derivative of its own: an error if one is asked for."""
    if torch.is_grad_enabled():
        raise InputError(
            f"{what} can be differentiated once, and create_graph=True asks for more; use {instead} for the next order"
        )


def refuse_points(square: Tensor, name: str) -> None:
    """An error if any point lies on or outside the ball; `square` is c |x|^2 in float64."""
    if bool((square < 1).all()):
        return
    row = int((~(square.reshape(-1) < 1)).nonzero()[0])
    refuse_row(row, math.sqrt(float(square.reshape(-1)[row])), name)


def refuse_row(row: int, radius: float, name: str) -> NoReturn:
    """The error for one point that is not in the ball; `radius` is sqrt(c) |x|."""
    raise InputError(
        f"vector {row} of {name} has sqrt(c) |x| = {radius:.9g}; expected below 1, a point inside the ball: use "
        "project(), or stay in the tangent space (tangent_dist, space='tangent'), which has no rim"
    )


def refuse_vectors(square: Tensor, name: str) -> None:
    """An error if any vector is not finite, or too long for its square; `square` is in float64."""
    if bool(torch.isfinite(square).all()):
        return
    row = int((~torch.isfinite(square.reshape(-1))).nonzero()[0])
    refuse_long(row, float(square.reshape(-1)[row]), name)


def refuse_long(row: int, square: float, name: str) -> NoReturn:
    """The error for one vector that is not finite, or whose square overflows."""
    raise InputError(
        f"vector {row} of {name} has c times its square = {square:g}; expected a finite number: look for "
        "NaN, infinities or a diverged training step"
    )
