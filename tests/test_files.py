"""Files and directories that appear whole or not at all."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from graphx import _files
from graphx._files import atomic_directory, atomic_file, check_room
from graphx.errors import CapacityError, InputError


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


def test_what_another_process_is_writing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, foreign, odd = (tmp_path / f".a.csv.partial-{name}-x" for name in (os.getpid(), 1, "odd"))
    for left in (ours, foreign, odd):
        left.write_text("half")

    def kill(process: int, number: int) -> None:
        assert number == 0
        if process == 1:
            raise PermissionError  # it lives, and belongs to another

    monkeypatch.setattr(os, "kill", kill)
    with atomic_file(tmp_path / "a.csv") as target:
        target.write_text("whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([ours.name, foreign.name, odd.name, "a.csv"])


@pytest.fixture
def no_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that cannot exchange two directories in one step."""

    class Library:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def renameat2(self, *_: object) -> int:
            return -1

    monkeypatch.setattr(ctypes, "CDLL", Library)


@pytest.mark.usefixtures("no_exchange")
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_a_directory_is_replaced_in_two_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    monkeypatch.setattr(_files.sys, "platform", system)
    for text in ("old", "new"):
        with atomic_directory(tmp_path / "d", overwrite=True) as folder:
            (folder / text).write_text(text)
    assert os.listdir(tmp_path) == ["d"] and os.listdir(tmp_path / "d") == ["new"]


@pytest.mark.usefixtures("no_exchange")
def test_a_replacement_that_fails_keeps_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with atomic_directory(tmp_path / "d") as folder:
        (folder / "old").write_text("old")
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if "partial" in self.name and not self.name.endswith("-old"):
            raise PermissionError("no")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(PermissionError, match="no"), atomic_directory(tmp_path / "d", overwrite=True) as folder:
        (folder / "new").write_text("new")
    assert os.listdir(tmp_path) == ["d"] and os.listdir(tmp_path / "d") == ["old"]


@pytest.mark.parametrize(
    "name", ["a[1].csv", "*.csv", "?", "x" * 250, "é" * 120 + ".csv", "a.partial-7-b.csv", "-", "a\nb"]
)
@pytest.mark.parametrize("kind", [atomic_file, atomic_directory])
def test_any_name_is_written_and_what_was_left_of_it_cleared(kind, name: str, tmp_path: Path) -> None:
    stem = name[:40]
    left, living = (tmp_path / f".{stem}.partial-{pid}-abc" for pid in (999_999_999, os.getpid()))
    other = tmp_path / ".other.csv.partial-999999999-abc"
    for path in (left, living, other):
        path.mkdir() if kind is atomic_directory else path.write_text("half")
    with kind(tmp_path / name) as target:
        (target / "a" if kind is atomic_directory else target).write_text("whole")
    assert sorted(os.listdir(tmp_path)) == sorted([name, living.name, other.name])


def test_a_directory_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "old").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_directory(tmp_path / "d", overwrite=True) as made:
        (made / "new").write_text("new")
        _ = 1 / 0
    assert os.listdir(tmp_path) == ["d"] and os.listdir(tmp_path / "d") == ["old"]
    with pytest.raises(InputError, match=r"d exists; remove it, choose another name"), atomic_directory(tmp_path / "d"):
        pytest.fail("it was to be refused before")


@pytest.mark.parametrize("number", [28, 122, 27])
def test_a_full_disk_is_told_of_a_directory(number: int, tmp_path: Path) -> None:
    with pytest.raises(CapacityError, match="nothing was kept: free some space"), atomic_directory(tmp_path / "d"):
        raise OSError(number, os.strerror(number))
    with pytest.raises(PermissionError), atomic_directory(tmp_path / "d"):
        raise PermissionError
    assert os.listdir(tmp_path) == []


def test_too_little_room_is_told_before(tmp_path: Path) -> None:
    check_room(tmp_path, 0)
    with pytest.raises(CapacityError, match=r"1,000,000,000.00 GB are to be written and .* GB free; select fewer"):
        check_room(tmp_path, 10**18)
