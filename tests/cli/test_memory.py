"""The plan for a limit: monotone, refused with a number that is enough, and no smaller than what is measured."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphx
from graphx.cli.common import parse_size
from graphx.cli.memory import plan_blocks
from graphx.errors import CapacityError
from graphx.gradco import ORBIT_KEYS, OrbitAdjacency

KARATE = OrbitAdjacency(networkx.Graph(list(networkx.karate_club_graph().edges)))


@given(st.integers(1, 10**6), st.booleans(), st.integers(1, 28))
def test_a_refusal_names_what_is_enough(limit: int, writes: bool, count: int) -> None:
    keys = ORBIT_KEYS[-count:]
    for _ in range(3):  # the first refusal may not know the triangles yet
        try:
            block = plan_blocks(KARATE, keys, limit, num_threads=2, writes_matrices=writes)
        except CapacityError as error:
            needed = re.search(r"needs about (\S+) beside", str(error))
            assert needed
            assert parse_size(needed[1]) > limit
            limit = parse_size(needed[1])
        else:
            assert 1 <= block <= limit
            return
    pytest.fail("refused three times")


def test_more_memory_never_gives_smaller_blocks() -> None:
    sizes = [plan_blocks(KARATE, ORBIT_KEYS, 10**6 * factor, writes_matrices=True) for factor in (1, 2, 4, 1000)]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 12 << 20


@pytest.mark.parametrize("num_nodes", [0, 1, 4])
def test_graphs_without_edges(num_nodes: int) -> None:
    oa = OrbitAdjacency(networkx.empty_graph(num_nodes))
    assert plan_blocks(oa, ORBIT_KEYS, 10**6, writes_matrices=True) > 0


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measures as Linux does")
@pytest.mark.parametrize("work", ["oa.summary()", "[0 for _ in oa.iter_blocks(max_block_bytes=block)]"])
def test_the_estimate_holds(work: str) -> None:
    limit = 300 << 20
    code = f"""
from graphx.cli.memory import plan_blocks
from graphx.data import synthetic
from graphx.gradco import ORBIT_KEYS, OrbitAdjacency
graph = synthetic.barabasi_albert(20_000, 10, seed=1)
graph.is_undirected
field = lambda name: int(next(l for l in open('/proc/self/status') if l.startswith(name)).split()[1]) * 1024
open('/proc/self/clear_refs', 'w').write('5')
before = field('VmRSS')
oa = OrbitAdjacency(graph, num_threads=2)
block = plan_blocks(oa, ORBIT_KEYS, {limit}, num_threads=2, writes_matrices={"iter" in work})
{work}
print(field('VmHWM') - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        env={"PYTHONPATH": str(Path(graphx.__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < limit
