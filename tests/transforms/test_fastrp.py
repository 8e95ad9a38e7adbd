"""AddFastRP and AddOrbitFastRP: the estimators' numbers, in the right place."""

from __future__ import annotations

import pickle

import pytest
import torch
import torch_geometric.transforms as T  # type: ignore[import-untyped]
from torch_geometric.data import Batch, Data, HeteroData  # type: ignore[import-untyped]

from graphx.errors import InputError
from graphx.fastrp import FastRP, OrbitFastRP
from graphx.graph import Graph
from graphx.transforms import AddFastRP, AddGraphletDegrees, AddOrbitFastRP

PAW = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 1], [1, 0, 2, 1, 3, 2, 1, 3]])


def paw(**given: object) -> Data:
    return Data(edge_index=PAW, num_nodes=4, **given)


def test_numbers_are_the_estimators() -> None:
    expected = torch.from_numpy(FastRP(8, random_state=3).fit_transform(Graph.from_pyg(paw())))
    assert torch.equal(AddFastRP(8, random_state=3)(paw()).x, expected)
    assert torch.equal(AddFastRP(8, "fastrp", random_state=3)(paw()).fastrp, expected)
    x = torch.arange(8.0).view(4, 2)
    assert torch.equal(AddFastRP(8, random_state=3)(paw(x=x)).x, torch.cat([x, expected], 1))


def test_orbit_numbers_are_the_estimators() -> None:
    expected = OrbitFastRP("hop1", "concat", n_components=4, random_state=3).fit_transform(Graph.from_pyg(paw()))
    found = AddOrbitFastRP(4, orbits="hop1", attr_name="orbits", random_state=3)(paw()).orbits
    assert torch.equal(found, torch.from_numpy(expected))


def test_refined_rows_of_a_symmetric_pair_are_equal() -> None:
    rows = AddFastRP(2, refine=3, random_state=0)(paw()).x  # an automorphism exchanges nodes 2 and 3
    assert torch.allclose(rows[2].abs(), rows[3].abs(), atol=1e-4)


def test_compose_and_pickle_and_functional_names() -> None:
    both = T.Compose([AddFastRP(4, random_state=0), AddGraphletDegrees(), AddOrbitFastRP(2, "hop1", random_state=0)])
    data = both(paw())
    columns = OrbitFastRP("hop1", n_components=2, random_state=0).fit_transform(Graph.from_pyg(paw())).shape[1]
    assert data.x.shape == (4, 4 + 15 + columns)
    again = pickle.loads(pickle.dumps(both))(paw())
    assert torch.equal(again.x, data.x)
    assert repr(AddFastRP(4, refine=2)) == "AddFastRP(4, attr_name=None, refine=2)"


def test_dtype_of_x_is_kept_and_the_input_is_not_changed() -> None:
    data = paw(x=torch.ones(4, 1, dtype=torch.float64))
    assert AddFastRP(4, random_state=0)(data).x.dtype == torch.float64
    assert data.x.shape == (4, 1)


def test_a_batch_is_one_graph() -> None:
    batch = Batch.from_data_list([paw(), paw()])
    rows = AddFastRP(8, random_state=0)(batch).x
    assert torch.equal(rows, torch.from_numpy(FastRP(8, random_state=0).fit_transform(Graph.from_pyg(batch))))


@pytest.mark.parametrize(
    ("make", "data", "told"),
    [
        (lambda: AddFastRP(4), HeteroData(), "to_homogeneous"),
        (lambda: AddFastRP(4), Data(num_nodes=3), "edge_index"),
        (lambda: AddFastRP(4), paw(x=torch.ones(4, 1, dtype=torch.long)), "cannot hold"),
        (lambda: AddFastRP(0), paw(), "n_components"),
        (lambda: AddFastRP(4, alpha=1), paw(), "alpha"),
        (lambda: AddFastRP(4, n_components=1), paw(), "n_components"),
        (lambda: AddOrbitFastRP(4, combine="learn"), paw(), "labels"),
    ],
)
def test_refuses(make: object, data: object, told: str) -> None:
    with pytest.raises(InputError, match=told):
        make()(data)  # type: ignore[operator]


def test_what_they_show() -> None:
    assert repr(AddFastRP(4, random_state=1)).startswith("AddFastRP(4, ")
    shown = repr(AddOrbitFastRP(4, orbits="hop1", attr_name="z", random_state=1))
    assert shown.startswith("AddOrbitFastRP(4, orbits='hop1', combine=") and "attr_name='z', random_state=1" in shown
