"""OGB data sets with today's torch: read offline, never a prompt, official splits and evaluators behind one class.

Two things stop OGB 1.3.6: torch >= 2.6 loads no pickled arrays unless they are allowed by name, and its constructors
and downloads ask questions on standard input. Here the few harmless types are allowed while OGB reads
(:func:`torch.serialization.safe_globals`), and everything that would lead to a question is settled before.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from graphx.data._ogb_files import KINDS, files_needed, first_line, is_ogb, official, ogb_edges, ogb_names
from graphx.data._roots import Found, cache_folder, fill, locate, stage, verified
from graphx.errors import FormatError, InputError, MissingDependencyError

if TYPE_CHECKING:
    import torch

__all__ = ["OGBDataset", "is_ogb", "load_ogb", "ogb_edges", "ogb_names"]

_LOCAL: Final = re.compile(r"(?:^|_)(ogb[nlg])_(.+)$")


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Lets torch.load read arrays and PyG's stores inside the block, and keeps OGB's talk off standard output."""
    import torch
    from torch_geometric.data import Data  # type: ignore[import-untyped]
    from torch_geometric.data.data import DataEdgeAttr, DataTensorAttr  # type: ignore[import-untyped]
    from torch_geometric.data.storage import EdgeStorage, GlobalStorage, NodeStorage  # type: ignore[import-untyped]

    multiarray: Any = importlib.import_module(
        "numpy.core.multiarray" if np.__version__.startswith("1.") else "numpy._core.multiarray"
    )
    allowed: list[Any] = [np.ndarray, np.dtype, Data, DataEdgeAttr, DataTensorAttr]
    allowed += [GlobalStorage, NodeStorage, EdgeStorage]
    allowed += [type(np.dtype(kind)) for kind in ("i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "f8", "f4", "?")]
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):  # numpy 1 and 2 name them differently
        allowed += [(getattr(multiarray, part), f"{module}.{part}") for part in ("_reconstruct", "scalar")]
    safe: Callable[[list[Any]], Any] | None = getattr(torch.serialization, "safe_globals", None)
    with contextlib.ExitStack() as stack:
        if safe is not None:
            # On leaving, torch forgets what the block allowed, even where it, or PyG's import, had been allowed before.
            known = set(torch.serialization.get_safe_globals())
            stack.enter_context(safe([entry for entry in allowed if entry not in known]))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        yield


@dataclass(frozen=True)
class OGBDataset:
    """An OGB data set: its graph, its official split, its official metric.

    Attributes:
        name: Such as ``ogbl-ddi``.
        kind: ``'node'``, ``'link'`` or ``'graph'``.
        metric: OGB's name of the metric, such as ``hits@20``, ``mrr``, ``rocauc``, ``acc``.
        dataset: The data set of OGB's own class.
        split: What OGB gives: for links ``{'train': {'edge': [P, 2], ...}, 'valid': ..., 'test': ...}`` (or
            ``source_node``, ``target_node``, ``target_node_neg``), else ``{'train': [P], ...}``.
        meta: What OGB's table, or ``meta_dict.pt``, says about it.

    Example:
        >>> OGBDataset("ogbl-mine", "link", "hits@1", None, {}).evaluate([0.9, 0.2], [0.5])
        {'hits@1': 0.5}
    """

    name: str
    kind: str
    metric: str
    dataset: Any = field(repr=False)
    split: dict[str, Any] = field(repr=False)
    meta: dict[str, Any] = field(repr=False, default_factory=dict)

    @property
    def data(self) -> Any:
        """The graph as PyG ``Data`` (for node prediction with train, val and test masks); for graphs the data set."""
        if self.kind == "graph":
            return self.dataset
        import torch

        data = self.dataset[0]
        if self.kind == "node" and isinstance(self.split.get("train"), torch.Tensor):
            for part, name in (("train", "train_mask"), ("valid", "val_mask"), ("test", "test_mask")):
                mask = torch.zeros(data.num_nodes, dtype=torch.bool)
                mask[self.split[part]] = True
                data[name] = mask
        return data

    def pairs(self, part: str) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The positive and negative pairs of a part of a link split, in one form for both styles of OGB.

        Args:
            part: ``'train'``, ``'valid'`` or ``'test'``.

        Returns:
            Positives int64 ``[P, 2]``, and negatives ``[Q, 2]`` shared by all positives (``edge_neg``) or
            ``[P, K, 2]``, K for each (``target_node_neg``); None where there are none.

        Raises:
            InputError: The data set is not one of links, or has no such part.
        """
        import torch

        if self.kind != "link":
            raise InputError(f"{self.name} is a {self.kind} prediction data set; only links (ogbl-...) have pairs")
        if part not in self.split:
            raise InputError(f"part is {part!r}; expected one of: {', '.join(self.split)}")
        held = self.split[part]
        if "edge" in held:
            return held["edge"], held.get("edge_neg")
        if "source_node" in held:
            source, target = held["source_node"], held["target_node"]
            positive = torch.stack([source, target], dim=1)
            if "target_node_neg" not in held:
                return positive, None
            wrong = held["target_node_neg"]
            return positive, torch.stack([source[:, None].expand_as(wrong), wrong], dim=2)
        raise InputError(f"{self.name} has no pairs but {', '.join(held)}; see .split for knowledge graphs")

    def evaluate(self, first: Any, second: Any) -> dict[str, float]:
        """The official metric, by OGB's own evaluator.

        Args:
            first: Links: scores of the positives ``[P]``. Otherwise the true labels ``[P, tasks]``.
            second: Links: scores of the negatives, ``[Q]`` or ``[P, K]``, as :meth:`pairs` has them. Otherwise the
                predictions ``[P, tasks]``.

        Returns:
            The metric by its name; one number each, for MRR the mean over the positives.

        Raises:
            InputError: The shapes do not fit the metric.
        """
        import torch

        first, second = torch.as_tensor(first), torch.as_tensor(second)
        names = ("y_pred_pos", "y_pred_neg") if self.kind == "link" else ("y_true", "y_pred")
        expected = 2 if self.kind != "link" or "mrr" in self.metric else 1
        if second.dim() != expected or (expected == 2 and first.shape[0] != second.shape[0]):
            raise InputError(
                f"{names[0]} {[*first.shape]} and {names[1]} {[*second.shape]}; {self.metric} expects "
                + ("[P] and [Q]" if expected == 1 else "[P] and [P, K]" if self.kind == "link" else "[P, tasks] twice")
            )
        try:
            result = self._evaluator().eval({names[0]: first, names[1]: second})
        except (RuntimeError, ValueError) as error:
            raise InputError(f"{self.name}: {error}") from error
        return {
            name.removesuffix("_list"): float(torch.as_tensor(value).double().mean()) for name, value in result.items()
        }

    def _evaluator(self) -> Any:
        base = importlib.import_module(f"ogb.{self.kind}proppred").Evaluator
        made = base.__new__(base)  # its constructor knows official names only
        made.name, made.eval_metric, made.num_tasks = self.name, self.metric, int(self.meta.get("num tasks", 1))
        if self.metric.startswith("hits@"):
            made.K = int(self.metric.partition("@")[2])
        return made


def load_ogb(name_or_folder: str | os.PathLike[str], root: str | os.PathLike[str] | None = None) -> OGBDataset:
    """Load an OGB data set by its name, or one that ``ogb.io.DatasetSaver`` wrote by its folder.

    Raw files that are there are read where they are; what OGB makes of them goes to the cache, so the folder may be
    read-only. What is missing is downloaded by OGB's own functions, without asking.

    Args:
        name_or_folder: Such as ``'ogbl-ddi'``, or the folder that holds ``meta_dict.pt``.
        root: The folder that holds ``ogbl_ddi`` or ``ogb/ogbl_ddi``; None for ``GRAPHX_DATA`` and the cache.

    Returns:
        The data set.

    Raises:
        InputError: There is no such data set, or files are missing and cannot be downloaded.
        FormatError: A file is damaged.
        MissingDependencyError: The package ogb is not installed.

    Example:
        >>> load_ogb("ogbl-nonsense")
        Traceback (most recent call last):
            ...
        graphx.errors.InputError: 'ogbl-nonsense': no OGB data set of that name; ...
    """
    if is_ogb(name_or_folder):
        return _local(Path(name_or_folder))
    found, meta, base = official(name_or_folder, root)
    if base is None:
        return _local(found.root)
    name = base.removeprefix("ogb/").replace("_", "-")
    return _open(name, KINDS[name[:4]], meta, found, base)


def _local(folder: Path) -> OGBDataset:
    import torch

    try:
        with _reading():
            meta = torch.load(folder / "meta_dict.pt", weights_only=True)
    except Exception as error:  # whatever a damaged pickle makes torch raise
        raise FormatError(f"{folder / 'meta_dict.pt'}: cannot be read ({first_line(error)})") from error
    match = _LOCAL.search(folder.resolve().name)
    kind = next((part for part in KINDS.values() if f"/{part}proppred/" in str(meta.get("url"))), None)
    if kind is None:
        raise FormatError(
            f"{folder / 'meta_dict.pt'}: its url names no task of OGB; expected .../linkproppred/... or so"
        )
    prefix = next(key for key, value in KINDS.items() if value == kind)
    suffix = str(meta["download_name"])
    name = f"{prefix}-{(match[2] if match else suffix).replace('_', '-')}"
    meta = {key: value if isinstance(value, int) else str(value) for key, value in meta.items()}
    required, globs = files_needed(suffix, meta, kind)
    found = locate(required, globs, [folder])
    if isinstance(found, list):
        raise InputError(f"{folder}: {', '.join(found)} missing; expected what ogb.io.DatasetSaver writes")
    return _open(name, kind, meta, found, suffix)


def _open(name: str, kind: str, meta: dict[str, Any], found: Found, base: str) -> OGBDataset:
    import torch_geometric  # type: ignore[import-untyped]

    try:
        made = getattr(importlib.import_module(f"ogb.{kind}proppred"), f"Pyg{kind.capitalize()}PropPredDataset")
    except ImportError as error:
        raise MissingDependencyError(
            f"{name} needs the package ogb ({error}); install it with: pip install graphx-pyg[ogb]"
        ) from error
    digest = verified(found)
    target = cache_folder() / "processed" / f"{name}-pyg{torch_geometric.__version__}-{digest[:16]}"

    def dataset(folder: Path) -> Any:
        try:
            with _reading():
                return made(name, root=str(folder), meta_dict={**meta, "dir_path": str(folder / base)})
        except Exception as error:  # whatever damaged files make pandas, numpy or torch raise
            raise FormatError(f"{found.root}: OGB cannot read {name} ({first_line(error)})") from error

    def make(folder: Path) -> None:
        stage(found, folder)
        dataset(folder)

    for attempt in (0, 1):
        fill(target, make)
        if attempt or all((target / place).exists() for place in found.files):
            break
        import shutil

        shutil.rmtree(target)  # made from a root that is gone
    loaded = dataset(target)
    try:
        with _reading():
            split = loaded.get_edge_split() if kind == "link" else loaded.get_idx_split()
    except Exception as error:  # as above
        raise FormatError(f"{found.root}: OGB cannot read the split of {name} ({first_line(error)})") from error
    return OGBDataset(name, kind, str(meta["eval metric"]), loaded, _tensors(split), dict(meta))


def _tensors(split: Any) -> dict[str, Any]:
    from ogb.utils.torch_util import replace_numpy_with_torchtensor  # type: ignore[import-untyped]

    made: dict[str, Any] = replace_numpy_with_torchtensor(split)
    return made
