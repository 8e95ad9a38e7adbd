"""The pictures hold what they should: every orbit number, every matrix, and they can be saved."""

from __future__ import annotations

import builtins
import io
import itertools
from typing import Any

import networkx
import numpy as np
import pytest

from graphx.errors import InputError, MissingDependencyError
from graphx.gradco import GRAPHLETS, OrbitAdjacency
from graphx.plot import (
    plot_embedding,
    plot_graphlets,
    plot_learning_curves,
    plot_orbit_spectrum,
    plot_radii,
    plot_summary,
    plot_variance,
)
from graphx.plot.graphlets import _POINTS
from graphx.plot.style import LINES, MARKERS, tone

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


def test_shades_of_an_embedding_are_told_apart_without_colour() -> None:
    ax = plot_embedding([[float(i), float(i % 3)] for i in range(16)], labels=[i % 8 for i in range(16)])
    grey = [
        sum(w * c for w, c in zip((0.299, 0.587, 0.114), dots.get_facecolor()[0], strict=False))
        for dots in ax.collections[1:]
    ]
    assert len(grey) == 8
    assert min(b - a for a, b in itertools.pairwise(grey)) > 0.05
    assert len(set(MARKERS)) == len(MARKERS) == 8


def test_learning_curves_show_mean_and_range() -> None:
    ax = plot_learning_curves({"a": [3.0, 2.0], "b": [[1.0, 4.0], [3.0, 0.0]]}, xlabel="round", ylabel="hits")
    assert [line.get_ydata().tolist() for line in ax.lines] == [[3.0, 2.0], [2.0, 2.0]]
    assert [line.get_linestyle() for line in ax.lines] == list(LINES[:2])
    (band,) = ax.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (0.0, 4.0)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("round", "hits")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert plot_learning_curves({"again": [1.0]}, ax) is ax


@pytest.mark.parametrize("curves", [{}, {"a": []}, {"a": 1.0}, {"a": [[[1.0]]]}])
def test_learning_curves_refuse_shapes(curves: Any) -> None:
    with pytest.raises(InputError, match="expected"):
        plot_learning_curves(curves)


class _Layer:
    forward = 100.0
    backward = 0.0
    forward_quantiles = (1.0, 10.0, 1000.0)
    backward_quantiles = (0.1, 0.1, 0.1)


class _Report:
    before = (_Layer(), _Layer())
    after = (_Layer(),)
    mode = "forward"


def test_variance_is_drawn_in_decades() -> None:
    forward, backward = plot_variance(_Report())
    assert [
        line.get_ydata().tolist() if hasattr(line.get_ydata(), "tolist") else list(line.get_ydata())
        for line in forward.lines
    ] == [[1, 1], [2, 2], [1], [2]]
    assert list(backward.lines[1].get_ydata()) == [float("-inf")] * 2
    assert plot_variance(_Report(), (forward, backward)) == (forward, backward)


class _Radius:
    by, value = "hop", 2
    quantiles = (1.0, 2.0, 3.0, 4.0, 5.0)


def test_radii_mark_the_limits_that_lie_in_the_picture() -> None:
    ax = plot_radii([_Radius(), _Radius()], {"near": 5.5, "far": 6.0})
    assert [line.get_label() for line in ax.lines] == ["median", "near"]
    assert [(bar.get_y(), bar.get_height()) for bar in ax.patches] == [(2.0, 2.0)] * 2
    assert [text.get_text() for text in ax.get_xticklabels()] == ["hop 2"] * 2
    assert plot_radii([_Radius()], None, ax) is ax
    with pytest.raises(InputError, match="no radii"):
        plot_radii([])


def test_one_thing_alone_is_dark() -> None:
    assert tone(0, 1) == tone(0, 5)
    assert sum(tone(0, 1)) < 0.6


@pytest.mark.parametrize("shape", [(40, 5), (5, 40), (3, 2), (2, 2)])
def test_points_lie_on_the_two_principal_axes(shape: tuple[int, int]) -> None:
    """By the singular values: the spread along the axes, whatever their signs and whatever the embedding's place."""
    x = np.random.default_rng(0).normal(size=shape) * np.linspace(1, 3, shape[1]) + 100
    points = plot_embedding(x).collections[0].get_offsets()
    singular = np.linalg.svd(x - x.mean(0), compute_uv=False)[:2]
    np.testing.assert_allclose(np.linalg.norm(points, axis=0), singular, atol=1e-6)
    np.testing.assert_allclose(points[:, 0] @ points[:, 1], 0, atol=1e-6)
    turned = x @ np.linalg.qr(np.random.default_rng(1).normal(size=(shape[1], shape[1])))[0]
    again = plot_embedding(turned).collections[0].get_offsets()
    np.testing.assert_allclose(np.abs(again), np.abs(points), atol=1e-6)


def test_the_ninth_label_is_grey() -> None:
    labels = [label for label in range(10) for _ in range(10 - label)]
    ax = plot_embedding([[float(i), float(i % 7)] for i in range(len(labels))], labels=labels)
    assert [len(dots.get_offsets()) for dots in ax.collections] == [1 + 2, *range(10, 2, -1)]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [str(label) for label in range(8)]


def test_a_node_of_several_labels_shows_its_commonest() -> None:
    Y = np.array([[0, 1, 1], [0, 1, 0], [1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]])
    ax = plot_embedding(np.eye(7), labels=Y)  # label 1 is on four nodes, 2 on three, 0 on two
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["1", "2"]
    assert [len(dots.get_offsets()) for dots in ax.collections] == [1, 4, 2]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_embedding_with_holes_is_refused(value: float) -> None:
    with pytest.raises(InputError, match=rf"entry \[1, 0\] of the embedding is {value}; expected finite numbers"):
        plot_embedding([[0.0, 1.0], [value, 2.0]])


def test_an_embedding_of_nothing_is_an_empty_picture() -> None:
    ax = plot_embedding(np.zeros((0, 3)), labels=np.zeros(0, int))
    assert all(len(dots.get_offsets()) == 0 for dots in ax.collections)
