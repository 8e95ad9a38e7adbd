"""Encoder and predictor as one module: copies, folders whole or damaged, pairs in batches, the best that are absent."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from graphx.errors import InputError, StoreError
from graphx.nn.linkpred import LinkConfig, LinkModel, as_adjacency
from tests.nn.linkpred.graphs import DIAMOND, adjacency_of, edges_of, extension, random_dense, random_pairs

PAIRS = torch.tensor([[0, 1], [3, 2]])
KINDS = [
    {"structure": "gae"},
    {"structure": "gae_cat_cn", "two_layer_head": True},
    {"structure": "ncnc", "learnable_pt": True, "depth": 2, "transform_nodes": True},
    {"structure": "cn2", "conv": "puremean", "jumping_knowledge": True, "num_layers": 2, "tail_activation": True},
    {"structure": "ncn", "conv": "none", "predictor_layer_norm": False},
]


def made(settings: dict[str, Any], features: bool, size: int = 12) -> tuple[LinkModel, torch.Tensor | None]:
    torch.manual_seed(0)
    config = LinkConfig(**{"hidden_channels": 6, "dropout": 0.3, "predictor_dropout": 0.3, **settings})
    model = LinkModel(config, 5 if features else None, size)
    return model, torch.randn(size, 5) if features else None


@pytest.mark.parametrize("features", [True, False])
@pytest.mark.parametrize("settings", KINDS)
def test_copies_pickles_states_and_folders_answer_alike(
    settings: dict[str, Any], features: bool, tmp_path: Path
) -> None:
    model, x = made(settings, features)
    graph, pairs = adjacency_of(random_dense(2, 12, symmetric=True)), random_pairs(0, 12, 9)
    wanted = model.predict(x, graph, pairs)
    fresh = made(settings, features)[0]
    fresh.encoder.reset_parameters()
    fresh.predictor.reset_parameters()
    assert not torch.equal(fresh.predict(x, graph, pairs), wanted)
    fresh.load_state_dict(model.state_dict())
    model.save(tmp_path / "model", about={"of": ["anything", 1]})
    loaded = LinkModel.load(tmp_path / "model")
    assert loaded.about == {"of": ["anything", 1]} and loaded.config == model.config and not loaded.training
    copies = [fresh, loaded, copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    torch.save(model, tmp_path / "whole.pt")
    copies.append(torch.load(tmp_path / "whole.pt", weights_only=False))
    for other in copies:
        assert other.num_parameters == model.num_parameters > 0
        assert torch.equal(other.predict(x, graph, pairs), wanted)
        for enabled in (True, False):
            with extension(enabled):
                torch.testing.assert_close(other.predict(x, graph, pairs), wanted)
    assert model.training  # predict has left it as it was


@pytest.mark.parametrize("features", [True, False])
@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_pairs_in_batches_of_any_size(features: bool, size: int) -> None:
    model, x = made(KINDS[2], features)
    edges, pairs = edges_of(random_dense(4, 12, symmetric=True)), random_pairs(4, 12, 15)
    whole = model.eval()(x, as_adjacency(edges, num_nodes=12), pairs)
    torch.testing.assert_close(model.predict(x, edges, pairs, batch_size=size), whole)
    assert model.predict(x, edges, pairs[:, :0], batch_size=size).shape == (0,)
    assert not model.predict(x, edges, pairs).requires_grad


def test_the_encoder_may_read_another_graph() -> None:
    from graphx.nn.linkpred._messages import messages_of

    model, x = made({"structure": "ncn"}, True, 4)
    model.eval()
    other = as_adjacency(torch.tensor([[0, 3], [3, 0]]), num_nodes=4)
    found = model(x, DIAMOND, PAIRS, messages=messages_of(other))
    wanted = model.predictor(model.encoder(x, other), DIAMOND, PAIRS)
    assert torch.equal(found, wanted) and not torch.allclose(found, model(x, DIAMOND, PAIRS))
    model, _ = made({"structure": "ncn"}, False, 9)
    nodes = torch.tensor([8, 2, 5, 0])
    part = model.eval()(None, DIAMOND, PAIRS, nodes=nodes)
    weight = model.encoder.embedding.weight[nodes]
    twin, _ = made({"structure": "ncn"}, False, 4)
    twin.load_state_dict({**model.state_dict(), "encoder.embedding.weight": weight})
    assert torch.equal(part, twin.eval()(None, DIAMOND, PAIRS))


@pytest.mark.parametrize("features", [True, False])
def test_topk_by_sorting_everything(features: bool) -> None:
    model, x = made({"structure": "gae_cn", "eval_batch_size": 3}, features)
    dense = random_dense(6, 12, 0.4)  # directed: the row of the node says what it is linked with
    graph, asked = adjacency_of(dense), torch.tensor([5, 0, 5, 11])
    for k in (1, 3, 50):
        pairs, logits = model.topk(x, graph, asked, k)
        at = 0
        for node in asked.tolist():
            free = [v for v in range(12) if v != node and dense[node, v] == 0]
            scores = model.predict(x, graph, torch.tensor([[node] * len(free), free]))
            order = sorted(range(len(free)), key=lambda i: (-float(scores[i]), free[i]))[:k]
            mine = pairs[:, at : at + len(order)]
            assert mine.tolist() == [[node] * len(order), [free[i] for i in order]]
            torch.testing.assert_close(logits[at : at + len(order)], scores[order])
            at += len(order)
        assert at == pairs.size(1) == logits.numel()


# -- folders -----------------------------------------------------------------------------------------------------------


def rewritten(**changes: Any) -> Any:
    def change(folder: Path) -> None:
        told = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps({**told, **changes}))

    return change


def cut(folder: Path) -> None:
    file = folder / "weights.pt"
    file.write_bytes(file.read_bytes()[:-200])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda folder: (folder / "model.json").write_text("[]"),
            r"model\.json: no model of LinkModel.save; give",
        ),
        (lambda folder: (folder / "model.json").write_text("null"), "no model of LinkModel.save"),
        (lambda folder: (folder / "model.json").write_text("{"), "no whole model of LinkModel.save"),
        (lambda folder: (folder / "model.json").unlink(), "no whole model"),
        (rewritten(format="graphx-link-model-9"), "no model of LinkModel.save"),
        (rewritten(config=None), "no whole model"),
        (rewritten(config=[1, 2]), "no whole model .*there is no setting 1"),
        (rewritten(config={"epochs": 0}), "no whole model .*epochs is 0; expected a positive integer"),
        (rewritten(num_nodes=13), "(?s)no whole model .*size mismatch for encoder.embedding.weight"),
        (rewritten(num_nodes="12"), "no whole model .*num_nodes is '12'"),
        (rewritten(num_nodes=None), "no whole model .*expected in_channels for a graph with features"),
        (cut, "no whole model"),
        (lambda folder: torch.save([1.0], folder / "weights.pt"), "no whole model"),
        (lambda folder: torch.save({"w": torch.ones(1)}, folder / "weights.pt"), "(?s)no whole model .*Missing key"),
        (lambda folder: torch.save(Path("/"), folder / "weights.pt"), "no whole model"),  # nothing is run
    ],
)
def test_damaged_folders(tmp_path: Path, damage: Any, message: str) -> None:
    made({}, False)[0].save(tmp_path / "model")
    damage(tmp_path / "model")
    with pytest.raises(StoreError, match=message):
        LinkModel.load(tmp_path / "model")


def test_a_failed_save_leaves_what_was_there(tmp_path: Path) -> None:
    model = made({}, False)[0]
    model.save(tmp_path / "model", about={"version": 1})
    before = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}
    with pytest.raises(TypeError):
        model.save(tmp_path / "model", overwrite=True, about={"version": {1, 2}})  # JSON holds no sets
    assert {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    model.save(tmp_path / "model", overwrite=True, about={"version": 2})
    assert LinkModel.load(tmp_path / "model").about == {"version": 2}


# -- features ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conv", "sparse"), [("gcn", False), ("puregcn", False), ("puregcn", True), ("none", False), ("none", True)]
)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_features_of_another_type_are_told(conv: Any, sparse: bool, dtype: torch.dtype) -> None:
    """Whether they are sparse must not decide whether they are taken."""
    model = LinkModel(LinkConfig(hidden_channels=4, conv=conv), 3)
    x = torch.eye(4, 3).to(dtype)
    with pytest.raises(
        InputError, match=f"x is {dtype} and the weights are torch.float32; expected one type: pass x.to"
    ):
        model(x.to_sparse() if sparse else x, DIAMOND, PAIRS)
    assert model.to(torch.float64)(x.double(), DIAMOND, PAIRS).dtype == torch.float64


# -- models ------------------------------------------------------------------------------------------------------------


def test_without_layers_the_predictor_reads_the_features() -> None:
    config = LinkConfig(num_layers=0, hidden_channels=8, structure="gae", conv="puregcn")
    model = LinkModel(config, 5, 4).eval()
    scores = model.predict(torch.eye(4, 5), as_adjacency(DIAMOND), PAIRS)
    assert scores.shape == (2,) and bool(scores.isfinite().all())


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps({"format": "thesis"}))
    with pytest.raises(StoreError, match=r"model\.json: no model of LinkModel\.save; give another folder"):
        LinkModel.load(tmp_path)
