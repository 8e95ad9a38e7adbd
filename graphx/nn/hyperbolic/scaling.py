"""BlockDiagonalMobiusScaling: a learned block-diagonal Mobius product that scales hyperbolic radii."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from graphx._checks import positive_integers
from graphx.errors import InputError
from graphx.nn.hyperbolic import _kernels, _plain
from graphx.nn.hyperbolic._inputs import check_curvature, check_vectors
from graphx.nn.hyperbolic.math import mobius_matvec

__all__ = ["BlockDiagonalMobiusScaling"]

Constraint = Literal["none", "contractive", "diagonal"]
Space = Literal["tangent", "ball"]


class BlockDiagonalMobiusScaling(torch.nn.Module):
    r"""Scale the hyperbolic radius of each vector by a learned block-diagonal matrix.

    .. math::

        S \otimes_c x, \qquad S = \operatorname{diag}(S_1, \dots, S_K), \qquad
        \operatorname{Rad}(S \otimes_c x) = \frac{|S u|}{|u|} \operatorname{Rad}(x) \quad\text{for}\quad x = \exp_0(u)

    In tangent coordinates the layer is exactly the linear map :math:`u \mapsto S u`, for every ``c``: the ball and its
    curvature matter only to what reads the radius afterwards, as :func:`~graphx.nn.hyperbolic.tangent_dist` does.

    ``constraint`` says what the blocks may be:

    - ``"none"``: any matrix.
    - ``"diagonal"``: :math:`S_k` is diagonal, ``dim`` parameters.
    - ``"contractive"``: :math:`S_k = \operatorname{Cay}(A_k) \operatorname{diag}(\sigma(d_k)) \operatorname{Cay}(B_k)`
      with :math:`\operatorname{Cay}(A) = (I - A)(I + A)^{-1}` of a skew-symmetric A, an orthogonal matrix. Hence
      :math:`|S_k|_2 = \max \sigma(d_k) < 1`, and no radius ever grows. The singular values are taken at
      :math:`(1 - 8 b \epsilon)\,\sigma(d_k)`, so that the bound holds for the rounded numbers too.

    The idea of learned block-diagonal scaling by Mobius products is of "H4G", https://arxiv.org/abs/2510.12094, whose
    formulas are not public; ``contractive`` and everything else here is ours.

    Args:
        dim: Length of the vectors, D.
        block_size: Size b of a block; it divides ``dim``.
        c: The curvature is ``-c``; positive.
        constraint: ``"none"``, ``"contractive"`` or ``"diagonal"``.
        init: The layer starts as ``init`` times the identity; None is 1, and 0.9 for ``"contractive"``, which needs a
            number between 0 and 1.
        learn_c: Learn ``c`` (as its logarithm); it has a gradient only where the ball is used.

    Raises:
        InputError: ``block_size`` does not divide ``dim``, ``c`` is not positive, or ``init`` is out of range.

    Example:
        >>> import torch
        >>> from graphx.nn.hyperbolic import BlockDiagonalMobiusScaling
        >>> scaling = BlockDiagonalMobiusScaling(4, block_size=2, init=0.5)
        >>> scaling(torch.tensor([[3.0, 0.0, 0.0, 4.0]])).tolist()
        [[1.5, 0.0, 0.0, 2.0]]
        >>> scaling.radius_ratio(torch.tensor([[3.0, 0.0, 0.0, 4.0]])).tolist()
        [0.5]
    """

    def __init__(
        self,
        dim: int,
        block_size: int = 32,
        c: float = 1.0,
        constraint: Constraint = "none",
        *,
        init: float | None = None,
        learn_c: bool = False,
    ) -> None:
        super().__init__()
        positive_integers(dim=dim, block_size=block_size)
        if dim % block_size:
            fits = ", ".join(str(b) for b in range(1, dim + 1) if dim % b == 0)
            raise InputError(f"block_size {block_size} does not divide dim {dim}; expected one of {fits}")
        if constraint not in ("none", "contractive", "diagonal"):
            raise InputError(f"constraint is {constraint!r}; expected 'none', 'contractive' or 'diagonal'")
        if init is None:
            init = 0.9 if constraint == "contractive" else 1.0
        if not math.isfinite(init) or (constraint == "contractive" and not 0 < init < 1):
            wanted = "between 0 and 1 for 'contractive'" if constraint == "contractive" else "finite"
            raise InputError(f"init is {init!r}; expected a number {wanted}")
        self.dim, self.block_size, self.constraint, self.init = dim, block_size, constraint, float(init)
        self.num_blocks = dim // block_size
        curvature = float(check_curvature(c, torch.device("cpu")))
        self.log_c = torch.nn.Parameter(torch.tensor(math.log(curvature), dtype=torch.float64)) if learn_c else None
        self._c = curvature
        blocks = (self.num_blocks, block_size)
        if constraint == "none":
            self.blocks = torch.nn.Parameter(torch.empty(*blocks, block_size))
        else:
            self.scales = torch.nn.Parameter(torch.empty(*blocks))
        if constraint == "contractive":
            self.left = torch.nn.Parameter(torch.empty(*blocks, block_size))
            self.right = torch.nn.Parameter(torch.empty(*blocks, block_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start again from ``init`` times the identity, and from the ``c`` given."""
        with torch.no_grad():
            if self.constraint == "none":
                self.blocks.copy_(self.init * torch.eye(self.block_size).expand_as(self.blocks))
            elif self.constraint == "diagonal":
                self.scales.fill_(self.init)
            else:
                self.left.zero_()
                self.right.zero_()
                self.scales.fill_(math.log(self.init) - math.log1p(-self.init))
            if self.log_c is not None:
                self.log_c.fill_(math.log(self._c))

    @property
    def c(self) -> float | Tensor:
        """The curvature is ``-c``: the number given, or a 0-d float64 tensor where it is learned."""
        return self._c if self.log_c is None else self.log_c.exp()

    @property
    def weight(self) -> Tensor:
        """The blocks ``[K, b, b]`` as they are applied; differentiable in the parameters."""
        if self.constraint == "none":
            return self.blocks
        if self.constraint == "diagonal":
            return torch.diag_embed(self.scales)
        room = 1 - 8 * self.block_size * torch.finfo(self.scales.dtype).eps
        values = room * self.scales.double().sigmoid()
        return (_cayley(self.left) * values.unsqueeze(-2) @ _cayley(self.right)).to(self.scales.dtype)

    def forward(self, u: Tensor, space: Space = "tangent") -> Tensor:
        r"""Apply the scaling.

        Args:
            u: ``[..., D]``: tangent vectors at the origin, or points of the ball with ``space="ball"``.
            space: ``"tangent"`` gives :math:`S u`, exactly :math:`\log_0(S \otimes_c \exp_0(u))` and without its
                rounding; ``"ball"`` gives :math:`S \otimes_c u`.

        Returns:
            ``[..., D]``, in the same space.

        Raises:
            InputError: Another width or dtype, another ``space``, or points that are not in the ball.
        """
        if space == "tangent":
            self._check(u)
            return self._product(u)
        if space == "ball":
            self._check(u)
            return mobius_matvec(self._applied(), u, self.c)
        raise InputError(f"space is {space!r}; expected 'tangent' or 'ball'")

    def radius_ratio(self, u: Tensor) -> Tensor:
        r"""By which factor the hyperbolic radius of each vector changes: :math:`|S u| / |u|`.

        Args:
            u: Tangent vectors ``[..., D]``.

        Returns:
            Ratios ``[...]`` in the dtype of ``u``; 1 for a zero vector, whose radius stays 0.

        Raises:
            InputError: Another width or dtype.
        """
        self._check(u)
        before = _plain.square(u)
        after = _plain.square(self._product(u))
        zero = before == 0
        return torch.where(zero, 1.0, _plain.norm(after / torch.where(zero, 1.0, before))).to(u.dtype).squeeze(-1)

    def extra_repr(self) -> str:
        """The arguments, for ``repr``."""
        c = f"{self._c:g}" if self.log_c is None else f"{math.exp(float(self.log_c.detach())):g} (learned)"
        return f"{self.dim}, block_size={self.block_size}, c={c}, constraint={self.constraint!r}"

    def _product(self, u: Tensor) -> Tensor:
        weight = self._applied()
        maps = _kernels if _kernels.takes(u, weight) else _plain
        product: Tensor = maps.block_product(weight, u)
        return product.to(u.dtype)

    def _applied(self) -> Tensor:
        return self.scales.reshape(self.dim, 1, 1) if self.constraint == "diagonal" else self.weight

    def _check(self, u: Tensor) -> None:
        parameter = self.blocks if self.constraint == "none" else self.scales
        check_vectors(u, "u", like=parameter)
        if u.size(-1) != self.dim:
            raise InputError(f"u has shape {list(u.shape)}; expected [..., {self.dim}], the dim of the layer")


def _cayley(free: Tensor) -> Tensor:
    """(I - A)(I + A)^-1 of the skew-symmetric part A of each matrix, in float64."""
    skew = free.double() - free.double().mT
    eye = torch.eye(free.size(-1), dtype=torch.float64, device=free.device)
    found: Tensor = torch.linalg.solve(eye + skew, eye - skew)  # (I + A) and (I - A) commute
    # a Newton step: the solution is orthogonal up to cond(I + A) roundings, this up to a few
    return found @ (1.5 * eye - 0.5 * found.mT @ found)
