"""OrbitAdjacency against enumeration, closed forms, ORCA, and the identities that hold on any graph."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings

import graphx
from graphx.data import load_graph
from graphx.errors import InputError
from graphx.gradco import EDGE_ORBITS, ORBIT_KEYS, OrbitAdjacency
from graphx.gradco.orbits import ROW_DIVISORS, graphlet_of, transposed
from tests.graphs import CLOSED_FORM, SMALL, NamedGraph, barabasi_albert, from_networkx, make_graph
from tests.reference.dense import dense_orbits
from tests.reference.orbits import OrbitCounts, count_orbits
from tests.strategies import graphs

FAMILIES = [
    barabasi_albert(400, 6),
    from_networkx(nx.powerlaw_cluster_graph(300, 8, 0.9, seed=5), "clustered"),
    from_networkx(nx.gnp_random_graph(150, 0.5, seed=6), "dense"),
    from_networkx(nx.gnp_random_graph(700, 0.008, seed=7), "sparse"),
    from_networkx(nx.connected_caveman_graph(20, 12), "caveman"),
    from_networkx(nx.random_regular_graph(4, 333, seed=8), "regular"),
    from_networkx(nx.disjoint_union(nx.star_graph(300), nx.complete_graph(70)), "hub-and-clique"),
    from_networkx(nx.complete_multipartite_graph(20, 30, 40), "multipartite"),
]

NETWORKS = [
    "newman-netscience",
    "newman-polblogs",
    "ppi-biogrid-3.4.164-CElegans",
    "ppi-biogrid-3.4.164-SPombe",
    "ppi-hi-iii",
    "ca-GrQc",
    "as20graph",
    "p2p-Gnutella08",
    "airfoil1",
    "road-oldenburg",
    "newman-power",
    "fb-pages-tvshow",
]
LARGE_NETWORKS = [
    "ego-Facebook",
    "ca-HepPh",
    "email-Enron",
    "wiki-Vote",
    "newman-as-22july06",
    "ppi-biogrid-3.2.101-SCerevisiae",
    "ppi-biogrid-3.4.164-HSapiens",
    "ppi-string-human",
]


def assert_well_formed(matrix: sp.csr_array, num_nodes: int) -> None:
    assert isinstance(matrix, sp.csr_array)
    assert matrix.shape == (num_nodes, num_nodes)
    assert matrix.dtype.kind == "i"
    assert np.all(matrix.data > 0), "zeros or negative counts are stored"
    rows = np.repeat(np.arange(num_nodes), np.diff(matrix.indptr))
    assert np.all(matrix.indices != rows), "entries on the diagonal"
    ascending = (np.diff(matrix.indices) > 0) | (np.diff(rows) > 0)
    assert np.all(ascending), "indices are not ascending"


def assert_same(found: Mapping, expected: Mapping) -> None:
    assert list(found) == list(ORBIT_KEYS)
    for key, matrix in found.items():
        assert_well_formed(matrix, len(expected[key]))
        np.testing.assert_array_equal(matrix.toarray(), expected[key], str(key))


def assert_equals_enumeration(graph: graphx.Graph, expected: OrbitCounts) -> None:
    orbits = OrbitAdjacency(graph, num_threads=2)
    assert_same(orbits.to_csr(), expected.matrices)
    np.testing.assert_array_equal(orbits.graphlet_degrees(), expected.node)
    np.testing.assert_array_equal(orbits.edges(), expected.edges)
    np.testing.assert_array_equal(orbits.edge_graphlet_degrees(), expected.edge)


def stack_blocks(orbits: OrbitAdjacency, keys=ORBIT_KEYS, **options) -> dict:
    parts: dict = {key: [] for key in keys}
    stop = 0
    for block in orbits.iter_blocks(keys, **options):
        assert block.start == stop
        assert list(block) == [key for key in ORBIT_KEYS if key in keys]
        stop = block.stop
        for key, matrix in block.items():
            assert matrix.shape == (block.stop - block.start, orbits.graph.num_nodes)
            parts[key].append(matrix)
    assert stop == orbits.graph.num_nodes
    return {key: sp.vstack(matrices, format="csr") for key, matrices in parts.items() if matrices}


def assert_bitwise(found: Mapping, expected: Mapping) -> None:
    assert list(found) == list(expected)
    for key, matrix in found.items():
        for part in ("indptr", "indices", "data"):
            a, b = getattr(matrix, part), getattr(expected[key], part)
            assert np.array_equal(a, b), f"{key}: {part} differs"


# -- exactness ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CLOSED_FORM, ids=str)
def test_closed_forms(case: NamedGraph) -> None:
    zero = np.zeros((case.num_nodes, case.num_nodes), dtype=np.int64)
    assert_same(OrbitAdjacency(case.graph).to_csr(), dict.fromkeys(ORBIT_KEYS, zero) | case.orbits())


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_small_graphs_equal_enumeration(case: NamedGraph) -> None:
    assert_equals_enumeration(case.graph, count_orbits(case.num_nodes, case.edges))


def test_the_whole_graph_atlas_equals_enumeration() -> None:
    """All 1,253 graphs of up to seven nodes."""
    atlas = nx.graph_atlas_g()
    assert len(atlas) == 1253
    for number, graph in enumerate(atlas):
        case = from_networkx(graph, f"atlas {number}")
        assert_equals_enumeration(case.graph, count_orbits(case.num_nodes, case.edges))


@given(graphs(max_nodes=12))
def test_drawn_graphs_equal_enumeration(case: NamedGraph) -> None:
    assert_equals_enumeration(case.graph, count_orbits(case.num_nodes, case.edges))


@given(graphs(min_nodes=17, max_nodes=40))
@settings(max_examples=25)
def test_drawn_graphs_of_several_row_groups_equal_products(case: NamedGraph) -> None:
    assert_same(OrbitAdjacency(case.graph, num_threads=2).to_csr(), dense_orbits(case.dense))


@pytest.mark.parametrize("case", FAMILIES, ids=str)
def test_families_equal_products(case: NamedGraph) -> None:
    assert_same(OrbitAdjacency(case.graph).to_csr(), dense_orbits(case.dense))


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_graphlet_adjacencies_equal_enumeration(case: NamedGraph) -> None:
    orbits, expected = OrbitAdjacency(case.graph), count_orbits(case.num_nodes, case.edges)
    for graphlet in range(9):
        found = orbits.graphlet_adjacency(graphlet)
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found.toarray(), expected.graphlets[graphlet], f"G{graphlet}")


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_edge_orbit_adjacencies_hold_the_edge_degrees(case: NamedGraph) -> None:
    orbits = OrbitAdjacency(case.graph)
    found = orbits.edge_orbit_adjacencies()
    assert set(found) == {(0, 0), *EDGE_ORBITS}
    u, v = orbits.edges().T
    degrees = count_orbits(case.num_nodes, case.edges).edge
    for column, ends in enumerate(EDGE_ORBITS):
        dense = found[ends].toarray()
        np.testing.assert_array_equal(dense, dense.T)
        assert not np.any(dense[case.dense == 0])
        np.testing.assert_array_equal(dense[u, v], degrees[:, column], str(ends))


def test_orca_sample(data_dir: Path) -> None:
    lines = (data_dir / "orca" / "graph.in").read_text().splitlines()
    edges = [tuple(map(int, line.split())) for line in lines[1:]]
    orbits = OrbitAdjacency(make_graph(int(lines[0].split()[0]), edges))
    nodes = np.loadtxt(data_dir / "orca" / "node-4.out", dtype=np.int64)
    np.testing.assert_array_equal(orbits.graphlet_degrees(), nodes)
    row = {tuple(pair): i for i, pair in enumerate(orbits.edges().tolist())}
    rows = [row[min(pair), max(pair)] for pair in edges]
    degrees = np.loadtxt(data_dir / "orca" / "edge-4.out", dtype=np.int64)
    np.testing.assert_array_equal(orbits.edge_graphlet_degrees()[rows], degrees)


# -- one result, however it is asked for -------------------------------------------------------------------------------


@cache
def counted(case: NamedGraph) -> dict:
    return OrbitAdjacency(case.graph, num_threads=1).to_csr()


@pytest.mark.parametrize("case", [*SMALL[:4], *FAMILIES], ids=str)
def test_single_keys_equal_the_whole(case: NamedGraph) -> None:
    orbits = OrbitAdjacency(case.graph)
    assert_bitwise({key: orbits[key] for key in ORBIT_KEYS}, counted(case))
    assert_bitwise({key: OrbitAdjacency(case.graph)[key] for key in ORBIT_KEYS}, counted(case))


@pytest.mark.parametrize("case", FAMILIES[:4], ids=str)
def test_selections_equal_the_whole(case: NamedGraph) -> None:
    rng = np.random.default_rng(0)
    for _ in range(12):
        keys = [key for key in ORBIT_KEYS if rng.random() < 0.3]
        shuffled = [keys[i] for i in rng.permutation(len(keys))]
        assert_bitwise(OrbitAdjacency(case.graph).to_csr(shuffled), {key: counted(case)[key] for key in keys})


@pytest.mark.parametrize("max_block_bytes", [1, 10_000, 1 << 30])
@pytest.mark.parametrize("case", FAMILIES, ids=str)
def test_blocks_equal_the_whole(case: NamedGraph, max_block_bytes: int) -> None:
    assert_bitwise(stack_blocks(OrbitAdjacency(case.graph), max_block_bytes=max_block_bytes), counted(case))


def test_blocks_of_a_selection() -> None:
    case, keys = FAMILIES[0], [(3, 4, 4), (2, 9, 10), (1, 13, 12)]
    expected = {key: counted(case)[key] for key in ORBIT_KEYS if key in keys}
    found = stack_blocks(OrbitAdjacency(case.graph), keys, max_block_bytes=1)
    assert_bitwise({key: found[key] for key in expected}, expected)


def test_blocks_stay_valid_when_kept() -> None:
    case = FAMILIES[0]
    blocks = list(OrbitAdjacency(case.graph).iter_blocks(max_block_bytes=1))
    assert len(blocks) > 3
    for key in ORBIT_KEYS:
        np.testing.assert_array_equal(
            np.vstack([block[key].toarray() for block in blocks]), counted(case)[key].toarray(), str(key)
        )


def test_two_block_streams_at_once() -> None:
    orbits, case = OrbitAdjacency(FAMILIES[1].graph), FAMILIES[1]
    for key in ((2, 8, 8), (3, 4, 4)):
        pairs = zip(
            orbits.iter_blocks([key], max_block_bytes=1), orbits.iter_blocks([key], max_block_bytes=1), strict=True
        )
        found = [(a[key].toarray(), b[key].toarray()) for a, b in pairs]
        for side in (0, 1):
            np.testing.assert_array_equal(np.vstack([f[side] for f in found]), counted(case)[key].toarray())


@pytest.mark.parametrize("case", [*SMALL[:5], *FAMILIES], ids=str)
def test_summary_tells_of_the_matrices(case: NamedGraph) -> None:
    for summary, (key, matrix) in zip(OrbitAdjacency(case.graph).summary(), counted(case).items(), strict=True):
        assert summary.key == key
        assert summary.graphlet == graphlet_of(key)
        assert summary.num_nonzeros == matrix.nnz
        assert summary.total == matrix.sum(dtype=np.int64)
        assert summary.maximum == matrix.data.max(initial=0)


@pytest.mark.parametrize("case", [*SMALL[:4], *FAMILIES], ids=str)
def test_indices_take_four_bytes(case: NamedGraph) -> None:
    """scipy widens, by a copy, the indices of arrays whose two index types differ."""
    orbits = OrbitAdjacency(case.graph)
    for matrices in (orbits.to_csr(), dict(orbits), next(iter(orbits.iter_blocks()), {})):
        for matrix in matrices.values():
            assert matrix.indices.dtype == np.int32
            assert matrix.data.dtype in (np.int16, np.int32)


def test_mapping() -> None:
    orbits = OrbitAdjacency(FAMILIES[0].graph)
    assert len(orbits) == 28
    assert tuple(orbits) == ORBIT_KEYS
    assert (2, 12, 12) in orbits
    assert (2, 12, 13) not in orbits
    assert "nonsense" not in orbits
    assert repr(orbits) == f"OrbitAdjacency(num_nodes=400, num_edges={orbits.graph.num_edges})"
    assert_bitwise(dict(orbits.items()), counted(FAMILIES[0]))
    assert_bitwise(dict(zip(ORBIT_KEYS, orbits.values(), strict=True)), counted(FAMILIES[0]))
    assert orbits.to_csr([]) == {}
    with pytest.raises(KeyError):
        orbits[2, 12, 13]
    with pytest.raises(KeyError):
        orbits.to_csr([(1, 0, 0), (9, 9, 9)])
    with pytest.raises(KeyError):
        orbits.iter_blocks([(9, 9, 9)])
    assert orbits.num_triangles * 3 == counted(FAMILIES[0])[1, 3, 3].sum() // 2


@pytest.mark.parametrize("graphlet", [-1, 9, True, "paw", None])
def test_no_such_graphlet(graphlet) -> None:
    with pytest.raises(InputError, match=r"expected 0\.\.8"):
        OrbitAdjacency(FAMILIES[0].graph).graphlet_adjacency(graphlet)


def test_a_matrix_may_be_changed_without_harm_to_the_next() -> None:
    orbits = OrbitAdjacency(FAMILIES[0].graph)
    first = orbits.to_csr([(1, 0, 0), (1, 1, 2), (2, 1, 1), (2, 4, 5), (3, 4, 4)])
    for matrix in first.values():
        if matrix.data.flags.writeable:
            matrix.data[:] = -7
        if matrix.indices.flags.writeable:
            matrix.indices[:] = 0
    del first, matrix
    assert_bitwise(orbits.to_csr(), counted(FAMILIES[0]))
    assert OrbitAdjacency(orbits.graph)[1, 0, 0].sum() == 2 * orbits.graph.num_edges


def test_int64_equals_int32(monkeypatch: pytest.MonkeyPatch) -> None:
    for case in FAMILIES:
        monkeypatch.setenv("GRAPHX_FORCE_INT64", "1")
        orbits = OrbitAdjacency(case.graph)
        monkeypatch.delenv("GRAPHX_FORCE_INT64")
        wide, narrow = orbits.to_csr(), OrbitAdjacency(case.graph)
        assert_bitwise(wide, counted(case))
        assert wide[2, 6, 6].dtype == np.int64
        assert counted(case)[2, 6, 6].dtype == np.int32
        assert_bitwise(stack_blocks(orbits, max_block_bytes=1), wide)
        np.testing.assert_array_equal(orbits.graphlet_degrees(), narrow.graphlet_degrees())
        np.testing.assert_array_equal(orbits.edge_graphlet_degrees(), narrow.edge_graphlet_degrees())
        assert [s[2:] for s in orbits.summary()] == [s[2:] for s in narrow.summary()]


@pytest.mark.parametrize(
    "make", [lambda g: g, nx.Graph, lambda g: sp.csr_array(nx.to_scipy_sparse_array(g, dtype=bool))]
)
def test_other_kinds_of_graph(make) -> None:
    graph = nx.barabasi_albert_graph(80, 3, seed=1)
    expected = OrbitAdjacency(graphx.Graph.from_networkx(graph)).to_csr()
    assert_bitwise(OrbitAdjacency(make(graph)).to_csr(), expected)


def test_progress_comes_to_an_end() -> None:
    seen: list[tuple[str, int, int]] = []
    orbits = OrbitAdjacency(FAMILIES[0].graph, progress=lambda *args: seen.append(args))
    orbits.to_csr()
    for _ in orbits.iter_blocks():
        pass
    assert {stage for stage, _, _ in seen} >= {"triangles, cliques and cycles", "orbit adjacencies", "rows"}
    assert all(0 <= done <= total for _, done, total in seen)
    assert {stage for stage, done, total in seen if done == total} == {stage for stage, _, _ in seen}


# -- invariance --------------------------------------------------------------------------------------------------------


@given(graphs(max_nodes=10))
def test_renaming_nodes_renames_rows_and_columns(case: NamedGraph) -> None:
    order = np.random.default_rng(case.num_nodes).permutation(case.num_nodes)
    renamed = make_graph(case.num_nodes, [(order[u], order[v]) for u, v in case.edges])
    for key, matrix in OrbitAdjacency(case.graph).to_csr().items():
        found = OrbitAdjacency(renamed)[key].toarray()
        np.testing.assert_array_equal(found[np.ix_(order, order)], matrix.toarray())


# -- identities on real networks ---------------------------------------------------------------------------------------


@cache
def network(folder: Path, name: str) -> graphx.Graph:
    path = folder / "networks" / f"{name}.edgelist.gz"
    pairs = np.loadtxt(path, dtype=np.int64, comments="#")
    return make_graph(int(pairs.max()) + 1, map(tuple, pairs.tolist()))


def assert_row_sums(orbits: OrbitAdjacency) -> None:
    """M[h, o1, o2] 1 = s * GDV[o1] and, by transposition, M^T 1 = s' * GDV[o2]: rows and columns of all 28."""
    degrees = orbits.graphlet_degrees()
    columns = {key: np.zeros(orbits.graph.num_nodes, dtype=np.int64) for key in ORBIT_KEYS}
    for block in orbits.iter_blocks():
        for key in ORBIT_KEYS:
            indptr, indices, values = block.arrays(key)
            before = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
            sums = before[indptr[1:]] - before[indptr[:-1]]
            np.testing.assert_array_equal(sums, ROW_DIVISORS[key] * degrees[block.start : block.stop, key[1]], str(key))
            if len(values):
                columns[key] += np.bincount(indices, weights=values, minlength=len(degrees)).astype(np.int64)
    for key in ORBIT_KEYS:
        np.testing.assert_array_equal(columns[key], ROW_DIVISORS[transposed(key)] * degrees[:, key[2]], str(key))


def assert_edge_sums(orbits: OrbitAdjacency) -> None:
    """Edge degrees sum, over the edges at a node, to the node degrees times the edges of that kind at the orbit."""
    degrees, edges, per_edge = orbits.graphlet_degrees(), orbits.edges(), orbits.edge_graphlet_degrees()
    for column, ends in enumerate(EDGE_ORBITS):
        found = np.zeros(len(degrees), dtype=np.int64)
        for side in (0, 1):
            np.add.at(found, edges[:, side], per_edge[:, column])
        expected = sum(
            ROW_DIVISORS[key] * degrees[:, key[1]]
            for key in ORBIT_KEYS
            if key[0] == 1 and key[1:] in (ends, ends[::-1])
        )
        np.testing.assert_array_equal(found, expected, str(ends))


@pytest.mark.parametrize("name", [*NETWORKS, *(pytest.param(n, marks=pytest.mark.slow) for n in LARGE_NETWORKS)])
def test_sums_on_real_networks(data_dir: Path, name: str) -> None:
    orbits = OrbitAdjacency(network(data_dir, name))
    assert_row_sums(orbits)
    assert_edge_sums(orbits)


@pytest.mark.parametrize("name", NETWORKS)
def test_matrix_identities_on_real_networks(data_dir: Path, name: str) -> None:
    m = {key: matrix.astype(np.int64) for key, matrix in OrbitAdjacency(network(data_dir, name)).to_csr().items()}

    def equal(a: sp.csr_array, b: sp.csr_array) -> bool:
        return (a != b).nnz == 0

    for key, matrix in m.items():
        assert equal(m[transposed(key)], matrix.T.tocsr()), key
    a, t, c = m[1, 0, 0], m[1, 3, 3], m[2, 1, 1]
    degrees = np.asarray(a.sum(axis=1)).ravel()
    assert equal(a @ a, t + c + sp.diags_array(degrees, dtype=np.int64).tocsr())
    # 4_4 needs no mask: what else a walk over 1_1 and A meets is counted by the four subtracted matrices
    assert equal(m[3, 4, 4], c @ a - m[2, 9, 10] - m[1, 8, 8] - m[1, 12, 13] - m[1, 1, 2])
    assert equal(2 * (m[2, 8, 8] + m[2, 12, 12]), c * c - c)
    assert equal(2 * (m[1, 13, 13] + m[1, 14, 14]), t * t - t)
    # an end of an edge with a third node: v's other neighbours close a triangle or do not
    rows, columns = a.nonzero()
    assert equal(m[1, 1, 2] + t, sp.csr_array((degrees[columns] - 1, (rows, columns)), a.shape))


@pytest.mark.parametrize("name", ["newman-netscience", "newman-polblogs"])
def test_the_edge_list_door_gives_the_same_counts(data_dir: Path, name: str) -> None:
    graph = load_graph(data_dir / "networks" / f"{name}.edgelist.gz")
    expected = OrbitAdjacency(network(data_dir, name)).graphlet_degrees()
    found = OrbitAdjacency(graph).graphlet_degrees()
    assert np.array_equal(found, expected[expected[:, 0] > 0])


def test_pairs_that_another_thread_dropped_are_made_again() -> None:
    orbits = OrbitAdjacency(nx.barabasi_albert_graph(60, 3, seed=1))
    expected = orbits.to_csr([(2, 8, 8)])[2, 8, 8]
    kept = [orbits[2, 1, 1], orbits[2, 6, 6]]  # the second makes the pairs
    assert len(kept) == 2
    orbits._counter.drop_pairs()
    assert orbits._counter.pair_matrix(20, 1, None) is None
    assert (orbits[2, 8, 8] != expected).nnz == 0
