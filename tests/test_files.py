"""Files and directories that appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from graphx._files import atomic_file


def test_atomic_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with atomic_file(path) as target:
        assert target.suffix == ".csv"
        assert target.parent == tmp_path
        target.write_text("one")
        assert not path.exists()
    assert path.read_text() == "one"
    with pytest.raises(KeyboardInterrupt), atomic_file(path) as target:
        target.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "one"
    with atomic_file(path) as target:
        target.write_text("two")
    assert path.read_text() == "two"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_atomic_file_follows_a_link_and_keeps_the_umask(tmp_path: Path) -> None:
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    link.symlink_to(real)
    with atomic_file(link) as target:
        target.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    plain = tmp_path / "plain"
    plain.touch()
    assert real.stat().st_mode == plain.stat().st_mode


def test_atomic_file_clears_what_a_killed_process_left(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:  # dies in the middle of writing
        with atomic_file(tmp_path / "a.csv") as target:
            target.write_text("half")
            os._exit(9)
    os.waitpid(child, 0)
    assert [name.split(".partial-")[0] for name in os.listdir(tmp_path)] == [".a.csv"]
    with atomic_file(tmp_path / "a.csv") as target:
        target.write_text("whole")
    assert os.listdir(tmp_path) == ["a.csv"]


def test_atomic_file_writes_straight_to_what_is_no_regular_file() -> None:
    with atomic_file("/dev/null") as target:
        assert target == Path("/dev/null")
