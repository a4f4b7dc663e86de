"""What estimators see of a log: counts, without the people in it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

Features = Callable[[pl.DataFrame], np.ndarray]
"""``features(pairs)``: for a table with ``query_id, doc_id`` float32 [pairs, d], whatever describes each pair."""


@dataclass(frozen=True)
class Observed:
    """The sufficient statistics of a log.

    Attributes:
        by_position: ``query_id`` (int32), ``doc_id`` (string), ``position`` (int16, from 1), ``impressions``,
            ``clicks`` (float64; a doubtful click may count for less than 1), and ``context`` (string) where
            contexts are told apart; ordered by these columns, one row per combination that was shown.
        lists: the same impressions by what was clicked around them, for models of how people go through a list:
            ``query_id, doc_id, position, previous`` (int16, the rank of the nearest click above, 0 for none),
            ``below`` (bool: something further down was clicked), ``impressions, clicks`` (float64);
            ``None`` unless asked for, or where the log does not hold whole lists.
        features: see ``Features``; ``None`` without an encoder.
    """

    by_position: pl.DataFrame
    lists: pl.DataFrame | None = None
    features: Features | None = None

    @classmethod
    def of_lists(cls, query: np.ndarray, document: np.ndarray, clicked: np.ndarray) -> "Observed":
        """The counts of whole lists: ``query`` int [lists], ``document`` int [lists, ranks] (-1 where a list ends),
        ``clicked`` bool of that shape; ``doc_id`` is the number as text."""
        ranks = np.arange(1, document.shape[1] + 1)
        last = np.maximum.accumulate(np.where(clicked, ranks, 0), axis=1)
        previous = np.concatenate([np.zeros((len(query), 1), dtype=np.int64), last[:, :-1]], axis=1)
        rows = document >= 0
        table = pl.DataFrame(
            {
                "query_id": np.broadcast_to(query[:, None], document.shape)[rows].astype(np.int32),
                "doc": document[rows].astype(np.int32),
                "position": np.broadcast_to(ranks, document.shape)[rows].astype(np.int16),
                "previous": previous[rows].astype(np.int16),
                "below": (last[:, -1:] > ranks)[rows],
                "clicked": clicked[rows],
            }
        )

        def counted(*keys: str) -> pl.DataFrame:
            counts = table.group_by(keys).agg(
                impressions=pl.len().cast(pl.Float64), clicks=pl.col("clicked").sum().cast(pl.Float64)
            )
            named = counts.sort(keys).with_columns(pl.col("doc").cast(pl.String))
            return named.rename({"doc": "doc_id"})

        whole = ("query_id", "doc", "position", "previous", "below")
        return cls(counted(*whole[:3]), counted(*whole))

    @property
    def deepest(self) -> int:
        """The deepest rank shown."""
        return int(self.by_position["position"].max())

    def pair_numbers(self) -> np.ndarray:
        """int64 [rows of by_position], ascending from 0: which (query, document) a row is about."""
        return numbered_pairs(self.by_position)


def numbered_pairs(table: pl.DataFrame) -> np.ndarray:
    """int64 [rows], ascending from 0: the (query, document) of each row of a table ordered by them."""
    return table.select(pl.struct("query_id", "doc_id").rle_id()).to_series().to_numpy().astype(np.int64)
