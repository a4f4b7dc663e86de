"""Which rows of a log count, and by which rule the others do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from shoptalk.errors import InputError
from shoptalk.sources.clicks import bots
from shoptalk.sources.clicks.log import DAY_MS, Log
from shoptalk.sources.clicks.queries import Queries

if TYPE_CHECKING:
    import ibis

RULES = {
    "unknown_document": "its document is not in the corpus",
    "empty_query": "its query is empty once normalised",
    "personal_query": "its query is nothing but personal data",
    "flagged_bot": "the log flags its searcher as a bot",
    "busy_session": "its session holds more searches than people make",
    "busy_day": "its searcher clicked more that day than people do",
    "hasty_clicks": "its searcher's clicks follow each other faster than people read",
    "first_rank_only": "its searcher clicks the first rank blindly",
    "not_shown": "nobody looked that far",
    "rare_query": "too few people asked its query to keep them anonymous",
    "duplicate_click": "the same click moments before",
    "repeated_vote": "the same searcher, query and document before, within the time in which one vote counts",
}
"""Rule to what it says of a row it takes out, in the order in which they apply."""


@dataclass(frozen=True)
class Cleaning:
    """Rules and their limits; ``None`` switches a rule off.

    Shown are rows down to rank ``fold`` or to the last click of their search, whichever is deeper; where the log
    says ``viewed``, that and clicks decide. Of what is left one row votes for each user, query, document and
    ``vote_days`` days (UTC): the first, clicked or not, so that the click rate keeps its meaning. Who has no
    ``user_key`` is known by session, else by search.

    Attributes:
        session_gap_s: a pause after which a new session begins, where the log names people but no sessions.
        max_session_searches: searches in a session. max_day_clicks: of a user on a UTC day.
        min_click_gap_s: median pause between a user's clicks, judged from ``judged_clicks`` + 1 clicks on.
        max_first_rank_share: of a user's clicks on rank 1, judged from as many clicks on.
        duplicate_s: a click of the same user on the same document for the same query so soon is a duplicate.
        vote_days: ``None``: every impression votes, but for duplicate clicks.
        min_query_users: queries that fewer different users asked are left out (k-anonymity).
        max_unknown_documents: refuse a log of which a larger share of rows is not about the corpus.

    Raises:
        InputError: a number is out of range.
    """

    fold: int = 10
    session_gap_s: float = 1800.0
    max_session_searches: int | None = 100
    max_day_clicks: int | None = 500
    min_click_gap_s: float | None = 1.0
    max_first_rank_share: float | None = 0.95
    judged_clicks: int = 50
    duplicate_s: float = 30.0
    vote_days: float | None = 1.0
    min_query_users: int = 2
    max_unknown_documents: float = 0.2

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise InputError(f"cleaning.{name} is {value}; it must be at least {least}.")
        for name in ("max_unknown_documents", "max_first_rank_share"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise InputError(f"cleaning.{name} is {value}; it is a share and must lie between 0 and 1.")


_LEAST = {
    "fold": 1, "session_gap_s": 0, "max_session_searches": 1, "max_day_clicks": 1, "min_click_gap_s": 0,
    "judged_clicks": 1, "duplicate_s": 0, "vote_days": 1 / 24, "min_query_users": 1,
}  # fmt: skip


def judged_rows(
    log: Log, number: Callable[[ibis.Value], ibis.Value], queries: Queries, documents: pl.DataFrame, cleaning: Cleaning
) -> ibis.Table:
    """Every row of the log with ``query_id``, ``doc`` (row of ``documents``), ``user`` and ``search`` (numbers for
    people and lists), and the ``rule`` that takes it out (``kept`` if none does yet)."""
    import ibis

    known = ibis.memtable(queries.table.select("query_raw", "query_id", "fault"))
    table = log.table
    user = ibis.coalesce("u" + table.user_key, "s" + table.session_id, "i" + table.impression_id)
    rows = table.mutate(user=number(user), search=number(table.impression_id))
    deep = _deepest_clicks(rows, cleaning.fold)
    rows = rows.left_join(ibis.memtable(documents), "doc_id").drop("doc_id_right")
    rows = rows.left_join(known, "query_raw").drop("query_raw_right")
    rows = rows.left_join(deep, "search").drop("search_right")
    rows, suspicions = bots.marked(rows, cleaning, log.told)
    reached = (rows.position <= cleaning.fold) | (rows.position <= rows.deepest).fill_null(False)
    rule = ibis.cases(
        (rows.doc.isnull(), "unknown_document"),
        (rows.fault != "", rows.fault),
        (rows.is_bot.fill_null(False), "flagged_bot"),
        *((rows[name], name) for name in suspicions),
        (~(rows.viewed.fill_null(reached) | rows.clicked), "not_shown"),
        else_="kept",
    )
    return rows.mutate(rule=rule).drop("fault", "deepest", *suspicions)


def without_rare(rows: ibis.Table, least: int, people: bool) -> ibis.Table:
    """``rows`` whose ``rule`` also names rows of queries that fewer than ``least`` users asked; where the log
    names no people, every impression is somebody else's."""
    import ibis

    if least <= 1:
        return rows
    kept = rows.filter(rows.rule == "kept")
    if people:
        counted = kept.group_by("query_id").agg(users=kept.user.nunique())
    else:
        # A list counts once, not once a document: the document shown most tells how many lists there were at least.
        lists = kept.group_by("query_id", "doc").agg(shown=kept.weight.sum())
        counted = lists.group_by("query_id").agg(users=lists.shown.max())
    rare = counted.filter(counted.users < least).select("query_id", rare=ibis.literal(True))
    joined = rows.left_join(rare, "query_id").drop("query_id_right")
    is_rare = joined.rare.fill_null(False) & (joined.rule == "kept")
    return joined.mutate(rule=ibis.ifelse(is_rare, "rare_query", joined.rule)).drop("rare")


def voted(rows: ibis.Table, cleaning: Cleaning, timed: bool) -> ibis.Table:
    """The kept rows with ``rule``: ``vote`` for those that count, else why not. A log without times is one period,
    and knows no duplicates."""
    import ibis

    kept = rows.filter(rows.rule == "kept")
    group = ["user", "query_id", "doc"]
    if cleaning.vote_days is not None and timed:
        kept = kept.mutate(period=(kept.ts_ms / (DAY_MS * cleaning.vote_days)).floor())
        group.append("period")
    # What ties in all of these votes the same.
    order = ibis.window(group_by=group, order_by=["ts_ms", "position", "clicked", "worth", "weight"])
    before = kept.mutate(
        nth=ibis.row_number().over(order), before_ms=kept.ts_ms.lag().over(order), before=kept.clicked.lag().over(order)
    )
    soon = before.ts_ms - before.before_ms <= int(1000 * cleaning.duplicate_s)
    duplicate = (before.clicked & before.before & soon).fill_null(False)
    cases = [(duplicate & ibis.literal(timed), "duplicate_click")]
    if cleaning.vote_days is not None:
        cases.append((before.nth > 0, "repeated_vote"))
    return before.mutate(rule=ibis.cases(*cases, else_="vote")).drop("nth", "before_ms", "before")


def _deepest_clicks(rows: ibis.Table, fold: int) -> ibis.Table:
    below = rows.filter(rows.clicked & (rows.position > fold))
    return below.group_by("search").agg(deepest=below.position.max())
