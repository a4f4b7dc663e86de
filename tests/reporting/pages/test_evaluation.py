import json

import polars as pl
import pytest
from html_page import Page
from told_metrics import ranked, table

from shoptalk import comparing
from shoptalk.reporting.pages.evaluation import report_of_evaluation, verdicts

HOSTILE = "<script>alert(1)</script>"


def told(lift, winner="adapted", **changed):
    """On dev all arms, on test those two alone."""
    per_query = pl.concat([table(lift), table(lift, split="test").filter(pl.col("arm") != "bm25")])
    content = {
        "corpus": "shop", "documents": 10, "baseline": "zero_shot", "winner": winner, "notices": ["A notice."],
        "arms": {"bm25": {}, "zero_shot": {"parameters": 22_700_000}, "adapted": {"licence": "MIT"}},
        "over_baseline": {},
    }  # fmt: skip
    for split in ("dev", "test"):
        means = comparing.arm_means(per_query, split)
        ends = {name: [0.3, 0.6] for name in ("ndcg@10", "recall@100", "mrr@10")}
        content[split] = {arm: {**found, "ci95": ends, "n": 80} for arm, found in means.items()}
        content["over_baseline"][split] = {
            arm: {**comparing.gain(per_query, split, "zero_shot", arm).told(), "holm": 0.01, "wins": 50, "ties": 7,
                  "losses": 23}
            for arm in means if arm != "zero_shot"
        }  # fmt: skip
    return {**content, **changed}, per_query, ranked(per_query), {"models": ["bm25"]}


def test_the_winner_is_told_against_the_baseline_first():
    shown = Page(report_of_evaluation(*told(0.2)))
    assert "adapted, chosen on dev, is better than zero_shot" in shown.text
    assert shown.text.index("chosen on dev") < shown.text.index("Scores")
    row = shown.cells[shown.cells.index("adapted", shown.cells.index("verdict")) :][:12]
    assert row[8:] == ["50", "7", "23", "better"] and "22,700,000" in shown.cells and "A notice." in shown.text
    assert shown.anchors == ["#scores", "#queries", "#slices", "#made-of"]


def test_queries_go_from_the_baseline_to_the_winner_and_say_nothing_of_arms_unmeasured():
    html = report_of_evaluation(*told(0.2))
    [data] = [json.loads(script) for script in Page(html).scripts if script.startswith('{"arms"')]
    assert (data["before"], data["after"]) == ("zero_shot", "adapted")
    assert [row["values"][0] is None for row in data["rows"]] == [row["split"] == "test" for row in data["rows"]]


def test_where_none_was_chosen_the_best_is_told():
    content, *_ = told(0.2, winner=None)
    assert verdicts(content)[0].startswith("On 80 dev queries adapted, the best, is better than zero_shot")


@pytest.mark.parametrize("winner", ["zero_shot", None])
def test_a_baseline_that_nobody_beats_is_told(winner):
    content, *tables = told(-0.3, winner=winner)
    content["dev"]["zero_shot"]["ndcg@10"] = 0.9
    assert "zero_shot, the baseline, is the best of 3 retrievers" in Page(report_of_evaluation(content, *tables)).text


def test_names_are_text():
    html = report_of_evaluation(*told(0.2, corpus=HOSTILE, notices=[HOSTILE]))
    assert "<script>alert" not in html and Page(html).text.count(HOSTILE) >= 2
