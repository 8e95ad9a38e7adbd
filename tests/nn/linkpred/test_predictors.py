"""What every predictor must do as a module: graphs, number types, processes, compiling, pickling, refusals."""

from __future__ import annotations

import copy
import pickle
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from graphx.errors import InputError
from graphx.nn.linkpred import NCN, NCNC, LinkPredictor, as_adjacency, common_neighbors
from graphx.nn.linkpred._parts import AUTHORS, STRUCTURES
from tests.nn.linkpred.graphs import adjacency_of, on_both, random_dense
from tests.nn.linkpred.test_ncn import DIAMOND, edge_index, small_graph
from tests.reference.linkpred import Transcription


def made(structure: str, **options: Any) -> LinkPredictor:
    torch.manual_seed(3)
    return LinkPredictor(6, 8, structure=structure, **options).double()  # type: ignore[arg-type]


@pytest.mark.parametrize("structure", STRUCTURES)
def test_each_structure_as_a_module(structure: str) -> None:
    x, dense, pairs = small_graph()
    edges = edge_index(dense)
    model = made(structure, dropout=0.3)
    model.train()(x, edges, pairs).sum().backward()
    missing = [name for name, p in model.named_parameters() if p.grad is None]
    assert missing == []
    model.eval()
    expected = model(x, edges, pairs)
    assert expected.shape == (pairs.size(1),)
    assert model(x, edges, pairs[:, :0]).shape == (0,)
    assert torch.equal(pickle.loads(pickle.dumps(model))(x, edges, pairs), expected)
    other = made(structure, dropout=0.3).eval()
    copy.deepcopy(other).reset_parameters()
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(x, edges, pairs), expected)
    torch.testing.assert_close(model.predict(x, edges, pairs, batch_size=3), expected)
    single = model.float()(x.float(), edges, pairs)
    torch.testing.assert_close(single, expected.float(), atol=1e-4, rtol=1e-4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = model(x.float(), edges, pairs)
    torch.testing.assert_close(rounded.float(), single, atol=0.15, rtol=0.15)


def test_the_authors_names_are_understood() -> None:
    assert {LinkPredictor(4, 4, structure=name).structure for name in AUTHORS} == set(STRUCTURES) - {"cn2"}  # type: ignore[arg-type]


@pytest.mark.parametrize("structure", ["gae_cn", "ncn", "ncnc", "ncn2", "ncn_diff", "cn2"])
def test_directed_graphs_loops_duplicates_and_isolated_nodes(structure: str) -> None:
    generator = torch.Generator().manual_seed(4)
    dense = (torch.rand(12, 12, generator=generator) < 0.3).double()  # directed, with loops
    dense[7] = dense[:, 7] = 0
    assert dense.diagonal().sum() > 0
    x = torch.randn(12, 6, dtype=torch.float64, generator=generator)
    pairs = torch.randint(0, 12, (2, 20), generator=generator)
    pairs[:, 0] = 7
    slow = Transcription(structure, 6, 8).double()
    fast = made(structure).eval()
    from tests.nn.linkpred.test_ncn import PARTS

    for mine, yours in PARTS.items():
        if getattr(fast, mine) is not None:
            getattr(fast, mine).load_state_dict(getattr(slow, yours).state_dict())
    edges = edge_index(dense)
    twice = torch.cat((edges, edges[:, :9]), 1)
    torch.testing.assert_close(fast(x, twice, pairs), slow(x, dense, pairs), atol=1e-8, rtol=0)


@pytest.mark.parametrize("structure", ["gae", "gae_cn", "gae_cat_cn", "ncn", "ncn_diff"])
def test_pairs_of_two_kinds_of_nodes(structure: str) -> None:
    """Users 0..4 and items 5..8 that share tags 9..14, against one graph in which all are nodes."""
    generator = torch.Generator().manual_seed(5)
    user_tags, item_tags = (torch.rand(size, 6, generator=generator) < 0.5 for size in (5, 4))
    x = torch.randn(15, 6, dtype=torch.float64, generator=generator)
    whole = torch.zeros(15, 15)
    whole[:5, 9:], whole[5:9, 9:] = user_tags.float(), item_tags.float()
    pairs = torch.cartesian_prod(torch.arange(5), torch.arange(4)).t().contiguous()
    model = made(structure, transform_nodes=True)
    expected = model.eval()(x, edge_index(whole), pairs + torch.tensor([[0], [5]]))
    kinds = (x[:5], x[9:], x[5:9])
    graphs = (
        as_adjacency(user_tags.nonzero().t(), num_nodes=(5, 6)),
        as_adjacency(item_tags.nonzero().t(), num_nodes=(4, 6)),
    )
    torch.testing.assert_close(model(kinds, graphs, pairs), expected)
    torch.testing.assert_close(model.train().predict(kinds, graphs, pairs, batch_size=7), expected)
    torch.testing.assert_close(model(kinds, graphs, pairs), expected)  # nothing to leave out: targets are in neither
    if structure == "ncn":
        counts = common_neighbors(graphs[0], pairs, other=graphs[1])
        assert counts.tolist() == [int((user_tags[u] & item_tags[i]).sum()) for u, i in pairs.t().tolist()]


def test_what_predict_and_topk_promise() -> None:
    x, dense, _ = small_graph()
    edges = edge_index(dense)
    calls = []
    model = made("ncnc", transform_nodes=True).train()
    assert model.node_mlp is not None
    model.node_mlp.register_forward_hook(lambda *_: calls.append(1))
    every = torch.cartesian_prod(torch.arange(14), torch.arange(14)).t().contiguous()
    scores = model.predict(x, edges, every, batch_size=17).view(14, 14)
    assert len(calls) == 1  # nodes are transformed once
    assert model.training
    assert not scores.requires_grad
    for node in (0, 5):
        nodes, logits = model.topk(x, as_adjacency(edges, num_nodes=14), node, 14)
        free = [u for u in range(14) if u != node and dense[node, u] == 0]
        assert sorted(nodes.tolist()) == free
        torch.testing.assert_close(logits, scores[node, nodes])
        assert (logits.diff() <= 0).all()
    tied = LinkPredictor(6, 4, structure="gae")
    nn.init.zeros_(tied.head[-1].weight)  # type: ignore[arg-type]
    assert tied.topk(x.float(), edges, 5, 4)[0].tolist() == [0, 1, 2, 3]
    full = torch.tensor([[0, 0], [1, 2]])
    assert tied.topk(x[:3].float(), full, 0, 2)[0].numel() == 0


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.tensor([[1.0] * 6, [1.0] * 5 + [float("nan")]] + [[0.0] * 6] * 2), "NaN or infinity, first for node 1"),
        (torch.full((4, 6), float("inf")), "first for node 0"),
        (torch.ones(4, 6, dtype=torch.int64), "x is torch.int64"),
        (torch.ones(6), r"float32 \[6\]"),
        ([[1.0]], "expected three x"),
        ("x", "x is a str"),
        (torch.ones(5, 6), "x has 5 rows"),
    ],
)
def test_features_that_are_refused(x: Any, message: str) -> None:
    for ask in (
        lambda model: model(x, as_adjacency(DIAMOND), DIAMOND[:, :2]),
        lambda model: model.predict(x, as_adjacency(DIAMOND), DIAMOND[:, :2]),
    ):
        with pytest.raises(InputError, match=message):
            ask(NCN(6, 8))


def test_large_finite_features_are_not_refused() -> None:
    x = torch.full((4, 6), 3e38)
    assert not torch.isfinite(x.sum())
    model = LinkPredictor(6, 8, structure="gae_cat_cn")
    assert model(x, DIAMOND, DIAMOND).shape == (10,)


def test_pairs_and_graphs_that_are_refused() -> None:
    model, x = NCNC(6, 8), torch.ones(4, 6)
    for pairs, message in (
        (DIAMOND + 4, "pairs names? the (source )?node [67]"),
        (DIAMOND - 1, "node -1"),
        (DIAMOND.int(), "torch.int32"),
        (DIAMOND.t(), r"pass pairs.t\(\)"),
        ([[0], [1]], "a list"),
    ):
        for mode in (True, False):
            with pytest.raises(InputError, match=message):
                model.train(mode)(x, DIAMOND, pairs)
    with pytest.raises(InputError, match="edge_index names node 3"):
        model(x[:3], DIAMOND, DIAMOND[:, :1])
    with pytest.raises(InputError, match="k is 0"):
        model.topk(x, DIAMOND, 0, 0)
    with pytest.raises(InputError, match="node is '0'"):
        model.topk(x, DIAMOND, "0", 1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="expected one kind"):
        model((x, x, x), (DIAMOND, DIAMOND), DIAMOND)
    with pytest.raises(InputError, match="x in between has 3 rows"):
        NCN(6, 8)((x, x[:3], x), (DIAMOND, DIAMOND), DIAMOND)


def test_the_dense_part_compiles() -> None:
    """The MLPs after pooling without a break; the pooling is an operator of its own, so the whole forward may break."""
    x, dense, pairs = small_graph()
    model = NCN(6, 8).eval()
    z = common_neighbors(edge_index(dense), pairs, x.float())
    product = x[pairs[0]].float() * x[pairs[1]].float()

    def dense_part(z: Tensor, product: Tensor) -> Tensor:
        assert model.structure_mlp is not None
        return model.head(model.pair_mlp(product) + model.structure_mlp(z) * model.beta).squeeze(-1)

    compiled = torch.compile(dense_part, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(z, product), model(x.float(), edge_index(dense), pairs))


WORKER = """
import sys
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from graphx.nn.linkpred import NCNC, as_adjacency

rank, folder, port = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
data = torch.load(f"{folder}/data.pt")
model = NCNC(6, 8, transform_nodes=True).double()
model.load_state_dict(data["state"])
parallel = DistributedDataParallel(model)
half = data["pairs"][:, rank::2].contiguous()
logits = parallel(data["x"], as_adjacency(data["edges"], num_nodes=14), half)
logits.mean().backward()
if rank == 0:
    torch.save([p.grad for p in model.parameters()], f"{folder}/grads.pt")
dist.barrier()
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_have_the_gradient_of_one() -> None:
    import subprocess

    x, dense, _ = small_graph()
    pairs = torch.randint(0, 14, (2, 12), generator=torch.Generator().manual_seed(1))
    model = NCNC(6, 8, transform_nodes=True).double()
    edges = edge_index(dense)
    halves = [model(x, edges, pairs[:, k::2].contiguous()).mean() for k in range(2)]  # targets are left out by halves
    expected = torch.autograd.grad((halves[0] + halves[1]) / 2, list(model.parameters()))
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
        probe.close()
        torch.save({"state": model.state_dict(), "x": x, "edges": edges, "pairs": pairs}, f"{folder}/data.pt")
        root = Path(__file__).resolve().parents[3]
        runs = [
            subprocess.Popen([sys.executable, "-c", WORKER, str(rank), folder, port], cwd=root) for rank in range(2)
        ]
        assert [run.wait(timeout=240) for run in runs] == [0, 0]
        found = torch.load(f"{folder}/grads.pt")
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs)


# -- laws --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"transform_nodes": True, "two_layer_head": True, "tail_activation": True}])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_numbers_of_nodes_and_sides_of_pairs_do_not_matter(structure: str, options: dict[str, Any]) -> None:
    """The ends of a pair can be exchanged, nodes renumbered, and a graph of its own added, in training too."""
    x, dense, pairs = small_graph()
    model = made(structure, **options, **({"depth": 2} if structure in ("ncnc", "gae_cnc") else {}))
    new = torch.randperm(14, generator=torch.Generator().manual_seed(1))
    moved, moved_x = torch.empty_like(dense), torch.empty_like(x)
    moved[new.unsqueeze(1), new], moved_x[new] = dense, x
    other = random_dense(8, 5, 0.5, symmetric=True).to(dense.dtype)
    union = torch.block_diag(dense, other, torch.zeros(1, 1, dtype=dense.dtype))
    more_x = torch.cat((x, torch.randn(6, 6, dtype=torch.float64)))
    for training in (False, True):
        model.train(training)
        wanted = model(x, edge_index(dense), pairs)
        torch.testing.assert_close(model(x, edge_index(dense), pairs.flip(0)), wanted)
        torch.testing.assert_close(model(moved_x, edge_index(moved), new[pairs]), wanted)
        torch.testing.assert_close(model(more_x, edge_index(union), pairs), wanted)
        shift = model(torch.cat((more_x[14:], x)), edge_index(torch.block_diag(union[14:, 14:], dense)), pairs + 6)
        torch.testing.assert_close(shift, wanted)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("weighted", [False, True])
def test_kernels_and_torch_give_the_same_logits_and_gradients(structure: str, weighted: bool) -> None:
    x = torch.randn(18, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    graph = adjacency_of(random_dense(5, 18, 0.3, symmetric=True, weighted=weighted, loops=False))
    pairs = torch.randint(18, (2, 25), generator=torch.Generator().manual_seed(1))
    model = made(structure, transform_nodes=True).train()

    def run() -> list[Tensor]:
        leaf = x.clone().requires_grad_()
        out = model(leaf, graph, pairs)
        return [out.detach(), *torch.autograd.grad(out.square().sum(), [leaf, *model.pair_mlp.parameters()])]

    for one, other in zip(*on_both(run), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-10)


# -- completion --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("structure", ["ncnc", "gae_cnc"])
@pytest.mark.parametrize("learnable", [False, True])
@pytest.mark.parametrize("depth", [1, 2])
def test_gradients_through_the_completion(structure: str, learnable: bool, depth: int) -> None:
    """With scale 0 the scores inside, which have no gradient, do not move: numerical differences see all the rest."""
    x, dense, pairs = small_graph(size=8)
    model = made(structure, layer_norm=False, scale=0.0, learnable_pt=learnable, depth=depth, transform_nodes=True)
    edges, few = edge_index(dense), pairs[:, :5] % 8
    assert torch.autograd.gradcheck(lambda leaf: model.eval()(leaf, edges, few), x.requires_grad_())
    if not learnable:
        return
    moving = made(structure, layer_norm=False, learnable_pt=True)  # at depth 1 the prior is not in the scores inside
    assert moving.prior_mlp is not None
    names = [name for name, _ in moving.named_parameters() if name.startswith("prior_mlp")]

    def logits(*values: Tensor) -> Any:
        state = dict(zip(names, values, strict=True))
        return torch.func.functional_call(moving, state, (x.detach(), edges, few))

    leaves = [moving.get_parameter(name).detach().clone().requires_grad_() for name in names]
    assert torch.autograd.gradcheck(logits, leaves)


@pytest.mark.parametrize("exclude", [False, True])
@pytest.mark.parametrize(
    ("alpha", "pt", "scale", "offset"), [(1.0, 0.5, 0.0, 3.0), (0.3, 0.9, 0.0, -1.0), (0.0, 0.5, 5.0, 3.0)]
)
def test_completed_counts_by_hand(exclude: bool, alpha: float, pt: float, scale: float, offset: float) -> None:
    """With scale 0 every neighbour of one end only counts P = alpha pt / (pt + 1), whatever the depth."""
    x, dense, pairs = small_graph()
    seen = dense.clone()
    if exclude:
        seen[pairs[0], pairs[1]] = seen[pairs[1], pairs[0]] = 0
    mine, theirs = seen[pairs[0]] != 0, seen[pairs[1]] != 0
    number = (mine & theirs).sum(1) + alpha * pt / (pt + 1) * (mine ^ theirs).sum(1)
    for depth in (1, 2, 3):
        model = made("gae_cnc", alpha=alpha, pt=pt, scale=scale, offset=offset, depth=depth).train(exclude)
        assert model.structure_mlp is not None and model.beta is not None
        wanted = (
            model.pair_mlp(x[pairs[0]] * x[pairs[1]]) + model.structure_mlp(number.unsqueeze(1).double()) * model.beta
        )
        torch.testing.assert_close(model(x, edge_index(dense), pairs), model.head(wanted).squeeze(1))


def test_no_completion_is_the_plain_structure() -> None:
    x, dense, pairs = small_graph()
    for plain, completed in (("ncn", "ncnc"), ("gae_cn", "gae_cnc")):
        one, other = made(plain, transform_nodes=True), made(completed, transform_nodes=True, alpha=0.0, depth=2)
        other.load_state_dict(one.state_dict())
        torch.testing.assert_close(other(x, edge_index(dense), pairs), one(x, edge_index(dense), pairs))
        certain = made(completed, pt=1.0, offset=-1e4)  # every absent neighbour is sure to be only unobserved
        all_around = made(plain)
        all_around.load_state_dict(certain.state_dict())
        union = torch.zeros(14 + 2 * pairs.size(1), 14 + 2 * pairs.size(1), dtype=dense.dtype)
        for b, (i, j) in enumerate(pairs.t().tolist()):  # twins of the ends, both beside all neighbours of either
            union[14 + 2 * b : 16 + 2 * b, :14] = (dense[i] + dense[j] > 0).to(dense.dtype)
        ends = torch.stack((torch.arange(pairs.size(1)) * 2 + 14, torch.arange(pairs.size(1)) * 2 + 15))
        more_x = torch.cat((x, x[pairs.t().flatten()]))
        found = certain.eval()(x, edge_index(dense), pairs)
        torch.testing.assert_close(found, all_around.eval()(more_x, edge_index(union), ends))


def test_weights_count_for_common_neighbours_and_not_for_others() -> None:
    """As told: who is next to one end only is a set, whatever its edges weigh."""
    x = torch.randn(12, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    dense = random_dense(4, 12, 0.4, symmetric=True, weighted=True, loops=False)
    pairs = torch.randint(12, (2, 15), generator=torch.Generator().manual_seed(1))
    for structure in ("ncnc", "ncn_diff"):
        options = {"scale": 0.0} if structure == "ncnc" else {}
        model = made(structure, **options).eval()
        mine, theirs = dense[pairs[0]], dense[pairs[1]]
        pooled, apart = (mine * theirs) @ x, ((mine != 0) ^ (theirs != 0)).double() @ x
        assert model.structure_mlp is not None
        if structure == "ncnc":
            inner = model.structure_mlp(pooled + 0.5 / 1.5 * apart)
        else:
            assert model.second_mlp is not None
            inner = model.structure_mlp(pooled) + model.second_mlp(apart)
        wanted = model.head(model.pair_mlp(x[pairs[0]] * x[pairs[1]]) + inner * model.beta).squeeze(1)
        torch.testing.assert_close(model(x, adjacency_of(dense), pairs), wanted)
