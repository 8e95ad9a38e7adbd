"""The pictures hold what they should: every orbit number, every matrix, and they can be saved."""

from __future__ import annotations

import builtins
import io
from typing import Any

import networkx
import pytest

from graphx.errors import InputError, MissingDependencyError
from graphx.gradco import GRAPHLETS, OrbitAdjacency
from graphx.plot import _POINTS, plot_embedding, plot_graphlets, plot_orbit_spectrum, plot_summary

KARATE = networkx.Graph(networkx.karate_club_graph().edges)


@pytest.fixture(scope="module")
def summary() -> list[Any]:
    return OrbitAdjacency(networkx.Graph(list(KARATE.edges))).summary()


def test_graphlets_have_their_numbers_names_and_edges() -> None:
    ax = plot_graphlets()
    texts = [text.get_text() for text in ax.texts]
    numbers = sorted(int(text) for text in texts if text.isdigit())
    assert numbers == sorted(orbit for graphlet in GRAPHLETS for orbit in graphlet.node_orbits)
    assert [text for text in texts if text.startswith("G")] == [f"G{g.number} {g.name}" for g in GRAPHLETS]
    assert len(ax.lines) == sum(len(graphlet.edges) for graphlet in GRAPHLETS)


@pytest.mark.parametrize("graphlet", GRAPHLETS, ids=lambda graphlet: graphlet.name)
def test_no_two_nodes_are_drawn_near_each_other(graphlet: Any) -> None:
    points = _POINTS[graphlet.number]
    assert len(points) == len(graphlet.node_orbits)
    gaps = [abs(complex(*a) - complex(*b)) for i, a in enumerate(points) for b in points[:i]]
    assert min(gaps) > 0.8


@pytest.mark.parametrize("graphlet", GRAPHLETS, ids=lambda graphlet: graphlet.name)
def test_only_the_diagonals_of_the_clique_cross(graphlet: Any) -> None:
    points = [complex(*point) for point in _POINTS[graphlet.number]]

    def side(a: complex, b: complex, c: complex) -> float:
        return ((b - a).conjugate() * (c - a)).imag

    crossings = 0
    for i, (a, b) in enumerate(graphlet.edges):
        for c, d in graphlet.edges[:i]:
            if len({a, b, c, d}) == 4:
                p, q, r, s = points[a], points[b], points[c], points[d]
                crossings += side(p, q, r) * side(p, q, s) < 0 and side(r, s, p) * side(r, s, q) < 0
    assert crossings == (1 if graphlet.number == 8 else 0)


def test_spectrum_has_a_bar_and_a_circle_for_every_matrix(summary: list[Any]) -> None:
    ax = plot_orbit_spectrum(summary)
    assert [bar.get_height() for bar in ax.patches] == [line.total for line in summary]
    assert list(ax.lines[0].get_ydata()) == [line.num_nonzeros for line in summary]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [f"{a}_{b}" for _, a, b in (s.key for s in summary)]


def test_a_selection_and_nothing_at_all(summary: list[Any]) -> None:
    assert len(plot_orbit_spectrum(summary[19:21]).patches) == 2
    assert len(plot_orbit_spectrum([]).patches) == 0
    assert len(plot_orbit_spectrum(OrbitAdjacency(networkx.empty_graph(3)).summary()).patches) == 28


@pytest.mark.parametrize("form", ["png", "pdf", "svg"])
def test_the_picture_of_the_command_can_be_saved(summary: list[Any], form: str) -> None:
    file = io.BytesIO()
    plot_summary(summary).savefig(file, format=form)
    assert len(file.getvalue()) > 5000


def test_without_matplotlib_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingDependencyError, match=r'pip install "graphx-pyg\[plot\]"'):
        plot_graphlets()


def test_embedding_shows_the_commonest_labels_first() -> None:
    points = [[0.0, 0.0], [1.0, 0.0], [5.0, 1.0], [9.0, 0.0]]
    ax = plot_embedding(points, labels=[7, 3, 3, -1])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["3", "7"]
    assert [len(dots.get_offsets()) for dots in ax.collections] == [1, 2, 1]


def test_embedding_of_several_labels_a_node_and_of_one_column() -> None:
    ax = plot_embedding([[1.0], [2.0], [4.0]], labels=[[True, True], [True, False], [False, False]])
    assert [len(dots.get_offsets()) for dots in ax.collections] == [1, 2]
    assert plot_embedding([[1.0], [2.0]]).get_legend() is None


def test_embedding_refuses_shapes() -> None:
    with pytest.raises(InputError, match="a row for each node"):
        plot_embedding([[1.0], [2.0]], labels=[0])
    with pytest.raises(InputError, match=r"\[N, d\]"):
        plot_embedding([1.0, 2.0])
