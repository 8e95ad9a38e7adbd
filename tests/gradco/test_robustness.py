"""Threads, processes, processors, interrupts, memory, and every kind of bad input."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import comb

import networkx as nx
import numpy as np
import psutil
import pytest
import scipy.sparse as sp

import graphx
from graphx.data import load_graph
from graphx.data.synthetic import barabasi_albert as big_barabasi_albert
from graphx.errors import GraphXError, InputError
from graphx.gradco import ORBIT_KEYS, OrbitAdjacency, OrbitBlock
from tests.gradco.test_count import assert_bitwise, assert_row_sums, stack_blocks
from tests.graphs import EDGE, EMPTY, NO_EDGE, ONE_NODE, NamedGraph, barabasi_albert, from_networkx

CASES = [
    barabasi_albert(500, 6),
    from_networkx(nx.powerlaw_cluster_graph(250, 10, 0.9, seed=5), "clustered"),
    from_networkx(nx.gnp_random_graph(160, 0.4, seed=6), "dense"),
    from_networkx(nx.gnp_random_graph(900, 0.005, seed=6), "sparse"),
]


def everything(graph: graphx.Graph, num_threads: int) -> tuple[dict, np.ndarray, np.ndarray]:
    orbits = OrbitAdjacency(graph, num_threads=num_threads)
    return orbits.to_csr(), orbits.graphlet_degrees(), orbits.edge_graphlet_degrees()


def assert_same_bits(found: tuple, expected: tuple) -> None:
    assert_bitwise(found[0], expected[0])
    assert np.array_equal(found[1], expected[1])
    assert np.array_equal(found[2], expected[2])


# -- same bits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("threads", [2, 3, 7])
def test_same_bits_for_any_number_of_threads(case: NamedGraph, threads: int) -> None:
    assert_same_bits(everything(case.graph, threads), everything(case.graph, 1))
    blocks = stack_blocks(OrbitAdjacency(case.graph, num_threads=threads), max_block_bytes=20_000)
    assert_bitwise(blocks, everything(case.graph, 1)[0])


@pytest.mark.parametrize("level", ["plain", "avx2"])
@pytest.mark.parametrize("wide", ["0", "1"], ids=["int32", "int64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_same_bits_on_any_processor(case: NamedGraph, wide: str, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHX_FORCE_INT64", wide)
    best = everything(case.graph, 2)
    monkeypatch.setenv("GRAPHX_SIMD", level)
    assert_same_bits(everything(case.graph, 2), best)
    orbits = OrbitAdjacency(case.graph)
    assert_bitwise({key: orbits[key] for key in ORBIT_KEYS}, best[0])


def _count_in_child(pipe, graph: graphx.Graph, parents: OrbitAdjacency) -> None:
    pipe.send((everything(graph, 3), parents.to_csr()))
    pipe.close()


def _rest_of_a_stream(blocks: Iterator[OrbitBlock]) -> list[tuple[int, int]]:
    return [(block.stop, int(block.arrays((3, 4, 4))[2].sum())) for block in blocks]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("threads", [2, 3])
def test_a_stream_goes_on_in_a_forked_child_and_in_its_parent(threads: int) -> None:
    graph = big_barabasi_albert(600, 8, seed=2)
    whole = _rest_of_a_stream(OrbitAdjacency(graph, num_threads=1).iter_blocks(max_block_bytes=1 << 18))
    assert len(whole) > 10
    blocks = OrbitAdjacency(graph, num_threads=threads).iter_blocks(max_block_bytes=1 << 18)
    begun = [next(blocks).stop for _ in range(3)]
    assert begun == [stop for stop, _ in whole[:3]]
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = os.fork()
    if child == 0:  # the helpers of the stream do not exist here
        sender.send(_rest_of_a_stream(blocks))
        os._exit(0)
    assert receiver.poll(60), "the child hangs"
    assert receiver.recv() == whole[3:]
    assert os.waitpid(child, 0)[1] == 0
    assert _rest_of_a_stream(blocks) == whole[3:]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_after_fork() -> None:
    """As a DataLoader's worker: the parent has counted with threads, then the child counts, with both objects."""
    graph = CASES[0].graph
    parents = OrbitAdjacency(graph, num_threads=3)
    expected = everything(graph, 3)
    parents.to_csr()
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_count_in_child, args=(sender, graph, parents))
    child.start()
    sender.close()
    assert receiver.poll(60), "the child hangs"
    found, from_parents = receiver.recv()
    child.join(60)
    assert child.exitcode == 0
    assert_same_bits(found, expected)
    assert_bitwise(from_parents, expected[0])
    assert_same_bits(everything(graph, 3), expected)


def test_several_python_threads_on_one_object() -> None:
    graph, expected = CASES[1].graph, everything(CASES[1].graph, 1)[0]
    for _ in range(3):
        orbits = OrbitAdjacency(graph, num_threads=2)
        barrier = threading.Barrier(6)

        def work(number: int, orbits: OrbitAdjacency = orbits, barrier: threading.Barrier = barrier) -> dict:
            barrier.wait()
            if number % 3 == 0:
                return orbits.to_csr()
            if number % 3 == 1:
                return stack_blocks(orbits, max_block_bytes=30_000)
            return {key: orbits[key] for key in ORBIT_KEYS}

        with ThreadPoolExecutor(6) as pool:
            for found in pool.map(work, range(6)):
                assert_bitwise(found, expected)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_numbers_of_threads_that_are_none(threads) -> None:
    with pytest.raises(InputError, match="num_threads"):
        OrbitAdjacency(CASES[0].graph, num_threads=threads)


# -- bad input: exact result, or one line that names the cure ----------------------------------------------------------


def refused(graph, *cures: str) -> None:
    with pytest.raises(GraphXError) as caught:
        OrbitAdjacency(graph)
    message = str(caught.value)
    assert "\n" not in message
    for cure in cures:
        assert cure in message, message


def matrix(entries: dict[tuple[int, int], float], n: int = 4, dtype: type = np.int64, kind: type = sp.csr_array):
    rows, columns = zip(*entries, strict=True)
    return kind(sp.coo_array((np.array(list(entries.values()), dtype=dtype), (rows, columns)), shape=(n, n)))


def both_ways(*pairs: tuple[int, int], weight: float = 1) -> dict[tuple[int, int], float]:
    return {p: weight for u, v in pairs for p in ((u, v), (v, u))}


PATH = both_ways((0, 1), (1, 2), (2, 3))


def test_weighted() -> None:
    refused(matrix(PATH | both_ways((0, 1), weight=2)), "weights", "without_weights()")
    refused(nx.karate_club_graph(), "without_weights()")


def test_signed() -> None:
    refused(matrix(PATH | both_ways((1, 2), weight=-1)), "without_weights()")
    refused(matrix(both_ways((0, 1), weight=-1)), "without_weights()")


def test_directed() -> None:
    refused(nx.DiGraph([(0, 1), (1, 2)]), "directed", "to_undirected()")
    refused(matrix({(0, 1): 1, (1, 2): 1}), "directed", "to_undirected()")


def test_asymmetric_in_one_entry() -> None:
    entries = dict(PATH)
    del entries[2, 1]
    refused(matrix(entries), "directed", "to_undirected()")
    one_sided = both_ways((0, 1), weight=1) | {(0, 1): 2.5}
    refused(matrix(one_sided, dtype=np.float64), "()")


def test_self_loops() -> None:
    refused(matrix(PATH | {(2, 2): 1}), "1 self-loop", "without_self_loops()")
    refused(nx.Graph([(0, 1), (1, 1)]), "without_self_loops()")


def test_the_cures_cure() -> None:
    graph = graphx.Graph.from_scipy(matrix(PATH | {(2, 2): 1} | both_ways((0, 1), weight=3)))
    cured = graph.without_weights().without_self_loops()
    assert OrbitAdjacency(cured)[3, 4, 4].nnz == 2
    directed = graphx.Graph.from_networkx(nx.DiGraph([(0, 1), (1, 2), (2, 3)]))
    assert OrbitAdjacency(directed.to_undirected())[3, 4, 4].nnz == 2


def test_multi_edges() -> None:
    refused(nx.MultiGraph([(0, 1), (0, 1), (1, 2)]))
    with pytest.raises(GraphXError, match="duplicate"):
        graphx.Graph.from_edges([0, 0], [1, 1])


def test_unsorted_coo_is_exact() -> None:
    """The input on which the rival is silently wrong."""
    case = CASES[0]
    rows, columns = case.dense.nonzero()
    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = sp.coo_array((np.ones(len(rows), dtype=np.int64), (rows[order], columns[order])), shape=case.dense.shape)
    assert_bitwise(OrbitAdjacency(shuffled).to_csr(), everything(case.graph, 1)[0])
    unsorted = sp.csr_array(case.dense)
    for u in range(len(case.dense)):
        unsorted.indices[unsorted.indptr[u] : unsorted.indptr[u + 1]] = np.flip(
            unsorted.indices[unsorted.indptr[u] : unsorted.indptr[u + 1]]
        )
    unsorted.has_sorted_indices = False
    assert_bitwise(OrbitAdjacency(unsorted).to_csr(), everything(case.graph, 1)[0])
    assert_bitwise(OrbitAdjacency(sp.csc_matrix(case.dense)).to_csr(), everything(case.graph, 1)[0])


def test_duplicate_coo() -> None:
    entries = [(0, 1), (1, 0), (0, 1), (1, 0)]
    rows, columns = zip(*entries, strict=True)
    refused(sp.coo_array((np.ones(4), (rows, columns)), shape=(3, 3)), "duplicate")


def test_explicit_zeros() -> None:
    refused(matrix(PATH | both_ways((0, 3), weight=0)), "explicit_zeros")
    refused(matrix(PATH | {(0, 3): 0}), "explicit_zeros")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity(value: float) -> None:
    refused(matrix(PATH | both_ways((0, 1), weight=value), dtype=np.float64))


@pytest.mark.parametrize("bad", [-1, 2**31, 2**40])
def test_ids_out_of_range(bad: int) -> None:
    with pytest.raises(GraphXError) as caught:
        graphx.Graph.from_edges(np.array([0, 1], dtype=np.int64), np.array([1, bad], dtype=np.int64))
    assert str(bad) in str(caught.value).replace(",", "")


def test_large_ids_in_a_file_become_names(tmp_path) -> None:
    path = tmp_path / "large.edgelist"
    path.write_text(f"{2**40} 7\n7 12\n12 {2**40}\n")
    graph = load_graph(path)
    assert list(graph.names) == [7, 12, 2**40]
    np.testing.assert_array_equal(OrbitAdjacency(graph).graphlet_degrees()[:, 3], [1, 1, 1])


@pytest.mark.parametrize("content", ["", "# nothing\n", "\x00\x01\xff\xfe\x00binary", "0 1\n1\n", "0 1 nan\n"])
def test_files_that_are_no_graph(tmp_path, content: str) -> None:
    path = tmp_path / "bad.edgelist"
    path.write_bytes(content.encode("latin-1"))
    refused(str(path))


@pytest.mark.parametrize("thing", [None, 3, "no such file.edgelist", [1, 2], {"a": 1}, object()])
def test_what_is_no_graph(thing) -> None:
    refused(thing)


@pytest.mark.parametrize("shape", [(3, 4), (0, 3)])
def test_what_is_not_square(shape) -> None:
    refused(sp.csr_array(shape, dtype=np.int64))


@pytest.mark.parametrize("case", [EMPTY, ONE_NODE, NO_EDGE, EDGE], ids=str)
def test_next_to_nothing(case: NamedGraph) -> None:
    orbits = OrbitAdjacency(case.graph, num_threads=7)
    n, m = case.num_nodes, len(case.edges)
    for found in (orbits.to_csr(), dict(orbits), {k: orbits.graphlet_adjacency(0) for k in [(1, 0, 0)]}):
        for key, made in found.items():
            assert made.shape == (n, n)
            assert made.nnz == (2 * m if key == (1, 0, 0) else 0)
    assert orbits.graphlet_degrees().shape == (n, 15)
    assert orbits.edge_graphlet_degrees().shape == (m, 12)
    assert orbits.edges().shape == (m, 2)
    assert len(orbits.summary()) == 28
    assert sum(len(block) for block in orbits.iter_blocks()) in (0, 28)
    for key in ORBIT_KEYS:
        assert (orbits.operator(*key) @ np.ones((n, 3))).shape == (n, 3)


@pytest.mark.parametrize("size", [0, -5])
def test_blocks_of_no_size(size: int) -> None:
    with pytest.raises(InputError, match="max_block_bytes"):
        OrbitAdjacency(CASES[0].graph).iter_blocks(max_block_bytes=size)


# -- high degrees ------------------------------------------------------------------------------------------------------


def test_star_of_50_000_leaves() -> None:
    """dmax**2 > 2**31: counts that int32 would wrap are exact."""
    leaves = 50_000
    orbits = OrbitAdjacency(graphx.data.synthetic.star(leaves))
    degrees = orbits.graphlet_degrees()
    assert degrees.dtype == np.int64
    centre = {0: leaves, 2: comb(leaves, 2), 7: comb(leaves, 3)}
    leaf = {0: 1, 1: leaves - 1, 6: comb(leaves - 1, 2)}
    assert degrees[0].tolist() == [centre.get(o, 0) for o in range(15)]
    assert np.all(degrees[1:] == [leaf.get(o, 0) for o in range(15)])
    per_edge = orbits.edge_graphlet_degrees()
    assert per_edge.dtype == np.int64
    assert np.all(per_edge == [leaves - 1, 0, 0, 0, comb(leaves - 1, 2), *[0] * 7])
    claw = orbits[1, 6, 7]
    assert claw.dtype == np.int64
    assert np.all(claw.data == comb(leaves - 1, 2))
    assert np.all(orbits[1, 1, 2].data == leaves - 1)
    found = orbits.operator(2, 6, 6) @ np.ones(leaves + 1, dtype=np.int64)
    assert np.all(found == 2 * degrees[:, 6])
    first = next(iter(orbits.iter_blocks([(2, 6, 6)], max_block_bytes=1)))[2, 6, 6]
    assert first.sum() == (first.shape[0] - 1) * 2 * comb(leaves - 1, 2)


@pytest.mark.slow
def test_two_hubs_that_share_their_leaves() -> None:
    """K_{2,n}: c and [2]8_8 reach their largest values, C(n, 2) > 2**31 between the two hubs."""
    n = 70_000
    hubs, leaves = np.repeat([0, 1], n), np.tile(np.arange(2, n + 2), 2)
    orbits = OrbitAdjacency(graphx.Graph.from_edges(hubs, leaves))
    blocks = orbits.iter_blocks([(2, 1, 1), (2, 8, 8), (2, 6, 6)], max_block_bytes=1)  # two rows each, the least
    hub, leaf = next(blocks), next(blocks)
    assert (hub.start, leaf.start) == (0, 2)
    assert hub[2, 8, 8][0, 1] == comb(n, 2)
    assert hub[2, 1, 1][0, 1] == n
    assert leaf[2, 8, 8][0, 3] == 1
    assert leaf[2, 6, 6][0, 3] == 2 * (n - 2)
    degrees = orbits.graphlet_degrees()
    assert degrees[0].tolist() == [n, n, comb(n, 2), 0, 0, 0, 0, comb(n, 3), comb(n, 2), *[0] * 6]
    assert degrees[2].tolist() == [2, 2 * (n - 1), 1, 0, 0, 0, 2 * comb(n - 1, 2), 0, n - 1, *[0] * 6]


@pytest.mark.parametrize("leaves", [180, 181, 182, 255, 256, 257, 32_767, 32_768, 46_340, 46_341, 46_342])
def test_degrees_around_every_integer_width(leaves: int) -> None:
    orbits = OrbitAdjacency(graphx.data.synthetic.star(leaves))
    assert orbits.graphlet_degrees()[0, 7] == comb(leaves, 3)
    assert np.all(orbits.edge_graphlet_degrees()[:, 4] == comb(leaves - 1, 2))
    assert np.all(orbits[1, 6, 7].data == comb(leaves - 1, 2))
    first = next(iter(orbits.iter_blocks([(2, 6, 6)], max_block_bytes=1)))[2, 6, 6]
    assert np.all(first[1:2].data == leaves - 2)


def test_large_values_of_4_4_are_not_cut() -> None:
    """Two hubs at the ends of many disjoint paths of three edges: [3]4_4 between them is their number, over 2**15."""
    n = 33_000
    a, b = np.arange(2, n + 2), np.arange(n + 2, 2 * n + 2)
    sources, targets = np.concatenate([np.zeros(n, int), a, b]), np.concatenate([a, b, np.ones(n, int)])
    orbits = OrbitAdjacency(graphx.Graph.from_edges(sources, targets))
    first = next(iter(orbits.iter_blocks([(3, 4, 4)], max_block_bytes=1)))[3, 4, 4]
    assert first[0, 1] == n
    assert first[1, 0] == n
    assert (orbits.operator(3, 4, 4) @ np.eye(2 * n + 2, 1, dtype=np.int64))[1, 0] == n


# -- memory and interrupts ---------------------------------------------------------------------------------------------


def test_no_leak_over_100_counts() -> None:
    graph = barabasi_albert(300, 6).graph
    process = psutil.Process()

    def count() -> None:
        orbits = OrbitAdjacency(graph, num_threads=2)
        orbits.to_csr()
        for key in ((1, 4, 5), (2, 4, 5), (2, 6, 6), (3, 4, 4)):
            _ = orbits[key]
            _ = orbits.operator(*key) @ np.ones((300, 4))
        for block in orbits.iter_blocks(max_block_bytes=10_000):
            _ = block[3, 4, 4]
        orbits.graphlet_degrees()
        orbits.edge_graphlet_degrees()
        orbits.summary()
        with pytest.raises(InputError):
            OrbitAdjacency(nx.DiGraph([(0, 1)]))

    sizes = []
    for _ in range(4):
        for _ in range(100):
            count()
        sizes.append(process.memory_info().rss)
    # the allocator's free lists fill up for a while; a leak grows in every hundred
    grown = np.diff(sizes).min()
    assert grown < 2e6, f"{grown / 1e6:.1f} MB over each 100 counts whose matrices take 1.5 MB"


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_blocks_take_bounded_memory() -> None:
    """All 28 of a graph whose matrices take hundreds of megabytes, within tens."""
    code = """
        from pathlib import Path
        from graphx.data.synthetic import barabasi_albert
        from graphx.gradco import OrbitAdjacency

        def status(field):
            return int(Path("/proc/self/status").read_text().split(field + ":")[1].split()[0]) * 1024

        graph = barabasi_albert(6000, 10, seed=1)
        OrbitAdjacency(barabasi_albert(100, 3), num_threads=2).to_csr()
        Path("/proc/self/clear_refs").write_text("5")
        before = status("VmRSS")
        made = 0
        for block in OrbitAdjacency(graph, num_threads=2).iter_blocks():
            made += sum(m.data.nbytes + m.indices.nbytes for m in block.values())
            del block
        print(made, status("VmHWM") - before)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    made, peak = map(int, done.stdout.split())
    assert made > 300e6
    assert peak < 80e6, f"{peak / 1e6:.0f} MB over the graph"


LONG = {
    "to_csr": "orbits.to_csr()",
    "blocks": "sum(1 for _ in orbits.iter_blocks())",
    "summary": "orbits.summary()",
    "one": "orbits[3, 4, 4]",
    "hop1": "[OrbitAdjacency(graph, num_threads=2).graphlet_degrees() for _ in range(200)]",
    "operator": "[orbits.operator(3, 4, 4) @ x for _ in range(200)]",
    "streamed-operator": "[orbits.operator(2, 8, 8) @ x for _ in range(50)]",
}


@pytest.mark.parametrize("what", LONG)
def test_interrupt_ends_a_count_at_once(what: str) -> None:
    code = f"""
        import numpy as np
        from graphx.data.synthetic import barabasi_albert
        from graphx.gradco import OrbitAdjacency
        graph = barabasi_albert(40_000, 12, seed=1)
        x = np.ones((40_000, 64))
        orbits = OrbitAdjacency(graph, num_threads=2)
        print("ready", flush=True)
        {LONG[what]}
        print("done", flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.5)
    sent = time.monotonic()
    child.send_signal(signal.SIGINT)
    output, errors = child.communicate(timeout=30)
    took = time.monotonic() - sent
    assert "done" not in output, "the work was over before the interrupt: make it longer"
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
    assert child.returncode == -signal.SIGINT
    assert took < 5  # promised: one second, on a machine that is not busy


def test_an_error_in_progress_ends_the_count() -> None:
    def progress(stage: str, done: int, total: int) -> None:
        raise RuntimeError(f"stop at {stage}")

    with pytest.raises(RuntimeError, match="stop at"):
        OrbitAdjacency(big_barabasi_albert(20_000, 5, seed=1), progress=progress).summary()


def test_the_object_lives_on_after_an_interrupt() -> None:
    graph = big_barabasi_albert(2000, 8, seed=1)
    interrupted = True

    def progress(stage: str, done: int, total: int) -> None:
        if interrupted:
            raise KeyboardInterrupt

    orbits = OrbitAdjacency(graph, progress=progress)
    for work in (orbits.graphlet_degrees, orbits.to_csr, orbits.summary):
        with pytest.raises(KeyboardInterrupt):
            work()
    interrupted = False
    assert_row_sums(orbits)
    assert_bitwise(orbits.to_csr(), OrbitAdjacency(graph).to_csr())


def test_counting_imports_no_torch() -> None:
    code = """
        import sys, networkx as nx
        from graphx.gradco import OrbitAdjacency
        orbits = OrbitAdjacency(nx.path_graph(5))
        orbits.to_csr(), orbits.operator(3, 4, 4) @ range(5)
        assert not {"torch", "torch_geometric", "pandas", "matplotlib"} & set(sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
