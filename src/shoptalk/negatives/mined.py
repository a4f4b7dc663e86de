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
        """Score of corpus row rows[i, j] for queries[i], float32 [n, j]; only margins ask for it."""
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

    ``table`` has one row per row of ``Mine.pairs``, in order: ``query``, ``doc_id``, ``negatives``
    (list of document ids, hardest first), ``scores`` (the miner's, float32), ``probabilities`` (the
    teacher's, float32, null lists where none judged). ``dropped`` counts candidates by filter;
    ``filled`` counts places that no candidate was left for and that a random document took (without
    score and probability). ``teacher`` is what ``metrics.json`` says of the teacher, empty without one.
    ``hard_cases`` are candidates for a person to judge, where that was asked for.
    """

    table: pl.DataFrame
    dropped: dict[str, int] = field(default_factory=dict)
    notices: Sequence[str] = ()
    filled: int = 0
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
