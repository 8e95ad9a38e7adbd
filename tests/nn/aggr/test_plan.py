"""TreePlan: by hand, its counts, what it refuses, and when it is made anew."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphx.errors import InputError
from graphx.nn.aggr import plan as plans
from graphx.nn.aggr.plan import tree_plan


def test_five_elements_by_hand() -> None:
    plan = tree_plan(torch.tensor([0, 0, 0, 0, 0]), 1)
    # rows 0..4; level 0: (0, 1) -> 5, (2, 3) -> 6; level 1: (5, 6) -> 7; level 2: (7, 4) -> 8
    assert plan.left.tolist() == [0, 2, 5, 7]
    assert plan.right.tolist() == [1, 3, 6, 4]
    assert plan.levels == (0, 2, 3, 4)
    assert plan.roots.tolist() == [8]


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(0, 3))
def test_every_row_but_a_root_is_in_one_pair(numbers: list[int], spare: int) -> None:
    index = torch.tensor(numbers, dtype=torch.long)
    size = max(numbers, default=-1) + 1 + spare
    plan = tree_plan(index, size)
    sizes = torch.bincount(index, minlength=size)
    assert plan.num_pairs == len(numbers) - int((sizes > 0).sum())
    assert plan.filled.tolist() == sizes.nonzero().view(-1).tolist()
    used = torch.cat([plan.left, plan.right, plan.roots]).sort().values
    assert used.tolist() == list(range(plan.num_rows + plan.num_pairs))
    largest = int(sizes.max()) if size else 0
    assert len(plan.levels) - 1 == (math.ceil(math.log2(largest)) if largest > 1 else 0)
    owner = index.tolist() + [-1] * plan.num_pairs
    for level in range(len(plan.levels) - 1):
        for p in range(plan.levels[level], plan.levels[level + 1]):
            left, right = int(plan.left[p]), int(plan.right[p])
            assert max(left, right) < plan.num_rows + plan.levels[level]
            assert owner[left] == owner[right] != -1
            owner[plan.num_rows + p] = owner[left]
    assert [owner[r] for r in plan.roots.tolist()] == plan.filled.tolist()


def test_bounds_give_the_plan_of_the_index() -> None:
    a = tree_plan(torch.tensor([0, 3, 3, 7]), 3, is_ptr=True, num_rows=7)
    b = tree_plan(torch.tensor([0, 0, 0, 2, 2, 2, 2]), 3)
    assert (a.left.tolist(), a.right.tolist(), a.levels) == (b.left.tolist(), b.right.tolist(), b.levels)
    assert a.roots.tolist() == b.roots.tolist()


def test_kept_by_memory_and_version() -> None:
    edges = torch.tensor([[0, 1, 2], [1, 0, 1]])
    first = tree_plan(edges[1], 2)
    assert tree_plan(edges[1], 2) is first
    assert tree_plan(edges[0], 3) is not first
    assert tree_plan(edges[1], 3) is not first
    edges[1, 2] = 0
    changed = tree_plan(edges[1], 2)
    assert changed is not first
    assert changed.left.tolist() == [1]


def test_no_plan_outlives_its_index() -> None:
    for value in range(50):  # the allocator hands out the same memory again and again
        index = torch.full((4,), value % 2, dtype=torch.long)
        assert tree_plan(index, 2).filled.tolist() == [value % 2]
        del index


def test_inference_tensors_are_taken() -> None:
    with torch.inference_mode():
        assert tree_plan(torch.tensor([1, 1]), 2).filled.tolist() == [1]


@pytest.mark.parametrize(
    ("index", "size", "words"),
    [
        (torch.tensor([0, -1]), 2, "index holds -1"),
        (torch.tensor([0, 5]), 2, "index holds 5 and dim_size is 2"),
        (torch.tensor([0, 1], dtype=torch.int32), 2, "expected one dimension of int64"),
        (torch.tensor([0.0, 1.0]), 2, "expected one dimension of int64"),
        (torch.tensor([[0, 1]]), 2, "expected one dimension of int64"),
    ],
)
def test_refuses_an_index(index: torch.Tensor, size: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        tree_plan(index, size)


@pytest.mark.parametrize(
    ("ptr", "words"),
    [
        (torch.tensor([0, 3, 2, 4]), "ptr falls from 3 to 2 at position 2"),
        (torch.tensor([1, 2, 3, 4]), "ptr runs from 1 to 4"),
        (torch.tensor([0, 1, 2, 3]), "ptr runs from 0 to 3 and there are 4 elements"),
        (torch.tensor([0.0, 4.0]), "ptr is of shape"),
        (torch.tensor([], dtype=torch.long), "ptr is of shape"),
    ],
)
def test_refuses_bounds(ptr: torch.Tensor, words: str) -> None:
    with pytest.raises(InputError, match=words):
        tree_plan(ptr, max(0, ptr.numel() - 1), is_ptr=True, num_rows=4)


def test_refuses_another_number_of_segments_or_elements() -> None:
    with pytest.raises(InputError, match="dim_size is 3 and ptr tells of 2"):
        tree_plan(torch.tensor([0, 1, 4]), 3, is_ptr=True, num_rows=4)
    with pytest.raises(InputError, match="index has 2 entries for 4 elements"):
        tree_plan(torch.tensor([0, 1]), 2, num_rows=4)


def test_no_elements_in_any_order() -> None:
    nothing = torch.zeros(0, dtype=torch.long)
    assert tree_plan(nothing, 2, order=nothing).num_pairs == 0


def test_old_plans_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "_MOST_PLANS", 2)
    cache = plans._Cache()
    monkeypatch.setattr(plans, "_CACHE", cache)
    segments = [torch.tensor([0, 0, k]) for k in (1, 2, 3)]
    made = [tree_plan(one, 4) for one in segments]
    assert len(cache._plans) == 2
    assert tree_plan(segments[2], 4) is made[2] and tree_plan(segments[0], 4) is not made[0]
