import numpy as np
import polars as pl
import pytest
from html_page import Page
from mined_by_hand import corpus, mined, some, told
from told_metrics import whole

from shoptalk.cache import Cache
from shoptalk.domain.judgments import Known
from shoptalk.negatives.denoise import Denoised
from shoptalk.negatives.mined import Mine
from shoptalk.reporting.negatives_figures import figures
from shoptalk.reporting.negatives_page import LONGEST, SHORT, WHY
from shoptalk.reporting.negatives_truth import Truth
from shoptalk.reporting.report import report
from shoptalk.retrieval.bm25 import BM25

HOSTILE = "</script><script>alert('&')</script><details open><img src=x onerror=alert(1)>"


def page(negatives, **changed):
    return report(whole(splits=("dev",), negatives=negatives.metrics(), dev_pool={}, **changed), negatives)


def test_the_page_says_every_number():
    text = Page(page(told(some()))).text
    for said in (
        "Denoised with negatives.max_probability=0.1 negatives.margin=null negatives.pick=Top negatives.pick.k=2",
        "6 negatives for 3 pairs, by miner: given 1, ann 3, bm25 1, filled 1.",
        "candidates seen 30", "known positive 3 27", "teacher 12 15", "kept 4", "filled 1", "fallback: random",
        "given 1",
        "Mean similarity of the kept negatives 0.5, of the positives 0.7: the difference",
        "negative less positive, is -0.2.",
        "Median 3.", "The line is max_probability=0.1",
    ):  # fmt: skip
        assert said in text, said
    assert "False negatives" not in text


def test_false_negatives_are_told_by_miner_and_source():
    text = Page(page(told(some(), Truth(unrecorded={"d0": "d1", "d2": "d4"})))).text
    assert "25.0 % of the mined negatives do answer their query (1 of 4; 95 % Wilson interval 4.6 % to 69.9 %)" in text
    assert "miner ann 3 1 33.3 %" in text and "miner filled 1 1 100.0 %" in text and "source labels 4 1 25.0 %" in text
    assert text.count("does answer, by the hidden truth") >= 1


def test_nothing_but_the_page_runs_what_a_passage_holds():
    hostile = {f"d{i}": HOSTILE for i in range(10)}
    found = told(mined([(HOSTILE, "d0", [("d1", 0.5, 0.1, 1, "ann")])]), config={"_target_": HOSTILE}, **hostile)
    html = page(found)
    assert "<script>alert" not in html and "<img" not in html
    assert Page(html).text.count(HOSTILE) == 4


def test_long_passages_open_on_demand_and_end_somewhere():
    short, long, endless = "s" * SHORT, "a" * 900 + "END", "b" * (LONGEST + 1234)
    rows = [("q", "d0", [("d1", 0.5, None, 1, "ann")]), ("r", "d0", [("d2", 0.5, None, 1, "ann")])]
    found = Page(page(told(mined(rows), d0=short, d1=long, d2=endless)))
    assert found.tags.count("details") == 2
    assert long in found.text and "a" * SHORT + "…" in found.text
    assert endless not in found.text and "b" * LONGEST in found.text and "(1,234 more characters)" in found.text


def test_a_document_that_left_the_corpus_is_said():
    found = told(mined([("q", "d0", [("nowhere", None, None, None, "given")])]))
    assert "not in the corpus" in Page(page(found)).text


def test_a_run_without_negatives_says_so_in_one_sentence():
    found = told(mined([("q", "d0", [])]), config={"_target_": "x.InBatch"})
    text = Page(page(found)).text
    start = text.rindex("Negatives") + len("Negatives")
    assert text[start : text.index("What was read")].strip() == (
        "InBatch mines no negatives: the other documents of a batch are all that a pair is told from."
    )
    assert not figures(found)


def test_filters_that_leave_nothing_are_told_from_a_run_that_mines_nothing():
    text = Page(page(told(mined([("q", "d0", [])], seen=8, dropped={"rank window": 8})))).text
    assert "0 negatives for 1 pairs, by miner: none." in text and "rank window 8 0" in text
    assert "mines no negatives" not in text and "Some to read" not in text


@pytest.mark.parametrize("splits", [True, False])
def test_one_copy_of_the_script_comes_first_and_the_page_stays_small(splits):
    nothing = {} if splits else {"dev": None, "gain": {}, "slices": {}}
    rows = [(f"q{i}", "d0", [("d1", 0.5, 0.01, 1, "ann")]) for i in range(40)]
    endless = {f"d{i}": "\u4e2d" * 10 * LONGEST for i in range(2)}
    html = page(told(mined(rows, seen=9, dropped={"teacher": 3}), **endless), **nothing)
    scripts = Page(html).scripts
    (script,) = (number for number, text in enumerate(scripts) if len(text) > 1_000_000)
    assert script < min(number for number, text in enumerate(scripts) if "Plotly.newPlot" in text)
    assert len(html.encode()) < 6_000_000


def test_figures_hold_the_counts():
    report = told(some())
    drawn = figures(report)
    assert list(drawn) == ["funnel", "scores similarity", "scores BM25 score", "ranks", "probabilities"]
    assert [list(bar.x) for bar in drawn["funnel"].data if bar.name == "left"] == [[30, 27, 15, 0]]
    assert [list(bar.x) for bar in drawn["funnel"].data if bar.name == "dropped"] == [[0, 3, 12, 0]]
    positives = next(bar for bar in drawn["scores similarity"].data if bar.name == "positives")
    assert sum(positives.y) == pytest.approx(1)
    assert sum(sum(bar.y) for bar in drawn["ranks"].data) == 4
    assert drawn["probabilities"].layout.shapes[0].x0 == 0.1


def test_every_filter_is_explained(tmp_path):
    pairs = pl.DataFrame({"query": ["passage 1"], "doc_id": ["d1"]})
    bm25 = BM25(corpus().passages)
    relevance = lambda queries, positives, rows: np.where(rows < 0, np.nan, 0.05).astype(np.float32)  # noqa: E731
    ask = Mine(pairs, corpus(), Known([]), bm25, bm25, 0, Cache(tmp_path), relevance=relevance)
    scores = {"absolute_margin": 0.0, "relative_margin": 0.0, "positive_share": 1.0, "min_score": 0.0, "max_score": 9.0}
    found = Denoised(low=1, high=9, **scores).mine(ask)
    assert list(found.dropped) == list(WHY)
