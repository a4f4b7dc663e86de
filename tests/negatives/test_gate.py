from dataclasses import replace

import numpy as np
import pytest

from shoptalk.domain.judgments import Judged
from shoptalk.negatives.gate import Gate


def perfect(judged, corpus, sign):
    """A teacher that scores a document by its grade, or by the opposite."""

    def scores(queries, rows):
        lines = zip(queries, rows, strict=True)
        return sign * np.array([[judged.qrels[q].get(corpus.ids[r], 0) for r in line] for q, line in lines], np.float32)

    return scores


@pytest.fixture
def ground(world):
    ask = world.make(documents=60)
    texts = [f"{colour} {animal}" for colour in ("red", "blue", "old") for animal in ("ant", "bee", "cat", "dog")]
    near = ask.dense(texts, 60).rows
    qrels = {t: {f"d{near[i, 4]}": 2, f"d{near[i, 7]}": 1, f"d{near[i, 40]}": 1} for i, t in enumerate(texts)}
    return ask, Judged(texts, texts, qrels)


def test_both_order_the_same_candidates_and_the_difference_is_paired(ground):
    ask, dev = ground
    gate = Gate.of(perfect(dev, ask.corpus, 1), ask.dense, ask.corpus, dev, 20)
    discount = 1 / np.log2(np.arange(2, 12))
    ideal = 2 * discount[0] + discount[1] + discount[2]
    # The document of rank 40 is no candidate, and lost to both.
    assert gate.teacher == pytest.approx((2 * discount[0] + discount[1]) / ideal)
    assert gate.base == pytest.approx((2 * discount[4] + discount[7]) / ideal)
    assert gate.difference.mean == pytest.approx(gate.teacher - gate.base)
    assert gate.difference.n == 12 and gate.candidates == 20 and gate.notices() == []
    assert gate.told()["difference"]["verdict"] == "better"


def test_a_worse_teacher_is_warned_of_with_the_size_and_the_mend(ground):
    ask, dev = ground
    gate = Gate.of(perfect(dev, ask.corpus, -1), ask.dense, ask.corpus, dev, 20)
    [notice] = gate.notices()
    assert f"nDCG@10 0.000 against {gate.base:.3f}, {-100 * gate.base:+.1f} points" in notice
    assert "teacher=hub" in notice and "inconclusive" not in notice


def test_a_difference_that_may_be_chance_is_called_inconclusive(ground):
    ask, dev = ground
    worse = Gate.of(perfect(dev, ask.corpus, -1), ask.dense, ask.corpus, dev, 20)
    [notice] = replace(worse, difference=replace(worse.difference, p_value=0.3)).notices()
    assert "inconclusive" in notice


def test_equal_scores_leave_the_order_of_the_base_model(ground):
    ask, dev = ground
    gate = Gate.of(lambda queries, rows: np.zeros(rows.shape, np.float32), ask.dense, ask.corpus, dev, 20)
    assert gate.teacher == gate.base > 0 and gate.difference.p_value == 1 and gate.notices() == []


def test_a_small_corpus_is_taken_whole(ground):
    ask, dev = ground
    gate = Gate.of(perfect(dev, ask.corpus, 1), ask.dense, ask.corpus, dev, 500)
    assert gate.candidates == 60 and gate.teacher == pytest.approx(1)
