"""graphx.gradco side by side with gradco 0.1.8 and ORCA: equal results first, then time and memory.

    python benchmarks/kernels/gradco.py                        all parts
    python benchmarks/kernels/gradco.py --only csr stream      some

Every run is a process of its own. Seconds are those of counting: imports and the making or reading of the graph come
before. Memory is the peak of resident memory, whole and over what the process held when counting began (interpreter,
imports, graph). Sides alternate; medians are told. gradco needs numpy < 2 and therefore an interpreter of its own:
--gradco-python or the variable GRADCO_PYTHON names it, else a virtual environment is made for this run.
Results go to benchmarks/results/gradco.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

sys.path[0] = str(Path(__file__).resolve().parents[1])  # in place of this folder, where `gradco` is this file
from _measure import MIB, ROOT, alternate, run_child, write_results  # noqa: E402

HERE = Path(__file__).resolve().parent
RESULTS = ROOT / "benchmarks" / "results" / "gradco.json"
PROTEINS = {"BioGRID human": "ppi-biogrid-3.4.164-HSapiens", "STRING human": "ppi-string-human"}


class Bench:
    """What the parts share: options, graphs, and the three programs."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.folder, self.threads, self.repeats = folder, options.threads, options.repeats
        self.data = Path(options.data)
        self._rival_python = options.gradco_python
        self.facts: dict[str, Any] = {}

    def graph(self, source: str) -> Path:
        """The CSR file of `ba:NODES` or of a network by name; made once."""
        path = self.folder / f"{source.replace(':', '')}.npz"
        if not path.exists():
            where = source if ":" in source else self.data / "networks" / f"{source}.edgelist.gz"
            self.facts[source] = run_child(sys.executable, HERE / "gradco_ours.py", "make", where, 0, path)
        return path

    def ours(self, task: str, source: str, threads: int | None = None, save_to: str | Path = "") -> dict[str, Any]:
        arguments = (task, self.graph(source), threads or self.threads, save_to)
        return run_child(sys.executable, HERE / "gradco_ours.py", *arguments)

    def rival(self, task: str, source: str, save_to: str | Path = "") -> dict[str, Any]:
        return run_child(self.rival_python(), HERE / "gradco_rival.py", task, self.graph(source), save_to)

    def orca(self, task: str, source: str, save_to: str | Path = "") -> dict[str, Any]:
        return run_child(sys.executable, HERE / "gradco_orca.py", task, self.graph(source), save_to)

    def rival_python(self) -> str:
        if not self._rival_python:
            place = self.folder / "gradco-venv"
            print("making a virtual environment for gradco 0.1.8", flush=True)
            subprocess.run([sys.executable, "-m", "venv", place], check=True)
            self._rival_python = str(place / "bin" / "python")
            packages = ["numpy<2", "scipy", "gradco==0.1.8"]
            subprocess.run([self._rival_python, "-m", "pip", "install", "--quiet", *packages], check=True)
        return self._rival_python


def same_arrays(a: Path, b: Path) -> int:
    """How many arrays two files hold, all of them equal."""
    with np.load(a) as first, np.load(b) as second:
        assert set(first.files) == set(second.files), (first.files, second.files)
        for name in first.files:
            assert np.array_equal(first[name], second[name]), f"{name} differs"
        return len(first.files)


def ratios(rival: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    return {
        "rival": rival,
        "ours": ours,
        "times_faster": rival["seconds"] / ours["seconds"],
        "times_less_memory": rival["peak_bytes"] / ours["peak_bytes"],
        "times_less_memory_over_baseline": rival["over_baseline_bytes"] / ours["over_baseline_bytes"],
    }


def line(name: str, run: dict[str, Any]) -> None:
    peak, over = run["peak_bytes"] / MIB, run["over_baseline_bytes"] / MIB
    print(
        f"  {name:<34} {run['seconds']:8.3f} s ({run['cpu_seconds']:.3f} s of processor)"
        f"   peak {peak:8.0f} MiB, over baseline {over:8.1f} MiB",
        flush=True,
    )


def told(title: str, part: dict[str, Any]) -> dict[str, Any]:
    print(
        f"{title}: {part['times_faster']:.1f} times faster, {part['times_less_memory']:.1f} times less memory "
        f"({part['times_less_memory_over_baseline']:.1f} over the baseline)"
    )
    line("rival", part["rival"])
    line("graphx", part["ours"])
    return part


# -- the parts ---------------------------------------------------------------------------------------------------------


@cache
def equal_28(bench: Bench) -> int:
    """28 of 28 matrices equal the rival's, on BA(2000, 10)."""
    theirs, mine = bench.folder / "theirs.npz", bench.folder / "mine.npz"
    bench.rival("csr", "ba:2000", theirs)
    bench.ours("csr", "ba:2000", save_to=mine)
    count = same_arrays(theirs, mine)
    assert count == 28
    print("28 of 28 matrices equal gradco 0.1.8 on BA(2000, 10)", flush=True)
    return count


def against_rival(bench: Bench, task: str) -> dict[str, Any]:
    equal = equal_28(bench)
    source = "ba:10000"
    runs = alternate(
        {"rival": lambda: bench.rival(task, source), "ours": lambda: bench.ours(task, source)}, bench.repeats
    )
    assert runs["rival"]["nnz"] == runs["ours"]["nnz"], "stored entries differ"
    part = {"graph": "BA(10000, 10)", "equal_matrices": equal, **ratios(runs["rival"], runs["ours"])}
    return told(f"{task}, all 28 of BA(10000, 10)", part)


def csr(bench: Bench) -> dict[str, Any]:
    """All 28 matrices in memory."""
    return against_rival(bench, "csr")


def stream(bench: Bench) -> dict[str, Any]:
    """Every entry of all 28 made, nothing kept."""
    return against_rival(bench, "stream")


def exact_large(bench: Bench) -> dict[str, Any]:
    """All 28 where the rival cannot run, as a stream."""
    print("all 28 as a stream, where gradco cannot run")
    part = {}
    for name, source in {"BA(20000, 10)": "ba:20000", **PROTEINS}.items():
        run = alternate({"ours": lambda source=source: bench.ours("stream", source)}, bench.repeats)["ours"]
        part[name] = {**run, **bench.facts.get(source, {})}
        line(f"{name}, {run['nnz']:.3g} entries", run)
    return part


def hop1(bench: Bench) -> dict[str, Any]:
    """Node and edge graphlet degrees against ORCA."""
    source, theirs, mine = "ba:100000", bench.folder / "orca.npz", bench.folder / "degrees.npz"
    bench.orca("compiled", source, theirs)
    bench.ours("degrees", source, save_to=mine)
    assert same_arrays(theirs, mine) == 2
    print("node and edge graphlet degrees equal ORCA's (orbit-count) on BA(100000, 10)", flush=True)
    runs = alternate(
        {
            "compiled": lambda: bench.orca("compiled", source),
            "ours": lambda: bench.ours("degrees", source),
            "public": lambda: bench.orca("public", source),
        },
        bench.repeats,
    )
    part = {"graph": "BA(100000, 10)", **ratios(runs["compiled"], runs["ours"])}
    told("hop 1, node and edge degrees against ORCA's compiled code", part)
    part["times_faster_than_public_call"] = runs["public"]["seconds"] / runs["ours"]["seconds"]
    line("rival, its public call", runs["public"])
    return {**part, "rival_public": runs["public"]}


def million(bench: Bench) -> dict[str, Any]:
    """A million nodes, ten million edges: the 19 hop-1 matrices as a stream, node and edge degrees."""
    run = bench.ours("million", "ba:1000000")
    print(f"1,000,000 nodes, 10,000,000 edges: node degrees {run['degrees_seconds']:.2f} s, all of hop 1:")
    line("graphx", run)
    edge, before = run["edge_bytes"] / MIB, run["matrices_peak_bytes"] / MIB
    print(f"  the edge degrees take {edge:.0f} MiB themselves; before them the peak was {before:.0f} MiB")
    return {**run, **bench.facts.get("ba:1000000", {})}


def threads(bench: Bench) -> dict[str, Any]:
    """Two threads against one."""
    part = {}
    for task, source in (("stream", "ba:10000"), ("csr", "ba:10000"), ("degrees", "ba:100000")):
        runs = alternate(
            {str(n): lambda n=n, task=task, source=source: bench.ours(task, source, n) for n in (1, 2)},
            max(bench.repeats, 5),
        )
        ratio = runs["1"]["seconds"] / runs["2"]["seconds"]
        part[task] = {"graph": source, "one": runs["1"], "two": runs["2"], "speed_up": ratio}
        before, after = runs["1"]["seconds"], runs["2"]["seconds"]
        print(f"two threads, {task} of {source}: {before:.3f} s -> {after:.3f} s, {ratio:.2f} times faster")
    return part


def operator(bench: Bench) -> dict[str, Any]:
    """[3]4_4 @ X, which never builds the matrix, against one A @ X of the same kernel."""
    run = alternate({"ours": lambda: bench.ours("operator", "ba:100000")}, bench.repeats)["ours"]
    run["ratio"] = run["product_seconds"] / run["adjacency_seconds"]
    run["ratio_with_counting"] = run["first_product_seconds"] / run["adjacency_seconds"]
    print(
        f"operator(3, 4, 4) @ X, 128 columns, BA(100000, 10): {run['product_seconds']:.3f} s, {run['ratio']:.1f} times "
        f"A @ X ({run['adjacency_seconds']:.3f} s); the first, with counting, {run['first_product_seconds']:.3f} s"
    )
    line("graphx, X and result included", run)
    return {"graph": "BA(100000, 10)", "columns": 128, **run}


def bandwidth(num_threads: int, resident: bool, size: int = 1 << 30) -> float:
    """Bytes a second written to memory that is not yet, or already, resident."""
    array = np.empty(size, dtype=np.uint8)
    if resident:
        array.fill(1)
    pieces = np.array_split(array, num_threads)
    with ThreadPoolExecutor(num_threads) as pool:
        start = time.perf_counter()
        list(pool.map(lambda piece: np.copyto(piece, np.uint8(2)), pieces))
        return size / (time.perf_counter() - start)


def limit(bench: Bench) -> dict[str, Any]:
    """What the memory of this machine can take, and how much of that is reached."""
    runs: dict[str, list[float]] = {"first_touch": [], "resident": [], "csr": [], "stream": []}
    written = {}
    for _ in range(bench.repeats):
        runs["first_touch"].append(bandwidth(bench.threads, resident=False))
        runs["resident"].append(bandwidth(bench.threads, resident=True))
        for task in ("csr", "stream"):
            run = bench.ours(task, "ba:10000")
            written[task] = run["bytes"]
            runs[task].append(run["bytes"] / run["seconds"])
    part: dict[str, Any] = {f"{name}_bytes_per_second": float(np.median(v)) for name, v in runs.items()}
    part["csr_bytes"], part["stream_bytes"] = written["csr"], written["stream"]
    part["csr_fraction_of_first_touch"] = part["csr_bytes_per_second"] / part["first_touch_bytes_per_second"]
    part["stream_fraction_of_resident"] = part["stream_bytes_per_second"] / part["resident_bytes_per_second"]
    print(
        f"limit, {bench.threads} threads: first-touch {part['first_touch_bytes_per_second'] / 1e9:.2f} GB/s, resident "
        f"{part['resident_bytes_per_second'] / 1e9:.2f} GB/s; csr writes {written['csr'] / 1e9:.2f} GB at "
        f"{part['csr_fraction_of_first_touch']:.0%} of the first, stream {written['stream'] / 1e9:.2f} GB at "
        f"{part['stream_fraction_of_resident']:.0%} of the second"
    )
    return {"graph": "BA(10000, 10)", **part}


PARTS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "csr": csr,
    "stream": stream,
    "exact-large": exact_large,
    "hop1": hop1,
    "million": million,
    "threads": threads,
    "operator": operator,
    "limit": limit,
}


def overview(parts: dict[str, Any]) -> dict[str, Any]:
    """One row for each thing measured, for the README."""

    def row(what: str, rival: str, ours: dict[str, Any], part: dict[str, Any] | None = None) -> dict[str, Any]:
        ratio = part or {}
        return {
            "what": what,
            "seconds": ours["seconds"],
            "MB over the graph": ours["over_baseline_bytes"] / 1e6,
            "against": rival,
            "times faster": ratio.get("times_faster"),
            "times less memory, whole process": ratio.get("times_less_memory"),
            "over the graph": ratio.get("times_less_memory_over_baseline"),
        }

    rows = []
    if "csr" in parts:
        rows.append(
            row("all 28 matrices of BA(10000, 10) in memory", "gradco 0.1.8", parts["csr"]["ours"], parts["csr"])
        )
    if "stream" in parts:
        part = parts["stream"]
        rows.append(row("all 28 of BA(10000, 10) as blocks of rows", "gradco 0.1.8", part["ours"], part))
    for name in ("BA(20000, 10)", *PROTEINS):
        if run := parts.get("exact-large", {}).get(name):
            rows.append(row(f"all 28 of {name} as blocks of rows", "gradco cannot", run))
    if "hop1" in parts:
        part = parts["hop1"]
        rows.append(row("node and edge graphlet degrees of BA(100000, 10)", "ORCA, compiled", part["ours"], part))
    if "million" in parts:
        rows.append(row("all of hop 1, 1 million nodes, 10 million edges", "", parts["million"]))
    note = "Two threads; medians; seconds of counting, without imports and reading; results asserted equal first."
    stamp = {name: parts["csr"][name] for name in ("date", "machine", "versions") if "csr" in parts}
    return {"rows": rows, "note": note, **stamp}


def versions() -> dict[str, str]:
    found = {"gradco": "0.1.8"}
    for package in ("graphx-pyg", "orbit-count", "numpy", "scipy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--gradco-python", default=os.environ.get("GRADCO_PYTHON"), help="interpreter that has gradco")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side (default 3)")
    parser.add_argument("--threads", type=int, default=2, help="threads of graphx (default 2)")
    parser.add_argument("--data", default=os.environ.get("GRAPHX_TEST_DATA", ROOT.parent / "shared" / "data"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        for name in options.only:
            write_results(RESULTS, {name: PARTS[name](bench)}, versions())
    write_results(RESULTS, {"overview": overview(json.loads(RESULTS.read_text()))}, versions())


if __name__ == "__main__":
    main()
