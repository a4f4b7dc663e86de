import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.domain.judgments import Judged
from shoptalk.errors import InputError
from shoptalk.negatives.calibration import auc, fit, judged_windows, paired_windows


@given(st.floats(0.2, 5), st.floats(-4, 2), st.floats(0.1, 20), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_recovers_the_slope_and_bias_that_drew_the_labels(slope, bias, spread, seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2, 40_000)
    labels = rng.random(len(z)) < 1 / (1 + np.exp(-(slope * z + bias)))
    found = fit(z * spread, labels)
    assert found.slope * spread == pytest.approx(slope, rel=0.15, abs=0.1)
    assert found.bias == pytest.approx(bias, rel=0.1, abs=0.2)


def test_probabilities_match_the_share_of_relevant_documents():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=50_000) * 3
    labels = rng.random(len(logits)) < 1 / (1 + np.exp(-logits))
    p = fit(logits, labels)(logits)
    for low in np.arange(0, 1, 0.1):
        inside = (p >= low) & (p < low + 0.1)
        assert labels[inside].mean() == pytest.approx(p[inside].mean(), abs=0.03)
    assert p.dtype == np.float32


def test_separated_scores_keep_a_finite_slope_and_order():
    platt = fit(np.array([-3.0, -2, 2, 3]), np.array([0, 0, 1, 1]))
    p = platt(np.array([-3, 3.0]))
    assert np.isfinite(platt.slope)
    assert p[0] < 0.5 < p[1]


def test_a_teacher_that_is_upside_down_gives_everybody_the_base_rate():
    platt = fit(np.array([3.0, 2, -2, -3, -4, -5]), np.array([0, 0, 0, 0, 1, 1]))
    assert platt.slope == 0
    assert platt(np.array([-9, 9.0])) == pytest.approx([3 / 8, 3 / 8])


@pytest.mark.parametrize(
    ("logits", "labels", "sentence"),
    [
        ([1.0, 2.0], [0, 0], "0 relevant and 2 other"),
        ([1.0, 2.0], [1, 1], "2 relevant and 0 other"),
        ([1.0, np.inf], [0, 1], "not all finite"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(logits, labels, sentence):
    with pytest.raises(InputError, match=sentence):
        fit(np.array(logits), np.array(labels))


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=20))
@settings(deadline=None)
def test_auc_counts_pairs(points):
    high = [s for s, y in points if y]
    low = [s for s, y in points if not y]
    if not high or not low:
        return
    wins = sum((a > b) + (a == b) / 2 for a in high for b in low)
    value = auc(np.array([s for s, _ in points]), np.array([y for _, y in points]))
    assert value == pytest.approx(wins / (len(high) * len(low)))


def test_windows_hold_the_ranks_asked_and_the_grades_above_zero(world):
    ask = world.make()
    near = ask.dense(["red ant"], 40).rows[0]
    judged = Judged(["q"], ["red ant"], {"q": {f"d{near[3]}": 2, f"d{near[4]}": 0, f"d{near[20]}": 1}})
    windows = judged_windows(judged, ask.corpus, ask.dense, (2, 10), 5)
    assert windows.rows.tolist() == [near[2:10].tolist()]
    assert windows.labels.tolist() == [[False, True] + [False] * 6]


def test_a_relevant_document_is_put_in_only_where_no_window_holds_one(world):
    ask = world.make()
    near = ask.dense(["red ant"], 40).rows[0]
    judged = Judged(["q"], ["red ant"], {"q": {f"d{near[20]}": 1}})
    windows = judged_windows(judged, ask.corpus, ask.dense, (0, 5), 5)
    assert windows.rows.tolist() == [[*near[:4].tolist(), near[20]]]
    assert windows.labels.tolist() == [[False] * 4 + [True]]


def test_windows_of_training_pairs_know_their_positives(world):
    ask = world.make()
    windows = paired_windows(ask.pairs, ask.corpus, ask.known, ask.dense, (0, 40), 3, 0)
    assert len(windows.queries) == 3
    for query, rows, labels in zip(windows.queries, windows.rows, windows.labels, strict=True):
        assert {f"d{r}" for r in rows[labels]} == ask.known.documents(query)
