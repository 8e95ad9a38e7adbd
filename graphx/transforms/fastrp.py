"""AddFastRP and AddOrbitFastRP: node embeddings by random projection, as node features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch
from torch_geometric.data import Data  # type: ignore[import-untyped]
from torch_geometric.data.datapipes import functional_transform  # type: ignore[import-untyped]
from torch_geometric.transforms import BaseTransform  # type: ignore[import-untyped]

from graphx.errors import InputError
from graphx.graph import Graph

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["AddFastRP", "AddOrbitFastRP"]


class _AddEmbedding(BaseTransform):  # type: ignore[misc]
    """Where an embedding goes, for both transforms."""

    attr_name: str | None

    def _embed(self, data: Any) -> Any:
        raise NotImplementedError

    def forward(self, data: Any) -> Any:
        """Embed, and add the vectors to a shallow copy of the data (which ``__call__`` has made).

        Args:
            data: A PyG ``Data``.

        Returns:
            The same ``data`` with ``x`` or the attribute set.

        Raises:
            InputError: See the class.
        """
        name = type(self).__name__
        if not isinstance(data, Data):
            raise InputError(
                f"{name} got a {type(data).__name__}; expected a torch_geometric Data. For a HeteroData use "
                "data.to_homogeneous() first"
            )
        if data.edge_index is None:
            raise InputError(f"{name} needs data.edge_index, which is None; apply it before ToSparseTensor()")
        if self.attr_name is None and data.x is not None and not data.x.is_floating_point():
            raise InputError(
                f"data.x is {data.x.dtype}, which cannot hold an embedding; give attr_name, or convert with "
                "data.x.float() first"
            )
        found: Tensor = torch.from_numpy(self._embed(data)).to(data.edge_index.device)
        if self.attr_name is not None:
            data[self.attr_name] = found.to(torch.get_default_dtype())
        elif data.x is None:
            data.x = found.to(torch.get_default_dtype())
        else:
            x = data.x.view(-1, 1) if data.x.dim() == 1 else data.x
            data.x = torch.cat([x, found.to(x.dtype).to(x.device)], dim=-1)
        return data


@functional_transform("add_fastrp")
class AddFastRP(_AddEmbedding):
    r"""Add the FastRP embedding of each node to its features (functional name: ``add_fastrp``).

    .. math::

        \mathbf{x}_v \leftarrow \mathbf{x}_v \,\Vert\, \Bigl(\sum_k w_k \operatorname{rownorm}(U_k)\Bigr)_v, \qquad
        U_k = D^{-1} A\, U_{k-1}

    From Chen et al., "Fast and Accurate Network Embeddings via Very Sparse Random Projection", CIKM 2019; see
    :class:`~graphx.fastrp.FastRP`, which it hands its parameters to. An ``edge_weight`` is used; a
    :class:`~torch_geometric.data.Batch` is embedded as one graph of many components.

    Args:
        dim: Columns to add.
        attr_name: Where to put them, as ``data[attr_name]``; None appends them to ``data.x``, which is made when there
            is none.
        parameters: Of :class:`~graphx.fastrp.FastRP`, such as ``refine=8`` or ``random_state=0``.

    Shapes:
        - ``data.edge_index``: ``[2, E]``.
        - added: ``[N, dim]`` in the dtype of ``data.x``, or in torch's default dtype under ``attr_name`` or where there
          is no ``x``.

    Raises:
        InputError: Called on something other than a ``Data``, or FastRP cannot use the graph or a parameter.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data  # type: ignore[import-untyped]
        >>> from graphx.transforms import AddFastRP
        >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> data = Data(x=torch.ones(3, 2), edge_index=edges)
        >>> AddFastRP(8, random_state=0)(data).x.shape
        torch.Size([3, 10])
    """

    def __init__(self, dim: int = 128, attr_name: str | None = None, **parameters: Any) -> None:
        from graphx.fastrp import FastRP

        self.dim = dim
        self.attr_name = attr_name
        self.parameters = parameters
        _check_names(FastRP, parameters)

    def _embed(self, data: Any) -> Any:
        from graphx.fastrp import FastRP
        from graphx.fastrp._inputs import gpu_of

        features = (
            data.x.detach().cpu().numpy() if self.parameters.get("feature_ratio") and data.x is not None else None
        )
        graph = Graph.from_pyg(data) if gpu_of(data) is None else data  # where the edges are on a GPU, so are the hops
        return FastRP(self.dim, **self.parameters).fit_transform(graph, features=features)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.dim}, attr_name={self.attr_name!r}{_told(self.parameters)})"


@functional_transform("add_orbit_fastrp")
class AddOrbitFastRP(_AddEmbedding):
    r"""Add FastRP embeddings over graphlet orbit adjacencies (functional name: ``add_orbit_fastrp``).

    .. math::

        \mathbf{x}_v \leftarrow \mathbf{x}_v \,\Vert\, \bigl\Vert_{M} \Bigl(\sum_k w_k
        \operatorname{rownorm}\bigl((S_M^{-1} M)^k R\bigr)\Bigr)_v

    over the selected orbit adjacencies M, whose row sums are the diagonal of :math:`S_M`; none of them is built. See
    :class:`~graphx.fastrp.OrbitFastRP`, which it hands its parameters to. FastRP is from Chen et al., CIKM 2019; over
    orbits it is ours.

    Args:
        dim: Columns of each orbit with ``combine='concat'``, of their sum with ``'sum'``.
        orbits: Which orbit adjacencies.
        combine: ``'concat'`` or ``'sum'``.
        attr_name: Where to put them, as ``data[attr_name]``; None appends them to ``data.x``.
        parameters: Of :class:`~graphx.fastrp.OrbitFastRP`.

    Shapes:
        - ``data.edge_index``: ``[2, E]``, both directions of every edge, no loops, no duplicates.
        - added: ``[N, columns]``, in the dtypes of :class:`AddFastRP`.

    Raises:
        InputError: Called on something other than a ``Data``, with ``combine='learn'`` (which needs labels), or
            OrbitFastRP cannot use the graph or a parameter.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data  # type: ignore[import-untyped]
        >>> from graphx.transforms import AddOrbitFastRP
        >>> triangle = torch.tensor([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]])
        >>> data = Data(edge_index=triangle, num_nodes=3)
        >>> AddOrbitFastRP(8, orbits="hop1", combine="sum", random_state=0)(data).x.shape
        torch.Size([3, 8])
    """

    def __init__(
        self,
        dim: int = 128,
        orbits: Any = "all",
        combine: Literal["concat", "sum"] = "concat",
        attr_name: str | None = None,
        **parameters: Any,
    ) -> None:
        from graphx.fastrp import OrbitFastRP

        if combine not in ("concat", "sum"):
            raise InputError(f"combine is {combine!r}; expected 'concat' or 'sum' ('learn' needs labels: OrbitFastRP)")
        self.dim = dim
        self.orbits = orbits
        self.combine = combine
        self.attr_name = attr_name
        self.parameters = parameters
        _check_names(OrbitFastRP, parameters)

    def _embed(self, data: Any) -> Any:
        from graphx.fastrp import OrbitFastRP

        model = OrbitFastRP(self.orbits, self.combine, n_components=self.dim, **self.parameters)
        return model.fit_transform(Graph.from_pyg(data))

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.dim}, orbits={self.orbits!r}, combine={self.combine!r}, "
            f"attr_name={self.attr_name!r}{_told(self.parameters)})"
        )


def _check_names(estimator: Any, parameters: dict[str, Any]) -> None:
    known = estimator._get_param_names()
    unknown = sorted(set(parameters) - set(known) | {"n_components"} & set(parameters))
    if unknown:
        raise InputError(
            f"{estimator.__name__} has no parameter {', '.join(map(repr, unknown))} here; it has dim (n_components) "
            f"and {', '.join(name for name in known if name != 'n_components')}"
        )


def _told(parameters: dict[str, Any]) -> str:
    return "".join(f", {name}={value!r}" for name, value in parameters.items())
