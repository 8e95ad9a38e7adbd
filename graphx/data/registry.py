"""What graphx knows by name: every data set, what it is, where its files lie, whom to cite. Imports no torch."""

from __future__ import annotations

import csv
import difflib
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphx.data._families import FAMILIES, files_of
from graphx.errors import InputError

__all__ = ["Dataset", "dataset_names", "describe", "find_dataset"]

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set known by name. A number that is not known is None.

    Attributes:
        name: The name, in lower case with hyphens.
        family: The family of data sets that is read alike.
        key: What the family calls it.
        title: What it is.
        num_nodes: Nodes (of all its graphs).
        num_edges: Edges of :func:`graphx.data.load_graph`: undirected, each pair once, without loops.
        num_columns: Columns of ``edge_index`` of :func:`graphx.data.load`: both directions of an undirected edge.
        num_features: Columns of ``x``.
        num_classes: Classes, or labels when a node has several.
        num_graphs: Graphs.
        splits: What splits come with it.
        homophily: Edge homophily, the share of edges between nodes of one class.
        note: Whom else to cite.
        aliases: Other names it answers to.

    Example:
        >>> find_dataset("cora").num_classes
        7
    """

    name: str
    family: str
    key: str
    title: str
    num_nodes: int | None
    num_edges: int | None
    num_columns: int | None = None
    num_features: int | None = None
    num_classes: int | None = None
    num_graphs: int | None = 1
    splits: str = "none"
    homophily: float | None = None
    note: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def files(self) -> list[str]:
        """The raw files that must be there, below a root."""
        return files_of(self.family, self.key)[0]

    @property
    def path(self) -> Path:
        """The file that comes with graphx, for a packaged network."""
        return _HERE / "networks" / f"{self.key}.edgelist"

    @property
    def citation(self) -> str:
        """Whom to cite."""
        return self.note or FAMILIES[self.family].citation

    @property
    def licence(self) -> str:
        """The licence of what ships the files; the data's own terms may differ."""
        return FAMILIES[self.family].licence

    @property
    def source(self) -> str:
        """Where the files come from."""
        return FAMILIES[self.family].source

    @property
    def task(self) -> str:
        """What it is for."""
        return FAMILIES[self.family].task


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)


@functools.cache
def _catalog() -> dict[str, Dataset]:
    """All data sets by name, from catalog.tsv."""
    known = {}
    with (_HERE / "catalog.tsv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            known[row["name"]] = Dataset(
                row["name"],
                row["family"],
                row["key"],
                row["title"],
                num_nodes=_number(row["nodes"]),
                num_edges=_number(row["edges"]),
                num_columns=_number(row["columns"]),
                num_features=_number(row["features"]),
                num_classes=_number(row["classes"]),
                num_graphs=_number(row["graphs"]),
                splits=row["splits"],
                homophily=None if row["homophily"] == "-" else float(row["homophily"]),
                note=row["note"],
                aliases=tuple(row["aliases"].split()),
            )
    return known


@functools.cache
def _by_name() -> dict[str, Dataset]:
    every = _catalog().values()
    aliases = {_plain(alias): data for data in every for alias in data.aliases}
    return aliases | {_plain(data.name): data for data in every}


def dataset_names(family: str | None = None) -> list[str]:
    """The names of all known data sets, sorted.

    Args:
        family: Only those of a family, such as ``'planetoid'``; None for all.

    Returns:
        The names, which :func:`graphx.data.load_graph` takes.

    Raises:
        InputError: There is no such family.

    Example:
        >>> dataset_names("planetoid")
        ['citeseer', 'cora', 'pubmed']
    """
    if family is not None and family not in FAMILIES:
        raise InputError(f"family is {family!r}; expected one of: {', '.join(FAMILIES)}")
    return sorted(data.name for data in _catalog().values() if family in (None, data.family))


def find_dataset(name: str) -> Dataset | None:
    """The data set of that name, whatever its case, hyphens, blanks and underscores; None when there is none.

    Args:
        name: The name or one of its aliases.

    Returns:
        What is known about it, or None.

    Example:
        >>> find_dataset("Les_Miserables").num_edges
        254
    """
    return _by_name().get(_plain(name))


def describe(name: str) -> dict[str, Any]:
    """What is known about a data set, without reading it.

    Args:
        name: Its name or an alias.

    Returns:
        Counts, splits, homophily, task, licence, citation, source and files; None for a number that is not known.

    Raises:
        InputError: There is no such data set; the message suggests the nearest names.

    Example:
        >>> about = describe("CORA")
        >>> about["nodes"], about["edges"], about["classes"], about["task"]
        (2708, 5278, 7, 'node classification')
    """
    data = find_dataset(name)
    if data is None:
        raise unknown_name(name)
    return {
        "name": data.name,
        "title": data.title,
        "family": data.family,
        "task": data.task,
        "graphs": data.num_graphs,
        "nodes": data.num_nodes,
        "edges": data.num_edges,
        "edge_index columns": data.num_columns,
        "features": data.num_features,
        "classes": data.num_classes,
        "splits": data.splits,
        "homophily": data.homophily,
        "licence": data.licence,
        "citation": data.citation,
        "source": data.source,
        "files": data.files,
    }


def unknown_name(name: str) -> InputError:
    """The error for a text that is neither a file nor a known name, with the nearest names.

    Args:
        name: What came.

    Returns:
        The error, to be raised.

    Example:
        >>> print(unknown_name("karat"))
        'karat': no such file, and no data set of that name; did you mean 'karate'? python -m graphx.data list shows all
    """
    known = _by_name()
    near = difflib.get_close_matches(_plain(name), known, n=3, cutoff=0.6)
    nearest = list(dict.fromkeys(repr(known[key].name) for key in near))
    hint = f"did you mean {' or '.join(nearest)}? " if nearest else ""
    return InputError(
        f"{name!r}: no such file, and no data set of that name; {hint}python -m graphx.data list shows all"
    )
