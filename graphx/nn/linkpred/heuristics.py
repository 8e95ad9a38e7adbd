r"""Scores of node pairs without learning: common neighbours, Adamic-Adar, resource allocation, Katz; all exact."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.linkpred import _ops
from graphx.nn.linkpred.adjacency import Adjacency, as_adjacency, checked_pairs
from graphx.nn.linkpred.common_neighbors import make_query

__all__ = ["heuristic", "katz"]

Method = Literal["cn", "aa", "ra"]

_BLOCK = 64  # sources solved together


def heuristic(
    graph: Any,
    pairs: Tensor,
    method: Method = "cn",
    *,
    num_nodes: int | None = None,
    num_threads: int | None = None,
) -> Tensor:
    r"""Score pairs by their common neighbours, each counted as much as its degree allows.

    .. math::

        s_b = \sum_{u \in \mathcal{N}(i_b) \cap \mathcal{N}(j_b)} w_{i_b u} w_{j_b u} \, c(u), \qquad
        c(u) = 1, \quad \frac{1}{\log d_u}, \quad \frac{1}{d_u}

    for common neighbours (``'cn'``), Adamic and Adar's index (``'aa'``; "Friends and neighbors on the Web", Social
    Networks 25, 2003) and resource allocation (``'ra'``; Zhou, Lü, Zhang, "Predicting missing links via local
    information", Eur. Phys. J. B 71, 2009). :math:`d_u` is the sum of the weights of row ``u``. Where the logarithm is
    not positive (degree 1, which only a pair of a node with itself can meet), Adamic-Adar counts 0.

    Args:
        graph: Anything :func:`as_adjacency` takes, square.
        pairs: int64 ``[2, B]``.
        method: ``'cn'``, ``'aa'`` or ``'ra'``.
        num_nodes: As in :func:`as_adjacency`.
        num_threads: As in :func:`common_neighbors`.

    Returns:
        Scores, float64 ``[B]``, summed in ascending order of ``u``: the same bits for any number of threads.

    Raises:
        InputError: An unknown method, a matrix that is not square, or as :func:`common_neighbors`.

    Example:
        >>> import torch
        >>> diamond = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 2, 3, 3], [1, 2, 0, 2, 3, 0, 1, 3, 1, 2]])
        >>> heuristic(diamond, torch.tensor([[0], [3]]), "ra").item()
        0.6666666666666666
    """
    if method not in ("cn", "aa", "ra"):
        raise InputError(f"method is {method!r}; expected 'cn', 'aa' or 'ra' (Katz is the function katz)")
    adjacency = _square(as_adjacency(graph, num_nodes=num_nodes))
    query = make_query(adjacency, pairs, num_threads=num_threads)
    if method == "cn":
        return _ops.score(query, None)
    degrees = _weighted_degrees(adjacency)
    if method == "aa":
        return _ops.score(query, torch.where(degrees > 1, 1 / degrees.clamp(min=2**-1000).log(), 0.0))
    return _ops.score(query, torch.where(degrees > 0, 1 / degrees, 0.0))


def katz(
    graph: Any,
    pairs: Tensor,
    *,
    beta: float = 0.005,
    tolerance: float = 1e-12,
    num_nodes: int | None = None,
    max_steps: int = 10_000,
) -> Tensor:
    r"""Score pairs by all walks between them, each shorter one counting more.

    .. math::

        s_b = \sum_{l = 1}^{\infty} \beta^l (A^l)_{i_b j_b} = \bigl((I - \beta A)^{-1} - I\bigr)_{i_b j_b}

    Katz, "A new status index derived from sociometric analysis", Psychometrika 18, 1953. The series is summed, for the
    different sources of the pairs together, until an estimate of all that is left out is below `tolerance`.

    Args:
        graph: Anything :func:`as_adjacency` takes, square.
        pairs: int64 ``[2, B]``.
        beta: The factor for each step, below :math:`1 / \lambda_{\max}(A)`.
        tolerance: Of the sum left out, relative to the largest score among the sources that are solved together.
        num_nodes: As in :func:`as_adjacency`.
        max_steps: The longest walk before the series is said not to converge.

    Returns:
        Scores, float64 ``[B]``.

    Raises:
        InputError: beta is not positive or too large for this graph, or as :func:`heuristic`.

    Example:
        >>> import torch
        >>> edge = torch.tensor([[0, 1], [1, 0]])
        >>> katz(edge, torch.tensor([[0], [1]]), beta=0.5).item()     # 1/2 + 1/8 + 1/32 + ... = 2/3
        0.66666666666...
    """
    if not beta > 0:
        raise InputError(f"beta is {beta!r}; expected a positive number below 1 / the largest eigenvalue")
    adjacency = _square(as_adjacency(graph, num_nodes=num_nodes))
    checked_pairs(pairs, "pairs", adjacency.device)
    make_query(adjacency, pairs)
    if pairs.numel() and not 0 <= int(pairs.min()) <= int(pairs.max()) < adjacency.num_rows:
        raise InputError(
            f"pairs name nodes {int(pairs.min())}..{int(pairs.max())}; expected 0..{adjacency.num_rows - 1}"
        )
    step = _transposed(adjacency, beta)
    if not _converges(step, max_steps):
        raise _diverging(adjacency, beta)
    sources, place = torch.unique(pairs[0], return_inverse=True)
    out = torch.empty(pairs.size(1), dtype=torch.float64, device=pairs.device)
    for start in range(0, sources.numel(), _BLOCK):
        here = (place >= start) & (place < start + _BLOCK)
        sums = _walks(step, sources[start : start + _BLOCK], tolerance, max_steps)
        if sums is None:
            raise _diverging(adjacency, beta)
        out[here] = sums[pairs[1][here], place[here] - start]
    return out


def _transposed(adjacency: Adjacency, beta: float) -> Tensor:
    """Beta times the transpose, sparse."""
    values = adjacency.weights if adjacency.weights is not None else torch.ones(1, dtype=torch.float64).expand(1)
    columns = adjacency.indices.long()
    rows = torch.repeat_interleave(adjacency.degrees())
    values = values.to(columns.device).expand(columns.numel()) * beta
    size = (adjacency.num_rows, adjacency.num_rows)
    return torch.sparse_coo_tensor(torch.stack((columns, rows)), values, size, check_invariants=False)


def _converges(transposed: Tensor, max_steps: int) -> bool:
    """Whether some power of a matrix has only row sums below 1; one of negative entries is left to the walks.

    The walks from some sources cannot tell: they may end, too small to count, long before they reach a dense part of
    the graph in which the series grows.
    """
    if bool((transposed._values() < 0).any()):
        return True
    sums = torch.ones(transposed.size(0), 1, dtype=torch.float64, device=transposed.device)
    for _ in range(max_steps):
        sums = torch.sparse.mm(transposed, sums)
        largest = float(sums.max()) if sums.numel() else 0.0
        if largest < 1 or not largest < 1e150:
            return largest < 1
    return False


def _diverging(adjacency: Adjacency, beta: float) -> InputError:
    return InputError(
        f"beta={beta!r}: the sum over walks does not converge on this graph; expected beta below 1 / its largest "
        f"eigenvalue, which 1 / the largest degree ({int(adjacency.degrees().max())}) is for certain"
    )


def _walks(transposed: Tensor, sources: Tensor, tolerance: float, max_steps: int) -> Tensor | None:
    """Column k: sum over l of beta^l (A^l)[sources[k], :], float64 ``[N, S]``; None where that does not converge."""
    step = torch.zeros(transposed.size(0), sources.numel(), dtype=torch.float64, device=transposed.device)
    step[sources, torch.arange(sources.numel(), device=transposed.device)] = 1
    total = torch.zeros_like(step)
    before = 1.0
    for taken in range(1, max_steps + 1):
        step = torch.sparse.mm(transposed, step)
        total += step
        norm = float(step.norm())
        if norm == 0:
            return total
        ratio = norm / before  # tends to beta times the largest eigenvalue from below for a symmetric matrix
        before = norm
        if not norm < 1e150:
            break
        left_out = norm * ratio / (1 - ratio) if ratio < 1 else float("inf")
        if taken > 3 and left_out <= tolerance * float(total.abs().max()):
            return total
    return None


def _square(adjacency: Adjacency) -> Adjacency:
    if adjacency.num_rows != adjacency.num_columns:
        raise InputError(
            f"the matrix is [{adjacency.num_rows}, {adjacency.num_columns}]; expected a square one, whose columns have "
            "degrees"
        )
    return adjacency


def _weighted_degrees(adjacency: Adjacency) -> Tensor:
    degrees = adjacency.degrees().double()
    if adjacency.weights is None:
        return degrees
    rows = torch.repeat_interleave(adjacency.degrees())
    return torch.zeros_like(degrees).index_add_(0, rows, adjacency.weights)
