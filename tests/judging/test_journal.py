"""Grades on the disk: every act before it counts, torn lines mended, acts taken back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoptalk.errors import InputError
from shoptalk.judging.journal import Journal, Said, said


def test_acts_are_there_for_the_next_sitting(tmp_path):
    path = tmp_path / "ann.jsonl"
    journal = Journal(path)
    journal.act("grade", "q1", "d1", 3)
    journal.act("grade", "q1", "שלום\n", 0)
    journal.act("skip", "q2")
    # Before it is closed, as a program that is killed leaves it.
    assert said(path).grades == {("q1", "d1"): 3, ("q1", "שלום\n"): 0} and said(path).skipped == {"q2"}
    journal.close()
    again = Journal(path)
    assert again.grades == journal.grades and again.skipped == {"q2"} and not again.notices
    assert again.act("undo") == ("q2", None) and again.act("undo") == ("q1", "שלום\n")
    assert again.grades == {("q1", "d1"): 3} and not again.skipped
    again.close()
    assert [json.loads(line)["act"] for line in path.read_text().splitlines()] == [
        "grade",
        "grade",
        "skip",
        "undo",
        "undo",
    ]


@pytest.mark.parametrize("lost", range(1, 60, 7))
def test_half_a_last_line_is_cut_off_and_told(tmp_path, lost):
    path = tmp_path / "ann.jsonl"
    journal = Journal(path)
    journal.act("grade", "q1", "d1", 2)
    whole = path.read_bytes()
    journal.act("grade", "q1", "d2", 1)
    journal.close()
    path.write_bytes(path.read_bytes()[:-lost])
    assert said(path).grades == {("q1", "d1"): 2}
    again = Journal(path)
    assert again.grades == {("q1", "d1"): 2} and "cut short" in again.notices[0]
    assert path.read_bytes() == whole
    again.act("grade", "q1", "d2", 3)
    again.close()
    assert said(path).grades == {("q1", "d1"): 2, ("q1", "d2"): 3}


@pytest.mark.parametrize(
    "line",
    [
        "x",
        "[]",
        "{}",
        '{"act": "grade", "query_id": "q", "doc_id": "d", "grade": 4}',
        '{"act": "eat", "query_id": "q"}',
    ],
)
def test_a_line_that_is_no_act_is_named(tmp_path, line):
    path = tmp_path / "ann.jsonl"
    path.write_text('{"act": "skip", "query_id": "q"}\n' + line + '\n{"act": "undo"}\n')
    with pytest.raises(InputError, match=r"ann\.jsonl, line 2: not an act"):
        Journal(path)


def test_one_program_at_a_time(tmp_path):
    one = Journal(tmp_path / "ann.jsonl")
    with pytest.raises(InputError, match="another process is grading"):
        Journal(tmp_path / "ann.jsonl")
    one.close()
    Journal(tmp_path / "ann.jsonl").close()


def test_a_full_disk_leaves_no_half_line(tmp_path, monkeypatch):
    journal = Journal(tmp_path / "ann.jsonl")
    journal.act("grade", "q1", "d1", 2)

    class Full:
        name = "ann.jsonl"

        def __init__(self, file):
            self.file = file

        def write(self, raw):
            return self.file.write(raw[:7])

        def __getattr__(self, name):
            return getattr(self.file, name)

    kept = journal._file
    monkeypatch.setattr(journal, "_file", Full(kept))
    with pytest.raises(InputError, match="No space left"):
        journal.act("grade", "q1", "d2", 1)
    assert journal.grades == {("q1", "d1"): 2}
    monkeypatch.setattr(journal, "_file", kept)
    journal.act("grade", "q1", "d3", 0)
    journal.close()
    assert said(tmp_path / "ann.jsonl").grades == {("q1", "d1"): 2, ("q1", "d3"): 0}


acts = st.one_of(
    st.tuples(st.just("grade"), st.sampled_from("pq"), st.sampled_from("abc"), st.integers(0, 3)),
    st.tuples(st.just("skip"), st.sampled_from("pq"), st.none(), st.none()),
    st.tuples(st.just("undo"), st.none(), st.none(), st.none()),
)


@given(st.lists(acts, max_size=30))
def test_taking_back_gives_what_would_be_without(given_acts):
    found = Said()
    kept = []
    for name, query_id, doc_id, grade in given_acts:
        found.follow({"act": name, "query_id": query_id, "doc_id": doc_id, "grade": grade})
        if name != "undo":
            kept.append((name, query_id, doc_id, grade))
        elif kept:
            kept.pop()
    grades, skipped = {}, set()
    for name, query_id, doc_id, grade in kept:
        if name == "skip":
            skipped.add(query_id)
        else:
            grades[query_id, doc_id] = grade
            skipped.discard(query_id)
    assert found.grades == grades and found.skipped == skipped
