import json

import polars as pl
import pytest
from html_page import Page
from told_metrics import ranked, table

from shoptalk.reporting.pages.queries import LONGEST, escaped, section

HOSTILE = "</script><script>alert(1)</script><!-- \" ' &amp; \u2028 \u05e9\u05dc\u05d5\u05dd \U0001f642"
NAMES = {"bm25": "BM25", "zero_shot": "zero-shot", "adapted": "adapted"}


def browser(per_query, found=None, room=1_000_000):
    return str(section(per_query, ranked(per_query) if found is None else found, NAMES, "zero_shot", "adapted", room))


def told(markup):
    return json.loads(next(script for script in Page(markup).scripts if script.startswith('{"arms"')))


def test_every_query_is_there_with_its_figures_documents_and_slices():
    per_query = pl.concat([table(0.2, 12, "dev"), table(0.1, 12, "test")])
    content = told(browser(per_query))
    assert len(content["rows"]) == 24 and content["arms"] == list(NAMES)
    row = content["rows"][13]
    assert (row["split"], row["id"], row["query"], row["cut"]) == ("test", "q1", "query 1", 0)
    of_arm = [per_query.filter(split="test", query_id="q1", arm=arm)["ndcg@10"].item() for arm in NAMES]
    assert row["values"] == pytest.approx(of_arm, abs=1e-4)
    for arm, expected in (("zero_shot", range(10)), ("adapted", range(9, -1, -1))):
        found = [(content["documents"][at], score, grade) for at, score, grade in row["found"][arm]]
        assert [document for document, _, _ in found] == [[f"d{i}", f"title {i}"] for i in expected]
        assert [grade for *_, grade in found] == [2 if i == 0 else None for i in expected]
    assert row["slices"] == [0] and '<option value="0">kind: x</option>' in browser(per_query)
    assert content["rows"][0]["slices"] == []


def test_nothing_that_users_wrote_ends_the_script():
    per_query = table(0.2, 5).with_columns(query=pl.lit(HOSTILE), kind=pl.lit(HOSTILE))
    found = ranked(per_query, (HOSTILE,) * 12)
    html = browser(per_query, found)
    assert "<script>alert" not in html and html.count("</script>") == 2
    content = told(html)
    assert content["rows"][0]["query"] == HOSTILE and content["documents"][0] == ["d0", HOSTILE]
    assert "\u2028" not in escaped([HOSTILE]) and json.loads(escaped([HOSTILE])) == [HOSTILE]


def test_long_queries_end_somewhere_and_say_by_how_much():
    per_query = table(0.2, 3).with_columns(query=pl.lit("\u4e2d" * (LONGEST + 77)))
    row = told(browser(per_query))["rows"][0]
    assert (row["query"], row["cut"]) == ("\u4e2d" * LONGEST, 77)


def test_where_room_is_short_the_queries_that_changed_least_are_left_out_and_counted():
    per_query = table(0.2, 60).with_columns(query=pl.lit("\u05d0" * 50))
    html = browser(per_query, room=9_000)
    content, text = told(html), Page(html).text
    kept = len(content["rows"])
    assert 5 < kept < 60 and f"{60 - kept} of 60 queries are left out" in text
    changes = [abs(row["values"][2] - row["values"][1]) for row in content["rows"]]
    values = {arm: per_query.filter(arm=arm)["ndcg@10"].round(4).to_numpy() for arm in NAMES}
    every = sorted(abs(values["adapted"] - values["zero_shot"]), reverse=True)
    assert min(changes) == pytest.approx(every[kept - 1], abs=1e-3)
    assert len(json.dumps(content["rows"], ensure_ascii=False).encode()) < 12_000
    named = {at for row in content["rows"] for some in row["found"].values() for at, *_ in some}
    assert named == set(range(len(content["documents"])))


def test_no_query_no_browser():
    assert browser(table(0.2).clear()) == ""
