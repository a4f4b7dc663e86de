"""Every click model against its definition, written down anew as plain loops over one list."""

from itertools import product

import numpy as np
import pytest

from shoptalk.errors import InputError
from shoptalk.sources.clicks.simulation.click_models import (
    SDBN,
    Cascade,
    DependentClick,
    PositionBased,
    Trust,
    UserBrowsing,
)

RELEVANCE = (0.0, 1.0, 0.3, 0.5)
LONG = (0.0, 1.0, 0.0, 0.3, 0.0, 0.0, 1.0, 0.5, 0.0, 1.0)
SEARCHES = 200_000


def attraction(relevance):
    return 0.1 + 0.8 * relevance


def position_based(pattern, relevance):
    chance = 1.0
    for rank, clicked in enumerate(pattern, start=1):
        click = rank**-1.5 * attraction(relevance[rank - 1])
        chance *= click if clicked else 1 - click
    return chance


def trust(pattern, relevance):
    chance = 1.0
    for rank, clicked in enumerate(pattern, start=1):
        r = relevance[rank - 1]
        click = 1 / rank * ((1 - (rank + 1) / 100) * r + 0.65 / rank * (1 - r))
        chance *= click if clicked else 1 - click
    return chance


def user_browsing(pattern, relevance):
    chance, last = 1.0, 0
    for rank, clicked in enumerate(pattern, start=1):
        click = rank**-0.4 * (rank - last) ** -0.6 * attraction(relevance[rank - 1])
        chance *= click if clicked else 1 - click
        last = rank if clicked else last
    return chance


def going_down(goes_on):
    """A model in which people look until they stop after a click; ``goes_on(rank, relevance)`` is a chance."""

    def chance(pattern, relevance):
        looking, stopped = 1.0, 0.0
        for rank, clicked in enumerate(pattern, start=1):
            click, onward = attraction(relevance[rank - 1]), goes_on(rank, relevance[rank - 1])
            if clicked:
                looking, stopped = looking * click * onward, looking * click * (1 - onward)
            else:
                looking *= 1 - click
        return looking + stopped

    return chance


NOISE = {"noise_click": 0.1, "sure_click": 0.9}
MODELS = {
    "position_based": (PositionBased(eta=1.5, **NOISE), position_based),
    "trust": (Trust(), trust),
    "user_browsing": (UserBrowsing(nearness=0.6, **NOISE), user_browsing),
    "cascade": (Cascade(**NOISE), going_down(lambda k, r: 0)),
    "cascade_of_the_satisfied": (Cascade(satisfying=0.5, **NOISE), going_down(lambda k, r: float(r < 0.5))),
    "dependent_click": (DependentClick(onward=0.9, decay=0.5, **NOISE), going_down(lambda k, r: 0.9 * k**-0.5)),
    "sdbn": (SDBN(**NOISE), going_down(lambda k, r: 1 - (0.1 + 0.8 * r))),
}


def drawn(model, relevance, seed=0, searches=SEARCHES):
    lists = np.tile(np.array(relevance, dtype=np.float32), (searches, 1))
    return model.clicks(lists, np.ones(lists.shape, dtype=bool), np.random.default_rng(seed))


def near(rate, expected, n):
    return abs(rate - expected) <= 4.5 * np.sqrt(expected * (1 - expected) / n) + 1e-12


@pytest.mark.parametrize("name", MODELS)
def test_every_pattern_of_clicks_is_as_likely_as_the_model_says(name):
    model, chance = MODELS[name]
    clicks = drawn(model, RELEVANCE)
    patterns = list(product([False, True], repeat=len(RELEVANCE)))
    expected = [chance(pattern, RELEVANCE) for pattern in patterns]
    assert sum(expected) == pytest.approx(1)
    for pattern, share in zip(patterns, expected, strict=True):
        assert near((clicks == pattern).all(axis=1).mean(), share, SEARCHES), pattern


def marginals(goes_on):
    looking, rates = 1.0, []
    for rank, r in enumerate(LONG, start=1):
        rates.append(looking * attraction(r))
        looking *= 1 - attraction(r) * (1 - goes_on(rank, r))
    return rates


@pytest.mark.parametrize(
    "model, expected",
    [
        (PositionBased(**NOISE), [attraction(r) / k for k, r in enumerate(LONG, 1)]),
        (Trust(eta=0.0), [(1 - (k + 1) / 100) * r + 0.65 / k * (1 - r) for k, r in enumerate(LONG, 1)]),
        (UserBrowsing(nearness=0.0, **NOISE), [attraction(r) / k for k, r in enumerate(LONG, 1)]),
        (Cascade(**NOISE), marginals(lambda k, r: 0)),
        (DependentClick(onward=0.8, decay=1.0, **NOISE), marginals(lambda k, r: 0.8 / k)),
        (SDBN(**NOISE), marginals(lambda k, r: 1 - (0.1 + 0.8 * r))),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, list) else "",
)
def test_click_rates_by_rank(model, expected):
    rates = drawn(model, LONG, seed=1).mean(axis=0)
    assert all(near(rate, share, SEARCHES) for rate, share in zip(rates, expected, strict=True))


def test_user_browsing_looks_by_rank_and_distance_to_the_last_click():
    model = UserBrowsing(noise_click=0.5, sure_click=0.5)
    clicks = drawn(model, [0.0] * 6)
    for rank, last in ((2, 0), (2, 1), (5, 0), (5, 2), (5, 4), (6, 3)):
        since = ~clicks[:, last : rank - 1].any(axis=1) & (clicks[:, last - 1] if last else True)
        expected = 0.5 * rank**-0.5 * (rank - last) ** -0.5
        assert near(clicks[since, rank - 1].mean(), expected, since.sum())
        assert model.examination(6)[rank - 1, rank - last - 1] == pytest.approx(2 * expected)


def test_trust_makes_clicks_weaker_evidence_at_the_top():
    alpha, beta = Trust().affine(10)
    ratio = (alpha + beta) / beta
    assert ratio[[0, 7]] == pytest.approx([0.98 / 0.65, 0.91 / (0.65 / 8)])
    deep, _ = Trust().affine(200)
    assert (deep >= 0).all()


@pytest.mark.parametrize("name", MODELS)
def test_nothing_below_the_end_of_a_list_is_clicked_and_seeds_decide(name):
    model, _ = MODELS[name]
    lists, shown = np.ones((2_000, 5), dtype=np.float32), np.arange(5) < np.arange(2_000)[:, None] % 6
    first = model.clicks(lists, shown, np.random.default_rng(7))
    assert first.dtype == bool
    assert first.any() and not first[~shown].any()
    assert (first == model.clicks(lists, shown, np.random.default_rng(7))).all()
    assert (first != model.clicks(lists, shown, np.random.default_rng(8))).any()


@pytest.mark.parametrize(
    "model, bad",
    [
        (PositionBased, {"eta": -1}),
        (PositionBased, {"noise_click": 1.5}),
        (Trust, {"false_click": -0.1}),
        (UserBrowsing, {"nearness": 2}),
        (Cascade, {"satisfying": 1.1}),
        (DependentClick, {"onward": 1.1}),
        (SDBN, {"sure_satisfied": -1}),
    ],
)
def test_impossible_models(model, bad):
    with pytest.raises(InputError, match=f"click_model.{next(iter(bad))}"):
        model(**bad)
