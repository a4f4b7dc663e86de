"""Where negatives come from: the batch alone, chance, BM25, or the base model's own neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from shoptalk.errors import InputError
from shoptalk.negatives.draws import pair_keys
from shoptalk.negatives.mined import Mine, Mined, Search
from shoptalk.negatives.selection import Barred, Knobs, Pick, Top, allowed, fill, pick
from shoptalk.retrieval.ranked import Ranked


class InBatch:
    """No mined negatives: the batch's other documents are all there is."""

    per_pair = 0
    window = None

    def mine(self, ask: Mine) -> Mined:
        """An empty list for every pair."""
        return Mined(as_table(ask, np.empty((ask.pairs.height, 0), np.int64)))


class Random:
    """Documents drawn from the whole corpus, known positives left out.

    Args:
        keep: negatives stored per pair.
        per_pair: negatives that go into a batch with each pair; at most ``keep``.
    """

    window = None

    def __init__(self, keep: int = 4, per_pair: int = 1):
        self.keep, self.per_pair = check_counts(keep, per_pair)

    def mine(self, ask: Mine) -> Mined:
        """``keep`` random documents per pair, as a function of (seed, pair)."""
        keys = pair_keys(ask.pairs["query"], ask.pairs["doc_id"], ask.seed)
        barred = Barred(ask.pairs, ask.corpus, ask.known)
        rows, _ = fill(np.full((len(keys), self.keep), -1, np.int64), barred, keys)
        missing = int((rows < 0).sum())
        return Mined(as_table(ask, rows), {}, too_few(missing))


class Mining:
    """What ``Bm25``, ``Ann`` and ``Denoised`` share: search, filter, pick, fill.

    Args:
        low, high: ranks [low, high) of the search may be negatives, from 0.
        keep: negatives stored per pair.
        per_pair: negatives that go into a batch with each pair; at most ``keep``.
        absolute_margin, relative_margin, max_score: see ``Knobs``.
        pick: how the kept are picked among the candidates left, ``Top`` unless given.
    """

    window: tuple[int, int] | None = None

    def __init__(
        self,
        low: int = 0,
        high: int = 30,
        keep: int = 4,
        per_pair: int = 1,
        absolute_margin: float | None = None,
        relative_margin: float | None = None,
        max_score: float | None = None,
        pick: Pick | None = None,
    ):
        _, self.per_pair = check_counts(keep, per_pair)
        self.knobs = Knobs(low, high, keep, absolute_margin, relative_margin, max_score, pick or Top())

    def searcher(self, ask: Mine) -> Search:
        """The search whose ranks count."""
        raise NotImplementedError

    def mine(self, ask: Mine) -> Mined:
        """The hardest candidates that pass every filter; random documents where too few are left."""
        found = self.candidates(ask)
        chosen, _ = pick(found.ranked, found.free, self.knobs.keep, self.knobs.pick, found.keys)
        return finished(ask, found, chosen)

    def candidates(self, ask: Mine) -> "Candidates":
        """Searched and filtered, nothing picked yet."""
        notices = self._fit(ask)
        keys = pair_keys(ask.pairs["query"], ask.pairs["doc_id"], ask.seed)
        barred = Barred(ask.pairs, ask.corpus, ask.known)
        search = self.searcher(ask)
        queries = ask.pairs["query"].to_list()
        unique = list(dict.fromkeys(queries))
        line = {query: i for i, query in enumerate(unique)}
        take = np.array([line[query] for query in queries], np.int64)
        found = search(unique, min(self.knobs.high, len(ask.corpus)))
        ranked = Ranked(found.rows[take], found.scores[take])
        positive = _positive_scores(ask, search) if self.knobs.margins else None
        free, dropped = allowed(ranked, barred.mask(ranked.rows), self.knobs, positive)
        return Candidates(ranked, free, keys, barred, dropped, notices)

    def _fit(self, ask: Mine) -> list[str]:
        size = len(ask.corpus)
        low = self.knobs.low
        if low >= size:
            raise InputError(f"negatives.low={low} leaves no rank of a corpus of {size} documents; lower it.")
        if self.knobs.high > size:
            return [f"The rank window of the negatives ends at {size}, the size of the corpus, not {self.knobs.high}."]
        return []


class Bm25(Mining):
    """The best of BM25 that are not known positives."""

    def searcher(self, ask: Mine) -> Search:
        """BM25 over the corpus."""
        return ask.bm25


class Ann(Mining):
    """The base model's nearest documents that are not known positives."""

    def searcher(self, ask: Mine) -> Search:
        """The base model's embeddings."""
        return ask.dense


@dataclass(frozen=True)
class Candidates:
    """Searched and filtered candidates: ``ranked`` and ``free`` [n, k], ``keys`` [n]."""

    ranked: Ranked
    free: np.ndarray
    keys: np.ndarray
    barred: Barred
    dropped: dict[str, int]
    notices: Sequence[str]


def finished(ask: Mine, found: Candidates, chosen: Ranked, probabilities: np.ndarray | None = None) -> Mined:
    """The table of the ``chosen`` [n, keep], shortages filled at random and counted."""
    rows, filled = fill(chosen.rows, found.barred, found.keys)
    missing = int((rows < 0).sum())
    table = as_table(ask, rows, np.where(chosen.rows >= 0, chosen.scores, np.nan), probabilities)
    return Mined(table, found.dropped, [*found.notices, *too_few(missing)], filled)


def as_table(
    ask: Mine, rows: np.ndarray, scores: np.ndarray | None = None, probabilities: np.ndarray | None = None
) -> pl.DataFrame:
    """One line per pair; a number nobody gave (NaN: a random document has no score) is null."""
    ids = np.asarray(ask.corpus.ids, dtype=object)
    here = rows >= 0

    def lists(values: np.ndarray, dtype: pl.DataType) -> pl.Series:
        lines = [[v if v == v else None for v in line[keep].tolist()] for line, keep in zip(values, here, strict=True)]
        return pl.Series(lines, dtype=pl.List(dtype))

    nobody = np.full(rows.shape, np.nan, np.float32)
    unjudged = pl.Series([None] * len(rows), dtype=pl.List(pl.Float32))
    chosen = [ids[line[keep]].tolist() for line, keep in zip(rows, here, strict=True)]
    return ask.pairs.select("query", "doc_id").with_columns(
        negatives=pl.Series(chosen, dtype=pl.List(pl.String)),
        scores=lists(nobody if scores is None else scores, pl.Float32),
        probabilities=unjudged if probabilities is None else lists(probabilities, pl.Float32),
    )


def check_counts(keep: int, per_pair: int) -> tuple[int, int]:
    """Both, or an InputError when a batch asks for more than is stored."""
    if not 1 <= per_pair <= keep:
        raise InputError(f"negatives.per_pair={per_pair} must lie between 1 and negatives.keep={keep}.")
    return keep, per_pair


def too_few(missing: int) -> list[str]:
    """A notice where the corpus itself has too few documents."""
    return [f"The corpus has too few documents: {missing} negatives are missing."] if missing else []


def _positive_scores(ask: Mine, search: Search) -> np.ndarray:
    rows = np.array([ask.corpus.index.get(d, -1) for d in ask.pairs["doc_id"]], np.int64)
    return search.score(ask.pairs["query"].to_list(), rows[:, None])[:, 0]
