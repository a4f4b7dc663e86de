"""From ranked candidates to negatives: which may stay, which are picked, what fills a shortage.

The filters apply in this order, and a candidate counts under the first that drops it:

1. known positives of the query, in any spelling of it, and the pair's own document;
2. rank window: ranks count from 0 over everything the miner ranked, known positives included;
3. margins below the positive's score, absolute and relative (NV-Retriever, Moreira et al. 2024,
   section 4), the relative one measured on the score's magnitude, so that it holds for negative scores;
4. the highest score allowed.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Known
from shoptalk.errors import InputError
from shoptalk.negatives.draws import orders, rotate, walk
from shoptalk.retrieval.ranked import Ranked

__all__ = ["Barred", "Knobs", "Pick", "Top", "Uniform", "allowed", "fill", "pick", "rotate", "turns"]


class Barred:
    """Which (pair, corpus row) must never be a negative: known positives and the pair's own document."""

    def __init__(self, pairs: pl.DataFrame, corpus: Corpus, known: Known):
        self.size = len(corpus)
        keys = set()
        for i, (query, doc_id) in enumerate(zip(pairs["query"], pairs["doc_id"], strict=True)):
            rows = (corpus.index.get(d) for d in {doc_id, *known.documents(query)})
            keys.update(i * self.size + row for row in rows if row is not None)
        self._keys = np.array(sorted(keys), np.int64)
        self.most = int(np.bincount(self._keys // self.size).max()) if len(self._keys) else 0

    def mask(self, rows: np.ndarray, pairs: np.ndarray | None = None) -> np.ndarray:
        """Bool like ``rows`` [n, k], whose lines stand for ``pairs`` (all, in order, when not given)."""
        lines = np.arange(len(rows)) if pairs is None else pairs
        return np.isin(lines[:, None] * self.size + rows, self._keys) & (rows >= 0)


class Pick(Protocol):
    """How negatives are picked among the candidates that may stay."""

    def rank(self, keys: np.ndarray, count: int) -> np.ndarray:
        """Int64 [n, count]: the order in which candidate columns are taken."""
        ...


class Top:
    """The hardest first."""

    def rank(self, keys: np.ndarray, count: int) -> np.ndarray:
        """Columns as they stand."""
        return np.broadcast_to(np.arange(count), (len(keys), count))


class Uniform:
    """Any, with equal chance, by (seed, pair)."""

    def rank(self, keys: np.ndarray, count: int) -> np.ndarray:
        """A random order per pair."""
        return orders(keys, count)


@dataclass(frozen=True)
class Knobs:
    """What all miners share.

    Attributes:
        low, high: ranks [low, high) may be negatives; rank 0 is the best.
        keep: negatives stored per pair.
        absolute_margin: a negative scores at most the positive's score minus this; >= 0.
        relative_margin: a negative scores at most the positive's score minus this share of its magnitude; in [0, 1].
        max_score: a negative scores at most this.
        pick: ``Top`` or ``Uniform``.
    """

    low: int = 0
    high: int = 50
    keep: int = 4
    absolute_margin: float | None = None
    relative_margin: float | None = None
    max_score: float | None = None
    pick: Pick = field(default_factory=Top)

    def __post_init__(self):
        if not 0 <= self.low < self.high:
            raise InputError(f"negatives.low={self.low} must be at least 0 and below negatives.high={self.high}.")
        if self.keep < 1:
            raise InputError(f"negatives.keep={self.keep} must be at least 1.")
        if self.absolute_margin is not None and self.absolute_margin < 0:
            raise InputError(f"negatives.absolute_margin={self.absolute_margin} must be at least 0.")
        if self.relative_margin is not None and not 0 <= self.relative_margin <= 1:
            raise InputError(f"negatives.relative_margin={self.relative_margin} must lie between 0 and 1.")

    @property
    def margins(self) -> bool:
        """Whether the positive's score is needed."""
        return self.absolute_margin is not None or self.relative_margin is not None


def allowed(
    ranked: Ranked, barred: np.ndarray, knobs: Knobs, positive: np.ndarray | None = None
) -> tuple[np.ndarray, dict[str, int]]:
    """Which candidates pass every filter, and how many each filter dropped.

    Args:
        ranked: [n, k] candidates.
        barred: bool [n, k].
        positive: float32 [n], the miner's score of each pair's positive; needed for margins.

    Returns:
        (bool [n, k], filter -> count).
    """
    if np.isnan(ranked.scores).any():
        raise InputError("The miner gave scores that are not a number; check the base model's embeddings.")
    ranks = np.arange(ranked.rows.shape[1])[None, :]
    filters = {"known positive": barred, "rank window": (ranks < knobs.low) | (ranks >= knobs.high)}
    if knobs.margins:
        filters["margin"] = ranked.scores > _limit(positive, knobs)[:, None]
    if knobs.max_score is not None:
        filters["max score"] = ranked.scores > knobs.max_score
    free, dropped = ranked.rows >= 0, {}
    for name, hit in filters.items():
        dropped[name] = int((free & hit).sum())
        free = free & ~hit
    return free, dropped


def turns(free: np.ndarray, how: Pick, keys: np.ndarray) -> np.ndarray:
    """Int64 [n, k]: candidate columns in the order they are to be taken, those not ``free`` behind."""
    order = how.rank(keys, free.shape[1])
    behind = ~np.take_along_axis(free, order, axis=1)
    return np.take_along_axis(order, np.argsort(behind, axis=1, kind="stable"), axis=1)


def pick(
    ranked: Ranked, free: np.ndarray, keep: int, how: Pick, keys: np.ndarray, extra: np.ndarray | None = None
) -> tuple[Ranked, np.ndarray]:
    """At most ``keep`` of the ``free`` candidates per pair, hardest first, then row -1 with score -inf.

    Returns:
        (the picked, their values of ``extra`` [n, k]: NaN where a place is empty or nothing was given).
    """
    n, count = free.shape
    width = min(keep, count)
    chosen = turns(free, how, keys)[:, :width]
    taken = np.take_along_axis(free, chosen, axis=1)
    # Columns stand in the miner's order, hardest first; empty places go behind.
    chosen = np.sort(np.where(taken, chosen, count), axis=1)
    taken, chosen = chosen < count, np.minimum(chosen, count - 1)

    def column(values: np.ndarray, empty: float, dtype: type) -> np.ndarray:
        out = np.full((n, keep), empty, dtype)
        out[:, :width] = np.where(taken, np.take_along_axis(values, chosen, axis=1), empty)
        return out

    more = np.full(free.shape, np.nan, np.float32) if extra is None else extra
    picked = Ranked(column(ranked.rows, -1, np.int64), column(ranked.scores, -np.inf, np.float32))
    return picked, column(more, np.nan, np.float32)


def fill(rows: np.ndarray, barred: Barred, keys: np.ndarray) -> tuple[np.ndarray, int]:
    """Random documents of the corpus in the empty places (-1) of ``rows`` [n, keep].

    Never a known positive and never a document that already stands in the line; a place stays empty
    only when the corpus has no further document.

    Returns:
        (rows, number of places filled).
    """
    rows = rows.copy()
    short = np.flatnonzero((rows < 0).any(axis=1))
    before, step, stride = int((rows < 0).sum()), 0, 2 * rows.shape[1] + 8
    # A tour modulo a prime above the corpus size covers it within twice its length (Bertrand).
    while len(short) and step <= 2 * barred.size + stride:
        drawn = walk(keys[short], barred.size, step, stride)
        usable = (drawn >= 0) & ~barred.mask(drawn, short)
        for column in range(stride):
            candidate = drawn[:, column]
            line = rows[short]
            good = usable[:, column] & (line < 0).any(axis=1) & ~(line == candidate[:, None]).any(axis=1)
            place = np.argmax(line < 0, axis=1)
            rows[short[good], place[good]] = candidate[good]
        short = short[(rows[short] < 0).any(axis=1)]
        step += stride
    return rows, before - int((rows < 0).sum())


def _limit(positive: np.ndarray, knobs: Knobs) -> np.ndarray:
    """The highest score a negative may have beside a positive of score ``positive`` [n]."""
    by_share = positive - np.abs(positive) * (knobs.relative_margin or 0.0)
    return np.minimum(by_share, positive - (knobs.absolute_margin or 0.0)).astype(np.float32)
