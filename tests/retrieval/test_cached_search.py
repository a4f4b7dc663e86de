"""A search looked up instead of made."""

import numpy as np

from shoptalk.cache import Cache
from shoptalk.retrieval.cached import CachedSearch
from shoptalk.retrieval.dense import Dense
from shoptalk.retrieval.ranked import Ranked


class Counted:
    """Finds row 0, then nothing; tells each ``k`` once."""

    made = 0

    def __init__(self):
        self.notices = []

    def __call__(self, queries, k):
        type(self).made += 1
        self.notices.append(f"searched for {k}")
        rows = np.full((len(queries), k), -1, np.int64)
        scores = np.full((len(queries), k), -np.inf, np.float32)
        rows[:, 0], scores[:, 0] = 0, 0.1
        return Ranked(rows, scores)


def test_the_same_search_is_made_once_and_found_equal(tmp_path, monkeypatch):
    monkeypatch.setattr(Counted, "made", 0)
    cold, warm = (CachedSearch(Counted, "base", Cache(tmp_path)) for _ in range(2))
    found, again, plain = cold(["a", "b"], 3), warm(["a", "b"], 3), Counted()(["a", "b"], 3)
    assert Counted.made == 2, "one of them is the plain search"
    for one in (found, again):
        assert np.array_equal(one.rows, plain.rows) and one.rows.dtype == np.int64 and one.rows.flags.writeable
        assert np.array_equal(one.scores, plain.scores) and one.scores.dtype == np.float32
    assert cold.notices == warm.notices == ["searched for 3"]


def test_whatever_differs_is_searched_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(Counted, "made", 0)
    search = CachedSearch(Counted, "base", Cache(tmp_path))
    for queries, k in ((["a", "b"], 2), (["b", "a"], 2), (["ab"], 2), (["a", "b"], 1)):
        search(queries, k)
    CachedSearch(Counted, "other", Cache(tmp_path))(["a", "b"], 2)
    assert Counted.made == 5
    # Each sentence once, and each search with its own.
    assert search.notices == ["searched for 2", "searched for 1"]
    alone = CachedSearch(Counted, "base", Cache(tmp_path))
    alone(["a", "b"], 1)
    assert alone.notices == ["searched for 1"]


def test_single_scores_are_those_of_the_search(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    dense = Dense(lambda texts, kind: vectors[: len(texts)], vectors)
    kept = CachedSearch(lambda: dense, "base", Cache(tmp_path))
    rows = np.array([[0, 3, -1], [5, 1, 2]])
    assert np.array_equal(kept.score(["a", "b"], rows), dense.score(["a", "b"], rows))
    assert np.array_equal(kept(["a", "b"], 4).rows, dense(["a", "b"], 4).rows)
