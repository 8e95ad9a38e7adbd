"""A saved graph against the text it was parsed from, and `python -m graphx.data info` against the parse alone.

    python benchmarks/kernels/loading.py [--edges 10000000] [--nodes 1000000] [--runs 5]

Every run is a fresh process; runs alternate, medians are told. The files are in the page cache for all of them. What is
opened must equal what was parsed. `opened and read` also visits every byte, as a first pass over the graph would.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _measure import BENCHMARKS, ROOT, alternate, report, run_child, write_results

RESULT = BENCHMARKS / "results" / "loading.json"


def child(what: str, text: str, saved: str, nodes: int, edges: int) -> None:
    """One measured process."""
    import numpy as np

    from graphx import Graph, _core
    from graphx.data import load_graph

    if what == "generate":
        rng = np.random.default_rng(0)
        with open(text, "wb") as stream:
            for low in range(0, edges, 1 << 20):
                u, v = rng.integers(0, nodes, (2, min(1 << 20, edges - low)))
                stream.write(_core.edgelist_format(u, v, " "))
        load_graph(text).save(saved)
    start = time.perf_counter()
    graph = load_graph(text) if what == "parsed" else Graph.open(saved)
    if what == "opened and read":
        assert int(graph.indices.max()) < graph.num_nodes
        assert int(graph.indptr.max()) == graph.indices.size
    seconds = time.perf_counter() - start
    report(
        {
            "seconds": seconds,
            "entries": graph.indices.size,
            "digest": graph.digest if what == "parsed" else _digest(graph),
        }
    )


def _digest(graph: Any) -> str:
    """Over what is in the arrays, not what the manifest says."""
    from graphx import Graph

    return str(Graph(graph.indptr, graph.indices).digest)


def info(text: str) -> dict[str, Any]:
    """The wall time of the whole command."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "graphx.data", "info", text]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert "nodes" in done.stdout
    return {"seconds": time.perf_counter() - start}


def main() -> None:
    """Generate, run, compare, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--child", nargs=3, metavar=("WHAT", "TEXT", "SAVED"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(*arguments.child, arguments.nodes, arguments.edges)
        return

    with tempfile.TemporaryDirectory() as folder:
        text, saved = f"{folder}/random.edgelist", f"{folder}/random.graph"

        def run(what: str) -> dict[str, Any]:
            sizes = ("--nodes", arguments.nodes, "--edges", arguments.edges)
            return run_child(sys.executable, Path(__file__), "--child", what, text, saved, *sizes)

        run("generate")
        found = alternate(
            {
                "parsed": lambda: run("parsed"),
                "opened": lambda: run("opened"),
                "opened and read": lambda: run("opened and read"),
                "info": lambda: info(text),
            },
            arguments.runs,
        )
    digests = {found[name]["digest"] for name in ("parsed", "opened", "opened and read")}
    if len(digests) != 1:
        raise SystemExit(f"the graphs differ: {digests}")
    parse = found["parsed"]["seconds"]
    names = {
        "parsed": "parse the text",
        "opened": "open the saved graph",
        "opened and read": "open it and read every byte",
        "info": "the whole command info on the text",
    }
    rows = [
        {
            "what": names[name],
            "seconds": found[name]["seconds"],
            "times_faster_than_the_parse": parse / found[name]["seconds"],
        }
        for name in names
    ]
    for row in rows:
        print(f"{row['what']:36} {row['seconds']:9.5f} s  {row['times_faster_than_the_parse']:8.2f} x")
    import numpy

    title = f"{arguments.edges:,} edges between {arguments.nodes:,} nodes"
    note = f"Medians of {arguments.runs} processes; equal graphs. The last row begins with starting Python."
    write_results(
        arguments.output, {"loading": {"title": title, "note": note, "rows": rows}}, {"numpy": numpy.__version__}
    )
    open_ratio, info_ratio = parse / found["opened"]["seconds"], found["info"]["seconds"] / parse
    print(f"open {open_ratio:.0f} x faster than the parse (bar: 50); info {info_ratio:.2f} x the parse (bar: 3)")


if __name__ == "__main__":
    main()
