"""Fail if a wheel lacks a part, is large, or carries a path of its builder: check_wheel.py WHEEL [FOLDER ...]."""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

_TEMPORARY = f"{tempfile.gettempdir()}/build-"  # where python -m build unpacks the source distribution
LIMIT = 2 * 2**20
PARTS = ("graphx/py.typed", "graphx/_core.pyi", "graphx/data/catalog.tsv", "graphx/data/networks/karate.edgelist")


def faults(wheel: Path, folders: list[str]) -> list[str]:
    """What is wrong with a wheel; `folders` are those that no file of it may name."""
    found = []
    if wheel.stat().st_size > LIMIT:
        found.append(f"it has {wheel.stat().st_size:,} bytes; expected at most {LIMIT:,}")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        found += [f"{part} is missing" for part in PARTS if part not in names]
        modules = [name for name in names if name.startswith("graphx/_core") and name.endswith((".so", ".pyd"))]
        if len(modules) != 1:
            found.append(f"it has {len(modules)} compiled modules; expected one")
        if any(name.startswith(("tests/", "docs/", "cpp_ext/", "benchmarks/", "examples/")) for name in names):
            found.append("it has folders beside graphx/")
        for name in names:
            content = archive.read(name)
            found += [f"{name} names {folder}" for folder in folders if folder.encode() in content]
    tag = wheel.stem.split("-", 2)[2]
    if "cp312" in tag and "abi3" not in tag:
        found.append(f"its tag is {tag}; expected cp312-abi3")
    return found


if __name__ == "__main__":
    here = {os.getcwd(), str(Path.home()), sys.prefix, sysconfig.get_path("purelib"), _TEMPORARY, *sys.argv[2:]}
    told = faults(Path(sys.argv[1]), sorted(folder for folder in here if len(folder) > 4))
    print(
        "\n".join(told)
        or f"{sys.argv[1]}: all parts, no path of this machine, size {Path(sys.argv[1]).stat().st_size:,}"
    )
    sys.exit(1 if told else 0)
