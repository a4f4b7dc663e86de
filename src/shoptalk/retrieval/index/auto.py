"""Which index pays, by measuring."""

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from shoptalk.cache import Cache, digest
from shoptalk.retrieval import products
from shoptalk.retrieval.dense import check, exact
from shoptalk.retrieval.index.base import Kind
from shoptalk.retrieval.index.built import Built, content_of
from shoptalk.retrieval.index.tuning import once, sample, trivial, tune
from shoptalk.retrieval.ranked import Ranked
from shoptalk.system import free_memory

T = TypeVar("T")
Timed = Callable[[str, Callable[[], T]], tuple[T, float]]
"""``timed(name, work)`` -> what ``work()`` gives, and its seconds. Names: ``exact``, ``build``, ``search``."""

_BATCH = 1024  # queries that an approximate search is timed on


def clock(name: str, work: Callable[[], T]) -> tuple[T, float]:
    """By the clock."""
    began = time.perf_counter()
    return work(), time.perf_counter() - began


class Auto:
    """Exact search, unless an approximate index finds enough and takes less time, building included.

    A search of at most ``measured_from`` multiplications, of fewer than building an index takes, or on a GPU (see
    ``retrieval.products``), is exact without measuring. For a larger one exact search is timed on a sample of the
    queries. Then the first candidate that fits into free memory is built, as long as building promises to take less
    than exact search; its effort is tuned on the sample and its search timed. The choice depends on measured seconds,
    so it is kept in the cache by all else that it depends on: vectors, queries, k, options and threads.

    Args:
        candidates: kinds of index, the best first; each is made with ``recall``.
        recall: the share of the exact top k that an index must find.
        measured_from: multiplications of an exact search, n · m · d.
    """

    def __init__(
        self,
        candidates: Sequence[Callable[..., Kind]],
        recall: float = 0.95,
        measured_from: float = 1e12,
        timed: Timed = clock,
        free: Callable[[], int] = free_memory,
    ):
        self.candidates = [make(recall=recall) for make in candidates]
        self.measured_from, self.timed, self.free = measured_from, timed, free

    def over(self, documents: np.ndarray, cache: Cache) -> "Choosing":
        """Chooses at each search."""
        check(documents[:0], documents)
        return Choosing(self, documents, cache)

    def certainly_exact(self, n: int, m: int, d: int) -> bool:
        """Whether exact search takes less than building and choosing would."""
        return n * m * d <= self.measured_from or n <= min(
            (kind.products(m) / m for kind in self.candidates), default=n
        )


class Choosing:
    """A ``Searcher`` that takes what pays.

    Attributes:
        notices: a sentence about each choice that was made by measuring, or by a GPU's being there.
    """

    def __init__(self, options: Auto, documents: np.ndarray, cache: Cache):
        self.options, self.documents, self.cache = options, documents, cache
        self.notices: list[str] = []

    def __call__(self, queries: np.ndarray, k: int) -> Ranked:
        """See ``Searcher``."""
        check(queries, self.documents[:0])
        n, (m, d) = len(queries), self.documents.shape
        if trivial(n, m, k) or self.options.certainly_exact(n, m, d):
            return exact(queries, self.documents, k)
        choice = _ON_GPU if products.on_gpu(n) else self._chosen(queries, k)
        self.notices += [] if choice["notice"] in self.notices else [choice["notice"]]
        if choice["kind"] is None:
            return exact(queries, self.documents, k)
        return self.built[choice["kind"]].search(queries, k, choice["effort"])

    def _chosen(self, queries: np.ndarray, k: int) -> dict[str, Any]:
        return once(self.cache, "index-choice", self._key(queries, k), lambda: self._choose(queries, k))

    @cached_property
    def built(self) -> dict[str, Built]:
        """The candidates by name."""
        content = content_of(self.documents)
        return {kind.name: Built(kind, self.documents, content, self.cache) for kind in self.options.candidates}

    def _key(self, queries: np.ndarray, k: int) -> str:
        ways = [[built.key, built.kind.recall, built.kind.effort] for built in self.built.values()]
        return digest("index-choice", 2, ways, self.options.measured_from, content_of(queries), k)

    def _choose(self, queries: np.ndarray, k: int) -> dict[str, Any]:
        free, (m, d) = self.options.free(), self.documents.shape
        built = next((b for b in self.built.values() if b.kind.memory(m, d) <= free), None)
        if built is None:
            return _choice(f"index=auto searched exactly: no index of {m:,} documents fits into free memory.")
        kind, timed, asked = built.kind, self.options.timed, sample(queries)
        truth, took = timed("exact", lambda: exact(asked, self.documents, k))
        whole = took * len(queries) / len(asked)
        stays = f"index=auto searched exactly, in about {whole:,.0f} s by {len(asked)} sampled queries:"
        building = self._build(built, whole)
        if building >= whole:
            return _choice(f"{stays} to build {kind.name} takes {building:,.0f} s or more.")
        tuned = tune(built, asked, truth)
        if tuned.low < kind.recall:
            return _choice(f"{stays} {kind.name} finds {tuned.told(kind, k)}, less than index.recall={kind.recall:g}.")
        batch = sample(queries, _BATCH)
        _, took = timed("search", lambda: built.search(batch, k, tuned.effort))
        searching = took * len(queries) / len(batch)
        seconds = f"{building:,.0f} s to build and about {searching:,.0f} s to search"
        if building + searching >= whole:
            return _choice(f"{stays} {kind.name} takes {seconds}.")
        built.keep()
        told = f"index=auto took {kind.name}: {seconds}, against about {whole:,.0f} s of exact search; it finds"
        return _choice(f"{told} {tuned.told(kind, k)}.", kind.name, tuned.effort)

    def _build(self, built: Built, limit: float) -> float:
        """Seconds of building, none where it is there; broken off as soon as they promise to pass ``limit``."""
        if built.there():
            return 0.0
        steps = built.build()
        share, learning = self.options.timed("build", lambda: next(steps))
        adding = promised = 0.0
        while share is not None and learning + promised < limit:
            share, took = self.options.timed("build", lambda: next(steps, None))
            adding += took
            promised = adding / (share or 1.0)
        return learning + promised


def _choice(notice: str, kind: str | None = None, effort: int | None = None) -> dict[str, Any]:
    return {"kind": kind, "effort": effort, "notice": notice}


_ON_GPU = _choice("index=auto searched exactly, on the GPU that the model uses.")
