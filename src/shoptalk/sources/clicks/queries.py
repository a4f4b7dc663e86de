"""The distinct queries of a log: normalised, and without personal data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from shoptalk.domain.text import normalise

if TYPE_CHECKING:
    import ibis

    from shoptalk.sources.clicks.privacy import Privacy


@dataclass(frozen=True)
class Queries:
    """Every raw text once.

    Attributes:
        table: ``query_raw, query_id`` (int32 by normalised text), ``query`` (normalised), ``spelling`` (the most
            frequent raw text of that query, ties by text), ``fault`` (``empty_query``, ``personal_query`` or
            empty), ordered by ``query_raw``. Personal data in ``query`` and ``spelling`` is replaced.
        redacted: kind of personal data to the number of distinct raw texts that held it.
    """

    table: pl.DataFrame
    redacted: dict[str, int]

    def distinct(self) -> pl.DataFrame:
        """``query_id, query, spelling``, one row per normalised text."""
        return self.table.select("query_id", "query", "spelling").unique("query_id").sort("query_id")

    def numbered(self, texts: Sequence[str], privacy: Privacy | None) -> pl.DataFrame:
        """``text, query_id`` for those ``texts`` that somebody also asked."""
        asked = self.table.filter(pl.col("fault") == "")
        given = pl.DataFrame({"text": texts}, schema={"text": pl.String})
        same = given.join(asked.select("query_id", text="query_raw"), on="text")
        rest = given.join(self.table, left_on="text", right_on="query_raw", how="anti")["text"]
        cleaned = [normalise(privacy.redact(text)[0] if privacy else text) for text in rest]
        table = pl.DataFrame({"text": rest, "query": cleaned}, schema={"text": pl.String, "query": pl.String})
        other = table.join(asked.select("query", "query_id").unique("query"), on="query")
        return pl.concat([same, other.select("text", "query_id")])


def distinct_queries(log: ibis.Table, privacy: Privacy | None) -> Queries:
    """Python sees every distinct text once: neither engine knows NFKC or the patterns of personal data."""
    raw = log.group_by("query_raw").agg(times=log.count()).order_by("query_raw").to_polars()
    cleaned, redacted, personal = [], {}, []
    for text in raw["query_raw"]:
        clean, kinds = privacy.redact(text) if privacy else (text, ())
        for kind in set(kinds):
            redacted[kind] = redacted.get(kind, 0) + 1
        cleaned.append(clean)
        personal.append(bool(kinds) and privacy.personal_only(clean))
    table = raw.with_columns(
        clean=pl.Series(cleaned, dtype=pl.String),
        query=pl.Series([normalise(text) for text in cleaned], dtype=pl.String),
        personal=pl.Series(personal, dtype=pl.Boolean),
    )
    personal = pl.when("personal").then(pl.lit("personal_query")).otherwise(pl.lit(""))
    fault = pl.when(pl.col("query") == "").then(pl.lit("empty_query")).otherwise(personal)
    table = table.with_columns(query_id=(pl.col("query").rank("dense") - 1).cast(pl.Int32), fault=fault)
    best = table.sort("times", "query_raw", descending=[True, False]).group_by("query_id", maintain_order=True)
    table = table.join(best.agg(spelling=pl.col("clean").first()), on="query_id").sort("query_raw")
    return Queries(table.select("query_raw", "query_id", "query", "spelling", "fault"), dict(sorted(redacted.items())))
