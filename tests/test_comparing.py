import numpy as np
import polars as pl
import pytest
from told_metrics import table

from shoptalk import comparing
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Judged
from shoptalk.retrieval.holm import holm
from shoptalk.retrieval.power import smallest
from shoptalk.retrieval.ranked import Ranked
from shoptalk.retrieval.significance import compare

CORPUS = Corpus(["a", "b", "c"], ["Title a", "", ""], ["text a", "b" * 500, "text c"])
JUDGED = Judged(["q0", "q1"], ["first", "second"], {"q0": {"b": 2, "c": 0}, "q1": {"a": 1}}, {"kind": ["x", None]})


def search(queries, k):
    rows = np.array([[1, 0, 2], [2, -1, -1]])[: len(queries), :k]
    return Ranked(rows, np.where(rows < 0, -np.inf, [[0.9, 0.5, 0.1]]).astype(np.float32))


def test_what_is_scored_is_what_was_searched_once():
    asked = []
    arms = {"one": lambda queries, k: asked.append((queries, k)) or search(queries, k), "two": search}
    found = comparing.search_all(arms, {"dev": JUDGED}, CORPUS)
    assert asked == [(["first", "second"], 3)]
    scores = comparing.scored(found, {"dev": JUDGED}, CORPUS)
    assert scores.equals(comparing.judge(arms, {"dev": JUDGED}, CORPUS))
    assert scores.filter(arm="one")["ndcg@10"].to_list() == [1.0, 0.0]
    assert scores.filter(arm="one")["judged@10"].to_list() == pytest.approx([2 / 3, 0.0])
    assert scores.filter(arm="two")["kind"].to_list() == ["x", None]


def test_the_first_documents_are_kept_with_scores_grades_and_titles():
    found = comparing.search_all({"one": search}, {"dev": JUDGED}, CORPUS)
    first, second = comparing.shown(found, {"dev": JUDGED}, CORPUS).iter_rows(named=True)
    assert (first["split"], first["arm"], first["query_id"]) == ("dev", "one", "q0")
    assert first["doc_ids"] == ["b", "a", "c"] and first["grades"] == [2, None, 0]
    assert first["titles"] == ["b" * comparing.LONGEST, "Title a", "text c"]
    assert first["scores"] == pytest.approx([0.9, 0.5, 0.1])
    assert second["doc_ids"] == ["c"] and second["grades"] == [None]


def test_no_split_leaves_empty_tables():
    assert comparing.judge({"one": search}, {}, CORPUS).height == 0
    assert comparing.shown({}, {}, CORPUS).height == 0


def test_a_slice_tells_its_gain_and_whether_it_resolves_anything():
    random = np.random.default_rng(0)
    parts = np.array(["many"] * 200 + ["noisy"] * 40 + ["few"] * 12)
    gains = np.concatenate([random.normal(0.1, 0.1, 200), random.normal(0, 0.4, 40), np.full(12, 0.1)])
    base = random.uniform(0, 0.5, len(parts))
    scores = pl.concat(
        pl.DataFrame({"split": "dev", "arm": arm, "query_id": range(len(parts)), "ndcg@10": values, "part": parts})
        for arm, values in (("zero_shot", base), ("adapted", base + gains))
    )
    found = comparing.slice_gains(scores, "dev", ["part"], "zero_shot")["part"]
    assert list(found) == ["few", "many", "noisy"]
    assert {name: cell["small"] for name, cell in found.items()} == {"few": True, "many": False, "noisy": True}
    expected = compare(base[:200] + gains[:200], base[:200], comparing.RESAMPLES)
    assert found["many"]["gain"] == expected.told()
    assert found["many"]["smallest"] == pytest.approx(smallest(gains[:200].std(ddof=1), 200))
    assert [c["holm"] for c in found.values()] == holm([c["gain"]["p_value"] for c in found.values()])


def test_slices_are_of_the_queries_that_have_a_value():
    found = comparing.slice_gains(table(0.1), "dev", ["kind"], "bm25")
    assert list(found["kind"]) == ["x"] and found["kind"]["x"]["gain"]["n"] == 40
