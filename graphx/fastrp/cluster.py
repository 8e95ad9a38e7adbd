"""FastRP on a Dask cluster: tiles of columns, or blocks of rows where the graph does not fit a worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphx._cluster import Block, check_client, farm, worker_memory, worker_threads
from graphx.errors import InputError
from graphx.fastrp._blocks import GROUP, Job, finish_block, hop_block, hop_name, mark_name, tile_block
from graphx.fastrp._engine import STORAGE
from graphx.fastrp._jobs import open_job, working_folder
from graphx.fastrp._outofcore import standardize
from graphx.graph import Graph

if TYPE_CHECKING:
    from graphx.fastrp.fastrp import FastRP

__all__ = ["embed_on_cluster"]

Floats = npt.NDArray[np.float32]
_SHARE = 0.5  # of a worker's memory that a block may take


def embed_on_cluster(
    model: FastRP,
    graph: Graph,
    client: Any,
    *,
    work_dir: Any = None,
    layout: str | None = None,
    width: int | None = None,
    blocks: int | None = None,
) -> Floats:
    """The embedding, made by the workers of a cluster; the same bits as on one machine.

    With ``'columns'`` a task takes a tile of columns through all hops, and tiles exchange nothing but sums of squares of
    their rows. With ``'rows'`` a task makes one hop of a block of rows of a tile, so it needs that part of the graph
    and one tile of the state before. Tasks read and write files; every finished one stays.

    Args:
        model: A checked estimator with a seed.
        graph: The graph; one that :meth:`Graph.open` mapped is read by the workers from where it lies.
        client: A ``distributed.Client``.
        work_dir: A folder that client and workers share; None for a temporary one of this machine, which is gone after
            a failure too.
        layout: ``'columns'`` or ``'rows'``; None for columns while the graph fits every worker.
        width: Columns a tile, a multiple of ``GROUP``.
        blocks: Blocks of rows for ``'rows'``.

    Returns:
        float32 ``[N, d]``.

    Raises:
        MissingDependencyError: Dask distributed is not installed.
        InputError: ``client`` is no client, or the estimator asks for what is not made tile by tile.
        CapacityError: A disk is full, or workers lack memory.
        StoreError: A file was lost, or ``work_dir`` holds another job.

    Example:
        >>> from graphx.data import load_graph
        >>> from graphx.fastrp import FastRP
        >>> FastRP(16).fit(load_graph("karate"), client="tcp://127.0.0.1:8786")
        Traceback (most recent call last):
            ...
        graphx.errors.InputError: client is a str; expected a distributed.Client...
    """
    check_client(client)
    if layout not in (None, "columns", "rows"):
        raise InputError(f"layout is {layout!r}; expected 'columns', 'rows' or None")
    with working_folder(work_dir) as folder:
        job, layout = open_job(model, graph, folder, _cut(model, graph, client, layout, width, blocks))
        run = _Run(client, job, model.progress)
        run.columns() if layout == "columns" else run.rows()
        made = run.result()
    standardize(model, made)
    return made


def _cut(
    model: FastRP, graph: Graph, client: Any, layout: str | None, width: int | None, blocks: int | None
) -> dict[str, Any]:
    """Tiles and blocks, small enough for a worker and enough for all of them."""
    threads, room = worker_threads(client), _SHARE * worker_memory(client)
    nodes = graph.num_nodes
    if width is None:
        width = max(GROUP, -(-model.n_components // (2 * threads)) // GROUP * GROUP)
    csr = graph.indices.nbytes + graph.indptr.nbytes + (0 if graph.weights is None else graph.weights.nbytes)
    state = nodes * width * STORAGE[model.storage].itemsize
    if layout is None:
        layout = "columns" if csr + 3 * state <= room else "rows"
    if layout == "columns":
        return {"layout": layout, "width": width, "bounds": [0, nodes]}
    count = blocks or max(2 * threads, int(csr / room) + 1)
    work = graph.indptr[1:] + np.arange(1, nodes + 1)
    inner = np.searchsorted(work, np.linspace(0, work[-1], count + 1)[1:-1]) + 1 if nodes else np.zeros(0, np.int64)
    bounds = np.unique(np.concatenate([[0], inner, [nodes]]).astype(np.int64)).tolist()
    return {"layout": layout, "width": width, "bounds": bounds if len(bounds) > 1 else [0, nodes]}


class _Run:
    """The steps of a job."""

    def __init__(self, client: Any, job: Job, progress: Callable[[str, int, int], object] | None) -> None:
        self._client, self._job, self._progress = client, job, progress
        self._folder = Path(job.folder)
        self._grid = [(block, tile) for block in range(len(job.bounds) - 1) for tile in range(job.tiles)]

    def _farm(self, work: Callable[..., None], blocks: list[Block], what: str) -> None:
        farm(self._client, work, blocks, what=what, progress=self._progress)

    def columns(self) -> None:
        """All hops, a task a tile."""
        tiles = [Block(self._folder / mark_name(tile), (self._job, tile)) for tile in range(self._job.tiles)]
        self._farm(tile_block, tiles, "fastrp-tiles")

    def rows(self) -> None:
        """Hop after hop, a task a block of rows of a tile."""
        spec = self._job.spec
        for hop in range(0 if spec.weights[0] else 1, spec.hops + 1):
            blocks = [Block(self._folder / hop_name(hop, b, t), (self._job, hop, b, t)) for b, t in self._grid]
            self._farm(hop_block, blocks, f"fastrp-hop{hop}")

    def result(self) -> Floats:
        """The weighted sums of unit rows, put together."""
        blocks = [Block(self._folder / f"result-{b:06d}-{t:06d}.npy", (self._job, b, t)) for b, t in self._grid]
        self._farm(finish_block, blocks, "fastrp-result")
        bounds = self._job.bounds
        out = np.empty((bounds[-1], self._job.spec.columns), np.float32)
        for (b, t), block in zip(self._grid, blocks, strict=True):
            first, last = self._job.tile(t)
            out[bounds[b] : bounds[b + 1], first:last] = np.load(block.path, mmap_mode="r")
        return out
