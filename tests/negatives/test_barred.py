import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Known
from shoptalk.negatives.barred import Barred, fill

KEYS = np.arange(40, dtype=np.uint64)


def small_world(size, known, rng):
    corpus = Corpus([f"d{i}" for i in range(size)], ["t"] * size, [""] * size)
    positives = {f"d{i}" for i in rng.integers(0, size, known)} | {"d0"}
    pairs = pl.DataFrame({"query": ["Q"], "doc_id": ["d0"]})
    return Barred(pairs, corpus, Known([("q .", d) for d in positives])), positives


@given(st.integers(1, 12), st.integers(0, 6), st.integers(1, 6), st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_fill_takes_every_allowed_document_before_it_gives_up(size, known, keep, seed):
    barred, positives = small_world(size, known, np.random.default_rng(seed))
    rows, filled = fill(np.full((1, keep), -1), barred, KEYS[seed % 40 : seed % 40 + 1])
    got = [f"d{r}" for r in rows[0] if r >= 0]
    assert len(set(got)) == len(got) == filled == min(keep, size - len(positives))
    assert not set(got) & positives


@given(st.integers(0, 99), st.integers(0, 63))
@settings(max_examples=50, deadline=None)
def test_fill_leaves_other_places_alone(seed, bits):
    barred, _ = small_world(30, 3, np.random.default_rng(seed))
    where = np.array([[bool(bits >> place & 1) for place in range(6)]])
    start = np.array([[7, -1, -1, 8, -1, -1]])
    rows, filled = fill(start, barred, KEYS[:1], where)
    assert (rows[~where] == start[~where]).all() and (rows[where] >= 0).all()
    assert filled == int((where & (start < 0)).sum())


def test_known_positives_of_every_spelling_are_barred():
    corpus = Corpus(["a", "b", "c"], ["t"] * 3, [""] * 3)
    pairs = pl.DataFrame({"query": ["Heart  Rate"], "doc_id": ["a"]})
    known = Known([("heart rate?", "b"), ("heart rates", "c")])
    assert Barred(pairs, corpus, known).mask(np.array([[0, 1, 2, -1]])).tolist() == [[True, True, False, False]]
