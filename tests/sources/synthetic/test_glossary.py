"""What is mined of a domain's way to write."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2_contingency

from shoptalk.domain.corpus import Corpus
from shoptalk.sources.synthetic import glossary


def test_abbreviations_are_found_where_they_are_defined():
    texts = [
        "Attention deficit hyperactivity disorder (ADHD) is common.",
        "A form of acute monoblastic leukemia (AMoL) and another (see below).",
        "attention deficit hyperactivity disorder (ADHD) again, and attention disorder heavily disturbed (ADHD).",
        "Three of them (XYZ) do not fit; (AB) stands alone; the beat per minute (lower) is no short form.",
    ]
    assert glossary.abbreviations(texts) == {
        "ADHD": "attention deficit hyperactivity disorder",
        "AMoL": "acute monoblastic leukemia",
    }


def test_other_words_are_those_bound_to_a_documents_word():
    titles = [f"renal {thing}" for thing in ("failure", "stone", "cyst", "pain")] * 3 + ["hepatic cyst"] * 12
    corpus = Corpus([str(k) for k in range(24)], titles, [""] * 24)
    queries = [title.replace("renal", "kidney") for title in titles]
    real = pl.DataFrame({"query": queries, "doc_id": list(corpus.ids)})
    assert glossary.other_words(real, corpus) == {"renal": "kidney"}
    assert glossary.other_words(real.head(2), corpus) == {}, "two are no evidence"


@pytest.mark.parametrize("table", [(12, 3, 2, 100), (1, 10, 10, 50), (30, 0, 0, 60)])
def test_the_ratio_is_that_of_a_g_test(table):
    both, first, second, total = table
    cells = np.array([[both, first], [second, total - both - first - second]])
    expected = chi2_contingency(cells, correction=False, lambda_="log-likelihood").statistic
    assert glossary.log_likelihood_ratio(*table) == pytest.approx(expected)


def test_lines_are_about_the_text_alone():
    known = {"MI": "myocardial infarction", "renal": "kidney", "min": "minute"}
    assert glossary.lines("Old myocardial infarction of the minister", known) == ["MI: myocardial infarction"]
    assert glossary.lines("Renal pain", known, most=0) == []


def test_habits():
    said = glossary.habits(["kidney pain", "red eye", "loss of sight at night"])
    assert (
        said
        == "Queries have 2 to 5 words, are written in lower case, and are mostly without words such as of, the and in."
    )
    assert "with capitals" in glossary.habits(["ADHD", "Loss of T"]) and "1 to 3 words" in glossary.habits(
        ["A", "A b c"]
    )
