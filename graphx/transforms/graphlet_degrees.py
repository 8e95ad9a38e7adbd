"""AddGraphletDegrees: on how many graphlets of each orbit a node lies, as node features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch_geometric.data import Data  # type: ignore[import-untyped]
from torch_geometric.data.datapipes import functional_transform  # type: ignore[import-untyped]
from torch_geometric.transforms import BaseTransform  # type: ignore[import-untyped]

from graphx.errors import InputError
from graphx.gradco import OrbitAdjacency
from graphx.graph import Graph

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["AddGraphletDegrees"]


@functional_transform("add_graphlet_degrees")
class AddGraphletDegrees(BaseTransform):  # type: ignore[misc]
    r"""Add the graphlet degree vector of each node to its features (functional name: ``add_graphlet_degrees``).

    .. math::

        \mathbf{x}_v \leftarrow \mathbf{x}_v \,\Vert\, \bigl(g_0(v), \dots, g_{14}(v)\bigr)

    where :math:`g_o(v)` is the number of induced copies of a graphlet of two to four nodes in which ``v`` lies on orbit
    ``o``: :math:`g_0` is the degree, :math:`g_3` the number of triangles, :math:`g_{14}` that of 4-cliques. The counts
    are exact and come from the C++ counter in time linear in edges and triangles times small factors; torch is only
    handed the result. The vector is from Przulj, "Biological network comparison using graphlet degree distribution",
    Bioinformatics 23(2), 2007.

    A :class:`~torch_geometric.data.Batch` gives the counts of its graphs, as no graphlet spans two of them.

    Args:
        attr_name: Where to put the counts, as ``data[attr_name]``; None appends them to ``data.x``, which is made when
            there is none.
        log: Store :math:`\log(1 + g_o(v))`. Counts grow with powers of the degree, so models mostly want this.
        num_threads: Threads of the counter; None for all processors of the process. The counts never depend on it.

    Shapes:
        - ``data.edge_index``: ``[2, E]``, both directions of every edge, no loops, no duplicates.
        - added: ``[N, 15]`` in the dtype of ``data.x``, or in torch's default dtype under ``attr_name`` or where there
          is no ``x``. float32 holds whole numbers up to :math:`2^{24}` exactly and rounds above it.

    Raises:
        InputError: Called on something other than a ``Data``, on a directed graph, on one with self-loops, duplicates
            or an ``edge_weight``, or asked to append logarithms to integer features.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data  # type: ignore[import-untyped]
        >>> from graphx.transforms import AddGraphletDegrees
        >>> triangle = torch.tensor([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]])
        >>> AddGraphletDegrees()(Data(edge_index=triangle, num_nodes=3)).x[0].tolist()
        [2.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """

    def __init__(self, attr_name: str | None = None, *, log: bool = False, num_threads: int | None = None) -> None:
        self.attr_name = attr_name
        self.log = log
        self.num_threads = num_threads

    def forward(self, data: Any) -> Any:
        """Count, and add the counts to a shallow copy of the data (which ``__call__`` has made).

        Args:
            data: A PyG ``Data``.

        Returns:
            The same ``data`` with ``x`` or the attribute set.

        Raises:
            InputError: See the class.
        """
        counts = torch.from_numpy(OrbitAdjacency(self._graph(data), num_threads=self.num_threads).graphlet_degrees())
        if self.attr_name is not None:
            data[self.attr_name] = self._values(counts, torch.get_default_dtype())
        elif data.x is None:
            data.x = self._values(counts, torch.get_default_dtype())
        else:
            x = data.x.view(-1, 1) if data.x.dim() == 1 else data.x
            data.x = torch.cat([x, self._values(counts, x.dtype).to(x.device)], dim=-1)
        return data

    def _values(self, counts: Tensor, dtype: torch.dtype) -> Tensor:
        if not self.log:
            limits = (
                torch.finfo(dtype) if dtype.is_floating_point else None if dtype == torch.bool else torch.iinfo(dtype)
            )
            largest = int(counts.max()) if counts.numel() else 0
            if largest > (1 if limits is None else limits.max):
                raise InputError(
                    f"data.x is {dtype}, which cannot hold a count of {largest:,}; give attr_name, or convert with "
                    "data.x.float() first"
                )
            return counts.to(dtype)
        if not dtype.is_floating_point:
            raise InputError(
                f"data.x is {dtype}, which cannot hold logarithms; give attr_name, or convert with data.x.float() first"
            )
        return counts.to(torch.float64).log1p().to(dtype)

    def _graph(self, data: Any) -> Graph:
        if not isinstance(data, Data):
            raise InputError(
                f"AddGraphletDegrees got a {type(data).__name__}; expected a torch_geometric Data. Graphlets are "
                "defined on one node type and one edge type: for a HeteroData use data.to_homogeneous() first"
            )
        if data.edge_index is None:
            raise InputError(
                "AddGraphletDegrees needs data.edge_index, which is None; apply it before ToSparseTensor()"
            )
        if data.get("edge_weight") is not None:
            raise InputError(
                "data has an edge_weight and graphlets have no weights; remove it first (del data.edge_weight)"
            )
        graph = Graph.from_pyg(data)
        if graph.has_self_loops:
            raise InputError("data has self-loops and graphlets have none; apply RemoveSelfLoops() first")
        if not graph.is_undirected:
            raise InputError("data is directed and graphlets are undirected; apply ToUndirected() first")
        return graph

    def __repr__(self) -> str:
        return f"{type(self).__name__}(attr_name={self.attr_name!r}, log={self.log})"
