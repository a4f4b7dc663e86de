"""A retriever whose first results a cross-encoder puts in order."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from shoptalk.arms.base import Arm, Bench, Opened, Search
from shoptalk.cache import digest, digest_texts
from shoptalk.errors import InputError, whole_number
from shoptalk.models.precision import preferred_precision
from shoptalk.retrieval.combining import reorder
from shoptalk.retrieval.ranked import Ranked

Score = Callable[[Sequence[str], np.ndarray], np.ndarray]
"""Queries and corpus rows [n, w], -1 for none, to scores float32 [n, w]."""


class Reranked:
    """The first ``depth`` results of an arm in the order of a cross-encoder's scores, the others behind them.

    Args:
        of: the arm.
        by: a sequence-classification model with one or two outputs: folder or hub id.
        depth: results per query that are read.
        revision, trust_remote_code, max_length: as of ``CrossEncoder.load``.
    """

    def __init__(
        self,
        of: Arm,
        by: str,
        depth: int = 50,
        name: str | None = None,
        revision: str | None = None,
        trust_remote_code: bool = False,
        max_length: int | None = None,
    ):
        self.of, self.by, self.depth = of, by, whole_number("models: depth", depth)
        self.options = {"revision": revision, "trust_remote_code": trust_remote_code, "max_length": max_length}
        self.name = name or f"{of.name}|{Path(by).name}"

    def open(self, bench: Bench) -> Opened:
        """See ``Arm``; scores of its frozen weights are cached."""
        model = self._load().to(bench.device)
        first = self.of.open(bench)
        live = _scoring(model, bench)
        size = sum(weight.numel() for weight in model.parameters())
        return replace(
            first,
            search=self._search(first.search, _cached(live, model, bench)),
            live=first.live and self._search(first.live, live),
            encoder=None,
            vectors=None,
            parts=[first, model],
            facts={"parameters": first.facts.get("parameters", 0) + size},
        )

    def _load(self) -> Any:
        from shoptalk.models.cross_encoder import CrossEncoder

        try:
            return CrossEncoder.load(self.by, option="by", **self.options)
        except InputError as error:
            raise InputError(f"models={self.name}: {error}") from error

    def _search(self, search: Search, score: Score) -> Search:
        def reranked(queries: Sequence[str], k: int) -> Ranked:
            found = search(queries, max(k, self.depth))
            whole = reorder(found, score(queries, found.rows[:, : self.depth]))
            return Ranked(whole.rows[:, :k], whole.scores[:, :k])

        return reranked


def _scoring(model: Any, bench: Bench) -> Score:
    def score(queries: Sequence[str], rows: np.ndarray) -> np.ndarray:
        line, column = np.nonzero(rows >= 0)
        texts = [queries[i] for i in line], [bench.corpus.passages[row] for row in rows[line, column]]
        scores = np.full(rows.shape, -np.inf, np.float32)
        if len(line) < 1000:
            scores[line, column] = model.score(*texts)
        else:
            with bench.bar(f"re-ranking {len(line):,} results") as tell:
                scores[line, column] = model.score(*texts, progress=tell)
        if not np.isfinite(scores[line, column]).all():
            raise InputError("models: the cross-encoder gives scores that are not finite; choose another one.")
        return scores

    return score


def _cached(score: Score, model: Any, bench: Bench) -> Score:
    identity = digest("reranking", 1, model.digest, bench.threads, preferred_precision(bench.device))

    def cached(queries: Sequence[str], rows: np.ndarray) -> np.ndarray:
        asked = hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()
        key = digest(identity, bench.corpus.digest, digest_texts(queries), rows.shape, asked)
        return np.asarray(bench.cache.array("reranking", key, lambda: score(queries, rows)))

    return cached
