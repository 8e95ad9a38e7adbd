"""OrbitFastRP over all 28 orbit adjacencies against plain FastRP, same dimension and hops.

'concat' gives every orbit 128 columns (3,584 together), 'sum' adds them in 128. Both count the orbits too. With
bfloat16 the states between products are half as long. Every side runs in a process of its own, and the runs alternate.
On a small graph each orbit is first compared with FastRP over its matrix.

    python benchmarks/kernels/fastrp_orbit.py [--nodes 100000] [--edges-a-node 10] [--repeats 3]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path[0:1] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from _measure import BENCHMARKS, alternate, measured, report, run_child, write_results  # noqa: E402

RESULTS = BENCHMARKS / "results" / "fastrp_orbit.json"
SIDES = ("plain", "plain bfloat16", "sum", "concat", "sum bfloat16", "concat bfloat16")
D = 128


def child(side: str, nodes: int, m: int) -> None:
    """One side, measured in this process."""
    from graphx.data.synthetic import barabasi_albert
    from graphx.fastrp import FastRP, OrbitFastRP

    graph = barabasi_albert(nodes, m, seed=0)
    kind, _, storage = side.partition(" ")
    options = {"n_components": D, "random_state": 0, "storage": storage or "float32"}
    model = FastRP(**options) if kind == "plain" else OrbitFastRP("all", kind, **options)
    model.fit(barabasi_albert(50, 3, seed=0))  # modules are imported and threads have run once
    result: dict[str, object] = {}
    with measured(result):
        made = model.fit_transform(graph)
    result["columns"] = made.shape[1]
    report(result)


def equal() -> float:
    """The largest difference between OrbitFastRP and FastRP of the matrix, over the 28 keys of a small graph."""
    import numpy as np

    from graphx import Graph
    from graphx.data.synthetic import barabasi_albert
    from graphx.fastrp import FastRP, OrbitFastRP
    from graphx.gradco import OrbitAdjacency

    orbits = OrbitAdjacency(barabasi_albert(2000, 8, seed=0))
    worst = 0.0
    for key in orbits:
        options = {"random_state": 0, "standardize": False}
        ours = OrbitFastRP([key], n_components=D, **options).fit_transform(orbits)
        theirs = FastRP(D, **options).fit_transform(Graph.from_scipy(orbits[key].astype(np.float64)))
        worst = max(worst, float(np.abs(ours - theirs).max()))
    assert worst < 1e-3, worst
    return worst


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--edges-a-node", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", choices=SIDES)
    arguments = parser.parse_args()
    nodes, m = arguments.nodes, arguments.edges_a_node
    if arguments.child:
        child(arguments.child, nodes, m)
        return
    import graphx

    start = time.perf_counter()
    worst = equal()
    print(f"largest difference to FastRP of the matrices: {worst:.2e} ({time.perf_counter() - start:.0f} s)")
    script = Path(__file__).resolve()

    def run(side: str):
        return run_child(sys.executable, script, "--child", side, "--nodes", nodes, "--edges-a-node", m)

    runs = alternate({side: (lambda side=side: run(side)) for side in SIDES}, arguments.repeats)
    plain = runs["plain"]["seconds"]
    for side, found in runs.items():
        found["times_plain"] = found["seconds"] / plain
        print(
            f"{side:15} {found['columns']:5.0f} columns {found['seconds']:7.2f} s = {found['times_plain']:5.1f} x "
            f"plain, peak {found['peak_bytes'] / 1e9:.2f} GB"
        )
    names = {
        "plain": "FastRP",
        "sum": "OrbitFastRP, 28 orbits of 128 columns, summed",
        "concat": "OrbitFastRP, 28 orbits of 128 columns, side by side",
    }
    names |= {f"{side} bfloat16": f"{name}, bfloat16" for side, name in names.items()}
    part = {
        "title": f"Barabasi-Albert graph with {nodes:,} nodes and {m} edges a node, 4 hops",
        "note": "Counting the orbits is within the times. Plain is the first row. Peak memory is that of the process.",
        "rows": [
            {
                "": names[side],
                "columns": int(found["columns"]),
                "seconds": found["seconds"],
                "times plain": found["times_plain"],
                "peak GB": found["peak_bytes"] / 1e9,
            }
            for side, found in runs.items()
        ],
        "nodes": nodes,
        "edges_a_node": m,
        "d": D,
        "largest_difference": worst,
        "runs": runs,
    }
    write_results(RESULTS, {f"ba-{nodes}-{m}": part}, {"graphx": graphx.__version__})


if __name__ == "__main__":
    main()
