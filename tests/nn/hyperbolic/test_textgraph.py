"""What H4G reads of a text graph: vectors by hand, means over walks by matrices, trust by pairs, and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphx.errors import InputError
from graphx.nn import H4G
from graphx.nn.hyperbolic._textgraph import Prepared, Texts, check_labels, node_texts, prepare

NONE = torch.zeros(2, 0, dtype=torch.long)


def vectors(width: int = 4) -> Data:
    x = torch.randn(6, width, generator=torch.Generator().manual_seed(0))
    return Data(x=x, edge_index=torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]]))


def unit(x: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(norms > 0, norms, 1)


def letters(texts: list[str]) -> list[list[int]]:
    return [[text.count(letter) for letter in "abc"] for text in texts]


# -- vectors -----------------------------------------------------------------------------------------------------------


def test_vectors_of_nodes_are_centred_over_those_that_are_known() -> None:
    """Row 1 is empty and stays zero; the mean is over the unit vectors of the others."""
    x = torch.tensor([[3.0, 4.0], [0.0, 0.0], [5.0, 0.0]])
    data = Data(x=x, edge_index=NONE)
    known = np.array([[0.6, 0.8], [1.0, 0.0]])
    wanted = np.zeros((3, 2))
    wanted[[0, 2]] = unit(known - known.mean(axis=0))
    np.testing.assert_allclose(Texts(None).nodes(data), wanted, atol=1e-6)
    np.testing.assert_allclose(Texts(None, centre=False).nodes(data), [[0.6, 0.8], [0, 0], [1, 0]], atol=1e-6)
    for other in (x.double(), x.numpy(), x.tolist(), (2 * x).int()):  # scale and type do not matter
        np.testing.assert_allclose(Texts(None).nodes(Data(x=other, edge_index=NONE)), wanted, atol=1e-6)


def test_the_beginning_of_a_text_by_hand() -> None:
    """Two words lead: "a b c c" and "b" give (1, 1, 2) and (0, 1, 0), the beginning of the first (1, 1, 0)."""
    data = Data(text=["a b c c", "b"], edge_index=NONE)
    whole, start = unit(np.array([[1.0, 1, 2], [0, 1, 0]])), unit(np.array([[1.0, 1, 0], [0, 1, 0]]))
    plain = Texts(letters, centre=False, lead=2).nodes(data)
    np.testing.assert_allclose(plain, unit(whole + start), atol=1e-6)
    moved = [unit(part - part.mean(axis=0)) for part in (whole, start)]
    np.testing.assert_allclose(Texts(letters, lead=2).nodes(data), unit(moved[0] + moved[1]), atol=1e-6)
    for lead in (0, 4, 100):  # no beginning, or no text that is longer
        np.testing.assert_allclose(Texts(letters, lead=lead, centre=False).nodes(data), whole, atol=1e-6)


def test_labels_are_means_of_their_texts() -> None:
    found = Texts(letters, centre=False).labels([["a", "b"], "c", ["a a a", "a", "b"]])
    wanted = unit(np.array([[0.5, 0.5, 0], [0, 0, 1], [2 / 3, 1 / 3, 0]]))
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    centred = Texts(letters).labels([["a", "b"], "c", ["a a a", "a", "b"]])
    np.testing.assert_allclose(centred, unit(wanted - wanted.mean(axis=0)), atol=1e-6)


def test_no_text_no_vector() -> None:
    encoded = Texts(lambda texts: [[1.0, 2.0]] * len(texts)).encode(["word", "  ", ""])
    np.testing.assert_allclose(encoded, [[1 / 5**0.5, 2 / 5**0.5], [0, 0], [0, 0]], atol=1e-6)


# -- graphs ------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31), size=st.integers(1, 9), hops=st.integers(0, 3), edges=st.integers(0, 20))
def test_walks_gates_and_edges_by_dense_matrices(seed: int, size: int, hops: int, edges: int) -> None:
    """Directions, loops and repeated edges do not count; who has no neighbours keeps its own vector."""
    generator = torch.Generator().manual_seed(seed)
    edge_index = torch.randint(size, (2, edges), generator=generator)
    x = torch.randn(size, 4, generator=generator)
    found = prepare(Data(x=x, edge_index=edge_index), Texts(None, centre=False), hops)
    dense = torch.zeros(size, size, dtype=torch.float64)
    dense[edge_index[0], edge_index[1]] = 1
    dense = ((dense + dense.t()) > 0).double().fill_diagonal_(0)
    assert np.array_equal(found.edge_index, dense.nonzero().t().numpy())
    degree = dense.sum(1)
    walk = torch.where(degree.unsqueeze(1) > 0, dense / degree.clamp(min=1).unsqueeze(1), torch.eye(size).double())
    own = torch.nn.functional.normalize(x.double(), dim=1)
    stack = [own]
    for _ in range(hops):
        stack.append(walk @ stack[-1])
    torch.testing.assert_close(found.hops.double(), torch.stack(stack), rtol=1e-5, atol=1e-6)
    near = [torch.cosine_similarity(own, stack[min(k, hops)], dim=1) for k in (1, 2)]
    has = (degree > 0).double()
    over = (near[0] * has).sum() / has.sum().clamp(min=1)
    gate = torch.stack([(1 + degree).log(), has, near[0] * has, near[1] * has, over.expand(size)], 1)
    torch.testing.assert_close(found.gate.double(), gate, rtol=1e-4, atol=1e-5)
    assert found.trust == 1.0 and found.num_nodes == size


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**31), size=st.integers(2, 8))
def test_trust_is_morans_index(seed: int, size: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x, labels = torch.randn(size, 3, generator=generator), torch.randn(3, 3, generator=generator)
    edge_index = torch.randint(size, (2, 2 * size), generator=generator)
    found = prepare(Data(x=x, edge_index=edge_index), Texts(None, centre=False), 1, classes=labels)
    scores = found.hops[0].double() @ torch.nn.functional.normalize(labels.double(), dim=1).t()
    centred = scores - scores.mean(0)
    over_edges = [float(centred[u] @ centred[v]) for u, v in found.edge_index.T.tolist()]
    spread = float(centred.square().sum()) / size
    wanted = min(1.0, max(0.0, sum(over_edges) / len(over_edges) / spread)) if over_edges else 0.0
    assert found.trust == pytest.approx(wanted, abs=1e-5)


def test_the_digest_sees_all_that_training_reads() -> None:
    data = vectors()
    labels = torch.eye(2, 4)
    base = prepare(data, Texts(None), 2)
    y = torch.tensor([0, 1, 0, 1, -1, 0])
    labelled = Data(x=data.x, edge_index=data.edge_index, y=y, label_x=labels)
    others = [
        prepare(data, Texts(None), 1),
        prepare(data, Texts(None, centre=False), 2),
        prepare(data, Texts(None), 2, classes=labels),
        prepare(Data(x=data.x.flip(0), edge_index=data.edge_index), Texts(None), 2),
        prepare(Data(x=data.x, edge_index=data.edge_index.clamp(max=2)), Texts(None), 2),
        prepare(labelled, Texts(None), 2, labelled=True),
        prepare(
            Data(x=data.x, edge_index=data.edge_index, y=1 - y.clamp(min=0), label_x=labels),
            Texts(None),
            2,
            labelled=True,
        ),
    ]
    assert len({base.digest(), *(other.digest() for other in others)}) == len(others) + 1
    again = prepare(Data(x=3 * data.x, edge_index=data.edge_index.flip(0)), Texts(None), 2)
    np.testing.assert_allclose(again.hops, base.hops, atol=1e-6)
    same = Prepared(base.hops.clone(), base.gate, base.edge_index, None, None, base.trust)
    assert same.digest() == base.digest()


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("cats", "the labels are the string 'cats'; expected a list with a text for each class"),
        (["cats"], "1 label; expected at least two to choose from"),
        ([], "0 label; expected at least two"),
        (["cats", " "], "label 1 is ' '; expected a text, or a list of texts, not empty"),
        (["cats", []], r"label 1 is \[\]; expected a text"),
        ([["cats", ""], "dogs"], r"label 0 is \['cats', ''\]"),
        (["cats", 3], "label 1 is 3; expected a text"),
        (["cats", "dogs", "cats"], "two labels have the same text; expected different ones"),
        ([["a", "b"], ("a", "b")], "two labels have the same text"),
    ],
)
def test_labels_that_are_none(labels: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_labels(labels)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Data(), "the data have no text; expected data.text, a list with a string for each node"),
        (Data(text="one"), "data.text holds something else than strings"),
        (Data(text=["one", None]), "data.text holds something else than strings"),
        (Data(text=["", "  "]), "all 2 texts are empty; expected a text for some nodes at least"),
    ],
)
def test_texts_that_are_none(data: Data, message: str) -> None:
    with pytest.raises(InputError, match=message):
        node_texts(data)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.ones(1, 4), "1 label; expected at least two to choose from"),
        (torch.eye(2, 3), "the labels have 3 numbers each and the nodes 4; expected the same"),
        (torch.ones(4), r"the labels: float32 \[4\]; expected numbers \[N, F\]"),
        (torch.tensor([[1.0, 2, 3, 4], [1, 2, torch.nan, 4]]), "the labels holds a number that is not finite in row 1"),
    ],
)
def test_labels_as_vectors(labels: torch.Tensor, message: str) -> None:
    assert prepare(vectors(), Texts(None), 2, classes=torch.eye(2, 4)).label_x.shape == (2, 4)
    with pytest.raises(InputError, match=message):
        prepare(vectors(), Texts(None), 2, classes=labels)


def test_graphs_of_two_widths() -> None:
    model = H4G(None, steps=1)
    with pytest.raises(InputError, match=r"the graphs have vectors of \[4, 5\] numbers; expected the same width"):
        model.fit([vectors(4), vectors(5)])


def test_vectors_of_zeros_alone_stay_so() -> None:
    found = Texts(None).nodes(Data(x=torch.zeros(3, 2), edge_index=torch.zeros(2, 0, dtype=torch.long)))
    assert np.array_equal(found, np.zeros((3, 2)))
