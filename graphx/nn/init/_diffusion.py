r"""Weights that make a ReLU network start as a linear diffusion of its features (ours).

Units come in mirrored pairs, :math:`\mathrm{relu}(z)` and :math:`\mathrm{relu}(-z)`, which the next layer takes with
opposite signs, so that it sees :math:`z` (the "looks linear" weights of Balduzzi et al., "The shattered gradients
problem", ICML 2017). Ours are the operator and the scale: with an orthogonal :math:`\mathbf{Q}` common to the parts of
a layer, :math:`\mathbf{Z}_l = (\sum_p c_p \mathbf{P}_p) \mathbf{Z}_{l-1} \mathbf{Q}^\top`, where :math:`c_p` is such
that each part brings the same share to the typical (median) node and the sum keeps its size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.init._trace import Layer

__all__ = ["diffusion_weights"]


def _median(signals: Sequence[Tensor], name: str) -> float:
    squares = torch.cat([signal.square().mean(dim=1) for signal in signals])
    squares = squares[squares > 0]
    if not len(squares):
        raise InputError(f"no signal passes the operator of {name}; expected a graph with edges")
    return float(squares.median())


def diffusion_weights(
    layers: Sequence[Sequence[Layer]], features: Sequence[Tensor], generator: torch.Generator | None
) -> dict[int, Tensor]:
    """The weights of every layer by the id of their parameter.

    Args:
        layers: The layers as traced, for each graph.
        features: float64 ``[N, F]``, for each graph.
        generator: The source of random numbers.

    Returns:
        Tensors of the shapes of the parameters.

    Raises:
        InputError: A hidden width is odd, the layers are no chain, or no signal passes.

    Example:
        >>> import torch
        >>> from graphx.nn.init.operators import Part
        >>> from graphx.nn.init._trace import Layer
        >>> lin = torch.nn.Linear(3, 4)
        >>> layer = Layer("lin", lin, (Part(None, lin.weight),), 2)
        >>> last = torch.nn.Linear(4, 1)
        >>> out = Layer("out", last, (Part(None, last.weight),), 2)
        >>> weights = diffusion_weights([[layer, out]], [torch.ones(2, 3).double()], None)
        >>> bool((weights[id(lin.weight)][:2] == -weights[id(lin.weight)][2:]).all())
        True
    """
    weights: dict[int, Tensor] = {}
    signals = list(features)
    first = layers[0]
    for i, layer in enumerate(first):
        last = i == len(first) - 1
        if not last and layer.fan_out % 2:
            raise InputError(f"{layer.name} has {layer.fan_out} outputs; mode 'diffusion' expects even hidden widths")
        if i and layer.fan_in != first[i - 1].fan_out:
            raise InputError(
                f"{layer.name} takes {layer.fan_in} channels and {first[i - 1].name} gives {first[i - 1].fan_out}; "
                "mode 'diffusion' expects a chain of layers, without concatenation between them"
            )
        width_in = layer.fan_in // 2 if i else layer.fan_in
        width_out = layer.fan_out if last else layer.fan_out // 2
        q = torch.empty(width_out, width_in, dtype=torch.float64)
        if i and not last:
            torch.nn.init.orthogonal_(q, generator=generator)
        else:
            q.normal_(generator=generator)
        q = q.to(signals[0].device)
        for graph, (calls, signal) in enumerate(zip(layers, signals, strict=True)):
            if len(signal) != calls[i].rows:  # a readout or a pooling in between: start anew
                fresh = torch.randn(calls[i].rows, width_in, dtype=torch.float64, generator=generator)
                signals[graph] = fresh.to(signal.device)
        turned = [signal @ q.t() for signal in signals]  # before the operators: it narrows the features
        terms = [
            [calls[i].parts[p].times(signal) for calls, signal in zip(layers, turned, strict=True)]
            for p in range(len(layer.parts))
        ]
        scales = [(len(terms) * _median(term, layer.name)) ** -0.5 for term in terms]
        signals = [
            sum((s * term[g] for s, term in zip(scales, terms, strict=True)), torch.zeros((), dtype=torch.float64))
            for g in range(len(signals))
        ]
        size = _median(signals, layer.name) ** -0.5
        signals = [signal * size for signal in signals]
        for part, scale in zip(layer.parts, scales, strict=True):
            weight = q * (scale * size)
            weight = torch.cat([weight, -weight], dim=1) if i else weight
            weight = weight if last else torch.cat([weight, -weight], dim=0)
            weights[id(part.weight)] = weight.to(part.weight.dtype)
    return weights
