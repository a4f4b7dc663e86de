import json

import polars as pl
import pytest
from html_page import Page
from mined_by_hand import some, told
from told_metrics import evidence, table, whole

from shoptalk.reporting.pages.frame import LIMIT
from shoptalk.reporting.report import report

HOSTILE = "</script><script>alert('&')</script><img src=x onerror=alert(1)>"


def page(lift=0.2, found=None, **changed):
    negatives = told(some())
    return report(whole(lift, negatives=negatives.metrics(), **changed), negatives, found or evidence(lift))


def test_the_verdict_stands_first_and_the_sections_follow():
    shown = Page(page())
    text = shown.text
    assert text.index("ship") < text.index("Queries") and "The adapted model is better than zero-shot" in text
    order = ["trust", "scores", "queries", "slices", "data", "negatives", "counts", "config"]
    assert shown.anchors == [f"#{name}" for name in order]
    for said in (
        "80 % power at the 5 % level", "Power", "Change by query", "gain, points", "labels rows 5", "pytorch-lightning",
        "The licence of the base model some/model is not known here", "32-true",
    ):  # fmt: skip
        assert said in text, said


@pytest.mark.parametrize("lift, verdict", [(0.2, "ship"), (-0.2, "do not ship"), (0.01, "inconclusive")])
def test_ship_or_not_is_said(lift, verdict):
    assert f" {verdict} , by test." in Page(page(lift)).text


def test_a_simulated_log_is_called_so_above_the_verdict():
    simulated = {"never_shown": {"intents": 9, "asked": 5, "of_all": 0.5, "of_asked": 0.2}, "purity": {"clicks": 0.98}}
    text = Page(page(simulated=simulated)).text
    assert text.index("the click log is simulated") < text.index("ship")
    assert "simulated" not in Page(page()).text


def test_slices_show_their_interval_and_whether_they_resolve_anything():
    cells = Page(page()).cells
    row = cells[cells.index("kind") : cells.index("kind") + 10]
    content = whole(0.2)["slices"]["test"]["kind"]["x"]
    assert row[2] == "40" and row[5] == f"{content['adapted']:.3f}"
    assert row[6] == f"{100 * content['gain']['ndcg@10']:+.1f}" and "too small" not in row[1]
    small = whole(0.2)
    small["slices"]["test"]["kind"]["x"]["small"] = True
    assert "x (too small)" in Page(page(slices=small["slices"])).cells


def test_the_curve_between_the_models_is_drawn_where_it_was_measured():
    points = [{"alpha": a, "ndcg@10": 0.5 + a / 10, "right": 40, "lost": int(9 * a), "wrong": 40, "won": 3}
              for a in (0.0, 0.5, 1.0)]  # fmt: skip
    assert "From base to adapted" not in Page(page()).text
    html = page(interpolation=points)
    assert "From base to adapted" in Page(html).text and "share lost of what was right" in html


def test_nothing_but_the_page_runs_what_a_query_a_name_or_a_count_holds():
    found = evidence()
    found.config["model"]["name"] = HOSTILE
    content = {"run": HOSTILE, "corpus": HOSTILE, "notices": [HOSTILE], "sources": {HOSTILE: {HOSTILE: 1}}}
    html = page(found=found, **content)
    assert "<script>alert" not in html and "<img" not in html
    assert Page(html).text.count(HOSTILE) > 5


def test_many_long_queries_still_leave_one_small_page():
    found = evidence()
    per_query = pl.concat(table(0.2, 3000, split) for split in ("dev", "test")).with_columns(
        query=pl.lit("\u4e2d" * 900)
    )
    html = page(found=type(found)(per_query, found.ranked, found.config))
    assert LIMIT - 30_000 < len(html.encode()) < 6_000_000
    assert "queries are left out so that this file stays small" in Page(html).text


def test_audit_is_measured_but_not_browsed():
    splits, negatives = ("dev", "audit"), told(some())
    html = report(whole(splits=splits, negatives=negatives.metrics()), negatives, evidence(splits=splits))
    [data] = [script for script in Page(html).scripts if script.startswith('{"arms"')]
    assert {row["split"] for row in json.loads(data)["rows"]} == {"dev"}
