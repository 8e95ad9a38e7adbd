"""HyperbolicRadius: groups, quantiles, limits and the picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from graphx.errors import InputError
from graphx.nn.hyperbolic import HyperbolicRadius, expmap0


def _vectors(*lengths: float) -> torch.Tensor:
    return torch.tensor([[0.6 * length, 0.8 * length] for length in lengths], dtype=torch.float64)


def test_groups_and_quantiles() -> None:
    radius = HyperbolicRadius()
    radius.update(_vectors(1, 2, 3), layer="input", label=torch.tensor([1, 0, 1]), hop=torch.tensor([0, 2, 2]))
    radius.update(_vectors(4, 5), layer="output", label=torch.tensor([-1, 0]), hop=2)
    rows = {(row.by, row.value): row for row in radius.summary()}
    assert list(rows) == [
        ("layer", "input"), ("layer", "output"), ("class", 0), ("class", 1), ("hop", 0), ("hop", 2),
    ]  # fmt: skip
    assert radius.radii().tolist() == pytest.approx([2, 4, 6, 8, 10])
    assert radius.radii("class", 0).tolist() == pytest.approx([4, 10])
    assert rows["hop", 2].num_points == 4
    assert rows["hop", 2].mean == pytest.approx(7)
    assert rows["layer", "input"].quantiles == pytest.approx(np.quantile([2, 4, 6], [0.05, 0.25, 0.5, 0.75, 0.95]))


@pytest.mark.parametrize("c", [1.0, 0.04])
def test_limits_are_where_float32_and_the_usual_projection_end(c: float) -> None:
    root = math.sqrt(c)
    radius = HyperbolicRadius(c).update(_vectors(3.0 / root, 3.2 / root, 8.6 / root, 8.7 / root))
    (row,) = radius.summary()
    assert (row.by, row.value) == ("layer", "all")
    assert row.past_projection == 0.75
    assert row.past_float32 == 0.25
    assert radius.float32_limit == pytest.approx(2 / root * 8.664339756999316)


def test_points_of_the_ball_have_the_radii_of_their_tangent_vectors() -> None:
    u = _vectors(0.0, 1e-9, 0.5, 3.0)
    ball = HyperbolicRadius(0.3).update(expmap0(u, 0.3), space="ball").radii()
    assert ball == pytest.approx(HyperbolicRadius(0.3).update(u).radii(), rel=1e-12)


def test_plot_draws_one_bar_a_group() -> None:
    radius = HyperbolicRadius().update(_vectors(1, 2, 9), layer="input", hop=torch.tensor([0, 1, 1]))
    ax = radius.plot()
    assert len(ax.patches) == 3
    assert [text.get_text() for text in ax.get_xticklabels()] == ["layer input", "hop 0", "hop 1"]
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {"median", "float32 ends", "usual projection"}
    assert ax.get_lines()[0].get_ydata().tolist() == pytest.approx([4, 2, 11])


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="c is -1"):
        HyperbolicRadius(-1.0)
    radius = HyperbolicRadius()
    with pytest.raises(InputError, match="no radii"):
        radius.plot()
    with pytest.raises(InputError, match="label has shape"):
        radius.update(_vectors(1, 2), label=torch.tensor([1]))
    with pytest.raises(InputError, match="hop has shape"):
        radius.update(_vectors(1, 2), hop=torch.tensor([0.5, 1.0]))
    with pytest.raises(InputError, match="inside the ball"):
        radius.update(_vectors(1.0), space="ball")
    with pytest.raises(InputError, match="expected \\[N, D\\]"):
        radius.update(torch.zeros(3))
    with pytest.raises(InputError, match="by is 'color'"):
        radius.radii("color")
    assert radius.summary() == []


def test_radii_of_an_unknown_space() -> None:
    with pytest.raises(InputError, match="space is 'sphere'; expected 'tangent' or 'ball'"):
        HyperbolicRadius().update(torch.zeros(2, 3), space="sphere")  # type: ignore[arg-type]
