from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from shoptalk.domain.judgments import Domain, Judged
from shoptalk.errors import InputError
from shoptalk.sources.clicks import diagnosis
from shoptalk.sources.clicks.curves import Curve, curves
from shoptalk.sources.clicks.diagnosis import About, Diagnosis, Purity, diagnose, judged_pairs
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.examination import Examination, relative
from shoptalk.sources.clicks.propensity.given import Given

ABOUT = About("clicks", "log.parquet", simulated=True, level="L2", tells=[("ranks", True, "rates")])
DOCUMENTS = 5


def log_of(theta, queries, shown=6, seed=0):
    """A position-based log in which chance decides the rank of a document, so that click rates are unbiased."""
    random = np.random.default_rng(seed)
    rate = random.uniform(0.2, 0.9, (queries, DOCUMENTS, 1))
    impressions = random.poisson(shown, (queries, DOCUMENTS, len(theta)))
    clicks = random.binomial(impressions, np.asarray(theta) * rate)
    query, doc, place = np.nonzero(impressions)
    columns = {
        "query_id": query.astype(np.int32),
        "doc_id": [f"d{d}" for d in doc],
        "position": (place + 1).astype(np.int16),
        "impressions": impressions[query, doc, place].astype(float),
        "clicks": clicks[query, doc, place].astype(float),
    }
    return Observed(pl.DataFrame(columns))


class Rates:
    """Click rates by rank, raised to ``power`` to be wrong on purpose; keeps what it was asked about."""

    needs_lists = False

    def __init__(self, power=1.0, least_queries=0):
        self.power, self.least_queries, self.asked = power, least_queries, []

    def estimate(self, observed):
        self.asked.append(observed)
        if observed.by_position["query_id"].n_unique() < self.least_queries:
            raise InputError("Ranks 1 and 2 share no pair; log more.")
        return Examination(relative(diagnosis.click_rates(observed)["ctr"].to_numpy() ** self.power))


class Lists(Rates):
    needs_lists = True


def curve_of(observed, estimator=None, **options):
    estimator = estimator or Rates()
    return curves(observed, {"Rates": estimator}, ("Rates", estimator.estimate(observed)), **options)[0]


def pairs_of(*rows):
    return pl.DataFrame(rows, {"query": pl.String, "doc_id": pl.String, "clicks": pl.Float64}, orient="row")


def diagnosed(observed, estimators, used=None, **changed):
    first = next(iter(estimators))
    plain = {
        "removed": {"rows": 100, "flagged_bot": 10, "not_shown": 5, "votes": 85},
        "estimators": estimators,
        "used": used or (first, estimators[first].estimate(observed)),
        "kept": pairs_of(("a", "d1", 3.0)),
        "rejected": pairs_of(("a", "d2", 0.0), ("b", "d1", 1.0)).with_columns(reason=pl.lit("few_clickers")),
        "effective_clicks": 2.5,
        "judged": judged_pairs(Domain("x", None, {})),
    }
    return diagnose(ABOUT, observed, **(plain | changed))


# Numbers


def test_click_rates_and_their_intervals():
    observed = log_of([0.8, 0.4, 0.01], 20)
    found = diagnosis.click_rates(observed)
    for position, shown, clicks, ctr, low, high in found.rows():
        rows = [r for r in observed.by_position.rows(named=True) if r["position"] == position]
        assert shown == sum(r["impressions"] for r in rows)
        assert clicks == sum(r["clicks"] for r in rows)
        wilson = binomtest(int(clicks), int(shown)).proportion_ci(method="wilson")
        assert (ctr, low, high) == pytest.approx((clicks / shown, wilson.low, wilson.high), abs=1e-6)


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=30))
def test_support_counts_every_pair_and_query_once(shown):
    table = pl.DataFrame({
        "query_id": pl.Series(range(len(shown)), dtype=pl.Int32), "doc_id": ["d"] * len(shown),
        "position": pl.Series([1] * len(shown), dtype=pl.Int16),
        "impressions": [float(n) for n in shown], "clicks": [n % 3 / 2 for n in shown],
    })  # fmt: skip
    found = diagnosis.support(Observed(table))
    clicks = [n % 3 / 2 for n in shown if n % 3]
    for name, values in (("pairs", shown), ("queries", shown), ("clicked pairs", clicks)):
        histogram = next(h for told, h in found.items() if told.startswith(f"{name} by"))
        assert histogram["count"].sum() == len(values)
        for low, high, count in histogram.rows():
            assert count == sum(low <= max(v, 1) <= high for v in values)


def test_all_numbers_reach_the_diagnosis():
    observed = log_of([1, 0.5], 40)
    found = diagnosed(observed, {"Rates": Rates(), "Given": Given(eta=1)})
    assert (found.source, found.level, found.used) == ("clicks", "L2", "Rates")
    assert found.rules == {"flagged_bot": 10, "not_shown": 5}
    assert found.chosen == {"kept": 1, "few_clickers": 2}
    assert found.clicks == observed.by_position["clicks"].sum()
    assert (found.queries, found.all_queries, found.effective_clicks) == (40, 40, 2.5)
    assert [curve.name for curve in found.curves] == ["Rates", "Given"]
    assert found.verdict[0] == "The click log is simulated; its searchers are not real."
    assert "simulated" not in " ".join(replace(found, simulated=False).verdict)


# Curves


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    theta = np.array([1, 0.6, 0.4, 0.2])
    held = []
    for seed in range(25):
        curve = curve_of(log_of(theta, 60, seed=seed), seed=seed)
        held += [low <= t <= high for t, low, high in zip(theta[1:], curve.low[1:], curve.high[1:], strict=True)]
        assert curve.low[0] == curve.theta[0] == curve.high[0] == 1
    assert 0.85 < np.mean(held) < 1


def test_fewer_queries_in_a_round_give_the_same_interval():
    observed = log_of([1, 0.5, 0.2], 800, shown=1)
    full, part = (curve_of(observed, rounds=200, limit=limit) for limit in (800, 100))
    assert part.theta == full.theta
    width = [np.log(np.array(c.high[1:]) / np.array(c.low[1:])) for c in (full, part)]
    assert width[1] == pytest.approx(width[0], rel=0.2)


def test_a_resample_holds_whole_queries_each_a_query_of_its_own():
    observed = log_of([1, 0.5], 12)
    lists = observed.by_position.sort("position", "doc_id")
    rate = Rates()
    described = Observed(observed.by_position, lists, features=lambda pairs: pairs["query_id"].to_numpy())
    curve_of(described, rate, rounds=3, limit=9)
    assert len(rate.asked) == 1 + 3
    origins = []
    for resample in rate.asked[1:]:
        asked = resample.by_position["query_id"].unique()
        origin = resample.features(pl.DataFrame({"query_id": asked}))
        assert asked.to_list() == list(range(9))
        origins.append(set(origin))
        for number, was in zip(asked, origin, strict=True):
            for name in ("by_position", "lists"):
                got, meant = getattr(resample, name), getattr(described, name)
                got = got.filter(query_id=number).drop("query_id")
                assert got.equals(meant.filter(query_id=was).drop("query_id"))
    assert min(map(len, origins)) < 9  # drawn with replacement
    assert len(set(map(frozenset, origins))) == 3


def test_the_same_seed_gives_the_same_curve():
    observed = log_of([1, 0.5], 50)
    assert curve_of(observed, seed=3) == curve_of(observed, seed=3) != curve_of(observed, seed=4)


def test_who_refuses_is_shown_with_the_sentence():
    observed = log_of([1, 0.5], 30)
    estimators = {"Rates": Rates(), "Picky": Rates(least_queries=31), "Lists": Lists()}
    rates, picky, lists = curves(observed, estimators, ("Rates", estimators["Rates"].estimate(observed)))
    assert rates.bounded and not picky.estimated and not lists.estimated
    assert picky.refused == "Ranks 1 and 2 share no pair; log more."
    assert "whole lists" in lists.refused
    assert not picky.theta and not estimators["Lists"].asked
    with_lists = Observed(observed.by_position, observed.by_position)
    assert curves(with_lists, {"Lists": Lists()}, ("Given", Given().estimate(observed)))[0].bounded


def test_an_estimator_that_refuses_most_resamples_has_no_interval():
    curve = curve_of(log_of([1, 0.5], 30), Rates(least_queries=30), limit=20)
    assert curve.estimated and not curve.bounded
    assert np.isnan(curve.low).all() and np.isnan(curve.high).all()


def test_assumed_chances_have_a_curve_and_no_interval():
    observed = log_of([1, 0.5], 30)
    rates, given_ = curves(observed, {"Rates": Rates()}, ("by hand", Given(theta=[0.5, 0.1]).estimate(observed)))
    assert rates.estimated and not given_.estimated
    assert (given_.name, given_.assumed, given_.theta) == ("by hand", True, pytest.approx([1, 0.2]))


def test_bounds_for_many_tests_are_wider_and_for_one_the_same():
    curve = curve_of(log_of([1, 0.5, 0.2], 50))
    for bounds, plain in zip(curve.bounds(1), (curve.low, curve.high), strict=True):
        assert bounds == pytest.approx(np.array(plain))
    assert (curve.bounds(10)[0][1:] < curve.low[1:]).all()


# Purity


def test_purity_equals_a_plain_loop_and_never_sees_what_measures():
    def judged(prefix, queries):
        ids = [f"{prefix}{i}" for i in range(len(queries))]
        return Judged(ids, queries, {q: {"d1": 2, "d2": 0, "d3": int(i % 2)} for i, q in enumerate(ids)})

    splits = {"train": judged("t", ["Sore knee?", "both"]), "calibration": judged("c", ["AMoL"])}
    splits |= {"dev": judged("d", ["dev only", "BOTH"]), "test": judged("e", ["test only"])}
    table = judged_pairs(Domain("x", None, splits))
    assert set(table["query"]) == {"sore knee", "amol"}
    queries = ("sore knee", "Amol.", "both", "dev only", "test only", "nobody")
    pairs = pairs_of(*[(q, f"d{d}", float((len(q) + d) % 3)) for q in queries for d in range(1, 5)])
    kept, rejected = pairs[::2], pairs[1::2].with_columns(reason=pl.lit("low_score"))
    observed = log_of([1, 0.5], 5)
    found = diagnosed(observed, {"Rates": Rates()}, kept=kept, rejected=rejected, judged=table)
    grades = {("sore knee", "d1"): 2, ("Amol.", "d1"): 2}  # d3 is graded 0 in both splits
    groups = {"chosen": kept.rows(), "any click": [r for r in pairs.rows() if r[2] > 0]}
    assert found.judged_queries == 2
    for name, rows in groups.items():
        about = [row for row in rows if row[0] in ("sore knee", "Amol.")]
        pure = sum(row[:2] in grades for row in about)
        assert (found.purity[name].pairs, found.purity[name].pure) == (len(about), pure)
        assert found.purity[name].share == pure / len(about)
        wilson = binomtest(pure, len(about)).proportion_ci(method="wilson")
        assert found.purity[name].ci95 == pytest.approx((wilson.low, wilson.high), abs=1e-6)


# Verdict


def told(found, word):
    """The one sentence with this word."""
    (sentence,) = [s for s in found.verdict if word in s]
    return sentence


def test_position_bias_is_seen_and_its_absence_and_doubt():
    strong = diagnosed(log_of([1, 0.7, 0.3], 100), {"Rates": Rates()})
    assert told(strong, "position bias").startswith("There is position bias: by Rates rank 3 is looked at 0.3")
    flat = diagnosed(log_of([1, 1, 1], 400), {"Rates": Rates()})
    assert told(flat, "position bias").startswith("There is no position bias")
    small = diagnosed(log_of([0.3, 0.3, 0.3], 3, shown=2, seed=1), {"Rates": Rates()})
    assert "inconclusive" in told(small, "position bias")


def test_what_cannot_be_estimated_is_said_with_the_reason():
    observed = log_of([1, 0.5], 10)
    by_hand = ("Given", Given().estimate(observed))
    found = diagnosed(observed, {"Picky": Rates(least_queries=99)}, used=by_hand)
    assert "cannot be estimated from this log. Picky says: Ranks 1 and 2 share no pair" in told(found, "Picky")
    assert "cannot be told" in told(found, "worse documents")
    assert told(found, "assumed").endswith("(Given); they are as good as this guess.")
    able = diagnosed(observed, {"Rates": Rates(), "Picky": Rates(least_queries=99)}, used=by_hand)
    assert told(able, "can be estimated").endswith("by Rates; Picky refused.")
    assert "although the log would tell" in told(able, "assumed")


def test_estimators_agree_or_disagree_or_nobody_knows():
    large, small = log_of([1, 0.5, 0.2], 200), log_of([1, 0.5, 0.2], 5, shown=1)
    assert "agree within" in told(diagnosed(large, {"A": Rates(), "B": Rates(1.05)}), "agree")
    sentence = told(diagnosed(large, {"A": Rates(), "B": Rates(0.5)}), "agree")
    assert "disagree beyond their intervals (rank 3: 0.2" in sentence and "by B" in sentence
    assert "inconclusive" in told(diagnosed(small, {"A": Rates(), "B": Rates(0.7)}), "agree")
    assert "fewer than two" in told(diagnosed(large, {"A": Rates()}), "agree")


def bare(**changed):
    plain = {"removed": {"rows": 100, "votes": 100}, "chosen": {"kept": 500, "low_score": 500}, "clicks": 5000.0}
    return Diagnosis(**vars(ABOUT), **(plain | {"effective_clicks": 4000.0} | changed))


def test_whether_clicks_suffice():
    assert told(bare(), "clicks,").endswith("equal ones (80%); 500 of 1,000 pairs are chosen: enough to train on.")
    assert "too little" in told(bare(chosen={"kept": 3}), "clicks,")
    assert "too little" in told(bare(effective_clicks=900.0), "clicks,")
    assert "larger clip" in told(bare(effective_clicks=1100.0), "clicks,")


def test_a_rule_that_takes_much_is_named():
    assert "removed 24% of 100 rows" in told(bare(removed={"rows": 100, "a": 12, "b": 12, "votes": 76}), "removed")
    assert "rule b alone removed 30%" in told(bare(removed={"rows": 100, "a": 2, "b": 30, "votes": 68}), "removed")


@pytest.mark.parametrize("pure, words", [(90, "choosing helps."), (10, "choosing harms."), (52, "is inconclusive.")])
def test_purity_is_compared_with_any_click(pure, words):
    def of(hits, pairs):
        low, high = diagnosis.wilson(np.float64(hits), np.float64(pairs))
        return Purity(pairs, hits, hits / pairs, (low, high))

    sentence = told(bare(purity={"chosen": of(pure, 100), "any click": of(500, 1000)}), "judged relevant")
    assert sentence.endswith(words)
    assert f"{pure}%" in sentence and "50%" in sentence


def test_unknown_purity_and_no_promise():
    assert "not known" in told(bare(), "pure")
    assert "None of this says that search gets better" in bare().verdict[-1]
    assert "nDCG" not in " ".join(bare().verdict)


def test_a_curve_by_hand_is_neither_estimated_nor_bounded():
    assert not Curve("x", [1.0, 0.5], assumed=True).estimated
