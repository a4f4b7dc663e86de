"""The judging page's routes, over HTTP."""

import json
from urllib.parse import quote

import pytest
from asking import HOSTILE, Client
from judging_sets import CORPUS, IDS, POOL, task

from shoptalk.judging.journal import Journal, said
from shoptalk.judging.site import Judging
from shoptalk.serving.server import serving


@pytest.fixture
def journal(tmp_path):
    found = Journal(tmp_path / "ann.jsonl")
    yield found
    found.close()


@pytest.fixture
def client(journal):
    site = Judging(task(), journal, CORPUS, "Judge <b>x</b>").site()
    with serving(site, "127.0.0.1", 0) as address:
        yield Client(address)


def give(client, query_id, grade, document=None):
    for doc_id in POOL[query_id] if document is None else [POOL[query_id][document]]:
        told = client.found("/api/grade", {"query_id": query_id, "doc_id": doc_id, "grade": grade})
    return told


def test_a_query_comes_with_its_documents_as_they_are(client):
    for number, (query_id, doc_ids) in enumerate(POOL.items(), start=1):
        found = client.found(f"/api/query?number={number}")
        assert (found["number"], found["query_id"], found["query"]) == (number, query_id, task().texts[query_id])
        rows = [CORPUS.index[doc_id] for doc_id in doc_ids]
        expected = [{"id": IDS[r], "title": CORPUS.titles[r], "text": CORPUS.texts[r], "grade": None} for r in rows]
        assert found["documents"] == expected
    assert "Judge &lt;b&gt;x&lt;/b&gt;" in client.page and not any(text in client.page for text in HOSTILE)


def test_grades_are_kept_and_the_next_query_comes(client, journal, tmp_path):
    assert give(client, "q0", 2)["state"] == "graded"
    told = give(client, "q1", 3, document=1)
    assert told["state"] == "begun"
    assert told["progress"] == {
        "queries": 10, "queries_graded": 1, "queries_skipped": 0, "documents": 40, "documents_graded": 5
    }  # fmt: skip
    assert (
        said(tmp_path / "ann.jsonl").grades
        == journal.grades
        == {
            **{("q0", doc_id): 2 for doc_id in POOL["q0"]},
            ("q1", POOL["q1"][1]): 3,
        }
    )
    assert client.found("/api/query")["query_id"] == "q1" == client.found("/api/query?after=10")["query_id"]
    assert [one["grade"] for one in client.found("/api/query?number=2")["documents"]] == [None, 3, None, None]


def test_skipping_and_taking_back(client):
    client.found("/api/skip", {"query_id": "q0"})
    assert client.found("/api/query")["query_id"] == "q1" and client.found("/api/query?number=1")["state"] == "skipped"
    give(client, "q1", 1, document=0)
    assert client.found("/api/undo", {}) | {"progress": 0} == {"number": 2, "doc_id": POOL["q1"][0], "progress": 0}
    assert client.found("/api/undo", {})["number"] == 1
    assert client.found("/api/query")["query_id"] == "q0"
    status, text, _ = client.post("/api/undo", {})
    assert status == 409 and "nothing to take back" in text
    client.found("/api/skip", {"query_id": "q0"})
    assert give(client, "q0", 0)["state"] == "graded"


def test_the_end(client):
    for query_id in POOL:
        give(client, query_id, 0)
    assert client.found("/api/query") == {
        "finished": True,
        "progress": {
            "queries": 10,
            "queries_graded": 10,
            "queries_skipped": 0,
            "documents": 40,
            "documents_graded": 40,
        },
    }


@pytest.mark.parametrize("grade", [-1, 4, 1.0, True, "1", None, [1], {}])
def test_a_grade_that_cannot_be(client, journal, grade):
    body = {"query_id": "q0", "doc_id": POOL["q0"][0], "grade": grade}
    status, text, _ = client.post("/api/grade", body)
    assert status == 400 and json.loads(text) == {"error": "grade must be 0, 1, 2 or 3."} and not journal.grades


@pytest.mark.parametrize(
    "path, body",
    [
        ("/api/grade", {"query_id": "q0", "doc_id": POOL["q1"][3] + "x", "grade": 1}),
        ("/api/grade", {"query_id": "q0", "doc_id": ["d"], "grade": 1}),
        ("/api/grade", {"query_id": "zz", "doc_id": "d0", "grade": 1}),
        ("/api/grade", {"query_id": ["q0"], "doc_id": "d0", "grade": 1}),
        ("/api/grade", {}),
        ("/api/skip", {"query_id": None}),
    ],
)
def test_what_is_not_of_the_task_is_refused(client, journal, path, body):
    assert client.post(path, body)[0] == 400 and not journal.grades and not journal.skipped


@pytest.mark.parametrize("number", ["0", "11", "-1", "x", "1e3", "", "٣", "9" * 30])
def test_numbers_of_queries_that_are_not(client, number):
    assert client.get(f"/api/query?number={quote(number)}")[0] == 400
