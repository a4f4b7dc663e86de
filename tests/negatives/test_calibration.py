import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shoptalk.errors import InputError
from shoptalk.negatives.calibration import InContext, Isotonic, Platt, Sigmoid, Temperature

ALL = [Platt(), Temperature(), Isotonic()]
names = [type(one).__name__ for one in ALL]


def drawn(slope, bias, seed=0, count=40_000):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, count)
    return logits, rng.random(count) < 1 / (1 + np.exp(-(slope * logits + bias)))


@given(st.floats(0.2, 5), st.floats(-4, 2), st.floats(0.1, 20), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_platt_recovers_the_slope_and_bias_that_drew_the_labels(slope, bias, spread, seed):
    logits, labels = drawn(slope, bias, seed)
    found = Platt().fit(logits * spread, labels)
    assert found.slope * spread == pytest.approx(slope, rel=0.15, abs=0.1)
    assert found.bias == pytest.approx(bias, rel=0.1, abs=0.2)


@pytest.mark.parametrize("slope", [0.2, 1, 4])
def test_temperature_recovers_the_scale_and_cannot_mend_the_base_rate(slope):
    found = Temperature().fit(*drawn(slope, 0))
    assert found.slope == pytest.approx(slope, rel=0.05) and found.bias == 0
    logits, labels = drawn(slope, -5)
    assert Temperature().fit(logits, labels)(logits).mean() > labels.mean() + 0.2
    assert Platt().fit(logits, labels)(logits).mean() == pytest.approx(labels.mean(), abs=0.005)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_isotonic_agrees_with_scikit_learn_within_the_pseudo_counts(data):
    isotonic = pytest.importorskip("sklearn.isotonic")
    n = data.draw(st.integers(2, 30))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    logits = rng.integers(-3, 4, n).astype(float)
    labels = rng.permutation(np.arange(n) < data.draw(st.integers(1, n - 1)))
    weights = rng.uniform(0.2, 3, n)
    ours = Isotonic().fit(logits, labels, weights)
    asked = np.concatenate([logits, rng.uniform(-6, 6, 20), [np.nan]])
    theirs = isotonic.IsotonicRegression(out_of_bounds="clip").fit(logits, labels, sample_weight=weights)
    low, high = 1 / (weights[~labels].sum() + 2), (weights[labels].sum() + 1) / (weights[labels].sum() + 2)
    inside = np.interp(asked[:-1], np.unique(logits), theirs.predict(np.unique(logits)).clip(low, high))
    np.testing.assert_allclose(ours(asked)[:-1], inside, atol=1e-6)
    assert np.isnan(ours(asked)[-1])


def test_isotonic_takes_a_shape_that_platt_cannot():
    rng = np.random.default_rng(0)
    logits = rng.uniform(-3, 3, 20_000)
    true = np.where(logits < 0, 0.1, 0.4)
    labels = rng.random(len(logits)) < true
    errors = {type(c).__name__: np.abs(c.fit(logits, labels)(logits) - true).mean() for c in ALL}
    assert errors["Isotonic"] < 0.015 < 0.04 < errors["Platt"]


@pytest.mark.parametrize("calibration", [ALL[0], ALL[2]], ids=[names[0], names[2]])
def test_probabilities_match_the_share_of_relevant_documents(calibration):
    logits, labels = drawn(1.5, -1)
    p = calibration.fit(logits, labels)(logits)
    for low in np.arange(0, 1, 0.1):
        inside = (p >= low) & (p < low + 0.1)
        assert labels[inside].mean() == pytest.approx(p[inside].mean(), abs=0.03)


@pytest.mark.parametrize("calibration", ALL, ids=names)
@given(
    points=st.lists(st.tuples(st.integers(-9, 9), st.booleans(), st.integers(1, 4)), min_size=2, max_size=25),
    seed=st.integers(0, 99),
)
@example(points=[(0, False, 1), (0, True, 3), (1, True, 3), (1, False, 1)], seed=0)  # the best slope is 0
@settings(deadline=None, max_examples=40)
def test_a_weight_is_as_many_documents_and_order_is_kept(calibration, points, seed):
    logits, labels, weights = (np.array(column) for column in zip(*points, strict=True))
    if labels.all() or not labels.any():
        return
    curve = calibration.fit(logits, labels, weights)
    repeated = calibration.fit(np.repeat(logits, weights), np.repeat(labels, weights))
    asked = np.sort(np.random.default_rng(seed).uniform(-12, 12, 30))
    p = curve(asked)
    np.testing.assert_allclose(p, repeated(asked), atol=1e-4)
    assert (np.diff(p) >= 0).all() and p.dtype == np.float32
    assert ((p > 0) & (p < 1)).all()
    assert curve(np.full((2, 3), np.nan)).shape == (2, 3)


@pytest.mark.parametrize("calibration", ALL, ids=names)
def test_separated_scores_keep_their_order_and_promise_no_certainty(calibration):
    curve = calibration.fit(np.array([-3.0, -2, 2, 3]), np.array([0, 0, 1, 1]))
    low, high = curve(np.array([-3, 3.0]))
    assert 0.1 < low < 0.5 < high < 0.9 and not curve.flat


@pytest.mark.parametrize(("calibration", "everybody"), zip(ALL, [13 / 36, 1 / 2, 2 / 6], strict=True), ids=names)
def test_a_teacher_that_is_upside_down_gives_everybody_the_same(calibration, everybody):
    curve = calibration.fit(np.array([3.0, 2, -2, -3, -4, -5]), np.array([0, 0, 0, 0, 1, 1]))
    assert curve.flat
    assert curve(np.array([-9, 9.0])) == pytest.approx([everybody] * 2)


@pytest.mark.parametrize("calibration", ALL, ids=names)
@pytest.mark.parametrize(
    ("logits", "labels", "sentence"),
    [
        ([1.0, 2.0], [0, 0], "0 relevant and 2 other .* raise negatives.high"),
        ([1.0, 2.0], [1, 1], "2 relevant and 0 other"),
        ([], [], "0 relevant and 0 other"),
        ([1.0, np.inf], [0, 1], "not all finite"),
        ([1.0, np.nan], [0, 1], "not all finite"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(calibration, logits, labels, sentence):
    with pytest.raises(InputError, match=sentence):
        calibration.fit(np.array(logits), np.array(labels))


def test_no_probability_is_nan_however_far_a_logit_lies():
    low, high = Sigmoid(1.0, 0.0)(np.array([-1e30, 1e30])).tolist()
    assert 0 < low < 1e-6 and 1 - 1e-6 < high < 1


def in_context(count=20_000, seed=0):
    rng = np.random.default_rng(seed)
    figures = rng.normal([1, -5, 0], [2, 0.1, 3], (count, 3))
    z = figures @ [0.8, 7, -0.4] + 33
    return figures, rng.random(count) < 1 / (1 + np.exp(-z))


def test_in_context_recovers_the_plane_that_drew_the_labels():
    figures, labels = in_context()
    found = InContext().fit(figures[:, 0], labels, context=figures[:, 1:])
    np.testing.assert_allclose(found.weights, [0.8, 7, -0.4], rtol=0.1)
    p = found(figures[:, 0], figures[:, 1:])
    assert p.dtype == np.float32 and p.mean() == pytest.approx(labels.mean(), abs=0.005)
    alone = Platt().fit(figures[:, 0], labels)(figures[:, 0])
    assert ((p - labels) ** 2).mean() < ((alone - labels) ** 2).mean() - 0.02


@given(st.integers(0, 999), st.integers(4, 40))
@settings(max_examples=30, deadline=None)
def test_in_context_is_scikit_learns_penalised_regression(seed, count):
    linear = pytest.importorskip("sklearn.linear_model")
    figures, labels = in_context(count, seed)
    if labels.all() or not labels.any():
        return
    weights = np.random.default_rng(seed).uniform(0.2, 3, count)
    ours = InContext().fit(figures[:, 0], labels, weights, figures[:, 1:])
    centre = np.average(figures, axis=0, weights=weights)
    scaled = (figures - centre) / np.sqrt(np.average((figures - centre) ** 2, axis=0, weights=weights))
    # Targets between 0 and 1: every document stands there twice, once as relevant.
    ones, zeros = weights[labels].sum(), weights[~labels].sum()
    target = np.where(labels, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    both = np.concatenate([weights * target, weights * (1 - target)])
    theirs = linear.LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000)
    theirs.fit(np.concatenate([scaled, scaled]), np.repeat([1, 0], count), sample_weight=both)
    expected = theirs.predict_proba(scaled)[:, 1]
    np.testing.assert_allclose(ours(figures[:, 0], figures[:, 1:]), expected, atol=1e-4)


def test_in_context_keeps_holes_and_leaves_out_what_never_varies():
    figures, labels = in_context(200)
    figures[:, 2] = 7
    found = InContext().fit(figures[:, 0], labels, context=figures[:, 1:])
    assert found.weights[2] == 0 and not found.flat
    logits = np.array([[1.0, np.nan]])
    p = found(logits, np.array([[[-5.0, 7], [np.nan, np.nan]]]))
    assert np.isfinite(p[0, 0]) and np.isnan(p[0, 1])
    with pytest.raises(InputError, match="base model's scores"):
        InContext().fit(figures[:, 0], labels, context=np.full((200, 1), np.nan))
