r"""Orbit adjacencies as short programs of sparse products over column tiles, float32 or rows of bfloat16.

With A the adjacency, T = ``(1, 3, 3)``, K = ``(1, 14, 14)``, q = ``(2, 12, 12)``, d the degrees, :math:`\tau` the
triangles at a node, :math:`S_1 = [1]12\_13 + T + 2K` and y = A x:

.. math::
    [2]1\_1 \, x &= A y + E x, & E &= -T - d \\
    [2]4\_5 \, x &= A \, ([1]1\_2 \, x) + E x, & E &= S_1 - T (d - 1) + 2\tau - d (d - 1) - 2 \cdot [2]8\_8 \\
    [2]5\_4 \, x &= [1]2\_1 \, y + E x, & E &= \text{the transpose} \\
    [2]6\_6 \, x &= A ((d - 2) y - T x) - T y + E x, & E &= 2K + 2T - [1]10\_10 + 2q + 2d - A d + 4\tau \\
    [2]9\_10 \, x &= A (T x) + E x, & E &= -S_1 - 2\tau - 2q \\
    [2]10\_9 \, x &= T y + E x, & E &= \text{the transpose} \\
    [3]4\_4 \, x &= A (A y - T x - (d - 1) x) - T y - d y + E x, & E &= 2T + 2K - [1]8\_8 + 2\tau + 2q

so every matrix is a few passes over A and one over an explicit sparse matrix. Two matrices of pairs are counted once
and kept, [2]8_8 (pairs across a chordless square) and q (pairs across a diamond): what is dense in [2]1_1, [2]4_5 and
[3]4_4 is pairs with one common neighbour, and those are in neither. The formulas are ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from graphx import _core
from graphx.errors import CapacityError
from graphx.gradco._packed import Floats, Rows, aligned, packed_rows, packs
from graphx.gradco.operator import _Products
from graphx.gradco.orbits import ROW_DIVISORS, Key, key_name, key_number

if TYPE_CHECKING:
    from graphx.gradco.count import OrbitAdjacency

__all__ = ["TiledOrbits"]

Pattern = tuple[npt.NDArray[np.int64] | None, npt.NDArray[np.int32] | None, Floats | None]
Projection = tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], Floats]
# (own, its factors, target, first column, columns, weight, normalize, add):
# target (+)= factors own + weight rownorm(M x)
Finish = tuple[Rows | None, Floats | None, Floats, int, int, float, bool, bool]
Step = tuple[str, tuple[tuple[str, str], ...]]  # what it makes: the sum of (matrix, operand)

_THIN: Final = 2  # entries a row up to which several products of a sparse x stay sparse
_MOST_BYTES: Final = 4 << 30  # what the two matrices that are kept may take

_PROGRAMS: Final[dict[Key, tuple[Step, ...]]] = {
    (2, 1, 1): (("y", (("A", "x"),)), ("out", (("A", "y"), ("E", "x")))),
    (2, 4, 5): (("y", (("1_2", "x"),)), ("out", (("A", "y"), ("E", "x")))),
    (2, 5, 4): (("y", (("A", "x"),)), ("out", (("2_1", "y"), ("E", "x")))),
    (2, 6, 6): (
        ("y", (("A", "x"),)),
        ("z", (("d-2", "y"), ("-T", "x"))),
        ("out", (("A", "z"), ("-T", "y"), ("E", "x"))),
    ),
    (2, 9, 10): (("y", (("T", "x"),)), ("out", (("A", "y"), ("E", "x")))),
    (2, 10, 9): (("y", (("A", "x"),)), ("out", (("T", "y"), ("E", "x")))),
    (3, 4, 4): (
        ("y", (("A", "x"),)),
        ("z", (("A", "y"), ("-T", "x"), ("1-d", "x"))),
        ("out", (("A", "z"), ("-T", "y"), ("-d", "y"), ("E", "x"))),
    ),
}
_ALONE: Final[tuple[Step, ...]] = (("out", (("E", "x"),)),)  # hop 1, and the two that are kept

_EDGES: Final[Key] = (1, 0, 0)
_NEAR_OF: Final[dict[Key, Key]] = {
    (2, 4, 5): (1, 1, 2),
    (2, 5, 4): (1, 2, 1),
    **dict.fromkeys(((2, 6, 6), (2, 9, 10), (2, 10, 9), (3, 4, 4)), (1, 3, 3)),
}
_NEAR_NAMES: Final[dict[str, Key]] = {"1_2": (1, 1, 2), "2_1": (1, 2, 1), "T": (1, 3, 3)}
_SQUARE: Final[Key] = (2, 8, 8)
_DIAMOND: Final[Key] = (2, 12, 12)
_KEPT_PARTS: Final[dict[Key, tuple[Key, int]]] = {
    (2, 4, 5): (_SQUARE, -2),
    (2, 5, 4): (_SQUARE, -2),
    (2, 6, 6): (_DIAMOND, 2),
    (2, 9, 10): (_DIAMOND, -2),
    (2, 10, 9): (_DIAMOND, -2),
    (3, 4, 4): (_DIAMOND, 2),
    _SQUARE: (_SQUARE, 1),
    _DIAMOND: (_DIAMOND, 1),
}


class TiledOrbits:
    """The programs of one graph and what they share, made once.

    Args:
        orbits: The counted graph.
        keys: The matrices that will be asked for.
        most_bytes: What the two matrices that are kept may take in memory.
        together: How many edge parts are made in one pass over the edges; each takes four bytes an entry meanwhile.
    """

    def __init__(
        self, orbits: OrbitAdjacency, keys: Iterable[Key], *, most_bytes: int = _MOST_BYTES, together: int = 6
    ) -> None:
        self.orbits, self.graph, self.threads = orbits, orbits.graph, orbits._threads
        self.products = _Products(orbits)
        keys = list(keys)
        self._keep = sorted({_KEPT_PARTS[key][0] for key in keys if key in _KEPT_PARTS})
        self._most_bytes, self._together = most_bytes, together
        self._shared: dict[str, Pattern] = {}
        self._edge_keys = sorted((key for key in keys if key not in (_EDGES, _SQUARE, _DIAMOND)), key=key_number)
        self._parts: dict[Key, Pattern] = {}
        self._later = {near for key, near in _NEAR_OF.items() if key in keys}  # hop-1 matrices that programs want again
        self._space: dict[tuple[str, tuple[int, ...], np.dtype[Any]], Rows] = {}

    # -- what the programs are made of ---------------------------------------------------------------------------------

    @cached_property
    def degrees(self) -> npt.NDArray[np.int64]:
        return self.graph.degrees()

    @cached_property
    def graphlet_degrees(self) -> npt.NDArray[np.int64]:
        """``[15, N]``, an orbit a row."""
        return np.ascontiguousarray(self.orbits.graphlet_degrees().T)

    def row_sums(self, key: Key) -> npt.NDArray[np.int64]:
        """M 1, from the graphlet degrees."""
        made: npt.NDArray[np.int64] = self.graphlet_degrees[key[1]] * ROW_DIVISORS[key]
        return made

    @cached_property
    def kept(self) -> dict[Key, Pattern]:
        """The pair matrices that are explicit, counted together, within the allowed memory."""
        if not self._keep:
            return {}
        made = self.orbits._counter.square_pairs(self._most_bytes, self.threads)
        if made is None:
            return self._kept_by_blocks()
        if made is False:
            raise self._too_large()
        return {_SQUARE: made[0], _DIAMOND: made[1]}

    def _kept_by_blocks(self) -> dict[Key, Pattern]:
        """The same by rows of the matrices: where common neighbourhoods are too dense for lists."""
        found: dict[Key, list[tuple[Any, Any, Any]]] = {key: [] for key in self._keep}
        size = 0
        for block in self.orbits.iter_blocks(self._keep):
            for key in self._keep:
                indptr, indices, values = block.arrays(key)
                size += 8 * indices.size
                found[key].append((np.diff(indptr), indices.copy(), values.astype(np.float32)))
            if size > self._most_bytes:
                raise self._too_large()
        made: dict[Key, Pattern] = {}
        for key in self._keep:
            parts = found.pop(key) or [(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))]
            sizes, columns, numbers = (np.concatenate(part) for part in zip(*parts, strict=True))
            made[key] = (np.concatenate([[0], np.cumsum(sizes)]), columns, numbers)
        return made

    def _too_large(self) -> CapacityError:
        return CapacityError(
            f"the pairs of {' and '.join(map(key_name, self._keep))} take more than {self._most_bytes / 1e9:,.1f} GB; "
            f"leave out the orbits that need them: {', '.join(key_name(key) for key in _KEPT_PARTS)}"
        )

    def shared(self, name: str) -> Pattern:
        """A matrix that several programs use."""
        made = self._shared.get(name)
        if made is None:
            made = self._shared[name] = self._make(name)
        return made

    def forget(self, name: str) -> None:
        """Gives the memory of a shared matrix back."""
        self._shared.pop(name, None)

    def _make(self, name: str) -> Pattern:
        indptr, indices, d = self.graph.indptr, self.graph.indices, self.degrees
        if name == "A":
            return indptr, indices, None
        if name in _NEAR_NAMES:
            return self._near(_NEAR_NAMES[name], ahead=False)
        if name == "-T":
            starts, columns, values = self.shared("T")
            assert values is not None
            return starts, columns, -values
        diagonal = {"d-2": d - 2, "1-d": 1 - d, "-d": -d}[name]
        return None, None, diagonal.astype(np.float32)

    def explicit(self, key: Key) -> list[Pattern]:
        """E of a program as summands: what is on the edges, the diagonal, and pairs that are kept."""
        made: list[Pattern] = []
        if key not in (_SQUARE, _DIAMOND):
            made.append(self._near(key))
        if (diagonal := self._diagonal(key)) is not None:
            made.append((None, None, diagonal.astype(np.float32)))
        if key in _KEPT_PARTS:
            kept, factor = _KEPT_PARTS[key]
            indptr, indices, values = self.kept[kept]
            assert values is not None
            made.append((indptr, indices, values if factor == 1 else values * np.float32(factor)))
        return made

    def _near(self, key: Key, *, ahead: bool = True) -> Pattern:
        """What E has on the edges, without its zeros; those of the keys that follow are made in the same pass."""
        if key == _EDGES:
            return self.graph.indptr, self.graph.indices, None
        if key not in self._parts:
            wanted = [key]
            if ahead:
                wanted += [k for k in self._edge_keys if key_number(k) > key_number(key) and k not in self._parts]
            wanted = wanted[: self._together]
            made = self.orbits._counter.edge_parts([key_number(k) for k in wanted], self.threads)
            self._parts.update(zip(wanted, made, strict=True))
        indptr, indices, values = self._parts[key] if ahead and key in self._later else self._parts.pop(key)
        return (self.graph.indptr, self.graph.indices, values) if indptr is None else (indptr, indices, values)

    def _diagonal(self, key: Key) -> npt.NDArray[np.int64] | None:
        d = self.degrees
        tau: npt.NDArray[np.int64] = self.graphlet_degrees[3]
        if key == (2, 1, 1):
            return -d
        if key in ((2, 4, 5), (2, 5, 4)):
            return 2 * tau - d * (d - 1)
        if key == (2, 6, 6):
            around = self.products.adjacency(d.reshape(-1, 1)).ravel()
            return 2 * d - around + 4 * tau
        if key in ((2, 9, 10), (2, 10, 9)):
            return -2 * tau
        if key == (3, 4, 4):
            return 2 * tau
        return None

    # -- products ------------------------------------------------------------------------------------------------------

    def space(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Rows:
        """Room for what lies between the products of a program, the same for all of them."""
        if (name, shape, dtype) not in self._space:
            self._space[name, shape, dtype] = aligned(*shape, dtype=dtype)
        return self._space[name, shape, dtype]

    def program(self, key: Key) -> Program:
        """The program of a matrix, its explicit part made."""
        for name in ("1_2", "2_1"):  # of one program each
            self.forget(name)
        return Program(self, _PROGRAMS.get(key, _ALONE), self.explicit(key))


class Program:
    """Products ``diag(scale) M x`` of one orbit adjacency.

    Args:
        orbits: What the programs share.
        steps: The steps.
        explicit: E.
    """

    def __init__(self, orbits: TiledOrbits, steps: tuple[Step, ...], explicit: list[Pattern]) -> None:
        self._orbits, self._steps, self._explicit = orbits, steps, explicit

    def _patterns(self, name: str) -> list[Pattern]:
        return self._explicit if name == "E" else [self._orbits.shared(name)]

    def apply(
        self,
        x: Rows,
        out: Rows,
        scale: Floats | None,
        squares: npt.NDArray[np.float64] | None,
        finish: Finish | None = None,
        *,
        packed: bool = False,
    ) -> Rows:
        """``out[t] = diag(scale) M x[t]`` for every tile, ``squares[t]`` its row sums of squares.

        Args:
            x: ``[tiles, N, width]``, or with one tile packed rows; float32, or bfloat16 as uint16.
            out: ``[tiles, N, width]``, not ``x``; rows are rounded to its kind once.
            scale: ``[N]`` or None.
            squares: float64 ``[tiles, N]`` or None.
            finish: With one tile: what becomes of the rows, which are not kept in ``out`` then.
            packed: Leave packed rows, in the memory of ``out``; see :meth:`stays_sparse`.

        Returns:
            ``out``, or the packed rows ``[1, N, 144]``.
        """
        scratch = self._scratch(out)
        made = packed_rows(out) if packed else out
        for tile in range(x.shape[0]):
            values = {"x": x[tile], "out": made[tile], **scratch}
            for target, terms in self._steps:
                last = target == "out"
                _core.tile_multiply(
                    [(*part, values[operand]) for name, operand in terms for part in self._patterns(name)],
                    values[target],
                    False,
                    scale if last else None,
                    squares[tile] if last and squares is not None else None,
                    self._orbits.threads,
                    finish if last else None,
                    packed and last,
                    out.dtype != np.float32,
                )
        return made

    def stays_sparse(self, out: Rows, *, hops: int = 1) -> bool:
        """Whether packed rows are worth it for what ``hops`` of these products make of a sparse x."""
        if self._steps is not _ALONE or not packs(out):
            return False
        entries = sum(indices.size for _, indices, _ in self._explicit if indices is not None)
        # half as long, rows are added as fast as packed ones that are not nearly empty
        return (hops == 1 and out.dtype == np.float32) or entries <= _THIN * out.shape[-2]

    def project(
        self,
        projection: Projection,
        out: Rows,
        scale: Floats | None,
        squares: npt.NDArray[np.float64] | None,
        *,
        packed: bool = False,
    ) -> Rows:
        """The same for a sparse x, given as CSR ``(indptr, columns, values)``.

        Args:
            projection: x.
            out: See :meth:`apply`.
            scale: See :meth:`apply`.
            squares: See :meth:`apply`.
            packed: Leave packed rows, in the memory of ``out``; see :meth:`stays_sparse`.

        Returns:
            ``out``, or the packed rows ``[1, N, 144]``.
        """
        threads = self._orbits.threads
        made: dict[str, Rows] = {}
        for target, terms in self._steps:
            last = target == "out"
            room = out
            if not last:  # one tile: the room that `apply` uses
                shape = out.shape[1:] if out.shape[0] == 1 else out.shape
                room = self._orbits.space(target, shape, out.dtype).reshape(out.shape)
            sparse = [part for name, operand in terms if operand == "x" for part in self._patterns(name)]
            dense = [(part, operand) for name, operand in terms if operand != "x" for part in self._patterns(name)]
            plain = last and not dense
            pack = packed if last else not dense and packs(room) and out.dtype == np.float32
            made[target] = packed_rows(room) if pack else room
            _core.tile_project(
                sparse,
                projection,
                made[target],
                False,
                scale if plain else None,
                squares if plain else None,
                threads,
                pack,
                out.dtype != np.float32,
            )
            for tile in range(out.shape[0]) if dense else ():
                _core.tile_multiply(
                    [(*pattern, made[operand][tile]) for pattern, operand in dense],
                    made[target][tile],
                    True,
                    scale if last else None,
                    squares[tile] if last and squares is not None else None,
                    threads,
                )
        return made["out"]

    def _scratch(self, x: Rows) -> dict[str, Rows]:
        return {
            target: self._orbits.space(target, x.shape[1:], x.dtype) for target, _ in self._steps if target != "out"
        }
