r"""How good scores of links are: Hits@K, MRR and AUC, against shared negatives or against each positive's own."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from graphx._checks import positive_integers
from graphx.errors import InputError

__all__ = ["auc", "evaluate", "hits_at", "mrr"]


def hits_at(positive: Tensor, negative: Tensor, k: int) -> float:
    r"""Find which share of the positives scores above the K-th best negative.

    .. math::

        \mathrm{Hits@}K = \frac{1}{P} \sum_{p} \bigl[ s_p > s^-_{(K)} \bigr]

    where :math:`s^-_{(K)}` is the K-th largest score among the negatives: all of them where they are ``[M]``, as in
    ogbl-collab, ogbl-ddi and ogbl-ppa (Hu et al., "Open Graph Benchmark", NeurIPS 2020), or those of positive ``p``
    where they are ``[P, M]``, as in HeaRT (Li et al., "Evaluating Graph Neural Networks for Link Prediction", NeurIPS
    2023). In the latter form a positive that ties with negatives takes the mean of its ranks. OGB's own code gives 1
    where there are fewer than K negatives; here that is an error, as the number would say nothing.

    Args:
        positive: Scores ``[P]``.
        negative: Scores ``[M]``, or ``[P, M]``.
        k: K, at most M.

    Returns:
        A number from 0 to 1.

    Raises:
        InputError: K is larger than the number of negatives or not positive, nothing to evaluate, scores that are not
            finite, or shapes that do not fit.

    Example:
        >>> import torch
        >>> hits_at(torch.tensor([0.9, 0.4, 0.2]), torch.tensor([0.5, 0.3, 0.1]), 2)
        0.6666666666666666
    """
    _check(positive, negative)
    positive_integers(K=k)
    if k > negative.size(-1):
        raise InputError(
            f"Hits@{k} with {negative.size(-1)} negatives is 1 for any scores; expected K at most {negative.size(-1)}: "
            "take a smaller K, or more negatives"
        )
    if negative.dim() == 1:
        bar = torch.topk(negative, k).values[-1]
        return float((positive > bar).double().mean())
    return float((_ranks(positive, negative) <= k).double().mean())


def mrr(positive: Tensor, negative: Tensor, *, ties: Literal["mean", "optimistic", "pessimistic"] = "mean") -> float:
    r"""Find the mean reciprocal rank of the positives among negatives.

    .. math::

        \mathrm{MRR} = \frac{1}{P} \sum_p \frac{1}{r_p}, \qquad
        r_p = 1 + \#\{m : s^-_{pm} > s_p\} + \tfrac{1}{2} \#\{m : s^-_{pm} = s_p\}

    with the negatives of each positive ``[P, M]`` (ogbl-citation2, and HeaRT), or the same for all ``[M]``
    (ogbl-vessel's and PyG's shared form). The mean of the ranks that a tie allows is OGB's rule.

    Args:
        positive: Scores ``[P]``.
        negative: Scores ``[P, M]`` or ``[M]``.
        ties: ``'mean'``; ``'optimistic'`` ranks the positive before what ties with it, ``'pessimistic'`` behind.

    Returns:
        A number from 0 to 1.

    Raises:
        InputError: As :func:`hits_at`.

    Example:
        >>> import torch
        >>> mrr(torch.tensor([0.9, 0.5]), torch.tensor([[0.1, 0.2], [0.7, 0.1]]))    # ranks 1 and 2
        0.75
    """
    _check(positive, negative)
    if ties not in ("mean", "optimistic", "pessimistic"):
        raise InputError(f"ties is {ties!r}; expected 'mean', 'optimistic' or 'pessimistic'")
    share = {"mean": 0.5, "optimistic": 0.0, "pessimistic": 1.0}[ties]
    return float(_ranks(positive, negative, share).reciprocal().mean())


def auc(positive: Tensor, negative: Tensor) -> float:
    r"""Find the area under the ROC curve: how often a positive scores above a negative, ties counting half.

    Args:
        positive: Scores ``[P]``.
        negative: Scores ``[M]``, or ``[P, M]``, whose mean over the positives is taken.

    Returns:
        A number from 0 to 1.

    Raises:
        InputError: As :func:`hits_at`.

    Example:
        >>> import torch
        >>> auc(torch.tensor([0.9, 0.4]), torch.tensor([0.5, 0.4]))
        0.625
    """
    _check(positive, negative)
    return float(((1 + negative.size(-1) - _ranks(positive, negative)) / negative.size(-1)).mean())


def evaluate(positive: Tensor, negative: Tensor, *, ks: tuple[int, ...] = (20, 50, 100)) -> dict[str, float]:
    """Compute Hits@K for every K, MRR and AUC at once.

    Args:
        positive: Scores ``[P]``.
        negative: Scores ``[M]``, or ``[P, M]``.
        ks: The values of K.

    Returns:
        ``{"hits@20": ..., "mrr": ..., "auc": ...}``.

    Raises:
        InputError: As :func:`hits_at`.

    Example:
        >>> import torch
        >>> evaluate(torch.tensor([0.9, 0.1]), torch.tensor([0.5, 0.3]), ks=(1,))
        {'hits@1': 0.5, 'mrr': 0.6666666666666666, 'auc': 0.5}
    """
    found = {f"hits@{k}": hits_at(positive, negative, k) for k in ks}
    return {**found, "mrr": mrr(positive, negative), "auc": auc(positive, negative)}


def _ranks(positive: Tensor, negative: Tensor, ties: float = 0.5) -> Tensor:
    """1 + how many negatives score higher + `ties` times how many score the same, float64 ``[P]``."""
    if negative.dim() == 1:
        ordered = negative.sort().values
        positive = positive.contiguous()  # torch warns of others
        not_above = torch.searchsorted(ordered, positive, right=True)
        below = torch.searchsorted(ordered, positive)
        above, same = ordered.numel() - not_above, not_above - below
    else:
        score = positive.unsqueeze(1)
        above, same = (negative > score).sum(1), (negative == score).sum(1)
    return 1 + above.double() + ties * same.double()


def _check(positive: Tensor, negative: Tensor) -> None:
    for scores, what in ((positive, "positive"), (negative, "negative")):
        if not isinstance(scores, Tensor) or not scores.is_floating_point():
            came = str(scores.dtype) if isinstance(scores, Tensor) else type(scores).__name__
            raise InputError(f"{what} is {came}; expected a tensor of floating point scores")
        if scores.numel() == 0:
            raise InputError(f"{what} has no scores; expected at least one")
        if not bool(torch.isfinite(scores).all()):
            raise InputError(f"{what} has scores that are not finite; expected numbers: look for NaN in the features")
    if positive.dim() != 1 or negative.dim() not in (1, 2):
        raise InputError(
            f"positive is {list(positive.shape)} and negative {list(negative.shape)}; expected [P], and [M] or [P, M]"
        )
    if negative.dim() == 2 and negative.size(0) != positive.size(0):
        raise InputError(
            f"negative has {negative.size(0)} rows for {positive.size(0)} positives; expected one row for each"
        )
    if positive.dtype != negative.dtype:
        raise InputError(f"positive is {positive.dtype} and negative {negative.dtype}; expected one type")
