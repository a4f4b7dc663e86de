from itertools import product

import numpy as np
import pytest

from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.browsing import Cascade, DependentClicks, SimplifiedDBN, UserBrowsingEM
from shoptalk.sources.clicks.propensity.em import PositionEM
from shoptalk.sources.clicks.propensity.given import Given
from shoptalk.sources.clicks.propensity.held import log_likelihood, of_estimator, position_based
from shoptalk.sources.clicks.propensity.intervention import AllPairs

MODELS = {
    "pbm": AllPairs(min_pairs=5),
    "pbm_em": PositionEM(min_pairs=5),
    "ubm": UserBrowsingEM(),
    "cascade": Cascade(),
    "dcm": DependentClicks(),
    "sdbn": SimplifiedDBN(),
}


def simulated(worlds, model, sessions=60_000, queries=30):
    query, document, quality = worlds.shown_lists(sessions, seed=7, queries=queries)
    liked, random = quality[query[:, None], document], np.random.default_rng(8)
    ranks = document.shape[1]
    if model == "pbm":
        clicked = worlds.position_clicks(liked, 1 / np.arange(1, ranks + 1), random)
    elif model == "ubm":
        table = np.array([[(k + 1 - p) ** -1.0 if p <= k else 0 for p in range(ranks)] for k in range(ranks)])
        clicked = worlds.browsing_clicks(liked, table, random)
    else:
        satisfied = np.random.default_rng(9).beta(1, 1, quality.shape)[query[:, None], document]
        onward = {
            "cascade": np.zeros(document.shape),
            "dcm": np.broadcast_to(0.95 / np.arange(1, ranks + 1) ** 0.8, document.shape),
            "sdbn": 1 - satisfied,
        }[model]
        clicked = worlds.descending_clicks(liked, onward, random)
    return query, document, clicked


@pytest.mark.parametrize("name", MODELS)
def test_chances_of_all_click_patterns_sum_to_one(worlds, name):
    query, document, clicked = simulated(worlds, "sdbn", 5_000)
    chances = of_estimator(Observed.of_lists(query, document, clicked), MODELS[name])
    patterns = np.array(list(product([False, True], repeat=4)))
    for row in (0, 17, 400):
        lists = np.tile(document[row, :4], (16, 1))
        found = chances(np.full(16, query[row]), lists, patterns)
        assert np.where(patterns, found, 1 - found).prod(axis=1).sum() == pytest.approx(1)
        assert (found >= 0).all() and (found <= 1).all()


def brute_chance(attraction, onward, clicks, k):
    """P(click at k | clicks above) by summing over where the user stops looking."""

    def joint(pattern):
        total = 0.0
        for stop in range(1, len(pattern) + 1):  # ranks looked at
            if any(pattern[stop:]):
                continue
            chance = 1.0
            for rank in range(stop):
                chance *= attraction[rank] if pattern[rank] else 1 - attraction[rank]
                if rank < stop - 1:
                    chance *= onward[rank] if pattern[rank] else 1
            if stop < len(pattern):
                chance *= 1 - onward[stop - 1] if pattern[stop - 1] else 0
            total += chance
        return total

    with_click = joint((*clicks[:k], True))
    return with_click / (with_click + joint((*clicks[:k], False)))


def test_belief_that_the_user_still_looks_equals_a_sum_over_where_they_stop(worlds):
    query, document, clicked = simulated(worlds, "dcm", 5_000)
    observed = Observed.of_lists(query, document, clicked)
    model = DependentClicks()
    found = of_estimator(observed, model)(query[:40], document[:40], clicked[:40])
    alone = of_estimator(observed, model)  # the first rank is always looked at: its chance is the attractiveness
    attraction = np.stack(
        [alone(query[:40], document[:40, k : k + 1], clicked[:40, :1])[:, 0] for k in range(6)], axis=1
    )
    onward = model.onward(observed)
    for row in range(40):
        for k in range(6):
            expected = brute_chance(attraction[row], onward, tuple(clicked[row]), k)
            assert found[row, k] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["pbm", "ubm", "cascade", "dcm", "sdbn"])
def test_the_model_that_made_the_clicks_foretells_them_best(worlds, name):
    query, document, clicked = simulated(worlds, name)
    train, held = slice(0, 48_000), slice(48_000, None)
    observed = Observed.of_lists(query[train], document[train], clicked[train])
    shown = np.ones(clicked[held].shape, dtype=bool)
    scores = {
        other: log_likelihood(
            of_estimator(observed, model)(query[held], document[held], clicked[held]), clicked[held], shown
        )[0]
        for other, model in MODELS.items()
    }
    # DependentClicks takes the last click for the end of the search, so that its lambda is too low
    allowed = 0.01 if name == "dcm" else 0.003
    assert scores[name] >= max(scores.values()) - allowed
    assert scores[name] > sorted(scores.values())[1] + 0.1


def test_log_likelihood_and_perplexity_equal_plain_loops():
    random = np.random.default_rng(0)
    chances, clicked = random.uniform(0.05, 0.9, (50, 4)), random.random((50, 4)) < 0.4
    shown = np.arange(4) < random.integers(1, 5, 50)[:, None]
    clicked &= shown
    total, bits, seen = 0.0, np.zeros(4), np.zeros(4)
    for row in range(50):
        for k in range(4):
            if shown[row, k]:
                p = chances[row, k] if clicked[row, k] else 1 - chances[row, k]
                total += np.log(p)
                bits[k] -= np.log2(p)
                seen[k] += 1
    value, perplexity = log_likelihood(chances, clicked, shown)
    assert value == pytest.approx(total / 50)
    assert perplexity == pytest.approx(2 ** (bits / seen))


def test_a_pair_never_seen_takes_the_mean(worlds):
    query, document, clicked = simulated(worlds, "pbm", 5_000)
    observed = Observed.of_lists(query, document, clicked)
    for name, model in MODELS.items():
        chances = of_estimator(observed, model)
        first = chances(np.array([0, 0, 999]), np.array([[document[0, 0]], [777], [777]]), np.zeros((3, 1), dtype=bool))
        assert 0 < first[1, 0] == first[2, 0] < 1, name


def test_given_chances_stand_in_a_position_based_model(worlds, position_log):
    exact = position_based(position_log.observed, position_log.theta)
    found = exact(position_log.query[:500], position_log.document[:500], position_log.clicked[:500])
    true = position_log.quality[position_log.query[:500, None], position_log.document[:500]] * position_log.theta
    assert np.abs(found - true).mean() < 0.02
    by_hand = of_estimator(position_log.observed, Given(eta=1.0))
    same = by_hand(position_log.query[:500], position_log.document[:500], position_log.clicked[:500])
    assert same == pytest.approx(found)
