"""The measured tables of the pages are what the results files say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

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


@pytest.fixture
def overview(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import overview

    return overview


def test_the_headline_is_read_from_the_results(overview: ModuleType, tmp_path: Path) -> None:
    assert overview.headline(tmp_path)["rows"] == []
    row = {"case": "padding x8", "seconds": 2.5, "times_faster": 7.0}
    part = {"rows": [{"case": "other"}, row], "date": "2020-02-03", "versions": {"torch_geometric": "9.9"}}
    (tmp_path / "lcm.json").write_text(json.dumps({"threads_1": {**part, "machine": {"cpu": "C", "cores": 3}}}))
    rust = {
        "float32": {"seconds": 3.0},
        "float32_times_faster": 4,
        "float32_share_of_memory": 0.5,
        "date": "2020-02-01",
    }
    (tmp_path / "fastrp.json").write_text(json.dumps({"rust": rust}))
    fastrp, lcm = overview.headline(tmp_path)["rows"]
    assert (fastrp["graphx"], fastrp["times faster"], fastrp["times less memory"]) == ("3 s", 4.0, 2.0)
    assert (lcm["graphx"], lcm["against"]) == ("2.5 s", "PyG's LCMAggregation 9.9")
    assert lcm["times less memory"] is None
    assert "Measured 2020-02-01 to 2020-02-03, C, 3 cores." in overview.headline(tmp_path)["note"]


def test_the_report_tells_of_every_results_file(overview: ModuleType) -> None:
    report = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    results = sorted(path.name for path in (SCRIPT.parent / "results").glob("*.json"))
    assert results
    assert all(f"| `{name}` |" in report for name in results)
    rows = {row["results"]: row for row in overview.provenance(SCRIPT.parent / "results")["rows"]}
    assert "gradco 0.1.8" in rows["`gradco.json`"]["beside"]


def test_run_knows_every_script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import run

    assert all((SCRIPT.parent / script.path).is_file() for script in run.SCRIPTS.values())
    monkeypatch.setattr(run.subprocess, "run", lambda *_a, **_k: subprocess.CompletedProcess([], 3))
    monkeypatch.delenv("GRADCO_PYTHON", raising=False)
    assert run.main(["small", "--only", "gradco", "h4g", "lcm"]) == 1
    out = capsys.readouterr().out
    assert run.unlisted() == re.findall(r"not run: (\S+)", out)
    monkeypatch.delitem(run.SCRIPTS, "lcm")
    assert "kernels/lcm.py" in run.unlisted()
    assert "skipped: needs its rival: set GRADCO_PYTHON" in out
    assert "skipped: has no small size" in out
    assert "failed: exit status 3" in out


@pytest.mark.slow
def test_a_small_run_touches_nothing_recorded(tmp_path: Path) -> None:
    recorded = SCRIPT.parent / "results" / "loading.json"
    before = recorded.read_bytes()
    command = [sys.executable, "-P", str(SCRIPT.parent / "run.py"), "small", "--only", "loading"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "loading           done" in done.stdout
    assert recorded.read_bytes() == before
    small = json.loads((ROOT / "build" / "benchmarks" / "loading.json").read_text())
    assert small["loading"]["rows"][0]["what"] == "parse the text"
