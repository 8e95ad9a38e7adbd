"""H4G: zero-shot classification of the nodes of text graphs, with hyperbolic scaling and its control arms."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphx.data.text import Encoder
from graphx.errors import InputError
from graphx.nn.hyperbolic._network import Config, H4GNetwork, Scaling, Side
from graphx.nn.hyperbolic._stored import Stored
from graphx.nn.hyperbolic._textgraph import Labels, Prepared, Texts, prepare
from graphx.nn.hyperbolic._training import Progress, Schedule, terminal_progress, train
from graphx.nn.hyperbolic.refine import ANCHORS, EDGE_WEIGHTS, refine_scores
from graphx.nn.hyperbolic.scaling import Constraint

__all__ = ["ARMS", "H4G"]

_CHUNK: Final = 8192  # nodes that are scored at a time

ARMS: Final[dict[str, dict[str, Any]]] = {
    "text only": {"hops": 0, "scaling": "none", "readout": "cosine", "refine": False, "lead": 0, "centre": False},
    "text only, refined": {"hops": 0, "scaling": "none", "readout": "cosine", "edge_weight": 0.0},
    "no scaling": {"scaling": "none", "readout": "cosine"},
    "Euclidean blocks": {"scaling": "euclidean", "readout": "cosine"},
    "Euclidean distance": {"scaling": "mobius", "c": 1e-9},
    "Mobius + cosine": {"scaling": "mobius", "readout": "cosine"},
    "fixed scalar": {"scaling": "scalar", "readout": "distance"},
    "radius regulariser": {"scaling": "mobius", "readout": "distance", "radius_weight": 0.1},
    "Mobius + distance": {"scaling": "mobius", "readout": "distance"},
}
"""The full model, which is the last, and its control arms, as arguments of :class:`H4G`."""


class H4G(Stored):
    r"""Classify the nodes of a text graph that has no labels, by the names of the classes.

    Texts :math:`t_i` and label names become vectors by a sentence encoder. With :math:`x_i` the vector of a node,
    :math:`P` the mean over neighbours and :math:`S` block-diagonal,

    .. math::
        u_i = S\, r_g \frac{\sum_k w_{ik} (P^k x)_i}{|\sum_k w_{ik} (P^k x)_i|}, \qquad
        v_k = r_t \frac{\ell_k}{|\ell_k|}, \qquad s_{ik} = -\gamma\, d_c(\exp_0 u_i, \exp_0 v_k),

    and the class of a node is read from the scores of all nodes, by :func:`~graphx.nn.hyperbolic.refine_scores`.

    **What is the paper's.** "H4G", https://arxiv.org/abs/2510.12094, has no public code, and what follows is from its
    abstract: present methods place nodes and texts at too large hyperbolic radii; learned block-diagonal scaling
    matrices, applied by Mobius products, reduce them; this helps zero-shot classification, by 12.8 % on heterophilic
    and 8.4 % on homophilic graphs.

    **What is ours.** Everything else. The shares :math:`w_{ik}` of the hops, learned for each node from its degree and
    its likeness to its neighbours; the centring of texts and labels; the second vector for the beginning of a text; the
    readout by distance; both losses; the refinement; every default. Whether the scaling is worth anything is measured
    against the control arms in :data:`ARMS`: :math:`\log_0(S \otimes \exp_0 u) = S u` for every ``c``, so that under a
    cosine the scaling **is** a Euclidean linear map, and one factor for all radii changes nothing.

    Args:
        encoder: ``'minilm'``, a callable from N texts to ``[N, F]``, or None to take ``data.x`` as the vectors; then
            labels are given as vectors too.
        scaling: ``'mobius'``; or a control: ``'euclidean'`` (an ordinary linear map of as many parameters, `cosine`
            only sees its like), ``'scalar'`` (one fixed factor) or ``'none'``.
        side: What is scaled: the ``'graph'`` side, the ``'text'`` side of the labels, or ``'both'``.
        readout: ``'distance'`` on the ball, or ``'cosine'``, which cannot see a radius.
        hops: Largest number of steps to neighbours; 0 leaves the graph out of the encoder.
        block_size: Size of a block; it divides F.
        c: The ball has curvature -c.
        constraint: As in :class:`~graphx.nn.hyperbolic.BlockDiagonalMobiusScaling`.
        scalar: The factor of ``scaling='scalar'``.
        centre: Subtract the mean of the nodes of a graph from its vectors, and that of the labels from theirs.
        lead: Words of the beginning of a text that are encoded once more; 0 for none.
        refine: Read all nodes together by :func:`~graphx.nn.hyperbolic.refine_scores`; False takes the scores.
        temperature: As there.
        anchor: As there.
        edge_weight: As there.
        steps: Steps of training; each takes a batch of nodes from every source.
        batch_size: Nodes in a batch.
        lr: Step size of Adam.
        dropout: Share of a node's own text that is hidden when training without labels.
        radius_weight: Adds this times the mean hyperbolic radius of the nodes to the loss.
        trained_share: The weights that are kept are this times those at the end of training, plus the rest times the
            first ones, as in WiSE-FT; 1 keeps those of the end. The first ones are the identity, which knows nothing of
            the sources: what is learned on them is believed by half.
        random_state: Fixes the result, whatever the number of threads.
        encoder_key: Names a callable in the cache of vectors, as for :func:`graphx.data.encode_texts`.
        cache: The folder of that cache.
        progress: Called as ``progress(stage, done, total)``; None draws a bar where stderr is a terminal.

    Raises:
        InputError: An argument is out of its range.

    Example:
        >>> from torch_geometric.data import Data
        >>> def letters(texts):                                # a toy encoder: how often each letter occurs
        ...     return [[text.count(letter) for letter in "abcdefgh"] for text in texts]
        >>> edges = torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]])
        >>> data = Data(text=["abba", "baab", "heed", "hehe"], edge_index=edges, num_nodes=4)
        >>> model = H4G(letters, block_size=4, steps=5).fit([data])
        >>> model.predict(data, ["ab", "he"]).tolist()
        [0, 0, 1, 1]
    """

    def __init__(
        self,
        encoder: str | Encoder | None = "minilm",
        *,
        scaling: Scaling = "mobius",
        side: Side = "graph",
        readout: Literal["distance", "cosine"] = "distance",
        hops: int = 2,
        block_size: int = 32,
        c: float = 1.0,
        constraint: Constraint = "none",
        scalar: float = 0.5,
        centre: bool = True,
        lead: int = 24,
        refine: bool = True,
        temperature: float = 4.0,
        anchor: float | Sequence[float] = ANCHORS,
        edge_weight: float | Sequence[float] = EDGE_WEIGHTS,
        steps: int = 100,
        batch_size: int = 128,
        lr: float = 1e-4,
        dropout: float = 0.5,
        radius_weight: float = 0.0,
        trained_share: float = 0.5,
        random_state: int = 0,
        encoder_key: str | None = None,
        cache: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.config = Config(scaling, side, readout, hops, block_size, c, constraint, scalar)
        self.schedule = Schedule(steps, batch_size, lr, dropout, radius_weight, random_state, trained_share)
        self.refine = refine
        self.refinement: dict[str, Any] = {"temperature": temperature, "anchor": anchor, "edge_weight": edge_weight}
        self._refined(np.array([[1.0, 0.0]]), None, np.zeros((2, 0), dtype=np.int64))  # checks the numbers
        if isinstance(lead, bool) or not isinstance(lead, int) or lead < 0:
            raise InputError(f"lead is {lead!r}; expected 0 or a number of words")
        folder = None if cache is None else os.fspath(cache)
        self.texts = Texts(encoder, encoder_key, folder, lead, centre)
        self.progress = progress
        self.network: H4GNetwork | None = None
        self.losses: list[float] = []

    @classmethod
    def arm(cls, name: str, encoder: str | Encoder | None = "minilm", **arguments: Any) -> Self:
        """The full model or one of its control arms.

        Args:
            name: A key of :data:`ARMS`.
            encoder: As for the class.
            **arguments: Other arguments of the class, the same for all arms.

        Returns:
            A model to fit.

        Raises:
            InputError: There is no such arm.
        """
        if name not in ARMS:
            raise InputError(f"no arm {name!r}; expected one of: {', '.join(ARMS)}")
        return cls(encoder, **{**arguments, **ARMS[name]})

    def fit(
        self,
        graphs: Sequence[Any],
        *,
        labels: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int = 50,
    ) -> Self:
        """Learn from text graphs: without labels, or with those of source graphs.

        Without labels a node is to find its own text among those of a batch, with a part of it hidden (InfoNCE). With
        labels it is to find its class by the name of the class, on each source among the classes of that source. The
        labels of the graph that is classified later are in neither.

        Args:
            graphs: PyG ``Data`` with ``text`` (or ``x``) and ``edge_index``; sources with labels have ``y`` ``[N]``, -1
                where unknown, and ``label_text`` (or ``label_x`` ``[C, F]``), the names of the classes.
            labels: Whether to use the labels.
            checkpoint: A folder for the state of training. Where it holds that of the same fit, the fit goes on from
                there, and its result has the same bits as that of a fit that nobody interrupted.
            checkpoint_every: Steps between two of them.

        Returns:
            The model itself.

        Raises:
            InputError: A graph lacks something, its texts are all empty, or its labels do not fit their names.
            StoreError: The checkpoint is damaged, or that of another fit.
        """
        if not isinstance(graphs, Sequence) or not graphs:
            raise InputError(f"graphs is a {type(graphs).__name__}; expected a list of at least one PyG Data")
        report, close = self._reporting()
        try:
            sources = [self._prepare(data, labels=labels) for data in graphs]
            widths = sorted({source.hops.size(2) for source in sources})
            if len(widths) > 1:
                raise InputError(f"the graphs have vectors of {widths} numbers; expected the same width for all")
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.schedule.random_state)
                network = H4GNetwork(widths[0], self.config)
            self.losses = train(
                network,
                sources,
                self.schedule,
                checkpoint=checkpoint,
                checkpoint_every=checkpoint_every,
                progress=report,
            )
        finally:
            close()
        self.network = network
        return self

    def predict(self, data: Any, label_texts: Labels | Tensor) -> Tensor:
        """The class of each node.

        Args:
            data: A PyG ``Data`` with ``text`` (or ``x``) and ``edge_index``; its labels, if any, are not looked at.
            label_texts: A text for each of C classes, or a list of texts whose vectors are averaged, as
                :func:`~graphx.nn.hyperbolic.label_prompts` makes; vectors ``[C, F]`` where encoder is None.

        Returns:
            ``[N]``, int64, from 0 to C - 1.

        Raises:
            InputError: The model is not fitted, a label is missing, repeated or empty, or the data lack something.
        """
        return self.predict_proba(data, label_texts).argmax(dim=1)

    def predict_proba(self, data: Any, label_texts: Labels | Tensor) -> Tensor:
        """The probability of each class for each node, as far as the model knows.

        Args:
            data: As for :meth:`predict`.
            label_texts: As for :meth:`predict`.

        Returns:
            ``[N, C]``, float32, rows that sum to 1.

        Raises:
            InputError: As for :meth:`predict`.
        """
        report, close = self._reporting()
        try:
            target = prepare(data, self._texts(report), self.config.hops, classes=label_texts)
            scores = self._scores(target)
            if not self.refine:
                return torch.softmax(scores, dim=1)
            found = self._refined(scores.double().numpy(), target.hops[0].numpy(), target.edge_index, report)
        finally:
            close()
        return torch.from_numpy(found.astype(np.float32))

    def hop_shares(self, data: Any, label_texts: Labels | Tensor) -> Tensor:
        """The share of each hop for each node, which sums to 1.

        Args:
            data: As for :meth:`predict`.
            label_texts: As for :meth:`predict`; whether neighbours agree depends on what is asked.

        Returns:
            ``[N, hops + 1]``; the first column is the node's own text.

        Raises:
            InputError: As for :meth:`predict`.
        """
        report, close = self._reporting()
        try:
            target = prepare(data, self._texts(report), self.config.hops, classes=label_texts)
        finally:
            close()
        with torch.no_grad():
            return self._fitted(target.hops.size(2)).shares(target.gate, target.trust)

    def _refined(
        self,
        scores: npt.NDArray[Any],
        features: npt.NDArray[Any] | None,
        edges: npt.NDArray[Any],
        report: Progress | None = None,
    ) -> npt.NDArray[np.float64]:
        return refine_scores(scores, features, edges, **self.refinement, progress=report)

    def _texts(self, report: Progress | None) -> Texts:
        texts = self.texts
        return Texts(texts.encoder, texts.encoder_key, texts.cache, texts.lead, texts.centre, report)

    def _prepare(self, data: Any, *, labels: bool) -> Prepared:
        return prepare(data, self._texts(self.progress), self.config.hops, labelled=labels)

    def _reporting(self) -> tuple[Progress | None, Any]:
        return terminal_progress() if self.progress is None else (self.progress, lambda: None)

    def _fitted(self, dim: int) -> H4GNetwork:
        if self.network is None:
            raise InputError("the model is not fitted; call fit with text graphs, with labels or without, before")
        if self.network.dim != dim:
            raise InputError(f"the vectors have {dim} numbers, and the model was fitted to {self.network.dim}")
        return self.network

    def _scores(self, target: Prepared) -> Tensor:
        network = self._fitted(target.hops.size(2))
        assert target.label_x is not None
        with torch.no_grad():
            v = network.labels(target.label_x)
            parts = [
                network.scores(network.nodes(target.hops[:, rows], target.gate[rows], target.trust), v)
                for rows in (slice(start, start + _CHUNK) for start in range(0, target.num_nodes, _CHUNK))
            ]
        return torch.cat(parts)
