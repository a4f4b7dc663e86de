import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.errors import InputError
from shoptalk.negatives.picks import SimAns, Top, Uniform
from shoptalk.negatives.selection import Candidates, Knobs, allowed, pick
from shoptalk.retrieval.ranked import Ranked

KEYS = np.arange(40, dtype=np.uint64)
FILTERS = [
    "known positive", "rank window", "absolute margin", "relative margin", "positive share", "min score", "max score",
]  # fmt: skip


def first_hit(knobs, rank, score, barred, positive):
    """The filter that drops a candidate, in the documented order, or None."""
    if barred:
        return "known positive"
    if not knobs.low <= rank < knobs.high:
        return "rank window"
    if knobs.absolute_margin is not None and score > np.float32(positive - knobs.absolute_margin):
        return "absolute margin"
    if knobs.relative_margin is not None and score > np.float32(positive - abs(positive) * knobs.relative_margin):
        return "relative margin"
    if knobs.positive_share is not None and score > np.float32(positive * knobs.positive_share):
        return "positive share"
    if knobs.min_score is not None and score < knobs.min_score:
        return "min score"
    if knobs.max_score is not None and score > knobs.max_score:
        return "max score"
    return None


def naive(rows, scores, barred, positive, knobs, turn):
    """One pair, one candidate at a time."""
    there = [rank for rank, row in enumerate(rows) if row >= 0]
    hits = {rank: first_hit(knobs, rank, scores[rank], barred[rank], positive) for rank in there}
    free = sorted((rank for rank in there if hits[rank] is None), key=turn.index)[: knobs.keep]
    return free, {name: list(hits.values()).count(name) for name in FILTERS}


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_knobs_equal_a_naive_loop(data):
    n, k = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 8))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    scores = -np.sort(-rng.choice([-1.0, -0.5, -0.25, 0.0, 0.25, 0.5], (n, k)).astype(np.float32), axis=1)
    rows = np.stack([rng.permutation(20)[:k] for _ in range(n)])
    for line in range(n):
        end = rng.integers(0, k + 1)
        rows[line, end:], scores[line, end:] = -1, -np.inf
    barred = (rng.random((n, k)) < 0.3) & (rows >= 0)
    positive = rng.choice([-0.5, 0.0, 0.5, np.nan], n).astype(np.float32)
    low, limits = (
        data.draw(st.integers(0, 4)),
        sorted(data.draw(st.lists(st.sampled_from([-0.5, 0.0, 0.25]), max_size=2))),
    )
    knobs = Knobs(
        low=low,
        high=low + data.draw(st.integers(1, 6)),
        keep=data.draw(st.integers(1, 4)),
        absolute_margin=data.draw(st.sampled_from([None, 0.0, 0.25, 0.5])),
        relative_margin=data.draw(st.sampled_from([None, 0.0, 0.25, 0.5])),
        positive_share=data.draw(st.sampled_from([None, 0.5, 0.95, 1.0])),
        min_score=limits[0] if limits else None,
        max_score=limits[1] if len(limits) > 1 else None,
        pick=data.draw(st.sampled_from([Top(), Uniform(), SimAns(2.0, 0.1)])),
    )
    free, dropped = allowed(Ranked(rows, scores), barred, knobs, positive)
    picked = pick(Candidates(Ranked(rows, scores), free, KEYS[:n], positive), knobs.keep, knobs.pick, "me")
    turns = knobs.pick.rank(KEYS[:n], scores, positive).tolist()
    total = dict.fromkeys(FILTERS, 0)
    for i in range(n):
        ranks, hits = naive(rows[i], scores[i], barred[i], positive[i], knobs, turns[i])
        empty = knobs.keep - len(ranks)
        assert picked["rank"][i].tolist() == ranks + [-1] * empty
        assert picked["row"][i].tolist() == rows[i, ranks].tolist() + [-1] * empty
        assert picked["score"][i, : len(ranks)].tolist() == scores[i, ranks].tolist()
        assert picked["miner"][i].tolist() == ["me"] * len(ranks) + [""] * empty
        total = {name: total[name] + hits[name] for name in FILTERS}
    assert {name: dropped.get(name, 0) for name in FILTERS} == total
    assert list(dropped) == [name for name in FILTERS if name in dropped], "told in the order of filters"


@pytest.mark.parametrize(
    ("knob", "kept"),
    [
        ({}, [-0.3, -0.37, -0.41, -0.45]),
        ({"relative_margin": 0.1}, [-0.45]),
        ({"positive_share": 0.9}, [-0.37, -0.41, -0.45]),
    ],
)
def test_beside_a_negative_positive_a_margin_is_stricter_than_none_and_a_share_lets_harder_ones_pass(knob, kept):
    scores = np.array([[-0.3, -0.37, -0.41, -0.45]], np.float32)
    ranked = Ranked(np.arange(4)[None], scores)
    free, _ = allowed(ranked, np.zeros((1, 4), bool), Knobs(**knob), np.array([-0.4], np.float32))
    assert scores[free].tolist() == pytest.approx(kept)


@given(st.floats(0.01, 1), st.floats(0, 40, width=32), st.lists(st.floats(-5, 40, width=32), min_size=1, max_size=6))
def test_beside_a_positive_score_a_share_is_a_relative_margin(share, positive, scores):
    ranked = Ranked(np.arange(len(scores))[None], np.array([scores], np.float32))
    barred, told = np.zeros((1, len(scores)), bool), np.array([positive], np.float32)
    by_share, _ = allowed(ranked, barred, Knobs(positive_share=share), told)
    by_margin, _ = allowed(ranked, barred, Knobs(relative_margin=1 - share), told)
    clear = np.abs(ranked.scores - share * positive) > 1e-4
    assert (by_share == by_margin)[clear].all()


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(InputError, match="not a number"):
        allowed(Ranked(np.array([[0]]), np.array([[np.nan]], np.float32)), np.zeros((1, 1), bool), Knobs())


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        ({"low": 5, "high": 5}, "negatives.low=5"),
        ({"low": -1}, "negatives.low=-1"),
        ({"keep": 0}, "negatives.keep=0"),
        ({"absolute_margin": -0.1}, "absolute_margin=-0.1"),
        ({"absolute_margin": float("nan")}, "absolute_margin=nan"),
        ({"relative_margin": 1.5}, "relative_margin=1.5"),
        ({"positive_share": 0.0}, "positive_share=0.0"),
        ({"positive_share": 1.05}, "positive_share=1.05"),
        ({"min_score": 0.5, "max_score": 0.2}, "min_score=0.5 must be at most negatives.max_score=0.2"),
    ],
)
def test_impossible_knobs_say_which(bad, name):
    with pytest.raises(InputError, match=name):
        Knobs(**bad)
