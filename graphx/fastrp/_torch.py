r"""The passes of FastRP in torch, for graphs that are on a GPU: the same sums as the kernels.

:math:`D^{-1} A` is a sparse matrix on the device. The random start is made by the kernels: the numbers of a node do not
depend on where it is embedded.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from graphx.fastrp._random import SparseStart
from graphx.fastrp._states import State, to_float32
from graphx.fastrp._walk import Walk

__all__ = ["merge_hops"]


def merge_hops(
    walk: Walk,
    start: State | SparseStart,
    weights: Sequence[float],
    *,
    normalize: bool = True,
    storage: str = "float32",
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    r"""The sum :math:`\sum_{k=0}^{q} w_k \operatorname{rownorm}(U_k)`, as :func:`graphx.fastrp._engine.merge_hops`.

    Args:
        walk: The averages of the whole graph.
        start: :math:`U_0`.
        weights: :math:`w_0, ..., w_q`.
        normalize: Scale rows to unit length; otherwise U_k itself is weighted.
        storage: ``'bfloat16'`` rounds every U_k to it.
        device: Where to.
        dtype: Of the sums: ``torch.float32`` or ``torch.float64``.

    Returns:
        ``[N, d]`` of that type on that device.

    Example:
        >>> from graphx.fastrp._walk import walk_of
        >>> from graphx.graph import Graph
        >>> walk = walk_of(Graph.from_edges([0, 1], [1, 2]))
        >>> merge_hops(walk, np.eye(3, dtype=np.float32), [0, 1], normalize=False).tolist()
        [[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]
    """
    last = max((k for k, weight in enumerate(weights) if weight), default=0)
    state = _dense(start, device, dtype)
    averages = _averages(walk, state.shape[0], device, dtype) if last else state
    total = torch.zeros_like(state)
    for k in range(last + 1):
        if k:
            state = averages @ state
            if storage == "bfloat16":
                state = state.to(torch.bfloat16).to(dtype)
        if weights[k]:
            total.add_(_unit_rows(state) if normalize else state, alpha=float(weights[k]))
    return total


def _averages(walk: Walk, columns: int, device: str | torch.device, dtype: torch.dtype) -> Tensor:
    counts = np.diff(walk.indptr)
    sums = walk.degrees()
    factors = np.divide(1.0, sums, out=np.zeros(sums.size), where=sums > 0)
    if walk.by_count:
        factors *= walk.weights_scale
    first, stop = int(walk.indptr[0]), int(walk.indptr[-1])
    values = np.repeat(factors, counts)
    if walk.weights is not None:
        values *= walk.weights[first:stop]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Ss]parse.*")  # torch calls its CSR tensors a beta
        return torch.sparse_csr_tensor(
            torch.from_numpy(walk.indptr - first),
            torch.from_numpy(walk.indices[first:stop].astype(np.int64)),
            torch.from_numpy(values),
            size=(walk.num_rows, columns),
            dtype=dtype,
            device=device,
        )


def _dense(start: State | SparseStart, device: str | torch.device, dtype: torch.dtype) -> Tensor:
    if not isinstance(start, SparseStart):
        return torch.from_numpy(to_float32(start)).to(device=device, dtype=dtype)
    rows = np.repeat(np.arange(start.indptr.size - 1), np.diff(start.indptr))
    made = torch.zeros(start.indptr.size - 1, start.n_columns, device=device, dtype=dtype)
    at = (torch.from_numpy(rows).to(device), torch.from_numpy(start.columns.astype(np.int64)).to(device))
    made[at] = torch.from_numpy(start.values).to(device=device, dtype=dtype)
    return made


def _unit_rows(state: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(state, dim=1, keepdim=True)
    return torch.where(lengths > 0, state / torch.where(lengths > 0, lengths, 1), 0)
