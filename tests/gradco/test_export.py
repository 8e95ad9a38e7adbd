"""Exports read back as the same matrices; the folder is complete or absent."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from graphx.errors import InputError, MissingDependencyError
from graphx.gradco import ORBIT_KEYS, OrbitAdjacency
from graphx.gradco.export import EXPORT_FORMATS, export_matrices
from graphx.graph import Graph

GRAPH = networkx.gnp_random_graph(40, 0.2, seed=1)


def read(path: Path, num_nodes: int) -> Any:
    if path.suffix == ".npz":
        return scipy.sparse.load_npz(path)
    if path.suffix == ".mtx":
        return scipy.io.mmread(path)
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    assert table.schema.names == ["source", "target", "count"]
    assert table.schema.metadata[b"graphx_key"].decode() == path.stem
    source, target, count = (column.to_numpy() for column in table.columns)
    return scipy.sparse.coo_array((count, (source, target)), shape=(num_nodes, num_nodes))


@pytest.mark.parametrize("file_format", EXPORT_FORMATS)
@pytest.mark.parametrize("max_block_bytes", [None, 1])
def test_all_matrices_read_back_equal(file_format: str, max_block_bytes: int | None, tmp_path: Path) -> None:
    oa = OrbitAdjacency(GRAPH)
    files = export_matrices(oa, tmp_path / "out", file_format, max_block_bytes=max_block_bytes)
    assert [file.name for file in files] == [f"{h}_{a}_{b}.{file_format}" for h, a, b in ORBIT_KEYS]
    assert sorted(files) == sorted((tmp_path / "out").iterdir())
    for file, key in zip(files, ORBIT_KEYS, strict=True):
        matrix = read(file, 40).tocsr()
        assert matrix.shape == (40, 40)
        assert (matrix != oa[key]).nnz == 0
        assert matrix.nnz == oa[key].nnz
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("file_format", EXPORT_FORMATS)
@pytest.mark.parametrize("num_nodes", [0, 1, 3])
def test_matrices_without_entries(file_format: str, num_nodes: int, tmp_path: Path) -> None:
    (file,) = export_matrices(OrbitAdjacency(networkx.empty_graph(num_nodes)), tmp_path / "o", file_format, [(3, 4, 4)])
    if num_nodes:
        matrix = read(file, num_nodes)
        assert matrix.shape == (num_nodes, num_nodes)
        assert matrix.nnz == 0


def test_npz_is_a_sparse_array_with_sorted_indices(tmp_path: Path) -> None:
    (file,) = export_matrices(OrbitAdjacency(GRAPH), tmp_path / "o", "npz", [(2, 1, 1)])
    matrix = scipy.sparse.load_npz(file)
    assert isinstance(matrix, scipy.sparse.csr_array)
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
    assert matrix.has_canonical_format


def test_names_come_along(tmp_path: Path) -> None:
    graph = Graph.from_edges([0, 1], [1, 2], names=["a", 'b,"c"', "d"])
    files = export_matrices(OrbitAdjacency(graph), tmp_path / "o", "mtx", [(2, 1, 1)])
    assert [file.name for file in files] == ["2_1_1.mtx", "nodes.csv"]
    assert files[1].read_text().splitlines() == ["node,name", "0,a", '1,"b,""c"""', "2,d"]


def test_what_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    oa = OrbitAdjacency(GRAPH)
    export_matrices(oa, tmp_path / "o", "npz", [(1, 3, 3)])
    with pytest.raises(InputError, match="holds an earlier export"):
        export_matrices(oa, tmp_path / "o", "npz", [(1, 3, 3)])
    export_matrices(oa, tmp_path / "o", "mtx", [(1, 0, 0)], overwrite=True)
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["1_0_0.mtx"]
    (tmp_path / "o" / "thesis.tex").touch()
    with pytest.raises(InputError, match=r"holds thesis\.tex, which is no export"):
        export_matrices(oa, tmp_path / "o", "npz", overwrite=True)
    with pytest.raises(InputError, match="is a file"):
        export_matrices(oa, tmp_path / "o" / "thesis.tex", "npz")


def test_refusals() -> None:
    oa = OrbitAdjacency(GRAPH)
    with pytest.raises(InputError, match=r"'hdf5' is not a format.*npz, mtx, parquet"):
        export_matrices(oa, "o", "hdf5")
    with pytest.raises(KeyError):
        export_matrices(oa, "o", "npz", [(1, 1, 1)])
    assert not Path("o").exists()


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oa = OrbitAdjacency(GRAPH)
    blocks = oa.iter_blocks

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        yield from blocks(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(oa, "iter_blocks", interrupted)
    for file_format in EXPORT_FORMATS:
        with pytest.raises(KeyboardInterrupt):
            export_matrices(oa, tmp_path / "o", file_format)
        assert list(tmp_path.iterdir()) == []


def test_without_pyarrow_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingDependencyError, match=r'pip install "graphx-pyg\[parquet\]"'):
        export_matrices(OrbitAdjacency(GRAPH), tmp_path / "o", "parquet")
