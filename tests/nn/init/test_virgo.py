"""virgo_: the factors of every layer's true operator, what is written, and what is refused."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data
from torch_geometric.loader import DataLoader
from torch_geometric.nn import (
    MLP,
    GATConv,
    GATv2Conv,
    GCNConv,
    GINConv,
    GraphConv,
    MessagePassing,
    SAGEConv,
    Sequential,
    global_mean_pool,
    models,
)
from torch_geometric.utils import to_dense_adj, to_torch_csr_tensor

import graphx
from graphx.errors import InputError
from graphx.nn.init import Part, adjacency, kaiming_, lsuv_, register_operator, virgo_, xavier_
from graphx.nn.init._trace import Layer
from graphx.nn.init.virgo import row_means, uniform, write
from tests.reference.virgo import dense_operators, dense_variances

MAKE = {
    "gcn": GCNConv,
    "gin": lambda i, o: GINConv(torch.nn.Linear(i, o), eps=0.25),
    "graph": GraphConv,
    "sagesum": lambda i, o: SAGEConv(i, o, aggr="sum"),
    "sage": SAGEConv,
    "gat": GATConv,
}


class Net(torch.nn.Module):
    def __init__(self, kind, widths):
        super().__init__()
        self.convs = torch.nn.ModuleList(MAKE[kind](i, o) for i, o in pairwise(widths))

    def forward(self, x, edge_index):
        for conv in self.convs[:-1]:
            x = conv(x, edge_index).relu()
        return self.convs[-1](x, edge_index)


def random_graph(seed=0, nodes=30, edges=80, features=5, directed=False):
    rng = np.random.default_rng(seed)
    pairs = {(int(a), int(b)) for a, b in rng.integers(0, nodes, (edges, 2)) if a != b}
    pairs |= set() if directed else {(b, a) for a, b in pairs}
    edge_index = torch.tensor(sorted(pairs)).t().contiguous()
    return Data(x=torch.rand(nodes, features, generator=torch.Generator().manual_seed(seed)), edge_index=edge_index)


def dense(data):
    return to_dense_adj(data.edge_index, max_num_nodes=data.num_nodes)[0].t().numpy()


@pytest.fixture
def karate():
    data = graphx.data.load("karate")
    data.x = torch.rand(34, 6, generator=torch.Generator().manual_seed(0))
    return data


def weights(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def test_by_hand_on_a_path_of_three():
    # GIN: P = A + I = [[1,1,0],[1,1,1],[0,1,1]], xbar = 1: P 1 = (2,3,2), P^2 1 = (5,7,5); C = 17, 99; B the same.
    data = Data(x=torch.ones(3, 4), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
    model = Sequential(
        "x, edge_index",
        [
            (GINConv(torch.nn.Linear(4, 8)), "x, edge_index -> x"),
            torch.nn.ReLU(),
            (GINConv(torch.nn.Linear(8, 3)), "x, edge_index -> x"),
        ],
    )
    found = virgo_(model, data, mode="harmonic")
    v, u = [2 / 4, 2 / 8 * 17 / 99], [2 / 8 * 17 / 99, 3 / (2 * 17)]
    assert found.forward == pytest.approx(v, rel=1e-12)
    assert found.backward == pytest.approx(u, rel=1e-12)
    assert found.used == pytest.approx([2 / (1 / a + 1 / b) for a, b in zip(v, u, strict=True)], rel=1e-12)
    assert virgo_(model, data, mode="mean").used == pytest.approx([(a + b) / 2 for a, b in zip(v, u, strict=True)])


def test_median_by_hand():
    # a star of 4 leaves under GIN: P 1 = (5,2,2,2,2), P^2 1 = (13,7,7,7,7): the typical node, a leaf, goes 4 -> 49
    star = torch.tensor([[0, 0, 0, 0, 1, 2, 3, 4], [1, 2, 3, 4, 0, 0, 0, 0]])
    model = Net("gin", [2, 8, 3])
    for conv in model.convs:
        conv.eps.zero_()
    found = virgo_(model, Data(x=torch.ones(5, 2), edge_index=star), "median")
    assert found.used == pytest.approx([1.0, 2 / 8 * 4 / 49], rel=1e-12)


@pytest.mark.parametrize("kind", sorted(MAKE))
@pytest.mark.parametrize("depth", [2, 32, 200])
def test_factors_equal_the_dense_reference(kind, depth):
    data = random_graph(directed=kind not in {"gcn"})
    widths = [5, *[6] * (depth - 1), 4]
    found = virgo_(Net(kind, widths), data)
    v, u = dense_variances(dense_operators(kind, dense(data), eps=0.25), data.x.double().numpy(), widths)
    np.testing.assert_allclose(found.forward, v, rtol=1e-6)
    np.testing.assert_allclose(found.backward, u, rtol=1e-6)


@pytest.mark.parametrize("shape", [(300, 500), (3, 2**16 + 5), (1, 1)])
def test_row_means_of_many_blocks(shape):
    x = torch.rand(shape)
    np.testing.assert_allclose(row_means(x), x.double().mean(dim=1), rtol=1e-14)


def test_finite_features_whose_sum_overflows_are_taken(karate):
    karate.x = torch.full((34, 6), 3e38)
    found = virgo_(models.GCN(6, 8, num_layers=2, out_channels=4), karate, mode="forward")
    karate.x = torch.ones(34, 6)
    one = virgo_(models.GCN(6, 8, num_layers=2, out_channels=4), karate, mode="forward")
    np.testing.assert_allclose(found.forward, one.forward, rtol=1e-9)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(sorted(MAKE)))
def test_numbering_and_scale_do_not_matter(seed, kind):
    data = random_graph(seed, nodes=12, edges=25)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(seed))
    place = torch.argsort(order)
    other = Data(x=7 * data.x[order], edge_index=place[data.edge_index])
    model = Net(kind, [5, 6, 6, 4])
    a, b = virgo_(model, data), virgo_(model, other)
    np.testing.assert_allclose(a.forward + a.backward, b.forward + b.backward, rtol=1e-5)


@pytest.mark.parametrize("mode", ["forward", "backward", "harmonic", "mean", "median"])
def test_weights_have_the_variance_that_is_returned(mode, karate):
    model = models.GIN(6, 128, num_layers=3, out_channels=128)
    before = weights(model)
    found = virgo_(model, karate, mode, generator=torch.Generator().manual_seed(1))
    linears = dict(model.named_modules())
    assert found.names == (
        "convs.0",
        "convs.0.nn.lins.1",
        "convs.1",
        "convs.1.nn.lins.1",
        "convs.2",
        "convs.2.nn.lins.1",
    )
    for name, variance in zip(found.names, found.used, strict=True):
        weight = (linears[name].nn.lins[0] if name.count(".") == 1 else linears[name]).weight
        assert float(weight.detach().abs().max()) <= math.sqrt(3 * variance)
        if weight.numel() > 10_000:
            assert float(weight.detach().var()) == pytest.approx(variance, rel=0.05)
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {name for name in before if name.endswith("weight")}, "biases are left alone"


def test_generator_decides(karate):
    model = models.GCN(6, 8, num_layers=2, out_channels=4)
    virgo_(model, karate, generator=torch.Generator().manual_seed(3))
    first = weights(model)
    virgo_(model, karate, generator=torch.Generator().manual_seed(3))
    assert all(torch.equal(first[name], p) for name, p in model.named_parameters())


def test_diffusion_starts_linear_and_keeps_the_typical_node(karate):
    model = Net("graph", [6, 16, 16, 16, 4])
    found = virgo_(model, karate, "diffusion", generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        plus, minus = model(karate.x, karate.edge_index), model(-karate.x, karate.edge_index)
        h = karate.x
        for conv in model.convs:
            z = conv(h, karate.edge_index)
            assert float(z.square().mean(dim=1).median()) == pytest.approx(1, rel=1e-4)
            h = z.relu()
    torch.testing.assert_close(plus, -minus)
    first, second = model.convs[1].lin_rel.weight, model.convs[1].lin_root.weight
    torch.testing.assert_close(first / first.norm(), second / second.norm())
    assert found.used[1] == pytest.approx(float(first.detach().square().mean()))


def test_linear_layers_and_readouts_are_passed(karate):
    class GraphModel(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encode = torch.nn.Linear(6, 8)
            self.conv = GCNConv(8, 8, cached=True)
            self.decode = torch.nn.Linear(8, 2)

        def forward(self, x, edge_index, batch=None):
            return self.decode(global_mean_pool(self.conv(self.encode(x).relu(), edge_index), batch))

    model = GraphModel()
    model.train()
    found = virgo_(model, [karate] * 5, sample_graphs=3)
    assert found.names == ("encode", "conv", "decode")
    assert found.forward[2] == pytest.approx(2 / 8)
    assert model.training
    assert model.conv._cached_edge_index is None, "no cache of a sample is left behind"
    one = virgo_(model, karate, mode="forward")
    np.testing.assert_allclose(one.forward, found.forward, rtol=1e-12)  # equal graphs: sums of C scale alike


@pytest.mark.filterwarnings("ignore:Sparse")
def test_loaders_sets_and_adj_t(karate):
    model = Net("sage", [6, 8, 3])
    whole = virgo_(model, karate, "forward")
    loader = DataLoader([karate] * 4, batch_size=2)
    np.testing.assert_allclose(virgo_(model, loader, "forward").forward, whole.forward, rtol=1e-9)
    np.testing.assert_allclose(virgo_(model, Batch.from_data_list([karate] * 2)).forward, whole.forward, rtol=1e-9)
    sparse = karate.clone()
    sparse.adj_t = to_torch_csr_tensor(sparse.edge_index, size=(34, 34)).t().to_sparse_csr()
    np.testing.assert_allclose(virgo_(model, sparse).forward, whole.forward, rtol=1e-9)
    subgraphs = [karate.subgraph(torch.arange(20)), karate.subgraph(torch.arange(10, 34))]
    joined = Batch.from_data_list(subgraphs)
    np.testing.assert_allclose(virgo_(model, iter(subgraphs)).forward, virgo_(model, joined).forward, rtol=1e-9)


@pytest.mark.parametrize(
    "model",
    [
        models.GCN(6, 8, num_layers=3, out_channels=4),
        models.GraphSAGE(6, 8, num_layers=3, out_channels=4, norm="batch"),
        models.GIN(6, 8, num_layers=3, out_channels=4, jk="cat"),
        models.GAT(6, 8, num_layers=3, out_channels=4, heads=2),
        models.GAT(6, 8, num_layers=3, out_channels=4, v2=True),
        GATConv(6, 8, heads=2, concat=False, residual=True),
        GATv2Conv(6, 8),
        Sequential("x, edge_index", [(GraphConv(6, 8), "x, edge_index -> x")]),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize("initialise", [virgo_, kaiming_, xavier_, lsuv_])
def test_models_of_pyg(model, initialise, karate):
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    initialise(model, karate)
    assert all(bool(torch.isfinite(p).all()) for p in model.parameters())
    for name, value in model.named_buffers():
        torch.testing.assert_close(value, buffers[name])
    assert bool(torch.isfinite(model(karate.x, karate.edge_index)).all())


def test_lsuv_gives_unit_deviation_everywhere(karate):
    model = lsuv_(Net("gin", [6, 16, 16, 4]), karate)
    h = karate.x
    for conv in model.convs:
        z = conv(h, karate.edge_index)
        assert float(z.std().detach()) == pytest.approx(1, rel=1e-4)
        h = z.relu()


def test_baselines_draw_from_torch(karate):
    model = kaiming_(Net("graph", [6, 64, 64, 4]), karate)
    assert float(model.convs[1].lin_rel.weight.detach().abs().max()) == pytest.approx(math.sqrt(6 / 64), rel=0.02)
    assert float(model.convs[1].lin_rel.bias.detach().abs().max()) == 0
    xavier_(model, karate)
    assert float(model.convs[1].lin_root.weight.detach().abs().max()) == pytest.approx(math.sqrt(6 / 128), rel=0.02)


class Strange(MessagePassing):
    def __init__(self):
        super().__init__(aggr="sum")
        self.lin = torch.nn.Linear(6, 6)

    def forward(self, x, edge_index):
        return self.lin(self.propagate(edge_index, x=x))


def test_own_layers_are_registered(karate):
    class Known(Strange):
        pass

    register_operator(Known, lambda layer, x, edge_index: [Part(adjacency(edge_index, len(x)), layer.lin.weight)])
    model = Sequential("x, edge_index", [(Known(), "x, edge_index -> x"), (Known(), "x, edge_index -> x")])
    a = dense(karate)
    v, _ = dense_variances([a], karate.x.double().numpy(), [6, 6, 6])
    np.testing.assert_allclose(virgo_(model, karate).forward, v, rtol=1e-6)
    with pytest.raises(InputError, match="expected a class"):
        register_operator("Known", list)


class Shared(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = GCNConv(6, 6)

    def forward(self, x, edge_index):
        return self.conv(self.conv(x, edge_index), edge_index)


def tied():
    model = Net("gcn", [6, 6, 6])
    model.convs[1].lin.weight = model.convs[0].lin.weight
    return model


def bad(data, **changes):
    data = data.clone()
    for name, value in changes.items():
        data[name] = value
    return data


NAN = torch.full((34, 6), float("nan"))
GCN = lambda: Net("gcn", [6, 8, 4])  # noqa: E731
REFUSED = {
    "no model": (lambda: 3, {}, "expected a torch.nn.Module"),
    "no message passing": (lambda: MLP([6, 4]), {}, "no message-passing layer"),
    "unknown layer": (Strange, {}, "register_operator"),
    "max": (lambda: SAGEConv(6, 4, aggr="max"), {}, "not linear"),
    "lazy": (lambda: GCNConv(-1, 4), {}, "lazy"),
    "shared": (Shared, {}, "shared weight"),
    "tied": (tied, {}, "shared weight"),
    "no features": (GCN, {"x": None}, "without x"),
    "empty": (GCN, {"x": torch.ones(0, 6), "edge_index": torch.zeros(2, 0, dtype=torch.long)}, "at least one node"),
    "not finite": (GCN, {"x": NAN}, "not finite"),
    "width": (GCN, {"x": torch.ones(34, 5)}, "gets 5 features; expected 6"),
    "nodes": (GCN, {"x": torch.ones(20, 6)}, "node 33 and x has 20 rows"),
    "edge weights": (lambda: GCNConv(6, 4), {"edge_weight": torch.ones(3)}, "3 edge weights"),
    "centred": (GCN, {"x": torch.tensor([1.0, -1, 0, 0, 0, 0]).repeat(34, 1)}, "row means"),
    "no edges": (
        lambda: SAGEConv(6, 4, aggr="sum", root_weight=False),
        {"edge_index": torch.zeros(2, 0, dtype=torch.long)},
        "no signal passes",
    ),
    "project": (lambda: SAGEConv(6, 4, project=True), {}, "project=False"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_bad_input_is_refused_and_nothing_is_written(name, karate):
    make, changes, words = REFUSED[name]
    model = make()
    before = weights(model) if isinstance(model, torch.nn.Module) and name != "lazy" else {}
    with pytest.raises(InputError, match=words):
        virgo_(model, bad(karate, **changes))
    for key, value in before.items():
        assert torch.equal(value, dict(model.named_parameters())[key])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "sideways"}, "expected one of"),
        ({"sample_graphs": 0}, "positive integer"),
        ({"mode": "diffusion", "nonlinearity": "tanh"}, "for ReLU"),
    ],
)
def test_bad_options(options, words, karate):
    with pytest.raises(InputError, match=words):
        virgo_(GCN(), karate, **options)


def test_bad_collections(karate):
    with pytest.raises(InputError, match="no graph"):
        virgo_(GCN(), [])
    with pytest.raises(InputError, match="expected a torch_geometric Data"):
        virgo_(GCN(), 3)
    with pytest.raises(InputError, match="even hidden widths"):
        virgo_(Net("gcn", [6, 7, 4]), karate, "diffusion")
    with pytest.raises(InputError, match="forward=lambda"):
        virgo_(Sequential("x, edge_index, pos", [(GCNConv(6, 4), "x, edge_index -> x")]), karate)


def test_lsuv_puts_everything_back_when_it_fails(karate):
    model = Net("graph", [6, 8, 4])
    before = weights(model)
    with pytest.raises(InputError, match="expected it to vary"):
        lsuv_(model, bad(karate, x=torch.zeros(34, 6)))
    assert all(torch.equal(before[name], p) for name, p in model.named_parameters())


def test_sparse_features_have_the_means_of_dense_ones() -> None:
    data = random_graph()
    loose = torch.sparse_coo_tensor(torch.tensor([[1, 0, 1], [2, 0, 2]]), torch.ones(3), (30, 5), check_invariants=True)
    for x in (data.x.to_sparse(), loose):  # the second as nobody has sorted it, with an entry that comes twice
        assert torch.allclose(row_means(x), row_means(x.to_dense()))
        given_ = [Data(x=part, edge_index=data.edge_index) for part in (x, x.to_dense())]
        made = [virgo_(models.GCN(5, 4, 2), part, generator=torch.Generator().manual_seed(0)) for part in given_]
        assert made[0].used == pytest.approx(made[1].used, rel=1e-12)


@pytest.mark.parametrize("nonlinearity", ["swish", "", None, 3])
def test_nonlinearities_that_have_no_gain(karate, nonlinearity) -> None:
    model = models.GCN(karate.x.size(1), 4, 2)
    before = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(InputError, match="nonlinearity is .*; expected a name that torch.nn.init.calculate_gain knows"):
        virgo_(model, karate, nonlinearity=nonlinearity)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    leaky, relu = (virgo_(model, karate, "forward", nonlinearity=name).used for name in ("leaky_relu", "relu"))
    assert leaky == pytest.approx([v / 1.0001 for v in relu])  # g^2 = 2 / (1 + 0.01^2)


def test_no_signal_and_no_weights() -> None:
    with pytest.raises(InputError, match="would need weights of variance inf; expected a positive number"):
        uniform(torch.ones(2, 2), float("inf"), None)
    with pytest.raises(InputError, match="would need weights of variance 0"):
        uniform(torch.ones(2, 2), 0.0, None)
    lin = torch.nn.Linear(3, 2)
    before = lin.weight.detach().clone()
    layer = Layer("lin", lin, (Part(None, lin.weight),), 4)
    with pytest.raises(InputError, match="the computed weights are not finite"):
        write([layer], {id(lin.weight): torch.full((2, 3), torch.nan)}, [])
    assert torch.equal(lin.weight, before)
