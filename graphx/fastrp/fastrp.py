"""FastRP: node embeddings from a few averages over neighbours of a random projection."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted

from graphx import _core
from graphx._threads import resolve_threads
from graphx.errors import InputError
from graphx.fastrp._engine import (
    STORAGE,
    Progress,
    SparseStart,
    State,
    Walk,
    accumulate,
    hops,
    merge_hops,
    moments,
    node_ids,
    propagate,
    walk_of,
)
from graphx.fastrp._inputs import gpu_of, new_edges, read_graph
from graphx.fastrp._parameters import _seed, check_parameters
from graphx.fastrp._start import checked_features, start_of

__all__ = ["FastRP"]

Floats = npt.NDArray[np.float32]


class FastRP(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""Node embeddings by very sparse random projection, as a scikit-learn estimator.

    With A the adjacency matrix ``[N, N]``, D the diagonal of its row sums d and R ``[N, d]`` random,

    .. math::

        U_0 = L R, \quad L = \operatorname{diag}(d_j^{\beta}), \qquad U_k = D^{-1} A\, U_{k-1}, \qquad
        Z = w_0 \operatorname{rownorm}(U_0) + \sum_{k=1}^{q} w_k \operatorname{rownorm}(U_k)

    and, in the paper's code, every column of Z is then brought to mean 0 and variance 1. Entries of R are
    :math:`\pm\sqrt{s/d}` with probability :math:`1/2s` each and 0 otherwise. Time is :math:`O(q\,|E|\,d)`, memory
    bandwidth is the limit, and the result does not depend on the number of threads. A node's row of R depends on the
    seed and on the node's number (or name) alone.

    From Chen, Sultan, Tian, Chen and Skiena, "Fast and Accurate Network Embeddings via Very Sparse Random Projection",
    CIKM 2019. The constant :math:`(2m)^{-\beta}` of the paper's L is left out, as in the authors' code: unit rows do
    not see it. Self influence, feature projection and the division by the number of edges (``convention='gds'``) are
    those of Neo4j Graph Data Science. Storage in bfloat16, ``transform`` and ``refine`` are ours.

    Args:
        n_components: d, the length of a vector.
        iteration_weights: :math:`w_1, ..., w_q`: the first belongs to one hop.
        normalization_strength: :math:`\beta`; below 0, hubs count less.
        self_influence: :math:`w_0`, the weight of a node's own random vector.
        projection: ``'very_sparse'`` (:math:`s = \sqrt{N}`), ``'sparse'`` (s = 3) or ``'gaussian'`` (normal entries of
            variance 1/d); None for what the convention has: very sparse in the paper, sparse in GDS.
        convention: ``'paper'``: averages are weighted by edge weights, D sums weights, columns are standardised.
            ``'gds'``: D counts edges whatever their weights, in L too; columns stay as they are.
        normalize: Scale the rows of every U_k to unit length before they are weighted. Rows of zeros stay zeros.
        standardize: Bring columns to mean 0 and variance 1 in the end; None for what the convention has.
        feature_ratio: The share of the components that random combinations of node features take the place of random
            numbers in; with 1 a node's vector depends on features and edges alone.
        orientation: ``'natural'``: a node averages over the ends of its edges, ``'reverse'``: over their starts,
            ``'undirected'``: over both.
        storage: Of the U_k between hops: ``'float32'``, or ``'bfloat16'`` for half the bytes and nearly half the time.
        refine: Rounds of orthogonalised power steps on the same similarity; 0 for FastRP as published.
        spectrum: Of ``refine``: ``'both'`` keeps eigenvalues of both signs, for any graph; ``'positive'`` is better
            where neighbours tend to share their labels.
        oversample: Project onto this many times as many columns, then keep the principal ones.
        random_state: An integer, a numpy ``RandomState``, or None for other numbers at every fit.
        num_threads: Threads; None for all processors of the process.
        progress: Called as ``progress(stage, done, total)``.

    Attributes:
        embedding_: Z of the fitted graph, float32 ``[N, d]``.
        graph_: The graph, in the orientation used.
        seed_: What the random numbers came from.
        mean_: Means of the columns before they were standardised ``[d]``, or None.
        scale_: Their standard deviations ``[d]``, or None.

    Raises:
        InputError: In ``fit`` and ``transform``: a parameter, graph or feature array that cannot be used.

    Example:
        >>> from graphx.data import load_graph
        >>> from graphx.fastrp import FastRP
        >>> Z = FastRP(16, random_state=0).fit_transform(load_graph("karate"))
        >>> Z.shape, Z.dtype.name
        ((34, 16), 'float32')
        >>> bool((Z == FastRP(16, random_state=0, num_threads=1).fit_transform(load_graph("karate"))).all())
        True
    """

    def __init__(
        self,
        n_components: int = 128,
        *,
        iteration_weights: Sequence[float] = (0.0, 0.0, 1.0, 1.0),
        normalization_strength: float = 0.0,
        self_influence: float = 0.0,
        projection: Literal["very_sparse", "sparse", "gaussian"] | None = None,
        convention: Literal["paper", "gds"] = "paper",
        normalize: bool = True,
        standardize: bool | None = None,
        feature_ratio: float = 0.0,
        orientation: Literal["natural", "reverse", "undirected"] = "natural",
        storage: Literal["float32", "bfloat16"] = "float32",
        refine: int = 0,
        spectrum: Literal["both", "positive"] = "both",
        oversample: int = 1,
        random_state: int | np.random.RandomState | None = None,
        num_threads: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.n_components = n_components
        self.iteration_weights = iteration_weights
        self.normalization_strength = normalization_strength
        self.self_influence = self_influence
        self.projection = projection
        self.convention = convention
        self.normalize = normalize
        self.standardize = standardize
        self.feature_ratio = feature_ratio
        self.orientation = orientation
        self.storage = storage
        self.refine = refine
        self.spectrum = spectrum
        self.oversample = oversample
        self.random_state = random_state
        self.num_threads = num_threads
        self.progress = progress

    # -- the estimator -------------------------------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: object = None,  # noqa: ARG002
        *,
        features: Any = None,
        client: Any = None,
        work_dir: str | os.PathLike[str] | None = None,
        out: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Embed a graph.

        Args:
            X: A :class:`graphx.Graph`, scipy sparse matrix (a rectangular one ``[N, M]`` is a bipartite graph of N + M
                nodes), numpy adjacency, networkx or igraph graph, PyG ``Data``, ``edge_index`` ``[2, E]``, pair
                ``(edge_index, edge_weight)``, or a path or name for :func:`graphx.data.load_graph`. Where edges are
                on a GPU, the hops are made there (in torch, the same to rounding); not with ``refine`` and
                ``oversample``.
            y: Not used.
            features: Numbers ``[N, F]``, with ``feature_ratio``; None takes ``x`` of a PyG ``Data``.
            client: A Dask ``distributed.Client`` whose workers embed; see :mod:`graphx.fastrp.cluster`. Needs the extra
                ``cluster``.
            work_dir: A folder for finished blocks, shared with the workers, from which a failed call is taken up.
            out: A file ``NAME.npy`` for the result, made tile by tile of columns in bounded memory; ``embedding_`` is
                that file mapped into memory. The bits are the same in any case.

        Returns:
            The estimator.

        Raises:
            InputError: A parameter, the graph or the features cannot be used; tells why and what can.
        """
        check_parameters(self)
        if features is None and self.feature_ratio and getattr(X, "x", None) is not None:
            features = X.x
        graph = read_graph(X, self.orientation)
        self.graph_ = graph
        self.seed_ = _seed(self.random_state)
        self._features = checked_features(self, features, graph.num_nodes)
        self.n_features_in_ = graph.num_nodes
        self._n_features_out = self.n_components
        self.mean_: Floats | None = None
        self.scale_: Floats | None = None
        if (client is not None and out is not None) or (client is None and out is None and work_dir is not None):
            raise InputError(
                "client= makes the result in memory on a cluster, out= makes it in a file here, work_dir= goes with "
                "either; expected one of client and out where work_dir is given, and never both"
            )
        if client is not None:
            from graphx.fastrp.cluster import embed_on_cluster

            self.embedding_ = embed_on_cluster(self, graph, client, work_dir=work_dir)
        elif out is not None:
            from graphx.fastrp._outofcore import embed_to_file

            self.embedding_ = embed_to_file(self, graph, out, work_dir=work_dir)
        else:
            self.embedding_ = self._embed(graph, gpu_of(X))
        return self

    def fit_transform(
        self,
        X: Any,
        y: object = None,
        *,
        features: Any = None,
        client: Any = None,
        work_dir: str | os.PathLike[str] | None = None,
        out: str | os.PathLike[str] | None = None,
    ) -> Any:
        """Embed a graph and return the vectors of its nodes.

        Args:
            X: As in :meth:`fit`.
            y: Not used.
            features: As in :meth:`fit`.
            client: As in :meth:`fit`.
            work_dir: As in :meth:`fit`.
            out: As in :meth:`fit`.

        Returns:
            float32 ``[N, d]``, the same array as ``embedding_``.

        Raises:
            InputError: As :meth:`fit`.
        """
        return self.fit(X, y, features=features, client=client, work_dir=work_dir, out=out).embedding_

    def transform(self, X: Any, *, features: Any = None) -> Any:
        """Vectors of new nodes from their edges to known ones, which themselves stay as they are.

        A new node takes part in no average but its own, so the rows of the fitted graph's own matrix give
        ``embedding_`` again (where ``self_influence`` is 0). The hops of the fitted graph are computed again, so a call
        costs what :meth:`fit` costs, for any number of new nodes.

        Args:
            X: A matrix ``[new, N]`` of weights, an ``edge_index`` ``[2, E]`` from new nodes (row 0) to known ones
                (row 1), or a pair ``(edge_index, edge_weight)``.
            features: Numbers ``[new, F]``; needed with ``feature_ratio`` where ``self_influence`` is not 0.

        Returns:
            float32 ``[new, d]``.

        Raises:
            InputError: An edge leads to an unknown node, or as :meth:`fit`.
        """
        check_is_fitted(self, "embedding_")
        if self.n_components != self.embedding_.shape[1]:
            raise InputError(
                f"n_components is {self.n_components}, and fit made {self.embedding_.shape[1]} columns; expected the "
                "same: call fit again after set_params"
            )
        if self._reduces():
            return self._reducer().transform(self, X, features)
        known = self.graph_.num_nodes
        indptr, indices, weights = new_edges(X, known)
        threads = resolve_threads(self.num_threads)
        fitted = self._walk(self.graph_)
        walk = _like(fitted, indptr, indices, weights, by_count=self.convention == "gds")
        size = walk.num_rows
        out = np.zeros((size, self.n_components), np.float32)
        if self.self_influence:
            ids = np.arange(known, known + size, dtype=np.uint64)
            given = (
                checked_features(self, features, size) if features is not None or self._features is not None else None
            )
            if given is not None and self._features is not None and given.shape[1] != self._features.shape[1]:
                raise InputError(
                    f"features have {given.shape[1]} columns; expected {self._features.shape[1]}, as many as in fit"
                )
            own = start_of(self, walk.degrees(), ids, given, threads, dense=True)
            assert not isinstance(own, SparseStart)
            accumulate(out, own, self.self_influence, normalize=self.normalize, num_threads=threads)
        last = max((k for k, weight in enumerate(self.iteration_weights, 1) if weight), default=0)
        source: State | SparseStart = self._fitted_start(fitted, threads)
        states = hops(fitted, source, last - 1, storage=self.storage, num_threads=threads, progress=self.progress)
        for weight in self.iteration_weights[:last]:
            new = None
            if isinstance(source, SparseStart):  # says which storage the sum is rounded to
                new = np.empty(out.shape, STORAGE[self.storage])
            if weight:
                propagate(
                    walk,
                    source,
                    new,
                    out=out,
                    new_weight=float(weight),
                    add=True,
                    normalize=self.normalize,
                    num_threads=threads,
                )
            source = next(states, source)
        if self.mean_ is not None and self.scale_ is not None:
            _core.fastrp_standardize(out, self.mean_, np.reciprocal(self.scale_), threads)
        return out

    # -- its parts -----------------------------------------------------------------------------------------------------

    def _embed(self, graph: Any, device: Any = None) -> Floats:
        threads = resolve_threads(self.num_threads)
        if self._reduces():
            made: Floats = self._reducer().embed(self, graph)
        else:
            walk = self._walk(graph)
            start = self._fitted_start(walk, threads)
            weights = [float(self.self_influence), *map(float, self.iteration_weights)]
            if device is None:
                made = merge_hops(
                    walk,
                    start,
                    weights,
                    normalize=self.normalize,
                    storage=self.storage,
                    num_threads=threads,
                    progress=self.progress,
                )
            else:
                from graphx.fastrp import _torch

                common = {"normalize": self.normalize, "storage": self.storage, "device": device}
                made = _torch.merge_hops(walk, start, weights, **common).cpu().numpy()
        standardize = self.convention == "paper" if self.standardize is None else self.standardize
        if standardize:
            mean, scale = moments(made, threads)
            _core.fastrp_standardize(made, mean, np.reciprocal(scale), threads)
            self.mean_, self.scale_ = mean, scale
        return made

    def _reduces(self) -> bool:
        return bool(self.refine) or self.oversample != 1

    def _reducer(self) -> Any:
        return importlib.import_module("graphx.fastrp._refine")

    def _kind(self) -> str:
        return self.projection or ("very_sparse" if self.convention == "paper" else "sparse")

    def _walk(self, graph: Any) -> Walk:
        return walk_of(graph, self.convention, normalize=self.normalize)

    def _fitted_start(self, walk: Walk, threads: int) -> State | SparseStart:
        ids = node_ids(self.graph_)
        return start_of(self, walk.degrees(), walk.num_rows if ids is None else ids, self._features, threads)


def _like(
    walk: Walk,
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float64] | None,
    *,
    by_count: bool,
) -> Walk:
    """The walk of new rows by the rules of a fitted one."""
    if weights is None and walk.weights is not None:
        weights = np.ones(indices.size)
    if weights is not None and not by_count and weights.size and weights.min() < 0:
        raise InputError(f"a new edge has the weight {weights.min():g}; expected none below 0 with convention='paper'")
    return Walk(indptr, indices, weights, by_count and weights is not None, walk.weights_scale)
