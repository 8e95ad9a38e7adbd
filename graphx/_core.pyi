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

# -- orbits: counting --------------------------------------------------------------------------------------------------

MAX_DEGREE_INT32: int

_Progress = Callable[[int], object] | None
_Counts = npt.NDArray[np.int32] | npt.NDArray[np.int64]
_Part = tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], _Counts]
_AnyFloat = npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.int64]

class _OrbitFacts(TypedDict):
    max_degree: int
    num_triangles: int
    value_bytes: int

class OrbitStream:
    def next(
        self, block_bytes: int, threads: int, progress: _Progress
    ) -> tuple[int, int, npt.NDArray[np.int64], npt.NDArray[np.int32], _Counts, list[int]]: ...

class OrbitCounter:
    def facts(self) -> _OrbitFacts: ...
    def graphlet_degrees(self, threads: int, progress: _Progress) -> npt.NDArray[np.int64]: ...
    def edge_graphlet_degrees(self, threads: int, progress: _Progress) -> _Counts: ...
    def hop1_values(self, key: int, threads: int, progress: _Progress) -> _Counts: ...
    def summarize(self, keys: int, threads: int, progress: _Progress) -> list[tuple[int, int, int, int]]: ...
    def matrices(
        self, keys: int, narrow: bool, threads: int, progress: _Progress
    ) -> list[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.signedinteger]]]: ...
    def make_pairs(self, threads: int, progress: _Progress) -> None: ...
    def drop_pairs(self) -> None: ...
    def has_pairs(self) -> bool: ...
    def pair_matrix(self, key: int, threads: int, progress: _Progress) -> _Part | None: ...
    def stream(self, keys: int) -> OrbitStream: ...
    def multiply_triangles(
        self, x: _AnyFloat, scale: int, out: _AnyFloat, threads: int, progress: _Progress
    ) -> None: ...
    def multiply_rows(self, key: int, x: _AnyFloat, out: _AnyFloat, threads: int, progress: _Progress) -> None: ...

def count_orbits(
    indptr: npt.NDArray[np.int64], indices: npt.NDArray[np.int32], wide: bool, threads: int, progress: _Progress
) -> OrbitCounter: ...
def spmm(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    values: _Counts | None,
    x: _AnyFloat,
    out: _AnyFloat,
    scale: int,
    accumulate: bool,
    diagonal: npt.NDArray[np.int64] | None,
    y: _AnyFloat | None,
    threads: int,
) -> None: ...

# -- mobius: maps of the Poincare ball ----------------------------------------------------------------------------------

def mobius_radial(logarithm: bool, c: float, x: _AnyFloat, y: _AnyFloat, threads: int = 1) -> tuple[int, float]: ...
def mobius_radial_backward(
    logarithm: bool, c: float, x: _AnyFloat, grad_y: _AnyFloat, grad_x: _AnyFloat, threads: int = 1
) -> float: ...
def mobius_product(
    weight: _AnyFloat, x: _AnyFloat, c: float | None, y: _AnyFloat, kept: _AnyFloat | None, threads: int = 1
) -> tuple[int, float]: ...
def mobius_product_backward(
    weight: _AnyFloat,
    x: _AnyFloat,
    c: float | None,
    y: _AnyFloat | None,
    kept: _AnyFloat | None,
    grad_y: _AnyFloat,
    grad_x: _AnyFloat | None,
    grad_weight: _AnyFloat | None,
    threads: int = 1,
) -> float: ...
def mobius_empty_float32(rows: int, columns: int) -> npt.NDArray[np.float32]: ...
def mobius_empty_float64(rows: int, columns: int) -> npt.NDArray[np.float64]: ...
