"""H4G where it ends: labels and vectors that do not fit, folders of something else, its bar."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphx.errors import InputError, StoreError
from graphx.nn import H4G
from graphx.nn.hyperbolic import HyperbolicRadius
from graphx.nn.hyperbolic._textgraph import Texts, prepare
from graphx.nn.hyperbolic._training import terminal_progress
from graphx.nn.hyperbolic.prompts import label_prompts


def vectors(width: int = 4) -> Data:
    x = torch.randn(6, width, generator=torch.Generator().manual_seed(0))
    return Data(x=x, edge_index=torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]]))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.ones(1, 4), "1 label; expected at least two to choose from"),
        (torch.eye(2, 3), "the labels have 3 numbers each and the nodes 4; expected the same"),
        (torch.ones(4), r"the labels: float32 \[4\]; expected numbers \[N, F\]"),
        (torch.tensor([[1.0, 2, 3, 4], [1, 2, torch.nan, 4]]), "the labels holds a number that is not finite in row 1"),
    ],
)
def test_labels_as_vectors(labels: torch.Tensor, message: str) -> None:
    assert prepare(vectors(), Texts(None), 2, classes=torch.eye(2, 4)).label_x.shape == (2, 4)
    with pytest.raises(InputError, match=message):
        prepare(vectors(), Texts(None), 2, classes=labels)


def test_graphs_of_two_widths() -> None:
    model = H4G(None, steps=1)
    with pytest.raises(InputError, match=r"the graphs have vectors of \[4, 5\] numbers; expected the same width"):
        model.fit([vectors(4), vectors(5)])


def test_prompts_have_words() -> None:
    for names in ("cats", ["cats", " "], [1, 2]):
        with pytest.raises(InputError, match="expected a sequence of names that are not empty"):
            label_prompts(names)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="kind is empty; expected what a node is"):
        label_prompts(["cats"], " ")


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps({"format": "thesis"}))
    with pytest.raises(StoreError, match="holds 'thesis'; expected a model of H4G.save"):
        H4G.load(tmp_path)
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(StoreError, match="holds no whole model of H4G.save"):
        H4G.load(tmp_path)


def test_radii_of_an_unknown_space() -> None:
    with pytest.raises(InputError, match="space is 'sphere'; expected 'tangent' or 'ball'"):
        HyperbolicRadius().update(torch.zeros(2, 3), space="sphere")  # type: ignore[arg-type]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    import tqdm

    made = []

    class Bar(tqdm.tqdm):
        def __init__(self, **options: object) -> None:
            super().__init__(**{**options, "delay": 0})
            made.append((self, options["desc"], options["total"]))

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(tqdm, "tqdm", Bar)
    report, close = terminal_progress()
    assert report is not None
    report("fit", 3, 10)
    report("fit", 5, 10)
    report("refine", 1, 2)
    assert [(bar.n, desc, total, bar.disable) for bar, desc, total in made] == [
        (5, "fit", 10, True),  # closed
        (1, "refine", 2, False),
    ]
    close()
    assert made[1][0].disable and "fit" in screen.getvalue()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert terminal_progress()[0] is None


def test_vectors_of_zeros_alone_stay_so() -> None:
    found = Texts(None).nodes(Data(x=torch.zeros(3, 2), edge_index=torch.zeros(2, 0, dtype=torch.long)))
    assert np.array_equal(found, np.zeros((3, 2)))
