"""Edge-list text to CSR: graphx against pandas' C reader and scipy, into the same arrays.

    python benchmarks/kernels/edgelist.py [--edges 10000000] [--nodes 1000000] [--runs 5]

Every run is a fresh process that imports all libraries first; runs alternate, medians are told. Both must produce the
same CSR: undirected, sorted, without loops and duplicates, indptr int64, indices int32. Peak memory is ru_maxrss minus
its value after the imports, so the interpreter is not in it and the result is. This parent imports nothing large, for
a child begins with its parent's ru_maxrss. The CPU seconds beside the wall clock tell of a machine that others share.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

RESULT = Path(__file__).parents[1] / "results" / "edgelist.json"

GENERATE = """
import sys
import numpy as np
from graphx import _core
path, nodes, edges = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(0)
with open(path, "wb") as stream:
    for low in range(0, edges, 1 << 20):
        size = min(1 << 20, edges - low)
        u, v = rng.integers(0, nodes, (2, size))
        stream.write(_core.edgelist_format(u, v, " "))
"""

COMMON = """
import hashlib, json, resource, sys, time
import numpy as np, pandas, scipy.sparse
import graphx.data
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
path, threads = sys.argv[1], int(sys.argv[2])
before, start, busy = peak(), time.perf_counter(), time.process_time()
"""

GRAPHX = """
graph = graphx.data.read_edgelist(path, num_threads=threads)
indptr, indices = graph.indptr, graph.indices
"""

PANDAS = """
frame = pandas.read_csv(path, sep=" ", header=None, engine="c", dtype=np.int32)
u, v = frame[0].to_numpy(), frame[1].to_numpy()
del frame
keep = u != v
u, v = u[keep], v[keep]
size = int(max(u.max(), v.max())) + 1
ends = (np.concatenate([u, v]), np.concatenate([v, u]))
del u, v, keep
matrix = scipy.sparse.coo_array((np.ones(ends[0].size, dtype=np.int8), ends), shape=(size, size)).tocsr()
matrix.sum_duplicates()
indptr, indices = matrix.indptr.astype(np.int64), matrix.indices
"""

REPORT = """
seconds, busy, extra = time.perf_counter() - start, time.process_time() - busy, peak() - before
assert indptr.dtype == np.int64 and indices.dtype == np.int32
digest = hashlib.sha256(indptr.tobytes() + indices.tobytes()).hexdigest()
print(json.dumps({"seconds": seconds, "cpu_seconds": busy, "peak_extra_bytes": extra, "digest": digest,
                  "csr_bytes": indptr.nbytes + indices.nbytes, "entries": int(indices.size)}))
"""


def run(code: str, *arguments: object) -> dict[str, object]:
    """One fresh process; its last line as JSON."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(out.splitlines()[-1])) if out else {}


def main() -> None:
    """Generate, run, compare, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--output", type=Path, default=RESULT)
    arguments = parser.parse_args()

    cases = {"graphx": (GRAPHX, arguments.threads), "graphx, 1 thread": (GRAPHX, 1), "pandas + scipy": (PANDAS, 1)}
    found: dict[str, list[dict[str, object]]] = {name: [] for name in cases}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.edgelist"
        run(GENERATE, path, arguments.nodes, arguments.edges)
        file_bytes = path.stat().st_size
        for _ in range(arguments.runs):
            for name, (code, threads) in cases.items():
                found[name].append(run(COMMON + code + REPORT, path, threads))
    digests = {str(one["digest"]) for runs in found.values() for one in runs}
    if len(digests) != 1:
        raise SystemExit(f"the CSRs differ: {digests}")

    csr_bytes = int(str(found["graphx"][0]["csr_bytes"]))
    table: dict[str, dict[str, float]] = {}
    for name, runs in found.items():
        seconds = sorted(float(str(one["seconds"])) for one in runs)
        extra = statistics.median(float(str(one["peak_extra_bytes"])) for one in runs)
        table[name] = {
            "median_seconds": statistics.median(seconds),
            "min_seconds": seconds[0],
            "max_seconds": seconds[-1],
            "median_cpu_seconds": statistics.median(float(str(one["cpu_seconds"])) for one in runs),
            "peak_extra_bytes": extra,
            "peak_over_csr": extra / csr_bytes,
        }
    rival = table["pandas + scipy"]
    for name, row in table.items():
        row["times_faster"] = rival["median_seconds"] / row["median_seconds"]
        row["times_less_cpu"] = rival["median_cpu_seconds"] / row["median_cpu_seconds"]
        row["times_less_memory"] = rival["peak_extra_bytes"] / row["peak_extra_bytes"]
        print(
            f"{name:18} {row['median_seconds']:7.3f} s  {row['times_faster']:5.2f} x faster, "
            f"{row['times_less_cpu']:5.2f} x less CPU   peak "
            f"{row['peak_extra_bytes'] / 1e6:7.1f} MB = {row['peak_over_csr']:.2f} x CSR  "
            f"{row['times_less_memory']:5.2f} x less"
        )
    result = {
        "benchmark": "edgelist",
        "nodes": arguments.nodes,
        "edges": arguments.edges,
        "file_bytes": file_bytes,
        "csr_bytes": csr_bytes,
        "runs": arguments.runs,
        "threads": arguments.threads,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in ("numpy", "pandas", "scipy")},
        "equal_csr": True,
        "results": table,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n")
    print(f"equal CSRs; {arguments.output} written")


if __name__ == "__main__":
    main()
