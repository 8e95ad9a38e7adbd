"""OrbitFastRP: FastRP over graphlet orbit adjacencies, which are never built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from graphx import _core
from graphx._aligned import aligned_empty
from graphx._threads import resolve_threads
from graphx.errors import InputError
from graphx.fastrp._engine import (
    DENSE_FROM,
    KINDS,
    Progress,
    SparseStart,
    density_of,
    moments,
    node_ids,
    projection,
    sparse_projection,
)
from graphx.fastrp._orbit_learn import OrbitStack, indicators
from graphx.fastrp._orbit_passes import OrbitPasses
from graphx.fastrp._parameters import _integer, _number, _one_of, _seed
from graphx.fastrp._start import _degree_scale
from graphx.fastrp._states import STORAGE
from graphx.gradco._tiles import TiledOrbits
from graphx.gradco.count import OrbitAdjacency
from graphx.gradco.orbits import ORBIT_KEYS, Key, key_name, key_number, parse_keys

if TYPE_CHECKING:
    from graphx.graph import Graph

__all__ = ["OrbitFastRP"]

Floats = npt.NDArray[np.float32]
Start = Callable[[npt.NDArray[np.int64]], "SparseStart | Floats"]  # L R for row sums
_COMBINE = ("concat", "sum", "learn")


class OrbitFastRP(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""FastRP with the adjacency replaced by orbit adjacencies, without building any of them.

    For every selected orbit adjacency M with row sums s (from the graphlet degrees; S is their diagonal matrix),

    .. math::
        U_1 = S^{-1} M L R, \quad U_k = S^{-1} M U_{k-1}, \quad
        E_M = w_0 \operatorname{rownorm}(L R) + \sum_k w_k \operatorname{rownorm}(U_k), \quad L_{jj} = s_j^{\beta}

    with the same random start R for all. A product with M is a few sparse products with the adjacency and with what
    edges, triangles and squares are there, in columns that stay in the cache; only ``[2]8_8`` and ``[2]12_12``, pairs
    across a square and across a diamond, are kept as matrices. FastRP is the paper's (Chen et al.), orbit adjacencies
    are those of Windels et al.; FastRP over them, the matrix-free products and the combinations are ours.

    Args:
        orbits: ``'all'`` for the 28 keys; keys ``(hop, o1, o2)``; or words as ``graphx.gradco.parse_keys`` takes them
            (``'hop1'``, ``'G6,3_4_4'``).
        combine: ``'concat'`` puts the embeddings side by side: ``n_components`` columns for **each** orbit, in
            the order of ``graphx.gradco.ORBIT_KEYS``. ``'sum'`` adds them. ``'learn'`` adds them with non-negative
            weights of sum 1 found from labels: by the best combination of what a ridge regression on each orbit's
            embedding predicts of nodes it has not seen (5 folds).
        n_components: d, the columns of the embedding of one orbit.
        iteration_weights: :math:`w_1, w_2, \ldots`
        normalization_strength: :math:`\beta`.
        self_influence: :math:`w_0`.
        projection: R: ``'very_sparse'`` (density :math:`1/\sqrt{N}`), ``'sparse'`` (1/3) or ``'gaussian'``.
        normalize: Whether rows of the :math:`U_k` are brought to unit length.
        storage: Of the :math:`U_k` and of what lies between the products of a hop: ``'float32'``, or ``'bfloat16'`` for
            half the bytes. Sums and the result are float32.
        standardize: Whether columns of the result get mean 0 and variance 1.
        random_state: An integer, a numpy ``RandomState``, or None for other numbers at every fit. A node's random
            numbers depend on it and on the node's number (or name) alone.
        num_threads: Threads; None for all processors. The result does not depend on it.
        progress: Called as ``progress(stage, done, total)``.

    Shapes:
        - graph: N nodes, simple and undirected.
        - result: float32 ``[N, d]``, or ``[N, len(orbits) * d]`` for ``'concat'``.

    Attributes:
        embedding_: The result of ``fit``.
        orbits_: The selected keys.
        seed_: What the random numbers came from.
        orbit_weights_: One weight for each key: ones, or the learned ones.

    Raises:
        InputError: An argument is out of range, or the graph is directed, weighted or has loops.
        CapacityError: The two pair matrices that are kept would take more than 4 GB.
        KeyError: A key names no matrix.

    Example:
        >>> import networkx as nx
        >>> from graphx.fastrp import OrbitFastRP
        >>> graph = nx.barabasi_albert_graph(100, 3, seed=0)
        >>> OrbitFastRP([(1, 0, 0), (3, 4, 4)], n_components=8, random_state=0).fit_transform(graph).shape
        (100, 16)

    References:
        Chen, Sultan, Tian, Chen, Skiena, "Fast and Accurate Network Embeddings via Very Sparse Random Projection",
        CIKM 2019, arXiv:1908.11512. Windels, Malod-Dognin, Przulj, "Graphlets correct for the topological information
        missed by random walks", arXiv:2405.14194.
    """

    def __init__(
        self,
        orbits: str | Iterable[Key] = "all",
        combine: Literal["concat", "sum", "learn"] = "concat",
        *,
        n_components: int = 128,
        iteration_weights: Sequence[float] = (0.0, 0.0, 1.0, 1.0),
        normalization_strength: float = 0.0,
        self_influence: float = 0.0,
        projection: Literal["very_sparse", "sparse", "gaussian"] = "very_sparse",
        normalize: bool = True,
        storage: Literal["float32", "bfloat16"] = "float32",
        standardize: bool = True,
        random_state: int | np.random.RandomState | None = None,
        num_threads: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.orbits = orbits
        self.combine = combine
        self.n_components = n_components
        self.iteration_weights = iteration_weights
        self.normalization_strength = normalization_strength
        self.self_influence = self_influence
        self.projection = projection
        self.normalize = normalize
        self.storage = storage
        self.standardize = standardize
        self.random_state = random_state
        self.num_threads = num_threads
        self.progress = progress

    # -- the estimator -------------------------------------------------------------------------------------------------

    def fit(self, graph: Any, y: npt.ArrayLike | None = None) -> OrbitFastRP:
        """Embeds a graph, and learns the weights of the orbits where ``combine='learn'``.

        Args:
            graph: Anything :func:`graphx.graph.as_graph` takes, or an ``OrbitAdjacency`` (what it counted is used).
            y: Labels for ``'learn'``: integers ``[N]`` with -1 for unknown, or 0 and 1 ``[N, C]``.

        Returns:
            The estimator.

        Raises:
            InputError: Labels are missing or unfit, or see the class.
        """
        self._embed(graph, y)
        return self

    def fit_transform(self, graph: Any, y: npt.ArrayLike | None = None, **_: Any) -> Floats:
        """``fit(graph, y).embedding_``.

        Args:
            graph: See :meth:`fit`.
            y: See :meth:`fit`.

        Returns:
            float32 ``[N, columns]``.
        """
        self._embed(graph, y)
        made: Floats = self.embedding_
        return made

    def transform(self, graph: Any) -> Floats:
        """The embedding of a graph, the fitted one or another, by the orbits and weights of ``fit``.

        Args:
            graph: See :meth:`fit`.

        Returns:
            float32 ``[N, columns]``.

        Raises:
            sklearn.exceptions.NotFittedError: ``fit`` was not called.
        """
        check_is_fitted(self, "embedding_")
        counted = self._counted(graph)
        if counted.graph.digest == self._digest:
            made: Floats = self.embedding_
            return made
        return self._combined(counted, self.orbits_, self.orbit_weights_, None)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """The names of the columns, with the key of their orbit where there is one.

        Args:
            input_features: Ignored; for scikit-learn.

        Returns:
            An array of strings.
        """
        del input_features
        check_is_fitted(self, "embedding_")
        stems = (
            [f"orbitfastrp_{key_name(key)}_" for key in self.orbits_] if self.combine == "concat" else ["orbitfastrp"]
        )
        return np.array([f"{stem}{i}" for stem in stems for i in range(self.n_components)], dtype=object)

    # -- how it is made ------------------------------------------------------------------------------------------------

    def _embed(self, graph: Any, y: npt.ArrayLike | None) -> None:
        keys = self._checked()
        if (self.combine == "learn") != (y is not None):
            raise InputError(
                f"combine={self.combine!r} and {'no' if y is None else 'some'} labels; expected labels with 'learn', "
                "and with 'learn' only: pass y to fit, or choose combine='sum'"
            )
        counted = self._counted(graph)
        self.orbits_, self.seed_ = keys, _seed(self.random_state)
        self.embedding_ = self._combined(counted, keys, None, y)
        self._digest = counted.graph.digest

    def _counted(self, graph: Any) -> OrbitAdjacency:
        if isinstance(graph, OrbitAdjacency):
            return graph
        return OrbitAdjacency(graph, num_threads=self.num_threads, progress=self.progress)

    def _combined(
        self, counted: OrbitAdjacency, keys: tuple[Key, ...], weights: Any, labels: npt.ArrayLike | None
    ) -> Floats:
        concat = self.combine == "concat"
        together = 6 if concat else len(keys)  # side by side, the result alone fills the memory
        tiled, nodes, d = TiledOrbits(counted, keys, together=together), counted.graph.num_nodes, self.n_components
        options: dict[str, Any] = {"self_influence": self.self_influence, "normalize": self.normalize}
        passes = OrbitPasses(tiled, d, self.iteration_weights, storage=self.storage, **options)
        start = self._start(counted.graph)
        if labels is not None:
            weights = self._learn(passes, keys, start, labels, nodes)
        elif weights is None:
            weights = np.ones(len(keys))
        threads = resolve_threads(self.num_threads)
        own = concat and self.standardize  # each orbit on its own, while it is in the cache
        made: Any = aligned_empty if own else np.zeros  # of its own kind: every number is written
        out: Floats = made((nodes, d * len(keys) if concat else d), np.float32)
        space = passes.spare() if own else out
        for number, (key, weight) in enumerate(zip(keys, weights, strict=True)):
            if self.progress is not None:
                self.progress("orbits", number, len(keys))
            if own:
                passes.embed(key, start(tiled.row_sums(key)), space, 0)
                mean, deviation = moments(space, threads)
                _core.fastrp_standardize(space, mean, np.reciprocal(deviation), threads, out, number * d)
            elif concat:
                passes.embed(key, start(tiled.row_sums(key)), out, number * d)
            elif weight:
                passes.embed(key, start(tiled.row_sums(key)), out, 0, factor=float(weight), accumulate=True)
        if self.standardize and not own:
            mean, deviation = moments(out, threads)
            _core.fastrp_standardize(out, mean, np.reciprocal(deviation), threads)
        self.orbit_weights_ = np.asarray(weights, np.float64)
        return out

    def _learn(
        self,
        passes: OrbitPasses,
        keys: tuple[Key, ...],
        start: Start,
        labels: npt.ArrayLike,
        nodes: int,
    ) -> npt.NDArray[np.float64]:
        labelled, targets = indicators(labels, nodes)
        stack = OrbitStack(targets, self.seed_)
        space = np.empty((nodes, self.n_components), np.float32)
        for key in keys:
            passes.embed(key, start(passes.orbits.row_sums(key)), space, 0)
            stack.add(space[labelled])
        return stack.weights()

    def _start(self, graph: Graph) -> Start:
        """What makes L R of the row sums of a matrix."""
        ids, threads, d, nodes = node_ids(graph), resolve_threads(self.num_threads), self.n_components, graph.num_nodes
        rows = nodes if ids is None else ids
        sparse = self.projection != "gaussian" and density_of(self.projection, nodes) < DENSE_FROM

        same: list[SparseStart | Floats] = []  # without a strength all orbits start alike

        def start(sums: npt.NDArray[np.int64]) -> SparseStart | Floats:
            if same:
                return same[0]
            scale = _degree_scale(sums.astype(np.float64), self.normalization_strength)
            make: Any = sparse_projection if sparse else projection
            made: SparseStart | Floats = make(
                rows, d, self.projection, self.seed_, num_nodes=nodes, rows_scale=scale, num_threads=threads
            )
            if scale is None:
                same.append(made)
            return made

        return start

    # -- checks --------------------------------------------------------------------------------------------------------

    def _checked(self) -> tuple[Key, ...]:
        if self.combine not in _COMBINE:
            raise InputError(f"combine is {self.combine!r}; expected one of {', '.join(map(repr, _COMBINE))}")
        _integer("n_components", self.n_components, 1)
        _number("normalization_strength", self.normalization_strength)
        _number("self_influence", self.self_influence)
        _one_of("projection", self.projection, KINDS)
        _one_of("storage", self.storage, tuple(STORAGE))
        weights = self.iteration_weights
        if np.ndim(weights) != 1 or len(weights) == 0:
            raise InputError(
                f"iteration_weights are {weights!r}; expected one number for each hop, such as (0, 0, 1, 1)"
            )
        for weight in weights:
            _number("an iteration weight", weight)
        if not any(weights) and not self.self_influence:
            raise InputError(f"iteration_weights are {weights!r} and self_influence is 0; expected one other than 0")
        resolve_threads(self.num_threads)
        if isinstance(self.orbits, str):
            keys = parse_keys(self.orbits)
        else:
            numbers = [key_number(key) for key in self.orbits]
            if not numbers or len(set(numbers)) != len(numbers):
                raise InputError(f"orbits is {self.orbits!r}; expected different keys (hop, o1, o2), one at least")
            keys = tuple(ORBIT_KEYS[number] for number in sorted(numbers))
        return keys
