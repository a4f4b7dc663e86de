"""BM25 (Robertson and Zaragoza 2009) in Lucene's form, on bm25s's precomputed scores."""

import json
import logging
import re
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shoptalk.cache import Cache, digest
from shoptalk.errors import InputError
from shoptalk.retrieval.ranked import Ranked
from shoptalk.retrieval.topk import top_k

if TYPE_CHECKING:
    import bm25s
    from scipy.sparse import csr_array

WORD = re.compile(r"\w+")
"""Every run of letters, digits and underscores; single characters count, as "type 1" needs them."""

_ANALYSIS = "analysis.json"
_CHUNK = 128
_DENSE = 1 << 25  # scores that a thread holds at once
_AT_ONCE = 10_000  # passages as words, which take several times the memory of their numbers


class BM25:
    """A corpus of passages to search with texts.

    Args:
        passages: one text per corpus row.
        k1: saturation of term frequency, >= 0.
        b: strength of the length correction, in [0, 1].
        stemmer: a Snowball language such as ``english``; ``None`` compares words as written.
        threads: chunks of queries searched at a time.

    Raises:
        InputError: no passage has a word, or a setting is out of range.
    """

    def __init__(
        self,
        passages: Sequence[str],
        *,
        k1: float = 1.2,
        b: float = 0.75,
        stemmer: str | None = "english",
        threads: int = 1,
    ):
        bm25s = library()
        if not (k1 >= 0 and 0 <= b <= 1):
            raise InputError(f"BM25 needs k1 >= 0 and b in [0, 1], not k1={k1} and b={b}.")
        self.stemmer, self.threads = stemmer, threads
        lines, vocabulary = self._coded(passages)
        if not vocabulary:
            raise InputError("BM25 finds no word in any document; check the corpus and the titles and texts it holds.")
        index = bm25s.BM25(k1=k1, b=b, method="lucene", csc_backend="scipy")
        index.index((lines, vocabulary), show_progress=False)
        self._adopt(index)

    @classmethod
    def cached(cls, cache: Cache, passages: Sequence[str], content: str, *, threads: int = 1, **settings) -> "BM25":
        """The index of ``passages``, whose hash is ``content``, built once and then memory-mapped."""
        key = cls.key(content, **settings)
        folder = cache.folder("bm25", key, lambda path: cls(passages, threads=threads, **settings).save(path))
        return cls.load(folder, threads=threads)

    @staticmethod
    def key(content: str, **settings) -> str:
        """Hash of all that determines the index of passages whose hash is ``content``."""
        return digest("bm25", 1, content, settings)

    def save(self, folder: Path) -> None:
        """Write bm25s's own files and the analysis that queries must share."""
        self._index.save(folder, show_progress=False)
        (folder / _ANALYSIS).write_text(json.dumps({"stemmer": self.stemmer}))

    @classmethod
    def load(cls, folder: Path, *, threads: int = 1) -> "BM25":
        """An index that ``save`` wrote, its arrays memory-mapped."""
        bm25s = library()
        self = cls.__new__(cls)
        self.threads = threads
        self.stemmer = json.loads((folder / _ANALYSIS).read_text())["stemmer"]
        self._adopt(bm25s.BM25.load(folder, mmap=True, show_progress=False))
        return self

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the index is: scores, the documents they belong to, and where each word's begin."""
        return self._scores.data, self._scores.indices, self._scores.indptr

    def __call__(self, queries: Sequence[str], k: int) -> Ranked:
        """The ``k`` best corpus rows per query; see ``search``."""
        return self.search(queries, k)

    def search(self, queries: Sequence[str], k: int) -> Ranked:
        """The ``k`` passages with the highest score; a passage that shares no word is no result."""
        parts = self._map(lambda matrix: self._best(matrix, k), queries)
        rows, scores = zip(*parts, strict=True) if parts else ((np.empty((0, k), np.int64),), (np.empty((0, k)),))
        return Ranked(np.concatenate(rows), np.concatenate(scores).astype(np.float32))

    def score(self, queries: Sequence[str], rows: np.ndarray) -> np.ndarray:
        """BM25 score of queries[i] for corpus row rows[i, j]: float32 [n, j], -inf where the row is -1."""
        parts = self._map(lambda matrix: matrix, queries, rows)
        scores = np.concatenate(parts) if parts else np.empty(rows.shape)
        return np.where(rows >= 0, scores, -np.inf).astype(np.float32)

    def _map(self, use, queries: Sequence[str], rows: np.ndarray | None = None) -> list:
        """``use`` of the dense score matrix [chunk, m] of each chunk of queries (of its ``rows`` if given)."""

        def work(start: int):
            dense = (self._counts(tokens[start : start + chunk]) @ self._scores).toarray()
            if rows is not None:
                dense = np.take_along_axis(dense, np.maximum(rows[start : start + chunk], 0), axis=1)
            return use(dense)

        tokens, chunk = self._tokens(queries), max(1, min(_CHUNK, _DENSE // max(1, self._scores.shape[1])))
        with ThreadPoolExecutor(max(1, self.threads)) as pool:
            return list(pool.map(work, range(0, len(queries), chunk)))

    def _best(self, matrix: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        within = min(k, matrix.shape[1])
        columns, scores = top_k(matrix, within)
        rows = np.full((len(matrix), k), -1, np.int64)
        values = np.full((len(matrix), k), -np.inf, np.float32)
        found = scores > 0
        rows[:, :within] = np.where(found, columns, -1)
        values[:, :within] = np.where(found, scores, -np.inf)
        return rows, values

    def _counts(self, tokens: Iterable[Sequence[str]]) -> "csr_array":
        """Queries by vocabulary, a word that stands twice counting twice; words of no passage are left out."""
        from scipy.sparse import csr_array

        known = [[self._vocabulary[word] for word in line if word in self._vocabulary] for line in tokens]
        columns = np.array([column for line in known for column in line], np.int32)
        starts = np.cumsum([0, *map(len, known)], dtype=np.int32)
        return csr_array(
            (np.ones(len(columns), np.float32), columns, starts), shape=(len(known), self._scores.shape[0])
        )

    def _coded(self, passages: Sequence[str]) -> tuple[list[list[int]], dict[str, int]]:
        """The words of each passage as numbers, and each word's number, words in alphabetical order."""
        met: dict[str, int] = {}
        lines: list[list[int]] = []
        for start in range(0, len(passages), _AT_ONCE):
            words = self._tokens(passages[start : start + _AT_ONCE])
            lines += [[met.setdefault(word, len(met)) for word in line] for line in words]
        # Sorted: the vocabulary's order must not depend on Python's hash seed.
        vocabulary = {word: number for number, word in enumerate(sorted(met))}
        number = [vocabulary[word] for word in met]
        for row, line in enumerate(lines):
            lines[row] = [number[first] for first in line]
        return lines, vocabulary

    def _tokens(self, texts: Sequence[str]) -> list[list[str]]:
        words = [WORD.findall(text.lower()) for text in texts]
        if self.stemmer is None:
            return words
        import Stemmer

        try:
            stem = Stemmer.Stemmer(self.stemmer)
        except KeyError as error:
            options = ", ".join(Stemmer.algorithms())
            raise InputError(f"BM25 knows no stemmer '{self.stemmer}'; it has {options}, or null for none.") from error
        return [stem.stemWords(line) for line in words]

    def _adopt(self, index: "bm25s.BM25") -> None:
        """Read bm25s's column-wise documents-by-words matrix row-wise: words by documents, nothing copied."""
        from scipy.sparse import csr_array

        self._index = index
        self._vocabulary: dict[str, int] = index.vocab_dict
        parts = index.scores
        # bm25s may add an empty word to the dictionary that no column stands for.
        shape = (len(parts["indptr"]) - 1, parts["num_docs"])
        self._scores = csr_array((parts["data"], parts["indices"], parts["indptr"]), shape=shape)


def library():
    """bm25s, imported without waking JAX.

    It runs JAX on import where that is installed, which then holds three quarters of a GPU's memory. We have no use for
    it, as ``top_k`` is ours.
    """
    there = "jax" in sys.modules
    jax, sys.modules["jax"] = sys.modules.get("jax"), None
    try:
        import bm25s
    finally:
        if there:
            sys.modules["jax"] = jax
        else:
            del sys.modules["jax"]
    # It sets its own logger to DEBUG when imported.
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    return bm25s
