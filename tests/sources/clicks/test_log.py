"""Bad logs: one sentence each, and no row lost uncounted."""

import gzip
import json

import polars as pl
import pytest
from click_reading import counted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.errors import InputError

CORPUS = Corpus(["a", "b"], ["A", "B"], ["", ""])
GOOD = {"impression_id": "i", "ts_ms": 5, "query_raw": "q", "doc_id": "a", "position": 1, "clicked": True}


def read(path, **cleaning):
    return counted(path, CORPUS, Cache(path.parent / "cache"), **cleaning)


def refused(path, **cleaning):
    with pytest.raises(InputError) as error:
        read(path, **cleaning)
    sentence = str(error.value)
    assert sentence.startswith(str(path))
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def write(folder, rows, kind="parquet"):
    path = folder / f"log.{kind}"
    table = pl.DataFrame(rows, infer_schema_length=None)
    {"parquet": table.write_parquet, "csv": table.write_csv, "jsonl": table.write_ndjson}[kind](path)
    return path


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize(
    ("change", "place", "mend"),
    [
        ({"position": 0}, "row 2, column 'position'", "count from 1"),
        ({"position": 1.5}, "row 2, column 'position'", "1.5"),
        ({"clicked": "maybe"}, "row 2, column 'clicked'", "boolean"),
        ({"doc_id": None}, "row 2, column 'doc_id'", "missing"),
        ({"ts_ms": "yesterday"}, "row 2, column 'ts_ms'", "yesterday"),
        ({"dwell_s": "long"}, "row 2, column 'dwell_s'", "float32"),
        ({"weight": 0}, "row 2, column 'weight'", "above 0"),
        ({"dwell_s": -1}, "row 2, column 'dwell_s'", "negative"),
        ({"ts_ms": 1_735_689_600}, "row 2, column 'ts_ms'", "looks like seconds"),
        ({"ts_ms": 1_735_689_600_000_000}, "row 2, column 'ts_ms'", "micro"),
        ({"click_ts_ms": 4}, "row 2, column 'click_ts_ms'", "cannot come before"),
    ],
)
def test_a_bad_value_is_named_with_its_row(tmp_path, kind, change, place, mend):
    rows = [{k: v if k not in change or v is None else str(v) for k, v in row.items()} for row in (GOOD, GOOD)]
    if kind != "parquet":
        rows = [dict(GOOD), dict(GOOD)]
    rows[1] |= {k: v if v is None or kind == "jsonl" else str(v) for k, v in change.items()}
    path = write(tmp_path, [row | {k: None for k in change if k not in row} for row in rows], "parquet")
    if kind == "csv":
        path = write(tmp_path, pl.read_parquet(path), "csv")
    elif kind == "jsonl":
        path = tmp_path / "log.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    sentence = refused(path)
    assert place in sentence
    assert mend in sentence


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize("column", ["impression_id", "ts_ms", "doc_id", "position", "clicked"])
def test_a_missing_column_is_named(tmp_path, kind, column):
    row = {k: v for k, v in GOOD.items() if k != column}
    assert f"lacks the column '{column}'" in refused(write(tmp_path, [row], kind))


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_an_empty_log(tmp_path, kind):
    assert "empty" in refused(write(tmp_path, pl.DataFrame([GOOD]).clear(), kind))


@pytest.mark.parametrize(("name", "content"), [("log.csv", b""), ("log.jsonl", b""), ("log.parquet", b"")])
def test_a_file_without_content(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert "empty" in refused(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [("log.parquet", b"PAR1 no"), ("log.jsonl", b'{"impression_id": '), ("log.csv.gz", b"no gzip"), ("log.txt", b"x")],
)
def test_a_file_that_is_not_what_its_name_says(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name)


def test_no_file(tmp_path):
    assert "no such click log" in refused(tmp_path / "log.parquet")


def test_documents_that_are_not_in_the_corpus(tmp_path):
    rows = [GOOD | {"impression_id": f"i{n}", "doc_id": "a" if n < 8 else f"x{n}"} for n in range(10)]
    counts = read(write(tmp_path, rows)).removed
    assert counts == {"rows": 10, "votes": 8, "unknown_document": 2}
    assert "2 of 10 rows" in refused(write(tmp_path, rows), max_unknown_documents=0.1)


def test_nothing_survives(tmp_path):
    rows = [GOOD | {"is_bot": True}, GOOD | {"is_bot": True, "query_raw": "?"}]
    rows.append(GOOD | {"is_bot": True, "impression_id": "j"})
    assert "the rule flagged_bot took 2 of 3 rows" in refused(write(tmp_path, rows))


def test_gzip_and_numbers_as_ids(tmp_path):
    rows = [GOOD | {"impression_id": n, "user_key": n, "clicked": n % 2} for n in range(4)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "log.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    header, *body = (",".join(map(str, r)) for r in (rows[0].keys(), *(row.values() for row in rows)))
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress("\n".join([header, *body]).encode()))
    for name in ("log.jsonl.gz", "log.csv.gz"):
        found = read(tmp_path / name)
        assert found.by_position.rows() == [(0, "a", 1, 4, 2)]
        assert found.support.rows() == [(0, "a", 4, 2)]


WORDS = st.one_of(st.text(max_size=8), st.sampled_from(["a", "b", "1", "true"]))
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-3, 10**20), st.floats(), WORDS)
ROW = st.fixed_dictionaries(
    {
        "impression_id": st.sampled_from(["i1", "i2"]),
        "ts_ms": st.integers(0, 10**12),
        "query_raw": st.one_of(st.none(), st.text(max_size=5)),
        "doc_id": st.sampled_from(["a", "b", "b", "c"]),
        "position": st.integers(1, 40),
        "clicked": st.booleans(),
    },
    optional={"user_key": st.text(max_size=3), "is_bot": st.booleans(), "session_id": st.text(max_size=2)},
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(ROW, max_size=12), kind=st.sampled_from(["parquet", "jsonl"]))
def test_every_row_of_a_valid_log_is_counted(rows, kind, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    try:
        found = read(write(folder, rows, kind), max_unknown_documents=1.0, max_session_searches=1)
    except InputError:
        return
    counts = dict(found.removed)
    assert counts.pop("rows") == len(rows) == sum(counts.values())
    assert found.by_position["impressions"].sum() == counts["votes"]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.dictionaries(st.sampled_from([*GOOD, "weight", "is_bot", "dwell_s"]), VALUES), max_size=5),
    keep=st.integers(0, 3),
    kind=st.sampled_from(["csv", "jsonl"]),
)
def test_no_log_ends_in_anything_but_a_sentence(rows, keep, kind, tmp_path_factory):
    rows = [GOOD] * keep + [GOOD | row for row in rows]
    path = tmp_path_factory.mktemp("log") / f"log.{kind}"
    names = sorted({name for row in rows for name in row})
    if kind == "csv":
        text = "\n".join([",".join(names), *(",".join(str(row.get(n, "")) for n in names) for row in rows)])
    else:
        text = "\n".join(json.dumps(row) for row in rows)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        counts = dict(read(path).removed)
        assert counts.pop("rows") == sum(counts.values())
    except InputError as error:
        assert "\n" not in str(error)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=200), name=st.sampled_from(["log.csv", "log.jsonl", "log.parquet", "log.csv.gz"]))
def test_no_bytes_end_in_anything_but_a_sentence(content, name, tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / name
    path.write_bytes(content)
    with pytest.raises(InputError):
        read(path)
