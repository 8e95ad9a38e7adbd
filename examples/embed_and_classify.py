"""FastRP and a classifier: find communities from a tenth of the labels, with plain and with refined vectors.

python examples/embed_and_classify.py
"""

from graphx.data.synthetic import stochastic_block_model
from graphx.fastrp import FastRP, evaluate_labels


def main() -> dict[str, float]:
    inside = [[0.03 if a == b else 0.006 for a in range(5)] for b in range(5)]
    graph, communities = stochastic_block_model([200] * 5, inside, seed=0)
    found = {}
    for name, model in {
        "FastRP": FastRP(64, random_state=0),
        "FastRP, refined": FastRP(64, refine=8, random_state=0),
    }.items():
        vectors = model.fit_transform(graph)
        score = evaluate_labels(vectors, communities, train_ratios=[0.1], n_splits=3)[0]
        found[name] = score.micro
        print(f"{name:16s} {vectors.shape}: {score}")
    return found


if __name__ == "__main__":
    main()
