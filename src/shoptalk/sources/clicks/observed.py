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

    @property
    def deepest(self) -> int:
        """The deepest rank shown."""
        return int(self.by_position["position"].max())

    def pair_numbers(self) -> np.ndarray:
        """int64 [rows of by_position], ascending from 0: which (query, document) a row is about."""
        return self.by_position.select(pl.struct("query_id", "doc_id").rle_id()).to_series().to_numpy().astype(np.int64)
