import json

import polars as pl
import pytest

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.tables import read_corpus
from shoptalk.errors import InputError

ROWS = [
    {"_id": "a", "title": "Title, one", "text": 'says "so"\nhere'},
    {"_id": "b", "title": "", "text": "ünï"},
    {"_id": "7", "title": "only", "text": None},
]


def jsonl(rows, path):
    path.write_text("".join(json.dumps(row) + "\n\n" for row in rows))


WRITERS = {
    "jsonl": jsonl,
    "parquet": lambda rows, path: pl.DataFrame(rows).write_parquet(path),
    "csv": lambda rows, path: pl.DataFrame(rows).write_csv(path),
}


@pytest.mark.parametrize("ending", WRITERS)
def test_every_format_gives_the_same_corpus(tmp_path, ending):
    path = tmp_path / f"corpus.{ending}"
    WRITERS[ending](ROWS, path)
    assert read_corpus(path) == Corpus(["a", "b", "7"], ["Title, one", "", "only"], ['says "so"\nhere', "ünï", ""])


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [{"_id": "a", "text": "x"}, {"_id": "a", "text": "y"}],
            "(line 3|row 2): the document id 'a' stands at (line|row) 1",
        ),
        ([{"_id": "a", "text": "x"}, {"_id": "b", "text": " "}], "(line 3|row 2): the document 'b' is empty"),
        (
            [{"text": "x"}],
            r"corpus\.\w+(, line 1)?: no column '_id' \(there are: 'text'\); give every document an id\.",
        ),
        ([{"_id": None, "text": "x"}], "(line|row) 1, column '_id': not an id"),
        (
            [{"_id": "a", "body": "x"}],
            r"corpus\.\w+(, line 1)?: no column 'title' or 'text' \(there are: '_id', 'body'\); give every",
        ),
    ],
)
def test_a_bad_row_is_one_sentence_with_its_place(tmp_path, ending, rows, said):
    path = tmp_path / f"corpus.{ending}"
    WRITERS[ending](rows, path)
    with pytest.raises(InputError, match=said):
        read_corpus(path)


def test_whole_numbers_are_ids_and_lists_are_no_text(tmp_path):
    path = tmp_path / "corpus.parquet"
    pl.DataFrame({"_id": [1, 2], "text": ["x", "y"]}).write_parquet(path)
    assert read_corpus(path).ids == ["1", "2"]
    pl.DataFrame({"_id": [1], "text": [["x", "y"]]}).write_parquet(path)
    with pytest.raises(InputError, match="row 1, column 'text': not a text"):
        read_corpus(path)


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("corpus.jsonl", b'{"_id": "a", "text": "x"}\n{"_id": \n', "line 2: not valid JSON"),
        ("corpus.jsonl", b'{"_id": "a", "text": "x"}\n["b"]\n', "line 2: not a JSON object"),
        ("corpus.jsonl", b'{"_id": "a", "text": "x"}\n{"_id": "\xff"}\n', "line 2: not UTF-8"),
        ("corpus.jsonl", b'{"_id": "a", "text": "\\ud800"}\n', "line 1, column 'text': holds half of a surrogate pair"),
        ("corpus.jsonl", b'{"_id": true, "text": "x"}\n', "line 1, column '_id': not an id"),
        ("corpus.jsonl", b"[" * 100_000, "line 1: not valid JSON"),
        ("corpus.jsonl", b"\n", "holds no document"),
        ("corpus.parquet", b"PAR1 not at all", "cannot be read as parquet"),
        ("corpus.csv", b"_id,text\na,b,c\n", "cannot be read as csv"),
        ("corpus.csv", b"_id,text\na,\xff\xfe\n", "cannot be read as csv|not UTF-8"),
        ("corpus.csv", b"", "cannot be read as csv|holds no document"),
        ("corpus.txt", b"", "a corpus ends in .jsonl, .parquet, .csv"),
    ],
)
def test_an_unreadable_file_is_one_sentence(tmp_path, name, raw, said):
    path = tmp_path / name
    path.write_bytes(raw)
    with pytest.raises(InputError, match=said) as caught:
        read_corpus(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", WRITERS)
def test_a_missing_file_is_one_sentence(tmp_path, ending):
    with pytest.raises(InputError, match="does not exist"):
        read_corpus(tmp_path / f"corpus.{ending}")


def test_a_byte_order_mark_is_passed_over(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"_id": "a", "text": "x"}\r\n')
    assert read_corpus(path) == Corpus(["a"], [""], ["x"])
