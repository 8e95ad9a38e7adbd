"""An encoder and a predictor as one module, made from settings, saved as a folder."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from graphx._checks import positive_integers
from graphx._files import atomic_directory
from graphx.errors import StoreError
from graphx.nn.linkpred._messages import messages_of
from graphx.nn.linkpred._parts import evaluating
from graphx.nn.linkpred.adjacency import as_adjacency
from graphx.nn.linkpred.config import LinkConfig
from graphx.nn.linkpred.encoder import LinkEncoder
from graphx.nn.linkpred.ncn import LinkPredictor

__all__ = ["LinkModel"]

_FORMAT = "graphx-link-model-1"


class LinkModel(nn.Module):
    """A :class:`LinkEncoder` and a :class:`LinkPredictor` from one :class:`LinkConfig`.

    Args:
        config: The settings.
        num_features: F; None for learned embeddings of nodes.
        num_nodes: N, for learned embeddings.

    Raises:
        InputError: As the two.

    Example:
        >>> import torch
        >>> diamond = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 2, 3, 3], [1, 2, 0, 2, 3, 0, 1, 3, 1, 2]])
        >>> model = LinkModel(LinkConfig(hidden_channels=16), num_nodes=4)
        >>> model(None, diamond, torch.tensor([[0, 1], [3, 2]])).shape
        torch.Size([2])
    """

    def __init__(self, config: LinkConfig, num_features: int | None = None, num_nodes: int | None = None) -> None:
        super().__init__()
        self.config, self.num_features = config, num_features
        self.about: dict[str, Any] = {}
        self.num_nodes = None if num_features is not None else num_nodes
        self.encoder = LinkEncoder(
            num_features,
            config.hidden_channels,
            config.num_layers,
            conv=config.conv,
            num_nodes=self.num_nodes,
            dropout=config.dropout,
            input_dropout=config.input_dropout,
            edge_dropout=config.edge_dropout,
            tail_dropout=config.tail_dropout,
            layer_norm=config.layer_norm,
            residual=config.residual,
            jumping_knowledge=config.jumping_knowledge,
        )
        width = config.hidden_channels
        if num_features is not None and self.encoder.num_layers == 0 and self.encoder.first is None:
            width = num_features
        completes = config.structure in ("ncnc", "gae_cnc")
        self.predictor = LinkPredictor(
            width,
            config.hidden_channels,
            structure=config.structure,
            transform_nodes=config.transform_nodes,
            tail_activation=config.tail_activation,
            two_layer_head=config.two_layer_head,
            layer_norm=config.predictor_layer_norm,
            dropout=config.predictor_dropout,
            exclude_targets=config.exclude_targets,
            depth=config.depth if completes else 1,
            alpha=config.alpha,
            pt=config.pt,
            scale=config.scale,
            offset=config.offset,
            learnable_pt=config.learnable_pt and completes,
            reference_compat=config.reference_compat and completes,
            completion_dropout=config.completion_dropout and completes,
            completion_samples=config.completion_samples if completes else None,
            eval_completion_samples=config.eval_completion_samples if completes else None,
        )

    @property
    def num_parameters(self) -> int:
        """How many numbers are learned."""
        return sum(p.numel() for p in self.parameters())

    def forward(
        self,
        x: Tensor | None,
        edge_index: Any,
        edge_label_index: Tensor,
        *,
        messages: Any = None,
        nodes: Tensor | None = None,
    ) -> Tensor:
        """Score pairs.

        Args:
            x: Features ``[N, F]``, or None for learned embeddings.
            edge_index: The graph in any form that :func:`as_adjacency` takes.
            edge_label_index: Pairs, int64 ``[2, B]``.
            messages: The graph that the encoder reads, where it is another.
            nodes: Of a subgraph, which nodes of the whole graph it has, for learned embeddings: int64 ``[n]``.

        Returns:
            Logits ``[B]``.
        """
        h = self.encoder(x, edge_index if messages is None else messages, nodes=nodes)
        logits: Tensor = self.predictor(h, edge_index, edge_label_index)
        return logits

    @torch.no_grad()
    def predict(self, x: Tensor | None, edge_index: Any, edge_label_index: Tensor, *, batch_size: int = 0) -> Tensor:
        """Score any number of pairs in evaluation mode.

        Args:
            x: Features ``[N, F]``, or None.
            edge_index: As in :meth:`forward`.
            edge_label_index: int64 ``[2, B]``.
            batch_size: Pairs scored together; 0 for that of the settings.

        Returns:
            Logits ``[B]``.
        """
        adjacency = self._adjacency(x, edge_index)
        with evaluating(self):
            h = self.encoder(x, messages_of(adjacency))
        size = batch_size or self.config.eval_batch_size
        return self.predictor.predict(h, adjacency, edge_label_index, batch_size=size)

    @torch.no_grad()
    def topk(self, x: Tensor | None, edge_index: Any, nodes: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Find the nodes that each of `nodes` is not linked with and most probably should be.

        Args:
            x: Features ``[N, F]``, or None.
            edge_index: As in :meth:`forward`.
            nodes: int64 ``[Q]``.
            k: How many for each; fewer come where there are no more.

        Returns:
            Pairs ``[2, R]`` and their logits ``[R]``, in the order of `nodes`, best first.

        Raises:
            InputError: A node is not there, or k is not positive.
        """
        positive_integers(k=k)
        adjacency = self._adjacency(x, edge_index)
        with evaluating(self):
            h = self.encoder(x, messages_of(adjacency))
        pairs, logits = [], []
        for node in nodes.tolist():
            others, scores = self.predictor.topk(h, adjacency, node, k, batch_size=self.config.eval_batch_size)
            pairs.append(torch.stack((torch.full_like(others, node), others)))
            logits.append(scores)
        if not pairs:
            return torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0)
        return torch.cat(pairs, dim=1), torch.cat(logits)

    def _adjacency(self, x: Tensor | None, edge_index: Any) -> Any:
        is_edges = isinstance(edge_index, Tensor) and edge_index.layout == torch.strided
        size = self.num_nodes if x is None else x.size(0)
        return as_adjacency(edge_index, num_nodes=size if is_edges else None)

    def save(
        self, path: str | os.PathLike[str], *, overwrite: bool = False, about: dict[str, Any] | None = None
    ) -> Path:
        """Save settings and weights as a folder, which appears whole or not at all.

        Args:
            path: The folder to make.
            overwrite: Replace a folder that is there.
            about: What else to keep in ``model.json``.

        Returns:
            The path.

        Raises:
            InputError: The folder exists and may not be replaced.

        Example:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = LinkModel(LinkConfig(hidden_channels=4), num_nodes=3).save(f"{folder}/model")
            ...     LinkModel.load(path).num_nodes
            3
        """
        told = {"format": _FORMAT, "num_features": self.num_features, "num_nodes": self.num_nodes}
        with atomic_directory(path, overwrite=overwrite) as folder:
            torch.save(self.state_dict(), folder / "weights.pt")
            text = json.dumps({**told, "config": self.config.as_dict(), "about": about or {}}, indent=1)
            (folder / "model.json").write_text(text + "\n", encoding="utf-8")
        return Path(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> LinkModel:
        """A model that :meth:`save` wrote, in evaluation mode; what was kept with it is in ``.about``.

        Args:
            path: The folder.

        Returns:
            The model.

        Raises:
            StoreError: The folder holds no whole model.
        """
        folder = Path(path)
        try:
            told = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            if not isinstance(told, dict) or told.get("format") != _FORMAT:
                raise StoreError(f"{folder / 'model.json'}: no model of LinkModel.save; give another folder")  # noqa: TRY301
            model = cls(LinkConfig.from_dict(told["config"]), told["num_features"], told["num_nodes"])
            model.load_state_dict(torch.load(folder / "weights.pt", weights_only=True, map_location="cpu"))
        except StoreError:
            raise
        except (OSError, ValueError, TypeError, KeyError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise StoreError(f"{folder} holds no whole model of LinkModel.save ({error}); train it again") from error
        model.about = told.get("about", {})
        return model.eval()
