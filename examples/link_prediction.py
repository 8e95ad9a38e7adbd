"""Link prediction with common neighbours: heuristics and NCN on a small network, measured by Hits@10.

python examples/link_prediction.py
"""

import torch
from torch_geometric.nn import GCN

from graphx.data import load_graph
from graphx.data.splits import link_split
from graphx.nn import NCN
from graphx.nn.linkpred import as_adjacency, evaluate, heuristic


def main() -> dict[str, float]:
    torch.manual_seed(0)
    graph = load_graph("les-miserables").without_weights()
    split = link_split(graph, val=0.1, test=0.2, seed=0)
    edge_index = torch.tensor(split.edge_index())
    train, positive, negative = (torch.tensor(pairs) for pairs in (split.train, split.test, split.test_neg))
    adjacency = as_adjacency(edge_index, num_nodes=graph.num_nodes)

    found = {}
    for name in ("cn", "aa", "ra"):
        scores = [heuristic(adjacency, pairs, name) for pairs in (positive, negative)]
        found[name] = float(evaluate.hits_at(*scores, k=10))

    x = torch.nn.Embedding(graph.num_nodes, 32)
    encoder, predictor = GCN(32, 32, num_layers=2), NCN(32, hidden_channels=32)
    parameters = [*x.parameters(), *encoder.parameters(), *predictor.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        wrong = torch.randint(0, graph.num_nodes, train.shape)
        h = encoder(x.weight, edge_index)
        # in training the pairs that are asked about count as absent, so the model cannot read the answer
        scores = predictor(h, edge_index, torch.cat([train, wrong], 1))
        truth = torch.cat([torch.ones(train.size(1)), torch.zeros(wrong.size(1))])
        torch.nn.functional.binary_cross_entropy_with_logits(scores.flatten(), truth).backward()
        optimizer.step()
    predictor.eval()
    with torch.no_grad():
        h = encoder(x.weight, edge_index)
        scores = [predictor(h, edge_index, pairs).flatten() for pairs in (positive, negative)]
    found["ncn"] = float(evaluate.hits_at(*scores, k=10))
    for name, value in found.items():
        print(f"{name:4s} Hits@10 {100 * value:5.1f} %")
    return found


if __name__ == "__main__":
    main()
