"""Where data lie: which root wins, what stands for what, checksums that are obeyed, and a cache that is whole."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from graphx.data._roots import Found, cache_folder, fill, locate, search_roots, stage, unpacked, verified
from graphx.errors import FormatError, InputError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def tree(root: Path, *places: str) -> Path:
    for place in places:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(place)
    root.mkdir(exist_ok=True)
    return root


# -- search ------------------------------------------------------------------------------------------------------------


def test_the_root_given_is_the_only_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHX_DATA", "/named")
    assert search_roots(tmp_path) == [tmp_path]
    assert search_roots(None) == [Path("/named"), cache_folder() / "data"]
    monkeypatch.setenv("GRAPHX_DATA", "")
    assert search_roots(None) == [cache_folder() / "data"]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert search_roots("~") == [tmp_path]
    with pytest.raises(
        InputError, match=r"root='/no/such/place' is no folder; expected the folder that data sets lie in"
    ):
        search_roots("/no/such/place")


WANTED = ("family/Cora/a.txt", "family/Cora/b.txt")


@pytest.mark.parametrize(
    ("places", "there"),
    [
        (WANTED, WANTED),
        (("family/Cora/a.txt.gz", "family/Cora/b.txt"), ("family/Cora/a.txt.gz", "family/Cora/b.txt")),
        (("Cora/a.txt", "Cora/b.txt.gz"), ("Cora/a.txt", "Cora/b.txt.gz")),  # the folder of one family
        ((*WANTED, "Cora/a.txt", "Cora/b.txt"), WANTED),
        (("family/Cora/a.txt", "family/Cora/a.txt.gz", "family/Cora/b.txt"), WANTED),  # plain before packed
    ],
)
def test_what_stands_for_what(places: tuple[str, ...], there: tuple[str, ...], tmp_path: Path) -> None:
    found = locate(WANTED, (), [tmp_path / "none", tree(tmp_path / "root", *places)])
    assert isinstance(found, Found) and found.root == tmp_path / "root"
    assert found.files == {place: tmp_path / "root" / path for place, path in zip(WANTED, there, strict=True)}
    assert found[WANTED[0]] == tmp_path / "root" / there[0]


def test_a_root_must_have_all_files_and_the_nearest_tells_what_is_missing(tmp_path: Path) -> None:
    one = tree(tmp_path / "one", WANTED[0])
    other = tree(tmp_path / "other", WANTED[1])
    assert locate((*WANTED, "family/c"), (), [tmp_path, one, other]) == [WANTED[1], "family/c"]
    assert locate(WANTED, (), []) == list(WANTED)
    whole = tree(tmp_path / "whole", *WANTED)
    found = locate(WANTED, (), [one, whole, other])
    assert isinstance(found, Found) and found.root == whole
    assert isinstance(locate((), (), [one]), Found)


def test_files_that_may_be_there(tmp_path: Path) -> None:
    root = tree(
        tmp_path / "root", *WANTED, "family/Cora/extra_1.txt", "family/Cora/extra_0.txt", "family/Cora/extra_d/x"
    )
    found = locate(WANTED, ["family/Cora/extra_*"], [root])
    assert isinstance(found, Found)
    assert list(found.files) == [*WANTED, "family/Cora/extra_0.txt", "family/Cora/extra_1.txt"]
    short = tree(tmp_path / "short", *(place.removeprefix("family/") for place in (*WANTED, "family/Cora/extra_0.txt")))
    found = locate(WANTED, ["family/Cora/extra_*"], [short])
    assert isinstance(found, Found) and found["family/Cora/extra_0.txt"] == short / "Cora" / "extra_0.txt"


# -- checksums ---------------------------------------------------------------------------------------------------------


def test_a_list_of_sums_is_obeyed(tmp_path: Path) -> None:
    root = tree(tmp_path / "root", *WANTED)
    found = locate(WANTED, (), [root])
    assert isinstance(found, Found)
    sums = {place: hashlib.sha256((root / place).read_bytes()).hexdigest() for place in WANTED}
    lines = [f"{sums[WANTED[0]]}  ./{WANTED[0]}", f"{sums[WANTED[1]]}  *{WANTED[1]}"]
    (root / "SHA256SUMS").write_text("\n".join(lines) + "\n")
    total = verified(found)
    expected = hashlib.sha256("".join(f"{place} {sums[place]}\n" for place in WANTED).encode()).hexdigest()
    assert total == expected == verified(found)
    (root / WANTED[1]).write_text("half")
    with pytest.raises(FormatError, match=r"b\.txt: the checksum is [0-9a-f]{12}\.\.\., expected .*: half a download"):
        verified(found)
    (root / "SHA256SUMS").write_text(lines[0])
    os.utime(root / "SHA256SUMS", ns=(1, 1))
    assert verified(found) != total  # nothing is known of it any more, but its content counts


@pytest.mark.parametrize("text", ["abc  file\n", "0" * 64 + " file\n", "0" * 64 + "  \n", "\n"])
def test_a_list_of_sums_that_is_none(text: str, tmp_path: Path) -> None:
    root = tree(tmp_path / "root", *WANTED)
    (root / "SHA256SUMS").write_text("0" * 64 + "  other\n" + text)
    found = locate(WANTED, (), [root])
    assert isinstance(found, Found)
    with pytest.raises(FormatError, match=r"SHA256SUMS:2: expected '<sha256>  <file>', as sha256sum writes it"):
        verified(found)


def test_what_was_verified_is_remembered_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from graphx.data import _roots

    found = locate(WANTED, (), [tree(tmp_path / "root", *WANTED)])
    assert isinstance(found, Found)
    hashed: list[Path] = []
    plain = _roots.sha256
    monkeypatch.setattr(_roots, "sha256", lambda path: hashed.append(path) or plain(path))  # type: ignore[func-returns-value]
    first = verified(found)
    assert verified(found) == first and len(hashed) == 2
    (tmp_path / "root" / WANTED[0]).write_text("other")
    assert verified(found) != first and len(hashed) == 4
    note = next(path for path in (cache_folder() / "verified").rglob("*") if path.is_file())
    note.write_text("damaged")
    verified(found)
    assert {path.name for path in hashed[4:]} <= {"a.txt", "b.txt"}


# -- the cache ---------------------------------------------------------------------------------------------------------


def test_packed_files_are_laid_out_plain_and_others_as_links(tmp_path: Path) -> None:
    root = tree(tmp_path / "root", "f/a.txt", "f/c.csv.gz")
    (root / "f" / "b.txt.gz").write_bytes(gzip.compress(b"packed"))
    found = locate(("f/a.txt", "f/b.txt", "f/c.csv.gz"), (), [root])
    assert isinstance(found, Found)
    stage(found, tmp_path / "staged", lambda place: f"new/{place}")
    new = tmp_path / "staged" / "new" / "f"
    assert (new / "a.txt").is_symlink() and (new / "a.txt").read_text() == "f/a.txt"
    assert not (new / "b.txt").is_symlink() and (new / "b.txt").read_bytes() == b"packed"
    assert (new / "c.csv.gz").is_symlink()  # its place is packed too


@pytest.mark.parametrize(
    "content",
    [b"plain text", gzip.compress(b"x" * 1000)[:-9], b"", b"\x1f\x8b\x08"],
    ids=["plain", "cut off", "empty", "head only"],  # a packed file begins with the time, which is no name of a test
)
def test_packed_files_that_are_damaged(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    if content:
        with pytest.raises(FormatError, match=r"a\.gz: the gzip data are damaged or end early"):
            unpacked(tmp_path / "a.gz", tmp_path / "a")
    else:
        unpacked(tmp_path / "a.gz", tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == b""


@pytest.mark.parametrize("name", ["plain", "a-name-much-longer-than-forty-letters-0123456789abcdef", "[odd]*"])
def test_a_folder_of_the_cache_is_made_once_and_whole(name: str, tmp_path: Path) -> None:
    target, made = tmp_path / "deep" / name, []

    def make(folder: Path) -> None:
        (folder / "a").write_text("half")
        if not made:
            made.append(folder)
            raise ZeroDivisionError
        (folder / "a").write_text("whole")
        made.append(folder)

    with pytest.raises(ZeroDivisionError):
        fill(target, make)
    assert os.listdir(tmp_path / "deep") == []
    left = target.with_name(f".{name[:40]}.partial-999999999-x")  # of a killed process
    left.mkdir()
    assert fill(target, make) == fill(target, make) == target and len(made) == 2
    assert (target / "a").read_text() == "whole" and os.listdir(tmp_path / "deep") == [name]
