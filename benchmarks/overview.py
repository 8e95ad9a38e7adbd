"""The two tables over all benchmarks: one line of each for the README, and where every figure comes from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Line(NamedTuple):
    """Where a line of the headline stands in the results: FILE/PART, the row with these values, and its columns."""

    what: str
    place: str
    row: dict[str, Any] | None
    ours: str
    unit: str
    rival: str
    version_of: str
    faster: str
    less_memory: str = ""


LINES = (
    Line(
        "all 28 orbit adjacencies of 10,000 nodes and 100,000 edges",
        "gradco/overview",
        {"what": "all 28 matrices of BA(10000, 10) in memory"},
        "seconds",
        "s",
        "gradco",
        "gradco",
        "times faster",
        "over the graph",
    ),
    Line(
        "the same as a stream of blocks",
        "gradco/overview",
        {"what": "all 28 of BA(10000, 10) as blocks of rows"},
        "seconds",
        "s",
        "gradco",
        "gradco",
        "times faster",
        "over the graph",
    ),
    Line(
        "node and edge graphlet degrees, 100,000 nodes and 1 million edges",
        "gradco/overview",
        {"what": "node and edge graphlet degrees of BA(100000, 10)"},
        "seconds",
        "s",
        "ORCA, compiled (orbit-count)",
        "orbit-count",
        "times faster",
        "over the graph",
    ),
    Line(
        "an edge list of 10 million lines to CSR",
        "edgelist/results",
        None,
        "graphx.median_seconds",
        "s",
        "pandas and scipy",
        "",
        "graphx.times_faster",
        "graphx.times_less_memory",
    ),
    Line(
        "FastRP, 1 million nodes, 10 million edges, 128 columns",
        "fastrp/rust",
        None,
        "float32.seconds",
        "s",
        "fastrp (Rust)",
        "fastrp",
        "float32_times_faster",
        "1/float32_share_of_memory",
    ),
    Line(
        "sums over common neighbours, ogbl-ddi, 24,576 pairs",
        "common_neighbors/ogbl-ddi",
        {"what": "ogbl-ddi, 24,576 pairs: sums of x, 224 channels"},
        "ms",
        "ms",
        "gather and search, torch",
        "torch",
        "times_faster",
    ),
    Line(
        "LCM aggregation, forward and backward, degrees from 8 to 128",
        "lcm/threads_1",
        {"case": "padding x8"},
        "seconds",
        "s",
        "PyG's LCMAggregation",
        "torch_geometric",
        "times_faster",
        "times_less_memory",
    ),
    Line(
        "exponential map of 100,000 vectors of 256",
        "hyperbolic/speed",
        {"operation": "expmap0"},
        "ms",
        "ms",
        "geoopt",
        "geoopt",
        "times_geoopt",
    ),
)


def _load(results: Path, file: str) -> dict[str, Any]:
    path = results / f"{file}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _find(part: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        part = part.get(name) if isinstance(part, dict) else None
    return part


def _ratio(part: Any, column: str) -> float | None:
    """A column, or one over it where its name begins with 1/."""
    value = _find(part, column.removeprefix("1/")) if column else None
    return None if value is None else 1 / value if column.startswith("1/") else value


def headline(results: Path) -> dict[str, Any]:
    """One line of each benchmark; a line that was not measured, or has another form by now, is left out."""
    rows, dates, machines = [], [], []
    for line in LINES:
        file, _, name = line.place.partition("/")
        document = _load(results, file)
        part = document.get(name, {})
        found: Any = part
        if line.row is not None:
            found = next((row for row in part.get("rows", []) if line.row.items() <= row.items()), {})
        ours, faster = _find(found, line.ours), _find(found, line.faster)
        if ours is None or faster is None:
            continue
        version = part.get("versions", {}).get(line.version_of, "")
        rows.append(
            {
                "what": line.what,
                "graphx": f"{ours:.3g} {line.unit}",
                "against": f"{line.rival} {version}".rstrip(),
                "times faster": float(faster),
                "times less memory": _ratio(found, line.less_memory),
            }
        )
        where = part.get("machine") or {}
        dates.append(part.get("date"))
        machines.append(f"{where.get('cpu')}, {where.get('cores')} cores" if where else None)
    days = sorted({day for day in dates if day})
    where = sorted({name for name in machines if name})
    note = (
        "Medians; results asserted equal first; memory is the peak over the graph or the input. "
        f"Measured {' to '.join(dict.fromkeys([days[0], days[-1]])) if days else ''}, {'; '.join(where)}."
    )
    return {"rows": rows, "note": note}


def provenance(results: Path) -> dict[str, Any]:
    """Every part of every results file: when, and beside which versions."""
    rows = []
    for path in sorted(results.glob("*.json")):
        document = _load(results, path.stem)
        parts = {name: part for name, part in document.items() if isinstance(part, dict) and part.get("date")}
        versions: dict[str, None] = {}
        for part in parts.values():
            known = part.get("versions", {}).items()
            versions.update(dict.fromkeys(f"{n} {v}" for n, v in known if v[:1].isdigit() and not v.startswith("0+")))
        days = sorted({part["date"] for part in parts.values()})
        rows.append(
            {
                "results": f"`{path.name}`",
                "parts": ", ".join(parts) or "results",
                "beside": ", ".join(versions) or "-",
                "measured": " to ".join(dict.fromkeys([days[0], days[-1]])) if days else "-",
            }
        )
    return {"rows": rows}


TABLES: dict[str, Callable[[Path], dict[str, Any]]] = {"headline": headline, "provenance": provenance}
