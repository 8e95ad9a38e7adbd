"""The bar of training: on a terminal only, with its metrics, and gone in the end."""

from __future__ import annotations

import io
import sys

import pytest

from graphx.nn.linkpred import Step
from graphx.nn.linkpred._bar import Bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def steps() -> list[Step]:
    known = {"epochs": 2, "batches": 2, "loss": 0.25}
    return [
        Step(seed=3, epoch=1, batch=1, valid=None, best=None, **known),
        Step(seed=3, epoch=2, batch=2, valid=0.5, best=0.75, **known),
        Step(seed=4, epoch=1, batch=1, valid=None, best=0.75, **known),
    ]


@pytest.mark.parametrize("drawn", [None, True])
def test_a_terminal_shows_epochs_and_metrics(monkeypatch: pytest.MonkeyPatch, drawn: bool | None) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with Bar(drawn) as bar:
        assert bar.report is not None
        first, second, other = steps()
        bar.report(first)
        assert (bar._bar.n, bar._bar.total, bar._bar.postfix) == (1, 4, "epoch=1/2, loss=0.250")
        bar.report(second)
        assert (bar._bar.n, bar._bar.postfix) == (4, "epoch=2/2, loss=0.250, valid=0.5000, best=0.7500")
        bar.report(other)
        assert (bar._bar.n, bar._bar.desc, bar._bar.postfix) == (1, "seed 4", "epoch=1/2, loss=0.250, best=0.7500")
    assert bar._bar is None and "seed 3" in screen.getvalue() and "seed 4" in screen.getvalue()


def test_elsewhere_nothing_is_drawn_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    told: list[Step] = []
    with Bar(told.append) as bar:
        assert bar.report is not None
        bar.report(steps()[0])
    assert told == steps()[:1] and screen.getvalue() == ""
    assert Bar(False).report is None
    with Bar(True) as bar:
        assert bar.report is not None
        bar.report(steps()[0])
    assert "seed 3" in screen.getvalue()
