"""Every data set of the folder of real data loads offline, from a read-only copy, with its known counts."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphx.data import describe, load, load_graph
from graphx.errors import FormatError, InputError

# name: nodes, columns of edge_index, features, classes, splits as (columns of the masks, or 1), train/val/test of a
# single split; None where there are none. The figures are those of the README of the folder, not of our catalogue.
PYG: dict[str, tuple[int, int, int, int, Any]] = {
    "Cora": (2708, 10556, 1433, 7, (140, 500, 1000)),
    "CiteSeer": (3327, 9104, 3703, 6, (120, 500, 1000)),
    "PubMed": (19717, 88648, 500, 3, (60, 500, 1000)),
    "texas": (183, 325, 1703, 5, 10),
    "wisconsin": (251, 515, 1703, 5, 10),
    "cornell": (183, 298, 1703, 5, 10),
    "actor": (7600, 30019, 932, 5, 10),
    "chameleon": (2277, 36101, 2325, 5, 10),
    "squirrel": (5201, 217073, 2089, 5, 10),
    "Minesweeper": (10000, 78804, 7, 2, 10),
    "Tolokers": (11758, 1038000, 10, 2, 10),
    "chameleon_filtered": (890, 2 * 8854, 2325, 5, 10),
    "squirrel_filtered": (2223, 2 * 46998, 2089, 5, 10),
    "Amazon-Photo": (7650, 238162, 745, 8, None),
    "Amazon-Computers": (13752, 491722, 767, 10, None),
    "Coauthor CS": (18333, 163788, 6805, 15, None),
    "Coauthor Physics": (34493, 495924, 8415, 5, None),
    "Cora_ML": (2995, 16316, 2879, 7, None),
    "CiteSeer-full": (4230, 10674, 602, 6, None),
}
# name: graphs, nodes, columns of edge_index, features, classes
TU = {
    "MUTAG": (188, 3371, 7442, 7, 2),
    "PROTEINS": (1113, 43471, 162088, 3, 2),
    "IMDB-BINARY": (1000, 19773, 193062, 0, 2),
    "ENZYMES": (600, 19580, 74564, 3, 6),
}
# name: nodes, undirected edges, labels, node-label pairs
MULTILABEL = {
    "BlogCatalog": (10312, 333983, 39, 14476),
    "node2vec-PPI": (3890, 37845, 50, 6640),
    "ProNE-PPI": (3890, 37845, 50, 6640),
    "POS": (4777, 92295, 40, 6770),
    "prone-dblp": (51264, 127968, 60, 51264),
    "deezer-HU": (47538, 222887, 84, 284901),
}
# name: nodes, undirected edges, classes, features
SOCIAL = {
    "facebook-page-page": (22470, 170823, 4, 4714),
    "github": (37700, 289003, 2, None),
    "twitch-DE": (9498, 153138, 2, 2514),
    "twitch-ENGB": (7126, 35324, 2, 2545),
    "lastfm-asia": (7624, 27806, 18, None),
    "Reed98": (962, 18812, 2, None),
    "Amherst41": (2235, 90954, 2, None),
    "disease-lp": (2665, 2664, 2, 11),
    "airport": (3188, 18630, 4, 4),  # 18631 with one loop
}
AIRPORTS = {"brazil-airports": (131, 1003), "europe-airports": (399, 5993), "usa-airports": (1190, 13599)}
STRUCTURE = {
    "USAir": (332, 2126),
    "NS": (1589, 2742),
    "PB": (1222, 16714),
    "Yeast": (2375, 11693),
    "Celegans": (297, 2148),
    "Power": (4941, 6594),
    "Router": (5022, 6258),
    "Ecoli": (1805, 14660),
    "DrugBank-DDI": (2191, 242027),
    "CTD-DDA": (12765, 92813),
    "NDFRT-DDA": (13545, 56515),
    "orca-sample": (100, 1000),
    "ca-GrQc": (5242, 14484),
    "wing": (62032, 121544),
    "newman-power": (4941, 6594),
    "ppi-string-human": (15131, 359776),
}

FOLDERS = [
    *("planetoid", "webkb", "actor", "wikipedia_network", "heterophilous", "amazon", "coauthor", "citation_full", "tu"),
    *("multilabel", "musae", "facebook100", "airports", "linkpred", "gowalla", "orca", "networks", "ogb"),
]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """PyG's and torch's own deprecation warnings, which graphx cannot change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def root(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A read-only copy of the folder of real data, an empty cache, and no network."""
    base = tmp_path_factory.mktemp("data")
    copy = base / "root"
    copy.mkdir()
    for name in (*FOLDERS, "text"):
        if (data_dir / name).is_dir():
            shutil.copytree(data_dir / name, copy / name)
    shutil.copy(data_dir / "SHA256SUMS", copy)
    for folder, _, files in os.walk(copy):
        for name in files:
            os.chmod(os.path.join(folder, name), stat.S_IRUSR)
        os.chmod(folder, stat.S_IRUSR | stat.S_IXUSR)
    before = listing(copy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(base / "cache"))
        patch.setattr(socket.socket, "connect", no_network)
        patch.setattr(socket, "getaddrinfo", no_network)
        yield copy
    assert listing(copy) == before, "something was written into the read-only root"
    left = [path for path in (base / "cache").rglob("*") if ".partial-" in path.name]
    assert not left
    for folder, _, _ in os.walk(copy):
        os.chmod(folder, stat.S_IRWXU)


def listing(folder: Path) -> list[tuple[str, int, int]]:
    found = sorted(folder.rglob("*"))
    return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in found]


def no_network(*_: object, **__: object) -> None:
    raise OSError("the test allows no network")


def undirected(data: Any) -> Any:
    from torch_geometric.utils import remove_self_loops, to_undirected

    return to_undirected(remove_self_loops(data.edge_index)[0], num_nodes=data.num_nodes)


def check_graph(name: str, root: Path, data: Any) -> None:
    """The torch-free door has the same nodes and edges."""
    import torch

    graph = load_graph(name, root)
    assert graph.num_nodes == data.num_nodes
    assert torch.equal(graph.without_names().to_pyg().edge_index, undirected(data))
    about = describe(name)
    assert (about["nodes"], about["edges"]) == (graph.num_nodes, graph.num_edges)


@pytest.mark.parametrize("name", PYG)
def test_node_classification_sets_of_pyg(name: str, root: Path) -> None:
    nodes, columns, features, classes, splits = PYG[name]
    data = load(name, root)
    assert (data.num_nodes, data.num_edges, data.num_features) == (nodes, columns, features)
    assert int(data.y.max()) + 1 == classes
    assert len(data.y.unique()) == classes
    if splits is None:
        assert "train_mask" not in data
    elif isinstance(splits, tuple):
        assert tuple(int(data[f"{part}_mask"].sum()) for part in ("train", "val", "test")) == splits
    else:
        assert data.train_mask.shape == data.val_mask.shape == data.test_mask.shape == (nodes, splits)
        assert not bool((data.train_mask & data.test_mask).any())
    about = describe(name)
    assert (about["edge_index columns"], about["features"], about["classes"]) == (columns, features, classes)
    same = data.y[data.edge_index[0]] == data.y[data.edge_index[1]]
    assert abs(float(same.float().mean()) - about["homophily"]) < 0.06  # of undirected edges in the catalogue
    check_graph(name, root, data)


@pytest.mark.parametrize("name", ["Cora", "CiteSeer", "PubMed"])
def test_geom_gcn_splits_of_planetoid(name: str, root: Path) -> None:
    data = load(name, root, split="geom-gcn")
    assert data.train_mask.shape == (PYG[name][0], 10)
    assert data.num_edges == PYG[name][1]
    full = load(name, root, split="full")
    assert int(full.train_mask.sum()) == PYG[name][0] - 1500


@pytest.mark.parametrize("name", TU)
def test_tu_sets(name: str, root: Path) -> None:
    graphs, nodes, columns, features, classes = TU[name]
    made = load(name, root)
    assert (len(made), made.num_features, made.num_classes) == (graphs, features, classes)
    assert (sum(g.num_nodes for g in made), sum(g.num_edges for g in made)) == (nodes, columns)
    union = load_graph(name, root)
    assert (union.num_nodes, union.num_edges) == (nodes, columns // 2)
    assert (describe(name)["graphs"], describe(name)["classes"]) == (graphs, classes)


@pytest.mark.parametrize("name", MULTILABEL)
def test_multilabel_sets(name: str, root: Path) -> None:
    nodes, edges, labels, pairs = MULTILABEL[name]
    data = load(name, root)
    assert (data.num_nodes, data.num_edges, tuple(data.y.shape), int(data.y.sum())) == (
        nodes,
        2 * edges,
        (nodes, labels),
        pairs,
    )
    assert describe(name)["classes"] == labels
    check_graph(name, root, data)


@pytest.mark.parametrize("name", SOCIAL)
def test_attributed_graphs(name: str, root: Path) -> None:
    nodes, edges, classes, features = SOCIAL[name]
    data = load(name, root)
    assert (data.num_nodes, data.num_edges, int(data.y.max()) + 1) == (nodes, 2 * edges, classes)
    assert (data.x.shape[1] if "x" in data else None) == features
    check_graph(name, root, data)


@pytest.mark.parametrize("name", AIRPORTS)
def test_airports(name: str, root: Path) -> None:
    data = load(name, root)
    assert (data.num_nodes, undirected(data).shape[1]) == (AIRPORTS[name][0], 2 * AIRPORTS[name][1])
    assert int(data.y.max()) + 1 == 4
    check_graph(name, root, data)


@pytest.mark.parametrize("name", STRUCTURE)
def test_structure_only(name: str, root: Path) -> None:
    data = load(name, root)
    assert (data.num_nodes, data.num_edges // 2) == STRUCTURE[name]
    assert (describe(name)["nodes"], describe(name)["edges"]) == STRUCTURE[name]


def test_gowalla(root: Path) -> None:
    data = load("gowalla", root)
    assert (data.num_users, data.num_items) == (29858, 40981)
    assert data.num_edges == 2 * 810128
    assert data.test_edge_index.shape[1] == 217242
    pairs = {*map(tuple, data.test_edge_index.T.tolist())} & {*map(tuple, data.edge_index.T.tolist())}
    assert not pairs


TEXT = {
    "citeseer-text": (3186, 4225, 6),
    "webkb-cornell-text": (247, 205, 5),
    "webkb-texas-text": (255, 190, 5),
    "webkb-washington-text": (265, 278, 5),
    "webkb-wisconsin-text": (320, 357, 5),
    "debian-section-text": (53091, 231394, 31),
    "debian-role-text": (23559, 97323, 9),
}


@pytest.mark.parametrize("name", TEXT)
def test_text_graphs(name: str, root: Path) -> None:
    nodes, edges, classes = TEXT[name]
    data = load(name, root, encoder=None)
    assert (data.num_nodes, data.num_edges, len(data.label_text)) == (nodes, 2 * edges, classes)
    assert len(data.text) == nodes
    assert int(data.y.max()) + 1 == classes
    assert describe(name)["classes"] == classes
    check_graph(name, root, data)
    if nodes < 300:
        folder = next((root / "text").glob(f"*{name.split('-')[1]}"))
        assert load(folder, encoder=lambda texts: [[1.0, 2.0] for _ in texts]).x.shape == (nodes, 2)
        assert load_graph(folder) == load_graph(name, root)


def test_every_plain_network_by_its_name(root: Path) -> None:
    from graphx.data import dataset_names

    names = dataset_names("networks")
    assert len(names) == len(list((root / "networks").glob("*.edgelist.gz"))) == 40
    for name in names:
        graph = load_graph(name.upper(), root)
        assert (graph.num_nodes, graph.num_edges) == (describe(name)["nodes"], describe(name)["edges"]), name


def test_the_second_load_is_from_the_cache(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from torch_geometric.datasets import Planetoid

    first = load("cora", root)
    monkeypatch.setattr(Planetoid, "process", no_network)
    assert torch.equal(load("cora", root).x, first.x)
    monkeypatch.setenv("GRAPHX_DATA", str(root))
    assert torch.equal(load("CORA").x, first.x)
    assert torch.equal(load("cora", root / "planetoid").x, first.x)  # a root as PyG has it


def test_load_graph_needs_no_torch(root: Path) -> None:
    code = (
        "import sys, graphx\n"
        "for name in ('cora', 'texas', 'minesweeper', 'amazon-photo', 'mutag', 'usa-airports', 'blogcatalog', 'usair',"
        " 'airport', 'ogbl-ddi', 'wing', 'chameleon-filtered', 'disease-lp', 'twitch-de'):\n"
        f"    graphx.data.load_graph(name, {str(root)!r})\n"
        "graphx.data.list(); graphx.data.describe('cora')\n"
        "print('torch' in sys.modules, 'pandas' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["False", "False"], run.stderr


# -- bad input ---------------------------------------------------------------------------------------------------------


def test_missing_files_offline_are_named_with_their_source(root: Path, tmp_path: Path) -> None:
    assert root.is_dir()  # its fixture cuts the network
    with pytest.raises(
        InputError, match=r"cora: missing planetoid/Cora/raw/ind\.cora\.x, .* and 4 more.*kimiyoung"
    ) as e:
        load("Cora", tmp_path)
    assert str(tmp_path) in str(e.value) and "\n" not in str(e.value)
    with pytest.raises(InputError, match=r"roman-empire: missing heterophilous/roman_empire/raw/roman_empire\.npz"):
        load("roman_empire", tmp_path)
    with pytest.raises(InputError, match=r"missing networks/wing\.edgelist\.gz.*belong below"):
        load_graph("wing", tmp_path)
    with pytest.raises(InputError, match=r"ogbn-arxiv: missing ogb/ogbn_arxiv/.*snap\.stanford\.edu"):
        load("ogbn-arxiv", tmp_path)
    with pytest.raises(InputError, match="pass root=, or set GRAPHX_DATA"):
        load_graph("usair")
    with pytest.raises(InputError, match="is no folder"):
        load("cora", tmp_path / "nowhere")
    assert not list(tmp_path.rglob("*"))  # nothing half-written


def test_what_is_missing_is_downloaded_whole_or_not_at_all(root: Path, tmp_path: Path, monkeypatch: Any) -> None:
    from torch_geometric.datasets import WebKB

    def download(self: Any) -> None:
        for path in (root / "webkb" / "texas" / "raw").iterdir():
            shutil.copy(path, self.raw_dir)

    def half(self: Any) -> None:
        download(self)
        os.remove(self.raw_paths[3])
        raise TimeoutError("the line is dead")

    monkeypatch.setattr(WebKB, "download", half)
    with pytest.raises(
        InputError, match=r"texas: missing webkb/texas/raw/.* no download: TimeoutError the line is dead"
    ):
        load("texas", tmp_path)
    assert not list(tmp_path.rglob("*"))
    monkeypatch.setattr(WebKB, "download", download)
    assert load("texas", tmp_path).num_nodes == 183
    assert sorted(path.name for path in tmp_path.iterdir()) == ["webkb"]
    assert load_graph("texas", tmp_path).num_edges == 279
    monkeypatch.setattr(WebKB, "download", half)
    assert load("texas", tmp_path).num_nodes == 183  # present now
    shutil.rmtree(tmp_path / "webkb")

    def wrong(self: Any) -> None:
        download(self)
        Path(self.raw_paths[1]).chmod(0o600)
        Path(self.raw_paths[1]).write_text("<html>404</html>")

    monkeypatch.setattr(WebKB, "download", wrong)
    with pytest.raises((FormatError, InputError), match=r"texas|checksum"):
        load("texas", tmp_path)


def test_wrong_names_and_options(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'cora'"):
        load("coraa")
    with pytest.raises(InputError, match=r"no OGB data set of that name"):
        load("ogbl-dddi", tmp_path)
    with pytest.raises(InputError, match="public, geom-gcn, full, random"):
        load("cora", split="tenfold")
    with pytest.raises(InputError, match="no splits to choose from"):
        load("karate", split="public")
    with pytest.raises(InputError, match="nonsense: no option of cora"):
        load("cora", nonsense=1)


def copied(root: Path, folder: str, target: Path) -> Path:
    shutil.copytree(root / folder, target / folder)
    for path in (target / folder).rglob("*"):
        path.chmod(0o755)
    (target / folder).chmod(0o755)
    return target


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_half_downloads_fail_their_checksum(root: Path, tmp_path: Path, damage: str) -> None:
    copied(root, "planetoid/Cora", tmp_path)
    victim = tmp_path / "planetoid/Cora/raw/ind.cora.allx"
    content = victim.read_bytes()
    victim.write_bytes(content[:5000] if damage == "truncated" else content[:-9] + b"x" + content[-8:])
    with pytest.raises(FormatError, match=r"ind\.cora\.allx: the checksum is .* half a download"):
        load("cora", tmp_path)


def test_a_sums_file_of_the_root_is_obeyed(root: Path, tmp_path: Path) -> None:
    copied(root, "tu/MUTAG", tmp_path)
    assert len(load("mutag", tmp_path)) == 188
    (tmp_path / "SHA256SUMS").write_text("0" * 64 + "  tu/MUTAG/raw/MUTAG_A.txt\n")
    with pytest.raises(FormatError, match=r"MUTAG_A\.txt: the checksum"):
        load("mutag", tmp_path)
    (tmp_path / "SHA256SUMS").write_text("nonsense\n")
    with pytest.raises(FormatError, match="SHA256SUMS:1: expected"):
        load("mutag", tmp_path)


def test_corrupted_files_without_a_checksum(root: Path, tmp_path: Path) -> None:
    copied(root, "amazon/Photo", tmp_path)
    copied(root, "multilabel/deezer_hu", tmp_path)
    copied(root, "wikipedia_network/chameleon", tmp_path)
    copied(root, "multilabel/prone_ppi", tmp_path)
    copied(root, "musae", tmp_path)
    photo = tmp_path / "amazon/Photo/raw/amazon_electronics_photo.npz"
    photo.write_bytes(photo.read_bytes()[:100000])
    with pytest.raises(FormatError, match=r"PyG cannot read amazon-photo \(BadZipFile"):
        load("amazon-photo", tmp_path)
    with pytest.raises(FormatError, match="amazon-photo: cannot be read"):
        load_graph("amazon-photo", tmp_path)
    genres = tmp_path / "multilabel/deezer_hu/HU_genres.json.gz"
    genres.write_bytes(genres.read_bytes()[:20000])
    with pytest.raises(FormatError, match=r"HU_genres\.json\.gz: the gzip data are damaged or end early"):
        load("deezer-hu", tmp_path)
    features = next(tmp_path.glob("wikipedia_network/chameleon/**/out1_node_feature_label.txt.gz"))
    features.write_bytes(features.read_bytes()[:20000])
    with pytest.raises(FormatError, match=r"label\.txt\.gz: the gzip data are damaged or end early"):
        load("chameleon", tmp_path)
    communities = tmp_path / "multilabel/prone_ppi/PPI.cmty"
    communities.write_text(communities.read_text() + "4000\n")
    with pytest.raises(FormatError, match=r"PPI\.cmty: names the node 4000"):
        load("prone-ppi", tmp_path)
    import gzip

    target = tmp_path / "musae/lastfm_asia_target.csv.gz"
    rows = gzip.decompress(target.read_bytes()).splitlines(keepends=True)
    target.write_bytes(gzip.compress(b"".join(rows[:-3])))
    with pytest.raises(FormatError, match="7621 labels for 7624 nodes"):
        load("lastfm-asia", tmp_path)
    target.write_bytes(gzip.compress("id,target\n0,caf\xe9\n".encode("latin-1")))
    with pytest.raises(FormatError, match="is no UTF-8 text"):
        load("lastfm-asia", tmp_path)


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    import pickle

    from graphx.data._readers import unpickled

    class Evil:
        def __reduce__(self) -> Any:
            return os.system, ("touch owned",)

    (tmp_path / "evil.p").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(FormatError, match=r"asks for \w+\.system"):
        unpickled(tmp_path / "evil.p")


@pytest.mark.slow
def test_nothing_half_written_after_a_kill(root: Path, tmp_path: Path) -> None:
    """Killed while PyG processes, the cache has no set, and the next load makes it."""
    code = (
        "import os, signal, sys\n"
        "from torch_geometric.datasets import WebKB\n"
        "real = WebKB.save\n"
        "def killed(*args):\n"
        "    real(*args)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "WebKB.save = staticmethod(killed)\n"
        "from graphx.data import load\n"
        f"load('texas', {str(root)!r})\n"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert run.returncode == -9
    made = tmp_path / "graphx" / "processed"
    assert not list(made.glob("texas*"))
    assert len(list(made.glob(".texas*.partial-*"))) == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert load("texas", root).num_nodes == 183
    assert not list(made.glob(".texas*.partial-*"))  # and what was left is cleared


def test_an_unwritable_cache_is_told(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(InputError, match="cannot be written.*set XDG_CACHE_HOME"):
        load("texas", root)
    assert np.sum(load_graph("texas", root).degrees()) == 2 * 279 - 0  # the graph needs no cache
