"""The registry: what it lists is there, and names are forgiving."""

from __future__ import annotations

import pytest

from graphx.data import dataset_names, find_dataset, load_graph
from graphx.data.registry import unknown_name


@pytest.mark.parametrize("name", dataset_names())
def test_every_entry_tells_the_truth(name: str) -> None:
    data = find_dataset(name)
    assert data is not None
    assert data.name == name
    assert data.path.is_file()
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
