"""Node names and edge lists of a Graph as other libraries want them, and theirs as Graph wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphx._checks import frozen, integer_array
from graphx.errors import InputError

if TYPE_CHECKING:
    from graphx.graph import Graph


def node_labels(graph: Graph) -> list[Any]:
    """The node names as Python values, ``0..N-1`` where there are none."""
    if graph.names is None:
        return list(range(graph.num_nodes))
    return graph.names.tolist() if isinstance(graph.names, np.ndarray) else list(graph.names)


def edge_arrays(
    graph: Graph,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float64] | None]:
    """Every edge once (``u <= v`` when undirected) as sources, targets, weights."""
    rows = np.repeat(np.arange(graph.num_nodes), graph.degrees())
    if not graph.is_undirected:
        return rows, graph.indices, graph.weights
    keep = rows <= graph.indices
    return rows[keep], graph.indices[keep], None if graph.weights is None else graph.weights[keep]


def names_and_rows(nodes: list[Any]) -> tuple[Any, dict[Any, int]]:
    """Names for Graph and the row of each node, for nodes of any kind."""
    size = len(nodes)
    if all(isinstance(node, (int, np.integer)) and not isinstance(node, bool) for node in nodes):
        if set(nodes) == set(range(size)):
            return None, {node: int(node) for node in nodes}
        found = integer_array(nodes)
        names: Any = tuple(str(node) for node in nodes) if found is None else frozen(found)
    else:
        names = tuple(str(node) for node in nodes)
    return names, {node: i for i, node in enumerate(nodes)}


def edge_attribute(values: list[Any], name: str) -> npt.NDArray[Any] | None:
    """Weights of edges from an attribute; None where no edge has it, InputError where some lack it or are no number."""
    missing = sum(value is None for value in values)
    if missing == len(values):
        return None
    if missing:
        raise InputError(
            f"{missing} of {len(values)} edges lack the attribute {name!r}; expected all or none: set it, or pass "
            "weight=None"
        )
    try:
        if all(isinstance(value, (int, np.integer)) for value in values):  # the graph asks if float64 holds them
            found = integer_array(values)
            return np.asarray(values, dtype=object) if found is None else found
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the edge attribute {name!r} holds something that is no number ({error}); pass weight=None"
        ) from error
