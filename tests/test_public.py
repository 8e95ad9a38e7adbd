"""Every public name has a docstring with an example that doctest runs, and a place in the documentation."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest

import graphx

ROOT = Path(__file__).parent.parent
PAGES = "\n".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md")))


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


@pytest.mark.parametrize("module", [m for m in modules() if not is_private(m)], ids=lambda module: module.__name__)
def test_every_module_says_what_it_is_and_what_is_public(module: ModuleType) -> None:
    assert module.__doc__
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_docstring_with_an_example(module: ModuleType, name: str) -> None:
    value = getattr(module, name)
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        return  # a module, or a constant: told where it is defined
    doc = inspect.getdoc(value)
    assert doc, "no docstring"
    summary = doc.splitlines()[0]
    assert summary.endswith((".", ":")), f"the first line is no sentence: {summary!r}"
    if inspect.isclass(value) and issubclass(value, Exception):
        return  # raised by what has an example
    assert doctest.DocTestParser().get_examples(doc), "no example that doctest would run"
    arguments = [p for p in inspect.signature(value).parameters if p not in ("self", "args", "kwargs")]
    missing = [p for p in arguments if not re.search(rf"(?m)^\s+\*{{0,2}}{p}\b.*:", doc)]
    assert not missing, f"arguments that the docstring does not tell: {missing}"


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_public_methods_have_docstrings(module: ModuleType, name: str) -> None:
    value = getattr(module, name)
    if not inspect.isclass(value) or not value.__module__.startswith("graphx"):
        return
    bare = [
        member
        for member, body in vars(value).items()
        if not member.startswith("_")
        and (inspect.isfunction(body) or isinstance(body, property | classmethod | staticmethod))
        and not inspect.getdoc(getattr(value, member))
    ]
    assert not bare


# A page shows a whole module with automodule; what stands in a module's __init__ is documented there.
SHOWN = set(re.findall(r"auto(?:module|class|function|data):: ([\w.]+)", PAGES))


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_documented_on_a_page(module: ModuleType, name: str) -> None:
    value = getattr(module, name)
    homes = {module.__name__, getattr(value, "__module__", module.__name__)}
    parents = {home.rpartition(".")[0] for home in homes}
    spelled = any(f"{home}.{name}" in SHOWN or f"graphx.{name}" in SHOWN for home in homes)
    by_module = any(home in SHOWN for home in homes) or any(
        parent in SHOWN and name in getattr(importlib.import_module(parent), "__all__", [])
        for parent in parents
        if parent
    )
    assert spelled or by_module or re.search(rf"\b{re.escape(name)}\b", PAGES), f"{name} is on no page of docs/"
