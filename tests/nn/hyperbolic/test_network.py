"""The learned parts of H4G: shares that sum to one, the start that knows nothing, and which side is scaled."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.errors import InputError
from graphx.nn.hyperbolic._network import Config, H4GNetwork, HopGate
from graphx.nn.hyperbolic._textgraph import GATE_FEATURES
from graphx.nn.hyperbolic.readout import distance_scores

PLAIN: dict[str, Any] = {
    "scaling": "mobius",
    "side": "graph",
    "readout": "distance",
    "hops": 2,
    "block_size": 2,
    "c": 1.0,
    "constraint": "none",
    "scalar": 0.5,
}


def config(**changes: Any) -> Config:
    return Config(**{**PLAIN, **changes})


def stirred(network: H4GNetwork, seed: int = 0) -> H4GNetwork:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return network


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31), hops=st.integers(1, 4), trust=st.floats(0, 1))
def test_shares_of_hops(seed: int, hops: int, trust: float) -> None:
    """They sum to one; the own text has at least the share that is not trusted; without neighbours it has all."""
    torch.manual_seed(seed)
    gate = torch.randn(9, GATE_FEATURES)
    gate[:, 1] = (torch.arange(9) % 3 > 0).float()
    made = HopGate(hops)
    start = made(gate, 1.0)
    first = torch.softmax(torch.tensor([1.0, *[0.0] * hops]), 0)
    torch.testing.assert_close(start[1], first)  # whatever the facts, before training
    with torch.no_grad():
        made.out.weight.normal_()
    shares = made(gate, trust)
    torch.testing.assert_close(shares.sum(1), torch.ones(9))
    assert bool((shares >= 0).all()) and bool((shares[:, 0] >= 1 - trust - 1e-6).all())
    alone = gate[:, 1] == 0
    assert torch.equal(shares[alone], torch.eye(hops + 1)[0].expand(3, -1))
    whole = made(gate, 1.0)[~alone]
    own = torch.eye(hops + 1)[0]
    torch.testing.assert_close(shares[~alone], trust * whole + (1 - trust) * own)


@pytest.mark.parametrize("side", ["graph", "text", "both"])
@pytest.mark.parametrize("scaling", ["mobius", "euclidean", "scalar", "none"])
def test_vectors_by_the_formulas(side: str, scaling: str) -> None:
    torch.manual_seed(0)
    network = stirred(H4GNetwork(4, config(side=side, scaling=scaling)))
    hops, gate, labels = torch.randn(3, 5, 4), torch.rand(5, GATE_FEATURES), torch.randn(2, 4)
    shares = network.shares(gate, 0.6)
    mixed = sum(shares[:, k : k + 1] * hops[k] for k in range(3))

    def scaled(vectors: torch.Tensor, log_norm: torch.Tensor, module: Any, here: bool) -> torch.Tensor:
        long = log_norm.exp() * vectors / vectors.norm(dim=1, keepdim=True)
        if not here or scaling == "none":
            return long
        if scaling == "scalar":
            return 0.5 * long
        return long @ torch.block_diag(*module.blocks).t()

    u = scaled(mixed, network.node_log_norm, network.graph_scaling, side != "text")
    v = scaled(labels, network.label_log_norm, network.text_scaling, side != "graph")
    torch.testing.assert_close(network.nodes(hops, gate, 0.6), u)
    torch.testing.assert_close(network.labels(labels), v)
    torch.testing.assert_close(network.scores(u, v), network.log_gamma.exp() * distance_scores(u, v, 1.0))
    flat = H4GNetwork(4, config(readout="cosine"))
    cosines = torch.cosine_similarity(u[:, None], v[None], -1)
    torch.testing.assert_close(flat.scores(u, v), torch.tensor(2.3).exp() * cosines)


@pytest.mark.parametrize("scaling", ["mobius", "euclidean", "scalar", "none"])
def test_it_begins_as_the_texts_themselves(scaling: str) -> None:
    network = H4GNetwork(6, config(scaling=scaling, scalar=1.0, side="both", block_size=3))
    x = torch.nn.functional.normalize(torch.randn(4, 6, generator=torch.Generator().manual_seed(0)), dim=1)
    torch.testing.assert_close(network.labels(7 * x), x)
    hops = x.expand(3, 4, 6)
    torch.testing.assert_close(network.nodes(hops, torch.ones(4, GATE_FEATURES), 1.0), x)


@pytest.mark.parametrize("constraint", ["none", "diagonal", "contractive"])
def test_copies_pickles_and_states_answer_alike(constraint: str) -> None:
    torch.manual_seed(1)
    network = stirred(H4GNetwork(4, config(constraint=constraint, side="both")))
    hops, gate = torch.randn(3, 5, 4), torch.rand(5, GATE_FEATURES)
    twin = H4GNetwork(4, network.config)
    twin.load_state_dict(network.state_dict())
    for other in (twin, copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(other.nodes(hops, gate, 0.5), network.nodes(hops, gate, 0.5))


def test_without_hops_there_is_no_gate() -> None:
    network = H4GNetwork(4, config(hops=0))
    assert network.gate is None and network.shares(torch.rand(3, GATE_FEATURES), 0.2).tolist() == [[1.0]] * 3
    hops = torch.randn(4, 3, 4)  # more than are read
    own = torch.nn.functional.normalize(hops[0], dim=1)
    torch.testing.assert_close(network.nodes(hops, torch.rand(3, GATE_FEATURES), 1.0), own)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scaling": "linear"}, "scaling is 'linear'; expected one of 'mobius', 'euclidean', 'scalar', 'none'"),
        ({"side": "left"}, "side is 'left'; expected one of 'graph', 'text', 'both'"),
        ({"readout": "dot"}, "readout is 'dot'; expected one of 'distance', 'cosine'"),
        ({"hops": -1}, "hops is -1; expected 0 or a positive integer"),
        ({"hops": True}, "hops is True"),
        ({"hops": 1.0}, "hops is 1.0"),
        ({"c": 0.0}, "c is 0; expected a positive number"),
        ({"c": float("nan")}, "c is nan"),
        ({"scalar": -1.0}, "scalar is -1; expected a positive number"),
    ],
)
def test_settings_that_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        config(**change)


@pytest.mark.parametrize(("scaling", "words"), [("euclidean", "divide the width 4"), ("mobius", "one of 1, 2, 4")])
def test_blocks_that_do_not_divide(scaling: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        H4GNetwork(4, config(scaling=scaling, block_size=3))
