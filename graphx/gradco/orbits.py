"""Names and tables of the graphlets with up to four nodes, their orbits, and the 28 orbit adjacencies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from operator import index
from typing import Final, NamedTuple

from graphx.errors import InputError

__all__ = [
    "EDGE_ORBITS",
    "GRAPHLETS",
    "ORBIT_KEYS",
    "Graphlet",
    "Key",
    "graphlet_of",
    "key_name",
    "parse_keys",
    "transposed",
]

Key = tuple[int, int, int]


class Graphlet(NamedTuple):
    """A connected graph on two to four nodes.

    Args:
        number: Its number, 0..8 (G0..G8).
        name: Its usual name.
        orbits: Its orbits, numbered as in Przulj, "Biological network comparison using graphlet degree
            distribution", Bioinformatics 23 (2007).
        edges: Its edges, nodes numbered from 0.
        node_orbits: The orbit of each node.

    Example:
        >>> GRAPHLETS[6].name, GRAPHLETS[6].orbits
        ('paw', (9, 10, 11))
    """

    number: int
    name: str
    orbits: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]
    node_orbits: tuple[int, ...]


GRAPHLETS: Final[tuple[Graphlet, ...]] = (
    Graphlet(0, "edge", (0,), ((0, 1),), (0, 0)),
    Graphlet(1, "path-3", (1, 2), ((0, 1), (1, 2)), (1, 2, 1)),
    Graphlet(2, "triangle", (3,), ((0, 1), (1, 2), (0, 2)), (3, 3, 3)),
    Graphlet(3, "path-4", (4, 5), ((0, 1), (1, 2), (2, 3)), (4, 5, 5, 4)),
    Graphlet(4, "claw", (6, 7), ((0, 1), (0, 2), (0, 3)), (7, 6, 6, 6)),
    Graphlet(5, "cycle-4", (8,), ((0, 1), (1, 2), (2, 3), (0, 3)), (8, 8, 8, 8)),
    Graphlet(6, "paw", (9, 10, 11), ((0, 1), (1, 2), (1, 3), (2, 3)), (9, 11, 10, 10)),
    Graphlet(7, "diamond", (12, 13), ((0, 1), (0, 2), (1, 2), (1, 3), (2, 3)), (12, 13, 13, 12)),
    Graphlet(8, "clique-4", (14,), ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)), (14, 14, 14, 14)),
)

ORBIT_KEYS: Final[tuple[Key, ...]] = (
    *((1, a, b) for a, b in ((0, 0), (1, 2), (2, 1), (3, 3), (4, 5), (5, 4), (5, 5), (6, 7), (7, 6), (8, 8), (9, 11))),
    *((1, a, b) for a, b in ((11, 9), (10, 10), (10, 11), (11, 10), (12, 13), (13, 12), (13, 13), (14, 14))),
    *((2, a, b) for a, b in ((1, 1), (4, 5), (5, 4), (6, 6), (8, 8), (9, 10), (10, 9), (12, 12))),
    (3, 4, 4),
)
"""The 28 keys ``(hop, o1, o2)`` in the order of every table: hop, then orbits."""

EDGE_ORBITS: Final[tuple[tuple[int, int], ...]] = (
    (1, 2), (3, 3), (4, 5), (5, 5), (6, 7), (8, 8), (9, 11), (10, 10), (10, 11), (12, 13), (13, 13), (14, 14),
)  # fmt: skip
"""The orbits at the ends of an edge for the 12 columns of the edge graphlet degrees."""

_NUMBER: Final[dict[Key, int]] = {key: number for number, key in enumerate(ORBIT_KEYS)}
_GRAPHLET_OF_ORBIT: Final[dict[int, Graphlet]] = {o: g for g in GRAPHLETS for o in g.orbits}

# M[key] 1 = divisor * GDV[:, o1]: how often a row counts each graphlet that has the row's node on orbit o1.
ROW_DIVISORS: Final[dict[Key, int]] = dict.fromkeys(ORBIT_KEYS, 1) | {
    (1, 3, 3): 2, (1, 8, 8): 2, (1, 14, 14): 3, (1, 12, 13): 2, (1, 13, 12): 2, (1, 2, 1): 2, (1, 7, 6): 3,
    (1, 11, 10): 2, (2, 6, 6): 2, (2, 9, 10): 2,
}  # fmt: skip


def key_number(key: object) -> int:
    """The position of a key in ``ORBIT_KEYS``; KeyError with the nearest keys if there is no such matrix."""
    try:
        number = _NUMBER.get(tuple(index(part) for part in key))  # type: ignore[attr-defined, arg-type]
    except TypeError:
        number = None
    if number is None:
        raise KeyError(f"{key!r} is no orbit adjacency; expected (hop, o1, o2), one of ORBIT_KEYS{_nearest(str(key))}")
    return number


def _nearest(text: str) -> str:
    numbers = re.findall(r"\d+", text)  # 2_12_12 and 2-12-12 are (2, 12, 12)
    text = f"({', '.join(numbers)})" if len(numbers) == len(ORBIT_KEYS[0]) else text
    close = get_close_matches(text, [str(key) for key in ORBIT_KEYS], n=2, cutoff=0.6)
    return f"; near to it: {', '.join(close)}" if close else ""


def key_mask(keys: Iterable[Key] | None) -> int:
    """A selection of keys as the bit set that the compiled kernels take; None selects all."""
    if keys is None:
        return (1 << len(ORBIT_KEYS)) - 1
    mask = 0
    for key in keys:
        mask |= 1 << key_number(key)
    return mask


def transposed(key: Key) -> Key:
    """The key of the transposed matrix.

    Args:
        key: ``(hop, o1, o2)``.

    Returns:
        ``(hop, o2, o1)``.

    Example:
        >>> transposed((1, 9, 11))
        (1, 11, 9)
    """
    hop, row, column = key
    return hop, column, row


def graphlet_of(key: Key) -> Graphlet:
    """The graphlet that a matrix counts.

    Args:
        key: ``(hop, o1, o2)``.

    Returns:
        The graphlet with both orbits.

    Raises:
        KeyError: There is no such matrix.

    Example:
        >>> graphlet_of((2, 9, 10)).name
        'paw'
    """
    return _GRAPHLET_OF_ORBIT[ORBIT_KEYS[key_number(key)][1]]


def key_name(key: Key) -> str:
    """A key as one word, for file names and tables.

    Args:
        key: ``(hop, o1, o2)``.

    Returns:
        ``'hop_o1_o2'``.

    Example:
        >>> key_name((2, 12, 12))
        '2_12_12'
    """
    return "_".join(str(part) for part in key)


def parse_keys(text: str) -> tuple[Key, ...]:
    """The keys that a comma-separated selection names, in the order of ``ORBIT_KEYS``.

    Args:
        text: Any of ``all``, ``hop1``, ``hop2``, ``hop3``, ``G0`` .. ``G8``, and keys such as ``2_12_12`` or
            ``2:12,12``-like spellings with any of ``_ : - /`` between the three numbers.

    Returns:
        The selected keys, each once.

    Raises:
        InputError: A part names no matrix.

    Example:
        >>> parse_keys("hop3,2_12_12")
        ((2, 12, 12), (3, 4, 4))
        >>> len(parse_keys("G6"))
        7
    """
    chosen: set[Key] = set()
    for part in (word.strip() for word in text.split(",")):
        word = part.lower()
        matching = {
            key
            for key in ORBIT_KEYS
            if word in ("all", f"hop{key[0]}", f"g{graphlet_of(key).number}", graphlet_of(key).name)
        }
        numbers = word.replace(":", "_").replace("-", "_").replace("/", "_").split("_")
        if not matching and len(numbers) == 3 and all(n.isdigit() for n in numbers):
            matching = {key for key in ORBIT_KEYS if key == tuple(int(n) for n in numbers)}
        if not matching:
            names = ["all", "hop1", "hop2", "hop3", *(f"G{g.number}" for g in GRAPHLETS), *map(key_name, ORBIT_KEYS)]
            close = get_close_matches(part, names, n=2, cutoff=0.5)
            hint = f", perhaps {' or '.join(close)}" if close else ""
            raise InputError(f"{part!r} names no orbit adjacency; expected all, hop1..hop3, G0..G8 or hop_o1_o2{hint}")
        chosen |= matching
    return tuple(key for key in ORBIT_KEYS if key in chosen)
