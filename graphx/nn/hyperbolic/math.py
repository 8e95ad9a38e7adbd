r"""Free functions on the Poincare ball of curvature :math:`-c`.

The ball is :math:`\mathbb{B}_c = \{x : c |x|^2 < 1\}`. A curvature is a positive float or a 0-d tensor, which may
require gradients. Vectors lie along the last dimension (or ``dim``), in float32 or float64; sums of squares and the
scalar of each vector are float64 in both. No function clamps: a point on or outside the ball is an error where a point
of the ball is asked for, and every finite tangent vector is allowed. Gradients are exact at the origin, and zero (the
middle of the subgradient) at kinks: a distance between equal points, a radius at the origin.

Formulas: Ganea, Becigneul and Hofmann, "Hyperbolic neural networks", NeurIPS 2018, https://arxiv.org/abs/1805.09112.
Ours are the forms without cancellation, and :func:`tangent_dist`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.hyperbolic import _kernels, _plain, _tangent
from graphx.nn.hyperbolic._inputs import (
    check_broadcast,
    check_curvature,
    check_vectors,
    check_weight,
    refuse_points,
    refuse_vectors,
)
from graphx.nn.hyperbolic._scalar import atanhc

__all__ = [
    "dist",
    "expmap0",
    "hyperbolic_radius",
    "logmap0",
    "mobius_add",
    "mobius_matvec",
    "project",
    "tangent_dist",
]


def expmap0(u: Tensor, c: float | Tensor = 1.0, *, dim: int = -1) -> Tensor:
    r"""Map tangent vectors at the origin to the ball.

    .. math::

        \exp_0(u) = \tanh(\sqrt{c}\,|u|) \frac{u}{\sqrt{c}\,|u|}, \qquad \exp_0(0) = 0

    as in O. Ganea, G. Becigneul and T. Hofmann, Hyperbolic Neural Networks, NeurIPS 2018, arXiv:1805.09112.
    The result is that of the formula to rounding. From :math:`\sqrt{c}|u| \approx 8.3` on (float64: 18) the nearest
    float of the result may lie on the sphere: a limit of the coordinates, at which :func:`logmap0` raises and
    :func:`project` helps; :func:`tangent_dist` does not need the point at all.

    Args:
        u: Tangent vectors ``[..., D]``, float32 or float64, finite.
        c: The curvature is ``-c``; a positive number or a 0-d tensor.
        dim: The dimension along which the vectors lie.

    Returns:
        Points of the ball, in the shape and dtype of ``u``. Differentiable twice in ``u`` and ``c``.

    Raises:
        InputError: ``c`` is not positive, or ``u`` is not finite or of another dtype.

    Example:
        >>> import torch
        >>> from graphx.nn.hyperbolic import expmap0
        >>> expmap0(torch.tensor([[0.0, 0.6931471805599453]], dtype=torch.float64)).tolist()  # tanh(log 2) = 3/5
        [[0.0, 0.6]]
    """
    check_vectors(u, "u", dim=dim)
    maps = _kernels if _kernels.takes(u) else _plain
    point: Tensor = maps.expmap0(u.movedim(dim, -1), check_curvature(c, u.device))
    return point.movedim(-1, dim)


def logmap0(x: Tensor, c: float | Tensor = 1.0, *, dim: int = -1) -> Tensor:
    r"""Map points of the ball to tangent vectors at the origin; the inverse of :func:`expmap0`.

    .. math::

        \log_0(x) = \operatorname{artanh}(\sqrt{c}\,|x|) \frac{x}{\sqrt{c}\,|x|}, \qquad \log_0(0) = 0

    computed as :math:`\tfrac12 \operatorname{log1p}(2z(1+z)/(1-z^2))` with :math:`z = \sqrt{c}|x|`, exact up to the
    last float below the rim.

    Args:
        x: Points of the ball ``[..., D]``, float32 or float64.
        c: The curvature is ``-c``; a positive number or a 0-d tensor.
        dim: The dimension along which the vectors lie.

    Returns:
        Tangent vectors, in the shape and dtype of ``x``. Differentiable twice in ``x`` and ``c``.

    Raises:
        InputError: A point lies on or outside the ball or is not finite, ``c`` is not positive, or the dtype is
            another.

    Example:
        >>> import torch
        >>> from graphx.nn.hyperbolic import logmap0
        >>> logmap0(torch.tensor([[0.0, 0.5]])).tolist()
        [[0.0, 0.5493061542510986]]
    """
    check_vectors(x, "x", dim=dim)
    maps = _kernels if _kernels.takes(x) else _plain
    tangent: Tensor = maps.logmap0(x.movedim(dim, -1), check_curvature(c, x.device))
    return tangent.movedim(-1, dim)


def project(x: Tensor, c: float | Tensor = 1.0, *, eps: float | None = None, dim: int = -1) -> Tensor:
    r"""Move what lies on or outside the ball to just inside it; other points stay as they are.

    .. math::

        \operatorname{proj}(x) = x \min\Bigl(1, \frac{1 - \varepsilon}{\sqrt{c}\,|x|}\Bigr)

    No other function of this module calls it. The usual :math:`\varepsilon = 4 \cdot 10^{-3}` of other libraries puts
    every tangent vector longer than :math:`3.1/\sqrt{c}` on one sphere; the default here is two roundings.

    Args:
        x: Vectors ``[..., D]``, float32 or float64.
        c: The curvature is ``-c``; a positive number or a 0-d tensor.
        eps: The distance kept from the rim, relative to the radius of the ball; None is ``4 eps`` of the dtype, the
            least for which the result, rounded, is a point of the ball.
        dim: The dimension along which the vectors lie.

    Returns:
        Points of the ball, in the shape and dtype of ``x``.

    Raises:
        InputError: ``c`` is not positive, ``eps`` is not between the default and 1, or ``x`` is not finite.

    Example:
        >>> import torch
        >>> from graphx.nn.hyperbolic import project
        >>> project(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), eps=0.5).tolist()
        [[0.30000001192092896, 0.4000000059604645], [0.30000001192092896, 0.4000000059604645]]
    """
    check_vectors(x, "x", dim=dim)
    c = check_curvature(c, x.device)
    least = 4 * torch.finfo(x.dtype).eps
    if eps is not None and not least <= eps < 1:
        raise InputError(f"eps is {eps:g}; expected {least:.3g} <= eps < 1 for {x.dtype}, or None for {least:.3g}")
    rim = 1 - (least if eps is None else eps)
    x = x.movedim(dim, -1)
    p = c * _plain.square(x)
    refuse_vectors(p.detach(), "x")
    outside = p > rim * rim
    factor = torch.where(outside, rim / torch.where(outside, p, 1.0).sqrt(), 1.0)
    return (factor * x.double()).to(x.dtype).movedim(-1, dim)


def mobius_add(x: Tensor, y: Tensor, c: float | Tensor = 1.0, *, dim: int = -1) -> Tensor:
    r"""Mobius addition :math:`x \oplus_c y`: the translation of the ball that takes the origin to ``x``, at ``y``.

    .. math::

        x \oplus_c y = \frac{(1 - c|x|^2)(x + y) + c|x + y|^2 x}{(1 - c|x|^2)(1 - c|y|^2) + c|x + y|^2}

    which equals the usual formula (Ungar's; in Ganea, Becigneul and Hofmann, arXiv:1805.09112) and has no cancellation
    but that of :math:`x + y`.

    Args:
        x: Points of the ball ``[..., D]``.
        y: Points of the ball, of a shape that broadcasts with that of ``x``, in the same dtype.
        c: The curvature is ``-c``; a positive number or a 0-d tensor.
        dim: The dimension along which the vectors lie.

    Returns:
        Points of the ball, in the broadcast shape. Differentiable in ``x``, ``y`` and ``c``.

    Raises:
        InputError: A point lies on or outside the ball, ``c`` is not positive, shapes do not fit, or dtypes differ.

    Example:
        >>> import torch
        >>> from graphx.nn.hyperbolic import mobius_add
        >>> mobius_add(torch.tensor([0.5]), torch.tensor([0.5])).tolist()  # on a line: tanh of the sum
        [0.800000011920929]
    """
    check_vectors(x, "x", dim=dim)
    check_vectors(y, "y", dim=dim, like=x)
    c = check_curvature(c, x.device)
    dtype = x.dtype
    x, y = x.movedim(dim, -1).double(), y.movedim(dim, -1).double()
    check_broadcast(x, y)
    p, q = c * _plain.square(x), c * _plain.square(y)
    refuse_points(p.detach(), "x")
    refuse_points(q.detach(), "y")
    total = x + y
    s = c * _plain.square(total)
    out = ((1 - p) * total + s * x) / ((1 - p) * (1 - q) + s)
    return out.to(dtype).movedim(-1, dim)


def mobius_matvec(weight: Tensor, x: Tensor, c: float | Tensor = 1.0) -> Tensor:
    r"""Mobius matrix-vector product, by a dense or a block-diagonal matrix.

    .. math::

        W \otimes_c x = \exp_0(W \log_0 x)
            = \tanh\Bigl(\frac{|Wx|}{|x|} \operatorname{artanh}(\sqrt{c}\,|x|)\Bigr) \frac{Wx}{\sqrt{c}\,|Wx|}

    The hyperbolic radius of the result is :math:`|Wx|/|x|` times that of ``x``. With tangent vectors at hand, ``W u``
    is the same without the ball: :math:`\log_0(W \otimes_c \exp_0 u) = W u` for every ``c``.

    Args:
        weight: ``[D', D]``, or ``[K, b', b]`` with ``D = K b`` for the block-diagonal matrix of K blocks, where
            ``D' = K b'``; in the dtype of ``x``.
        x: Points of the ball ``[..., D]``, float32 or float64.
        c: The curvature is ``-c``; a positive number or a 0-d tensor.

    Returns:
        Points ``[..., D']``; where they are longer than the floats below the rim tell apart, see :func:`expmap0`.
        Differentiable twice in ``weight``, ``x`` and ``c``.

    Raises:
        InputError: The columns of the weight are not as many as ``x`` has, a point lies on or outside the ball, ``c``
            is not positive, or dtypes differ.

    Example:
        >>> import torch
        >>> from graphx.nn.hyperbolic import mobius_matvec
        >>> mobius_matvec(2 * torch.eye(2), torch.tensor([[0.5, 0.0]])).tolist()  # tanh(2 artanh 0.5)
        [[0.800000011920929, 0.0]]
    """
    check_vectors(x, "x")
    check_weight(weight, x.size(-1), x)
    maps = _kernels if _kernels.takes(x, weight) else _plain
    point: Tensor = maps.mobius_matvec(weight, x, check_curvature(c, x.device))
    return point


def hyperbolic_radius(x: Tensor, c: float | Tensor = 1.0, *, dim: int = -1, keepdim: bool = False) -> Tensor:
    r"""Distance from the origin of points of the ball; of a tangent vector ``u`` it is ``2 |u|`` for every ``c``.

    .. math::

        \operatorname{Rad}(x) = \frac{2}{\sqrt{c}} \operatorname{artanh}(\sqrt{c}\,|x|)

    Args:
        x: Points of the ball ``[..., D]``, float32 or float64.
        c: The curvature is ``-c``; a positive number or a 0-d tensor.
        dim: The dimension along which the vectors lie.
        keepdim: Keep that dimension, with size 1.

    Returns:
        Radii ``[...]`` in the dtype of ``x``.

    Raises:
        InputError: A point lies on or outside the ball, ``c`` is not positive, or the dtype is another.

    Example:
        >>> import torch
        >>> from graphx.nn.hyperbolic import hyperbolic_radius
        >>> hyperbolic_radius(torch.tensor([[0.0, 0.5]])).tolist()  # log 3
        [1.0986123085021973]
    """
    check_vectors(x, "x", dim=dim)
    c = check_curvature(c, x.device)
    squares = _plain.square(x.movedim(dim, -1))
    refuse_points((c * squares).detach(), "x")
    radius = (2 * atanhc(c * squares) * _plain.norm(squares)).to(x.dtype).movedim(-1, dim)
    return radius if keepdim else radius.squeeze(dim)


def dist(x: Tensor, y: Tensor, c: float | Tensor = 1.0, *, dim: int = -1, keepdim: bool = False) -> Tensor:
    r"""Hyperbolic distance of points of the ball, element by element.

    .. math::

        d_c(x, y) = \frac{2}{\sqrt{c}} \operatorname{arsinh}
            \sqrt{\frac{c\,|x - y|^2}{(1 - c|x|^2)(1 - c|y|^2)}}

    As exact as the coordinates: beside the rim one rounding of ``x`` is a long way, so prefer :func:`tangent_dist`
    where tangent vectors are at hand.

    Args:
        x: Points of the ball ``[..., D]``.
        y: Points of the ball, of a shape that broadcasts with that of ``x``, in the same dtype.
        c: The curvature is ``-c``; a positive number or a 0-d tensor.
        dim: The dimension along which the vectors lie.
        keepdim: Keep that dimension, with size 1.

    Returns:
        Distances ``[...]``. The gradient at equal points is 0.

    Raises:
        InputError: A point lies on or outside the ball, ``c`` is not positive, shapes do not fit, or dtypes differ.

    Example:
        >>> import torch
        >>> from graphx.nn.hyperbolic import dist
        >>> dist(torch.tensor([[0.0, 0.5]]), torch.tensor([[0.0, -0.5]])).tolist()  # 2 log 3
        [2.1972246170043945]
    """
    check_vectors(x, "x", dim=dim)
    check_vectors(y, "y", dim=dim, like=x)
    c = check_curvature(c, x.device)
    dtype = x.dtype
    x, y = x.movedim(dim, -1).double(), y.movedim(dim, -1).double()
    check_broadcast(x, y)
    p, q = c * _plain.square(x), c * _plain.square(y)
    refuse_points(p.detach(), "x")
    refuse_points(q.detach(), "y")
    root = c**0.5
    away = _plain.norm(_plain.square(x - y))
    distance = (2 / root * torch.asinh(root * away * torch.rsqrt((1 - p) * (1 - q)))).to(dtype).movedim(-1, dim)
    return distance if keepdim else distance.squeeze(dim)


def tangent_dist(u: Tensor, v: Tensor, c: float | Tensor = 1.0) -> Tensor:
    r"""Hyperbolic distance of all pairs :math:`\exp_0(u_i), \exp_0(v_j)` from the tangent vectors, never in the ball.

    .. math::

        \sinh^2 \frac{\sqrt{c}\,d_{ij}}{2}
            = \sinh^2 \frac{a_i - b_j}{2} + \sinh a_i \sinh b_j \sin^2 \frac{\theta_{ij}}{2},
        \qquad a_i = 2\sqrt{c}\,|u_i|, \quad b_j = 2\sqrt{c}\,|v_j|

    the hyperbolic law of cosines, with logarithms of the terms where they leave float64: vectors of length 1000 are as
    exact as those of length 1. Small ``c`` gives :math:`2|u_i - v_j|`. Between vectors of one direction and more than
    about 35 radii away the distance hangs on the last bits of the directions, so there it is that of nearby vectors.
    The form is ours.

    Args:
        u: Tangent vectors ``[N, D]``, float32 or float64.
        v: Tangent vectors ``[C, D]`` in the same dtype.
        c: The curvature is ``-c``; a positive number or a 0-d tensor.

    Returns:
        Distances ``[N, C]``. Differentiable once in ``u``, ``v`` and ``c``, also where ``u`` or ``v`` is zero; the
        gradient between equal points is 0. A second differentiation raises.

    Raises:
        InputError: ``u`` or ``v`` is not a matrix or not finite, their widths or dtypes differ, or ``c`` is not
            positive.

    Example:
        >>> import torch
        >>> from graphx.nn.hyperbolic import tangent_dist
        >>> u = torch.tensor([[0.0, 1.0], [0.0, 300.0]])
        >>> tangent_dist(u, torch.tensor([[0.0, -1.0], [0.0, 0.0]])).tolist()
        [[4.0, 2.0], [602.0, 600.0]]
    """
    check_vectors(u, "u")
    check_vectors(v, "v", like=u)
    if u.dim() != 2 or v.dim() != 2 or u.size(1) != v.size(1):
        raise InputError(f"u and v have shapes {list(u.shape)} and {list(v.shape)}; expected [N, D] and [C, D]")
    return _tangent.tangent_dist(u, v, check_curvature(c, u.device))
