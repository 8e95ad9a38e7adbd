r"""How a layer's operator changes the square of a signal, forward and backward, and the variances that undo it.

Every iterate is scaled to norm 1 and the logarithm of what was taken out is kept, in float64: with a sum operator
:math:`\lVert \mathbf{P}^k \bar{\mathbf{x}} \rVert^2` leaves float32 after 16 layers and float64 after some 130.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.init._trace import Layer
from graphx.nn.init.operators import Part

__all__ = ["MODES", "backward_squares", "forward_squares", "variances"]

MODES: Final = ("forward", "backward", "harmonic", "mean", "median", "diffusion")
Squares = list[tuple[Tensor, Tensor]]  # for each layer the log squares of the signal before and after, [rows]


def _combined(parts: Sequence[Part], signal: Tensor, product: Callable[[Part, Tensor], Tensor]) -> Tensor:
    """What a layer of unit weights makes of a signal: parts with weights of their own add in squares."""
    if len(parts) == 1:
        return product(parts[0], signal)
    return torch.stack([product(part, signal).square() for part in parts]).sum(dim=0).sqrt()


def _walk(layers: Sequence[Layer], signal: Tensor, product: Callable[[Part, Tensor], Tensor], what: str) -> Squares:
    taken = 0.0  # log of the squared norm taken out so far
    found: Squares = []
    for layer in layers:
        if len(signal) != layer.rows:  # a readout or a pooling between two layers: start anew, at the same mean
            signal = signal.new_full((layer.rows,), layer.rows**-0.5)
        norm = float(signal.norm())
        if norm == 0 or not math.isfinite(norm):
            raise InputError(
                f"{what} is {'zero' if norm == 0 else 'not finite'} at {layer.name}, so it has no variance to keep; "
                "expected features whose row means are not all zero (features without centring), and edges that reach "
                "some node of each layer"
            )
        signal, taken = signal / norm, taken + 2 * math.log(norm)
        after = _combined(layer.parts, signal, product)
        found.append((2 * signal.abs().log() + taken, 2 * after.abs().log() + taken))
        signal = after
    return found


def forward_squares(layers: Sequence[Layer], start: Tensor) -> Squares:
    r"""Log squares of :math:`\mathbf{P}_l \cdots \mathbf{P}_1 \mathbf{s}`, before and after every layer.

    Args:
        layers: As traced.
        start: float64 ``[N]``, the row means of the features.

    Returns:
        For each layer two float64 ``[N]``.

    Raises:
        InputError: The signal is zero, or not finite.

    Example:
        >>> import torch
        >>> from graphx.nn.init.operators import Part
        >>> from graphx.nn.init._trace import Layer
        >>> lin = torch.nn.Linear(1, 1)
        >>> [(before, after)] = forward_squares([Layer("a", lin, (Part(None, lin.weight),), 2)], torch.ones(2).double())
        >>> after.exp().round(decimals=6).tolist()
        [1.0, 1.0]
    """
    return _walk(layers, start, Part.times, "the forward signal")


def backward_squares(layers: Sequence[Layer]) -> Squares:
    r"""Log squares of :math:`\mathbf{P}_l^\top \cdots \mathbf{P}_L^\top \mathbf{1}`, for the last layer first.

    Args:
        layers: As traced, in forward order.

    Returns:
        For each layer, the last first, two float64 ``[N]``.

    Raises:
        InputError: The signal is zero, or not finite.

    Example:
        >>> import torch
        >>> from graphx.nn.init.operators import Part
        >>> from graphx.nn.init._trace import Layer
        >>> lin = torch.nn.Linear(1, 1)
        >>> [(before, after)] = backward_squares([Layer("a", lin, (Part(None, lin.weight),), 2)])
        >>> before.exp().round(decimals=6).tolist()
        [1.0, 1.0]
    """
    reverse = list(reversed(layers))
    device = layers[0].parts[0].weight.device
    return _walk(
        reverse, torch.ones(reverse[0].rows, dtype=torch.float64, device=device), Part.transposed_times, "the gradient"
    )


def log_mean(log_squares: Tensor) -> float:
    """Log of the mean."""
    return float(torch.logsumexp(log_squares, dim=0)) - math.log(len(log_squares))


def log_median(log_squares: Tensor) -> float:
    """Log of the median over what is not zero: nodes that nothing reaches say nothing."""
    reached = log_squares[log_squares > -math.inf]
    return float(reached.median())


def variances(
    layers: Sequence[Layer], ahead: Squares, back: Squares, mode: str, gain: float
) -> tuple[list[float], list[float], list[float]]:
    """Forward, backward and used variances of every layer, in forward order."""
    for layer, (_, after) in [*zip(layers, ahead, strict=True), *zip(reversed(layers), back, strict=True)]:
        if not math.isfinite(log_mean(after)):
            raise InputError(f"no signal passes the operator of {layer.name}; expected a graph with edges")
    log_typical = log_median if mode == "median" else log_mean
    forward = [
        gain**2 / layer.fan_in * (1.0 if i == 0 else math.exp(log_typical(before) - log_typical(after)))
        for i, (layer, (before, after)) in enumerate(zip(layers, ahead, strict=True))
    ]
    classes = layers[-1].fan_out
    backward = [
        1 / (max(classes - 1, 1) * math.exp(log_mean(after)))
        if i == 0
        else gain**2 / layer.fan_out * math.exp(log_mean(before) - log_mean(after))
        for i, (layer, (before, after)) in enumerate(zip(reversed(layers), back, strict=True))
    ][::-1]
    if mode in {"forward", "median"}:
        used = forward
    elif mode == "backward":
        used = backward
    elif mode == "harmonic":
        used = [2 / (1 / v + 1 / u) for v, u in zip(forward, backward, strict=True)]
    else:
        used = [(v + u) / 2 for v, u in zip(forward, backward, strict=True)]
    return forward, backward, used
