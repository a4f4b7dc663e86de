"""What a negative strategy is handed and what it gives back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import polars as pl

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Judged, Known
from shoptalk.retrieval.ranked import Ranked


class Search(Protocol):
    """A corpus that can be searched with texts."""

    def __call__(self, queries: Sequence[str], k: int) -> Ranked:
        """The k best corpus rows per query."""
        ...

    def score(self, queries: Sequence[str], rows: np.ndarray) -> np.ndarray:
        """Score of corpus row rows[i, j] for queries[i], float32 [n, j]; -inf where the row is -1."""
        ...


Relevance = Callable[[Sequence[str], Sequence[str], np.ndarray], np.ndarray]
"""``relevance(queries, positives, rows)`` -> calibrated probability [n, k] that corpus row rows[i, j]
answers queries[i], from a teacher that never saw that query; NaN where ``rows`` is -1."""


@dataclass(frozen=True)
class Mine:
    """What a miner may use: the pairs to find negatives for, and the ground to find them on.

    Attributes:
        pairs: distinct (query, doc_id) of every chosen source, Pairs schema.
        known: known positives; never negatives of their query.
        dense: exact search over the base model's embeddings.
        bm25: BM25 over the same corpus.
        calibration: judged queries to calibrate a teacher on; ``None`` where the domain has none.
        relevance: calibrated teacher; ``None`` where ``teacher=none``.
    """

    pairs: pl.DataFrame
    corpus: Corpus
    known: Known
    dense: Search
    bm25: Search
    seed: int
    cache: Cache
    calibration: Judged | None = None
    relevance: Relevance | None = None


@dataclass(frozen=True)
class Mined:
    """Negatives per pair.

    Attributes:
        table: one row per row of ``Mine.pairs``, in order: ``query``, ``doc_id`` and five lists of equal length:
            ``negatives`` (document ids, hardest first: by rank, then what has none, then what was filled),
            ``scores`` (the miner's, float32), ``probabilities`` (the teacher's, float32; null lists where there
            is no teacher), ``ranks`` (int32, from 0 in the miner's search) and ``miners`` (the strategy that gave
            it: "ann", "bm25", "random", "denoised", "twins", or "filled"). What nobody gave is null.
        dropped: filter -> candidates it dropped, in the order in which filters apply.
        filled: places that no candidate was left for and that the fallback filled.
        seen: candidates ranked over all pairs, before any filter.
        fallback: what sees to shortages: "random", "deeper" or "none".
        positive_scores: float32 [n], the miner's score of each pair's own document, NaN where the corpus lacks it;
            ``None`` where no miner scores, or several do on different scales.
        teacher: what ``metrics.json`` says of the teacher, empty without one.
        hard_cases: candidates for a person to judge, where that was asked for.
    """

    table: pl.DataFrame
    dropped: dict[str, int] = field(default_factory=dict)
    notices: Sequence[str] = ()
    filled: int = 0
    seen: int = 0
    fallback: str = "none"
    positive_scores: np.ndarray | None = None
    teacher: Mapping[str, object] = field(default_factory=dict)
    hard_cases: pl.DataFrame | None = None


class Strategy(Protocol):
    """A negative strategy.

    Attributes:
        per_pair: negatives that go into a batch with each pair; 0 for in-batch negatives alone.
        window: ranks [low, high) of ``Mine.dense`` that a teacher must judge; ``None`` where none is needed.
    """

    per_pair: int
    window: tuple[int, int] | None

    def mine(self, ask: Mine) -> Mined:
        """Negatives for every pair of ``ask``."""
        ...
