"""Outputs that appear whole or not at all: written beside their destination, then renamed."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from graphx.errors import CapacityError, InputError

__all__ = ["atomic_directory", "atomic_file", "check_room"]

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_LONGEST = 40  # letters of a name in the name of what is half-written, which may have 255 bytes


@contextlib.contextmanager
def atomic_directory(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """A fresh directory to fill, which takes the place of ``path`` when the block ends without an exception.

    After an interrupt, a full disk or a kill there is the old directory or none; what a killed process left
    half-written beside the destination is cleared by the next call.

    Args:
        path: The destination.
        overwrite: Replace a directory that is there; otherwise it must not exist or be empty.

    Yields:
        The directory to write into.

    Raises:
        InputError: The destination exists and may not be replaced, or its folder is missing.
        CapacityError: The disk is full; nothing is left behind.
        OSError: The folder that it would be in cannot be written.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_directory(f"{folder}/out") as made:
        ...         _ = (made / "a.txt").write_text("whole")
        ...     sorted(p.name for p in Path(folder, "out").iterdir())
        ['a.txt']
    """
    target = Path(path).absolute()
    if not target.parent.is_dir():
        raise InputError(f"{target.parent} is no folder; make it first, or choose another place for {target.name}")
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file; expected a directory to make: choose another name")
    if target.exists() and not overwrite and any(target.iterdir()):
        raise InputError(f"{target} exists; remove it, choose another name, or pass overwrite=True (--overwrite)")
    _clear_abandoned(target)
    partial = Path(tempfile.mkdtemp(prefix=_prefix(target), dir=target.parent))
    try:
        yield partial
        _sync(partial)
        partial.chmod(0o777 & ~_umask())
        if target.exists():
            _exchange(partial, target)
        else:
            partial.rename(target)
        _sync(target.parent)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise CapacityError(
                f"{target}: {error.strerror or 'no room'}; nothing was kept: free some space or choose another disk"
            ) from error
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path to write to, which takes the place of ``path`` when the block ends without an exception.

    The file is written beside its destination, brought to the disk and renamed, so that an interrupt, a full disk or a
    kill leaves the old file or none; what a killed process left beside it is cleared by the next call. Something that
    is not a regular file (``/dev/stdout``, a named pipe) is written to directly.

    Args:
        path: The destination.

    Yields:
        The path to write to, with the same suffix.

    Raises:
        OSError: The folder does not exist or cannot be written, or the disk is full.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_file(os.path.join(folder, "a.txt")) as target:
        ...         _ = target.write_text("whole")
        ...     os.listdir(folder)
        ['a.txt']
    """
    target = Path(path).resolve()  # a link stays a link
    if target.exists() and not target.is_file():
        yield target
        return
    _clear_abandoned(target)
    handle, name = tempfile.mkstemp(prefix=_prefix(target), suffix=target.suffix, dir=target.parent)
    os.close(handle)
    partial = Path(name)
    try:
        partial.chmod(0o666 & ~_umask())
        yield partial
        _sync(partial)
        partial.replace(target)
        _sync(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def check_room(folder: Path, needed: int) -> None:
    """CapacityError when ``needed`` bytes are more than the disk of ``folder`` has free."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise CapacityError(
            f"{needed / 1e9:,.2f} GB are to be written and {folder} has {free / 1e9:,.2f} GB free; "
            "select fewer matrices, free some space or choose another disk"
        )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _prefix(target: Path) -> str:
    return f".{target.name[:_LONGEST]}.partial-{os.getpid()}-"


def _clear_abandoned(target: Path) -> None:
    for left in target.parent.glob(f".{glob.escape(target.name[:_LONGEST])}.partial-*"):
        process = left.name.rsplit("partial-", 1)[1].split("-")[0]
        if process.isdigit() and not _alive(int(process)):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    if sys.platform == "win32":  # where os.kill(process, 0) does not ask but sends Ctrl-C
        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, process)
        if handle:
            ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _exchange(partial: Path, target: Path) -> None:
    """Puts ``partial`` in the place of ``target``, in one step where the system has it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            swap = ctypes.CDLL(None, use_errno=True).renameat2
            if swap(_AT_FDCWD, os.fsencode(partial), _AT_FDCWD, os.fsencode(target), _RENAME_EXCHANGE) == 0:
                return
    aside = partial.with_name(partial.name + "-old")
    target.rename(aside)
    try:
        partial.rename(target)
    except OSError:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _sync(path: Path) -> None:
    if os.name != "posix":  # pragma: no cover - Windows opens no folders
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
