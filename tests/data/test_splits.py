"""Splits: no leakage, exact sizes, fixed by the seed, and a saved form that refuses what is not its own."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch_geometric.data import Data
from torch_geometric.datasets import Planetoid, WebKB
from torch_geometric.transforms import RandomLinkSplit, RandomNodeSplit
from torch_geometric.utils import erdos_renyi_graph, to_undirected

import graphx
from graphx.data import splits as sp
from graphx.data import synthetic as make
from graphx.errors import GraphXError, InputError, StoreError
from tests.graphs import NamedGraph
from tests.strategies import graphs, seeds

PARTS = ("train", "val", "test", "val_neg", "test_neg")


def pairs(columns: np.ndarray) -> set[tuple[int, int]]:
    found = set(map(tuple, columns.T.tolist()))
    assert len(found) == columns.shape[1], "a pair comes twice"
    return found


def data_of(graph: graphx.Graph, **attributes: object) -> Data:
    data = graph.to_pyg()
    for name, value in attributes.items():
        data[name] = value
    return data


fractions = st.sampled_from([0.05, 0.1, 0.15, 0.2, 0.3, 0.35, 0.45])


# --- links ------------------------------------------------------------------------------------------------------------


@given(graphs(min_nodes=4, max_nodes=10), seeds, fractions, fractions)
def test_link_split_never_leaks(drawn: NamedGraph, seed: int, val: float, test: float) -> None:
    graph, edges = drawn.graph, {(min(e), max(e)) for e in drawn.edges}
    M, free = len(edges), drawn.num_nodes * (drawn.num_nodes - 1) // 2 - len(edges)
    sizes = [int(Fraction(str(share)) * M) for share in (val, test)]
    if min(sizes) < 1 or sum(sizes) > free:
        with pytest.raises(InputError, match="expected at"):
            sp.link_split(graph, val, test, seed=seed)
        return
    split = sp.link_split(graph, val, test, seed=seed)
    train, valid, tested, val_neg, test_neg = (pairs(getattr(split, name)) for name in PARTS)
    assert [len(valid), len(tested), len(val_neg), len(test_neg)] == [*sizes, *sizes]
    assert train | valid | tested == edges
    assert len(train) + len(valid) + len(tested) == M
    assert not (val_neg | test_neg) & edges
    assert not val_neg & test_neg
    assert all(u < v for part in (train, valid, tested, val_neg, test_neg) for u, v in part)
    # what message passing sees has both directions of every training edge and no other
    assert pairs(split.edge_index()) == train | {(v, u) for u, v in train}
    assert pairs(split.edge_index("train", "val")) == train | valid | {(v, u) for u, v in train | valid}
    assert split == sp.link_split(data_of(graph), val, test, seed=seed)


@given(st.integers(3, 9), seeds, st.data())
def test_directed_links(n: int, seed: int, data: st.DataObject) -> None:
    possible = [(u, v) for u in range(n) for v in range(n) if u != v]
    edges = data.draw(st.lists(st.sampled_from(possible), min_size=5, max_size=len(possible), unique=True))
    need = 2 * (len(edges) // 5)
    assume(need <= len(possible) - len(edges))
    graph = graphx.Graph.from_edges(*np.array(edges).T, num_nodes=n, directed=True)
    split = sp.link_split(graph, 0.2, 0.2, seed=seed, directed=True)
    train, valid, tested, val_neg, test_neg = (pairs(getattr(split, name)) for name in PARTS)
    assert train | valid | tested == set(edges)
    assert len(train) + len(valid) + len(tested) == len(edges)
    assert not (val_neg | test_neg) & set(edges)
    assert not val_neg & test_neg
    assert all(u != v for u, v in val_neg | test_neg)
    assert len(val_neg) + len(test_neg) == need
    assert pairs(split.edge_index()) == train
    assert split.train_graph().num_edges == len(train) or split.train_graph().is_undirected


def test_negatives_are_uniform_over_the_pairs_without_an_edge() -> None:
    graph = make.erdos_renyi(7, 10, seed=1)
    counts = np.zeros((7, 7))
    for seed in range(4000):
        split = sp.link_split(graph, 0.1, 0.2, seed=seed)
        for name in ("val_neg", "test_neg"):
            counts[tuple(getattr(split, name))] += 1
    absent = np.triu(graph.to_scipy().toarray() == 0, 1)
    assert not counts[~absent].any()
    assert np.abs(counts[absent] / 4000 - 3 / 11).max() < 0.035  # 5 standard deviations


def test_every_pair_without_an_edge_can_be_asked_for() -> None:
    graph = make.erdos_renyi(40, 620, seed=3)
    split = sp.link_split(graph, 80, 80, negatives=1.0, seed=0)
    both = pairs(split.val_neg) | pairs(split.test_neg)
    absent = np.triu(graph.to_scipy().toarray() == 0, 1)
    assert both == set(zip(*map(np.ndarray.tolist, np.nonzero(absent)), strict=True))


def test_large_node_numbers() -> None:
    n = 3_000_000  # more pairs than 2^42
    u = np.arange(0, 4000, 2) * 700
    split = sp.link_split(graphx.Graph.from_edges(u, u + 1, num_nodes=n), seed=1)
    assert (split.val_neg[0] < split.val_neg[1]).all()
    assert n - 100_000 < split.val_neg.max() < n
    assert np.array_equal(np.sort(np.concatenate([split.train[0], split.val[0], split.test[0]])), u)


@given(graphs(min_nodes=8, max_nodes=12), seeds, seeds)
def test_seeds(drawn: NamedGraph, seed: int, other: int) -> None:
    assume(seed != other and len(drawn.edges) >= 10)
    graph = drawn.graph
    one = sp.link_split(graph, seed=seed, negatives=0)
    assert one == sp.link_split(graph, seed=seed, negatives=0)
    assert hash(one) == hash(sp.link_split(graph, seed=seed, negatives=0))
    labels = np.arange(100) % 3
    assert sp.node_split(labels, seed=seed) == sp.node_split(labels, seed=seed) != sp.node_split(labels, seed=other)
    assert sp.graph_folds(labels, seed=seed) == sp.graph_folds(labels, seed=seed) != sp.graph_folds(labels, seed=other)
    ring = make.cycle(200)
    assert sp.link_split(ring, seed=seed) == sp.link_split(ring, seed=seed) != sp.link_split(ring, seed=other)


def test_global_random_state_neither_matters_nor_changes() -> None:
    def state() -> tuple[object, ...]:
        return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()

    def made() -> list[object]:
        return [sp.link_split(make.cycle(50)), sp.node_split(np.arange(50) % 2), sp.graph_folds(np.arange(50) % 2)]

    before, first = state(), made()
    assert state() == before
    random.seed(7)
    np.random.seed(7)
    torch.manual_seed(7)
    assert made() == first


def test_fixed_for_ever() -> None:
    """Published numbers name a split by its seed."""
    split = sp.link_split(graphx.data.load_graph("karate"), seed=0)
    assert split.val.T.tolist() == KARATE_VAL
    assert sp.node_split(np.arange(12) % 2, seed=0).train.tolist() == NODE_TRAIN


KARATE_VAL = [[1, 21], [2, 3], [2, 8], [9, 33], [15, 33], [18, 33], [23, 27]]
NODE_TRAIN = [3, 4, 6, 9, 10, 11]


@given(st.integers(6, 40), st.integers(0, 10_000), st.integers(0, 1000))
def test_sizes_are_those_of_pyg(n: int, drawn: int, seed: int) -> None:
    torch.manual_seed(drawn)
    edge_index = to_undirected(erdos_renyi_graph(n, 0.3), num_nodes=n)
    M = edge_index.size(1) // 2
    assume(M >= 10 and n * (n - 1) / 2 > M * 1.4)
    data = Data(edge_index=edge_index, num_nodes=n, x=torch.arange(n), edge_attr=torch.rand(2 * M))
    theirs = RandomLinkSplit(0.125, 0.25, is_undirected=True, add_negative_train_samples=False)(data)
    ours = sp.link_split(data, 0.125, 0.25, seed=seed).to_pyg(data)
    for a, b in zip(ours, theirs, strict=True):
        assert a.edge_index.shape == b.edge_index.shape
        assert a.edge_attr.shape == b.edge_attr.shape
        assert int(a.edge_label.sum()) == int(b.edge_label.sum())
        assert Data(edge_index=a.edge_index, num_nodes=n).is_undirected()
        whole = {tuple(e): w for e, w in zip(data.edge_index.T.tolist(), data.edge_attr.tolist(), strict=True)}
        assert {tuple(e): w for e, w in zip(a.edge_index.T.tolist(), a.edge_attr.tolist(), strict=True)}.items() <= (
            whole.items()
        )
    train, _, test = ours
    assert train.edge_label.min() == 1
    assert test.edge_label_index.shape[1] == test.edge_label.numel() == 2 * int(test.edge_label.sum())


def test_what_pyg_does_not_promise() -> None:
    """Why its RandomLinkSplit is not used: a pair is a negative of validation, and its reverse one of test."""
    data = make.erdos_renyi(12, 40, seed=0).to_pyg()
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    twice = 0
    for _ in range(20):
        _, val, test = RandomLinkSplit(0.2, 0.2, is_undirected=True)(data)
        negatives = [
            {tuple(sorted(e)) for e in part.edge_label_index[:, part.edge_label == 0].T.tolist()}
            for part in (val, test)
        ]
        twice += len(negatives[0] & negatives[1])
    assert twice > 0


def test_ncn_split() -> None:
    split = sp.ncn_link_split(make.erdos_renyi(2708, 5278, seed=0), seed=3)
    assert [getattr(split, name).shape[1] for name in PARTS] == [3696, 527, 1055, 1055, 1055]
    assert not pairs(split.val_neg) & pairs(split.test_neg)
    assert split == sp.ncn_link_split(make.erdos_renyi(2708, 5278, seed=0), seed=3)
    assert split != sp.ncn_link_split(make.erdos_renyi(2708, 5278, seed=0), seed=4)


def test_ogb_form() -> None:
    split = sp.link_split(make.cycle(40), seed=0)
    made = split.to_ogb()
    assert {name: sorted(part) for name, part in made.items()} == {
        "train": ["edge"],
        "valid": ["edge", "edge_neg"],
        "test": ["edge", "edge_neg"],
    }
    assert made["test"]["edge"].shape == (8, 2)
    assert made["valid"]["edge_neg"].T.tolist() == split.val_neg.tolist()
    assert all(t.dtype == torch.int64 and t.is_contiguous() for part in made.values() for t in part.values())


ONE_WAY = graphx.Graph.from_edges(range(20), range(1, 21), directed=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sp.link_split(make.path(3)), "val=0.1 of 2 undirected edges is none; expected at least one"),
        (lambda: sp.link_split(make.path(20), 0.7, 0.5), "fractions sum to 1.2; expected at most 1"),
        (lambda: sp.link_split(make.path(21), 0.5, 0.5), "leave 0 of 20 undirected edges"),
        (lambda: sp.link_split(make.path(21), 15, 9), "leave -4 of 20"),
        (lambda: sp.link_split(make.path(21), -0.1), r"val=-0.1; expected a fraction in 0..1"),
        (lambda: sp.link_split(make.path(21), 1.5), r"val=1.5; expected a fraction"),
        (lambda: sp.link_split(make.path(21), float("nan")), r"val=nan; expected a fraction"),
        (lambda: sp.link_split(make.path(21), seed=-1), "seed is -1; expected a whole number"),
        (lambda: sp.link_split(make.path(21), seed=1.5), "seed is 1.5"),
        (lambda: sp.link_split(make.path(21), negatives=-1), "negatives=-1; expected"),
        (lambda: sp.link_split(make.clique(10)), "13 negatives .* only 0 pairs of 10 nodes .* too dense"),
        (lambda: sp.link_split(make.cycle(10), negatives=100), "too dense"),
        (lambda: sp.link_split(ONE_WAY), "directed; expected both directions .*to_undirected.*directed=True"),
        (lambda: sp.link_split(graphx.Graph.from_edges([0, 1], [0, 2])), "self-loops"),
        (lambda: sp.link_split(Data(edge_index=torch.tensor([[0, 0], [1, 1]]), num_nodes=2)), "more than once"),
        (lambda: sp.link_split(Data(num_nodes=3)), "edge_index"),
        (lambda: sp.link_split(make.path(21)).to_pyg(make.path(20).to_pyg()), "belongs to another graph"),
    ],
)
def test_link_split_refuses(call: Callable[[], object], message: str) -> None:
    with pytest.raises(GraphXError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


# --- nodes ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(-1, 3), min_size=1, max_size=60), seeds, fractions, fractions, st.booleans())
def test_fractions_of_each_class(labels: list[int], seed: int, train: float, val: float, rest: bool) -> None:
    y = np.array(labels)
    test = None if rest else 0.1
    counts = {c: int((y == c).sum()) for c in set(labels) - {-1}}
    want = {c: [int(Fraction(str(f)) * n) for f in (train, val, *(() if rest else (0.1,)))] for c, n in counts.items()}
    sums = [sum(w[i] for w in want.values()) for i in range(2 if rest else 3)]
    if not counts or min(sums) == 0 or (rest and sum(sums) == sum(counts.values())):
        with pytest.raises(InputError, match="is empty"):
            sp.node_split(y, train, val, test, seed=seed)
        return
    split = sp.node_split(y, train, val, test, seed=seed)
    for c, sizes in want.items():
        got = [int((y[part] == c).sum()) for part in (split.train, split.val, split.test)]
        assert got[: len(sizes)] == sizes
        if rest:
            assert sum(got) == counts[c]
    members = np.concatenate([split.train, split.val, split.test])
    assert np.unique(members).size == members.size
    assert (y[members] >= 0).all()


@given(seeds, st.integers(1, 8), st.integers(0, 20), st.integers(1, 20))
def test_numbers_of_each_class(seed: int, train: int, val: int, test: int) -> None:
    y = torch.arange(90) % 4
    data = data_of(make.cycle(90), y=y)
    split = sp.node_split(data, train, val, test, seed=seed)
    assert np.bincount(y.numpy()[split.train]).tolist() == [train] * 4
    assert (split.val.size, split.test.size) == (val, test)
    masks = split.masks()
    assert (np.sum(list(masks.values()), axis=0) <= 1).all()
    made = split.apply(data)
    assert not hasattr(data, "train_mask")
    assert sp.official_splits(made) == [split]
    theirs = RandomNodeSplit("random", num_train_per_class=train, num_val=val, num_test=test)(data)
    for name in ("train_mask", "val_mask", "test_mask"):
        assert int(theirs[name].sum()) == int(made[name].sum())


def test_other_labels() -> None:
    column = torch.tensor([[0.0], [1.0], [float("nan")], [0.0], [1.0], [0.0], [1.0]])  # as OGB gives them
    split = sp.node_split(column, 1, 1, seed=0)
    assert 2 not in np.concatenate([split.train, split.val, split.test])
    several = np.ones((50, 3))
    assert sp.node_split(several, 0.5, 0.2, stratify=False).train.size == 25
    graph = make.cycle(50)
    assert sp.node_split(graph, 0.5, 0.2, labels=several, stratify=False).digest == sp.link_split(graph).digest


def test_masks_of_several_splits() -> None:
    train = torch.zeros(6, 2, dtype=torch.bool)
    train[0, 0] = train[1, 1] = True
    test = torch.tensor([False] * 5 + [True])
    data = data_of(make.cycle(6), train_mask=train, val_mask=torch.roll(train, 2, 0), test_mask=test)
    first, second = sp.official_splits(data)
    assert (first.train.tolist(), first.val.tolist(), first.test.tolist()) == ([0], [2], [5])
    assert (second.train.tolist(), second.val.tolist(), second.test.tolist()) == ([1], [3], [5])


CYCLE = data_of(make.cycle(6), y=torch.tensor([0, 1, 0]))
MASKED = data_of(make.cycle(6), **{f"{n}_mask": torch.ones(6, dtype=torch.bool) for n in ("train", "val", "test")})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sp.node_split(CYCLE), "3 labels for 6 nodes; expected one for each"),
        (lambda: sp.node_split(make.cycle(6)), "no labels y; pass labels="),
        (lambda: sp.node_split([0, 1, 0, 1], 3, 0), "class 0 has 2 nodes and train=3"),
        (lambda: sp.node_split([0, 1, 0, 1], 1, 3), "val=3 nodes and 2 are left"),
        (lambda: sp.node_split([0, 1, 0, 1], 0.6, 0.5), "fractions sum to 1.1"),
        (lambda: sp.node_split([0, 1, 0, 1], 0.1, 1), "train is empty"),
        (lambda: sp.node_split([-1, -1]), "train is empty, of 0 labelled"),
        (lambda: sp.node_split(np.ones((4, 2))), "stratify=False"),
        (lambda: sp.node_split([0.5, 1.5]), "not whole numbers"),
        (lambda: sp.official_splits(CYCLE), "no train_mask"),
        (lambda: sp.official_splits(MASKED), "in more than one part"),
        (lambda: sp.Split([7], [0], [1], size=3), r"expected 0\.\.2"),
        (lambda: sp.node_split(np.arange(9) % 2).apply(CYCLE), "9 nodes and the data have 6"),
    ],
)
def test_node_split_refuses(call: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


# --- graphs -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 3), min_size=3, max_size=80), st.integers(3, 10), seeds, st.booleans())
def test_folds(labels: list[int], k: int, seed: int, val: bool) -> None:
    y = np.array(labels)
    if k > y.size:
        with pytest.raises(InputError, match=f"k={k} folds of {y.size} graphs"):
            sp.graph_folds(y, k, seed=seed)
        return
    folds = sp.graph_folds(y, k, val=val, seed=seed)
    assert np.array_equal(np.sort(np.concatenate([fold.test for fold in folds])), np.arange(y.size))
    sizes = [fold.test.size for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    for c in set(labels):
        each = [int((y[fold.test] == c).sum()) for fold in folds]
        assert max(each) - min(each) <= 1
    for i, fold in enumerate(folds):
        assert np.array_equal(fold.val, folds[(i + 1) % k].test if val else [])
        assert fold.train.size + fold.val.size + fold.test.size == y.size


def test_folds_of_graphs() -> None:
    dataset = [data_of(make.cycle(4), y=torch.tensor([i % 2])) for i in range(20)]
    assert sp.graph_folds(dataset, 5) == sp.graph_folds(np.arange(20) % 2, 5)
    with pytest.raises(InputError, match="no single class"):
        sp.graph_folds([data_of(make.cycle(4), y=torch.tensor([1, 2]))] * 5, 3)
    with pytest.raises(InputError, match="graph 1 has no class"):
        sp.graph_folds([0, -1, 1, 1], 3)
    with pytest.raises(InputError, match="k=2"):
        sp.graph_folds([0, 1, 1, 1], 2)


# --- files ------------------------------------------------------------------------------------------------------------


@given(graphs(min_nodes=8, max_nodes=12), seeds)
def test_saved_and_read(tmp_path_factory: pytest.TempPathFactory, drawn: NamedGraph, seed: int) -> None:
    assume(len(drawn.edges) >= 10)
    path = tmp_path_factory.mktemp("split") / "split.npz"
    split = sp.link_split(drawn.graph, seed=seed, negatives=0)
    sp.save_split(split, path)
    again = sp.load_split(path, drawn.graph.to_pyg())
    assert again == split
    assert again.origin == split.origin == f"link_split(val=0.1, test=0.2, seed={seed}, negatives=0, directed=False)"
    other = graphx.Graph.from_edges([0], [1], num_nodes=drawn.num_nodes)
    with pytest.raises(StoreError, match="another graph"):
        sp.load_split(path, other)


def test_saved_nodes_and_folds(tmp_path: Path) -> None:
    data = data_of(make.cycle(30), y=torch.arange(30) % 3)
    split = sp.node_split(data, 2, 5)
    assert sp.load_split(sp.save_split(split, tmp_path / "nodes.npz"), data) == split
    dataset = [data_of(make.cycle(4), y=torch.tensor([i % 2])) for i in range(20)]
    fold = sp.graph_folds(dataset, 5)[3]
    path = sp.save_split(fold, tmp_path / "fold.npz")
    assert sp.load_split(path, dataset) == sp.load_split(path, [i % 2 for i in range(20)]) == fold
    with pytest.raises(StoreError, match="another graph"):
        sp.load_split(path, dataset[:-1])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fold.npz", "nodes.npz"]


def test_damaged_files(tmp_path: Path) -> None:
    graph = make.cycle(60)
    path = sp.save_split(sp.link_split(graph), tmp_path / "split.npz")
    whole = path.read_bytes()
    for cut in (0, 1, 50, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(StoreError, match=r"split\.npz: "):
            sp.load_split(path, graph)
    rng = np.random.default_rng(0)
    right = sp.link_split(graph)
    for position in rng.choice(len(whole), 300, replace=False):  # never another split, whatever byte is flipped
        broken = bytearray(whole)
        broken[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        try:
            assert sp.load_split(path, graph) == right
        except StoreError as error:
            assert "\n" not in str(error)  # noqa: PT017
    with np.load(sp.save_split(right, path)) as stored:
        arrays = dict(stored)
    arrays["test"] = arrays["test"][:, 1:]
    np.savez(path, **arrays)
    with pytest.raises(StoreError, match="checksum"):
        sp.load_split(path, graph)
    np.savez(path, x=np.ones(3))
    with pytest.raises(StoreError, match="no split"):
        sp.load_split(path, graph)


@pytest.mark.parametrize("after", [0.0, 0.02, 0.05, 0.1])
def test_a_killed_process_leaves_a_whole_split_or_none(tmp_path: Path, after: float) -> None:
    code = (
        "import sys; from graphx.data import splits as sp; from graphx.data.synthetic import erdos_renyi\n"
        "split = sp.link_split(erdos_renyi(2000, 30000), seed=0); print('go', flush=True)\n"
        "while True: sp.save_split(split, sys.argv[1])"
    )
    path = tmp_path / "split.npz"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"go\n"
        time.sleep(after)
        process.kill()
    if path.exists():
        graph = make.erdos_renyi(2000, 30000)
        assert sp.load_split(path, graph) == sp.link_split(graph, seed=0)


def test_files_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        sp.load_split(tmp_path / "none.npz", make.cycle(5))
    with pytest.raises(InputError, match="cannot be written"):
        sp.save_split(sp.link_split(make.cycle(30)), tmp_path / "no" / "folder.npz")
    with pytest.raises(InputError, match="got a dict"):
        sp.save_split({}, tmp_path / "x.npz")


# --- real data --------------------------------------------------------------------------------------------------------


def test_planetoid_and_webkb(data_dir: Path, tmp_path: Path) -> None:
    import shutil

    for name in ("planetoid/Cora", "webkb/texas"):
        shutil.copytree(data_dir / name, tmp_path / name, copy_function=shutil.copyfile)
        for folder in [tmp_path / name, *(p for p in (tmp_path / name).rglob("*") if p.is_dir())]:
            folder.chmod(0o755)
        (tmp_path / name).parent.chmod(0o755)
    cora = Planetoid(str(tmp_path / "planetoid"), "Cora")[0]
    (public,) = sp.official_splits(cora)
    assert (public.train.size, public.val.size, public.test.size) == (140, 500, 1000)
    ten = sp.official_splits(Planetoid(str(tmp_path / "planetoid"), "Cora", split="geom-gcn")[0])
    assert len(ten) == 10
    ncn = sp.ncn_link_split(cora, seed=0)
    assert [getattr(ncn, name).shape[1] for name in PARTS] == [3696, 527, 1055, 1055, 1055]
    same = sp.node_split(cora, 20, 500, 1000, seed=0)
    assert (same.train.size, same.val.size, same.test.size) == (140, 500, 1000)
    texas = WebKB(str(tmp_path / "webkb"), "texas")[0]
    assert len(sp.official_splits(texas)) == 10
    with pytest.raises(InputError, match=r"self-loops|directed"):
        sp.link_split(texas)
