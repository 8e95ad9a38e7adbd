"""AddGraphletDegrees: values by hand, where they go, and what it refuses."""

from __future__ import annotations

import math
import pickle

import networkx
import pytest
import torch
import torch_geometric.transforms as T
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.utils import from_networkx, to_undirected

from graphx.errors import InputError
from graphx.transforms import AddGraphletDegrees

# Node 0 hangs on node 1 of the triangle 1, 2, 3. Columns are orbits 0..14.
PAW = Data(edge_index=to_undirected(torch.tensor([[0, 1, 1, 2], [1, 2, 3, 3]])), num_nodes=4)
PAW_COUNTS = [
    #0  1  2  3  4  5  6  7  8  9 10 11 12 13 14
    [1, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
    [3, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
    [2, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
    [2, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
]  # fmt: skip


def test_values_of_the_paw_by_hand() -> None:
    out = AddGraphletDegrees()(PAW)
    assert out.x.dtype == torch.float32
    assert out.x.tolist() == PAW_COUNTS


def test_clique_in_closed_form() -> None:
    n = 7
    data = from_networkx(networkx.complete_graph(n))
    x = AddGraphletDegrees()(data).x
    expected = torch.zeros(n, 15)
    expected[:, 0], expected[:, 3], expected[:, 14] = n - 1, math.comb(n - 1, 2), math.comb(n - 1, 3)
    assert torch.equal(x, expected)


def test_star_in_closed_form() -> None:
    x = AddGraphletDegrees()(from_networkx(networkx.star_graph(5))).x
    assert x[0, [0, 2, 7]].tolist() == [5, 10, 10]
    assert x[1, [0, 1, 6]].tolist() == [1, 4, 6]
    assert x.sum() == 5 + 10 + 10 + 5 * (1 + 4 + 6)


def test_logarithm() -> None:
    x = AddGraphletDegrees(log=True)(PAW).x
    assert torch.equal(x, torch.tensor(PAW_COUNTS, dtype=torch.float64).log1p().float())


def test_appends_to_x_and_leaves_the_input_alone() -> None:
    data = PAW.clone()
    data.x = torch.arange(8, dtype=torch.float64).view(4, 2)
    before = data.x.clone()
    out = AddGraphletDegrees()(data)
    assert torch.equal(data.x, before)
    assert out.x.dtype == torch.float64
    assert torch.equal(out.x[:, :2], before)
    assert out.x[:, 2:].tolist() == PAW_COUNTS


def test_one_dimensional_and_integer_features() -> None:
    data = PAW.clone()
    data.x = torch.tensor([9, 8, 7, 6])
    out = AddGraphletDegrees()(data)
    assert out.x.dtype == torch.int64
    assert out.x[:, 1:].tolist() == PAW_COUNTS
    with pytest.raises(InputError, match=r"int64.*cannot hold logarithms.*attr_name"):
        AddGraphletDegrees(log=True)(data)


def test_attribute_by_name() -> None:
    data = PAW.clone()
    data.x = torch.zeros(4, 3)
    out = AddGraphletDegrees("orbits")(data)
    assert out.x.shape == (4, 3)
    assert out.orbits.tolist() == PAW_COUNTS
    assert "orbits" not in data


def test_default_dtype_is_followed() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert AddGraphletDegrees()(PAW).x.dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_composes_and_has_a_functional_name() -> None:
    directed = Data(edge_index=torch.tensor([[0, 1, 1, 2, 2], [1, 2, 3, 3, 2]]), num_nodes=4)
    chain = T.Compose([T.ToUndirected(), T.RemoveSelfLoops(), AddGraphletDegrees(), T.NormalizeFeatures()])
    assert torch.allclose(chain(directed).x.sum(dim=1), torch.ones(4))
    transform = pickle.loads(pickle.dumps(AddGraphletDegrees("orbits", log=True)))
    assert repr(transform) == "AddGraphletDegrees(attr_name='orbits', log=True)"


def test_batch_counts_each_graph() -> None:
    batch = Batch.from_data_list([PAW, PAW])
    assert AddGraphletDegrees()(batch).x.tolist() == PAW_COUNTS * 2


@pytest.mark.parametrize("num_nodes", [0, 1, 5])
def test_graph_without_edges(num_nodes: int) -> None:
    data = Data(edge_index=torch.empty(2, 0, dtype=torch.long), num_nodes=num_nodes)
    x = AddGraphletDegrees()(data).x
    assert x.shape == (num_nodes, 15)
    assert not x.any()


def test_isolated_nodes_count() -> None:
    data = PAW.clone()
    data.num_nodes = 6
    assert AddGraphletDegrees()(data).x.tolist() == [*PAW_COUNTS, [0] * 15, [0] * 15]


def _edges(*pairs: tuple[int, int]) -> Data:
    return Data(edge_index=torch.tensor(pairs).t(), num_nodes=3)


@pytest.mark.parametrize(
    ("data", "cure"),
    [
        (_edges((0, 1), (1, 2)), r"directed.*ToUndirected\(\)"),
        (_edges((0, 1), (1, 0), (1, 1)), r"self-loops.*RemoveSelfLoops\(\)"),
        (_edges((0, 1), (0, 1), (1, 0), (1, 0)), "twice|duplicate"),
        (Data(num_nodes=3), "edge_index, which is None"),
        (HeteroData(), r"HeteroData.*to_homogeneous\(\)"),
        (
            Data(edge_index=torch.tensor([[0, 1], [1, 0]]), edge_weight=torch.ones(2), num_nodes=2),
            "del data.edge_weight",
        ),
    ],
)
def test_refusals_name_the_cure(data: Data | HeteroData, cure: str) -> None:
    with pytest.raises(InputError, match=cure):
        AddGraphletDegrees()(data)


@pytest.mark.parametrize(
    ("dtype", "leaves", "holds"),
    [
        (torch.uint8, 23, True),  # C(23, 2) = 253 wedges at the centre and C(23, 3) = 1,771 claws
        (torch.int8, 3, True),
        (torch.int8, 11, False),
        (torch.int16, 50, True),  # C(50, 3) = 19,600
        (torch.int16, 60, False),  # 34,220
        (torch.int64, 400, True),
        (torch.float16, 70, True),  # 54,740, and float16 ends at 65,504
        (torch.float16, 80, False),  # 82,160
        (torch.bfloat16, 400, True),
        (torch.bool, 1, True),
        (torch.bool, 2, False),
    ],
)
def test_counts_fit_the_type_of_x_or_are_refused(dtype: torch.dtype, leaves: int, holds: bool) -> None:
    """A star: its centre has C(n, 2) wedges and C(n, 3) claws; no count may wrap or become infinite."""
    holds = holds and not (dtype == torch.uint8 and math.comb(leaves, 3) > 255)
    edges = torch.tensor([[0] * leaves, list(range(1, leaves + 1))])
    data = Data(edge_index=torch.cat([edges, edges.flip(0)], 1), x=torch.ones(leaves + 1, 1).to(dtype))
    largest = max(leaves, math.comb(leaves, 2), math.comb(leaves, 3))
    if not holds:
        with pytest.raises(InputError, match=f"data.x is {dtype}, which cannot hold a count of {largest:,}; give attr"):
            AddGraphletDegrees()(data)
        assert AddGraphletDegrees("degrees")(data).degrees[0, 7] == math.comb(leaves, 3)
        return
    x = AddGraphletDegrees()(data).x
    assert x.dtype == dtype and x.shape == (leaves + 1, 16)
    expected = torch.tensor([leaves, math.comb(leaves, 2), math.comb(leaves, 3)]).to(dtype)
    assert torch.equal(x[0, [1, 3, 8]], expected)
