"""Completion from draws: which neighbours are taken, how much they count, and that nothing else decides it."""

from __future__ import annotations

import pytest
import torch

from graphx.errors import InputError
from graphx.nn.linkpred import NCNC, LinkConfig, LinkModel, LinkPredictor, _ops, as_adjacency
from graphx.nn.linkpred._completion import Levels, candidates, nodes_read, sampled
from graphx.nn.linkpred.common_neighbors import make_query
from tests.nn.linkpred.graphs import adjacency_of, on_both, random_dense, random_pairs

LISTS = (torch.tensor([0, 2, 2, 12, 15]), torch.tensor([4, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 5, 7]))
PAIRS = torch.tensor([[0, 1, 2, 3], [5, 6, 7, 8]])


def star(leaves: int = 40) -> torch.Tensor:
    """A hub with leaves, of which the first three also know node ``leaves + 1``."""
    edges = torch.stack((torch.zeros(leaves, dtype=torch.int64), torch.arange(1, leaves + 1)))
    more = torch.stack((torch.full((3,), leaves + 1), torch.arange(1, 4)))
    edges = torch.cat((edges, more), 1)
    return torch.cat((edges, edges.flip(0)), 1)


def test_short_lists_are_taken_whole() -> None:
    starts, columns, counts = sampled(*LISTS, PAIRS, 3, seed=1)
    assert (starts[1] - starts[0], starts[2] - starts[1], starts[4] - starts[3]) == (2, 0, 3)
    assert columns[:2].tolist() == [4, 9]
    assert columns[-3:].tolist() == [1, 5, 7]
    assert counts[:2].tolist() == [1, 1]
    assert counts[-3:].tolist() == [1, 1, 1]


@pytest.mark.parametrize("samples", [1, 2, 3, 7, 9])
def test_draws_count_as_much_as_the_list_together(samples: int) -> None:
    starts, columns, counts = sampled(*LISTS, PAIRS, samples, seed=3)
    own = counts[starts[2] : starts[3]]
    assert own.sum().item() == pytest.approx(10, rel=1e-6)
    assert torch.allclose(own * samples / 10, (own * samples / 10).round(), atol=1e-5)  # whole draws
    assert int(starts[3] - starts[2]) <= samples
    drawn = columns[starts[2] : starts[3]]
    assert torch.equal(drawn, drawn.unique())


@pytest.mark.parametrize("samples", [10, 11, 1 << 40])
def test_as_many_draws_as_entries_are_all_of_them(samples: int) -> None:
    starts, columns, counts = sampled(*LISTS, PAIRS, samples, seed=3)
    assert torch.equal(starts, LISTS[0])
    assert torch.equal(columns, LISTS[1])
    assert torch.equal(counts, torch.ones(15))


def test_draws_are_uniform() -> None:
    seeds, total = 4000, torch.zeros(10)
    for seed in range(seeds):
        starts, columns, counts = sampled(*LISTS, PAIRS, 3, seed=seed)
        part = slice(int(starts[2]), int(starts[3]))
        total.index_add_(0, columns[part], counts[part])
    # each entry's mean is 1; one draw in three counts 10/3 with probability 1/10: deviation sqrt(3 * .09) * 10/3
    assert (total / seeds - 1).abs().max().item() < 4 * (0.27**0.5 * 10 / 3) / seeds**0.5


def test_a_draw_depends_on_no_other_pair() -> None:
    one = sampled(torch.tensor([0, 10]), LISTS[1][2:12], PAIRS[:, 2:3], 4, seed=9)
    starts, columns, counts = sampled(*LISTS, PAIRS, 4, seed=9)
    part = slice(int(starts[2]), int(starts[3]))
    assert torch.equal(one[1], columns[part])
    assert torch.equal(one[2], counts[part])
    other = sampled(torch.tensor([0, 10]), LISTS[1][2:12], PAIRS[:, 2:3].flip(0), 4, seed=9)
    assert not torch.equal(one[2], other[2]) or not torch.equal(one[1], other[1])


def test_empty_lists() -> None:
    starts, columns, counts = sampled(torch.zeros(4, dtype=torch.int64), torch.empty(0), PAIRS[:, :3], 2, seed=0)
    assert starts.tolist() == [0, 0, 0, 0]
    assert columns.numel() == counts.numel() == 0


def test_candidates_know_the_end_they_miss() -> None:
    query = make_query(as_adjacency(star(5)), torch.tensor([[0], [6]]), exclude=None)
    found = candidates(query, Levels(1))
    assert found.rows.tolist() == [0, 0]
    assert found.columns.tolist() == [4, 5]  # next to the hub, not to node 6
    assert found.others.tolist() == [6, 6]
    assert found.counts is None
    few = candidates(query, Levels(1, samples=1, seed=2))
    assert few.counts is not None
    assert few.counts.tolist() == [2.0]
    assert few.columns.item() in (4, 5)


def model(**options: int) -> LinkPredictor:
    torch.manual_seed(0)
    return NCNC(4, 8, offset=0.0, dropout=0.0, **options)


def test_many_draws_are_the_whole_completion() -> None:
    x, pairs = torch.randn(42, 4), torch.tensor([[0, 1, 5], [41, 4, 41]])
    whole = model().eval()(x, star(), pairs)
    assert torch.equal(model(eval_completion_samples=40).eval()(x, star(), pairs), whole)
    assert not torch.allclose(model(eval_completion_samples=2).eval()(x, star(), pairs)[0], whole[0])


def test_evaluation_draws_alike_in_any_batch() -> None:
    x, pairs = torch.randn(42, 4), torch.tensor([[0, 1, 5, 0, 41], [41, 4, 41, 3, 0]])
    predictor = model(eval_completion_samples=2).eval()
    whole = predictor.predict(x, star(), pairs)
    assert torch.allclose(predictor.predict(x, star(), pairs, batch_size=1), whole, atol=1e-6)
    assert torch.allclose(predictor.predict(x, star(), pairs.flip(1)).flip(0), whole, atol=1e-6)


def test_training_draws_by_torchs_seed() -> None:
    x, pairs = torch.randn(42, 4), torch.tensor([[0], [41]])
    predictor = model(completion_samples=2).train()

    def scored(seed: int) -> float:
        torch.manual_seed(seed)
        return float(predictor(x, star(), pairs).detach())

    assert scored(1) == scored(1)
    assert len({scored(seed) for seed in range(6)}) > 1
    predictor.eval()
    assert scored(1) == scored(2)


def test_the_mean_over_draws_is_near_the_whole_sum() -> None:
    """The sum over the neighbours, not the logit, is unbiased: read it before the layers."""
    query = make_query(as_adjacency(star()), torch.tensor([[0], [41]]), exclude=None)
    values = torch.randn(42)
    whole = values[candidates(query, Levels(1)).columns].sum()
    sums = []
    for seed in range(3000):
        found = candidates(query, Levels(1, samples=5, seed=seed))
        assert found.counts is not None
        sums.append(float((values[found.columns] * found.counts).sum()))
    sampled_sums = torch.tensor(sums)
    assert abs(sampled_sums.mean() - whole) < 4 * sampled_sums.std() / 3000**0.5


def test_settings_reach_the_predictor() -> None:
    config = LinkConfig(structure="ncnc", completion_samples=7, eval_completion_samples=9, reference_compat=True)
    config = config.replace(completion_dropout=True)
    predictor = LinkModel(config, 4).predictor
    assert (predictor.completion_samples, predictor.eval_completion_samples) == (7, 9)
    assert predictor.reference_compat
    assert predictor.completion_dropout
    other = LinkModel(config.replace(structure="ncn"), 4).predictor
    assert other.completion_samples is None
    assert not other.reference_compat
    assert not other.completion_dropout


@pytest.mark.parametrize("name", ["completion_samples", "eval_completion_samples"])
@pytest.mark.parametrize("value", [0, -1, True, 1.5])
def test_what_is_no_number_of_draws_is_refused(name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"{name} is {value}"):
        NCNC(4, 8, **{name: value})  # type: ignore[arg-type]
    with pytest.raises(InputError, match=name):
        LinkConfig(structure="ncnc", **{name: value})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="options of completion"):
        LinkPredictor(4, 8, structure="ncn", **{name: 3})  # type: ignore[arg-type]


# -- which nodes a question reads --------------------------------------------------------------------------------------


def read_by_hand(dense: torch.Tensor, pairs: torch.Tensor, depth: int) -> list[int]:
    both = (dense[pairs[0]] > 0) & (dense[pairs[1]] > 0)
    if depth == 0:
        return both.any(0).nonzero().flatten().tolist()
    near = dense[pairs.flatten()].sum(0) > 0
    near[pairs.flatten()] = True
    return near.nonzero().flatten().tolist()


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize("seed", range(8))
def test_nodes_read_are_those_around_the_pairs(seed: int, depth: int) -> None:
    dense = random_dense(seed, 60, 0.05, symmetric=True)
    pairs = random_pairs(seed, 60, 6)
    for found in on_both(lambda: nodes_read(make_query(adjacency_of(dense), pairs), Levels(depth))):
        assert found.tolist() == read_by_hand(dense, pairs, depth)


def test_nodes_read_of_no_pair_are_none_at_all() -> None:
    found = nodes_read(make_query(star(), torch.zeros(2, 0, dtype=torch.int64)), Levels(1))
    assert found is not None
    assert found.tolist() == []


def test_nodes_next_to_each_other_by_a_target_alone_are_not_common() -> None:
    triangle = torch.tensor([[0, 0, 1, 1, 2, 2, 3, 4], [1, 2, 0, 2, 0, 1, 4, 3]])
    query = make_query(triangle, torch.tensor([[0, 1], [1, 2]]), exclude=True)
    found = nodes_read(query, Levels(0))
    assert found is not None
    assert found.tolist() == []  # each of the two pairs meets only over the other


@pytest.mark.parametrize("levels", [Levels(2), Levels(2, 3)])
def test_two_levels_read_who_knows_what(levels: Levels) -> None:
    assert nodes_read(make_query(star(), torch.tensor([[1], [2]])), levels) is None


def test_a_question_about_most_nodes_is_one_about_all() -> None:
    assert nodes_read(make_query(star(), torch.tensor([[0], [41]])), Levels(1)) is None
    around_a_leaf = nodes_read(make_query(star(), torch.tensor([[5], [6]])), Levels(1))
    assert around_a_leaf is not None
    assert around_a_leaf.tolist() == [0, 5, 6]


def test_looking_at_too_much_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the lists were made")

    monkeypatch.setattr(_ops, "lists", never)
    pairs = torch.zeros(2, 5000, dtype=torch.int64)  # the hub with itself: 40 common neighbours each, 42 nodes
    assert nodes_read(make_query(star(), pairs), Levels(0)) is None
