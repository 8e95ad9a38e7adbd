"""LCMAggregation side by side with PyG's: forward and backward, time and memory, and the bound that the products set.

    python benchmarks/kernels/lcm.py [--repeats 1] [--threads 1] [--only regular padded hub bound]

Both layers have the same weights, 64 channels and no projection. Every run is a process of its own; sides alternate.
Time is that of forward and backward; memory is the peak over what was there before, the input.
On the regular graph no neighbourhood is padded, so both must give the same rows and gradients, which is asserted. Where
PyG pads, its rows depend on the largest neighbourhood of the batch and there is nothing to compare; ours are then
compared with PyG's layer on single neighbourhoods. Results go to benchmarks/results/lcm.json.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)  # in place of this folder, whose files are named as packages
from _measure import MIB, ROOT, alternate, measured, report, run_child, write_results  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "lcm.json"
CHANNELS = 64
CASES = {  # nodes, messages, largest degree
    "regular": (50_000, 800_000, 16),
    "regular small": (6_250, 100_000, 16),
    "padding x4": (6_250, 100_000, 64),
    "padding x8": (6_250, 100_000, 128),
    "hub": (50_000, 800_000, 50_000),
}


def problem(case: str) -> Any:
    """The sorted index of a case: one node of the largest degree, the rest as equal as can be."""
    import torch

    nodes, messages, largest = CASES[case]
    rest = messages - largest
    sizes = torch.full((nodes,), rest // (nodes - 1), dtype=torch.long)
    sizes[0] = largest
    sizes[1 : 1 + rest % (nodes - 1)] += 1
    assert int(sizes.sum()) == messages
    assert int(sizes.max()) == largest
    return torch.arange(nodes).repeat_interleave(sizes)


def layers() -> tuple[Any, Any]:
    import torch
    import torch_geometric.nn.aggr

    from graphx.nn import LCMAggregation

    torch.manual_seed(0)
    theirs = torch_geometric.nn.aggr.LCMAggregation(CHANNELS, CHANNELS, project=False)
    ours = LCMAggregation(CHANNELS, CHANNELS, project=False)
    ours.operator.load_state_dict(theirs.gru_cell.state_dict())
    return ours, theirs


def child(side: str, case: str, threads: int) -> None:
    """One pass on a small batch to warm up, one whose memory is taken, and the faster of it and another."""
    import torch

    torch.set_num_threads(threads)
    layer = layers()[side == "pyg"]
    index = problem(case)
    x = torch.randn(index.numel(), CHANNELS, generator=torch.Generator().manual_seed(1)).requires_grad_()
    nodes = CASES[case][0]
    layer(x[:4], torch.tensor([0, 0, 1, 1]), dim_size=2).sum().backward()
    x.grad = None
    layer.zero_grad()
    result: dict[str, Any] = {}
    with measured(result):
        out = layer(x, index, dim_size=nodes)
        out.square().sum().backward()
    assert x.grad is not None
    result["checks"] = [float(out.detach().double().sum()), float(x.grad.double().abs().sum())]
    first = result["seconds"]
    x.grad = None
    layer.zero_grad()
    start = time.perf_counter()
    layer(x, index, dim_size=nodes).square().sum().backward()
    result["seconds"] = min(first, time.perf_counter() - start)
    report(result)


def assert_equal_results() -> None:
    """Rows and gradients of both layers where nothing is padded, and single neighbourhoods of every size up to 64."""
    import torch

    ours, theirs = layers()
    pairs = list(zip(ours.operator.parameters(), theirs.gru_cell.parameters(), strict=True))
    for nodes, size in [(500, 16), *((1, n) for n in range(2, 65))]:
        index = torch.arange(nodes).repeat_interleave(size)
        x = torch.randn(nodes * size, CHANNELS)
        found = []
        for layer in (ours, theirs):
            mine = x.clone().requires_grad_()
            layer.zero_grad()
            out = layer(mine, index, dim_size=nodes)
            out.square().sum().backward()
            found.append((out.detach(), mine.grad))
        torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=2e-6)
        for mine, other in pairs:
            torch.testing.assert_close(mine.grad, other.grad, rtol=1e-3, atol=1e-4 * float(other.grad.abs().max()))


def gemm_rate(threads: int) -> float:
    """FLOP a second of torch's float32 product, the best of some shapes."""
    import torch

    torch.set_num_threads(threads)
    best = 0.0
    for rows, depth, columns in ((1024, 64, 384), (1024, 384, 64), (1024, 1024, 1024)):
        a, b = torch.randn(rows, depth), torch.randn(depth, columns)
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(20):
                torch.mm(a, b)
            best = max(best, 20 * 2 * rows * depth * columns / (time.perf_counter() - start))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--child", nargs=2)
    options = parser.parse_args()
    if options.child:
        child(*options.child, options.threads)
        return
    import torch
    import torch_geometric

    assert_equal_results()
    rate = gemm_rate(options.threads)
    rows = []
    for case in options.only:
        sides = ("graphx",) if case == "hub" else ("graphx", "pyg")
        runs = {
            side: lambda side=side, case=case: run_child(
                sys.executable, Path(__file__), "--child", side, case, "--threads", options.threads
            )
            for side in sides
        }
        found = alternate(runs, options.repeats)
        ours, theirs = found["graphx"], found.get("pyg")
        nodes, messages, largest = CASES[case]
        bound = 96 * CHANNELS**2 * (messages - nodes) / rate
        row = {
            "case": case,
            "nodes": nodes,
            "messages": messages,
            "largest_degree": largest,
            "seconds": ours["seconds"],
            "PyG_seconds": theirs["seconds"] if theirs else None,
            "times_faster": theirs["seconds"] / ours["seconds"] if theirs else None,
            "MB": ours["over_baseline_bytes"] / MIB,
            "PyG_MB": theirs["over_baseline_bytes"] / MIB if theirs else None,
            "times_less_memory": theirs["over_baseline_bytes"] / ours["over_baseline_bytes"] if theirs else None,
            "of_the_bound": bound / ours["seconds"],
        }
        if case.startswith("regular"):
            assert theirs is not None
            for mine, other in zip(ours["checks"], theirs["checks"], strict=True):
                assert abs(mine - other) <= 1e-4 * abs(other), (ours["checks"], theirs["checks"])
        rows.append(row)
        print(row, flush=True)
    note = (
        f"Forward and backward, float32, 64 channels, {options.threads} thread(s), the faster of two passes (median "
        f"of {options.repeats} processes); memory is the peak over the input. The bound is 96 d² floating point "
        f"operations a pair (72 d², the gates once more) at {rate / 1e9:.0f} GFLOP/s, the best of torch here."
    )
    versions = {"torch": torch.__version__, "torch_geometric": torch_geometric.__version__}
    write_results(RESULTS, {f"threads_{options.threads}": {"note": note, "rows": rows}}, versions)


if __name__ == "__main__":
    main()
