"""What a run leaves and says of its click logs."""

import io

import polars as pl
import pytest
from click_reading import click_source
from rich.console import Console

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain
from shoptalk.reporting.logs import leave
from shoptalk.sources.pairs import Ground, Yielded, as_pairs


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def yielded(tmp_path, cache, name):
    rows = [
        {"impression_id": f"{n}", "ts_ms": n, "query_raw": "q", "doc_id": d, "position": k, "clicked": k == 1,
         "is_bot": n == 0}
        for n in range(6) for k, d in ((1, "a"), (2, "b"))
    ]  # fmt: skip
    pl.DataFrame(rows).write_parquet(tmp_path / "log.parquet")
    domain = Domain("d", Corpus(["a", "b"], ["A", "B"], ["", ""]), {})
    return click_source(tmp_path / "log.parquet", keep_removed=True).read(name, Ground(domain, None, cache, 0))


def test_a_page_the_rows_left_out_and_the_verdict(tmp_path, cache):
    out = io.StringIO()
    plain = Yielded(as_pairs(pl.DataFrame({"query": ["x"], "doc_id": ["a"]}), "labels"))
    folder = tmp_path / "run"
    folder.mkdir()
    figures = leave(
        folder, {"clicks": yielded(tmp_path, cache, "clicks"), "labels": plain}, Console(file=out, width=100)
    )
    assert "level L1" in out.getvalue() and "assumed" in out.getvalue()
    assert figures["clicks"]["log/clicks"] == 5 and figures.keys() == {"clicks"}
    assert "<html" in (folder / "log_report.html").read_text()
    left_out = pl.read_parquet(folder / "rejected" / "clicks_rows.parquet")
    assert left_out["rule"].to_list() == ["flagged_bot"] * 2 and set(left_out["impression_id"]) == {"0"}


def test_two_logs_have_a_page_each(tmp_path, cache):
    found = {name: yielded(tmp_path, cache, name) for name in ("web", "app")}
    leave(tmp_path, found, Console(file=io.StringIO()))
    assert {p.name for p in tmp_path.glob("*.html")} == {"log_report_web.html", "log_report_app.html"}


def test_nothing_is_left_without_logs(tmp_path):
    plain = Yielded(as_pairs(pl.DataFrame({"query": ["x"], "doc_id": ["a"]}), "labels"))
    assert leave(tmp_path, {"labels": plain}, Console(file=io.StringIO())) == {} and not list(tmp_path.iterdir())
