"""Added-up logs: rows by hand, bad values, and nothing lost."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoptalk.errors import InputError
from shoptalk.sources.clicks.adapters.flat import Flat

ROW = {"query": "q", "doc_id": "a", "position": 2, "impressions": 10, "clicks": 3}
KINDS = ["parquet", "csv", "jsonl", "csv.gz", "jsonl.gz"]
SHOWN = ("impression_id", "query_raw", "doc_id", "position", "clicked", "weight")


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_becomes_clicked_and_passed_impressions(tmp_path, logs, kind):
    rows = [ROW, ROW | {"doc_id": "b", "clicks": 0}, ROW | {"clicks": 10}, ROW | {"impressions": 0, "clicks": 0}]
    path = logs.write(tmp_path / f"log.{kind}", rows)
    assert Flat().recognises([path])
    found, made = logs.convert(Flat(), path)
    assert logs.picked(made, *SHOWN) == [
        ("0-1-clicked", "q", "a", 2, True, 3),
        ("0-1-passed", "q", "a", 2, False, 7),
        ("0-2-passed", "q", "b", 2, False, 10),
        ("0-3-clicked", "q", "a", 2, True, 10),
    ]
    assert found.counts == {"rows_read": 4, "rows_made": 4, "rows_without_impression": 1}
    assert found.told == {"query_raw", "doc_id", "position", "clicked", "weight"}


def test_positions_from_0_context_and_names_of_their_own(tmp_path, logs):
    rows = [{"text": "q", "document": 7, "rank": 0, "views": 2, "clicks": 1, "ranker": "r", "device": "phone"}]
    found, made = logs.convert(Flat(columns={"query": "text"}), logs.write(tmp_path / "log.jsonl", rows), 0)
    columns = ("query_raw", "doc_id", "position", "ranker_id", "device", "surface", "ts_ms")
    assert logs.picked(made[:1], *columns) == [("q", "7", 1, "r", "phone", None, 0)]
    assert found.told == {"query_raw", "doc_id", "position", "clicked", "weight", "ranker_id", "device"}


@pytest.mark.parametrize(
    ("lacking", "expected"),
    [
        ({"position", "impressions"}, [(1, True, 3)]),
        ({"position"}, [(1, True, 3), (1, False, 7)]),
        ({"impressions"}, [(2, True, 3)]),
    ],
)
def test_what_the_log_does_not_know_is_not_told(tmp_path, logs, lacking, expected):
    rows = [{k: v for k, v in row.items() if k not in lacking} for row in (ROW, ROW | {"clicks": 0, "impressions": 0})]
    found, made = logs.convert(Flat(), logs.write(tmp_path / "log.csv", rows), 1)
    assert logs.picked(made, "position", "clicked", "weight") == expected
    assert ("position" in found.told) == ("position" not in lacking)
    assert found.counts["rows_without_impression"] == 1


def test_pairs_need_no_base(tmp_path, logs):
    path = logs.write(tmp_path / "log.csv", [{"query": "q", "doc_id": "a", "clicks": 2}])
    assert logs.picked(logs.convert(Flat(), path, None)[1], "position", "weight") == [(1, 2)]


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize(
    ("change", "column", "mend"),
    [
        ({"clicks": 11}, "clicks", "11 clicks are more than the impressions"),
        ({"clicks": -1}, "clicks", "-1 is negative"),
        ({"impressions": -2}, "impressions", "-2 is negative"),
        ({"impressions": 10.5}, "impressions", "10.5 is not a whole number"),
        ({"clicks": "many"}, "clicks", "many is not a whole number"),
        ({"clicks": None}, "clicks", "the value is missing"),
        ({"clicks": float("inf")}, "clicks", "is not a whole number"),
        ({"position": 0}, "position", "set position_base=0"),
        ({"position": -3}, "position", "position -3 is below 1"),
        ({"position": 40_000}, "position", "beyond 32,767"),
        ({"doc_id": None}, "doc_id", "the value is missing"),
    ],
)
def test_a_bad_value_is_named_with_its_row(tmp_path, logs, kind, change, column, mend):
    bad = {k: v if kind != "parquet" or isinstance(v, int | None) else str(v) for k, v in (ROW | change).items()}
    good = ROW
    if kind == "parquet":
        good = {k: str(v) if isinstance(bad[k], str) else v for k, v in ROW.items()}
    sentence = logs.refused(Flat(), logs.write(tmp_path / f"log.{kind}", [good, good, bad, bad]))
    assert f"row 3, column '{column}'" in sentence
    assert mend in sentence.replace("'", "")


def test_the_row_is_counted_over_batches(tmp_path, logs, monkeypatch):
    for name in ("BATCH", "_LINES"):
        monkeypatch.setattr(f"shoptalk.sources.clicks.adapters.reading.{name}", 2)
    for kind in ("parquet", "jsonl"):
        path = logs.write(tmp_path / f"log.{kind}", [ROW] * 4 + [ROW | {"clicks": 99}])
        assert "row 5, column 'clicks'" in logs.refused(Flat(), path)
        found, made = logs.convert(Flat(), logs.write(tmp_path / f"log.{kind}", [ROW] * 5))
        assert found.counts["rows_read"] == 5
        assert [row["impression_id"] for row in made if row["clicked"]] == [f"0-{n}-clicked" for n in range(1, 6)]


@pytest.mark.parametrize("column", ["query", "doc_id", "clicks"])
def test_a_missing_column_is_named(tmp_path, logs, column):
    path = logs.write(tmp_path / "log.csv", [{k: v for k, v in ROW.items() if k != column}])
    assert not Flat().recognises([path])
    assert f"lacks the column '{column}'" in logs.refused(Flat(), path)


def test_files_must_have_the_same_columns(tmp_path, logs):
    logs.write(tmp_path / "a.csv", [ROW])
    logs.write(tmp_path / "b.csv", [{k: v for k, v in ROW.items() if k != "position"}])
    assert "b.csv: lacks the column 'position'" in logs.refused(Flat(), tmp_path)


def test_renamed_columns_must_be_there(tmp_path, logs):
    path = logs.write(tmp_path / "log.csv", [ROW])
    sentence = logs.refused(Flat(columns={"impressions": "shown"}), path)
    assert "lacks the column 'shown'" in sentence and "log_format.columns={impressions: YOURS}" in sentence
    with pytest.raises(InputError, match="names 'shown'; it may name query, doc_id"):
        Flat(columns={"shown": "impressions"})


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_said_where_positions_begin(tmp_path, logs, kind):
    path = logs.write(tmp_path / f"log.{kind}", [ROW, ROW | {"position": 1}])
    assert "(the smallest position of the log is 1)" in logs.refused(Flat(), path, None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.csv", ""),
        ("log.csv", "query,doc_id,position,impressions,clicks\n"),
        ("log.jsonl", "\n\n"),
        ("log.jsonl.gz", ""),
    ],
)
def test_an_empty_log(tmp_path, logs, name, content):
    (tmp_path / name).write_text(content)
    assert "empty" in logs.refused(Flat(), tmp_path / name)


def test_a_ragged_row_is_named(tmp_path, logs):
    (tmp_path / "log.csv").write_text("query,doc_id,clicks\na,b,1\n\na, b, c,1\n")
    assert "row 2: 4 values under 3 column names" in logs.refused(Flat(), tmp_path / "log.csv")


def test_no_impression_at_all(tmp_path, logs):
    path = logs.write(tmp_path / "log.csv", [ROW | {"impressions": 0, "clicks": 0}])
    assert "none of the 1 rows has an impression" in logs.refused(Flat(), path)


COUNTED = st.builds(
    lambda clicks, passed, position, query, doc: {
        "query": query, "doc_id": doc, "position": position, "impressions": clicks + passed, "clicks": clicks
    },
    st.integers(0, 5), st.integers(0, 5), st.integers(1, 9), st.text(max_size=3), st.sampled_from("abc"),
)  # fmt: skip
FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@FUZZ
@given(rows=st.lists(COUNTED, min_size=1, max_size=8), kind=st.sampled_from(["jsonl", "parquet"]))
def test_parity_with_a_plain_loop(rows, kind, logs, tmp_path_factory):
    expected = []
    for number, row in enumerate(rows, 1):
        for clicked, weight in ((True, row["clicks"]), (False, row["impressions"] - row["clicks"])):
            if weight:
                expected.append((number, row["query"], row["doc_id"], row["position"], clicked, weight))
    path = logs.write(tmp_path_factory.mktemp("log") / f"log.{kind}", rows)
    if not expected:
        logs.refused(Flat(), path)
        return
    found, made = logs.convert(Flat(), path)
    assert [(int(r["impression_id"].split("-")[1]), *(r[c] for c in SHOWN[1:])) for r in made] == expected
    rows_with = len({number for number, *_ in expected})
    assert rows_with + found.counts.get("rows_without_impression", 0) == found.counts["rows_read"] == len(rows)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**20) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=3,
)


@FUZZ
@given(rows=st.lists(st.dictionaries(st.sampled_from([*ROW, "device"]), VALUES), max_size=4), keep=st.integers(0, 2))
def test_no_values_end_in_anything_but_a_sentence(rows, keep, logs, tmp_path_factory):
    path = logs.write(tmp_path_factory.mktemp("log") / "log.jsonl", [ROW] * keep + [ROW | row for row in rows])
    logs.sentence_or_counts(Flat(), path)


@FUZZ
@given(cells=st.lists(st.lists(st.text('0123456789.-,"\n\r\0 aé', max_size=4), min_size=3, max_size=5), max_size=4))
def test_no_cells_end_in_anything_but_a_sentence(cells, logs, tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "log.csv"
    text = "\n".join(["query,doc_id,position,impressions,clicks", *(",".join(row) for row in cells)])
    path.write_bytes(text.encode())
    logs.sentence_or_counts(Flat(), path)


@FUZZ
@given(
    content=st.binary(max_size=120),
    head=st.sampled_from([b"", b"query,doc_id,clicks\n", b'{"query": "q", "doc_id": "\\ud800", "clicks": ']),
    name=st.sampled_from(["log.csv", "log.tsv", "log.jsonl", "log.parquet", "log.csv.gz", "log.jsonl.gz"]),
)
def test_no_bytes_end_in_anything_but_a_sentence(content, head, name, logs, tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / name
    path.write_bytes(head + content)
    logs.sentence_or_counts(Flat(), path)
