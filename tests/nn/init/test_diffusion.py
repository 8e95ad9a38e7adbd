"""Mirrored orthogonal weights: the network is a linear diffusion at the start, by the formula, at its sizes."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.nn import GCN, GraphSAGE

from graphx.errors import InputError
from graphx.nn.init import Part, virgo_
from graphx.nn.init._diffusion import diffusion_weights
from graphx.nn.init._trace import Layer, trace

EDGES = torch.tensor([[0, 1, 1, 2, 2, 3, 0, 0], [1, 0, 2, 1, 3, 2, 2, 3]])  # some in one direction only
X = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))


def graph(**changes: object) -> Data:
    return Data(**{"x": X, "edge_index": EDGES, **changes})


def chain(*widths: tuple[int, int], rows: tuple[int, ...] = (4, 4)) -> list[Layer]:
    made = [torch.nn.Linear(*width) for width in widths]
    return [
        Layer(f"lin{i}", lin, (Part(None, lin.weight),), count)
        for i, (lin, count) in enumerate(zip(made, rows, strict=True))
    ]


@pytest.mark.parametrize("kind", [GCN, GraphSAGE])
def test_the_network_is_linear_and_its_signal_is_as_told(kind: type) -> None:
    """f(x) - f(0) is odd and additive, which no ReLU network is by chance; the typical node keeps its size."""
    torch.manual_seed(0)
    model = kind(3, 8, 4, out_channels=6).double()
    data = graph(x=X.double(), edge_index=torch.cat((EDGES, EDGES.flip(0)), 1).unique(dim=1))
    virgo_(model, data, "diffusion", generator=torch.Generator().manual_seed(1))
    a, b = torch.randn(4, 3).double(), torch.randn(4, 3).double()
    out = [model(x, data.edge_index) for x in (a, b, a + b, -a, 0 * a)]
    torch.testing.assert_close(out[2], out[0] + out[1])
    torch.testing.assert_close(out[3], -out[0])
    assert not out[4].any()
    squares = model(data.x, data.edge_index).detach().square().mean(1)
    assert float(squares.sort().values[1]) == pytest.approx(1.0, rel=1e-6)  # torch's median of four is the second


def test_weights_are_mirrored_and_orthogonal() -> None:
    model = GCN(3, 8, 4, out_channels=5).double()
    layers = trace(model, graph(x=X.double()))
    found = [diffusion_weights([layers], [X.double()], torch.Generator().manual_seed(0)) for _ in range(2)]
    for i, layer in enumerate(layers):
        weight = found[0][id(layer.parts[0].weight)]
        assert torch.equal(weight, found[1][id(layer.parts[0].weight)])
        half = weight[: len(weight) // 2] if i < 3 else weight
        if i < 3:
            assert torch.equal(weight, torch.cat([half, -half]))
        if i:
            q = half[:, : half.size(1) // 2]
            assert torch.equal(half, torch.cat([q, -q], 1))
        if i in (1, 2):
            square = q @ q.t()
            torch.testing.assert_close(square, square[0, 0] * torch.eye(4).double())


def test_parts_of_a_layer_share_their_matrix_and_count_the_same() -> None:
    """SAGE: the root's weight is a multiple of the neighbours', so that both bring the same to the median node."""
    model = GraphSAGE(3, 8, 2, out_channels=4).double()
    data = graph(x=X.double())
    (first, _) = trace(model, data)
    weights = diffusion_weights([trace(model, data)], [data.x], torch.Generator().manual_seed(0))
    around, root = (weights[id(part.weight)] for part in first.parts)
    torch.testing.assert_close(around / around[0, 0], root / root[0, 0])
    sizes = [(part.times(data.x) @ weights[id(part.weight)].t()).square().mean(1).median() for part in first.parts]
    torch.testing.assert_close(sizes[0], sizes[1])


def test_diffusion_wants_a_chain_of_even_layers() -> None:
    x = X.double()
    with pytest.raises(InputError, match="lin0 has 5 outputs; mode 'diffusion' expects even hidden widths"):
        diffusion_weights([chain((3, 5), (5, 1))], [x], None)
    with pytest.raises(InputError, match="lin1 takes 8 channels and lin0 gives 4; mode 'diffusion' expects a chain"):
        diffusion_weights([chain((3, 4), (8, 1))], [x], None)
    with pytest.raises(InputError, match="no signal passes the operator of lin0; expected a graph with edges"):
        diffusion_weights([chain((3, 4), (4, 1))], [0 * x], None)


def test_diffusion_starts_anew_behind_a_readout() -> None:
    layers = chain((3, 4), (4, 1), rows=(4, 2))
    weights = diffusion_weights([layers], [X.double()], torch.Generator().manual_seed(0))
    for layer in layers:
        found = weights[id(layer.parts[0].weight)]
        assert found.shape == layer.parts[0].weight.shape and bool(found.isfinite().all())
