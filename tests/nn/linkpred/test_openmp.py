"""Kernels on torch's own threads: that they get there, that a forked child does not wait for them, and Ctrl-C."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from graphx.nn.linkpred import _ops
from graphx.nn.linkpred._openmp import join_openmp

pytestmark = pytest.mark.skipif(not _ops.has_extension(), reason="the extension is not there")

_RUN = """
import os, signal, threading, time
import torch
torch.set_num_threads(3)
from graphx.nn.linkpred import common_neighbors
generator = torch.Generator().manual_seed(0)
edges = torch.randint(3000, (2, 60_000), generator=generator)
pairs = torch.randint(3000, (2, 30_000), generator=generator)
def made():
    return common_neighbors(edges, pairs)
def threads():
    return len(os.listdir("/proc/self/task"))
"""


def python(code: str) -> str:
    """What a new process prints."""
    env = {**os.environ, "OMP_NUM_THREADS": "3"}
    done = subprocess.run(
        [sys.executable, "-c", _RUN + code], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


linux = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs Linux")


@linux
def test_the_kernels_take_the_threads_of_torch() -> None:
    """They stay after the call, as threads of our own do not, and the result is that of one thread."""
    runtime = list(Path(torch.__file__).with_name("lib").glob("libgomp*.so*"))
    if not runtime:
        pytest.skip("torch has no libgomp beside it")
    found = python("""
before = threads()
first = made()
after = threads()
most = threads()
torch.set_num_threads(1)
alone = made()
torch.set_num_threads(2)
same = [torch.equal(first, wanted) for wanted in (alone, made(), common_neighbors(edges, pairs, num_threads=99))]
print(after - before >= 1, all(same), threads() <= most)  # nor do they ask the runtime for more than torch does
""")
    assert found == "True True True"


@linux
def test_a_forked_child_does_not_wait_for_threads_it_does_not_have() -> None:
    found = python("""
wanted = made().tolist()
child = os.fork()
if child == 0:
    signal.alarm(60)
    os._exit(0 if made().tolist() == wanted else 1)
print(os.waitpid(child, 0)[1])
""")
    assert found == "0"


@linux
def test_a_kernel_on_torch_threads_ends_on_ctrl_c() -> None:
    found = python("""
signal.signal(signal.SIGINT, signal.default_int_handler)
pairs = torch.randint(3000, (2, 20_000_000), generator=generator)
edges = torch.randint(3000, (2, 2_000_000), generator=generator)
from graphx.nn.linkpred import as_adjacency
graph = as_adjacency(edges, num_nodes=3000)
start = []
def press():
    start.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Timer(0.3, press).start()
try:
    while True:
        common_neighbors(graph, pairs)
except KeyboardInterrupt:
    print(time.perf_counter() - start[0] < 5)
""")
    assert found == "True"


def test_where_the_threads_are_left_alone(tmp_path: Path) -> None:
    """Where the system says nothing, and in a forked process; elsewhere the runtimes are asked one after the other."""
    asked: list[str] = []
    core = SimpleNamespace(join_openmp=lambda path: bool(asked.append(path)))
    status = tmp_path / "stat"
    assert not join_openmp(core, status)
    status.write_text("17 (a (b) c) S 1 17 17 0 -1 4194368 0 0")
    assert not join_openmp(core, status)
    assert asked == []
    status.write_text("17 (a (b) c) S 1 17 17 0 -1 4194304 0 0")
    assert not join_openmp(core, status)
    runtimes = sorted(Path(torch.__file__).with_name("lib").glob("libgomp*.so*"))
    assert asked == [str(runtime) for runtime in runtimes]
    yes = SimpleNamespace(join_openmp=lambda path: True)
    assert join_openmp(yes, status) == bool(runtimes)
