"""The predictors against the transcription of the paper's equations, and what a module must be able to do."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor

from graphx import Graph
from graphx.errors import InputError
from graphx.nn.linkpred import NCN, NCNC, LinkPredictor, _ops, as_adjacency, ncn
from graphx.nn.linkpred._parts import sum_rows
from tests.reference.linkpred import Transcription

DIAMOND = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 2, 3, 3], [1, 2, 0, 2, 3, 0, 1, 3, 1, 2]])
PARTS = {
    "node_mlp": "xlin",
    "structure_mlp": "xcnlin",
    "second_mlp": "second",
    "pair_mlp": "xijlin",
    "head": "lin",
    "prior_mlp": "ptlin",
    "third_mlp": "fourth",
}
CASES = [
    ("gae", {}, {}),
    ("gae_cn", {}, {}),
    ("gae_cat_cn", {}, {}),
    ("gae_cat_cn", {"two_layer_head": True, "transform_nodes": True}, {"twolayerlin": True, "use_xlin": True}),
    ("gae_cnc", {"scale": 2.0, "offset": 0.0}, {"scale": 2.0, "offset": 0.0}),
    ("gae_cnc", {"depth": 2, "learnable_pt": True, "offset": 0.0}, {"depth": 2, "learnpt": True, "offset": 0.0}),
    ("cn2", {}, {}),
    ("cn2", {"transform_nodes": True, "tail_activation": True}, {"use_xlin": True, "tailact": True}),
    ("ncn", {}, {}),
    ("ncn", {"transform_nodes": True, "tail_activation": True}, {"use_xlin": True, "tailact": True}),
    ("ncn", {"two_layer_head": True, "layer_norm": False}, {"twolayerlin": True, "norm": False}),
    ("ncn2", {}, {}),
    ("ncn_diff", {}, {}),
    (
        "ncnc",
        {"alpha": 0.7, "pt": 0.3, "scale": 2.0, "offset": 0.1},
        {"alpha": 0.7, "pt": 0.3, "scale": 2.0, "offset": 0.1},
    ),
    ("ncnc", {"depth": 2}, {"depth": 2}),
    ("ncnc", {"transform_nodes": True, "scale": 2.0}, {"use_xlin": True, "scale": 2.0}),
    (
        "ncnc",
        {"transform_nodes": True, "scale": 2.0, "offset": 0.0, "reference_compat": True},
        {"use_xlin": True, "scale": 2.0, "offset": 0.0, "compat": True},
    ),
    ("ncnc", {"learnable_pt": True, "offset": 0.0}, {"learnpt": True, "offset": 0.0}),
]


def small_graph(seed: int = 0, size: int = 14) -> tuple[Tensor, Tensor, Tensor]:
    """x, dense adjacency with an isolated node, pairs among which are edges, a repeated one and the isolated node."""
    generator = torch.Generator().manual_seed(seed)
    dense = (torch.rand(size, size, generator=generator) < 0.25).double().triu(1)
    dense = dense + dense.t()
    dense[5] = dense[:, 5] = 0
    x = torch.randn(size, 6, dtype=torch.float64, generator=generator)
    edges = dense.nonzero()[:5].t()
    pairs = torch.cat((edges, edges[:, :1], torch.tensor([[5, 1], [2, 1]])), 1)
    return x, dense, torch.cat((pairs, torch.randint(0, size, (2, 8), generator=generator)), 1)


def edge_index(dense: Tensor) -> Tensor:
    return dense.nonzero().t().contiguous()


@pytest.mark.parametrize(("kind", "ours", "theirs"), CASES)
@pytest.mark.parametrize("exclude", [False, True])
@pytest.mark.parametrize("extension", [True, False])
def test_weights_of_the_transcription_give_its_logits(
    kind: Any, ours: dict, theirs: dict, exclude: bool, extension: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_ops, "ENABLED", extension)
    x, dense, pairs = small_graph()
    torch.manual_seed(1)
    slow = Transcription(kind, 6, 8, **theirs).double()
    fast = LinkPredictor(6, 8, structure=kind, exclude_targets=True, **ours).double()
    torch.nn.init.constant_(slow.beta, 0.8)
    if fast.beta is not None:
        fast.beta.data.copy_(slow.beta.data)
    if fast.hops is not None:
        slow.alphas.data.copy_(torch.tensor([0.7, -0.2, 1.3]))
        fast.hops.data.copy_(slow.alphas.data)
    for mine, yours in PARTS.items():
        if getattr(fast, mine) is not None:
            getattr(fast, mine).load_state_dict(getattr(slow, yours).state_dict())
    fast.train(exclude)  # without dropout, all that differs is the removal of the targets
    removed = dense.clone()
    if exclude:
        removed[pairs[0], pairs[1]] = removed[pairs[1], pairs[0]] = 0
    expected = slow(x, removed, pairs)
    found = fast(x, edge_index(dense), pairs)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    gradients = (
        torch.autograd.grad(found.sum(), list(fast.pair_mlp.parameters())),
        torch.autograd.grad(expected.sum(), list(slow.xijlin.parameters())),
    )
    for mine_, theirs_ in zip(*gradients, strict=True):
        torch.testing.assert_close(mine_, theirs_)


@pytest.mark.parametrize("kind", ["ncn", "ncnc", "ncn2", "ncn_diff", "cn2"])
def test_gradient_of_x(kind: Any) -> None:
    x, dense, pairs = small_graph(size=8)
    model = LinkPredictor(6, 4, structure=kind, layer_norm=False).double()
    model.train(False)
    if kind == "ncnc":
        model.alpha = 0.0  # the completion has no gradient by its score, so only its features are checked
    edges = edge_index(dense)
    assert torch.autograd.gradcheck(lambda leaf: model(leaf, edges, pairs[:, :6] % 8), x.requires_grad_())


@pytest.mark.filterwarnings("ignore:Sparse CS")
def test_forms_empty_batches_pickles_and_states() -> None:
    x, dense, pairs = small_graph()
    x = x.float()
    edges = edge_index(dense)
    model = NCNC(6, 8, dropout=0.5).eval()
    expected = model(x, edges, pairs)
    assert expected.shape == (pairs.size(1),)
    graph = Graph.from_pyg(__import__("torch_geometric").data.Data(edge_index=edges, num_nodes=14))
    for form in (edges.repeat(1, 2), as_adjacency(edges, num_nodes=14), graph, dense.to_sparse_csr()):
        assert torch.equal(model(x, form, pairs), expected)
    assert model(x, edges, pairs[:, :0]).shape == (0,)
    restored = pickle.loads(pickle.dumps(model))
    assert torch.equal(restored(x, edges, pairs), expected)
    stream = io.BytesIO()
    torch.save(model.state_dict(), stream)
    stream.seek(0)
    other = NCNC(6, 8, dropout=0.5).eval()
    other.load_state_dict(torch.load(stream, weights_only=True))
    assert torch.equal(other(x, edges, pairs), expected)
    copy.deepcopy(model).reset_parameters()
    torch.testing.assert_close(model.predict(x, edges, pairs, batch_size=4), expected)
    assert "NCNC(6, 8, structure='ncnc', depth=1" in repr(model)


def test_training_leaves_out_the_targets_and_evaluation_does_not() -> None:
    x, dense, pairs = small_graph()
    edges = edge_index(dense)
    model = NCN(6, 8).double()
    inside = model.train()(x, edges, pairs[:, :5])
    assert not torch.allclose(inside, model.eval()(x, edges, pairs[:, :5]))
    without = NCN(6, 8, exclude_targets=False).double()
    without.load_state_dict(model.state_dict())
    assert torch.equal(without.train()(x, edges, pairs[:, :5]), model(x, edges, pairs[:, :5]))


def test_completion_runs_without_dropout_and_leaves_the_mode_alone() -> None:
    x, dense, pairs = small_graph()
    model = NCNC(6, 8, dropout=0.5).double().train()
    model(x, edge_index(dense), pairs)
    assert model.training
    assert all(module.training for module in model.modules())


@pytest.mark.parametrize("options", [{}, {"transform_nodes": True}, {"reference_compat": True, "depth": 2}], ids=str)
@pytest.mark.parametrize("structure", ["ncnc", "gae_cnc"])
def test_dropout_within_the_completion_is_asked_for(
    structure: Any, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights of a completion are the same each time, but where dropout is asked for and in training only."""
    x, dense, pairs = small_graph()
    weights: list[Tensor] = []

    def kept(*arguments: Any) -> Tensor:
        weights.append(arguments[-1])
        return sum_rows(*arguments)

    monkeypatch.setattr(ncn, "sum_rows", kept)
    for dropped in (False, True):
        torch.manual_seed(0)
        model = LinkPredictor(6, 8, structure=structure, dropout=0.5, completion_dropout=dropped, offset=0.0, **options)
        model.double()
        for training in (True, False):
            model.train(training)
            weights.clear()
            for _ in range(2):
                model(x, edge_index(dense), pairs)
            outer = weights[len(weights) // 2 - 1], weights[-1]
            assert torch.equal(*outer) == (not (dropped and training))
            assert all(((part > 0) & (part < 1)).all() for part in outer)
        assert all(not module.training for module in model.modules())


def test_dropout_within_a_completion_needs_one() -> None:
    with pytest.raises(InputError, match=r"completion_dropout .* are options of completion; expected structure='ncnc'"):
        NCN(6, completion_dropout=True)


def test_topk_finds_the_best_of_those_that_are_not_linked() -> None:
    x, dense, _ = small_graph()
    edges = edge_index(dense)
    model = NCN(6, 8).double()
    nodes, logits = model.topk(x, edges, 3, 4)
    free = [u for u in range(14) if u != 3 and dense[3, u] == 0]
    scores = model.predict(x, edges, torch.tensor([[3] * len(free), free]))
    best = scores.argsort(descending=True)[:4]
    assert nodes.tolist() == [free[i] for i in best.tolist()]
    torch.testing.assert_close(logits, scores[best])
    assert model.topk(x, edges, 3, 100)[0].numel() == len(free)


def test_autocast_and_half_precision() -> None:
    x, dense, pairs = small_graph()
    model = NCN(6, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.isfinite(model(x.float(), edge_index(dense), pairs)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LinkPredictor(4, structure="seal"), "expected one of gae"),
        (lambda: NCN(0), "in_channels is 0"),
        (lambda: NCN(4, depth=2), "expected structure='ncnc'"),
        (lambda: NCNC(4, pt=0.0), "expected 0 < pt"),
        (lambda: NCN(6)(torch.ones(14, 5), *small_graph()[1:]), r"float32 \[14, 5\]; expected floating point \[N, 6\]"),
        (lambda: NCN(6)(torch.ones(9, 6), as_adjacency(DIAMOND), DIAMOND), "x has 9 rows"),
        (lambda: NCN(6).predict(torch.ones(4, 6), DIAMOND, DIAMOND, batch_size=0), "batch_size is 0"),
        (lambda: NCN(6).topk(torch.ones(4, 6), DIAMOND, 24, 3), "node is 24"),
        (lambda: LinkPredictor(6, structure="gae").eval()(torch.ones(4, 6), DIAMOND, DIAMOND + 1), "node 4"),
    ],
)
def test_bad_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


# -- what is left out because nothing reads it -------------------------------------------------------------------------

SPARSE_CASES: list[dict[str, Any]] = [
    {"structure": "ncn"},
    {"structure": "ncn", "layer_norm": False, "exclude_targets": False},
    {"structure": "ncnc", "offset": 0.0},
    {"structure": "ncnc", "offset": 0.0, "reference_compat": True},
    {"structure": "ncnc", "offset": 0.0, "learnable_pt": True},
    {"structure": "ncnc", "offset": 0.0, "completion_dropout": True},
    {"structure": "ncnc", "offset": 0.0, "depth": 2, "reference_compat": True},
    {"structure": "ncnc", "offset": 0.0, "completion_samples": 2, "eval_completion_samples": 2},
    {"structure": "ncnc", "offset": 0.0, "completion_samples": 2, "reference_compat": True},
]


def sparse_graph(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """x, edges of a graph of degree 2 on 300 nodes, and 8 pairs, of which half are edges and one is met by a third."""
    generator = torch.Generator().manual_seed(seed)
    ends = torch.randint(300, (2, 300), generator=generator)
    ends = torch.cat((ends[:, ends[0] != ends[1]], torch.tensor([[0, 1, 2], [1, 2, 0]])), 1)
    pairs = torch.cat((ends[:, -6:-2], torch.randint(300, (2, 4), generator=generator)), 1)
    return torch.randn(300, 6, generator=generator, dtype=torch.float64), torch.cat((ends, ends.flip(0)), 1), pairs


def logits_and_gradients(model: LinkPredictor, x: Tensor, edges: Tensor, pairs: Tensor) -> list[Tensor]:
    model.zero_grad()
    x = x.clone().requires_grad_()
    torch.manual_seed(3)  # draws of the completion
    logits = model(x, edges, pairs)
    logits.square().sum().backward()
    assert x.grad is not None
    return [logits.detach(), x.grad, *(p.grad.clone() for p in model.parameters() if p.grad is not None)]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("options", SPARSE_CASES, ids=str)
def test_transforming_only_what_is_read_changes_nothing(
    options: dict[str, Any], training: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, edges, pairs = sparse_graph(1)
    torch.manual_seed(0)
    model = LinkPredictor(6, 8, transform_nodes=True, **options).double().train(training)
    found = logits_and_gradients(model, x, edges, pairs)
    monkeypatch.setattr(ncn, "nodes_read", lambda *_: None)
    expected = logits_and_gradients(model, x, edges, pairs)
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_few_nodes_are_transformed(monkeypatch: pytest.MonkeyPatch) -> None:
    x, edges, pairs = sparse_graph(1)
    model = NCN(6, 8, transform_nodes=True).double()
    assert model.node_mlp is not None
    sizes: list[int] = []
    model.node_mlp.register_forward_pre_hook(lambda _, given: sizes.append(given[0].size(0)))
    model(x, edges, pairs)
    assert len(sizes) == 1
    assert 0 < sizes[0] < 20
    monkeypatch.setattr(ncn, "nodes_read", lambda *_: None)
    model(x, edges, pairs)
    assert sizes[1] == 300


@pytest.mark.parametrize("structure", ["ncn", "ncnc"])
def test_pairs_that_nothing_lies_between_give_all_parameters_a_gradient(structure: str) -> None:
    x = torch.randn(50, 6)
    path = torch.tensor([[0, 1], [1, 0]])
    model = LinkPredictor(6, 8, structure=structure, transform_nodes=True)  # type: ignore[arg-type]
    logits = model(x, path, torch.tensor([[3, 5], [4, 6]]))
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    assert model.node_mlp is not None
    assert all(p.grad is not None and not p.grad.any() for p in model.node_mlp.parameters())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_transformed_nodes_keep_the_type(dtype: torch.dtype) -> None:
    x, edges, pairs = sparse_graph(2)
    model = NCN(6, 8, transform_nodes=True).to(dtype).eval()
    assert model(x.to(dtype), edges, pairs).dtype == dtype


def test_autocast_transforms_few_nodes_as_it_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    x, edges, pairs = sparse_graph(3)
    model = NCN(6, 8, transform_nodes=True).eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        few = model(x.float(), edges, pairs)
        monkeypatch.setattr(ncn, "nodes_read", lambda *_: None)
        every = model(x.float(), edges, pairs)
    assert few.dtype == every.dtype
    torch.testing.assert_close(few, every, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("options", SPARSE_CASES, ids=str)
def test_one_value_for_all_pairs_without_a_common_neighbour(options: dict[str, Any]) -> None:
    x, edges, pairs = sparse_graph(4)
    pairs = pairs[:, 3:]  # the edge of the triangle, and no others: their ends' neighbours would all meet in the ends
    torch.manual_seed(0)
    model = LinkPredictor(6, 8, dropout=0.3, **options).double().eval()
    asked: list[int] = []
    assert model.structure_mlp is not None
    model.structure_mlp.register_forward_pre_hook(lambda _, given: asked.append(given[0].size(0)))
    with torch.no_grad():
        found = model(x, edges, pairs)
        few = max(asked) if model.structure == "ncn" else min(asked)
    expected = model(x, edges, pairs)  # with gradients, all rows go through
    torch.testing.assert_close(found, expected.detach(), rtol=1e-10, atol=1e-12)
    assert few < pairs.size(1)


def test_pairs_with_common_neighbours_all_go_through() -> None:
    x = torch.randn(4, 6)
    model = NCN(6, 8).eval()
    asked: list[int] = []
    assert model.structure_mlp is not None
    model.structure_mlp.register_forward_pre_hook(lambda _, given: asked.append(given[0].size(0)))
    with torch.no_grad():
        model(x, DIAMOND, torch.tensor([[0, 1, 0], [3, 2, 1]]))
    assert asked == [3]


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_candidates_in_blocks_are_scored_as_all_at_once(size: int, depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, edges, pairs = sparse_graph(5)
    torch.manual_seed(0)
    model = NCNC(6, 8, depth=depth, offset=0.0).double()
    expected = logits_and_gradients(model, x, edges, pairs)
    monkeypatch.setattr(ncn, "BLOCK", size)
    for a, b in zip(logits_and_gradients(model, x, edges, pairs), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)
