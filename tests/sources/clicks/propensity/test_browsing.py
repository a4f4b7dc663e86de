from collections import Counter, defaultdict

import numpy as np
import polars as pl
import pytest

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.browsing import Cascade, DependentClicks, SimplifiedDBN, UserBrowsingEM

DOWN = (Cascade, DependentClicks, SimplifiedDBN)


@pytest.fixture(scope="module")
def some(worlds):
    query, document, quality = worlds.shown_lists(3_000, queries=10, documents=7, ranks=5)
    onward = np.full(document.shape, 0.6)
    clicked = worlds.descending_clicks(quality[query[:, None], document], onward, np.random.default_rng(2))
    return query, document, clicked


def looked_at(clicks, first):
    """Ranks (from 0) that somebody who clicked so looked at: down to the first or last click, or all."""
    hits = np.flatnonzero(clicks)
    return range(len(clicks) if not len(hits) else 1 + (hits[0] if first else hits[-1]))


@pytest.mark.parametrize("model", DOWN)
def test_looks_equal_plain_loops(some, model):
    looks, shown = Counter(), Counter()
    for q, documents, clicks in zip(*some, strict=True):
        looks.update((q, str(documents[k]), k + 1) for k in looked_at(clicks, model is Cascade))
        shown.update((q, str(d), k) for k, d in enumerate(documents, start=1))
    observed = Observed.of_lists(*some)
    found = model().estimate(observed)
    much = 0
    for (q, d, k, n, _), share in zip(observed.by_position.rows(), found.rows, strict=True):
        assert n == shown[q, d, k]
        assert abs(share * n - looks[q, d, k]) <= 1  # smoothing is worth no more than one impression
        much += n > 100
    assert much > 30
    assert ((found.rows > 0) & (found.rows <= 1)).all()
    by_rank = [sum(v for key, v in c.items() if key[2] == k) for c in (looks, shown) for k in range(1, 6)]
    assert found.theta == pytest.approx(np.array(by_rank[:5]) / by_rank[5:])


@pytest.mark.parametrize("model", DOWN)
def test_a_row_never_looked_at_does_not_turn_a_stray_click_into_certainty(worlds, model):
    """A click that the model holds impossible must not count for a thousand."""
    lists = pl.DataFrame(
        [
            (0, "a", 1, 0, False, 50.0, 50.0),
            (0, "b", 2, 1, False, 50.0, 0.0),
            (1, "a", 1, 0, False, 50.0, 10.0),
            (1, "b", 2, 0, False, 40.0, 4.0),
        ],
        schema={
            "query_id": pl.Int32,
            "doc_id": pl.String,
            "position": pl.Int16,
            "previous": pl.Int16,
            "below": pl.Boolean,
            "impressions": pl.Float64,
            "clicks": pl.Float64,
        },
        orient="row",
    )
    by_position = lists.group_by("query_id", "doc_id", "position", maintain_order=True).agg(
        pl.col("impressions", "clicks").sum()
    )
    found = model().estimate(Observed(by_position, lists))
    assert found.rows[1] * 50 > 0.3


@pytest.mark.parametrize("model", DOWN)
def test_rows_follow_by_position_and_rows_that_lists_lack_take_their_rank(worlds, some, model):
    observed = Observed.of_lists(*some)
    found = model().estimate(observed)
    fewer = observed.lists.filter((pl.col("query_id") != 3) | (pl.col("position") != 2))
    shuffled = Observed(observed.by_position, fewer.sample(fraction=1.0, shuffle=True, seed=0))
    other = model().estimate(shuffled)
    missing = (observed.by_position["query_id"] == 3).to_numpy() & (observed.by_position["position"] == 2).to_numpy()
    assert missing.sum() >= 3
    assert other.rows[missing] == pytest.approx(other.theta[1])
    assert other.rows[~missing] == pytest.approx(found.rows[~missing], abs=0.05)


def test_continuation_equals_plain_loops(some):
    clicks, last = Counter(), Counter()
    for row in some[2]:
        hits = np.flatnonzero(row)
        clicks.update(hits)
        last.update(hits[-1:])
    expected = [1 - last[k] / clicks[k] for k in range(5)]
    assert DependentClicks.onward(Observed.of_lists(*some)) == pytest.approx(expected)


def test_satisfaction_equals_plain_loops(some):
    clicks, last = Counter(), Counter()
    for q, documents, row in zip(*some, strict=True):
        hits = np.flatnonzero(row)
        clicks.update((q, str(documents[k])) for k in hits)
        last.update((q, str(documents[k])) for k in hits[-1:])
    found = SimplifiedDBN.satisfaction(Observed.of_lists(*some))
    assert {row[:2]: row[2] for row in found.rows()} == pytest.approx({k: last[k] / n for k, n in clicks.items()})


def test_attractiveness_of_a_cascade_is_clicks_per_look(worlds):
    query, document, quality = worlds.shown_lists(100_000, queries=30)
    attraction = quality[query[:, None], document]
    clicked = worlds.descending_clicks(attraction, np.zeros(document.shape), np.random.default_rng(3))
    observed = Observed.of_lists(query, document, clicked)
    table = observed.by_position.with_columns(
        looks=pl.Series(Cascade().estimate(observed).rows) * pl.col("impressions")
    )
    pairs = table.group_by("query_id", "doc_id").agg(pl.col("clicks", "looks").sum()).filter(pl.col("looks") > 200)
    true = quality[pairs["query_id"].to_numpy(), pairs["doc_id"].cast(int).to_numpy()]
    error = pairs["clicks"].to_numpy() / pairs["looks"].to_numpy() - true
    assert len(true) > 100
    assert np.abs(error).mean() < 0.02


def user_browsing_table(ranks):
    """[rank, previous]: higher the nearer the last click is."""
    table = np.zeros((ranks, ranks))
    for k in range(ranks):
        for previous in range(k + 1):
            table[k, previous] = (k + 1.0) ** -0.5 * (k + 1 - previous) ** -0.5
    return table


@pytest.fixture(scope="module")
def user_browsing(worlds):
    query, document, quality = worlds.shown_lists(200_000, seed=2, queries=40)
    table = user_browsing_table(6)
    clicked = worlds.browsing_clicks(quality[query[:, None], document], table, np.random.default_rng(4))
    return query, document, clicked, table


def test_user_browsing_finds_its_table(user_browsing):
    query, document, clicked, table = user_browsing
    theta, _ = UserBrowsingEM().table_of(Observed.of_lists(query, document, clicked))
    expected = np.concatenate([table[k, : k + 1] for k in range(6)])
    assert theta / theta[0] == pytest.approx(expected, rel=0.15)
    assert np.abs(theta / theta[0] / expected - 1).mean() < 0.05


def test_user_browsing_rows_are_mean_chances_over_the_lists(user_browsing):
    query, document, clicked, table = user_browsing
    observed = Observed.of_lists(query, document, clicked)
    found, total, shown = UserBrowsingEM(min_pairs=30).estimate(observed), defaultdict(float), Counter()
    for q, documents, clicks in zip(query, document, clicked, strict=True):
        previous = 0
        for k, (d, click) in enumerate(zip(documents, clicks, strict=True)):
            total[q, str(d), k + 1] += table[k, previous]
            shown[q, str(d), k + 1] += 1
            previous = k + 1 if click else previous
    expected = np.array([total[row[:3]] / shown[row[:3]] for row in observed.by_position.rows()])
    often = (observed.by_position["impressions"] > 500).to_numpy()
    assert often.sum() > 100
    assert np.abs(found.rows / expected - 1)[often].mean() < 0.06
    assert ((found.rows > 0) & (found.rows <= 1)).all()


def test_user_browsing_with_one_ranker_is_refused(worlds):
    query, document, quality = worlds.shown_lists(20_000, rankers=1)
    table = user_browsing_table(6)
    clicked = worlds.browsing_clicks(quality[query[:, None], document], table, np.random.default_rng(4))
    with pytest.raises(InputError, match="propensity=given"):
        UserBrowsingEM().estimate(Observed.of_lists(query, document, clicked))


@pytest.mark.parametrize("model", [*DOWN, UserBrowsingEM])
def test_without_lists_it_says_so(some, model):
    assert model.needs_lists
    with pytest.raises(InputError, match="lists"):
        model().estimate(Observed(Observed.of_lists(*some).by_position))
