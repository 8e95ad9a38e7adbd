"""Ctrl-C at every Python call of a piece of work, one after the other: none may get lost."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from types import FrameType

import torch

MOST = 100_000


class _Interrupt:
    """A profiler that raises KeyboardInterrupt at one call."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.stack = ""

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        if event != "call":
            return
        self.left -= 1
        if self.left == 0:
            self.stack = "".join(traceback.format_stack(frame)[-3:])
            raise KeyboardInterrupt


def lost_interrupts(work: Callable[[], object]) -> tuple[int, list[str]]:
    """How many calls were interrupted, and the ends of the stacks of those after which the work went on."""
    work()  # what is imported or made once
    lost: list[str] = []
    before = sys.getprofile()
    for tried in range(MOST):
        interrupt = _Interrupt(1 + tried)
        sys.setprofile(interrupt)
        try:
            work()
        except KeyboardInterrupt:
            pass
        else:
            if not interrupt.stack:
                return tried, lost
            lost.append(interrupt.stack)
        finally:
            sys.setprofile(before)
            torch.set_grad_enabled(True)  # torch leaves it as it was inside no_grad(), if interrupted on the way out
    raise AssertionError(f"more than {MOST} calls")
