r"""NCN, NCNC and the family: one predictor of links with a pluggable structural part."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Final

import torch
from torch import Tensor, nn

from graphx._checks import positive_integers
from graphx.errors import InputError
from graphx.nn.linkpred import _ops
from graphx.nn.linkpred._completion import Levels, candidates, nodes_read
from graphx.nn.linkpred._parts import (
    AUTHORS,
    STRUCTURES,
    Ends,
    Structure,
    TwoHops,
    check_nodes,
    common_weight,
    difference_sums,
    evaluating,
    mlp,
    not_linked,
    question,
    question_of_two_kinds,
    square_adjacency,
    sum_rows,
)
from graphx.nn.linkpred._torch import Query
from graphx.nn.linkpred.common_neighbors import pooled

__all__ = ["NCN", "NCNC", "LinkPredictor"]

NO_LEVELS: Final = Levels(0)
BLOCK: Final = 4096  # candidates of a completion that the CPU scores together: 4 MiB a layer at 256 channels


class LinkPredictor(nn.Module):
    r"""Predict whether pairs are linked, from what their ends are and from what lies around both.

    .. math::

        y_{ij} = \mathrm{MLP}\bigl(\beta \, f(\mathbf{z}_{ij}) + g(\mathbf{x}_i \odot \mathbf{x}_j)\bigr)

    with a learned number :math:`\beta` and the structural part, where :math:`\mathbf{x}' = \mathbf{x} + h(\mathbf{x})`
    if `transform_nodes` and :math:`\mathbf{x}` otherwise:

    ============== ===================================================================================================
    `structure`    :math:`f(\mathbf{z}_{ij})`
    ============== ===================================================================================================
    ``gae``        none
    ``gae_cn``     :math:`f(c_{ij})`, the number :math:`c_{ij} = |\mathcal{N}(i) \cap \mathcal{N}(j)|`
    ``gae_cat_cn`` none; the last MLP reads :math:`c_{ij}` beside g
    ``gae_cnc``    as ``gae_cn``, with the sum of :math:`P_{ju}` and :math:`P_{iu}` as in ``ncnc`` added to the number
    ``ncn``        :math:`f(\sum_{u \in \mathcal{N}(i) \cap \mathcal{N}(j)} \mathbf{x}'_u)`
    ``ncnc``       as ``ncn``, with :math:`P_{ju} \mathbf{x}'_u` for :math:`u \in \mathcal{N}(i) \setminus
                   \mathcal{N}(j)` and the same with i and j exchanged
    ``ncn2``       as ``ncn``, and :math:`f_2` of the sums over :math:`\mathcal{N}(i) \cap \mathcal{N}_2(j)` and
                   :math:`\mathcal{N}_2(i) \cap \mathcal{N}(j)`, where :math:`\mathcal{N}_2` is a row of :math:`A^2`
    ``ncn_diff``   as ``ncn``, and :math:`f_2` of the sum over the nodes next to one end only
    ``cn2``        :math:`a_0 f(\mathbf{z}^{11}) + a_1 f_2(\mathbf{z}^{12}) \odot f_2(\mathbf{z}^{21}) + a_2
                   f_3(\mathbf{z}^{22})` with sums :math:`\mathbf{z}^{kl}` over :math:`\mathcal{N}_k(i) \cap
                   \mathcal{N}_l(j)` and the products :math:`a` of learned sigmoids; here :math:`\beta` is before g
    ============== ===================================================================================================

    :math:`P_{ju} = \alpha \frac{p\,q}{p\,q + 1 - q}` with
    :math:`q = \sigma(\text{scale} \, (y_{ju} - \text{offset}))` is the probability that an absent neighbour is only
    unobserved; :math:`y_{ju}` comes from the same predictor with one level of completion less, without gradient.

    The equations are those of Wang, Yang, Zhang, "Neural Common Neighbor with Completion for Link Prediction", ICLR
    2024 (arXiv:2302.00890). Ours: one class for all, the exclusion of target edges inside, weights of edges in the sums
    over common neighbours, and the completion's scores without dropout unless `completion_dropout` asks for it.

    Args:
        in_channels: F, the size of the node representations.
        hidden_channels: H.
        structure: One of the names above, or the authors': ``cn0``, ``scn1``, ``catscn1``, ``sincn1cn1``, ``cn1``,
            ``incn1cn1``, ``cn1.5``, ``cn1res``, in the order of the table.
        transform_nodes: Whether nodes are transformed before anything (the authors' ``--use_xlin``).
        tail_activation: Whether f and g end with the activation instead of a linear layer (``--tailact``).
        two_layer_head: Whether the last MLP has one layer more (``--twolayerlin``).
        layer_norm: Layer normalisation in the MLPs (``--lnnn``).
        dropout: Of the MLPs (``--predp``).
        exclude_targets: While training, leave the pairs themselves out of the graph (``--maskinput``).
        depth: Levels of completion, 2 for NCNC2; for ``ncnc`` and ``gae_cnc`` only.
        alpha: The factor of P.
        pt: The prior p.
        scale: Of the logits in P.
        offset: Of the logits in P.
        learnable_pt: Learn p as :math:`\sigma(\mathrm{MLP}(\mathbf{x}_i \odot \mathbf{x}_j))` (``--learnpt``).
        reference_compat: Give the inner predictor the transformed nodes, which it then transforms again, as the
            authors' code does: for their weights and settings.
        completion_dropout: While training, score the candidates of a completion with dropout too, as the authors' code
            does; by default they are scored without.
        completion_samples: While training, complete from so many draws of the neighbours of each end, with
            replacement, where there are more (``--trndeg``); None for all.
        eval_completion_samples: The same in evaluation mode, where the draws depend on nothing but the pair
            (``--tstdeg``).

    Shapes:
        - x ``[N, F]``, ``edge_index`` ``[2, E]`` or another form, ``edge_label_index`` ``[2, B]``; logits ``[B]``.
        - For pairs of two kinds of nodes that meet in a third: x the three ``([R1, F], [N, F], [R2, F])`` and
          ``edge_index`` the two matrices ``([R1, N], [R2, N])``; not where P or two steps are asked for.

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
        completion_dropout: bool = False,
        completion_samples: int | None = None,
        eval_completion_samples: int | None = None,
    ) -> None:
        super().__init__()
        structure = AUTHORS.get(structure, structure)  # type: ignore[assignment]
        if structure not in STRUCTURES:
            raise InputError(f"structure is {structure!r}; expected one of {', '.join(STRUCTURES)}")
        samples = {"completion_samples": completion_samples, "eval_completion_samples": eval_completion_samples}
        positive_integers(in_channels=in_channels, hidden_channels=hidden_channels, depth=depth)
        positive_integers(**{name: number for name, number in samples.items() if number is not None})
        self.completes = structure in ("ncnc", "gae_cnc")
        asked = learnable_pt or reference_compat or completion_dropout or any(samples.values())
        if not self.completes and (depth != 1 or asked):
            raise InputError(
                "depth, learnable_pt, reference_compat, completion_dropout and samples are options of completion; "
                f"expected structure='ncnc' or 'gae_cnc', not {structure!r}"
            )
        if not 0 < pt <= 1 or not 0 <= dropout < 1:
            raise InputError(f"pt={pt!r}, dropout={dropout!r}; expected 0 < pt <= 1 and 0 <= dropout < 1")
        self.in_channels, self.hidden_channels, self.structure = in_channels, hidden_channels, structure
        self.exclude_targets, self.depth, self.reference_compat = exclude_targets, depth, reference_compat
        self.alpha, self.pt, self.scale, self.offset = float(alpha), float(pt), float(scale), float(offset)
        self.completion_dropout = completion_dropout
        self.completion_samples, self.eval_completion_samples = completion_samples, eval_completion_samples

        def made(layout: str, *sizes: int) -> nn.Sequential:
            return mlp(layout, sizes, layer_norm, dropout)

        def structural(size: int) -> nn.Sequential:
            return made("LDRLNDR" + tail, size, h, h, h)

        f, h = in_channels, hidden_channels
        tail = "" if tail_activation else "L"
        pooling = structure in ("ncn", "ncnc", "ncn2", "ncn_diff", "cn2")
        counting = structure in ("gae_cn", "gae_cnc")
        self.node_mlp = made("LDRLNDR", f, h, f) if transform_nodes else None
        self.structure_mlp = structural(f if pooling else 1) if pooling or counting else None
        self.second_mlp = structural(f) if structure in ("ncn2", "ncn_diff", "cn2") else None
        self.third_mlp = structural(f) if structure == "cn2" else None
        self.pair_mlp = made("LNDR" + tail, f, h, h)
        wide = h + 1 if structure == "gae_cat_cn" else h
        self.head = made("LNDRLNDRL", wide, h, h, 1) if two_layer_head else made("LNDRL", wide, h, 1)
        self.prior_mlp = made("LNDRL", f, h, 1) if learnable_pt else None
        # a parameter that nothing reads would stop DistributedDataParallel
        self.beta = nn.Parameter(torch.ones(1)) if pooling or counting else None
        self.hops = nn.Parameter(torch.ones(3)) if structure == "cn2" else None

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.LayerNorm):
                module.reset_parameters()
        for ones in (self.beta, self.hops):
            if ones is not None:
                nn.init.ones_(ones)

    def forward(self, x: Any, edge_index: Any, edge_label_index: Tensor) -> Tensor:
        """Score pairs.

        Args:
            x: Node representations ``[N, F]``, as an encoder makes them; or three, for two kinds of nodes and what lies
                between.
            edge_index: The graph in any form that :func:`as_adjacency` takes; or two, for two kinds of nodes.
            edge_label_index: Pairs, int64 ``[2, B]``.

        Returns:
            Logits ``[B]``.

        Raises:
            InputError: x of another size or not finite, or as :func:`common_neighbors`.
        """
        query, ends = self._question(x, edge_index, edge_label_index)
        return self._score(ends, query)

    def _question(self, x: Any, edge_index: Any, pairs: Tensor) -> tuple[Query, Ends]:
        if isinstance(x, tuple | list):
            if self.completes or self.structure in ("ncn2", "cn2"):
                raise InputError(f"structure {self.structure!r} asks about the nodes in between too; expected one kind")
            return question_of_two_kinds(x, edge_index, pairs, self.in_channels)
        return question(x, edge_index, pairs, self.in_channels, exclude=self.exclude_targets and self.training)

    def _transformed(self, ends: Ends, query: Query | None = None, levels: Levels = NO_LEVELS) -> Ends:
        """All nodes, or only those that `query` reads, where that saves something; the others stay as they are."""
        if self.node_mlp is None:
            return ends
        if ends[0] is not ends[1]:
            a, b, c = (part + self.node_mlp(part) for part in ends)
            return a, b, c
        x = ends[0]
        nodes = None
        if query is not None and self.structure in ("ncn", "ncnc") and not torch.compiler.is_compiling():
            nodes = nodes_read(query, levels)
        if nodes is None:
            h = x + self.node_mlp(x)
        else:
            added = self.node_mlp(x.index_select(0, nodes))
            h = x.to(torch.promote_types(x.dtype, added.dtype))
            h = h.index_add(0, nodes, added.to(h.dtype))
        return h, h, h

    def _score(self, ends: Ends, query: Query) -> Tensor:
        levels = self._levels()
        return self._logits(ends, self._transformed(ends, query, levels), query, levels)

    def _levels(self) -> Levels:
        if not self.completes:
            return NO_LEVELS
        if not self.training or self.completion_samples is None:
            return Levels(self.depth, None if self.training else self.eval_completion_samples)
        return Levels(self.depth, self.completion_samples, int(torch.randint(2**32, ())))

    def _logits(self, raw: Ends, ends: Ends, query: Query, levels: Levels) -> Tensor:
        """`ends` are transformed for the sums; `raw` are not: the product, and the completion, begin with them."""
        h = ends[1]
        product = raw[0].index_select(0, query.pairs[0]) * raw[2].index_select(0, query.pairs[1])
        combined = self.pair_mlp(product)
        if self.structure == "gae":
            return self._head(combined)
        if self.structure in ("gae_cn", "gae_cat_cn", "gae_cnc"):
            number = common_weight(query).to(h.dtype).unsqueeze(1)
            if levels.depth > 0:
                number = number + self._completed(raw, ends, query, product, levels, h.new_ones(h.size(0), 1))
            if self.structure_mlp is None:
                return self._head(torch.cat((number.to(combined.dtype), combined), 1))
            return self._head(combined + self.structure_mlp(number) * self.beta)
        assert self.beta is not None
        added = self._completed(raw, ends, query, product, levels, h) if levels.depth > 0 else None
        structural = self._structural(query, h, added)
        if self.hops is not None:
            return self._head(self._two_hops(structural, query, h) + combined * self.beta)
        if self.structure == "ncn2":
            two = TwoHops(query)
            structural = structural + self.second_mlp(two.sums(h, 1, 2) + two.sums(h, 2, 1))  # type: ignore[misc]
        elif self.structure == "ncn_diff":
            structural = structural + self.second_mlp(difference_sums(query, h))  # type: ignore[misc]
        return self._head(combined + structural * self.beta)

    def _structural(self, query: Query, h: Tensor, added: Tensor | None) -> Tensor:
        """What f makes of the sums over common neighbours and of what is added to them."""
        assert self.structure_mlp is not None
        if added is None and not (self.training or torch.is_grad_enabled() or torch.compiler.is_compiling()):
            some = _ops.count(query).nonzero().squeeze(1)
            if 2 * some.numel() <= query.pairs.size(1):  # f is the same for all pairs without a common neighbour
                z, _ = pooled(query._replace(pairs=query.pairs[:, some].contiguous()), h)
                none = self.structure_mlp(h.new_zeros(1, h.size(1)))
                rows: Tensor = none.repeat(query.pairs.size(1), 1)
                return rows.index_copy_(0, some, self.structure_mlp(z))
        z, _ = pooled(query, h)
        structural: Tensor = self.structure_mlp(z if added is None else z + added)
        return structural

    def _two_hops(self, one: Tensor, query: Query, h: Tensor) -> Tensor:
        assert self.hops is not None
        assert self.second_mlp is not None
        assert self.third_mlp is not None
        two, shares = TwoHops(query), torch.sigmoid(self.hops).cumprod(0)
        mixed = self.second_mlp(two.sums(h, 1, 2)) * self.second_mlp(two.sums(h, 2, 1))
        found: Tensor = shares[0] * one + shares[1] * mixed + shares[2] * self.third_mlp(two.sums(h, 2, 2))
        return found

    def _head(self, values: Tensor) -> Tensor:
        logits: Tensor = self.head(values)
        return logits.squeeze(-1)

    def _completed(self, raw: Ends, ends: Ends, query: Query, product: Tensor, left: Levels, values: Tensor) -> Tensor:
        """The sums of `values` over neighbours of one end, by how probable their edge to the other end is."""
        rows, columns, others, counts = candidates(query, left)
        inner = query._replace(pairs=torch.stack((others, columns)))
        with torch.no_grad(), nullcontext() if self.completion_dropout else evaluating(self):
            start = ends if self.reference_compat else raw
            # without dropout, nodes are transformed as they are outside, so that need not be done again
            known = not self.reference_compat and not self._drops()
            less = left._replace(depth=left.depth - 1)
            moved = ends if known else self._transformed(start, inner, less)
            logits = self._by_blocks(start, moved, inner, less)
            q = torch.sigmoid(self.scale * (logits - self.offset))
        p: Tensor | float = self.pt
        if self.prior_mlp is not None:
            p = torch.sigmoid(self.prior_mlp(product)).squeeze(-1)[rows]
        weights = self.alpha * p * q / (p * q + 1 - q)
        weights = weights if counts is None else weights * counts
        return sum_rows(values, columns, rows, query.pairs.size(1), weights)

    def _by_blocks(self, raw: Ends, ends: Ends, query: Query, levels: Levels) -> Tensor:
        """As :meth:`_logits`; the memory of a block is what the allocator still has from the one before."""
        if query.pairs.device.type != "cpu" or query.pairs.size(1) <= BLOCK:
            return self._logits(raw, ends, query, levels)
        parts = torch.split(query.pairs, BLOCK, dim=1)
        return torch.cat([self._logits(raw, ends, query._replace(pairs=part.contiguous()), levels) for part in parts])

    def _drops(self) -> bool:
        return self.node_mlp is not None and any(isinstance(part, nn.Dropout) for part in self.node_mlp)

    @torch.no_grad()
    def predict(self, x: Any, edge_index: Any, edge_label_index: Tensor, *, batch_size: int = 65_536) -> Tensor:
        """Score any number of pairs in evaluation mode, batch by batch; nodes are transformed once for all of them.

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
        positive_integers(batch_size=batch_size)
        with evaluating(self):
            query, ends = self._question(x, edge_index, edge_label_index)
            moved = self._transformed(ends)
            levels = self._levels()
            parts = torch.split(query.pairs, batch_size, dim=1)
            scores = [self._logits(ends, moved, query._replace(pairs=part.contiguous()), levels) for part in parts]
            return scores[0] if len(scores) == 1 else torch.cat(scores)

    @torch.no_grad()
    def topk(self, x: Tensor, edge_index: Any, node: int, k: int, *, batch_size: int = 65_536) -> tuple[Tensor, Tensor]:
        """Find the nodes that `node` is not linked with yet and most probably will be; itself is not among them.

        Args:
            x: ``[N, F]``.
            edge_index: As in :meth:`forward`.
            node: A node.
            k: How many; fewer come where there are no more.
            batch_size: Pairs scored together.

        Returns:
            Nodes and logits, best first; of equals the lower number first.

        Raises:
            InputError: The node is not there, k is not positive, or as :meth:`forward`.
        """
        positive_integers(k=k)
        check_nodes(x, "x", self.in_channels)
        adjacency = square_adjacency(edge_index, x.size(0))
        others = not_linked(adjacency, node)
        logits = self.predict(x, adjacency, torch.stack((torch.full_like(others, node), others)), batch_size=batch_size)
        best = torch.sort(logits, descending=True, stable=True)
        return others[best.indices[:k]], best.values[:k]

    def __repr__(self) -> str:
        depth = f", depth={self.depth}" if self.completes else ""
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
