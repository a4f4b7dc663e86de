from collections import defaultdict
from itertools import combinations, permutations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.intervention import AdjacentChain, AllPairs, harvested

BOTH = (AllPairs, AdjacentChain)


def random_counts(worlds, seed, pairs=80, ranks=4, most=30):
    random = np.random.default_rng(seed)
    rows = []
    for pair in range(pairs):
        for rank in random.permutation(ranks)[: random.integers(1, ranks + 1)] + 1:
            shown = int(random.integers(1, most))
            rows.append((pair // 5, f"d{pair % 5}", int(rank), shown, int(random.binomial(shown, 0.7 / rank))))
    return worlds.counted(rows)


def plain_harvest(observed, least):
    """C [k, k'] and W [k, k'], pair by pair."""
    by_pair = defaultdict(dict)
    for query, doc, rank, shown, clicks in observed.by_position.rows():
        if shown >= least:
            by_pair[query, doc][rank - 1] = (shown, clicks)
    found, weight = (np.zeros((observed.deepest,) * 2) for _ in range(2))
    for ranks in by_pair.values():
        for k, other in permutations(ranks, 2):
            (n, x), (m, _) = ranks[k], ranks[other]
            found[k, other] += n * m / (n + m) * x / n
            weight[k, other] += n * m / (n + m)
    return found, weight


@pytest.mark.parametrize("least", [1, 8])
def test_harvest_equals_plain_loops(worlds, least):
    observed = random_counts(worlds, 0)
    for found, expected in zip(harvested(observed, least), plain_harvest(observed, least), strict=True):
        assert found == pytest.approx(expected)


def objective(theta, clicks, weight):
    """The likelihood of theta with the best r of every pair of ranks, found by a search of its own."""
    total = 0.0
    for k, other in combinations(range(len(theta)), 2):
        c, d, w = clicks[k, other], clicks[other, k], weight[k, other]

        def loss(r, k=k, other=other, c=c, d=d, w=w):
            p, q = theta[k] * r, theta[other] * r
            return -(c * np.log(p) + (w - c) * np.log1p(-p) + d * np.log(q) + (w - d) * np.log1p(-q))

        best = minimize_scalar(loss, bounds=(1e-9, 1 - 1e-9), method="bounded", options={"xatol": 1e-12})
        total -= best.fun
    return total


def test_all_pairs_maximises_its_likelihood(worlds):
    observed = random_counts(worlds, 1, pairs=400)
    clicks, weight = plain_harvest(observed, 1)
    theta = AllPairs(min_pairs=20).estimate(observed).theta
    best = objective(theta, clicks, weight)
    for rank in range(1, 4):
        for factor in (0.97, 0.995, 1.005, 1.03):
            moved = theta.copy()
            moved[rank] *= factor
            assert objective(moved, clicks, weight) < best


def test_adjacent_chain_equals_its_definition(worlds):
    observed = random_counts(worlds, 2, pairs=400)
    clicks, _ = plain_harvest(observed, 1)
    expected = [1.0]
    for k in range(3):
        expected.append(expected[-1] * clicks[k + 1, k] / clicks[k, k + 1])
    assert AdjacentChain(min_pairs=20).estimate(observed).theta == pytest.approx(np.array(expected) / max(expected))


@pytest.mark.parametrize("estimator", BOTH)
def test_known_examination_is_found(worlds, position_log, estimator):
    found = estimator().estimate(position_log.observed)
    assert worlds.relative_error(found.theta, position_log.theta) < 0.05
    assert found.rows is None and not found.assumed and not found.notices


@pytest.mark.parametrize("estimator", BOTH)
def test_without_position_bias_the_curve_is_flat(worlds, estimator):
    query, document, quality = worlds.shown_lists(150_000, seed=3)
    clicked = worlds.position_clicks(quality[query[:, None], document], np.ones(6), np.random.default_rng(4))
    found = estimator().estimate(Observed.of_lists(query, document, clicked))
    assert found.theta / found.theta[0] == pytest.approx(1, abs=0.05)


def test_a_rate_of_few_impressions_weighs_little(worlds):
    """Pairs seen once at rank 2 and clicked by luck do not outvote those seen a thousand times."""
    much = [(q, "d", rank, 1000, clicks) for q in range(60) for rank, clicks in ((1, 800), (2, 400))]
    little = [(q, "d", rank, shown, shown) for q in range(60, 120) for rank, shown in ((1, 1000), (2, 1))]
    for estimator in BOTH:
        theta = estimator().estimate(worlds.counted(much + little)).theta
        assert theta[1] == pytest.approx(0.5, abs=0.01)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), factor=st.integers(2, 50))
@pytest.mark.parametrize("estimator", BOTH)
def test_theta_depends_on_rates_and_not_on_names(worlds, estimator, seed, factor):
    observed = random_counts(worlds, seed, pairs=300)
    method = estimator(min_pairs=20)
    theta = method.estimate(observed).theta
    more = observed.by_position.with_columns(pl.col("impressions", "clicks") * factor)
    assert method.estimate(Observed(more)).theta == pytest.approx(theta, rel=1e-3)
    names = {name: f"z{9 - place}" for place, name in enumerate(observed.by_position["doc_id"].unique().sort())}
    renamed = observed.by_position.with_columns(
        pl.col("doc_id").replace_strict(names), query_id=1000 - pl.col("query_id")
    )
    renamed = renamed.sort("query_id", "doc_id", "position")
    assert method.estimate(Observed(renamed)).theta == pytest.approx(theta, rel=1e-3)
