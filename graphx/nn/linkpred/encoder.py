r"""Encoders of nodes for link prediction: convolutions with and without weights, dropouts, jumping knowledge."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from torch_geometric.nn import GCNConv, SimpleConv  # type: ignore[import-untyped]

from graphx.errors import InputError
from graphx.nn.linkpred._messages import Messages, Reduce, messages_of, messages_of_features
from graphx.nn.linkpred.adjacency import as_adjacency

__all__ = ["LinkEncoder", "SparseLinear"]

Conv = Literal["gcn", "sage", "gin", "max", "puregcn", "puresum", "puremean", "puremax", "none"]

_WEIGHTED: Final[dict[str, Reduce]] = {"gcn": "gcn", "sage": "mean", "gin": "sum", "max": "max"}
_PURE: Final[dict[str, Reduce]] = {"puregcn": "gcn", "puresum": "sum", "puremean": "mean", "puremax": "max"}
CONVS: Final = (*_WEIGHTED, *_PURE, "none")


class LinkEncoder(nn.Module):
    r"""Represent nodes by what surrounds them: the encoder of NCN, in all the variants of its paper.

    With :math:`\mathbf{x}^{(0)}` the embeddings, the features, or for weightless convolutions the features after a
    linear layer,

    .. math::

        \mathbf{x}^{(k)} = \bigl[\mathbf{x}^{(k-1)}\bigr]_{\text{residual}} + \phi_k \bigl( \mathrm{conv}_k
        (\mathbf{x}^{(k-1)}, A) \bigr), \qquad
        \mathbf{h} = \mathbf{x}^{(L)} \;\text{ or }\; \sum_{k=1}^{L} a_k \mathbf{x}^{(k)}

    where the second form is `jumping_knowledge` with learned numbers :math:`a_k`. :math:`\phi_k` is layer
    normalisation, dropout and ReLU, and nothing after the last convolution; weightless ones have no :math:`\phi` but
    `tail_dropout` after the last.

    ============ =======================================================================================
    `conv`       what reaches node i
    ============ =======================================================================================
    ``gcn``      :math:`D^{-1/2} (A + I) D^{-1/2} X W`, with :math:`D = I + \deg`
    ``sage``     the mean over the neighbours of :math:`X W`, without the node itself
    ``gin``      their sum
    ``max``      their largest values
    ``pure...``  ``puregcn``, ``puresum``, ``puremean``, ``puremax``: the same without W
    ``none``     no convolution
    ============ =======================================================================================

    The variants are those of Wang, Yang, Zhang, "Neural Common Neighbor with Completion for Link Prediction", ICLR 2024
    (arXiv:2302.00890), on PyG's ``GCNConv`` and ``SimpleConv``. Ours: products with a sparse matrix whose transpose is
    kept, and a sparse first layer, which give the same numbers in less time; weights of edges in every convolution.

    Args:
        in_channels: F, the number of features; None for learned embeddings of nodes, which need `num_nodes`.
        hidden_channels: H.
        num_layers: L, the number of convolutions.
        conv: One of the names above.
        num_nodes: N, for learned embeddings; they start orthogonal.
        dropout: After the embeddings or the first linear layer, and within :math:`\phi` (``--gnndp``).
        input_dropout: Of the features (``--xdp``).
        edge_dropout: Share of edges left out in each convolution; the others count 1 / (1 - p) (``--gnnedp``).
        tail_dropout: After the last weightless convolution (``--tdp``).
        layer_norm: Layer normalisation within :math:`\phi` (``--ln``).
        residual: Add the input of each convolution to its output, where their sizes agree (``--res``).
        jumping_knowledge: Combine the layers by learned numbers (``--jk``).

    Shapes:
        - x ``[N, F]``, dense or sparse (CSR or COO), or None for learned embeddings; the result ``[N, H]``.

    Raises:
        InputError: An unknown convolution, numbers out of range, or neither features nor `num_nodes`.

    Example:
        >>> import torch
        >>> diamond = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 2, 3, 3], [1, 2, 0, 2, 3, 0, 1, 3, 1, 2]])
        >>> LinkEncoder(8, 16, num_layers=2, conv="puregcn", jumping_knowledge=True)(torch.randn(4, 8), diamond).shape
        torch.Size([4, 16])
        >>> LinkEncoder(None, 16, num_nodes=4)(None, diamond).shape
        torch.Size([4, 16])
    """

    def __init__(
        self,
        in_channels: int | None,
        hidden_channels: int = 256,
        num_layers: int = 1,
        *,
        conv: Conv = "gcn",
        num_nodes: int | None = None,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        edge_dropout: float = 0.0,
        tail_dropout: float = 0.0,
        layer_norm: bool = False,
        residual: bool = False,
        jumping_knowledge: bool = False,
    ) -> None:
        super().__init__()
        if conv not in CONVS:
            raise InputError(f"conv is {conv!r}; expected one of {', '.join(CONVS)}")
        if (in_channels is None) == (num_nodes is None):
            raise InputError(
                f"in_channels is {in_channels!r} and num_nodes {num_nodes!r}; expected in_channels for a graph with "
                "features, or num_nodes for learned embeddings, and not both"
            )
        least = {"in_channels": 1, "num_nodes": 1, "hidden_channels": 1, "num_layers": 0}
        values = {"in_channels": in_channels, "num_nodes": num_nodes}
        for name, number in {**values, "hidden_channels": hidden_channels, "num_layers": num_layers}.items():
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < least[name]):
                raise InputError(f"{name} is {number!r}; expected an integer of at least {least[name]}")
        shares = {"dropout": dropout, "input_dropout": input_dropout, "edge_dropout": edge_dropout}
        for name, share in {**shares, "tail_dropout": tail_dropout}.items():
            if not 0 <= share < 1:
                raise InputError(f"{name} is {share!r}; expected at least 0 and below 1")
        pure, layers = conv in _PURE, 0 if conv == "none" else num_layers
        self.in_channels, self.hidden_channels, self.num_layers = in_channels, hidden_channels, layers
        self.conv, self.edge_dropout, self.residual = conv, float(edge_dropout), residual
        self.embedding = None if num_nodes is None else nn.Embedding(num_nodes, hidden_channels)
        self.input_dropout = float(input_dropout)
        width = hidden_channels if in_channels is None else in_channels
        self.first: SparseLinear | None = None
        if in_channels is not None and (pure or layers == 0):
            self.first, width = SparseLinear(in_channels, hidden_channels), hidden_channels
        self.dropout = nn.Dropout(dropout) if self.first is not None or num_nodes is not None else nn.Identity()
        sizes = [width, *[hidden_channels] * layers]
        self.convs = nn.ModuleList(
            _Pure(_PURE[conv]) if pure else _Weighted(a, b, _WEIGHTED[conv]) for a, b in pairwise(sizes)
        )
        between = [nn.Dropout(dropout), nn.ReLU()]
        self.between = nn.ModuleList(
            nn.Identity() if pure else nn.Sequential(*([nn.LayerNorm(hidden_channels)] if layer_norm else []), *between)
            for _ in range(layers - 1)
        )
        if layers:
            self.between.append(nn.Dropout(tail_dropout) if pure else nn.Identity())
        self.layer_weights = nn.Parameter(torch.empty(layers)) if jumping_knowledge and layers else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        for module in self.modules():
            if isinstance(module, SparseLinear | nn.LayerNorm | _Weighted):
                module.reset_parameters()
        if self.embedding is not None:
            nn.init.orthogonal_(self.embedding.weight)
        if self.layer_weights is not None:
            nn.init.normal_(self.layer_weights)

    def forward(self, x: Tensor | None, edge_index: Any, *, nodes: Tensor | None = None) -> Tensor:
        """Represent all nodes.

        Args:
            x: Features ``[N, F]``, dense or sparse; None for learned embeddings.
            edge_index: The graph in any form that :func:`as_adjacency` takes; messages go from the first row of an
                ``edge_index`` to the second.
            nodes: Of a subgraph, which nodes of the whole graph it has, for learned embeddings: int64 ``[n]``.

        Returns:
            ``[N, H]``.

        Raises:
            InputError: x is missing, not wanted or of another size than the graph.
        """
        h = self._input(x, nodes)
        if isinstance(edge_index, Messages):
            graph = edge_index
        else:
            is_edges = isinstance(edge_index, Tensor) and edge_index.layout == torch.strided
            graph = messages_of(as_adjacency(edge_index, num_nodes=h.size(0) if is_edges else None))
        size = graph.rows.indptr.numel() - 1
        if size != h.size(0) or graph.rows.num_columns != size:
            raise InputError(f"there are {h.size(0)} nodes to represent and {size} in the graph; expected the same")
        layers = []
        for conv, then in zip(self.convs, self.between, strict=True):
            dropped = graph.drop(self.edge_dropout) if self.training and self.edge_dropout else graph
            out = then(conv(h, dropped))
            h = out + h if self.residual and out.shape == h.shape else out
            layers.append(h)
        if self.layer_weights is None:
            return h
        combined: Tensor = sum(a * h for a, h in zip(self.layer_weights, layers, strict=True))
        return combined

    def _input(self, x: Tensor | None, nodes: Tensor | None) -> Tensor:
        if self.embedding is not None:
            if x is not None:
                raise InputError("x came, and the encoder learns embeddings; expected x=None, or in_channels=F for it")
            weight = self.embedding.weight
            h: Tensor = self.dropout(weight if nodes is None else weight.index_select(0, nodes))
            return h
        if x is None or x.dim() != 2 or x.size(1) != self.in_channels:
            came = "None" if x is None else f"of shape {list(x.shape)}"
            raise InputError(f"x is {came}; expected [N, {self.in_channels}]")
        own: Any = self.convs[0].lin.weight if self.first is None else self.first.weight  # type: ignore[union-attr]
        if x.dtype != own.dtype and not torch.is_autocast_enabled(x.device.type):
            raise InputError(f"x is {x.dtype} and the weights are {own.dtype}; expected one type: pass x.to(...)")
        if x.layout != torch.strided:
            if self.first is None:
                raise InputError(f"x is sparse and conv {self.conv!r} takes it dense; pass x.to_dense()")
            sparse = messages_of_features(x)
            dropped = sparse.drop(self.input_dropout) if self.training and self.input_dropout else sparse
            return self.dropout(self.first(dropped))  # type: ignore[no-any-return]
        h = nn.functional.dropout(x, self.input_dropout, self.training)
        return h if self.first is None else self.dropout(self.first(h))

    def __repr__(self) -> str:
        width = "embeddings" if self.embedding is not None else self.in_channels
        return f"LinkEncoder({width}, {self.hidden_channels}, num_layers={self.num_layers}, conv={self.conv!r})"


class SparseLinear(nn.Linear):
    r"""Apply :math:`X W^\top + b` to features that are mostly zero, without touching the zeros.

    The parameters and the result are those of ``torch.nn.Linear``; X is a sparse matrix in torch's CSR or COO layout,
    or dense, which goes to ``torch.nn.Linear`` itself. X gets no gradient where it is sparse. Ours.

    Args:
        in_features: F.
        out_features: H.
        bias: Whether to add b.
        device: Of the parameters.
        dtype: Of the parameters.

    Example:
        >>> import torch
        >>> x, layer = torch.eye(4), SparseLinear(4, 3)
        >>> torch.allclose(layer(x.to_sparse_csr()), layer(x))
        True
    """

    def forward(self, x: Tensor | Messages) -> Tensor:
        """Apply the layer.

        Args:
            x: ``[N, F]``.

        Returns:
            ``[N, H]``.
        """
        if isinstance(x, Tensor) and x.layout == torch.strided:
            return super().forward(x)
        sparse = messages_of_features(x) if isinstance(x, Tensor) else x
        out = sparse.aggregate(self.weight.t().contiguous(), "sum")
        return out if self.bias is None else out + self.bias


class _Weighted(GCNConv):  # type: ignore[misc]
    """PyG's layer without its normalisation, on the sums of `Messages`."""

    def __init__(self, in_channels: int, out_channels: int, reduce: Reduce) -> None:
        super().__init__(in_channels, out_channels, aggr="add", normalize=False)
        self.reduce = reduce

    def propagate(self, edge_index: Messages, x: Tensor, **_: Any) -> Tensor:
        return edge_index.aggregate(x, self.reduce)


class _Pure(SimpleConv):  # type: ignore[misc]
    """PyG's layer without weights, on the sums of `Messages`."""

    def __init__(self, reduce: Reduce) -> None:
        super().__init__(aggr="sum")
        self.reduce = reduce

    def propagate(self, edge_index: Messages, x: tuple[Tensor, Tensor], **_: Any) -> Tensor:
        return edge_index.aggregate(x[0], self.reduce)
