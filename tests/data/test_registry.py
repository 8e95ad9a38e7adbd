"""The registry: what it lists is consistent, and names are forgiving."""

from __future__ import annotations

import pytest

import graphx
from graphx.data import dataset_names, describe, find_dataset, load_graph
from graphx.data._families import FAMILIES
from graphx.data.registry import _by_name, _catalog, _plain, unknown_name
from graphx.errors import InputError


@pytest.mark.parametrize("name", [*dataset_names("packaged"), *dataset_names("networkx")])
def test_every_entry_tells_the_truth(name: str) -> None:
    data = find_dataset(name)
    assert data is not None
    assert data.name == name
    assert data.path.is_file() or data.family == "networkx"
    g = load_graph(name)
    assert (g.num_nodes, g.num_edges) == (data.num_nodes, data.num_edges)
    assert g.is_undirected
    assert not g.is_weighted
    assert not g.has_self_loops
    assert g.report.duplicates_merged == 0
    assert g.report.self_loops_dropped == 0
    assert data.citation
    assert data.licence
    assert data.title
    for alias in data.aliases:
        assert find_dataset(alias.upper().replace("-", "_")) is data


def test_unknown() -> None:
    assert find_dataset("no such thing") is None
    assert find_dataset("") is None
    assert "did you mean 'les-miserables'?" in str(unknown_name("les miserable"))
    assert "did you mean" not in str(unknown_name("xyz"))


def test_no_two_data_sets_answer_to_one_name() -> None:
    spelled: dict[str, str] = {}
    for data in _catalog().values():
        for name in {_plain(data.name), *map(_plain, data.aliases)}:
            assert spelled.setdefault(name, data.name) == data.name
    assert set(spelled) == set(_by_name())


@pytest.mark.parametrize("name", dataset_names())
def test_every_data_set_is_described(name: str) -> None:
    about = describe(name)
    assert about["family"] in FAMILIES
    assert all(about[part] for part in ("title", "task", "splits", "licence", "citation", "source"))
    assert name == name.lower() and "_" not in name
    assert bool(about["files"]) == (about["family"] not in ("packaged", "networkx", "synthetic", "ogb"))
    homophily = about["homophily"]
    assert homophily is None or 0 <= homophily <= 1


def test_lists() -> None:
    assert graphx.data.list() == dataset_names() == sorted(dataset_names())
    assert {"cora", "ogbl-ddi", "karate", "citeseer-text", "wing", "petersen"} <= set(dataset_names())
    with pytest.raises(InputError, match="family is 'planetiod'; expected one of: packaged"):
        dataset_names("planetiod")
    with pytest.raises(InputError, match="did you mean 'cora'"):
        describe("corra")
