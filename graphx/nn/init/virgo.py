"""virgo_: weights whose variances undo what a graph's own operators do to a signal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.init._diffusion import diffusion_weights
from graphx.nn.init._factors import MODES, Squares, backward_squares, forward_squares, variances
from graphx.nn.init._trace import Forward, Layer, check_model, samples, trace

__all__ = ["Variances", "virgo_"]

Mode = Literal["forward", "backward", "harmonic", "mean", "median", "diffusion"]


@dataclass(frozen=True)
class Variances:
    """What :func:`virgo_` computed and used; ``str()`` of it is a table.

    Args:
        mode: As it was asked for.
        names: The layers in the order of their calls, as ``model.named_modules()`` calls them.
        forward: The variance of the weights that keeps the forward signal, for each layer.
        backward: The variance that keeps the gradient.
        used: The variance that the weights were drawn with; where a layer has several weights, that of the first.

    Example:
        >>> print(Variances("forward", ("conv",), (0.5,), (0.25,), (0.5,)))
        layer  forward  backward  used
        conv       0.5      0.25   0.5
    """

    mode: str
    names: tuple[str, ...]
    forward: tuple[float, ...]
    backward: tuple[float, ...]
    used: tuple[float, ...]

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [("layer", "forward", "backward", "used")]
        for name, *numbers in zip(self.names, self.forward, self.backward, self.used, strict=True):
            rows.append((name, *(f"{number:.4g}" for number in numbers)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        first, *rest = widths
        return "\n".join(
            "  ".join([name.ljust(first), *(text.rjust(w) for text, w in zip(numbers, rest, strict=True))])
            for name, *numbers in rows
        )


def virgo_(
    model: torch.nn.Module,
    data: Any,
    mode: Mode = "harmonic",
    *,
    nonlinearity: str = "relu",
    sample_graphs: int = 32,
    forward: Forward | None = None,
    generator: torch.Generator | None = None,
) -> Variances:
    r"""Initialise a graph network in place, by the variance that its own operators and this graph call for.

    With :math:`\mathbf{P}` the operator of a layer, :math:`\bar{\mathbf{x}}` the row means of the features,
    :math:`C_l = \lVert \mathbf{P}_l \cdots \mathbf{P}_1 \bar{\mathbf{x}} \rVert^2`,
    :math:`B_k = \lVert \mathbf{P}_{L-k+1}^\top \cdots \mathbf{P}_L^\top \mathbf{1} \rVert^2` and a gain :math:`g` (for
    ReLU :math:`g^2 = 2`) the weights of layer :math:`l` are uniform with variance

    .. math::

        v_1 = \frac{g^2}{F_0}, \quad v_l = \frac{g^2}{F_{l-1}} \frac{C_{l-1}}{C_l}
        \qquad\text{(forward)}, \qquad
        u_1 = \frac{N}{(K-1) B_1}, \quad u_k = \frac{g^2}{F} \frac{B_{k-1}}{B_k} \qquad\text{(backward, from the last
        layer)}

    or their harmonic or arithmetic mean: these four modes are the paper's. :math:`F_{l-1}` is the layer's input width,
    :math:`F` its output width, :math:`K` the number of outputs. Where a layer is a sum of parts with weights of their
    own (``SAGEConv``, ``GraphConv``), the squares of the parts add.

    Ours are: the true operator of every layer, its transpose in the backward direction, linear layers as identities,
    :math:`K - 1` replaced by 1 for a single output, and two modes. ``'median'`` replaces the squared norms of the
    forward mode by the median over nodes of the squares, as hubs rule the mean of a sum operator. ``'diffusion'`` draws
    mirrored pairs :math:`[\mathbf{Q}, -\mathbf{Q}]` of orthogonal weights, with the same :math:`\mathbf{Q}` for
    the root and the neighbours: at the start the ReLU network is a linear diffusion of the features, whose typical node
    keeps its size and takes as much from its neighbours as from itself. It needs even hidden widths, and sets the
    biases to zero; the others leave biases alone.

    The work is L sparse matrix-vector products a direction, in float64. The model runs once, to see its layers in the
    order of their calls. All is computed before the first weight is written.

    Args:
        model: A PyG model of GCN, SAGE (sum or mean), GIN, GAT, GATv2 and GraphConv layers, or of layers known by
            :func:`register_operator`, and linear layers. Norm layers, skip connections and readouts are passed over.
        data: A ``Data`` with ``x`` ``[N, F]``; for many graphs a data set, a list, or a loader.
        mode: ``'forward'``, ``'backward'``, ``'harmonic'``, ``'mean'`` (paper), ``'median'``, ``'diffusion'`` (ours).
        nonlinearity: The activation between layers, as for ``torch.nn.init.calculate_gain``.
        sample_graphs: How many graphs of a set, or batches of a loader, the statistics are taken from.
        forward: How to call the model, ``forward(model, data)``; None to go by the names of its arguments.
        generator: The source of random numbers.

    Returns:
        The variances, forward, backward and used.

    Raises:
        InputError: No message passing, an unknown layer, a lazy or shared weight, an empty graph, features that are
            not finite or do not fit; the model is then as it was.

    Example:
        >>> import graphx, torch
        >>> from torch_geometric.nn import GCN
        >>> data = graphx.data.load("karate")
        >>> data.x = torch.ones(34, 5)
        >>> found = virgo_(GCN(5, 8, num_layers=3, out_channels=4), data, mode="forward")
        >>> found.names
        ('convs.0', 'convs.1', 'convs.2')
        >>> round(found.forward[0], 6)
        0.4

    The paper is Li et al., "On the Initialization of Graph Neural Networks", ICML 2023, https://arxiv.org/abs/2312.02622.
    """
    if mode not in MODES:
        raise InputError(f"mode is {mode!r}; expected one of {', '.join(MODES)}")
    layers, graphs = traced(model, data, sample_graphs, forward)
    try:
        gain = torch.nn.init.calculate_gain(nonlinearity)  # type: ignore[arg-type]
    except ValueError as error:
        raise InputError(
            f"nonlinearity is {nonlinearity!r}; expected a name that torch.nn.init.calculate_gain knows, such as 'relu'"
        ) from error
    starts = [row_means(graph.x) for graph in graphs]
    ahead = merged([forward_squares(each, start) for each, start in zip(layers, starts, strict=True)])
    back = merged([backward_squares(each) for each in layers])
    v, u, used = variances(layers[0], ahead, back, mode, gain)
    if mode == "diffusion":
        if nonlinearity != "relu":
            raise InputError(f"mode 'diffusion' is for ReLU; got nonlinearity={nonlinearity!r}")
        weights = diffusion_weights(layers, [dense(graph.x) for graph in graphs], generator)
        used = [float(weights[id(layer.parts[0].weight)].square().mean()) for layer in layers[0]]
        zeros = {id(bias): bias for layer in layers[0] for bias in biases(layer)}
    else:
        weights = {
            id(part.weight): uniform(part.weight, variance, generator)
            for layer, variance in zip(layers[0], used, strict=True)
            for part in layer.parts
        }
        zeros = {}
    write(layers[0], weights, list(zeros.values()))
    return Variances(mode, tuple(layer.name for layer in layers[0]), tuple(v), tuple(u), tuple(used))


def traced(
    model: torch.nn.Module, data: Any, sample_graphs: int, forward: Forward | None
) -> tuple[list[list[Layer]], list[Any]]:
    """The graphs that statistics are taken from, and the layers of the model on each of them."""
    check_model(model)
    graphs = samples(data, sample_graphs)
    parameter = next(model.parameters())
    graphs = [graph.to(parameter.device) for graph in graphs]
    width = {graph.x.size(1) for graph in graphs}
    if len(width) > 1:
        raise InputError(f"the graphs have {sorted(width)} features; expected the same number in all")
    try:
        layers = [trace(model, graph, forward) for graph in graphs]
    except (RuntimeError, IndexError, TypeError) as error:
        raise InputError(
            f"{type(model).__name__} cannot run on this data (x is {tuple(graphs[0].x.shape)}): {error}; check the "
            "input width, or pass forward=lambda model, data: model(...)"
        ) from error
    if any([layer.name for layer in each] != [layer.name for layer in layers[0]] for each in layers):
        raise InputError("the model calls other layers on other graphs; expected the same order on all")
    return layers, graphs


def dense(x: Tensor) -> Tensor:
    """Features as float64."""
    return (x if x.layout == torch.strided else x.to_dense()).detach().double()


def row_means(x: Tensor) -> Tensor:
    """float64 ``[N]``, block by block: torch makes a whole copy of what it sums in another type."""
    if x.layout != torch.strided:
        return dense(x).mean(dim=1)
    blocks = torch.split(x.detach(), max(1, 2**16 // x.size(1)))
    return torch.cat([block.mean(dim=1, dtype=torch.float64) for block in blocks])


def merged(each: list[Squares]) -> Squares:
    """The log squares of several graphs as those of their union."""
    return [
        (torch.cat([before for before, _ in layer]), torch.cat([after for _, after in layer]))
        for layer in zip(*each, strict=True)
    ]


def uniform(weight: Tensor, variance: float, generator: torch.Generator | None) -> Tensor:
    """A tensor like `weight`, uniform with this variance."""
    bound = math.sqrt(3 * variance) if variance >= 0 and math.isfinite(variance) else math.inf
    if not 0 < bound < torch.finfo(weight.dtype).max:
        raise InputError(
            f"a layer would need weights of variance {variance:g}; expected a positive number: no signal passes its "
            "operator, as on a graph without edges"
        )
    return torch.empty_like(weight).uniform_(-bound, bound, generator=generator)


def biases(layer: Layer) -> list[Tensor]:
    """The biases of a layer."""
    return [p for name, p in layer.module.named_parameters() if name.rpartition(".")[2] == "bias"]


@torch.no_grad()
def write(layers: list[Layer], weights: dict[int, Tensor], zeros: list[Tensor]) -> None:
    """The one place where a model changes; nothing here fails on values that were computed."""
    parameters = [part.weight for layer in layers for part in layer.parts]
    if not all(bool(torch.isfinite(weights[id(p)]).all()) and weights[id(p)].shape == p.shape for p in parameters):
        raise InputError("the computed weights are not finite; expected features and operators of a sane scale")
    for parameter in parameters:
        parameter.copy_(weights[id(parameter)])
    for bias in zeros:
        bias.zero_()
