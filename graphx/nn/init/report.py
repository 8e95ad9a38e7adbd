"""variance_report: what a model's layers do to the signal and the gradient, before and after an initialisation."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.init._trace import Forward, Layer, call, undisturbed
from graphx.nn.init.baselines import output_module
from graphx.nn.init.operators import Part
from graphx.nn.init.virgo import Mode, traced, virgo_
from graphx.plot import plot_variance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LayerVariance", "VarianceReport", "variance_report"]


@dataclass(frozen=True)
class LayerVariance:
    r"""The squares of one layer's output (before its activation) and of the gradient there, over channels and nodes.

    Args:
        name: The layer.
        forward: Mean square of the output.
        backward: Mean square of the gradient.
        forward_quantiles: The 5 %, 50 % and 95 % quantiles, over nodes, of the mean over channels. Where the median
            lies decades below the mean, hubs rule the mean.
        backward_quantiles: The same of the gradient.

    Example:
        >>> LayerVariance("conv", 1.0, 0.5, (0.1, 0.9, 2.0), (0.1, 0.4, 0.9)).forward
        1.0
    """

    name: str
    forward: float
    backward: float
    forward_quantiles: tuple[float, float, float]
    backward_quantiles: tuple[float, float, float]


@dataclass(frozen=True)
class VarianceReport:
    """The layers of a model as it is, and as :func:`virgo_` would make it; ``str()`` of it is a table.

    Args:
        before: The layers of the model as it came.
        after: The layers of a copy that was initialised.
        mode: The mode of that initialisation.

    Example:
        >>> layer = LayerVariance("conv", 1.0, 0.5, (0.1, 0.9, 2.0), (0.1, 0.4, 0.9))
        >>> VarianceReport((layer,) * 4, (layer,) * 4, "forward").slopes()["before"]
        (0.0, 0.0)
    """

    before: tuple[LayerVariance, ...]
    after: tuple[LayerVariance, ...]
    mode: str

    def slopes(self) -> dict[str, tuple[float, float]]:
        """Forward and backward slope of log10 mean square a layer, before and after; the last layer is left out.

        0 is flat. The backward slope runs in the direction of the layers too: a positive one tells of gradients that
        fade towards the input.
        """
        return {
            name: (log_slope([layer.forward for layer in layers]), log_slope([layer.backward for layer in layers]))
            for name, layers in (("before", self.before), ("after", self.after))
        }

    def __str__(self) -> str:
        head = f"{'layer':<16}" + "".join(
            f"{text:>11}" for text in ("forward", "5 %", "median", "95 %", "backward", "5 %", "median", "95 %")
        )
        lines = [f"log10 of mean squares, as it is, and after virgo_(mode={self.mode!r})", head]
        for title, layers in (("as it is", self.before), ("after", self.after)):
            forward, backward = self.slopes()["before" if title == "as it is" else "after"]
            lines.append(f"{title}: slope a layer {forward:+.3f} forward, {backward:+.3f} backward")
            for layer in layers:
                numbers = (layer.forward, *layer.forward_quantiles, layer.backward, *layer.backward_quantiles)
                lines.append(f"{layer.name[-16:]:<16}" + "".join(f"{_log10(n):>11.2f}" for n in numbers))
        return "\n".join(lines)

    def plot(self, axes: tuple[Axes, Axes] | None = None) -> tuple[Axes, Axes]:
        """Draw the mean square, the median and the band from 5 % to 95 % of the nodes by layer; grey is before.

        Args:
            axes: Two axes, forward and backward; without them a new figure is made.

        Returns:
            The two axes.

        Raises:
            MissingDependencyError: matplotlib is not installed.
        """
        return plot_variance(self, axes)


def _log10(number: float) -> float:
    return math.log10(number) if number > 0 else -math.inf


def log_slope(values: list[float]) -> float:
    """Least-squares slope of log10 over the layers before the last."""
    inner = values[:-1] if len(values) > 2 else values
    logs = [_log10(value) for value in inner]
    if len(logs) < 2 or not all(map(math.isfinite, logs)):
        return math.nan
    steps = torch.arange(len(logs), dtype=torch.float64)
    steps -= steps.mean()
    return float((steps * torch.tensor(logs, dtype=torch.float64)).sum() / steps.square().sum())


def _measured(model: torch.nn.Module, layers: list[Layer], graph: Any, forward: Forward | None) -> list[LayerVariance]:
    outputs: list[Tensor] = []

    def keep(_module: torch.nn.Module, _args: Any, output: Tensor) -> Tensor:
        outputs.append(output)
        return output

    modules = dict(model.named_modules())
    hooks = [output_module(_in_copy(layer, modules)).register_forward_hook(keep) for layer in layers]
    try:
        with undisturbed(model), torch.enable_grad():
            out = call(model, graph, forward)
    finally:
        for hook in hooks:
            hook.remove()
    if not isinstance(out, Tensor):
        raise InputError(
            f"the model returned a {type(out).__name__}; expected a tensor: pass "
            "forward=lambda model, data: model(...)[0]"
        )
    direction = torch.randn(out.shape, generator=torch.Generator().manual_seed(0), dtype=out.dtype).to(out.device)
    gradients = torch.autograd.grad((out * direction).sum() / out.numel() ** 0.5, outputs, allow_unused=True)
    return [
        _layer(layer.name, output.detach(), torch.zeros_like(output) if gradient is None else gradient)
        for layer, output, gradient in zip(layers, outputs, gradients, strict=True)
    ]


def _in_copy(layer: Layer, modules: dict[str, torch.nn.Module]) -> Layer:
    """The layer of a copied model that stands where this one stands."""
    module = modules[layer.path]
    weights = dict(layer.module.named_parameters())
    names = {id(parameter): name for name, parameter in weights.items()}
    twins = dict(module.named_parameters())
    parts = tuple(Part(part.operator, twins[names[id(part.weight)]]) for part in layer.parts)
    return Layer(layer.name, module, parts, layer.rows, layer.path)


def _layer(name: str, output: Tensor, gradient: Tensor) -> LayerVariance:
    levels = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64, device=output.device)
    found = []
    for values in (output, gradient):
        squares = values.double().square().flatten(1).mean(dim=1)
        spread = torch.stack([squares.kthvalue(1 + round(float(q) * (len(squares) - 1))).values for q in levels])
        low, middle, high = (float(value) for value in spread)
        found.append((float(squares.mean()), (low, middle, high)))
    (ahead, ahead_spread), (back, back_spread) = found
    return LayerVariance(name, ahead, back, ahead_spread, back_spread)


def variance_report(
    model: torch.nn.Module,
    data: Any,
    mode: Mode = "harmonic",
    *,
    nonlinearity: str = "relu",
    sample_graphs: int = 32,
    forward: Forward | None = None,
    generator: torch.Generator | None = None,
) -> VarianceReport:
    r"""Measure the signal and the gradient at every layer, as the model is and as :func:`virgo_` would make it.

    Forward figures are mean squares of the layers' outputs :math:`\mathbf{Z}_l` before activation, the backward ones
    those of :math:`\partial \mathcal{L} / \partial \mathbf{Z}_l` for a random linear loss. Both are run in float64 on
    copies, as the signal of an unnormalised network soon leaves float32; the model stays as it is. Slopes beyond some
    tenths of a decade a layer mean that initialisation is a problem; a median far below the mean, that hubs rule it.

    Args:
        model: As for :func:`virgo_`.
        data: As for :func:`virgo_`; of several batches the first is measured.
        mode: The mode of the initialisation to compare with.
        nonlinearity: As for :func:`virgo_`.
        sample_graphs: As for :func:`virgo_`.
        forward: As for :func:`virgo_`.
        generator: The source of random numbers.

    Returns:
        The report; print it, or call ``plot()`` and ``slopes()``.

    Raises:
        InputError: As for :func:`virgo_`, or the model returns no tensor.

    Example:
        >>> import graphx, torch
        >>> from torch_geometric.nn import GCN
        >>> data = graphx.data.load("karate")
        >>> data.x = torch.eye(34)
        >>> _ = torch.manual_seed(0)
        >>> report = variance_report(GCN(34, 32, num_layers=10, out_channels=4), data, mode="forward")
        >>> before, after = report.slopes().values()
        >>> abs(after[0]) < abs(before[0])
        True

    The quantities are those of Li et al., ICML 2023, https://arxiv.org/abs/2312.02622; the quantiles are ours.
    """
    (layers, *_), (graph, *_) = traced(model, data, sample_graphs, forward)
    before = copy.deepcopy(model).double()
    graph = _double_graph(graph)
    after = copy.deepcopy(model)
    virgo_(
        after,
        data,
        mode,
        nonlinearity=nonlinearity,
        sample_graphs=sample_graphs,
        forward=forward,
        generator=generator,
    )
    return VarianceReport(
        tuple(_measured(before, layers, graph, forward)), tuple(_measured(after.double(), layers, graph, forward)), mode
    )


def _double_graph(graph: Any) -> Any:
    graph = copy.copy(graph)
    for name, value in graph.to_dict().items():
        if isinstance(value, Tensor) and value.is_floating_point():
            graph[name] = value.double()
    return graph
