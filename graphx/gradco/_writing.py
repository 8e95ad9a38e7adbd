"""The writing of a store of orbit adjacencies (see :mod:`graphx.gradco.store`): layout, files, manifest."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from graphx._files import atomic_directory, check_room
from graphx.errors import InputError, StoreError
from graphx.gradco.blocks import OrbitBlock
from graphx.gradco.count import OrbitAdjacency, OrbitSummary
from graphx.gradco.orbits import ORBIT_KEYS, Key, key_mask, key_name
from graphx.graph import Graph

if TYPE_CHECKING:
    from graphx.gradco._farm import FarmedRows

__all__ = ["FORMAT", "MANIFEST", "VERSION", "manifest_checksum", "save", "value_dtype"]

FORMAT: Final = "graphx-orbits"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"


def save(
    orbits: OrbitAdjacency,
    path: str | os.PathLike[str],
    keys: Iterable[Key] | None = None,
    *,
    overwrite: bool = False,
    client: Any = None,
) -> Path:
    """Writes orbit adjacencies into a directory, in bounded memory.

    The matrices are counted twice: once for their sizes, from which headers and layout follow, once to write them. A
    killed or failed save leaves the directory that was there before, or none.

    Args:
        orbits: The counted graph.
        path: The directory to make.
        keys: Which matrices; None for all 28.
        overwrite: Replace a store that is there. A directory that is no store is never replaced.
        client: A Dask ``distributed.Client``: its workers count the rows, block by block, into the folder
            ``PATH.blocks``, which client and workers must share; a call that follows a failed one goes on from the
            finished blocks. The store is the same, byte by byte. Needs the extra ``cluster``.

    Returns:
        The path.

    Raises:
        InputError: The path exists and may not be replaced.
        CapacityError: The disk has too little room.
        StoreError: A file was lost while workers counted, or ``PATH.blocks`` belongs to another job.
        MissingDependencyError: ``client`` is given and Dask distributed is not installed.
        KeyError: A key names no matrix.

    Example:
        >>> import networkx as nx, tempfile
        >>> from graphx.gradco.store import OrbitStore, save
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = save(OrbitAdjacency(nx.star_graph(3)), f"{folder}/star.orbits", [(2, 6, 6)])
        ...     OrbitStore(path)[2, 6, 6].nnz
        6
    """
    target = Path(path)
    mask = key_mask(keys)
    selected = [key for number, key in enumerate(ORBIT_KEYS) if mask >> number & 1]
    if overwrite and target.is_dir() and any(target.iterdir()) and not (target / MANIFEST).is_file():
        raise InputError(f"{target} is a directory but no store of orbit adjacencies; it is not replaced")
    with atomic_directory(target, overwrite=overwrite) as folder:
        farmed = None if client is None else _farmed(orbits, selected, client, target)
        source = farmed or orbits
        plans = _plan(source.summary(selected), orbits)
        check_room(folder, sum(plan.num_bytes for plan in plans) + orbits.graph.indices.nbytes)
        writer = _Writer(folder)
        try:
            writer.graph(orbits.graph)
            for plan in plans:
                plan.open(writer)
            for block in source.iter_blocks(selected):
                for plan in plans:
                    plan.write(block)
            files = writer.close()
        except BaseException:
            writer.abandon()
            raise
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "graphx": _version(),
            "graph": {
                "digest": orbits.graph.digest,
                "num_nodes": orbits.graph.num_nodes,
                "num_edges": orbits.graph.num_edges,
            },
            "matrices": {key_name(plan.key): plan.entry() for plan in plans},
            "files": files,
        }
        manifest["checksum"] = manifest_checksum(manifest)
        with (folder / MANIFEST).open("w", encoding="utf-8") as out:
            json.dump(manifest, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
    if farmed is not None:
        farmed.remove()
    return target


def _farmed(orbits: OrbitAdjacency, keys: list[Key], client: Any, target: Path) -> FarmedRows:
    from graphx.gradco._farm import FarmedRows

    return FarmedRows(orbits, keys, client, target.with_name(f"{target.name}.blocks"))


def _version() -> str:
    import graphx

    return str(graphx.__version__)


def manifest_checksum(manifest: dict[str, Any]) -> str:
    """SHA-256 of all that a manifest says but for the checksum itself."""
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


def _plan(summaries: list[OrbitSummary], orbits: OrbitAdjacency) -> list[_Plan]:
    """The layout: patterns are nested in that of the widest matrix of the hop, so equal counts mean equal patterns."""
    plans: list[_Plan] = []
    for summary in summaries:
        whole = next((p for p in plans if p.key in ((1, 0, 0), (2, 1, 1)) and p.key[0] == summary.key[0]), None)
        shared = whole.key if whole and whole.summary.num_nonzeros == summary.num_nonzeros else None
        plans.append(_Plan(summary, orbits.graph.num_nodes, orbits._wide, shared))
    return plans
