"""The evaluation of a large collection is measured as a process of its own; here the collection is small."""

import json

import pytest
from benchmark_scripts import scripts

from shoptalk.cache import Cache
from shoptalk.domain.beir import Beir


@pytest.fixture(scope="module")
def large():
    with scripts("efficiency") as load:
        script = load("large")
        script.WORDS = 2000
        yield script


def test_the_collection_is_read_and_its_queries_are_words_of_their_documents(large, tmp_path):
    large.collection(tmp_path / "one", 300, 20)
    domain = Beir(str(tmp_path / "one")).load(Cache(tmp_path / "cache"))
    assert len(domain.corpus) == 300 and len(domain.splits["dev"]) == len(domain.splits["test"]) == 20
    for query, positives in zip(domain.splits["dev"].texts, domain.splits["dev"].positives(), strict=True):
        (doc_id,) = positives
        words = domain.corpus.passages[domain.corpus.index[doc_id]].split()
        assert len(words) == large.LENGTH and set(query.split()) <= set(words)
    large.collection(tmp_path / "two", 300, 20, seed=1)
    assert (tmp_path / "one" / "corpus.jsonl").read_text() != (tmp_path / "two" / "corpus.jsonl").read_text()


@pytest.mark.slow
def test_time_and_memory_are_told(large, tmp_path, monkeypatch):
    monkeypatch.setattr(large, "MODELS", "models=[bm25]")
    large.main(large.options().parse_args(["--documents", "200", "--queries", "10", "--out", str(tmp_path)]))
    told = json.loads((tmp_path / "large.json").read_text())
    assert told["documents"] == 200 and told["seconds"] > 0 and 0.1 < told["peak_gb"] < 4
    assert told["checks"][0]["met"] is True
