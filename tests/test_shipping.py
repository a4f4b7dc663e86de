import numpy as np
import polars as pl
import pytest

from shoptalk import comparing
from shoptalk.shipping import SHIP, STAY, UNCLEAR, losses, power, shipping


def table(**arms) -> pl.DataFrame:
    return pl.concat(
        pl.DataFrame({
            "split": split, "arm": arm, "query_id": [str(i) for i in range(len(values))], "ndcg@10": values,
            "kind": ["few" if i < 25 else "many" for i in range(len(values))],
        })
        for split in ("dev", "test") for arm, values in arms.items()
    )  # fmt: skip


def told(split="test", **arms):
    per_query = table(**arms)
    gains = {arm: comparing.gain(per_query, split, arm).told() for arm in ("zero_shot", "bm25")}
    slices = comparing.slice_gains(per_query, split, ["kind"], "zero_shot")
    return shipping(per_query, split, gains, slices, ["Sparse."])


RANDOM = np.random.default_rng(0)
BASE = RANDOM.uniform(0, 0.7, 100)
NOISE = RANDOM.normal(0, 0.05, 100)


def test_losses_and_wins_are_counted_by_their_definition():
    before = np.array([1.0, 0.8, 0.79, 1.0, 0.0, 0.5])
    after = np.array([0.9, 0.71, 0.0, 0.91, 0.8, 0.79])
    assert losses(after, before) == {"right": 3, "lost": 1, "wrong": 3, "won": 1}


def test_better_than_both_is_shipped_unless_dev_alone_says_so():
    arms = {"zero_shot": BASE, "bm25": BASE - 0.1, "adapted": BASE + 0.2 + NOISE}
    found = told(**arms)
    assert found["verdict"] == SHIP and found["cautions"] == ["Sparse."] and len(found["reasons"]) == 2
    on_dev = told("dev", **arms)
    assert on_dev["verdict"] == UNCLEAR and "dev steered" in on_dev["reasons"][0]


def test_worse_than_either_stays():
    found = told(zero_shot=BASE, bm25=BASE + 0.4, adapted=BASE + 0.2 + NOISE)
    assert found["verdict"] == STAY and "worse than BM25 by" in found["reasons"][0]


def test_what_is_not_clear_says_how_many_queries_would_show_it():
    found = told(zero_shot=BASE, bm25=BASE - 0.3, adapted=BASE + RANDOM.normal(0, 0.3, 100))
    assert found["verdict"] == UNCLEAR
    assert "100 queries show differences of" in found["reasons"][0] and "2.0 points would take" in found["reasons"][0]


@pytest.mark.parametrize("lost, verdict", [(4, SHIP), (9, UNCLEAR), (25, STAY)])
def test_queries_that_were_right_must_not_be_lost(lost, verdict):
    right = np.arange(100) % 5 < 2
    before, after = np.where(right, 1.0, 0.1), np.where(right, 1.0, 0.9)
    after[np.flatnonzero(right)[::-1][:lost]] = 0.5
    found = told(zero_shot=before, bm25=np.full(100, 0.05), adapted=after)
    assert found["verdict"] == verdict and found["losses"]["zero_shot"]["lost"] == lost


def test_a_share_of_few_queries_that_were_right_decides_nothing():
    before = np.where(np.arange(100) < 2, 1.0, 0.1)
    found = told(zero_shot=before, bm25=before, adapted=np.where(np.arange(100) < 2, 0.5, 0.95))
    assert found["verdict"] == SHIP and "Of 2 queries that zero-shot had right 2 are lost" in found["reasons"][2]


def test_a_slice_that_is_clearly_worse_stays():
    after = BASE + np.where(np.arange(100) < 25, -0.15, 0.3)
    found = told(zero_shot=BASE, bm25=BASE - 0.3, adapted=after + NOISE / 10)
    assert found["verdict"] == STAY and found["reasons"][0].startswith("Queries with kind few are worse")


def test_power_is_that_of_the_paired_differences():
    found = power(table(zero_shot=BASE, bm25=BASE, adapted=BASE + NOISE), "test")
    assert found["zero_shot"]["deviation"] == pytest.approx(NOISE.std(ddof=1)) and found["bm25"]["n"] == 100
    same = power(table(zero_shot=BASE, bm25=BASE, adapted=BASE), "test")
    assert same["zero_shot"]["smallest"] is None
