r"""The passes of FastRP over one orbit adjacency M, matrix-free, over column tiles of float32 or bfloat16.

.. math::
    U_1 = S^{-1} M L R, \quad U_k = S^{-1} M U_{k-1}, \quad E = \sum_k w_k \operatorname{rownorm}(U_k)

with S the row sums of M (from the graphlet degrees). Two buffers of ``[N, d]`` go round; nothing else is of that size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from graphx import _core
from graphx.fastrp._engine import SparseStart, accumulate
from graphx.fastrp._states import STORAGE
from graphx.gradco._packed import Floats, Rows, aligned, float_rows, packs, tile_width
from graphx.gradco._tiles import Program, TiledOrbits
from graphx.gradco.orbits import Key

__all__ = ["OrbitPasses"]


class OrbitPasses:
    """The embeddings of single orbits, one after another, with buffers that are reused.

    Args:
        orbits: The products of the graph.
        columns: d.
        weights: The weight of each hop, w_1 first.
        self_influence: The weight of ``rownorm(L R)``.
        normalize: Divide the rows of each U_k by their length.
        storage: Of the U_k and of what lies between the products of a hop: ``'float32'`` or ``'bfloat16'``. Rows that
            are mostly 0 are float32 in any case, and so is the result.
    """

    def __init__(
        self,
        orbits: TiledOrbits,
        columns: int,
        weights: Sequence[float],
        *,
        self_influence: float,
        normalize: bool,
        storage: str = "float32",
    ) -> None:
        self.orbits, self.columns = orbits, columns
        self.weights, self.self_influence, self.normalize = list(weights), self_influence, normalize
        while self.weights and self.weights[-1] == 0:
            self.weights.pop()
        nodes = orbits.graph.num_nodes
        self.width = tile_width(columns)
        tiles = -(-columns // self.width)
        count, kind = 2 if len(self.weights) > 1 else 1, STORAGE[storage]
        self._buffers = [aligned(tiles, nodes, self.width, dtype=kind) for _ in range(count)]
        self._squares = np.empty((tiles, nodes), np.float64)

    def spare(self) -> Floats:
        """Room for one embedding ``[N, d]``: the buffer that :meth:`embed` does not need, or memory of its own.

        Where only the last two hops have a weight, the rows of the last go into ``out`` at once and nowhere else.
        """
        hops = len(self.weights)
        tile = self._buffers[(hops - 1) % len(self._buffers)]
        early = bool(self.self_influence) or any(self.weights[:-2])
        if hops < 2 or early or tile.shape[0] > 1 or tile.shape[2] != self.columns:
            return aligned(tile.shape[1], self.columns)
        if tile.dtype != np.float32:
            return float_rows(tile) if packs(tile) else aligned(tile.shape[1], self.columns)
        room: Floats = tile[0]
        return room

    def embed(
        self,
        key: Key,
        start: SparseStart | Floats,
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
            start: L R.
            out: ``[N, ...]``, C-contiguous.
            first: The first column.
            factor: A weight.
            accumulate: Add to what is there.
            after_hop: Called after each hop.
        """
        started = accumulate
        if self.self_influence:
            self._merge_start(start, out, first, factor * self.self_influence, add=started)
            started = True
        sums = self.orbits.row_sums(key)
        scale = np.divide(1.0, sums, out=np.zeros(sums.size), where=sums != 0).astype(np.float32)
        program = self.orbits.program(key)
        source: Rows | None = None
        waiting: list[tuple[Rows, Floats]] = []  # states whose buffer is not needed yet: the last two go out together
        for hop, weight in enumerate(self.weights):
            target = self._buffers[hop % len(self._buffers)]
            if any(np.may_share_memory(state, target) for state, _ in waiting):
                _core.tile_merge(waiting, out, first, self.columns, started, self.orbits.threads)
                started, waiting = True, []
            squares = self._squares if weight and self.normalize else None
            last = hop + 1 == len(self.weights)
            merged = weight and (waiting or hop + 2 < len(self.weights))  # by rows that are whole
            packed = not last and not merged
            finished = last and source is not None and len(target) == 1
            if source is None:
                source = self._first(program, start, target, scale, squares, packed=packed)
            elif finished:  # the last rows are not kept
                own, factors = waiting.pop() if waiting else (None, None)
                finish = (
                    None if own is None else own[0], factors, out, first, self.columns, factor * weight, self.normalize,
                    started,
                )  # fmt: skip
                program.apply(source, target, scale, None, finish)
                started = True
            else:
                packed = packed and program.stays_sparse(target, hops=hop + 1)
                source = program.apply(source, target, scale, squares, packed=packed)
            if weight and not finished:
                waiting.append((source, self._lengths(factor * weight)))
            if after_hop is not None:
                after_hop()
        if waiting:
            _core.tile_merge(waiting, out, first, self.columns, started, self.orbits.threads)
        elif not started:
            out[:, first : first + self.columns] = 0

    def _first(
        self,
        program: Program,
        start: SparseStart | Floats,
        target: Rows,
        scale: Floats,
        squares: npt.NDArray[np.float64] | None,
        *,
        packed: bool,
    ) -> Rows:
        """The first hop in the memory of ``target``; as packed rows if that is allowed, worth it and possible."""
        if isinstance(start, SparseStart):
            packed = packed and program.stays_sparse(target)
            return program.project(start[:3], target, scale, squares, packed=packed)
        program.apply(self._cut(start), target, scale, squares)
        return target

    def _cut(self, start: Floats) -> Rows:
        """Rows as tiles."""
        kind = self._buffers[0].dtype
        tiles = aligned(*self._buffers[0].shape, dtype=kind)
        for tile, made in enumerate(tiles):
            part = np.ascontiguousarray(start[:, tile * self.width : (tile + 1) * self.width])
            if kind != np.float32:
                half = np.empty(part.shape, kind)
                _core.fastrp_narrow(part, half, self.orbits.threads)
                part = half
            made[:, : part.shape[1]] = part
            made[:, part.shape[1] :] = 0
        return tiles

    def _lengths(self, weight: float) -> Floats:
        if not self.normalize:
            return np.full(self._squares.shape[1], weight, np.float32)
        total: npt.NDArray[np.float64] = self._squares.sum(axis=0)
        np.sqrt(total, out=total)
        made: Floats = np.divide(weight, total, out=np.zeros_like(total), where=total > 0).astype(np.float32)
        return made

    def _merge_start(self, start: SparseStart | Floats, out: Floats, first: int, weight: float, *, add: bool) -> None:
        if isinstance(start, SparseStart):
            dense = np.zeros((out.shape[0], self.columns), np.float32)
            dense[np.repeat(np.arange(out.shape[0]), np.diff(start.indptr)), start.columns] = start.values
            start = dense
        made = np.empty_like(start)
        accumulate(made, start, weight, normalize=self.normalize, add=False, num_threads=self.orbits.threads)
        if add:
            out[:, first : first + self.columns] += made
        else:
            out[:, first : first + self.columns] = made
