"""A fitted H4G on disk: it comes back whole, or is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch_geometric.data import Data

from graphx.errors import InputError, StoreError
from graphx.nn import H4G

LABELS = torch.eye(2, 4)


def data() -> Data:
    generator = torch.Generator().manual_seed(0)
    return Data(x=torch.randn(9, 4, generator=generator), edge_index=torch.randint(9, (2, 14), generator=generator))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"scaling": "euclidean", "side": "both", "readout": "cosine", "refine": False},
        {"constraint": "contractive", "side": "text", "c": 0.3, "temperature": 2.0, "anchor": 0.4},
        {"constraint": "diagonal", "hops": 0, "centre": False, "lead": 3, "edge_weight": (0.0, 2.0)},
        {"scaling": "scalar", "scalar": 3.0},
    ],
)
def test_every_setting_comes_back(settings: dict[str, Any], tmp_path: Path) -> None:
    model = H4G(None, block_size=2, steps=3, lr=0.1, **settings).fit([data()])
    model.save(tmp_path / "model")
    loaded = H4G.load(tmp_path / "model")
    assert torch.equal(loaded.predict_proba(data(), LABELS), model.predict_proba(data(), LABELS))
    assert torch.equal(loaded.hop_shares(data(), LABELS), model.hop_shares(data(), LABELS))
    assert loaded.config == model.config and loaded.refine == model.refine
    assert (loaded.texts.lead, loaded.texts.centre) == (model.texts.lead, model.texts.centre)
    again = loaded.save(tmp_path / "again")
    for name in ("model.json", "network.npz"):
        assert (again / name).read_bytes() == (tmp_path / "model" / name).read_bytes()


def test_an_unfitted_model_and_a_folder_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the model is not fitted; call fit before save"):
        H4G(None).save(tmp_path / "model")
    assert not (tmp_path / "model").exists()
    model = H4G(None, block_size=2, steps=1).fit([data()])
    model.save(tmp_path / "model")
    with pytest.raises(InputError, match="exists"):
        model.save(tmp_path / "model")
    assert model.save(tmp_path / "model", overwrite=True) == tmp_path / "model"


def rewritten(**changes: Any) -> Any:
    def change(folder: Path) -> None:
        told = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps({**told, **changes}))

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "model.json").write_text("[1]"), r"holds \[1\]; expected a model of H4G.save"),
        (lambda folder: (folder / "model.json").write_text("null"), "holds None; expected a model of H4G.save"),
        (rewritten(format="graphx-h4g-0"), "holds 'graphx-h4g-0'; expected a model"),
        (rewritten(dim=5), "no whole model"),
        (rewritten(dim="4"), "no whole model"),
        (rewritten(config={"hops": 1}), "no whole model"),
        (rewritten(texts=None), "no whole model"),
        (rewritten(refinement={"temperature": -1}), "no whole model .*temperature is -1"),
        (lambda folder: (folder / "network.npz").unlink(), "no whole model"),
        (lambda folder: (folder / "network.npz").write_bytes(b""), "no whole model"),
        (lambda folder: (folder / "network.npz").write_bytes(b"PK"), "no whole model"),
    ],
)
def test_damaged_folders(damage: Any, message: str, tmp_path: Path) -> None:
    H4G(None, block_size=2, steps=1).fit([data()]).save(tmp_path / "model")
    damage(tmp_path / "model")
    with pytest.raises(StoreError, match=message):
        H4G.load(tmp_path / "model")


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps({"format": "thesis"}))
    with pytest.raises(StoreError, match="holds 'thesis'; expected a model of H4G.save"):
        H4G.load(tmp_path)
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(StoreError, match="holds no whole model of H4G.save"):
        H4G.load(tmp_path)
