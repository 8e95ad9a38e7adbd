"""Learned operators for LCMAggregation: commutative by construction, associative by training."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor
from torch.nn import Module, Parameter

from graphx.errors import InputError
from graphx.nn.aggr.gru import gru_combine
from graphx.nn.aggr.linear import AlignedLinear, aligned
from graphx.nn.aggr.monoids import MaxOperator, MaxPlusOperator, MinOperator, SumOperator
from graphx.nn.aggr.protocol import Operator, Symmetrized

__all__ = ["AttentionOperator", "GRUOperator", "GatedOperator", "LatticeOperator", "MLPOperator"]


class GRUOperator(Operator):
    r"""The symmetrised GRU of the paper, :math:`a * b = \tfrac12 [\mathrm{GRU}(a, b) + \mathrm{GRU}(b, a)]`.

    The first argument of a GRU cell is its input, the second its hidden state. Parameters are named as in
    :class:`torch.nn.GRUCell`, so its ``state_dict`` can be loaded.

    Paper: E. Ong and P. Velickovic, "Learnable Commutative Monoids for Graph Neural Networks", LoG 2022,
    arXiv:2212.08541.

    Args:
        channels: d.

    Example:
        >>> import torch
        >>> operator = GRUOperator(4)
        >>> a, b = torch.randn(5, 4), torch.randn(5, 4)
        >>> bool((operator.combine(a, b) == operator.combine(b, a)).all())
        True
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.weight_ih = Parameter(torch.empty(3 * channels, channels))
        self.weight_hh = Parameter(torch.empty(3 * channels, channels))
        self.bias_ih = Parameter(torch.empty(3 * channels))
        self.bias_hh = Parameter(torch.empty(3 * channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As torch.nn.GRUCell: uniform within 1 / sqrt(d)."""
        bound = 1 / math.sqrt(self.channels)
        for parameter in self.parameters():
            torch.nn.init.uniform_(parameter, -bound, bound)

    @property
    def weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """weight_ih, weight_hh, bias_ih, bias_hh."""
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def combine(self, a: Tensor, b: Tensor) -> Tensor:
        """(GRU(a, b) + GRU(b, a)) / 2."""
        return gru_combine(a, b, *self.weights)


class MLPOperator(Operator):
    r"""A perceptron over symmetric functions of the operands (ours).

    .. math:: a * b = \tfrac12 (a + b) + W_2\, \mathrm{GELU}(W_1 [a + b \,\Vert\, |a - b|] + c_1) + c_2

    Args:
        channels: d.
        hidden_channels: Size of the hidden layer; None for 2 d.

    Example:
        >>> import torch
        >>> MLPOperator(4).combine(torch.ones(1, 4), torch.zeros(1, 4)).shape
        torch.Size([1, 4])
    """

    def __init__(self, channels: int, hidden_channels: int | None = None) -> None:
        super().__init__(channels)
        hidden = 2 * channels if hidden_channels is None else hidden_channels
        self.lin1, self.lin2 = AlignedLinear(2 * channels, hidden), AlignedLinear(hidden, channels)

    def combine(self, a: Tensor, b: Tensor) -> Tensor:
        """See the class."""
        both = a + b
        change: Tensor = self.lin2(torch.nn.functional.gelu(self.lin1(torch.cat([both, (a - b).abs()], -1))))
        return both / 2 + change


class GatedOperator(Operator):
    r"""Each operand through a gate that sees both (ours).

    .. math:: a * b = \sigma(U a + V b + c) \odot a + \sigma(U b + V a + c) \odot b

    The gates begin near 1, so the operator begins near the sum.

    Args:
        channels: d.

    Example:
        >>> import torch
        >>> GatedOperator(4).combine(torch.ones(1, 4), torch.zeros(1, 4)).shape
        torch.Size([1, 4])
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.own, self.other = AlignedLinear(channels, channels), AlignedLinear(channels, channels, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the weights and sets the biases to 2."""
        super().reset_parameters()
        torch.nn.init.constant_(self.own.bias, 2.0)

    def combine(self, a: Tensor, b: Tensor) -> Tensor:
        """See the class."""
        to_a = torch.sigmoid(self.own(a) + self.other(b)) * a
        to_b = torch.sigmoid(self.own(b) + self.other(a)) * b
        return to_a + to_b


class LatticeOperator(Operator):
    r"""The smaller and the larger of the operands, and a perceptron over both: for orders and counts (ours).

    .. math:: a * b = [\min(a, b)_{1..d/2} \,\Vert\, \max(a, b)_{d/2+1..d}]
        + W_2\, \mathrm{ReLU}(W_1 [\min(a, b) \,\Vert\, \max(a, b)] + c_1) + c_2

    Minimum and maximum, channel by channel, are a lattice's meet and join, hence commutative, bit for bit. :math:`W_2`
    and :math:`c_2` begin at zero, so that the operator begins as an exact monoid and training alone leaves it; and
    piecewise linear as it is, it can stay exact where the function wanted is one of order, such as the k smallest.

    Args:
        channels: d.
        hidden_channels: Size of the hidden layer; None for 2 d.

    Example:
        >>> import torch
        >>> a, b = torch.tensor([[1.0, 1.0]]), torch.tensor([[0.0, 3.0]])
        >>> LatticeOperator(2).combine(a, b).detach()
        tensor([[0., 3.]])
    """

    def __init__(self, channels: int, hidden_channels: int | None = None) -> None:
        super().__init__(channels)
        hidden = 2 * channels if hidden_channels is None else hidden_channels
        self.lin1, self.lin2 = AlignedLinear(2 * channels, hidden), AlignedLinear(hidden, channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the first layer anew and sets the second to zero."""
        self.lin1.reset_parameters()
        torch.nn.init.zeros_(self.lin2.weight)
        torch.nn.init.zeros_(self.lin2.bias)

    def combine(self, a: Tensor, b: Tensor) -> Tensor:
        """See the class."""
        low, high, half = torch.minimum(a, b) + 0.0, torch.maximum(a, b) + 0.0, self.channels // 2  # no -0
        start = torch.cat([low[..., :half], high[..., half:]], -1)
        change: Tensor = self.lin2(torch.relu(self.lin1(torch.cat([low, high], -1))))
        return start + change


class AttentionOperator(Operator):
    r"""Two operands weighed by a softmax over their keys, with a query from their sum (ours).

    .. math:: a * b = \alpha_a V a + \alpha_b V b + \tfrac12(a + b), \qquad
        \alpha = \mathrm{softmax}(q \cdot K a, q \cdot K b), \quad q = Q(a + b) / \sqrt{d / h}

    for each of h heads.

    Args:
        channels: d, a multiple of the heads.
        heads: h.

    Raises:
        InputError: The channels are no multiple of the heads.

    Example:
        >>> import torch
        >>> AttentionOperator(4, heads=2).combine(torch.ones(1, 4), torch.zeros(1, 4)).shape
        torch.Size([1, 4])
    """

    def __init__(self, channels: int, heads: int = 1) -> None:
        super().__init__(channels)
        if heads < 1 or channels % heads != 0:
            raise InputError(f"channels is {channels} and heads is {heads}; expected a multiple of the heads")
        self.heads = heads
        self.query, self.key, self.value = (AlignedLinear(channels, channels) for _ in range(3))

    def combine(self, a: Tensor, b: Tensor) -> Tensor:
        """See the class."""
        shape = (*a.shape[:-1], self.heads, self.channels // self.heads)
        query = self.query(a + b).view(shape) / math.sqrt(shape[-1])
        score_a = (query * self.key(a).view(shape)).sum(-1, keepdim=True)
        score_b = (query * self.key(b).view(shape)).sum(-1, keepdim=True)
        to_a = torch.sigmoid(score_a - score_b) * self.value(a).view(shape)
        to_b = torch.sigmoid(score_b - score_a) * self.value(b).view(shape)
        found: Tensor = (to_a + to_b).reshape(a.shape) + (a + b) / 2
        return found


_BY_NAME: Final[dict[str, Callable[[int], Operator]]] = {
    "gru": GRUOperator,
    "mlp": MLPOperator,
    "gated": GatedOperator,
    "attention": AttentionOperator,
    "lattice": LatticeOperator,
    "max_plus": MaxPlusOperator,
    "sum": SumOperator,
    "max": MaxOperator,
    "min": MinOperator,
}


def steady_combine(operator: Operator) -> Callable[[Tensor, Tensor], Tensor]:
    """``combine`` with a row's bits the same at any place; ours is, another's becomes it."""
    return operator.combine if type(operator) in _BY_NAME.values() else aligned(operator.combine)


def operator_of(wish: str | Module, channels: int) -> Operator:
    """The operator that a name or a module means; a plain module is symmetrised."""
    if isinstance(wish, str):
        if wish not in _BY_NAME:
            raise InputError(f"operator is {wish!r}; expected a module or one of: {', '.join(_BY_NAME)}")
        return _BY_NAME[wish](channels)
    if not isinstance(wish, Module):
        raise InputError(f"operator is a {type(wish).__name__}; expected a module or one of: {', '.join(_BY_NAME)}")
    mixing = (torch.nn.modules.batchnorm._NormBase, torch.nn.modules.dropout._DropoutNd)
    for name, child in wish.named_modules():
        if isinstance(child, mixing):
            raise InputError(
                f"operator holds {type(child).__name__} ({name or 'itself'}), which mixes rows or differs from call to "
                "call; expected one that treats each pair alone: use LayerNorm, or drop out after the aggregation"
            )
    operator = wish if isinstance(wish, Operator) else Symmetrized(wish, channels)
    if operator.channels != channels:
        raise InputError(f"operator has {operator.channels} channels; expected out_channels, {channels}")
    return operator
