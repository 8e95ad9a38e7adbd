"""Features, labels and splits of the data sets that graphx reads itself, as arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphx.data._readers import gowalla_pairs, lines, read_json, read_mat, unpickled
from graphx.data._roots import Found
from graphx.data.registry import Dataset
from graphx.errors import FormatError
from graphx.graph import Graph

__all__ = ["attributes"]

Array = npt.NDArray[Any]


def attributes(data: Dataset, found: Found, graph: Graph) -> dict[str, Any]:
    """The attributes of PyG ``Data`` beside its edges: arrays by name."""
    reader = _READERS.get(data.family)
    if reader is None:
        return {}
    try:
        made = reader(data, found, graph)
    except FormatError:
        raise
    except Exception as error:  # whatever a damaged file makes numpy or the csv module raise
        first = (str(error).strip().splitlines() or [""])[0][:160]
        raise FormatError(
            f"{data.name}: labels or features cannot be read ({type(error).__name__}: {first})"
        ) from error
    for name in ("x", "y"):
        if name in made and len(made[name]) != graph.num_nodes:
            what = "labels" if name == "y" else "rows of features"
            raise FormatError(
                f"{data.name}: {len(made[name])} {what} for {graph.num_nodes} nodes; the files do not match"
            )
    return made


def _hot(rows: Array, columns: Array, shape: tuple[int, int]) -> Array:
    hot = np.zeros(shape, dtype=np.float32)
    hot[rows, columns] = 1
    return hot


def _platonov(_data: Dataset, found: Found, _graph: Graph) -> dict[str, Any]:
    with np.load(next(iter(found.files.values()))) as held:
        masks = {f"{part}_mask": np.ascontiguousarray(held[f"{part}_masks"].T) for part in ("train", "val", "test")}
        return {"x": held["node_features"], "y": held["node_labels"], **masks}


def _blogcatalog(data: Dataset, found: Found, _graph: Graph) -> dict[str, Any]:
    group = read_mat(found[data.files[0]])["group"]
    return {"y": group.toarray().astype(np.float32)}


def _node2vec_ppi(data: Dataset, found: Found, graph: Graph) -> dict[str, Any]:
    ids = np.arange(graph.num_nodes) if graph.names is None else np.asarray(graph.names)
    nodes, labels = [], []
    for line in lines(found[data.files[1]]):
        node, *held = map(int, line.split())
        nodes += [node] * len(held)
        labels += held
    known, columns = np.unique(labels, return_inverse=True)
    return {"y": _hot(_rows(np.array(nodes), ids, found[data.files[1]]), columns, (ids.size, known.size))}


def _rows(nodes: Array, ids: Array, path: Path) -> Array:
    """The row of each node; ids ascend."""
    rows = np.minimum(np.searchsorted(ids, nodes), ids.size - 1)
    if np.any(wrong := ids[rows] != nodes):
        raise FormatError(f"{path}: names the node {nodes[wrong][0]}, which the graph does not have")
    return rows


def _prone(data: Dataset, found: Found, graph: Graph) -> dict[str, Any]:
    members = [np.array(line.split(), dtype=np.int64) for line in lines(found[data.files[1]])]
    rows, columns = np.concatenate(members), np.repeat(np.arange(len(members)), [row.size for row in members])
    rows = _rows(rows, np.arange(graph.num_nodes), found[data.files[1]])
    return {"y": _hot(rows, columns, (graph.num_nodes, len(members)))}


def _deezer(data: Dataset, found: Found, graph: Graph) -> dict[str, Any]:
    held = read_json(found[data.files[1]])
    names = sorted({genre for genres in held.values() for genre in genres})
    place = {name: column for column, name in enumerate(names)}
    rows = np.repeat([int(node) for node in held], [len(genres) for genres in held.values()])
    columns = np.array([place[genre] for genres in held.values() for genre in genres])
    return {"y": _hot(rows, columns, (graph.num_nodes, len(names))), "label_names": names}


_TARGETS: Final = {"facebook": "page_type", "github": "ml_target", "lastfm_asia": "target"}


def _musae(data: Dataset, found: Found, graph: Graph) -> dict[str, Any]:
    import csv

    path = found[data.files[1]]
    rows = list(csv.DictReader(lines(path)))
    twitch = data.key.startswith("twitch")
    ids = np.array([int(row["new_id" if twitch else "id"]) for row in rows])
    if not np.array_equal(np.sort(ids), np.arange(graph.num_nodes)):
        raise FormatError(f"{path}: {ids.size} labels for {graph.num_nodes} nodes; expected each node 0..N-1 once")
    made: dict[str, Any] = {}
    columns = {"y": "mature", "partner": "partner"} if twitch else {"y": _TARGETS[data.key]}
    for name, column in columns.items():
        texts = [row[column] for row in rows]
        classes = sorted(set(texts), key=lambda text: (len(text), text) if text.isdigit() else (0, text))
        codes = np.empty(ids.size, dtype=np.int64)
        codes[ids] = [classes.index(text) for text in texts]
        made[name] = codes
        if name == "y":
            made["label_names"] = classes
    features = found.files.get(f"musae/{data.key}_features.json.gz")
    if features is not None:
        held = read_json(features)
        nodes = np.repeat([int(node) for node in held], [len(row) for row in held.values()])
        values = np.array([value for row in held.values() for value in row])
        known, columns_of = np.unique(values, return_inverse=True)
        made["x"] = _hot(nodes, columns_of, (graph.num_nodes, known.size))
    return made


def _facebook100(data: Dataset, found: Found, _graph: Graph) -> dict[str, Any]:
    info = read_mat(found[data.files[0]])["local_info"].astype(np.int64)
    return {"local_info": info, "y": info[:, 1] - 1}  # gender, as Lim et al. 2021; -1 is missing


def _disease(data: Dataset, found: Found, _graph: Graph) -> dict[str, Any]:
    from scipy.sparse import load_npz

    x = load_npz(found[data.files[2]]).toarray().astype(np.float32)
    return {"x": x, "y": np.load(found[data.files[1]]).astype(np.int64)}


def _airport(_data: Dataset, found: Found, _graph: Graph) -> dict[str, Any]:
    graph = unpickled(found["linkpred/hgcn/airport/airport.p"])
    held = np.array([graph.nodes[node]["feat"] for node in graph.nodes()], dtype=np.float64)
    # population in four classes, as in the repository of HGCN
    return {"x": held[:, :4].astype(np.float32), "y": np.digitize(held[:, 4], [7 / 7, 8 / 7, 9 / 7])}


def _gowalla(_data: Dataset, found: Found, graph: Graph) -> dict[str, Any]:
    users, items = gowalla_pairs(found["gowalla/test.txt"])
    num_users = 1 + max(int(line.split(maxsplit=1)[0]) for line in lines(found["gowalla/train.txt"]))
    test = np.stack([users, items + num_users]).astype(np.int64)
    return {"test_edge_index": test, "num_users": num_users, "num_items": graph.num_nodes - num_users}


_READERS: Final[dict[str, Callable[[Dataset, Found, Graph], dict[str, Any]]]] = {
    "platonov_filtered": _platonov,
    "blogcatalog": _blogcatalog,
    "node2vec_ppi": _node2vec_ppi,
    "prone": _prone,
    "deezer": _deezer,
    "musae": _musae,
    "facebook100": _facebook100,
    "disease": _disease,
    "airport": _airport,
    "gowalla": _gowalla,
}
