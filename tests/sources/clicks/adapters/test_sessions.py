"""Sessions and searches, one a line: rows by hand, parity with a plain loop, bad lines."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoptalk.errors import InputError
from shoptalk.sources.clicks.adapters.sessions import SessionLines

T = 1_700_000_000_000
SEARCH = {"session_id": "s", "query": "q", "results": ["a", "b", "c"], "clicks": ["b"]}
ROW = ("query_raw", "doc_id", "position", "clicked")


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "parquet", "csv"])
def test_a_search_a_line(tmp_path, logs, kind):
    other = {"session_id": "t", "query": "r", "results": ["c", "a"], "clicks": []}
    path = logs.write(tmp_path / f"log.{kind}", [SEARCH, other, SEARCH | {"query": "q2", "clicks": ["c", "a"]}])
    assert SessionLines().recognises([path])
    found, rows = logs.convert(SessionLines(), path, None)
    assert logs.picked(rows, *ROW) == [
        ("q", "a", 1, False), ("q", "b", 2, True), ("q", "c", 3, False),
        ("r", "c", 1, False), ("r", "a", 2, False),
        ("q2", "a", 1, True), ("q2", "b", 2, False), ("q2", "c", 3, True),
    ]  # fmt: skip
    assert [row["next_query"] for row in rows] == ["q2"] * 3 + [None] * 5
    assert len({row["impression_id"] for row in rows}) == 3
    assert sorted({row["ts_ms"] for row in rows}) == [0, 1, 2]
    assert found.told == {"impression_id", "session_id", "next_query", "query_raw", "doc_id", "position", "clicked"}
    assert found.counts == {"rows_read": 3, "rows_made": 8, "searches": 3}


def test_a_session_a_line(tmp_path, logs):
    first = {"query": "q", "ts_ms": T, "results": ["a", 7], "clicks": [{"doc_id": 7, "ts_ms": T + 9, "dwell_s": 2.5}]}
    last = {"query": "q", "ts_ms": T + 5000, "ranker": "new", "results": ["a"], "clicks": [True], "device": "phone"}
    session = {"session_id": 1, "user": "u", "ranker": "old", "is_bot": False, "searches": [first, last]}
    path = logs.write(tmp_path / "log.jsonl", [session])
    assert SessionLines().recognises([path])
    found, rows = logs.convert(SessionLines(), path)
    assert logs.picked(rows, "doc_id", "ts_ms", "clicked", "click_ts_ms", "dwell_s", "ranker_id", "device") == [
        ("a", T, False, None, None, "old", None),
        ("7", T, True, T + 9, 2.5, "old", None),
        ("a", T + 5000, True, None, None, "new", "phone"),
    ]
    assert logs.picked(rows, "session_id", "user_key", "is_bot") == [("1", "u", False)] * 3
    assert logs.picked(rows, "next_query", "next_query_gap_s") == [("q", 5.0)] * 2 + [(None, None)]
    assert {"ts_ms", "dwell_s", "click_ts_ms", "ranker_id", "user_key", "is_bot"} <= found.told


def test_times_decide_which_search_follows(tmp_path, logs):
    rows = [SEARCH | {"query": f"q{n}", "ts_ms": T + 1000 * n} for n in (2, 0, 1)]
    _, made = logs.convert(SessionLines(), logs.write(tmp_path / "log.jsonl", rows))
    assert logs.picked(made[::3], "query_raw", "next_query") == [("q2", None), ("q0", "q1"), ("q1", "q2")]


def test_flags_later_pages_and_names_of_their_own(tmp_path, logs):
    row = {"session": "s", "query": "q", "docs": ["a", "b", "c"], "clicks": [0, 1, 1], "from": 11}
    names = {"session_id": "session", "results": "docs", "first_position": "from"}
    path = logs.write(tmp_path / "log.jsonl", [row])
    assert SessionLines(columns=names).recognises([path])
    assert not SessionLines().recognises([path])
    _, made = logs.convert(SessionLines(columns=names), path)
    assert logs.picked(made, *ROW) == [("q", "a", 11, False), ("q", "b", 12, True), ("q", "c", 13, True)]
    with pytest.raises(InputError, match="names 'docs'; it may name session_id"):
        SessionLines(columns={"docs": "results"})


def test_what_is_dropped_is_counted(tmp_path, logs):
    lines = [
        SEARCH | {"clicks": ["b", "x", "b"]},
        SEARCH | {"results": ["a", "b", "a"], "clicks": ["a"]},
        SEARCH | {"results": [], "clicks": ["a"]},
        {"session_id": "t", "searches": []},
    ]
    found, made = logs.convert(SessionLines(), logs.write(tmp_path / "log.jsonl", lines))
    assert logs.picked(made, "doc_id", "position", "clicked") == [
        ("a", 1, False), ("b", 2, True), ("c", 3, False), ("a", 1, True), ("b", 2, False)
    ]  # fmt: skip
    assert found.counts == {
        "rows_read": 4, "rows_made": 5, "searches": 3, "clicks_without_impression": 2, "repeated_clicks": 1,
        "repeated_results": 1, "searches_without_results": 1, "sessions_without_searches": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("stays", "expected"), [([3, 8], 8), ([None, 8], None), ([8, None], None), ([5], 5), ([None], None)]
)
def test_of_many_clicks_the_first_and_the_longest_stay_count(tmp_path, logs, stays, expected):
    clicks = [{"doc_id": "b", "ts_ms": T + 9 - n, "dwell_s": stay} for n, stay in enumerate(stays)]
    path = logs.write(tmp_path / "log.jsonl", [SEARCH | {"ts_ms": T, "clicks": clicks}])
    clicked = logs.convert(SessionLines(), path)[1][1]
    assert (clicked["click_ts_ms"], clicked["dwell_s"]) == (T + 10 - len(stays), expected)


@pytest.mark.parametrize(
    ("results", "clicks", "clicked"),
    [
        ([5, 1, 2], [1], ["1"]),
        ([5, 7, 2], [1, 0, 0], ["5"]),
        (["a", "b"], [False, True], ["b"]),
        ([1], [1], ["1"]),
        (["a", "b"], None, []),
    ],
)
def test_flags_and_ids_that_are_numbers(tmp_path, logs, results, clicks, clicked):
    path = logs.write(tmp_path / "log.jsonl", [SEARCH | {"results": results, "clicks": clicks}])
    assert [row["doc_id"] for row in logs.convert(SessionLines(), path)[1] if row["clicked"]] == clicked


CLICK = {"doc_id": "b", "ts_ms": T}


@pytest.mark.parametrize(
    ("change", "column", "mend"),
    [
        ({"results": "a"}, "results", "not valid JSON"),
        ({"results": {"a": 1}}, "results", "is not a list"),
        ({"results": ["a", None]}, "results", "None is not an id"),
        ({"results": [1.5]}, "results", "1.5 is not an id"),
        ({"query": 3}, "query", "3 is not a text"),
        ({"query": ["q"]}, "query", "is not a text"),
        ({"session_id": True}, "session_id", "True is not an id"),
        ({"clicks": [1, 0]}, "clicks", "holds 2 flags for 3 results"),
        ({"clicks": [{"ts_ms": T}]}, "clicks", "a click without an id"),
        ({"clicks": [None]}, "clicks", "a click without an id"),
        ({"clicks": 1}, "clicks", "1 is not a list"),
        ({"results": [0, 1], "clicks": [0, 1]}, "clicks", "may be ids or flags"),
        ({"clicks": [CLICK | {"dwell_s": -1}]}, "dwell_s", "-1 is negative"),
        ({"clicks": [CLICK | {"dwell_s": "long"}]}, "dwell_s", "'long' is not a finite number"),
        ({"clicks": [CLICK | {"ts_ms": T - 1}]}, "ts_ms", f"lies before the search ({T})"),
        ({"ts_ms": 1_700_000_000}, "ts_ms", "looks like seconds"),
        ({"ts_ms": T * 1000}, "ts_ms", "in milliseconds since 1970"),
        ({"ts_ms": "yesterday"}, "ts_ms", "is no time"),
        ({"ts_ms": None}, "ts_ms", "is missing where other searches have a time"),
        ({"first_position": 0}, "first_position", "position 0 is below 1"),
        ({"first_position": 40_000}, "first_position", "up to 32,767"),
        ({"first_position": 32_767}, "results", "beyond 32,767"),
        ({"is_bot": "perhaps"}, "is_bot", "is not true or false"),
        ({"searches": ["q"]}, "searches", "is not an object"),
    ],
)
def test_a_bad_value_is_named_with_its_line(tmp_path, logs, change, column, mend):
    lines = [SEARCH | {"ts_ms": T}, SEARCH | {"ts_ms": T} | change]
    path = logs.write(tmp_path / "log.jsonl", lines)
    path.write_text(path.read_text().replace("\n", "\n\n", 1))
    sentence = logs.refused(SessionLines(), path)
    assert f"line 3, column '{column}'" in sentence
    assert mend in sentence


def test_times_in_some_searches_only(tmp_path, logs):
    path = logs.write(tmp_path / "log.jsonl", [SEARCH, SEARCH | {"ts_ms": T}])
    assert "line 2, column 'ts_ms': is given where others have none" in logs.refused(SessionLines(), path)
    path = logs.write(tmp_path / "log.jsonl", [SEARCH | {"clicks": [CLICK]}])
    assert "the search has no time of its own" in logs.refused(SessionLines(), path)


@pytest.mark.parametrize("column", ["query", "results", "clicks"])
def test_a_missing_column_is_named(tmp_path, logs, column):
    path = logs.write(tmp_path / "log.jsonl", [{k: v for k, v in SEARCH.items() if k != column}])
    sentence = logs.refused(SessionLines(), path)
    assert f"line 1, column '{column}': is missing" in sentence
    assert f"by log_format=sessions 'log_format.columns={{{column}: YOURS}}'" in sentence


@pytest.mark.parametrize("lines", [[], [SEARCH | {"results": [], "clicks": []}]])
def test_an_empty_log(tmp_path, logs, lines):
    path = logs.write(tmp_path / "log.jsonl", lines)
    assert "empty" in logs.refused(SessionLines(), path)


IDS = st.lists(st.sampled_from("abcdef"), max_size=5)
LINE = st.builds(
    lambda session, query, results, clicks: {
        "session_id": session, "query": query, "results": results, "clicks": clicks
    },
    st.sampled_from("stu"), st.text(max_size=3), IDS, IDS,
)  # fmt: skip
FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@FUZZ
@given(lines=st.lists(LINE, min_size=1, max_size=8))
def test_parity_with_a_plain_loop(lines, logs, tmp_path_factory):
    expected, dropped = [], 0
    for number, line in enumerate(lines):
        later = [other["query"] for other in lines[number + 1 :] if other["session_id"] == line["session_id"]]
        for position, doc_id in enumerate(line["results"], 1):
            if doc_id not in line["results"][: position - 1]:
                clicked = doc_id in line["clicks"]
                expected.append((number, line["query"], doc_id, position, clicked, later[0] if later else None))
        dropped += sum(doc_id not in line["results"] for doc_id in line["clicks"])
    path = logs.write(tmp_path_factory.mktemp("log") / "log.jsonl", lines)
    if not expected:
        assert "empty" in logs.refused(SessionLines(), path)
        return
    found, made = logs.convert(SessionLines(), path)
    assert logs.picked(made, "ts_ms", *ROW, "next_query") == expected
    assert found.counts.get("clicks_without_impression", 0) == dropped
    assert len(made) + found.counts.get("repeated_results", 0) == sum(len(line["results"]) for line in lines)
    clicked = sum(row["clicked"] for row in made)
    assert clicked + dropped + found.counts.get("repeated_clicks", 0) == sum(len(line["clicks"]) for line in lines)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**20) | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["doc_id", "ts_ms", "dwell_s", *SEARCH]), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMES = [*SEARCH, "ts_ms", "user", "device", "is_bot", "first_position", "searches"]


@FUZZ
@given(rows=st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES), max_size=3), keep=st.integers(0, 2))
def test_no_values_end_in_anything_but_a_sentence(rows, keep, logs, tmp_path_factory):
    path = logs.write(tmp_path_factory.mktemp("log") / "log.jsonl", [SEARCH] * keep + [SEARCH | row for row in rows])
    logs.sentence_or_counts(SessionLines(), path)


@FUZZ
@given(content=st.binary(max_size=60), name=st.sampled_from(["log.jsonl", "log.jsonl.gz", "log.csv", "log.parquet"]))
def test_no_bytes_end_in_anything_but_a_sentence(content, name, logs, tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / name
    path.write_bytes(content)
    assert logs.sentence_or_counts(SessionLines(), path) is None


@pytest.mark.parametrize("text", ['"\\ud800"', "[" * 100_000, "1" * 5000, "NaN", "1e999"])
def test_numbers_texts_and_depths_that_nothing_can_hold(tmp_path, logs, text):
    path = logs.write(tmp_path / "log.jsonl", [SEARCH])
    path.write_text(path.read_text() + json.dumps(SEARCH).replace('"q"', text) + "\n")
    assert "line 2" in logs.refused(SessionLines(), path)
