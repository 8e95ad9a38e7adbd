"""The authors' own numbers: BlogCatalog, d = 512, 10 % of the labels, one-vs-rest logistic regression, C = 0.1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

import graphx
from graphx.fastrp import FastRP


def scores(Z: Any, labels: Any, share: float, C: float, splits: int) -> tuple[float, float]:
    """Mean micro and macro F1; of each test node as many labels are told as it has."""
    micro, macro = [], []
    for split in range(splits):
        order = np.random.default_rng(split).permutation(len(Z))
        cut = int(share * len(Z))
        train, test = order[:cut], order[cut:]
        probabilities = np.zeros((len(test), labels.shape[1]))
        for label in range(labels.shape[1]):
            known = labels[train, label]
            if known.min() == known.max():
                probabilities[:, label] = known[0]
                continue
            model = LogisticRegression(C=C, solver="liblinear").fit(Z[train], known)
            probabilities[:, label] = model.predict_proba(Z[test])[:, 1]
        rank = (-probabilities).argsort(axis=1).argsort(axis=1)
        told = rank < labels[test].sum(axis=1, keepdims=True)
        micro.append(f1_score(labels[test], told, average="micro"))
        macro.append(f1_score(labels[test], told, average="macro", zero_division=0))
    return float(np.mean(micro)), float(np.mean(macro))


@pytest.mark.slow
def test_the_authors_blogcatalog_numbers(data_dir: Path) -> None:
    file = data_dir / "multilabel" / "blogcatalog" / "blogcatalog.mat"
    if not file.exists():
        pytest.skip(f"{file} is absent")
    content = loadmat(file)
    labels = content["group"].toarray().astype(int)
    model = FastRP(
        512, iteration_weights=(0, 0, 1, 6.67), normalization_strength=-0.64, convention="paper", random_state=0
    )
    Z = model.fit_transform(graphx.Graph.from_scipy(content["network"]))
    micro, macro = scores(Z, labels, 0.1, 0.1, 5)
    print(f"micro {micro:.4f} macro {macro:.4f}")
    assert abs(micro - 0.372) <= 0.006, micro
    assert abs(macro - 0.228) <= 0.006, macro
