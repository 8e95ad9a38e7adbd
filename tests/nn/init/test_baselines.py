"""Baselines: the draws are torch's own, only layers that are called change, and a failure changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.nn import GAT, GCN, GIN, GATConv, GCNConv, GINConv, GraphConv, GraphSAGE, SAGEConv

from graphx.errors import InputError
from graphx.nn.init import kaiming_, lsuv_, xavier_
from graphx.nn.init._trace import Layer, trace
from graphx.nn.init.baselines import output_module

EDGES = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 4, 4, 0], [1, 0, 2, 1, 3, 2, 4, 3, 0, 4]])


def data(seed: int = 0) -> Data:
    return Data(x=torch.randn(5, 6, generator=torch.Generator().manual_seed(seed)), edge_index=EDGES)


def weights(model: torch.nn.Module) -> list[torch.Tensor]:
    return [part.weight for layer in trace(model, data()) for part in layer.parts]


DRAWS: list[tuple[Any, dict[str, Any], Any]] = [
    (kaiming_, {}, lambda w, g: torch.nn.init.kaiming_uniform_(w, nonlinearity="relu", generator=g)),
    (
        kaiming_,
        {"mode": "fan_out", "nonlinearity": "tanh"},
        lambda w, g: torch.nn.init.kaiming_uniform_(w, mode="fan_out", nonlinearity="tanh", generator=g),
    ),
    (xavier_, {"gain": 1.5}, lambda w, g: torch.nn.init.xavier_uniform_(w, gain=1.5, generator=g)),
]


@pytest.mark.parametrize("kind", [GCN, GraphSAGE, GIN, GAT])
@pytest.mark.parametrize(("initialise", "options", "draw"), DRAWS)
def test_draws_are_torchs_in_the_order_of_calls(kind: Any, initialise: Any, options: dict[str, Any], draw: Any) -> None:
    model = kind(6, 8, 3, out_channels=4)
    assert initialise(model, data(), generator=torch.Generator().manual_seed(3), **options) is model
    generator = torch.Generator().manual_seed(3)
    found = weights(model)
    for weight in found:
        assert torch.equal(weight, draw(torch.empty_like(weight), generator))
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    assert biases and not any(bool(bias.any()) for bias in biases)


def test_what_is_not_called_stays() -> None:
    model = GCN(6, 8, 2, out_channels=4)
    model.spare = torch.nn.Linear(3, 3)
    before = {name: value.clone() for name, value in model.spare.state_dict().items()}
    for initialise in (kaiming_, xavier_, lsuv_):
        initialise(model, data())
        assert all(torch.equal(value, before[name]) for name, value in model.spare.state_dict().items())


@pytest.mark.parametrize("kind", [GCN, GraphSAGE, GIN])
def test_unit_deviation_layer_by_layer(kind: Any) -> None:
    """Measured by hooks of our own on the model as it is used; weights are multiples of orthogonal ones."""
    model, given = kind(6, 8, 3, out_channels=4), data()
    lsuv_(model, given, generator=torch.Generator().manual_seed(0))
    seen: list[float] = []
    for layer in trace(model, given):
        output_module(layer).register_forward_hook(lambda *a: seen.append(float(a[2].detach().std())))
        for part in layer.parts:
            weight = part.weight.detach()
            square = weight @ weight.t() if weight.size(0) <= weight.size(1) else weight.t() @ weight
            torch.testing.assert_close(square, square[0, 0] * torch.eye(len(square)), rtol=1e-4, atol=1e-4)
    model(given.x, given.edge_index)
    assert seen == pytest.approx([1.0] * len(seen), rel=1e-3) and len(seen) >= 3


def test_where_the_output_of_a_layer_is_measured() -> None:
    mlp = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 4))
    layers = trace(GINConv(mlp), data())
    assert [output_module(layer) for layer in layers] == [mlp[0], mlp[2]]
    for conv in (GCNConv(6, 4), SAGEConv(6, 4), GATConv(6, 4)):
        (layer,) = trace(conv, data())
        assert isinstance(layer, Layer) and output_module(layer) is conv


@pytest.mark.parametrize("training", [True, False])
def test_a_failure_in_the_middle_puts_everything_back(training: bool) -> None:
    """The second layer has zero input wherever ReLU gives zero: its output does not vary."""

    class Dead(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = GraphConv(6, 4), GraphConv(4, 3)

        def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
            return self.second(0 * self.first(x, edge_index), edge_index)

    model = Dead().train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(InputError, match="the output of second has deviation 0.0; expected it to vary"):
        lsuv_(model, data())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training == training
    assert not any(module._forward_hooks for module in model.modules())
    with pytest.raises(InputError, match="first gets 7 features; expected 6, the width of its weight"):
        kaiming_(model, Data(x=torch.ones(5, 7), edge_index=EDGES))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
