"""LCMAggregation: against a recursion and PyG's layer, bits that do not change, gradients, doors and refusals."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.nn import SAGEConv
from torch_geometric.nn.aggr import LCMAggregation as PyGLCM
from torch_geometric.nn.aggr import MultiAggregation
from torch_geometric.utils import scatter

from graphx.errors import InputError
from graphx.nn import LCMAggregation
from graphx.nn.aggr import gru
from tests.reference.lcm import aggregate

KINDS = ["gru", "mlp", "gated", "attention", "max_plus", "sum", "max", "min"]


@pytest.fixture(params=["kernel", "torch"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to the same results: the compiled kernel, and plain torch."""
    if request.param == "torch":
        monkeypatch.setattr(gru, "_core", lambda: None)
    return request.param


class Sides(torch.nn.Module):
    """What a user may write: products by layers and by hand."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.lin = torch.nn.Sequential(torch.nn.Linear(2 * channels, 7), torch.nn.Tanh())
        self.out = torch.nn.Parameter(torch.randn(7, channels))

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return self.lin(torch.cat([a, b], -1)) @ self.out


def layer(
    channels: int, dtype: torch.dtype = torch.float32, kind: str | torch.nn.Module = "gru", **options: object
) -> LCMAggregation:
    torch.manual_seed(1)
    made = LCMAggregation(channels, channels, operator=kind, **{"project": False, **options}).to(dtype)
    if made.empty is not None:
        torch.nn.init.normal_(made.empty)
    return made


def mixed(rows: int, channels: int, size: int, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(rows)
    return (
        torch.randn(rows, channels, dtype=dtype, generator=generator),
        torch.randint(size, (rows,), generator=generator),
    )


@pytest.mark.parametrize("channels", [1, 3, 16, 21])
def test_float64_is_the_recursion(channels: int) -> None:
    aggr = layer(channels, torch.float64)
    x, index = mixed(60, channels, 9, torch.float64)
    found = aggr(x, index, dim_size=11)
    wanted = aggregate(x, index, 11, aggr.operator.weights, aggr.empty)
    assert float((found - wanted).detach().abs().max()) <= 1e-12


def test_kernel_and_torch_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    for channels in (1, 5, 16, 40, 64):
        aggr = layer(channels)
        x, index = mixed(700, channels, 50)
        found = []
        for core in (gru._core, lambda: None):
            with monkeypatch.context() as patch:
                patch.setattr(gru, "_core", core)
                mine = x.clone().requires_grad_()
                aggr.zero_grad()
                out = aggr(mine, index, dim_size=52)
                out.square().sum().backward()
                found.append([out.detach(), mine.grad, *(p.grad for p in aggr.parameters())])
        for one, other in zip(*found, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5 * max(1.0, float(other.abs().max())))


@pytest.mark.parametrize("size", range(1, 65))
def test_a_lone_segment_is_that_of_pyg(size: int) -> None:
    torch.manual_seed(size)
    theirs = PyGLCM(6, 8).double()
    ours = LCMAggregation(6, 8).double()
    ours.lin.load_state_dict(theirs.lin.state_dict())
    ours.operator.load_state_dict(theirs.gru_cell.state_dict())
    x = torch.randn(size, 6, dtype=torch.float64)
    index = torch.zeros(size, dtype=torch.long)
    torch.testing.assert_close(ours(x, index), theirs(x, index), rtol=0, atol=1e-12)
    torch.testing.assert_close(ours.float()(x.float(), index), theirs.float()(x.float(), index), rtol=0, atol=3e-6)


@settings(max_examples=10)
@given(st.data())
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["gru", "mlp", "attention"])
def test_a_segment_keeps_its_bits_in_any_company(kind: str, dtype: torch.dtype, data: st.DataObject) -> None:
    channels = data.draw(st.sampled_from([1, 3, 16, 24, 64]))
    rows, size = data.draw(st.integers(1, 900)), data.draw(st.integers(1, 60))
    aggr = layer(channels, dtype, kind, project=data.draw(st.booleans()))
    x, index = mixed(rows, channels, size, dtype)
    whole = aggr(x, index, dim_size=size)
    for segment in data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=4)):
        own = x[index == segment]
        alone = aggr(own, torch.zeros(own.size(0), dtype=torch.long), dim_size=1)
        assert torch.equal(alone[0], whole[segment])
    shift = data.draw(st.integers(1, 40))  # the same elements at other places, beside others
    other = torch.cat([torch.randn(shift, channels, dtype=dtype), x])
    moved = aggr(other, torch.cat([torch.full((shift,), size), index]), dim_size=size + 1)
    assert torch.equal(moved[:size], whole)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["gru", "mlp", "gated", "attention", "lattice", "sides"])
def test_a_segment_keeps_its_bits_at_any_width(kind: str, dtype: torch.dtype) -> None:
    """Also under a module of the user's that is built of linear layers."""
    for channels in (2, 3, 5, 6, 7, 10, 13, 33):
        aggr = layer(channels, dtype, Sides(channels) if kind == "sides" else kind, project=channels % 2 == 1)
        x, index = mixed(100, channels, 3, dtype)
        whole = aggr(x, index, dim_size=3)
        for segment in range(3):
            own = x[index == segment]
            assert torch.equal(aggr(own, torch.zeros(len(own), dtype=torch.long))[0], whole[segment]), channels


def test_bits_do_not_depend_on_threads(path: str) -> None:
    aggr = layer(24)
    x, index = mixed(3000 if path == "kernel" else 200, 24, 40)
    found = []
    threads = torch.get_num_threads()
    try:
        for count in (1, 2, 5) if path == "kernel" else (1, 2):
            torch.set_num_threads(count)
            mine = x.clone().requires_grad_()
            aggr.zero_grad()
            out = aggr(mine, index)
            out.square().sum().backward()
            found.append([out.detach(), mine.grad] + [p.grad for p in aggr.parameters()] * (path == "kernel"))
    finally:
        torch.set_num_threads(threads)
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_empty_gives_the_identity_and_a_singleton_itself(path: str) -> None:
    aggr = layer(5)
    x = torch.randn(1, 5)
    out = aggr(x, torch.tensor([1]), dim_size=3)
    assert torch.equal(out[0], aggr.empty)
    assert torch.equal(out[1], x[0])
    assert torch.equal(out[2], aggr.empty)
    zero = layer(5, identity="zero")
    assert zero(x, torch.tensor([1]), dim_size=2)[0].tolist() == [0.0] * 5
    out.sum().backward()
    assert aggr.empty.grad.tolist() == [2.0] * 5


@pytest.mark.parametrize("kind", KINDS)
def test_no_elements(kind: str) -> None:
    aggr = layer(4, kind=kind)
    x = torch.zeros(0, 4, requires_grad=True)
    out = aggr(x, torch.zeros(0, dtype=torch.long), dim_size=3)
    assert torch.equal(out, aggr.empty.expand(3, -1))
    out.sum().backward()
    assert x.grad.shape == (0, 4)
    assert aggr(x, torch.zeros(0, dtype=torch.long)).shape == (0, 4)
    assert aggr.associativity_loss(x, torch.zeros(0, dtype=torch.long)).item() == 0


@pytest.mark.parametrize("name", ["sum", "max", "min"])
def test_exact_monoids_are_scatter(name: str) -> None:
    x, index = mixed(300, 6, 40)
    x = (x * 8).round()  # whole numbers: every order of addition gives the same
    wanted = scatter(x, index, dim_size=45, reduce=name)
    assert torch.equal(layer(6, kind=name, identity="zero")(x, index, dim_size=45), wanted)


def test_a_permuted_index_gives_the_permuted_result(path: str) -> None:
    aggr = layer(8)
    x, index = mixed(90, 8, 12)
    names = torch.randperm(12)
    assert torch.equal(aggr(x, names[index], dim_size=12)[names], aggr(x, index, dim_size=12))
    order = torch.argsort(index, stable=True)  # the order within a segment is kept, so nothing changes
    assert torch.equal(aggr(x[order], index[order], dim_size=12), aggr(x, index, dim_size=12))


@pytest.mark.parametrize("kind", KINDS)
def test_gradcheck(kind: str) -> None:
    aggr = layer(4, torch.float64, kind, identity="learned")
    x, index = mixed(13, 4, 4, torch.float64)

    def call(x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        return aggr(x, index, dim_size=6)

    assert torch.autograd.gradcheck(call, (x.requires_grad_(), *aggr.parameters()))


def test_gradcheck_with_projection() -> None:
    aggr = LCMAggregation(3, 4).double()
    x, index = mixed(9, 3, 3, torch.float64)

    def call(x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        return aggr(x, index)

    assert torch.autograd.gradcheck(call, (x.requires_grad_(), *aggr.parameters()))


def test_kernel_gradients_are_those_of_float64() -> None:
    aggr = layer(20)
    x, index = mixed(500, 20, 30)
    grads = []
    for dtype in (torch.float32, torch.float64):
        mine = copy.deepcopy(aggr).to(dtype)
        given = x.to(dtype, copy=True).requires_grad_()
        mine(given, index).square().sum().backward()
        grads.append([given.grad, *(p.grad for p in mine.operator.parameters())])
    for one, other in zip(*grads, strict=True):
        assert float((one - other).abs().max()) <= 1e-5 * float(other.abs().max())


def test_backward_twice(path: str) -> None:
    aggr = layer(4)
    x, index = mixed(20, 4, 3)
    x.requires_grad_()
    out = aggr(x, index).sum()
    (first,) = torch.autograd.grad(out, x, retain_graph=True)
    (again,) = torch.autograd.grad(out, x)
    assert torch.equal(first, again)


def test_bounds_and_other_dimensions(path: str) -> None:
    aggr = layer(4)
    x, index = mixed(30, 4, 5)
    index = index.sort().values
    wanted = aggr(x, index, dim_size=5)
    ptr = torch.searchsorted(index, torch.arange(6))
    assert torch.equal(aggr(x, ptr=ptr), wanted)
    assert torch.equal(aggr(x.t(), index, dim_size=5, dim=-1), wanted.t())
    other = torch.randn_like(x)
    pair = torch.stack([wanted, aggr(other, index, dim_size=5)])
    both = torch.stack([x, other])
    assert torch.equal(aggr(both, index, dim_size=5), pair)
    assert torch.equal(aggr(both, ptr=ptr), pair)
    assert torch.equal(aggr(both.transpose(0, 1), index, dim_size=5, dim=0), pair.transpose(0, 1))
    assert torch.equal(aggr(both.transpose(1, 2), index, dim_size=5, dim=2), pair.transpose(1, 2))
    assert torch.equal(aggr(x)[0], aggr(x, torch.zeros(30, dtype=torch.long))[0])


@pytest.mark.parametrize("kind", ["gru", "mlp"])
def test_shuffle_keeps_segments_and_changes_orders(kind: str) -> None:
    aggr = layer(4, kind=kind, shuffle=True)
    x, index = mixed(40, 4, 3)
    torch.manual_seed(0)
    assert not torch.equal(aggr(x, index), aggr(x, index))
    aggr.eval()
    assert torch.equal(aggr(x, index), aggr(x, index))
    total = layer(4, kind="sum", shuffle=True)
    torch.testing.assert_close(total(x, index, dim_size=4), layer(4, kind="sum")(x, index, dim_size=4))
    both = torch.stack([x, -x])
    torch.testing.assert_close(total(both, index)[1], -total(x, index))
    ptr = torch.tensor([0, 10, 10, 40])
    torch.testing.assert_close(total(x, ptr=ptr)[2], x[10:].sum(0))


def test_shuffled_gradients_follow_the_order() -> None:
    aggr = layer(3, torch.float64, shuffle=True)
    x, index = mixed(11, 3, 2, torch.float64)

    def call(x: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(5)
        return aggr(x, index)

    assert torch.autograd.gradcheck(call, (x.requires_grad_(),))


def test_nan_stays_in_its_segment(path: str) -> None:
    aggr = layer(4)
    x, index = mixed(30, 4, 5)
    clean = aggr(x, index, dim_size=5)
    x[index.eq(2).nonzero()[0]] = float("nan")
    out = aggr(x, index, dim_size=5)
    assert bool(out[2].isnan().all())
    rest = [0, 1, 3, 4]
    assert torch.equal(out[rest], clean[rest])


def test_associativity_loss() -> None:
    x, index = mixed(60, 6, 4)
    assert layer(6, kind="max").associativity_loss(x, index).item() == 0
    aggr = layer(6)
    loss = aggr.associativity_loss(x, index, generator=torch.Generator().manual_seed(0))
    same = aggr.associativity_loss(x, index, generator=torch.Generator().manual_seed(0))
    assert loss.item() == same.item() > 0
    loss.backward()
    assert all(p.grad is not None and float(p.grad.abs().sum()) > 0 for p in aggr.operator.parameters())
    optimizer = torch.optim.Adam(aggr.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        aggr.associativity_loss(x, index).backward()
        optimizer.step()
    assert aggr.associativity_loss(x, index).item() < 0.5 * loss.item()
    with pytest.raises(InputError, match="num_triples is 0"):
        aggr.associativity_loss(x, index, num_triples=0)


def test_in_convolutions_readouts_and_multi_aggregation() -> None:
    edge_index = torch.tensor([[0, 1, 2, 0, 3], [2, 0, 0, 1, 2]])
    x = torch.randn(5, 8)
    conv = SAGEConv(8, 4, aggr=LCMAggregation(8, 8))
    out = conv(x, edge_index)
    assert out.shape == (5, 4)
    out.sum().backward()
    assert conv.aggr_module.lin.weight.grad is not None
    multi = MultiAggregation([LCMAggregation(8, 8), "mean"], mode="cat")
    assert SAGEConv(8, 4, aggr=multi)(x, edge_index).shape == (5, 4)
    assert LCMAggregation(8, 3)(x, torch.tensor([0, 0, 1, 1, 1])).shape == (2, 3)


@pytest.mark.parametrize("kind", ["gru", "mlp"])
def test_autocast(kind: str) -> None:
    aggr = layer(16, kind=kind, project=True)
    x, index = mixed(200, 16, 9)
    wanted = aggr(x, index)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = aggr(x, index)
    assert found.dtype == torch.float32
    assert float((found - wanted).detach().abs().max()) < 0.1 * float(wanted.detach().abs().max())
    found.sum().backward()
    assert aggr.lin.weight.grad.dtype == torch.float32
    half = copy.deepcopy(aggr).bfloat16()
    assert half(x.bfloat16(), index).dtype == torch.bfloat16


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # of dynamo, where it goes on after a break
def test_compiles_as_one_graph() -> None:
    aggr = LCMAggregation(6, 4)
    x, index = mixed(30, 6, 5)
    x.requires_grad_()
    grads, outs = [], []
    for call in (aggr, torch.compile(aggr, backend="aot_eager", fullgraph=True)):
        aggr.zero_grad()
        out = call(x, index, dim_size=5)
        outs.append(out.detach())
        grads.append(torch.autograd.grad(out.square().sum(), [x, *aggr.lin.parameters(), *aggr.operator.parameters()]))
    assert torch.equal(*outs)
    assert all(torch.equal(a, b) for a, b in zip(*grads, strict=True))
    mlp = layer(6, kind="mlp")
    torch.testing.assert_close(torch.compile(mlp, backend="eager")(x, index, dim_size=5), mlp(x, index, dim_size=5))
    torch.compiler.reset()


def test_copies_and_pickles() -> None:
    aggr = layer(4, project=True)
    x, index = mixed(20, 4, 3)
    for other in (copy.deepcopy(aggr), pickle.loads(pickle.dumps(aggr))):
        assert torch.equal(other(x, index), aggr(x, index))
    assert repr(aggr) == "LCMAggregation(4, 4, operator=GRUOperator(4), project=True)"
    aggr.reset_parameters()
    assert aggr.empty.abs().sum().item() == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": torch.zeros(4, 7)}, "7 channels beside dim -2|so 7 channels"),
        ({"x": torch.zeros(4, 3, dtype=torch.long)}, "expected floating point"),
        ({"x": torch.zeros(4)}, r"expected \[\*, E, F\]|dimension"),
        ({"x": torch.zeros(4, 3, dtype=torch.float64)}, "expected the same type"),
        ({"index": torch.tensor([0, 0, 1])}, "index has 3 entries for 4 elements"),
        ({"index": torch.tensor([0, -1, 1, 1])}, "index holds -1"),
        ({"index": torch.tensor([0, 0, 1, 9])}, "index holds 9 and dim_size is 2"),
        ({"index": None, "ptr": torch.tensor([0, 3, 1, 4]), "dim_size": 3}, "ptr falls"),
        ({"dim": 5}, "dim"),
    ],
)
@pytest.mark.parametrize("project", [True, False])
def test_refuses_input(change: dict, words: str, project: bool) -> None:
    given = {"x": torch.zeros(4, 3), "index": torch.tensor([0, 0, 1, 1]), "dim_size": 2, **change}
    with pytest.raises(ValueError, match=words):
        LCMAggregation(3, 3, project=project)(**given)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"in_channels": 0}, "in_channels is 0"),
        ({"out_channels": 2.5}, "out_channels is 2.5"),
        ({"project": False}, "project is False"),
        ({"identity": "one"}, "identity is 'one'"),
    ],
)
def test_refuses_options(options: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        LCMAggregation(**{"in_channels": 3, "out_channels": 4, **options})


def test_without_an_index_all_elements_are_one_set() -> None:
    torch.manual_seed(0)
    aggr, x = LCMAggregation(4, 4), torch.randn(5, 4)
    assert torch.equal(aggr(x), aggr(x, torch.zeros(5, dtype=torch.long)))
    with pytest.raises(InputError, match=r"x has shape \[5\] and dim is -2; expected \[\*, E, F\]"):
        aggr.associativity_loss(x[:, 0])


@pytest.mark.parametrize("identity", ["learned", "zero"])
@pytest.mark.parametrize("project", [True, False])
def test_new_parameters(identity: str, project: bool) -> None:
    torch.manual_seed(0)
    aggr = LCMAggregation(4, 4, identity=identity, project=project)
    with torch.no_grad():
        for parameter in aggr.parameters():
            parameter.fill_(7.0)
    aggr.reset_parameters()
    assert not any(bool((parameter == 7).any()) for parameter in aggr.parameters())
    assert (aggr.empty is None) == (identity == "zero") and (aggr.lin is None) == (not project)
