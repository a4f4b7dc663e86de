from dataclasses import replace

import numpy as np
import pytest

from shoptalk.domain.judgments import Known
from shoptalk.errors import InputError
from shoptalk.negatives.pseudo import Confident
from shoptalk.sources.pairs import SCHEMA, as_pairs

QUERIES = ["red ant", "Blue bee.", "old cat", "blue BEE", "red dog", "old ant"]


def teacher(queries, positives, rows):
    """Sure of rows that are a multiple of ten, of row 20 most."""
    p = np.where(rows % 10 == 0, 0.95, 0.4) + np.where(rows == 20, 0.02, 0)
    return np.where(rows >= 0, p, np.nan).astype(np.float32)


def found(ask, queries=QUERIES, known=(), evaluation=(), relevance=teacher, **options):
    return Confident(**options)(queries, replace(ask, known=Known(known), relevance=relevance), set(evaluation))


def test_the_likeliest_candidate_above_the_threshold_is_taken(world):
    ask = world.make(documents=40)
    result = found(ask, depth=40)
    assert result.pairs["query"].to_list() == ["red ant", "Blue bee.", "old cat", "red dog", "old ant"]
    assert set(result.pairs["doc_id"]) == {"d20"} and (result.pairs["teacher_score"] > 0.96).all()
    shallow = found(ask, depth=6)
    for query, doc_id in shallow.pairs.select("query", "doc_id").iter_rows():
        sure = [row for row in ask.dense([query], 6).rows[0] if row % 10 == 0]
        assert doc_id == ("d20" if 20 in sure else f"d{sure[0]}")
    assert shallow.pairs.height == 5 - shallow.counts["not likely enough"] < 5
    assert found(ask, depth=40, min_probability=0.98).pairs.height == 0


def test_evaluation_queries_and_labelled_ones_are_left_out_in_any_spelling_and_counted(world):
    asked = []

    def seen(queries, positives, rows):
        asked.extend(queries)
        return teacher(queries, positives, rows)

    ask = world.make(documents=40)
    result = found(ask, known=[("RED ANT!", "d3")], evaluation=["old cat"], relevance=seen, depth=40)
    assert result.pairs["query"].to_list() == asked == ["Blue bee.", "red dog", "old ant"]
    counts = {
        "queries": 6,
        "evaluation query": 1,
        "known positive": 1,
        "repeated": 1,
        "not likely enough": 0,
    }
    assert result.counts == counts


def test_they_are_pairs_as_every_source_gives_them(world):
    result = found(world.make(documents=40), depth=40)
    pairs = as_pairs(result.pairs, "pseudo")
    assert pairs.schema == SCHEMA and (pairs["weight"] == 1).all()
    assert pairs["teacher_score"].equals(result.pairs["teacher_score"])
    empty = found(world.make(documents=40), queries=[])
    assert as_pairs(empty.pairs, "pseudo").schema == SCHEMA and empty.counts["queries"] == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"min_probability": 1.0}, "min_probability=1.0 must lie between 0 and 1"),
        ({"depth": 0}, "depth=0 must be at least 1"),
        ({"relevance": lambda q, p, rows: np.full(rows.shape, np.nan)}, "not a number"),
    ],
)
def test_bad_input_says_what_to_do(world, options, sentence):
    with pytest.raises(InputError, match=sentence):
        found(world.make(), **options)
