"""Training: learns, resumes to the same bits, stops early, refuses what makes no sense."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor
from torch_geometric.utils import k_hop_subgraph

import graphx
from graphx.data.splits import link_split
from graphx.errors import FormatError, InputError, StoreError
from graphx.nn.linkpred import (
    EvaluationPairs,
    FitResult,
    LinkConfig,
    LinkModel,
    LinkTask,
    Step,
    as_adjacency,
    evaluate,
    fit,
)
from graphx.nn.linkpred._epoch import draw_negatives, evaluate_pairs
from graphx.nn.linkpred._messages import messages_of
from graphx.nn.linkpred._parts import Structure
from graphx.nn.linkpred._subgraph import neighborhood
from graphx.nn.linkpred.task import has_edges

SMALL = LinkConfig(hidden_channels=16, batch_size=64, epochs=4, metric="hits@20", encoder_lr=0.01, predictor_lr=0.01)
NOISY = SMALL.replace(
    structure="ncnc",
    conv="puregcn",
    num_layers=2,
    dropout=0.1,
    input_dropout=0.2,
    tail_dropout=0.1,
    edge_dropout=0.1,
    predictor_dropout=0.1,
    predictor_edge_dropout=0.2,
    jumping_knowledge=True,
    transform_nodes=True,
)


@pytest.fixture(scope="module")
def task() -> LinkTask:
    return LinkTask.from_split(link_split(graphx.data.load_graph("les-miserables").without_weights(), seed=0))


def with_features(task: LinkTask, size: int = 60, density: float = 0.03) -> LinkTask:
    generator = torch.Generator().manual_seed(0)
    x = (torch.rand(task.num_nodes, size, generator=generator) < density).float()
    return LinkTask(task.graph, task.train, task.valid, task.test, x)


def measured(result: FitResult) -> list[Any]:
    """Everything of the runs but the seconds."""
    return [
        [{k: v for k, v in epoch.items() if k != "seconds"} for epoch in run["history"]]
        + [run["seed"], run["valid"], run["test"], run["best_epoch"]]
        for run in result.runs
    ]


def test_learns_and_reports_the_test_at_the_best_validation(task: LinkTask) -> None:
    steps: list[Step] = []
    result = fit(task, SMALL.replace(epochs=25), seeds=(0, 1), progress=steps.append)
    assert [run["seed"] for run in result.runs] == [0, 1]
    for run in result.runs:
        history = run["history"]
        best = max(range(len(history)), key=lambda k: history[k]["valid"])
        assert (run["best_epoch"], run["valid"], run["test"]) == (
            best + 1,
            history[best]["valid"],
            history[best]["test"],
        )
        assert history[-1]["loss"] < 0.8 * history[0]["loss"]
        assert run["valid"] > 0.4
    assert len(steps) == 2 * 25 * (task.train.size(1) // 64)
    assert (steps[-1].seed, steps[-1].epoch, steps[-1].batch) == (1, 25, steps[-1].batches)
    told = result.summary()
    tests = torch.tensor([run["test"] for run in result.runs], dtype=torch.float64)
    assert told["test"]["mean"] == pytest.approx(float(tests.mean()))
    assert told["test"]["std"] == pytest.approx(float(tests.std()))
    assert told["num_parameters"] == result.model.num_parameters == sum(p.numel() for p in result.model.parameters())


def test_the_model_is_that_of_the_best_epoch(task: LinkTask) -> None:
    result = fit(task, SMALL.replace(epochs=10), seeds=(3, 4), progress=False)
    best = max(result.runs, key=lambda run: run["valid"])
    for part, graph in (("valid", task.graph), ("test", task.graph)):
        pairs = getattr(task, part)
        scores = [result.model.predict(None, graph, side) for side in pairs]
        assert evaluate.hits_at(scores[0], scores[1], 20) == best[part]


def test_the_average_of_the_weights(task: LinkTask) -> None:
    """Against the average by hand of what each step leaves, taken from runs that end after each."""
    one = SMALL.replace(batch_size=task.train.size(1))  # an epoch is a step
    steps = [fit(task, one.replace(epochs=n, eval_every=n), progress=False).model.state_dict() for n in (1, 2, 3)]
    found = fit(task, one.replace(epochs=3, eval_every=3, weight_average=0.75), progress=False)
    for name, value in found.model.state_dict().items():
        first, second, third = (weights[name] for weights in steps)
        torch.testing.assert_close(value, 0.75 * (0.75 * first + 0.25 * second) + 0.25 * third)
    assert not torch.equal(value, third)
    sides = [found.model.predict(None, task.graph, side) for side in task.valid]
    assert evaluate.hits_at(sides[0], sides[1], 20) == found.runs[0]["valid"]


class Killed(Exception):
    pass


@pytest.mark.parametrize("epoch", [1, 3, 5])
@pytest.mark.parametrize("features", [False, True])
def test_a_killed_training_goes_on_to_the_same_bits(task: LinkTask, tmp_path: Path, epoch: int, features: bool) -> None:
    task = with_features(task) if features else task
    config = NOISY.replace(epochs=3, weight_average=0.9 * features)
    expected = fit(task, config, seeds=(0, 1), progress=False)
    seen = 0

    def kill(step: Step) -> None:
        nonlocal seen
        seen += step.batch == 1
        if seen == epoch:
            raise Killed

    with pytest.raises(Killed):
        fit(task, config, seeds=(0, 1), checkpoint=tmp_path / "state", progress=kill)
    epochs: list[tuple[int, int]] = []
    found = fit(
        task, config, seeds=(0, 1), checkpoint=tmp_path / "state", progress=lambda s: epochs.append((s.seed, s.epoch))
    )
    assert measured(found) == measured(expected)
    assert epochs[0] == ((epoch - 1) // 3, (epoch - 1) % 3 + 1)
    for name, value in expected.model.state_dict().items():
        assert torch.equal(found.model.state_dict()[name], value), name


def test_finished_runs_are_not_run_again_and_seeds_can_be_added(task: LinkTask, tmp_path: Path) -> None:
    first = fit(task, SMALL, seeds=(0,), checkpoint=tmp_path / "state", progress=False)
    steps: list[Step] = []
    both = fit(task, SMALL, seeds=(1, 0), checkpoint=tmp_path / "state", progress=steps.append)
    assert {step.seed for step in steps} == {1}
    assert measured(both)[1] == measured(first)[0]
    assert [run["seed"] for run in both.runs] == [1, 0]


def test_a_run_does_not_depend_on_its_neighbours_or_on_the_global_state(task: LinkTask) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    alone = fit(task, NOISY, seeds=(1,), progress=False)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.are_deterministic_algorithms_enabled()
    torch.manual_seed(6)
    assert measured(fit(task, NOISY, seeds=(0, 1), progress=False))[1] == measured(alone)[0]


def test_early_stopping_and_rare_evaluation(task: LinkTask) -> None:
    result = fit(task, SMALL.replace(epochs=60, patience=3, encoder_lr=0.0, predictor_lr=0.0), progress=False)
    assert result.runs[0]["epochs"] == 4 and result.runs[0]["best_epoch"] == 1
    result = fit(task, SMALL.replace(epochs=5, eval_every=2), progress=False)
    assert [h["valid"] is not None for h in result.runs[0]["history"]] == [False, True, False, True, True]


def test_a_trained_model_to_start_from(task: LinkTask) -> None:
    first = fit(task, SMALL, progress=False).model
    second = fit(task, SMALL.replace(structure="ncnc", encoder_lr=0.0, epochs=1), initial=first, progress=False).model
    for name, value in first.encoder.state_dict().items():
        assert torch.equal(second.encoder.state_dict()[name], value)
    assert not torch.equal(second.predictor.beta, first.predictor.beta)
    other = LinkModel(SMALL.replace(hidden_channels=7), num_nodes=task.num_nodes)
    with pytest.raises(InputError, match=r"initial has .* \[77, 7\] and the model \[77, 16\]"):
        fit(task, SMALL, initial=other, progress=False)


@pytest.mark.parametrize("how", ["uniform", "source"])
def test_negatives_are_no_edges_and_spread_evenly(how: str) -> None:
    graph = as_adjacency(graphx.data.load_graph("karate"))
    positive = torch.stack((torch.arange(34), torch.arange(34).flip(0))).repeat(1, 300)
    drawn = draw_negatives(graph, positive, how, torch.Generator().manual_seed(0))
    assert drawn.shape == positive.shape
    assert not bool(has_edges(graph, drawn).any()) and not bool((drawn[0] == drawn[1]).any())
    if how == "source":
        assert torch.equal(drawn[0], positive[0])
        counts = torch.bincount(drawn[1, drawn[0] == 33], minlength=34)
        free = 34 - 1 - int(graph.degrees()[33])
    else:
        counts, free = torch.bincount(drawn[0] * 34 + drawn[1], minlength=34 * 34), 34 * 33 - graph.num_entries
    assert int((counts > 0).sum()) == free
    mean = float(counts.sum()) / free
    assert counts.max() < mean + 6 * math.sqrt(mean)


def test_a_full_graph_leaves_no_negatives() -> None:
    full = (~torch.eye(5, dtype=torch.bool)).nonzero().t()
    with pytest.raises(InputError, match="were not found in 100 tries: the graph leaves too few pairs"):
        draw_negatives(as_adjacency(full), full, "uniform", torch.Generator())


def test_own_negatives_of_each_positive_and_all_metrics(task: LinkTask) -> None:
    generator = torch.Generator().manual_seed(1)
    parts = []
    for part in (task.valid, task.test):
        repeated = part.positive.repeat_interleave(12, dim=1)
        negative = draw_negatives(task.graph, repeated, "source", generator).reshape(2, -1, 12)
        parts.append(EvaluationPairs(part.positive, negative))
    heart = LinkTask(task.graph, task.train, *parts, allow_overlap=True)
    for metric in ("mrr", "auc", "hits@5"):
        result = fit(heart, SMALL.replace(metric=metric, negatives="source", epochs=2, clip_norm=1.0), progress=False)
        scores = [result.model.predict(None, task.graph, p.reshape(2, -1)).reshape(p.shape[1:]) for p in heart.test]
        known = {"mrr": evaluate.mrr, "auc": evaluate.auc, "hits@5": lambda p, n: evaluate.hits_at(p, n, 5)}
        assert result.runs[0]["test"] == pytest.approx(known[metric](*scores))


def test_sparse_and_dense_features_train_alike(task: LinkTask) -> None:
    dense = with_features(task, density=0.2)
    config = SMALL.replace(conv="puregcn", structure="gae")
    sparse = LinkTask(dense.graph, dense.train, dense.valid, dense.test, dense.x.to_sparse_csr())
    losses = [fit(t, config, progress=False).runs[0]["history"][-1]["loss"] for t in (dense, sparse)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_another_graph_for_testing(task: LinkTask) -> None:
    both = torch.cat((task.train, task.valid.positive), dim=1)
    wider = LinkTask(
        task.graph,
        task.train,
        task.valid,
        task.test,
        test_graph=as_adjacency(torch.cat((both, both.flip(0)), 1), num_nodes=task.num_nodes),
    )
    config = SMALL.replace(epochs=1)
    plain, with_valid = fit(task, config, progress=False), fit(wider, config, progress=False)
    assert plain.runs[0]["valid"] == with_valid.runs[0]["valid"]
    scores = [with_valid.model.predict(None, wider.test_graph, side) for side in wider.test]
    assert with_valid.runs[0]["test"] == evaluate.hits_at(*scores, 20)


def test_training_inside_autocast_follows_that_in_full_precision(task: LinkTask) -> None:
    """Autocast keeps the casted weights while it lasts: each step must read those of the step before."""
    config = SMALL.replace(epochs=4, structure="ncnc")
    plain = fit(task, config, progress=False).runs[0]["history"]
    steps: list[Step] = []
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = fit(task, config, progress=steps.append)
        scores = evaluate_pairs(result.model, task.x, task.graph, task.valid)
    found = [step["loss"] for step in result.runs[0]["history"]]
    assert found == pytest.approx([step["loss"] for step in plain], rel=0.01)
    assert found != [step["loss"] for step in plain] and len(set(found)) == 4  # half precision was used
    assert [part.dtype for part in scores] == [torch.float32] * 2
    losses = torch.tensor([step.loss for step in steps])
    assert not torch.equal(losses, losses.bfloat16().float())  # summed in single precision


def test_results_as_json(task: LinkTask, tmp_path: Path) -> None:
    result = fit(task, SMALL.replace(epochs=1), seeds=(0, 1), progress=False)
    result.write(tmp_path / "out.json", name="miserables")
    told = json.loads((tmp_path / "out.json").read_text())
    assert told["name"] == "miserables" and told["runs"] == 2 and len(told["all"]) == 2
    assert told["valid"]["mean"] == sum(run["valid"] for run in told["all"]) / 2
    one = FitResult("auc", [{"seed": 0, "valid": 0.5, "test": None}])
    assert one.summary()["valid"] == {"mean": 0.5, "std": None} and str(one) == "1 run: valid auc 0.5000"


def test_checkpoints_of_something_else_are_refused(task: LinkTask, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    fit(task, SMALL.replace(epochs=1), checkpoint=folder, progress=False)
    for other in (SMALL.replace(epochs=2), SMALL.replace(epochs=1, structure="gae")):
        with pytest.raises(StoreError, match="of another training"):
            fit(task, other, checkpoint=folder, progress=False)
    with pytest.raises(StoreError, match="of another training"):
        fit(with_features(task), SMALL.replace(epochs=1), checkpoint=folder, progress=False)
    (folder / "state.pt").write_bytes(b"damaged")
    with pytest.raises(StoreError, match="no whole checkpoint"):
        fit(task, SMALL.replace(epochs=1), checkpoint=folder, progress=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="is a file"):
        fit(task, SMALL, checkpoint=tmp_path / "file", progress=False)


def nan_features(task: LinkTask) -> Tensor:
    x = torch.ones(task.num_nodes, 3)
    x[4, 2] = float("nan")
    return x


def shifted(task: LinkTask, by: int) -> EvaluationPairs:
    return EvaluationPairs(task.valid.positive + by, task.valid.negative)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: fit(t, SMALL, seeds=()), "seeds are []"),
        (lambda t: fit(t, SMALL, seeds=(1, 1)), "different numbers"),
        (lambda t: fit(t, SMALL, checkpoint_every=0), "checkpoint_every is 0"),
        (lambda t: fit(t, SMALL.replace(metric="hits@100000")), "hits@100000 with 25 negatives in valid is 1 for any"),
        (lambda t: fit(t, SMALL.replace(encoder_lr=0.0, predictor_lr=1e30), progress=False), "lower encoder_lr"),
        (lambda t: LinkTask(t.graph, t.train, shifted(t, 1000)), "valid.positive names the node 1"),
        (lambda t: LinkTask(t.graph, t.train, shifted(t, -1000)), "valid.positive names the node -"),
        (lambda t: LinkTask(t.graph, t.train.float(), t.valid), "train is torch.float32 [2, "),
        (lambda t: LinkTask(t.graph, t.train[:, :0], t.valid), "train holds no pairs"),
        (
            lambda t: LinkTask(t.graph, t.train, t.valid, x=nan_features(t)),
            "x has 1 values that are NaN or infinite, first in row 4, column 2",
        ),
        (
            lambda t: LinkTask(t.graph, t.train, t.valid, x=torch.ones(5, 2)),
            "x is torch.float32 [5, 2]; expected floating point [77, F]",
        ),
        (
            lambda t: LinkTask(t.graph, t.train, EvaluationPairs(t.train[:, :3], t.valid.negative)),
            "valid.positive overlaps what is learned from: 3 of 3 pairs",
        ),
        (
            lambda t: LinkTask(t.graph, t.train, EvaluationPairs(t.train[:, :3].flip(0), t.valid.negative)),
            "overlaps what is learned from: 3 of 3",
        ),
        (
            lambda t: LinkTask(t.graph, t.train, EvaluationPairs(t.valid.positive, t.train[:, :2])),
            "valid.negative overlaps what is learned from: 2 of 2",
        ),
        (
            lambda t: LinkTask(t.graph, t.train, EvaluationPairs(t.valid.positive, t.valid.positive)),
            "valid.negative overlaps",
        ),
        (lambda t: LinkTask(t.graph, t.train, t.valid, t.valid), "is in valid and in test"),
        (
            lambda t: LinkTask(t.graph, t.train, EvaluationPairs(t.valid.positive, t.valid.negative[:, :0])),
            "no positive or no negative",
        ),
        (
            lambda t: LinkTask(t.graph, t.train, EvaluationPairs(t.valid.positive, t.valid.negative[:, :2, None])),
            "K for each",
        ),
        (lambda t: LinkTask(t.train, t.train, t.valid), "the graph is directed"),
        (
            lambda t: LinkTask.from_split(link_split(graphx.data.load_graph("karate"), directed=True)),
            "directed edges; expected an undirected",
        ),
    ],
)
def test_bad_input_is_refused(task: LinkTask, call: Any, message: str) -> None:
    with pytest.raises(InputError) as error:
        call(task)
    assert message in str(error.value)


def test_overlap_where_an_official_split_has_it(task: LinkTask) -> None:
    odd = LinkTask(task.graph, task.train, EvaluationPairs(task.train[:, :3], task.valid.negative), allow_overlap=True)
    assert fit(odd, SMALL.replace(epochs=1), progress=False).runs[0]["test"] is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"structure": "gcn"}, "structure is 'gcn'; expected one of gae, gae_cn, "),
        ({"conv": "gat"}, "conv is 'gat'"),
        ({"metric": "hits@0"}, "metric is 'hits@0'; expected hits@K such as hits@100, mrr or auc"),
        ({"epochs": 0}, "epochs is 0; expected a positive integer"),
        ({"epochs": 2.5}, "epochs is 2.5; expected int"),
        ({"dropout": 1.0}, "dropout is 1.0; expected at least 0 and below 1"),
        ({"residual": 1}, "residual is 1; expected bool"),
        ({"encoder_lr": -0.1}, "learning rates are -0.1"),
        ({"encoder_lr": float("nan")}, "encoder_lr is nan; expected float"),
        ({"patience": 0}, "patience is 0"),
        ({"clip_norm": 0.0}, "clip_norm is 0.0"),
        ({"negatives": "hard"}, "negatives is 'hard'; expected one of uniform, source"),
        ({"hidden": 3}, "there is no setting 'hidden'; expected some of: structure, hidden_channels"),
    ],
)
def test_settings_are_checked(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        LinkConfig.from_dict(values)
    assert message in str(error.value)


def test_settings_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"about": "words", **SMALL.as_dict()}))
    assert LinkConfig.from_file(file) == SMALL
    for text, message in (("{", "no JSON"), ("[1]", "holds a list; expected an object")):
        file.write_text(text)
        with pytest.raises(FormatError, match=message):
            LinkConfig.from_file(file)


def test_models_are_saved_whole(task: LinkTask, tmp_path: Path) -> None:
    model = LinkModel(NOISY, num_nodes=task.num_nodes)
    model.save(tmp_path / "model", about={"graph": "miserables"})
    again = LinkModel.load(tmp_path / "model")
    assert again.about == {"graph": "miserables"} and again.config == NOISY
    pairs = task.test.positive
    assert torch.equal(again.predict(None, task.graph, pairs), model.predict(None, task.graph, pairs))
    with pytest.raises(InputError, match="exists"):
        model.save(tmp_path / "model")
    (tmp_path / "model" / "weights.pt").write_bytes(b"")
    for folder in ("model", "nowhere"):
        with pytest.raises(StoreError, match="no whole model"):
            LinkModel.load(tmp_path / folder)


def test_topk_of_a_model(task: LinkTask) -> None:
    model = LinkModel(SMALL, num_nodes=task.num_nodes)
    pairs, logits = model.topk(None, task.graph, torch.tensor([11, 0]), 3)
    assert pairs[0].tolist() == [11, 11, 11, 0, 0, 0]
    everyone = torch.arange(task.num_nodes)
    free = everyone[~has_edges(task.graph, torch.stack((torch.full_like(everyone, 11), everyone))) & (everyone != 11)]
    scores = model.predict(None, task.graph, torch.stack((torch.full_like(free, 11), free)))
    torch.testing.assert_close(logits[:3], scores.topk(3).values)
    assert not bool(has_edges(task.graph, pairs).any())
    assert model.topk(None, task.graph, torch.tensor([], dtype=torch.int64), 3)[0].shape == (2, 0)
    with pytest.raises(InputError, match="k is 0"):
        model.topk(None, task.graph, torch.tensor([0]), 0)
    with pytest.raises(InputError, match="node is 77"):
        model.topk(None, task.graph, torch.tensor([77]), 1)


@pytest.mark.parametrize(("conv", "further"), [("sage", 0), ("puresum", 0), ("gcn", 1), ("puregcn", 1)])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_batch_of_complete_neighbourhoods_has_the_logits_of_the_whole_graph(
    conv: Any, further: int, layers: int
) -> None:
    """The condition for LinkNeighborLoader: L + 1 steps, and one more where degrees are in the norm."""
    graph = graphx.data.synthetic.random_regular(200, 3, seed=0)
    edge_index, x = graph.to_pyg().edge_index, torch.randn(200, 5)
    torch.manual_seed(0)
    model = LinkModel(LinkConfig(hidden_channels=8, conv=conv, num_layers=layers), 5).eval()
    pairs = torch.tensor([[0, 3], [int(graph.indices[0]), 9]])

    def on_subgraph(steps: int) -> Tensor:
        nodes, edges, mapping, _ = k_hop_subgraph(pairs.unique(), steps, edge_index, relabel_nodes=True)
        place = dict(zip(pairs.unique().tolist(), mapping.tolist(), strict=True))
        local = torch.tensor([[place[u] for u in row] for row in pairs.tolist()])
        return model(x[nodes], edges, local)

    whole = model(x, edge_index, pairs)
    torch.testing.assert_close(on_subgraph(layers + 1 + further), whole)
    assert not torch.allclose(on_subgraph(layers - 1), whole)


@pytest.mark.parametrize("structure", [*get_args(Structure), "ncnc2"])
@pytest.mark.parametrize(("conv", "layers"), [("gcn", 2), ("puresum", 1)])
def test_training_on_subgraphs_gives_the_same_numbers(structure: str, conv: Any, layers: int) -> None:
    graph = graphx.data.synthetic.random_regular(120, 3, seed=1)
    task = LinkTask.from_split(link_split(graph, seed=0))
    depth = {"ncnc2": 2}.get(structure, 1)
    config = SMALL.replace(
        structure=structure.removesuffix("2") if depth == 2 else structure,
        depth=depth,
        conv=conv,
        num_layers=layers,
        batch_size=4,
        epochs=1,
        metric="auc",
        hidden_channels=8,
    )
    for given in (task, with_features(task, 6, 0.5)):
        whole, parts = (fit(given, config.replace(subgraphs=s), progress=False) for s in (False, True))
        assert parts.runs[0]["history"][0]["loss"] == pytest.approx(whole.runs[0]["history"][0]["loss"], rel=1e-4)
        for name, value in whole.model.state_dict().items():
            torch.testing.assert_close(parts.model.state_dict()[name], value, rtol=1e-2, atol=1e-4)


def test_a_neighborhood_by_hand() -> None:
    """A path 0-1-2-3-4-5 around the pair (1, 2)."""
    edges = torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]])
    graph = as_adjacency(torch.cat((edges, edges.flip(0)), dim=1))
    near = neighborhood(graph, messages_of(graph), torch.tensor([[2], [1]]), 1)
    assert near.nodes.tolist() == [0, 1, 2, 3] and near.pairs.tolist() == [[2], [1]]
    assert near.graph.indptr.tolist() == [0, 1, 3, 5, 6] and near.graph.indices.tolist() == [1, 0, 2, 1, 3, 2]
    assert neighborhood(graph, messages_of(graph), torch.tensor([[2], [1]]), 9).nodes.tolist() == list(range(6))
    sparse = with_features(LinkTask.from_split(link_split(graphx.data.load_graph("karate"), seed=0)))
    sparse = LinkTask(sparse.graph, sparse.train, sparse.valid, sparse.test, sparse.x.to_sparse_csr())
    with pytest.raises(InputError, match="which is sparse; pass x.to_dense"):
        fit(sparse, SMALL.replace(subgraphs=True, metric="auc"), progress=False)
