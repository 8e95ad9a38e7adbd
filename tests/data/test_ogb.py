"""OGB: the published values on ogbl-ddi, local sets in every style, no prompt, no patch, no variable."""

from __future__ import annotations

import builtins
import contextlib
import io
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from graphx.data import load, load_graph, load_ogb
from graphx.data.ogb import OGBDataset, ogb_names
from graphx.errors import FormatError, InputError

pytest.importorskip("ogb", reason="the package ogb is not installed (extra: ogb)")


@pytest.fixture(autouse=True)
def no_questions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    def asked(*_: object) -> str:
        raise AssertionError("a question was asked")

    monkeypatch.setattr(builtins, "input", asked)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def scores(adjacency: sp.csr_array, pairs: Any) -> Any:
    """A weighted count of common neighbours of each pair."""
    import torch

    flat = pairs.reshape(-1, 2).numpy()
    found = [
        (adjacency[part[:, 0]].multiply(pattern(adjacency)[part[:, 1]])).sum(1)
        for part in np.array_split(flat, max(1, len(flat) // 20000))
    ]
    return torch.from_numpy(np.concatenate(found)).reshape(pairs.shape[:-1])


def pattern(matrix: sp.csr_array) -> sp.csr_array:
    return sp.csr_array((np.ones_like(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)


def test_the_published_heuristics_on_ogbl_ddi(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    before = torch.load
    task = load_ogb("OGBL_ddi", data_dir)
    assert torch.load is before
    assert (task.name, task.kind, task.metric) == ("ogbl-ddi", "link", "hits@20")
    data = task.data
    assert (data.num_nodes, data.num_edges) == (4267, 2135822)
    sizes = {part: [len(x) for x in task.pairs(part) if x is not None] for part in ("train", "valid", "test")}
    assert sizes == {"train": [1067911], "valid": [133489, 101882], "test": [133489, 95599]}
    graph = load_graph("ogbl-ddi", data_dir)
    assert torch.equal(graph.to_pyg().edge_index, load("ogbl-ddi", data_dir).coalesce().edge_index)
    adjacency = sp.csr_array(graph.to_scipy().astype(np.float64))
    degrees = graph.degrees()
    weights = np.divide(1, np.log(np.maximum(degrees, 2)), where=degrees > 1, out=np.zeros(len(degrees)))
    positive, negative = task.pairs("test")
    for matrix, known in ((adjacency, 0.1773), (sp.csr_array(adjacency * weights[None, :]), 0.1861)):
        found = task.evaluate(scores(matrix, positive), scores(matrix, negative))
        assert round(found["hits@20"], 4) == known
    assert capsys.readouterr().out == ""


def saved(root: Path, name: str, split: dict[str, Any], *, metric: str, labels: Any = None, graphs: Any = None) -> Path:
    """A local set, as a user makes one with OGB's own class."""
    from ogb.io import DatasetSaver

    kind = name[:4]
    nodes = 20
    rng = np.random.default_rng(0)
    edges = np.array([(u, v) for u in range(nodes) for v in range(u + 1, nodes) if (u + v) % 3 == 0]).T
    both = np.concatenate([edges, edges[::-1]], axis=1)
    x = rng.normal(size=(nodes, 3)).astype(np.float32)
    root.mkdir(exist_ok=True)
    mapping = root / "mapping"
    mapping.mkdir(exist_ok=True)
    (mapping / "README.md").write_text("none")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), unsafe_torch_load():
        saver = DatasetSaver(name, is_hetero=False, version=1, root=str(root / "submission"))
        saver.save_graph_list(graphs or [{"edge_index": both, "num_nodes": nodes, "node_feat": x}])
        if kind != "ogbl":
            saver.save_target_labels(labels)
        saver.save_split(split, split_name="official")
        saver.copy_mapping_dir(str(mapping))
        saver.save_task_info(
            task_type="link prediction" if kind == "ogbl" else "classification",
            eval_metric=metric,
            num_classes=None if kind == "ogbl" else 3,
        )
        saver.get_meta_dict()
    return root / f"submission_{kind}_{name.partition('-')[2].replace('-', '_')}"


@contextlib.contextmanager
def unsafe_torch_load() -> Iterator[None]:
    """DatasetSaver reads back what it wrote, which needs the old default of torch; the test trusts its own files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
        yield


EDGE = {
    "train": {"edge": np.array([[0, 3], [1, 2], [2, 4]])},
    "valid": {"edge": np.array([[1, 5]]), "edge_neg": np.array([[0, 1], [0, 2]])},
    "test": {"edge": np.array([[2, 7], [3, 6]]), "edge_neg": np.array([[3, 4], [3, 5], [3, 7]])},
}
CITATION = {
    "train": {"source_node": np.array([0, 1]), "target_node": np.array([3, 2])},
    "valid": {
        "source_node": np.array([1]),
        "target_node": np.array([5]),
        "target_node_neg": np.array([[0, 3]]),
    },
    "test": {
        "source_node": np.array([2, 3]),
        "target_node": np.array([7, 6]),
        "target_node_neg": np.array([[0, 3, 5], [1, 2, 4]]),
    },
}


def test_a_local_set_with_shared_negatives(tmp_path: Path) -> None:
    folder = saved(tmp_path / "made", "ogbl-mine", EDGE, metric="hits@2")
    before = sorted((p, p.stat().st_mtime_ns) for p in folder.rglob("*"))
    import torch
    import torch_geometric.data  # noqa: F401  (allows its own types)

    allowed = set(torch.serialization.get_safe_globals())
    assert allowed  # those of PyG
    task = load_ogb(folder)
    assert set(torch.serialization.get_safe_globals()) == allowed
    assert (task.name, task.kind, task.metric) == ("ogbl-mine", "link", "hits@2")
    positive, negative = task.pairs("test")
    assert positive.tolist() == EDGE["test"]["edge"].tolist()
    assert negative is not None and negative.tolist() == EDGE["test"]["edge_neg"].tolist()
    assert task.pairs("train")[1] is None
    # one of two positives beats the second best negative
    assert task.evaluate([0.9, 0.1], [0.3, 0.2, 0.1]) == {"hits@2": 0.5}
    data = load(folder)
    assert (data.num_nodes, data.num_features) == (20, 3)
    assert load_graph(folder).num_edges == data.num_edges // 2
    assert sorted((p, p.stat().st_mtime_ns) for p in folder.rglob("*")) == before
    # moved, it loads the same; its recorded path is stale
    shutil.move(folder, tmp_path / "made" / "elsewhere_ogbl_mine")
    assert load_ogb(tmp_path / "made" / "elsewhere_ogbl_mine").pairs("test")[0].tolist() == positive.tolist()
    assert load_ogb("ogbl-mine", tmp_path / "made").name == "ogbl-mine"
    assert load_graph("ogbl_mine", tmp_path / "made").num_nodes == 20


def test_a_local_set_with_negatives_for_each_positive(tmp_path: Path) -> None:
    task = load_ogb(saved(tmp_path / "made", "ogbl-cite", CITATION, metric="mrr"))
    positive, negative = task.pairs("test")
    assert positive.tolist() == [[2, 7], [3, 6]]
    assert negative is not None and negative.tolist() == [[[2, 0], [2, 3], [2, 5]], [[3, 1], [3, 2], [3, 4]]]
    assert task.pairs("train")[1] is None
    # ranks 1 and 2: the mean of 1 and 1/2
    assert task.evaluate([0.9, 0.5], [[0.1, 0.2, 0.3], [0.7, 0.1, 0.2]])["mrr"] == 0.75
    with pytest.raises(InputError, match=r"expects \[P\] and \[P, K\]"):
        task.evaluate([0.9, 0.5], [0.1])
    with pytest.raises(InputError, match="expected one of: train, valid, test"):
        task.pairs("final")


def test_local_sets_of_nodes_and_graphs(tmp_path: Path) -> None:
    split = {"train": np.arange(10), "valid": np.arange(10, 15), "test": np.arange(15, 20)}
    labels = (np.arange(20) % 3).reshape(-1, 1)
    task = load_ogb(saved(tmp_path / "made", "ogbn-mine", split, metric="acc", labels=labels))
    data = task.data
    assert [int(data[f"{part}_mask"].sum()) for part in ("train", "val", "test")] == [10, 5, 5]
    assert task.split["valid"].tolist() == [*range(10, 15)]
    truth = data.y[task.split["test"]]
    assert task.evaluate(truth, truth) == {"acc": 1.0}
    with pytest.raises(InputError, match="only links"):
        task.pairs("test")
    graphs = [{"edge_index": np.array([[0, 1], [1, 0]]), "num_nodes": 2 + k % 2, "node_feat": None} for k in range(6)]
    split = {"train": np.arange(4), "valid": np.array([4]), "test": np.array([5])}
    folder = saved(
        tmp_path / "made", "ogbg-mine", split, metric="acc", labels=np.arange(6).reshape(-1, 1) % 3, graphs=graphs
    )
    task = load_ogb(folder)
    assert len(task.data) == 6
    assert load_graph(folder).num_nodes == 15
    assert task.evaluate(np.zeros((2, 1)), np.array([[0], [1]])) == {"acc": 0.5}


def test_damaged_and_incomplete_sets(tmp_path: Path) -> None:
    folder = saved(tmp_path / "made", "ogbl-mine", EDGE, metric="hits@2")
    held = next(folder.glob("*/raw/data.npz"))
    whole = held.read_bytes()
    held.write_bytes(whole[:200])
    with pytest.raises(FormatError, match="OGB cannot read ogbl-mine"):
        load_ogb(folder)
    with pytest.raises(FormatError, match="the edges cannot be read"):
        load_graph(folder)
    held.unlink()
    with pytest.raises(InputError, match=r"mine/raw/data\.npz missing"):
        load_ogb(folder)
    held.write_bytes(whole)
    split = next(folder.glob("*/split/official/split_dict.pt"))
    split.write_bytes(split.read_bytes()[:100])
    with pytest.raises(FormatError, match="cannot read the split"):
        load_ogb(folder)
    next(folder.glob("*/RELEASE_v1.txt")).unlink()
    with pytest.raises(InputError, match="RELEASE_v1"):
        load_ogb(folder)
    (folder / "meta_dict.pt").write_bytes(b"PK")
    with pytest.raises(FormatError, match=r"meta_dict\.pt: cannot be read"):
        load_ogb(folder)


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    import os
    import pickle

    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "owned"),)

    folder = saved(tmp_path / "made", "ogbl-mine", EDGE, metric="hits@2")
    next(folder.glob("*/split/official/split_dict.pt")).write_bytes(pickle.dumps(Evil()))
    with pytest.raises(FormatError, match="cannot read the split"):
        load_ogb(folder)
    assert not (tmp_path / "owned").exists()


def test_names_and_metrics() -> None:
    assert {"ogbl-ddi", "ogbn-arxiv", "ogbg-molhiv"} <= set(ogb_names())
    assert all(name.startswith("ogbl-") for name in ogb_names("link"))
    assert OGBDataset("ogbl-x", "link", "rocauc", None, {}).evaluate([0.9, 0.8], [0.1]) == {"rocauc": 1.0}
    assert OGBDataset("ogbn-x", "node", "acc", None, {}).evaluate([[1], [2]], [[1], [0]]) == {"acc": 0.5}
