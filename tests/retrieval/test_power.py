import numpy as np
import pytest
from scipy import stats

from shoptalk.retrieval.power import curve, needed, power, smallest
from shoptalk.retrieval.significance import compare


@pytest.mark.parametrize("n", [5, 40, 300])
def test_the_curve_is_the_share_of_simulated_comparisons_that_find_the_difference(n):
    random, deviation = np.random.default_rng(n), 0.35
    sizes = np.array([0.0, 0.5, 1.0, 2.0, 3.0, 4.0]) * deviation / np.sqrt(n)
    for size, expected in zip(sizes, curve(deviation, n, sizes), strict=True):
        found = stats.ttest_1samp(random.normal(size, deviation, (8000, n)), 0, axis=1).pvalue < 0.05
        assert found.mean() == pytest.approx(expected, abs=0.02)


@pytest.mark.slow
def test_the_randomisation_test_has_that_power_on_scores():
    """Differences as nDCG@10 has them: most queries are alike, the others jump between few values."""
    random, n, found = np.random.default_rng(0), 200, []
    steps = np.array([-1, -0.5, -0.37, 0, 0, 0, 0, 0.37, 0.5, 1])
    size = 0.07
    for trial in range(1000):
        found.append(compare(size + random.choice(steps, n), np.zeros(n), resamples=399, seed=trial).p_value < 0.05)
    assert np.mean(found) == pytest.approx(power(size, steps.std(), n), abs=0.04)


def test_the_smallest_difference_has_just_the_power_asked():
    for deviation, n in ((0.35, 300), (0.02, 7), (1.0, 2)):
        assert power(smallest(deviation, n), deviation, n) == pytest.approx(0.8, abs=1e-6)
    # 2.8 standard errors, by the normal approximation.
    assert smallest(0.35, 2000) == pytest.approx((1.96 + 0.8416) * 0.35 / 2000**0.5, rel=2e-3)


def test_nothing_can_be_said_of_one_query_or_of_arms_that_never_differ():
    assert smallest(0.3, 1) is None and smallest(0.0, 50) is None


def test_so_many_queries_are_needed_and_no_fewer():
    n = needed(0.02, 0.35)
    assert power(0.02, 0.35, n) >= 0.8 > power(0.02, 0.35, n - 1)
    assert needed(5.0, 0.01) == 2


def test_power_stays_a_probability_where_differences_are_huge():
    assert power(1.0, 1e-6, 2000) == 1.0 and power(-0.05, 0.35, 300) == power(0.05, 0.35, 300)
