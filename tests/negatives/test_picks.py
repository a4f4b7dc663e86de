import numpy as np
import pytest

from shoptalk.errors import InputError
from shoptalk.negatives.draws import pair_keys
from shoptalk.negatives.picks import SimAns, Top, Uniform
from shoptalk.negatives.selection import Candidates, pick
from shoptalk.retrieval.ranked import Ranked

N = 40_000
KEYS = pair_keys([str(i) for i in range(N)], ["d"] * N, 0)
SCORES = np.array([9.0, 7.5, 7.0, 6.0, 2.0], np.float32)
FREE = np.array([True, True, False, True, True])


def drawn(how, keep, scores=SCORES, free=FREE, positive=7.0, keys=KEYS):
    """Rows picked, int64 [N, keep]; row i is column i."""
    shape = (len(keys), len(scores))
    ranked = Ranked(np.broadcast_to(np.arange(len(scores)), shape), np.broadcast_to(scores, shape))
    found = Candidates(ranked, np.broadcast_to(free, shape), keys, np.full(len(keys), positive, np.float32))
    return pick(found, keep, how, "me")["row"]


def chances(a, b, positive=7.0):
    """The formula of SimANS, section 4, over the free candidates."""
    p = np.where(FREE, np.exp(-a * (SCORES.astype(float) - positive + b) ** 2), 0.0)
    return p / p.sum()


def frequencies(rows):
    return np.bincount(rows.reshape(-1), minlength=5) / len(rows)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.0), (0.5, 1.0), (0.1, -1.0), (0.0, 0.0)])
def test_one_negative_is_drawn_with_the_chances_of_the_formula(a, b):
    p = chances(a, b)
    sd = np.sqrt(p * (1 - p) / N)
    assert (np.abs(frequencies(drawn(SimAns(a, b), 1)) - p) <= 4 * sd).all()


def test_two_are_drawn_one_after_the_other_without_replacement():
    p = chances(0.2, 0.0)
    second = [sum(p[j] * p[i] / (1 - p[j]) for j in range(5) if j != i) for i in range(5)]
    rows = drawn(SimAns(0.2), 2)
    assert (rows[:, 0] != rows[:, 1]).all()
    np.testing.assert_allclose(frequencies(rows), p + second, atol=4 * 0.5 / np.sqrt(N))
    np.testing.assert_allclose(frequencies(rows[:, :1]), p, atol=4 * 0.5 / np.sqrt(N))


def test_scores_far_from_the_positive_still_give_an_order():
    rows = drawn(SimAns(0.5), 4, scores=SCORES * 100, positive=-900.0, keys=KEYS[:50])
    assert (rows == [4, 3, 1, 0]).all(), "the nearest is certain where chances differ by hundreds of orders"


@pytest.mark.parametrize("how", [SimAns(0.5), Uniform()])
def test_where_the_positive_has_no_score_any_candidate_has_an_equal_chance(how):
    found = frequencies(drawn(how, 1, positive=np.nan))
    np.testing.assert_allclose(found, FREE / 4, atol=4 * 0.5 / np.sqrt(N))


@pytest.mark.parametrize("how", [SimAns(0.5), Uniform(), Top()])
def test_only_free_candidates_are_picked_each_once_and_again_the_same(how):
    rows = drawn(how, 5, keys=KEYS[:200])
    assert (np.sort(rows, axis=1) == [-1, 0, 1, 3, 4]).all()
    assert (rows[:, 4] == -1).all()
    assert (drawn(how, 5, keys=KEYS[:200][::-1])[::-1] == rows).all(), "by pair, not by place"


@pytest.mark.parametrize(
    ("bad", "name"),
    [({"a": -1.0}, "pick.a=-1.0"), ({"a": np.nan}, "pick.a=nan"), ({"b": np.inf}, "pick.b=inf")],
)
def test_impossible_settings_say_which(bad, name):
    with pytest.raises(InputError, match=name):
        SimAns(**bad)
