"""Splits as things: parts that do not overlap, edges that come back, and digests of what was split."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphx.data import synthetic
from graphx.data._partition import LinkSplit, Split, digest_of, edge_codes
from graphx.data.splits import link_split
from graphx.errors import InputError
from graphx.graph import Graph
from tests.graphs import NamedGraph
from tests.strategies import graphs, seeds


@given(st.lists(st.sampled_from(["train", "val", "test", "none"]), max_size=12))
def test_masks_are_the_parts(owners: list[str]) -> None:
    parts = {name: [i for i, owner in enumerate(owners) if owner == name][::-1] for name in ("train", "val", "test")}
    split = Split(**parts, size=len(owners))  # type: ignore[arg-type]
    for name, members in parts.items():
        assert getattr(split, name).tolist() == sorted(members)
        assert np.flatnonzero(split.masks()[name]).tolist() == sorted(members)  # type: ignore[index]
    again = Split(
        **{name: np.array(members[::-1], np.int8) for name, members in parts.items()}, size=len(owners), origin="x"
    )  # type: ignore[arg-type]
    assert again == split and hash(again) == hash(split)  # the origin is no part of it


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (([0, 1], [1], [2]), "number 1 is in more than one part; expected parts without overlap"),
        (([0, 0], [1], [2]), "number 0 is in more than one part"),
        (([0], [1], [3]), "the parts hold numbers 0 to 3; expected 0..2"),
        (([-1], [1], [2]), "the parts hold numbers -1 to 2"),
    ],
)
def test_parts_that_are_none(parts: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Split(*parts, size=3)


def test_parts_cannot_be_changed() -> None:
    split = Split([0], [1], [2], size=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="read-only"):
        split.train[0] = 2
    split.masks()["train"][:] = True
    assert split.masks()["train"].sum() == 1
    assert split != LinkSplit(*([np.zeros((2, 0))] * 5), num_nodes=3)  # type: ignore[list-item]
    assert split != [0]


# -- links -------------------------------------------------------------------------------------------------------------


@given(graphs(min_nodes=7, max_nodes=9), seeds)
@settings(max_examples=40)
def test_edges_of_all_parts_are_those_of_the_graph(case: NamedGraph, seed: int) -> None:
    if len(case.edges) < 8 or len(case.edges) > 24:
        return
    split = link_split(case.graph, 0.25, 0.25, seed=seed)
    both = split.edge_index("train", "val", "test")
    assert np.array_equal(both, np.stack(case.graph.to_scipy().nonzero()))
    seen = split.edge_index()
    assert np.array_equal(seen, split.edge_index("train")) and seen.shape[1] == 2 * split.train.shape[1]
    assert np.array_equal(np.stack(split.train_graph().to_scipy().nonzero()), seen)
    assert split.train_graph().num_nodes == case.num_nodes
    ogb = split.to_ogb()
    assert {tuple(edge) for edge in ogb["valid"]["edge"].tolist()} == set(zip(*split.val.tolist(), strict=True))
    assert ogb["test"]["edge_neg"].T.tolist() == split.test_neg.tolist()


def test_training_data_of_pyg_see_only_what_they_may() -> None:
    data = synthetic.barabasi_albert(40, 3, seed=0).to_pyg()
    import torch

    data.x = torch.arange(80.0).reshape(40, 2)
    data.edge_attr = torch.arange(float(data.num_edges))
    split = link_split(data, seed=1)
    train, val, test = split.to_pyg(data)
    assert np.array_equal(np.sort(edge_codes(train.edge_index, 40)), edge_codes(split.edge_index(), 40))
    assert np.array_equal(np.sort(edge_codes(test.edge_index, 40)), edge_codes(split.edge_index("train", "val"), 40))
    assert torch.equal(val.edge_index, train.edge_index) and torch.equal(val.x, data.x)
    known = {tuple(pair): float(a) for pair, a in zip(data.edge_index.T.tolist(), data.edge_attr, strict=True)}
    assert all(
        known[tuple(pair)] == float(a) for pair, a in zip(test.edge_index.T.tolist(), test.edge_attr, strict=True)
    )
    assert train.edge_label.tolist() == [1.0] * split.train.shape[1]
    assert val.edge_label_index.tolist() == np.concatenate([split.val, split.val_neg], axis=1).tolist()
    assert val.edge_label.tolist() == [1.0] * split.val.shape[1] + [0.0] * split.val_neg.shape[1]
    with pytest.raises(InputError, match="the split belongs to another graph"):
        split.to_pyg(synthetic.path(40).to_pyg())


# -- digests -----------------------------------------------------------------------------------------------------------


@given(graphs(min_nodes=1), seeds)
@settings(max_examples=40)
def test_a_digest_is_of_the_set_of_edges(case: NamedGraph, seed: int) -> None:
    graph = case.graph
    known = digest_of(graph)
    data = graph.to_pyg()
    order = np.random.default_rng(seed).permutation(data.num_edges)
    data.edge_index = data.edge_index[:, order]
    assert digest_of(data) == known
    weighted = Graph(
        graph.indptr, graph.indices, np.full(graph.indices.size, 2.0), names=[f"n{i}" for i in range(graph.num_nodes)]
    )
    assert digest_of(weighted) == known  # names and weights are not split
    more = Graph(np.append(graph.indptr, graph.indptr[-1]), graph.indices)
    assert digest_of(more) != known


def test_digests_of_labels() -> None:
    import torch

    known = digest_of([0, 1, 1])
    assert known == digest_of(np.array([0, 1, 1], np.uint8)) == digest_of(torch.tensor([0.0, 1.0, 1.0]))
    assert known not in (digest_of([0, 1]), digest_of([0, 1, 2]), digest_of([[0], [1], [1]]))
    with pytest.raises(InputError, match="got a list; expected a PyG Data, a Graph or an array of labels"):
        digest_of([None, "a"])
