"""Which written queries are kept: each filter is a class, counts what it drops, and can be switched off."""

from collections import defaultdict
from typing import Protocol

import numpy as np
import polars as pl

from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.sources.pairs import Ground
from shoptalk.sources.synthetic.phrases import FUNCTION, words


class Filter(Protocol):
    """Drops rows of a table with ``row`` (of the corpus), ``query`` and ``rule``."""

    reason: str

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """bool [rows of ``written``], true where the query is not worth training on."""
        ...


class Length:
    """Queries too short to mean one document, or longer than people type.

    Args:
        min_characters: least number of characters.
        max_words: greatest number of words.
    """

    reason = "length"

    def __init__(self, min_characters: int = 2, max_words: int = 16):
        self.min_characters = _count("length.min_characters", min_characters)
        self.max_words = _count("length.max_words", max_words)

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """Outside the length."""
        return np.array(
            [len(q) < self.min_characters or len(q.split()) > self.max_words for q in written["query"]], dtype=bool
        )


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
        self.documents = _count("repeated.documents", documents)

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
        self.documents = _count("generic.documents", documents)

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """Held whole by too many documents."""
        queries = [_subjects(q) for q in written["query"]]
        needed = set().union(*queries) if queries else set()
        holders: dict[str, set[int]] = {word: set() for word in needed}
        for row, passage in enumerate(ground.domain.corpus.passages):
            for word in _subjects(passage) & needed:
                holders[word].add(row)
        return np.array([self._fits_many([holders[w] for w in query]) for query in queries], dtype=bool)

    def _fits_many(self, holders: list[set[int]]) -> bool:
        if not holders:
            return True
        return len(set.intersection(*sorted(holders, key=len))) >= self.documents


class NearDuplicate:
    """Queries that nearly repeat an earlier one of the same document.

    Args:
        similarity: Jaccard overlap of character 3-grams from which on two count as the same, in (0, 1].
    """

    reason = "near-duplicate"

    def __init__(self, similarity: float = 0.8):
        if not 0 < similarity <= 1:
            raise InputError(f"filters.near_duplicate.similarity={similarity} must be above 0 and at most 1.")
        self.similarity = similarity

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """Near an earlier query of the document."""
        kept: dict[int, list[set[str]]] = defaultdict(list)
        dropped = np.zeros(written.height, dtype=bool)
        for i, (row, query) in enumerate(written.select("row", "query").iter_rows()):
            grams = _grams(normalise(query))
            dropped[i] = any(len(grams & g) >= self.similarity * len(grams | g) for g in kept[row])
            if not dropped[i]:
                kept[row].append(grams)
        return dropped


class RoundTrip:
    """Queries that do not lead the base model back to their document.

    As Promptagator filters with K = 1 (Dai et al. 2023, section 3.2); there it helped 8 of 11 corpora and hurt
    two small scientific ones. It embeds the whole corpus, and it drops what the base model finds hard.

    Args:
        depth: keep a query whose document is among this many nearest.
    """

    reason = "does not find its document"

    def __init__(self, depth: int = 100):
        self.depth = _count("round_trip.depth", depth)

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """Document not among the nearest."""
        documents = ground.embed(ground.domain.corpus.passages, "document")
        queries = ground.embed(written["query"].to_list(), "query")
        own = written["row"].to_numpy()
        dropped = np.zeros(written.height, dtype=bool)
        for start in range(0, written.height, 256):
            here = slice(start, start + 256)
            scores = queries[here] @ documents.T
            score = scores[np.arange(len(scores)), own[here]]
            dropped[here] = (scores > score[:, None]).sum(axis=1) >= self.depth
        return dropped


def _subjects(text: str) -> set[str]:
    return {w.lower() for w in words(text)} - FUNCTION


def _grams(text: str) -> set[str]:
    padded = f"  {text} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}


def _count(key: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"filters.{key}={value} is not possible; give a whole number of 1 or more.")
    return value
