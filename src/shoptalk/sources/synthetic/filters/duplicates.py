"""Queries that nearly repeat each other, for one document or for several."""

import re
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import polars as pl

from shoptalk.domain.text import normalise
from shoptalk.sources.pairs import Ground
from shoptalk.sources.synthetic.filters.base import grams, share
from shoptalk.sources.synthetic.phrases import subjects, words

_HASHES = 128
_MISSED = 1e-6
_NUMBER = re.compile(r"\d|^(?:[a-z]|[ivx]+)$")


class NearDuplicate:
    """Queries that nearly repeat an earlier one of the same document.

    A document has few queries, so each is compared with each, exactly; ``AcrossDocuments`` finds those to compare by
    MinHash first.

    Args:
        similarity: Jaccard overlap of character 3-grams from which on two count as the same, in (0, 1].
    """

    reason = "near-duplicate"

    def __init__(self, similarity: float = 0.8):
        self.similarity = share("near_duplicate.similarity", similarity)

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """Near an earlier query of the document."""
        kept: dict[int, list[set[str]]] = defaultdict(list)
        dropped = np.zeros(written.height, dtype=bool)
        for i, (row, query) in enumerate(written.select("row", "query").iter_rows()):
            own = grams(normalise(query))
            dropped[i] = any(_near(own, g, self.similarity) for g in kept[row])
            if not dropped[i]:
                kept[row].append(own)
        return dropped


class AcrossDocuments:
    """Queries that nearly repeat one written for another document, and say nothing beyond it that tells the two apart.

    Of such a pair the query goes that has no word which its own document holds while the other query and the other
    document lack it: that document might have led to it as well. A number, a Roman one or a lone letter that the
    other query lacks tells them apart wherever it stands. So "missing 4th finger" and "missing 5th finger" both stay;
    of "missing finger" and "missing 5th finger" the first goes; and where neither says more, both go, since the later
    is as ambiguous as the earlier. Documents with the same passage count as one.

    Pairs are found by MinHash and locality-sensitive hashing (Broder 1997; Leskovec et al., Mining of Massive
    Datasets, chapter 3) and then compared exactly, so that none is dropped wrongly; a pair at ``similarity`` is
    missed with a chance below one in a million. Hashes and permutations are fixed.

    Args:
        similarity: Jaccard overlap of character 3-grams from which on two nearly repeat each other, in (0, 1].
    """

    reason = "near-duplicate across documents"

    def __init__(self, similarity: float = 0.9):
        self.similarity = share("across_documents.similarity", similarity)

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """Near another document's query, without a word that tells them apart."""
        passages, queries, rows = ground.domain.corpus.passages, written["query"].to_list(), written["row"].to_list()
        said, held = [_telling(q) for q in queries], {r: _telling(passages[r]) for r in set(rows)}
        dropped = np.zeros(written.height, dtype=bool)
        for i, j in self._pairs([grams(normalise(q)) for q in queries]):
            if passages[rows[i]] != passages[rows[j]]:
                own = held[rows[i]] - held[rows[j]]
                dropped[i] |= not any(word in own or _NUMBER.search(word) for word in said[i] - said[j])
        return dropped

    def _pairs(self, sets: list[set[str]]) -> Iterator[tuple[int, int]]:
        """Ordered pairs of different places whose sets are near."""
        from datasketch import MinHash, MinHashLSH

        index = MinHashLSH(num_perm=_HASHES, params=_bands(self.similarity))
        hashed = MinHash.bulk(([g.encode() for g in s] for s in sets), num_perm=_HASHES)
        for place, one in enumerate(hashed):
            index.insert(place, one)
        for i, one in enumerate(hashed):
            yield from ((i, j) for j in index.query(one) if j != i and _near(sets[i], sets[j], self.similarity))


def _telling(text: str) -> set[str]:
    """Content words and lone letters, lower case."""
    return {w.lower() for w in words(text) if len(w) == 1} | set(subjects(text))


def _bands(similarity: float) -> tuple[int, int]:
    """(bands, hashes in a band): the longest bands that miss a pair at ``similarity`` with a chance below _MISSED."""
    fitting = [r for r in range(1, _HASHES // 2) if (1 - similarity**r) ** (_HASHES // r) < _MISSED]
    rows = max(fitting, default=1)
    return _HASHES // rows, rows


def _near(one: set[str], other: set[str], similarity: float) -> bool:
    return len(one & other) >= similarity * len(one | other)
