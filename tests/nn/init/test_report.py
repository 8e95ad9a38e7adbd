"""variance_report: the figures are those of the model, and the slopes tell what an initialisation does."""

from __future__ import annotations

import copy

import pytest
import torch
from torch_geometric.nn import GIN, GraphConv, Sequential

import graphx
from graphx.errors import InputError
from graphx.nn.init import LayerVariance, VarianceReport, kaiming_, variance_report
from graphx.nn.init.report import log_slope


@pytest.fixture
def karate():
    data = graphx.data.load("karate")
    data.x = torch.eye(34)
    return data


def test_figures_are_those_of_the_model(karate):
    model = GIN(34, 16, num_layers=2, out_channels=4)
    state = copy.deepcopy(model.state_dict())
    report = variance_report(model, karate, generator=torch.Generator().manual_seed(0))
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    with torch.no_grad():
        out = model(karate.x, karate.edge_index)
    squares = out.square().mean(dim=1)
    last = report.before[-1]
    assert last.forward == pytest.approx(float(squares.mean()), rel=1e-4)
    assert last.forward_quantiles[1] == pytest.approx(float(squares.kthvalue(1 + round(0.5 * 33)).values), rel=1e-4)
    assert last.forward_quantiles[0] <= last.forward_quantiles[1] <= last.forward_quantiles[2]
    direction = torch.randn(34, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert last.backward == pytest.approx(float(direction.square().mean() / 136), rel=1e-6)


@pytest.mark.parametrize("depth", [8, 16, 32])
def test_sum_operators_become_flat(karate, depth):
    steps = [(GraphConv(34 if i == 0 else 64, 64), "x, edge_index -> x") for i in range(depth)]
    steps = [s for step in steps for s in (step, torch.nn.ReLU())][:-1]
    model = kaiming_(Sequential("x, edge_index", steps), karate, generator=torch.Generator().manual_seed(0))
    report = variance_report(model, karate, "forward", generator=torch.Generator().manual_seed(0))
    (before, before_back), (after, after_back) = report.slopes().values()
    assert before > 1
    assert before_back < -1
    assert abs(after) < before / 10
    assert abs(after_back) < -before_back / 4
    text = str(report)
    assert text.count("\n") == 3 + 2 * depth
    assert f"{before:+.3f} forward" in text


def test_slope_by_hand():
    def layer(forward, backward):
        return LayerVariance("conv", forward, backward, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))

    layers = (layer(1.0, 1e4), layer(10.0, 1e2), layer(100.0, 1.0), layer(5.0, 5.0))
    report = VarianceReport(layers, layers, "forward")
    assert report.slopes()["before"] == pytest.approx((1.0, -2.0))


def test_plot(karate):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    left, right = variance_report(GIN(34, 8, num_layers=3, out_channels=4), karate).plot()
    assert [line.get_label() for line in left.lines if not line.get_label().startswith("_")] == [
        "as it is",
        "virgo, harmonic",
    ]
    assert right.get_title() == "backward"
    plt.close("all")


def test_a_model_that_returns_no_tensor(karate):
    class Two(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = GraphConv(34, 4)

        def forward(self, x, edge_index):
            return self.conv(x, edge_index), None

    with pytest.raises(InputError, match="expected a tensor"):
        variance_report(Two(), karate)
    report = variance_report(Two(), karate, forward=lambda model, data: model(data.x, data.edge_index)[0])
    assert len(report.before) == 1


def test_no_slope_of_too_few_layers_or_of_silence() -> None:
    assert log_slope([1.0, 10.0, 100.0, 7.0]) == pytest.approx(1.0)  # the last is left out
    assert [log_slope(values) != log_slope(values) for values in ([1.0], [1.0, 0.0, 1.0, 1.0])] == [True, True]
