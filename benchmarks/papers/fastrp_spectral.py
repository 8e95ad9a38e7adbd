"""The price of quality: FastRP(refine=8) against scikit-network's Spectral on a million nodes, one thread each.

    python benchmarks/papers/fastrp_spectral.py --rivals rivals/bin/python

A power-law graph of 1 million nodes and 10 million edges, 128 columns. Processor seconds, as minutes on a busy machine
say little; reading the graph is not counted in ours. The rival is stopped at --most times our time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from _measure import BENCHMARKS, measured, report, run_child, write_results  # noqa: E402

import graphx  # noqa: E402
from graphx.data import synthetic  # noqa: E402
from graphx.fastrp import FastRP  # noqa: E402
from graphx.graph import Graph  # noqa: E402

RESULTS = BENCHMARKS / "results" / "fastrp_spectral.json"
DIM = 128
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def ours(path: str, refine: int) -> None:
    """The child's side: one embedding of the graph at ``path``."""
    graph = Graph.from_scipy(sp.load_npz(path))
    result: dict[str, Any] = {}
    with measured(result):
        found = FastRP(DIM, refine=refine, random_state=0, num_threads=1).fit_transform(graph)
    assert np.isfinite(found).all()
    assert found.shape == (graph.num_nodes, DIM)
    report(result)


def spectral(python: str, graph: Path, target: Path, limit: int) -> dict[str, Any]:
    """The rival's run, stopped by the system once it has taken ``limit`` processor seconds."""
    script = BENCHMARKS / "papers" / "fastrp_rivals.py"
    env = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(BENCHMARKS)}
    command = [python, "-P", str(script), "spectral", str(graph), str(target), str(DIM)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=env, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)),
    )  # fmt: skip
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return {"cpu_seconds": float(limit), "stopped": True}
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr[-2000:]}")
    return {**json.loads(done.stdout.rstrip().splitlines()[-1]), "stopped": False}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rivals", required=True, help="a Python that has scikit-network")
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--refine", type=int, default=8)
    parser.add_argument("--most", type=float, default=20.0, help="stop the rival at this many times our time")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        ours(options.child, options.refine)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.npz"
        graph = synthetic.power_law(options.nodes, average_degree=20.0, seed=0)
        sp.save_npz(path, graph.to_scipy().astype(np.float32), compressed=False)
        facts = {"num_nodes": graph.num_nodes, "num_edges": graph.num_edges, "dim": DIM}
        del graph
        arguments = ("--rivals", options.rivals, "--child", path, "--refine", options.refine)
        mine = run_child(sys.executable, Path(__file__), *arguments, env=ONE_THREAD)
        print(f"FastRP(refine={options.refine}): {mine['cpu_seconds']:.1f} processor seconds", flush=True)
        limit = int(options.most * mine["cpu_seconds"])
        rival = spectral(options.rivals, path, Path(folder) / "s.npy", limit)
    ratio = rival["cpu_seconds"] / mine["cpu_seconds"]
    stopped = "stopped unfinished at " if rival["stopped"] else ""
    print(f"scikit-network Spectral: {stopped}{rival['cpu_seconds']:.1f} processor seconds, {ratio:.1f} times ours")
    rows = [
        {"": f"FastRP(refine={options.refine})", "processor seconds": f"{mine['cpu_seconds']:.0f}"},
        {"": "scikit-network Spectral", "processor seconds": f"{stopped}{rival['cpu_seconds']:.0f}"},
    ]
    title = "1 million nodes and 10 million edges, 128 columns, one thread each"
    part = {**facts, "refine": options.refine, "ours": mine, "rival": rival, "times_faster": ratio}
    table = {"title": title, "rows": rows} if options.nodes == 1_000_000 else {}
    write_results(RESULTS, {"spectral": {**part, **table}}, {"graphx": graphx.__version__})


if __name__ == "__main__":
    main()
