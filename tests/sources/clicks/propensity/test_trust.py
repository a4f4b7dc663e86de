from collections import defaultdict

import numpy as np
import polars as pl
import pytest

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.intervention import AllPairs
from shoptalk.sources.clicks.propensity.trust import Trust
from shoptalk.sources.clicks.relevance import Evidence

RANKS = np.arange(1, 7)
FALSE = 0.5 / RANKS**2
TRUE = FALSE + 0.45 / RANKS


def trusting(worlds, sessions, seed=0, **world):
    query, document, quality = worlds.shown_lists(sessions, seed, **world)
    relevant = quality > 0.5
    chance = np.where(relevant[query[:, None], document], TRUE, FALSE)
    clicked = np.random.default_rng([seed, 1]).random(chance.shape) < chance
    return Observed.of_lists(query, document, clicked), relevant


def test_known_rates_are_found(worlds):
    observed, _ = trusting(worlds, 150_000)
    found = Trust().estimate(observed)
    assert worlds.relative_error(found.theta, TRUE - FALSE) < 0.05
    assert found.false_clicks == pytest.approx(FALSE, abs=0.01)
    blind = AllPairs().estimate(observed)
    assert worlds.relative_error(found.theta, TRUE - FALSE) < worlds.relative_error(blind.theta, TRUE - FALSE) / 2


def test_clicks_freed_of_trust_are_proportional_to_relevance(worlds):
    observed, relevant = trusting(worlds, 150_000)
    found = Trust().estimate(observed)
    evidence = Evidence.of(observed, found)
    pairs = observed.by_position.select("query_id", "doc_id").unique(maintain_order=True)
    true = relevant[pairs["query_id"].to_numpy(), pairs["doc_id"].cast(int).to_numpy()]
    often = evidence.examinations > 300
    rate = (evidence.clicks / evidence.examinations)[often]
    assert rate[true[often]].mean() == pytest.approx((TRUE - FALSE)[0], abs=0.03)
    assert rate[~true[often]].mean() < 0.03


def test_few_impressions_suffice_though_rankers_put_relevant_pairs_above(worlds):
    """Most pairs are seen four times: what is usual at their ranks must not pass for what they are."""
    observed, relevant = trusting(worlds, 12_000, queries=3_000, zipf=0.0)
    pairs = observed.by_position.select("query_id", "doc_id").unique(maintain_order=True)
    true = relevant[pairs["query_id"].to_numpy(), pairs["doc_id"].cast(int).to_numpy()]
    known = pairs.with_columns(relevant=true).sample(fraction=0.5, seed=0)
    told, blind = (Trust(labels=labels).estimate(observed) for labels in (known, None))
    assert worlds.relative_error(blind.theta, TRUE - FALSE) < 0.1
    assert worlds.relative_error(told.theta, TRUE - FALSE) < 0.08
    assert told.false_clicks == pytest.approx(FALSE, abs=0.012)
    assert np.abs(told.false_clicks - FALSE).max() < np.abs(blind.false_clicks - FALSE).max()


def test_all_labels_give_plain_rates(worlds):
    observed, relevant = trusting(worlds, 20_000)
    totals = defaultdict(float)
    for query, doc, rank, shown, clicks in observed.by_position.rows():
        totals["n", relevant[query, int(doc)], rank] += shown
        totals["x", relevant[query, int(doc)], rank] += clicks
    pairs = observed.by_position.select("query_id", "doc_id").unique()
    labels = pairs.with_columns(relevant=relevant[pairs["query_id"].to_numpy(), pairs["doc_id"].cast(int).to_numpy()])
    true, false, _ = Trust(labels=labels).rates(observed)
    for k in range(1, 7):
        assert true[k - 1] == pytest.approx(totals["x", True, k] / totals["n", True, k], abs=2e-3)
        assert false[k - 1] == pytest.approx(totals["x", False, k] / totals["n", False, k], abs=2e-3)


def test_a_rare_deep_rank_borrows_from_above(worlds):
    observed, _ = trusting(worlds, 60_000)
    rare = pl.DataFrame([(0, "999", 9, 2.0, 0.0)], schema=observed.by_position.schema, orient="row")
    table = pl.concat([observed.by_position, rare]).sort("query_id", pl.col("doc_id").cast(int), "position")
    found = Trust().estimate(Observed(table))
    assert len(found.theta) == 9
    assert found.theta[8] == found.theta[5]
    assert found.false_clicks[8] == found.false_clicks[5]
    assert len(found.notices) == 1


def test_one_ranker_is_refused(worlds):
    with pytest.raises(InputError, match="propensity=given"):
        Trust().estimate(trusting(worlds, 10_000, rankers=1)[0])


@pytest.mark.parametrize("options", [{"rounds": 0}, {"tolerance": -1.0}, {"min_pairs": 0}])
def test_impossible_options(options):
    with pytest.raises(InputError, match=next(iter(options))):
        Trust(**options)
