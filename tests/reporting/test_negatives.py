import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mined_by_hand import mined, some, told

SCORE = st.floats(-1, 1, width=32)
NEGATIVE = st.tuples(
    st.sampled_from([f"d{i}" for i in range(10)]),
    st.none() | SCORE,
    st.none() | st.floats(0, 1, width=32),
    st.none() | st.integers(0, 300),
    st.sampled_from(["ann", "bm25", "twins", "random", "given", "filled"]),
)


def test_numbers_of_a_table_made_by_hand():
    metrics = told(some()).metrics()
    assert metrics == {
        "seen": 30, "dropped": {"known positive": 3, "teacher": 12}, "kept": 4, "filled": 1, "fallback": "random",
        "miners": {"given": 1, "ann": 3, "bm25": 1, "filled": 1}, "median_rank": 3.0,
        "mean_score": 0.5, "mean_positive_score": pytest.approx(0.7),
        "false_negatives": None,
    }  # fmt: skip
    assert json.loads(json.dumps(metrics)) == metrics


def test_the_funnel_counts_down_in_the_order_of_the_filters():
    assert told(some()).steps() == [("known positive", 3, 27), ("teacher", 12, 15)]


def test_scores_of_different_kinds_stand_on_axes_of_their_own():
    scores = told(some()).scores
    assert {scale: set(bins.counts) for scale, bins in scores.items()} == {
        "similarity": {"positives", "ann"},
        "BM25 score": {"bm25"},
    }


def test_positives_of_a_bm25_run_stand_on_its_axis():
    found = mined([("q", "d0", [("d1", 7.0, None, 0, "bm25")])], positive_scores=np.array([11.0], np.float32))
    assert set(told(found).scores["BM25 score"].counts) == {"positives", "bm25"}
    assert told(found).metrics()["mean_score"] == 7.0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(NEGATIVE, max_size=4), min_size=1, max_size=6), st.booleans())
def test_every_number_is_that_of_a_naive_count(lists, scored):
    rows = [(f"q{i}", "d0", negatives) for i, negatives in enumerate(lists)]
    positive = np.linspace(0.2, 0.9, len(rows), dtype=np.float32) if scored else None
    report = told(mined(rows, positive_scores=positive))
    flat = [one for _, _, negatives in rows for one in negatives]
    kept = [one for one in flat if one[4] not in ("given", "filled")]
    ranks = [rank for *_, rank, _ in kept if rank is not None]
    assert report.kept == len(kept) and report.given == sum(one[4] == "given" for one in flat)
    assert report.median_rank == (float(np.median(ranks)) if ranks else None)
    by_scale = {"BM25 score": [], "similarity": []}
    for _, score, _, _, miner in kept:
        if score is not None:
            by_scale["BM25 score" if miner == "bm25" else "similarity"].append(score)
    scores = by_scale["similarity"] or by_scale["BM25 score"]
    assert report.mean_score == (pytest.approx(np.mean(scores), abs=1e-6) if scores else None)
    drawn = {name: int(counts.sum()) for name, (counts, edges) in report.histograms().items()}
    for miner in {one[4] for one in kept}:
        scale = "BM25 score" if miner == "bm25" else "similarity"
        own = [one for one in kept if one[4] == miner]
        assert drawn.get(f"scores/{scale}/{miner}", 0) == sum(one[1] is not None for one in own)
        assert drawn.get(f"ranks/{miner}", 0) == sum(one[3] is not None for one in own)
    judged = [one for one in flat if one[2] is not None]
    assert sum(n for name, n in drawn.items() if name.startswith("probabilities/")) == len(judged)


def test_every_bin_of_ranks_holds_as_many_ranks():
    for highest in (0, 3, 79, 80, 1000):
        rows = [(f"q{i}", "d0", [("d1", 0.5, None, i, "ann")]) for i in range(highest + 1)]
        counts, edges = told(mined(rows)).histograms()["ranks/ann"]
        assert len(counts) <= 81 and len(set(counts[:-1].tolist())) <= 1 and counts.sum() == highest + 1
        assert len(edges) == len(counts) + 1 and edges[0] == -0.5


def test_triples_are_a_function_of_seed_and_pair():
    rows = [(f"q{i}", f"d{i % 10}", [(f"d{j}", 0.1 * j, None, j, "ann") for j in range(10)]) for i in range(60)]
    positive = np.arange(60, dtype=np.float32)
    first = told(mined(rows, positive_scores=positive))
    turned = told(mined(rows[::-1], positive_scores=positive[::-1]))
    assert len(first.triples) == 20 and first.triples == turned.triples
    assert told(mined(rows), seed=1).triples != told(mined(rows)).triples
    assert len({t.query for t in first.triples}) == 20 and len({t.negative_id for t in first.triples}) > 4
    for triple in first.triples:
        pair = int(triple.query[1:])
        assert (triple.positive_id, triple.positive_score) == (f"d{pair % 10}", pair)
        assert triple.negative == f"passage {triple.rank}" and triple.negative_id == f"d{triple.rank}"


def test_a_run_without_negatives_has_nothing_to_tell():
    report = told(mined([("q", "d0", []), ("r", "d1", [])]))
    metrics = report.metrics()
    assert metrics["kept"] == metrics["seen"] == 0 and metrics["median_rank"] is metrics["mean_score"] is None
    assert report.histograms() == {} and report.triples == () and report.sample().is_empty()


def test_all_numbers_are_finite():
    found = some()
    found.positive_scores[1] = np.nan
    metrics = told(found).metrics()
    assert metrics["mean_positive_score"] == pytest.approx(0.7)
    assert all(math.isfinite(v) for v in metrics.values() if isinstance(v, float))


def test_options_are_named_as_on_the_command_line():
    assert told(some()).options == {"max_probability": 0.1, "margin": None, "pick": "Top", "pick.k": 2}
    assert told(some()).strategy == "Denoised"
    parts = [{"_target_": "x.Ann", "_partial_": True, "high": 3}, {"_target_": "x.Teacher", "max_probability": 0.2}]
    mixture = told(some(), config={"_target_": "x.Mixture", "parts": parts, "shares": [1, 2]})
    assert mixture.options == {
        "parts.0": "Ann", "parts.0.high": 3, "parts.1": "Teacher", "parts.1.max_probability": 0.2, "shares.0": 1,
        "shares.1": 2,
    }  # fmt: skip
    assert mixture.thresholds == [0.2]


def test_the_sample_is_a_table():
    table = told(some()).sample()
    assert table.height == 3 and table["sources"].unique().to_list() == ["labels"]
    assert set(table["negative_id"]) <= {f"d{i}" for i in range(10)}
