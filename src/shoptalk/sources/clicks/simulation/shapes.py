"""Files in which a simulated log can be left: the shapes that logs have elsewhere.

Every shape holds all searches, those of bots too. What it has no place for is named with it.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Protocol

import polars as pl

from shoptalk.errors import InputError
from shoptalk.sources.clicks.simulation.made import Made

_PAIR = ("query", "doc_id", "position")


class Shape(Protocol):
    """Writes a log, some searches at a time."""

    def write(self, made: Made, folder: Path) -> list[Path]:
        """The files written into ``folder``, which exists."""
        ...


class Rows:
    """``log.parquet``: one row per search and document, columns as in ``log.COLUMNS``. Nothing is left out."""

    def write(self, made: Made, folder: Path) -> list[Path]:
        """See ``Shape``."""
        import pyarrow.parquet as pq

        path, parts = folder / "log.parquet", map(_arrow, made.chunks())
        first = next(parts)
        with pq.ParquetWriter(path, first.schema, compression="zstd") as out:
            out.write_table(first)
            for part in parts:
                out.write_table(part)
        return [path]


class Flat:
    """``log.csv``: ``query, doc_id, position, impressions, clicks``, added up; positions count from 1.

    Left out: people, times, rankers, and who was a bot.
    """

    def write(self, made: Made, folder: Path) -> list[Path]:
        """See ``Shape``."""
        total = pl.DataFrame()
        for part in made.chunks():
            counts = part.group_by("query_raw", "doc_id", "position").agg(
                impressions=pl.len().cast(pl.Int64), clicks=pl.col("clicked").sum().cast(pl.Int64)
            )
            both = pl.concat([total, counts.rename({"query_raw": "query"})], how="diagonal")
            total = both.group_by(_PAIR).agg(pl.col("impressions", "clicks").sum())
        path = folder / "log.csv"
        total.sort(_PAIR).write_csv(path)
        return [path]


class Ubi:
    """``ubi_queries.jsonl`` and ``ubi_events.jsonl`` as of User Behavior Insights 1.3.0.

    Left out: dwell and what was searched next. Ranker and flagged bots stand in ``query_attributes``.

    Args:
        application: the name that queries and events carry.
        position_base: the ``ordinal`` of the first rank, 0 (as OpenSearch's generator writes) or 1.
        impressions: whether there is an event for every document shown, too.

    Raises:
        InputError: ``position_base`` is neither 0 nor 1.
    """

    def __init__(self, application: str = "shoptalk", position_base: int = 0, impressions: bool = False):
        if position_base not in (0, 1):
            raise InputError(f"shape.position_base is {position_base}; it must be 0 or 1.")
        self.application, self.position_base, self.impressions = application, position_base, impressions

    def write(self, made: Made, folder: Path) -> list[Path]:
        """See ``Shape``."""
        paths = [folder / "ubi_queries.jsonl", folder / "ubi_events.jsonl"]
        return _json_lines(paths, ((self._queries(part), self._events(part)) for part in made.chunks()))

    def _queries(self, log: pl.DataFrame) -> pl.DataFrame:
        once = ("impression_id", "ts_ms", "query_raw", "user_key", "ranker_id", "is_bot")
        searches = log.group_by(once, maintain_order=True).agg(query_response_hit_ids="doc_id")
        return searches.select(
            application=pl.lit(self.application),
            query_id="impression_id",
            client_id="user_key",
            user_query="query_raw",
            query_attributes=pl.struct("ranker_id", "is_bot"),
            query_response_id="r" + pl.col("impression_id"),
            query_response_hit_ids="query_response_hit_ids",
            timestamp=_iso("ts_ms"),
        )

    def _events(self, log: pl.DataFrame) -> pl.DataFrame:
        clicks = log.filter("clicked").with_columns(action=pl.lit("click"), at="click_ts_ms")
        shown = log.with_columns(action=pl.lit("impression"), at="ts_ms")
        ordinal = pl.col("position") - 1 + self.position_base
        return pl.concat([shown, clicks] if self.impressions else [clicks]).select(
            application=pl.lit(self.application),
            action_name="action",
            query_id="impression_id",
            client_id="user_key",
            session_id="session_id",
            timestamp=_iso("at"),
            message_type=pl.lit("INFO"),
            user_query="query_raw",
            event_attributes=pl.struct(
                object=pl.struct(object_id="doc_id", object_id_field=pl.lit("_id")),
                position=pl.struct(ordinal=ordinal),
            ),
        )


class Sessions:
    """``log.jsonl``, one session a line::

        {"session_id", "user", "ranker", "is_bot",
         "searches": [{"query", "ts_ms", "ranker", "results": [doc_id], "clicks": [{"doc_id", "ts_ms", "dwell_s"}]}]}

    A session's ``ranker`` is null where its searches had several. Left out: what was searched next, unless the
    session holds that search.
    """

    def write(self, made: Made, folder: Path) -> list[Path]:
        """See ``Shape``."""
        return _json_lines([folder / "log.jsonl"], ((self._sessions(part),) for part in made.whole_sessions()))

    def _sessions(self, log: pl.DataFrame) -> pl.DataFrame:
        click = pl.struct("doc_id", pl.col("click_ts_ms").alias("ts_ms"), "dwell_s")
        once = ("session_id", "user_key", "is_bot", "impression_id", "query_raw", "ts_ms", "ranker_id")
        searches = log.group_by(once, maintain_order=True).agg(results="doc_id", clicks=click.filter("clicked"))
        search = pl.struct(
            pl.col("query_raw").alias("query"), "ts_ms", pl.col("ranker_id").alias("ranker"), "results", "clicks"
        )
        several = pl.col("ranker_id").n_unique() > 1
        return searches.group_by("session_id", maintain_order=True).agg(
            user=pl.col("user_key").first(),
            ranker=pl.when(several).then(None).otherwise(pl.col("ranker_id").first()),
            is_bot=pl.col("is_bot").first(),
            searches=search,
        )


def _arrow(part: pl.DataFrame):
    return part.to_arrow(compat_level=pl.CompatLevel.oldest())


def _iso(column: str) -> pl.Expr:
    return pl.from_epoch(column, time_unit="ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")


def _json_lines(paths: list[Path], parts: Iterator[tuple[pl.DataFrame, ...]]) -> list[Path]:
    """Write tables to their files, part by part."""
    with ExitStack() as stack:
        files: list[IO[bytes]] = [stack.enter_context(open(path, "wb")) for path in paths]
        for tables in parts:
            for file, table in zip(files, tables, strict=True):
                table.write_ndjson(file)
    return paths
