"""LCMAggregation: a learned commutative monoid reduced over balanced trees, without padding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import Linear, Module, Parameter
from torch_geometric.nn.aggr import Aggregation  # type: ignore[import-untyped]

from graphx._checks import positive_integers
from graphx.errors import InputError
from graphx.nn.aggr.gru import lcm_gru
from graphx.nn.aggr.linear import rowwise_linear_relu
from graphx.nn.aggr.operators import GRUOperator, operator_of, steady_combine
from graphx.nn.aggr.plan import TreePlan, tree_plan
from graphx.nn.aggr.protocol import Operator
from graphx.nn.aggr.tree import TreeReduce

__all__ = ["LCMAggregation"]

_IDENTITIES = ("learned", "zero", "operator")


class LCMAggregation(Aggregation):  # type: ignore[misc]
    r"""Aggregate with a learned binary operator over a balanced tree, each segment alone.

    .. math::

        \mathbf{h}_i = \mathrm{ReLU}(W \mathbf{x}_i + \mathbf{c}), \qquad
        \mathbf{y}_v = \mathbf{h}_{i_1} * \mathbf{h}_{i_2} * \dots * \mathbf{h}_{i_n}, \qquad
        \mathbf{y}_v = \mathbf{e} \text{ for an empty } v

    A well-behaved aggregator is a commutative monoid on the latent space; here its operator :math:`*` is learned. The
    product is taken over a balanced tree: elements are paired in order, (0, 1), (2, 3), ..., an odd last one moves up,
    and so on: :math:`E - V` operator calls in :math:`\lceil \log_2 \max_v n_v \rceil` steps.

    From the paper are the idea, the symmetrised GRU and the tree. Ours are the reduction without padding, the other
    operators, the identity, and the loss in the form given at :meth:`associativity_loss`.

    - :math:`a * b` and :math:`b * a` have the same bits. The operator is not associative by construction, so the result
      depends on the order of the elements as far as training has not made it so: see ``shuffle`` and
      :meth:`associativity_loss`.
    - The result of a segment does not change, to the last bit, with what else is in the batch: nothing is padded, and
      no product's path through the library depends on the size of the batch. In float32 on the processor a kernel of
      our own with one order of summation does the work; elsewhere every linear layer, and every product of rows and a
      matrix, has one fixed shape and rows that are filled up to whole vectors.
    - Kept for the backward pass are the rows of the tree, :math:`2E - V` with the elements; gates are computed again.
      Gradients are written without atomic additions, so they are the same in every run, for any number of threads.
    - Under autocast the products run in its type and the latents stay in float32. The GRU works in a full graph of
      ``torch.compile``; other operators break the graph once. There is no second derivative.

    It goes wherever PyG takes an aggregation: ``SAGEConv(64, 64, aggr=LCMAggregation(64, 64))``, in a
    ``MultiAggregation``, as a readout.

    Paper: E. Ong and P. Velickovic, "Learnable Commutative Monoids for Graph Neural Networks", LoG 2022,
    arXiv:2212.08541.

    Args:
        in_channels: F, size of an input row.
        out_channels: d, size of a latent vector and of an output row.
        operator: ``'gru'`` (the paper's), ``'mlp'``, ``'gated'``, ``'attention'``; ``'max_plus'``, ``'sum'``,
            ``'max'``, ``'min'`` (exact monoids); an :class:`Operator`, or a module that is called as ``module(a, b)``
            and then symmetrised.
        identity: What an empty segment gives: ``'learned'``, a parameter that begins with zero; ``'zero'``; or
            ``'operator'``, the operator's own identity element.
        shuffle: In training, take the elements of every segment in a new random order at each call. Otherwise the order
            is the given one.
        project: Apply a linear layer and ReLU first; needed where the channels differ.

    Shapes:
        - input: ``[*, E, F]`` with `dim` naming E; where `dim` is the last dimension, the one before it is F.
        - index: ``[E]`` in any order, or ptr: ``[V + 1]``.
        - output: ``[*, V, d]``, V = ``dim_size``.

    Raises:
        InputError: Channels that do not fit, an unknown operator or identity, an operator with dropout or batch
            normalisation.

    Example:
        >>> import torch
        >>> from graphx.nn import LCMAggregation
        >>> aggr = LCMAggregation(16, 32)
        >>> x, index = torch.randn(6, 16), torch.tensor([2, 0, 0, 3, 2, 2])
        >>> aggr(x, index, dim_size=5).shape
        torch.Size([5, 32])
        >>> alone, together = aggr(x[1:3], torch.tensor([0, 0])), aggr(x, index)
        >>> bool((alone[0] == together[0]).all())
        True
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        operator: str | Module = "gru",
        *,
        identity: Literal["learned", "zero", "operator"] = "learned",
        shuffle: bool = False,
        project: bool = True,
    ) -> None:
        super().__init__()
        positive_integers(in_channels=in_channels, out_channels=out_channels)
        if in_channels != out_channels and not project:
            raise InputError(
                f"in_channels is {in_channels}, out_channels is {out_channels} and project is False; expected equal "
                "channels: pass project=True to map one to the other"
            )
        if identity not in _IDENTITIES:
            raise InputError(f"identity is {identity!r}; expected one of: {', '.join(_IDENTITIES)}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.identity = identity
        self.shuffle = shuffle
        self.project = project
        self.lin = Linear(in_channels, out_channels) if project else None
        self.operator: Operator = operator_of(operator, out_channels)
        if identity == "operator" and self.operator.identity is None:
            raise InputError(
                f"identity is 'operator' and {type(self.operator).__name__} has none; expected 'learned' or 'zero'"
            )
        self.empty = Parameter(torch.zeros(out_channels)) if identity == "learned" else None

    def reset_parameters(self) -> None:
        """Draws new weights and sets the learned identity to zero."""
        if self.lin is not None:
            self.lin.reset_parameters()
        self.operator.reset_parameters()
        if self.empty is not None:
            torch.nn.init.zeros_(self.empty)

    def forward(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,
        dim_size: int | None = None,
        dim: int = -2,
        max_num_elements: int | None = None,  # noqa: ARG002
    ) -> Tensor:
        """Reduce the segments of `x`.

        Args:
            x: The elements, ``[*, E, F]``.
            index: The segment of each element, ``[E]``, int64, in any order; None with `ptr`, or for one segment.
            ptr: The bounds of the segments, ``[V + 1]``; `index` is not looked at when it is given.
            dim_size: V; None for the largest segment number + 1.
            dim: Which dimension of `x` runs over the elements.
            max_num_elements: For compatibility with PyG's layers; there is no padding, so it is not needed.

        Returns:
            ``[*, V, d]``.

        Raises:
            InputError: Shapes, types or segment numbers that do not fit.
        """
        return self._reduce(x, index, ptr, dim_size, dim)[0]

    def associativity_loss(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,
        dim_size: int | None = None,
        dim: int = -2,
        *,
        num_triples: int = 256,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        r"""How far the operator is from associative on the latents that it meets.

        .. math:: \frac{1}{Td} \sum_{t=1}^{T} \lVert (a_t * b_t) * c_t - a_t * (b_t * c_t) \rVert^2

        over triples drawn with replacement from the rows of the trees, elements and products alike. The gradient goes
        to the operator's parameters only: the rows are taken as given, so the loss cannot be lowered by shrinking them.
        The paper also trains with such a loss; this form and the choice of triples are ours.

        Args:
            x: As for :meth:`forward`.
            index: As for :meth:`forward`.
            ptr: As for :meth:`forward`.
            dim_size: As for :meth:`forward`.
            dim: As for :meth:`forward`.
            num_triples: T.
            generator: For the draw; None for torch's own.

        Returns:
            A scalar; zero where there are no elements.

        Raises:
            InputError: As :meth:`forward`; or T is not positive.

        Example:
            >>> import torch
            >>> aggr = LCMAggregation(4, 4, operator="sum", project=False)
            >>> bool(aggr.associativity_loss(torch.randn(9, 4), torch.arange(9) // 3) < 1e-10)
            True
        """
        positive_integers(num_triples=num_triples)
        with torch.no_grad():
            _, leaves, made, plan = self._reduce(x, index, ptr, dim_size, dim)
        live = leaves.size(0) + plan().num_pairs
        if live == 0:
            return leaves.sum()
        device = leaves.device if generator is None else generator.device
        draw = torch.randint(live, (3, num_triples), generator=generator, device=device).to(leaves.device)
        if made.size(0) == leaves.size(0):  # the kernel keeps the products alone, see lcm_gru
            product = (draw - leaves.size(0)).clamp(min=0)
            drawn = torch.where((draw < leaves.size(0)).unsqueeze(-1), leaves[draw % leaves.size(0)], made[product])
        else:
            drawn = made[draw]
        a, b, c = drawn
        inner = self.operator.combine(torch.cat([a, b]), torch.cat([b, c]))  # a * b, then b * c, in one call
        left, right = inner.chunk(2)
        one, other = self.operator.combine(torch.cat([left, a]), torch.cat([c, right])).chunk(2)
        return (one - other).square().mean()

    def _reduce(
        self, x: Tensor, index: Tensor | None, ptr: Tensor | None, dim_size: int | None, dim: int
    ) -> tuple[Tensor, Tensor, Tensor, Callable[[], TreePlan]]:
        """The output, the latent elements, the rows that the trees made, and the plan on demand."""
        dim, moved = self._moved(x, dim)
        batch = moved.shape[1:-1]
        segments = index if ptr is None else ptr
        if segments is None:
            segments = torch.zeros(moved.size(0), dtype=torch.long, device=x.device)
        is_ptr, copies = ptr is not None, batch.numel()
        if dim_size is None:
            dim_size = segments.numel() - 1 if is_ptr else int(segments.max()) + 1 if segments.numel() else 0
        low = torch.get_autocast_dtype(x.device.type) if torch.is_autocast_enabled(x.device.type) else None
        rows = self._latents(moved.reshape(-1, self.in_channels), low)
        size, num_rows = dim_size, moved.size(0)

        def plan(order: Tensor | None = None) -> TreePlan:
            return tree_plan(segments, size, is_ptr=is_ptr, num_rows=num_rows, copies=copies, order=order)

        if not torch.compiler.is_compiling():
            plan()  # checks the segments before any work
        order = _random_order(segments, is_ptr, num_rows, copies) if self.shuffle and self.training else None
        identity = self._identity(rows)
        if type(self.operator) is GRUOperator:
            weights = self.operator.weights if low is None else tuple(w.to(low) for w in self.operator.weights)
            if low is None and weights[0].dtype != rows.dtype:
                raise InputError(f"x is {rows.dtype} and the weights are {weights[0].dtype}; expected the same type")
            out, made = lcm_gru(rows, segments, is_ptr, size, copies, order, identity, *weights)
        else:
            out, made = self._reduce_any(rows, plan, order, identity)
        return out.view(size, *batch, self.out_channels).movedim(0, dim), rows, made, plan

    def _moved(self, x: Tensor, dim: int) -> tuple[int, Tensor]:
        """`dim` counted from the front, and x with the elements first and the channels last."""
        if x.dim() < 2 or not -x.dim() <= dim < x.dim():
            raise InputError(f"x has shape {list(x.shape)} and dim is {dim}; expected [*, E, F], and dim to name E")
        if not x.is_floating_point():
            raise InputError(f"x is {x.dtype}; expected floating point numbers, as x.float() gives")
        dim %= x.dim()
        moved = x.movedim(dim, 0)
        if moved.size(-1) != self.in_channels:
            raise InputError(
                f"x has shape {list(x.shape)}, so {moved.size(-1)} channels beside dim {dim}; expected in_channels, "
                f"{self.in_channels}"
            )
        return dim, moved

    def _latents(self, rows: Tensor, low: torch.dtype | None) -> Tensor:
        if self.lin is not None:
            weight: Tensor = self.lin.weight
            bias: Tensor = self.lin.bias
            if low is not None:
                rows, weight, bias = rows.to(low), weight.to(low), bias.to(low)
            if rows.dtype != weight.dtype:
                raise InputError(f"x is {rows.dtype} and the weights are {weight.dtype}; expected the same type")
            rows = rowwise_linear_relu(rows, weight, bias)
        return rows if low is None else rows.float()

    def _identity(self, rows: Tensor) -> Tensor:
        if self.empty is not None:
            return self.empty
        element = self.operator.identity if self.identity == "operator" else None
        return rows.new_zeros(self.out_channels) if element is None else element.to(rows)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _reduce_any(
        self, rows: Tensor, plan: Callable[[Tensor | None], TreePlan], order: Tensor | None, identity: Tensor
    ) -> tuple[Tensor, Tensor]:
        parameters = [p for p in self.operator.parameters() if p.requires_grad]
        found: tuple[Tensor, Tensor] = TreeReduce.apply(  # type: ignore[no-untyped-call]
            rows, plan(order), steady_combine(self.operator), identity, *parameters
        )
        return found

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.in_channels}, {self.out_channels}, operator={self.operator!r}, "
            f"project={self.project})"
        )


def _random_order(segments: Tensor, is_ptr: bool, num_rows: int, copies: int) -> Tensor:
    """The rows grouped by segment, in random order within each."""
    index = segments
    if is_ptr:
        numbers = torch.arange(segments.numel() - 1, device=segments.device)
        index = torch.repeat_interleave(numbers, segments.diff(), output_size=num_rows)
    if copies > 1:
        index = (index.view(-1, 1) * copies + torch.arange(copies, device=index.device)).view(-1)
    order = torch.randperm(index.numel(), device=index.device)
    return order[torch.argsort(index[order], stable=True)]
