"""Time is taken of one query at a time, by the clock, after a warm-up."""

import numpy as np
import pytest

from shoptalk.efficiency.latency import milliseconds, per_second, spaced


class Clock:
    """Stands still unless work is done."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_every_query_is_timed_alone_in_every_round():
    clock, asked = Clock(), []

    def search(queries, k):
        asked.append((list(queries), k))
        clock.now += 0.001 * len(queries[0])

    queries = ["a" * n for n in range(1, 21)]
    took = milliseconds(search, queries, 7, 3, clock)
    np.testing.assert_allclose(took, [*range(1, 21)] * 3)
    assert all(len(one) == 1 and k == 7 for one, k in asked)
    assert len(asked) == 60 + 5 and asked[:5] == [([query], 7) for query in queries[:5]]


def test_slow_first_queries_do_not_count():
    clock, first = Clock(), iter([5.0] * 5)

    def search(queries, k):
        clock.now += next(first, 0.002)

    assert milliseconds(search, list("abcdefgh"), 10, 1, clock) == pytest.approx([2.0] * 8)


def test_speed_is_that_of_all_texts_together():
    clock, parts = Clock(), []

    def work(texts):
        parts.append(len(texts))
        clock.now += 0.5 if len(parts) > 1 else 100.0

    assert per_second(work, ["x"] * 40, clock) == pytest.approx(80.0) and parts == [5, 40]


def test_texts_are_taken_from_all_over():
    texts = [str(n) for n in range(100)]
    assert spaced(texts, 4) == ["0", "33", "66", "99"] and spaced(texts, 500) == texts
    assert spaced(texts, 1) == ["0"] and spaced(texts, 0) == [] and spaced([], 5) == []
