"""Common neighbours of pairs against the gather and search that torch-sparse models use, and against scipy.

    python benchmarks/kernels/common_neighbors.py [--repeats 5] [--data shared/data] [--only powerlaw,ddi,memory]

The rival is written here: it gathers the neighbour lists of both ends of every pair as 64-bit keys (pair << 32 | node),
searches one among the other, and multiplies the matrix of the hits with the features; for the removal of target links
it sorts the edges anew. Both sides are asserted equal before anything is timed; they run in turn in one process, memory
in a process for each. Graphs: 200,000 nodes and 5 million entries with a power law, and ogbl-ddi where its files are.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import scipy.sparse as sp
import torch
from _measure import BENCHMARKS, ROOT, measured, report, run_child, write_results
from torch import Tensor

from graphx.nn.linkpred import Adjacency, _ops, as_adjacency, common_neighbors, neighbor_differences

RESULT = BENCHMARKS / "results" / "common_neighbors.json"


# -- the rival --------------------------------------------------------------------------------------------------------


def rival_gather(adj: Adjacency, rows: Tensor) -> Tensor:
    """The keys (pair << 32 | node) of the neighbour lists of `rows`."""
    size = adj.indptr[rows + 1] - adj.indptr[rows]
    pair = torch.repeat_interleave(size)
    offset = torch.cumsum(size, 0) - size
    at = torch.arange(pair.numel()) - (offset - adj.indptr[rows])[pair]
    return (pair << 32) | adj.indices[at].long()


def rival_overlap(adj: Adjacency, pairs: Tensor) -> Tensor:
    """The keys that both ends have."""
    a, b = rival_gather(adj, pairs[0]), rival_gather(adj, pairs[1])
    if a.numel() < b.numel():
        a, b = b, a
    at = torch.searchsorted(a, b).clamp_(max=max(a.numel() - 1, 0))
    return b[a[at] == b]


def rival_counts(adj: Adjacency, pairs: Tensor) -> Tensor:
    """Counts by chunks, as its authors split the inner pairs."""
    chunk = 131_072
    parts = [
        torch.bincount(rival_overlap(adj, pairs[:, i : i + chunk]) >> 32, minlength=min(chunk, pairs.size(1) - i))
        for i in range(0, pairs.size(1), chunk)
    ]
    return torch.cat(parts)


class RivalPool(torch.autograd.Function):
    """Overlap, then sparse times dense; backward by the transposed matrix."""

    @staticmethod
    def forward(ctx: Any, adj: Adjacency, pairs: Tensor, x: Tensor) -> Tensor:
        keys = rival_overlap(adj, pairs)
        rows, columns = keys >> 32, keys & 0xFFFFFFFF
        rowptr = torch.cat((rows.new_zeros(1), torch.bincount(rows, minlength=pairs.size(1)).cumsum(0)))
        ctx.save_for_backward(rows, columns)
        ctx.size = x.size(0)
        return torch.sparse_csr_tensor(rowptr, columns, x.new_ones(rows.numel()), (pairs.size(1), x.size(0))) @ x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:  # type: ignore[override]
        rows, columns = ctx.saved_tensors
        order = torch.argsort(columns)
        rowptr = torch.cat((rows.new_zeros(1), torch.bincount(columns, minlength=ctx.size).cumsum(0)))
        matrix = torch.sparse_csr_tensor(rowptr, rows[order], grad.new_ones(rows.numel()), (ctx.size, grad.size(0)))
        return None, None, matrix @ grad


def rival_rebuild(edge_index: Tensor, keep: Tensor, size: int) -> Adjacency:
    """The adjacency without the edges that `keep` leaves out: sorted, and both directions merged, sorted again."""
    u, v = edge_index[:, keep]
    once = torch.sort(u * size + v).values
    both = torch.unique(torch.cat((once, once % size * size + once // size)))
    rowptr = torch.cat((both.new_zeros(1), torch.bincount(both // size, minlength=size).cumsum(0)))
    return Adjacency(rowptr, (both % size).to(torch.int32), num_columns=size)


# -- graphs -----------------------------------------------------------------------------------------------------------


def power_law(size: int, entries: int, gamma: float, seed: int) -> Tensor:
    """An undirected simple graph, ends drawn by weights k^(-1 / (gamma - 1)); int64 [2, E], one direction."""
    rng = np.random.default_rng(seed)
    weights = (np.arange(size) + 10.0) ** (-1 / (gamma - 1))
    cumulated = np.cumsum(weights) / weights.sum()
    want = entries // 2
    keys = np.zeros(0, dtype=np.int64)
    while keys.size < want:
        u, v = np.minimum(np.searchsorted(cumulated, rng.random((2, int(want * 1.2)))), size - 1)
        u, v = u[u != v], v[u != v]
        keys = np.unique(np.concatenate((keys, np.minimum(u, v) * size + np.maximum(u, v))))
    keys = np.sort(rng.permutation(keys)[:want])
    relabel = rng.permutation(size)
    return torch.from_numpy(np.stack((relabel[keys // size], relabel[keys % size])))


def both_ways(edges: Tensor) -> Tensor:
    """With the reverse of every edge."""
    return torch.cat((edges, edges.flip(0)), 1)


# -- timing -----------------------------------------------------------------------------------------------------------


def timed(sides: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each, the sides in turn: warm, right after a run of the same side, and that run before, cold.

    Cold is what a call in the midst of other work takes: the side before it has filled the caches with its own memory.
    """
    times: dict[str, list[float]] = {name + kind: [] for name in sides for kind in ("", " cold")}
    for _ in range(repeats):
        for name, run in sides.items():
            for kind in (" cold", ""):
                start = time.perf_counter()
                run()
                times[name + kind].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def plain(run: Callable[[], Any]) -> Callable[[], Any]:
    """The pure torch path."""

    def switched() -> Any:
        _ops.ENABLED = False
        try:
            return run()
        finally:
            _ops.ENABLED = True

    return switched


def row(what: str, times: dict[str, float], bar: float | None) -> dict[str, Any]:
    """A row of the table; times in milliseconds."""
    made: dict[str, Any] = {"what": what, "ms": times["ours"] * 1e3, "rival_ms": times["rival"] * 1e3}
    made["times_faster"] = times["rival"] / times["ours"]
    if "ours cold" in times:
        made["cold_times_faster"] = times["rival cold"] / times["ours cold"]
    if "torch" in times:
        made["pure_torch_ms"] = times["torch"] * 1e3
        made["pure_torch_times_faster"] = times["rival"] / times["torch"]
    if "scipy" in times:
        made["scipy_ms"] = times["scipy"] * 1e3
    shown = {key: round(value, 2) if isinstance(value, float) else value for key, value in made.items()}
    print(shown, "" if bar is None else f"(bar: {bar:g} times)", flush=True)
    return made


def measure(name: str, adj: Adjacency, edges: Tensor, pairs: Tensor, inner: Tensor, channels: int, bar: float, n: int):
    """All rows of one graph; `edges` once each, the first of `pairs` are among them."""
    x = torch.randn(adj.num_columns, channels, generator=torch.Generator().manual_seed(0))
    matrix = sp.csr_array(
        (np.ones(adj.num_entries, dtype=np.float32), adj.indices.numpy(), adj.indptr.numpy()),
        shape=(adj.num_rows, adj.num_columns),
    )
    s, t = pairs.numpy()

    def scipy_count() -> Any:
        return matrix[s].multiply(matrix[t]).sum(axis=1)

    def ours_count() -> Tensor:
        return common_neighbors(adj, pairs)

    def ours_pool() -> Tensor:
        return common_neighbors(adj, pairs, x)

    def with_gradient(pool: Callable[[Tensor], Tensor]) -> Callable[[], Tensor]:
        def run() -> Tensor:
            leaf = x.clone().requires_grad_()
            pool(leaf).backward(torch.ones(()).expand(pairs.size(1), channels))
            assert leaf.grad is not None
            return leaf.grad

        return run

    ours_gradient = with_gradient(lambda leaf: common_neighbors(adj, pairs, leaf))
    rival_gradient = with_gradient(lambda leaf: RivalPool.apply(adj, pairs, leaf))

    def rival_pool() -> Tensor:
        return RivalPool.apply(adj, pairs, x)

    counts = ours_count()
    assert torch.equal(counts, rival_counts(adj, pairs))
    assert torch.equal(counts, plain(ours_count)())
    assert np.array_equal(counts.numpy(), np.asarray(scipy_count()).ravel().astype(np.int64))
    torch.testing.assert_close(ours_pool(), rival_pool(), rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(plain(ours_pool)(), rival_pool(), rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(ours_gradient(), rival_gradient(), rtol=1e-4, atol=1e-2)
    rows = []
    what = f"{name}, {pairs.size(1):,} pairs: "
    sides = {
        "ours": ours_count,
        "rival": lambda: rival_counts(adj, pairs),
        "torch": plain(ours_count),
        "scipy": scipy_count,
    }
    rows.append(row(what + "counts", timed(sides, n), None))
    sides = {"ours": ours_pool, "rival": rival_pool, "torch": plain(ours_pool)}
    rows.append(row(what + f"sums of x, {channels} channels", timed(sides, n), bar))
    sides = {"ours": ours_gradient, "rival": rival_gradient, "torch": plain(ours_gradient)}
    rows.append(row(what + "the same and the gradient", timed(sides, n), None))

    first, _ = neighbor_differences(adj, inner)  # the pairs that a completion asks about
    asked = torch.stack((torch.repeat_interleave(inner[1], first.rowptr.diff()), first.columns.long()))
    assert torch.equal(common_neighbors(adj, asked), rival_counts(adj, asked))
    sides = {"ours": lambda: common_neighbors(adj, asked), "rival": lambda: rival_counts(adj, asked)}
    label = f"{name}: completion counts of {inner.size(1):,} targets, {asked.size(1):,} pairs"
    rows.append(row(label, timed(sides, n), 30.0))

    keep = torch.ones(edges.size(1), dtype=torch.bool)
    keep[: pairs.size(1)] = False  # the targets stand first
    targets = edges[:, : pairs.size(1)]
    rebuilt = rival_rebuild(edges, keep, adj.num_columns)
    assert torch.equal(common_neighbors(adj, targets, exclude=True), common_neighbors(rebuilt, targets))
    sides = {
        "with": lambda: common_neighbors(adj, targets, exclude=True),
        "without": lambda: common_neighbors(adj, targets),
        "find": lambda: adj.entries(targets),
        "rival": lambda: rival_rebuild(edges, keep, adj.num_columns),
    }
    times = timed(sides, n)
    times["ours"] = max(times["with"] - times["without"], times["find"])
    rows.append(row(f"{name}: leaving out {targets.size(1):,} target edges", times, 10.0))
    return rows


# -- memory -----------------------------------------------------------------------------------------------------------


def child(who: str, path: str) -> None:
    """One side, once, in a process of its own."""
    torch.set_num_threads(2)
    arrays = np.load(path)
    adj = as_adjacency(torch.from_numpy(arrays["edges"]), num_nodes=int(arrays["size"]))
    pairs, x = torch.from_numpy(arrays["pairs"]), torch.from_numpy(arrays["x"])
    few = pairs[:, :64]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        common_neighbors(adj, few, x) if who == "ours" else RivalPool.apply(adj, few, x)  # what starts once
        result: dict[str, Any] = {}
        with measured(result):
            out = common_neighbors(adj, pairs, x) if who == "ours" else RivalPool.apply(adj, pairs, x)
    report({**result, "output_bytes": out.numel() * out.element_size()})


def memory(name: str, edges: Tensor, size: int, pairs: Tensor, channels: int) -> dict[str, Any]:
    """Peak memory over what was there before, the output included, and without it."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/graph.npz"
        x = np.random.default_rng(0).normal(size=(size, channels)).astype(np.float32)
        np.savez(path, edges=edges.numpy(), size=size, pairs=pairs.numpy(), x=x)
        found = {who: run_child(sys.executable, Path(__file__), "--child", who, path) for who in ("ours", "rival")}
    mib = {who: found[who]["over_baseline_bytes"] / 2**20 for who in found}
    output = found["ours"]["output_bytes"] / 2**20
    made = {
        "what": f"{name}: sums for {pairs.size(1):,} pairs, {channels} channels",
        "MiB": mib["ours"],
        "of_which_output": output,
        "rival_MiB": mib["rival"],
        "times_less": mib["rival"] / mib["ours"],
        "times_less_beside_output": (mib["rival"] - output) / max(mib["ours"] - output, 1 / 256),
    }
    print(made, "(bar: 20 times)", flush=True)
    return made


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="holds ogb/ogbl_ddi")
    parser.add_argument("--only", default="powerlaw,ddi,memory")
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(*arguments.child)
        return
    warnings.simplefilter("ignore")
    torch.set_num_threads(arguments.threads)
    only = arguments.only.split(",")
    generator = torch.Generator().manual_seed(0)
    parts: dict[str, Any] = {}
    speed: dict[str, list[dict[str, Any]]] = {}
    peaks: list[dict[str, Any]] = []
    note = f"Medians of {arguments.repeats} runs in turn, {arguments.threads} threads; results asserted equal first."
    for gamma in (2.8, 2.3):
        if not {"powerlaw", "memory"} & set(only):
            break
        edges = power_law(200_000, 5_000_000, gamma, seed=0)
        edges = edges[:, torch.randperm(edges.size(1), generator=generator)]
        adj = as_adjacency(both_ways(edges), num_nodes=200_000)
        as_targets = gamma == 2.8
        pairs = edges[:, :65_536] if as_targets else torch.randint(0, 200_000, (2, 65_536), generator=generator)
        name = f"exponent {gamma}, {'edges' if as_targets else 'any pairs'}"
        if "powerlaw" in only:
            inner = pairs[:, :512] if as_targets else pairs[:, :4096]
            speed.setdefault("power law", []).extend(
                measure(name, adj, edges, pairs, inner, 64, 8.0, arguments.repeats)
            )
        if "memory" in only:
            peaks.append(memory(name, both_ways(edges), 200_000, pairs, 64))
    if (arguments.data / "ogb" / "ogbl_ddi").is_dir() and {"ddi", "memory"} & set(only):
        from graphx.data import load_ogb

        edges = load_ogb("ogbl-ddi", arguments.data).pairs("train")[0].t().contiguous()
        edges = edges[:, torch.randperm(edges.size(1), generator=generator)]
        adj = as_adjacency(both_ways(edges), num_nodes=4267)
        pairs = edges[:, :24_576]
        if "ddi" in only:
            speed["ogbl-ddi"] = measure(
                "ogbl-ddi", adj, edges, pairs, pairs[:, :16], 224, 13.0, min(arguments.repeats, 3)
            )
        if "memory" in only:
            peaks.append(memory("ogbl-ddi", both_ways(edges), 4267, pairs, 224))
    else:
        print("ogbl-ddi is left out: no files under --data")
    for name, rows in speed.items():
        parts[name.replace(" ", "_")] = {
            "title": f"Against gather, search and sparse times dense: {name}",
            "note": note,
            "rows": rows,
        }
    if peaks:
        note = "Peak memory over the graph and the features, one process for each side."
        parts["memory"] = {"title": "Extra memory", "note": note, "rows": peaks}
    versions = {"torch": torch.__version__.split("+")[0], "numpy": np.__version__}
    write_results(arguments.output, parts, versions)


if __name__ == "__main__":
    main()
