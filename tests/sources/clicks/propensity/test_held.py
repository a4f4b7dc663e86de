"""Models of browsing: closed forms against plain loops, exact chances, and each model best on its own world."""

from collections import defaultdict
from itertools import product

import numpy as np
import polars as pl
import pytest

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.browsing import Cascade, DependentClicks, SimplifiedDBN, UserBrowsingEM
from shoptalk.sources.clicks.propensity.em import PositionEM
from shoptalk.sources.clicks.propensity.held import log_likelihood, of_estimator
from shoptalk.sources.clicks.propensity.intervention import AllPairs
from shoptalk.sources.clicks.simulation import click_models
from shoptalk.sources.clicks.simulation.pool import Pool, draw

MODELS = {
    "pbm": AllPairs(), "pbm_em": PositionEM(), "ubm": UserBrowsingEM(), "cascade": Cascade(),
    "dcm": DependentClicks(), "sdbn": SimplifiedDBN(),
}  # fmt: skip
WORLDS = {
    "pbm": click_models.PositionBased(), "ubm": click_models.UserBrowsing(), "cascade": click_models.Cascade(),
    "dcm": click_models.DependentClick(), "sdbn": click_models.SDBN(),
}  # fmt: skip


def simulated(model, sessions=60_000, seed=0):
    lists = draw(Pool(), sessions, seed)
    relevance = lists.relevance.astype(np.float32)
    clicked = model.clicks(relevance, np.ones(relevance.shape, dtype=bool), np.random.default_rng([seed, 1]))
    return lists.query, lists.document, clicked


def random_lists(seed, lists=80, ranks=4):
    random = np.random.default_rng(seed)
    document = np.array([random.choice(6, ranks, replace=False) for _ in range(lists)])
    return random.integers(0, 3, lists), document, random.random((lists, ranks)) < 0.35


def looked_at(clicked, cascade):
    """Ranks looked at, by the definitions of the models."""
    hits = np.flatnonzero(clicked)
    end = len(clicked) - 1 if not len(hits) else hits[0] if cascade else hits[-1]
    return range(end + 1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("model", [Cascade(), DependentClicks(), SimplifiedDBN()])
def test_shares_looked_at_equal_plain_loops(model, seed):
    query, document, clicked = random_lists(seed)
    shown, seen = defaultdict(int), defaultdict(int)
    for q, row, clicks in zip(query, document, clicked, strict=True):
        looked = looked_at(clicks, isinstance(model, Cascade))
        for k, d in enumerate(row):
            shown[q, str(d), k + 1] += 1
            seen[q, str(d), k + 1] += k in looked
    observed = Observed.of_lists(query, document, clicked)
    found = model.estimate(observed).rows
    of_rank = [sum(n for key, n in seen.items() if key[2] == k) / 80 for k in range(1, 5)]
    expected = [
        (seen[key] + of_rank[key[2] - 1]) / (shown[key] + 1)  # one impression of the rank's share to start with
        for key in observed.by_position.select("query_id", "doc_id", "position").iter_rows()
    ]
    assert found == pytest.approx(expected)


def test_counts_of_lists_equal_plain_loops():
    query, document, clicked = random_lists(5)
    document[::3, 3] = -1
    clicked[document < 0] = False
    shown, hits = defaultdict(float), defaultdict(float)
    for q, row, clicks in zip(query, document, clicked, strict=True):
        for k, d in enumerate(row):
            if d >= 0:
                above = [j + 1 for j in range(k) if clicks[j]]
                key = (q, str(d), k + 1, above[-1] if above else 0, bool(clicks[k + 1 :].any()))
                shown[key] += 1
                hits[key] += clicks[k]
    observed = Observed.of_lists(query, document, clicked)
    found = {row[:5]: row[5:] for row in observed.lists.iter_rows()}
    assert found == {key: (shown[key], hits[key]) for key in shown}
    whole = observed.lists.group_by("query_id", "doc_id", "position").agg(pl.col("impressions", "clicks").sum())
    assert whole.sort("query_id", "doc_id", "position").equals(observed.by_position)


def test_continuation_and_satisfaction_equal_plain_loops():
    query, document, clicked = random_lists(6)
    clicks, last = np.zeros(4), np.zeros(4)
    pairs = defaultdict(lambda: [0, 0])
    for q, row, hits in zip(query, document, clicked, strict=True):
        for k in np.flatnonzero(hits):
            final = not hits[k + 1 :].any()
            clicks[k] += 1
            last[k] += final
            pairs[q, str(row[k])][0] += 1
            pairs[q, str(row[k])][1] += final
    observed = Observed.of_lists(query, document, clicked)
    assert DependentClicks.onward(observed) == pytest.approx(1 - last / clicks)
    found = {(q, d): s for q, d, s in SimplifiedDBN.satisfaction(observed).iter_rows()}
    assert found == pytest.approx({key: ends / n for key, (n, ends) in pairs.items()})


@pytest.mark.parametrize("name", MODELS)
def test_the_chances_of_all_click_patterns_sum_to_one(name):
    query, document, clicked = simulated(WORLDS["dcm"], sessions=20_000)
    chances = of_estimator(Observed.of_lists(query, document, clicked), MODELS[name])
    patterns = np.array(list(product([False, True], repeat=4)))
    one, row = np.repeat(query[:1], 16), np.repeat(document[:1, :4], 16, axis=0)
    chance = chances(one, row, patterns)
    assert np.where(patterns, chance, 1 - chance).prod(axis=1).sum() == pytest.approx(1)


def test_the_likelihood_is_that_of_a_plain_loop():
    chance, clicked = np.array([[0.5, 0.25], [0.5, 0.5]]), np.array([[True, False], [False, False]])
    mean, perplexity = log_likelihood(chance, clicked, np.array([[True, True], [True, False]]))
    assert mean == pytest.approx((np.log(0.5) + np.log(0.75) + np.log(0.5)) / 2)
    assert perplexity == pytest.approx([2, 1 / 0.75])


@pytest.mark.parametrize("world", WORLDS)
def test_the_matching_model_wins_or_ties_on_its_own_world(world):
    query, document, clicked = simulated(WORLDS[world])
    cut = 50_000
    observed = Observed.of_lists(query[:cut], document[:cut], clicked[:cut])
    shown = np.ones_like(clicked[cut:])
    scores = {
        name: log_likelihood(
            of_estimator(observed, model)(query[cut:], document[cut:], clicked[cut:]), clicked[cut:], shown
        )[0]
        for name, model in MODELS.items()
    }
    assert scores[world] >= max(scores.values()) - 0.002


def test_without_lists_browsing_is_refused():
    query, document, clicked = random_lists(1)
    observed = Observed(Observed.of_lists(query, document, clicked).by_position)
    for model in (Cascade(), DependentClicks(), SimplifiedDBN(), UserBrowsingEM()):
        with pytest.raises(InputError, match="needs whole lists"):
            model.estimate(observed)


def test_user_browsing_gives_the_chances_of_its_world_back():
    world = click_models.UserBrowsing()
    query, document, clicked = simulated(world, sessions=300_000)
    theta, _ = UserBrowsingEM().table_of(Observed.of_lists(query, document, clicked))
    true = world.examination(10)
    assert true.shape == (10, 10)
    found = np.array([theta[k * (k - 1) // 2] for k in range(1, 8)])  # nothing clicked above
    expected = np.array([true[k - 1, k - 1] for k in range(1, 8)])
    assert found / found[0] == pytest.approx(expected / expected[0], rel=0.15)
