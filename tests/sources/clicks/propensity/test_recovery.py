"""The recovery world: 1,000 queries of 30 documents, 3 relevant, theta = 1 / k, chance clicks 0.1, Zipf traffic."""

import numpy as np
import pytest

from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.em import PositionEM
from shoptalk.sources.clicks.propensity.intervention import AllPairs
from shoptalk.sources.clicks.propensity.none import NoCorrection

THETA = 1 / np.arange(1, 11)


def searched(rankers, sessions, seed):
    random = np.random.default_rng([seed, rankers])
    relevant = np.argsort(random.random((1_000, 30)), axis=1) < 3
    orders = np.argsort(-(relevant + random.standard_normal((rankers, 1_000, 30))), axis=2)[:, :, :10]
    share = 1 / np.arange(1, 1_001)
    query = random.choice(1_000, sessions, p=share / share.sum())
    document = orders[random.integers(0, rankers, sessions), query]
    attraction = np.where(relevant[query[:, None], document], 1.0, 0.1)
    return Observed.of_lists(query, document, random.random(document.shape) < attraction * THETA)


def errors(worlds, estimator, rankers, sessions, seeds):
    return np.mean(
        [worlds.relative_error(estimator.estimate(searched(rankers, sessions, s)).theta, THETA) for s in seeds]
    )


def test_three_rankers_and_a_hundred_thousand_searches(worlds):
    assert errors(worlds, AllPairs(), 3, 100_000, range(2)) <= 0.05
    assert errors(worlds, PositionEM(), 3, 100_000, range(2)) <= 0.14


@pytest.mark.slow
def test_five_rankers_and_a_million_searches(worlds):
    for estimator in (AllPairs(), PositionEM()):
        assert errors(worlds, estimator, 5, 1_000_000, range(5)) <= 0.03


def test_uncorrected_clicks_are_far_off(worlds):
    assert errors(worlds, NoCorrection(), 3, 20_000, range(1)) > 1
