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
