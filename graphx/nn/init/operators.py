"""The propagation operator of a message-passing layer: what it does to a node signal before its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch_geometric.nn import (  # type: ignore[import-untyped]
    GATConv,
    GATv2Conv,
    GCNConv,
    GINConv,
    GraphConv,
    MessagePassing,
    SAGEConv,
)
from torch_geometric.nn.conv.gcn_conv import gcn_norm  # type: ignore[import-untyped]
from torch_geometric.utils import is_torch_sparse_tensor  # type: ignore[import-untyped]

from graphx.errors import InputError

__all__ = ["Part", "adjacency", "register_operator"]


@dataclass(frozen=True)
class Part:
    r"""One term :math:`\mathbf{P} \mathbf{H} \mathbf{W}^\top` of a layer: an operator and the weight that follows it.

    A layer is the sum of its parts, whose weights are drawn independently.

    Args:
        operator: Sparse float64 ``[N, N]``; None for the identity, as for the root term of ``SAGEConv``.
        weight: The parameter ``[out, in]`` that multiplies what the operator gives.

    Example:
        >>> import torch
        >>> Part(None, torch.nn.Linear(3, 4).weight).weight.shape
        torch.Size([4, 3])
    """

    operator: Tensor | None
    weight: torch.nn.Parameter

    def times(self, signal: Tensor) -> Tensor:
        """The operator times a signal ``[N]`` or ``[N, F]``."""
        if self.operator is None:
            return signal
        product: Tensor = self.operator @ (signal if signal.dim() == 2 else signal.unsqueeze(1))
        return product if signal.dim() == 2 else product.squeeze(1)

    def transposed_times(self, signal: Tensor) -> Tensor:
        """The transposed operator times a signal ``[N]``, as a gradient passes through the layer."""
        return signal if self.operator is None else (self.operator.t() @ signal.unsqueeze(1)).squeeze(1)


Operator = Callable[..., Sequence[Part]]
_REGISTERED: dict[type, Operator] = {}
_MADE: ContextVar[dict[Any, tuple[Any, Tensor]] | None] = ContextVar("_MADE", default=None)


@contextmanager
def made_once() -> Iterator[None]:
    """While it lasts, layers of one kind on one graph share their operator."""
    token = _MADE.set({})
    try:
        yield
    finally:
        _MADE.reset(token)


def _once(layer: Any, x: Tensor, edges: Sequence[Any], make: Callable[[], Tensor]) -> Tensor:
    made = _MADE.get()
    if made is None:
        return make()
    names = ("improved", "add_self_loops", "normalize", "aggr", "flow", "heads", "concat")
    eps = float(layer.eps) if hasattr(layer, "eps") else None
    key = (type(layer), len(x), eps, *map(id, edges), *(str(getattr(layer, name, None)) for name in names))
    if key not in made:
        made[key] = (edges, make())  # holds the edges, so that their ids stay theirs
    return made[key][1]


def register_operator(conv: type, operator: Operator) -> None:
    r"""Tell :func:`virgo_` the operator of a layer of your own.

    Args:
        conv: The class of the layer, a ``MessagePassing``; its subclasses are covered too.
        operator: Called as ``operator(layer, x, edge_index, ...)`` with what the layer's ``forward`` gets. It returns
            the :class:`Part` objects of the layer, whose operators are sparse float64 ``[N, N]`` (:func:`adjacency`
            makes them) and whose weights are parameters of the layer.

    Raises:
        InputError: ``conv`` is no class of layers.

    Example:
        >>> import torch
        >>> from torch_geometric.nn import MessagePassing
        >>> class Half(MessagePassing):
        ...     def __init__(self):
        ...         super().__init__(aggr="sum")
        ...         self.lin = torch.nn.Linear(4, 4)
        ...     def forward(self, x, edge_index):
        ...         return self.lin(0.5 * self.propagate(edge_index, x=x))
        >>> def half(layer, x, edge_index):
        ...     return [Part(0.5 * adjacency(edge_index, len(x)), layer.lin.weight)]
        >>> register_operator(Half, half)
    """
    if not (isinstance(conv, type) and issubclass(conv, torch.nn.Module)):
        raise InputError(f"register_operator got {conv!r}; expected a class of layers, such as MyConv itself")
    _REGISTERED[conv] = operator


def parts_of(layer: torch.nn.Module, *args: Any, **kwargs: Any) -> Sequence[Part]:
    """The parts of a layer that is called with these arguments."""
    operator = next((_REGISTERED[kind] for kind in type(layer).__mro__ if kind in _REGISTERED), None)
    if operator is None:
        raise InputError(
            f"{type(layer).__name__} is a layer whose operator is not known; tell it with "
            f"graphx.nn.init.register_operator({type(layer).__name__}, function)"
        )
    if args and isinstance(args[0], tuple):
        raise InputError(
            f"{type(layer).__name__} is called with a pair of node features; expected one x ``[N, F]``: initialise on "
            "a sampled subgraph rather than on bipartite layers"
        )
    return operator(layer, *args, **kwargs)


def stand_ins(layer: Any) -> list[tuple[str, Callable[..., Tensor]]]:
    """Methods that give tensors of the right shapes at no cost: the order of calls is all that is wanted of a run."""
    if type(layer) is GINConv:  # its MLP is to be called
        return [("propagate", lambda *_, x, **__: x[0])]
    if type(layer) in _OF_PYG:
        wide = type(layer) in {GATConv, GATv2Conv} and layer.concat
        width = layer.out_channels * (layer.heads if wide else 1)
        return [("forward", lambda x, *_, **__: x.new_zeros(len(x), width))]
    return []


def is_registered(layer: torch.nn.Module) -> bool:
    """Whether this is a layer that passes messages, or one that the user registered."""
    return isinstance(layer, (MessagePassing, *_REGISTERED))


def adjacency(
    edge_index: Tensor,
    num_nodes: int,
    edge_weight: Tensor | None = None,
    *,
    aggr: str = "sum",
    flow: str = "source_to_target",
    loops: float = 0.0,
) -> Tensor:
    r"""The sparse operator of an aggregation: row ``i`` holds what node ``i`` takes from each node.

    Args:
        edge_index: int64 ``[2, E]``, or a torch sparse ``adj_t`` ``[N, N]``.
        num_nodes: N.
        edge_weight: ``[E]``; None for ones.
        aggr: ``'sum'`` (or ``'add'``), or ``'mean'``, which divides each row by its number of entries.
        flow: ``'source_to_target'`` or ``'target_to_source'``, as in PyG.
        loops: What is added on the diagonal, such as :math:`1 + \varepsilon` for GIN.

    Returns:
        Sparse CSR float64 ``[N, N]``.

    Raises:
        InputError: Another aggregation (one that is not linear), a node number beyond N, sizes that do not match.

    Example:
        >>> import torch
        >>> adjacency(torch.tensor([[0, 1, 2], [1, 2, 1]]), 3, aggr="mean").to_dense()[1].tolist()
        [0.5, 0.0, 0.5]
    """
    row, col, value = _entries(edge_index, num_nodes, edge_weight, aggr, flow)
    value = value.detach().double()
    if aggr == "mean":
        value = value / torch.bincount(row, minlength=num_nodes).clamp(min=1)[row]
    if loops:
        nodes = torch.arange(num_nodes, device=row.device)
        row, col = torch.cat([row, nodes]), torch.cat([col, nodes])
        value = torch.cat([value, value.new_full((num_nodes,), loops)])
    return _csr(row, col, value, num_nodes)


def _entries(
    edge_index: Tensor, num_nodes: int, edge_weight: Tensor | None, aggr: str = "sum", flow: str = "source_to_target"
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, columns and values, checked."""
    if aggr not in {"sum", "add", "mean"}:
        raise InputError(
            f"aggregation {aggr!r} is not linear, so it has no operator; expected 'sum' or 'mean', or a linear "
            "stand-in by graphx.nn.init.register_operator"
        )
    if is_torch_sparse_tensor(edge_index):
        coo = edge_index.to_sparse(layout=torch.sparse_coo).coalesce()
        row, col, value = coo.indices()[0], coo.indices()[1], coo.values()
    else:
        if not isinstance(edge_index, Tensor) or edge_index.dim() != 2 or edge_index.size(0) != 2:
            what = tuple(edge_index.shape) if isinstance(edge_index, Tensor) else type(edge_index).__name__
            raise InputError(f"edge_index is {what}; expected an int64 tensor [2, E] or a torch sparse adj_t")
        target = 1 if flow == "source_to_target" else 0
        row, col = edge_index[target], edge_index[1 - target]
        value = torch.ones(row.numel(), device=row.device) if edge_weight is None else edge_weight.view(-1)
        if value.numel() != row.numel():
            raise InputError(
                f"{value.numel()} edge weights for {row.numel()} edges; expected as many of one as of both"
            )
    if row.numel() and int(torch.maximum(row.max(), col.max())) >= num_nodes:
        raise InputError(
            f"edge_index holds node {int(torch.maximum(row.max(), col.max()))} and x has {num_nodes} rows; expected "
            "every node below the number of rows"
        )
    return row, col, value


def _csr(row: Tensor, col: Tensor, value: Tensor, num_nodes: int) -> Tensor:
    indices = torch.stack([row, col])
    return torch.sparse_coo_tensor(indices, value, (num_nodes, num_nodes), check_invariants=True).coalesce()


def _aggr(layer: Any) -> str:
    return layer.aggr if isinstance(layer.aggr, str) else type(layer.aggr_module).__name__


def _gcn(layer: Any, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> list[Part]:
    return [
        Part(
            _once(layer, x, (edge_index, edge_weight), lambda: _gcn_operator(layer, x, edge_index, edge_weight)),
            layer.lin.weight,
        )
    ]


def _gcn_operator(layer: Any, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None) -> Tensor:
    if layer.normalize and is_torch_sparse_tensor(edge_index):
        adj_t, _ = gcn_norm(edge_index.double(), None, len(x), layer.improved, layer.add_self_loops)
        return adjacency(adj_t, len(x))
    _entries(edge_index, len(x), edge_weight)  # checks the sizes before gcn_norm indexes with them
    if layer.normalize:
        weight = None if edge_weight is None else edge_weight.double()
        edge_index, edge_weight = gcn_norm(
            edge_index, weight, len(x), layer.improved, layer.add_self_loops, layer.flow, torch.float64
        )
    return adjacency(edge_index, len(x), edge_weight, aggr=_aggr(layer), flow=layer.flow)


def _sage(layer: Any, x: Tensor, edge_index: Tensor, size: Any = None) -> list[Part]:  # noqa: ARG001
    if layer.project:
        raise InputError("SAGEConv(project=True) has a layer before its operator; expected project=False")
    operator = _once(layer, x, (edge_index,), lambda: adjacency(edge_index, len(x), aggr=_aggr(layer), flow=layer.flow))
    around = Part(operator, layer.lin_l.weight)
    return [around, Part(None, layer.lin_r.weight)] if layer.root_weight else [around]


def _graph(
    layer: Any,
    x: Tensor,
    edge_index: Tensor,
    edge_weight: Tensor | None = None,
    size: Any = None,  # noqa: ARG001
) -> list[Part]:
    operator = _once(
        layer,
        x,
        (edge_index, edge_weight),
        lambda: adjacency(edge_index, len(x), edge_weight, aggr=_aggr(layer), flow=layer.flow),
    )
    return [Part(operator, layer.lin_rel.weight), Part(None, layer.lin_root.weight)]


def _gin(layer: Any, x: Tensor, edge_index: Tensor, size: Any = None) -> list[Part]:  # noqa: ARG001
    first = next((m for m in layer.nn.modules() if isinstance(getattr(m, "weight", None), torch.nn.Parameter)), None)
    if first is None or first.weight.dim() != 2:
        raise InputError("GINConv.nn begins with no linear layer; expected an MLP whose first layer has a weight")
    operator = _once(
        layer,
        x,
        (edge_index,),
        lambda: adjacency(edge_index, len(x), aggr=_aggr(layer), flow=layer.flow, loops=1 + float(layer.eps)),
    )
    return [Part(operator, first.weight)]


def _gat(layer: Any, x: Tensor, edge_index: Tensor, *_: Any, **__: Any) -> list[Part]:
    """Attention that is uniform, which is what it is near at the start: the mean over neighbours and the node."""
    operator = _once(layer, x, (edge_index,), lambda: _gat_operator(layer, x, edge_index))
    source = layer.lin_l if isinstance(layer, GATv2Conv) else layer.lin
    root = [] if getattr(layer, "res", None) is None else [Part(None, layer.res.weight)]
    return [Part(operator, source.weight), *root]


def _gat_operator(layer: Any, x: Tensor, edge_index: Tensor) -> Tensor:
    if is_torch_sparse_tensor(edge_index):
        coo = edge_index.to_sparse(layout=torch.sparse_coo).coalesce()
        edge_index = coo.indices().flip(0) if layer.flow == "source_to_target" else coo.indices()
    _entries(edge_index, len(x), None)
    if layer.add_self_loops:
        nodes = torch.arange(len(x), device=edge_index.device)
        edge_index = torch.cat([edge_index[:, edge_index[0] != edge_index[1]], nodes.repeat(2, 1)], dim=1)
    operator = adjacency(edge_index, len(x), aggr="mean", flow=layer.flow)
    if not layer.concat and layer.heads > 1:
        operator = operator * layer.heads**-0.5  # the mean over independent heads
    return operator


_OF_PYG: dict[type, Operator] = {
    GCNConv: _gcn,
    SAGEConv: _sage,
    GraphConv: _graph,
    GINConv: _gin,
    GATConv: _gat,
    GATv2Conv: _gat,
}
for _kind, _function in _OF_PYG.items():
    register_operator(_kind, _function)
