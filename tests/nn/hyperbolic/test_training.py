"""The fit of H4G: losses by hand, checkpoints of this fit and of others, and its bar."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch_geometric.data import Data

from graphx.errors import InputError, StoreError
from graphx.nn import H4G
from graphx.nn.hyperbolic._training import Schedule, read_arrays, terminal_progress, write_arrays


def source(seed: int = 0, *, labelled: bool = False) -> Data:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(12, 4, generator=generator)
    edges = torch.randint(12, (2, 20), generator=generator)
    more = {"y": torch.arange(12) % 3 - 1, "label_x": torch.eye(2, 4)} if labelled else {}
    return Data(x=x, edge_index=edges, **more)


def model(**changes: Any) -> H4G:
    return H4G(None, **{"steps": 6, "batch_size": 5, "block_size": 2, "lr": 0.02, **changes})


def weights(fitted: H4G) -> list[torch.Tensor]:
    assert fitted.network is not None
    return list(fitted.network.state_dict().values())


def test_a_step_with_labels_by_hand() -> None:
    """All weights begin where they are known, so the first loss is that of plain cosines at the first temperature."""
    data = source(labelled=True)
    fitted = model(steps=1, batch_size=500, hops=0, readout="cosine", centre=False).fit([data], labels=True)
    generator = torch.Generator().manual_seed(0)
    known = (data.y >= 0).nonzero().squeeze(1)
    picked = known[torch.randint(known.numel(), (known.numel(),), generator=generator)]
    logits = torch.tensor(2.3).exp() * torch.cosine_similarity(data.x[picked, None], data.label_x[None], -1)
    wanted = torch.nn.functional.cross_entropy(logits, data.y[picked])
    assert fitted.losses == pytest.approx([float(wanted)], rel=1e-5)


def test_a_step_without_labels_by_hand() -> None:
    data = source(3)
    fitted = model(steps=1, hops=0, readout="cosine", centre=False, dropout=0.5, radius_weight=0.25).fit([data])
    generator = torch.Generator().manual_seed(0)
    nodes, place = torch.unique(torch.randint(12, (5,), generator=generator), return_inverse=True)
    own = torch.nn.functional.normalize(data.x, dim=1)
    drawn = torch.rand(5, 4, generator=generator)
    kept = own[nodes][place].masked_fill(drawn < 0.5, 0)
    logits = torch.tensor(2.3).exp() * torch.nn.functional.normalize(kept, dim=1) @ own[nodes].t()
    wanted = torch.nn.functional.cross_entropy(logits, place)
    length = (kept.norm(dim=1) > 0).float().mean()  # unit vectors, or nothing where all was hidden
    assert fitted.losses[0] == pytest.approx(float(wanted + 0.25 * 2 * length), rel=1e-4)


def test_sources_are_averaged() -> None:
    one, other = (model(steps=1, random_state=5, batch_size=1000).fit([source(k)], labels=False) for k in (1, 2))
    both = model(steps=1, random_state=5, batch_size=1000).fit([source(1), source(1)])
    assert both.losses[0] == pytest.approx(one.losses[0], rel=0.5) and one.losses != other.losses


# -- checkpoints -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [1, 4, 100])
def test_more_steps_go_on_and_fewer_are_refused(tmp_path: Path, every: int) -> None:
    """A fit of more steps has the bits of one that was never stopped; the state of fewer is no longer known."""
    place = tmp_path / "state"
    model(steps=4).fit([source()], checkpoint=place, checkpoint_every=every)
    longer = model(steps=7).fit([source()], checkpoint=place, checkpoint_every=every)
    wanted = model(steps=7).fit([source()])
    assert longer.losses == wanted.losses
    assert all(torch.equal(a, b) for a, b in zip(weights(longer), weights(wanted), strict=True))
    again = model(steps=7).fit([source()], checkpoint=place)
    assert all(torch.equal(a, b) for a, b in zip(weights(again), weights(wanted), strict=True))
    with pytest.raises(StoreError, match="holds 7 steps of this fit; expected at most steps=5: remove it, or give"):
        model(steps=5).fit([source()], checkpoint=place)


@pytest.mark.parametrize("every", [0, -3])
def test_no_checkpoint_at_every_zeroth_step(tmp_path: Path, every: int) -> None:
    with pytest.raises(InputError, match=f"checkpoint_every is {every}; expected a positive integer"):
        model().fit([source()], checkpoint=tmp_path / "state", checkpoint_every=every)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "state.json").write_text("[]"), "the checkpoint of another fit"),
        (lambda folder: (folder / "state.json").write_text("7"), "the checkpoint of another fit"),
        (lambda folder: (folder / "state.json").write_text(json.dumps({"format": "x"})), "checkpoint of another fit"),
        (lambda folder: (folder / "state.json").write_text("{"), "no whole checkpoint .*remove it, or give another"),
        (lambda folder: (folder / "state.json").unlink(), "no whole checkpoint"),
        (lambda folder: (folder / "state.npz").unlink(), "no whole checkpoint"),
        (lambda folder: (folder / "state.npz").write_bytes(b"PK\x03\x04"), "no whole checkpoint"),
        (lambda folder: (folder / "state.npz").write_bytes(b""), "no whole checkpoint"),
    ],
)
def test_folders_of_something_else(tmp_path: Path, damage: Any, message: str) -> None:
    model(steps=2).fit([source()], checkpoint=tmp_path / "state")
    damage(tmp_path / "state")
    with pytest.raises(StoreError, match=message):
        model(steps=2).fit([source()], checkpoint=tmp_path / "state")


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("mine")
    with pytest.raises(StoreError, match="state is a file; expected a folder for checkpoints"):
        model().fit([source()], checkpoint=tmp_path / "state")
    assert (tmp_path / "state").read_text() == "mine"


@pytest.mark.parametrize(
    "changes", [{"lr": 0.03}, {"dropout": 0.4}, {"random_state": 1}, {"hops": 1}, {"c": 2.0}, {"batch_size": 4}]
)
def test_another_fit_is_told_apart(tmp_path: Path, changes: dict[str, Any]) -> None:
    model(steps=2).fit([source()], checkpoint=tmp_path / "state")
    for other, data in ((model(steps=2, **changes), source()), (model(steps=2), source(9))):
        with pytest.raises(StoreError, match="the checkpoint of another fit, with other data or settings; remove it"):
            other.fit([data], checkpoint=tmp_path / "state")


def test_arrays_of_every_kind_come_back(tmp_path: Path) -> None:
    tensors = {
        "a.b": torch.tensor([0.1, torch.nan, -0.0]),
        "scalar": torch.tensor(3.0, dtype=torch.float64),
        "bytes": torch.tensor([1, 255], dtype=torch.uint8),
        "strided": torch.arange(6.0).view(2, 3).t().requires_grad_(),
        "empty": torch.zeros(0, 3),
    }
    write_arrays(tmp_path / "held.npz", tensors)
    found = read_arrays(tmp_path / "held.npz")
    assert list(found) == list(tensors)
    for name, value in tensors.items():
        assert found[name].dtype == value.dtype and found[name].shape == value.shape
        assert torch.equal(torch.nan_to_num(found[name].double(), 9), torch.nan_to_num(value.detach().double(), 9))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps is 0; expected a positive integer"),
        ({"batch_size": True}, "batch_size is True"),
        ({"lr": 0.0}, "lr is 0; expected a positive number"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"dropout": 1.0}, "dropout is 1; expected at least 0 and below 1"),
        ({"radius_weight": -0.1}, "radius_weight is -0.1; expected 0 or more"),
        ({"trained_share": 1.5}, "trained_share is 1.5; expected a share from 0 to 1"),
    ],
)
def test_schedules_that_are_refused(change: dict[str, Any], message: str) -> None:
    plain = {"steps": 1, "batch_size": 1, "lr": 0.1, "dropout": 0.0, "radius_weight": 0.0, "random_state": 0}
    with pytest.raises(InputError, match=message):
        Schedule(**{**plain, "trained_share": 1.0, **change})


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
