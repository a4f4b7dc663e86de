"""What follows from people and times, against plain loops."""

import itertools
from collections import defaultdict

import numpy as np
import polars as pl
import pytest

from shoptalk.sources.clicks.engine import DuckDB
from shoptalk.sources.clicks.log import open_log
from shoptalk.sources.clicks.sessions import completed

START = 1_735_689_600_000
WANTED = {"next_query", "last_click", "dwell_s"}


def random_log(seed, searches=80):
    random = np.random.default_rng(seed)
    rows = []
    for number in range(searches):
        ts = START + int(random.integers(0, 30_000_000))
        for slot in range(4):
            clicked = bool(random.random() < 0.3)
            rows.append(
                {
                    "impression_id": f"i{number}", "ts_ms": ts, "query_raw": f"q{number % 7}",
                    "doc_id": f"d{slot}", "position": slot + 1, "clicked": clicked, "user_key": f"u{number % 5}",
                    "click_ts_ms": ts + int(random.integers(1, 900_000)) if clicked else None,
                }
            )  # fmt: skip
    return rows


def plain(rows, gap_s):
    """Impression to session, next query and gap; (impression, document) to dwell; the last clicks."""
    searches = {row["impression_id"]: row for row in rows}
    by_user = defaultdict(list)
    for row in searches.values():
        by_user[row["user_key"]].append(row)
    session, following, events = {}, {}, defaultdict(list)
    for mine in by_user.values():
        mine.sort(key=lambda row: (row["ts_ms"], row["impression_id"]))
        number = 0
        for before, row in zip([None, *mine], mine, strict=False):
            if before is None or row["ts_ms"] - before["ts_ms"] > 1000 * gap_s:
                number += 1
            session[row["impression_id"]] = f"{row['user_key']}#{number}"
        for row, after in itertools.pairwise(mine):
            if session[row["impression_id"]] == session[after["impression_id"]]:
                gap = (after["ts_ms"] - row["ts_ms"]) / 1000
                following[row["impression_id"]] = (after["query_raw"], pytest.approx(gap, rel=1e-5))
    for row in searches.values():
        events[session[row["impression_id"]]].append(row["ts_ms"])
    for row in rows:
        if row["clicked"]:
            events[session[row["impression_id"]]].append(row["click_ts_ms"])
    dwell, last = {}, {}
    for row in (r for r in rows if r["clicked"]):
        later = [t for t in events[session[row["impression_id"]]] if t > row["click_ts_ms"]]
        key = row["impression_id"], row["doc_id"]
        dwell[key] = pytest.approx((min(later) - row["click_ts_ms"]) / 1000, rel=1e-5) if later else None
        if row["click_ts_ms"] >= last.get(row["impression_id"], (0, ""))[0]:
            last[row["impression_id"]] = (row["click_ts_ms"], row["doc_id"])
    return session, following, dwell, last


@pytest.mark.parametrize("seed", range(3))
def test_sessions_next_queries_dwell_and_last_clicks_equal_plain_loops(seed, tmp_path):
    rows, gap_s = random_log(seed), 1200.0
    pl.DataFrame(rows).write_parquet(tmp_path / "log.parquet")
    engine = DuckDB(threads=1)
    log = completed(open_log(engine, engine.connect(), [tmp_path / "log.parquet"]), WANTED, gap_s)
    assert log.told >= {"session_id", "next_query", "last_click", "dwell_s"}
    session, following, dwell, last = plain(rows, gap_s)
    assert len(set(session.values())) > 8 and following and None in dwell.values()
    found = log.table.to_polars()
    assert found.height == len(rows)
    for row in found.iter_rows(named=True):
        key = row["impression_id"]
        assert row["session_id"] == session[key]
        assert (row["next_query"], row["next_query_gap_s"]) == following.get(key, (None, None))
        if row["clicked"]:
            assert row["dwell_s"] == dwell[key, row["doc_id"]]
            assert row["last_click"] == (last[key][1] == row["doc_id"])
        else:
            assert row["dwell_s"] is None and row["last_click"] is None


def test_what_the_log_tells_itself_is_left_alone(tmp_path):
    told = {"session_id": "own", "next_query": "own", "dwell_s": 7.0, "last_click": False}
    pl.DataFrame([row | told for row in random_log(0)]).write_parquet(tmp_path / "log.parquet")
    engine = DuckDB(threads=1)
    log = completed(open_log(engine, engine.connect(), [tmp_path / "log.parquet"]), WANTED, 60.0)
    assert {tuple(row) for row in log.table.select(*told).to_polars().iter_rows()} == {tuple(told.values())}


def test_without_people_nothing_is_made_up(tmp_path):
    rows = [{k: v for k, v in row.items() if k not in ("user_key", "click_ts_ms")} for row in random_log(0)]
    pl.DataFrame(rows).write_parquet(tmp_path / "log.parquet")
    engine = DuckDB(threads=1)
    log = completed(open_log(engine, engine.connect(), [tmp_path / "log.parquet"]), WANTED, 60.0)
    assert not log.told & {"session_id", "next_query", "dwell_s"}
    assert log.table.session_id.notnull().sum().to_pyarrow().as_py() == 0
