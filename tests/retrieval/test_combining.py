import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shoptalk.retrieval.combining import fuse, reorder
from shoptalk.retrieval.holm import holm
from shoptalk.retrieval.intervals import of_mean
from shoptalk.retrieval.ranked import Ranked


def ranked(lines, width, scores=None):
    """Lists of rows, filled up with -1."""
    rows, values = np.full((len(lines), width), -1, np.int64), np.full((len(lines), width), -np.inf, np.float32)
    for i, line in enumerate(lines):
        rows[i, : len(line)] = line
        values[i, : len(line)] = scores[i] if scores else np.arange(len(line), 0, -1)
    return Ranked(rows, values)


@st.composite
def rankings(draw):
    """Two to four rankings of the same queries over 12 documents, some lines empty."""
    queries = draw(st.integers(1, 4))
    lists = []
    for _ in range(draw(st.integers(2, 4))):
        width = draw(st.integers(1, 8))
        lines = [draw(st.lists(st.integers(0, 11), max_size=width, unique=True)) for _ in range(queries)]
        lists.append((lines, width))
    return lists


@given(rankings(), st.integers(1, 20), st.integers(0, 100))
def test_fusion_is_that_of_a_naive_loop(lists, top, k):
    found = fuse([ranked(lines, width) for lines, width in lists], top, k)
    assert found.rows.shape == found.scores.shape == (len(lists[0][0]), top)
    for query in range(len(lists[0][0])):
        scores = {}
        for lines, _ in lists:
            for place, row in enumerate(lines[query]):
                scores[row] = scores.get(row, 0.0) + 1 / (k + place + 1)
        best = sorted((-np.float32(score), row) for row, score in scores.items())[:top]
        assert found.rows[query].tolist() == [row for _, row in best] + [-1] * (top - len(best))
        assert found.scores[query].tolist() == [-score for score, _ in best] + [-np.inf] * (top - len(best))


def test_documents_that_trade_their_ranks_stay_equal_and_stand_in_order_of_rows():
    found = fuse([ranked([[5, 3, 9]], 3), ranked([[3, 5, 1]], 3)], 4)
    assert found.rows.tolist() == [[3, 5, 1, 9]]
    assert found.scores[0, 0] == found.scores[0, 1] and found.scores[0, 2] == found.scores[0, 3]


@given(st.data())
def test_reordering_is_that_of_a_naive_loop(data):
    width, depth = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 8))
    depth = min(depth, width)
    lines = data.draw(st.lists(st.lists(st.integers(0, 20), max_size=width, unique=True), min_size=1, max_size=4))
    scores = np.array(
        data.draw(st.lists(st.lists(st.integers(-3, 3), min_size=depth, max_size=depth), min_size=len(lines),
                           max_size=len(lines))), np.float32)  # fmt: skip
    found = reorder(ranked(lines, width), scores)
    for query, line in enumerate(lines):
        first = sorted((-scores[query, place], row) for place, row in enumerate(line[:depth]))
        assert found.rows[query].tolist() == [row for _, row in first] + line[depth:] + [-1] * (width - len(line))
        told = found.scores[query][: len(line)]
        assert told[: len(first)].tolist() == [-score for score, _ in first]
        assert (np.diff(told[max(0, len(first) - 1) :]) < 0).all()
        assert (found.scores[query][len(line) :] == -np.inf).all()


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_what_its_definition_says(p_values):
    adjusted = holm(p_values)
    for i, p in enumerate(p_values):
        # The largest of (m - |{smaller}|) p' over all p' up to p; equal ones step down in their order.
        order = sorted(range(len(p_values)), key=lambda j: (p_values[j], j))
        place = order.index(i)
        expected = max(min(1.0, (len(p_values) - rank) * p_values[order[rank]]) for rank in range(place + 1))
        assert adjusted[i] == expected >= p


def test_holm_on_the_example_by_hand():
    assert np.allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]) and holm([]) == []


def test_the_interval_of_a_mean_holds_it_and_narrows_as_the_normal_one():
    values = np.random.default_rng(0).normal(0.4, 0.2, 400)
    low, high = of_mean(values)
    half = 1.96 * values.std() / 20
    assert abs((high - low) / 2 - half) < 0.1 * half and low < values.mean() < high
    assert of_mean(np.full(5, 0.5)) == (0.5, 0.5) and of_mean(np.empty(0)) == (0.0, 0.0)
