import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Known
from shoptalk.errors import InputError
from shoptalk.negatives.draws import orders
from shoptalk.negatives.selection import Barred, Knobs, Top, Uniform, allowed, fill, pick
from shoptalk.retrieval.ranked import Ranked

KEYS = np.arange(40, dtype=np.uint64)


def naive(rows, scores, barred, positive, knobs, key):
    """One pair, one candidate at a time, in the documented order of filters."""
    dropped = dict.fromkeys(["known positive", "rank window", "margin", "max score"], 0)
    free, limits = [], []
    if knobs.absolute_margin is not None:
        limits.append(np.float32(positive - knobs.absolute_margin))
    if knobs.relative_margin is not None:
        limits.append(np.float32(positive - abs(positive) * knobs.relative_margin))
    for rank, (row, score, bar) in enumerate(zip(rows, scores, barred, strict=True)):
        if row < 0:
            continue
        if bar:
            dropped["known positive"] += 1
        elif not knobs.low <= rank < knobs.high:
            dropped["rank window"] += 1
        elif any(score > limit for limit in limits):
            dropped["margin"] += 1
        elif knobs.max_score is not None and score > knobs.max_score:
            dropped["max score"] += 1
        else:
            free.append(rank)
    turn = list(orders(key, len(rows))[0]) if isinstance(knobs.pick, Uniform) else list(range(len(rows)))
    chosen = sorted(sorted(free, key=turn.index)[: knobs.keep])
    return [rows[c] for c in chosen], dropped


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_knobs_equal_a_naive_loop(data):
    n, k = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 8))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    scores = -np.sort(-rng.choice([-1.0, -0.5, -0.25, 0.0, 0.25, 0.5], (n, k)).astype(np.float32), axis=1)
    rows = np.stack([rng.permutation(20)[:k] for _ in range(n)])
    for line in range(n):
        end = rng.integers(0, k + 1)
        rows[line, end:], scores[line, end:] = -1, -np.inf
    barred = (rng.random((n, k)) < 0.3) & (rows >= 0)
    positive = rng.choice([-0.5, 0.0, 0.5], n).astype(np.float32)
    margin = st.sampled_from([None, 0.0, 0.25, 0.5])
    low = data.draw(st.integers(0, 4))
    knobs = Knobs(
        low=low,
        high=low + data.draw(st.integers(1, 6)),
        keep=data.draw(st.integers(1, 4)),
        absolute_margin=data.draw(margin),
        relative_margin=data.draw(margin),
        max_score=data.draw(margin),
        pick=data.draw(st.sampled_from([Top(), Uniform()])),
    )
    ranked = Ranked(rows, scores)
    free, dropped = allowed(ranked, barred, knobs, positive)
    picked, _ = pick(ranked, free, knobs.keep, knobs.pick, KEYS[:n])
    expected = [naive(rows[i], scores[i], barred[i], positive[i], knobs, KEYS[i : i + 1]) for i in range(n)]
    for i, (wanted, _) in enumerate(expected):
        assert picked.rows[i].tolist() == wanted + [-1] * (knobs.keep - len(wanted))
    total = {name: sum(counts[name] for _, counts in expected) for name in expected[0][1]}
    assert {name: count for name, count in total.items() if count} == {k: v for k, v in dropped.items() if v}


def test_a_relative_margin_is_stricter_than_none_for_a_negative_positive_score():
    ranked = Ranked(np.array([[0, 1]]), np.array([[-0.41, -0.45]], np.float32))
    free, _ = allowed(ranked, np.zeros((1, 2), bool), Knobs(relative_margin=0.1), np.array([-0.4], np.float32))
    assert free.tolist() == [[False, True]]


@given(st.integers(1, 12), st.integers(0, 6), st.integers(1, 6), st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_fill_takes_every_allowed_document_before_it_gives_up(size, known, keep, seed):
    rng = np.random.default_rng(seed)
    corpus = Corpus([f"d{i}" for i in range(size)], ["t"] * size, [""] * size)
    positives = {f"d{i}" for i in rng.integers(0, size, known)} | {"d0"}
    pairs = pl.DataFrame({"query": ["Q"], "doc_id": ["d0"]})
    barred = Barred(pairs, corpus, Known([("q .", d) for d in positives]))
    rows, filled = fill(np.full((1, keep), -1), barred, KEYS[seed % 40 : seed % 40 + 1])
    got = [f"d{r}" for r in rows[0] if r >= 0]
    assert len(set(got)) == len(got) == filled == min(keep, size - len(positives))
    assert not set(got) & positives


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(InputError, match="not a number"):
        allowed(Ranked(np.array([[0]]), np.array([[np.nan]], np.float32)), np.zeros((1, 1), bool), Knobs())


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        ({"low": 5, "high": 5}, "negatives.low=5"),
        ({"keep": 0}, "negatives.keep=0"),
        ({"absolute_margin": -0.1}, "absolute_margin=-0.1"),
        ({"relative_margin": 1.5}, "relative_margin=1.5"),
    ],
)
def test_impossible_knobs_say_which(bad, name):
    with pytest.raises(InputError, match=name):
        Knobs(**bad)
