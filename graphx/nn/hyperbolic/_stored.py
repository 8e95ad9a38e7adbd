"""A fitted H4G on disk: a folder of plain arrays and JSON, from which nothing can run."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from graphx._files import atomic_directory
from graphx.data.text import Encoder
from graphx.errors import InputError, StoreError
from graphx.nn.hyperbolic._network import Config, H4GNetwork
from graphx.nn.hyperbolic._textgraph import Texts
from graphx.nn.hyperbolic._training import read_arrays, write_arrays

__all__ = ["Stored"]

_FORMAT: Final = "graphx-h4g-1"


class Stored:
    """Saving and loading of H4G (a base class only to keep h4g.py short).

    Attributes:
        network: The fitted network; None before :meth:`graphx.nn.H4G.fit`.
        config: What it is made of.
        texts: How texts become vectors.
        refine: Whether all nodes are read together.
        refinement: The numbers of :func:`~graphx.nn.hyperbolic.refine_scores`, by name.
    """

    network: H4GNetwork | None
    config: Config
    texts: Texts
    refine: bool
    refinement: dict[str, Any]

    if TYPE_CHECKING:

        def __init__(self, encoder: str | Encoder | None = None, **arguments: Any) -> None: ...

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Save the fitted model as a folder of numbers and JSON; the encoder is not in it.

        Args:
            path: The folder to make; it appears whole or not at all.
            overwrite: Replace a model that is there.

        Returns:
            The path.

        Raises:
            InputError: The model is not fitted, or the folder exists and may not be replaced.
        """
        if self.network is None:
            raise InputError("the model is not fitted; call fit before save")
        told = {
            "format": _FORMAT,
            "dim": self.network.dim,
            "config": self.config.as_dict(),
            "texts": {"lead": self.texts.lead, "centre": self.texts.centre},
            "refine": self.refine,
            "refinement": self.refinement,
            "encoder": self.texts.encoder if isinstance(self.texts.encoder, str) else None,
        }
        with atomic_directory(path, overwrite=overwrite) as folder:
            write_arrays(folder / "network.npz", dict(self.network.state_dict()))
            (folder / "model.json").write_text(json.dumps(told, indent=2))
        return Path(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], encoder: str | Encoder | None = None) -> Self:
        """Load a model that :meth:`save` wrote.

        Args:
            path: The folder.
            encoder: The encoder that the model was fitted with, when it was a callable; None takes the name that is in
                the folder, if any.

        Returns:
            The model, ready to predict.

        Raises:
            StoreError: There is no such model, or it is damaged.
        """
        folder = Path(path)
        try:
            told = json.loads((folder / "model.json").read_text())
            found = told.get("format") if isinstance(told, dict) else told
            if found != _FORMAT:
                raise StoreError(f"{folder} holds {found!r}; expected a model of H4G.save")
            made = cls(
                encoder if encoder is not None else told["encoder"],
                refine=told["refine"],
                **told["config"],
                **told["texts"],
                **told["refinement"],
            )
            made.network = H4GNetwork(told["dim"], made.config)
            made.network.load_state_dict(read_arrays(folder / "network.npz"))
        except (OSError, EOFError, zipfile.BadZipFile, KeyError, TypeError, RuntimeError, ValueError) as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"{folder} holds no whole model of H4G.save ({error})") from error
        made.network.eval()
        return made
