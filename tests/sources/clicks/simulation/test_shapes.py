"""Every shape says of impressions and clicks what the rows say; read back with plain loops."""

import csv
import json
from collections import Counter
from datetime import datetime

import numpy as np
import polars as pl
import pytest

from shoptalk.errors import InputError
from shoptalk.sources.clicks.simulation.made import Made
from shoptalk.sources.clicks.simulation.shapes import Flat, Rows, Sessions, Ubi
from shoptalk.sources.clicks.simulation.simulate import make
from shoptalk.sources.clicks.simulation.world import World

SEARCHES = 3_000


@pytest.fixture(scope="module")
def happened(made):
    world = World(sessions=SEARCHES, users=300, bots=0.3)
    return make(made.domain(), {"bm25": made.ranker(1), "dense": made.ranker(2)}, world)


@pytest.fixture
def small_chunks(monkeypatch):
    """So that every shape is written in several parts."""
    for name in ("chunks", "whole_sessions"):
        whole = getattr(Made, name)
        monkeypatch.setattr(Made, name, lambda self, whole=whole: whole(self, 700))


def counts(rows):
    """(query, document, position) to impressions and clicks, of tuples that end in ``clicked``."""
    impressions, clicks = Counter(), Counter()
    for *key, clicked in rows:
        impressions[tuple(key)] += 1
        clicks[tuple(key)] += bool(clicked)
    return impressions, clicks


def expected(happened):
    return counts(happened.log().select("query_raw", "doc_id", "position", "clicked").iter_rows())


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def milliseconds(text):
    assert text.endswith("Z")
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_rows_are_the_log_itself(happened, tmp_path, small_chunks):
    (path,) = Rows().write(happened, tmp_path)
    assert pl.read_parquet(path).equals(happened.log())
    assert pl.read_parquet(path).schema == happened.log().schema


def test_flat(happened, tmp_path, small_chunks):
    (path,) = Flat().write(happened, tmp_path)
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["query", "doc_id", "position", "impressions", "clicks"]
    found = {(r["query"], r["doc_id"], int(r["position"])): (int(r["impressions"]), int(r["clicks"])) for r in rows}
    impressions, clicks = expected(happened)
    assert len(rows) == len(found)
    assert found == {key: (times, clicks[key]) for key, times in impressions.items()}


@pytest.mark.parametrize("base", [0, 1])
def test_ubi(happened, tmp_path, small_chunks, base):
    queries_path, events_path = Ubi(application="shop", position_base=base).write(happened, tmp_path)
    queries, events = lines(queries_path), lines(events_path)
    clicked = {(e["query_id"], e["event_attributes"]["object"]["object_id"]) for e in events}
    assert {e["action_name"] for e in events} == {"click"}
    assert {e["application"] for e in [*queries, *events]} == {"shop"}
    rows = [
        (q["user_query"], d, rank, (q["query_id"], d) in clicked)
        for q in queries
        for rank, d in enumerate(q["query_response_hit_ids"], start=1)
    ]
    assert counts(rows) == expected(happened)
    hits = {q["query_id"]: q["query_response_hit_ids"] for q in queries}
    log = happened.log()
    told = {r["impression_id"]: r for r in log.iter_rows(named=True)}
    at = {(r["impression_id"], r["doc_id"]): r["click_ts_ms"] for r in log.filter("clicked").iter_rows(named=True)}
    assert len(events) == len(at)
    for event in events:
        what = event["event_attributes"]
        place = what["position"]["ordinal"] - base
        assert hits[event["query_id"]][place] == what["object"]["object_id"]
        assert milliseconds(event["timestamp"]) == at[event["query_id"], what["object"]["object_id"]]
        assert event["session_id"] == told[event["query_id"]]["session_id"]
    for query in queries:
        row = told[query["query_id"]]
        assert milliseconds(query["timestamp"]) == row["ts_ms"]
        assert query["client_id"] == row["user_key"]
        assert query["query_attributes"] == {"ranker_id": row["ranker_id"], "is_bot": row["is_bot"]}


def test_ubi_with_impressions(happened, tmp_path, small_chunks):
    _, path = Ubi(impressions=True).write(happened, tmp_path)
    found = Counter(event["action_name"] for event in lines(path))
    impressions, clicks = expected(happened)
    assert found == {"impression": impressions.total(), "click": clicks.total()}


def test_ubi_counts_from_nought_or_one():
    with pytest.raises(InputError, match="position_base"):
        Ubi(position_base=2)


def test_sessions(happened, tmp_path, small_chunks):
    (path,) = Sessions().write(happened, tmp_path)
    sessions, log = lines(path), happened.log()
    assert len({s["session_id"] for s in sessions}) == len(sessions) == log["session_id"].n_unique()
    assert max(len(s["searches"]) for s in sessions) >= 120
    rows, clicks, facts = [], [], []
    for session in sessions:
        times = [search["ts_ms"] for search in session["searches"]]
        assert times == sorted(times)
        rankers = {search["ranker"] for search in session["searches"]}
        assert session["ranker"] == (rankers.pop() if len(rankers) == 1 else None)
        for search in session["searches"]:
            clicked = {click["doc_id"] for click in search["clicks"]}
            rows += [(search["query"], d, rank, d in clicked) for rank, d in enumerate(search["results"], start=1)]
            clicks += [(session["session_id"], c["doc_id"], c["ts_ms"], c["dwell_s"]) for c in search["clicks"]]
            facts.append((session["session_id"], session["user"], session["is_bot"], search["ts_ms"], search["ranker"]))
    assert counts(rows) == expected(happened)
    told = log.filter("clicked").select("session_id", "doc_id", "click_ts_ms", "dwell_s").iter_rows()
    exact = [(s, d, t, None if w is None else float(np.float32(w))) for s, d, t, w in clicks]
    assert Counter(exact) == Counter(told)
    once = log.unique("impression_id").select("session_id", "user_key", "is_bot", "ts_ms", "ranker_id")
    assert Counter(facts) == Counter(once.iter_rows())
