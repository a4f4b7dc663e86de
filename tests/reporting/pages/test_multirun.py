import json

import pytest
from html_page import Page
from told_metrics import metrics, ranked, table

from shoptalk.reporting.pages.multirun import report_of_multirun


@pytest.fixture
def folders(tmp_path):
    made = []
    for number, lift in enumerate((0.1, 0.3, 0.2, None)):
        folder = tmp_path / str(number)
        (folder / ".hydra").mkdir(parents=True)
        (folder / ".hydra" / "overrides.yaml").write_text(f"- negatives=n{number}\n- seed={number}\n")
        made.append(folder)
        if lift is None:
            (folder / "error.txt").write_text("<script>alert(1)</script> cannot divide a score.\n")
            continue
        (folder / "metrics.json").write_text(json.dumps({**metrics(lift), "seconds": {"total": 3.0}}))
        table(lift).write_parquet(folder / "per_query.parquet")
        ranked(table(lift)).write_parquet(folder / "ranked.parquet")
    return made


def test_the_best_is_told_against_the_first_and_failures_keep_their_sentence(folders):
    html = report_of_multirun(folders)
    shown = Page(html)
    assert (
        "Job 1 (negatives=n1 seed=1) is the best on dev" in shown.text
        and "is better than the first, job 0" in shown.text
    )
    row = shown.cells[shown.cells.index("1", shown.cells.index("seconds")) :][:8]
    assert row[1] == "negatives=n1 seed=1" and row[6] == "better"
    assert "<script>alert" not in html and any("cannot divide a score" in cell for cell in shown.cells)
    [data] = [json.loads(script) for script in shown.scripts if script.startswith('{"arms"')]
    assert (data["before"], data["after"], len(data["rows"])) == ("0", "1", 80)
    values = [table(lift).filter(arm="adapted", query_id="q5")["ndcg@10"].item() for lift in (0.1, 0.3)]
    assert next(row["values"] for row in data["rows"] if row["id"] == "q5") == pytest.approx(values, abs=1e-4)


def test_a_first_job_that_is_the_best_is_compared_with_nothing(folders):
    text = Page(report_of_multirun(folders[1:])).text
    assert "is the best on dev" in text and "the first, job" not in text


def test_without_a_figure_there_is_no_page(folders):
    assert report_of_multirun(folders[3:]) is None
