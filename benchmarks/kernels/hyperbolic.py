"""Maps of the Poincare ball: time and error beside geoopt 0.5.1 and hypll 0.1.1, in one process.

    python benchmarks/kernels/hyperbolic.py              all parts, into benchmarks/results/hyperbolic.json
    python benchmarks/kernels/hyperbolic.py --speed      times only        --errors    errors only

Run it with an interpreter that has the rivals (``pip install --no-deps geoopt==0.5.1 hypll==0.1.1``); without them it
says so and reports ours. Results are compared before they are timed. Every call allocates its output, ours and theirs.
"""

from __future__ import annotations

import argparse
import gc
import math
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[0:0] = [str(ROOT / "benchmarks"), str(ROOT)]
if str(Path(__file__).parent) in sys.path:
    sys.path.remove(str(Path(__file__).parent))  # or `import hyperbolic` would be this file

import numpy as np  # noqa: E402
import torch  # noqa: E402
from _measure import write_results  # noqa: E402

from graphx.nn import hyperbolic as ours  # noqa: E402

try:
    import geoopt.manifolds.stereographic.math as geoopt
except ImportError:
    geoopt = None
try:
    import hypll.manifolds.poincare_ball.math.diffgeom as hypll
except ImportError:
    hypll = None

ROWS, DIM, BLOCK = 100_000, 256, 32


def best(call: Callable[[], Any], repeats: int) -> float:
    """The best of some runs in milliseconds, the output dropped in between."""
    times = []
    call()
    gc.disable()
    for _ in range(repeats):
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
        del result
    gc.enable()
    return 1e3 * min(times)


def alternate(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """All sides in turn; the median over rounds of the best of three."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(best(call, 3))
    return {name: statistics.median(values) for name, values in found.items()}


def speed(rounds: int) -> dict[str, Any]:
    torch.manual_seed(0)
    u = torch.randn(ROWS, DIM) / 32
    x = ours.expmap0(u)
    blocks = torch.eye(BLOCK).repeat(DIM // BLOCK, 1, 1) + 0.1 * torch.randn(DIM // BLOCK, BLOCK, BLOCK)
    dense, k, c = torch.block_diag(*blocks), torch.tensor(-1.0), torch.tensor(1.0)
    upstream = torch.randn(ROWS, DIM)
    warm = torch.empty_like(x)

    def both(function: Callable[..., torch.Tensor], weight: torch.Tensor) -> Callable[[], Any]:
        weight, point = weight.clone().requires_grad_(), x.clone().requires_grad_()

        def call() -> Any:
            weight.grad = point.grad = None
            function(weight, point).backward(upstream)
            return point.grad

        return call

    def gradients(function: Callable[..., torch.Tensor], weight: torch.Tensor) -> Callable[[], Any]:
        inputs = [weight.clone().requires_grad_(), x.clone().requires_grad_()]
        image = function(*inputs)
        return lambda: torch.autograd.grad(image, inputs, upstream, retain_graph=True)

    keep: list[torch.Tensor] = []

    def fresh() -> None:  # results that live on: no memory to be had again
        keep.append(ours.expmap0(u))

    calls: dict[str, dict[str, Callable[[], Any]]] = {
        "expmap0": {"graphx": lambda: ours.expmap0(u)},
        "logmap0": {"graphx": lambda: ours.logmap0(x)},
        f"mobius_matvec, block {BLOCK}": {"graphx": lambda: ours.mobius_matvec(blocks, x)},
        "its backward": {"graphx": gradients(ours.mobius_matvec, blocks)},
        "both": {"graphx": both(ours.mobius_matvec, blocks)},
    }
    expmap, logmap, product, backward, together = calls.values()
    if geoopt is not None:
        expmap["geoopt"] = lambda: geoopt.expmap0(u, k=k)
        logmap["geoopt"] = lambda: geoopt.logmap0(x, k=k)
        product["geoopt"] = lambda: geoopt.mobius_matvec(dense, x, k=k)
        backward["geoopt"] = gradients(lambda w, p: geoopt.mobius_matvec(w, p, k=k), dense)
        together["geoopt"] = both(lambda w, p: geoopt.mobius_matvec(w, p, k=k), dense)
    if hypll is not None:
        expmap["hypll"] = lambda: hypll.expmap0(u, c)
        logmap["hypll"] = lambda: hypll.logmap0(x, c)
    for name, sides in calls.items():  # the same results first
        results = {side: call() for side, call in sides.items()}
        points = {side: result[1] if isinstance(result, tuple) else result for side, result in results.items()}
        for side, point in points.items():
            assert torch.allclose(point, points["graphx"], rtol=1e-3, atol=1e-4), (name, side)
    del results
    copy = alternate({"copy": lambda: warm.copy_(x)}, rounds)["copy"]
    times = []
    for _ in range(6):
        start = time.perf_counter()
        fresh()
        times.append(1e3 * (time.perf_counter() - start))
    first = statistics.median(times[2:])  # what was kept for reuse is taken by then
    keep.clear()
    rows = []
    small, image, calls_of_mm = u[:2048].contiguous(), torch.empty(2048, DIM), 16

    def products() -> None:  # for as long as the products of a backward pass take, and as many threads
        for _ in range(calls_of_mm):
            torch.mm(small, dense, out=image)

    rate = calls_of_mm * 2 * 2048 * DIM * DIM / alternate({"mm": products}, rounds)["mm"] / 1e6
    gflop = 2 * ROWS * DIM * BLOCK / 1e9
    # what each must move and multiply: x in and y out; x, y and the upstream gradient in and one gradient out
    bounds = ((1, 0.0), (1, 0.0), (1, gflop), (2, 2 * gflop), (3, 3 * gflop))
    for (name, sides), (traffic, work) in zip(calls.items(), bounds, strict=True):
        times = alternate(sides, rounds)
        row: dict[str, Any] = {"operation": name, "ms": times["graphx"], "passes": times["graphx"] / copy}
        row["passes_of_memory"] = traffic
        row["of_arithmetic"] = 1e3 * work / rate / copy
        for rival in ("geoopt", "hypll"):
            row[f"{rival}_ms"] = times.get(rival)
            row[f"times_{rival}"] = times[rival] / times["graphx"] if rival in times else None
        rows.append(row)
        print(row)
    print(f"copy {copy:.2f} ms; expmap0 into fresh memory {first:.1f} ms")
    note = (
        f"100,000 rows of 256 float32, {torch.get_num_threads()} threads. A pass reads and writes all rows once, into "
        f"memory that is there: {copy:.1f} ms. The two columns after it are what no code can do without: rows that are "
        f"read and written, and products at the {rate:.0f} GFLOP/s of a dense one in the cache. The product is "
        f"{gflop:.2f} GFLOP, its backward twice that; geoopt gets the dense block-diagonal matrix, as it has no other. "
        f"Where results are kept instead of dropped, each needs fresh memory from the system, and expmap0 takes "
        f"{first:.1f} ms."
    )
    return {
        "title": "Time of one call, output allocated in it",
        "rows": rows,
        "note": note,
        "copy_ms": copy,
        "fresh_expmap0_ms": first,
    }


# -- errors against 50 digits ----------------------------------------------------------------------------------------


def errors() -> dict[str, Any]:
    from tests.reference import hyperbolic as reference

    generator = np.random.default_rng(0)
    dim, points = 64, 6
    rows: list[dict[str, Any]] = []
    radii = {
        "float32": (1e-12, 1e-8, 1e-4, 0.1, 0.9, 0.99, 1 - 1e-4, 1 - 1e-6, 1 - 2.0**-24),
        "float64": (1e-12, 1e-4, 0.1, 0.99, 1 - 1e-7, 1 - 1e-10, 1 - 1e-14),
    }
    for name, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        for radius in radii[name]:
            worst: dict[str, float] = {}
            done = 0
            while done < points:
                direction = generator.standard_normal(dim)
                x = torch.from_numpy(direction / np.linalg.norm(direction) * radius).to(dtype)
                if math.fsum(v * v for v in x.double().tolist()) >= 1 - 2e-16:
                    continue
                done += 1
                u = (math.atanh(radius) / radius * x.double()).to(dtype)
                w = torch.from_numpy(generator.standard_normal((2, 32, 32)) / math.sqrt(32)).to(dtype)
                exact = reference.vector(x.numpy())
                k = torch.tensor(-1.0, dtype=dtype)
                sides: list[tuple[str, Any, dict[str, Any]]] = [
                    (
                        "exp0",
                        reference.expmap0(reference.vector(u.numpy()), 1.0),
                        {
                            "graphx": ours.expmap0(u),
                            "geoopt": geoopt and geoopt.expmap0(u, k=k),
                            "hypll": hypll and hypll.expmap0(u, -k),
                        },
                    ),
                    (
                        "log0",
                        reference.logmap0(exact, 1.0),
                        {
                            "graphx": ours.logmap0(x),
                            "geoopt": geoopt and geoopt.logmap0(x, k=k),
                            "hypll": hypll and hypll.logmap0(x, -k),
                        },
                    ),
                    (
                        "matvec",
                        reference.mobius_matvec(reference.product(w.numpy(), x.numpy()), exact, 1.0),
                        {
                            "graphx": ours.mobius_matvec(w, x),
                            "geoopt": geoopt and geoopt.mobius_matvec(torch.block_diag(*w), x, k=k),
                        },
                    ),
                ]
                for operation, true, found in sides:
                    for side, result in found.items():
                        if result is not None:
                            error = reference.Exact.of(true).error(result.numpy())
                            key = f"{operation} {side}"
                            worst[key] = max(worst.get(key, 0.0), error)
            limit = 3e-7 if name == "float32" else 1e-15 * max(1.0, 1 / (1 - radius))
            assert all(error <= limit for key, error in worst.items() if key.endswith("graphx")), (name, radius, worst)
            shown = f"{radius:g}" if radius < 0.999 else f"1 - {1 - radius:.0e}"
            rows.append({"dtype": name, "radius": shown, **{k: f"{e:.0e}" for k, e in worst.items()}})
            print(rows[-1])
    note = "Worst |y - true| / |true| of 6 random points of 64 numbers, c = 1; the radius is sqrt(c) |x| of the point."
    return {"title": "Relative error against 50 digits", "rows": rows, "note": note}


def distances() -> dict[str, Any]:
    from tests.reference import hyperbolic as reference

    generator = np.random.default_rng(1)
    rows = []
    for name, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        for length in (1e-6, 1e-3, 1.0, 3.0, 5.0, 10.0, 100.0, 1000.0):
            worst = {"graphx": 0.0}
            for _ in range(6):
                pair = [generator.standard_normal(64) for _ in range(2)]
                u, v = (torch.from_numpy(p / np.linalg.norm(p) * length).to(dtype) for p in pair)
                true = reference.tangent_dist(reference.vector(u.numpy()), reference.vector(v.numpy()), 1.0)
                k = torch.tensor(-1.0, dtype=dtype)
                found = {"graphx": ours.tangent_dist(u[None], v[None])[0, 0]}
                if geoopt is not None:
                    found["geoopt"] = geoopt.dist(geoopt.expmap0(u, k=k), geoopt.expmap0(v, k=k), k=k)
                if hypll is not None:
                    found["hypll"] = hypll.dist(hypll.expmap0(u, -k), hypll.expmap0(v, -k), -k)
                for side, value in found.items():
                    error = float(abs(value.item() - true) / true)
                    worst[side] = max(worst.get(side, 0.0), error) if math.isfinite(error) else math.inf
            assert worst["graphx"] <= (2e-7 if name == "float32" else 1e-14), (name, length, worst)
            rows.append({"dtype": name, "length": f"{length:g}", **{side: f"{e:.0e}" for side, e in worst.items()}})
            print(rows[-1])
    note = "Worst of 6 random pairs of 64 numbers; the rivals go through the ball, graphx through tangent_dist."
    return {"title": "Relative error of the distance of two tangent vectors", "rows": rows, "note": note}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    everything = not (options.speed or options.errors)
    for name, module in (("geoopt", geoopt), ("hypll", hypll)):
        if module is None:
            print(f"{name} is not installed here: its columns stay empty")
    parts: dict[str, Any] = {}
    if options.speed or everything:
        parts["speed"] = speed(options.rounds)
    if options.errors or everything:
        parts["errors"] = errors()
        parts["distances"] = distances()
    versions = {"torch": torch.__version__}
    for package in ("geoopt", "hypll"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "absent"
    write_results(ROOT / "benchmarks" / "results" / "hyperbolic.json", parts, versions)


if __name__ == "__main__":
    main()
