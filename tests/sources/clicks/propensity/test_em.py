import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.em import PositionEM, Smoothing, two_factors


def one_round(query, document, clicked, theta, gamma, prior):
    """EM over single searches, as the papers write it."""
    liked, seen = np.zeros_like(gamma), np.zeros_like(theta)
    trials, looks = np.zeros_like(gamma), np.zeros_like(theta)
    for q, documents, clicks in zip(query, document, clicked, strict=True):
        for k, (d, click) in enumerate(zip(documents, clicks, strict=True)):
            t, g = theta[k], gamma[q, d]
            liked[q, d] += 1 if click else g * (1 - t) / (1 - t * g)
            seen[k] += 1 if click else t * (1 - g) / (1 - t * g)
            trials[q, d] += 1
            looks[k] += 1
    with np.errstate(invalid="ignore"):
        return seen / looks, (liked + prior.clicked) / (trials + prior.clicked + prior.passed)


def small_log(worlds, seed, sessions=1_500):
    query, document, quality = worlds.shown_lists(sessions, seed, queries=8, documents=5, ranks=4)
    theta = np.array([1, 0.7, 0.5, 0.3])
    clicked = worlds.position_clicks(quality[query[:, None], document], theta, np.random.default_rng([seed, 1]))
    return query, document, clicked


def arguments(observed):
    table = observed.by_position
    rank = table["position"].to_numpy().astype(np.int64) - 1
    return observed.pair_numbers(), rank, table["impressions"].to_numpy(), table["clicks"].to_numpy()


def spread(observed, gamma, shape):
    """gamma [query, document] of the pairs in their order, NaN for others."""
    pairs = observed.by_position.select("query_id", pl.col("doc_id").cast(int)).unique(maintain_order=True)
    filled = np.full(shape, np.nan)
    filled[pairs["query_id"].to_numpy(), pairs["doc_id"].to_numpy()] = gamma
    return filled


@pytest.mark.parametrize("seed", range(2))
def test_the_result_is_a_fixed_point_of_plain_em_over_single_searches(worlds, seed):
    query, document, clicked = small_log(worlds, seed)
    observed, prior = Observed.of_lists(query, document, clicked), Smoothing(1.0, 2.0)
    theta, gamma = two_factors(*arguments(observed), prior, rounds=30_000, tolerance=0)
    gamma = spread(observed, gamma, (8, 5))
    again = one_round(query, document, clicked, theta, gamma, prior)
    assert again[0] == pytest.approx(theta, abs=1e-6)
    shown = np.isfinite(gamma)
    assert shown.sum() > 30
    assert again[1][shown] == pytest.approx(gamma[shown], abs=1e-6)


def test_extrapolation_reaches_what_many_plain_rounds_reach(worlds):
    query, document, clicked = small_log(worlds, 3, sessions=400)
    observed, prior = Observed.of_lists(query, document, clicked), Smoothing(1.0, 1.0)
    theta, gamma = np.full(4, 0.5), np.full((8, 5), 0.4)
    for _ in range(600):
        theta, gamma = one_round(query, document, clicked, theta, gamma, prior)
    found, _ = two_factors(*arguments(observed), prior, rounds=3_000, tolerance=0)
    assert found / found[0] == pytest.approx(theta / theta[0], rel=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_the_likelihood_never_falls_with_more_rounds(worlds, seed):
    observed = Observed.of_lists(*small_log(worlds, seed))
    pair, rank, shown, clicks = arguments(observed)
    prior, before = Smoothing(1.0, 1.0), -np.inf
    for rounds in range(3, 90, 3):
        theta, gamma = two_factors(pair, rank, shown, clicks, prior, rounds, 0)
        chance = theta[rank] * gamma[pair]
        value = (clicks * np.log(chance) + (shown - clicks) * np.log1p(-chance)).sum()
        value += (np.log(gamma) + np.log1p(-gamma)).sum()
        assert value >= before - 1e-9 * abs(value)
        before = value


def test_a_held_theta_is_held(worlds):
    observed = Observed.of_lists(*small_log(worlds, 0))
    held = np.array([1, 0.7, 0.5, 0.3])
    theta, gamma = two_factors(*arguments(observed), Smoothing(0.5, 0.5), 300, 1e-9, theta=held)
    assert (theta == held).all()
    assert ((gamma > 0) & (gamma < 1)).all()


def test_known_examination_is_found(worlds, position_log):
    found = PositionEM().estimate(position_log.observed)
    assert worlds.relative_error(found.theta, position_log.theta) < 0.06


def test_without_position_bias_the_curve_is_flat(worlds):
    query, document, quality = worlds.shown_lists(150_000, seed=3)
    clicked = worlds.position_clicks(quality[query[:, None], document], np.ones(6), np.random.default_rng(4))
    theta = PositionEM().estimate(Observed.of_lists(query, document, clicked)).theta
    assert theta / theta[0] == pytest.approx(1, abs=0.06)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_names_change_nothing(worlds, seed):
    observed, method = Observed.of_lists(*small_log(worlds, seed)), PositionEM(min_pairs=5)
    theta = method.estimate(observed).theta
    renamed = observed.by_position.with_columns(
        doc_id=(9 - pl.col("doc_id").cast(int)).cast(str), query_id=100 - pl.col("query_id")
    ).sort("query_id", "doc_id", "position")
    assert method.estimate(Observed(renamed)).theta == pytest.approx(theta, rel=1e-3)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), factor=st.integers(2, 20))
@example(seed=312, factor=4)
def test_more_of_the_same_changes_nothing_once_the_prior_is_outweighed(worlds, seed, factor):
    table = Observed.of_lists(*small_log(worlds, seed)).by_position
    # EM must have arrived: a step of 1e-5 may have many more of its size behind it.
    method = PositionEM(clicked=1e-6, passed=1e-6, min_pairs=5, rounds=10_000, tolerance=1e-9)
    once, more = (
        method.estimate(Observed(table.with_columns(pl.col("impressions", "clicks") * f))).theta for f in (1, factor)
    )
    assert more == pytest.approx(once, rel=1e-3)


@pytest.mark.parametrize(
    "options", [{"clicked": 0}, {"passed": -1}, {"rounds": 0}, {"tolerance": -1}, {"tolerance": float("nan")}]
)
def test_impossible_options(options):
    with pytest.raises(InputError, match=next(iter(options))):
        PositionEM(**options)
