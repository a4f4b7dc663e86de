"""Regions of a corpus, documents alike in meaning, and which documents come first so that none is left thin."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from shoptalk.retrieval.index.means import centroids, nearest
from shoptalk.sources.synthetic.phrases import subjects

MOST = 1000
"""Most regions; finding more of them in a large corpus would take minutes."""
_TOLD = 5


def regions(vectors: np.ndarray, size: int) -> list[int]:
    """The region of each document, by spherical k-means of ``vectors`` [documents, d]; at most ``MOST`` regions.

    Args:
        size: documents in a region in the mean, >= 1; of 1 each document is a region of its own.
    """
    if size == 1:
        return list(range(len(vectors)))
    count = min(MOST, round(len(vectors) / size))
    if count < 2:
        return [0] * len(vectors)
    vectors = np.ascontiguousarray(vectors, np.float32)
    return nearest(vectors, centroids(vectors, count), 1)[:, 0].tolist()


@dataclass(frozen=True)
class Thin:
    """Where real queries are few.

    Attributes:
        region: of each document. asked: real queries that lead to each document.
    """

    region: Sequence[int]
    asked: Sequence[int]

    def first(self, order: Iterable[int], each: int) -> list[int]:
        """All rows in the order in which ``each`` queries are to be written for them.

        The next document is always of the region that still has fewest queries a document with it, real and written
        ones together; within a region the one that fewest real queries lead to, else as ``order`` has it.
        """
        size, queries = Counter(self.region), self._real()
        rows = sorted(order, key=self.asked.__getitem__)
        reached = {}
        for row in rows:
            region = self.region[row]
            queries[region] += each
            reached[row] = queries[region] / size[region]
        return sorted(rows, key=reached.__getitem__)

    def told(self, rows: Iterable[int], each: int, titles: Sequence[str]) -> list[str]:
        """Sentences about the regions that most is written for."""
        size, real = Counter(self.region), self._real()
        if len(size) in (1, len(self.region)):
            return []
        written = Counter(self.region[row] for row in rows)
        most = [region for region, _ in written.most_common(_TOLD)]
        names = _names(self.region, titles, most)
        said = [f"{len(size):,} regions of documents alike; most is written for:"]
        for one in most:
            held = f"{size[one]:,} documents, {real[one]:,} real queries"
            said.append(f"  {names[one]}: {held}, {written[one] * each:,} to be written.")
        return said

    def _real(self) -> Counter[int]:
        """Region to its real queries."""
        real: Counter[int] = Counter()
        for region, count in zip(self.region, self.asked, strict=True):
            real[region] += count
        return real


def _names(region: Sequence[int], titles: Sequence[str], wanted: Sequence[int]) -> dict[int, str]:
    """Three words that are frequent in the titles of a region and rare in others."""
    held = [set(subjects(title)) for title in titles]
    overall = Counter(word for one in held for word in one)
    found = {}
    for number in wanted:
        mine = Counter(word for one, of in zip(held, region, strict=True) if of == number for word in one)
        best = sorted(mine, key=lambda word: (-(mine[word] ** 2) / overall[word], word))[:3]
        found[number] = ", ".join(best) or "without titles"
    return found
