"""Write the measured tables of the README and the pages from ``benchmarks/results/*.json``; figures are never typed.

A page holds the marks ``<!-- table: FILE -->`` or ``<!-- table: FILE/PART -->`` and ``<!-- end table -->``; what stands
between them is replaced. A results file maps parts to objects with ``rows``, a list of flat objects whose keys become
the columns, and perhaps ``title`` and ``note``; ``date`` and ``machine`` come from ``_measure.write_results``.
FILE is also ``headline``, one line of each benchmark, or ``provenance``, what was measured when and beside what
(``overview.py``).

    python benchmarks/tables.py            write the tables
    python benchmarks/tables.py --check    fail if a page is not what it would write
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import overview

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_MARK = re.compile(r"(<!-- table: ([\w./-]+) -->\n).*?(<!-- end table -->)", re.DOTALL)


def cell(value: Any) -> str:
    """A number with three significant digits and separators, anything else as it is."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value).replace("|", "\\|")


def table(part: dict[str, Any]) -> str:
    """One part as a title, a Markdown table and a line on where it was measured."""
    rows = part["rows"]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    numeric = [all(isinstance(row.get(c), int | float | None) for row in rows) for c in columns]
    lines = [
        f"| {' | '.join(column.replace('_', ' ') for column in columns)} |",
        f"|{'|'.join('---:' if right else '---' for right in numeric)}|",
        *(f"| {' | '.join(cell(row.get(column)) for column in columns)} |" for row in rows),
    ]
    machine = part.get("machine", {})
    where = ", ".join(
        str(text)
        for text in (part.get("date"), machine.get("cpu"), f"{machine['cores']} cores" if "cores" in machine else None)
        if text
    )
    above = f"**{part['title']}**\n\n" if part.get("title") else ""
    below = " ".join(text for text in (part.get("note"), f"Measured {where}." if where else "") if text)
    return f"{above}{chr(10).join(lines)}\n" + (f"\n{below}\n" if below else "")


def tables(name: str) -> str:
    """The tables of ``FILE`` or ``FILE/PART``; a line that says so where nothing was measured."""
    if name in overview.TABLES:
        return table(overview.TABLES[name](RESULTS))
    file, _, wanted = name.partition("/")
    path = RESULTS / f"{file}.json"
    parts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    shown = [part for key, part in parts.items() if isinstance(part, dict) and "rows" in part and wanted in ("", key)]
    return (
        "\n".join(map(table, shown)) if shown else f"Not measured yet: no table in `benchmarks/results/{file}.json`.\n"
    )


def rewritten(text: str) -> str:
    """A page with its tables as the results have them."""
    return _MARK.sub(lambda match: f"{match[1]}\n{tables(match[2])}\n{match[3]}", text)


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` say which are out of date."""
    stale = [page for page in PAGES if rewritten(page.read_text(encoding="utf-8")) != page.read_text(encoding="utf-8")]
    for page in stale:
        if "--check" in arguments:
            print(f"{page.relative_to(ROOT)}: out of date; run python benchmarks/tables.py", file=sys.stderr)
        else:
            page.write_text(rewritten(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
