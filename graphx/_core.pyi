"""Types of the compiled extension."""

from collections.abc import Callable
from typing import Literal, TypedDict

import numpy as np
import numpy.typing as npt

def simd_level() -> str: ...

# -- lcm: the symmetrised GRU over a tree -----------------------------------------------------------------------------

def lcm_gru_forward(
    leaves: npt.NDArray[np.float32],
    left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64],
    levels: npt.NDArray[np.int64],
    w_ih: npt.NDArray[np.float32],
    w_hh: npt.NDArray[np.float32],
    b_ih: npt.NDArray[np.float32],
    b_hh: npt.NDArray[np.float32],
    made: npt.NDArray[np.float32],
    threads: int,
) -> None: ...
def lcm_gru_backward(
    leaves: npt.NDArray[np.float32],
    left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64],
    levels: npt.NDArray[np.int64],
    w_ih: npt.NDArray[np.float32],
    w_hh: npt.NDArray[np.float32],
    b_ih: npt.NDArray[np.float32],
    b_hh: npt.NDArray[np.float32],
    made: npt.NDArray[np.float32],
    grad_leaves: npt.NDArray[np.float32],
    grad_made: npt.NDArray[np.float32],
    grad_w_ih: npt.NDArray[np.float32],
    grad_w_hh: npt.NDArray[np.float32],
    grad_b_ih: npt.NDArray[np.float32],
    grad_b_hh: npt.NDArray[np.float32],
    threads: int,
) -> None: ...

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
    def edge_parts(self, keys: list[int], threads: int) -> list[_Pattern]: ...
    def square_pairs(self, most_bytes: int, threads: int) -> tuple[_Pattern, _Pattern] | Literal[False] | None: ...
    def summarize(self, keys: int, threads: int, progress: _Progress) -> list[tuple[int, int, int, int]]: ...
    def matrices(
        self, keys: int, narrow: bool, threads: int, progress: _Progress
    ) -> list[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.signedinteger]]]: ...
    def make_pairs(self, threads: int, progress: _Progress) -> None: ...
    def drop_pairs(self) -> None: ...
    def has_pairs(self) -> bool: ...
    def pair_matrix(self, key: int, threads: int, progress: _Progress) -> _Part | None: ...
    def stream(self, keys: int, start: int, stop: int) -> OrbitStream: ...
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

# -- neighbors: common neighbours of pairs; a side is (indptr, indices, weights, bits, excluded), a query is
#    (first, second, num_columns, pairs). Arrays are numpy arrays or torch tensors on the processor.

def join_openmp(path: str) -> bool: ...
def neighbors_count(query: tuple[object, ...], counts: object, threads: int) -> None: ...
def neighbors_score(query: tuple[object, ...], node_weights: object, out: object, threads: int) -> None: ...
def neighbors_lists(
    query: tuple[object, ...], threads: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float64] | None]: ...
def neighbors_differences(
    query: tuple[object, ...], threads: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int32]]: ...
def neighbors_pool(query: tuple[object, ...], x: object, out: object, counts: object, threads: int) -> None: ...
def neighbors_pool_backward(
    query: tuple[object, ...], counts: object, grad_out: object, grad_x: object, threads: int
) -> None: ...
def neighbors_bits(side: tuple[object, ...], num_columns: int, threads: int) -> npt.NDArray[np.uint64]: ...
def neighbors_entries(
    indptr: object, indices: object, bits: object | None, edges: object, both: bool, threads: int
) -> npt.NDArray[np.int64]: ...

# -- end of neighbors ------------------------------------------------------------------------------------------------
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
# -- tiles: products over column tiles -----------------------------------------------------------------------------------

_Floats = npt.NDArray[np.float32]
_Pattern = tuple[npt.NDArray[np.int64] | None, npt.NDArray[np.int32] | None, _Floats | None]
_Rows = npt.NDArray[np.float32] | npt.NDArray[np.uint16]  # bfloat16 as uint16
_TileTerm = tuple[npt.NDArray[np.int64] | None, npt.NDArray[np.int32] | None, _Floats | None, _Rows]

def tile_multiply(
    terms: list[_TileTerm],
    out: _Rows,
    accumulate: bool,
    row_scale: _Floats | None,
    squares: npt.NDArray[np.float64] | None,
    threads: int,
    finish: tuple[_Rows | None, _Floats | None, _Floats, int, int, float, bool, bool] | None = None,
    packed: bool = False,
    rounded: bool = False,
) -> None: ...
def tile_packs() -> bool: ...

TILE_PACKED: tuple[int, int]

def tile_project(
    terms: list[_Pattern],
    projection: tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], _Floats],
    out: _Rows,
    accumulate: bool,
    row_scale: _Floats | None,
    squares: npt.NDArray[np.float64] | None,
    threads: int,
    packed: bool = False,
    rounded: bool = False,
) -> None: ...
def tile_merge(
    states: list[tuple[_Rows, _Floats]], target: _Floats, first: int, columns: int, accumulate: bool, threads: int
) -> None: ...
# -- fastrp ------------------------------------------------------------------------------------------------------------

FASTRP_GROUP: int

_State = npt.NDArray[np.float32] | npt.NDArray[np.uint16]

def fastrp_project(
    ids: npt.NDArray[np.uint64] | None,
    first: int,
    begin: int,
    seed: int,
    density: float,
    scale: float,
    rows_scale: npt.NDArray[np.float32] | None,
    out: _State,
    threads: int,
) -> None: ...
def fastrp_project_sparse(
    ids: npt.NDArray[np.uint64] | None,
    first: int,
    rows: int,
    begin: int,
    end: int,
    seed: int,
    density: float,
    scale: float,
    rows_scale: npt.NDArray[np.float32] | None,
    threads: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]: ...
def fastrp_hop(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float64] | None,
    weights_scale: float,
    by_count: bool,
    source: _State,
    target: _State | None,
    out: npt.NDArray[np.float32] | None,
    own_row: int,
    own_weight: float,
    new_weight: float,
    accumulate: bool,
    normalize: bool,
    threads: int,
    progress: _Progress,
) -> None: ...
def fastrp_sparse_hop(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float64] | None,
    weights_scale: float,
    by_count: bool,
    source_indptr: npt.NDArray[np.int64],
    source_columns: npt.NDArray[np.int32],
    source_values: npt.NDArray[np.float32],
    columns: int,
    target: npt.NDArray[np.float32] | None,
    out: npt.NDArray[np.float32] | None,
    own_row: int,
    own_weight: float,
    new_weight: float,
    accumulate: bool,
    normalize: bool,
    threads: int,
    progress: _Progress,
) -> None: ...
def fastrp_sparse_hop_bfloat16(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float64] | None,
    weights_scale: float,
    by_count: bool,
    source_indptr: npt.NDArray[np.int64],
    source_columns: npt.NDArray[np.int32],
    source_values: npt.NDArray[np.float32],
    columns: int,
    target: npt.NDArray[np.uint16] | None,
    out: npt.NDArray[np.float32] | None,
    own_row: int,
    own_weight: float,
    new_weight: float,
    accumulate: bool,
    normalize: bool,
    threads: int,
    progress: _Progress,
) -> None: ...
def fastrp_accumulate(
    source: _State,
    weight: float,
    normalize: bool,
    factors: npt.NDArray[np.float32] | None,
    add: bool,
    out: npt.NDArray[np.float32],
    threads: int,
) -> None: ...
def fastrp_group_squares(source: _State, threads: int) -> npt.NDArray[np.float64]: ...
def fastrp_narrow(source: npt.NDArray[np.float32], out: npt.NDArray[np.uint16], threads: int) -> None: ...
def fastrp_widen(source: npt.NDArray[np.uint16], out: npt.NDArray[np.float32], threads: int) -> None: ...
def fastrp_moments(
    x: npt.NDArray[np.float32], threads: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]: ...
def fastrp_standardize(
    x: npt.NDArray[np.float32],
    mean: npt.NDArray[np.float32],
    factor: npt.NDArray[np.float32],
    threads: int,
    out: npt.NDArray[np.float32] | None = None,
    first: int = 0,
) -> None: ...

# -- end of fastrp -----------------------------------------------------------------------------------------------------

# -- vectors: rows of numbers as text --------------------------------------------------------------------------------

def vectors_format(
    x: npt.NDArray[np.float32],
    first: int,
    ids: npt.NDArray[np.int64] | None,
    text: bytes | None,
    ends: npt.NDArray[np.int64] | None,
    threads: int,
) -> bytes: ...
