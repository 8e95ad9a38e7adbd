"""Graph files, read and written: edge lists as text (parsed in C++), and by their ending mtx, npz, mat, graphml."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal

import numpy as np

from graphx import _core
from graphx._checks import DUPLICATES, Duplicates, SelfLoops, clash_text
from graphx._labels import node_labels
from graphx._report import CleaningReport
from graphx._threads import resolve_threads
from graphx.data import _sources
from graphx.errors import FormatError, InputError
from graphx.graph import Graph

__all__ = ["read_edgelist", "write_edgelist"]

Ids = Literal["auto", "integers", "text"]
_IDS: Final = {"auto": 0, "integers": 1, "text": 2}
_OWN_LINE: Final = re.compile(rb"(?:\xef\xbb\xbf)?# graphx(?: ids=(text))?(?: num_nodes=(\d{1,10}))?\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How a file is read; the arguments of :func:`read_edgelist`, checked.

    Args:
        directed: Keep directions.
        weighted: Whether there are weights; None: if the file has them.
        ids: How ids are read: ``'auto'``, ``'integers'`` or ``'text'``.
        delimiter: The character between fields; None finds it.
        header: Whether the first line names the columns; None finds it.
        columns: Which columns hold source, target and, if three, weight, from 0.
        num_nodes: The number of nodes, for those without an edge.
        duplicates: What happens to an edge that comes more than once.
        self_loops: What happens to an edge from a node to itself.
        explicit_zeros: What happens to a stored zero of a matrix.
        variable: Which matrix of a .mat or .npz file.
        num_threads: How many threads parse; None for all processors.
        progress: Called with the number of bytes read.

    Raises:
        InputError: An option is none of what it may be.
    """

    directed: bool = False
    weighted: bool | None = None
    ids: Ids = "auto"
    delimiter: str | None = None
    header: bool | None = None
    columns: Sequence[int] | None = None
    num_nodes: int | None = None
    duplicates: Duplicates = "merge"
    self_loops: SelfLoops = "drop"
    explicit_zeros: Literal["error", "drop", "keep"] = "error"
    variable: str | None = None
    num_threads: int | None = None
    progress: Callable[[int], object] | None = None

    def __post_init__(self) -> None:
        if self.ids not in _IDS:
            raise InputError(f"ids is {self.ids!r}; expected 'auto', 'integers' or 'text'")
        if self.delimiter is not None and (
            len(self.delimiter) != 1 or self.delimiter in '"\n\r#%' or not self.delimiter.isascii()
        ):
            raise InputError(f"delimiter is {self.delimiter!r}; expected one ASCII character such as ',' or None")
        if self.columns is not None:
            good = len(self.columns) in (2, 3) and all(isinstance(c, int) and 0 <= c < 64 for c in self.columns)
            if not good or len(set(self.columns)) != len(self.columns):
                raise InputError(
                    f"columns is {self.columns!r}; expected (source, target) or (source, target, weight), from 0"
                )
        if self.num_nodes is not None and not 0 <= self.num_nodes < 2**31:
            raise InputError(f"num_nodes is {self.num_nodes!r}; expected 0 to 2^31 - 1, or None")
        if self.duplicates not in DUPLICATES or self.self_loops not in ("keep", "drop", "error"):
            raise InputError(
                f"duplicates={self.duplicates!r}, self_loops={self.self_loops!r}; expected 'error', 'merge' or 'sum', "
                "and 'keep', 'drop' or 'error'"
            )
        if self.explicit_zeros not in ("error", "drop", "keep"):
            raise InputError(f"explicit_zeros is {self.explicit_zeros!r}; expected 'error', 'drop' or 'keep'")


def read_edgelist(
    path: str | os.PathLike[str],
    *,
    directed: bool = False,
    weighted: bool | None = None,
    ids: Ids = "auto",
    delimiter: str | None = None,
    header: bool | None = None,
    columns: Sequence[int] | None = None,
    num_nodes: int | None = None,
    duplicates: Duplicates = "merge",
    self_loops: SelfLoops = "drop",
    explicit_zeros: Literal["error", "drop", "keep"] = "error",
    variable: str | None = None,
    num_threads: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> Graph:
    r"""Read a graph file: an edge list, or by its ending a matrix (.mtx, .npz, .mat) or .graphml; ``.gz`` of text.

    An edge list has one edge a line, ``source target`` or ``source target weight``, separated by blanks, a tab, a
    comma or a semicolon (the first edge line decides). Lines that begin with ``#`` or ``%`` are comments. Fields may
    stand in double quotes. Node ids are either integers from 0 on (up to 2^64 - 1, without sign or leading zeros) or
    text: one id that is no integer makes all of them text. Nodes are numbered in ascending order of their ids
    (integers by value, text by its bytes); ids other than ``0..N-1`` are kept as ``names``. What was merged, dropped
    or renamed is counted in ``report``.

    Args:
        path: The file; ``'-'`` is standard input.
        directed: Keep directions; by default ``(u, v)`` and ``(v, u)`` are the same edge.
        weighted: Whether there are weights; None: if the file has them. A matrix of ones has none.
        ids: ``'integers'`` refuses any other id, ``'text'`` takes all ids as names.
        delimiter: The character between fields; None finds it; ``' '`` is any run of blanks and tabs.
        header: Whether the first edge line is a header; None finds it (column names over integers, a word over the
            weights, or ``source,target`` and the like). A first line that could be sizes (``nodes edges``) is an error.
        columns: Which columns hold source, target and, if three, weight, from 0; None: the first two or three of two
            or three.
        num_nodes: Take integer ids as node numbers ``0..num_nodes-1``, so that nodes without edges stay.
        duplicates: ``'merge'`` keeps one of equal edges and refuses different weights; ``'sum'`` adds weights;
            ``'error'``.
        self_loops: ``'drop'``, ``'keep'`` or ``'error'``.
        explicit_zeros: Stored zeros of a matrix: ``'error'``, ``'drop'`` (no edge) or ``'keep'`` (edge of weight 0).
        variable: The name of the matrix in a .mat or .npz file that has several.
        num_threads: Threads; None for all processors. The result never depends on it.
        progress: Called now and then with the number of bytes done.

    Returns:
        The graph.

    Raises:
        FormatError: The file cannot be read as such; tells file, line and column of the first bad line.
        InputError: There is no such file, it cannot be opened, or an argument is wrong.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "g.txt"
        ...     _ = path.write_text("# a triangle\n10 20\n20 30\n30 10\n")
        ...     g = read_edgelist(path)
        >>> g, g.names.tolist()
        (Graph(num_nodes=3, num_edges=3, undirected, named), [10, 20, 30])
    """
    options = ReadOptions(
        directed=directed,
        weighted=weighted,
        ids=ids,
        delimiter=delimiter,
        header=header,
        columns=columns,
        num_nodes=num_nodes,
        duplicates=duplicates,
        self_loops=self_loops,
        explicit_zeros=explicit_zeros,
        variable=variable,
        num_threads=num_threads,
        progress=progress,
    )
    with ExitStack() as stack:
        source = _sources.open_source(path, stack)
        try:
            return _read(source, options)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise FormatError(
                f"{source.name}: the gzip data are damaged or end early ({error}); fetch or compress the file again"
            ) from error
        except OSError as error:
            raise InputError(f"{source.name}: cannot be read ({error.strerror or error})") from error


def _read(source: _sources.Source, options: ReadOptions) -> Graph:
    form = _sources.form_of(source)
    if form == "text":
        return _read_text(source, options)
    from graphx.data import _matrix

    return _matrix.read(source, form, options)


def _read_text(source: _sources.Source, options: ReadOptions) -> Graph:
    ids, header, num_nodes, delimiter = options.ids, options.header, options.num_nodes, options.delimiter
    if own := _OWN_LINE.match(source.head):  # written by write_edgelist
        header = (source.suffix == ".csv") if header is None else header
        ids = "text" if own[1] and ids == "auto" else ids
        num_nodes = int(own[2]) if own[2] and num_nodes is None and ids != "text" else num_nodes
    if delimiter is None and source.suffix == ".tsv":
        delimiter = _tab_if_used(source.head)
    (indptr, indices, weights, built), names, facts = _core.edgelist_read(
        source.for_parser(),
        _IDS[ids],
        delimiter or "",
        -1 if header is None else int(header),
        -1 if options.weighted is None else int(options.weighted),
        None if options.columns is None else tuple(options.columns),
        -1 if num_nodes is None else num_nodes,
        options.directed,
        options.self_loops == "drop",
        DUPLICATES[options.duplicates],
        resolve_threads(options.num_threads),
        options.progress,
    )
    if (problem := facts["problem"]) is not None:
        line, column, message = problem
        raise FormatError(f"{source.name}:{line}:{column}: {message}" if line else f"{source.name}: {message}")
    if isinstance(names, np.ndarray) and (names.size == 0 or int(names[-1]) < 2**63):
        names = names.view(np.int64)
    if isinstance(names, np.ndarray):
        names.flags.writeable = False
    report = CleaningReport(
        source=source.name,
        lines=facts["lines"],
        comments=facts["comments"],
        header=facts["header"],
        edges_read=facts["edges"],
        duplicates_merged=built["duplicates"],
        self_loops_dropped=built["loops"] if options.self_loops == "drop" else 0,
        relabelled="" if names is None else "text" if isinstance(names, tuple) else "integers",
        text_ids_because=_place(source.name, facts["text_because"]),
        weights_dropped=facts["weights_ignored"],
    )
    graph = Graph._trusted(indptr, indices, weights, names, report)
    if (clash := built["clash"]) is not None:
        labels = node_labels(graph)
        named = (labels[clash[0]], labels[clash[1]], clash[2], clash[3])
        text = clash_text(named, weighted=weights is not None, asked=options.duplicates, directed=options.directed)
        raise FormatError(f"{source.name}: {text}")
    if options.self_loops == "error" and built["loops"]:
        raise FormatError(f"{source.name}: {built['loops']} self-loops; pass self_loops='drop' or 'keep'")
    if not options.directed and (options.self_loops == "drop" or not built["loops"]):
        graph._facts = (0, int(np.diff(indptr).max(initial=0)), 0, 0)  # symmetric as built: spares a pass over it
    return graph


def _place(name: str, at: tuple[int, int]) -> str:
    return f"{name}:{at[0]}:{at[1]}" if at[0] else ""


def _tab_if_used(head: bytes) -> str | None:
    """A tab for a .tsv whose first edge line has one, so that names may hold blanks."""
    for line in head.splitlines():
        if line.strip() and line.lstrip()[:1] not in (b"#", b"%"):
            return "\t" if b"\t" in line else None
    return None


def write_edgelist(graph: Graph, path: str | os.PathLike[str]) -> None:
    r"""Write a graph to a file whose ending tells the form: text (also ``.gz``), .mtx, .npz, .mat or .graphml.

    Text has every edge once (``u <= v`` when undirected), the names as ids, and weights as a third column; a first
    line ``# graphx num_nodes=N`` keeps nodes without edges (a .csv begins with ``source,target`` instead where it can).
    The file appears whole or not at all.

    Args:
        graph: The graph.
        path: Where to; an existing file is replaced.

    Raises:
        InputError: The form cannot hold this graph (isolated nodes with names in text, names in .mtx, line breaks in
            a name), the ending is unknown, or the file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "path.edgelist"
        ...     write_edgelist(Graph.from_edges([0, 1], [1, 2]), path)
        ...     path.read_text()
        '# graphx num_nodes=3\n0 1\n1 2\n'
    """
    target = Path(path)
    form, suffix = _sources.form_of_path(target)
    with _sources.replacing(target) as (stream, zipped):
        if form == "text":
            if zipped:
                with gzip.GzipFile(fileobj=stream, mode="wb", filename="", mtime=0) as packed:
                    _write_text(graph, packed, suffix)
            else:
                _write_text(graph, stream, suffix)
        else:
            from graphx.data import _matrix

            _matrix.write(graph, stream, form, zipped=zipped)


_NEEDS_QUOTES: Final = re.compile(r'[\s,;"]|^[#%{]|^\ufeff')
_UNWRITABLE: Final = re.compile(r"^$|[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


def _write_text(graph: Graph, stream: IO[bytes] | gzip.GzipFile, suffix: str) -> None:
    delimiter = {".csv": ",", ".tsv": "\t"}.get(suffix, " ")
    names = graph.names
    isolated = bool(np.any(np.diff(graph.indptr) == 0)) and _has_isolated(graph)
    if names is not None and isolated:
        raise InputError(
            "a node with a name has no edge, and an edge list cannot hold it; write .npz or .graphml, or drop the "
            "names with without_names()"
        )
    fields = ["# graphx"] + ["ids=text"] * isinstance(names, tuple) + [f"num_nodes={graph.num_nodes}"] * (names is None)
    if suffix != ".csv" or isolated or isinstance(names, tuple):
        stream.write((" ".join(fields) + "\n").encode())
    if suffix == ".csv":
        stream.write(b"source,target,weight\n" if graph.is_weighted else b"source,target\n")
    texts = [_field(name) for name in names] if isinstance(names, tuple) else None
    undirected = graph.is_undirected
    for rows, columns, weights in _edge_blocks(graph, undirected):
        if texts is None and weights is None:
            labels = None if names is None else np.asarray(names)
            u = rows if labels is None else labels[rows]
            v = columns if labels is None else labels[columns]
            if u.dtype == np.int64:
                stream.write(_core.edgelist_format(u, np.ascontiguousarray(v), delimiter))
                continue
        left = node_texts(graph, rows, texts)
        right = node_texts(graph, columns, texts)
        pairs = zip(left, right, strict=True)
        if weights is None:
            lines = [f"{a}{delimiter}{b}\n" for a, b in pairs]
        else:
            lines = [f"{a}{delimiter}{b}{delimiter}{w!r}\n" for (a, b), w in zip(pairs, weights.tolist(), strict=True)]
        stream.write("".join(lines).encode())


def node_texts(graph: Graph, nodes: np.ndarray[Any, Any], texts: list[str] | None) -> list[Any]:
    """The ids of `nodes` as they are to be written."""
    if texts is not None:
        return [texts[i] for i in nodes.tolist()]
    if graph.names is None:
        values: list[Any] = nodes.tolist()
        return values
    picked: list[Any] = np.asarray(graph.names)[nodes].tolist()
    return picked


def _has_isolated(graph: Graph) -> bool:
    seen = np.diff(graph.indptr) > 0
    seen[graph.indices] = True
    return not bool(seen.all())


def _edge_blocks(graph: Graph, undirected: bool, size: int = 1 << 20) -> Any:
    """Runs of edges in row order, so that writing needs little memory."""
    row = 0
    while row < graph.num_nodes:
        stop = int(np.searchsorted(graph.indptr, graph.indptr[row] + size, side="right"))
        stop = min(max(stop - 1, row + 1), graph.num_nodes)
        low, high = int(graph.indptr[row]), int(graph.indptr[stop])
        rows = np.repeat(np.arange(row, stop), np.diff(graph.indptr[row : stop + 1]))
        columns = graph.indices[low:high].astype(np.int64)
        weights = None if graph.weights is None else graph.weights[low:high]
        if undirected:
            keep = rows <= columns
            rows, columns = rows[keep], columns[keep]
            weights = None if weights is None else weights[keep]
        yield rows, columns, weights
        row = stop


def _field(name: str) -> str:
    if bad := _UNWRITABLE.search(name):
        what = f"holds {bad[0]!r}" if name else "is empty"
        raise InputError(f"the name {name!r} {what}, which no line of text can; rename the node, or write .npz")
    return '"' + name.replace('"', '""') + '"' if _NEEDS_QUOTES.search(name) else name
