import numpy as np
import polars as pl
import pytest
from scipy.stats import gamma

from shoptalk.errors import InputError
from shoptalk.sources.clicks.propensity import Given
from shoptalk.sources.clicks.relevance import GammaLowerBound
from shoptalk.sources.clicks.selection import ClippedRate, Selection, Support


def test_gamma_bound_is_the_quantile_of_the_posterior():
    table = pl.DataFrame({"clicks": [0, 1, 5, 50], "examinations": [1.0, 2.5, 5.0, 70.0]})
    average = 56 / 78.5
    found = GammaLowerBound(0.1).score(table)
    for clicks, looks, bound in zip(table["clicks"], table["examinations"], found, strict=True):
        assert gamma.cdf(bound, clicks + average, scale=1 / (looks + 1)) == pytest.approx(0.1)
    assert (found < ((table["clicks"] + average) / (table["examinations"] + 1)).to_numpy()).all()


def test_more_evidence_of_the_same_rate_raises_the_bound():
    looks = np.array([1.0, 2, 5, 10, 100, 1000])
    bound = GammaLowerBound().score(pl.DataFrame({"clicks": looks / 2, "examinations": looks}))
    assert (np.diff(bound) > 0).all()
    assert bound[-1] == pytest.approx(0.5, abs=0.03)


def test_the_bound_holds_in_nine_cases_of_ten():
    random = np.random.default_rng(0)
    clicks = random.poisson(0.4 * 300, 20_000)
    bound = GammaLowerBound(0.1).score(pl.DataFrame({"clicks": clicks, "examinations": np.full(20_000, 300.0)}))
    assert (bound <= 0.4).mean() == pytest.approx(0.9, abs=0.04)  # counts are discrete


def test_no_click_at_all_scores_nothing():
    assert (GammaLowerBound().score(pl.DataFrame({"clicks": [0, 0], "examinations": [1.0, 3.0]})) == 0).all()


def test_propensity_rule_and_list():
    stats = pl.DataFrame({"position": [1, 4]}, schema={"position": pl.Int16})
    assert Given(eta=2).estimate(stats).theta == pytest.approx([1, 1 / 4, 1 / 9, 1 / 16])
    assert Given(theta=[1, 0.6, 0.4, 0.3, 0.2]).estimate(stats).theta.tolist() == [1, 0.6, 0.4, 0.3]
    assert Given().estimate(stats).assumed


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: GammaLowerBound(0), "relevance.level"),
        (lambda: Given(theta=[1, 0]), "propensity.theta"),
        (lambda: Given(theta=[]), "propensity.theta"),
        (lambda: Given(eta=-1), "propensity.eta"),
        (lambda: Given(eta=float("nan")), "propensity.eta"),
        (lambda: Support(impressions=-1), "support"),
        (lambda: Selection(max_pairs=0), "selection.max_pairs"),
        (lambda: ClippedRate(0.5), "weight.spread"),
    ],
)
def test_impossible_settings(make, part):
    with pytest.raises(InputError, match=part):
        make()
