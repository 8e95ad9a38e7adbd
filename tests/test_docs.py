"""The code in the README and the pages runs, and prints what the pages say it prints."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

import graphx.cli

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str, int]]:
    """Language, text and first line of the fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [(m[1], m[2], text.count("\n", 0, m.start(2)) + 1) for m in _BLOCK.finditer(text)]


def pages_with(language: str) -> list[Path]:
    return [page for page in PAGES if any(found == language for found, _, _ in blocks(page))]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", pages_with("python"), ids=lambda page: page.name)
def test_python_blocks_run_one_after_the_other(page: Path) -> None:
    names: dict[str, object] = {"__name__": "page"}
    printed = ""
    for language, text, line in blocks(page):
        if language == "python":
            code = compile("\n" * (line - 1) + text, str(page), "exec")
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(code, names)
            printed = out.getvalue()
        elif language == "text":
            assert printed == text, f"{page.name}:{line}"


def commands(page: Path) -> list[str]:
    lines = "\n".join(text for language, text, _ in blocks(page) if language == "console").splitlines()
    return [
        line.removeprefix("$ ") for line in lines if line.startswith(("$ python -m graphx.", "$ python -m graphx "))
    ]


@pytest.mark.parametrize(
    "command", [pytest.param(c, id=f"{page.name}: {c}") for page in pages_with("console") for c in commands(page)]
)
def test_commands_of_the_pages_run(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, module, *arguments = shlex.split(command)
    assert graphx.cli.main([*module.split(".")[1:], *arguments]) == 0
    assert capsys.readouterr().out


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        prose = _BLOCK.sub("", page.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)#:]+)\)", prose):
            if not target.startswith("_build/"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"
