"""The networks that graphx knows by name: where their files lie, what they are, whom to cite."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graphx.errors import InputError

__all__ = ["Dataset", "dataset_names", "find_dataset"]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A network known by name.

    Attributes:
        name: The name, in lower case with hyphens.
        title: What it is.
        filename: Its file in ``graphx/data/networks``.
        num_nodes: Nodes.
        num_edges: Undirected edges.
        citation: Whom to cite.
        licence: Under which terms the file is here.
        aliases: Other names it answers to.

    Example:
        >>> find_dataset("karate").title
        'friendships in a karate club'
    """

    name: str
    title: str
    filename: str
    num_nodes: int
    num_edges: int
    citation: str
    licence: str
    aliases: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The packaged file."""
        return Path(__file__).parent / "networks" / self.filename


_LICENCE: Final = "facts from the publication, as shipped with networkx (BSD-3-Clause)"
_DATASETS: Final = (
    Dataset(
        "karate",
        "friendships in a karate club",
        "karate.edgelist",
        34,
        78,
        "W. W. Zachary, An information flow model for conflict and fission in small groups, J. Anthr. Res. 33, 1977",
        _LICENCE,
        ("karate-club", "zachary", "zachary-karate-club"),
    ),
    Dataset(
        "les-miserables",
        "characters of Les Miserables that appear in the same chapter",
        "les-miserables.edgelist",
        77,
        254,
        "D. E. Knuth, The Stanford GraphBase: a platform for combinatorial computing, ACM Press, 1993",
        _LICENCE,
        ("lesmis", "les-mis", "miserables"),
    ),
)


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


_BY_NAME: Final = {_plain(alias): data for data in _DATASETS for alias in (data.name, *data.aliases)}


def dataset_names() -> list[str]:
    """The names of all known networks, sorted.

    Returns:
        What :func:`graphx.data.load_graph` takes.

    Example:
        >>> dataset_names()
        ['karate', 'les-miserables']
    """
    return sorted(data.name for data in _DATASETS)


def find_dataset(name: str) -> Dataset | None:
    """The network of that name, whatever its case, hyphens, blanks and underscores; None when there is none.

    Args:
        name: The name or one of its aliases.

    Returns:
        What is known about it, or None.

    Example:
        >>> find_dataset("Les_Miserables").num_edges
        254
    """
    return _BY_NAME.get(_plain(name))


def unknown_name(name: str) -> InputError:
    """The error for a text that is neither a file nor a known name, with the nearest names.

    Args:
        name: What was asked for.

    Returns:
        The error, to be raised.

    Example:
        >>> print(unknown_name("karat"))
        'karat': no such file, and no network of that name; did you mean 'karate'? (known: karate, les-miserables)
    """
    near = difflib.get_close_matches(_plain(name), _BY_NAME, n=3, cutoff=0.6)
    nearest = list(dict.fromkeys(repr(_BY_NAME[key].name) for key in near))
    hint = f"; did you mean {' or '.join(nearest)}?" if nearest else ";"
    return InputError(
        f"{name!r}: no such file, and no network of that name{hint} (known: {', '.join(dataset_names())})"
    )
