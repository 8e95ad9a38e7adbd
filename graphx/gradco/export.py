"""Orbit adjacencies in the file formats of other programs: one file a matrix, streamed in bounded memory."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from graphx._files import atomic_directory
from graphx.errors import InputError, MissingDependencyError
from graphx.gradco.orbits import ORBIT_KEYS, Key, key_name

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from graphx.gradco import OrbitAdjacency

__all__ = ["EXPORT_FORMATS", "check_folder", "check_format", "export_matrices"]


class _Writer(Protocol):
    def write(self, start: int, rows: csr_array[Any, Any]) -> None:
        """Append the rows ``start ... start + rows.shape[0]``."""

    def close(self) -> None:
        """Finish the file."""


class _MatrixMarket:
    """Text. The number of entries is known at the end only: the size line is patched into room left for it."""

    _ROOM = 80

    def __init__(self, path: Path, key: Key, num_nodes: int, files: ExitStack) -> None:
        self._title = f"% graphx orbit adjacency hop {key[0]}, orbits {key[1]} and {key[2]} ".encode()
        self._num_nodes, self._entries = num_nodes, 0
        self._file = files.enter_context(path.open("wb"))
        self._file.write(b"%%MatrixMarket matrix coordinate integer general\n")
        self._size_at = self._file.tell()
        self._file.write(b" " * (len(self._title) + self._ROOM))

    def write(self, start: int, rows: csr_array[Any, Any]) -> None:
        from scipy.io import mmwrite
        from scipy.sparse import coo_array

        block = rows.tocoo()
        if block.nnz == 0:
            return
        shape = (self._num_nodes, self._num_nodes)
        text = io.BytesIO()
        mmwrite(text, coo_array((block.data, (block.row + start, block.col)), shape=shape), symmetry="general")
        text.seek(0)
        for line in text:
            if not line.startswith(b"%"):
                break  # the size line of this block
        self._entries += block.nnz
        shutil.copyfileobj(text, self._file)

    def close(self) -> None:
        size = f"\n{self._num_nodes} {self._num_nodes} {self._entries}\n".encode()
        self._file.seek(self._size_at)
        self._file.write(self._title.ljust(len(self._title) + self._ROOM - len(size), b"-") + size)


class _Npz:
    """What ``scipy.sparse.load_npz`` reads. Its arrays come one after the other, so the two long ones wait in files."""

    def __init__(self, path: Path, _key: Key, num_nodes: int, files: ExitStack) -> None:
        self._path, self._num_nodes = path, num_nodes
        self._indices = files.enter_context(tempfile.TemporaryFile(dir=path.parent))
        self._data = files.enter_context(tempfile.TemporaryFile(dir=path.parent))
        self._indptr = np.zeros(num_nodes + 1, dtype=np.int64)
        self._dtype = np.dtype(np.int32)

    def write(self, start: int, rows: csr_array[Any, Any]) -> None:
        before = self._indptr[start]
        self._indptr[start + 1 : start + rows.shape[0] + 1] = rows.indptr[1:] + before
        self._dtype = rows.data.dtype
        self._indices.write(np.ascontiguousarray(rows.indices, dtype=np.int32).data)
        self._data.write(np.ascontiguousarray(rows.data).data)

    def close(self) -> None:
        entries = int(self._indptr[-1])
        index = np.dtype(np.int32 if entries < 2**31 else np.int64)  # scipy wants one type for both
        with zipfile.ZipFile(self._path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            self._small(archive, "format", np.array(b"csr"))
            self._small(archive, "shape", np.array([self._num_nodes, self._num_nodes]))
            self._small(archive, "_is_array", np.array(True))
            self._small(archive, "indptr", self._indptr.astype(index))
            self._long(archive, "indices", self._indices, np.dtype(np.int32), index, entries)
            self._long(archive, "data", self._data, self._dtype, self._dtype, entries)

    @staticmethod
    def _small(archive: zipfile.ZipFile, name: str, array: np.ndarray[Any, Any]) -> None:
        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, array, allow_pickle=False)

    @staticmethod
    def _long(
        archive: zipfile.ZipFile, name: str, file: Any, stored: np.dtype[Any], wanted: np.dtype[Any], entries: int
    ) -> None:
        file.seek(0)
        with archive.open(f"{name}.npy", "w", force_zip64=True) as member, file:
            header = {"descr": np.lib.format.dtype_to_descr(wanted), "fortran_order": False, "shape": (entries,)}
            np.lib.format.write_array_header_1_0(member, header)
            while chunk := file.read(1 << 22):
                member.write(chunk if stored == wanted else np.frombuffer(chunk, stored).astype(wanted).data)


class _Parquet:
    """An edge table: source, target, count."""

    def __init__(self, path: Path, key: Key, num_nodes: int, files: ExitStack) -> None:
        self._path, self._files = path, files
        self._writer: Any = None
        self._metadata = {"graphx_key": key_name(key), "num_nodes": str(num_nodes)}

    def _open(self, dtype: np.dtype[Any]) -> Any:
        import pyarrow as pa  # type: ignore[import-untyped]
        import pyarrow.parquet as pq  # type: ignore[import-untyped]

        columns = [("source", pa.int32()), ("target", pa.int32()), ("count", pa.from_numpy_dtype(dtype))]
        schema = pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns], metadata=self._metadata)
        return self._files.enter_context(pq.ParquetWriter(self._path, schema))

    def write(self, start: int, rows: csr_array[Any, Any]) -> None:
        import pyarrow as pa

        if self._writer is None:
            self._writer = self._open(rows.data.dtype)
        sources = np.repeat(np.arange(start, start + rows.shape[0], dtype=np.int32), np.diff(rows.indptr))
        table = pa.table([sources, rows.indices.astype(np.int32, copy=False), rows.data], schema=self._writer.schema)
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is None:
            self._writer = self._open(np.dtype(np.int32))
        self._writer.close()


_WRITERS: dict[str, Callable[[Path, Key, int, ExitStack], _Writer]] = {
    "npz": _Npz,
    "mtx": _MatrixMarket,
    "parquet": _Parquet,
}

#: The formats of :func:`export_matrices`.
EXPORT_FORMATS = tuple(_WRITERS)


def check_format(file_format: str) -> None:
    """Refuse a format that cannot be written, before any work.

    Args:
        file_format: One of :data:`EXPORT_FORMATS`.

    Raises:
        InputError: There is no such format.
        MissingDependencyError: Parquet, and pyarrow is not installed.

    Example:
        >>> from graphx.gradco.export import check_format
        >>> check_format("mtx")
    """
    if file_format not in _WRITERS:
        raise InputError(f"{file_format!r} is not a format to export; expected one of: {', '.join(_WRITERS)}")
    if file_format == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            raise MissingDependencyError(
                'parquet needs pyarrow, which is not installed; pip install "graphx-pyg[parquet]"'
            ) from error


def check_folder(folder: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Refuse, before any work, a folder that :func:`export_matrices` may not replace.

    Args:
        folder: Where the files are to go.
        overwrite: Whether an earlier export may be replaced.

    Raises:
        InputError: There is something else, or an earlier export and ``overwrite`` is false.

    Example:
        >>> from graphx.gradco.export import check_folder
        >>> check_folder("a-new-folder")
    """
    path = Path(folder)
    if not path.exists():
        return
    if not path.is_dir():
        raise InputError(f"{path} is a file; expected the name of a folder to make")
    for file in path.iterdir():
        key = file.name.partition(".")[0]
        if key not in {*map(key_name, ORBIT_KEYS), "nodes"}:
            raise InputError(f"{path} holds {file.name}, which is no export of matrices; choose another folder")
        if not overwrite:
            raise InputError(
                f"{path} holds an earlier export; pass overwrite=True (--overwrite), or choose another folder"
            )


def export_matrices(
    oa: OrbitAdjacency,
    folder: str | os.PathLike[str],
    file_format: str,
    keys: Iterable[Key] | None = None,
    *,
    max_block_bytes: int | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write orbit adjacencies for other programs, one file ``<hop>_<o1>_<o2>.<format>`` a matrix.

    The matrices are streamed, so memory is that of one block of rows whatever their size. The folder appears when it is
    complete: an interrupt or a full disk leaves nothing behind.

    Args:
        oa: What counts.
        folder: Where the files go; it must not exist or be empty.
        file_format: ``'npz'`` (for ``scipy.sparse.load_npz``), ``'mtx'`` (Matrix Market text, rows and columns from 1)
            or ``'parquet'`` (an edge table: source, target, count, from 0).
        keys: Which matrices; None for all 28.
        max_block_bytes: Bound on a block of rows; None for the default of ``iter_blocks``.
        overwrite: Replace a folder that holds an earlier export and nothing else.

    Returns:
        The paths of the files. A graph with node names has one more, ``nodes.csv`` (node, name).

    Raises:
        InputError: There is no such format, or the folder may not be replaced.
        KeyError: A key names no matrix.
        MissingDependencyError: Parquet, and pyarrow is not installed.
        CapacityError: The disk is full.

    Example:
        >>> import tempfile, networkx, scipy.sparse
        >>> from graphx.gradco import OrbitAdjacency
        >>> from graphx.gradco.export import export_matrices
        >>> oa = OrbitAdjacency(networkx.star_graph(3))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     files = export_matrices(oa, folder, "npz", [(2, 6, 6)])
        ...     files[0].name, int(scipy.sparse.load_npz(files[0]).sum())
        ('2_6_6.npz', 6)
    """
    check_format(file_format)
    check_folder(folder, overwrite=overwrite)
    chosen: Sequence[Key] = ORBIT_KEYS if keys is None else list(keys)
    options = {} if max_block_bytes is None else {"max_block_bytes": max_block_bytes}
    with atomic_directory(folder, overwrite=overwrite) as aside:
        names = [path.name for path in _write(oa, aside, file_format, chosen, options)]
    return [Path(folder, name) for name in names]


def _write(
    oa: OrbitAdjacency, aside: Path, file_format: str, keys: Sequence[Key], options: dict[str, int]
) -> list[Path]:
    paths = [aside / f"{key_name(key)}.{file_format}" for key in keys]
    num_nodes, names = oa.graph.num_nodes, oa.graph.names
    with ExitStack() as files:
        writers = [_WRITERS[file_format](path, key, num_nodes, files) for path, key in zip(paths, keys, strict=True)]
        for block in oa.iter_blocks(keys, **options):
            for key, writer in zip(keys, writers, strict=True):
                writer.write(block.start, block[key])
        for writer in writers:
            writer.close()
    if names is not None:
        paths.append(aside / "nodes.csv")
        with paths[-1].open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("node", "name"), *enumerate(names)])
    return paths
