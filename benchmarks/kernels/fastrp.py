"""graphx.fastrp side by side with its rivals: equal results first, then time and memory.

    python benchmarks/kernels/fastrp.py                          all parts but `huge` and `sknetwork`
    python benchmarks/kernels/fastrp.py --part hop rust          some

A power-law graph (Chung-Lu) of a million nodes and ten million edges, d = 128, four hops, the last two weighted; every
run is a process of its own, sides alternate, medians are told; seconds are those of embedding, imports and loading come
before. The rivals (fastrp 0.1.1, pycleora, scikit-network, sparse_dot_mkl) live in an interpreter of their own that
--rival-python or the variable FASTRP_PYTHON names. Results go to benchmarks/results/fastrp.json.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[1])  # in place of this folder, where `fastrp` is this file
from _measure import MIB, ROOT, ChildError, alternate, run_child, write_results  # noqa: E402

HERE = Path(__file__).resolve().parent
RESULTS = ROOT / "benchmarks" / "results" / "fastrp.json"


class Bench:
    """What the parts share."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.folder, self.threads, self.repeats = Path(options.folder), options.threads, options.repeats
        self.nodes, self.rival_python = options.nodes, options.rival_python
        self.versions: dict[str, str] = {}  # of the rivals that have run
        self.folder.mkdir(parents=True, exist_ok=True)

    def graph(self) -> Path:
        path = self.folder / f"power_law_{self.nodes}.npz"
        if not path.exists():
            print(self.ours("make", self.nodes, path), flush=True)
        return path

    def ours(self, *arguments: object) -> dict[str, Any]:
        return run_child(sys.executable, HERE / "fastrp_ours.py", *arguments)

    def rival(self, task: str) -> dict[str, Any]:
        made = run_child(self.rival_python, HERE / "fastrp_rival.py", task, self.graph())
        self.versions.update(made.pop("versions"))
        return made

    def embed(self, storage: str) -> dict[str, Any]:
        return self.ours("embed", self.graph(), storage, self.threads)


def against(bench: Bench, name: str, rival: Any) -> dict[str, Any]:
    """One rival and both storages in turn."""
    runs = alternate(
        {"rival": rival, "float32": lambda: bench.embed("float32"), "bfloat16": lambda: bench.embed("bfloat16")},
        bench.repeats,
    )
    part: dict[str, Any] = dict(runs)
    for storage in ("float32", "bfloat16"):
        part[f"{storage}_times_faster"] = runs["rival"]["seconds"] / runs[storage]["seconds"]
        part[f"{storage}_share_of_memory"] = runs[storage]["peak_bytes"] / runs["rival"]["peak_bytes"]
    print(
        f"{name}: {part['float32_times_faster']:.2f} times faster with {part['float32_share_of_memory']:.2f} of its "
        f"memory in float32, {part['bfloat16_times_faster']:.2f} with {part['bfloat16_share_of_memory']:.2f} in bf16"
    )
    for side, run in runs.items():
        print(f"  {side:<10} {run['seconds']:8.3f} s   peak {run['peak_bytes'] / MIB:7.0f} MiB   {run['all_seconds']}")
    sys.stdout.flush()
    return part


def rust(bench: Bench) -> dict[str, Any]:
    """PyPI fastrp."""
    return against(bench, "fastrp 0.1.1 (Rust)", lambda: bench.rival("rust"))


def cleora(bench: Bench) -> dict[str, Any]:
    """pycleora, four iterations, its own graph already built."""
    return against(bench, "pycleora", lambda: bench.rival("cleora"))


def sknetwork(bench: Bench) -> dict[str, Any]:
    """scikit-network's RandomProjection, minutes."""
    return against(bench, "scikit-network RandomProjection", lambda: bench.rival("sknetwork"))


def scipy(bench: Bench) -> dict[str, Any]:
    """The same numbers by scipy in float32."""
    part = against(bench, "scipy", lambda: bench.ours("scipy", bench.graph(), bench.threads))
    assert part["rival"]["largest_difference"] < 1e-4, part["rival"]
    print(f"  equal to {part['rival']['largest_difference']:.1e}")
    return part


def hop(bench: Bench) -> dict[str, Any]:
    """One hop against the bandwidth of the memory, and against MKL."""
    part = {storage: bench.ours("hop", bench.graph(), storage, bench.threads) for storage in ("float32", "bfloat16")}
    for storage, run in part.items():
        print(
            f"one hop, {storage}: {run['best_seconds']:.3f} s, {run['gigabytes_per_second']:.1f} GB/s, "
            f"{run['share_of_stream']:.0%} of STREAM's {run['stream_gigabytes_per_second']:.1f}"
        )
    try:
        part["mkl"] = bench.rival("mkl")
        ratio = part["mkl"]["best_seconds"] / part["float32"]["best_seconds"]
        part["times_faster_than_mkl"] = {"float32": ratio}
        print(f"  MKL {part['mkl']['best_seconds']:.3f} s: {ratio:.2f} times faster in float32", flush=True)
    except ChildError as error:
        print(f"  sparse_dot_mkl is absent: {error}")
    return part


def pipeline(bench: Bench) -> dict[str, Any]:
    """From an edge list to a saved embedding."""
    text = bench.folder / f"power_law_{bench.nodes}.edgelist"
    if not text.exists():
        bench.ours("text", bench.graph(), text)
    out = bench.folder / "embedding.npy"
    run = alternate({"ours": lambda: bench.ours("pipeline", text, "bfloat16", bench.threads, out)}, bench.repeats)[
        "ours"
    ]
    out.unlink()
    print(
        f"file to saved embedding: {run['seconds']:.2f} s (load {run['load_seconds']:.2f}, embed "
        f"{run['embed_seconds']:.2f}, save {run['save_seconds']:.2f}), "
        f"{run['times_the_embedding']:.2f} times the embedding"
    )
    return run


def huge(bench: Bench) -> dict[str, Any]:
    """Ten million nodes, a hundred million edges, bfloat16; needs 16 GB and 3 GB of disk."""
    run = bench.ours("huge", bench.folder, "bfloat16", bench.threads)
    print(f"10 million nodes: {run['seconds']:.1f} s, peak {run['peak_bytes'] / 2**30:.2f} GiB")
    return run


PARTS = {f.__name__: f for f in (rust, scipy, cleora, hop, pipeline, sknetwork, huge)}


RIVALS = {
    "rust": "fastrp 0.1.1 (Rust), the same four propagations",
    "scipy": "scipy, the same numbers",
    "cleora": "pycleora, four iterations",
    "sknetwork": "scikit-network RandomProjection, four iterations",
}


def summary() -> dict[str, Any]:
    """The tables of what has been measured so far."""
    known = json.loads(RESULTS.read_text())
    rows = []
    for name, title in RIVALS.items():
        if (part := known.get(name)) is None:
            continue
        row: dict[str, Any] = {"rival": title, "its seconds": part["rival"]["seconds"]}
        for storage in ("float32", "bfloat16"):
            row[f"ours, {storage}"] = part[storage]["seconds"]
            row[f"times faster, {storage}"] = part[f"{storage}_times_faster"]
            row[f"share of its memory, {storage}"] = part[f"{storage}_share_of_memory"]
        rows.append(row)
    title = "Power-law graph of a million nodes and ten million edges, d = 128, four hops, loading not counted"
    made: dict[str, Any] = {"against": {"title": title, "rows": rows}}
    more: list[dict[str, Any]] = []
    if "hop" in known:
        hops = known["hop"]
        for storage in ("float32", "bfloat16"):
            share = hops[storage]["share_of_stream"]
            told = f"{share:.0%} of the STREAM bandwidth in bytes a second, if no row were met in a cache"
            more.append({"what": f"one hop, {storage}", "seconds": hops[storage]["best_seconds"], "": told})
        if "mkl" in hops:
            told = "sparse_dot_mkl with out="
            more.append({"what": "one product by MKL, float32", "seconds": hops["mkl"]["best_seconds"], "": told})
    if "pipeline" in known:
        told = f"{known['pipeline']['times_the_embedding']:.2f} times the embedding alone"
        more.append(
            {"what": "edge list to saved embedding, bfloat16", "seconds": known["pipeline"]["seconds"], "": told}
        )
    if "huge" in known:
        told = f"peak {known['huge']['peak_bytes'] / 2**30:.1f} GiB, on a busy machine; the graph mapped from its file"
        what = "10 million nodes, 100 million edges, bfloat16"
        more.append({"what": what, "seconds": known["huge"]["seconds"], "": told})
    if more:
        made["alone"] = {"title": "Parts, and larger ones", "rows": more}
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=["rust", "scipy", "cleora", "hop", "pipeline"])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--folder", default="/tmp/graphx-fastrp", help="graphs are made here once and kept")
    parser.add_argument("--rival-python", default=os.environ.get("FASTRP_PYTHON", sys.executable))
    options = parser.parse_args()
    bench = Bench(options)
    for name in options.part:
        bench.versions.clear()
        try:
            part = PARTS[name](bench)
        except ChildError as error:
            print(f"{name}: no figure: {error}", file=sys.stderr)
            continue
        common = {"nodes": options.nodes, "threads": options.threads, "repeats": options.repeats}
        versions = {"numpy": version("numpy"), "scipy": version("scipy")}
        write_results(RESULTS, {name: {**common, **part}}, {**versions, **bench.versions})
        write_results(RESULTS, summary(), versions)


if __name__ == "__main__":
    main()
