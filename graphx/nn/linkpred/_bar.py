"""The bar of training on stderr, with its metrics, drawn on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from graphx.nn.linkpred.train import Step

__all__: list[str] = []


class Bar:
    """Tells steps to a function, or draws them.

    Args:
        progress: A function, True to draw, None to draw on a terminal, False for nothing.
    """

    def __init__(self, progress: Callable[[Step], object] | bool | None) -> None:
        if progress is None:
            progress = sys.stderr.isatty()
        self.report: Callable[[Step], object] | None = progress if callable(progress) else self._draw
        if progress is False:
            self.report = None
        self._bar: Any = None
        self._seed: int | None = None

    def _draw(self, step: Step) -> None:
        if self._bar is None or self._seed != step.seed:
            from tqdm import tqdm

            self.close()
            total = step.epochs * step.batches
            self._bar = tqdm(desc=f"seed {step.seed}", total=total, file=sys.stderr, leave=False, unit="batch")
            self._seed = step.seed
        shown = {"epoch": f"{step.epoch}/{step.epochs}", "loss": f"{step.loss:.3f}"}
        for name, value in (("valid", step.valid), ("best", step.best)):
            if value is not None:
                shown[name] = f"{value:.4f}"
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update((step.epoch - 1) * step.batches + step.batch - self._bar.n)

    def close(self) -> None:
        """Takes the bar off the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
