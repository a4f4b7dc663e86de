"""One kind of index, whether it pays or not."""

from dataclasses import asdict
from functools import cached_property

import numpy as np

from shoptalk.cache import Cache, digest
from shoptalk.retrieval.dense import check, exact
from shoptalk.retrieval.index.base import Kind
from shoptalk.retrieval.index.built import Built, content_of
from shoptalk.retrieval.index.tuning import Tuned, once, sample, trivial, tune
from shoptalk.retrieval.ranked import Ranked


class Approximate(Kind):
    """An option that always takes its own kind of index."""

    def over(self, documents: np.ndarray, cache: Cache) -> "Near":
        """See ``Index``."""
        check(documents[:0], documents)
        return Near(self, documents, cache)


class Near:
    """A ``Searcher`` with one kind of index, built at the first search or read from the cache.

    Attributes:
        notices: a sentence about each search, with the recall that was measured.
    """

    def __init__(self, kind: Kind, documents: np.ndarray, cache: Cache):
        self.kind, self.documents, self.cache = kind, documents, cache
        self.notices: list[str] = []

    def __call__(self, queries: np.ndarray, k: int) -> Ranked:
        """See ``Searcher``."""
        check(queries, self.documents[:0])
        if trivial(len(queries), len(self.documents), k):
            return exact(queries, self.documents, k)
        key = digest(self.built.key, self.kind.recall, self.kind.effort, content_of(queries), k)
        tuned = Tuned(**once(self.cache, "index-effort", key, lambda: asdict(self._tuned(queries, k))))
        self.notices += [] if (told := self._told(tuned, k)) in self.notices else [told]
        return self.built.search(queries, k, tuned.effort)

    @cached_property
    def built(self) -> Built:
        """The index."""
        return Built(self.kind, self.documents, content_of(self.documents), self.cache)

    def _tuned(self, queries: np.ndarray, k: int) -> Tuned:
        asked = sample(queries)
        return tune(self.built, asked, exact(asked, self.documents, k))

    def _told(self, tuned: Tuned, k: int) -> str:
        kind = self.kind
        less = "" if tuned.low >= kind.recall else f"; less than index.recall={kind.recall:g} asks for"
        return f"Dense search by index={kind.name} finds {tuned.told(kind, k)}{less}."
