"""The package's own names: lazy, complete, and light to import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import graphx


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after the code."""
    report = "; import sys; print('\\n'.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-2000:])


@pytest.mark.parametrize("name", graphx.__all__)
def test_every_name_resolves_and_is_listed(name: str) -> None:
    assert getattr(graphx, name) is getattr(graphx, name)
    assert name in dir(graphx)


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'grpah'.*Graph, .*gradco"):
        graphx.grpah  # noqa: B018


def test_version_is_that_of_the_distribution() -> None:
    assert graphx.__version__ == "0+unknown" or graphx.__version__[0].isdigit()


@pytest.mark.parametrize(
    ("code", "banned"),
    [
        ("import graphx", {"torch", "torch_geometric", "scipy", "numpy", "networkx", "matplotlib", "tqdm"}),
        ("import graphx; graphx.__version__; dir(graphx)", {"torch", "torch_geometric", "scipy", "numpy"}),
        ("import graphx.cli.gradco", {"torch", "torch_geometric", "scipy", "numpy", "networkx", "matplotlib", "tqdm"}),
        ("import graphx.gradco", {"torch", "torch_geometric", "scipy", "networkx", "matplotlib"}),
        ("from graphx.data import load_graph", {"torch", "torch_geometric", "matplotlib"}),
        ("from graphx.data import load_graph; load_graph('karate')", {"torch", "torch_geometric", "matplotlib"}),
        ("import graphx.plot", {"torch", "torch_geometric", "matplotlib"}),
        ("import graphx.graph", {"torch", "torch_geometric", "scipy", "networkx", "matplotlib"}),
        (
            "from graphx.cli import main; assert main(['gradco', 'karate']) == 0",
            {"torch", "torch_geometric", "matplotlib", "networkx"},
        ),
    ],
)
def test_imports_stay_light(code: str, banned: set[str]) -> None:
    assert modules_after(code) & banned == set()
