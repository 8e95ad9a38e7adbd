"""Graph files that are not lines of edges: Matrix Market, .npz, .mat and GraphML."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, Final, Literal, cast
from xml.etree.ElementTree import ParseError

import numpy as np

from graphx._labels import node_labels
from graphx.data._sources import Form, Source
from graphx.errors import FormatError, InputError
from graphx.graph import Graph

if TYPE_CHECKING:
    from graphx.data.edgelist import ReadOptions

__all__ = ["read", "write"]

_USUAL: Final = ("network", "net", "A", "adj", "adjacency", "graph", "G", "W", "Problem")
_NOT_XML: Final = re.compile("[\x00-\x1f\ud800-\udfff\ufffe\uffff]")


def read(source: Source, form: Form, options: ReadOptions) -> Graph:
    """The graph in an open file of one of these forms, cleaned as `options` ask."""
    if options.num_nodes is not None:
        raise InputError(f"{source.name}: num_nodes={options.num_nodes} is for text; a .{form} file tells its own size")
    readers = {"mtx": _read_mtx, "npz": _read_npz, "mat": _read_mat, "graphml": _read_graphml}
    try:
        graph = readers[form](source, options)
        if not options.directed:
            one_way = not graph.is_undirected  # a symmetric matrix states each weight twice, which adds nothing
            graph = graph.to_undirected(duplicates="sum" if one_way and options.duplicates == "sum" else "merge")
    except InputError as error:
        raise FormatError(f"{source.name}: {error}") from error
    report = replace(graph.report, source=source.name)
    return Graph._trusted(graph.indptr, graph.indices, graph.weights, graph.names, report)


def _from_matrix(matrix: Any, options: ReadOptions, names: Any = None, weighted: bool | None = None) -> Graph:
    if options.weighted and weighted is False:
        raise InputError("weighted=True, but the file says that there are no weights")
    return Graph.from_scipy(
        matrix,
        weighted=options.weighted if options.weighted is not None else weighted,
        duplicates=options.duplicates,
        self_loops=options.self_loops,
        explicit_zeros=options.explicit_zeros,
        names=names,
        num_threads=options.num_threads,
    )


def _read_mtx(source: Source, options: ReadOptions) -> Graph:
    from scipy.io import mmread

    try:
        matrix = mmread(cast("IO[bytes]", source.stream))
    except (EOFError, OSError):
        raise
    except Exception as error:
        raise FormatError(
            f"{source.name}: not a sound Matrix Market file ({error}); expected what scipy.io.mmread takes"
        ) from error
    pattern = b" pattern " in source.head[:200].split(b"\n", 1)[0].lower()
    return _from_matrix(_sparse(matrix), options, weighted=False if pattern else None)


def _sparse(matrix: Any) -> Any:
    """A 2-D array as sparse, zeros being no edges; sparse ones as they are."""
    if not isinstance(matrix, np.ndarray):
        return matrix
    from scipy.sparse import coo_array

    rows, columns = np.nonzero(matrix)
    return coo_array((matrix[rows, columns], (rows, columns)), shape=matrix.shape)


def _read_npz(source: Source, options: ReadOptions) -> Graph:
    try:
        with np.load(source.stream, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (ValueError, zipfile.BadZipFile, KeyError, EOFError, OSError) as error:
        raise FormatError(
            f"{source.name}: not a sound .npz file ({error}); expected scipy.sparse.save_npz or arrays"
        ) from error
    from scipy import sparse

    if {"indptr", "indices", "shape"} <= arrays.keys() or {"row", "col", "shape"} <= arrays.keys():
        shape = tuple(arrays["shape"].tolist())
        if "row" in arrays:
            made: Any = sparse.coo_array((arrays["data"], (arrays["row"], arrays["col"])), shape=shape)
        else:
            kind = arrays.get("format", np.array(b"csr")).item()
            maker = sparse.csc_array if kind in (b"csc", "csc") else sparse.csr_array
            made = maker((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
        flag = bool(arrays["weighted"]) if "weighted" in arrays else None
        names = _names_from(arrays.get("names"), source)
        return _from_matrix(made, options, names, flag)
    if "adj_indptr" in arrays:  # PyG's Amazon, Coauthor and CitationFull files
        parts = (arrays["adj_data"], arrays["adj_indices"], arrays["adj_indptr"])
        return _from_matrix(sparse.csr_array(parts, shape=tuple(arrays["adj_shape"].tolist())), options)
    key = options.variable or next((k for k in ("edge_index", "edges") if k in arrays), None)
    if key is None or key not in arrays:
        raise FormatError(
            f"{source.name}: arrays {', '.join(sorted(arrays))}; expected those of scipy.sparse.save_npz, or "
            "edge_index or edges: choose one with variable="
        )
    edges = arrays[key]
    if edges.ndim == 2 and edges.shape[0] != 2 and edges.shape[1] == 2:
        edges = edges.T
    if edges.ndim != 2 or edges.shape[0] != 2:
        raise FormatError(f"{source.name}: {key} has shape {list(edges.shape)}; expected [2, E] or [E, 2]")
    return Graph.from_edges(
        edges[0],
        edges[1],
        directed=options.directed,
        duplicates=options.duplicates if options.duplicates != "sum" else "merge",
        self_loops=options.self_loops,
        num_threads=options.num_threads,
    )


def _names_from(stored: Any, source: Source) -> Any:
    if stored is None or stored.dtype != np.uint8:
        return stored
    try:
        return tuple(json.loads(stored.tobytes()))
    except ValueError as error:
        raise FormatError(f"{source.name}: the names are damaged ({error}); fetch or write the file again") from error


def _read_mat(source: Source, options: ReadOptions) -> Graph:
    from scipy.io import loadmat

    try:
        content = loadmat(cast("Any", source.stream))
    except NotImplementedError as error:
        raise FormatError(
            f"{source.name}: a MATLAB 7.3 file; expected an older one: save it with save(..., '-v7')"
        ) from error
    except Exception as error:
        raise FormatError(
            f"{source.name}: not a sound .mat file ({error}); expected one that scipy.io.loadmat takes"
        ) from error
    found = {key: _unwrapped(value) for key, value in content.items() if not key.startswith("__")}
    if options.variable is not None:
        if options.variable not in found:
            raise FormatError(f"{source.name}: no variable {options.variable!r}; expected one of {', '.join(found)}")
        chosen = options.variable
    else:
        sparse = [k for k, v in found.items() if not isinstance(v, np.ndarray) and _square(v)]
        dense = [
            k
            for k, v in found.items()
            if k in _USUAL and isinstance(v, np.ndarray) and v.dtype.kind in "fiub" and _square(v)
        ]
        usual = [k for k in _USUAL if k in sparse]
        several = sparse if len(sparse) == 1 else usual[:1] or (sparse or dense)
        if len(several) != 1:
            what = ", ".join(several) if several else f"none among {', '.join(found) or 'no variables'}"
            raise FormatError(f"{source.name}: square matrices: {what}; expected one: choose with variable=")
        chosen = several[0]
    names = content.get("names")
    if names is not None:
        flat = names.ravel()
        names = [str(x.item()) if x.size else "" for x in flat] if flat.dtype == object else flat
        if len(names) != found[chosen].shape[0]:
            names = None
    flag = bool(content["weighted"].item()) if "weighted" in content and content["weighted"].size == 1 else None
    return _from_matrix(_sparse(found[chosen]), options, names, flag)


def _unwrapped(value: Any) -> Any:
    """The matrix in a SuiteSparse ``Problem`` struct, anything else as it is."""
    if isinstance(value, np.ndarray) and value.dtype.names and "A" in value.dtype.names and value.size == 1:
        return value["A"].ravel()[0]
    return value


def _square(value: Any) -> bool:
    return getattr(value, "ndim", 0) == 2 and value.shape[0] == value.shape[1] and value.shape[0] > 1


def _read_graphml(source: Source, options: ReadOptions) -> Graph:
    import networkx

    try:
        graph = networkx.read_graphml(source.stream)
    except (ParseError, networkx.NetworkXError, KeyError, ValueError, TypeError) as error:
        raise FormatError(
            f"{source.name}: not sound GraphML ({error}); expected what networkx.read_graphml takes"
        ) from error
    if all(re.fullmatch("0|[1-9][0-9]{0,17}", node) for node in graph.nodes):
        numbered: Any = graph.__class__()
        numbered.add_nodes_from(sorted(int(node) for node in graph.nodes))
        numbered.add_edges_from((int(u), int(v), data) for u, v, data in graph.edges(data=True))
        graph = numbered
    made = Graph.from_networkx(
        graph,
        weight=None if options.weighted is False else "weight",
        duplicates=options.duplicates,
        self_loops=options.self_loops,
    )
    if options.weighted and not made.is_weighted:
        raise InputError("weighted=True, but the edges have no attribute 'weight'")
    relabelled = "" if made.names is None else "text" if isinstance(made.names, tuple) else "integers"
    return Graph._trusted(
        made.indptr, made.indices, made.weights, made.names, replace(made.report, relabelled=relabelled)
    )


def write(graph: Graph, stream: IO[bytes], form: Form, *, zipped: bool) -> None:
    """Write `graph` to an open file in one of these forms."""
    if zipped:
        if form not in ("mtx", "graphml"):
            raise InputError(f".{form} is packed already; write it without .gz")
        with gzip.GzipFile(fileobj=stream, mode="wb", filename="", mtime=0) as packed:
            _write(graph, packed, form)
    else:
        _write(graph, stream, form)


def _write(graph: Graph, stream: Any, form: Form) -> None:
    if form == "mtx":
        from scipy.io import mmwrite

        if graph.names is not None:
            raise InputError("a .mtx file cannot hold node names; write .npz, or drop them with without_names()")
        matrix: Any = graph.to_scipy()
        symmetry: Literal["symmetric", "general"] = "symmetric" if graph.is_undirected else "general"
        mmwrite(stream, matrix, field="real" if graph.is_weighted else "pattern", symmetry=symmetry)
    elif form == "npz":
        matrix = graph.to_scipy()
        arrays = {
            "format": np.array(b"csr"),
            "shape": np.array(matrix.shape),
            "indptr": matrix.indptr,
            "indices": matrix.indices,
            "data": matrix.data,
            "_is_array": np.array(True),
            "weighted": np.array(graph.is_weighted),
        }
        if isinstance(graph.names, tuple):
            arrays["names"] = np.frombuffer(json.dumps(graph.names).encode(), dtype=np.uint8)
        elif graph.names is not None:
            arrays["names"] = graph.names
        np.savez_compressed(stream, **arrays)
    elif form == "mat":
        from scipy.io import savemat

        content: dict[str, Any] = {
            "network": graph.to_scipy().astype(np.float64).tocsc(),
            "weighted": np.array(graph.is_weighted, dtype=np.uint8),
        }
        if isinstance(graph.names, tuple):
            content["names"] = np.array([*graph.names, None], dtype=object)[:-1]
        elif graph.names is not None:
            content["names"] = graph.names
        savemat(stream, content, do_compression=True)
    else:
        import networkx

        for label in node_labels(graph):
            if isinstance(label, str) and _NOT_XML.search(label):
                raise InputError(
                    f"the name {label!r} holds a character that XML cannot; rename the node, or write .npz"
                )
        networkx.write_graphml_xml(graph.to_networkx(), stream)
