"""Queries and events of User Behavior Insights: rows by hand, parity with plain loops, bad values."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoptalk.errors import InputError
from shoptalk.sources.clicks.adapters.ubi import UserBehaviorInsights

T = 1_700_000_000_000
KINDS = ["jsonl", "jsonl.gz", "csv", "parquet"]
UBI = UserBehaviorInsights()


def query(query_id="q1", hits=("a", "b", "c"), at=0, **more):
    return {
        "query_id": query_id, "user_query": f"text {query_id}", "client_id": "c", "timestamp": T + at,
        "query_response_hit_ids": list(hits), **more,
    }  # fmt: skip


def event(action="click", doc_id="b", at=1000, query_id="q1", ordinal=None, session_id="s", **more):
    return {
        "action_name": action, "query_id": query_id, "session_id": session_id, "client_id": "c", "timestamp": T + at,
        "event_attributes": {"object": {"object_id": doc_id}, "position": {"ordinal": ordinal}}, **more,
    }  # fmt: skip


def write(logs, folder, queries, events, kind="jsonl"):
    logs.write(folder / f"ubi_queries.{kind}", queries)
    logs.write(folder / f"ubi_events.{kind}", events)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_clicks_join_the_results_of_their_query(tmp_path, logs, kind):
    queries = [query(), query("q2", ["c", "a"], at=9000)]
    events = [event(ordinal=2), event("purchase", at=4500), event(doc_id="c", query_id="q2", at=9500, ordinal=1)]
    folder = write(logs, tmp_path / "log", queries, events, kind)
    found, rows = logs.convert(UBI, folder, 1)
    assert logs.picked(rows, "impression_id", "query_raw", "doc_id", "position", "clicked", "converted") == [
        ("q1", "text q1", "a", 1, False, False),
        ("q1", "text q1", "b", 2, True, True),
        ("q1", "text q1", "c", 3, False, False),
        ("q2", "text q2", "c", 1, True, False),
        ("q2", "text q2", "a", 2, False, False),
    ]
    assert logs.picked(rows[1::2], "ts_ms", "click_ts_ms", "dwell_s") == [
        (T, T + 1000, 3.5),
        (T + 9000, T + 9500, None),
    ]
    assert logs.picked(rows[2:4], "session_id", "user_key", "next_query", "next_query_gap_s") == [
        ("s", "c", "text q2", 9.0),
        ("s", "c", None, None),
    ]
    assert found.counts == {
        "rows_read": 5, "queries": 2, "events": 3, "clicks": 2, "conversions": 1, "rows_made": 5
    }  # fmt: skip
    assert {"ts_ms", "dwell_s", "click_ts_ms", "session_id", "user_key", "converted", "position"} <= found.told
    assert not {"ranker_id", "is_bot", "viewed", "weight"} & found.told


def test_columns_with_dotted_names(tmp_path, logs):
    flat = {"event_attributes.object.object_id": "a", "event_attributes.position.ordinal": 0}
    flat |= {"action_name": "click", "query_id": "q1", "timestamp": T + 5}
    (tmp_path / "log").mkdir()
    folder = write(logs, tmp_path / "log", [query()], [flat], "csv")
    assert logs.picked(logs.convert(UBI, folder, 0)[1], "doc_id", "clicked") == [
        ("a", True),
        ("b", False),
        ("c", False),
    ]


@pytest.mark.parametrize("base", [0, 1])
def test_impression_events_stand_in_for_hit_ids(tmp_path, logs, base):
    queries = [query(hits=[]), query("q2", ["a"]), query("q3", [])]
    shown = [("b", 4), ("a", 2), ("b", 3), ("c", None)]
    events = [event("impression", d, ordinal=n if n is None else n - 1 + base) for d, n in shown]
    events += [event("view", "z", query_id=q, ordinal=base) for q in ("q2", "lost", None)]
    events += [event(doc_id="a"), event(doc_id="c"), event("hover")]
    found, rows = logs.convert(UBI, write(logs, tmp_path, queries, events), base)
    assert logs.picked(rows, "impression_id", "doc_id", "position", "clicked") == [
        ("q1", "a", 2, True), ("q1", "b", 3, False), ("q2", "a", 1, False)
    ]  # fmt: skip
    assert found.counts == {
        "rows_read": 13, "rows_made": 3, "queries": 3, "events": 10, "searches_without_results": 1, "clicks": 1,
        "clicks_without_impression": 1, "other_events": 1, "impressions": 2, "repeated_impressions": 1,
        "impressions_without_position": 1, "impressions_beside_results": 1, "impressions_without_query": 2,
    }  # fmt: skip


def test_times_rankers_and_bots(tmp_path, logs):
    moment = datetime.fromtimestamp(T / 1000, UTC)
    attributes = {"ranker_id": "bm25", "is_bot": True}
    queries = [query(timestamp=moment.isoformat(), query_attributes=attributes)]
    events = [event(timestamp=moment.strftime("%Y-%m-%dT%H:%M:%S.250Z"))]
    found, rows = logs.convert(UBI, write(logs, tmp_path, queries, events))
    assert logs.picked(rows[1:2], "ts_ms", "click_ts_ms", "ranker_id", "is_bot") == [(T, T + 250, "bm25", True)]
    assert {"ranker_id", "is_bot"} <= found.told


def test_dwell_ends_with_the_next_event_or_search_of_the_session(tmp_path, logs):
    queries = [query(), query("q2", ["a"], at=60_000, client_id="d"), query("q3", ["a"], at=20_000, session_id="s")]
    events = [
        event(doc_id="a", at=1000), event(doc_id="b", at=1000), event(doc_id="c", at=5000),
        event(doc_id="a", query_id="q2", at=61_000, session_id=None, client_id="d"),
        event("scroll", query_id="q2", at=61_000 + 1_800_001, session_id=None, client_id="d"),
    ]  # fmt: skip
    _, rows = logs.convert(UBI, write(logs, tmp_path, queries, events))
    assert logs.picked(rows, "impression_id", "doc_id", "dwell_s") == [
        ("q1", "a", 4.0), ("q1", "b", 4.0), ("q1", "c", 15.0), ("q2", "a", None), ("q3", "a", None)
    ]  # fmt: skip


def test_what_is_dropped_is_counted(tmp_path, logs):
    queries = [query(), query(hits=["z"], at=1), query("q2", ["a", "a", "b"])]
    events = [event(), event(at=2000), event(doc_id="z"), event(query_id="lost"), event(query_id=None)]
    events.append(event("hover", doc_id=["odd"], ordinal="odd"))
    found, rows = logs.convert(UBI, write(logs, tmp_path, queries, events))
    assert logs.picked(rows, "impression_id", "doc_id", "position") == [
        ("q1", "a", 1), ("q1", "b", 2), ("q1", "c", 3), ("q2", "a", 1), ("q2", "b", 3)
    ]  # fmt: skip
    assert found.counts == {
        "rows_read": 9, "rows_made": 5, "queries": 3, "events": 6, "repeated_query_id": 1, "repeated_results": 1,
        "clicks": 1, "repeated_clicks": 1, "clicks_without_impression": 3, "other_events": 1,
    }  # fmt: skip


def test_nobody_said_where_ordinals_begin(tmp_path, logs):
    folder = write(logs, tmp_path, [query()], [event(ordinal=3), event(ordinal=1)])
    with pytest.raises(InputError) as error:
        logs.convert(UBI, folder, None)
    assert "position_base=0 or 1 (the smallest ordinal of the log is 1)." in str(error.value)
    assert logs.convert(UBI, write(logs, tmp_path, [query()], [event()]), None)[0].counts["clicks"] == 1


def test_ordinals_that_differ_from_places_are_told(tmp_path, logs):
    folder = write(logs, tmp_path, [query()], [event(ordinal=2), event(doc_id="a", ordinal=1)])
    assert not logs.convert(UBI, folder, 1)[0].notices
    found, rows = logs.convert(UBI, folder, 0)
    assert "2 clicks name another ordinal" in found.notices[0]
    assert [row["position"] for row in rows] == [1, 2, 3]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("change", "column", "mend"),
    [
        ({"timestamp": T - 1}, "timestamp", f"{T - 1} lies before its query q1 ({T})"),
        ({"timestamp": T // 1000}, "timestamp", "looks like seconds"),
        ({"timestamp": T / 1000 + 0.5}, "timestamp", "looks like seconds"),
        ({"timestamp": "last Monday"}, "timestamp", "write ISO 8601 or milliseconds"),
        ({"timestamp": None}, "timestamp", "the value is missing"),
        ({"action_name": None}, "action_name", "the value is missing"),
        ({"ordinal": 0}, "event_attributes.position.ordinal", "position 0 is below 1; set position_base=0"),
        ({"ordinal": -2}, "event_attributes.position.ordinal", "position -2 is below 1"),
        ({"ordinal": 1.5}, "event_attributes.position.ordinal", "1.5 is not a whole number"),
    ],
)
def test_a_bad_event_is_named_with_its_place(tmp_path, logs, kind, change, column, mend):
    events = [event(ordinal=1), event() | change if "ordinal" not in change else event(**change)]
    if kind == "parquet":
        texts = [dict(e, timestamp=e["timestamp"] and str(e["timestamp"])) for e in events]
        events = texts if "timestamp" in change else events
    folder = write(logs, tmp_path, [query()], events, kind)
    with pytest.raises(InputError) as error:
        logs.convert(UBI, folder, 1)
    where = "line" if "jsonl" in kind else "row"
    assert f"ubi_events.{kind}, {where} 2, column '{column}'" in str(error.value)
    assert mend in str(error.value).replace("'", "")


@pytest.mark.parametrize(
    ("change", "column", "mend"),
    [
        ({"query_id": None}, "query_id", "the value is missing"),
        ({"timestamp": None}, "timestamp", "the value is missing"),
        ({"query_response_hit_ids": "a"}, "query_response_hit_ids", "not valid JSON"),
        ({"query_response_hit_ids": {"a": 1}}, "query_response_hit_ids", "not a list"),
        ({"query_response_hit_ids": [None]}, "query_response_hit_ids", "not an id"),
        ({"user_query": {"q": 1}}, "user_query", "is not a text"),
        ({"query_attributes": [1]}, "query_attributes.ranker_id", "is not an object"),
    ],
)
def test_a_bad_query_is_named_with_its_line(tmp_path, logs, change, column, mend):
    folder = write(logs, tmp_path, [query(), query("q2") | change], [event()])
    with pytest.raises(InputError) as error:
        logs.convert(UBI, folder, 1)
    assert f"ubi_queries.jsonl, line 2, column '{column}'" in str(error.value)
    assert mend in str(error.value)


@pytest.mark.parametrize(("queries", "events"), [([], [event()]), ([query()], [])])
def test_an_empty_log(tmp_path, logs, queries, events):
    assert "empty" in logs.refused(UBI, write(logs, tmp_path, queries, events))


def test_no_query_with_results(tmp_path, logs):
    assert "no query has results" in logs.refused(UBI, write(logs, tmp_path, [query(hits=[])], [event()]))


def test_files_are_told_apart_by_their_paths(tmp_path, logs):
    for name, content in (
        ("queries/2024/1.jsonl", [query()]),
        ("queries/2025/1.jsonl", [query("q2")]),
        ("Events/2024.jsonl", [event()]),
        ("products.jsonl", [{"id": 1}]),
    ):
        logs.write(tmp_path / name, content)
    found, rows = logs.convert(UBI, tmp_path)
    assert (len(rows), found.counts["clicks"]) == (6, 1)
    assert found.notices == (f"{tmp_path / 'products.jsonl'} holds neither queries nor events; it was left out.",)
    other = UserBehaviorInsights(queries="products*", events="Events/*")
    assert "query_id" in logs.refused(other, tmp_path)
    assert "no file of the log is called q?.jsonl" in logs.refused(UserBehaviorInsights(queries="q?.jsonl"), tmp_path)


DOCS = st.sampled_from("abcd")
EVENTS = st.lists(
    st.builds(
        event, st.sampled_from(["click", "impression", "purchase", "hover"]), DOCS, st.sampled_from([0, 1000, 2000]),
        st.sampled_from(["q0", "q1", "lost", None]), st.none() | st.integers(1, 4), st.sampled_from("st"),
    ),
    max_size=10,
)  # fmt: skip
FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def plainly(queries, events):
    """Rows (query, document, position, clicked, dwell) by loops over everything."""
    rows = []
    for asked in queries:
        own = [e for e in events if e["query_id"] == asked["query_id"]]
        places = {doc_id: n for n, doc_id in reversed(list(enumerate(asked["query_response_hit_ids"], 1)))}
        if not places:
            for e in own:
                ordinal, doc_id = read(e)
                if e["action_name"] == "impression" and ordinal is not None:
                    places[doc_id] = min(ordinal, places.get(doc_id, 99))
        for doc_id, position in sorted(places.items(), key=lambda item: (item[1], item[0])):
            stays = [stay(e, queries, events) for e in own if e["action_name"] == "click" and read(e)[1] == doc_id]
            dwell = None if None in stays or not stays else max(stays)
            rows.append((asked["query_id"], doc_id, position, bool(stays), dwell))
    return rows


def read(e):
    return e["event_attributes"]["position"]["ordinal"], e["event_attributes"]["object"]["object_id"]


def stay(click, queries, events):
    session = click["session_id"]
    moments = [e["timestamp"] for e in events if e["session_id"] == session]
    for asked in queries:
        sessions = [e["session_id"] for e in events if e["query_id"] == asked["query_id"]]
        if sessions and min(sessions) == session:
            moments.append(asked["timestamp"])
    later = [m for m in moments if m > click["timestamp"]]
    return (min(later) - click["timestamp"]) / 1000 if later else None


@FUZZ
@given(hits=st.tuples(st.lists(DOCS, max_size=4), st.lists(DOCS, max_size=4)), events=EVENTS)
def test_parity_with_plain_loops(hits, events, logs, tmp_path_factory):
    queries = [query(f"q{n}", h) for n, h in enumerate(hits)]
    folder = write(logs, tmp_path_factory.mktemp("log"), queries, events)
    expected = plainly(queries, events)
    if not expected or not events:
        logs.refused(UBI, folder)
        return
    found, rows = logs.convert(UBI, folder)
    assert logs.picked(rows, "impression_id", "doc_id", "position", "clicked", "dwell_s") == expected
    kinds = ("clicks", "conversions", "impressions")
    counted = [c for name, c in found.counts.items() if name.split("_")[0] in kinds or name.startswith("repeated")]
    repeated = found.counts.get("repeated_results", 0)
    assert sum(counted) - repeated + found.counts.get("other_events", 0) == found.counts["events"] == len(events)
    assert sum(len(h) for h in hits) - repeated == sum(bool(hits[int(row["impression_id"][1])]) for row in rows)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**20) | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["object", "position", "object_id", "ordinal"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@FUZZ
@given(
    queries=st.lists(st.dictionaries(st.sampled_from([*query(), "query_attributes"]), VALUES), max_size=2),
    events=st.lists(st.dictionaries(st.sampled_from(list(event())), VALUES), max_size=2),
    base=st.sampled_from([None, 0, 1]),
    kind=st.sampled_from(["jsonl", "csv"]),
)
def test_no_values_end_in_anything_but_a_sentence(queries, events, base, kind, logs, tmp_path_factory):
    asked, happened = [query(), *(query() | q for q in queries)], [event(), *(event() | e for e in events)]
    folder = write(logs, tmp_path_factory.mktemp("log"), asked, [json.loads(json.dumps(e)) for e in happened], kind)
    logs.sentence_or_counts(UBI, folder, base)


@FUZZ
@given(content=st.binary(max_size=60), kind=st.sampled_from(["jsonl", "csv.gz", "parquet", "csv"]))
def test_no_bytes_end_in_anything_but_a_sentence(content, kind, logs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    for name in ("queries", "events"):
        (folder / f"{name}.{kind}").write_bytes(content)
    assert logs.sentence_or_counts(UBI, folder) is None
