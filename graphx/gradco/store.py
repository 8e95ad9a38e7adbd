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

from graphx._files import atomic_directory, check_room
from graphx.errors import InputError, StoreError
from graphx.gradco.blocks import OrbitBlock, csr
from graphx.gradco.count import OrbitAdjacency, OrbitSummary
from graphx.gradco.orbits import ORBIT_KEYS, Key, graphlet_of, key_mask, key_name, key_number
from graphx.graph import Graph, as_graph

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["OrbitStore", "save"]

_FORMAT: Final = "graphx-orbits"
_VERSION: Final = 1
_MANIFEST: Final = "manifest.json"
_READ: Final = 1 << 22


def save(
    orbits: OrbitAdjacency, path: str | os.PathLike[str], keys: Iterable[Key] | None = None, *, overwrite: bool = False
) -> Path:
    """Writes orbit adjacencies into a directory, in bounded memory.

    The matrices are counted twice: once for their sizes, from which headers and layout follow, once to write them. A
    killed or failed save leaves the directory that was there before, or none.

    Args:
        orbits: The counted graph.
        path: The directory to make.
        keys: Which matrices; None for all 28.
        overwrite: Replace a store that is there. A directory that is no store is never replaced.

    Returns:
        The path.

    Raises:
        InputError: The path exists and may not be replaced.
        CapacityError: The disk has too little room.
        KeyError: A key names no matrix.

    Example:
        >>> import networkx as nx, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = save(OrbitAdjacency(nx.star_graph(3)), f"{folder}/star.orbits", [(2, 6, 6)])
        ...     OrbitStore(path)[2, 6, 6].nnz
        6
    """
    target = Path(path)
    mask = key_mask(keys)
    selected = [key for number, key in enumerate(ORBIT_KEYS) if mask >> number & 1]
    if overwrite and target.is_dir() and any(target.iterdir()) and not (target / _MANIFEST).is_file():
        raise InputError(f"{target} is a directory but no store of orbit adjacencies; it is not replaced")
    with atomic_directory(target, overwrite=overwrite) as folder:
        plans = _plan(orbits, selected)
        check_room(folder, sum(plan.num_bytes for plan in plans) + orbits.graph.indices.nbytes)
        writer = _Writer(folder)
        try:
            writer.graph(orbits.graph)
            for plan in plans:
                plan.open(writer)
            for block in orbits.iter_blocks(selected):
                for plan in plans:
                    plan.write(block)
            files = writer.close()
        except BaseException:
            writer.abandon()
            raise
        manifest = {
            "format": _FORMAT,
            "version": _VERSION,
            "graphx": _version(),
            "graph": {
                "digest": orbits.graph.digest,
                "num_nodes": orbits.graph.num_nodes,
                "num_edges": orbits.graph.num_edges,
            },
            "matrices": {key_name(plan.key): plan.entry() for plan in plans},
            "files": files,
        }
        manifest["checksum"] = _checksum(manifest)
        with (folder / _MANIFEST).open("w", encoding="utf-8") as out:
            json.dump(manifest, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
    return target


def _version() -> str:
    import graphx

    return str(graphx.__version__)


def _checksum(manifest: dict[str, Any]) -> str:
    rest = {name: part for name, part in manifest.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def value_dtype(key: Key, maximum: int, wide: bool) -> np.dtype[Any]:
    """The dtype that a matrix has in memory, whatever way it came there."""
    if key == ORBIT_KEYS[-1] and maximum <= np.iinfo(np.int16).max:
        return np.dtype(np.int16)
    return np.dtype(np.int64 if wide else np.int32)


class _File:
    """One array, appended to, its checksum taken on the way."""

    def __init__(self, path: Path, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> None:
        self.dtype, self._left = np.dtype(dtype), int(np.prod(shape, dtype=np.int64))
        self._hash, self._size = hashlib.sha256(), 0
        path.parent.mkdir(exist_ok=True)
        self._out = path.open("wb", buffering=0)
        header = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(_Raw(self._put), header)

    def write(self, array: npt.NDArray[Any]) -> None:
        data = np.ascontiguousarray(array, dtype=self.dtype)
        self._left -= data.size
        self._put(data.reshape(-1).view(np.uint8).data if data.size else b"")

    def _put(self, data: bytes | memoryview) -> int:
        view = memoryview(data)
        self._hash.update(view)
        self._size += len(view)
        while view.nbytes:
            view = view[self._out.write(view) :]
        return len(data)

    def close(self) -> dict[str, Any]:
        self._out.close()
        if self._left:
            raise StoreError(f"{self._out.name}: {self._left} entries short of what was counted; please report this")
        return {"bytes": self._size, "sha256": self._hash.hexdigest()}

    def abandon(self) -> None:
        self._out.close()


class _Raw:
    """What numpy's header writer takes for a file."""

    def __init__(self, write: Any) -> None:
        self.write = write


class _Writer:
    """The files of a store in the making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, _File] = {}

    def file(self, name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> _File:
        made = self._files[name] = _File(self.folder / name, dtype, shape)
        return made

    def array(self, name: str, array: npt.NDArray[Any]) -> None:
        self.file(name, array.dtype, array.shape).write(array)

    def graph(self, graph: Graph) -> None:
        self.array("graph/indptr.npy", graph.indptr)
        self.array("graph/indices.npy", graph.indices)
        if graph.names is not None:
            names = np.asarray(graph.names)
            self.array("graph/names.npy", names if names.dtype.kind in "iuU" else names.astype(np.str_))

    def close(self) -> dict[str, dict[str, Any]]:
        return {name: file.close() for name, file in self._files.items()}

    def abandon(self) -> None:
        for file in self._files.values():
            file.abandon()


class _Plan:
    """How one matrix is laid out, and the writing of it."""

    def __init__(self, summary: OrbitSummary, num_nodes: int, wide: bool, pattern_of: Key | None) -> None:
        self.key, self.summary, self.num_nodes, self.pattern_of = summary.key, summary, num_nodes, pattern_of
        self.dtype = value_dtype(summary.key, summary.maximum, wide)
        narrow = np.min_scalar_type(summary.maximum)
        sparse = summary.num_nonzeros * (4 + self.dtype.itemsize) + 8 * num_nodes
        self.dense = self.key == ORBIT_KEYS[-1] and num_nodes**2 * narrow.itemsize < sparse
        self.stored = narrow if self.dense else self.dtype
        own_pattern = 0 if pattern_of else summary.num_nonzeros * 4 + 8 * num_nodes
        self.num_bytes = (
            num_nodes**2 * narrow.itemsize if self.dense else own_pattern + summary.num_nonzeros * self.dtype.itemsize
        )
        self._offset = 0

    def _name(self, part: str, key: Key | None = None) -> str:
        key = key or self.key
        return f"hop{key[0]}/{key_name(key)}.{part}.npy"

    def entry(self) -> dict[str, Any]:
        facts = {"nnz": self.summary.num_nonzeros, "sum": self.summary.total, "max": self.summary.maximum}
        if self.dense:
            return {"layout": "dense", "values": self._name("dense"), "dtype": self.dtype.name, **facts}
        return {
            "layout": "csr",
            "indptr": self._name("indptr", self.pattern_of),
            "indices": self._name("indices", self.pattern_of),
            "values": self._name("values"),
            "dtype": self.dtype.name,
            **facts,
        }

    def open(self, writer: _Writer) -> None:
        nodes, entries = self.num_nodes, self.summary.num_nonzeros
        if self.dense:
            self._values = writer.file(self._name("dense"), self.stored, (nodes, nodes))
            return
        self._values = writer.file(self._name("values"), self.stored, (entries,))
        if self.pattern_of is None:
            self._indptr = writer.file(self._name("indptr"), np.int64, (nodes + 1,))
            self._indices = writer.file(self._name("indices"), np.int32, (entries,))
            self._indptr.write(np.zeros(1, np.int64))

    def write(self, block: OrbitBlock) -> None:
        if self.dense:
            self._values.write(block[self.key].toarray().astype(self.stored))
            return
        indptr, indices, values = block.arrays(self.key)
        self._values.write(values)
        if self.pattern_of is None:
            self._indptr.write(indptr[1:] + self._offset)
            self._indices.write(indices)
            self._offset += int(indptr[-1])


def _plan(orbits: OrbitAdjacency, keys: list[Key]) -> list[_Plan]:
    """The layout: patterns are nested in that of the widest matrix of the hop, so equal counts mean equal patterns."""
    plans: list[_Plan] = []
    for summary in orbits.summary(keys):
        whole = next((p for p in plans if p.key in ((1, 0, 0), (2, 1, 1)) and p.key[0] == summary.key[0]), None)
        shared = whole.key if whole and whole.summary.num_nonzeros == summary.num_nonzeros else None
        plans.append(_Plan(summary, orbits.graph.num_nodes, orbits._wide, shared))
    return plans


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
        names = np.array(self._map("graph/names.npy")) if "graph/names.npy" in files else None
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
        text = (path / _MANIFEST).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path} is no store of orbit adjacencies: its {_MANIFEST} cannot be read ({error})"
        ) from error
    try:
        manifest = json.loads(text)
        if manifest["format"] != _FORMAT:
            raise StoreError(f"{path / _MANIFEST} is of format {manifest['format']!r}; expected {_FORMAT!r}")
        if manifest["version"] != _VERSION:
            raise StoreError(
                f"{path} is of store version {manifest['version']}; this graphx reads {_VERSION}: update it"
            )
        if manifest["checksum"] != _checksum(manifest):
            raise StoreError(f"{path / _MANIFEST} is damaged (its checksum differs): save the store again")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{path / _MANIFEST} is damaged ({error}): save the store again") from error
    return dict(manifest)
