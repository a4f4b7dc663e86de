"""From the rows of a log to the counts that everything else works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from shoptalk.sources.clicks.cleaning import Cleaning, judged_rows
from shoptalk.sources.clicks.log import Log
from shoptalk.sources.clicks.queries import Queries
from shoptalk.sources.clicks.signals import Signals

if TYPE_CHECKING:
    import ibis

    from shoptalk.sources.clicks.privacy import Privacy

_SMALL = {"position": pl.Int16}  # short numbers come out of Spark as long ones
_DEEPEST_LIST = 40  # 2**40 is far from the limits of doubles and of 64 bits


@dataclass(frozen=True)
class Reading:
    """How a log is read: all that decides which counts come out of it.

    Attributes:
        cleaning, signals: which rows count, and what clicks are worth.
        privacy: what is replaced in queries; ``None`` for nothing.
        context: ``surface`` or ``device`` where counts are wanted for each of them; ``None`` for all together.
        chained: whether the queries that follow one another are wanted. max_gap_s: the longest pause between them.
        lists: whether the counts by what was clicked around are wanted.
        keep_removed: whether every row left out is written down.
    """

    cleaning: Cleaning
    signals: Signals
    privacy: Privacy | None = None
    context: str | None = None
    chained: bool = False
    max_gap_s: float | None = None
    lists: bool = False
    keep_removed: bool = False

    def wanted(self) -> set[str]:
        """Columns of the log that are asked for beyond the required ones."""
        needs = {c for s in self.signals.each.values() if s.weight != 1 for c in s.needs}
        return needs | ({"next_query"} if self.chained else set())


def counted_rows(log: Log, number: Callable, queries: Queries, documents: pl.DataFrame, reading: Reading) -> ibis.Table:
    """Every row of the log as numbers: ``query_id, doc, user, search, ts_ms, position, clicked, worth, weight,
    next_id, next_query_gap_s, rule`` and the signals' doubts; raw columns where removed rows are kept."""
    import ibis

    rows = judged_rows(log, number, queries, documents, reading.cleaning)
    rows = reading.signals.weighed(rows, log.told)
    if reading.chained and "next_query" in log.told:
        texts = rows.select("next_query").distinct().to_polars()["next_query"].drop_nulls()
        following = ibis.memtable(
            queries.numbered(texts, reading.privacy).rename({"text": "next_query", "query_id": "next_id"})
        )
        rows = rows.left_join(following, "next_query")
    else:
        rows = rows.mutate(next_id=ibis.null("int32"))
    weight = rows.weight.fill_null(1.0).cast("float64")
    numbers = ["query_id", "doc", "user", "search", "ts_ms", "position", "clicked", "worth"]
    more = ["next_id", "next_query_gap_s", "rule", *(c for c in rows.columns if c.startswith("doubt_"))]
    context = {} if reading.context is None else {"context": rows[reading.context].fill_null("")}
    raw = {c: rows[c] for c in ("impression_id", "query_raw", "doc_id") if reading.keep_removed}
    return rows.select(*numbers, *more, weight=weight, **context, **raw)


def by_position(votes: ibis.Table, context: bool) -> pl.DataFrame:
    """``query_id, doc, position, (context,) impressions, clicks`` over the votes, ordered."""
    keys = ["query_id", "doc", "position", *(["context"] if context else [])]
    counted = votes.filter(votes.rule == "vote")
    table = counted.group_by(keys).agg(impressions=counted.weight.sum(), clicks=(counted.weight * counted.worth).sum())
    return table.to_polars().cast(_SMALL).sort(keys)


def support(votes: ibis.Table, people: bool) -> pl.DataFrame:
    """``query_id, doc, users, clickers``: different people who were shown a document, who clicked it; without
    people in the log impressions and clicks stand for them."""
    counted = votes.filter(votes.rule == "vote")
    liked = counted.worth > 0
    if people:
        columns = {"users": counted.user.nunique(), "clickers": counted.user.nunique(where=liked)}
    else:
        columns = {"users": counted.weight.sum(), "clickers": counted.weight.sum(where=liked).fill_null(0)}
    table = counted.group_by("query_id", "doc").agg(**{k: v.cast("int64") for k, v in columns.items()})
    return table.to_polars().sort("query_id", "doc")


def lists(rows: ibis.Table) -> pl.DataFrame:
    """``query_id, doc, position, previous, below, impressions, clicks``: see ``observed.Observed``; ranks down to
    40. The clicks of a list fit into one number, bit k for rank k."""
    import ibis

    kept = rows.filter((rows.rule == "kept") & (rows.position <= _DEEPEST_LIST))
    clicked = kept.filter(kept.clicked & (kept.worth > 0))
    bit = _power(clicked.position)
    marks = clicked.group_by("search", "position").agg(bit=bit.max()).group_by("search")
    masks = marks.agg(mask=ibis._.bit.sum().cast("int64"))
    joined = kept.left_join(masks, "search").drop("search_right")
    mask, own = joined.mask.fill_null(0), _power(joined.position)
    above = mask % own
    previous = ibis.ifelse(above > 0, ibis.greatest(above, 1).cast("float64").log2().floor(), 0).cast("int16")
    told = joined.mutate(previous=previous, below=mask >= 2 * own, click=joined.clicked & (joined.worth > 0))
    keys = ["query_id", "doc", "position", "previous", "below"]
    counts = told.group_by(keys).agg(
        impressions=told.weight.sum(), clicks=ibis.ifelse(told.click, told.weight, 0.0).sum()
    )
    return counts.to_polars().cast(_SMALL).sort(keys)


def _power(position: ibis.Value) -> ibis.Value:
    import ibis

    return (ibis.literal(2.0) ** position.cast("float64")).cast("int64")
