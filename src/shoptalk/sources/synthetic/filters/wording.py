"""Queries judged by their own words, by titles and by how often they were written."""

from collections import defaultdict

import numpy as np
import polars as pl

from shoptalk.domain.text import normalise
from shoptalk.sources.pairs import Ground
from shoptalk.sources.synthetic.filters.base import count
from shoptalk.sources.synthetic.phrases import subjects


class Length:
    """Queries too short to mean one document, or longer than people type.

    Args:
        min_characters: least number of characters.
        max_words: greatest number of words.
    """

    reason = "length"

    def __init__(self, min_characters: int = 2, max_words: int = 16):
        self.min_characters = count("length.min_characters", min_characters)
        self.max_words = count("length.max_words", max_words)

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """Outside the length."""
        found = [q.split() for q in written["query"]]
        return np.array([len(" ".join(q)) < self.min_characters or len(q) > self.max_words for q in found], dtype=bool)


class CopiesTitle:
    """Queries that are a title, of their own document (trivial) or of another (then they mean that one)."""

    reason = "copies a title"

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """Equal to a title, normalised."""
        titles = {normalise(t) for t in ground.domain.corpus.titles if t}
        return np.array([normalise(q) in titles for q in written["query"]], dtype=bool)


class Repeated:
    """Queries written for several documents, which therefore mean none of them.

    Args:
        documents: the number of documents from which on a query counts as generic.
    """

    reason = "written for several documents"

    def __init__(self, documents: int = 3):
        self.documents = count("repeated.documents", documents)

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """Written for too many documents."""
        keys = [normalise(q) for q in written["query"]]
        owners: dict[str, set[int]] = defaultdict(set)
        for key, row in zip(keys, written["row"], strict=True):
            owners[key].add(row)
        return np.array([len(owners[key]) >= self.documents for key in keys], dtype=bool)


class Generic:
    """Queries whose content words all stand in many documents, so that many could have led to them.

    Args:
        documents: the number of such documents from which on a query counts as generic.
    """

    reason = "fits many documents"

    def __init__(self, documents: int = 15):
        self.documents = count("generic.documents", documents)

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """Held whole by too many documents."""
        queries = [set(subjects(q)) for q in written["query"]]
        needed = set().union(*queries)
        holders: dict[str, set[int]] = {word: set() for word in needed}
        for row, passage in enumerate(ground.domain.corpus.passages):
            for word in needed.intersection(subjects(passage)):
                holders[word].add(row)
        return np.array([self._fits_many([holders[w] for w in query]) for query in queries], dtype=bool)

    def _fits_many(self, holders: list[set[int]]) -> bool:
        if not holders:
            return True
        return len(set.intersection(*sorted(holders, key=len))) >= self.documents
