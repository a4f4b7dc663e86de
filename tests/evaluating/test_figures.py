"""Means, differences and the choice, on tables made by hand."""

import numpy as np
import polars as pl
import pytest

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain
from shoptalk.efficiency.budget import Budget
from shoptalk.efficiency.cost import Cost
from shoptalk.evaluating import figures
from shoptalk.evaluating.choosing import choose
from shoptalk.evaluating.figures import content
from shoptalk.evaluating.measuring import Measured
from shoptalk.reporting.evaluation.table import outcome
from shoptalk.retrieval.holm import holm
from shoptalk.retrieval.significance import compare


def table(split="dev", **arms):
    """A row per query and arm; recall and MRR follow nDCG."""
    parts = []
    for arm, values in arms.items():
        rows = {"split": split, "arm": arm, "query_id": [f"q{i}" for i in range(len(values))]}
        parts.append(pl.DataFrame({**rows, "ndcg@10": values, "recall@100": np.ones(len(values)), "mrr@10": values}))
    return pl.concat(parts)


@pytest.fixture(scope="module")
def values():
    draw = np.random.default_rng(0)
    base = draw.uniform(0.2, 0.6, 120)
    return {
        "base": base,
        "better": base + draw.normal(0.08, 0.1, 120),
        "hardly": base + draw.normal(0.02, 0.1, 120),
        "worse": np.where(np.arange(120) < 60, base, base - draw.uniform(0, 0.2, 120)),
    }


def test_differences_are_those_of_the_paired_test_with_holm_over_all_arms(values):
    told = figures.over(table(**values), "dev", "base")
    assert list(told) == ["better", "hardly", "worse"]
    alone = {arm: compare(values[arm], values["base"]) for arm in told}
    adjusted = dict(zip(told, holm([alone[arm].p_value for arm in told]), strict=True))
    for arm, one in told.items():
        delta = values[arm] - values["base"]
        assert one["ndcg@10"] == alone[arm].mean and one["holm"] == adjusted[arm] >= one["p_value"]
        assert (one["wins"], one["ties"], one["losses"]) == ((delta > 0).sum(), (delta == 0).sum(), (delta < 0).sum())
    assert told["better"]["verdict"] == "better" and told["worse"]["verdict"] == "worse" and told["worse"]["ties"] == 60


def test_holm_takes_a_verdict_back_that_one_test_alone_would_give():
    draw = np.random.default_rng(21)
    base = draw.uniform(0.2, 0.6, 200)
    near = base + draw.normal(0.0155, 0.1, 200)
    assert compare(near, base).verdict == "better"
    many = {f"a{i}": base + draw.normal(0, 0.1, 200) for i in range(6)}
    assert figures.over(table(base=base, near=near, **many), "dev", "base")["near"]["verdict"] == "inconclusive"


def test_means_have_their_intervals_and_counts(values):
    told = figures.means(table(**values), "dev")
    assert list(told) == list(values)
    low, high = told["base"]["ci95"]["ndcg@10"]
    assert low < values["base"].mean() < high and told["base"]["ndcg@10"] == pytest.approx(values["base"].mean())
    assert told["base"]["ci95"]["recall@100"] == [1.0, 1.0] and told["base"]["n"] == 120


def costing(**milliseconds):
    return {arm: Cost(p95_ms=figure) for arm, figure in milliseconds.items()}


def told_within(values, latency_ms, left_out=None, **milliseconds):
    made, domain = table(**values), Domain("horns", Corpus(["d"], ["horn"], [""]), {})
    costs, facts = costing(**milliseconds), {arm: {"notices": []} for arm in values}
    choice = choose(made, "dev", costs, Budget(latency_ms=latency_ms))
    return content(domain, Measured(made, pl.DataFrame(), facts, costs), "base", choice, "dev", left_out or {})


def test_a_budget_has_its_price(values):
    told = told_within(values, 15, base=1, better=30, hardly=10, worse=1)
    assert told["winner"] == "hardly" and told["budget"]["best"] == "better"
    assert told["budget"]["barred"] == {"better": "latency_ms (30 ms, 100.0% too much)"}
    assert told["budget"]["price"] == compare(values["hardly"], values["better"]).told()
    assert told["costs"]["better"]["p95_ms"] == 30
    told = told_within(values, 15, base=1, better=3, hardly=10, worse=30)
    assert told["winner"] == "better" and told["budget"]["price"] is None
    assert "budget" not in told_within(values, None, base=1, better=3, hardly=10, worse=30)


def test_what_was_not_even_read_is_told(values):
    told = told_within(values, None, {"large": "its weights alone take 900 MB"})
    assert told["budget"]["left_out"] == {"large": "its weights alone take 900 MB"} and told["winner"] == "better"
    assert "large: its weights alone take 900 MB" in " ".join(outcome(told | {"notices": []}))


def test_the_best_is_chosen_of_equals_the_first_and_of_those_not_barred():
    made = table(a=[0.1, 0.2], b=[0.5, 0.5], c=[0.4, 0.6])
    assert choose(made, "dev").winner == "b"
    within = choose(made, "dev", costing(a=1, b=30, c=1), Budget(latency_ms=15))
    assert (within.winner, within.best) == ("c", "b")


def test_where_none_meets_the_budget_the_nearest_is_named():
    made = table(a=[0.1, 0.2], b=[0.5, 0.5])
    found = choose(made, "dev", costing(a=18, b=30), Budget(latency_ms=15))
    assert found.winner is None and found.best == "b"
    assert "the nearest, a, misses latency_ms (18 ms, 20.0% too much)" in found.missed
    assert choose(made, "dev", {}, Budget(memory_mb=9)).barred == dict.fromkeys("ab", "memory_mb (not measured)")
