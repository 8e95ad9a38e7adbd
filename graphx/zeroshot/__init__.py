"""The command ``python -m graphx.zeroshot``; the model itself is :class:`graphx.nn.H4G`."""

__all__: list[str] = []
