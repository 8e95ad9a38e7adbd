"""The encoder against dense matrices, PyG's own layers, and what its options promise."""

from __future__ import annotations

import pickle
from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor
from torch_geometric.nn import GCNConv

from graphx.errors import InputError
from graphx.nn.linkpred import LinkEncoder, SparseLinear, as_adjacency
from graphx.nn.linkpred._messages import messages_of, messages_of_features
from tests.reference.linkpred import encode

DIAMOND = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 2, 3, 3], [1, 2, 0, 2, 3, 0, 1, 3, 1, 2]])
CONVS = ["gcn", "sage", "gin", "max", "puregcn", "puresum", "puremean", "puremax"]
PYG: dict[str, dict[str, Any]] = {
    "gcn": {},
    "sage": {"aggr": "mean", "normalize": False},
    "gin": {"normalize": False},
    "max": {"aggr": "max", "normalize": False},
}


def random_graph(seed: int, size: int = 9, directed: bool = True) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    dense = torch.rand(size, size, generator=generator) < 0.3
    dense.fill_diagonal_(False)
    return (dense if directed else dense | dense.t()).nonzero().t().contiguous()


def weights_of(encoder: LinkEncoder) -> list[tuple[Tensor, Tensor]]:
    if encoder.first is not None:
        return [(encoder.first.weight, encoder.first.bias)]
    return [(conv.lin.weight, conv.bias) for conv in encoder.convs]


@settings(max_examples=40)
@given(
    conv=st.sampled_from(CONVS),
    seed=st.integers(0, 50),
    layers=st.integers(1, 3),
    residual=st.booleans(),
    norm=st.booleans(),
    mixture=st.booleans(),
    weighted=st.booleans(),
)
def test_every_variant_as_with_dense_matrices(
    conv: str, seed: int, layers: int, residual: bool, norm: bool, mixture: bool, weighted: bool
) -> None:
    edges = random_graph(seed)
    weight = torch.rand(edges.size(1), dtype=torch.float64) + 0.5 if weighted else None
    torch.manual_seed(seed)
    options: dict[str, Any] = {"residual": residual, "layer_norm": norm, "jumping_knowledge": mixture}
    encoder = LinkEncoder(4, 5, layers, conv=conv, dropout=0.3, tail_dropout=0.2, edge_dropout=0.1, **options)
    encoder = encoder.double().eval()
    x = torch.randn(9, 4, dtype=torch.float64)
    dense = torch.zeros(9, 9, dtype=torch.float64)
    dense[edges[1], edges[0]] = 1.0 if weight is None else weight
    expected = encode(
        dense, x, conv, weights_of(encoder), layers, residual=residual, norm=norm, mixture=encoder.layer_weights
    )
    found = encoder(x, as_adjacency(edges, edge_weight=weight, num_nodes=9))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("conv", PYG)
def test_weights_of_pygs_layer_give_its_values(conv: str) -> None:
    edges, x = random_graph(1), torch.randn(9, 6)
    encoder, theirs = LinkEncoder(6, 4, conv=conv), GCNConv(6, 4, **PYG[conv])
    theirs.load_state_dict(encoder.convs[0].state_dict())
    torch.testing.assert_close(encoder(x, edges), theirs(x, edges))


def test_diamond_by_hand() -> None:
    x = torch.tensor([[1.0], [2.0], [4.0], [8.0]])
    for conv, expected in {
        "puresum": [6.0, 13.0, 11.0, 6.0],
        "puremean": [3.0, 13 / 3, 11 / 3, 3.0],
        "puremax": [4.0, 8.0, 8.0, 4.0],
    }.items():
        encoder = LinkEncoder(1, 1, conv=conv)
        torch.nn.init.ones_(encoder.first.weight)
        torch.nn.init.zeros_(encoder.first.bias)
        torch.testing.assert_close(encoder(x, DIAMOND).squeeze(1), torch.tensor(expected))


@pytest.mark.parametrize("conv", ["puregcn", "gcn", "sage", "max"])
@pytest.mark.parametrize("directed", [True, False])
def test_gradients_of_first_and_second_order(conv: str, directed: bool) -> None:
    edges = random_graph(3, 5, directed)
    encoder = LinkEncoder(2, 2, 2, conv=conv).double()
    x = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: encoder(x, edges), x)
    if conv != "max":
        assert torch.autograd.gradgradcheck(lambda x: encoder(x, edges), x)


def test_sparse_features_give_the_same_and_the_same_gradient() -> None:
    edges, x = random_graph(2), torch.randn(9, 7) * (torch.rand(9, 7) < 0.3)
    encoder = LinkEncoder(7, 4, conv="puregcn")
    results = []
    for form in (x, x.to_sparse_csr(), x.to_sparse_coo()):
        encoder.zero_grad()
        out = encoder(form, edges)
        out.square().sum().backward()
        results.append((out.detach(), encoder.first.weight.grad.clone(), encoder.first.bias.grad.clone()))
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            torch.testing.assert_close(found, expected)
    with pytest.raises(InputError, match="takes it dense"):
        LinkEncoder(7, 4, conv="gcn")(x.to_sparse_csr(), edges)


def test_sparse_linear_is_linear() -> None:
    layer, x = SparseLinear(6, 3, bias=False), torch.randn(5, 6).relu()
    torch.testing.assert_close(layer(x.to_sparse_csr()), torch.nn.functional.linear(x, layer.weight))
    x = x.to_sparse_csr()
    assert messages_of_features(x) is messages_of_features(x)


def test_dropouts_keep_the_mean_and_only_while_training() -> None:
    edges, x = random_graph(4, directed=False), torch.rand(9, 400).to_sparse_csr()
    for name in ("input_dropout", "edge_dropout", "tail_dropout", "dropout"):
        encoder = LinkEncoder(400, 3, conv="puregcn", **{name: 0.5})
        expected = encoder.eval()(x, edges)
        torch.testing.assert_close(encoder(x, edges), expected)
        torch.manual_seed(0)
        encoder.train()
        drawn = torch.stack([encoder(x, edges) for _ in range(200)])
        assert drawn.std(0).max() > 0.01
        if name != "edge_dropout":  # whose share is in the norm, too
            torch.testing.assert_close(drawn.mean(0), expected, atol=0.15, rtol=0.15)


def test_edge_dropout_takes_entries_of_both_matrices() -> None:
    adjacency = as_adjacency(random_graph(5), num_nodes=9)
    torch.manual_seed(1)
    graph = messages_of(adjacency).drop(0.4)
    dense, back = graph.rows.matrix(torch.float64).to_dense(), graph.transposed.matrix(torch.float64).to_dense()
    assert torch.equal(dense.t(), back)
    assert sorted(set(dense.flatten().tolist())) == pytest.approx([0.0, 1 / 0.6])
    assert 0 < int((dense != 0).sum()) < adjacency.num_entries


def test_target_edges_leave_both_directions() -> None:
    adjacency = as_adjacency(DIAMOND)
    base = messages_of(adjacency)
    assert base.is_symmetric and messages_of(adjacency) is base
    targets = torch.tensor([[0, 2], [1, 3]])
    for with_order in (False, True):
        if with_order:
            base.order()
        less = base.without(adjacency.entries(targets))
        dense = less.rows.matrix(torch.float32).to_dense()
        assert less.is_symmetric and torch.equal(dense, dense.t())
        assert dense.nonzero().tolist() == [[0, 2], [1, 2], [1, 3], [2, 0], [2, 1], [3, 1]]
        twice = less.drop(0.3)
        assert torch.equal(
            twice.rows.matrix(torch.float32).to_dense().t(), twice.transposed.matrix(torch.float32).to_dense()
        )


def test_embeddings_start_orthogonal_and_learn() -> None:
    encoder = LinkEncoder(None, 4, num_nodes=9, conv="puresum", residual=True)
    gram = encoder.embedding.weight.t() @ encoder.embedding.weight
    torch.testing.assert_close(gram, torch.eye(4))
    encoder(None, random_graph(0)).sum().backward()
    assert encoder.embedding.weight.grad.abs().sum() > 0
    again = pickle.loads(pickle.dumps(encoder))
    torch.testing.assert_close(again(None, random_graph(0)), encoder(None, random_graph(0)))
    assert repr(encoder) == "LinkEncoder(embeddings, 4, num_layers=1, conv='puresum')"


def test_no_convolution_and_isolated_nodes() -> None:
    x = torch.randn(3, 4)
    encoder = LinkEncoder(4, 5, conv="none", jumping_knowledge=True)
    torch.testing.assert_close(encoder(x, DIAMOND[:, :0]), encoder.first(x))
    for conv in CONVS:
        assert torch.isfinite(LinkEncoder(4, 5, 2, conv=conv)(x, DIAMOND[:, :0])).all()


def test_reset_draws_anew() -> None:
    encoder = LinkEncoder(4, 5, 2, conv="gcn", jumping_knowledge=True, layer_norm=True)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    encoder.reset_parameters()
    changed = {name for name, value in encoder.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"layer_weights", "convs.0.lin.weight", "convs.1.lin.weight"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LinkEncoder(4, conv="gat"), "conv is 'gat'; expected one of gcn, sage"),
        (lambda: LinkEncoder(None), "expected in_channels for a graph with features, or num_nodes"),
        (lambda: LinkEncoder(4, num_nodes=3), "and not both"),
        (lambda: LinkEncoder(0), "in_channels is 0; expected an integer of at least 1"),
        (lambda: LinkEncoder(4, num_layers=-1), "num_layers is -1"),
        (lambda: LinkEncoder(4, input_dropout=1.0), "input_dropout is 1.0; expected at least 0 and below 1"),
        (lambda: LinkEncoder(4)(torch.zeros(4, 3), DIAMOND), "x is of shape [4, 3]; expected [N, 4]"),
        (lambda: LinkEncoder(4)(None, DIAMOND), "x is None; expected [N, 4]"),
        (lambda: LinkEncoder(4)(torch.zeros(5, 4), as_adjacency(DIAMOND)), "there are 5 nodes to represent and 4"),
        (lambda: LinkEncoder(None, num_nodes=4)(torch.zeros(4, 4), DIAMOND), "the encoder learns embeddings"),
    ],
)
def test_bad_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError) as error:
        call()
    assert message in str(error.value)
