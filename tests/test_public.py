"""Every public name has a docstring with an example that doctest runs, its source, and a place in the documentation."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import graphx

ROOT = Path(__file__).parent.parent
PAGES = "\n".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md")))

# What is not ours names its source: a word of the reference that its docstring must hold.
SOURCES = {
    "graphx.data.splits.ncn_link_split": "NCN",
    "graphx.data.synthetic.barabasi_albert": "Barab",
    "graphx.data.synthetic.erdos_renyi": "Erd",
    "graphx.data.synthetic.power_law": "Chung",
    "graphx.data.synthetic.stochastic_block_model": "Holland",
    "graphx.fastrp.FastRP": "CIKM 2019",
    "graphx.fastrp.FastRPSearch": "CIKM 2019",
    "graphx.fastrp.OrbitFastRP": "2405.14194",
    "graphx.gradco.OrbitAdjacency": "2405.14194",
    "graphx.nn.H4G": "2510.12094",
    "graphx.nn.LCMAggregation": "2212.08541",
    "graphx.nn.LinkPredictor": "2302.00890",
    "graphx.nn.NCN": "2302.00890",
    "graphx.nn.NCNC": "2302.00890",
    "graphx.nn.hyperbolic.BlockDiagonalMobiusScaling": "2510.12094",
    "graphx.nn.hyperbolic.HyperbolicRadius": "2510.12094",
    "graphx.nn.hyperbolic.expmap0": "1805.09112",
    "graphx.nn.hyperbolic.mobius_add": "1805.09112",
    "graphx.nn.init.kaiming_": "He",
    "graphx.nn.init.lsuv_": "Mishkin",
    "graphx.nn.init.variance_report": "2312.02622",
    "graphx.nn.init.virgo_": "2312.02622",
    "graphx.nn.init.xavier_": "Glorot",
    "graphx.nn.linkpred.common_neighbors": "ICLR 2024",
    "graphx.nn.linkpred.evaluate.hits_at": "NeurIPS 2020",
    "graphx.nn.linkpred.heuristic": "Adamic",
    "graphx.nn.linkpred.katz": "Katz",
    "graphx.transforms.AddFastRP": "CIKM 2019",
    "graphx.transforms.AddGraphletDegrees": "Przulj",
    "graphx.transforms.AddOrbitFastRP": "CIKM 2019",
}


def modules() -> list[ModuleType]:
    names = [info.name for info in pkgutil.walk_packages(graphx.__path__, "graphx.")]
    return [graphx, *(importlib.import_module(name) for name in names if not name.endswith("__main__"))]


def is_private(module: ModuleType) -> bool:
    return any(part.startswith("_") for part in module.__name__.split("."))


PUBLIC = [
    pytest.param(module, name, id=f"{module.__name__}.{name}")
    for module in modules()
    if not is_private(module)
    for name in getattr(module, "__all__", [])
    if not name.startswith("__")
]
# A page shows a whole module with automodule; what stands in a module's __init__ is documented there.
SHOWN = set(re.findall(r"auto(?:module|class|function|data):: ([\w.]+)", PAGES))


def faults(value: Any) -> list[str]:
    """What is missing in the docstring of a public class or function."""
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        return []  # a module, or a constant: told where it is defined
    doc = inspect.getdoc(value) if value.__doc__ else None  # not that of a base class
    if not doc:
        return ["no docstring"]
    found = []
    summary = doc.splitlines()[0]
    if not summary.endswith((".", ":")):
        found.append(f"the first line is no sentence: {summary!r}")
    if inspect.isclass(value) and issubclass(value, Exception):
        return found  # raised by what has an example
    if not doctest.DocTestParser().get_examples(doc):
        found.append("no example that doctest would run")
    arguments = [p for p in inspect.signature(value).parameters if p not in ("self", "args", "kwargs")]
    found += [f"does not tell of {p}" for p in arguments if not re.search(rf"(?m)^\s+\*{{0,2}}{p}\b.*:", doc)]
    if inspect.isclass(value) and value.__module__.startswith("graphx"):
        found += [
            f"{member} has no docstring"
            for member, body in vars(value).items()
            if not member.startswith("_")
            and (inspect.isfunction(body) or isinstance(body, property | classmethod | staticmethod))
            and not inspect.getdoc(getattr(value, member))
        ]
    return found


def on_a_page(module: ModuleType, name: str, pages: str, shown: set[str]) -> bool:
    """Whether a page shows the name, its module, or at least speaks of it."""
    value = getattr(module, name)
    homes = {module.__name__, getattr(value, "__module__", module.__name__)}
    parents = {home.rpartition(".")[0] for home in homes}
    spelled = any(f"{home}.{name}" in shown or f"graphx.{name}" in shown for home in homes)
    by_module = any(home in shown for home in homes) or any(
        parent in shown and name in getattr(importlib.import_module(parent), "__all__", [])
        for parent in parents
        if parent
    )
    return spelled or by_module or re.search(rf"\b{re.escape(name)}\b", pages) is not None


@pytest.mark.parametrize("module", [m for m in modules() if not is_private(m)], ids=lambda module: module.__name__)
def test_every_module_says_what_it_is_and_what_is_public(module: ModuleType) -> None:
    assert module.__doc__
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_docstring_with_an_example(module: ModuleType, name: str) -> None:
    assert faults(getattr(module, name)) == []


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_documented_on_a_page(module: ModuleType, name: str) -> None:
    assert on_a_page(module, name, PAGES, SHOWN), f"{name} is on no page of docs/"


@pytest.mark.parametrize(("name", "source"), SOURCES.items())
def test_what_is_not_ours_names_its_source(name: str, source: str) -> None:
    home, _, member = name.rpartition(".")
    assert source in (getattr(importlib.import_module(home), member).__doc__ or "")


def test_every_method_has_a_source() -> None:
    """A public name of the methods' own packages names a source, or is one of the parts that are ours."""
    named = {name for name in SOURCES if name.startswith(("graphx.nn.", "graphx.fastrp.", "graphx.gradco."))}
    packages = {name.rpartition(".")[0] for name in named}
    assert {"graphx.fastrp", "graphx.gradco", "graphx.nn", "graphx.nn.hyperbolic", "graphx.nn.init"} <= packages
    assert all(hasattr(importlib.import_module(name.rpartition(".")[0]), name.rpartition(".")[2]) for name in SOURCES)


# -- the tests themselves fail where something is removed --------------------------------------------------------------


def good(x: int, *, y: int = 0) -> int:
    """Add two numbers.

    Args:
        x: One.
        y: The other.

    Example:
        >>> good(1, y=2)
        3
    """
    return x + y


class Complete:
    """Hold nothing.

    Example:
        >>> Complete().size()
        0
    """

    def size(self) -> int:
        """Always 0."""
        return 0


def without(value: Any, text: str, replacement: str = "") -> Any:
    """A copy of a function or class with a part of its docstring removed."""
    assert text in value.__doc__
    doc = value.__doc__.replace(text, replacement)
    if inspect.isclass(value):
        return type(value.__name__, (value,), {"__doc__": doc, "__module__": "graphx.demo", "size": Complete.size})
    copy = type(value)(value.__code__, value.__globals__, value.__name__, value.__defaults__)
    copy.__kwdefaults__, copy.__doc__ = value.__kwdefaults__, doc
    return copy


def test_what_is_complete_has_no_fault() -> None:
    assert faults(good) == faults(Complete) == faults(3) == []


@pytest.mark.parametrize(
    ("removed", "replacement", "fault"),
    [
        (good.__doc__ or "", "", "no docstring"),
        (">>> good(1, y=2)", "good(1, y=2)", "no example that doctest would run"),
        ("        y: The other.\n", "", "does not tell of y"),
        ("Add two numbers.", "Add two numbers", "the first line is no sentence: 'Add two numbers'"),
    ],
)
def test_a_part_that_is_removed_is_missed(removed: str, replacement: str, fault: str) -> None:
    assert faults(without(good, removed, replacement)) == [fault]


def test_a_class_or_method_without_a_docstring_is_missed() -> None:
    bare = type("Bare", (Complete,), {"__module__": "graphx.demo", "more": lambda self: self})
    assert faults(bare) == ["no docstring"]  # that of the base class does not count
    bare.__doc__ = Complete.__doc__
    assert faults(bare) == ["more has no docstring"]
    assert faults(without(Complete, ">>> ")) == ["no example that doctest would run"]


@pytest.mark.parametrize("name", ["OrbitAdjacency", "parse_keys"])
def test_a_page_that_is_removed_is_missed(name: str) -> None:
    module = importlib.import_module("graphx.gradco")
    assert on_a_page(module, name, PAGES, SHOWN)
    shown = {place for place in SHOWN if not place.startswith("graphx.gradco")}
    assert not on_a_page(module, name, re.sub(rf"\b{name}\b", "", PAGES), shown)


def test_a_source_that_is_removed_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    from graphx.gradco import OrbitAdjacency

    monkeypatch.setattr(OrbitAdjacency, "__doc__", (OrbitAdjacency.__doc__ or "").replace("2405.14194", ""))
    with pytest.raises(AssertionError):
        test_what_is_not_ours_names_its_source("graphx.gradco.OrbitAdjacency", "2405.14194")
