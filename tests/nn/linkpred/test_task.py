"""Tasks: what overlaps by sets, what is refused with its cure, what a digest sees, and moving as a whole."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphx.data.splits import link_split
from graphx.data.synthetic import cycle
from graphx.errors import InputError
from graphx.nn.linkpred import EvaluationPairs, LinkConfig, LinkTask, as_adjacency
from graphx.nn.linkpred.task import has_edges
from tests.nn.linkpred.graphs import adjacency_of, random_dense, random_pairs, seeds

NONE = torch.zeros(2, 0, dtype=torch.int64)
EDGES = torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]])
BOTH = torch.cat((EDGES, EDGES.flip(0)), dim=1)
VALID = EvaluationPairs(torch.tensor([[0], [2]]), torch.tensor([[0, 1], [3, 4]]))


@pytest.fixture(scope="module")
def task() -> LinkTask:
    return LinkTask.from_split(link_split(cycle(20), seed=0))


# -- overlap -----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(seed=seeds, size=st.integers(4, 10), other=st.booleans(), own=st.booleans())
def test_overlaps_are_found_as_sets_find_them(seed: int, size: int, other: bool, own: bool) -> None:
    """Pairs without direction: in training, in the graph that is read then, or a positive among the negatives."""
    dense = random_dense(seed, size, 0.2, symmetric=True, loops=False)
    further = random_dense(seed + 5, size, 0.1, symmetric=True, loops=False)
    parts = {"train": random_pairs(seed, size, 2)}
    for k, name in enumerate(("valid", "test")):
        negative = random_pairs(seed + 20 + k, size, 2)
        parts[name] = EvaluationPairs(random_pairs(seed + 10 + k, size, 2), negative.view(2, 2, 1) if own else negative)
    test_graph = ((dense + further) > 0).double() if other else None

    def sets(pairs: Tensor) -> set[frozenset[int]]:
        return {frozenset(pair) for pair in pairs.reshape(2, -1).t().tolist()}

    def edges(matrix: Tensor) -> set[frozenset[int]]:
        return {frozenset(edge) for edge in matrix.nonzero().tolist()}

    bad = False
    for name in ("valid", "test"):
        seen = sets(parts["train"]) | edges(test_graph if test_graph is not None and name == "test" else dense)
        positive, negative = map(sets, parts[name])
        bad |= bool(positive & seen) or bool(negative & (seen | positive))
    bad |= bool(sets(parts["valid"].positive) & sets(parts["test"].positive))
    graphs = {"test_graph": None if test_graph is None else adjacency_of(test_graph)}
    given_ = (adjacency_of(dense), parts["train"], parts["valid"], parts["test"])
    LinkTask(*given_, **graphs, allow_overlap=True)
    if bad:
        with pytest.raises(InputError, match="overlaps what is learned from|is in valid and in test"):
            LinkTask(*given_, **graphs)
    else:
        LinkTask(*given_, **graphs)


@pytest.mark.parametrize(
    ("valid", "message"),
    [
        (
            VALID._replace(positive=torch.tensor([[0, 2], [2, 1]])),
            r"positive overlaps .* 1 of 2 pairs, first \(2, 1\)",
        ),
        (VALID._replace(negative=torch.tensor([[0, 5], [3, 4]])), r"valid.negative overlaps .* first \(5, 4\)"),
        (VALID._replace(negative=torch.tensor([[2], [0]])), r"valid.negative overlaps .* first \(2, 0\)"),
    ],
)
def test_what_overlaps_is_named(valid: EvaluationPairs, message: str) -> None:
    with pytest.raises(InputError, match=message + ".*allow_overlap=True for an official split"):
        LinkTask(BOTH, EDGES, valid)


def test_a_pair_in_two_parts() -> None:
    test = EvaluationPairs(VALID.positive.flip(0), torch.tensor([[0], [5]]))
    with pytest.raises(InputError, match=r"\(2, 0\) is in valid and in test; expected parts without overlap"):
        LinkTask(BOTH, EDGES, VALID, test)


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": NONE}, "train holds no pairs; expected at least one to learn from"),
        ({"train": EDGES.t()}, r"train is torch.int64 \[5, 2\]; expected an int64 tensor \[2, B\]: pass pairs.t\(\)"),
        ({"train": EDGES.int()}, r"train is torch.int32 \[2, 5\]"),
        ({"train": torch.tensor([[0], [6]])}, "train names the node 6; expected 0..5"),
        ({"train": torch.tensor([[-1], [0]])}, "train names the node -1; expected 0..5"),
        ({"graph": EDGES}, r"the graph is directed; expected both directions of every edge: apply ToUndirected"),
        ({"test_graph": EDGES}, "the graph is directed"),
        ({"valid": VALID._replace(positive=NONE)}, "valid has no positive or no negative pairs; expected some of both"),
        ({"valid": VALID._replace(negative=NONE)}, "valid has no positive or no negative pairs"),
        ({"valid": VALID._replace(negative=torch.zeros(2, 1, 0, dtype=torch.int64))}, "no positive or no negative"),
        (
            {"valid": VALID._replace(negative=torch.zeros(2, 3, 4, dtype=torch.int64))},
            r"valid.negative is \[2, 3, 4\]; expected \[2, 1, K\], K for each positive pair, or \[2, M\]",
        ),
        ({"valid": VALID._replace(negative=torch.tensor([[[0, 9]], [[3, 4]]]))}, "valid.negative names the node 9"),
        ({"x": torch.ones(6)}, r"x is torch.float32 \[6\]; expected floating point \[6, F\]|is \[6\]"),
        ({"x": torch.ones(7, 2), "graph": as_adjacency(BOTH)}, r"x is torch.float32 \[7, 2\]; expected floating point"),
        ({"x": torch.ones(5, 2)}, "edge_index names node 5; expected 0..4"),
        ({"x": torch.ones(6, 2).long()}, r"x is torch.int64 \[6, 2\]"),
        (
            {"x": torch.ones(6, 2).index_put((torch.tensor([3, 4]), torch.tensor([1, 0])), torch.tensor(torch.nan))},
            "x has 2 values that are NaN or infinite, first in row 3, column 1; expected numbers: fill or remove",
        ),
        (
            {"x": (torch.eye(6) * torch.inf).nan_to_num(0.0, torch.inf).to_sparse()},
            "x has 6 values that are NaN or infinite; expected numbers",
        ),
    ],
)
def test_what_came_and_what_was_expected(change: dict[str, Any], message: str) -> None:
    whole = {"graph": BOTH, "train": EDGES, "valid": VALID}
    assert LinkTask(**whole).num_nodes == 6
    with pytest.raises(InputError, match=message):
        LinkTask(**{**whole, **change})


@pytest.mark.parametrize(("metric", "fits"), [("hits@2", True), ("hits@3", False), ("mrr", True), ("auc", True)])
def test_metrics_that_say_nothing(metric: str, fits: bool) -> None:
    for negative in (VALID.negative, torch.tensor([[[0, 1]], [[3, 4]]])):  # for all, and for each
        task = LinkTask(BOTH, EDGES, VALID._replace(negative=negative))
        if fits:
            task.check_metric(LinkConfig(metric=metric))
            continue
        with pytest.raises(
            InputError, match="hits@3 with 2 negatives in valid is 1 for any scores; expected K at most"
        ):
            task.check_metric(LinkConfig(metric=metric))


def test_splits_that_are_directed() -> None:
    split = link_split(cycle(12), seed=0)
    turned = type(split)(**{**{name: getattr(split, name) for name in split.__dataclass_fields__}, "directed": True})
    with pytest.raises(InputError, match="the split is one of directed edges; expected an undirected one: see link_"):
        LinkTask.from_split(turned)


# -- what it says of itself --------------------------------------------------------------------------------------------


def test_the_same_task_from_any_form(task: LinkTask) -> None:
    both = torch.cat((task.train, task.train.flip(0)), dim=1)
    forms = [both, both.flip(1), as_adjacency(both, num_nodes=20)]
    forms += [torch.sparse_coo_tensor(both, torch.ones(both.size(1)), (20, 20), check_invariants=True)]
    x = torch.eye(20)
    digests = {LinkTask(form, task.train, task.valid, task.test, x).digest() for form in forms}
    assert len(digests) == 1 and task.digest() not in digests
    copied = pickle.loads(pickle.dumps(task))
    assert copied.digest() == task.digest() and repr(copied) == repr(task)
    assert repr(task) == "LinkTask(nodes=20, train=14, valid=2+2, test=4+4, features=none)"


def test_sparse_features_digest_by_their_values(task: LinkTask) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CSR is called a beta
        x = torch.eye(20)
        given_ = [x.to_sparse(), x.to_sparse_csr(), (2 * x).to_sparse_csr(), x.roll(1, 0).to_sparse_csr(), x]
    digests = [LinkTask(task.graph, task.train, task.valid, None, one).digest() for one in given_]
    assert digests[0] == digests[1] and len(set(digests)) == 4
    weighted = as_adjacency(
        torch.cat((task.train, task.train.flip(0)), 1), edge_weight=torch.full((28,), 2.0), num_nodes=20
    )
    assert LinkTask(weighted, task.train, task.valid).digest() != LinkTask(task.graph, task.train, task.valid).digest()


def test_edges_of_a_matrix_without_any() -> None:
    assert has_edges(as_adjacency(NONE, num_nodes=4), EDGES[:, :3]).tolist() == [False] * 3
    wide = adjacency_of(torch.tensor([[0.0, 0, 1], [1, 0, 0]]).double())
    assert has_edges(wide, torch.tensor([[0, 0, 1, 1], [0, 2, 0, 2]])).tolist() == [False, True, True, False]


def test_a_task_moves_as_a_whole(task: LinkTask) -> None:
    x = torch.eye(20)
    whole = LinkTask(task.graph, task.train, task.valid, task.test, x, test_graph=task.graph)
    moved = whole.to("meta")
    parts = [moved.graph.indices, moved.test_graph.indices, moved.x, moved.train, *moved.valid, *moved.test]
    assert {part.device.type for part in parts} == {"meta"} and moved.train.shape == task.train.shape
    assert task.to("cpu") is task and task.to("meta").x is None and task.to("meta").test_graph is None
    assert whole.digest() != LinkTask(task.graph, task.train, task.valid, task.test, x).digest()


def test_a_graph_for_testing_has_the_same_nodes(task: LinkTask) -> None:
    with pytest.raises(InputError, match="test_graph has 21 nodes; expected 20 as the graph"):
        LinkTask(task.graph, task.train, task.valid, task.test, test_graph=as_adjacency(cycle(21)))
    assert LinkTask(task.graph, task.train, task.valid).test is None
