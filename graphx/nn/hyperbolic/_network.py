"""The learned parts of H4G: a weight for each hop and node, the scaling of radii, and the readout."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, cast

import torch
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.hyperbolic._textgraph import GATE_FEATURES
from graphx.nn.hyperbolic.readout import READOUTS, cosine_scores, distance_scores
from graphx.nn.hyperbolic.scaling import BlockDiagonalMobiusScaling, Constraint

__all__ = ["Config", "H4GNetwork", "HopGate"]

Scaling = Literal["mobius", "euclidean", "scalar", "none"]
Side = Literal["graph", "text", "both"]
_SCALINGS: Final = ("mobius", "euclidean", "scalar", "none")
_SIDES: Final = ("graph", "text", "both")
_WIDTH: Final = 16  # of the gate


@dataclass(frozen=True, slots=True)
class Config:
    """What the network is made of; checked when it is made.

    Attributes:
        scaling: ``'mobius'``, ``'euclidean'``, ``'scalar'`` or ``'none'``.
        side: What is scaled: ``'graph'``, ``'text'`` or ``'both'``.
        readout: ``'distance'`` or ``'cosine'``.
        hops: Largest number of steps to neighbours, 0 or more.
        block_size: Size of a block of the scaling; it divides the width of the vectors.
        c: The ball has curvature -c.
        constraint: As in :class:`~graphx.nn.hyperbolic.BlockDiagonalMobiusScaling`.
        scalar: The factor of ``scaling='scalar'``.
    """

    scaling: Scaling
    side: Side
    readout: Literal["distance", "cosine"]
    hops: int
    block_size: int
    c: float
    constraint: Constraint
    scalar: float

    def __post_init__(self) -> None:
        for name, known in (("scaling", _SCALINGS), ("side", _SIDES), ("readout", READOUTS)):
            if getattr(self, name) not in known:
                raise InputError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(map(repr, known))}")
        if isinstance(self.hops, bool) or not isinstance(self.hops, int) or self.hops < 0:
            raise InputError(f"hops is {self.hops!r}; expected 0 or a positive integer")
        if not self.c > 0:
            raise InputError(f"c is {self.c:g}; expected a positive number: the ball has curvature -c")
        if not self.scalar > 0:
            raise InputError(f"scalar is {self.scalar:g}; expected a positive number")

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class HopGate(torch.nn.Module):
    """A share for each hop, for each node, from facts that no label enters. It starts at the node's own text."""

    def __init__(self, hops: int) -> None:
        super().__init__()
        self.hidden = torch.nn.Linear(GATE_FEATURES, _WIDTH)
        self.out = torch.nn.Linear(_WIDTH, hops + 1)
        with torch.no_grad():
            self.out.weight.zero_()
            self.out.bias.copy_(torch.tensor([1.0, *[0.0] * hops]))

    def forward(self, gate: Tensor, trust: float) -> Tensor:
        shares = torch.softmax(self.out(torch.tanh(self.hidden(gate))), dim=-1)
        own = torch.zeros_like(shares)
        own[:, 0] = 1
        shares = trust * shares + (1 - trust) * own
        return torch.where(gate[:, 1:2] > 0, shares, own)  # a node without neighbours has only its text


class H4GNetwork(torch.nn.Module):
    """From hop features to tangent vectors, and from two tangent vectors to a score.

    Args:
        dim: D, the length of a text's vector.
        config: What the network is made of.
    """

    def __init__(self, dim: int, config: Config) -> None:
        super().__init__()
        self.config, self.dim = config, dim
        self.gate = HopGate(config.hops) if config.hops else None
        self.node_log_norm = torch.nn.Parameter(torch.zeros(()))
        self.label_log_norm = torch.nn.Parameter(torch.zeros(()))
        self.log_gamma = torch.nn.Parameter(torch.tensor(2.3))
        graph, text = config.side != "text", config.side != "graph"
        self.graph_scaling = self._scaling() if graph else None
        self.text_scaling = self._scaling() if text else None

    def _scaling(self) -> torch.nn.Module | None:
        config = self.config
        if config.scaling == "mobius":
            return BlockDiagonalMobiusScaling(self.dim, config.block_size, config.c, config.constraint)
        if config.scaling == "euclidean":
            return _EuclideanBlocks(self.dim, config.block_size)
        return _Scalar(config.scalar) if config.scaling == "scalar" else None

    def shares(self, gate: Tensor, trust: float) -> Tensor:
        """The share of each hop for each node ``[N, K + 1]``."""
        if self.gate is None:
            return gate.new_ones(gate.size(0), 1)
        return cast("Tensor", self.gate(gate, trust))

    def nodes(self, hops: Tensor, gate: Tensor, trust: float) -> Tensor:
        """Tangent vectors of nodes ``[N, F]`` from ``[K + 1, N, F]``, their gate features and the trust of a graph."""
        mixed = torch.einsum("nk,knf->nf", self.shares(gate, trust), hops[: self.config.hops + 1])
        return _scaled(self.graph_scaling, self._unit(mixed) * self.node_log_norm.exp())

    def labels(self, x: Tensor) -> Tensor:
        """Tangent vectors of texts ``[C, F]``."""
        return _scaled(self.text_scaling, self._unit(x) * self.label_log_norm.exp())

    def scores(self, u: Tensor, v: Tensor) -> Tensor:
        """Scores ``[N, C]`` on the scale of logits."""
        if self.config.readout == "cosine":
            return self.log_gamma.exp() * cosine_scores(u, v)
        return self.log_gamma.exp() * distance_scores(u, v, self.config.c)

    @staticmethod
    def _unit(x: Tensor) -> Tensor:
        return torch.nn.functional.normalize(x, dim=-1)


class _EuclideanBlocks(torch.nn.Module):
    """An ordinary block-diagonal linear map, with the parameters of the Mobius one."""

    def __init__(self, dim: int, block_size: int) -> None:
        super().__init__()
        if dim % block_size:
            raise InputError(f"block_size {block_size} does not divide the width {dim} of the features")
        self.blocks = torch.nn.Parameter(torch.eye(block_size).repeat(dim // block_size, 1, 1))

    def forward(self, u: Tensor) -> Tensor:
        blocks, size, _ = self.blocks.shape
        return torch.einsum("nkb,kab->nka", u.view(-1, blocks, size), self.blocks).reshape(u.shape)


class _Scalar(torch.nn.Module):
    """One fixed factor for every radius."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, u: Tensor) -> Tensor:
        return self.factor * u


def _scaled(scaling: torch.nn.Module | None, u: Tensor) -> Tensor:
    return u if scaling is None else cast("Tensor", scaling(u))
