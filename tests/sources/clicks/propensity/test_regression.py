import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.em import PositionEM
from shoptalk.sources.clicks.propensity.regression import RegressionEM, standardised

THETA = np.array([1, 0.6, 0.4, 0.25, 0.2, 0.15])


@pytest.fixture(scope="module")
def described(worlds):
    """Attractiveness is a sigmoid of two features; many queries, few searches of each."""
    query, document, _ = worlds.shown_lists(25_000, seed=1, queries=1_500, zipf=0.3, rankers=3)
    x = np.random.default_rng(5).normal(size=(1_500, 12, 2))
    gamma = expit(x @ [1.5, -1.0] - 1.0)
    clicked = worlds.position_clicks(gamma[query[:, None], document], THETA, np.random.default_rng(6))

    def features(pairs):
        return x[pairs["query_id"].to_numpy(), pairs["doc_id"].cast(int).to_numpy()].astype(np.float32)

    found = Observed.of_lists(query, document, clicked)
    return Observed(found.by_position, found.lists, features), gamma


def test_features_make_up_for_few_impressions(worlds, described):
    observed, _ = described
    error = worlds.relative_error(RegressionEM().estimate(observed).theta, THETA)
    assert error < 0.05
    assert error < worlds.relative_error(PositionEM().estimate(observed).theta, THETA) / 2


def test_attractiveness_is_found_up_to_the_scale_of_theta(described):
    observed, gamma = described
    theta, found = RegressionEM(rounds=200, tolerance=1e-7).fitted(observed)
    pairs = observed.by_position.select("query_id", "doc_id").unique(maintain_order=True)
    true = gamma[pairs["query_id"].to_numpy(), pairs["doc_id"].cast(int).to_numpy()]
    assert np.abs(found * theta[0] - true).mean() < 0.04


def test_the_likelihood_of_theta_and_weights_is_at_its_maximum(described):
    observed, _ = described
    theta, gamma = RegressionEM(ridge=1e-3, rounds=1_500, tolerance=1e-9).fitted(observed)
    pair, table = observed.pair_numbers(), observed.by_position
    rank = table["position"].to_numpy().astype(int) - 1
    shown, clicks = table["impressions"].to_numpy(), table["clicks"].to_numpy()
    pairs = table.select("query_id", "doc_id").unique(maintain_order=True)
    x = standardised(observed.features(pairs))

    def loss(values):
        chance = expit(values[:6])[rank] * expit(x @ values[6:])[pair]
        return -(clicks * np.log(chance) + (shown - clicks) * np.log1p(-chance)).sum()

    best = minimize(loss, np.zeros(9), method="L-BFGS-B", options={"maxfun": 5_000})
    chance = theta[rank] * gamma[pair]
    mine = -(clicks * np.log(chance) + (shown - clicks) * np.log1p(-chance)).sum()
    assert mine == pytest.approx(best.fun, rel=1e-5)


def test_without_an_encoder_it_says_so(described):
    with pytest.raises(InputError, match="features"):
        RegressionEM().estimate(Observed(described[0].by_position))


@pytest.mark.parametrize("options", [{"ridge": 0}, {"rounds": 0}, {"tolerance": -1.0}])
def test_impossible_options(options):
    with pytest.raises(InputError, match=next(iter(options))):
        RegressionEM(**options)
