"""What every test may use."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("GRAPHX_TEST_DATA", ROOT.parent / "shared" / "data"))

if "PYTEST_XDIST_WORKER" in os.environ:  # several processes share the processors: threads of each would wait for others
    os.environ.setdefault("OMP_NUM_THREADS", "1")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background of a script: the children of tests
    signal.signal(signal.SIGINT, signal.default_int_handler)  # that press Ctrl-C would ignore it as well

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real graphs; the test is skipped where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"no test data in {DATA}: set GRAPHX_TEST_DATA to the folder that holds networks/ and orca/")
    return DATA


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A client of two worker processes on this machine; a test may kill one, the cluster starts another."""
    pytest.importorskip("distributed")
    from tests.clusters import two_workers

    with two_workers() as client:
        yield client
