from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.domain.judgments import Judged
from shoptalk.retrieval.overlap import MOST, consistency, rbo, same_meaning
from shoptalk.retrieval.ranked import Ranked

LISTS = st.lists(st.integers(0, 14), unique=True, max_size=12)


def endless(one: list[int], other: list[int], p: float) -> float:
    """RBO summed to depth 2,000 over lists that are continued as Webber et al. (2010) suppose: agreement stays."""
    short, long = sorted((one, other), key=len)
    if not short:
        return 0.0
    total = 0.0
    for depth in range(1, 2000):
        seen = min(depth, len(long))
        shared = len(set(short[:seen]) & set(long[:seen]))
        if seen > len(short):
            shared += len(set(short) & set(long[: len(short)])) / len(short) * (seen - len(short))
        total += (1 - p) * p ** (depth - 1) * shared / seen
    return total


@settings(max_examples=150, deadline=None)
@given(LISTS, LISTS, st.floats(0.1, 0.98))
def test_it_is_the_overlap_of_endless_lists_whose_agreement_goes_on(one, other, p):
    assert rbo(one, other, p) == pytest.approx(endless(one, other, p), abs=1e-9)
    assert rbo(one, other, p) == pytest.approx(rbo(other, one, p)) and -1e-12 <= rbo(one, other, p) <= 1 + 1e-12


def test_equal_lists_agree_wholly_and_disjoint_ones_not_at_all():
    assert rbo([3, 1, 2], [3, 1, 2]) == pytest.approx(1) and rbo([1, 2], [3, 4]) == 0 and rbo([], [1]) == 0
    # By hand: A = 0, 1, 1, ... so that RBO = p.
    assert rbo([1, 2], [2, 1], 0.9) == pytest.approx(0.9)


def test_what_differs_at_the_top_weighs_more():
    base = list(range(10))
    assert rbo(base, [9, *base[1:9], 0]) < rbo(base, [*base[:8], 9, 8])


QUERIES = Judged(
    list("abcde"), list("abcde"),
    {"a": {"x": 1}, "b": {"x": 2, "y": 1}, "c": {"y": 1}, "d": {"y": 1, "z": 1}, "e": {"x": 0}},
)  # fmt: skip


def test_queries_mean_the_same_where_their_best_document_is_the_same():
    assert same_meaning(QUERIES) == [[0, 1], [2, 3]]
    many = Judged([str(i) for i in range(60)], ["q"] * 60, {str(i): {"x": 1} for i in range(60)})
    assert same_meaning(many) == [list(range(MOST))]


def test_consistency_is_the_mean_over_groups_paired_by_group():
    random = np.random.default_rng(0)
    found = {}
    for arm in ("base", "adapted"):
        rows = np.stack([random.permutation(30)[:10] for _ in range(5)])
        found[arm] = Ranked(rows, np.zeros(rows.shape, np.float32))
    found["adapted"].rows[1] = found["adapted"].rows[0]
    found["base"].rows[0, 5:] = -1
    told = consistency(found, QUERIES, "base", "adapted")
    for arm in found:
        lists = [row[row >= 0].tolist() for row in found[arm].rows]
        each = [np.mean([rbo(lists[i], lists[j]) for i, j in combinations(group, 2)]) for group in ([0, 1], [2, 3])]
        assert told.arms[arm] == pytest.approx(np.mean(each))
    assert told.difference.mean == pytest.approx(told.arms["adapted"] - told.arms["base"])
    assert (told.groups, told.queries, told.difference.n) == (2, 4, 2)


def test_without_two_queries_of_one_meaning_there_is_nothing_to_compare():
    ranked = Ranked(np.zeros((1, 1), np.int64), np.zeros((1, 1), np.float32))
    told = consistency({"a": ranked, "b": ranked}, QUERIES.take([0]), "a", "b")
    assert told.difference is None and told.groups == 0
