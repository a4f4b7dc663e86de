"""What a cross-encoder learns from, so that it can be trusted with the candidates of its own training queries.

A teacher that learned "this query, this document: no" repeats it, right or wrong. So queries are dealt
into folds, the teacher of a fold learns from the other folds only, and its negatives are drawn at random
and from deep ranks, where documents that answer the query are rare.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from shoptalk.cache import digest, digest_texts
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Known
from shoptalk.domain.text import normalise
from shoptalk.negatives.barred import Barred, fill
from shoptalk.negatives.draws import pair_keys
from shoptalk.negatives.mined import Search
from shoptalk.negatives.picks import Uniform
from shoptalk.negatives.selection import Candidates, Knobs, allowed, pick


def fold_of(queries: Sequence[str], folds: int) -> np.ndarray:
    """Int64 [n]: the fold of each query, by its normalised text, so that twins share one."""
    raw = (hashlib.blake2b(normalise(query).encode("utf-8", "surrogatepass"), digest_size=8) for query in queries)
    return np.fromiter((int.from_bytes(h.digest(), "little") % folds for h in raw), np.int64, len(queries))


@dataclass(frozen=True)
class Examples:
    """What a teacher learns from: equal-length columns, all examples of a pair side by side.

    Attributes:
        rows: corpus rows.
        labels: 1 for the pair's document, 0 for a negative.
        weights: the pair's weight, on its negatives as well.
        pairs: number of the pair an example belongs to.
    """

    queries: Sequence[str]
    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    pairs: np.ndarray

    @property
    def digest(self) -> str:
        """Hash of all columns."""
        columns = [column.tobytes() for column in (self.rows, self.labels, self.weights, self.pairs)]
        return digest(digest_texts(self.queries), *(hashlib.sha256(raw).hexdigest() for raw in columns))

    def without_fold(self, fold: int, folds: int) -> "Examples":
        """The examples of pairs whose query is not in ``fold``."""
        return self._at(np.flatnonzero(fold_of(self.queries, folds) != fold))

    def first(self, most: int) -> "Examples":
        """The examples of the first ``most`` pairs."""
        return self._at(np.flatnonzero(np.isin(self.pairs, np.unique(self.pairs)[:most])))

    def _at(self, chosen: np.ndarray) -> "Examples":
        columns = (column[chosen] for column in (self.rows, self.labels, self.weights, self.pairs))
        return Examples([self.queries[i] for i in chosen], *columns)


def sample(pairs: pl.DataFrame, most: int, folds: int, seed: int) -> pl.DataFrame:
    """Distinct pairs in an order drawn by (seed, pair), enough of them for ``most`` outside every fold.

    A pair that stands in several sources counts with the sum of its weights.
    """
    distinct = pairs.group_by("query", "doc_id", maintain_order=True).agg(pl.col("weight").sum())
    keys = pair_keys(distinct["query"], distinct["doc_id"], seed)
    shuffled = distinct[np.argsort(keys, kind="stable")]
    fold = fold_of(shuffled["query"].to_list(), folds)
    outside = [np.flatnonzero(fold != f) for f in range(folds)]
    last = max((int(rows[min(most, len(rows)) - 1]) for rows in outside if len(rows)), default=-1)
    return shuffled[: last + 1]


def examples(
    pairs: pl.DataFrame,
    corpus: Corpus,
    known: Known,
    dense: Search,
    *,
    deep: int,
    deep_low: int,
    deep_high: int,
    random: int,
    seed: int,
) -> Examples:
    """Each pair with ``deep`` documents of ranks [deep_low, deep_high) and ``random`` of the whole corpus.

    Never a known positive. In a corpus too small for these ranks the deeper half of it counts as deep.
    """
    pairs = pairs.filter(pl.col("doc_id").is_in(list(corpus.index)))
    queries = pairs["query"].to_list()
    keys, barred = pair_keys(queries, pairs["doc_id"], seed), Barred(pairs, corpus, known)
    positives = np.array([corpus.index[doc_id] for doc_id in pairs["doc_id"]], np.int64)
    negatives = np.full((len(queries), deep + random), -1, np.int64)
    if deep:
        high = min(deep_high, len(corpus))
        knobs = Knobs(low=min(deep_low, high // 2), high=high, keep=deep)
        ranked = dense(queries, high)
        free, _ = allowed(ranked, barred.mask(ranked.rows), knobs)
        unscored = np.full(len(queries), np.nan, np.float32)
        negatives[:, :deep] = pick(Candidates(ranked, free, keys, unscored), deep, Uniform(), "deep")["row"]
    negatives, _ = fill(negatives, barred, keys)
    rows = np.concatenate([positives[:, None], negatives], axis=1)
    line, column = np.nonzero(rows >= 0)
    weights = pairs["weight"].to_numpy().astype(np.float32)
    labels = (column == 0).astype(np.float32)
    return Examples([queries[i] for i in line], rows[line, column], labels, weights[line], line)
