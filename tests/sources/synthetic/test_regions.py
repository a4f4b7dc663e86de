"""Regions: documents alike are counted together, and the thinnest region is written for next."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shoptalk.sources.synthetic.regions import Thin, regions


def planted(groups: int, each: int) -> np.ndarray:
    """Unit vectors around ``groups`` axes, in turn."""
    noise = np.random.default_rng(0).normal(0, 0.02, (groups * each, 16))
    vectors = np.tile(np.eye(16)[:groups], (each, 1)) + noise
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_documents_alike_are_of_one_region():
    found = np.array(regions(planted(3, 40), 40)).reshape(40, 3)
    assert all(len(set(found[:, group])) == 1 for group in range(3)) and len(set(found[0])) == 3
    assert regions(planted(3, 40), 40) == regions(planted(3, 40), 40)


def test_a_region_of_one_is_a_document_and_a_large_one_the_corpus():
    assert regions(planted(3, 2), 1) == list(range(6)) and regions(planted(3, 2), 100) == [0] * 6


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=30),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_the_next_document_is_that_of_the_region_that_stays_thinnest(documents, each, random):
    thin = Thin(*zip(*documents, strict=True))
    order = random.sample(range(len(documents)), len(documents))
    level, size = Counter(), Counter(thin.region)
    for region, asked in documents:
        level[region] += asked
    left = sorted(order, key=lambda row: thin.asked[row])
    for row in thin.first(order, each):
        heads = [next(r for r in left if thin.region[r] == region) for region in {thin.region[r] for r in left}]
        after = {head: (level[thin.region[head]] + each) / size[thin.region[head]] for head in heads}
        assert row in heads and after[row] == min(after.values())
        level[thin.region[row]] += each
        left.remove(row)
    assert not left


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_each_for_itself_those_without_a_real_query_come_first(asked, random):
    order = random.sample(range(len(asked)), len(asked))
    assert Thin(range(len(asked)), asked).first(order, 1) == sorted(order, key=asked.__getitem__)


def test_a_silent_region_is_filled_before_another_is_begun_and_told_by_its_words():
    region, asked = [0] * 10 + [1] * 10, [2] * 10 + [0] * 10
    titles = ["abnormal lens of the eye"] * 10 + ["short finger of the hand"] * 10
    thin = Thin(region, asked)
    rows = thin.first(range(20), 1)
    assert set(rows[:10]) == set(range(10, 20))
    said = thin.told(rows[:12], 1, titles)
    assert said[0].startswith("2 regions") and "finger, hand, short: 10 documents, 0 real queries, 10 to be" in said[1]
    assert "20 real queries, 2 to be written" in said[2]
    assert Thin([0] * 20, asked).told(rows[:12], 1, titles) == []
