"""The passes in torch against the kernels."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphx.data.synthetic import barabasi_albert
from graphx.fastrp import FastRP, _engine, _torch
from graphx.fastrp._inputs import gpu_of, read_graph
from tests.strategies import graphs


def starts(kind, nodes, columns, seed):
    make = _engine.projection if kind == "gaussian" else _engine.sparse_projection
    return make(nodes, columns, kind, seed, num_nodes=nodes)


@given(graphs(), st.sampled_from(["gaussian", "very_sparse", "sparse"]), st.booleans(), st.integers(1, 20))
@settings(max_examples=60)
def test_equals_the_kernels(drawn, kind, normalize, columns):
    walk = _engine.walk_of(read_graph(drawn.graph))
    start = starts(kind, walk.num_rows, columns, 3)
    weights = [0.5, 0.0, 1.0, -2.0]
    ours = _engine.merge_hops(walk, start, weights, normalize=normalize)
    theirs = _torch.merge_hops(walk, start, weights, normalize=normalize)
    assert theirs.dtype == torch.float32
    np.testing.assert_allclose(theirs.numpy(), ours, atol=1e-5)
    exact = _torch.merge_hops(walk, start, weights, normalize=normalize, dtype=torch.float64)
    assert exact.dtype == torch.float64
    np.testing.assert_allclose(exact.numpy(), ours, atol=1e-5)


@pytest.mark.parametrize("convention", ["paper", "gds"])
def test_weights_of_edges(convention):
    rng = np.random.default_rng(1)
    matrix = rng.uniform(0.1, 3.0, (40, 40)) * (rng.random((40, 40)) < 0.1)
    np.fill_diagonal(matrix, 0)
    graph = read_graph(sp.csr_array(matrix))
    walk = _engine.walk_of(graph, convention)
    start = starts("gaussian", walk.num_rows, 24, 0)
    made = _torch.merge_hops(walk, start, [0, 0, 1, 1], dtype=torch.float64)
    np.testing.assert_allclose(made.numpy(), _engine.merge_hops(walk, start, [0, 0, 1, 1]), atol=1e-5)


def test_bfloat16_rounds_what_the_kernels_round():
    walk = _engine.walk_of(barabasi_albert(200, 4, seed=0))
    start = starts("sparse", 200, 32, 0)
    made = _torch.merge_hops(walk, start, [0, 0, 1, 1], storage="bfloat16")
    ours = _engine.merge_hops(walk, start, [0, 0, 1, 1], storage="bfloat16")
    assert np.abs(made.numpy() - ours).max() < 1e-2  # sums in another order may round to the neighbour
    assert np.abs(made.numpy() - ours).mean() < 2e-4


def test_an_estimator_on_a_device_equals_one_without(monkeypatch):
    import graphx.fastrp.fastrp as module

    graph = barabasi_albert(300, 3, seed=0)
    options = {"iteration_weights": (0.0, 1.0, 2.0), "self_influence": 0.5, "normalization_strength": -0.5}
    plain = FastRP(32, random_state=0, **options).fit(graph)
    monkeypatch.setattr(module, "gpu_of", lambda _: torch.device("cpu"))
    on_device = FastRP(32, random_state=0, **options).fit(graph)
    np.testing.assert_allclose(on_device.embedding_, plain.embedding_, atol=2e-5)
    np.testing.assert_allclose(on_device.transform(graph.to_scipy()), on_device.transform(graph.to_scipy()))


def test_where_edges_are():
    edges = torch.tensor([[0, 1], [1, 0]])
    assert gpu_of(edges) is None
    assert gpu_of((edges, torch.ones(2))) is None
    assert gpu_of(Data(edge_index=edges)) is None
    assert gpu_of("karate") is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu():
    graph = barabasi_albert(300, 3, seed=0)
    edges = torch.from_numpy(np.stack(graph.to_scipy().nonzero())).cuda()
    made = FastRP(32, random_state=0).fit_transform(edges)
    np.testing.assert_allclose(made, FastRP(32, random_state=0).fit_transform(graph), atol=1e-4)
