import numpy as np
import pytest
from scipy import stats

from shoptalk.retrieval.significance import compare


def test_a_clear_gain_is_better_and_its_mirror_is_worse():
    random = np.random.default_rng(0)
    base = random.random(300)
    gain = compare(base + random.normal(0.1, 0.2, 300), base)
    loss = compare(base, base + random.normal(0.1, 0.2, 300))
    assert gain.verdict == "better" and gain.low < gain.mean < gain.high
    assert loss.verdict == "worse"


def test_equal_arms_are_inconclusive():
    same = np.linspace(0, 1, 50)
    assert compare(same, same).verdict == "inconclusive" and compare(same, same).p_value == 1.0


def test_p_value_is_that_of_the_sign_flip_test_counted_out():
    delta = np.array([0.3, -0.1, 0.4, 0.2, 0.5, 0.1, -0.05, 0.25])
    signs = np.array(np.meshgrid(*[[-1, 1]] * len(delta))).reshape(len(delta), -1)
    exact = (np.abs((signs * delta[:, None]).mean(axis=0)) >= abs(delta.mean()) - 1e-12).mean()
    assert abs(compare(delta, np.zeros(8)).p_value - exact) < 0.02


def test_interval_is_near_the_normal_one_for_many_queries():
    delta = np.random.default_rng(1).normal(0.02, 0.3, 2000)
    found = compare(delta, np.zeros(2000))
    low, high = stats.t.interval(0.95, 1999, delta.mean(), stats.sem(delta))
    assert abs(found.low - low) < 0.003 and abs(found.high - high) < 0.003


def test_false_alarms_stay_near_five_percent():
    random = np.random.default_rng(2)
    trials = [compare(random.normal(0, 1, 40), np.zeros(40), resamples=499).verdict for _ in range(200)]
    assert sum(v != "inconclusive" for v in trials) <= 22


def null_comparison(random: np.random.Generator, n: int) -> np.ndarray:
    """Differences of two arms that are equally good: many queries are alike in both, the others skewed and noisy."""
    hard = random.beta(0.6, 0.6, n)
    arms = np.where(random.random((2, n)) < 0.5, hard, random.beta(0.6, 0.6, (2, n)))
    return arms[0] - arms[1]


@pytest.mark.slow
def test_ten_thousand_comparisons_of_equal_arms_raise_five_percent_false_alarms():
    random = np.random.default_rng(0)
    found = [compare(null_comparison(random, 60), np.zeros(60), resamples=999, seed=i) for i in range(10_000)]
    assert abs(np.mean([one.p_value < 0.05 for one in found]) - 0.05) < 0.01
    assert abs(np.mean([one.verdict != "inconclusive" for one in found]) - 0.05) < 0.01
