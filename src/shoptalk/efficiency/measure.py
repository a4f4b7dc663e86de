"""What an arm costs: seconds, memory and bytes, measured here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from shoptalk.arms.base import Bench, Opened
from shoptalk.efficiency.cost import Cost
from shoptalk.efficiency.grid import served
from shoptalk.efficiency.latency import milliseconds, per_second, spaced
from shoptalk.efficiency.options import Efficiency
from shoptalk.efficiency.resident import Unmeasured, resident
from shoptalk.efficiency.served import Served
from shoptalk.retrieval.bm25 import BM25

_OF_CHILD = 10  # queries that the process answers whose memory is measured
_MB = 1e6


class Measure:
    """``measure(opened)`` -> ``Cost``, one arm after the other.

    Time is taken in this process with ``bench.threads`` threads, memory in one of its own. How fast a model embeds
    documents is measured once for all forms that share it.

    Args:
        queries: real ones; ``options.queries`` of them are timed, evenly spaced.
    """

    def __init__(self, queries: Sequence[str], bench: Bench, options: Efficiency):
        self.queries = spaced(queries, options.queries or 0)
        self.documents = spaced(bench.corpus.passages, options.documents)
        self.bench, self.options = bench, options
        self._speeds: dict[int, tuple[Any, float]] = {}

    def __call__(self, opened: Opened) -> Cost:
        """Figures of an arm over ``bench.corpus``; nothing at all where no queries are to be timed."""
        if not self.queries:
            return Cost()
        parts, notices = parts_of(opened), []
        only = parts[0] if len(parts) == 1 else None
        size = sum(map(_index_bytes, parts)) if parts else None
        dense = only if isinstance(only, Served) else None
        return Cost(
            **self._times(opened, only or opened.live, parts, notices),
            **self._memory(parts, notices),
            index_bytes=size,
            index_mb_per_1m=None if size is None else size / len(self.bench.corpus),
            dimension=dense and dense.codes.shape[1],
            index_precision=dense and dense.codes.name,
            model_precision=dense and dense.model_precision,
            notices=notices,
        )

    def _times(self, opened: Opened, live: Any, parts: Sequence[Any], notices: list[str]) -> dict[str, float | None]:
        if opened.live is None:
            notices.append("Neither its queries nor its documents are timed: what it is asked costs money.")
            return {}
        took = milliseconds(live, self.queries, self.options.k, self.options.rounds)
        p50, p95 = np.percentile(took, [50, 95])
        speeds = [speed for part in parts if (speed := self._speed(part))]
        whole = 1 / sum(1 / speed for speed in speeds) if speeds else None
        return {"p50_ms": float(p50), "p95_ms": float(p95), "documents_per_s": whole}

    def _speed(self, part: Any) -> float | None:
        """Documents per second; ``None`` for what reads none before it is asked."""
        if isinstance(part, BM25):
            return per_second(lambda texts: BM25(texts, stemmer=part.stemmer), self.documents)
        if not isinstance(part, Served):
            return None
        embedder = part.embedder
        if id(embedder) not in self._speeds:
            speed = per_second(lambda texts: embedder.embed(texts, "document"), self.documents)
            self._speeds[id(embedder)] = (embedder, speed)  # kept beside it, so that no other takes its id
        return self._speeds[id(embedder)][1]

    def _memory(self, parts: Sequence[Any], notices: list[str]) -> dict[str, float]:
        try:
            if not parts:
                raise Unmeasured("it does not say what it is made of")
            with self.bench.bar("measuring memory"):
                found = resident(parts, self.queries[:_OF_CHILD], self.options.k, self.bench.threads)
        except Unmeasured as why:
            notices.append(f"Its memory is not measured: {why}.")
            return {}
        figures = {"memory_mb": found.steady, "peak_mb": found.peak, "libraries_mb": found.libraries}
        return {name: figure / _MB for name, figure in figures.items()}


def parts_of(opened: Opened) -> list[Any]:
    """What an arm keeps in memory, each a ``Served``, a ``BM25`` or another model; nothing where that is unknown."""
    if opened.parts:
        nested = [parts_of(part) if isinstance(part, Opened) else [part] for part in opened.parts]
        return [part for parts in nested for part in parts]
    for search in (opened.live, opened.search):
        if isinstance(search, Served | BM25):
            return [search]
    return [] if opened.encoder is None or opened.vectors is None else [served(opened)]


def _index_bytes(part: Any) -> int:
    if isinstance(part, Served):
        return part.codes.bytes
    return sum(array.nbytes for array in part.arrays) if isinstance(part, BM25) else 0
