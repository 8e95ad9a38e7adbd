"""Shared by the benchmarks: one measured region per process, child processes, medians, and what machine this is.

Standard library only, because the rivals' interpreters import it too.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parent
ROOT = BENCHMARKS.parent
MIB = 2**20


def _status_bytes(field: str) -> int | None:
    """A kB field of /proc/self/status in bytes; None where there is no such file."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    value = next((line.split()[1] for line in lines if line.startswith(field + ":")), None)
    return None if value is None else int(value) * 1024


def resident_bytes() -> int:
    """Resident memory of this process now."""
    return _status_bytes("VmRSS") or peak_bytes()


def peak_bytes() -> int:
    """Largest resident memory of this process since the last `reset_peak`."""
    peak = _status_bytes("VmHWM")
    if peak is not None:
        return peak
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def reset_peak() -> None:
    """Forgets earlier peaks (Linux), so that making the graph does not hide what counting needs."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


@contextmanager
def measured(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Fills `result` with wall and processor seconds, peak memory, and peak memory over what was there before."""
    gc.collect()
    reset_peak()
    baseline = resident_bytes()
    cpu, start = time.process_time(), time.perf_counter()
    yield result
    result["seconds"] = time.perf_counter() - start
    result["cpu_seconds"] = time.process_time() - cpu
    result["baseline_bytes"] = baseline
    result["peak_bytes"] = peak_bytes()
    result["over_baseline_bytes"] = peak_bytes() - baseline


class ChildError(RuntimeError):
    """A measured process failed; the message holds its last words."""


def run_child(python: str, script: Path, *arguments: object, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Runs `script` in a process of its own and returns the JSON object on the last line of its output.

    `-P` keeps the script's folder off the module path, where `gradco.py` would hide the package of that name.
    """
    path = os.pathsep.join([str(BENCHMARKS), str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    command = [python, "-P", str(script), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path, **(env or {})}, check=False
    )
    if done.returncode != 0:
        raise ChildError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.rstrip().splitlines()[-1])


def report(result: Mapping[str, Any]) -> None:
    """The child's side of `run_child`."""
    print("\n" + json.dumps(result), flush=True)


def alternate(runs: Mapping[str, Callable[[], dict[str, Any]]], repeats: int) -> dict[str, dict[str, Any]]:
    """Runs every side `repeats` times in turn, so that a busy minute hits all of them; medians of every number."""
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            results[name].append(run())
    return {name: medians(values) for name, values in results.items()}


def medians(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Median of every number, the first of everything else, and all the seconds."""
    merged: dict[str, Any] = {}
    for key, first in results[0].items():
        values = [r[key] for r in results]
        numeric = isinstance(first, int | float) and not isinstance(first, bool)
        merged[key] = statistics.median(values) if numeric else first
    merged["all_seconds"] = [round(r["seconds"], 4) for r in results if "seconds" in r]
    return merged


def machine() -> dict[str, Any]:
    """Processor, cores, memory and system, for the head of a result file."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }


def write_results(path: Path, parts: Mapping[str, Any], versions: Mapping[str, str]) -> None:
    """Merges `parts` into the JSON file, each with the date, machine and versions it was measured with.

    The variable GRAPHX_BENCHMARK_RESULTS names another folder for it: a small run replaces no recorded figure.
    """
    path = Path(os.environ.get("GRAPHX_BENCHMARK_RESULTS", path.parent)) / path.name
    known = json.loads(path.read_text()) if path.exists() else {}
    stamp = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "versions": dict(versions),
    }
    known.update({name: {**stamp, **part} for name, part in parts.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known, indent=2) + "\n")
