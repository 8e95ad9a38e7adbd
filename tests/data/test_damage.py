"""Files and values that data sets may hold and must not: each is told by its name, with what was expected."""

from __future__ import annotations

import gzip
import json
import os
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp

import graphx.data._attributes as attributes
import graphx.data._ogb_files as ogb_files
import graphx.data.edgelist
from graphx.data import _pyg, _roots, load, load_graph, ogb, read_edgelist, synthetic, write_edgelist
from graphx.data._download import fetched
from graphx.data._partition import digest_of
from graphx.data._readers import from_pairs, read_json
from graphx.data.ogb import OGBDataset
from graphx.data.splits import link_split, load_split, node_split, official_splits, save_split
from graphx.errors import FormatError, InputError, MissingDependencyError, StoreError
from graphx.graph import Graph


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GRAPHX_DATA", raising=False)


# -- edge lists and matrices -------------------------------------------------------------------------------------------


def test_a_tsv_without_a_tab_may_have_blanks(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("# only a comment\n")
    (tmp_path / "b.tsv").write_text("\n0 1\n1 2\n")
    with pytest.raises(FormatError, match=r"a\.tsv: no edges, only comments"):
        read_edgelist(tmp_path / "a.tsv")
    assert read_edgelist(tmp_path / "b.tsv").num_edges == 2


def test_large_numbers_as_names_are_written_and_read(tmp_path: Path) -> None:
    graph = Graph.from_edges([0], [1], names=np.array([5, 2**63 + 1], np.uint64))
    write_edgelist(graph, tmp_path / "g.txt")
    assert (tmp_path / "g.txt").read_text().splitlines()[-1] == "5 9223372036854775809"
    assert read_edgelist(tmp_path / "g.txt") == graph


def test_a_file_that_cannot_be_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError(5, "Input/output error")

    (tmp_path / "g.txt").write_text("0 1\n")
    monkeypatch.setattr(graphx.data.edgelist, "_read", broken)
    with pytest.raises(InputError, match=r"g\.txt: cannot be read \(Input/output error\)"):
        read_edgelist(tmp_path / "g.txt")


def test_names_of_another_number_of_nodes_are_no_names(tmp_path: Path) -> None:
    matrix = sp.csc_matrix(np.array([[0.0, 1], [1, 0]]))
    for names in (np.array([7, 9]), np.array([1, 2, 3])):
        scipy.io.savemat(tmp_path / "g.mat", {"A": matrix, "names": names})
        found = read_edgelist(tmp_path / "g.mat").names
        assert found is None if names.size == 3 else list(found) == [7, 9]


def test_matlab_7_3_is_told(tmp_path: Path) -> None:
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (tmp_path / "g.mat").write_bytes(header + b"\x89HDF\r\n\x1a\n" + bytes(512))
    with pytest.raises(FormatError, match="a MATLAB 7.3 file; expected an older one: save it with"):
        read_edgelist(tmp_path / "g.mat")


def test_damaged_names_of_an_npz(tmp_path: Path) -> None:
    write_edgelist(Graph.from_edges([0], [1], names=["a", "b"]), tmp_path / "g.npz")
    with np.load(tmp_path / "g.npz") as held:
        arrays = dict(held)
    arrays["names"] = arrays["names"][:-1]
    np.savez(tmp_path / "g.npz", **arrays)
    with pytest.raises(FormatError, match=r"g\.npz: the names are damaged"):
        read_edgelist(tmp_path / "g.npz")


def test_what_is_no_path_is_a_name() -> None:
    with pytest.raises(InputError, match="no data set"):
        load_graph("x" * 5000)
    with pytest.raises(InputError, match="no data set"):
        load_graph("a\0b")


# -- data sets ---------------------------------------------------------------------------------------------------------


def test_options_of_arrays() -> None:
    assert from_pairs([[0, 1], [1, 2]], 3, {"directed": True}).num_edges == 2
    with pytest.raises(InputError, match="header: no option of a data set of arrays; expected one of: directed"):
        from_pairs([], 0, {"header": True})
    with pytest.raises(InputError, match="weighted=True, and the data set has no weights"):
        from_pairs([], 0, {"weighted": True})


def test_json_tells_the_place(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.json.gz", "wt") as out:
        out.write('{"a": 1,\n oops}')
    with pytest.raises(FormatError, match=r"a\.json\.gz:2:2: no JSON"):
        read_json(tmp_path / "a.json.gz")


def test_attributes_that_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = synthetic.path(3)
    pets = SimpleNamespace(family="pets", name="pets")
    read = lambda made: monkeypatch.setitem(attributes._READERS, "pets", made)  # noqa: E731
    assert attributes.attributes(pets, None, graph) == {}
    read(lambda *_: {"x": np.ones((3, 2)), "y": np.zeros(3)})
    assert sorted(attributes.attributes(pets, None, graph)) == ["x", "y"]
    read(lambda *_: {"y": np.zeros(2)})
    with pytest.raises(FormatError, match="pets: 2 labels for 3 nodes; the files do not match"):
        attributes.attributes(pets, None, graph)
    read(lambda *_: {"x": np.zeros((4, 2))})
    with pytest.raises(FormatError, match="pets: 4 rows of features for 3 nodes"):
        attributes.attributes(pets, None, graph)
    read(lambda *_: {}["labels"])
    with pytest.raises(FormatError, match=r"pets: labels or features cannot be read \(KeyError: 'labels'\)"):
        attributes.attributes(pets, None, graph)


def test_where_systems_keep_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    places = {"linux": ".cache/graphx", "darwin": "Library/Caches/graphx", "win32": "Local/graphx"}
    for system, place in places.items():
        monkeypatch.setattr(sys, "platform", system)
        assert _roots.cache_folder() == tmp_path / place


def test_a_folder_of_the_cache_that_another_process_makes_first(tmp_path: Path) -> None:
    def slow(folder: Path) -> None:
        (folder / "ours").touch()
        (tmp_path / "made").mkdir()
        (tmp_path / "made" / "theirs").touch()

    assert os.listdir(_roots.fill(tmp_path / "made", slow)) == ["theirs"]

    def blocked(folder: Path) -> None:
        (tmp_path / "other").write_text("a file stands there")

    with pytest.raises(OSError, match="other"):
        _roots.fill(tmp_path / "other", blocked)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "other"]


def test_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def brings(*names: str) -> Any:
        return lambda folder: [(folder / name).write_text(name) for name in names]

    def get(download: Any) -> Any:
        return fetched("pets", ["cats.txt", "dogs.txt"], [], tmp_path / "root", "the zoo", download)

    (tmp_path / "root").mkdir()
    with pytest.raises(InputError, match=r"pets: missing dogs\.txt; .*the zoo.*; the download did not bring them"):
        get(brings("cats.txt"))
    with pytest.raises(InputError, match="no download: ZeroDivisionError"):
        get(lambda folder: 1 // 0)
    monkeypatch.setattr(os, "access", lambda *_: False)  # a root that may only be read: the cache takes it
    found = get(brings("cats.txt", "dogs.txt"))
    assert found["dogs.txt"] == tmp_path / "cache" / "graphx" / "data" / "dogs.txt"
    assert found["dogs.txt"].read_text() == "dogs.txt" and not list(found.root.glob(".*"))
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    with pytest.raises(InputError, match=r"pets: missing .*/dev/null/graphx/data cannot be written: Not a directory"):
        get(brings("cats.txt", "dogs.txt"))


# -- OGB ---------------------------------------------------------------------------------------------------------------


def test_without_ogb_no_name_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_ogb(name: str) -> None:
        raise ImportError(name)

    for found in (lambda _: None, no_ogb):
        monkeypatch.setattr("importlib.util.find_spec", found)
        ogb_files._master.cache_clear()
        assert ogb_files.ogb_names() == []
        with pytest.raises(MissingDependencyError, match=r"pip install graphx-pyg\[ogb\]"):
            ogb_files._master("link")
    ogb_files._master.cache_clear()


def test_files_of_heterogeneous_sets() -> None:
    meta = {"binary": "False", "is hetero": "True", "version": 1}
    required, _ = ogb_files.files_needed("b", meta, "node")
    assert required == ["b/RELEASE_v1.txt", "b/raw/num-node-dict.csv.gz", "b/raw/triplet-type-list.csv.gz"]
    required, _ = ogb_files.files_needed("b", {**meta, "binary": "True"}, "node")
    assert required == ["b/RELEASE_v1.txt", "b/raw/edge_index_dict.npz"]


def test_an_archive_of_ogb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = pytest.importorskip("ogb.utils.url")

    def download(_: str, folder: str) -> str:
        path = Path(folder, "a.zip")
        path.write_bytes(content)
        return str(path)

    monkeypatch.setattr(url, "download_url", download)
    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as archive:
        archive.writestr("pets/raw/edge.csv", "0,1\n")
    content = (tmp_path / "whole.zip").read_bytes()
    meta = {"url": "http://host/pets.zip", "download_name": "pets"}
    ogb_files._download(meta, "ogbl_pets", tmp_path)
    assert (tmp_path / "ogb" / "ogbl_pets" / "raw" / "edge.csv").read_text() == "0,1\n"
    assert not (tmp_path / "a.zip").exists()
    content = b"no archive"
    with pytest.raises(FormatError, match=r"http://host/pets\.zip: the download is no whole zip archive"):
        ogb_files._download(meta, "ogbl_pets", tmp_path)


def test_pairs_and_values_that_ogb_has_not() -> None:
    pytest.importorskip("ogb")
    import torch

    knowledge = OGBDataset("ogbl-wikikg2", "link", "mrr", None, {"train": {"head": torch.zeros(2), "tail": 1}})
    with pytest.raises(InputError, match=r"ogbl-wikikg2 has no pairs but head, tail; see \.split"):
        knowledge.pairs("train")
    task = OGBDataset("ogbn-mine", "node", "acc", None, {})
    assert task.evaluate([[1], [0]], [[1], [1]]) == {"acc": 0.5}
    with pytest.raises(InputError, match="ogbn-mine: No positively labeled data available"):
        OGBDataset("ogbn-mine", "node", "rocauc", None, {}).evaluate([[0], [0]], [[0.5], [0.1]])


def test_a_local_set_of_no_task(tmp_path: Path) -> None:
    import torch

    torch.save({"url": "https://somewhere/pets.zip", "download_name": "pets"}, tmp_path / "meta_dict.pt")
    with pytest.raises(FormatError, match=r"its url names no task of OGB; expected \.\.\./linkproppred/"):
        ogb._local(tmp_path)
    no_module = {"download_name": "pets"}
    with pytest.raises(MissingDependencyError, match="ogbl-pets needs the package ogb"):
        ogb._open("ogbl-pets", "cats", no_module, None, "pets")


def test_airports_move_to_where_all_of_them_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(data: Any, folder: Path, split: str | None) -> None:
        raw = folder / "airports" / "usa" / "raw"
        raw.mkdir(parents=True)
        (raw / "usa-airports.edgelist").write_text("0 1\n")

    monkeypatch.setattr(_pyg, "_made", made)
    _pyg._download(SimpleNamespace(family="airports"), None, tmp_path)
    assert (tmp_path / "airports" / "usa-airports.edgelist").read_text() == "0 1\n"
    _pyg._download(SimpleNamespace(family="planetoid"), None, tmp_path / "other")
    assert (tmp_path / "other" / "airports" / "usa" / "raw" / "usa-airports.edgelist").exists()


# -- splits ------------------------------------------------------------------------------------------------------------


def test_splits_compare_by_content() -> None:
    path = synthetic.path(40)
    labels = np.arange(40) % 2
    one, two, other = (node_split(path, train=0.5, labels=labels, stratify=False, seed=seed) for seed in (0, 0, 1))
    assert one == two and hash(one) == hash(two) and one != other
    assert one != link_split(path) and one != "a split"


def test_masks_that_are_no_split() -> None:
    import torch
    from torch_geometric.data import Data

    data = Data(num_nodes=3, edge_index=torch.tensor([[0, 1], [1, 0]]))
    masks = torch.eye(3, dtype=torch.bool)
    data.train_mask, data.val_mask, data.test_mask = masks[0], masks[1], masks[2].float() / 2
    with pytest.raises(InputError, match=r"test_mask is float32 \[3\]; expected bool \[3\] or \[3, K\]"):
        official_splits(data)
    data.test_mask, data.train_mask = masks[2].repeat(3, 1).T, masks[0].repeat(2, 1).T
    with pytest.raises(InputError, match="train_mask has 2 columns; expected 1 or 3, as the others"):
        official_splits(data)
    with pytest.raises(InputError, match="got a list; expected a PyG Data, a Graph or an array of labels"):
        digest_of([object()])


def test_a_split_of_another_version(tmp_path: Path) -> None:
    path = synthetic.path(20)
    save_split(link_split(path), tmp_path / "s.npz")
    with np.load(tmp_path / "s.npz") as held:
        arrays = dict(held)
    manifest = json.loads(arrays["manifest"].tobytes())
    arrays["manifest"] = np.frombuffer(json.dumps({**manifest, "version": 99}).encode(), np.uint8)
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(StoreError, match=r"a damaged one \(format and version are .*99.*, expected"):
        load_split(tmp_path / "s.npz", path)


def test_a_folder_of_pyg_made_from_a_root_that_is_gone(data_dir: Path, tmp_path: Path) -> None:
    first = load("airports-usa", data_dir)
    (made,) = (tmp_path / "cache" / "graphx" / "processed").iterdir()
    raw = next(path for path in made.rglob("*") if path.is_symlink())
    raw.unlink()
    raw.symlink_to(tmp_path / "gone")
    assert load("airports-usa", data_dir).num_edges == first.num_edges
    assert not any(path.is_symlink() and not path.exists() for path in made.rglob("*"))
