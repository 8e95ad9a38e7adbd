"""H4G on a text graph of 53,091 nodes: memory, time, the bar, and a fit that is killed and goes on.

The command ``python -m graphx.zeroshot`` runs three times, each in a process of its own, on Debian packages with the 31
sections as labels: to its end; with a checkpoint, killed as soon as that is there; and again with this checkpoint. The
table that the last one writes must be that of the first, byte for byte. Vectors of the texts come from the cache; where
they are not in it, the first run encodes them.

    python benchmarks/papers/h4g_scale.py --root DATA
"""

from __future__ import annotations

import argparse
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from _measure import ROOT, write_results

import graphx

GRAPH, KIND, STEPS, GIB = "debian_section", "software package", 100, 2**30


def command(data: str, output: Path, checkpoint: Path | None = None) -> list[str]:
    """One run of the command; its seed and steps are the same in all."""
    told = [sys.executable, "-m", "graphx.zeroshot", "--graph", GRAPH, "--kind", KIND, "--root", data]
    told += ["--steps", str(STEPS), "--evaluate", "-o", str(output)]
    return told + ([] if checkpoint is None else ["--checkpoint", str(checkpoint)])


def watch(arguments: list[str], stop: Path | None = None) -> dict[str, Any]:
    """Run with stderr a terminal; kill when `stop` is there. Seconds, peak memory, the exit and what the bar showed."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 100))
    start, seen = time.perf_counter(), b""
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    while True:
        if stop is not None and stop.exists():
            process.send_signal(signal.SIGKILL)
            stop = None
        if select.select([ours], [], [], 0.05)[0]:
            try:
                seen += os.read(ours, 65536)
            except OSError:  # the terminal is gone, and with it the process
                break
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    os.close(ours)
    shown = seen.decode(errors="replace").replace("\r", "\n").splitlines()
    return {
        "seconds": time.perf_counter() - start,
        "peak_gib": usage.ru_maxrss * 1024 / GIB,
        "exit": process.returncode,
        "bars": sorted({line.split(":")[0].strip() for line in shown if "%|" in line}),
        "first_step": next((_done(line) for line in shown if line.startswith("fit:")), None),
        "last_line": next((line for line in reversed(shown) if "accuracy" in line), ""),
    }


def _done(line: str) -> int:
    return int(float(line.split("|")[2].split("/", maxsplit=1)[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="the folder that holds text/<name>")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results" / "h4g_scale.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        state = folder / "fit" / "state.json"
        runs = {
            "to its end": watch(command(args.root, folder / "whole.csv")),
            "killed at its first checkpoint": watch(command(args.root, folder / "again.csv", folder / "fit"), state),
            "the same command again": watch(command(args.root, folder / "again.csv", folder / "fit")),
        }
        for what, run in runs.items():
            print(what, run)
        whole, again = ((folder / f"{kind}.csv").read_bytes() for kind in ("whole", "again"))
    assert [run["exit"] for run in runs.values()] == [0, -signal.SIGKILL, 0]
    assert whole == again, "the fit that was killed ended in another table"
    assert all("fit" in run["bars"] for run in runs.values())
    rows = [
        {
            "run": what,
            "seconds": run["seconds"],
            "peak_GiB": run["peak_gib"],
            "bars": ", ".join(run["bars"]),
            "first_step_shown": run["first_step"],
        }
        for what, run in runs.items()
    ]
    told = runs["to its end"]["last_line"].partition(": ")[2]
    nodes = whole.count(b"\n") - 1
    note = (
        f"{nodes:,} nodes, {STEPS} steps, fit and predict in one command, MiniLM vectors from the cache. "
        f"Both tables are the same, byte for byte. {told[:1].upper()}{told[1:]}."
    )
    part = {"title": "A text graph of Debian packages, 31 sections", "rows": rows, "note": note}
    write_results(args.output, {"sections": part}, {"graphx": graphx.__version__, "encoder": "all-MiniLM-L6-v2"})


if __name__ == "__main__":
    main()
