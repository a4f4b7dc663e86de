import json
from io import StringIO

import polars as pl
import pytest
from html_page import Page
from rich.console import Console
from told_metrics import metrics, table

from shoptalk.reporting import results, tables
from shoptalk.reporting.multirun import comparison
from shoptalk.reporting.overrides import varied
from shoptalk.reporting.pages.slices import section


def test_queries_without_a_value_stand_in_no_slice():
    slices = metrics(0.1)["slices"]["dev"]
    assert list(slices["kind"]) == ["x"] and slices["kind"]["x"]["n"] == 40


@pytest.mark.parametrize("lift, word", [(0.2, "lifts"), (-0.2, "lowers"), (0.01, "inconclusive")])
def test_the_verdict_says_what_the_interval_says(lift, word):
    sentence = tables.verdict(metrics(lift), "dev")
    assert word in sentence and "smoke-3000" in sentence


def test_every_table_names_the_corpus():
    console = Console(record=True, width=160)
    tables.show(metrics(0.2), console)
    assert "Retrieval on phenotypes (smoke-3000)" in console.export_text()


def sliced(lift):
    """Metrics with slices of 1, 79, 40 and 40 queries."""
    rows = table(lift).with_columns(
        template_words=pl.when(pl.col("query_id") == "q0").then(pl.lit("novel")).otherwise(pl.lit("seen")),
        query_length=pl.when(pl.col("kind") == "x").then(pl.lit("7 words or more")).otherwise(pl.lit("1 word")),
    )
    return {**metrics(lift), **results.measured(rows, {"dev": ["template_words", "query_length"]})}


def test_every_slice_has_one_line_of_80_columns_and_no_interval_where_queries_are_too_few():
    told = sliced(0.2)
    console = Console(record=True, width=80, file=StringIO())
    console.print(tables.slice_table(told, "dev"))
    text = console.export_text()
    lines = [line.split() for line in text.splitlines()]
    [few] = [line for line in lines if line[:2] == ["template_words", "novel"]]
    assert few[2] == "1" and few[-2:] == ["too", "few"] and few[-3].startswith("+.")
    [known] = [line for line in lines if line[:5] == ["query_length", "7", "words", "or", "more"]]
    gain = told["slices"]["dev"]["query_length"]["7 words or more"]["gain"]
    figures = [gain["ndcg@10"], *gain["ci95"]]
    assert [float(word.strip("[],")) for word in known[-3:]] == [round(figure, 3) for figure in figures]
    assert text.count("too few: fewer than 20 queries") == 1
    without = {column: cells for column, cells in told["slices"]["dev"].items() if column == "query_length"}
    console.print(tables.slice_table({"slices": {"dev": without}}, "dev"))
    assert "too few" not in console.export_text()


def test_terminal_and_page_find_the_same_slices_too_small():
    told = sliced(0.012)
    told["slices"]["dev"]["query_length"]["1 word"]["small"] = True
    page = Page(str(section(told["slices"], {}, tables.ARMS, "adapted", "zero-shot")))
    console = Console(record=True, width=80, file=StringIO())
    console.print(tables.slice_table(told, "dev"))
    marked = [cell.removesuffix(" (too small)") for cell in page.cells if cell.endswith("(too small)")]
    lines = [line for line in console.export_text().splitlines() if line.endswith("too few ")]
    assert len(lines) == len(marked) >= 2
    assert all(value in line for value, line in zip(marked, lines, strict=True))


def test_the_multirun_table_tells_what_differs_and_fits_80_columns(tmp_path):
    shared = ["threads=1", "run.progress=false", "cache.root=/some/where/far/away"]
    for job, strategy in enumerate(("ann_refreshed", "bm25")):
        write_job(tmp_path / str(job), 0.1, [*shared, f"negatives={strategy}", "temperature=soft" if job else "seed=0"])
    console = Console(record=True, width=80, file=StringIO())
    console.print(comparison(tmp_path))
    text = console.export_text()
    assert "threads" not in text and "cache.root" not in text
    assert "ann_refreshed" in text and "negatives=bm25" in text and "temperature=soft" in text
    low, high = metrics(0.1)["gain"]["dev"]["zero_shot"]["ci95"]
    assert f"+{low:.3f} to +{high:.3f}".replace("0.", ".") in text


def write_job(folder, lift, overrides):
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "overrides.yaml").write_text("".join(f"- {word}\n" for word in overrides))
    told = {**metrics(lift), "negatives": {"dropped": {"teacher": 7}}, "seconds": {"total": 3.0}}
    (folder / "metrics.json").write_text(json.dumps(told))


def test_jobs_that_ask_for_the_same_keep_their_overrides(tmp_path):
    for job in ("0", "1"):
        write_job(tmp_path / job, 0.1, ["data=labels"])
    assert set(varied([tmp_path / "0", tmp_path / "1", tmp_path / "2"]).values()) == {"data=labels", ""}


def test_the_multirun_table_puts_the_best_first_and_failures_last(tmp_path):
    for job, lift in enumerate((0.1, 0.3)):
        write_job(tmp_path / str(job), lift, [f"negatives=n{job}"])
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "error.txt").write_text("temperature.value=-1 cannot divide a score.\n")
    console = Console(record=True, width=200)
    console.print(comparison(tmp_path))
    text = console.export_text()
    assert text.index("negatives=n1") < text.index("negatives=n0") < text.index("cannot divide")
    assert "dev of phenotypes (smoke-3000)" in text
