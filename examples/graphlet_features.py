"""Graphlet degrees as features of a PyG model: find the members of hidden cliques, which message passing cannot see.

    python examples/graphlet_features.py

Every node of the graph has the same degree, near enough; half of them get theirs inside groups of five where all know
all. A GCN that knows the degree alone sees nothing, with graphlet degrees it sees almost all.
"""

import torch
from torch_geometric.nn import GCN

from graphx import Graph
from graphx.data.splits import node_split
from graphx.data.synthetic import random_regular
from graphx.transforms import AddGraphletDegrees


def hidden_cliques(num_nodes: int = 600, size: int = 5) -> tuple[Graph, torch.Tensor]:
    """Nodes of degree size + 1: one half in cliques with two edges outwards, the other in a random regular graph."""
    half = num_nodes // 2
    cliques = [(a, b) for first in range(0, half, size) for a in range(first, first + size) for b in range(first, a)]
    outwards = random_regular(half, 2, seed=1).to_scipy().tocoo()
    rest = random_regular(half, size + 1, seed=2).to_scipy().tocoo()
    edges = [*cliques, *zip(outwards.row, outwards.col), *zip(rest.row + half, rest.col + half)]
    sources, targets = zip(*edges)
    graph = Graph.from_edges(sources, targets, num_nodes=num_nodes, duplicates="merge")
    return graph, torch.arange(num_nodes).lt(half).long()


def accuracy(
    x: torch.Tensor, edge_index: torch.Tensor, y: torch.Tensor, train: torch.Tensor, test: torch.Tensor
) -> float:
    """Test accuracy of a GCN of two layers on these features."""
    torch.manual_seed(0)
    x = (x - x.mean(0)) / x.std(0).clamp(min=1e-6)
    model = GCN(x.size(1), 16, num_layers=2, out_channels=2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x, edge_index)[train], y[train]).backward()
        optimizer.step()
    return float((model(x, edge_index).argmax(1) == y)[test].float().mean())


def main() -> dict[str, float]:
    graph, y = hidden_cliques()
    data = AddGraphletDegrees(log=True)(graph.to_pyg())
    split = node_split(y.numpy(), train=0.3, val=0.2, seed=0)
    train, test = torch.tensor(split.train), torch.tensor(split.test)
    found = {
        "degree alone": accuracy(data.x[:, :1], data.edge_index, y, train, test),
        "graphlet degrees": accuracy(data.x, data.edge_index, y, train, test),
    }
    for name, value in found.items():
        print(f"{name:17s} {100 * value:5.1f} % of the nodes right")
    return found


if __name__ == "__main__":
    main()
