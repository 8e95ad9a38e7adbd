"""Splits on disk: one .npz file, whole or not at all, with digests of the graph and of its own content."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphx.data._partition import LinkSplit, Split, digest_of, to_numpy
from graphx.data._sources import replacing
from graphx.errors import InputError, StoreError

__all__ = ["load_split", "save_split"]

_FORMAT: Final = "graphx-split"
_VERSION: Final = 1
_ARRAYS: Final = {Split: ("train", "val", "test"), LinkSplit: ("train", "val", "test", "val_neg", "test_neg")}
_BROKEN: Final = (
    OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, NotImplementedError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
_KINDS: Final = {"index": Split, "link": LinkSplit}


def save_split(split: Split | LinkSplit, path: str | os.PathLike[str]) -> Path:
    """Save a split, with the digest of the graph it belongs to and a checksum of its own.

    The file appears whole or not at all; one that is there is replaced.

    Args:
        split: What :func:`node_split`, :func:`link_split` and the others of this module return.
        path: The file, by custom ``*.npz`` (numpy reads it too).

    Returns:
        The path.

    Raises:
        InputError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> from graphx.data.splits import link_split
        >>> from graphx.data.synthetic import cycle
        >>> split = link_split(cycle(30), seed=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = save_split(split, f"{folder}/split.npz")
        ...     load_split(path, cycle(30)) == split
        True
    """
    kind = next((name for name, made in _KINDS.items() if type(split) is made), None)
    if kind is None:
        raise InputError(f"got a {type(split).__name__}; expected a Split or a LinkSplit")
    arrays = {name: getattr(split, name) for name in _ARRAYS[type(split)]}
    manifest: dict[str, Any] = {"format": _FORMAT, "version": _VERSION, "kind": kind}
    manifest |= {"digest": split.digest, "origin": split.origin}
    if isinstance(split, LinkSplit):
        manifest |= {"num_nodes": split.num_nodes, "directed": split.directed}
    else:
        manifest |= {"size": split.size}
    manifest["checksum"] = _checksum(manifest, arrays)
    text = np.frombuffer(json.dumps(manifest).encode(), dtype=np.uint8)
    target = Path(path)
    with replacing(target) as (stream, _):
        np.savez_compressed(stream, manifest=text, **arrays)
    return target


def load_split(path: str | os.PathLike[str], data: Any) -> Split | LinkSplit:
    """Read a split back, for the graph that it was made of.

    Args:
        path: A file of :func:`save_split`.
        data: The ``Data`` or Graph that was split; for splits of labels alone or of graphs, the labels.

    Returns:
        The split, equal to the one that was saved.

    Raises:
        InputError: There is no such file.
        StoreError: The file is damaged or of another kind, or the split belongs to another graph.

    Example:
        >>> import tempfile
        >>> from graphx.data.splits import node_split
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = save_split(node_split([0, 0, 0, 1, 1, 1], 1, 1, seed=0), f"{folder}/split.npz")
        ...     load_split(path, [0, 0, 0, 1, 1, 1]).train.size
        2
    """
    if not os.path.isfile(path):
        raise InputError(f"{os.fspath(path)}: no such file; expected one that save_split() wrote")
    try:
        manifest, arrays = _read(Path(path))
    except _BROKEN as error:
        raise StoreError(f"{path}: no split, or a damaged one ({error}); make and save it again") from error
    made = _KINDS[manifest["kind"]]
    expected = manifest.pop("checksum", "")
    if _checksum(manifest, arrays) != expected:
        raise StoreError(f"{path}: the content does not have its checksum, so it was damaged or changed; make it again")
    if manifest["digest"] != _digest(data):
        raise StoreError(f"{path}: the split belongs to another graph; expected the one it was made of")
    shared: dict[str, Any] = {**arrays, "digest": manifest["digest"], "origin": manifest["origin"]}
    if made is LinkSplit:
        return LinkSplit(num_nodes=manifest["num_nodes"], directed=manifest["directed"], **shared)
    return Split(size=manifest["size"], **shared)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[np.int64]]]:
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
        manifest = json.loads(stored["manifest"].tobytes())
        found = (manifest["format"], manifest["version"])
        if found != (_FORMAT, _VERSION):
            raise ValueError(f"format and version are {found}, expected {(_FORMAT, _VERSION)}")
        return manifest, {name: stored[name] for name in _ARRAYS[_KINDS[manifest["kind"]]]}


def _digest(data: Any) -> str:
    if hasattr(data, "__getitem__") and not hasattr(data, "num_nodes") and not hasattr(data, "dtype"):
        data = [int(graph.y) if hasattr(graph, "y") else graph for graph in data]
    if not hasattr(data, "num_nodes"):
        data = to_numpy(data)
        data = data[:, 0] if data.ndim == 2 and data.shape[1] == 1 else data
    return digest_of(data)


def _checksum(manifest: dict[str, Any], arrays: dict[str, npt.NDArray[np.int64]]) -> str:
    state = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        state.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        state.update(np.ascontiguousarray(array).data)
    return f"sha256:{state.hexdigest()}"
