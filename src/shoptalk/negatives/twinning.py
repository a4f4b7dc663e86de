"""Documents with nearly the same words and other codes, found without comparing all with all.

Documents are grouped by the multiset of their words, codes aside. Groups whose multisets have a Jaccard
similarity of at least ``overlap`` are joined by prefix filtering (Chaudhuri et al. 2006; Bayardo et al. 2007):
with words sorted from rare to common, two such multisets share a word among the first
|x| - ceil(overlap |x|) + 1 of each, so that common words are never looked up.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from shoptalk.negatives.codes import split


class TwinIndex:
    """Twins among ``texts``: each has a word and a code at least, the words nearly alike, the codes not.

    Args:
        overlap: least Jaccard similarity of the multisets of words, in (0, 1].
    """

    def __init__(self, texts: Sequence[str], overlap: float):
        parts = [split(text) for text in texts]
        both = [row for row, (words, codes) in enumerate(parts) if words and codes]
        groups: dict[tuple[str, ...], int] = {}
        numbers = [groups.setdefault(tuple(sorted(parts[row][0])), len(groups)) for row in both]
        self._group = dict(zip(both, numbers, strict=True))
        self._members = [np.array(rows, np.int64) for rows in _gathered(both, numbers, len(groups))]
        self._words = _incidence(list(groups))
        self._codes = _incidence([codes for _, codes in parts])
        self._near = _Joined(self._words, overlap)

    def of(self, row: int, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """Up to ``most`` twins of a document: fewest differing codes first, then largest overlap.

        Beyond that the nearest in the order of the corpus come first, so that the choice is no lottery.

        Returns:
            (rows int64 [t], differing codes int64 [t], overlap float64 [t], twins there are).
        """
        if row not in self._group:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), 0
        groups, similar = self._near.of(self._group[row])
        rows = np.concatenate([self._members[group] for group in groups])
        similar = np.repeat(similar, [len(self._members[group]) for group in groups])
        differ = self._differing(row, rows)
        rows, similar, differ = (column[differ > 0] for column in (rows, similar, differ))
        first = np.lexsort((rows, np.abs(rows - row), -similar, differ))[:most]
        return rows[first], differ[first], similar[first], len(rows)

    def _differing(self, row: int, rows: np.ndarray) -> np.ndarray:
        """Codes of the longer list that the shorter has no equal for."""
        common = (self._codes[rows] @ self._codes[[row]].T).toarray()[:, 0]
        sizes = np.diff(self._codes.indptr)
        return np.maximum(sizes[rows], sizes[row]) - common


class _Joined:
    """Which multisets are alike: rows of the 0/1 matrix ``words``, its columns sorted from rare to common."""

    def __init__(self, words: csr_array, overlap: float):
        self.words, self.overlap = words, overlap
        self.sizes = np.diff(words.indptr)
        # A hair less than the product, so that rounding never shortens a prefix.
        keep = self.sizes - np.ceil(overlap * self.sizes - 1e-9).astype(np.int64) + 1
        place = np.arange(words.nnz) - np.repeat(words.indptr[:-1], self.sizes)
        front = place < np.repeat(keep, self.sizes)
        ends = np.concatenate([[0], np.cumsum(front)])[words.indptr]
        self.front = csr_array((words.data[front], words.indices[front], ends), shape=words.shape)
        self.lookup = self.front.T.tocsr()
        self._known: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def of(self, line: int) -> tuple[np.ndarray, np.ndarray]:
        """(lines at least ``overlap`` alike, itself among them; their Jaccard similarity)."""
        if line not in self._known:
            self._known[line] = self._of(line)
        return self._known[line]

    def _of(self, line: int) -> tuple[np.ndarray, np.ndarray]:
        found = (self.front[[line]] @ self.lookup).indices
        common = (self.words[found] @ self.words[[line]].T).toarray()[:, 0]
        similar = common / (self.sizes[found] + self.sizes[line] - common)
        alike = similar >= self.overlap
        return found[alike], similar[alike]


def _gathered(rows: Sequence[int], numbers: Sequence[int], count: int) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(count)]
    for row, number in zip(rows, numbers, strict=True):
        found[number].append(row)
    return found


def _incidence(lines: Sequence[Sequence[str]]) -> csr_array:
    """A 0/1 matrix of lines by tokens, rare tokens first; the second "of" of a line is a token of its own."""
    counted = []
    for line in lines:
        times: Counter[str] = Counter()
        tokens = []
        for token in line:
            times[token] += 1
            tokens.append((token, times[token]))
        counted.append(tokens)
    frequency = Counter(token for tokens in counted for token in tokens)
    order = sorted(frequency, key=lambda token: (frequency[token], token))
    column = {token: i for i, token in enumerate(order)}
    columns = [sorted(column[token] for token in tokens) for tokens in counted]
    indices = np.array([i for line in columns for i in line], np.int32)
    indptr = np.cumsum([0, *map(len, columns)])
    return csr_array((np.ones(len(indices), np.int64), indices, indptr), shape=(len(lines), max(len(order), 1)))
