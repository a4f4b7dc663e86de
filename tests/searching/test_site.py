"""The search page's route, against the searches it shows."""

from urllib.parse import quote, urlencode

import numpy as np
import pytest
from asking import HOSTILE, Client

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Judged
from shoptalk.errors import InputError
from shoptalk.retrieval.ranked import Ranked
from shoptalk.searching.site import Searching, examples
from shoptalk.serving.server import serving

COUNT = 150
CORPUS = Corpus(
    [f"d{n}" for n in range(COUNT)],
    [HOSTILE[n % 7] if n < 14 else "" for n in range(COUNT)],
    [HOSTILE[n // 2 % 7] for n in range(COUNT)],
)
DEV = Judged(["a", "b", "c"], ["Heart attack", "MI", "שלום"], {"a": {"d3": 2, "d149": 1}, "b": {"d0": 0}})


def search(step):
    """A search that finds every ``step``-th document, each query at another start."""

    def found(queries, k):
        rows = np.array([[(len(query) + step * n) % COUNT for n in range(k)] for query in queries])
        return Ranked(rows, np.tile(np.linspace(1, 0, k, dtype=np.float32), (len(queries), 1)))

    return found


def words(queries, k):
    """Finds three documents."""
    rows = np.full((len(queries), k), -1)
    rows[:, :3] = [5, 1, 8]
    return Ranked(rows, np.where(rows >= 0, 2.5, -np.inf).astype(np.float32))


SEARCHES = {"base": search(1), "adapted": search(7), "bm25": words}


@pytest.fixture(scope="module")
def client():
    page = Searching(SEARCHES, CORPUS, 10, DEV, {"MI": -0.5, "Heart attack": 0.25}, "Search <i>x</i>").site()
    with serving(page, "127.0.0.1", 0) as address:
        yield Client(address)


@pytest.mark.parametrize("query", ["heart attack", "MI", *(text for text in HOSTILE if len(text) < 5000)])
def test_what_is_found_is_what_the_searches_find(client, query):
    found = client.found("/api/search?" + urlencode({"q": query, "bm25": 1}))
    query = query.strip()
    assert found["query"] == query and list(found["columns"]) == ["base", "adapted", "bm25"]
    ranked = {arm: SEARCHES[arm]([query], 100) for arm in SEARCHES}
    for arm, beside in (("base", "adapted"), ("adapted", "base"), ("bm25", "adapted")):
        hits, rows = found["columns"][arm], [row for row in ranked[arm].rows[0] if row >= 0]
        other = ranked[beside].rows[0].tolist()
        assert len(hits) == min(10, len(rows))
        for rank, (hit, row) in enumerate(zip(hits, rows, strict=False), start=1):
            assert hit == {
                "rank": rank, "id": f"d{row}", "title": CORPUS.titles[row], "text": CORPUS.texts[row],
                "score": float(ranked[arm].scores[0][rank - 1]), "grade": hit["grade"],
                "other": other.index(row) + 1 if row in other else None,
            }  # fmt: skip
    assert any(hit["other"] is None for hit in found["columns"]["base"])


def test_judged_documents_are_marked_in_any_spelling(client):
    at = client.found("/api/search?q=" + quote(" heart  ATTACK?"))
    grades = {hit["id"]: hit["grade"] for hits in at["columns"].values() for hit in hits}
    assert {grade for doc_id, grade in grades.items() if doc_id != "d3"} == {None}
    assert grades.get("d3", 2) == 2 and client.found("/api/search?q=other")["columns"]["base"][0]["grade"] is None
    exact = Searching({**SEARCHES, "base": lambda q, k: SEARCHES["base"](["abc"], k)}, CORPUS, 10, DEV, {}, "x")
    assert exact.search({"q": "heart attack"})["columns"]["base"][0]["grade"] == 2


@pytest.mark.parametrize("query", ["", "q=", "q=%20", "q=" + "x" * 5001, "other=x"])
def test_what_is_no_query(client, query):
    status, text, _ = client.get("/api/search?" + query)
    assert status == 400 and "at most 5,000 characters" in text


def test_a_column_without_results(client):
    empty = {**SEARCHES, "bm25": lambda queries, k: Ranked(np.full((1, k), -1), np.full((1, k), -np.inf, np.float32))}
    assert Searching(empty, CORPUS, 10, None, {}, "x").search({"q": "a", "bm25": "1"})["columns"]["bm25"] == []


def test_examples_come_with_the_largest_changes_first(client):
    assert client.told["examples"] == [
        {"query": "MI", "change": -0.5}, {"query": "Heart attack", "change": 0.25}, {"query": "שלום", "change": None}
    ]  # fmt: skip
    many = Judged([str(n) for n in range(500)], [f"q{n}" for n in range(500)], {})
    assert [one["query"] for one in examples(many, {})] == [f"q{n}" for n in range(200)]
    assert "Search &lt;i&gt;x&lt;/i&gt;" in client.page


@pytest.mark.parametrize("depth", [0, "x", True])
def test_a_depth_that_cannot_be(depth):
    with pytest.raises(InputError, match="depth="):
        Searching(SEARCHES, CORPUS, depth, None, {}, "x")
