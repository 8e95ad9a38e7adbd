"""load_graph: names, paths, and real networks against their known counts."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from graphx.data import load_graph, write_edgelist
from graphx.errors import FormatError, InputError
from graphx.graph import Graph

DATA = Path(os.environ.get("GRAPHX_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not (DATA / "README.md").is_file(), reason="GRAPHX_TEST_DATA does not name the folder of real networks"
)


def test_karate_is_the_karate_club() -> None:
    g = load_graph("karate")
    assert g == Graph.from_networkx(nx.karate_club_graph(), weight=None)
    assert (g.num_nodes, g.num_edges, g.max_degree) == (34, 78, 17)
    assert g.report.source == "karate"


@pytest.mark.parametrize("name", ["les-miserables", "Les Miserables", "LES_MIS", "lesmis"])
def test_les_miserables_by_any_spelling(name: str) -> None:
    g = load_graph(name)
    known = nx.les_miserables_graph()
    assert (g.num_nodes, g.num_edges) == (77, 254)
    assert isinstance(g.names, tuple)
    assert list(g.names) == sorted(known)
    assert nx.utils.edges_equal(g.to_networkx().edges, known.edges())


def test_wrong_names_suggest_and_say_there_is_no_file() -> None:
    with pytest.raises(InputError) as caught:
        load_graph("karte-club")
    assert str(caught.value) == (
        "'karte-club': no such file, and no data set of that name; did you mean 'karate'? "
        "python -m graphx.data list shows all"
    )
    with pytest.raises(InputError, match=r"'graph\.edgelist': no such file, and no data set of that name; "):
        load_graph("graph.edgelist")
    with pytest.raises(InputError, match="karate: no such file"):
        load_graph(Path("karate"))


def test_a_file_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("karate").write_text("0 1\n")
    assert load_graph("karate").num_nodes == 2
    assert load_graph(Path("karate"), num_nodes=3).num_nodes == 3


def test_options_reach_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "g.txt"
    path.write_text("0 1\n1 1\n")
    assert load_graph(path, directed=True, self_loops="keep").indices.tolist() == [1, 1]
    with pytest.raises(TypeError):
        load_graph(path, nonsense=1)


def _known_networks() -> list[Any]:
    readme = DATA / "README.md"
    if not readme.is_file():
        return []
    row = re.compile(r"^\| ([\w.-]+) \| [\w ]+ \| (\d+) \| (\d+) \| (\d+) \|", re.MULTILINE)
    found = [(m[1], int(m[2]), int(m[3]), int(m[4])) for m in row.finditer(readme.read_text())]
    return [x for x in found if (DATA / "networks" / f"{x[0]}.edgelist.gz").is_file()]


@needs_data
def test_real_networks_have_their_known_counts(tmp_path: Path) -> None:
    networks = _known_networks()
    assert len(networks) >= 30
    for name, nodes, count, largest in networks:
        g = load_graph(DATA / "networks" / f"{name}.edgelist.gz", num_nodes=nodes)
        assert (g.num_nodes, g.num_edges, g.max_degree) == (nodes, count, largest), name
        assert g.report.is_clean, g.report.summary()
        bare = load_graph(DATA / "networks" / f"{name}.edgelist.gz")
        assert bare.num_edges == count
        assert bare.num_nodes == int((g.degrees() > 0).sum())
    write_edgelist(g, tmp_path / "copy.npz")
    assert load_graph(tmp_path / "copy.npz") == g


@needs_data
def test_real_files_of_other_forms() -> None:
    usair = load_graph(DATA / "linkpred/seal/USAir.mat")
    assert (usair.num_nodes, usair.num_edges) == (332, 2126)
    blog = load_graph(DATA / "multilabel/blogcatalog/blogcatalog.mat")
    assert (blog.num_nodes, blog.num_edges) == (10312, 333983)
    deezer = load_graph(DATA / "multilabel/deezer_hu/HU_edges.csv.gz")
    assert (deezer.num_nodes, deezer.num_edges, deezer.report.header) == (47538, 222887, "node_1,node_2")
    photo = load_graph(next((DATA / "amazon").rglob("*hoto*.npz")), self_loops="drop")
    assert photo.num_nodes == 7650
    assert photo.num_edges == 238162 // 2


@needs_data
def test_orca_sample_has_a_line_of_sizes() -> None:
    path = DATA / "orca" / "graph.in"
    with pytest.raises(FormatError, match=r"graph\.in:1:1: the line '100 1000' looks like the sizes"):
        load_graph(path)
    g = load_graph(path, header=True)
    degrees = np.loadtxt(DATA / "orca" / "node-4.out", dtype=np.int64)[:, 0]
    assert g.num_edges == 1000
    assert np.array_equal(load_graph(path, header=True, num_nodes=100).degrees(), degrees)


def test_generators_by_name() -> None:
    from graphx.data import synthetic

    assert load_graph("barabasi-albert", num_nodes=30, m=2, seed=1) == synthetic.barabasi_albert(30, 2, seed=1)
    assert load_graph("Power Law", num_nodes=50, hub=20).max_degree == 20
    with pytest.raises(
        InputError, match=r"erdos-renyi: missing a required argument: 'num_edges'; expected erdos_renyi\("
    ):
        load_graph("erdos-renyi", num_nodes=5)
    with pytest.raises(InputError, match="got an unexpected keyword argument 'colour'"):
        load_graph("cycle", num_nodes=5, colour="red")


def test_a_graph_object_is_told_its_own_door() -> None:
    with pytest.raises(InputError, match=r"Graph is neither the name .* nor a path; graphx\.graph\.as_graph takes"):
        load_graph(nx.path_graph(3))
