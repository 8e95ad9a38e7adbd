"""Zero-shot: name the classes of a text graph's nodes without a single label, with an encoder that hashes words.

    python examples/zero_shot.py

The texts are made up: each node is about one of three things, says few words about it, and links mostly to its like. A
real graph deserves real vectors: leave `encoder` out and install graphx-pyg[text], and H4G takes MiniLM.
"""

import numpy as np
import torch
from sklearn.feature_extraction.text import HashingVectorizer
from torch_geometric.data import Data

from graphx.data.synthetic import stochastic_block_model
from graphx.nn import H4G

WORDS = {
    "music": "music song guitar melody concert orchestra rhythm".split(),
    "cooking": "cooking recipe oven butter kitchen flour dinner".split(),
    "sailing": "sailing boat wind harbour mast anchor regatta".split(),
}
FILLER = "the a of today with about some very new people time good".split()


def encoder(texts: list[str]) -> np.ndarray:
    """Counts of words, by the hash of each word: no vocabulary and no download."""
    return HashingVectorizer(n_features=512, norm=None, alternate_sign=False).transform(texts).toarray()


def text_graph(size: int = 60, seed: int = 0) -> Data:
    """Nodes of three topics; a third of the texts do not say which."""
    rng = np.random.default_rng(seed)
    inside = [[0.08 if a == b else 0.01 for a in range(3)] for b in range(3)]
    graph, topics = stochastic_block_model([size] * 3, inside, seed=seed)
    names = list(WORDS)
    texts = []
    for topic in topics:
        told = rng.choice(WORDS[names[topic]], 2) if rng.random() > 0.33 else []
        texts.append(" ".join(rng.permutation([*rng.choice(FILLER, 6), *told])))
    data = graph.to_pyg()
    data.text, data.y = texts, torch.as_tensor(topics)
    return data


def main() -> dict[str, float]:
    data = text_graph()
    labels = [" ".join(words) for words in WORDS.values()]  # a label may be a description
    model = H4G(encoder, block_size=8, steps=30, random_state=0).fit([data])
    accuracy = float((model.predict(data, labels) == data.y).float().mean())
    vectors, names = (torch.as_tensor(encoder(texts), dtype=torch.float) for texts in (data.text, labels))
    text_only = float(((vectors @ names.T).argmax(1) == data.y).float().mean())
    print(
        f"text alone {100 * text_only:.1f} %, H4G {100 * accuracy:.1f} % of {data.num_nodes} nodes right, no label seen"
    )
    return {"text alone": text_only, "H4G": accuracy}


if __name__ == "__main__":
    main()
