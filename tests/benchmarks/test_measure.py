"""What the benchmarks measure with: medians by hand, children and their failures, results that are merged."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="benchmarks/ is not here")


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import _measure

    return _measure


# -- medians -----------------------------------------------------------------------------------------------------------


def test_medians_by_hand(measure: ModuleType) -> None:
    runs = [
        {"seconds": 3.0, "bytes": 10, "equal": True, "name": "a", "all": None},
        {"seconds": 1.00004, "bytes": 30, "equal": True, "name": "b", "all": None},
        {"seconds": 2.0, "bytes": 11, "equal": True, "name": "c", "all": None},
    ]
    assert measure.medians(runs) == {
        "seconds": 2.0, "bytes": 11, "equal": True, "name": "a", "all": None, "all_seconds": [3.0, 1.0, 2.0],
    }  # fmt: skip
    assert measure.medians(runs[:2])["bytes"] == 20
    assert measure.medians([{"ratio": 4}]) == {"ratio": 4, "all_seconds": []}


def test_sides_take_turns(measure: ModuleType) -> None:
    """A busy minute is to hit all sides, so none may have its runs in one go."""
    order: list[str] = []

    def side(name: str, *seconds: float):
        left = list(seconds)

        def run() -> dict[str, float]:
            order.append(name)
            return {"seconds": left.pop(0)}

        return run

    found = measure.alternate({"ours": side("ours", 1.0, 5.0, 2.0), "theirs": side("theirs", 9.0, 7.0, 8.0)}, 3)
    assert order == ["ours", "theirs"] * 3
    assert found["ours"]["seconds"] == 2.0 and found["theirs"]["seconds"] == 8.0
    assert found["ours"]["all_seconds"] == [1.0, 5.0, 2.0]


# -- one region --------------------------------------------------------------------------------------------------------


def test_a_region_tells_its_time_and_its_memory(measure: ModuleType, tmp_path: Path) -> None:
    """In a process of its own, where nothing else takes or gives memory back."""
    code = """
import time, _measure
result, again = {}, {}
with _measure.measured(result) as same:
    assert same is result
    held = bytearray(40 * _measure.MIB)
    held[::4096] = b"x" * len(held[::4096])
    end = time.perf_counter() + 0.02
    while time.perf_counter() < end:
        pass
del held
with _measure.measured(again):
    pass
_measure.report({"first": result, "again": again})
"""
    found = measure.run_child(sys.executable, script(tmp_path, code))
    result, again = found["first"], found["again"]
    assert result["seconds"] >= 0.02 and result["cpu_seconds"] > 0
    assert result["peak_bytes"] >= result["baseline_bytes"] > 0
    assert result["over_baseline_bytes"] == result["peak_bytes"] - result["baseline_bytes"]
    assert result["over_baseline_bytes"] >= 35 * measure.MIB
    if Path("/proc/self/clear_refs").exists():
        assert again["over_baseline_bytes"] < 20 * measure.MIB  # the earlier peak is forgotten


def test_a_region_that_fails_tells_nothing(measure: ModuleType) -> None:
    result: dict[str, float] = {}
    with pytest.raises(ZeroDivisionError), measure.measured(result):
        _ = 1 / 0
    assert result == {}


def test_without_the_files_of_linux(measure: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_status_bytes", lambda _: None)
    assert measure.resident_bytes() == measure.peak_bytes() > 1_000_000  # a process of megabytes, in bytes


# -- children ----------------------------------------------------------------------------------------------------------


def script(folder: Path, text: str) -> Path:
    path = folder / "child.py"
    path.write_text(text)
    return path


def test_a_child_reports_on_its_last_line(measure: ModuleType, tmp_path: Path) -> None:
    child = script(
        tmp_path,
        "import os, sys, _measure\n"
        "print('noise {not json')\n"
        "import graphx\n"
        "_measure.report({'arguments': sys.argv[1:], 'given': os.environ['GIVEN'], 'path': sys.path[0]})\n",
    )
    (tmp_path / "gradco.py").write_text("raise SystemExit('the folder of the script hides the package')")
    found = measure.run_child(sys.executable, child, "a b", 3, Path("x"), env={"GIVEN": "yes"})
    assert found["arguments"] == ["a b", "3", "x"] and found["given"] == "yes"
    assert found["path"] != str(tmp_path)  # -P


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise ValueError('what went wrong')", "exit status 1\n.*ValueError: what went wrong"),
        ("import sys; sys.stderr.write('x' * 9000 + 'end'); sys.exit(7)", r"exit status 7\nx{1997}end"),
    ],
)
def test_a_child_that_fails_leaves_its_last_words(measure: ModuleType, tmp_path: Path, text: str, message: str) -> None:
    import re

    with pytest.raises(measure.ChildError) as raised:
        measure.run_child(sys.executable, script(tmp_path, text))
    assert re.search(message, str(raised.value), re.DOTALL)


# -- results -----------------------------------------------------------------------------------------------------------


def test_parts_are_merged_and_stamped(measure: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRAPHX_BENCHMARK_RESULTS", raising=False)
    path = tmp_path / "deep" / "x.json"
    measure.write_results(path, {"one": {"rows": [1]}, "two": {"rows": [2]}}, {"numpy": "9"})
    measure.write_results(path, {"two": {"rows": [3], "date": "1999-01-01"}}, {"numpy": "10"})
    found = json.loads(path.read_text())
    assert list(found) == ["one", "two"] and found["one"]["rows"] == [1] and found["two"]["rows"] == [3]
    assert found["one"]["versions"] == {"numpy": "9"} and found["two"]["versions"] == {"numpy": "10"}
    assert found["two"]["date"] == "1999-01-01"  # a part that has a date keeps it
    assert found["one"]["machine"] == measure.machine() and path.read_text().endswith("}\n")


def test_a_small_run_writes_elsewhere(measure: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = tmp_path / "recorded" / "x.json"
    monkeypatch.delenv("GRAPHX_BENCHMARK_RESULTS", raising=False)
    measure.write_results(recorded, {"one": {}}, {})
    before = recorded.read_bytes()
    monkeypatch.setenv("GRAPHX_BENCHMARK_RESULTS", str(tmp_path / "small"))
    measure.write_results(recorded, {"one": {"rows": []}}, {})
    assert recorded.read_bytes() == before
    assert json.loads((tmp_path / "small" / "x.json").read_text())["one"]["rows"] == []


def test_the_machine_is_told(measure: ModuleType) -> None:
    found = measure.machine()
    assert found["cores"] == len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else found["cores"] >= 1
    assert found["memory_gib"] > 0.1 and found["cpu"] and found["python"] == sys.version.split()[0]
    json.dumps(found)
