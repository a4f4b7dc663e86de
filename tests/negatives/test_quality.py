import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.negatives.calibration import Isotonic, Platt, Sigmoid
from shoptalk.negatives.quality import Evidence, Quality, Reliability, auc, out_of_fold


def evidence(queries=60, per_query=20, seed=0, slope=2.0, bias=-2.0):
    """Documents whose labels are drawn from a known sigmoid of their logits."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, queries * per_query).astype(np.float32)
    labels = rng.random(len(logits)) < 1 / (1 + np.exp(-(slope * logits + bias)))
    texts = [f"query {i // per_query}" for i in range(len(logits))]
    return Evidence(texts, logits, labels, np.ones(len(logits)))


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(1, 3)), min_size=2, max_size=20))
@settings(deadline=None)
def test_auc_counts_pairs(points):
    high = [(s, w) for s, y, w in points if y]
    low = [(s, w) for s, y, w in points if not y]
    if not high or not low:
        return
    wins = sum(v * w * ((a > b) + (a == b) / 2) for a, v in high for b, w in low)
    everything = sum(w for _, w in high) * sum(w for _, w in low)
    logits, labels, weights = (np.array(column) for column in zip(*points, strict=True))
    assert auc(logits, labels, weights) == pytest.approx(wins / everything)


def test_bins_are_equal_and_agree_with_a_naive_loop():
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, 500)
    labels = rng.random(500) < p**2
    bins = Reliability.of(p, labels, np.ones(500))
    order = np.argsort(p)
    parts = [order[at : at + 50] for at in range(0, 500, 50)]
    assert bins.n == [50] * 10 and bins.share == pytest.approx([0.1] * 10)
    assert bins.predicted == pytest.approx([p[part].mean() for part in parts])
    assert bins.relevant == pytest.approx([labels[part].mean() for part in parts])
    naive = np.mean([abs(p[part].mean() - labels[part].mean()) for part in parts])
    assert bins.ece == pytest.approx(naive) and naive > 0.1


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_bins_hold_everything_and_the_order_of_ties_does_not_matter(data):
    n = data.draw(st.integers(1, 60))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    p, labels, weights = rng.integers(1, 5, n) / 6, rng.random(n) < 0.4, rng.uniform(0.5, 2, n)
    bins = Reliability.of(p, labels, weights)
    assert sum(bins.n) == n and sum(bins.share) == pytest.approx(1) and len(bins.n) <= 10
    assert np.dot(bins.share, bins.predicted) == pytest.approx(np.average(p, weights=weights))
    assert np.dot(bins.share, bins.relevant) == pytest.approx(np.average(labels, weights=weights))
    assert bins.predicted == pytest.approx(sorted(bins.predicted))
    equal = np.ones(n)
    turned = rng.permutation(n)
    one, other = (Reliability.of(p[o], labels[o], equal) for o in (np.arange(n), turned))
    assert one.relevant == pytest.approx(other.relevant) and one.n == other.n


def test_the_true_probabilities_are_reliable_and_skilled():
    found = evidence(queries=500)
    true = Sigmoid(2.0, -2.0)(found.logits)
    quality = Quality.of(found, true)
    assert quality.ece < 0.02 and quality.brier_skill > 0.5 and quality.auc > 0.9
    rate = found.labels.mean()
    useless = Quality.of(found, np.full(len(true), rate))
    assert useless.brier_skill == pytest.approx(0) and useless.brier == pytest.approx(rate * (1 - rate))
    assert Quality.of(found, 1 - true).brier_skill < 0
    p = np.clip(true.astype(np.float64), 1e-7, 1 - 1e-7)
    assert quality.brier == pytest.approx(np.mean((p - found.labels) ** 2))
    assert quality.log_loss == pytest.approx(-np.mean(np.log(np.where(found.labels, p, 1 - p))))


def test_told_is_plain_json():
    import json

    found = evidence()
    told = Quality.of(found, Sigmoid(2.0, -2.0)(found.logits)).told()
    assert json.loads(json.dumps(told)) == told
    assert len(told["bins"]) == 10 and told["bins"][0].keys() == {"n", "share", "predicted", "relevant"}


class Spy:
    """Remembers on what it was fitted; gives everybody one half."""

    def __init__(self):
        self.seen = []

    def fit(self, logits, labels, weights, context):
        self.seen.append(set(logits.tolist()))
        return Sigmoid(0.0, 0.0)


def test_no_document_of_a_query_calibrates_another_of_it():
    found = evidence(queries=13, per_query=10)
    texts = [text.upper() + " ." if i % 2 else text for i, text in enumerate(found.queries)]
    spy = Spy()
    out_of_fold(Evidence(texts, found.logits, found.labels, found.weights), spy)
    assert len(spy.seen) == 5
    for query in range(13):
        own = set(found.logits[10 * query : 10 * query + 10].tolist())
        assert sum(own <= seen for seen in spy.seen) == 4 and sum(bool(own & seen) for seen in spy.seen) == 4
    assert max(map(len, spy.seen)) - min(map(len, spy.seen)) <= 10


def test_out_of_fold_figures_show_what_in_sample_ones_hide():
    """Isotonic fitted to noise looks skilled on what it was fitted to."""
    rng = np.random.default_rng(0)
    noise = Evidence([f"q{i // 4}" for i in range(80)], rng.normal(size=80), rng.random(80) < 0.4, np.ones(80))
    inside = Quality.of(noise, Isotonic().fit(noise.logits, noise.labels)(noise.logits))
    outside = Quality.of(noise, out_of_fold(noise, Isotonic()))
    assert inside.brier_skill > 0.02 > -0.02 > outside.brier_skill


def test_out_of_fold_probabilities_are_near_the_truth():
    found = evidence(queries=500)
    p = out_of_fold(found, Platt())
    np.testing.assert_allclose(p, Sigmoid(2.0, -2.0)(found.logits), atol=0.03)
    assert len(np.unique(np.round((np.log(p / (1 - p)) - 2 * found.logits)[:20], 4))) > 1


def test_too_few_queries_to_cross_validate_give_none():
    one = Evidence(["a", "a", "b"], np.array([1.0, 2, 3]), np.array([True, False, False]), np.ones(3))
    assert out_of_fold(one, Platt()) is None
    alone = Evidence(["a", "b", "b"], np.array([1.0, 2, 3]), np.array([True, True, False]), np.ones(3))
    assert out_of_fold(alone, Platt()) is None
