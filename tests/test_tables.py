"""The measured tables of the pages are what the results files say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "benchmarks" / "tables.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="benchmarks/ is not here")


def test_pages_are_up_to_date() -> None:
    done = subprocess.run([sys.executable, "-P", str(SCRIPT), "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_table_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import tables

    part = {
        "title": "Speed",
        "rows": [{"graph": "a", "seconds": 0.12345, "ratio": 54.94}, {"graph": "b", "seconds": None, "ratio": 1234.5}],
        "date": "2020-01-01",
        "machine": {"cpu": "C", "cores": 2},
    }
    assert tables.table(part) == (
        "**Speed**\n\n"
        "| graph | seconds | ratio |\n|---|---:|---:|\n| a | 0.123 | 54.9 |\n| b |  | 1,234 |\n"
        "\nMeasured 2020-01-01, C, 2 cores.\n"
    )
    page = "x\n<!-- table: no-such-file -->\nold\n<!-- end table -->\ny\n"
    assert "Not measured yet" in tables.rewritten(page)
    assert tables.rewritten(tables.rewritten(page)) == tables.rewritten(page)
