import polars as pl
from chromium import NEEDED, shown
from html_page import Page
from mined_by_hand import some, told
from told_metrics import evidence, ranked, table, whole

from shoptalk.reporting.report import Evidence, report

pytestmark = NEEDED
RUN = "document.title='run'"
HOSTILE = f'</script><script>{RUN}</script><img src=x onerror="{RUN}"> \u05e9\u05dc\u05d5\u05dd'


def test_a_browser_fills_the_table_and_runs_nothing_that_users_wrote(tmp_path):
    per_query = pl.concat([table(0.2, split=split) for split in ("dev", "test")]).with_columns(query=pl.lit(HOSTILE))
    found = Evidence(per_query, ranked(per_query, (HOSTILE,) * 12), evidence().config)
    negatives = told(some())
    page = tmp_path / "report.html"
    page.write_text(report(whole(run="a run", negatives=negatives.metrics()), negatives, found), encoding="utf-8")
    dumped, complaints = shown(page.as_uri(), tmp_path)
    assert not complaints
    table_at = dumped.index('id="queries-browser"')
    assert "<title>a run</title>" in dumped and dumped.count('class="query"', table_at) == 25
    assert "160 of 160 queries, the first 25 of them below." in dumped and "<img" not in dumped[:table_at]
    assert (
        Page(dumped[dumped.index("<tbody>", table_at) : dumped.index("</tbody>", table_at) + 8]).text.count(HOSTILE)
        == 25
    )
