"""Operators that are associative exactly: test beds, and the counting that sums and maxima lack."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.aggr.protocol import Operator

__all__ = ["MaxOperator", "MaxPlusOperator", "MinOperator", "SumOperator"]


class MaxPlusOperator(Operator):
    r"""The product of polynomials over the max-plus semiring, cut at a degree: an exact monoid that counts (ours).

    The channels are read as ``channels // order`` polynomials of ``order`` coefficients, lowest first:

    .. math:: (a * b)_k = \max_{i + j = k} (a_i + b_j), \qquad e = (0, -\infty, \dots, -\infty)

    From elements :math:`(0, x, -\infty, \dots)` coefficient k becomes the sum of the k largest x of the set: the
    largest is :math:`c_1`, the second largest :math:`c_2 - c_1`, which neither sum nor max of a set can tell.

    Args:
        channels: d, a multiple of the order.
        order: Number of coefficients.

    Raises:
        InputError: The channels are no multiple of the order.

    Example:
        >>> import torch
        >>> low = float("-inf")
        >>> MaxPlusOperator(3, order=3).combine(torch.tensor([[0, 5.0, low]]), torch.tensor([[0, 3.0, low]]))
        tensor([[0., 5., 8.]])
    """

    def __init__(self, channels: int, order: int = 2) -> None:
        super().__init__(channels)
        if order < 1 or channels % order != 0:
            raise InputError(f"channels is {channels} and order is {order}; expected a multiple of the order")
        self.order = order

    @property
    def identity(self) -> Tensor:
        """(0, -inf, ..., -inf) for each polynomial."""
        element = torch.full((self.channels // self.order, self.order), -math.inf)
        element[:, 0] = 0
        return element.view(-1)

    def combine(self, a: Tensor, b: Tensor) -> Tensor:
        """See the class."""
        shape = (*a.shape[:-1], self.channels // self.order, self.order)
        a, b = a.reshape(shape), b.reshape(shape)
        parts = [(a[..., : k + 1] + b[..., : k + 1].flip(-1)).amax(-1) for k in range(self.order)]
        return torch.stack(parts, -1).reshape(*shape[:-2], self.channels) + 0.0


class SumOperator(Operator):
    """The sum: an exact monoid with identity 0, a test bed.

    Args:
        channels: d.

    Example:
        >>> import torch
        >>> SumOperator(1).combine(torch.tensor([[1.0]]), torch.tensor([[2.0]]))
        tensor([[3.]])
    """

    @property
    def identity(self) -> Tensor:
        """Zeros."""
        return torch.zeros(self.channels)

    def combine(self, a: Tensor, b: Tensor) -> Tensor:
        """The sum."""
        return a + b


class MaxOperator(Operator):
    """The larger of two: an exact monoid with identity -inf, a test bed.

    Args:
        channels: d.

    Example:
        >>> import torch
        >>> MaxOperator(1).combine(torch.tensor([[1.0]]), torch.tensor([[2.0]]))
        tensor([[2.]])
    """

    @property
    def identity(self) -> Tensor:
        """Minus infinity."""
        return torch.full((self.channels,), -math.inf)

    def combine(self, a: Tensor, b: Tensor) -> Tensor:
        """max(a, b), with one zero."""
        return torch.maximum(a, b) + 0.0


class MinOperator(Operator):
    """The smaller of two: an exact monoid with identity inf, a test bed.

    Args:
        channels: d.

    Example:
        >>> import torch
        >>> MinOperator(1).combine(torch.tensor([[1.0]]), torch.tensor([[2.0]]))
        tensor([[1.]])
    """

    @property
    def identity(self) -> Tensor:
        """Infinity."""
        return torch.full((self.channels,), math.inf)

    def combine(self, a: Tensor, b: Tensor) -> Tensor:
        """min(a, b), with one zero."""
        return torch.minimum(a, b) + 0.0
