"""A learned commutative monoid inside a convolution: the second smallest value among the neighbours.

    python examples/learned_aggregation.py

A sum cannot tell it, nor can a maximum: an operator that combines two summaries of neighbours, as LCM does, can learn
to.
"""

import torch
from torch_geometric.nn import SAGEConv

from graphx.data.synthetic import random_regular
from graphx.nn import LCMAggregation


def error(aggr: torch.nn.Module | str, steps: int = 150) -> float:
    """Mean square error on new values, in units of the variance of the target, after a short training."""
    torch.manual_seed(0)
    edge_index = random_regular(300, 6, seed=0).to_pyg().edge_index
    lift, conv = torch.nn.Linear(1, 16), SAGEConv(16, 16, aggr=aggr, root_weight=False)
    read = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(16, 1))
    parameters = [*lift.parameters(), *conv.parameters(), *read.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.01)

    def loss() -> torch.Tensor:
        values = torch.rand(300, 1)
        neighbours = values[edge_index[0]][edge_index[1].argsort(stable=True)].view(300, 6)
        target = neighbours.sort(1).values[:, 1:2]
        found = read(conv(lift(values), edge_index))
        return (found - target).square().mean() / target.var()

    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    with torch.no_grad():
        return float(torch.stack([loss() for _ in range(10)]).mean())


def main() -> dict[str, float]:
    found = {"sum": error("sum"), "max": error("max"), "LCM": error(LCMAggregation(16, 16))}
    for name, value in found.items():
        print(f"{name:4s} error {value:.3f} (1 is the mean of all nodes, 0 is right)")
    return found


if __name__ == "__main__":
    main()
