"""The examples run, and show what they say they show."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"

# What each example must show, with room for another version of torch.
SHOWN: dict[str, Callable[[dict[str, float]], bool]] = {
    "embed_and_classify": lambda found: found["FastRP, refined"] > found["FastRP"] - 0.05 > 0.55,
    "graphlet_features": lambda found: found["graphlet degrees"] > 0.95 and found["degree alone"] < 0.85,
    "hyperbolic_radii": lambda found: found["sums past float32"] > 0.5 and found["scaled past float32"] < 0.1,
    "initialisation": lambda found: found["before"] > 1 and abs(found["after"]) < 0.3 and 0.01 < found["output"] < 100,
    "learned_aggregation": lambda found: found["LCM"] < 0.75 * min(found["sum"], found["max"]),
    "link_prediction": lambda found: all(value > 0.3 for value in found.values()),
    "orbit_embedding": lambda found: found["triangles"] > 0.8 and found["edges"] < 0.65,
    "zero_shot": lambda found: found["H4G"] > found["text alone"] + 0.05 and found["H4G"] > 0.8,
}

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="examples/ is not here")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_example_is_tested_and_told_of() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    assert names == set(SHOWN)
    overview = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"[{name}.py]({name}.py)" in overview for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SHOWN))
def test_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    example = runpy.run_path(str(EXAMPLES / f"{name}.py"))
    assert f"python examples/{name}.py" in example["__doc__"]
    found = example["main"]()
    assert SHOWN[name](found), found
    assert capsys.readouterr().out


def test_the_quickest_example(capsys: pytest.CaptureFixture[str]) -> None:
    found = runpy.run_path(str(EXAMPLES / "orbit_embedding.py"))["main"]()
    assert SHOWN["orbit_embedding"](found), found
    assert "averages over triangles" in capsys.readouterr().out


def test_a_picture_on_request(tmp_path: Path) -> None:
    runpy.run_path(str(EXAMPLES / "initialisation.py"))["main"](str(tmp_path / "variance.png"))
    assert (tmp_path / "variance.png").stat().st_size > 10_000
