"""How many negatives do answer their query, by a truth that nothing learns from: for reports only."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from shoptalk.domain.text import normalise
from shoptalk.sources.clicks.diagnosis import wilson

CHANCE, SUBSTITUTES = ("random",), ("filled", "given")
"""Miners that search nothing, and what takes a place beside the strategy's own choice; the rest is mined."""


@dataclass(frozen=True)
class Truth:
    """Which documents answer a query, wherever that is known beside the known positives.

    The judgments of ``train`` and ``calibration`` are no part of it: what they call relevant is a known positive
    and never a negative, so a rate measured on them would be zero by construction.

    Attributes:
        asked: the simulator's truth, normalised query to documents; empty without simulated clicks.
        unrecorded: ``Domain.unrecorded``: document to the other document of its subject.
        simulated: sources of simulated clicks. The document of any other pair is taken to answer its query (a judge
            said so, or the query was written from it), and so does the other document of the same subject.
    """

    asked: Mapping[str, set[str]] = field(default_factory=dict)
    unrecorded: Mapping[str, str] = field(default_factory=dict)
    simulated: Collection[str] = ()

    @classmethod
    def read(cls, path: Path | None, unrecorded: Mapping[str, str], simulated: Collection[str]) -> "Truth":
        """With the simulator's table at ``path``; ``None`` where nothing of this run was simulated."""
        asked: dict[str, set[str]] = {}
        if path is not None:
            for query, doc_id in pl.read_parquet(path, columns=["query", "doc_id"]).iter_rows():
                asked.setdefault(normalise(query), set()).add(doc_id)
        return cls(asked, unrecorded, simulated)

    def answers(self, query: str, doc_id: str, sources: Collection[str]) -> set[str] | None:
        """All documents that answer the query of a pair that came from ``sources``; ``None`` where nobody knows."""
        told = self.asked.get(normalise(query))
        if told is None and self.unrecorded and not set(sources) <= set(self.simulated):
            told = {doc_id}
        return told and told | {self.unrecorded[d] for d in told if d in self.unrecorded}

    def judged(self, negatives: pl.DataFrame) -> pl.DataFrame:
        """``negatives`` with a column ``relevant``: bool, null where nobody knows.

        Args:
            negatives: one row per negative: ``pair``, ``query``, ``doc_id``, ``sources``, ``negative``.
        """
        pairs = negatives.unique("pair").select("pair", "query", "doc_id", "sources")
        answers = {pair: self.answers(*rest) for pair, *rest in pairs.iter_rows()}
        known = ((answers[pair], doc_id) for pair, doc_id in negatives.select("pair", "negative").iter_rows())
        relevant = [None if told is None else doc_id in told for told, doc_id in known]
        return negatives.with_columns(relevant=pl.Series(relevant, dtype=pl.Boolean))


def false_negatives(judged: pl.DataFrame) -> dict[str, Any] | None:
    """Share of the mined negatives that are relevant: ``n``, ``relevant``, ``rate``, ``ci95``; ``None`` where the
    truth knows none of the queries.

    ``by_miner`` has the same of every miner, also those that are not mined (``random``, ``filled``, ``given``),
    ``by_source`` of the mined negatives of each source's pairs, and of all of them that a source shares with another.
    """
    known = judged.filter(pl.col("relevant").is_not_null())
    if not known.height:
        return None
    mined = known.filter(~pl.col("miner").is_in([*CHANCE, *SUBSTITUTES]))
    by_source = mined.explode("sources").group_by("sources", maintain_order=True)
    return {
        **_rate(mined["relevant"]),
        "by_miner": {name: _rate(part["relevant"]) for (name,), part in known.group_by("miner", maintain_order=True)},
        "by_source": {name: _rate(part["relevant"]) for (name,), part in by_source},
    }


def _rate(relevant: pl.Series) -> dict[str, Any]:
    """Counts and the 95 % Wilson interval, which takes every negative for an independent draw."""
    n, hits = len(relevant), int(relevant.sum())
    if not n:
        return {"n": 0, "relevant": 0, "rate": None, "ci95": None}
    low, high = wilson(np.float64(hits), np.float64(n))
    return {"n": n, "relevant": hits, "rate": hits / n, "ci95": [float(low), float(high)]}
