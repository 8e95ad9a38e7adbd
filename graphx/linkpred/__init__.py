"""The command ``python -m graphx.linkpred``; the models themselves are in :mod:`graphx.nn.linkpred`."""

__all__: list[str] = []
