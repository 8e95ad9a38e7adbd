"""The doctor tells what is installed, passes where all is well, and fails, saying why, where a kernel errs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import graphx.cli
from graphx.cli import doctor

ROOT = Path(__file__).parent.parent.parent


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passed"]
    assert found["simd"] in ("plain", "avx2", "avx512")
    assert found["packages"]["numpy"].split(".")[0].isdigit()
    seen = {test["name"]: test["detail"] for test in found["self_test"]}
    assert seen["reader"] == "Graph(num_nodes=77, num_edges=254, undirected, named)"
    assert seen["counter"].startswith("45 triangles")


def test_text_names_the_cure_of_what_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(doctor._EXTRAS, "plot", ("no-such-distribution",))
    monkeypatch.setitem(doctor._EXTRAS, "scatter", ("no-such-distribution",))
    monkeypatch.setattr(doctor, "_NEEDED", ("numpy", "nor-this-one"))
    monkeypatch.setattr(doctor, "_TESTS", {"extension": doctor._test_extension})
    monkeypatch.setenv("GRAPHX_SIMD", "plain")
    assert graphx.cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "no-such-distribution missing" in out and 'pip install "graphx-pyg[plot]"' in out
    assert "--no-build-isolation torch-scatter" in out
    assert "missing: pip install nor-this-one" in out
    told = " ".join(out.split())  # columns are as wide as the longest variable that is set
    assert "GRAPHX_SIMD plain" in told and "instructions plain" in told
    assert out.endswith("self-test: passed\n")


def test_a_wrong_result_is_told_and_exits_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from graphx.gradco import OrbitAdjacency

    right = OrbitAdjacency.graphlet_degrees
    monkeypatch.setattr(OrbitAdjacency, "graphlet_degrees", lambda self: right(self) + 1)
    monkeypatch.setattr(doctor, "_TESTS", {"extension": doctor._test_extension, "counter": doctor._test_counter})
    assert doctor.main([]) == 1
    out = capsys.readouterr().out
    assert "counter    FAILED" in out
    assert "sums of the graphlet degrees of the karate club: [190," in out
    assert "self-test: FAILED" in out


def test_results_that_change_with_the_threads_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from graphx.fastrp import FastRP

    right = FastRP.fit_transform
    monkeypatch.setattr(FastRP, "fit_transform", lambda self, graph: right(self, graph) + self.num_threads)
    assert "1 and of 4 threads" in doctor._checked("embedding", doctor._test_embedding)["detail"]


def test_a_broken_extension_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graphx._core", None)
    monkeypatch.setattr(doctor, "_TESTS", {"extension": doctor._test_extension})
    found: dict[str, Any] = doctor.examine()
    assert not found["passed"]
    assert found["simd"] is None
    assert found["self_test"][0]["detail"].startswith("ModuleNotFoundError")
    assert "unknown: the extension cannot be loaded" in doctor._text(found)


def test_the_level_of_instructions_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHX_SIMD", "avx2")
    with doctor._simd("plain"):
        assert os.environ["GRAPHX_SIMD"] == "plain"
    assert os.environ["GRAPHX_SIMD"] == "avx2"
    monkeypatch.delenv("GRAPHX_SIMD")
    with pytest.raises(ZeroDivisionError), doctor._simd("plain"):
        raise ZeroDivisionError
    assert "GRAPHX_SIMD" not in os.environ


def test_the_lists_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    def names(requirements: list[str]) -> set[str]:
        return {requirement.split(">=")[0].split("==")[0] for requirement in requirements}

    assert set(doctor._NEEDED) == names(project["dependencies"])
    extras = project["optional-dependencies"]
    assert {extra: names(extras[extra]) for extra in extras if extra not in ("test", "docs", "dev")} == {
        extra: set(packages) for extra, packages in doctor._EXTRAS.items()
    }


def test_python_m_graphx() -> None:
    command = [sys.executable, "-m", "graphx"]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "doctor" in done.stdout
    done = subprocess.run(
        [sys.executable, "-m", "graphx", "doctor", "--no"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "unrecognized arguments: --no" in done.stderr
