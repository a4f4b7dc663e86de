import numpy as np
import pytest

from shoptalk.negatives.context import Context, judged


class Scores:
    """Logits from texts and rows alone; remembers every question."""

    def __init__(self):
        self.asked = []

    def __call__(self, queries, rows):
        line, column = np.nonzero(rows >= 0)
        self.asked += list({(queries[i], rows[i, j]) for i, j in zip(line, column, strict=True)})
        told = np.full(rows.shape, np.nan, np.float32)
        told[line, column] = [_logit(queries[i], rows[i, j]) for i, j in zip(line, column, strict=True)]
        return told


def _logit(query, row):
    return np.random.default_rng([len(query), ord(query[0]), int(row)]).normal()


QUERIES = ["red ant", "blue cat", "old dog", "red ant"]


def test_figures_are_those_of_a_naive_loop(world):
    ask = world.make(documents=40)
    rows = np.random.default_rng(0).integers(0, 40, (4, 6))
    rows[1, 2:4] = -1
    logits, figures = Context(Scores(), ask.dense, depth=20, near=3)(QUERIES, rows)
    for i, query in enumerate(QUERIES):
        found = ask.dense([query], 20)
        level = np.log(sum(np.exp(_logit(query, row)) for row in found.rows[0, :3]))
        for j, row in enumerate(rows[i]):
            if row < 0:
                assert np.isnan(logits[i, j]) and np.isnan(figures[i, j]).all()
                continue
            score = ask.dense.score([query], np.array([[row]]))[0, 0]
            rank = [*found.rows[0], row].index(row)  # the last of them all where it was not found
            expected = [_logit(query, row) - level, score, score - found.scores[0, 0], np.log(1 + rank)]
            assert logits[i, j] == pytest.approx(_logit(query, row), abs=1e-5)
            np.testing.assert_allclose(figures[i, j], expected, atol=1e-5)


def test_nothing_is_scored_twice_and_what_came_before_changes_nothing(world):
    ask, scores = world.make(documents=40), Scores()
    context = Context(scores, ask.dense, depth=20, near=8)
    near = ask.dense(QUERIES, 12).rows
    first = context(QUERIES[:2], near[:2, :4])
    # A new query beside known ones, and then deeper ranks of all.
    again = context(QUERIES[:3], near[:3, :4])
    asked = len(scores.asked)
    deeper = context(QUERIES, near[:, 4:])
    assert len(scores.asked) - asked == 3 * 4
    fresh = Context(Scores(), ask.dense, depth=20, near=8)(QUERIES, near)
    for part, lines, columns in (
        (first, slice(2), slice(4)),
        (again, slice(3), slice(4)),
        (deeper, slice(4), slice(4, 12)),
    ):
        for one, whole in zip(part, fresh, strict=True):
            np.testing.assert_array_equal(one, whole[lines, columns])
    assert context([], np.empty((0, 3), np.int64))[1].shape == (0, 3, 4)


def test_without_a_context_there_are_logits_alone():
    logits, figures = judged(Scores(), None, ["a"], np.array([[3]]))
    assert logits[0, 0] == pytest.approx(_logit("a", 3), abs=1e-6) and figures is None
