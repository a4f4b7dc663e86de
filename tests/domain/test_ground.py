from hypothesis import given
from hypothesis import strategies as st

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged, Known
from shoptalk.domain.text import normalise

CORPUS = Corpus(["a", "b", "c"], ["Title", "", "T"], ["text", "only text", ""])


@given(st.text("abAB é-ß.?…\t\n3"))
def test_spellings_that_differ_in_space_case_and_end_are_one(text):
    once = normalise(text)
    assert once == " ".join(once.split())
    assert normalise(f"  {once.upper()} ?!") == once


def test_normalised_text_keeps_what_jargon_needs():
    assert normalise(" ＡＭＬ-M5b,  ≥5 mg/dl. ") == "aml-m5b, ≥5 mg/dl"


def test_passages_rows_and_digests():
    assert CORPUS.passages == ["Title text", "only text", "T"]
    assert CORPUS.take([2, 0]) == Corpus(["c", "a"], ["T", "Title"], ["", "text"])
    assert CORPUS.extended(Corpus(["d"], ["x"], ["y"])).index == {"a": 0, "b": 1, "c": 2, "d": 3}
    assert CORPUS.digest != CORPUS.take([1, 0, 2]).digest
    assert CORPUS.take([0, 1, 2]).digest == CORPUS.digest


def test_positives_are_graded_above_zero_best_first():
    split = Judged(["q", "r"], ["x", "y"], {"q": {"c": 1, "a": 2, "b": 0}}, {"kind": ["one", None]})
    assert split.positives() == [["a", "c"], []]
    assert split.take([1]) == Judged(["r"], ["y"], {}, {"kind": [None]})


def test_known_positives_come_from_pairs_train_and_calibration_alone():
    splits = {
        name: Judged(["q"], ["The Query"], {"q": {doc: 1}})
        for name, doc in {"train": "a", "calibration": "b", "dev": "c", "test": "d", "audit": "e"}.items()
    }
    domain = Domain("some", CORPUS, splits)
    known = Known.of(domain, [("the  query.", "p")])
    assert known.documents("THE QUERY") == {"a", "b", "p"}
    assert known.documents("another") == set()
    assert domain.evaluation_queries() == {"the query"}
