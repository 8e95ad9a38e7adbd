"""The initialisations that graph-aware ones are compared with, for a whole PyG model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.init._trace import Forward, Layer, call, undisturbed
from graphx.nn.init.virgo import biases, traced, write

__all__ = ["kaiming_", "lsuv_", "xavier_"]


def _apply(
    model: torch.nn.Module, data: Any, forward: Forward | None, fill: Callable[[Tensor], object]
) -> torch.nn.Module:
    (layers, *_), _graphs = traced(model, data, 1, forward)
    parameters = [part.weight for layer in layers for part in layer.parts]
    weights = {id(p): torch.empty_like(p) for p in parameters}
    for weight in weights.values():
        fill(weight)
    write(layers, weights, [bias for layer in layers for bias in biases(layer)])
    return model


def kaiming_(
    model: torch.nn.Module,
    data: Any,
    *,
    mode: Literal["fan_in", "fan_out"] = "fan_in",
    nonlinearity: str = "relu",
    forward: Forward | None = None,
    generator: torch.Generator | None = None,
) -> torch.nn.Module:
    r"""Kaiming's uniform weights, variance :math:`g^2 / \mathrm{fan}` in every layer that the model calls, zero biases.

    It knows nothing of the graph: the data only tells which layers are called.

    Args:
        model: As for :func:`virgo_`.
        data: As for :func:`virgo_`.
        mode: ``'fan_in'`` or ``'fan_out'``, as in ``torch.nn.init.kaiming_uniform_``, which draws them.
        nonlinearity: The activation between layers.
        forward: How to call the model, as for :func:`virgo_`.
        generator: The source of random numbers.

    Returns:
        The model.

    Raises:
        InputError: As for :func:`virgo_`.

    Example:
        >>> import graphx, torch
        >>> from torch_geometric.nn import GCN
        >>> data = graphx.data.load("karate")
        >>> data.x = torch.ones(34, 6)
        >>> model = kaiming_(GCN(6, 8, num_layers=2, out_channels=4), data)
        >>> bool(model.convs[0].lin.weight.abs().max() <= 1)
        True

    The paper is He et al., "Delving deep into rectifiers", ICCV 2015.
    """
    return _apply(
        model,
        data,
        forward,
        lambda w: torch.nn.init.kaiming_uniform_(w, mode=mode, nonlinearity=nonlinearity, generator=generator),  # type: ignore[arg-type]
    )


def xavier_(
    model: torch.nn.Module,
    data: Any,
    *,
    gain: float = 1.0,
    forward: Forward | None = None,
    generator: torch.Generator | None = None,
) -> torch.nn.Module:
    r"""Xavier's uniform weights of variance :math:`2 g^2 / (\mathrm{fan\ in} + \mathrm{fan\ out})`, biases zero.

    This is what most PyG layers do by themselves.

    Args:
        model: As for :func:`kaiming_`, and so are all the others.
        data: Tells which layers are called.
        gain: The gain g, as in ``torch.nn.init.xavier_uniform_``, which draws the weights.
        forward: How to call the model.
        generator: Where the weights come from.

    Returns:
        The model, changed.

    Raises:
        InputError: As for :func:`kaiming_`.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> from torch_geometric.nn import GCNConv
        >>> pair = Data(x=torch.ones(2, 6), edge_index=torch.tensor([[0, 1], [1, 0]]))
        >>> bool(xavier_(GCNConv(6, 6), pair).lin.weight.abs().max() <= 0.5**0.5)
        True

    The paper is Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    return _apply(model, data, forward, lambda w: torch.nn.init.xavier_uniform_(w, gain=gain, generator=generator))


def output_module(layer: Layer) -> torch.nn.Module:
    """The module whose output is what the weights of the layer make: its first linear one in ``GINConv``."""
    if len(layer.parts) == 1 and hasattr(layer.module, "nn"):
        return next(m for m in layer.module.modules() if getattr(m, "weight", None) is layer.parts[0].weight)
    return layer.module


def lsuv_(
    model: torch.nn.Module,
    data: Any,
    *,
    forward: Forward | None = None,
    generator: torch.Generator | None = None,
) -> torch.nn.Module:
    r"""Layer-sequential unit variance: orthogonal weights, each layer divided by the deviation of its output.

    Biases are zero. The deviation is over all nodes and channels, so on a sum operator hubs rule it. One forward pass
    is run; one division is exact for layers that are linear in their weights, and nearly so for attention.

    Args:
        model: As for :func:`virgo_`.
        data: As for :func:`virgo_`; of several graphs the first is used.
        forward: How to call the model, as for :func:`virgo_`.
        generator: The source of random numbers.

    Returns:
        The model.

    Raises:
        InputError: As for :func:`virgo_`, or an output without variance; the model is then as it was.

    Example:
        >>> import graphx, torch
        >>> from torch_geometric.nn import GraphConv
        >>> data = graphx.data.load("karate")
        >>> data.x = torch.eye(34)
        >>> out = lsuv_(GraphConv(34, 8), data)(data.x, data.edge_index)
        >>> round(out.std().item(), 4)
        1.0

    The paper is Mishkin and Matas, "All you need is a good init", ICLR 2016, https://arxiv.org/abs/1511.06422.
    """
    (layers, *_), (graph, *_) = traced(model, data, 1, forward)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    orthogonal = {
        id(part.weight): torch.nn.init.orthogonal_(torch.empty_like(part.weight), generator=generator)
        for layer in layers
        for part in layer.parts
    }
    write(layers, orthogonal, [bias for layer in layers for bias in biases(layer)])

    def scale(layer: Layer) -> Callable[..., Tensor]:
        def hook(_module: torch.nn.Module, _args: Any, output: Tensor) -> Tensor:
            deviation = output.double().std()
            if not (bool(torch.isfinite(deviation)) and float(deviation) > 0):
                raise InputError(f"the output of {layer.name} has deviation {float(deviation)}; expected it to vary")
            for part in layer.parts:
                part.weight.div_(deviation.to(part.weight.dtype))
            return output / deviation.to(output.dtype)

        return hook

    handles = [output_module(layer).register_forward_hook(scale(layer)) for layer in layers]
    try:
        with torch.no_grad(), undisturbed(model):
            call(model, graph, forward)
    except BaseException:
        model.load_state_dict(before)
        raise
    finally:
        for handle in handles:
            handle.remove()
    return model
