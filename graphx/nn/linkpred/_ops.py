"""The torch operators over common neighbours: ``torch.ops.graphx.cn_*``, with gradients and shapes for tracing.

Every operator takes a flattened query: six tensors for each matrix, pairs ``[2, B]``, the number of columns, threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from graphx.errors import InputError
from graphx.nn.linkpred import _torch
from graphx.nn.linkpred._openmp import join_openmp
from graphx.nn.linkpred._torch import Query, Side

if TYPE_CHECKING:
    import numpy as np

try:
    from graphx import _core
except ImportError:  # pragma: no cover  (an installation without the extension)
    _core = None  # type: ignore[assignment]
else:
    join_openmp(_core)

__all__: list[str] = []

ENABLED = True
"""Whether the extension may be used: tests turn it off."""

_SIDE = "Tensor indptr{0}, Tensor indices{0}, Tensor? weights{0}, Tensor? bits{0}, Tensor? keys{0}, Tensor? excluded{0}"
_QUERY = f"{_SIDE.format(1)}, {_SIDE.format(2)}, Tensor pairs, SymInt num_columns, int threads"
_QUERY_LENGTH = 15


def has_extension() -> bool:
    """Whether the compiled kernels are there and may be used."""
    return _core is not None and ENABLED


def flatten(query: Query) -> tuple[Any, ...]:
    """The arguments of an operator."""
    return (*query.first, *query.second, query.pairs, query.num_columns, query.threads)


def _query(flat: tuple[Any, ...]) -> Query:
    first, second = Side(*flat[:6]), Side(*flat[6:12])
    if all(_same(a, b) for a, b in zip(first, second, strict=True)):
        second = first
    query = Query(first, second, *flat[12:_QUERY_LENGTH])
    if not _on_cpu(query):
        check_range(query)
    return query


def _same(a: Tensor | None, b: Tensor | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.dtype == b.dtype


def check_range(query: Query) -> None:
    """An InputError where a pair names a row that is not there."""
    if query.pairs.size(1) == 0:
        return
    low, high = torch.aminmax(query.pairs, dim=1)
    for row, what, side in ((0, "source", query.first), (1, "target", query.second)):
        rows = side.indptr.numel() - 1
        smallest, largest = int(low[row]), int(high[row])
        if smallest < 0 or largest >= rows:
            bad = smallest if smallest < 0 else largest
            raise InputError(
                f"pairs name the {what} node {bad}; expected 0..{rows - 1}: if the graph has more nodes, pass num_nodes"
            )


def _on_cpu(query: Query) -> bool:
    return has_extension() and query.pairs.device.type == "cpu"


def _call(kernel: Any, query: Query, *arguments: Any) -> Any:
    """A compiled kernel; it looks whether pairs are in range itself, as torch's threads would wait beside its own."""
    try:
        return kernel(_native(query), *map(array_of, arguments), query.threads)
    except IndexError:
        check_range(query)
        raise


def array_of(tensor: Tensor | None) -> np.ndarray | None:
    """The same memory for a kernel.

    A kernel would ask a tensor itself for ``__dlpack__``, which is Python: Ctrl-C in there is an error to the binding,
    which drops it and asks in another way.
    """
    return None if tensor is None else tensor.numpy(force=True)


def _native(query: Query) -> tuple[Any, ...]:
    def side(parts: Side) -> tuple[Any, ...]:
        return tuple(map(array_of, (parts.indptr, parts.indices, parts.weights, parts.bits, parts.excluded)))

    first = side(query.first)
    second = first if query.second is query.first else side(query.second)
    return first, second, int(query.num_columns), array_of(query.pairs.contiguous())


def _operator(name: str, extra: str, result: str) -> Any:
    schema = f"({_QUERY}{extra}) -> {result}"
    return torch.library.custom_op(f"graphx::{name}", mutates_args=(), schema=schema)


@_operator("cn_count", "", "Tensor")  # type: ignore[untyped-decorator]
def _count(*flat: Any) -> Tensor:
    query = _query(flat)
    if not _on_cpu(query):
        return _torch.count(query)
    counts = torch.empty(query.pairs.size(1), dtype=torch.int64)
    _call(_core.neighbors_count, query, counts)
    return counts


@_count.register_fake  # type: ignore[untyped-decorator]
def _(*flat: Any) -> Tensor:
    pairs: Tensor = flat[12]
    return pairs.new_empty(pairs.size(1))


@_operator("cn_score", ", Tensor? node_weights", "Tensor")  # type: ignore[untyped-decorator]
def _score(*flat: Any) -> Tensor:
    query, node_weights = _query(flat), flat[_QUERY_LENGTH]
    if not _on_cpu(query):
        return _torch.score(query, node_weights)
    out = torch.empty(query.pairs.size(1), dtype=torch.float64)
    _call(_core.neighbors_score, query, node_weights, out)
    return out


@_score.register_fake  # type: ignore[untyped-decorator]
def _(*flat: Any) -> Tensor:
    pairs: Tensor = flat[12]
    return pairs.new_empty(pairs.size(1), dtype=torch.float64)


@_operator("cn_lists", "", "(Tensor, Tensor, Tensor)")  # type: ignore[untyped-decorator]
def _lists(*flat: Any) -> tuple[Tensor, Tensor, Tensor]:
    query = _query(flat)
    if _on_cpu(query):
        made = _call(_core.neighbors_lists, query)
        rowptr, columns = torch.from_numpy(made[0]), torch.from_numpy(made[1])
        values = None if made[2] is None else torch.from_numpy(made[2])
    else:
        rowptr, columns, values = _torch.lists(query)
    return rowptr, columns, values if values is not None else torch.empty(0, dtype=torch.float64, device=rowptr.device)


@_lists.register_fake  # type: ignore[untyped-decorator]
def _(*flat: Any) -> tuple[Tensor, Tensor, Tensor]:
    pairs: Tensor = flat[12]
    size = torch.library.get_ctx().new_dynamic_size()
    weighted = flat[2] is not None or flat[8] is not None
    values = pairs.new_empty(size if weighted else 0, dtype=torch.float64)
    return pairs.new_empty(pairs.size(1) + 1), pairs.new_empty(size, dtype=torch.int32), values


@_operator("cn_differences", "", "(Tensor, Tensor, Tensor, Tensor)")  # type: ignore[untyped-decorator]
def _differences(*flat: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    query = _query(flat)
    if not _on_cpu(query):
        return _torch.differences(query)
    made = _call(_core.neighbors_differences, query)
    a, b, c, d = (torch.from_numpy(part) for part in made)
    return a, b, c, d


@_differences.register_fake  # type: ignore[untyped-decorator]
def _(*flat: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    pairs: Tensor = flat[12]
    out = []
    for _side in range(2):
        size = torch.library.get_ctx().new_dynamic_size()
        out += [pairs.new_empty(pairs.size(1) + 1), pairs.new_empty(size, dtype=torch.int32)]
    return out[0], out[1], out[2], out[3]


@_operator("cn_pool", ", Tensor x", "(Tensor, Tensor)")  # type: ignore[untyped-decorator]
def _pool(*flat: Any) -> tuple[Tensor, Tensor]:
    query, x = _query(flat), flat[_QUERY_LENGTH]
    out = x.new_empty(query.pairs.size(1), x.size(1))
    counts = torch.empty(query.pairs.size(1), dtype=torch.int64)
    _call(_core.neighbors_pool, query, x.contiguous(), out, counts)
    return out, counts


@_pool.register_fake  # type: ignore[untyped-decorator]
def _(*flat: Any) -> tuple[Tensor, Tensor]:
    pairs, x = flat[12], flat[_QUERY_LENGTH]
    return x.new_empty(pairs.size(1), x.size(1)), pairs.new_empty(pairs.size(1))


@_operator("cn_pool_backward", ", Tensor counts, Tensor grad_out", "Tensor")  # type: ignore[untyped-decorator]
def _pool_backward(*flat: Any) -> Tensor:
    query, counts, grad_out = _query(flat), flat[_QUERY_LENGTH], flat[_QUERY_LENGTH + 1]
    hit = counts.nonzero().squeeze(1)
    if 2 * hit.numel() < counts.numel():  # pairs without common neighbours are not looked at again
        query, counts, grad_out = query._replace(pairs=query.pairs[:, hit]), counts[hit], grad_out[hit]
    grad_x: Tensor = grad_out.new_empty(query.num_columns, grad_out.size(1))
    _call(_core.neighbors_pool_backward, query, counts, grad_out.contiguous(), grad_x)
    return grad_x


@_pool_backward.register_fake  # type: ignore[untyped-decorator]
def _(*flat: Any) -> Tensor:
    grad_out: Tensor = flat[_QUERY_LENGTH + 1]
    return grad_out.new_empty(flat[13], grad_out.size(1))


# The two are transposes of one another, so each is the other's derivative, to any order.


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    tensors = [part for part in inputs[:_QUERY_LENGTH] if isinstance(part, Tensor)]
    ctx.given = [isinstance(part, Tensor) for part in inputs[:_QUERY_LENGTH]]
    ctx.rest = [part for part in inputs[:_QUERY_LENGTH] if not isinstance(part, Tensor)]
    counts = output[1] if isinstance(output, tuple) else inputs[_QUERY_LENGTH]
    ctx.save_for_backward(*tensors, counts)


def _kept(ctx: Any) -> tuple[list[Any], Tensor]:
    *tensors, counts = ctx.saved_tensors
    given, rest = iter(tensors), iter(ctx.rest)
    return [next(given) if is_tensor else next(rest) for is_tensor in ctx.given], counts


def _pool_gradient(ctx: Any, grad_out: Tensor, _grad_counts: Any) -> tuple[Any, ...]:
    flat, counts = _kept(ctx)
    return (*[None] * _QUERY_LENGTH, _pool_backward(*flat, counts, grad_out))


def _backward_gradient(ctx: Any, grad_grad: Tensor) -> tuple[Any, ...]:
    flat, _ = _kept(ctx)
    return (*[None] * (_QUERY_LENGTH + 1), _pool(*flat, grad_grad)[0])


_pool.register_autograd(_pool_gradient, setup_context=_keep)
_pool_backward.register_autograd(_backward_gradient, setup_context=_keep)


# Without the kernels: the lists, once, and their products in both directions.

_LISTS = "Tensor rowptr, Tensor columns, Tensor values"


@torch.library.custom_op("graphx::cn_sums", mutates_args=(), schema=f"({_LISTS}, Tensor x) -> Tensor")
def _sums(rowptr: Tensor, columns: Tensor, values: Tensor, x: Tensor) -> Tensor:
    return _torch.sums(rowptr, columns, values, x)


@torch.library.custom_op("graphx::cn_spread", mutates_args=(), schema=f"({_LISTS}, Tensor grad, SymInt size) -> Tensor")
def _spread(rowptr: Tensor, columns: Tensor, values: Tensor, grad: Tensor, size: int) -> Tensor:
    return _torch.spread(rowptr, columns, values, grad.contiguous(), size)


_sums.register_fake(lambda rowptr, _columns, _values, x: x.new_empty(rowptr.size(0) - 1, x.size(1)))
_spread.register_fake(lambda _rowptr, _columns, _values, grad, size: grad.new_empty(size, grad.size(1)))


def _keep_lists(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:  # noqa: ARG001
    ctx.save_for_backward(*inputs[:3])
    ctx.size = inputs[3].size(0)


_sums.register_autograd(
    lambda ctx, grad: (None, None, None, _spread(*ctx.saved_tensors, grad, ctx.size)), setup_context=_keep_lists
)
_spread.register_autograd(
    lambda ctx, grad: (None, None, None, _sums(*ctx.saved_tensors, grad), None), setup_context=_keep_lists
)


def count(query: Query) -> Tensor:
    """See :func:`_torch.count`."""
    made: Tensor = _count(*flatten(query))
    return made


def score(query: Query, node_weights: Tensor | None) -> Tensor:
    """See :func:`_torch.score`."""
    made: Tensor = _score(*flatten(query), node_weights)
    return made


def lists(query: Query) -> tuple[Tensor, Tensor, Tensor]:
    """See :func:`_torch.lists`."""
    made: tuple[Tensor, Tensor, Tensor] = _lists(*flatten(query))
    return made


def differences(query: Query) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """See :func:`_torch.differences`."""
    made: tuple[Tensor, Tensor, Tensor, Tensor] = _differences(*flatten(query))
    return made


def pool(query: Query, x: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of rows of x over common neighbours ``[B, F]``, and their numbers; differentiable in x."""
    if _on_cpu(query):
        made: tuple[Tensor, Tensor] = _pool(*flatten(query), x)
        return made
    rowptr, columns, values = lists(query)
    found: Tensor = _sums(rowptr, columns, values, x)
    return found, rowptr.diff()
