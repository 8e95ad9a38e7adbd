"""What is shipped: the check of wheels finds what it is for, and versions agree between files."""

from __future__ import annotations

import re
import runpy
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / ".ci" / "check_wheel.py"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

whole = {
    "graphx/py.typed": b"",
    "graphx/_core.pyi": b"",
    "graphx/_core.abi3.so": b"\x7fELF code",
    "graphx/data/catalog.tsv": b"",
    "graphx/data/networks/karate.edgelist": b"",
}


def made(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.mark.skipif(not SCRIPT.exists(), reason=".ci/ is not here")
def test_the_check_of_wheels(tmp_path: Path) -> None:
    faults = runpy.run_path(str(SCRIPT))["faults"]
    name = "graphx_pyg-1-cp312-abi3-linux_x86_64.whl"
    assert faults(made(tmp_path / name, whole), ["/home/me"]) == []
    assert faults(made(tmp_path / name, whole | {"graphx/_core.abi3.so": b"x/home/me/a.cpp"}), ["/home/me"]) == [
        "graphx/_core.abi3.so names /home/me"
    ]
    without = {part: content for part, content in whole.items() if part != "graphx/_core.pyi"}
    assert faults(made(tmp_path / name, without), []) == ["graphx/_core.pyi is missing"]
    assert "2 compiled modules" in faults(made(tmp_path / name, whole | {"graphx/_core2.so": b""}), [])[0]
    assert "folders beside" in faults(made(tmp_path / name, whole | {"tests/x.py": b""}), [])[0]
    assert "bytes; expected" in faults(made(tmp_path / name, whole | {"graphx/big": b"0" * (3 << 20)}), [])[0]
    bound = made(tmp_path / "graphx_pyg-1-cp312-cp312-linux_x86_64.whl", whole)
    assert "expected cp312-abi3" in faults(bound, [])[0]


def test_the_oldest_versions_are_those_of_the_project() -> None:
    lines = (ROOT / "constraints-min.txt").read_text(encoding="utf-8").splitlines()
    oldest = dict(line.split("==") for line in lines if not line.startswith("#"))
    extras = PROJECT["project"]["optional-dependencies"]
    for requirement in [*PROJECT["project"]["dependencies"], *extras["plot"], *extras["igraph"], *extras["parquet"]]:
        name, minimum = requirement.split(">=")
        assert oldest[name].startswith(minimum), requirement


def test_versions_agree() -> None:
    version = PROJECT["project"]["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf"^version: {re.escape(version)}$", citation, re.MULTILINE)
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert PROJECT["tool"]["cibuildwheel"]["build"] == "cp311-* cp312-*"
