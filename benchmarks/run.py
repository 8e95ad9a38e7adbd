"""Run all benchmarks, small or full, and write the report and the tables of the pages.

    python benchmarks/run.py small                    minutes: small cases, results into build/benchmarks
    python benchmarks/run.py full                     hours: as recorded, results into benchmarks/results
    python benchmarks/run.py report                   nothing is run: docs/report.md and all tables
    python benchmarks/run.py full --only gradco lcm   some

A script that fails, or whose rival or data are missing, is told of and does not stop the others; the exit code is 1
when one failed. Rivals live in interpreters of their own, which the variables of benchmarks/README.md name.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCHMARKS))  # python -P leaves it out
import tables  # noqa: E402

ROOT = BENCHMARKS.parent
DATA = Path(os.environ.get("GRAPHX_TEST_DATA", ROOT.parent / "shared" / "data"))
SMALL = ROOT / "build" / "benchmarks"


@dataclass(frozen=True)
class Script:
    """One benchmark: how it is run at either size, and what it needs.

    Args:
        path: Below benchmarks/.
        about: What is compared, in a line.
        full: Arguments of the recorded run; several lists are several runs.
        small: Arguments of a run of a minute or so; None where there is none.
        data: A folder that must exist.
        python: The variable that names the interpreter with the rivals, where it runs the script itself.
        rival: A variable that a small run needs, or it would install the rival.
        results: The files that it writes in benchmarks/results.
    """

    path: str
    about: str
    full: tuple[tuple[str, ...], ...] = ((),)
    small: tuple[str, ...] | None = None
    data: Path | None = None
    python: str = ""
    rival: str = ""
    results: tuple[str, ...] = ()


_LITTLE = ("--edges", "200000", "--nodes", "20000", "--runs", "1")
_DATA = ("--data", str(DATA))
SCRIPTS = {
    "gradco": Script(
        "kernels/gradco.py",
        "all 28 orbit adjacencies, beside gradco and ORCA",
        small=("--only", "csr", "--repeats", "1"),
        rival="GRADCO_PYTHON",
        results=("gradco",),
    ),
    "edgelist": Script(
        "kernels/edgelist.py",
        "an edge list to CSR, beside pandas and scipy",
        small=(*_LITTLE, "--output", str(SMALL / "edgelist.json")),
        results=("edgelist",),
    ),
    "loading": Script(
        "kernels/loading.py", "opening a saved graph, beside parsing it", small=_LITTLE, results=("loading",)
    ),
    "fastrp": Script(
        "kernels/fastrp.py",
        "FastRP, beside its other implementations",
        small=("--part", "scipy", "--nodes", "20000", "--repeats", "1", "--folder", str(SMALL / "graphs")),
        results=("fastrp",),
    ),
    "fastrp_orbit": Script(
        "kernels/fastrp_orbit.py",
        "FastRP over all orbits, beside plain FastRP",
        small=("--nodes", "5000", "--repeats", "1"),
        results=("fastrp_orbit",),
    ),
    "common_neighbors": Script(
        "kernels/common_neighbors.py",
        "common neighbours of pairs, beside gather and search and scipy",
        small=("--only", "powerlaw", "--repeats", "1"),
        results=("common_neighbors",),
    ),
    "lcm": Script(
        "kernels/lcm.py",
        "LCM aggregation, beside PyG's",
        small=("--only", "regular small", "--repeats", "1"),
        results=("lcm",),
    ),
    "hyperbolic": Script(
        "kernels/hyperbolic.py",
        "maps of the Poincare ball, beside geoopt and hypll",
        small=("--speed", "--rounds", "1"),
        python="HYPERBOLIC_PYTHON",
        results=("hyperbolic",),
    ),
    "fastrp_quality": Script(
        "papers/fastrp.py",
        "node labels from embeddings, beside other methods",
        full=(("--data", str(DATA / "multilabel"), "--cache", str(SMALL / "embeddings")),),
        data=DATA / "multilabel",
        results=("fastrp_quality",),
    ),
    "fastrp_bf16": Script(
        "papers/fastrp_bf16.py",
        "what bfloat16 storage costs of F1",
        full=(("--data", str(DATA / "multilabel")),),
        small=("--data", str(DATA / "multilabel"), "--graphs", "ppi", "--seeds", "2"),
        data=DATA / "multilabel",
        results=("fastrp_bf16",),
    ),
    "fastrp_spectral": Script(
        "papers/fastrp_spectral.py",
        "the price of eigenvectors on a million nodes, beside scikit-network",
        full=(("--rivals", os.environ.get("FASTRP_PYTHON", "python")),),
        small=("--rivals", os.environ.get("FASTRP_PYTHON", "python"), "--nodes", "2000", "--most", "2"),
        rival="FASTRP_PYTHON",
        results=("fastrp_spectral",),
    ),
    "orbit_fastrp": Script(
        "papers/orbit_fastrp.py",
        "node labels from orbits, beside edges",
        full=(("--root", str(DATA)),),
        small=("--root", str(DATA), "--networks", "texas"),
        data=DATA,
        results=("orbit_fastrp_labels",),
    ),
    "lcm_tasks": Script(
        "papers/lcm.py",
        "learned aggregations on sets and graphs",
        full=(("second-minimum",), ("graphs",)),
        results=("lcm_learning",),
    ),
    "virgo": Script(
        "papers/virgo.py",
        "initialisations of deep networks: slopes, cost, accuracy",
        full=(("slopes", *_DATA), ("cost", *_DATA), ("accuracy", *_DATA), ("tables",)),
        data=DATA,
        results=("virgo",),
    ),
    "ogb_linkpred": Script(
        "ogb/linkpred.py",
        "link prediction by the rules of the OGB leaderboards",
        full=(
            ("--dataset", "ogbl-ddi", "--model", "ncn", "--runs", "10"),
            ("--dataset", "ogbl-collab", "--model", "ncnc", "--runs", "10"),
        ),
        data=DATA / "ogb",
    ),
    "ncn": Script(
        "papers/ncn.py",
        "NCN and NCNC on citation graphs, by the paper's split and settings",
        full=(
            ("run", *_DATA),
            ("run", *_DATA, "--splits", "pyg", "--variant", "pyg splits"),
            ("epochs", *_DATA),
            ("tables",),
        ),
        data=DATA,
        results=("ncn",),
    ),
    "h4g_scale": Script(
        "papers/h4g_scale.py",
        "zero-shot classification of 53,091 nodes: memory, time, a kill",
        full=(("--root", str(DATA)),),
        data=DATA / "text",
        results=("h4g_scale",),
    ),
    "h4g": Script(
        "papers/h4g.py",
        "zero-shot classification, beside its control arms",
        full=(("--root", str(DATA)),),
        data=DATA / "text",
        results=("h4g",),
    ),
}


def unlisted() -> list[str]:
    """Scripts that can be called and are not in the table above, so that none is forgotten in silence."""
    listed = {script.path for script in SCRIPTS.values()}
    callable_scripts = (
        str(path.relative_to(BENCHMARKS))
        for path in sorted(BENCHMARKS.glob("*/*.py"))
        if "argparse.ArgumentParser(" in path.read_text(encoding="utf-8")
    )
    return [path for path in callable_scripts if path not in listed]


def obstacle(script: Script, *, small: bool) -> str:
    """Why a script cannot run here; empty when it can."""
    if small and script.small is None:
        return "has no small size"
    if script.data is not None and not script.data.is_dir():
        return f"needs data in {script.data}: set GRAPHX_TEST_DATA"
    if small and script.rival and script.rival not in os.environ:
        return f"needs its rival: set {script.rival}"
    return ""


def run(name: str, *, small: bool) -> str:
    """Run one script; 'done', 'skipped: ...' or 'failed: ...'."""
    script = SCRIPTS[name]
    if why := obstacle(script, small=small):
        return f"skipped: {why}"
    python = os.environ.get(script.python, sys.executable) if script.python else sys.executable
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(BENCHMARKS), str(ROOT)])}
    if small:
        environment["GRAPHX_BENCHMARK_RESULTS"] = str(SMALL)
    for arguments in [script.small or ()] if small else script.full:
        command = [python, "-P", str(BENCHMARKS / script.path), *arguments]
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        if code:
            return f"failed: exit status {code} of {' '.join(command)}"
    return "done"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=("small", "full", "report"))
    parser.add_argument("--only", nargs="+", choices=SCRIPTS, default=list(SCRIPTS), metavar="NAME")
    options = parser.parse_args(arguments)
    outcomes = {}
    if options.size != "report":
        SMALL.mkdir(parents=True, exist_ok=True)
        for name in options.only:
            print(f"==== {name}: {SCRIPTS[name].about}", flush=True)
            start = time.perf_counter()
            outcomes[name] = f"{run(name, small=options.size == 'small')} ({time.perf_counter() - start:.0f} s)"
    if options.size != "small":
        tables.main([])  # docs/report.md is one of the pages
    for path in unlisted():
        print(f"not run: {path} is not in the table of run.py")
    for name, outcome in outcomes.items():
        print(f"{name:17s} {outcome}")
    return int(any(outcome.startswith("failed") for outcome in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
