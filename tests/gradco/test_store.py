"""Saving and opening: what comes back, what is refused, and what an interrupted save leaves."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

import graphx
from graphx.errors import CapacityError, InputError, StoreError
from graphx.gradco import ORBIT_KEYS, OrbitAdjacency
from tests.gradco.test_count import assert_bitwise
from tests.graphs import SMALL, NamedGraph, barabasi_albert, from_networkx, star
from tests.strategies import graphs

DENSE_44 = barabasi_albert(200, 5)  # (3, 4, 4) is dense enough to be stored dense
SPARSE_44 = from_networkx(nx.grid_2d_graph(20, 20), "grid")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return OrbitAdjacency(DENSE_44.graph).save(tmp_path / "ba.orbits")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def nothing_beside(path: Path) -> bool:
    return [p.name for p in path.parent.iterdir()] in ([], [path.name])


# -- what comes back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [*SMALL, DENSE_44, SPARSE_44, star(300)], ids=str)
def test_round_trip(case: NamedGraph, tmp_path: Path) -> None:
    orbits = OrbitAdjacency(case.graph)
    path = orbits.save(tmp_path / "saved.orbits")
    opened = OrbitAdjacency.open(path, case.graph)
    assert list(opened) == list(ORBIT_KEYS)
    expected = orbits.to_csr()
    assert_bitwise(dict(opened.items()), expected)
    assert {k: m.dtype for k, m in opened.items()} == {k: m.dtype for k, m in expected.items()}
    assert opened.graph.digest == case.graph.digest
    assert [tuple(s) for s in opened.summary()] == [tuple(s) for s in orbits.summary()]
    assert nothing_beside(path)


@given(graphs(max_nodes=9))
@settings(max_examples=20)
def test_round_trip_of_drawn_graphs(tmp_path_factory: pytest.TempPathFactory, case: NamedGraph) -> None:
    orbits = OrbitAdjacency(case.graph)
    path = orbits.save(tmp_path_factory.mktemp("drawn") / "saved.orbits")
    assert_bitwise(dict(OrbitAdjacency.open(path).items()), orbits.to_csr())


def test_int64_round_trip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHX_FORCE_INT64", "1")
    orbits = OrbitAdjacency(SPARSE_44.graph)
    opened = OrbitAdjacency.open(orbits.save(tmp_path / "wide.orbits"))
    assert_bitwise(dict(opened.items()), orbits.to_csr())
    assert opened[1, 1, 2].dtype == np.int64


def test_a_selection(tmp_path: Path) -> None:
    keys = [(3, 4, 4), (1, 9, 11), (2, 12, 12)]
    orbits = OrbitAdjacency(DENSE_44.graph)
    opened = OrbitAdjacency.open(orbits.save(tmp_path / "some.orbits", keys))
    assert list(opened) == [(1, 9, 11), (2, 12, 12), (3, 4, 4)]
    assert_bitwise(dict(opened.items()), orbits.to_csr(keys))
    with pytest.raises(KeyError, match="1_9_11"):
        opened[1, 0, 0]
    with pytest.raises(KeyError):
        opened[7, 7, 7]


def test_blocks_of_a_store(store: Path) -> None:
    opened, expected = OrbitAdjacency.open(store), OrbitAdjacency(DENSE_44.graph).to_csr()
    for key in ORBIT_KEYS:
        blocks = list(opened.iter_blocks([key], rows=37))
        assert [b.start for b in blocks] == list(range(0, 200, 37))
        np.testing.assert_array_equal(np.vstack([b[key].toarray() for b in blocks]), expected[key].toarray())
    with pytest.raises(InputError):
        list(opened.iter_blocks(rows=0))


def test_names_come_back(tmp_path: Path) -> None:
    graph = graphx.Graph(DENSE_44.graph.indptr, DENSE_44.graph.indices, names=np.array([f"p{i}é" for i in range(200)]))
    opened = OrbitAdjacency.open(OrbitAdjacency(graph).save(tmp_path / "named.orbits"))
    assert list(opened.graph.names) == list(graph.names)


def test_matrices_are_mapped_not_read(store: Path) -> None:
    matrix = OrbitAdjacency.open(store)[2, 1, 1]
    base = matrix.data
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        matrix.data[0] = 3


def test_dense_where_that_is_smaller(store: Path, tmp_path: Path) -> None:
    manifest = json.loads((store / "manifest.json").read_text())
    assert manifest["matrices"]["3_4_4"]["layout"] == "dense"
    assert (store / manifest["matrices"]["3_4_4"]["values"]).stat().st_size < 200 * 200 + 300
    sparse = OrbitAdjacency(SPARSE_44.graph).save(tmp_path / "grid.orbits")
    assert json.loads((sparse / "manifest.json").read_text())["matrices"]["3_4_4"]["layout"] == "csr"


def test_the_same_bytes_for_any_number_of_threads(tmp_path: Path) -> None:
    made = [OrbitAdjacency(DENSE_44.graph, num_threads=t).save(tmp_path / f"{t}.orbits") for t in (1, 2, 3, 7)]
    assert all(contents(path) == contents(made[0]) for path in made[1:])


# -- where it may be written -------------------------------------------------------------------------------------------


def test_a_store_is_replaced_only_when_asked(store: Path) -> None:
    before = contents(store)
    with pytest.raises(InputError, match="overwrit"):
        OrbitAdjacency(SPARSE_44.graph).save(store)
    assert contents(store) == before
    OrbitAdjacency(SPARSE_44.graph).save(store, overwrite=True)
    assert OrbitAdjacency.open(store).graph.num_nodes == 400
    assert nothing_beside(store)


def test_what_is_no_store_is_never_replaced(tmp_path: Path) -> None:
    folder, file = tmp_path / "thesis", tmp_path / "file"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    file.write_text("text")
    for place in (folder, file):
        for overwrite in (False, True):
            with pytest.raises(InputError):
                OrbitAdjacency(SPARSE_44.graph).save(place, overwrite=overwrite)
    with pytest.raises(InputError, match="no folder"):
        OrbitAdjacency(SPARSE_44.graph).save(tmp_path / "missing" / "x.orbits")
    assert (folder / "thesis.tex").read_text() == "years of work"
    assert file.read_text() == "text"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "thesis"]


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_another_graph_is_refused(store: Path) -> None:
    with pytest.raises(StoreError, match="another graph"):
        OrbitAdjacency.open(store, SPARSE_44.graph)
    moved = DENSE_44.dense.copy()
    u, v = DENSE_44.edges[0]
    moved[u, v] = moved[v, u] = 0
    with pytest.raises(StoreError, match="another graph"):
        OrbitAdjacency.open(store, nx.from_numpy_array(moved))


def test_every_flipped_byte_is_refused(store: Path) -> None:
    files = [p for p in store.rglob("*") if p.is_file()]
    assert len(files) > 30
    rng = np.random.default_rng(0)
    for file in files:
        whole = file.read_bytes()
        for at in {0, len(whole) - 1, *rng.integers(0, len(whole), 3).tolist()}:
            flipped = bytearray(whole)
            flipped[at] ^= 0x04
            file.write_bytes(flipped)
            with pytest.raises(StoreError):
                OrbitAdjacency.open(store)
        file.write_bytes(whole)
    OrbitAdjacency.open(store)


def test_every_truncated_or_missing_file_is_refused_even_unverified(store: Path) -> None:
    for file in [p for p in store.rglob("*") if p.is_file()]:
        whole = file.read_bytes()
        for damaged in (whole[:-1], whole[: len(whole) // 2], b""):
            file.write_bytes(damaged)
            with pytest.raises(StoreError):
                OrbitAdjacency.open(store, verify=False)
        file.unlink()
        with pytest.raises(StoreError):
            OrbitAdjacency.open(store, verify=False)
        file.write_bytes(whole)
    OrbitAdjacency.open(store, verify=False)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"format": "graphx-orbits"}', '{"format": "other"}', "\x00\x01", "[" * 100_000]
)
def test_a_manifest_that_is_none(store: Path, text: str) -> None:
    (store / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match="manifest"):
        OrbitAdjacency.open(store)


def test_a_later_version_is_refused(store: Path) -> None:
    manifest = json.loads((store / "manifest.json").read_text())
    manifest["version"] = 999
    (store / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StoreError, match="999"):
        OrbitAdjacency.open(store)


def test_what_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "absent", tmp_path / "file"):
        with pytest.raises(StoreError):
            OrbitAdjacency.open(path)


# -- interrupted -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_failing_disk_leaves_the_old_store_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, existing: bool, error: int
) -> None:
    """The write fails at the first, at a middle and at a late byte."""
    import graphx.gradco._writing as module

    path = tmp_path / "saved.orbits"
    if existing:
        OrbitAdjacency(SPARSE_44.graph).save(path)
    before = contents(path) if existing else {}
    write = module._File.write
    for allowed in (0, 10, 60):
        left = allowed

        def fails(self: object, array: np.ndarray) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise OSError(error, os.strerror(error))
            write(self, array)

        monkeypatch.setattr(module._File, "write", fails)
        with pytest.raises(CapacityError if error == errno.ENOSPC else OSError):
            OrbitAdjacency(DENSE_44.graph).save(path, overwrite=True)
        assert (contents(path) if existing else path.exists()) == (before or False)
        assert nothing_beside(path)


SAVE = """
    import sys
    import scipy.sparse  # an interrupt inside an import may come wrapped in RuntimeError
    from graphx.data.synthetic import barabasi_albert
    from graphx.gradco import OrbitAdjacency
    orbits = OrbitAdjacency(barabasi_albert(3000, 8, seed=1), num_threads=2)
    print("ready", flush=True)
    orbits.save(sys.argv[1], overwrite=True)
    print("done", flush=True)
"""


def start_save(path: Path, **options) -> subprocess.Popen:
    command = [sys.executable, "-c", textwrap.dedent(SAVE), str(path)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    assert child.stdout.readline() == "ready\n"
    return child


def test_no_room_for_a_whole_file_leaves_nothing(tmp_path: Path) -> None:
    """A real failure of write(2), by the largest file that the process may make."""

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))

    child = start_save(tmp_path / "big.orbits", preexec_fn=small_files)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 1
    assert "CapacityError" in errors.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "interrupt"])
def test_a_killed_save_leaves_the_old_store_or_none_or_the_whole_new_one(
    tmp_path: Path, number: int, existing: bool
) -> None:
    path = tmp_path / "saved.orbits"
    if existing:
        OrbitAdjacency(SPARSE_44.graph).save(path)
    before = contents(path) if existing else None
    killed = 0
    for delay in (0.0, 0.05, 0.1, 0.15, 0.2, 0.3):
        child = start_save(path)
        time.sleep(delay)
        child.send_signal(number)
        output, errors = child.communicate(timeout=60)
        if "done" in output:
            break
        killed += 1
        assert child.returncode != 0
        if (contents(path) if path.exists() else None) != before:  # killed after the renaming, before the word "done"
            saved = OrbitAdjacency.open(path)
            assert len(saved) == 28 and saved[1, 0, 0].shape == (3000, 3000)
            before = contents(path)
        if number == signal.SIGINT:
            assert errors.splitlines()[-1] == "KeyboardInterrupt"
            assert nothing_beside(path)
    assert killed
    small = OrbitAdjacency(DENSE_44.graph)
    small.save(path, overwrite=True)
    assert nothing_beside(path), "what killed saves left is cleared by the next"
    assert_bitwise(dict(OrbitAdjacency.open(path).items()), small.to_csr())
