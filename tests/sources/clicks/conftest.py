"""A small domain, two rankers over it, and small logs by hand."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.retrieval.ranked import Ranked
from shoptalk.sources.pairs import Ground

DOCUMENTS, INTENTS = 120, 90


def small_domain():
    """Intent i means document i; its neighbour is document i + 1; traffic falls with i; every third has none."""
    corpus = Corpus([f"d{i}" for i in range(DOCUMENTS)], [f"title {i}" for i in range(DOCUMENTS)], [""] * DOCUMENTS)
    ids = [f"intent-{i}" for i in range(INTENTS)]
    intents = Judged(ids, [f"Query {i} words" for i in range(INTENTS)], {q: {f"d{i}": 1} for i, q in enumerate(ids)})
    share = {f"d{i}": 0.0 if i % 3 == 2 else 1 / (i + 1) for i in range(INTENTS)}
    traffic = {d: s / sum(share.values()) for d, s in share.items()}
    near = {f"d{i}": [f"d{(i + 1) % DOCUMENTS}"] for i in range(DOCUMENTS)}
    return Domain("small", corpus, {}, intents, neighbours=near, traffic=traffic)


def ranker(seed):
    """Noisy scores that favour the document the query means."""

    def search(queries, k):
        rows = np.empty((len(queries), k), dtype=np.int64)
        scores = np.empty((len(queries), k), dtype=np.float32)
        for line, query in enumerate(queries):
            wanted = int(query.split()[1])
            values = np.random.default_rng([seed, wanted]).random(DOCUMENTS).astype(np.float32)
            values[wanted] += 0.6
            rows[line] = np.argsort(-values, kind="stable")[:k]
            scores[line] = values[rows[line]]
        return Ranked(rows, scores)

    return search


def log_table(rows):
    """A log from tuples (impression, ts_ms, query, document, position, clicked) and optional columns as dicts."""
    names = ("impression_id", "ts_ms", "query_raw", "doc_id", "position", "clicked")
    plain = [dict(zip(names, row[:6], strict=True)) | (row[6] if len(row) > 6 else {}) for row in rows]
    return pl.DataFrame(plain, infer_schema_length=None)


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def ground(cache):
    return Ground(small_domain(), embed=None, cache=cache, seed=0)


@pytest.fixture(scope="session")
def made():
    return SimpleNamespace(domain=small_domain, ranker=ranker, log_table=log_table)
