import numpy as np
import polars as pl
import pytest
from scipy.stats import gamma

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.examination import Examination
from shoptalk.sources.clicks.propensity.given import Given
from shoptalk.sources.clicks.relevance import Evidence, GammaLowerBound, PosteriorLowerBound
from shoptalk.sources.clicks.selection import ClippedRate, Selection, Support


def totals(clicks, examinations):
    clicks, examinations = np.asarray(clicks, dtype=float), np.asarray(examinations, dtype=float)
    return Evidence(clicks, examinations, *[np.empty(0)] * 4)


def log_of(rates, searches, ranks, seed=0):
    """By position: every pair shown ``searches`` times at ranks drawn from ``ranks``, clicked at 1 / rank * rate."""
    random = np.random.default_rng(seed)
    rows = []
    for pair, rate in enumerate(rates):
        position = random.choice(ranks, searches)
        clicked = random.random(searches) < rate / position
        for k in np.unique(position):
            rows.append((pair, "d", k, int((position == k).sum()), int(clicked[position == k].sum())))
    return pl.DataFrame(rows, orient="row", schema=["query_id", "doc_id", "position", "impressions", "clicks"])


def test_gamma_bound_is_the_quantile_of_the_posterior():
    table = totals([0, 1, 5, 50], [1.0, 2.5, 5.0, 70.0])
    average = 56 / 78.5
    found = GammaLowerBound(0.1).score(table)
    for clicks, looks, bound in zip(table.clicks, table.examinations, found, strict=True):
        assert gamma.cdf(bound, clicks + average, scale=1 / (looks + 1)) == pytest.approx(0.1)
    assert (found < (table.clicks + average) / (table.examinations + 1)).all()


def test_more_evidence_of_the_same_rate_raises_the_bound():
    looks = np.array([1.0, 2, 5, 10, 100, 1000])
    bound = GammaLowerBound().score(totals(looks / 2, looks))
    assert (np.diff(bound) > 0).all()
    assert bound[-1] == pytest.approx(0.5, abs=0.03)


def test_the_bound_holds_in_nine_cases_of_ten():
    random = np.random.default_rng(0)
    clicks = random.poisson(0.4 * 300, 20_000)
    bound = GammaLowerBound(0.1).score(totals(clicks, np.full(20_000, 300.0)))
    assert (bound <= 0.4).mean() == pytest.approx(0.9, abs=0.04)  # counts are discrete


def test_no_click_at_all_scores_nothing():
    assert (GammaLowerBound().score(totals([0, 0], [1, 3])) == 0).all()


def test_posterior_bound_equals_a_plain_loop():
    table = log_of([0.1, 0.4, 0.9, 0.9, 0.2], 12, [1, 2, 3])
    theta = 1 / np.arange(1, 4)
    bound = PosteriorLowerBound(0.2, cells=4)
    centres = [0.125, 0.375, 0.625, 0.875]
    likelihood = np.ones((5, 4))
    for query, _, k, n, x in table.rows():
        for c, g in enumerate(centres):
            likelihood[query, c] *= (g / k) ** x * (1 - g / k) ** (n - x)
    posterior = likelihood * bound.prior(likelihood)
    posterior /= posterior.sum(axis=1, keepdims=True)
    for line, found in zip(posterior, bound.score(Evidence.of(Observed(table), Examination(theta))), strict=True):
        cumulated = np.concatenate([[0], np.cumsum(line)])
        assert found == pytest.approx(np.interp(0.2, cumulated, [0, 0.25, 0.5, 0.75, 1]))


def test_posterior_learns_the_usual_rates_and_its_bound_holds():
    rates = np.repeat([0.1, 0.9], [1800, 200])
    evidence = Evidence.of(Observed(log_of(rates, 8, [1, 2, 4])), Examination(1 / np.arange(1, 5)))
    score = PosteriorLowerBound(0.1).score(evidence)
    chosen = score >= 0.5
    assert rates[chosen].mean() > 0.87  # 0.9 for the true ones, 0.1 for the others
    gamma_chosen = GammaLowerBound(0.1).score(evidence) >= 0.5
    assert (chosen & (rates == 0.9)).sum() > 1.2 * (gamma_chosen & (rates == 0.9)).sum()


def test_posterior_bound_is_the_same_in_small_chunks(monkeypatch):
    evidence = Evidence.of(Observed(log_of(np.linspace(0, 1, 50), 6, [1, 3])), Examination(1 / np.arange(1, 4)))
    whole = PosteriorLowerBound().score(evidence)
    monkeypatch.setattr(PosteriorLowerBound, "_CHUNK", 7)
    assert PosteriorLowerBound().score(evidence) == pytest.approx(whole, rel=1e-12)


def test_propensity_rule_and_list():
    stats = pl.DataFrame({"position": [1, 4]}, schema={"position": pl.Int16})
    assert Given(eta=2).estimate(Observed(stats)).theta == pytest.approx([1, 1 / 4, 1 / 9, 1 / 16])
    assert Given(theta=[1, 0.6, 0.4, 0.3, 0.2]).estimate(Observed(stats)).theta.tolist() == [1, 0.6, 0.4, 0.3]
    assert Given().estimate(Observed(stats)).assumed


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: GammaLowerBound(0), "relevance.quantile"),
        (lambda: PosteriorLowerBound(cells=1), "relevance.cells"),
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
