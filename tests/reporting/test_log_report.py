import math
from dataclasses import replace

import polars as pl
import pytest
from html_page import Page

from shoptalk.reporting.log_report import log_report, wandb_payload
from shoptalk.sources.clicks.curves import Curve
from shoptalk.sources.clicks.diagnosis import Diagnosis, Purity

NAN = float("nan")


def found(**changed):
    histogram = pl.DataFrame({"low": [1, 2, 4], "high": [1, 3, 7], "count": [30, 20, 10]})
    plain = {
        "source": "clicks", "path": "logs/a.parquet", "simulated": True, "level": "L2",
        "tells": [("ranks", True, "click rates"), ("people", False, "missing: user_key")],
        "counts": {"doubted": 12.5},
        "removed": {"rows": 1000, "flagged_bot": 30, "not_shown": 120, "votes": 850},
        "ctr": pl.DataFrame({
            "position": [1, 2], "impressions": [500.0, 350.0], "clicks": [100.0, 35.5], "ctr": [0.2, 0.1],
            "low": [0.17, 0.07], "high": [0.24, 0.14],
        }),
        "curves": [
            Curve("AllPairs", [1.0, 0.5], [1.0, 0.4], [1.0, 0.625], rounds=40),
            Curve("NoInterval", [1.0, 0.45], [NAN, NAN], [NAN, NAN]),
            Curve("ByHand", [1.0, 0.25], [NAN, NAN], [NAN, NAN], assumed=True),
            Curve("Lists", refused="It needs whole lists."),
        ],
        "used": "AllPairs", "queries": 2000, "all_queries": 5000,
        "support": dict.fromkeys(("pairs by impressions", "queries by impressions"), histogram),
        "chosen": {"kept": 40, "low_score": 77}, "clicks": 135.5, "effective_clicks": 90.0, "judged_queries": 9,
        "purity": {"chosen": Purity(20, 15, 0.75, (0.531, 0.888)), "any click": Purity(0, 0, NAN, (0.0, 1.0))},
    }  # fmt: skip
    return Diagnosis(**(plain | changed))


def test_the_page_says_all_that_was_found():
    told = found()
    page = Page(log_report(told))
    assert page.text.index("Simulated click log") < page.text.index(told.verdict[0])
    for sentence in told.verdict:
        assert sentence in page.text
    for rule, count in told.rules.items():
        assert page.cells[page.cells.index(rule) + 1] == str(count)
    for row in (
        ["people", "no", "missing: user_key"],
        ["2", "350", "35.5", "10.0 %", "7.0 % – 14.0 %"],
        ["AllPairs", "1 · 0.5", "40"],
        ["ByHand", "assumed: 1 · 0.25", ""],
        ["Lists", "It needs whole lists.", ""],
        ["votes left", "850", "85.0 %"],
        ["low_score", "77"],
        ["chosen", "20", "15", "75.0 %", "53.1 % – 88.8 %"],
        ["any click", "0", "0", "–"],
        ["doubted", "12.5"],
    ):
        assert any(page.cells[i : i + len(row)] == row for i in range(len(page.cells))), row
    assert "each round draws 2,000 of the 5,000 queries" in page.text


def test_figures_share_one_script_and_every_curve_is_drawn():
    page = Page(log_report(found()))
    assert sum(len(script) > 1_000_000 for script in page.scripts) == 1
    drawn = [script for script in page.scripts if "Plotly.newPlot" in script and len(script) < 1_000_000]
    assert len(drawn) == 5
    (curves,) = [script for script in drawn if "AllPairs" in script]
    assert "NoInterval" in curves and "ByHand" in curves and "Lists" not in curves
    assert curves.count('"toself"') == 1


def test_a_real_log_without_judgments_or_estimates_has_a_page_too():
    told = found(
        simulated=False, purity=None, curves=[Curve("Lists", refused="No lists.")], removed={"rows": 9, "votes": 9}
    )
    page = Page(log_report(told))
    assert "imulated" not in page.text
    assert "No query of this log is judged in train or calibration." in page.text
    assert "No lists." in page.text


def test_text_of_users_is_escaped():
    hostile = "</script><script>alert('&')</script>"
    curve = replace(found().curves[0], name=hostile)
    told = found(
        source=hostile, path=hostile, tells=[(hostile, True, hostile)], curves=[curve], used=hostile,
        removed={"rows": 10, hostile: 4, "votes": 6}, chosen={"kept": 1, hostile: 3}, counts={hostile: 1},
    )  # fmt: skip
    html = log_report(told)
    assert "<script>alert" not in html
    assert Page(html).cells.count(hostile) >= 5


def test_payload_is_flat_and_finite_and_leaves_the_unknown_out():
    assert wandb_payload(found()) == pytest.approx({
        "log/removed/flagged_bot": 0.03, "log/removed/not_shown": 0.12,
        "log/ctr/rank_1": 0.2, "log/ctr/rank_2": 0.1,
        "log/theta/AllPairs/rank_1": 1, "log/theta/AllPairs/rank_2": 0.5,
        "log/theta/NoInterval/rank_1": 1, "log/theta/NoInterval/rank_2": 0.45,
        "log/theta/ByHand/rank_1": 1, "log/theta/ByHand/rank_2": 0.25,
        "log/purity/chosen": 0.75, "log/clicks": 135.5, "log/effective_clicks": 90, "log/pairs": 40,
    })  # fmt: skip
    assert all(type(value) is float and math.isfinite(value) for value in wandb_payload(found()).values())
