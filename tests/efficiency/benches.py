"""A bench over invented documents, and arms over it."""

from contextlib import contextmanager
from pathlib import Path

import tiny_models

from shoptalk.arms.base import Bench, Opened
from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.embedding import CachedEmbed
from shoptalk.models.encoder import Encoder
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.dense import Dense

QUERIES = tiny_models.texts(12, longest=5, seed=3)


@contextmanager
def quiet(title: str):
    """Shows nothing."""
    yield lambda done, of: None


def bench(folder: Path, documents: int = 80) -> Bench:
    """One thread, a cache of its own."""
    texts = [f"{number} {text}" for number, text in enumerate(tiny_models.texts(documents, longest=8, seed=2))]
    corpus = Corpus([str(row) for row in range(documents)], texts, [""] * documents)
    return Bench(corpus, Cache(folder / "cache"), 1, quiet)


def dense(encoder, over: Bench) -> Opened:
    """An encoder as an arm opens it."""
    vectors = CachedEmbed(encoder, over.cache, 1)(over.corpus.passages, "document")
    live = Dense(encoder.embed, vectors)
    return Opened(live, live=live, encoder=encoder, vectors=vectors, facts={"parameters": 1}, notices=["told"])


def lexical(over: Bench) -> Opened:
    """BM25 as an arm opens it."""
    index = BM25(over.corpus.passages)
    return Opened(index, live=index)


def tiny(folder: Path, kind: str = "bert") -> Encoder:
    """A tiny transformer with 32 dimensions."""
    return Encoder.load(str(getattr(tiny_models, kind)(folder)))
