"""Fetching what is missing, whole or not at all, and the error for when it cannot be had."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from graphx._files import _clear_abandoned
from graphx.data._roots import Found, cache_folder, locate, search_roots, verified
from graphx.errors import GraphXError, InputError

__all__ = ["fetched", "missing_files"]


def missing_files(
    name: str, missing: Sequence[str], root: str | os.PathLike[str] | None, source: str, why: str
) -> InputError:
    """The error for raw files that are nowhere: which, where they come from, where to put them."""
    shown = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
    places = " or ".join(str(place) for place in search_roots(root))
    hint = "" if root is not None or os.environ.get("GRAPHX_DATA") else " (or pass root=, or set GRAPHX_DATA)"
    return InputError(f"{name}: missing {shown}; they come from {source} and belong below {places}{hint}{why}")


def fetched(
    name: str,
    required: Sequence[str],
    globs: Iterable[str],
    root: str | os.PathLike[str] | None,
    source: str,
    download: Callable[[Path], None],
) -> Found:
    """Lets ``download`` fill a fresh folder and moves what came into the root, or the cache where that is read-only."""
    absent = locate(required, (), search_roots(root))
    assert isinstance(absent, list)
    target = search_roots(root)[0]
    if not os.access(target, os.W_OK):
        target = cache_folder() / "data"
    try:
        target.mkdir(parents=True, exist_ok=True)
        _clear_abandoned(target / "download")
        partial = Path(tempfile.mkdtemp(prefix=f".download.partial-{os.getpid()}-", dir=target))
    except OSError as error:
        raise missing_files(name, absent, root, source, f"; {target} cannot be written: {error.strerror}") from error
    try:
        download(partial)
        got = locate(required, globs, [partial])
        if isinstance(got, list):
            raise missing_files(name, got, root, source, "; the download did not bring them")  # noqa: TRY301
        verified(got)
        for place, path in got.files.items():
            final = target / place
            final.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_symlink():
                path.replace(final.with_name(path.name))
    except GraphXError:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0][:120]
        raise missing_files(name, absent, root, source, f"; no download: {type(error).__name__} {first}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    found = locate(required, globs, [target])
    assert isinstance(found, Found)
    return found
