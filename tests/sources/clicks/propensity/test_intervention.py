"""Estimators of propensities: known truth recovered, parity with plain loops, refusals."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.browsing import UserBrowsingEM
from shoptalk.sources.clicks.propensity.context import ByContext
from shoptalk.sources.clicks.propensity.em import PositionEM, Smoothing, two_factors
from shoptalk.sources.clicks.propensity.given import Given
from shoptalk.sources.clicks.propensity.identify import link_counts
from shoptalk.sources.clicks.propensity.intervention import AdjacentChain, AllPairs, harvested
from shoptalk.sources.clicks.propensity.none import NoCorrection
from shoptalk.sources.clicks.propensity.regression import RegressionEM
from shoptalk.sources.clicks.propensity.trust import Trust
from shoptalk.sources.clicks.simulation.click_models import PositionBased
from shoptalk.sources.clicks.simulation.click_models import Trust as TrustingUsers
from shoptalk.sources.clicks.simulation.pool import Pool, draw

RANKS = np.arange(1, 11)
SMALL = {"min_pairs": 1}


def simulated(eta=1.0, rankers=3, sessions=100_000, seed=0, model=None):
    """The recovery world: lists, clicks and their counts."""
    lists = draw(Pool(rankers=rankers), sessions, seed)
    relevance = lists.relevance.astype(np.float32)
    model = model or PositionBased(eta=eta)
    clicked = model.clicks(relevance, np.ones(relevance.shape, dtype=bool), np.random.default_rng([seed, 1]))
    return lists, Observed.of_lists(lists.query, lists.document, clicked)


def error(theta, eta=1.0):
    true = 1 / RANKS**eta
    return float((np.abs(theta / theta[0] - true) / true)[1:].mean())


def random_counts(seed, queries=12, documents=4, ranks=4):
    random = np.random.default_rng(seed)
    rows = [
        (q, f"d{d}", k, float(n), float(random.binomial(n, 0.6 / k)))
        for q in range(queries)
        for d in range(documents)
        for k in range(1, ranks + 1)
        if (n := int(random.integers(0, 12)))
    ]
    schema = {"query_id": pl.Int32, "doc_id": pl.String, "position": pl.Int16, "impressions": pl.Float64}
    return Observed(pl.DataFrame(rows, schema | {"clicks": pl.Float64}, orient="row"))


@pytest.mark.parametrize(("estimator", "most"), [(AllPairs(), 0.05), (PositionEM(), 0.14), (AdjacentChain(), 0.2)])
def test_three_rankers_and_100k_sessions_give_the_chances_back(estimator, most):
    errors = [error(estimator.estimate(simulated(seed=seed)[1]).theta) for seed in range(5)]
    assert np.mean(errors) <= most


def test_without_bias_the_chances_are_flat():
    theta = AllPairs().estimate(simulated(eta=0)[1]).theta
    assert error(theta, eta=0) < 0.03


def test_harvested_rates_equal_plain_loops():
    observed = random_counts(3)
    expected, weights = np.zeros((4, 4)), np.zeros((4, 4))
    pairs = {}
    for q, d, k, n, x in observed.by_position.iter_rows():
        pairs.setdefault((q, d), []).append((k - 1, n, x))
    for rows in pairs.values():
        for (k, n, x), (other, m, y) in combinations(rows, 2):
            weight = n * m / (n + m)
            expected[k, other] += weight * x / n
            expected[other, k] += weight * y / m
            weights[k, other] += weight
            weights[other, k] += weight
    clicks, weight = harvested(observed, 1)
    assert clicks == pytest.approx(expected) and weight == pytest.approx(weights)
    shown_twice = sum(len({k for k, *_ in rows} & {0, 2}) == 2 for rows in pairs.values())
    assert link_counts(observed)[0, 2] == link_counts(observed)[2, 0] == shown_twice


def likelihood(theta, r, clicks, weight):
    """The harvested log-likelihood in plain loops."""
    total = 0.0
    for k in range(len(theta)):
        for other in range(len(theta)):
            if k != other and weight[k, other]:
                chance = theta[k] * r[k, other]
                total += clicks[k, other] * np.log(chance)
                total += (weight[k, other] - clicks[k, other]) * np.log1p(-chance)
    return total


def test_all_pairs_is_the_maximum_of_its_likelihood():
    """For fixed theta the best r is found on a grid; no theta near the estimate does better."""
    observed = random_counts(5, queries=40)
    clicks, weight = harvested(observed, 1)
    theta = AllPairs(**SMALL).estimate(observed).theta

    def best(theta):
        grid = np.linspace(1e-4, 0.9999, 4000)
        r = np.ones((4, 4))
        for k, other in combinations(range(4), 2):
            values = [
                clicks[a, b] * np.log(theta[a] * grid) + (weight[a, b] - clicks[a, b]) * np.log1p(-theta[a] * grid)
                for a, b in ((k, other), (other, k))
            ]
            r[k, other] = r[other, k] = grid[np.argmax(sum(values))]
        return likelihood(theta, r, clicks, weight)

    scale = 0.7  # of theta, so that neighbours stay below 1
    reached = best(scale * theta)
    for rank in range(4):
        for factor in (0.9, 1.1):
            moved = scale * theta * np.where(np.arange(4) == rank, factor, 1.0)
            assert best(moved) < reached + 1e-3 * abs(reached)


def plain_em_step(rows, theta, gamma, a, b):
    """One step of PBM-EM, session by session."""
    seen, shown, liked, trials = {}, {}, {}, {}
    for pair, place, n, x in rows:
        for clicked in [1] * int(x) + [0] * int(n - x):
            t, g = theta[place], gamma[pair]
            look = clicked + (1 - clicked) * t * (1 - g) / (1 - t * g)
            like = clicked + (1 - clicked) * g * (1 - t) / (1 - t * g)
            seen[place], shown[place] = seen.get(place, 0) + look, shown.get(place, 0) + 1
            liked[pair], trials[pair] = liked.get(pair, 0) + like, trials.get(pair, 0) + 1
    new_theta = np.array([seen[k] / shown[k] for k in sorted(seen)])
    return new_theta, np.array([(liked[p] + a) / (trials[p] + a + b) for p in sorted(liked)])


def test_em_ends_where_a_plain_step_moves_nothing():
    observed = random_counts(7)
    pair, place = observed.pair_numbers(), observed.by_position["position"].to_numpy().astype(int) - 1
    shown, clicked = (observed.by_position[c].to_numpy() for c in ("impressions", "clicks"))
    theta, gamma = two_factors(pair, place, shown, clicked, Smoothing(0.5, 0.5), 6000, 1e-12)
    rows = list(zip(pair, place, shown, clicked, strict=True))
    again = plain_em_step(rows, theta, gamma, 0.5, 0.5)
    assert again[0] == pytest.approx(theta, abs=1e-6) and again[1] == pytest.approx(gamma, abs=1e-6)
    held = two_factors(
        pair, place, shown, clicked, Smoothing(0.5, 0.5), 6000, 1e-12, theta=np.array([1, 0.5, 0.3, 0.2])
    )
    assert held[0].tolist() == [1, 0.5, 0.3, 0.2]


def test_one_ranker_is_refused_with_the_reason():
    _, observed = simulated(rankers=1, sessions=20_000)
    for estimator in (AllPairs(), AdjacentChain(), PositionEM()):
        with pytest.raises(InputError, match=r"cannot tell position bias from relevance.*at most 0.*50 are needed"):
            estimator.estimate(observed)
    assert Given().estimate(observed).assumed


def test_two_halves_that_nothing_links_are_refused():
    table = random_counts(9, queries=200).by_position
    apart = table.filter((pl.col("query_id") < 100) == (pl.col("position") <= 2))
    with pytest.raises(InputError, match="ranks 3 to 4 and the ranks linked with rank 1"):
        AllPairs().estimate(Observed(apart))


def test_a_rank_seldom_shown_is_borrowed_and_said():
    _, observed = simulated(sessions=20_000)
    deep = observed.by_position.head(1).with_columns(position=pl.lit(11, pl.Int16), impressions=1.0, clicks=0.0)
    found = AllPairs().estimate(
        Observed(pl.concat([observed.by_position, deep]).sort("query_id", "doc_id", "position"))
    )
    assert found.theta[10] == found.theta[9] and "Rank 11 is too seldom shown" in found.notices[0]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), factor=st.integers(2, 9))
def test_more_of_the_same_and_other_names_change_nothing(seed, factor):
    observed = random_counts(seed, queries=30)
    theta = AllPairs(**SMALL).estimate(observed).theta
    many = observed.by_position.with_columns(pl.col("impressions", "clicks") * factor)
    assert AllPairs(**SMALL).estimate(Observed(many)).theta == pytest.approx(theta, rel=1e-3)
    renamed = observed.by_position.with_columns(query_id=29 - pl.col("query_id")).sort("query_id", "doc_id", "position")
    assert AllPairs(**SMALL).estimate(Observed(renamed)).theta == pytest.approx(theta, rel=1e-3)
    assert theta.max() == 1 and theta.min() > 0


def test_regression_learns_from_features_and_refuses_without():
    lists, observed = simulated(sessions=50_000)
    random = np.random.default_rng(3)

    def features(pairs):
        relevant = lists.relevant[pairs["query_id"].to_numpy(), pairs["doc_id"].cast(pl.Int64).to_numpy()]
        return np.stack([relevant + 0.3 * random.standard_normal(len(relevant)), relevant * 0.0], axis=1)

    informed = RegressionEM().estimate(Observed(observed.by_position, features=features)).theta
    assert error(informed) < 0.1
    with pytest.raises(InputError, match="needs features"):
        RegressionEM().estimate(observed)


def test_trust_finds_both_rates_and_takes_off_what_trust_alone_yields():
    users = TrustingUsers()
    alpha, beta = users.affine(10)
    _, observed = simulated(sessions=300_000, rankers=5, model=users)
    found = Trust().estimate(observed)
    assert found.theta == pytest.approx(alpha / alpha.max(), abs=0.08)
    assert found.false_clicks == pytest.approx(beta, abs=0.05)


def test_trust_takes_labels():
    users = TrustingUsers()
    lists, observed = simulated(sessions=50_000, rankers=5, model=users)
    pairs = observed.by_position.select("query_id", "doc_id").unique(maintain_order=True)
    relevant = lists.relevant[pairs["query_id"].to_numpy(), pairs["doc_id"].cast(pl.Int64).to_numpy()]
    found = Trust(labels=pairs.with_columns(relevant=relevant)).estimate(observed)
    alpha, beta = users.affine(10)
    assert found.theta == pytest.approx(alpha / alpha.max(), abs=0.03)
    assert found.false_clicks == pytest.approx(beta, abs=0.02)


def test_contexts_have_their_own_chances_and_small_ones_the_common():
    parts = []
    for name, eta, sessions in (("desk", 0.5, 100_000), ("phone", 2.0, 100_000), ("watch", 2.0, 300)):
        parts.append(simulated(eta=eta, sessions=sessions)[1].by_position.with_columns(context=pl.lit(name)))
    table = pl.concat(parts).sort("query_id", "doc_id", "position", "context")
    found = ByContext(AllPairs()).estimate(Observed(table))
    told = table.with_columns(theta=pl.Series(found.rows)).group_by("context", "position").agg(pl.col("theta").mean())
    at_five = {name: told.filter(context=name, position=5)["theta"].item() for name in ("desk", "phone", "watch")}
    common = found.theta[4]
    assert at_five["watch"] == pytest.approx(common)
    assert at_five["desk"] == pytest.approx(5**-0.5, abs=0.06) and at_five["phone"] == pytest.approx(1 / 25, abs=0.03)
    assert any("'watch' has too few impressions" in notice for notice in found.notices)
    with pytest.raises(InputError, match="cannot be told apart by context"):
        ByContext(UserBrowsingEM())


def test_no_correction_says_so():
    found = NoCorrection().estimate(random_counts(1))
    assert found.theta.tolist() == [1] * 4 and "not corrected" in found.notices[0] and not found.assumed


@pytest.mark.parametrize(
    "make",
    [
        lambda: AllPairs(min_pairs=0),
        lambda: PositionEM(clicked=0),
        lambda: PositionEM(rounds=0),
        lambda: RegressionEM(ridge=0),
        lambda: ByContext(AllPairs(), strength=-1),
    ],
)
def test_impossible_settings(make):
    with pytest.raises(InputError):
        make()
