"""Is the initialisation the problem? What a deep GIN does to the signal on a graph, and what virgo_ makes of it.

python examples/initialisation.py [picture.png]
"""

import sys

import torch
from torch_geometric.nn import GraphConv

import graphx
from graphx.data.synthetic import barabasi_albert
from graphx.nn.init import variance_report, virgo_


class Deep(torch.nn.Module):
    """Twelve layers of sums over neighbours, with neither norms nor skips."""

    def __init__(self, channels: int, layers: int = 12) -> None:
        super().__init__()
        self.convs = torch.nn.ModuleList(GraphConv(channels, channels) for _ in range(layers))

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        for conv in self.convs[:-1]:
            x = conv(x, edge_index).relu()
        return self.convs[-1](x, edge_index)


def main(picture: str | None = None) -> dict[str, float]:
    torch.manual_seed(0)
    data = barabasi_albert(500, 4, seed=0).to_pyg()
    data.x = torch.randn(500, 32)
    model = Deep(32)
    report = variance_report(model, data, mode="forward")
    print(report)
    (before, _), (after, _) = report.slopes().values()
    print(f"\ndecades a layer: {before:+.2f} as it is, {after:+.2f} after virgo_; beyond 0.5 is a problem")
    if picture is not None:
        graphx.plot.plot_variance(report)[0].figure.savefig(picture)
        print(f"written: {picture}")
    virgo_(model, data, mode="forward")
    return {"before": before, "after": after, "output": model(data.x, data.edge_index).std().item()}


if __name__ == "__main__":
    main(*sys.argv[1:2])
