"""The protocol of a binary operator, and any module made commutative."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from torch.nn import Module

from graphx._checks import positive_integers

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Operator", "Symmetrized"]


class Operator(Module):
    r"""The protocol of a binary operator :math:`*` on latent vectors: `combine`, and `identity` where there is one.

    A subclass defines ``combine(a, b)`` for rows ``[P, d]``, each row on its own, with the same bits for ``combine(b,
    a)``. Batch normalisation and dropout have no place in it: they mix rows, or differ from call to call. Plain modules
    that are called as ``module(a, b)`` are made commutative by :class:`Symmetrized`. In the trees, linear layers and
    products of rows with a matrix (``@``, ``torch.mm``) give a row the same bits at any place; other products, such as
    ``torch.nn.Bilinear``, round as the library does, on some processors by the place of a row.

    Args:
        channels: d, the size of a latent vector.

    Example:
        >>> import torch
        >>> class LogSumExp(Operator):
        ...     def combine(self, a, b):
        ...         return torch.logaddexp(a, b)
        >>> LogSumExp(1).combine(torch.zeros(1, 1), torch.zeros(1, 1)).exp()
        tensor([[2.]])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        positive_integers(channels=channels)
        self.channels: Final = channels

    def combine(self, a: Tensor, b: Tensor) -> Tensor:
        """Combine rows, a * b.

        Args:
            a: Left operands, ``[P, d]``.
            b: Right operands, ``[P, d]``.

        Returns:
            ``[P, d]``, with the same bits when the operands are exchanged.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no combine(a, b)")

    @property
    def identity(self) -> Tensor | None:
        """The element e with e * a = a, ``[d]``; None where the operator has none."""
        return None

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """As `combine`."""
        return self.combine(a, b)

    def reset_parameters(self) -> None:
        """Draws new parameters for every child that can."""
        for child in self.children():
            reset = getattr(child, "reset_parameters", None)
            if reset is not None:
                reset()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.channels})"


class Symmetrized(Operator):
    r"""Any module :math:`f(a, b)` as a commutative operator, :math:`a * b = \tfrac12 [f(a, b) + f(b, a)]`.

    Both calls see the same shapes and a sum of two floats does not depend on their order, so the result has the same
    bits when the operands are exchanged.

    Args:
        module: Called as ``module(a, b)`` with rows ``[P, d]``; gives ``[P, d]``.
        channels: d.

    Raises:
        InputError: The module normalises over the batch or drops out.

    Example:
        >>> import torch
        >>> operator = Symmetrized(torch.nn.Bilinear(3, 3, 3), 3)
        >>> a, b = torch.randn(5, 3), torch.randn(5, 3)
        >>> bool((operator.combine(a, b) == operator.combine(b, a)).all())
        True
    """

    def __init__(self, module: Module, channels: int) -> None:
        super().__init__(channels)
        self.module = module

    def combine(self, a: Tensor, b: Tensor) -> Tensor:
        """(f(a, b) + f(b, a)) / 2."""
        made: Tensor = self.module(a, b) + self.module(b, a)
        return made / 2
