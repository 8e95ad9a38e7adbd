"""The graphs of the data sets that are known by name, read from their raw files without torch."""

from __future__ import annotations

import gzip
import inspect
import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from graphx.data._roots import Found
from graphx.data.edgelist import read_edgelist
from graphx.data.registry import Dataset
from graphx.errors import FormatError, InputError
from graphx.graph import Graph

__all__ = ["from_pairs", "lines", "read_json", "read_mat", "structure", "unpickled"]

Array = npt.NDArray[Any]


def structure(data: Dataset, found: Found, options: dict[str, Any]) -> Graph:
    """The graph of a data set; ``options`` are those of :func:`read_edgelist`."""
    try:
        return _READERS[data.family](data, found, options)
    except (InputError, FormatError):
        raise
    except Exception as error:  # whatever a damaged file makes numpy, pickle or scipy raise
        first = (str(error).strip().splitlines() or [""])[0][:160]
        files = ", ".join(str(path) for path in list(found.files.values())[:2])
        raise FormatError(f"{data.name}: cannot be read from {files} ({type(error).__name__}: {first})") from error


_ALLOWED: Final = frozenset({"directed", "duplicates", "self_loops", "num_threads", "weighted", "progress"})


def from_pairs(pairs: npt.ArrayLike, num_nodes: int, options: dict[str, Any]) -> Graph:
    """A graph from pairs of node numbers ``[E, 2]``, with the options that a file's reader has."""
    if extra := sorted(set(options) - _ALLOWED):
        raise InputError(
            f"{', '.join(extra)}: no option of a data set of arrays; expected one of: {', '.join(sorted(_ALLOWED))}"
        )
    if options.get("weighted"):
        raise InputError("weighted=True, and the data set has no weights; leave it out")
    taken = {name: value for name, value in options.items() if name not in ("weighted", "progress")}
    chosen = {"duplicates": "merge", "self_loops": "drop", **taken}
    table = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    return Graph.from_edges(
        np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1]), num_nodes=num_nodes, **chosen
    )


def lines(path: Path) -> Iterator[str]:
    """The lines of a text file, compressed or not."""
    opened: IO[str] = (
        gzip.open(path, "rt", encoding="utf-8") if path.name.endswith(".gz") else path.open(encoding="utf-8")
    )
    with opened as stream:
        try:
            yield from stream
        except (EOFError, gzip.BadGzipFile) as error:
            raise FormatError(
                f"{path}: the gzip data are damaged or end early ({error}); fetch the file again"
            ) from error
        except UnicodeDecodeError as error:
            raise FormatError(f"{path}: is no UTF-8 text ({error.reason} at byte {error.start}); convert it") from error


def read_json(path: Path) -> Any:
    """A JSON file, compressed or not."""
    try:
        return json.loads("".join(lines(path)))
    except json.JSONDecodeError as error:
        raise FormatError(f"{path}:{error.lineno}:{error.colno}: no JSON ({error.msg})") from error


def read_mat(path: Path) -> dict[str, Any]:
    """The variables of a MATLAB file."""
    from scipy.io import loadmat

    held: dict[str, Any] = loadmat(path)
    return held


class _Unpickler(pickle.Unpickler):
    """Makes graphs of plain containers; a pickle that asks for anything else is refused."""

    _ALLOWED: Final = {
        ("collections", "defaultdict"),
        ("__builtin__", "list"),
        ("builtins", "list"),
        ("builtins", "dict"),
        ("networkx.classes.graph", "Graph"),
        ("networkx.classes.reportviews", "NodeView"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy.core.multiarray", "scalar"),
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._ALLOWED:
            raise FormatError(f"the pickle asks for {module}.{name}, which no graph needs; it is not loaded")
        return super().find_class(module, name)


def unpickled(path: Path) -> Any:
    """What a pickle of plain containers, arrays and networkx graphs holds."""
    with path.open("rb") as stream:
        return _Unpickler(stream, encoding="latin1").load()


def _packaged(data: Dataset, _found: Found, options: dict[str, Any]) -> Graph:
    return read_edgelist(data.path, **options)


def _networkx(data: Dataset, _found: Found, options: dict[str, Any]) -> Graph:
    import networkx

    graph = getattr(networkx, data.key)()
    nodes = sorted(graph)
    if nodes == list(range(len(nodes))):
        return from_pairs(list(graph.edges()), len(nodes), options)
    place = {node: number for number, node in enumerate(nodes)}
    pairs = np.array([(place[u], place[v]) for u, v in graph.edges()])
    made = from_pairs(pairs, len(nodes), options)
    return Graph._trusted(made.indptr, made.indices, None, tuple(map(str, nodes)), made.report)


def _synthetic(data: Dataset, _found: Found, options: dict[str, Any]) -> Graph:
    from graphx.data import synthetic

    generator = getattr(synthetic, data.key)
    given = {name: value for name, value in options.items() if value is not None}
    try:
        inspect.signature(generator).bind(**given)
    except TypeError as error:
        raise InputError(f"{data.name}: {error}; expected {data.key}{inspect.signature(generator)}") from None
    made: Graph = generator(**given)
    return made


def _planetoid(data: Dataset, found: Found, options: dict[str, Any]) -> Graph:
    held = unpickled(next(path for place, path in found.files.items() if place.endswith(".graph")))
    u = np.repeat([*held], [len(row) for row in held.values()])
    v = [node for row in held.values() for node in row]
    return from_pairs(np.stack([u, v], axis=1), data.num_nodes or 0, options)


def _geom_gcn(data: Dataset, found: Found, options: dict[str, Any]) -> Graph:
    path = next(path for place, path in found.files.items() if place.endswith("out1_graph_edges.txt"))
    return read_edgelist(path, **{"header": True, "num_nodes": data.num_nodes, "weighted": False, **options})


def _edges_npz(_data: Dataset, found: Found, options: dict[str, Any]) -> Graph:
    with np.load(next(iter(found.files.values()))) as held:
        return from_pairs(held["edges"], held["node_labels"].size, options)


def _csr_npz(_data: Dataset, found: Found, options: dict[str, Any]) -> Graph:
    with np.load(next(iter(found.files.values()))) as held:
        indptr, indices = held["adj_indptr"], held["adj_indices"]
    rows = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    return from_pairs(np.stack([rows, indices], axis=1), indptr.size - 1, options)


def _tu(data: Dataset, found: Found, options: dict[str, Any]) -> Graph:
    base = f"tu/{data.key}/raw/{data.key}"
    pairs = np.loadtxt(found[f"{base}_A.txt"], delimiter=",", dtype=np.int64) - 1
    size = np.loadtxt(found[f"{base}_graph_indicator.txt"], dtype=np.int64).size
    return from_pairs(pairs, size, options)


def _airports(data: Dataset, found: Found, options: dict[str, Any]) -> Graph:
    ids = np.loadtxt(found[data.files[1]], skiprows=1, dtype=np.int64)[:, 0]
    order = np.argsort(ids)
    pairs = np.loadtxt(found[data.files[0]], dtype=np.int64)
    place = order[np.searchsorted(ids[order], pairs)]
    return from_pairs(place, ids.size, options)


def _edge_text(data: Dataset, found: Found, options: dict[str, Any]) -> Graph:
    """An edge list whose ids are 0..N-1, read so that nodes without edges stay."""
    return read_edgelist(found[data.files[0]], **{"num_nodes": data.num_nodes, **options})


def _edge_names(data: Dataset, found: Found, options: dict[str, Any]) -> Graph:
    return read_edgelist(found[data.files[0]], **{"weighted": False, "columns": (0, 1), **options})


def _mat(variable: str) -> Callable[[Dataset, Found, dict[str, Any]], Graph]:
    def read(data: Dataset, found: Found, options: dict[str, Any]) -> Graph:
        return read_edgelist(found[data.files[0]], **{"variable": variable, "weighted": False, **options})

    return read


def _airport(_data: Dataset, found: Found, options: dict[str, Any]) -> Graph:
    graph = unpickled(found["linkpred/hgcn/airport/airport.p"])
    place = {node: number for number, node in enumerate(graph.nodes())}
    pairs = np.array([(place[u], place[v]) for u, v in graph.edges()])
    return from_pairs(pairs, len(place), options)


def gowalla_pairs(path: Path) -> tuple[Array, Array]:
    """Users and items of ``user item item ...`` lines."""
    users, items = [], []
    for line in lines(path):
        user, *rest = map(int, line.split())
        users += [user] * len(rest)
        items += rest
    return np.array(users), np.array(items)


def _gowalla(data: Dataset, found: Found, options: dict[str, Any]) -> Graph:
    users, items = gowalla_pairs(found["gowalla/train.txt"])
    return from_pairs(np.stack([users, items + users.max() + 1], axis=1), data.num_nodes or 0, options)


def _orca(data: Dataset, found: Found, options: dict[str, Any]) -> Graph:
    return read_edgelist(found["orca/graph.in"], **{"header": True, "num_nodes": data.num_nodes, **options})


def _text(data: Dataset, found: Found, options: dict[str, Any]) -> Graph:
    return read_edgelist(found[data.files[1]], **{"num_nodes": data.num_nodes, "header": False, **options})


_READERS: Final[dict[str, Callable[[Dataset, Found, dict[str, Any]], Graph]]] = {
    "packaged": _packaged,
    "networkx": _networkx,
    "synthetic": _synthetic,
    "planetoid": _planetoid,
    **dict.fromkeys(("webkb", "actor", "wikipedia_network"), _geom_gcn),
    **dict.fromkeys(("heterophilous", "platonov_filtered"), _edges_npz),
    **dict.fromkeys(("amazon", "coauthor", "citation_full"), _csr_npz),
    "tu": _tu,
    "airports": _airports,
    "blogcatalog": _mat("network"),
    "facebook100": _mat("A"),
    "seal": _mat("net"),
    **dict.fromkeys(("node2vec_ppi", "bionev"), _edge_names),
    **dict.fromkeys(("prone", "deezer", "musae", "disease", "networks"), _edge_text),
    "airport": _airport,
    "gowalla": _gowalla,
    "orca": _orca,
    "text": _text,
}
