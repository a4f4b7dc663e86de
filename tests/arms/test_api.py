"""Embeddings from an endpoint: the protocol, faults, the budget, and that nothing is paid twice."""

import re
from contextlib import nullcontext

import numpy as np
import pytest
from embedding_server import embedding, vector, vectors
from fast_clock import FastClock
from llm_server import drop, raw, stall, status

from shoptalk.arms.api.arm import ApiArm
from shoptalk.arms.base import Bench
from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.errors import InputError

KEY = "sk-proj-8f3a91c07d5e42b6"
COUNT = 10
CORPUS = Corpus([f"d{i}" for i in range(COUNT)], [f"horn {i}" for i in range(COUNT)], [""] * COUNT)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SOME_KEY", KEY)


@pytest.fixture
def said():
    return []


@pytest.fixture
def bench(tmp_path, said):
    return Bench(CORPUS, Cache(tmp_path), 1, lambda title: nullcontext(lambda done, of: None), say=said.append)


def arm(url, **options):
    return ApiArm(**{"url": url, "model": "some-model", "clock": FastClock(), "batch": 2, "concurrency": 2, **options})


def unit(texts):
    whole = np.array([vector(text) for text in texts])
    return whole / np.linalg.norm(whole, axis=1, keepdims=True)


def refused(made, bench):
    with pytest.raises(InputError) as error:
        made.open(bench)
    sentence = str(error.value)
    assert "\n" not in sentence and sentence.endswith(".") and KEY not in sentence
    return sentence


def test_documents_and_queries_are_asked_as_the_protocol_wants_it_and_searched_exactly(bench):
    options = {"key_from": "SOME_KEY", "dimensions": 8, "extra": {"truncate": "END"}}
    kinds = {"input_type": {"query": "search_query", "document": "search_document"}, "prompts": {"query": "find "}}
    with embedding() as server:
        opened = arm(server.url, **options, **kinds).open(bench)
        found = opened.search(["horn a", "horn b"], 3)
    documents, query = server.bodies[0], server.bodies[-1]
    assert {**documents, "input": len(documents["input"])} == {
        "model": "some-model", "input": 2, "dimensions": 8, "truncate": "END", "input_type": "search_document"
    }  # fmt: skip
    assert query["input"] == ["find horn a", "find horn b"] and query["input_type"] == "search_query"
    assert {headers["Authorization"] for headers in server.headers} == {f"Bearer {KEY}"}
    np.testing.assert_allclose(opened.vectors, unit(CORPUS.passages), rtol=1e-6)
    scores = unit(["find horn a", "find horn b"]) @ unit(CORPUS.passages).T
    assert found.rows.tolist() == np.argsort(-scores, axis=1)[:, :3].tolist()


def test_fields_that_are_not_set_are_not_sent(bench):
    with embedding() as server:
        arm(server.url).open(bench)
    assert {name for body in server.bodies for name in body} == {"model", "input"}
    assert all("Authorization" not in headers for headers in server.headers)


@pytest.mark.parametrize(
    "fault, words",
    [
        (status(429, Retry_After="0"), "429"),
        (status(500), "500"),
        (status(503), "503"),
        (drop, "the connection broke"),
        (raw(b"{", length=50), "breaks off"),
        (raw(b"nonsense"), "no JSON"),
        (raw(b"{}"), "holds no vectors"),
        (raw(b'{"data": [{"index": 0, "embedding": "AAAA"}, {"index": 1, "embedding": "AAAA"}]}'), "holds no vectors"),
        (stall, "no answer within 0.2 s"),
    ],
)
def test_a_passing_fault_costs_one_line_and_one_more_try(bench, said, fault, words):
    with embedding({"horn 2": [fault]}) as server:
        opened = arm(server.url, timeout_s=0.2 if fault is stall else 5).open(bench)
    assert set(server.paid.values()) == {1} and len(server.paid) == COUNT
    np.testing.assert_allclose(opened.vectors, unit(CORPUS.passages), rtol=1e-6)
    (incident,) = [line for line in said if line.startswith("Request ")]
    assert words in incident and "try 1 of 5" in incident


@pytest.mark.parametrize("dies_after", [1, 3])
def test_an_endpoint_that_dies_half_way_is_asked_for_the_rest_alone(bench, dies_after):
    with embedding(dies_after=dies_after) as server:
        sentence = refused(arm(server.url, tries=2), bench)
        assert f"{dies_after} of 5 requests were answered" in sentence and "same command" in sentence
        server.revived()
        opened = arm(server.url).open(bench)
        again = arm(server.url).open(bench)
    assert server.paid == dict.fromkeys(CORPUS.passages, 1)
    np.testing.assert_array_equal(opened.vectors, again.vectors)
    np.testing.assert_allclose(opened.vectors, unit(CORPUS.passages), rtol=1e-6)


def test_texts_are_known_again_among_others_and_asked_once_where_they_stand_twice(bench, tmp_path):
    more = Corpus(["a", "b", "c", "d"], ["horn 3", "brass", "brass", "horn 4"], [""] * 4)
    with embedding() as server:
        arm(server.url).open(bench)
        other = Bench(more, bench.cache, 1, bench.bar)
        opened = arm(server.url).open(other)
    assert server.bodies[-1]["input"] == ["brass"]
    np.testing.assert_allclose(opened.vectors, unit(more.passages), rtol=1e-6)


@pytest.mark.parametrize(
    "script, words",
    [
        (vectors(leave_out=1), ["gave 1 vectors for 2 texts", "models: api.batch"]),
        (vectors(length=5), ["length 5", "8", "some-model"]),
        (vectors(of=lambda text, length: [0.0] * length), ["zero or not finite"]),
        (vectors(of=lambda text, length: [float("nan")] * length), ["zero or not finite"]),
        (status(401), ["asks for a key", "models: api.key_from"]),
        (status(404), ["models: api.model=some-model"]),
        (status(400, "maximum context length is 512"), ["context length", "models: api.max_characters"]),
        (status(301, Location="http://elsewhere"), ["redirects", "elsewhere"]),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_what_was_paid_is_kept(bench, script, words):
    with embedding({"horn 4": [script]}) as server:
        sentence = refused(arm(server.url, concurrency=1), bench)
        assert all(word in sentence for word in words), sentence
        kept = dict(server.paid)
        kept.pop("horn 4", None), kept.pop("horn 5", None)
        arm(server.url).open(bench)
    assert len(kept) == 4 and all(server.paid[text] == 1 for text in kept)


@pytest.mark.parametrize(
    "other",
    [{"prompts": {"query": "find "}}, {"prompts": {"document": "d "}}, {"max_characters": 4}, {"model": "other"},
     {"dimensions": 8}, {"input_type": {"query": "query"}}, {"extra": {"truncate": "END"}}],
)  # fmt: skip
def test_nothing_is_looked_up_that_was_asked_otherwise(bench, other):
    with embedding() as server:
        before = arm(server.url).open(bench).search(["horn a"], 3)
        server.usual = lambda: vectors(of=lambda text, length: vector(f"another {text}", length))
        made = arm(server.url, **other)
        opened = made.open(bench)
        found, query = opened.search(["horn a"], 3), made._embedded(bench, ["horn a"], "query")
    np.testing.assert_allclose(found.scores[0], np.sort(opened.vectors @ query[0])[::-1][:3], rtol=1e-5)
    assert not np.array_equal(found.scores, before.scores)


def test_a_model_that_changes_its_length_between_runs_is_refused(bench):
    with embedding() as server:
        opened = arm(server.url).open(bench)
        server.script["a query"] = [vectors(length=5)]
        with pytest.raises(InputError, match="length 5 where others have 8"):
            opened.search(["a query"], 2)


def test_the_budget_is_said_before_and_kept(bench, said):
    with embedding() as server:
        sentence = refused(arm(server.url, budget_tokens=20), bench)
        assert "models: api.budget_tokens=20 would be passed by" in sentence and server.bodies == []
        sentence = refused(arm(server.url, budget_money=1e-6, price=1.0), bench)
        assert "models: api.budget_money=1e-06" in sentence and server.bodies == []
        arm(server.url, budget_tokens=1000, price=2.0).open(bench)
    assert re.fullmatch(
        r"some-model at \S+ will get 10 document texts in 5 requests: about 35 tokens, 7e-05 in money, within models: "
        r"api.budget_tokens=1000.",
        said[0],
    )
    assert "30 tokens in" in said[-1]


def test_an_endpoint_that_counts_more_than_was_estimated_ends_at_the_budget_and_what_was_paid_is_kept(bench):
    with embedding({f"horn {i}": [vectors(tokens=20)] for i in range(0, COUNT, 2)}) as server:
        sentence = refused(arm(server.url, budget_tokens=100, concurrency=1), bench)
        assert "models: api.budget_tokens=100 would be passed by 27 tokens" in sentence
        assert "3 of 5 requests were answered" in sentence
        arm(server.url).open(bench)
    assert server.paid == dict.fromkeys(CORPUS.passages, 1)


def test_long_texts_are_cut_and_counted(bench):
    with embedding() as server:
        opened = arm(server.url, max_characters=5, prompts={"document": "d: "}).open(bench)
    assert {text for body in server.bodies for text in body["input"]} == {"d: ho"}
    assert opened.notices == ["some-model: 10 documents are cut at max_characters=5."]


@pytest.mark.parametrize(
    "options, words",
    [
        ({"url": "localhost"}, "models: api.url"),
        ({"url": "http://me:secret@host/v1"}, "models: api.url"),
        ({"model": " "}, "models: api.model"),
        ({"key_from": KEY}, "models: api.key_from"),
        ({"batch": 0}, "models: api.batch=0"),
        ({"price": -1}, "models: api.price=-1"),
        ({"budget_money": 1}, "models: api.price"),
        ({"input_type": {"passage": "x"}}, "models: api.input_type"),
        ({"extra": {"input": "x"}}, "models: api.extra.input"),
        ({"max_characters": 0}, "models: api.max_characters=0"),
    ],
)
def test_an_impossible_option_is_refused_before_anything_is_asked(options, words):
    with pytest.raises(InputError) as error:
        arm(**{"url": "http://localhost:1/v1", **options})
    assert words in str(error.value) and "secret" not in str(error.value) and KEY not in str(error.value)


def test_a_key_that_is_not_there_is_said(bench, monkeypatch):
    monkeypatch.delenv("SOME_KEY")
    assert "models: api.key_from=SOME_KEY" in refused(arm("http://localhost:1/v1", key_from="SOME_KEY"), bench)
