"""Dense linear algebra on tall blocks of float32 columns, with the same bits for any number of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

__all__: list[str] = []

Block: TypeAlias = npt.NDArray[np.float32]

_ROWS = 8192  # of a part; fixed, so that sums are grouped alike for any number of threads
_RANK_TOLERANCE = 1e-11  # of the largest eigenvalue of a Gram matrix: below it there is only rounding


@contextmanager
def serial_blas() -> Iterator[None]:
    """One BLAS thread for each of ours: its own would split sums by their number."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield


def eigh(matrix: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Eigenvalues and eigenvectors of what is symmetric but for rounding."""
    values, axes = np.linalg.eigh((matrix + matrix.T) / 2)
    return values, axes


class Rows:
    """Dense work on fixed blocks of rows, by some threads, with sums added in the order of the blocks.

    Columns are orthogonal in the inner product that the rows have once each is divided by its scale.

    Args:
        scale: Of each row, ``[N]`` float32; a row of scale 0 counts for nothing.
        num_threads: Threads; the result does not depend on it.
    """

    def __init__(self, scale: Block, num_threads: int) -> None:
        num_rows = len(scale)
        self._parts = [slice(i, min(i + _ROWS, num_rows)) for i in range(0, num_rows, _ROWS)]
        self._threads = max(1, min(num_threads, len(self._parts)))
        self._pool: ThreadPoolExecutor | None = None
        self._weights = np.divide(1.0, np.square(scale, dtype=np.float64), where=scale > 0, out=np.zeros(num_rows))

    def __enter__(self) -> Self:
        if self._threads > 1:
            self._pool = ThreadPoolExecutor(self._threads)
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _map(self, work: Callable[[slice], Any]) -> Iterator[Any]:
        return map(work, self._parts) if self._pool is None else self._pool.map(work, self._parts)

    def each(self, work: Callable[[slice], object]) -> None:
        for _ in self._map(work):
            pass

    def sum(self, work: Callable[[slice], npt.NDArray[np.float64]], shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        total = np.zeros(shape)
        for value in self._map(work):
            total += value
        return total

    def gram(self, x: Block, y: Block) -> npt.NDArray[np.float64]:
        """The inner products of the columns of x with those of y, in double precision."""

        def part(rows: slice) -> npt.NDArray[np.float64]:
            right = y[rows] * self._weights[rows, None]
            product: npt.NDArray[np.float64] = x[rows].astype(np.float64).T @ right
            return product

        return self.sum(part, (x.shape[1], y.shape[1]))

    def transform(self, x: Block, matrix: npt.NDArray[np.float64], out: Block) -> None:
        """``out[:, :columns of matrix] = x @ matrix``; out may be x."""
        factor = matrix.astype(np.float32)
        self.each(lambda rows: np.copyto(out[rows, : factor.shape[1]], x[rows] @ factor))

    def orthonormal(self, x: Block, spare: Block) -> tuple[Block, Block]:
        """Orthonormal columns that span those of x, in the first array returned; missing ranks are zero columns."""
        for _ in range(2):  # once leaves the square of the condition number as an error, twice does not
            gram = self.gram(x, x)
            norms = np.sqrt(np.diagonal(gram))
            inverse = np.divide(1.0, norms, where=norms > 0, out=np.zeros_like(norms))
            values, axes = eigh(gram * inverse * inverse[:, None])
            good = values > _RANK_TOLERANCE * values.max(initial=0.0)
            axes = inverse[:, None] * np.where(good, axes / np.sqrt(np.where(good, values, 1.0)), 0.0)
            self.transform(x, axes, spare)
            x, spare = spare, x
        return x, spare
