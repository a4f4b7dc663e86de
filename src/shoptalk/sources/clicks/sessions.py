"""From rows of a log to votes: what people looked at and whether they clicked, with bots and repeats gone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import polars as pl

from shoptalk.domain.text import normalise
from shoptalk.errors import InputError

if TYPE_CHECKING:
    import ibis

_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Cleaning:
    """Which rows count.

    A row is taken out by the first rule that applies: its document is not in the corpus
    (``unknown_document``), its query is empty once normalised (``empty_query``), it is flagged as a bot's
    (``flagged_bot``), its session holds more than ``max_session_searches`` searches (``busy_session``), or
    nobody looked that far (``not_shown``). Shown are rows down to rank ``fold`` or to the last click of their
    search, whichever is deeper; where the log says ``viewed``, that and clicks decide. Of what is left one row
    votes for each user, query, document and UTC day: the first, clicked or not, so that the click rate keeps
    its meaning (the others: ``repeated_vote``). Who has no ``user_key`` is known by session, else by search.

    A click from which the searcher was back before ``min_dwell_s`` seconds counts as a look without a click
    (Fox et al. 2005; 30 s is the usual threshold of a satisfied click). A dwell that was not seen is not short.

    Raises:
        InputError: a number is out of range.
    """

    fold: int = 10
    min_dwell_s: float | None = 30.0
    max_session_searches: int = 100
    max_unknown_documents: float = 0.2

    def __post_init__(self) -> None:
        if self.fold < 1 or self.max_session_searches < 1:
            raise InputError("cleaning.fold and cleaning.max_session_searches must be at least 1.")
        if self.min_dwell_s is not None and not self.min_dwell_s >= 0:
            raise InputError(f"cleaning.min_dwell_s is {self.min_dwell_s}; it must be 0 or more, or null.")
        if not 0 <= self.max_unknown_documents <= 1:
            raise InputError("cleaning.max_unknown_documents is a share and must lie between 0 and 1.")

    def description(self) -> dict[str, object]:
        """All that determines which rows count."""
        return asdict(self)


def distinct_queries(log: ibis.Table) -> pl.DataFrame:
    """Every raw query once: ``query_raw``, ``query_id`` (int32 by normalised text), ``query`` (normalised),
    ``spelling`` (the most frequent raw text of that query, ties by text). Ordered by ``query_raw``."""
    raw = log.group_by("query_raw").agg(times=log.count()).order_by("query_raw").to_polars()
    table = raw.with_columns(query=pl.Series([normalise(q) for q in raw["query_raw"]], dtype=pl.String))
    table = table.with_columns(query_id=(pl.col("query").rank("dense") - 1).cast(pl.Int32))
    best = table.sort("times", "query_raw", descending=[True, False]).group_by("query_id", maintain_order=True)
    chosen = best.agg(spelling=pl.col("query_raw").first())
    return table.join(chosen, on="query_id").sort("query_raw").select("query_raw", "query_id", "query", "spelling")


def judged_rows(log: ibis.Table, queries: pl.DataFrame, doc_ids: pl.Series, cleaning: Cleaning) -> ibis.Table:
    """Every row of the log with ``query_id``, ``doc`` (int32, row of ``doc_ids``), ``user``, the ``rule`` that
    takes it out (``kept`` if none does), and whether its click was ``brief``."""
    import ibis

    documents = ibis.memtable(pl.DataFrame({"doc_id": doc_ids}).with_row_index("doc").cast({"doc": pl.Int32}))
    known = ibis.memtable(queries.select("query_raw", "query_id", empty=pl.col("query") == ""))
    busy = _busy_sessions(log, cleaning.max_session_searches)
    deep = _deepest_clicks(log, cleaning.fold)
    rows = log.left_join(documents, "doc_id").left_join(known, "query_raw")
    rows = rows.left_join(busy, "session_id").left_join(deep, "impression_id")
    reached = (rows.position <= cleaning.fold) | (rows.position <= rows.deepest).fill_null(False)
    rule = ibis.cases(
        (rows.doc.isnull(), "unknown_document"),
        (rows.empty, "empty_query"),
        (rows.is_bot.fill_null(False), "flagged_bot"),
        (rows.searches.notnull(), "busy_session"),
        (~(rows.viewed.fill_null(reached) | rows.clicked), "not_shown"),
        else_="kept",
    )
    user = ibis.coalesce("u" + rows.user_key, "s" + rows.session_id, "i" + rows.impression_id)
    brief = rows.clicked & (rows.dwell_s < (cleaning.min_dwell_s or 0.0)).fill_null(False)
    columns = ("query_id", "doc", "ts_ms", "impression_id", "position", "next_query", "next_query_gap_s")
    return rows.select(*columns, clicked=rows.clicked & ~brief, brief=brief, user=user.hash(), rule=rule)


def votes(rows: ibis.Table) -> ibis.Table:
    """The kept rows, one for each user, query, document and day: ``query_id, doc, user, position, clicked``."""
    import ibis

    kept = rows.filter(rows.rule == "kept").mutate(day=rows.ts_ms // _DAY_MS)
    order = ibis.window(
        group_by=["user", "query_id", "doc", "day"], order_by=["ts_ms", "impression_id", "position", "clicked"]
    )
    numbered = kept.mutate(nth=ibis.row_number().over(order))
    return numbered.filter(numbered.nth == 0).select("query_id", "doc", "user", "position", "clicked")


def _busy_sessions(log: ibis.Table, most: int) -> ibis.Table:
    grouped = log.filter(log.session_id.notnull()).group_by("session_id").agg(searches=log.impression_id.nunique())
    return grouped.filter(grouped.searches > most)


def _deepest_clicks(log: ibis.Table, fold: int) -> ibis.Table:
    below = log.filter(log.clicked & (log.position > fold))
    return below.group_by("impression_id").agg(deepest=below.position.max())
