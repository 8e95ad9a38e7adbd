r"""NCN, NCNC and the family: one predictor of links with a pluggable structural part."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn

from graphx.errors import InputError
from graphx.nn.linkpred import _ops
from graphx.nn.linkpred._torch import Query
from graphx.nn.linkpred.adjacency import Adjacency, as_adjacency
from graphx.nn.linkpred.common_neighbors import make_query, pooled

__all__ = ["NCN", "NCNC", "LinkPredictor"]

Structure = Literal["gae", "gae_cn", "ncn", "ncnc", "ncn2", "ncn_diff"]

STRUCTURES: Final = ("gae", "gae_cn", "ncn", "ncnc", "ncn2", "ncn_diff")


class LinkPredictor(nn.Module):
    r"""Predict whether pairs are linked, from what their ends are and from what lies around both.

    .. math::

        y_{ij} = \mathrm{MLP}\bigl(\beta \, f(\mathbf{z}_{ij}) + g(\mathbf{x}_i \odot \mathbf{x}_j)\bigr)

    with a learned number :math:`\beta` and the structural part, where :math:`\mathbf{x}' = \mathbf{x} + h(\mathbf{x})`
    if `transform_nodes` and :math:`\mathbf{x}` otherwise:

    ============ =====================================================================================================
    `structure`  :math:`f(\mathbf{z}_{ij})`
    ============ =====================================================================================================
    ``gae``      none
    ``gae_cn``   :math:`f(|\mathcal{N}(i) \cap \mathcal{N}(j)|)`
    ``ncn``      :math:`f(\sum_{u \in \mathcal{N}(i) \cap \mathcal{N}(j)} \mathbf{x}'_u)`
    ``ncnc``     as ``ncn``, with :math:`P_{ju} \mathbf{x}'_u` for :math:`u \in \mathcal{N}(i) \setminus \mathcal{N}(j)`
                 and the same with i and j exchanged
    ``ncn2``     as ``ncn``, and :math:`f_2` of the sums over :math:`\mathcal{N}(i) \cap \mathcal{N}_2(j)` and
                 :math:`\mathcal{N}_2(i) \cap \mathcal{N}(j)`, where :math:`\mathcal{N}_2` is a row of :math:`A^2`
    ``ncn_diff`` as ``ncn``, and :math:`f_2` of the sum over the nodes next to one end only
    ============ =====================================================================================================

    :math:`P_{ju} = \alpha \frac{p\,q}{p\,q + 1 - q}` with
    :math:`q = \sigma(\text{scale} \, (y_{ju} - \text{offset}))` is the probability that an absent neighbour is only
    unobserved; :math:`y_{ju}` comes from the same predictor with one level of completion less, without gradient.

    The equations are those of Wang, Yang, Zhang, "Neural Common Neighbor with Completion for Link Prediction", ICLR
    2024 (arXiv:2302.00890). Ours: one class for all, the exclusion of target edges inside, weights of edges in every
    sum, and the completion's scores without dropout.

    Args:
        in_channels: F, the size of the node representations.
        hidden_channels: H.
        structure: One of the names above.
        transform_nodes: Whether nodes are transformed before anything (the authors' ``--use_xlin``).
        tail_activation: Whether f and g end with the activation instead of a linear layer (``--tailact``).
        two_layer_head: Whether the last MLP has one layer more (``--twolayerlin``).
        layer_norm: Layer normalisation in the MLPs (``--lnnn``).
        dropout: Of the MLPs (``--predp``).
        exclude_targets: While training, leave the pairs themselves out of the graph (``--maskinput``).
        depth: Levels of completion, 2 for NCNC2; for ``ncnc`` only.
        alpha: The factor of P.
        pt: The prior p.
        scale: Of the logits in P.
        offset: Of the logits in P.
        learnable_pt: Learn p as :math:`\sigma(\mathrm{MLP}(\mathbf{x}_i \odot \mathbf{x}_j))` (``--learnpt``).
        reference_compat: Give the inner predictor the transformed nodes, which it then transforms again, as the
            authors' code does: for their weights.

    Shapes:
        - x ``[N, F]``, ``edge_index`` ``[2, E]`` or another form, ``edge_label_index`` ``[2, B]``; logits ``[B]``.

    Raises:
        InputError: An unknown structure, a depth or learned prior without completion, numbers out of range.

    Example:
        >>> import torch
        >>> diamond = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 2, 3, 3], [1, 2, 0, 2, 3, 0, 1, 3, 1, 2]])
        >>> model = LinkPredictor(8, 16, structure="ncn").eval()
        >>> model(torch.randn(4, 8), diamond, torch.tensor([[0, 1], [3, 2]])).shape
        torch.Size([2])
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int = 256,
        *,
        structure: Structure = "ncn",
        transform_nodes: bool = False,
        tail_activation: bool = False,
        two_layer_head: bool = False,
        layer_norm: bool = True,
        dropout: float = 0.0,
        exclude_targets: bool = True,
        depth: int = 1,
        alpha: float = 1.0,
        pt: float = 0.5,
        scale: float = 5.0,
        offset: float = 3.0,
        learnable_pt: bool = False,
        reference_compat: bool = False,
    ) -> None:
        super().__init__()
        if structure not in STRUCTURES:
            raise InputError(f"structure is {structure!r}; expected one of {', '.join(STRUCTURES)}")
        for name, number in (("in_channels", in_channels), ("hidden_channels", hidden_channels), ("depth", depth)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise InputError(f"{name} is {number!r}; expected a positive integer")
        if structure != "ncnc" and (depth != 1 or learnable_pt or reference_compat):
            raise InputError(
                f"depth, learnable_pt and reference_compat are options of completion; expected structure='ncnc', "
                f"not {structure!r}"
            )
        if not 0 < pt <= 1 or not 0 <= dropout < 1:
            raise InputError(f"pt={pt!r}, dropout={dropout!r}; expected 0 < pt <= 1 and 0 <= dropout < 1")
        self.in_channels, self.hidden_channels, self.structure = in_channels, hidden_channels, structure
        self.exclude_targets, self.depth, self.reference_compat = exclude_targets, depth, reference_compat
        self.alpha, self.pt, self.scale, self.offset = float(alpha), float(pt), float(scale), float(offset)

        def mlp(layout: str, *sizes: int) -> nn.Sequential:
            return _mlp(layout, sizes, layer_norm, dropout)

        f, h = in_channels, hidden_channels
        tail = "" if tail_activation else "L"
        self.node_mlp = mlp("LDRLNDR", f, h, f) if transform_nodes else None
        self.structure_mlp = (
            mlp("LDRLNDR" + tail, 1 if structure == "gae_cn" else f, h, h, h) if structure != "gae" else None
        )
        self.second_mlp = mlp("LDRLNDR" + tail, f, h, h, h) if structure in ("ncn2", "ncn_diff") else None
        self.pair_mlp = mlp("LNDR" + tail, f, h, h)
        self.head = mlp("LNDRLNDRL", h, h, h, 1) if two_layer_head else mlp("LNDRL", h, h, 1)
        self.prior_mlp = mlp("LNDRL", f, h, 1) if learnable_pt else None
        self.beta = nn.Parameter(torch.ones(1))

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.LayerNorm):
                module.reset_parameters()
        nn.init.ones_(self.beta)

    def forward(self, x: Tensor, edge_index: Any, edge_label_index: Tensor) -> Tensor:
        """Score pairs.

        Args:
            x: Node representations ``[N, F]``, as an encoder makes them.
            edge_index: The graph in any form that :func:`as_adjacency` takes.
            edge_label_index: Pairs, int64 ``[2, B]``.

        Returns:
            Logits ``[B]``.

        Raises:
            InputError: x of another size, or as :func:`common_neighbors`.
        """
        if x.dim() != 2 or x.size(1) != self.in_channels:
            raise InputError(f"x has shape {list(x.shape)}; expected [N, {self.in_channels}]")
        is_edges = isinstance(edge_index, Tensor) and edge_index.layout == torch.strided
        adjacency = as_adjacency(edge_index, num_nodes=x.size(0) if is_edges else None)
        if adjacency.num_rows != x.size(0) or adjacency.num_columns != x.size(0):
            raise InputError(
                f"x has {x.size(0)} rows and the graph is [{adjacency.num_rows}, {adjacency.num_columns}]; expected "
                "one row for each node"
            )
        hide = self.exclude_targets and self.training
        query = make_query(adjacency, edge_label_index, exclude=True if hide else None)
        _ops.check_range(query)
        return self._logits(x, query, self.depth if self.structure == "ncnc" else 0)

    def _logits(self, x: Tensor, query: Query, depth: int) -> Tensor:
        pairs = query.pairs
        h = x if self.node_mlp is None else x + self.node_mlp(x)
        product = x[pairs[0]] * x[pairs[1]]
        combined = self.pair_mlp(product)
        if self.structure == "gae":
            return self._head(combined)
        assert self.structure_mlp is not None
        if self.structure == "gae_cn":
            z = common_weight(query).to(h.dtype).unsqueeze(1)
            return self._head(combined + self.structure_mlp(z) * self.beta)
        z, _ = pooled(query, h)
        if depth > 0:
            z = z + self._completed(x, h, query, product, depth)
        structural = self.structure_mlp(z)
        if self.second_mlp is not None:
            further = two_hop_sums if self.structure == "ncn2" else difference_sums
            structural = structural + self.second_mlp(further(query, h))
        return self._head(combined + structural * self.beta)

    def _head(self, values: Tensor) -> Tensor:
        logits: Tensor = self.head(values)
        return logits.squeeze(-1)

    def _completed(self, x: Tensor, h: Tensor, query: Query, product: Tensor, depth: int) -> Tensor:
        """The sums over neighbours of one end, by how probable their edge to the other end is."""
        first, columns1, second, columns2 = _ops.differences(query)
        rows = torch.cat((torch.repeat_interleave(first.diff()), torch.repeat_interleave(second.diff())))
        columns = torch.cat((columns1, columns2)).long()
        ends = torch.cat((query.pairs[1][rows[: columns1.numel()]], query.pairs[0][rows[columns1.numel() :]]))
        inner = query._replace(pairs=torch.stack((ends, columns)))
        with torch.no_grad(), _evaluating(self):
            logits = self._logits(h if self.reference_compat else x, inner, depth - 1)
            q = torch.sigmoid(self.scale * (logits - self.offset))
        p: Tensor | float = self.pt
        if self.prior_mlp is not None:
            p = torch.sigmoid(self.prior_mlp(product)).squeeze(-1)[rows]
        weights = self.alpha * p * q / (p * q + 1 - q)
        return sum_rows(h, columns, rows, query.pairs.size(1), weights)

    @torch.no_grad()
    def predict(self, x: Tensor, edge_index: Any, edge_label_index: Tensor, *, batch_size: int = 65_536) -> Tensor:
        """Score any number of pairs in evaluation mode, batch by batch.

        Args:
            x: ``[N, F]``.
            edge_index: As in :meth:`forward`.
            edge_label_index: int64 ``[2, B]``.
            batch_size: Pairs scored together.

        Returns:
            Logits ``[B]``.

        Raises:
            InputError: As :meth:`forward`.
        """
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size!r}; expected a positive integer")
        parts = torch.split(edge_label_index, batch_size, dim=1) if edge_label_index.dim() == 2 else (edge_label_index,)
        with _evaluating(self):
            return torch.cat([self(x, edge_index, part) for part in parts])

    @torch.no_grad()
    def topk(self, x: Tensor, edge_index: Any, node: int, k: int, *, batch_size: int = 65_536) -> tuple[Tensor, Tensor]:
        """Find the nodes that `node` is not linked with yet and most probably will be.

        Args:
            x: ``[N, F]``.
            edge_index: As in :meth:`forward`.
            node: A node.
            k: How many; fewer come where there are no more.
            batch_size: Pairs scored together.

        Returns:
            Nodes and logits, best first.

        Raises:
            InputError: The node is not there, or as :meth:`forward`.
        """
        if not 0 <= node < x.size(0):
            raise InputError(f"node is {node!r}; expected 0..{x.size(0) - 1}")
        adjacency = as_adjacency(edge_index, num_nodes=x.size(0) if isinstance(edge_index, Tensor) else None)
        free = torch.ones(x.size(0), dtype=torch.bool, device=x.device)
        free[node] = False
        free[adjacency.indices[adjacency.indptr[node] : adjacency.indptr[node + 1]].long()] = False
        others = free.nonzero().squeeze(1)
        logits = self.predict(x, adjacency, torch.stack((torch.full_like(others, node), others)), batch_size=batch_size)
        best = torch.topk(logits, min(k, others.numel()))
        return others[best.indices], best.values

    def __repr__(self) -> str:
        depth = f", depth={self.depth}" if self.structure == "ncnc" else ""
        return (
            f"{type(self).__name__}({self.in_channels}, {self.hidden_channels}, structure={self.structure!r}{depth}, "
            f"exclude_targets={self.exclude_targets})"
        )


class NCN(LinkPredictor):
    r"""Neural common neighbour: :class:`LinkPredictor` with :math:`\sum_{u \in \mathcal{N}(i) \cap \mathcal{N}(j)}`.

    Wang, Yang, Zhang, "Neural Common Neighbor with Completion for Link Prediction", ICLR 2024 (arXiv:2302.00890).

    Args:
        in_channels: F.
        hidden_channels: H.
        kwargs: The other options of :class:`LinkPredictor`.

    Example:
        >>> import torch
        >>> diamond = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 2, 3, 3], [1, 2, 0, 2, 3, 0, 1, 3, 1, 2]])
        >>> NCN(8, hidden_channels=16)(torch.randn(4, 8), diamond, torch.tensor([[0], [3]])).shape
        torch.Size([1])
    """

    def __init__(self, in_channels: int, hidden_channels: int = 256, **kwargs: Any) -> None:
        super().__init__(in_channels, hidden_channels, structure="ncn", **kwargs)


class NCNC(LinkPredictor):
    """Neural common neighbour with completion: :class:`LinkPredictor` with ``structure="ncnc"``; ``depth=2`` is NCNC2.

    Wang, Yang, Zhang, "Neural Common Neighbor with Completion for Link Prediction", ICLR 2024 (arXiv:2302.00890).

    Args:
        in_channels: F.
        hidden_channels: H.
        kwargs: The other options of :class:`LinkPredictor`.

    Example:
        >>> import torch
        >>> diamond = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 2, 3, 3], [1, 2, 0, 2, 3, 0, 1, 3, 1, 2]])
        >>> NCNC(8, 16, depth=2)(torch.randn(4, 8), diamond, torch.tensor([[0, 1], [3, 2]])).shape
        torch.Size([2])
    """

    def __init__(self, in_channels: int, hidden_channels: int = 256, **kwargs: Any) -> None:
        super().__init__(in_channels, hidden_channels, structure="ncnc", **kwargs)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode for the time being; every module gets its own mode back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _mlp(layout: str, sizes: tuple[int, ...], norm: bool, dropout: float) -> nn.Sequential:
    """Linear (of the next sizes), Norm, Dropout, Relu in the order of the letters."""
    steps = iter(pairwise(sizes))
    width = sizes[0]
    modules: list[nn.Module] = []
    for letter in layout:
        if letter == "L":
            a, width = next(steps)
            modules.append(nn.Linear(a, width))
        elif letter == "N" and norm:
            modules.append(nn.LayerNorm(width))
        elif letter == "D" and dropout > 0:
            modules.append(nn.Dropout(dropout))
        elif letter == "R":
            modules.append(nn.ReLU())
    return nn.Sequential(*modules)


def common_weight(query: Query) -> Tensor:
    """How many common neighbours, or the sum of their weights."""
    weighted = query.first.weights is not None or query.second.weights is not None
    return _ops.score(query, None) if weighted else _ops.count(query)


def sum_rows(h: Tensor, columns: Tensor, rows: Tensor, size: int, weights: Tensor | None = None) -> Tensor:
    """out[rows[k]] += weights[k] h[columns[k]], ``[size, F]``."""
    values = h[columns] if weights is None else h[columns] * weights.to(h.dtype).unsqueeze(1)
    return values.new_zeros(size, h.size(1)).index_add(0, rows, values)


def difference_sums(query: Query, h: Tensor) -> Tensor:
    """The sum over the nodes next to one end only."""
    size = query.pairs.size(1)
    first, columns1, second, columns2 = _ops.differences(query)
    out = sum_rows(h, columns1.long(), torch.repeat_interleave(first.diff()), size)
    return out + sum_rows(h, columns2.long(), torch.repeat_interleave(second.diff()), size)


def two_hop_sums(query: Query, h: Tensor) -> Tensor:
    """The sums over N(i) and N2(j), and over N2(i) and N(j)."""
    two = _squared(query)._side(None)
    one_two, _ = pooled(query._replace(second=two), h)
    two_one, _ = pooled(query._replace(first=two), h)
    return one_two + two_one


def _squared(query: Query) -> Adjacency:
    """Where A @ A is not zero, without the excluded entries of A."""
    side, size = query.first, query.num_columns
    rows = torch.repeat_interleave(side.indptr.diff())
    columns = side.indices.long()
    if side.excluded is not None:
        keep = torch.ones_like(columns, dtype=torch.bool)
        keep[side.excluded] = False
        rows, columns = rows[keep], columns[keep]
    ones = torch.ones(columns.numel(), device=columns.device)
    matrix = torch.sparse_coo_tensor(torch.stack((rows, columns)), ones, (size, size), check_invariants=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CSR, which the product uses, is called a beta
        squared = torch.sparse.mm(matrix, matrix).coalesce()
    return as_adjacency(squared.indices(), num_nodes=size)
