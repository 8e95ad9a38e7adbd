"""What FastRP starts from: L R, or with node features L [R | X Q]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphx import _core
from graphx.errors import InputError
from graphx.fastrp._random import DENSE_FROM, SparseStart, density_of, projection, sparse_projection
from graphx.fastrp._states import Floats, State, empty_state

if TYPE_CHECKING:
    from graphx.fastrp.fastrp import FastRP

__all__ = ["_degree_scale", "checked_features", "start_of"]

_FEATURE_STREAM = 0x5851F42D4C957F2D  # keeps the random numbers of features apart from those of nodes


def start_of(
    model: FastRP,
    degrees: npt.NDArray[np.float64],
    ids: npt.NDArray[np.uint64] | int,
    features: Floats | None,
    threads: int,
    *,
    dense: bool = False,
) -> State | SparseStart:
    """L R, or L [R | X Q] with features."""
    nodes, d, kind = model.graph_.num_nodes, model.n_components, model._kind()
    scale = _degree_scale(degrees, model.normalization_strength)
    taken = 0 if features is None else round(d * model.feature_ratio)
    base = (0, d - taken)
    common: dict[str, Any] = {"num_nodes": nodes, "columns": base, "rows_scale": scale, "num_threads": threads}
    sparse = kind != "gaussian" and density_of(kind, nodes) < DENSE_FROM and not taken and not dense
    if sparse:
        return sparse_projection(ids, d, kind, model.seed_, **common)
    if not taken:
        return projection(ids, d, kind, model.seed_, storage=model.storage, **common)
    assert features is not None
    start = empty_state(degrees.size, d)
    start[:, : d - taken] = projection(ids, d, kind, model.seed_, **common)
    mixer = projection(
        features.shape[1], d, kind if kind == "gaussian" else "sparse", model.seed_ ^ _FEATURE_STREAM,
        num_nodes=nodes, columns=(d - taken, d),
    )  # fmt: skip
    start[:, d - taken :] = features @ mixer
    if scale is not None:
        start[:, d - taken :] *= scale[:, None]
    if not np.isfinite(start).all():
        raise InputError("the projected features pass what float32 holds; scale the features first")
    if model.storage == "float32":
        return start
    half = empty_state(degrees.size, d, "bfloat16")
    _core.fastrp_narrow(start, half, threads)
    return half


def checked_features(model: FastRP, features: Any, rows: int) -> Floats | None:
    """The features ``[rows, F]`` as float32, or None; InputError where they do not fit or are not finite."""
    if not model.feature_ratio:
        if features is not None:
            raise InputError("features were given and feature_ratio is 0; set it to the share that they are to have")
        return None
    if features is None:
        raise InputError(f"feature_ratio is {model.feature_ratio} and there are no features; pass features=[N, F]")
    values = features.detach().cpu().numpy() if hasattr(features, "detach") else features
    values = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    if values.ndim != 2 or values.shape[0] != rows:
        raise InputError(f"features have shape {values.shape}; expected [{rows}, F], a row for each node")
    if values.dtype.kind not in "fiub":
        raise InputError(f"features are {values.dtype}; expected real numbers")
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    if not np.isfinite(narrow).all():
        row, column = np.argwhere(~np.isfinite(narrow))[0]
        raise InputError(
            f"feature {column} of node {row} is {values[row, column]}; expected finite numbers that float32 holds"
        )
    return narrow


def _degree_scale(degrees: npt.NDArray[np.float64], strength: float) -> Floats | None:
    """L; a node without edges has 1. None where every factor is 1."""
    if strength == 0:
        return None
    with np.errstate(over="ignore"):
        scale = np.where(degrees > 0, degrees, 1.0) ** strength
    factors = np.zeros(scale.shape, np.float32)
    with np.errstate(over="ignore", under="ignore"):
        factors[:] = scale
    if not np.isfinite(factors).all() or not factors.all():
        raise InputError(
            f"degrees from {degrees.min():g} to {degrees.max():g} to the power of normalization_strength={strength:g} "
            "pass what float32 holds; choose a strength nearer to 0, or scale the weights"
        )
    return factors
