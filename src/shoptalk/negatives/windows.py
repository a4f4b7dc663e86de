"""Documents a teacher is calibrated on: the rank window its candidates come from, for queries it never saw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Judged, Known
from shoptalk.negatives.draws import pair_keys
from shoptalk.negatives.mined import Search


@dataclass(frozen=True)
class Windows:
    """Queries with the corpus rows of their rank window (int64 [n, k], -1 for none) and which are relevant (bool)."""

    queries: Sequence[str]
    rows: np.ndarray
    labels: np.ndarray


def judged_windows(judged: Judged, corpus: Corpus, dense: Search, window: tuple[int, int], most: int) -> Windows:
    """The window of at most ``most`` judged queries, their documents of grade above 0 being relevant."""
    return _windows(judged.texts[:most], judged.positives()[:most], corpus, dense, window)


def paired_windows(
    pairs: pl.DataFrame, corpus: Corpus, known: Known, dense: Search, window: tuple[int, int], most: int, seed: int
) -> Windows:
    """The window of at most ``most`` training queries, drawn by (seed, query); known positives are relevant."""
    queries = pairs["query"].unique(maintain_order=True).to_list()
    order = np.argsort(pair_keys(queries, [""] * len(queries), seed), kind="stable")[:most]
    chosen = [queries[i] for i in order]
    return _windows(chosen, [sorted(known.documents(query)) for query in chosen], corpus, dense, window)


def _windows(
    queries: Sequence[str], relevant: Sequence[Sequence[str]], corpus: Corpus, dense: Search, window: tuple[int, int]
) -> Windows:
    """A relevant document outside its window stays out: candidates come from the window alone, and a
    probability must hold for them. Only where no window holds any, each query's best-graded document
    takes the window's last place.
    """
    low, high = window
    rows = dense(queries, min(high, len(corpus))).rows[:, low:]
    wanted = [[corpus.index[d] for d in line if d in corpus.index] for line in relevant]
    labels = np.array([np.isin(line, found) for line, found in zip(rows, wanted, strict=True)]).reshape(rows.shape)
    if not labels.any():
        for i, found in enumerate(wanted):
            if found:
                rows[i, -1], labels[i, -1] = found[0], True
    return Windows(list(queries), rows, labels)
