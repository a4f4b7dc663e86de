"""Queries typed one after the other for one need: what one of them found answers the other, too.

A click can only prove a document that some list showed. A searcher who was shown nothing of use tries other
words, and what those found was meant all along: query chains (Radlinski and Joachims 2005, section 3) reach
the pairs that the logging ranker hides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from shoptalk.errors import InputError

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True)
class Chains:
    """When two queries count as one need, and how much a pair weighs that was carried over.

    Attributes:
        users: different people who went from one of the queries to the other, either way; ``None``: no chains.
        max_gap_s: seconds from the list to the next query at most; ``None`` for any, or where the log has none.
        weight: of a pair carried over, where 1 is the median of the pairs that clicks proved.

    Raises:
        InputError: a number is out of range.
    """

    users: int | None = 2
    max_gap_s: float | None = 300.0
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.users is not None and self.users < 1:
            raise InputError(f"chains.users is {self.users}; it must be at least 1, or null for no chains.")
        if self.max_gap_s is not None and not self.max_gap_s >= 0:
            raise InputError(f"chains.max_gap_s is {self.max_gap_s}; it must be 0 or more, or null.")
        if not 0 < self.weight < float("inf"):
            raise InputError(f"chains.weight is {self.weight}; it must be above 0.")

    def carried(self, kept: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
        """``query_id, doc_id, users`` for queries without a pair in ``kept`` (``query_id, doc_id, score``).

        A query takes over one document: that of the linked queries to which most people went on, ties to the
        better score, then to the lower document id.
        """
        if self.users is None:
            return links.select("query_id", doc_id=pl.lit(""), users="users").clear()
        strong = links.filter(pl.col("users") >= self.users).select("query_id", "other_id", "users")
        back = strong.select(query_id="other_id", other_id="query_id", users="users")
        orphans = pl.concat([strong, back]).join(kept, on="query_id", how="anti")
        found = orphans.join(kept.select("doc_id", "score", other_id="query_id"), on="other_id")
        pairs = found.group_by("query_id", "doc_id").agg(pl.col("users").sum(), pl.col("score").max())
        ranked = pairs.sort("users", "score", "doc_id", descending=[True, True, False])
        return ranked.unique("query_id", keep="first").select("query_id", "doc_id", "users").sort("query_id")


def links(rows: ibis.Table, max_gap_s: float | None) -> pl.DataFrame:
    """``query_id < other_id, users``: different people who tried one query after the other had left them without a
    satisfied click.

    ``rows`` are those of ``counting.counted_rows``.
    """
    import ibis

    followed = rows.filter((rows.rule == "kept") & rows.next_id.notnull())
    if max_gap_s is not None:
        followed = followed.filter(followed.next_query_gap_s <= max_gap_s)
    searches = followed.group_by("search", "query_id", "user", "next_id").agg(worth=followed.worth.max())
    steps = searches.filter((searches.worth <= 0) & (searches.query_id != searches.next_id))
    low, high = ibis.least(steps.query_id, steps.next_id), ibis.greatest(steps.query_id, steps.next_id)
    pairs = steps.select(query_id=low, other_id=high, user=steps.user)
    counted = pairs.group_by("query_id", "other_id").agg(users=pairs.user.nunique())
    return counted.order_by("query_id", "other_id").to_polars()
