"""Where data lie: the search for raw files, their checksums, and the cache that everything made is kept in."""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import json
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphx._files import _clear_abandoned, _prefix, _sync
from graphx.errors import FormatError, InputError

__all__ = ["Found", "cache_folder", "fill", "locate", "search_roots", "stage", "unpacked", "verified"]

_SUMS = "SHA256SUMS"


def cache_folder() -> Path:
    """The folder for what graphx makes or downloads: ``$XDG_CACHE_HOME/graphx``, or where the system keeps caches."""
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "graphx"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "graphx"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "graphx"
    return Path.home() / ".cache" / "graphx"


def search_roots(root: str | os.PathLike[str] | None) -> list[Path]:
    """The folders that raw files are looked for in: the argument alone, or ``GRAPHX_DATA`` and the cache."""
    if root is not None:
        folder = Path(root).expanduser()
        if not folder.is_dir():
            raise InputError(f"root={os.fspath(root)!r} is no folder; expected the folder that data sets lie in")
        return [folder]
    named = os.environ.get("GRAPHX_DATA")
    return [*([Path(named).expanduser()] if named else []), cache_folder() / "data"]


@dataclass(frozen=True, slots=True)
class Found:
    """Raw files that are there.

    Attributes:
        root: The root that has them.
        files: From the place below a root, as the catalogue has it, to where the file lies.
    """

    root: Path
    files: dict[str, Path]

    def __getitem__(self, place: str) -> Path:
        return self.files[place]


def locate(required: Sequence[str], globs: Iterable[str], roots: Sequence[Path]) -> Found | list[str]:
    """Finds the files of a data set in the first root that has them all, or tells which are missing where.

    ``name.gz`` stands for ``name``, and a root may be the folder of one family (``root/Cora`` for
    ``root/planetoid/Cora``), as PyG's and OGB's own roots are.
    """
    best: list[str] = [*required]
    for root in roots:
        for strip in (0, 1):
            files: dict[str, Path] = {}
            missing = []
            for place in required:
                path = _there(root.joinpath(*place.split("/")[strip:]))
                if path is None:
                    missing.append(place)
                else:
                    files[place] = path
            if not missing:
                for pattern in globs:
                    short = "/".join(pattern.split("/")[strip:])
                    for path in sorted(root.glob(short)):
                        if path.is_file():
                            inside = path.relative_to(root).as_posix()
                            files.setdefault(f"{pattern.split('/')[0]}/{inside}" if strip else inside, path)
                return Found(root, files)
            if len(missing) < len(best):
                best = missing
    return best


def _there(path: Path) -> Path | None:
    for candidate in (path, path.with_name(path.name + ".gz")):
        if candidate.is_file():
            return candidate
    return None


@functools.lru_cache(maxsize=16)
def _sums(path: Path, _modified: int) -> dict[str, str]:
    known = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name:
            raise FormatError(f"{path}:{number}: expected '<sha256>  <file>', as sha256sum writes it")
        known[name.removeprefix("./").removeprefix("*")] = digest
    return known


def _shipped() -> dict[str, str]:
    path = Path(__file__).with_name("checksums.txt")
    return _sums(path, path.stat().st_mtime_ns)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def verified(found: Found) -> str:
    """A digest over the content of the files, after each was compared with its known checksum.

    Known are the checksums in ``SHA256SUMS`` of the root, and those that come with graphx. The outcome is remembered
    in the cache by size and time of change, so that large files are hashed once.

    Raises:
        FormatError: A file is not what it should be: half a download, or damaged.
    """
    stats = [
        [place, str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns]
        for place, path in found.files.items()
    ]
    listed = found.root / _SUMS
    own = _sums(listed, listed.stat().st_mtime_ns) if listed.is_file() else {}
    stats.append([_SUMS, str(listed), len(own), listed.stat().st_mtime_ns if own else 0])
    key = hashlib.sha256(json.dumps(stats).encode()).hexdigest()
    note = cache_folder() / "verified" / key[:2] / key
    with contextlib.suppress(OSError):
        if len(text := note.read_text()) == 64:
            return text
    total = hashlib.sha256()
    for place, path in found.files.items():
        digest = sha256(path)
        expected = own.get(path.relative_to(found.root).as_posix())
        if expected is None and path.name == place.rsplit("/", 1)[-1]:
            expected = _shipped().get(place)
        if expected is not None and expected != digest:
            raise FormatError(
                f"{path}: the checksum is {digest[:12]}..., expected {expected[:12]}...: half a download or a damaged "
                "file; fetch it again"
            )
        total.update(f"{place} {digest}\n".encode())
    with contextlib.suppress(OSError):  # a cache that cannot be written only costs the next hash
        note.parent.mkdir(parents=True, exist_ok=True)
        partial = note.with_name(f".{key}.{os.getpid()}")
        partial.write_text(total.hexdigest())
        partial.replace(note)
    return total.hexdigest()


def unpacked(path: Path, target: Path) -> None:
    """Decompresses a .gz file.

    Raises:
        FormatError: It is damaged or ends early.
    """
    try:
        with gzip.open(path, "rb") as packed, target.open("wb") as out:
            shutil.copyfileobj(packed, out, 1 << 20)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FormatError(
            f"{path}: the gzip data are damaged or end early ({error}); fetch or compress the file again"
        ) from error


def stage(found: Found, folder: Path, renamed: Callable[[str], str] = str) -> None:
    """Lays the raw files out below ``folder`` as links, with plain copies of what is compressed and should not be."""
    for place, path in found.files.items():
        target = folder / renamed(place)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.name.endswith(".gz") and not place.endswith(".gz"):
            unpacked(path, target)
        else:
            target.symlink_to(path.resolve())


def fill(target: Path, make: Callable[[Path], None]) -> Path:
    """A folder of the cache, made by ``make`` when it is not there: whole or not at all, by whoever comes first.

    Raises:
        InputError: The cache cannot be written.
    """
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear_abandoned(target)
        partial = Path(tempfile.mkdtemp(prefix=_prefix(target), dir=target.parent))
    except OSError as error:
        raise InputError(
            f"{target.parent}: cannot be written ({error.strerror}); set XDG_CACHE_HOME to a folder that can"
        ) from error
    try:
        make(partial)
        _sync(partial)
        try:
            partial.rename(target)
        except OSError:
            if not target.is_dir():  # another process was faster; its folder is as good
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target
