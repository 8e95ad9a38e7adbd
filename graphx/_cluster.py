"""Blocks of work for a Dask cluster: pure functions of file paths, each block a file that appears by one rename.

A block that is there is never made again, so a killed worker, a restarted scheduler or a restarted client goes on where
the others stopped. Nothing is kept in the memory of a worker that another one needs.
"""

from __future__ import annotations

import errno
import json
import os
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from graphx._files import atomic_file
from graphx.errors import CapacityError, GraphXError, InputError, MissingDependencyError, StoreError

__all__ = ["Block", "check_client", "farm", "job_folder", "save_array", "told", "worker_memory", "worker_threads"]

_JOB: Final = "job.json"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Block(NamedTuple):
    """One file to make.

    Args:
        path: The file.
        arguments: What ``work(partial, *arguments)`` takes after the path to write to: paths and small values.

    Example:
        >>> Block(Path("rows-0.npy"), (0, 1024)).arguments
        (0, 1024)
    """

    path: Path
    arguments: tuple[Any, ...]


def check_client(client: Any) -> Any:
    """The ``distributed`` package, if ``client`` is a Dask client.

    Args:
        client: A ``distributed.Client`` that is connected and not asynchronous.

    Returns:
        The package.

    Raises:
        MissingDependencyError: ``distributed`` is not installed.
        InputError: It is no such client, or the cluster has no workers.

    Example:
        >>> check_client("tcp://127.0.0.1:8786")
        Traceback (most recent call last):
            ...
        graphx.errors.InputError: client is a str; expected a distributed.Client...
    """
    try:
        import distributed
    except ImportError as error:
        raise MissingDependencyError(
            "client= needs Dask distributed, which is not installed: pip install 'graphx-pyg[cluster]'"
        ) from error
    if not isinstance(client, distributed.Client):
        raise InputError(
            f"client is a {type(client).__name__}; expected a distributed.Client, such as "
            "Client(LocalCluster(n_workers=2)) or Client('tcp://scheduler:8786')"
        )
    if client.asynchronous:
        raise InputError("the client is asynchronous; expected Client(..., asynchronous=False)")
    if client.status != "running":
        raise InputError(f"the client is {client.status}; expected a connected one: make a new Client")
    return distributed


def _wait(client: Any) -> dict[str, int]:
    """Threads of every worker; waits a while for the first one."""
    found: dict[str, int] = client.nthreads()
    if not found:
        try:
            client.wait_for_workers(1, timeout=60)
        except TimeoutError as error:
            raise InputError("the cluster has no workers; start some, and run the same call again") from error
        found = client.nthreads()
    return found


def worker_memory(client: Any) -> int:
    """The memory of the smallest worker in bytes; very much where it has no limit.

    Args:
        client: A ``distributed.Client``.

    Returns:
        Bytes.
    """
    _wait(client)
    limits = client.run(_memory_limit)
    return min((limit or 2**60 for limit in limits.values()), default=2**60)


def _memory_limit(dask_worker: Any) -> int | None:
    limit: int | None = dask_worker.memory_manager.memory_limit
    return limit


def worker_threads(client: Any) -> int:
    """The threads of all workers together: how many blocks are made at a time.

    Args:
        client: A ``distributed.Client``.

    Returns:
        At least 1.
    """
    return max(1, sum(_wait(client).values()))


def job_folder(
    path: str | os.PathLike[str], facts: dict[str, Any], cut: dict[str, Any] | None = None
) -> tuple[Path, dict[str, Any]]:
    """A folder for the blocks of one job: made, or found with the finished blocks of an earlier try at the same job.

    Args:
        path: The folder.
        facts: All that the result depends on: digest of the graph, parameters, version.
        cut: How the job is cut into blocks, on which the result does not depend; a job that was begun keeps its own.

    Returns:
        The path, and the cut to use.

    Raises:
        InputError: The folder cannot be made, or holds something else.
        StoreError: It holds the blocks of another job.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = job_folder(f"{folder}/job", {"seed": 0}, {"blocks": 8})
        ...     job_folder(f"{folder}/job", {"seed": 0}, {"blocks": 5})[1]
        {'blocks': 8}
    """
    folder = Path(path).absolute()
    facts = json.loads(json.dumps(facts, default=str))
    job = {"facts": facts, "cut": cut or {}}
    known = folder / _JOB
    if known.is_file():
        found = _read_job(known)
        if found["facts"] != facts:
            raise StoreError(
                f"{folder} holds the blocks of another job (other graph, parameters or version): remove it, or give "
                "another folder"
            )
        return folder, dict(found["cut"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(item for item in folder.iterdir() if not item.name.startswith(".")):
            raise InputError(f"{folder} is not empty and holds no job: give an empty or a new folder")
        with atomic_file(known) as partial:
            partial.write_text(json.dumps(job, indent=1, sort_keys=True), encoding="utf-8")
    except OSError as error:
        raise told(error, folder) from error
    return folder, job["cut"]


def _read_job(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found["facts"], found["cut"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} cannot be read ({error}): remove {path.parent}, and run the same call again"
        ) from error
    return found


def farm(
    client: Any,
    work: Callable[..., None],
    blocks: Sequence[Block],
    *,
    what: str,
    progress: Callable[[str, int, int], object] | None = None,
) -> int:
    """Makes every block that is not there yet, on the workers of a cluster.

    Args:
        client: A ``distributed.Client``.
        work: A function of a module: ``work(partial, *arguments)`` writes one block to the path ``partial``.
        blocks: The blocks.
        what: A word for messages and for the names of the tasks.
        progress: Called as ``progress(what, done, total)``.

    Returns:
        How many blocks were made; the others were there.

    Raises:
        CapacityError: A disk is full.
        StoreError: A file that a block is made from is lost, or workers do not see this machine's files.
        GraphXError: What else ``work`` raised, or workers died again and again on the same block.
    """
    distributed = check_client(client)
    missing = [block for block in blocks if not block.path.is_file()]
    done = len(blocks) - len(missing)
    if progress is not None:
        progress(what, done, len(blocks))
    if not missing:
        return 0
    _wait(client)
    call = uuid.uuid4().hex  # a key of an earlier, cancelled call may still be on its way out
    futures = {
        client.submit(
            _make, work, str(block.path), block.arguments, key=f"graphx-{what}-{call}-{block.path.stem}", pure=False
        ): block
        for block in missing
    }
    try:
        completed = distributed.as_completed(futures)
        for future in completed:
            block = futures[future]
            if future.status in ("error", "cancelled"):
                raise _failure(distributed, future, block)  # noqa: TRY301 to cancel the rest
            if not block.path.is_file():
                if future.status != "finished":  # its worker died after the news: the task runs once more
                    completed.add(future)
                    continue
                raise StoreError(  # noqa: TRY301
                    f"a worker has written {block.path}, and it is not there: workers must share a file system with "
                    "the client; give work_dir= (or the path to save to) on one that all of them see"
                )
            done += 1
            if progress is not None:
                progress(what, done, len(blocks))
    except BaseException:
        client.cancel(list(futures), force=True)
        raise
    return len(missing)


def _make(work: Callable[..., None], path: str, arguments: tuple[Any, ...]) -> None:
    """Runs on a worker: one block, whole or not at all."""
    target = Path(path)
    if target.is_file():
        return
    try:
        with atomic_file(target) as partial:
            work(partial, *arguments)
    except OSError as error:
        raise told(error, target) from error


def save_array(path: Path, array: npt.NDArray[Any]) -> None:
    """An array as ``.npy``; where numpy only says how many bytes are missing, the error has the system's reason.

    Args:
        path: The file.
        array: The array.

    Raises:
        OSError: It cannot be written.
    """
    data = np.ascontiguousarray(array)
    header = {"descr": np.lib.format.dtype_to_descr(data.dtype), "fortran_order": False, "shape": data.shape}
    with path.open("wb", buffering=0) as out:
        np.lib.format.write_array_header_1_0(out, header)
        view = memoryview(data.reshape(-1).view(np.uint8).data if data.size else b"")
        while view.nbytes:
            view = view[out.write(view) :]


def told(error: OSError, target: Path) -> GraphXError:
    """What went wrong with a file, in the words of the user.

    Args:
        error: The error of the system.
        target: What was to be written.

    Returns:
        CapacityError for a full disk, else StoreError.
    """
    if error.errno in _FULL:
        return CapacityError(
            f"{target}: {error.strerror}; finished blocks are kept: free some space and run the same call again"
        )
    if error.errno == errno.ENOENT:
        return StoreError(
            f"{error.filename or target}: not found, while {target.name} was to be made from it; if it was removed, "
            "run the same call again; if it never was on this machine, use a folder that client and workers share"
        )
    return StoreError(
        f"{error.filename or target}: {error.strerror or error}; run the same call again when it is cured"
    )


def _failure(distributed: Any, future: Any, block: Block) -> BaseException:
    if future.status == "cancelled":
        return StoreError(
            f"the scheduler lost {block.path.name} (it was restarted, or the task was cancelled); finished blocks are "
            "kept: run the same call again"
        )
    error: BaseException = future.exception()
    if isinstance(error, distributed.scheduler.KilledWorker):
        return CapacityError(
            f"workers died again and again while making {block.path.name} ({error}); most often they lack memory: give "
            "them more, or start fewer on a machine, and run the same call again: finished blocks are kept"
        )
    return error
