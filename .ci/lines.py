"""Lines of code of the tests and of what they test, without comments, docstrings and blank lines: lines.py [FOLDER]."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from pathlib import Path

_EMPTY = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.ENCODING,
}


def python_lines(text: str) -> int:
    """Lines of a Python file that hold code."""
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _EMPTY:
            held.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and ast.get_docstring(
            node
        ):
            held.difference_update(range(body[0].lineno, body[0].end_lineno + 1))
    return len(held)


def cpp_lines(text: str) -> int:
    """Lines of a C++ file that hold code."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("//"))


def count(root: Path) -> Counter[str]:
    """Lines of each part."""
    found: Counter[str] = Counter()
    for part in ("graphx", "tests", "cpp_ext/include", "cpp_ext/src", "cpp_ext/bindings", "cpp_ext/tests"):
        for path in sorted((root / part).rglob("*")):
            if path.suffix in {".py", ".pyi"}:
                found[part] += python_lines(path.read_text(encoding="utf-8"))
            elif path.suffix in {".cpp", ".hpp"}:
                found[part] += cpp_lines(path.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    lines = count(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
    tests = lines["tests"] + lines["cpp_ext/tests"]
    source = lines.total() - tests
    for name, number in lines.items():
        print(f"{name:18}{number:7,}")
    print(f"tests {tests:,}, source {source:,}: {tests / source:.2f} lines of tests for one of source")
