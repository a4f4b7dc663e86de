import gzip
import json

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain
from shoptalk.errors import InputError
from shoptalk.sources.files import FileSource
from shoptalk.sources.pairs import SCHEMA, Ground

CORPUS = Corpus(["d1", "d2", "d3"], ["Tuba", "", "Horn"], ["low brass", "a reed", "loud"])


def read(path, **options):
    ground = Ground(Domain("toy", CORPUS, {}), lambda texts, role: None, Cache("unused"), 0)
    return FileSource(str(path), **options).read("pairs", ground)


def jsonl(path, *rows):
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


ROWS = [
    {"query": "big brass", "doc_id": "d1", "score": 2.5, "weight": 3.0},
    {"query": "double reed", "text": "an oboe has two reeds", "title": "Oboe", "negatives": ["d1", "a reed"]},
    {"query": "LOUD", "text": "Horn  loud"},
]


def check(got):
    assert got.pairs.schema == SCHEMA
    new = got.documents.ids[0]
    assert new.startswith("pairs:") and got.documents.passages == ["Oboe an oboe has two reeds"]
    assert got.pairs["doc_id"].to_list() == ["d1", new, "d3"]
    assert got.pairs["weight"].to_list() == pytest.approx([1.8, 0.6, 0.6])
    assert got.pairs["teacher_score"].to_list() == [2.5, None, None]
    assert sorted(got.negatives.iter_rows()) == [("double reed", "d1"), ("double reed", "d2")]
    assert got.counts["read"] == got.counts["kept"] == 3 and got.counts["documents added"] == 1


def test_jsonl_csv_tsv_and_parquet_say_the_same(tmp_path):
    check(read(jsonl(tmp_path / "a.jsonl", *ROWS)))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    check(read(tmp_path / "a.jsonl.gz"))
    pl.DataFrame(ROWS, schema_overrides={"weight": pl.Float64}, infer_schema_length=None).write_parquet(
        tmp_path / "a.parquet"
    )
    check(read(tmp_path / "a.parquet"))
    columns = ["query", "doc_id", "score", "weight", "text", "title", "negatives"]
    flat = [{c: json.dumps(r[c]) if c == "negatives" and c in r else r.get(c) for c in columns} for r in ROWS]
    pl.DataFrame(flat, infer_schema_length=None).write_csv(tmp_path / "a.csv")
    check(read(tmp_path / "a.csv"))
    pl.DataFrame(flat, infer_schema_length=None).write_csv(tmp_path / "a.tsv", separator="\t")
    check(read(tmp_path / "a.tsv"))


def test_a_glob_reads_files_in_order_and_own_column_names(tmp_path):
    jsonl(tmp_path / "b.jsonl", {"q": "two", "doc_id": "d2"})
    jsonl(tmp_path / "a.jsonl", {"q": "one", "doc_id": "d1"}, "", {"q": "again", "doc_id": "d1"})
    got = read(tmp_path / "*.jsonl", columns={"query": "q"})
    assert got.pairs["query"].to_list() == ["one", "again", "two"]


def test_rows_without_text_and_repeats_are_counted_and_kept_aside(tmp_path):
    path = jsonl(
        tmp_path / "a.jsonl",
        {"query": " ", "doc_id": "d1"},
        {"query": "x", "text": ""},
        {"query": "Tuba", "doc_id": "d1"},
        {"query": "tuba.", "doc_id": "d1"},
    )
    got = read(path)
    assert got.pairs.height == 1
    assert got.rejected.select("row", "reason").rows() == [
        (1, "empty query"),
        (2, "empty document"),
        (4, "repeated pair"),
    ]
    assert got.counts["empty query"] == got.counts["empty document"] == got.counts["repeated pair"] == 1


def test_an_unknown_id_with_a_text_can_be_meant_by_later_and_earlier_rows(tmp_path):
    path = jsonl(
        tmp_path / "a.jsonl",
        {"query": "one", "doc_id": "d1", "negatives": ["mine"]},
        {"query": "two", "doc_id": "mine", "text": "a viola"},
        {"query": "three", "doc_id": "mine"},
    )
    got = read(path)
    assert got.pairs["doc_id"][1] == got.pairs["doc_id"][2] == got.documents.ids[0] == got.negatives["doc_id"][0]


def test_a_positive_given_as_a_negative_of_the_same_query_is_none(tmp_path):
    got = read(jsonl(tmp_path / "a.jsonl", {"query": "one", "doc_id": "d1", "negatives": ["d1", "d2"]}))
    assert got.negatives.rows() == [("one", "d2")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{broken", "line 2: not valid JSON"),
        ("[1]", "line 2: not a JSON object"),
        ({"doc_id": "d1"}, "line 2, column 'query': is missing"),
        ({"query": "x"}, "line 2, column 'doc_id': is missing"),
        ({"query": "x", "doc_id": "nope"}, "line 2, column 'doc_id': 'nope' is not in the corpus"),
        ({"query": 7, "doc_id": "d1"}, "line 2, column 'query': 7 is not a text"),
        ({"query": "x", "doc_id": "d1", "weight": 0}, "line 2, column 'weight': 0 is no weight"),
        ({"query": "x", "doc_id": "d1", "weight": -1}, "line 2, column 'weight'"),
        ('{"query": "x", "doc_id": "d1", "weight": NaN}', "line 2, column 'weight': nan is not a finite number"),
        ({"query": "x", "doc_id": "d1", "weight": "heavy"}, "line 2, column 'weight': 'heavy' is not a finite number"),
        ({"query": "x", "doc_id": "d1", "score": True}, "line 2, column 'score'"),
        ({"query": "x", "doc_id": "d1", "negatives": "d2"}, "line 2, column 'negatives': is not a JSON list"),
        ({"query": "x", "doc_id": "d1", "negatives": {"d2": 1}}, "line 2, column 'negatives': is not a list"),
        (
            {"query": "x", "doc_id": "d1", "negatives": ["nope"]},
            "line 2, column 'negatives': 'nope' is not in the corpus",
        ),
        ({"query": "x", "doc_id": "d1", "negatives": [None]}, "line 2, column 'negatives': holds an entry"),
    ],
)
def test_bad_rows_stop_with_file_line_and_column(tmp_path, row, said):
    path = jsonl(tmp_path / "bad.jsonl", {"query": "fine", "doc_id": "d1"}, row)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path)) and said in str(caught.value) and "\n" not in str(caught.value)


def test_bad_files_stop_with_one_sentence(tmp_path):
    (tmp_path / "short.csv").write_text("query,doc_id\nx,d1\ny\n")
    (tmp_path / "quote.csv").write_text('query,doc_id\n"x"y,d1\n')
    (tmp_path / "latin.csv").write_bytes("query,doc_id\ncafé,d1\n".encode("latin-1"))
    (tmp_path / "no.parquet").write_bytes(b"PAR1")
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"query": "x", "doc_id": "d1"}\n' * 99)[:-9])
    (tmp_path / "a.xlsx").write_text("")
    (tmp_path / "empty.jsonl").write_text("")
    for name, said in {
        "short.csv": "line 3: 1 values under 2 column names",
        "quote.csv": "line 2: not valid CSV",
        "latin.csv": "not UTF-8",
        "no.parquet": "not a readable Parquet file",
        "cut.jsonl.gz": "cannot be read",
        "a.xlsx": "'.xlsx' files are not read",
        "empty.jsonl": "holds no pair",
        "none.jsonl": "no such file",
    }.items():
        with pytest.raises(InputError) as caught:
            read(tmp_path / name)
        assert said in str(caught.value) and "\n" not in str(caught.value), name


def test_no_path_and_unknown_columns_are_refused():
    with pytest.raises(InputError, match=r"set data\.sources\.pairs\.path"):
        FileSource().read("pairs", Ground(Domain("toy", CORPUS, {}), lambda t, r: None, Cache("unused"), 0))
    with pytest.raises(InputError, match=r"columns\.label is not known"):
        FileSource("x", columns={"label": "y"})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8), st.floats(1e-6, 1e6)), min_size=1, max_size=12))
def test_every_row_is_kept_or_told(tmp_path, rows):
    lines = [{"query": q, "text": t, "weight": w} for q, t, w in rows]
    path = jsonl(tmp_path / "any.jsonl", {"query": "sure", "doc_id": "d1"}, *lines)
    got = read(path)
    assert got.pairs.height + got.rejected.height == len(rows) + 1
    known = set(CORPUS.ids) | set(got.documents.ids if got.documents else [])
    assert set(got.pairs["doc_id"]) <= known
    assert got.pairs.select("query", "doc_id").is_unique().all()
    assert (got.pairs["weight"] > 0).all()
