r"""The passes of FastRP over one orbit adjacency M, matrix-free, float32, over column tiles.

.. math::
    U_1 = S^{-1} M L R, \quad U_k = S^{-1} M U_{k-1}, \quad E = \sum_k w_k \operatorname{rownorm}(U_k)

with S the row sums of M (from the graphlet degrees). Two buffers of ``[N, d]`` go round; nothing else is of that size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graphx import _core
from graphx.gradco._tiles import Floats, Projection, TiledOrbits, aligned, tile_width
from graphx.gradco.orbits import Key

__all__ = ["OrbitPasses"]

_DENSE = 0.15  # from this share of non-zeros on, R is kept dense


class OrbitPasses:
    """The embeddings of single orbits, one after another, with buffers that are reused.

    Args:
        orbits: The products of the graph.
        columns: d.
        weights: The weight of each hop, w_1 first.
        self_influence: The weight of ``rownorm(L R)``.
        normalize: Divide the rows of each U_k by their length.
    """

    def __init__(
        self, orbits: TiledOrbits, columns: int, weights: Sequence[float], *, self_influence: float, normalize: bool
    ) -> None:
        self.orbits, self.columns = orbits, columns
        self.weights, self.self_influence, self.normalize = list(weights), self_influence, normalize
        while self.weights and self.weights[-1] == 0:
            self.weights.pop()
        nodes = orbits.graph.num_nodes
        self.width = tile_width(columns)
        tiles = -(-columns // self.width)
        self._buffers = [aligned(tiles, nodes, self.width) for _ in range(2 if len(self.weights) > 1 else 1)]
        self._squares = np.empty((tiles, nodes), np.float64)

    def embed(
        self,
        key: Key,
        projection: Projection,
        out: Floats,
        first: int,
        *,
        factor: float = 1.0,
        accumulate: bool = False,
        after_hop: Callable[[], object] | None = None,
    ) -> None:
        """``out[:, first : first + d] (+)= factor * E``.

        Args:
            key: The orbit adjacency.
            projection: L R as CSR.
            out: ``[N, ...]``, C-contiguous.
            first: The first column.
            factor: A weight.
            accumulate: Add to what is there.
            after_hop: Called after each hop.
        """
        started = accumulate
        if self.self_influence:
            self._merge_projection(projection, out, first, factor * self.self_influence, accumulate=started)
            started = True
        sums = self.orbits.row_sums(key)
        scale = np.divide(1.0, sums, out=np.zeros(sums.size), where=sums != 0).astype(np.float32)
        program = self.orbits.program(key)
        source: Floats | None = None
        waiting: list[tuple[Floats, Floats]] = []  # states whose buffer is not needed yet: the last two go out together
        for hop, weight in enumerate(self.weights):
            target = self._buffers[hop % len(self._buffers)]
            if any(state is target for state, _ in waiting):
                _core.tile_merge(waiting, out, first, self.columns, started, self.orbits.threads)
                started, waiting = True, []
            if source is None:
                self._first(program, projection, target, scale)
            else:
                program.apply(source, target, scale, self._squares)
            if weight:
                waiting.append((target, self._lengths(factor * weight)))
            source = target
            if after_hop is not None:
                after_hop()
        if waiting:
            _core.tile_merge(waiting, out, first, self.columns, started, self.orbits.threads)
        elif not started:
            out[:, first : first + self.columns] = 0

    def _first(self, program: Any, projection: Projection, target: Floats, scale: Floats) -> None:
        nodes = target.shape[1]
        if projection[1].size <= _DENSE * nodes * self.columns:
            program.project(projection, target, scale, self._squares)
            return
        dense = self._spread(projection)
        program.apply(dense, target, scale, self._squares)

    def _spread(self, projection: Projection) -> Floats:
        """R as dense tiles."""
        indptr, columns, values = projection
        dense = aligned(*self._buffers[0].shape)
        dense[:] = 0
        rows = np.repeat(np.arange(dense.shape[1]), np.diff(indptr))
        dense[columns // self.width, rows, columns % self.width] = values
        return dense

    def _lengths(self, weight: float) -> Floats:
        if not self.normalize:
            return np.full(self._squares.shape[1], weight, np.float32)
        total: npt.NDArray[np.float64] = self._squares.sum(axis=0)
        np.sqrt(total, out=total)
        made: Floats = np.divide(weight, total, out=np.zeros_like(total), where=total > 0).astype(np.float32)
        return made

    def _merge_projection(
        self, projection: Projection, out: Floats, first: int, factor: float, *, accumulate: bool
    ) -> None:
        indptr, columns, values = projection
        rows = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
        share = np.full(indptr.size - 1, factor)
        if self.normalize:
            lengths = np.sqrt(np.bincount(rows, values.astype(np.float64) ** 2, minlength=indptr.size - 1))
            share = np.divide(factor, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        if not accumulate:
            out[:, first : first + self.columns] = 0
        out[rows, first + columns] += (values * share[rows]).astype(np.float32)
