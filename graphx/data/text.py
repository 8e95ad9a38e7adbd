"""Text-attributed graphs: a text and a label for each node, and features from a sentence encoder, cached on disk.

On disk a text graph is a folder ``text/<name>`` of three files::

    nodes.jsonl.gz    one JSON object a line and node, in node order: {"text": ..., "label": ...}; label may be null
    edges.tsv.gz      one undirected edge a line: two node numbers from 0
    meta.json         {"name": ..., "num_nodes": ..., "num_edges": ..., "labels": [names of the classes]}
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from graphx.data._encoders import Encoder, TextProgress, encode_texts, minilm
from graphx.data._roots import search_roots
from graphx.data.edgelist import read_edgelist
from graphx.errors import FormatError, InputError
from graphx.graph import Graph

if TYPE_CHECKING:
    from torch_geometric.data import Data  # type: ignore[import-untyped]

__all__ = ["Encoder", "TextGraph", "encode_texts", "load_text_graph", "minilm", "read_text_graph", "text_graph_names"]

_FILES: Final = ("nodes.jsonl.gz", "edges.tsv.gz", "meta.json")


@dataclass(frozen=True, slots=True)
class TextGraph:
    """A text graph as its files have it; needs no torch.

    Attributes:
        name: Its name.
        graph: The graph, undirected, on N nodes.
        text: The text of each node.
        labels: The class of each node ``[N]``, int64, -1 where there is none.
        label_text: The names of the classes.

    Example:
        >>> from graphx.data.synthetic import path
        >>> TextGraph("two", path(2), ("a cat", "a dog"), np.array([0, 1]), ("cats", "dogs")).label_text
        ('cats', 'dogs')
    """

    name: str
    graph: Graph
    text: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    label_text: tuple[str, ...]


def load_text_graph(
    name_or_folder: str | os.PathLike[str],
    root: str | os.PathLike[str] | None = None,
    encoder: str | Encoder | None = "minilm",
    *,
    encoder_key: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: TextProgress | None = None,
) -> Data:
    """Load a text graph as a PyG ``Data``, with features from a sentence encoder.

    Args:
        name_or_folder: A name such as ``'citeseer'`` or ``'citeseer-text'`` (case and dashes do not matter), or the
            folder with the three files.
        root: The folder that holds ``text/<name>``; None for ``GRAPHX_DATA`` and the user's cache.
        encoder: ``'minilm'`` (:func:`minilm`), any callable from a list of N strings to an array ``[N, F]``, or None
            for no features.
        encoder_key: See :func:`encode_texts`.
        cache: See :func:`encode_texts`.
        progress: See :func:`encode_texts`.

    Returns:
        Data with ``x`` ``[N, F]`` float32 (unless `encoder` is None), ``edge_index`` ``[2, 2M]``, ``y`` ``[N]``,
        ``text`` (N strings), ``label_text`` (the names of the classes) and ``name``.

    Raises:
        InputError: No such text graph, or an encoder that gives no ``[N, F]`` of finite numbers.
        FormatError: A file is damaged, in another encoding, or does not fit the others.
        MissingDependencyError: The encoder needs a package that is not installed.

    Example:
        >>> import tempfile
        >>> def write(path, text):
        ...     with gzip.open(path, "wt", encoding="utf-8") as out:
        ...         _ = out.write(text)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     lines = ['{"text": "cat", "label": "a"}', '{"text": "tiger", "label": "b"}']
        ...     write(f"{folder}/nodes.jsonl.gz", chr(10).join(lines))
        ...     write(f"{folder}/edges.tsv.gz", "0 1".replace(" ", chr(9)))
        ...     _ = Path(folder, "meta.json").write_text('{"num_nodes": 2, "num_edges": 1, "labels": ["a", "b"]}')
        ...     data = load_text_graph(folder, encoder=lambda texts: [[float(len(text))] for text in texts])
        >>> data.x.tolist(), data.y.tolist(), data.text, data.label_text
        ([[3.0], [5.0]], [0, 1], ['cat', 'tiger'], ['a', 'b'])
    """
    import torch

    found = read_text_graph(name_or_folder, root)
    data = found.graph.to_pyg()
    if encoder is not None:
        x = encode_texts(found.text, encoder, encoder_key=encoder_key, cache=cache, progress=progress)
        data.x = torch.from_numpy(x)
    data.y = torch.from_numpy(found.labels.copy())
    data.text, data.label_text, data.name = list(found.text), list(found.label_text), found.name
    return data


def read_text_graph(name_or_folder: str | os.PathLike[str], root: str | os.PathLike[str] | None = None) -> TextGraph:
    """Read a text graph without torch and without an encoder.

    Args:
        name_or_folder: As for :func:`load_text_graph`.
        root: As for :func:`load_text_graph`.

    Returns:
        The graph, its texts and its labels.

    Raises:
        InputError: No such text graph; tells where it was looked for.
        FormatError: A file is damaged, in another encoding, or does not fit the others.

    Example:
        >>> read_text_graph("no-such-graph", root=".")
        Traceback (most recent call last):
            ...
        graphx.errors.InputError: no text graph 'no-such-graph' in ...
    """
    folder = _folder(name_or_folder, root)
    meta = _meta(folder / "meta.json")
    names: list[str] = meta["labels"]
    size: int = meta["num_nodes"]
    numbers = {name: number for number, name in enumerate(names)}
    path = folder / "nodes.jsonl.gz"
    texts, labels = [], []
    for number, line in enumerate(_lines(path), 1):
        place = f"{path}:{number}"
        try:
            node = json.loads(line)
        except ValueError as error:
            raise FormatError(f"{place}: no JSON ({error}); expected an object with text and label") from error
        if not isinstance(node, dict) or not isinstance(node.get("text"), str):
            raise FormatError(f"{place}: no text; expected an object with text and label")
        if "label" not in node:
            raise FormatError(f"{place}: no label; expected one for each node, or null where there is none")
        label = node["label"]
        if label is not None and (not isinstance(label, str) or label not in numbers):
            raise FormatError(f"{place}: label {label!r}; expected null or one of meta.json's {len(names)} labels")
        texts.append(node["text"])
        labels.append(-1 if label is None else numbers[label])
    if len(texts) != size:
        raise FormatError(f"{path}: {len(texts)} nodes, and meta.json says {size}; expected as many of both")
    graph = _edges(folder / "edges.tsv.gz", size, meta["num_edges"])
    title = str(meta.get("name", folder.name))
    return TextGraph(title, graph, tuple(texts), np.array(labels, dtype=np.int64), tuple(names))


def text_graph_names(root: str | os.PathLike[str] | None = None) -> list[str]:
    """The names of the text graphs that are there.

    Args:
        root: As for :func:`load_text_graph`.

    Returns:
        Names, sorted.

    Example:
        >>> text_graph_names(".")
        []
    """
    folders = {found.parent for place in search_roots(root) for found in place.glob("text/*/meta.json")}
    return sorted({folder.name for folder in folders if all((folder / name).is_file() for name in _FILES)})


def _folder(name_or_folder: str | os.PathLike[str], root: str | os.PathLike[str] | None) -> Path:
    text = os.fspath(name_or_folder)
    places = search_roots(root)
    if root is None and (os.sep in text or not isinstance(name_or_folder, str) or os.path.isdir(text)):
        candidates = [Path(text).expanduser()]
    else:
        wanted = {_plain(text), _plain(text).removesuffix("text"), _plain(text).removeprefix("text")}
        candidates = [p for place in places for p in sorted(place.glob("text/*")) if _plain(p.name) in wanted]
    for folder in candidates:
        missing = [name for name in _FILES if not (folder / name).is_file()]
        if not missing:
            return folder
    if candidates:
        raise InputError(f"{candidates[0]}: no {missing[0]} there; expected a folder with {', '.join(_FILES)}")
    known = ", ".join(text_graph_names(root)) or "none"
    raise InputError(
        f"no text graph {text!r} in {', '.join(map(str, places))}; there are: {known}. Expected a folder text/{text} "
        f"with {', '.join(_FILES)}: pass root=, or set GRAPHX_DATA"
    )


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


def _meta(path: Path) -> dict[str, Any]:
    try:
        meta = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: {_not_utf8(error.start)}") from error
    except ValueError as error:
        raise FormatError(f"{path}: no JSON ({error})") from error
    kinds = {"num_nodes": int, "num_edges": int, "labels": list}
    for name, kind in kinds.items():
        if not isinstance(meta, dict) or not isinstance(meta.get(name), kind):
            raise FormatError(f"{path}: no {name}; expected an object with num_nodes, num_edges and labels")
    names = meta["labels"]
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise FormatError(f"{path}: labels are not different strings; expected the names of the classes")
    return dict(meta)


def _lines(path: Path) -> list[str]:
    try:
        with gzip.open(path) as stream:
            content = stream.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FormatError(f"{path}: damaged or cut off ({error}); fetch it again") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FormatError(f"{path}:{line}: {_not_utf8(error.start)}") from error
    return text.removesuffix("\n").split("\n") if text else []  # not splitlines: U+2028 is no line end in JSON


def _not_utf8(position: int) -> str:
    return f"byte {position} is not UTF-8; expected UTF-8 text: convert it, as with iconv -f latin1 -t utf-8"


def _edges(path: Path, num_nodes: int, num_edges: int) -> Graph:
    _lines(path)  # the gzip is whole, and its text UTF-8
    graph = read_edgelist(
        path, num_nodes=num_nodes, ids="integers", delimiter="\t", header=False, weighted=False, duplicates="error",
        self_loops="error",
    )  # fmt: skip
    if graph.num_edges != num_edges:
        raise FormatError(f"{path}: {graph.num_edges} edges, and meta.json says {num_edges}; expected as many of both")
    return Graph._trusted(graph.indptr, graph.indices)
