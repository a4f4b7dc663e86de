import shutil
import subprocess

import polars as pl
import pytest
from html_page import Page
from mined_by_hand import some, told
from told_metrics import evidence, ranked, table, whole

from shoptalk.reporting.report import Evidence, report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
RUN = "document.title='run'"
HOSTILE = f'</script><script>{RUN}</script><img src=x onerror="{RUN}"> \u05e9\u05dc\u05d5\u05dd'


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="needs a Chromium")
def test_a_browser_fills_the_table_and_runs_nothing_that_users_wrote(tmp_path):
    per_query = pl.concat([table(0.2, split=split) for split in ("dev", "test")]).with_columns(query=pl.lit(HOSTILE))
    found = Evidence(per_query, ranked(per_query, (HOSTILE,) * 12), evidence().config)
    negatives = told(some())
    page = tmp_path / "report.html"
    page.write_text(report(whole(run="a run", negatives=negatives.metrics()), negatives, found), encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    dumped = subprocess.run([*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=120).stdout
    table_at = dumped.index('id="queries-browser"')
    assert "<title>a run</title>" in dumped and dumped.count('class="query"', table_at) == 25
    assert "160 of 160 queries, the first 25 of them below." in dumped and "<img" not in dumped[:table_at]
    assert (
        Page(dumped[dumped.index("<tbody>", table_at) : dumped.index("</tbody>", table_at) + 8]).text.count(HOSTILE)
        == 25
    )
