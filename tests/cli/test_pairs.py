"""What the link prediction command is given: its graph, features and pairs, and what is told about them."""

from __future__ import annotations

import io
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import torch

from graphx import Graph
from graphx.cli.linkpred import build_parser
from graphx.cli.pairs import Given, read_pairs
from graphx.data import synthetic
from graphx.errors import FormatError, InputError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def given(*arguments: str) -> Given:
    return Given.read(build_parser().parse_args(["predict", *arguments, "--model", "m"]))


def test_loops_weights_and_directions_are_no_links(capsys: pytest.CaptureFixture[str]) -> None:
    Graph.from_edges([0, 1, 2, 2], [1, 2, 0, 2], [0.5, 2.0, 3.0, 1.0], directed=True).save("arrows.graph")
    found = given("arrows.graph", "--undirected")
    assert found.graph == Graph.from_edges([0, 1, 2], [1, 2, 0]) and found.x is None
    assert capsys.readouterr().err.splitlines() == [
        "graphx linkpred: weights are not used",
        "graphx linkpred: 1 self-loops left out, as they are no links",
    ]


def test_weights_that_contradict_each_other_do_not_matter(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("two.txt").write_text("a b 1\nb a 2\nb c 1\n")
    assert given("two.txt").graph.num_edges == 2
    assert "graphx linkpred: weights are not used\n" in capsys.readouterr().err

    class Typed:
        buffer = io.BytesIO(b"a b 1\nb a 2\nb c 1\n")

    monkeypatch.setattr(sys, "stdin", Typed())
    assert given("-").graph.names == ("a", "b", "c")
    assert "weights" in capsys.readouterr().err


def test_threads_are_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    assert given("karate", "--threads", "3").fingerprint.startswith("34:")
    assert asked == [3]


def test_a_model_of_features_wants_them() -> None:
    class Model:
        num_features, about = 5, {}

    args = build_parser().parse_args(["predict", "karate", "--model", "m", "--features", "none"])
    with pytest.raises(InputError, match="m reads 5 features; leave --features none out"):
        Given.read(args, Model())
    with pytest.raises(InputError, match="m reads 5 features; pass them with --features FILE"):
        Given.read(Namespace(**{**vars(args), "graph": "les-miserables", "features": None}), Model())


def test_pairs_are_text() -> None:
    Path("pairs.bin").write_bytes(b"\xff\xfe0 1\n")
    with pytest.raises(FormatError, match=r"pairs\.bin is not text \(UTF-8\); expected a line 'u v'"):
        read_pairs(Path("pairs.bin"), synthetic.path(3))
    Path("pairs.txt").write_text("# u v\n\n0 1\n2;1\n")
    assert read_pairs(Path("pairs.txt"), synthetic.path(3)).tolist() == [[0, 2], [1, 1]]
