"""The tables of graphlets, orbits and keys, against the definitions."""

from __future__ import annotations

import pytest

from graphx.errors import InputError
from graphx.gradco import EDGE_ORBITS, GRAPHLETS, ORBIT_KEYS, parse_keys
from graphx.gradco.orbits import ROW_DIVISORS, graphlet_of, key_mask, key_name, key_number, transposed
from tests.reference import orbits as reference


def test_keys_are_those_of_the_definition() -> None:
    assert ORBIT_KEYS == reference.KEYS
    assert EDGE_ORBITS == reference.EDGE_ORBITS


@pytest.mark.parametrize("graphlet", GRAPHLETS, ids=lambda g: g.name)
def test_graphlets_are_those_of_the_definition(graphlet) -> None:
    nodes = range(len(graphlet.node_orbits))
    inside = {u: {a + b - u for a, b in graphlet.edges if u in (a, b)} for u in nodes}
    assert reference.graphlet_of(inside) == (graphlet.number, dict(enumerate(graphlet.node_orbits)))
    assert graphlet.orbits == tuple(sorted(set(graphlet.node_orbits)))


@pytest.mark.parametrize("key", ORBIT_KEYS)
def test_row_divisor_is_the_number_of_such_partners(key) -> None:
    """A copy with u on orbit o1 puts one entry into row u for each of its nodes on o2 at that distance from u."""
    hop, o1, o2 = key
    graphlet = graphlet_of(key)
    nodes = frozenset(range(len(graphlet.node_orbits)))
    inside = {u: {a + b - u for a, b in graphlet.edges if u in (a, b)} for u in nodes}
    for u in nodes:
        if graphlet.node_orbits[u] == o1:
            distance = reference._distances(nodes, inside, u)
            assert sum(graphlet.node_orbits[v] == o2 and distance[v] == hop for v in nodes) == ROW_DIVISORS[key]


@pytest.mark.parametrize("key", ORBIT_KEYS)
def test_transposed_keys(key) -> None:
    assert transposed(key) in ORBIT_KEYS
    assert transposed(transposed(key)) == key


def test_names_and_numbers() -> None:
    assert [key_number(key) for key in ORBIT_KEYS] == list(range(28))
    assert [parse_keys(key_name(key)) for key in ORBIT_KEYS] == [(key,) for key in ORBIT_KEYS]
    assert key_mask(None) == 2**28 - 1
    assert key_mask([(1, 0, 0), (3, 4, 4), (1, 0, 0)]) == 1 + 2**27
    assert key_mask([]) == 0


@pytest.mark.parametrize("key", [(1, 1, 1), (0, 0, 0), (1, 0), "2_12_12", None, 3, (2.5, 12, 12), ("1", "0", "0")])
def test_what_is_no_key(key) -> None:
    with pytest.raises(KeyError, match="expected"):
        key_number(key)


def test_selections() -> None:
    assert parse_keys("all") == ORBIT_KEYS
    assert len(parse_keys("hop1")) == 19
    assert len(parse_keys("hop2")) == 8
    assert parse_keys("hop3") == ((3, 4, 4),)
    assert sum(len(parse_keys(f"G{g.number}")) for g in GRAPHLETS) == 28
    assert parse_keys("paw") == parse_keys("G6")
    assert parse_keys("2_12_12, 2-12-12,2:12_12") == ((2, 12, 12),)


@pytest.mark.parametrize("text", ["", "hop4", "G9", "2_12_13", "1_0", "all,nothing", "1_0_0_"])
def test_selections_that_name_nothing(text) -> None:
    with pytest.raises(InputError, match="expected"):
        parse_keys(text)


@pytest.mark.parametrize("key", ["2_12_12", "2-12-12", (2, 12, 12.0)])
def test_a_key_in_another_spelling_is_told_the_right_one(key) -> None:
    with pytest.raises(KeyError, match=r"near to it: \(2, 12, 12\)"):
        key_number(key)
