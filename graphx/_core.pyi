"""Types of the compiled extension."""

from collections.abc import Callable
from typing import TypedDict

import numpy as np
import numpy.typing as npt

def simd_level() -> str: ...

# -- edgelist: edges to CSR ------------------------------------------------------------------------------------------

class _BuildFacts(TypedDict):
    loops: int
    duplicates: int
    clash: tuple[int, int, float, float] | None

def csr_from_edges(
    sources: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64] | None,
    num_nodes: int,
    symmetric: bool,
    drop_loops: bool,
    duplicates: int,
    threads: int = 1,
    progress: Callable[[int], object] | None = None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float64] | None, _BuildFacts]: ...
def csr_check(
    indptr: npt.NDArray[np.int64], indices: npt.NDArray[np.int32], threads: int = 1
) -> tuple[str, int, int]: ...
def csr_facts(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float64] | None,
    threads: int = 1,
) -> tuple[int, int, int, int]: ...

class _TextFacts(TypedDict):
    lines: int
    comments: int
    edges: int
    header: str
    weights_ignored: bool
    text_because: tuple[int, int]
    problem: tuple[int, int, str] | None

def edgelist_read(
    source: object,
    ids: int,
    delimiter: str,
    header: int,
    weighted: int,
    columns: tuple[int, ...] | None,
    num_nodes: int,
    directed: bool,
    drop_loops: bool,
    duplicates: int,
    threads: int = 1,
    progress: Callable[[int], object] | None = None,
) -> tuple[
    tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float64] | None, _BuildFacts],
    tuple[str, ...] | npt.NDArray[np.uint64] | None,
    _TextFacts,
]: ...
def edgelist_format(sources: npt.NDArray[np.int64], targets: npt.NDArray[np.int64], delimiter: str) -> bytes: ...
def barabasi_albert(
    num_nodes: int, m: int, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]: ...

# -- end of edgelist -------------------------------------------------------------------------------------------------
