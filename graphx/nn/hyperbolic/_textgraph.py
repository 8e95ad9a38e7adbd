"""What H4G needs of a text graph: unit vectors of its texts and labels, their means over the hops, and its edges."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.sparse
import torch
from torch import Tensor

from graphx.data._encoders import Encoder, TextProgress, encode_texts
from graphx.errors import InputError

__all__ = ["GATE_FEATURES", "Labels", "Prepared", "Texts", "prepare"]

Labels = Sequence[str | Sequence[str]]
GATE_FEATURES: Final = 5
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Prepared:
    """One graph, ready for the network.

    Attributes:
        hops: Text features of each node and their means over walks of 1 to K steps ``[K + 1, N, F]``.
        gate: Label-free facts on each node ``[N, GATE_FEATURES]``: log degree, whether it has neighbours, the cosine
            with the mean of its neighbours, with that of two steps, and the mean of the former over the graph.
        edge_index: Both directions of every edge ``[2, E]``, int64, no loops.
        y: Classes ``[N]``, -1 where unknown, or None.
        label_x: Vectors of the labels ``[C, F]``, or None.
        trust: How far neighbours agree on the labels, from 0 to 1; 1 without labels.
    """

    hops: Tensor
    gate: Tensor
    edge_index: npt.NDArray[np.int64]
    y: Tensor | None
    label_x: Tensor | None
    trust: float

    @property
    def num_nodes(self) -> int:
        return self.hops.size(1)

    def digest(self) -> str:
        """SHA-256 of all that training reads."""
        state = hashlib.sha256()
        for part in (self.hops, self.gate, self.y, self.label_x):
            if part is not None:
                state.update(np.ascontiguousarray(part.numpy()).data)
        state.update(repr(self.trust).encode())
        return state.hexdigest()


@dataclass(frozen=True, slots=True)
class Texts:
    """How texts become vectors.

    Attributes:
        encoder: As for :func:`graphx.data.encode_texts`; None takes vectors from the data.
        encoder_key: As there.
        cache: As there.
        lead: Words of the beginning that are encoded once more on their own; 0 for none.
        centre: Whether the mean over the nodes is subtracted, and that over the labels.
        progress: As there.
    """

    encoder: str | Encoder | None
    encoder_key: str | None = None
    cache: str | None = None
    lead: int = 24
    centre: bool = True
    progress: TextProgress | None = None

    def encode(self, texts: Sequence[str]) -> Floats:
        """Unit vectors; zero for an empty text."""
        assert self.encoder is not None
        found = encode_texts(
            list(texts), self.encoder, encoder_key=self.encoder_key, cache=self.cache, progress=self.progress
        )
        unit = _unit(found)
        unit[[not text.strip() for text in texts]] = 0
        return unit

    def nodes(self, data: Any) -> Floats:
        """One vector for each node ``[N, F]``: of its text and of the beginning of it, each centred."""
        if self.encoder is None:
            x = getattr(data, "x", None)
            if x is None:
                raise InputError("the data have no x, and encoder is None; expected vectors [N, F], or name an encoder")
            return self._centred(_unit(_matrix(x, "x")))
        texts = node_texts(data)
        whole = self.encode(texts)
        if not self.lead:
            return self._centred(whole)
        beginnings = whole.copy()
        words = [text.split(maxsplit=self.lead) for text in texts]
        longer = [node for node, parts in enumerate(words) if len(parts) > self.lead]
        if not longer:
            return self._centred(whole)
        beginnings[longer] = self.encode([" ".join(words[node][: self.lead]) for node in longer])
        return _unit(self._centred(whole) + self._centred(beginnings))

    def labels(self, labels: Labels | Tensor) -> Floats:
        """One vector for each label ``[C, F]``, the mean over its texts; centred over the labels."""
        if self.encoder is None or not isinstance(labels, Sequence):
            found = _unit(_matrix(labels, "the labels"))
            if len(found) < 2:
                raise InputError(f"{len(found)} label; expected at least two to choose from")
            return self._centred(found)
        prompts = check_labels(labels)
        flat = self.encode([text for texts in prompts for text in texts])
        ends = np.cumsum([len(texts) for texts in prompts])[:-1]
        return self._centred(_unit(np.stack([part.mean(axis=0) for part in np.split(flat, ends)])))

    def _centred(self, x: Floats) -> Floats:
        if not self.centre:
            return x
        known = (x != 0).any(axis=1)
        moved = x.copy()
        if known.any():
            moved[known] -= x[known].mean(axis=0, dtype=np.float64).astype(np.float32)
        return _unit(moved)


def check_labels(labels: Labels) -> list[list[str]]:
    """The texts of each label: at least two labels, all different, none empty."""
    if isinstance(labels, str):
        raise InputError(f"the labels are the string {labels!r}; expected a list with a text for each class")
    prompts: list[list[Any]] = [list(label) if isinstance(label, list | tuple) else [label] for label in labels]
    if len(prompts) < 2:
        raise InputError(f"{len(prompts)} label; expected at least two to choose from")
    for number, texts in enumerate(prompts):
        if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
            raise InputError(f"label {number} is {labels[number]!r}; expected a text, or a list of texts, not empty")
    if len({tuple(texts) for texts in prompts}) < len(prompts):
        raise InputError("two labels have the same text; expected different ones")
    return prompts


def node_texts(data: Any) -> list[str]:
    """The texts of a PyG ``Data``; not all of them empty."""
    texts = getattr(data, "text", None)
    if texts is None:
        raise InputError("the data have no text; expected data.text, a list with a string for each node")
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise InputError("data.text holds something else than strings; expected a list with a string for each node")
    found = list(texts)
    if not any(text.strip() for text in found):
        raise InputError(f"all {len(found)} texts are empty; expected a text for some nodes at least")
    return found


def prepare(
    data: Any, texts: Texts, hops: int, *, labelled: bool = False, classes: Labels | Tensor | None = None
) -> Prepared:
    """Check a PyG ``Data`` and compute its features; with its labels, or with names of classes alone."""
    x = torch.from_numpy(texts.nodes(data))
    size = x.size(0)
    edges = _edges(data, size)
    y = label_x = None
    if labelled:
        y, label_x = _labels(data, texts, size)
    elif classes is not None:
        label_x = torch.from_numpy(texts.labels(classes))
        if label_x.size(1) != x.size(1):
            raise InputError(
                f"the labels have {label_x.size(1)} numbers each and the nodes {x.size(1)}; expected the same"
            )
    stack, degree = _walks(x, edges, hops)
    trust = 1.0 if label_x is None else _agreement(x @ label_x.T, edges)
    return Prepared(stack, _gate(stack, degree), edges.numpy(), y, label_x, trust)


def _agreement(scores: Tensor, edges: Tensor) -> float:
    """Moran's I of the zero-shot scores over the edges, from 0 to 1: about the homophily, without labels."""
    centred = scores.double() - scores.double().mean(dim=0)
    spread = float(centred.square().sum(dim=1).mean())
    if not edges.numel() or spread == 0:
        return 0.0
    together = float((centred[edges[0]] * centred[edges[1]]).sum(dim=1).mean())
    return min(1.0, max(0.0, together / spread))


def _labels(data: Any, texts: Texts, size: int) -> tuple[Tensor, Tensor]:
    y, names = getattr(data, "y", None), getattr(data, "label_x" if texts.encoder is None else "label_text", None)
    what = "label_x, the vectors of its labels" if texts.encoder is None else "label_text, the names of its labels"
    if y is None or names is None:
        raise InputError(f"a labelled source needs y and {what}; expected both, or labels=False in fit")
    y = torch.as_tensor(y).reshape(-1).long()
    label_x = torch.from_numpy(texts.labels(names))
    if y.numel() != size:
        raise InputError(f"{y.numel()} labels in y for {size} nodes; expected one for each, -1 where unknown")
    if int(y.min()) < -1 or int(y.max()) >= label_x.size(0):
        raise InputError(
            f"y holds the unknown label {int(y.max() if y.max() >= label_x.size(0) else y.min())}; expected 0.."
            f"{label_x.size(0) - 1} for the {label_x.size(0)} labels, or -1 where there is none"
        )
    if torch.unique(y[y >= 0]).numel() < 2:
        raise InputError("the labels of a source are all the same class or missing; expected two classes at least")
    return y, label_x


def _edges(data: Any, size: int) -> Tensor:
    edges = getattr(data, "edge_index", None)
    if edges is None:
        raise InputError(
            "the data have no edge_index; expected one [2, E]: torch.empty(2, 0, dtype=torch.long) for none"
        )
    edges = torch.as_tensor(edges).detach().cpu()
    if edges.dim() != 2 or edges.size(0) != 2 or edges.is_floating_point():
        raise InputError(f"edge_index is {edges.dtype} {list(edges.shape)}; expected integers [2, E]")
    if edges.numel() and not 0 <= int(edges.min()) <= int(edges.max()) < size:
        raise InputError(f"edge_index holds node {int(edges.max())}; expected 0..{size - 1} for {size} texts")
    edges = edges.long()[:, edges[0] != edges[1]]
    both = torch.cat([edges, edges.flip(0)], dim=1)
    keys = torch.unique(both[0] * size + both[1])
    return torch.stack([keys // size, keys % size]) if size else both


def _walks(x: Tensor, edges: Tensor, hops: int) -> tuple[Tensor, Tensor]:
    """Means over walks of 0 to K steps, and degrees; a node without neighbours keeps its own vector."""
    size = x.size(0)
    degree = torch.bincount(edges[0], minlength=size)
    shares = (1 / degree.clamp(min=1).float())[edges[0]]
    mean = scipy.sparse.csr_array((shares.numpy(), (edges[0].numpy(), edges[1].numpy())), shape=(size, size))
    alone = (degree == 0).unsqueeze(1)
    stack = [x]
    for _ in range(hops):
        stack.append(torch.where(alone, x, torch.from_numpy(mean @ stack[-1].numpy())))
    return torch.stack(stack), degree


def _gate(stack: Tensor, degree: Tensor) -> Tensor:
    own = stack[0]
    near = [torch.nn.functional.cosine_similarity(own, stack[min(k, len(stack) - 1)], dim=-1) for k in (1, 2)]
    has = (degree > 0).float()
    over = (near[0] * has).sum() / has.sum().clamp(min=1)
    return torch.stack([torch.log1p(degree.float()), has, near[0] * has, near[1] * has, over.expand_as(has)], dim=1)


def _matrix(x: Any, name: str) -> Floats:
    values = np.asarray(x.detach().cpu().numpy() if hasattr(x, "detach") else x)
    if values.ndim != 2 or values.dtype.kind not in "fiu" or values.shape[1] == 0:
        raise InputError(f"{name}: {values.dtype} {list(values.shape)}; expected numbers [N, F]")
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values).all(axis=1)))
        raise InputError(f"{name} holds a number that is not finite in row {row}; expected finite numbers")
    return values.astype(np.float32)


def _unit(x: Floats) -> Floats:
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    scaled: Floats = (x / np.where(norms > 0, norms, 1)).astype(np.float32)
    return scaled
