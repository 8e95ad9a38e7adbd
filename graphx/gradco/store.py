"""Orbit adjacencies on disk: a directory of memory-mapped arrays with a manifest.

Layout (version 1)::

    manifest.json                        versions, graph digest, the matrices, size and SHA-256 of every array
    graph/indptr.npy indices.npy         the graph itself (names.npy where nodes have names)
    hop2/2_9_10.indptr.npy               row pointer int64 [N + 1]
    hop2/2_9_10.indices.npy              columns int32 [nnz]
    hop2/2_9_10.values.npy               counts, the dtype of the matrix in memory
    hop3/3_4_4.dense.npy                 [N, N] in the narrowest unsigned width, where that is smaller

Matrices of equal pattern share their ``indptr`` and ``indices``. One writer appends block after block, so memory is
bounded whatever the size; the whole directory appears by one rename.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from graphx.errors import InputError, StoreError
from graphx.gradco._writing import FORMAT, MANIFEST, VERSION, manifest_checksum, save
from graphx.gradco.blocks import OrbitBlock, csr
from graphx.gradco.count import OrbitSummary
from graphx.gradco.orbits import ORBIT_KEYS, Key, graphlet_of, key_name, key_number
from graphx.graph import Graph, as_graph

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["OrbitStore", "save"]

_READ: Final = 1 << 22


class OrbitStore(Mapping[Key, "csr_array"]):
    """Saved orbit adjacencies: a mapping from key to CSR over memory-mapped arrays.

    Args:
        path: The directory that :func:`save` made.
        graph: The graph that it should belong to (anything :func:`graphx.graph.as_graph` takes); None for any.
        verify: Compare the SHA-256 of every array (reads every byte once).

    Raises:
        StoreError: The store is damaged, incomplete, of a later version, or belongs to another graph.

    Example:
        >>> import networkx as nx, tempfile
        >>> from graphx.gradco import OrbitAdjacency
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = OrbitAdjacency(nx.cycle_graph(5)).save(f"{folder}/ring.orbits")
        ...     store = OrbitStore(path)
        ...     len(store), store[2, 1, 1].sum().item(), store.graph.num_edges
        (28, 10, 5)
    """

    def __init__(self, path: str | os.PathLike[str], graph: Any = None, *, verify: bool = True) -> None:
        self.path = Path(path)
        self._manifest = _read_manifest(self.path)
        facts = self._manifest["graph"]
        if graph is not None and as_graph(graph).digest != facts["digest"]:
            raise StoreError(
                f"{self.path} holds the orbits of another graph ({facts['num_nodes']:,} nodes, "
                f"{facts['num_edges']:,} edges); open it without a graph, or save this graph's own"
            )
        self._check_files(verify)
        self._keys = tuple(key for key in ORBIT_KEYS if key_name(key) in self._manifest["matrices"])

    def _check_files(self, verify: bool) -> None:
        files: dict[str, dict[str, Any]] = self._manifest["files"]
        for name, expected in files.items():
            try:
                size = (self.path / name).stat().st_size
            except OSError as error:
                raise StoreError(
                    f"{self.path / name}: {error.strerror}; the store is incomplete: save it again"
                ) from error
            if size != expected["bytes"]:
                raise StoreError(
                    f"{self.path / name} has {size:,} bytes; expected {expected['bytes']:,}: save the store again"
                )
        if not verify:
            return
        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            for name, found in zip(files, pool.map(lambda name: _sha256(self.path / name), files), strict=True):
                if found != files[name]["sha256"]:
                    raise StoreError(f"{self.path / name} is damaged (its checksum differs): save the store again")

    def __getitem__(self, key: Key) -> csr_array:
        entry = self._entry(key)
        nodes = self.graph.num_nodes
        if entry["layout"] == "dense":
            blocks = [self._dense_rows(entry, start, min(nodes, start + 256)) for start in range(0, nodes, 256)]
            from scipy.sparse import vstack

            return vstack(blocks, format="csr") if blocks else _empty(entry, nodes)
        indptr, indices, values = (self._map(entry[part]) for part in ("indptr", "indices", "values"))
        return csr(values, indices, indptr, (nodes, nodes))

    def _dense_rows(self, entry: dict[str, Any], start: int, stop: int) -> csr_array:
        from scipy.sparse import csr_array

        return csr_array(self._map(entry["values"])[start:stop].astype(entry["dtype"]))

    def _entry(self, key: Key) -> dict[str, Any]:
        name = key_name(ORBIT_KEYS[key_number(key)])
        if name not in self._manifest["matrices"]:
            raise KeyError(f"{key!r} was not saved in {self.path}; it holds {', '.join(map(key_name, self._keys))}")
        entry: dict[str, Any] = self._manifest["matrices"][name]
        return entry

    def _map(self, name: str) -> npt.NDArray[Any]:
        found = self._manifest["files"][name]
        try:
            array: npt.NDArray[Any] = np.load(self.path / name, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{self.path / name} cannot be read ({error}); expected {found['bytes']:,} bytes"
            ) from error
        return array

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"OrbitStore({str(self.path)!r}, {len(self)} matrices, num_nodes={self.graph.num_nodes})"

    @property
    def graph(self) -> Graph:
        """The graph whose orbits these are, over memory-mapped arrays."""
        files = self._manifest["files"]
        names: Any = np.array(self._map("graph/names.npy")) if "graph/names.npy" in files else None
        if names is not None and names.dtype.kind == "U":
            names = tuple(names.tolist())
        return Graph._trusted(self._map("graph/indptr.npy"), self._map("graph/indices.npy"), names=names)

    def summary(self) -> list[OrbitSummary]:
        """Non-zeros, sum and maximum of every saved matrix, from the manifest.

        Returns:
            One :class:`graphx.gradco.OrbitSummary` a key.
        """
        entries = ((key, self._entry(key)) for key in self._keys)
        return [OrbitSummary(key, graphlet_of(key), e["nnz"], e["sum"], e["max"]) for key, e in entries]

    def iter_blocks(self, keys: Iterable[Key] | None = None, *, rows: int = 1024) -> Iterator[OrbitBlock]:
        """The saved matrices in blocks of rows; see :meth:`OrbitAdjacency.iter_blocks`.

        Args:
            keys: Which matrices; None for all that were saved.
            rows: Rows a block.

        Yields:
            :class:`graphx.gradco.OrbitBlock`.

        Raises:
            InputError: ``rows`` is not positive.
            KeyError: A key was not saved.
        """
        if rows < 1:
            raise InputError(f"rows is {rows!r}; expected a positive number")
        selected = self._keys if keys is None else tuple(keys)
        entries = {key: self._entry(key) for key in selected}
        nodes = self.graph.num_nodes
        for start in range(0, nodes, rows):
            stop = min(nodes, start + rows)
            yield OrbitBlock(start, stop, nodes, {key: self._rows(e, start, stop) for key, e in entries.items()})

    def _rows(self, entry: dict[str, Any], start: int, stop: int) -> tuple[Any, Any, Any]:
        if entry["layout"] == "dense":
            block = self._dense_rows(entry, start, stop)
            return block.indptr, block.indices, block.data
        indptr = self._map(entry["indptr"])[start : stop + 1]
        first, last = int(indptr[0]), int(indptr[-1])
        return indptr - first, self._map(entry["indices"])[first:last], self._map(entry["values"])[first:last]


def _empty(entry: dict[str, Any], nodes: int) -> csr_array:
    from scipy.sparse import csr_array

    return csr_array((nodes, nodes), dtype=entry["dtype"])


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_READ):
            digest.update(chunk)
    return digest.hexdigest()


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        text = (path / MANIFEST).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is no store of orbit adjacencies: its {MANIFEST} cannot be read ({error})") from error
    try:
        manifest = json.loads(text)
        if manifest["format"] != FORMAT:
            raise StoreError(f"{path / MANIFEST} is of format {manifest['format']!r}; expected {FORMAT!r}")
        if manifest["version"] != VERSION:
            raise StoreError(
                f"{path} is of store version {manifest['version']}; this graphx reads {VERSION}: update it"
            )
        if manifest["checksum"] != manifest_checksum(manifest):
            raise StoreError(f"{path / MANIFEST} is damaged (its checksum differs): save the store again")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{path / MANIFEST} is damaged ({error}): save the store again") from error
    return dict(manifest)
