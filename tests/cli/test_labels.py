"""Labels of nodes from text and arrays: values, and every refusal with its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graphx import Graph
from graphx.cli.labels import read_labels
from graphx.data import synthetic
from graphx.errors import FormatError, InputError


def test_names_comments_and_several_labels(tmp_path: Path) -> None:
    graph = Graph.from_edges([0, 1], [1, 2], names=["ana", "bo", "cy"])
    file = tmp_path / "labels.txt"
    file.write_text("# who\n\ncy, red,blue\nana red\n", encoding="utf-8")
    assert read_labels(file, graph).astype(int).tolist() == [[0, 1], [0, 0], [1, 1]]
    file.write_text("# nobody\n")
    assert read_labels(file, graph).shape == (3, 0)


def test_arrays_come_as_they_are(tmp_path: Path) -> None:
    np.save(tmp_path / "classes.npy", np.array([2, 0, -1]))
    assert read_labels(tmp_path / "classes.npy", synthetic.path(3)).tolist() == [2, 0, -1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"0 a\n1\n", "line 2: '1' has no label"),
        (b"0 a\n9 b\n", "line 2: the graph has no node '9'"),
        (b"\xff\xfe0 a", "is not text"),
    ],
)
def test_text_that_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(FormatError, match=message):
        read_labels(tmp_path / "labels.txt", synthetic.path(3))


def test_arrays_that_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "short.npy", np.zeros(2))
    with pytest.raises(InputError, match=r"shape \(2,\); expected a row for each of 3 nodes"):
        read_labels(tmp_path / "short.npy", synthetic.path(3))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(FormatError, match="no .npy of numbers"):
        read_labels(tmp_path / "objects.npy", synthetic.path(3))
