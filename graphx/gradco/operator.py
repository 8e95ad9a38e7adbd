r"""Products with orbit adjacencies that never build the matrix.

With A the adjacency, T = ``(1, 3, 3)``, K = ``(1, 14, 14)``, d the degrees, :math:`\tau` the triangles at a node, S1
and S2 the edge sums of :math:`t_{vw}` and :math:`d_w` over common neighbours w, and B the node-edge incidence of
triangles:

.. math::
    c &= A^2 - T - \operatorname{diag}(d), &\quad G &= A T - S_1 - 2 \operatorname{diag}(\tau), \\
    q &= B B^\top - K - \operatorname{diag}(\tau), &\quad
    F &= A \operatorname{diag}(d) A - S_2 - \operatorname{diag}(A d) - 2 c - G - G^\top

and [2]1_1 = c, [2]12_12 = q, [2]9_10 = G - 2q, [2]6_6 = F + 2q, [3]4_4 = c A - [2]9_10 - [1]8_8 - 12_13 - 1_2. Each
costs a few sparse products, O((edges + triangles) columns). The three matrices with a squared count ([2]8_8, [2]4_5 and
[2]5_4) are applied row by row while they are counted. The formulas are ours.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.sparse.linalg import LinearOperator

from graphx import _core
from graphx.errors import CapacityError, InputError
from graphx.gradco.orbits import ORBIT_KEYS, ROW_DIVISORS, Key, key_number, transposed

if TYPE_CHECKING:
    from graphx.gradco.count import OrbitAdjacency

__all__ = ["OrbitOperator"]

Array = npt.NDArray[Any]


class OrbitOperator(LinearOperator):  # type: ignore[misc, unused-ignore]
    """One orbit adjacency as a linear operator ``[N, N]``; made by :meth:`OrbitAdjacency.operator`.

    Operands are ``[N]`` or ``[N, d]``: float32 and float64 give their own kind, integers and booleans give exact int64
    (or CapacityError where a sum could pass 2^63). The transpose is the operator of the transposed key.

    Args:
        orbits: The counted graph.
        key: ``(hop, o1, o2)``.

    Raises:
        KeyError: There is no such matrix.

    Example:
        >>> import networkx as nx, numpy as np
        >>> from graphx.gradco import OrbitAdjacency
        >>> orbits = OrbitAdjacency(nx.barabasi_albert_graph(60, 3, seed=0))
        >>> x = np.arange(120).reshape(60, 2)
        >>> bool((orbits.operator(3, 4, 4) @ x == orbits[3, 4, 4] @ x).all())
        True
    """

    def __init__(self, orbits: OrbitAdjacency, key: Key) -> None:
        number = key_number(key)
        nodes = orbits.graph.num_nodes
        super().__init__(np.dtype(np.int64), (nodes, nodes))  # type: ignore[call-arg, unused-ignore]
        self.key = ORBIT_KEYS[number]
        self._number = number
        self._orbits = orbits

    def _matvec(self, x: Array) -> Array:
        return self._matmat(np.asarray(x).reshape(-1, 1)).reshape(np.shape(x))

    def _rmatvec(self, x: Array) -> Array:
        return self._adjoint()._matvec(x)

    def _rmatmat(self, x: Array) -> Array:
        return self._adjoint()._matmat(x)

    def _transpose(self) -> OrbitOperator:
        return self if self.key == transposed(self.key) else OrbitOperator(self._orbits, transposed(self.key))

    def _adjoint(self) -> OrbitOperator:
        return self._transpose()

    def _matmat(self, x: Array) -> Array:
        x = self._operand(np.asarray(x))
        products = _Products.of(self._orbits)
        if self.key[0] == 1:
            return products.hop1({self.key: 1}, x)
        if self.key in _SUMS:
            return _SUMS[self.key](products, x)
        out = np.empty_like(x)
        self._orbits._counter.multiply_rows(self._number, x, out, self._orbits._threads, None)
        return out

    def _operand(self, x: Array) -> Array:
        """The operand as float32, float64 or int64, rows contiguous."""
        if x.dtype.kind in "bui":
            if x.dtype == np.uint64 and x.size and x.max() > np.uint64(2**63 - 1):
                raise CapacityError("the operand has entries of 2^63 or more; expected what int64 holds")
            x = x.astype(np.int64, copy=False)
            self._check_fits(x)
        elif x.dtype not in (np.float32, np.float64):
            raise InputError(f"the operand is {x.dtype}; expected float32, float64 or integers: convert it first")
        return np.ascontiguousarray(x)

    def _check_fits(self, x: Array) -> None:
        # No entry passes the largest row sum times the largest operand. Partial products of a chain may, and wrap: they
        # are sums and differences modulo 2^64, so what fits in the end is exact.
        largest = max(abs(int(x.max(initial=0))), abs(int(x.min(initial=0))))
        degrees = self._orbits._run("graphlet degrees", 1, self._orbits._counter.graphlet_degrees)
        rows = int(degrees[:, self.key[1]].max(initial=0)) * ROW_DIVISORS[self.key]
        if largest * rows >= 2**63:
            raise CapacityError(
                f"the product with an operand of up to {largest:,} could pass 2^63; convert it to float64 first"
            )


class _Products:
    """The sparse products of one graph, and what they need, made once."""

    def __init__(self, orbits: OrbitAdjacency) -> None:
        self.graph, self.counter, self.threads = orbits.graph, orbits._counter, orbits._threads

    @classmethod
    def of(cls, orbits: OrbitAdjacency) -> _Products:
        if orbits._products is None:
            orbits._products = cls(orbits)
        products: _Products = orbits._products
        return products

    @cached_property
    def degrees(self) -> npt.NDArray[np.int64]:
        return self.graph.degrees()

    @cached_property
    def triangles(self) -> npt.NDArray[np.int64]:
        return np.ascontiguousarray(self.counter.graphlet_degrees(self.threads, None)[:, 3])

    @cached_property
    def closed(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], Array]:
        """T as a CSR of its own: few edges of a sparse graph are in a triangle."""
        t = self.edge({(1, 3, 3): 1})
        inside = t > 0
        before = np.concatenate([[0], np.cumsum(inside)])
        return before[self.graph.indptr], self.graph.indices[inside], t[inside]

    def edge(self, sums: dict[Key, int]) -> Array:
        """A combination of hop-1 matrices as values on the CSR entries; int64 unless it is one matrix as it is."""
        total: Array | None = None
        for key, factor in sums.items():
            values = self.counter.hop1_values(key_number(key), self.threads, None)
            if len(sums) == 1 and factor == 1:
                return values
            total = values.astype(np.int64) * factor if total is None else total + factor * values
        assert total is not None
        return total

    def product(
        self,
        pattern: tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], Array | None],
        x: Array,
        out: Array | None = None,
        scale: int = 1,
        diagonal: Array | None = None,
        y: Array | None = None,
    ) -> Array:
        """``out += scale * S x + diag(diagonal) y``; a fresh array if ``out`` is None."""
        accumulate = out is not None
        made = np.empty_like(x) if out is None else out
        _core.spmm(*pattern, x, made, scale, accumulate, diagonal, y, self.threads)
        return made

    def adjacency(self, x: Array, out: Array | None = None, scale: int = 1, **more: Any) -> Array:
        return self.product((self.graph.indptr, self.graph.indices, None), x, out, scale, **more)

    def closed_times(self, x: Array, out: Array | None = None, scale: int = 1, **more: Any) -> Array:
        return self.product(self.closed, x, out, scale, **more)

    def hop1(self, sums: dict[Key, int], x: Array, out: Array | None = None, **more: Any) -> Array:
        if sums == {(1, 0, 0): 1}:
            return self.adjacency(x, out, **more)
        return self.product((self.graph.indptr, self.graph.indices, self.edge(sums)), x, out, **more)

    def incidence(self, x: Array, out: Array, scale: int) -> None:
        """``out += scale * B B^T x``."""
        self.counter.multiply_triangles(x, scale, out, self.threads, None)

    # S1 = [1]12_13 + T + 2K;  S1^T = [1]13_12 + T + 2K;  S2 = [1]10_10 + S1 + S1^T - 2K

    def common(self, x: Array) -> Array:
        """Return c x = A(A x) - T x - d x."""
        out = self.adjacency(self.adjacency(x), diagonal=-self.degrees, y=x)
        return self.closed_times(x, out, -1)

    def inside(self, x: Array) -> Array:
        """Return q x = B B^T x - K x - tau x."""
        out = self.hop1({(1, 14, 14): -1}, x, diagonal=-self.triangles, y=x)
        self.incidence(x, out, 1)
        return out

    def paw(self, x: Array) -> Array:
        """(G - 2q) x, G = A T - S1 - 2 tau; the terms in tau cancel."""
        out = self.adjacency(self.closed_times(x))
        self.hop1({(1, 12, 13): -1, (1, 3, 3): -1}, x, out)
        self.incidence(x, out, -2)
        return out

    def paw_transposed(self, x: Array) -> Array:
        """(G^T - 2q) x, G^T = T A - S1^T - 2 tau."""
        out = self.closed_times(self.adjacency(x))
        self.hop1({(1, 13, 12): -1, (1, 3, 3): -1}, x, out)
        self.incidence(x, out, -2)
        return out

    def claw(self, x: Array) -> Array:
        """(F + 2q) x with F = A diag(d) A - S2 - diag(A d) - 2c - G - G^T."""
        once = self.adjacency(x)
        twice_neighbour_degrees = self.adjacency(self.degrees.reshape(-1, 1)).ravel()
        # -2c = -2 A(A x) + 2 T x + 2 d x;  -G - G^T + 2q with the hop-1 and diagonal parts gathered:
        # hop 1: -S2 + S1 + S1^T - 2K + 2T = -[1]10_10 + 2T;  diagonal: 2d - A d + 4 tau - 2 tau
        middle = self.closed_times(x, scale=-1, diagonal=self.degrees - 2, y=once)
        out = self.adjacency(middle)
        self.closed_times(once, out, -1)
        self.hop1(
            {(1, 10, 10): -1, (1, 3, 3): 2},
            x,
            out,
            diagonal=2 * self.degrees - twice_neighbour_degrees + 2 * self.triangles,
            y=x,
        )
        self.incidence(x, out, 2)
        return out

    def path(self, x: Array) -> Array:
        """[3]4_4 x = c A x - (G - 2q) x - ([1]8_8 + 12_13 + 1_2) x."""
        once = self.adjacency(x)
        middle = self.adjacency(once)
        self.closed_times(x, middle, -1)  # A(A x) - T x
        out = self.adjacency(middle, diagonal=-self.degrees, y=once)
        del middle
        self.closed_times(once, out, -1)
        del once
        # + S1 - 2K from the paw, with S1 = 12_13 + T + 2K: what is left is T - 8_8 - 1_2
        self.hop1({(1, 3, 3): 1, (1, 8, 8): -1, (1, 1, 2): -1}, x, out)
        self.incidence(x, out, 2)
        return out


_SUMS = {
    (2, 1, 1): _Products.common,
    (2, 12, 12): _Products.inside,
    (2, 9, 10): _Products.paw,
    (2, 10, 9): _Products.paw_transposed,
    (2, 6, 6): _Products.claw,
    (3, 4, 4): _Products.path,
}
