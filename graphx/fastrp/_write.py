"""Embeddings as files: .npy, .parquet, and the text of word2vec."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graphx import _core
from graphx._files import atomic_file
from graphx._labels import node_labels
from graphx._threads import resolve_threads
from graphx.errors import InputError, MissingDependencyError
from graphx.graph import Graph

__all__ = ["FORMS", "check_form", "write_embedding"]

FORMS = (".npy", ".parquet", ".w2v")
_ROWS = 1 << 15  # of a block of text


def check_form(path: Path) -> None:
    """Refuse, before any work, a form whose package is missing.

    Args:
        path: The file to be.

    Raises:
        MissingDependencyError: It is .parquet and pyarrow is not installed.

    Example:
        >>> check_form(Path("embedding.npy"))
    """
    if path.suffix.lower() == ".parquet":
        try:
            import pyarrow.parquet  # type: ignore[import-untyped]  # noqa: F401
        except ImportError as error:
            raise MissingDependencyError(
                'parquet needs pyarrow, which is not installed; pip install "graphx-pyg[parquet]"'
            ) from error


def write_embedding(
    path: str | os.PathLike[str], embedding: npt.ArrayLike, graph: Graph, *, num_threads: int | None = None
) -> None:
    """Write the vectors of a graph's nodes; the suffix names the form.

    ``.npy`` has the rows in the order of the nodes; ``.parquet`` the columns ``node`` and ``embedding`` (a list of
    fixed size); ``.w2v`` is the text that word2vec, gensim and others read: a line ``N d``, then a line for each node,
    its name and its numbers, with the digits that give the same float32 back. The file appears whole or not at all.

    Args:
        path: The file.
        embedding: ``[N, d]``, written as float32.
        graph: Whose nodes they are; its names stand in the tables.
        num_threads: Threads of the writer of text; the file does not depend on it.

    Raises:
        InputError: The suffix is none of these, shapes disagree, or a name has white space in it, which the text
            form cannot have.

    Example:
        >>> import tempfile
        >>> from graphx.data import synthetic
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_embedding(f"{folder}/e.w2v", [[0.5, -1], [0.25, 3]], synthetic.path(2))
        ...     print(Path(folder, "e.w2v").read_text(), end="")
        2 2
        0 0.5 -1
        1 0.25 3
    """
    target = Path(path)
    x = np.ascontiguousarray(embedding, dtype=np.float32)
    if x.ndim != 2 or len(x) != graph.num_nodes:
        raise InputError(f"the embedding has shape {x.shape}; expected [{graph.num_nodes}, d], a row for each node")
    writers = {".npy": _write_npy, ".parquet": _write_parquet, ".w2v": _write_text}
    if target.suffix.lower() not in writers:
        raise InputError(f"{target}: the suffix names the form; expected one of: {' '.join(FORMS)}")
    check_form(target)
    with atomic_file(target) as partial:
        writers[target.suffix.lower()](partial, x, graph, resolve_threads(num_threads))


def _write_npy(path: Path, x: npt.NDArray[np.float32], _graph: Graph, _threads: int) -> None:
    header = {"descr": x.dtype.str, "fortran_order": False, "shape": x.shape}
    with path.open("wb") as file:  # not np.save, which does not notice that the disk is full
        np.lib.format.write_array_header_1_0(file, header)
        file.write(x.data)


def _write_parquet(path: Path, x: npt.NDArray[np.float32], graph: Graph, _threads: int) -> None:
    import pyarrow
    import pyarrow.parquet

    names = range(len(x)) if graph.names is None else graph.names
    number = pyarrow.uint64() if _beyond_int64(graph) else pyarrow.int64()
    nodes = pyarrow.array(names, pyarrow.string() if isinstance(names, tuple) else number)
    rows = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(x.ravel()), x.shape[1])
    pyarrow.parquet.write_table(pyarrow.table({"node": nodes, "embedding": rows}), path, use_dictionary=False)


def _beyond_int64(graph: Graph) -> bool:
    names = graph.names
    return isinstance(names, np.ndarray) and bool(names.size) and int(names.max()) >= 2**63


def _write_text(path: Path, x: npt.NDArray[np.float32], graph: Graph, threads: int) -> None:
    names = tuple(map(str, node_labels(graph))) if _beyond_int64(graph) else graph.names
    if isinstance(names, tuple):
        bad = next((name for name in names if not name or any(letter.isspace() for letter in name)), None)
        if bad is not None:
            raise InputError(
                f"the node {bad!r} has white space in its name or none; .w2v needs names without: use .npy"
            )
    with path.open("wb") as file:
        file.write(b"%d %d\n" % x.shape)
        for start in range(0, len(x), _ROWS):
            rows = x[start : start + _ROWS]
            ids = text = ends = None
            if isinstance(names, tuple):
                words = [name.encode() for name in names[start : start + _ROWS]]
                text, ends = b"".join(words), np.cumsum([len(word) for word in words], dtype=np.int64)
            elif names is not None:
                ids = np.ascontiguousarray(names[start : start + _ROWS], dtype=np.int64)
            file.write(_core.vectors_format(rows, start, ids, text, ends, threads))
