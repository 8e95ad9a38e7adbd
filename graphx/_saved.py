"""A graph on disk: a folder of .npy arrays that are mapped into memory, with a manifest that tells whether it is whole.

Layout (version 1)::

    manifest.json       version, counts, the facts that would need a pass over the arrays, size and SHA-256 of each file
    indptr.npy          int64 [N + 1]
    indices.npy         int32 [nnz]
    weights.npy         float64 [nnz], where there are weights
    names.npy           int64 [N], or names.json for texts, where there are names
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from graphx._files import atomic_directory, check_room
from graphx.errors import InputError, StoreError

if TYPE_CHECKING:
    from graphx.graph import Graph

__all__ = ["Saving"]

_FORMAT: Final = "graphx-graph"
_MANIFEST: Final = "manifest.json"
_TYPES: Final = {"indptr": "<i8", "indices": "<i4", "weights": "<f8"}


class Saving:
    """Saving and opening of Graph (a base class only to keep graph.py short).

    It has no arguments and no fields of its own: it reads those of the Graph that it is a part of.
    """

    __slots__ = ()

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Save the graph as a folder of arrays, which :meth:`Graph.open` maps into memory without reading them.

        Args:
            path: The folder to make; it appears whole or not at all.
            overwrite: Replace a saved graph that is there.

        Returns:
            The path.

        Raises:
            InputError: The folder exists and may not be replaced, or the one that it would be in is missing.
            CapacityError: The disk has too little room.
            OSError: The folder that it would be in cannot be written.

        Example:
            >>> import tempfile
            >>> from graphx.graph import Graph
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = Graph.from_edges([0, 1], [1, 2]).save(f"{folder}/path.graph")
            ...     Graph.open(path)
            Graph(num_nodes=3, num_edges=2, undirected)
        """
        from graphx.graph import Graph

        assert isinstance(self, Graph)
        arrays: dict[str, npt.NDArray[Any]] = {"indptr": self.indptr, "indices": self.indices}
        if self.weights is not None:
            arrays["weights"] = self.weights
        texts = self.names if isinstance(self.names, tuple) else None
        if self.names is not None and texts is None:
            arrays["names"] = np.asarray(self.names)
        facts = {
            "num_nodes": self.num_nodes,
            "num_edges": self.num_edges,
            "digest": self.digest,
            "facts": list(map(int, self._known())),
        }
        _write_folder(path, arrays, texts, facts, overwrite=overwrite)
        return Path(path)

    @staticmethod
    def open(path: str | os.PathLike[str], *, verify: bool = False) -> Graph:
        """Open a graph that :meth:`Graph.save` wrote; its arrays are mapped, and read when they are used.

        Args:
            path: The folder.
            verify: Compare the SHA-256 of every array, which reads them once. Sizes are always compared.

        Returns:
            The graph, with names, and with the facts that would need a pass over the arrays.

        Raises:
            InputError: The path is no saved graph.
            StoreError: The folder is incomplete or damaged.

        Example:
            >>> from graphx.graph import Graph
            >>> Graph.open("/nowhere")
            Traceback (most recent call last):
                ...
            graphx.errors.InputError: /nowhere: no saved graph; expected a folder that Graph.save wrote...
        """
        from graphx._report import CleaningReport
        from graphx.graph import Graph

        arrays, texts, manifest = _read_folder(path, verify=verify)
        names = texts if texts is not None else arrays.get("names")
        graph = Graph._trusted(
            arrays["indptr"], arrays["indices"], arrays.get("weights"), names, CleaningReport(source=os.fspath(path))
        )
        loops, largest, missing, clashes = manifest["facts"]
        graph._facts, graph._digest = (loops, largest, missing, clashes), manifest["digest"]
        return graph


def _is_saved(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a saved graph."""
    try:
        return _FORMAT in (Path(path) / _MANIFEST).read_text(encoding="utf-8", errors="replace")[:200]
    except OSError:
        return False


def _write_folder(
    path: str | os.PathLike[str],
    arrays: dict[str, npt.NDArray[Any]],
    texts: tuple[str, ...] | None,
    facts: dict[str, Any],
    *,
    overwrite: bool,
) -> None:
    """Writes arrays and manifest; the folder appears whole or not at all."""
    target = Path(path)
    if overwrite and target.is_dir() and any(target.iterdir()) and not _is_saved(target):
        raise InputError(f"{target} is a folder but no saved graph; it is not replaced")
    with atomic_directory(target, overwrite=overwrite) as folder:
        check_room(folder, sum(array.nbytes for array in arrays.values()))
        for name, array in arrays.items():
            with (folder / f"{name}.npy").open("wb") as out:
                np.save(out, array.astype(_TYPES.get(name, array.dtype), copy=False), allow_pickle=False)
                out.flush()
                os.fsync(out.fileno())
        if texts is not None:
            (folder / "names.json").write_text(json.dumps(texts), encoding="utf-8")
        files = {
            file.name: {"bytes": file.stat().st_size, "sha256": _sha256(file)} for file in sorted(folder.iterdir())
        }
        manifest = {"format": _FORMAT, "version": 1, **facts, "files": files}
        manifest["checksum"] = _checksum(manifest)
        with (folder / _MANIFEST).open("w", encoding="utf-8") as out:
            json.dump(manifest, out, indent=1)
            out.flush()
            os.fsync(out.fileno())


def _read_folder(
    path: str | os.PathLike[str], *, verify: bool
) -> tuple[dict[str, npt.NDArray[Any]], tuple[str, ...] | None, dict[str, Any]]:
    """The arrays mapped into memory, the text names and the manifest."""
    folder = Path(path)
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{folder}: no saved graph; expected a folder that Graph.save wrote, with {_MANIFEST}"
        ) from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder / _MANIFEST}: cannot be read ({error}); save the graph again") from error
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise InputError(f"{folder}: no saved graph but something else; expected a folder that Graph.save wrote")
    if manifest.get("version") != 1:
        raise StoreError(f"{folder}: version {manifest.get('version')}, and this graphx reads version 1; update graphx")
    if manifest.get("checksum") != _checksum(manifest):
        raise StoreError(f"{folder / _MANIFEST}: damaged (its checksum does not agree); save the graph again")
    arrays, texts = {}, None
    for name, known in manifest["files"].items():
        file = folder / name
        size = file.stat().st_size if file.is_file() else -1
        if size != known["bytes"]:
            what = "missing" if size < 0 else f"{size:,} bytes, expected {known['bytes']:,}"
            raise StoreError(f"{file}: {what}; the copy is incomplete, save or copy the graph again")
        if verify and _sha256(file) != known["sha256"]:
            raise StoreError(f"{file}: damaged (its SHA-256 does not agree); save or copy the graph again")
        stem, ending = name.rsplit(".", 1)
        if ending == "npy":
            mapped = np.load(file, mmap_mode="r", allow_pickle=False)
            if mapped.ndim != 1 or (stem in _TYPES and mapped.dtype != np.dtype(_TYPES[stem])):
                raise StoreError(f"{file}: holds {mapped.dtype} {mapped.shape}; save the graph again")
            arrays[stem] = mapped.view(np.ndarray)
        else:
            texts = tuple(json.loads(file.read_text(encoding="utf-8")))
    indptr, indices = arrays["indptr"], arrays["indices"]
    if indptr[0] != 0 or int(indptr[-1]) != indices.size:
        raise StoreError(f"{folder}: indptr does not fit indices; save the graph again")
    return arrays, texts, manifest


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _checksum(manifest: dict[str, Any]) -> str:
    rest = {name: part for name, part in manifest.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
