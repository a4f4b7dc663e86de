"""Grades by way of a spreadsheet, with texts that would break one."""

import csv
import io

import pytest
from asking import HOSTILE
from judging_sets import CORPUS, POOL, task

from shoptalk.errors import InputError
from shoptalk.judging.exchange import COLUMNS, read, written
from shoptalk.judging.journal import Journal, said


@pytest.fixture
def journal(tmp_path):
    found = Journal(tmp_path / "ann.jsonl")
    yield found
    found.close()


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def save(path, table, names=COLUMNS, delimiter=","):
    with open(path, "w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, names, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(table)


def test_what_goes_out_is_everything_and_nothing_of_the_arms(tmp_path, journal):
    journal.act("grade", "q0", POOL["q0"][1], 2)
    path = tmp_path / "out.csv"
    assert written(task(), journal, CORPUS, path) == 40
    table = rows(path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf") and tuple(table[0]) == COLUMNS
    assert [(row["query_id"], row["doc_id"]) for row in table] == [(q, d) for q in POOL for d in POOL[q]]
    assert [row["grade"] for row in table[:4]] == ["", "2", "", ""]
    for row in table:
        place = CORPUS.index[row["doc_id"]]
        for name, text in (("title", CORPUS.titles[place]), ("text", CORPUS.texts[place]), ("query", None)):
            text = task().texts[row["query_id"]] if text is None else text
            assert row[name] == (f"'{text}" if text.startswith("=") else text)
    assert {row["query"].removeprefix("'") for row in table} >= set(HOSTILE)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_way_out_and_back(tmp_path, journal, delimiter):
    path = tmp_path / "out.csv"
    written(task(), journal, CORPUS, path)
    table = rows(path)
    wanted = {}
    for n, row in enumerate(table):
        if n % 5:
            wanted[row["query_id"], row["doc_id"]] = n % 4
            row["grade"] = f"{n % 4}.0" if n % 2 else f" {n % 4} "
    save(path, table, delimiter=delimiter)
    assert read(POOL, journal, path) == {"new": 32, "empty": 8}
    assert journal.grades == wanted and said(tmp_path / "ann.jsonl").grades == wanted
    size = (tmp_path / "ann.jsonl").stat().st_size
    assert read(POOL, journal, path) == {"same": 32, "empty": 8}
    assert (tmp_path / "ann.jsonl").stat().st_size == size
    table[1]["grade"] = "0"
    save(path, table, delimiter=delimiter)
    assert read(POOL, journal, path) == {"same": 31, "changed": 1, "empty": 8}
    again = tmp_path / "again.csv"
    written(task(), journal, CORPUS, again)
    assert {(r["query_id"], r["doc_id"]): r["grade"] for r in rows(again) if r["grade"]} == {
        key: str(grade) for key, grade in (wanted | {("q0", POOL["q0"][1]): 0}).items()
    }


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"grade": "4"}, "row 3, column 'grade': '4' is no grade; write 0, 1, 2 or 3"),
        ({"grade": "good"}, "row 3, column 'grade': 'good' is no grade"),
        ({"grade": "nan"}, "row 3, column 'grade'"),
        ({"grade": "1.5"}, "row 3, column 'grade'"),
        ({"query_id": "q99"}, "row 3, column 'query_id': 'q99' is none of these queries"),
        ({"doc_id": "<script>"}, "row 3, column 'doc_id': '<script>' is no document of that query"),
        ({"doc_id": POOL["q0"][0]}, "row 3, column 'grade': row 2 gave the same query and document another grade"),
    ],
)
def test_a_wrong_row_is_named_and_no_grade_is_taken(tmp_path, journal, changed, words):
    path = tmp_path / "in.csv"
    table = [{"query_id": "q0", "doc_id": doc_id, "grade": str(n)} for n, doc_id in enumerate(POOL["q0"][:3])]
    table[1] |= changed
    table += [{"query_id": "q1", "doc_id": POOL["q1"][0], "grade": "x"}]
    save(path, table, ("query_id", "doc_id", "grade"))
    with pytest.raises(InputError) as error:
        read(POOL, journal, path)
    assert words in str(error.value) and "no grade was taken. (1 more rows are wrong.)" in str(error.value)
    assert str(path) in str(error.value) and not journal.grades


@pytest.mark.parametrize(
    "raw, words",
    [
        (b"query_id,doc_id\nq0,d0\n", "column 'grade': is missing"),
        (b"query_id,doc_id,grade\nq0,d0,1,\n", "row 2: has more cells than the head"),
        (b'query_id,doc_id,grade\nq0,"d0,1\n', "not valid CSV"),
        (b"query_id,doc_id,grade\nq0,d0,\xff\n", "byte 28 is not UTF-8"),
    ],
)
def test_a_file_that_is_no_table(tmp_path, journal, raw, words):
    path = tmp_path / "in.csv"
    path.write_bytes(raw)
    with pytest.raises(InputError) as error:
        read(POOL, journal, path)
    assert words in str(error.value)


def test_files_that_cannot_be_opened(tmp_path, journal):
    with pytest.raises(InputError, match=r"import=.*cannot be read"):
        read(POOL, journal, tmp_path)
    with pytest.raises(InputError, match=r"export=.*cannot be written"):
        written(task(), journal, CORPUS, tmp_path)
