"""The data sets that PyG's own classes read: staged into the cache, so that nothing is written beside the raw files."""

from __future__ import annotations

import functools
import inspect
import os
import shutil
from pathlib import Path
from typing import Any

from graphx.data._families import FAMILIES, files_of
from graphx.data._roots import Found, cache_folder, fill, locate, search_roots, stage, verified
from graphx.data.registry import Dataset
from graphx.errors import FormatError

__all__ = ["load_pyg", "raw_files"]


def raw_files(data: Dataset, root: str | os.PathLike[str] | None, split: str | None = None) -> Found:
    """The raw files of a data set, fetched by PyG's class where they are missing and it can.

    Raises:
        InputError: Files are missing and there is no way to fetch them.
    """
    from graphx.data._download import fetched, missing_files

    required, globs = files_of(data.family, data.key, split)
    found = locate(required, globs, search_roots(root))
    if isinstance(found, Found):
        return found
    family = FAMILIES[data.family]
    if not family.pyg:
        raise missing_files(data.name, found, root, family.source, "")
    return fetched(data.name, required, globs, root, family.source, functools.partial(_download, data, split))


def _download(data: Dataset, split: str | None, folder: Path) -> None:
    _made(data, folder, split)
    if data.family == "airports":
        for path in list(folder.glob("airports/*/raw/*")):
            path.replace(folder / "airports" / path.name)


def _made(data: Dataset, folder: Path, split: str | None) -> Any:
    """PyG's data set below a folder."""
    import torch_geometric.datasets as classes  # type: ignore[import-untyped]

    made = getattr(classes, FAMILIES[data.family].pyg)
    arguments: dict[str, Any] = {}
    if "name" in inspect.signature(made.__init__).parameters:
        arguments["name"] = data.key
    if data.family == "tu":
        arguments["use_node_attr"] = False
    if split is not None:
        arguments["split"] = split
    return made(str(folder / data.family), **arguments)


def _renamed(data: Dataset, place: str) -> str:
    if data.family == "airports":  # PyG has a folder for each
        return f"airports/{data.key.lower()}/raw/{place.rsplit('/', 1)[-1]}"
    return place


def load_pyg(data: Dataset, root: str | os.PathLike[str] | None, split: str | None) -> Any:
    """The data set of PyG's class.

    Raises:
        FormatError: The class cannot read the files.
    """
    import torch_geometric

    found = raw_files(data, root, split)
    digest = verified(found)
    target = cache_folder() / "processed" / f"{data.name}-pyg{torch_geometric.__version__}-{digest[:16]}"
    renamed = functools.partial(_renamed, data)

    def dataset(folder: Path) -> Any:
        try:
            return _made(data, folder, split)
        except Exception as error:  # whatever damaged files make PyG raise
            first = (str(error).strip().splitlines() or [""])[0][:160]
            raise FormatError(f"{found.root}: PyG cannot read {data.name} ({type(error).__name__}: {first})") from error

    def make(folder: Path) -> None:
        stage(found, folder, renamed)
        dataset(folder)

    fill(target, make)
    if not all((target / renamed(place)).exists() for place in found.files):  # made from a root that is gone
        shutil.rmtree(target)
        fill(target, make)
    return dataset(target)
