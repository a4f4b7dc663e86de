import zlib
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Known
from shoptalk.negatives.mined import Mine
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.dense import Dense


def embed(texts, kind):
    """A vector per normalised word, summed: texts that share words are near."""
    words = [[np.random.default_rng(zlib.crc32(w.lower().encode())).normal(size=16) for w in t.split()] for t in texts]
    vectors = np.array([np.sum(line, axis=0) for line in words]).reshape(-1, 16)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def make(tmp_path, documents=40, pairs=12, relevance=None, seed=0):
    """Documents ``red ant 3``; queries name two of the words; some queries are twins, some share a document."""
    rng = np.random.default_rng(3)
    words = [["red", "blue", "old"], ["ant", "bee", "cat", "dog"]]
    titles = [f"{rng.choice(words[0])} {rng.choice(words[1])} n{i}" for i in range(documents)]
    corpus = Corpus([f"d{i}" for i in range(documents)], titles, [""] * documents)
    picked = rng.choice(documents, pairs, replace=pairs > documents)
    queries = [f"{titles[d].rsplit(' ', 1)[0]} n{i // 3}" for i, d in enumerate(picked)]
    queries[1::3] = [q.upper() + " ." for q in queries[0::3]][: len(queries[1::3])]
    table = pl.DataFrame(
        {
            "query": queries,
            "doc_id": [f"d{d}" for d in picked],
            "weight": pl.Series(rng.uniform(0.5, 1.5, pairs), dtype=pl.Float32),
            "source": ["a", "b"] * (pairs // 2) + ["a"] * (pairs % 2),
        }
    )
    known = Known(table.select("query", "doc_id").iter_rows())
    dense = Dense(embed, embed(corpus.passages, "document"))
    return Mine(table, corpus, known, dense, BM25(corpus.passages), seed, Cache(tmp_path), relevance=relevance)


@pytest.fixture
def world(tmp_path):
    return SimpleNamespace(make=lambda **options: make(tmp_path, **options), embed=embed)
