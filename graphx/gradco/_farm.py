"""The rows of orbit adjacencies counted by the workers of a cluster, block by block, each block a file."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from graphx._cluster import Block, check_client, farm, job_folder, worker_threads
from graphx.gradco.blocks import OrbitBlock
from graphx.gradco.count import OrbitAdjacency, OrbitSummary
from graphx.gradco.orbits import ORBIT_KEYS, Key, graphlet_of, key_mask, key_name
from graphx.graph import Graph

if TYPE_CHECKING:
    from graphx.gradco.count import Progress

__all__ = ["FarmedRows"]

_TASKS: Final = 24  # for each thread of the cluster, so that the last ones end together
_BLOCK_BYTES: Final = 64 << 20
_lock = threading.Lock()
_counted: dict[str, OrbitAdjacency] = {}  # of this worker process: the graph it works on


class FarmedRows:
    """The selected matrices as blocks that the workers of a cluster wrote: what ``save`` needs of an OrbitAdjacency.

    Args:
        orbits: The graph.
        keys: The selected matrices.
        client: A ``distributed.Client``.
        folder: Where the blocks go; finished blocks of an earlier try at the same job are used.
    """

    def __init__(self, orbits: OrbitAdjacency, keys: list[Key], client: Any, folder: Path) -> None:
        import graphx

        check_client(client)
        graph = orbits.graph
        facts = {
            "job": "orbit adjacencies",
            "graph": graph.digest,
            "keys": [key_name(key) for key in keys],
            "wide": orbits._wide,
            "graphx": graphx.__version__,
        }
        self.folder, cut = job_folder(folder, facts, {"tasks": worker_threads(client) * _TASKS})
        self._nodes = graph.num_nodes
        source = self.folder / "graph"
        if not source.is_dir():
            graph.without_names().save(source)
        bounds = _bounds(graph, keys, cut["tasks"])
        self._blocks = [
            Block(self.folder / f"rows-{start:010d}.npz", (str(source), key_mask(keys), orbits._wide, start, stop))
            for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
        ]
        progress: Progress | None = orbits._progress
        farm(client, _count_rows, self._blocks, what="orbit-rows", progress=progress)

    def summary(self, keys: Iterable[Key]) -> list[OrbitSummary]:
        """Non-zeros, sum and maximum of each matrix, from the blocks."""
        selected = list(keys)
        total, most = np.zeros((len(selected), 2), np.int64), np.zeros(len(selected), np.int64)
        for block in self._blocks:
            with np.load(block.path, allow_pickle=False) as file:
                rows = file["summary"]
            total += rows[:, :2]
            most = np.maximum(most, rows[:, 2])
        return [
            OrbitSummary(key, graphlet_of(key), int(t[0]), int(t[1]), int(m))
            for key, t, m in zip(selected, total, most, strict=True)
        ]

    def iter_blocks(self, keys: Iterable[Key]) -> Iterator[OrbitBlock]:
        """The blocks in order."""
        selected = list(keys)
        for block in self._blocks:
            start, stop = block.arguments[-2:]
            with np.load(block.path, allow_pickle=False) as file:
                parts = {key: tuple(file[f"{key_name(key)}.{part}"] for part in _PARTS) for key in selected}
            yield OrbitBlock(start, stop, self._nodes, parts)

    def remove(self) -> None:
        """The blocks are no longer needed."""
        shutil.rmtree(self.folder, ignore_errors=True)


_PARTS: Final = ("indptr", "indices", "values")


def _bounds(graph: Graph, keys: list[Key], tasks: int) -> npt.NDArray[np.int64]:
    """Rows cut into tasks of similar work, and of bounded size: by wedges, and by what they may take."""
    nodes = graph.num_nodes
    degrees = graph.degrees().astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(degrees[graph.indices])])
    wedges = sums[graph.indptr[1:]] - sums[graph.indptr[:-1]]
    hops = [key[0] for key in keys]
    size = 8 * (degrees * hops.count(1) + np.minimum(wedges, nodes) * hops.count(2) + nodes * float(hops.count(3)))
    cuts = max(tasks, int(size.sum() / _BLOCK_BYTES) + 1)
    work = np.cumsum(wedges + degrees + 1)
    if nodes == 0:
        return np.zeros(1, np.int64)
    inner = np.searchsorted(work, np.linspace(0, work[-1], cuts + 1)[1:-1]) + 1
    return np.unique(np.concatenate([[0], inner, [nodes]]).astype(np.int64))


def _orbits_of(graph: str, *, wide: bool) -> OrbitAdjacency:
    with _lock:
        if graph not in _counted:
            _counted.clear()
            orbits = OrbitAdjacency(Graph.open(graph), num_threads=1)
            orbits._wide = wide
            orbits.num_triangles  # noqa: B018 counts the edges, once for all blocks of this process
            _counted[graph] = orbits
        return _counted[graph]


def _count_rows(partial: Path, graph: str, mask: int, wide: bool, start: int, stop: int) -> None:
    """Runs on a worker: rows start..stop of the selected matrices into one .npz."""
    orbits = _orbits_of(graph, wide=wide)
    selected = [key for number, key in enumerate(ORBIT_KEYS) if mask >> number & 1]
    parts: dict[Key, list[list[npt.NDArray[Any]]]] = {key: [] for key in selected}
    for block in orbits._blocks(mask, _BLOCK_BYTES // 4, start, stop):
        for key in selected:
            parts[key].append([array.copy() for array in block.arrays(key)])
    arrays: dict[str, npt.NDArray[Any]] = {}
    summary = np.zeros((len(selected), 3), np.int64)
    for row, key in zip(summary, selected, strict=True):
        pieces = parts.pop(key)
        sizes = np.concatenate([np.diff(piece[0]) for piece in pieces])
        values = np.concatenate([piece[2] for piece in pieces])
        arrays[f"{key_name(key)}.indptr"] = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        arrays[f"{key_name(key)}.indices"] = np.concatenate([piece[1] for piece in pieces])
        arrays[f"{key_name(key)}.values"] = values
        row[:] = values.size, values.sum(dtype=np.int64), values.max(initial=0)
    with partial.open("wb") as out:
        np.savez(out, summary=summary, **arrays)  # type: ignore[arg-type, unused-ignore]
