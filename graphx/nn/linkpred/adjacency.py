"""Adjacency: the neighbour lists that link prediction asks, built once from whatever holds the edges."""

from __future__ import annotations

import warnings
import weakref
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphx.errors import CapacityError, InputError
from graphx.nn.linkpred import _ops
from graphx.nn.linkpred._torch import Side, edge_keys, edge_matrix

__all__ = ["Adjacency", "as_adjacency"]

_CACHE: dict[int, tuple[weakref.ref[Any], tuple[Any, ...], Adjacency]] = {}
_CACHE_SIZE = 4


class Adjacency:
    r"""The neighbour lists of a matrix :math:`A \in \mathbb{R}^{R \times N}`, on any device.

    Row ``i`` holds :math:`\mathcal{N}(i) = \{u : A_{iu} \ne 0\}` in ascending order. Make one with :func:`as_adjacency`
    and hand it to every call instead of the edges, so that they are sorted once.

    Args:
        indptr: int64 ``[R + 1]``, where each row starts.
        indices: int32 ``[E]``, ascending within each row, without duplicates.
        weights: float64 ``[E]``, or None for an unweighted matrix.
        num_columns: N.

    Raises:
        InputError: The tensors have other types, shapes or devices, or weights ask for a gradient, which they do not
            get.

    Example:
        >>> import torch
        >>> adjacency = as_adjacency(torch.tensor([[0, 0, 1], [1, 2, 2]]))
        >>> adjacency
        Adjacency(rows=3, columns=3, entries=3)
        >>> adjacency.degrees().tolist()
        [2, 1, 0]
    """

    def __init__(self, indptr: Tensor, indices: Tensor, weights: Tensor | None = None, *, num_columns: int) -> None:
        if indptr.dtype != torch.int64 or indices.dtype != torch.int32 or indptr.dim() != 1 or indices.dim() != 1:
            raise InputError(
                f"indptr is {indptr.dtype} {list(indptr.shape)} and indices {indices.dtype} {list(indices.shape)}; "
                "expected int64 and int32 vectors: build it with as_adjacency(edge_index)"
            )
        if weights is not None:
            if weights.requires_grad:
                raise InputError("the edge weights require a gradient, which they do not get here; pass .detach()")
            if weights.dtype != torch.float64 or weights.shape != indices.shape:
                raise InputError(
                    f"weights are {weights.dtype} {list(weights.shape)}; expected float64 [{indices.numel()}]"
                )
            if not bool(torch.isfinite(weights).all()):
                raise InputError("an edge weight is not finite; expected finite numbers: remove or replace it")
        self.indptr, self.indices, self.weights = indptr, indices, weights
        self.num_columns = num_columns
        self._bits: Tensor | None = None
        self._keys: Tensor | None = None
        self._matrix: Tensor | None = None

    @property
    def num_rows(self) -> int:
        """R."""
        return self.indptr.numel() - 1

    @property
    def num_entries(self) -> int:
        """E."""
        return self.indices.numel()

    @property
    def device(self) -> torch.device:
        """Where the tensors lie."""
        return self.indices.device

    def degrees(self) -> Tensor:
        """The number of entries of each row.

        Returns:
            int64 ``[R]``.
        """
        return self.indptr.diff()

    def to(self, device: torch.device | str) -> Adjacency:
        """The same matrix on another device; itself if it is there.

        Args:
            device: A torch device.

        Returns:
            The matrix there.
        """
        if torch.device(device) == self.device:
            return self
        weights = None if self.weights is None else self.weights.to(device)
        return Adjacency(self.indptr.to(device), self.indices.to(device), weights, num_columns=self.num_columns)

    def entries(self, edges: Tensor, *, what: str = "exclude") -> Tensor:
        """Where the edges ``[2, P]`` lie among the entries, in both directions; edges that are not there are left out.

        Args:
            edges: int64 ``[2, P]``.
            what: What messages call them.

        Returns:
            Positions, int64; not sorted.

        Raises:
            InputError: The matrix is not square, or an edge names a node that it has not.
        """
        if self.num_rows != self.num_columns:
            raise InputError(
                f"the matrix is [{self.num_rows}, {self.num_columns}]; target edges can be excluded from a square one "
                "only: between two kinds of nodes they are in neither of the two matrices"
            )
        edges = checked_pairs(edges, what, self.device)
        if _ops.has_extension() and self.device.type == "cpu":
            from graphx import _core

            edges = edges.contiguous()
            native = _ops.array_of
            try:
                found = _core.neighbors_entries(
                    native(self.indptr),
                    native(self.indices),
                    native(self._side(None).bits),
                    native(edges),
                    True,
                    _threads(None),
                )
            except IndexError as error:
                raise self._out_of_range(edges, what) from error
            return torch.from_numpy(found)
        if edges.numel() and not 0 <= int(edges.min()) <= int(edges.max()) < self.num_rows:
            raise self._out_of_range(edges, what)
        wanted = torch.cat((edges[0] * self.num_columns + edges[1], edges[1] * self.num_columns + edges[0]))
        keys = self.keys()
        at = torch.searchsorted(keys, wanted)
        if keys.numel() == 0:
            return at[:0]
        return at[keys[at.clamp(max=keys.numel() - 1)] == wanted]

    def _out_of_range(self, edges: Tensor, what: str) -> InputError:
        bad = int(edges.min()) if int(edges.min()) < 0 else int(edges.max())
        return InputError(
            f"{what} names the node {bad}; expected 0..{self.num_rows - 1}: pass num_nodes if there are more"
        )

    def keys(self) -> Tensor:
        """``row * N + column`` of every entry, made once.

        Returns:
            int64 ``[E]``, ascending.
        """
        if self._keys is None:
            self._keys = edge_keys(self.indptr, self.indices, self.num_columns)
        return self._keys

    def _side(self, excluded: Tensor | None) -> Side:
        """What an operator takes; bit rows where the matrix is so dense that they are smaller than the lists."""
        if not (_ops.has_extension() and self.device.type == "cpu"):
            cells = self.num_rows * self.num_columns
            if self.weights is not None or cells > 16 * self.num_entries:
                return Side(self.indptr, self.indices, self.weights, None, self.keys(), excluded)
            if self._matrix is None:
                self._matrix = edge_matrix(self.indptr, self.indices, self.num_columns)
            return Side(self.indptr, self.indices, None, self._matrix, self._keys, excluded)
        words = (self.num_columns + 63) // 64
        if self._bits is None and self.weights is None and 0 < self.num_rows * words * 2 <= self.num_entries:
            from graphx import _core

            side = (_ops.array_of(self.indptr), _ops.array_of(self.indices), None, None, None)
            self._bits = torch.from_numpy(_core.neighbors_bits(side, self.num_columns, _threads(None)).view(np.int64))
        return Side(self.indptr, self.indices, self.weights, self._bits, None, excluded)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_bits": None, "_keys": None, "_matrix": None}

    def __repr__(self) -> str:
        weighted = ", weighted" if self.weights is not None else ""
        return f"Adjacency(rows={self.num_rows}, columns={self.num_columns}, entries={self.num_entries}{weighted})"


def as_adjacency(
    edges: Any,
    *,
    edge_weight: Tensor | None = None,
    num_nodes: int | tuple[int, int] | None = None,
) -> Adjacency:
    """The neighbour lists of a graph in any of PyG's forms; the last few tensors asked for are remembered.

    Row ``i`` is the neighbourhood of ``i``: the targets of its edges in an ``edge_index``, its row in a matrix. Nothing
    is symmetrised. A neighbour that is listed twice is one neighbour, as neighbourhoods are sets; with weights,
    duplicates are an error, as there are two ways to merge them. Loops stay.

    Args:
        edges: int64 ``edge_index`` ``[2, E]``, an ``EdgeIndex``, a torch sparse tensor (CSR, CSC or COO), a
            ``torch_sparse.SparseTensor``, a :class:`graphx.Graph`, or an :class:`Adjacency`. Values of sparse matrices
            other than all ones are weights.
        edge_weight: ``[E]``, for an ``edge_index``.
        num_nodes: N, or ``(R, N)`` for a matrix between two kinds of nodes; by default the largest number + 1, or what
            the form knows.

    Returns:
        The adjacency.

    Raises:
        InputError: None of these forms, wrong type or shape, negative or too large numbers, duplicates with weights.

    Example:
        >>> import torch
        >>> as_adjacency(torch.tensor([[0, 1, 1], [1, 0, 0]]), num_nodes=4)
        Adjacency(rows=4, columns=4, entries=2)
    """
    if isinstance(edges, Adjacency):
        _same_size(edges, num_nodes)
        return edges
    version = (getattr(edges, "_version", 0), edge_weight is None, num_nodes)
    known = _CACHE.get(id(edges))
    if edge_weight is None and known is not None and known[0]() is edges and known[1] == version:
        return known[2]
    made = _build(edges, edge_weight, num_nodes)
    _same_size(made, num_nodes)
    if edge_weight is None:
        key = id(edges)
        try:
            reference = weakref.ref(edges, partial(_CACHE.pop, key))  # no Python in there, where Ctrl-C would be lost
        except TypeError:
            return made
        while len(_CACHE) >= _CACHE_SIZE:
            _CACHE.pop(next(iter(_CACHE)))
        _CACHE[key] = (reference, version, made)
    return made


def checked_pairs(pairs: Any, what: str, device: torch.device) -> Tensor:
    """The pairs without the wrapper of an ``EdgeIndex``, which has no memory; refuses what is no int64 ``[2, B]``."""
    if not isinstance(pairs, Tensor) or pairs.dtype != torch.int64 or pairs.dim() != 2 or pairs.size(0) != 2:
        came = f"{pairs.dtype} {list(pairs.shape)}" if isinstance(pairs, Tensor) else f"a {type(pairs).__name__}"
        cure = ": pass pairs.t()" if isinstance(pairs, Tensor) and pairs.dim() == 2 and pairs.size(1) == 2 else ""
        raise InputError(f"{what} is {came}; expected an int64 tensor [2, B]{cure}")
    if pairs.device != device:
        raise InputError(f"{what} is on {pairs.device} and the graph on {device}; move one with .to()")
    plain: Tensor = pairs.as_tensor() if hasattr(pairs, "as_tensor") else pairs
    return plain


def _same_size(made: Adjacency, num_nodes: int | tuple[int, int] | None) -> None:
    if num_nodes is None:
        return
    size = num_nodes if isinstance(num_nodes, tuple) else (num_nodes, num_nodes)
    if (made.num_rows, made.num_columns) != size:
        raise InputError(
            f"the graph is [{made.num_rows}, {made.num_columns}] and num_nodes says {list(size)}; expected the same"
        )


def _build(edges: Any, weight: Tensor | None, num_nodes: int | tuple[int, int] | None) -> Adjacency:
    if isinstance(edges, Tensor) and edges.layout == torch.strided:
        return _from_edge_index(edges, weight, num_nodes)
    if weight is not None:
        raise InputError("edge_weight goes with an edge_index [2, E]; this form holds its weights itself")
    if isinstance(edges, Tensor):
        if edges.dim() != 2:
            raise InputError(f"the sparse tensor has shape {list(edges.shape)}; expected a matrix [R, N]")
        coo = edges.to_sparse_coo().coalesce()  # type: ignore[no-untyped-call]
        return _from_coo(coo.indices(), _weights_or_none(coo.values()), (edges.size(0), edges.size(1)))
    if type(edges).__name__ == "SparseTensor" and hasattr(edges, "coo"):
        row, column, value = edges.coo()
        size = (edges.size(0), edges.size(1))
        return _from_coo(torch.stack((row, column)), None if value is None else _weights_or_none(value), size)
    if type(edges).__module__ == "graphx.graph":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a Graph is read-only, and torch cannot say so; nothing here writes
            parts = [None if a is None else torch.from_numpy(a) for a in (edges.indptr, edges.indices, edges.weights)]
        assert parts[0] is not None
        assert parts[1] is not None
        return Adjacency(parts[0], parts[1], parts[2], num_columns=edges.num_nodes)
    raise InputError(
        f"the graph is a {type(edges).__module__}.{type(edges).__qualname__}; expected an edge_index [2, E], an "
        "EdgeIndex, a torch sparse matrix, a SparseTensor, a graphx.Graph or an Adjacency"
    )


def _weights_or_none(values: Tensor) -> Tensor | None:
    if values.dim() != 1:
        raise InputError(f"the sparse matrix holds values {list(values.shape)}; expected one number for each edge")
    return None if bool((values == 1).all()) else values


def _from_edge_index(edges: Tensor, weight: Tensor | None, num_nodes: int | tuple[int, int] | None) -> Adjacency:
    if edges.dtype != torch.int64 or edges.dim() != 2 or edges.size(0) != 2:
        raise InputError(
            f"edge_index is {edges.dtype} {list(edges.shape)}; expected int64 [2, E]"
            + (": pass edge_index.t()" if edges.dim() == 2 and edges.size(1) == 2 else "")
        )
    if num_nodes is None and hasattr(edges, "sparse_size"):
        known = edges.sparse_size()
        num_nodes = known if None not in known else None
    if hasattr(edges, "as_tensor"):
        edges = edges.as_tensor()
    if num_nodes is None:
        num_nodes = int(edges.max()) + 1 if edges.numel() else 0
    size = num_nodes if isinstance(num_nodes, tuple) else (num_nodes, num_nodes)
    for row, count in zip(edges, size, strict=True):
        if row.numel() and not 0 <= int(row.min()) <= int(row.max()) < count:
            bad = int(row.min()) if int(row.min()) < 0 else int(row.max())
            raise InputError(f"edge_index names node {bad}; expected 0..{count - 1}: raise num_nodes, or renumber")
    return _from_coo(edges, weight, size)


def _from_coo(edges: Tensor, weight: Tensor | None, size: tuple[int, int]) -> Adjacency:
    rows, columns = size
    if max(size) > 2**31 - 1:
        raise CapacityError(f"{max(size):,} nodes; expected at most 2^31 - 1, as node numbers are 32-bit")
    if weight is not None:
        if weight.requires_grad:
            raise InputError("the edge weights require a gradient, which they do not get here; pass .detach()")
        if weight.dim() != 1 or weight.numel() != edges.size(1):
            raise InputError(f"edge_weight has shape {list(weight.shape)}; expected [{edges.size(1)}]")
        weight = weight.to(torch.float64)
    narrow = columns <= rows + edges.size(1)  # the kernel makes as many rows as there are columns
    if _ops.has_extension() and edges.device.type == "cpu" and weight is None and narrow:
        from graphx import _core

        u, v = (part.contiguous().numpy() for part in edges)
        indptr, indices, _, _ = _core.csr_from_edges(u, v, None, max(size), False, False, 1, _threads(None))
        return Adjacency(torch.from_numpy(indptr)[: rows + 1], torch.from_numpy(indices), num_columns=columns)
    keys, order = torch.sort(edges[0] * columns + edges[1], stable=True)
    first = torch.ones_like(keys, dtype=torch.bool)
    first[1:] = keys[1:] != keys[:-1]
    if weight is not None and not bool(first.all()):
        at = keys[~first][0]
        raise InputError(
            f"edge ({int(at // columns)}, {int(at % columns)}) comes more than once with weights; merge duplicates "
            "first, as torch_geometric.utils.coalesce does"
        )
    keys = keys[first]
    counts = torch.bincount(keys // max(columns, 1), minlength=rows)
    indptr_ = torch.cat((counts.new_zeros(1), counts.cumsum(0)))
    weights = None if weight is None else weight[order]
    return Adjacency(indptr_, (keys % max(columns, 1)).to(torch.int32), weights, num_columns=columns)


def _threads(num_threads: int | None) -> int:
    """As asked, or as many as torch uses."""
    from graphx._threads import resolve_threads

    return resolve_threads(torch.get_num_threads() if num_threads is None else num_threads)
