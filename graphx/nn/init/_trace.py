"""Run a model once and write down its layers in the order of their calls, each with its operator."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import UninitializedParameter
from torch_geometric.data import Batch, Data  # type: ignore[import-untyped]
from torch_geometric.nn import Linear  # type: ignore[import-untyped]

from graphx._checks import positive_integers
from graphx.errors import InputError
from graphx.nn.init.operators import Part, is_registered, made_once, parts_of, stand_ins

Forward = Callable[[Any, Any], Any]
_CACHES = ("_cached_edge_index", "_cached_adj_t", "_cached_x", "_cached_h")


@dataclass(frozen=True)
class Layer:
    """One call of a layer.

    Attributes:
        name: As the report shows it.
        module: The layer.
        parts: Its weights, each with its own operator.
        rows: How many rows came in.
        path: In ``named_modules``; the name is that of the class where the model is one layer.
    """

    name: str
    module: torch.nn.Module
    parts: tuple[Part, ...]
    rows: int
    path: str = ""

    @property
    def fan_in(self) -> int:
        """Input channels."""
        return int(self.parts[0].weight.size(1))

    @property
    def fan_out(self) -> int:
        """Output channels."""
        return int(self.parts[0].weight.size(0))


def samples(data: Any, sample_graphs: int) -> list[Any]:
    """The graphs to take statistics from: one graph, the first batches of a loader, or graphs spread over a set."""
    positive_integers(sample_graphs=sample_graphs)
    if isinstance(data, Data):
        found = [data]
    elif hasattr(data, "__getitem__") and hasattr(data, "__len__") and not hasattr(data, "collate_fn"):
        size = len(data)
        chosen = sorted({i * size // min(size, sample_graphs) for i in range(min(size, sample_graphs))}) if size else []
        graphs = [data[i] for i in chosen]
        found = [Batch.from_data_list(graphs)] if graphs and all(isinstance(g, Data) for g in graphs) else graphs
    elif hasattr(data, "__iter__"):
        found = [batch for _, batch in zip(range(sample_graphs), data, strict=False)]
    else:
        raise InputError(
            f"data is a {type(data).__name__}; expected a torch_geometric Data, a list or data set of them, or a loader"
        )
    if not found:
        raise InputError("data holds no graph; expected at least one")
    for graph in found:
        check_graph(graph)
    return found


def check_graph(graph: Any) -> None:
    """A graph with nodes and finite features."""
    x = graph.get("x") if isinstance(graph, Data) else None
    if x is None:
        raise InputError(
            f"the graph is a {type(graph).__name__} without x; expected a torch_geometric Data with node features "
            "data.x [N, F]"
        )
    if not isinstance(x, Tensor) or x.dim() != 2 or x.numel() == 0:
        raise InputError(f"data.x has shape {tuple(x.shape)}; expected [N, F] with at least one node and one feature")
    values = x if x.layout == torch.strided else (x.coalesce() if x.layout == torch.sparse_coo else x).values()
    # one pass for the rule, that the sum is finite; entry by entry for the exception, or a sum that overflows
    if not bool(torch.isfinite(values.sum())) and not bool(torch.isfinite(values).all()):
        row = int((~torch.isfinite(x)).any(dim=1).nonzero()[0]) if x.layout == torch.strided else -1
        raise InputError(f"data.x is not finite (row {row}); expected finite features: remove or replace NaN and inf")
    edge_index = graph.get("edge_index")
    if edge_index is not None and edge_index.numel() and int(edge_index.max()) >= len(x):
        raise InputError(
            f"edge_index holds node {int(edge_index.max())} and x has {len(x)} rows; expected every node below the "
            "number of rows"
        )


def check_model(model: Any) -> None:
    """A module with initialised parameters."""
    if not isinstance(model, torch.nn.Module):
        raise InputError(f"model is a {type(model).__name__}; expected a torch.nn.Module")
    lazy = next((name for name, p in model.named_parameters() if isinstance(p, UninitializedParameter)), None)
    if lazy is not None:
        raise InputError(f"the parameter {lazy} is lazy and has no shape yet; call the model once on the data before")
    if not any(is_registered(module) for module in model.modules()):
        raise InputError(
            f"{type(model).__name__} has no message-passing layer; expected at least one PyG conv, or one made known "
            "by graphx.nn.init.register_operator"
        )


def call(model: torch.nn.Module, graph: Any, forward: Forward | None) -> Any:
    """The model on a graph: by `forward`, or by the names of its arguments."""
    if forward is not None:
        return forward(model, graph)
    signature = getattr(model, "signature", None)  # torch_geometric.nn.Sequential keeps its own
    if signature is not None and hasattr(signature, "param_dict"):
        names, optional = list(signature.param_dict), set[str]()
    else:
        _self, *parameters = inspect.signature(type(model).forward).parameters.values()
        named = [p for p in parameters if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}]
        names = [p.name for p in named]
        optional = {p.name for p in named if p.default is not p.empty}
    if names and names[0] in {"data", "graph"} and set(names[1:]) <= optional:
        return model(graph)
    arguments = {}
    for name in names:
        value = graph.get("adj_t") if name in {"edge_index", "adj_t"} and graph.get("adj_t") is not None else None
        value = graph.get(name) if value is None else value
        if value is None and name not in optional:
            raise InputError(
                f"{type(model).__name__}.forward wants {name!r}, which the graph has not (it has "
                f"{', '.join(graph.keys())}); pass forward=lambda model, data: model(...)"
            )
        if value is not None and (name not in optional or name in {"edge_weight", "batch"}):
            arguments[name] = value
    return model(**arguments) if signature is None else model(*(arguments[name] for name in names))


@contextmanager
def undisturbed(model: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode, no caches kept, everything afterwards as it was before, the state of random numbers too."""
    modes = [(module, module.training) for module in model.modules()]
    caches = [(m, name, getattr(m, name)) for m in model.modules() for name in _CACHES if name in m.__dict__]
    try:
        with torch.random.fork_rng():
            for module, name, _ in caches:
                setattr(module, name, None)
            model.eval()
            yield
    finally:
        for module, training in modes:
            module.training = training
        for module, name, value in caches:
            setattr(module, name, value)


def trace(model: torch.nn.Module, graph: Any, forward: Forward | None = None) -> list[Layer]:
    """The layers with weights in the order of their calls."""
    names = {module: name for name, module in model.named_modules()}
    layers: list[Layer] = []
    claimed: dict[int, str] = {}

    def note(module: torch.nn.Module, parts: Sequence[Part], rows: int) -> None:
        for part in parts:
            if id(part.weight) in claimed:
                raise InputError(
                    f"the weight of {names[module]} is used by {claimed[id(part.weight)]} too; a shared weight has no "
                    "variance of its own: initialise it by hand, or give each layer its own"
                )
            claimed[id(part.weight)] = names[module]
            if part.operator is not None and part.operator.size(1) != rows:
                raise InputError(
                    f"the operator of {names[module]} is {tuple(part.operator.shape)} and its input has {rows} rows; "
                    "expected the same number"
                )
        layers.append(Layer(names[module] or type(module).__name__, module, tuple(parts), rows, names[module]))

    def before_conv(module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        x = args[0] if args else kwargs.get("x")
        parts = parts_of(module, *args, **kwargs)
        width = x.size(-1) if isinstance(x, Tensor) else parts[0].weight.size(1)
        if any(part.weight.size(1) != width for part in parts):
            raise InputError(
                f"{names[module] or type(module).__name__} gets {width} features; expected {parts[0].weight.size(1)}, "
                "the width of its weight"
            )
        note(module, parts, len(x) if isinstance(x, Tensor) else int(parts[0].operator.size(1)))  # type: ignore[union-attr]

    def before_linear(module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        weight: Any = module.weight
        name, owner = names[module], claimed.get(id(weight))
        if owner is not None and owner != name and name.startswith(_prefix(owner)):
            return  # the weight of a part, on its way through its own layer
        around = next((n for m, n in names.items() if is_registered(m) and name.startswith(_prefix(n))), None)
        if owner is None and around is not None and not name.startswith(_prefix(around) + "nn."):
            return  # such as the attention of a layer
        note(module, [Part(None, weight)], args[0].numel() // args[0].size(-1))

    with ExitStack() as stack, torch.no_grad():
        stack.enter_context(undisturbed(model))
        stack.enter_context(made_once())
        for module in model.modules():
            for name, function in stand_ins(module):
                if name not in module.__dict__:
                    module.__dict__[name] = function
                    stack.callback(module.__dict__.pop, name)
            if is_registered(module):
                handle = module.register_forward_pre_hook(before_conv, with_kwargs=True)
                stack.callback(handle.remove)
            elif _is_linear(module):
                stack.callback(module.register_forward_pre_hook(before_linear).remove)
        call(model, graph, forward)
    if not any(is_registered(layer.module) for layer in layers):
        raise InputError("the model called no message-passing layer on this graph; expected at least one")
    return layers


def _prefix(name: str) -> str:
    return f"{name}." if name else ""


def _is_linear(module: torch.nn.Module) -> bool:
    return isinstance(module, (torch.nn.Linear, Linear))
