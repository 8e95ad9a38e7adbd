"""Where does an embedding sit in hyperbolic space? Radii by distance from the centre of a tree, and what scaling does.

    python examples/hyperbolic_radii.py

Vectors that grow with every propagation step leave the range in which float32 can tell points apart: the report says
which do.
"""

import torch

from graphx import Graph
from graphx.nn.hyperbolic import BlockDiagonalMobiusScaling, HyperbolicRadius


def main() -> dict[str, float]:
    torch.manual_seed(0)
    depth, branches = 5, 3
    count = sum(branches**k for k in range(depth + 1))
    children = torch.arange(1, count)
    tree = Graph.from_edges((children - 1) // branches, children)
    hop = torch.zeros(count, dtype=torch.long)
    for node in range(1, count):
        hop[node] = hop[(node - 1) // branches] + 1
    adjacency = tree.to_pyg().edge_index
    x = torch.randn(count, 8)
    for _ in range(2):  # sums over neighbours, as in a GNN without normalisation
        x = x + torch.zeros_like(x).index_add_(0, adjacency[1], x[adjacency[0]])

    scaling = BlockDiagonalMobiusScaling(8, block_size=4)
    with torch.no_grad():
        shorter = scaling(x) / 4
    radii = HyperbolicRadius().update(x, layer="sums", hop=hop).update(shorter, layer="scaled")
    print(radii)
    by_layer = {row.value: row for row in radii.summary() if row.by == "layer"}
    return {
        "sums past float32": by_layer["sums"].past_float32,
        "scaled past float32": by_layer["scaled"].past_float32,
        "median": by_layer["sums"].quantiles[2],
    }


if __name__ == "__main__":
    main()
