"""Running all benchmarks: what is skipped and why, what failed, where results of a small run go, and their tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="benchmarks/ is not here")


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import run

    monkeypatch.setattr(run, "SMALL", tmp_path / "small")
    return run


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, runner: ModuleType) -> list[Any]:
    """The commands that would be run; each ends with the status in the list's second place."""
    made: list[Any] = []

    def call(command: list[str], **options: Any) -> SimpleNamespace:
        made.append((command, options))
        return SimpleNamespace(returncode=3 if "fail" in command else 0)

    monkeypatch.setattr(subprocess, "run", call)
    return made


def script(runner: ModuleType, **facts: Any) -> Any:
    return runner.Script(**{"path": "kernels/x.py", "about": "x", **facts})


@pytest.mark.parametrize(
    ("facts", "small", "why"),
    [
        ({}, False, ""),
        ({}, True, "has no small size"),
        ({"small": ()}, True, ""),
        ({"small": (), "data": Path("/no/such")}, True, "needs data in /no/such: set GRAPHX_TEST_DATA"),
        ({"data": Path("/no/such")}, False, "needs data in /no/such: set GRAPHX_TEST_DATA"),
        ({"small": (), "rival": "NO_SUCH_RIVAL"}, True, "needs its rival: set NO_SUCH_RIVAL"),
        ({"small": (), "rival": "NO_SUCH_RIVAL"}, False, ""),
    ],
)
def test_obstacles(runner: ModuleType, facts: dict[str, Any], small: bool, why: str) -> None:
    assert runner.obstacle(script(runner, **facts), small=small) == why


def test_a_full_run_has_every_list_of_arguments_and_stops_at_a_failure(
    runner: ModuleType, commands: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        runner.SCRIPTS, "demo", script(runner, full=(("a",), ("fail", "b"), ("c",)), python="DEMO_PYTHON")
    )
    monkeypatch.setenv("DEMO_PYTHON", "/rival/python")
    outcome = runner.run("demo", small=False)
    path = str(BENCHMARKS / "kernels" / "x.py")
    assert [command for command, _ in commands] == [
        ["/rival/python", "-P", path, "a"],
        ["/rival/python", "-P", path, "fail", "b"],
    ]
    assert outcome == f"failed: exit status 3 of /rival/python -P {path} fail b"
    assert all(options["cwd"] == runner.ROOT for _, options in commands)
    assert "GRAPHX_BENCHMARK_RESULTS" not in commands[0][1]["env"]


def test_a_small_run_keeps_away_from_the_recorded(
    runner: ModuleType, commands: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(runner.SCRIPTS, "demo", script(runner, small=("--little",), full=(("a",), ("b",))))
    assert runner.run("demo", small=True) == "done"
    ((command, options),) = commands
    assert command[0] == sys.executable and command[-1] == "--little"
    assert options["env"]["GRAPHX_BENCHMARK_RESULTS"] == str(runner.SMALL)
    assert options["env"]["PYTHONPATH"].split(":")[:2] == [str(BENCHMARKS), str(runner.ROOT)]


@pytest.mark.parametrize(("names", "code"), [(["good"], 0), (["good", "bad"], 1), (["absent"], 0)])
def test_one_that_fails_does_not_stop_the_others(
    runner: ModuleType, commands: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: Any, names: list[str], code: int
) -> None:
    known = {
        "bad": script(runner, small=("fail",)),
        "good": script(runner, small=()),
        "absent": script(runner, small=(), data=Path("/no/such")),
    }
    monkeypatch.setattr(runner, "SCRIPTS", known)
    monkeypatch.setattr(runner, "unlisted", lambda: ["papers/new.py"])
    monkeypatch.setattr(runner.tables, "main", lambda _: pytest.fail("a small run writes no pages"))
    assert runner.main(["small", "--only", *names[::-1]]) == code
    out = capsys.readouterr().out
    assert len(commands) == sum(name != "absent" for name in names) and runner.SMALL.is_dir()
    assert "not run: papers/new.py is not in the table of run.py" in out
    for name in names:
        outcome = {"bad": "failed: exit status 3", "good": "done", "absent": "skipped: needs data in /no/such"}[name]
        assert any(line.startswith(name) and outcome in line for line in out.splitlines())


def test_a_report_runs_nothing_and_writes_the_pages(
    runner: ModuleType, commands: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Any] = []
    monkeypatch.setattr(runner.tables, "main", written.append)
    assert runner.main(["report"]) == 0
    assert commands == [] and written == [[]]
    with pytest.raises(SystemExit):
        runner.main(["small", "--only", "no-such-script"])


def test_every_script_of_the_table_is_there(runner: ModuleType) -> None:
    for name, entry in runner.SCRIPTS.items():
        assert (BENCHMARKS / entry.path).is_file(), name
        for results in entry.results:
            assert (BENCHMARKS / "results" / f"{results}.json").is_file(), name


# -- tables ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (True, "yes"), (False, "no"), (0, "0"), (1234567, "1,234,567"), (-1200, "-1,200"), (0.0, "0"),
        (0.12345, "0.123"), (12.345, "12.3"), (99.96, "100"), (100.4, "100"), (-123456.7, "-123,457"), (1e-7, "1e-07"),
        ("a|b", "a\\|b"), (float("inf"), "inf"), ([1], "[1]"),
    ],
)  # fmt: skip
def test_cells(runner: ModuleType, value: Any, text: str) -> None:
    assert runner.tables.cell(value) == text


def test_columns_are_those_of_all_rows(runner: ModuleType) -> None:
    rows = [{"a_b": 1, "c": "x"}, {"a_b": None, "d": 2.5}, {"c": None}]
    assert runner.tables.table({"rows": rows}) == (
        "| a b | c | d |\n|---:|---|---:|\n| 1 | x |  |\n|  |  | 2.5 |\n|  |  |  |\n"
    )
    noted = runner.tables.table({"rows": [{"n": 1}], "note": "So.", "date": "2020-01-02", "title": "T"})
    assert noted == "**T**\n\n| n |\n|---:|\n| 1 |\n\nSo. Measured 2020-01-02.\n"


def test_pages_are_written_once_and_checked(
    runner: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    tables = runner.tables
    page = tmp_path / "page.md"
    page.write_text(
        "a\n<!-- table: x/one -->\nold\n<!-- end table -->\nb\n<!-- table: x/none -->\n<!-- end table -->\n"
    )
    (tmp_path / "x.json").write_text('{"one": {"rows": [{"n": 1}]}, "two": {"rows": [{"n": 2}]}, "odd": 3}')
    monkeypatch.setattr(tables, "PAGES", [page])
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    before = page.read_text()
    assert tables.main(["--check"]) == 1 and page.read_text() == before
    assert "page.md: out of date; run python benchmarks/tables.py" in capsys.readouterr().err
    assert tables.main([]) == 0 and tables.main(["--check"]) == 0
    made = page.read_text()
    assert "| 1 |" in made and "| 2 |" not in made and "old" not in made and made.startswith("a\n") and "\nb\n" in made
    assert "Not measured yet: no table in `benchmarks/results/x.json`." in made
    assert "| 2 |" in tables.tables("x") and "| 1 |" in tables.tables("x")


def test_settings_of_a_model_on_a_data_set(runner: ModuleType) -> None:
    """The file of the pair wins over that of the data set, and the model's structure over both."""
    import _linkpred

    files = {path.stem for path in _linkpred.CONFIGS.glob("*.json")}
    sets = sorted({stem for stem in files if not any(stem.startswith(f"{other}-") for other in files)})
    assert sets
    for dataset in sets:
        for model in ("ncn", "ncnc"):
            config, file = _linkpred.settings(dataset, model)
            own = f"{dataset}-{model}"
            assert file.stem == (own if own in files else dataset)
            told = config.as_dict()
            for name, value in _linkpred.MODELS[model].items():
                assert told[name] == value
    with pytest.raises((OSError, ValueError)):
        _linkpred.settings("no-such-set", "ncn")
