"""All settings of a link prediction experiment in one place, as a file of JSON holds them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_args

from graphx.errors import FormatError, InputError
from graphx.nn.linkpred._parts import Structure
from graphx.nn.linkpred.encoder import Conv

__all__ = ["LinkConfig"]

_SHARES = (
    "dropout",
    "input_dropout",
    "edge_dropout",
    "tail_dropout",
    "predictor_dropout",
    "predictor_edge_dropout",
    "weight_average",
)
_COUNTS = ("hidden_channels", "depth", "batch_size", "eval_batch_size", "epochs", "eval_every")


MODELS: dict[str, dict[str, Any]] = {
    "gae": {"structure": "gae"},
    "gae-cn": {"structure": "gae_cn"},
    "gae-cat-cn": {"structure": "gae_cat_cn"},
    "gae-cnc": {"structure": "gae_cnc"},
    "ncn": {"structure": "ncn"},
    "ncnc": {"structure": "ncnc"},
    "ncnc2": {"structure": "ncnc", "depth": 2},
    "ncn2": {"structure": "ncn2"},
    "ncn-diff": {"structure": "ncn_diff"},
    "cn2": {"structure": "cn2"},
}
"""The settings that the name of a model stands for, in the command and the scripts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConfig:
    """What is trained, how, and how it is judged; the defaults are a plain NCN on a graph convolution.

    Args:
        structure: What the predictor looks at around a pair, see :class:`LinkPredictor`.
        hidden_channels: H, of encoder and predictor.
        conv: The convolution, see :class:`LinkEncoder`.
        num_layers: Convolutions.
        dropout: Of the encoder's layers (``--gnndp``).
        input_dropout: Of the features (``--xdp``).
        edge_dropout: Of the edges in each convolution (``--gnnedp``).
        tail_dropout: After the last weightless convolution (``--tdp``).
        layer_norm: In the encoder (``--ln``).
        residual: In the encoder (``--res``).
        jumping_knowledge: In the encoder (``--jk``).
        predictor_dropout: Of the predictor's MLPs (``--predp``).
        predictor_edge_dropout: Share of the edges that the predictor does not see in a batch (``--preedp``).
        predictor_layer_norm: In the predictor's MLPs (``--lnnn``).
        transform_nodes: ``--use_xlin``.
        tail_activation: ``--tailact``.
        two_layer_head: ``--twolayerlin``.
        depth: Levels of completion, for ``ncnc`` and ``gae_cnc``.
        alpha: The factor of the completion's probability.
        pt: Its prior (``--pt``).
        scale: Of its logits (``--probscale``).
        offset: Of its logits (``--proboffset``).
        learnable_pt: Learn the prior.
        reference_compat: Give the inner predictor the transformed nodes, as the authors' code does.
        completion_dropout: Score the candidates of a completion with dropout while training, as the authors' code does.
        completion_samples: Draws of neighbours that a completion takes in training; None for all (``--trndeg``).
        eval_completion_samples: The same in evaluation (``--tstdeg``).
        encoder_lr: The learning rate of the encoder; 0 keeps it as it is (``--gnnlr``).
        predictor_lr: The learning rate of the predictor (``--prelr``).
        batch_size: Positive training pairs in a step; the last incomplete batch of an epoch is left out.
        epochs: Passes over the training pairs.
        patience: Stop after so many evaluations without a better one; None never.
        negatives: ``'uniform'`` draws pairs without an edge from all; ``'source'`` keeps the first end of each
            positive pair and draws the other, as ogbl-citation2 and HeaRT rank.
        weight_average: Evaluate and keep an exponential moving average of the weights over the steps, of which each
            step keeps this share; 0 takes the weights themselves. Ours: no paper's setting has it.
        clip_norm: The largest norm of the gradient; None for no bound.
        exclude_targets: Leave the positive pairs of a batch out of the graph that encoder and predictor see
            (``--maskinput``).
        subgraphs: Train each batch on the part of the graph that its logits depend on, which takes less memory where
            that is a small part; the numbers are the same but for dropout's draws. Evaluation reads the whole graph.
        metric: What validation goes by: ``hits@K``, ``mrr`` or ``auc``.
        eval_batch_size: Pairs scored together in evaluation (``--testbs``).
        eval_every: Epochs between evaluations.

    Raises:
        InputError: A value out of range.

    Example:
        >>> LinkConfig(structure="ncnc", metric="hits@20").k
        20
    """

    structure: Structure = "ncn"
    hidden_channels: int = 256
    conv: Conv = "gcn"
    num_layers: int = 1
    dropout: float = 0.0
    input_dropout: float = 0.0
    edge_dropout: float = 0.0
    tail_dropout: float = 0.0
    layer_norm: bool = False
    residual: bool = False
    jumping_knowledge: bool = False
    predictor_dropout: float = 0.0
    predictor_edge_dropout: float = 0.0
    predictor_layer_norm: bool = True
    transform_nodes: bool = False
    tail_activation: bool = False
    two_layer_head: bool = False
    depth: int = 1
    alpha: float = 1.0
    pt: float = 0.5
    scale: float = 5.0
    offset: float = 3.0
    learnable_pt: bool = False
    reference_compat: bool = False
    completion_dropout: bool = False
    completion_samples: int | None = None
    eval_completion_samples: int | None = None
    encoder_lr: float = 0.001
    predictor_lr: float = 0.001
    batch_size: int = 1024
    epochs: int = 100
    patience: int | None = None
    negatives: str = "uniform"
    weight_average: float = 0.0
    clip_norm: float | None = None
    exclude_targets: bool = True
    subgraphs: bool = False
    metric: str = "hits@100"
    eval_batch_size: int = 65_536
    eval_every: int = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), str(field.type))
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)!r}; expected a positive integer")
        for name in _SHARES:
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)!r}; expected at least 0 and below 1")
        for name, known in (
            ("structure", get_args(Structure)),
            ("conv", get_args(Conv)),
            ("negatives", ("uniform", "source")),
        ):
            if getattr(self, name) not in known:
                raise InputError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(known)}")
        if not re.fullmatch(r"hits@[1-9]\d*|mrr|auc", self.metric):
            raise InputError(f"metric is {self.metric!r}; expected hits@K such as hits@100, mrr or auc")
        if self.encoder_lr < 0 or self.predictor_lr < 0:
            raise InputError(f"learning rates are {self.encoder_lr}, {self.predictor_lr}; expected at least 0")
        for name in ("patience", "completion_samples", "eval_completion_samples"):
            if (number := getattr(self, name)) is not None and number < 1:
                raise InputError(f"{name} is {number}; expected a positive integer, or None")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise InputError(f"clip_norm is {self.clip_norm}; expected a positive number, or None")

    @property
    def k(self) -> int | None:
        """K of ``hits@K``; None for other metrics."""
        name, _, number = self.metric.partition("@")
        return int(number) if name == "hits" else None

    def replace(self, **changes: Any) -> LinkConfig:
        """A copy with other values.

        Args:
            changes: Fields and their values.

        Returns:
            The copy.

        Raises:
            InputError: There is no such field, or its value is out of range.

        Example:
            >>> LinkConfig().replace(epochs=5).epochs
            5
        """
        _check_names(changes, "LinkConfig")
        return replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """The fields and their values, as :meth:`from_dict` reads them.

        Returns:
            A dictionary that JSON can hold.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, source: str = "the settings") -> LinkConfig:
        """Settings from a dictionary; what is not there keeps its default.

        Args:
            values: Fields and their values.
            source: What messages call them.

        Returns:
            The settings.

        Raises:
            InputError: There is no such field, or its value is out of range.

        Example:
            >>> LinkConfig.from_dict({"structure": "gae", "metric": "mrr"}).structure
            'gae'
        """
        _check_names(values, source)
        return cls(**values)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> LinkConfig:
        """Settings from a file of JSON; its key ``"about"`` is a comment.

        Args:
            path: The file.

        Returns:
            The settings.

        Raises:
            FormatError: It is no JSON object.
            InputError: There is no such field, or its value is out of range.
        """
        try:
            with open(path, encoding="utf-8") as file:
                values = json.load(file)
        except ValueError as error:
            raise FormatError(f"{os.fspath(path)}: no JSON ({error})") from error
        if not isinstance(values, dict):
            raise FormatError(f"{os.fspath(path)}: holds a {type(values).__name__}; expected an object of settings")
        return cls.from_dict({k: v for k, v in values.items() if k != "about"}, source=os.fspath(path))


def _check_names(values: Mapping[str, Any], source: str) -> None:
    known = [field.name for field in fields(LinkConfig)]
    for name in values:
        if name not in known:
            raise InputError(f"{source}: there is no setting {name!r}; expected some of: {', '.join(known)}")


def _check_type(name: str, value: Any, kind: str) -> None:
    if value is None and "None" in kind:
        return
    if "bool" in kind:
        fits = isinstance(value, bool)
    elif "int" in kind:
        fits = isinstance(value, int) and not isinstance(value, bool)
    elif "float" in kind:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
    else:
        fits = isinstance(value, str)
    if not fits:
        raise InputError(f"{name} is {value!r}; expected {kind}")
