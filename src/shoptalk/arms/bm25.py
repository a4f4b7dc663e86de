"""BM25 under comparison."""

from functools import partial

from shoptalk.arms.base import Bench, Opened
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.cached import CachedSearch

_DEFAULTS = {"k1": 1.2, "b": 0.75, "stemmer": "english"}


class BM25Arm:
    """BM25 over titles and texts.

    Args:
        k1, b, stemmer: as of ``BM25``.
    """

    def __init__(self, name: str | None = None, k1: float = 1.2, b: float = 0.75, stemmer: str | None = "english"):
        self.name = name or "bm25"
        given = {"k1": k1, "b": b, "stemmer": stemmer}
        # Left out where they are the defaults, so that the index is the one that runs have built.
        self.settings = {option: value for option, value in given.items() if value != _DEFAULTS[option]}

    def open(self, bench: Bench) -> Opened:
        """See ``Arm``."""
        corpus, key = bench.corpus, BM25.key(bench.corpus.digest, **self.settings)
        build = partial(BM25.cached, bench.cache, corpus.passages, corpus.digest)
        index = build(threads=bench.threads, **self.settings)
        return Opened(CachedSearch(lambda: index, key, bench.cache), live=index)
