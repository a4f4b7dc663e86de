"""Some (query, positive, negative) triples of a run, for people to read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.negatives.draws import pair_keys, scramble

TRIPLES = 20


@dataclass(frozen=True)
class Triple:
    """A training pair and one of its negatives; ``relevant`` is what the hidden truth says of the negative.

    Passages are empty where a document is not in the corpus; numbers are ``None`` where nobody gave them.
    """

    query: str
    sources: Sequence[str]
    positive_id: str
    positive: str
    positive_score: float | None
    negative_id: str
    negative: str
    score: float | None
    rank: int | None
    probability: float | None
    miner: str
    relevant: bool | None


def sample(
    negatives: pl.DataFrame, positive_scores: np.ndarray | None, corpus: Corpus, seed: int, count: int = TRIPLES
) -> tuple[Triple, ...]:
    """Triples of ``count`` pairs that have negatives, pairs and negatives drawn by (seed, pair).

    Args:
        negatives: one row per negative, ``pair`` being a row of ``positive_scores`` [n].
    """
    pairs = negatives.group_by("pair", maintain_order=True).agg(pl.first("query", "doc_id"), n=pl.len())
    keys = pair_keys(pairs["query"], pairs["doc_id"], seed)
    sizes = pairs["n"].to_numpy().astype(np.uint64)
    rows = np.cumsum(sizes) - sizes + scramble(keys) % sizes
    chosen = rows[np.argsort(keys, kind="stable")[:count]]
    return tuple(_triple(row, positive_scores, corpus) for row in negatives[chosen.tolist()].iter_rows(named=True))


def _triple(row: dict, positive_scores: np.ndarray | None, corpus: Corpus) -> Triple:
    score = float("nan") if positive_scores is None else float(positive_scores[row["pair"]])
    same = ("query", "sources", "score", "rank", "probability", "miner", "relevant")
    return Triple(
        positive_id=row["doc_id"],
        positive=_passage(row["doc_id"], corpus),
        positive_score=score if np.isfinite(score) else None,
        negative_id=row["negative"],
        negative=_passage(row["negative"], corpus),
        **{name: row[name] for name in same},
    )


def _passage(doc_id: str, corpus: Corpus) -> str:
    row = corpus.index.get(doc_id)
    return "" if row is None else corpus.passages[row]
