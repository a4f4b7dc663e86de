"""Miners whose candidates are found by searching with the query."""

from collections.abc import Sequence

import numpy as np

from shoptalk.errors import InputError
from shoptalk.negatives.mined import Mine, Search
from shoptalk.negatives.miner import Mining
from shoptalk.retrieval.ranked import Ranked


class Searching(Mining):
    """Candidates are the best of a search with the query."""

    def searcher(self, ask: Mine) -> Search:
        """The search whose ranks count."""
        raise NotImplementedError

    def ranked(self, ask: Mine) -> tuple[Ranked, np.ndarray, Sequence[str]]:
        """One search per distinct query.

        Raises:
            InputError: the window begins behind the last document, or a score is not a number.
        """
        low, high, size = self.knobs.low, self.knobs.high, len(ask.corpus)
        if low >= size:
            raise InputError(f"negatives.low={low} leaves no rank of a corpus of {size} documents; lower it.")
        short = f"The rank window of the negatives ends at {size}, the size of the corpus, not {high}."
        search, (unique, line) = self.searcher(ask), distinct(ask)
        found = search(unique, min(high, size))
        return Ranked(found.rows[line], found.scores[line]), own_scores(ask, search), [short] * (high > size)


def distinct(ask: Mine) -> tuple[list[str], np.ndarray]:
    """The distinct queries of ``ask.pairs`` in order, and the place of each pair's query among them: int64 [n]."""
    queries = ask.pairs["query"].to_list()
    place = {query: i for i, query in enumerate(dict.fromkeys(queries))}
    return list(place), np.array([place[query] for query in queries], np.int64)


def own_scores(ask: Mine, search: Search) -> np.ndarray:
    """Float32 [n]: the score of each pair's own document, NaN where the corpus lacks it.

    Raises:
        InputError: a score is not a number.
    """
    rows = np.array([ask.corpus.index.get(doc_id, -1) for doc_id in ask.pairs["doc_id"]], np.int64)
    scores = np.full(len(rows), np.nan, np.float32)
    inside = np.flatnonzero(rows >= 0)
    scores[inside] = scores_of(ask, search, inside, rows[inside])
    if np.isnan(scores[inside]).any():
        raise InputError("The miner gave a pair's document a score that is not a number; check the base model.")
    return scores


def scores_of(ask: Mine, search: Search, pairs: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Float32 [e]: the score of corpus row rows[i] for the query of pair pairs[i].

    Asked for all distinct queries at once, as the search was, so that their vectors come from the cache.
    """
    unique, line = distinct(ask)
    line = line[pairs]
    order = np.argsort(line, kind="stable")
    counts = np.bincount(line, minlength=len(unique))
    column = np.empty(len(line), np.int64)
    column[order] = np.arange(len(line)) - (np.cumsum(counts) - counts)[line[order]]
    wide = np.full((len(unique), counts.max(initial=0)), -1, np.int64)
    wide[line, column] = rows
    return search.score(unique, wide)[line, column] if len(line) else np.empty(0, np.float32)
