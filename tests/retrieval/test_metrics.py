import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.domain.judgments import Judged
from shoptalk.retrieval.metrics import means, per_query
from shoptalk.retrieval.ranked import Ranked


def by_definition(scores: dict[str, float], grades: dict[str, int]) -> dict[str, float]:
    """trec_eval's definitions, written out: linear gain, ties by document id, descending."""
    order = sorted(scores, key=lambda d: (scores[d], d), reverse=True)
    ideal = sorted((g for g in grades.values() if g > 0), reverse=True)
    gain = sum(grades.get(d, 0) / math.log2(i + 2) for i, d in enumerate(order[:10]))
    best = sum(g / math.log2(i + 2) for i, g in enumerate(ideal[:10]))
    hits = [i for i, d in enumerate(order) if grades.get(d, 0) > 0]
    return {
        "ndcg@10": gain / best if best else 0.0,
        "recall@100": sum(i < 100 for i in hits) / len(ideal) if ideal else 0.0,
        "mrr@10": 1 / (hits[0] + 1) if hits and hits[0] < 10 else 0.0,
    }


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_equal_to_the_definitions_on_graded_runs_with_ties_missing_and_extra_documents(seed):
    """Ten runs an example: judged documents that no run finds, found ones that nobody judged, judgments of documents
    outside the corpus, lists that end early or hold nothing, queries without a judgment or with zeros alone."""
    random = np.random.default_rng(seed)
    ids = [f"d{i}" for i in random.permutation(150)]
    known, queries = [*ids, *(f"gone{i}" for i in range(20))], [f"q{i}" for i in range(10)]
    highest = random.integers(1, 6)
    qrels = {
        q: {known[d]: int(random.integers(0, highest)) for d in random.choice(170, random.integers(0, 60), False)}
        for q in queries[1:]
    }
    rows = np.stack([random.choice(150, 120, replace=False) for _ in queries])
    steps = random.integers(1, 40)
    scores = -np.sort(random.integers(-steps, steps, rows.shape).astype(np.float32) / 4, axis=1)
    for line, length in enumerate(random.integers(0, 200, len(queries))):
        rows[line, length:], scores[line, length:] = -1, -np.inf
    found = per_query(Ranked(rows, scores), ids, Judged(queries, queries, qrels))
    for line, query in enumerate(queries):
        run = {ids[r]: float(s) for r, s in zip(rows[line], scores[line], strict=True) if r >= 0}
        for name, value in by_definition(run, qrels.get(query, {})).items():
            assert found[name][line] == pytest.approx(value, abs=1e-6)


def test_a_query_without_results_counts_as_zero():
    judged = Judged(["a", "b"], ["a", "b"], {"a": {"x": 1}, "b": {"x": 1}})
    ranked = Ranked(np.array([[0], [-1]]), np.array([[1.0], [-np.inf]], np.float32))
    found = per_query(ranked, ["x"], judged)
    assert found["ndcg@10"].to_list() == [1.0, 0.0]
    assert means(found)["mrr@10"] == 0.5


def test_mrr_ends_at_rank_ten():
    ids = [f"d{i:02d}" for i in range(12)]
    judged = Judged(["a", "b"], ["a", "b"], {"a": {"d09": 1}, "b": {"d10": 1}})
    rows = np.tile(np.arange(12), (2, 1))
    scores = np.tile(-np.arange(12, dtype=np.float32), (2, 1))
    assert per_query(Ranked(rows, scores), ids, judged)["mrr@10"].to_list() == [pytest.approx(0.1), 0.0]
