import numpy as np
import pytest

from shoptalk.retrieval.ranked import Ranked
from shoptalk.sources.clicks.simulation.lists import candidates, shown_columns
from shoptalk.sources.clicks.simulation.world import World

FIRST = Ranked(np.array([[4, 1, 7], [2, -1, -1]]), np.array([[9.0, 8, 5], [3, -np.inf, -np.inf]], dtype=np.float32))
SECOND = Ranked(np.array([[7, 3, 4], [5, 2, 9]]), np.array([[0.9, 0.6, 0.5], [0.8, 0.8, 0.2]], dtype=np.float32))
NAMES = ["bm25", "dense", "mixture_lexical", "mixture_dense"]


def found():
    return candidates(["a", "b"], {"bm25": lambda q, k: FIRST, "dense": lambda q, k: SECOND}, 3)


def lists(world, query, ranker):
    both = found()
    columns = shown_columns(world, both, np.array(query), np.array(ranker), NAMES)
    rows = np.take_along_axis(both.rows[query], columns.astype(np.int64), axis=1)
    return [[int(r) for r, c in zip(row, line, strict=True) if c >= 0] for row, line in zip(rows, columns, strict=True)]


def test_candidates_are_the_union_with_scores_from_nought_to_one():
    both = found()
    assert both.rows.tolist() == [[1, 3, 4, 7], [2, 5, 9, -1]]
    assert both.scores["bm25"][0] == pytest.approx([0.75, 0, 1, 0])
    assert both.scores["dense"][1].tolist() == pytest.approx([1, 1, 0, -np.inf])
    assert both.scores["bm25"][1].tolist() == [1, 0, 0, -np.inf]


def test_each_ranker_shows_its_own_list_and_mixtures_the_mixed_one():
    world = World(list_length=3, depth=4, explored=0.0, mixture_noise=0.0)
    assert lists(world, [0, 0, 1, 1], [0, 1, 0, 1]) == [[4, 1, 7], [7, 3, 4], [2], [5, 2, 9]]
    # 0.7 * bm25 + 0.3 * dense: 4: 0.7, 1: 0.525, 7: 0.3, 3: 0.075
    assert lists(world, [0, 1], [2, 2]) == [[4, 1, 7], [2, 5, 9]]
    # 0.3 * bm25 + 0.7 * dense: 7: 0.7, 4: 0.3, 1: 0.225, 3: 0.175
    assert lists(world, [0], [3]) == [[7, 4, 1]]


def test_noise_differs_from_search_to_search():
    noisy = World(list_length=3, depth=4, explored=0.0, mixture_noise=0.5)
    assert len({tuple(x) for x in lists(noisy, [0] * 50, [2] * 50)}) > 3


def test_explored_slots_come_from_below_the_list():
    world = World(list_length=2, depth=3, explored=1.0, mixture_noise=0.0)
    for shown in lists(world, [0] * 20, [0] * 20):
        assert shown in ([7, 1], [4, 7])
    assert lists(world, [1], [0]) == [[2]]
