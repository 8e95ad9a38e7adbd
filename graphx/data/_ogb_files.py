"""The raw files of OGB data sets: which there are, where they lie, and their edges without torch."""

from __future__ import annotations

import contextlib
import csv
import functools
import gzip
import importlib.util
import io
import os
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphx.data._roots import Found, locate, search_roots, verified
from graphx.errors import FormatError, InputError, MissingDependencyError

__all__ = ["KINDS", "files_needed", "first_line", "is_ogb", "official", "ogb_edges", "ogb_names"]

KINDS: Final = {"ogbn": "node", "ogbl": "link", "ogbg": "graph"}


@functools.cache
def _master(kind: str) -> Any:
    """OGB's own table of its data sets."""
    try:
        spec = importlib.util.find_spec("ogb")
    except ImportError:
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError("OGB data sets need the package ogb; install it with: pip install graphx-pyg[ogb]")
    path = Path(spec.submodule_search_locations[0]) / f"{kind}proppred" / "master.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    return {name: {row[0]: row[place] for row in rows} for place, name in enumerate(header) if name}


def ogb_names(kind: str | None = None) -> list[str]:
    """The data sets of the OGB package that is installed.

    Args:
        kind: ``'node'``, ``'link'`` or ``'graph'``; None for all.

    Returns:
        Sorted names; empty without the package ogb.

    Example:
        >>> "ogbl-ddi" in ogb_names("link") or not ogb_names()
        True
    """
    try:
        kinds = [kind] if kind else sorted(KINDS.values())
        return sorted(name for part in kinds for name in _master(part))
    except MissingDependencyError:
        return []


def is_ogb(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder is one that ``ogb.io.DatasetSaver`` wrote.

    Args:
        folder: Its path.

    Returns:
        True when it holds ``meta_dict.pt``.

    Example:
        >>> is_ogb("/nowhere")
        False
    """
    return (Path(folder) / "meta_dict.pt").is_file()


def official(
    name_or_folder: str | os.PathLike[str], root: str | os.PathLike[str] | None
) -> tuple[Found, dict[str, Any], str | None]:
    """The files of an official data set, what OGB knows about it, and their folder; None for a local set of a root."""
    name = os.fspath(name_or_folder).lower().replace("_", "-")
    kind = KINDS.get(name.partition("-")[0])
    if kind is None or name not in _master(kind):
        for base in search_roots(root):
            for folder in sorted(base.glob(f"*_{name.replace('-', '_')}")) if kind else []:
                if is_ogb(folder):
                    return Found(folder, {}), {}, None
        raise InputError(
            f"{os.fspath(name_or_folder)!r}: no OGB data set of that name; known: {', '.join(ogb_names(kind))}"
        )
    meta = _master(kind)[name]
    folder_name = name.replace("-", "_")
    required, globs = files_needed(f"ogb/{folder_name}", meta, kind)
    found = locate(required, globs, search_roots(root))
    if isinstance(found, list):
        from graphx.data._download import fetched

        found = fetched(name, required, globs, root, meta["url"], functools.partial(_download, meta, folder_name))
    return found, meta, f"ogb/{folder_name}"


def ogb_edges(
    name_or_folder: str | os.PathLike[str], root: str | os.PathLike[str] | None = None
) -> tuple[npt.NDArray[np.int64], int]:
    """The edges of an OGB data set from its raw files, without torch: of link sets those of the training part.

    Args:
        name_or_folder: As for :func:`load_ogb`.
        root: As for :func:`load_ogb`.

    Returns:
        Pairs int64 ``[E, 2]`` and the number of nodes (of all graphs, one after the other).

    Raises:
        InputError: Files are missing, or the graph is heterogeneous.

    Example:
        >>> ogb_edges("ogbl-nonsense")
        Traceback (most recent call last):
            ...
        graphx.errors.InputError: 'ogbl-nonsense': no OGB data set of that name; ...
    """
    if is_ogb(name_or_folder):
        raws = sorted(Path(name_or_folder).glob("*/raw"))
        raw = raws[0] if raws else Path(name_or_folder)
        found = Found(Path(name_or_folder), {path.name: path for path in raw.glob("*")})
    else:
        found, _, base = official(name_or_folder, root)
        if base is None:
            return ogb_edges(found.root)
        verified(found)
        found = Found(
            found.root,
            {place.rsplit("/", 1)[-1]: path for place, path in found.files.items() if f"{base}/raw" in place},
        )
    if not {"data.npz", "edge.csv.gz"} & set(found.files):
        name = os.fspath(name_or_folder)
        raise InputError(f"{name}: has edges of several kinds; use load_ogb, which keeps them apart")
    try:
        if "data.npz" in found.files:
            with np.load(found["data.npz"]) as held:
                pairs, sizes, counts = held["edge_index"].T, held["num_nodes_list"], held["num_edges_list"]
        else:
            with gzip.open(found["edge.csv.gz"]) as stream:
                text = stream.read()
            pairs = np.fromstring(text.replace(b"\n", b","), dtype=np.int64, sep=",").reshape(-1, 2)
            sizes = np.loadtxt(found["num-node-list.csv.gz"], dtype=np.int64, ndmin=1)
            counts = np.loadtxt(found["num-edge-list.csv.gz"], dtype=np.int64, ndmin=1)
        shift = np.repeat(np.cumsum(sizes) - sizes, counts)
        return pairs + shift[:, None], int(sizes.sum())
    except Exception as error:  # whatever damaged files make numpy, gzip or zipfile raise
        raise FormatError(f"{found.root}: the edges cannot be read ({first_line(error)})") from error


def files_needed(base: str, meta: dict[str, Any], kind: str) -> tuple[list[str], list[str]]:
    """What OGB reads: the files that must be there, and patterns of those that may."""
    if meta["binary"] == "True":
        raw = ["edge_index_dict.npz"] if meta.get("is hetero") == "True" else ["data.npz"]
    elif meta.get("is hetero") == "True":
        raw = ["num-node-dict.csv.gz", "triplet-type-list.csv.gz"]
    else:
        raw = ["edge.csv.gz", "num-node-list.csv.gz", "num-edge-list.csv.gz"]
        raw += ["node-feat.csv.gz"] * (meta["has_node_attr"] == "True")
        raw += ["edge-feat.csv.gz"] * (meta["has_edge_attr"] == "True")
        raw += [f"{kind}-label.csv.gz"] * (kind != "link")
    required = [f"{base}/RELEASE_v{meta['version']}.txt", *(f"{base}/raw/{name}" for name in raw)]
    if meta["binary"] != "True" and meta.get("is hetero") != "True":
        ending = "pt" if kind == "link" else "csv.gz"
        required += [f"{base}/split/{meta['split']}/{part}.{ending}" for part in ("train", "valid", "test")]
    return required, [f"{base}/raw/**/*", f"{base}/split/**/*", f"{base}/mapping/*"]


def _download(meta: dict[str, Any], folder_name: str, folder: Path) -> None:
    """OGB's download without its question: what was asked for by name is wanted."""
    from ogb.utils.url import download_url, extract_zip  # type: ignore[import-untyped]

    with contextlib.redirect_stdout(io.StringIO()):
        archive = Path(download_url(meta["url"], str(folder)))
        try:
            extract_zip(str(archive), str(folder))
        except zipfile.BadZipFile as error:
            raise FormatError(f"{meta['url']}: the download is no whole zip archive ({error}); try again") from error
    archive.unlink()
    (folder / "ogb").mkdir()
    (folder / meta["download_name"]).rename(folder / "ogb" / folder_name)


def first_line(error: BaseException) -> str:
    """What an error of another library says, short enough for one of ours."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:200]}"
