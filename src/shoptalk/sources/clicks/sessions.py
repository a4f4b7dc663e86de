"""What a log leaves unsaid about sessions and can be worked out from people and times."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shoptalk.sources.clicks.log import Log

if TYPE_CHECKING:
    import ibis

_ORDER = ["ts_ms", "impression_id"]


def completed(log: Log, wanted: set[str], gap_s: float) -> Log:
    """``log`` with those columns filled in that it does not tell and that follow from what it tells.

    Sessions: a user's searches without a pause of more than ``gap_s`` seconds. Of ``wanted``: ``next_query`` (with
    ``next_query_gap_s``): the next search of the session. ``last_click``: the latest click of a search, or the
    deepest where clicks have no times. ``dwell_s``: seconds from a click to the session's next click or search;
    null for its last event, which nothing followed.
    """
    table, told = log.table, set(log.told)
    if "session_id" not in told and {"user_key", "ts_ms"} <= told:
        table, told = _with_sessions(table, gap_s), told | {"session_id"}
    timed = {"session_id", "ts_ms"} <= told
    if "next_query" in wanted and "next_query" not in told and timed:
        table, told = _with_next(table), told | {"next_query", "next_query_gap_s"}
    if "last_click" in wanted and "last_click" not in told:
        table, told = _with_last(table), told | {"last_click"}
    if "dwell_s" in wanted and "dwell_s" not in told and timed and "click_ts_ms" in told:
        table, told = _with_dwell(table), told | {"dwell_s"}
    return replace(log, table=table, told=frozenset(told))


def _searches(table: ibis.Table) -> ibis.Table:
    """One row per search."""
    first = {c: table[c].min() for c in ("ts_ms", "user_key", "session_id", "query_raw")}
    return table.group_by("impression_id").agg(**first)


def _joined(table: ibis.Table, more: ibis.Table, keys: list[str]) -> ibis.Table:
    """``table`` with the columns of ``more`` in place of its own."""
    replaced = [c for c in more.columns if c in table.columns and c not in keys]
    joined = table.drop(*replaced).left_join(more, keys)
    return joined.drop(*(f"{key}_right" for key in keys)).select(*table.columns)


def _with_sessions(table: ibis.Table, gap_s: float) -> ibis.Table:
    import ibis

    searches = _searches(table)
    named = searches.filter(searches.user_key.notnull())
    order = ibis.window(group_by="user_key", order_by=_ORDER)
    pause = named.ts_ms - named.ts_ms.lag().over(order)
    begun = named.mutate(begins=ibis.ifelse((pause <= int(1000 * gap_s)).fill_null(False), 0, 1))
    running = ibis.cumulative_window(group_by="user_key", order_by=_ORDER)
    numbered = begun.mutate(number=begun.begins.sum().over(running))
    named = numbered.user_key + "#" + numbered.number.cast("string")
    return _joined(table, numbered.select("impression_id", session_id=named), ["impression_id"])


def _with_next(table: ibis.Table) -> ibis.Table:
    import ibis

    searches = _searches(table)
    order = ibis.window(group_by="session_id", order_by=_ORDER)
    within = searches.filter(searches.session_id.notnull())
    gap = ((within.ts_ms.lead().over(order) - within.ts_ms) / 1000).cast("float32")
    following = within.select("impression_id", next_query=within.query_raw.lead().over(order), next_query_gap_s=gap)
    return _joined(table, following, ["impression_id"])


def _with_last(table: ibis.Table) -> ibis.Table:
    import ibis

    clicks = table.filter(table.clicked)
    latest = ibis.window(
        group_by="impression_id",
        order_by=[ibis.desc("click_ts_ms", nulls_first=False), ibis.desc("position"), "doc_id"],
    )
    last = clicks.select("impression_id", "doc_id", last_click=ibis.row_number().over(latest) == 0)
    last = last.group_by("impression_id", "doc_id").agg(last_click=last.last_click.any())
    return _joined(table, last, ["impression_id", "doc_id"])


def _with_dwell(table: ibis.Table) -> ibis.Table:
    import ibis

    searches = _searches(table)
    clicks = table.filter(table.clicked & table.click_ts_ms.notnull() & table.session_id.notnull())
    begun = searches.filter(searches.session_id.notnull())
    events = ibis.union(
        clicks.select("session_id", "impression_id", "doc_id", at_ms="click_ts_ms"),
        begun.select("session_id", "impression_id", doc_id=ibis.null("string"), at_ms="ts_ms"),
    )
    order = ibis.window(
        group_by="session_id", order_by=["at_ms", "impression_id", ibis.asc("doc_id", nulls_first=True)]
    )
    timed = events.mutate(dwell_s=((events.at_ms.lead().over(order) - events.at_ms) / 1000).cast("float32"))
    seen = timed.filter(timed.doc_id.notnull())
    dwell = seen.group_by("impression_id", "doc_id").agg(dwell_s=seen.dwell_s.min())
    return _joined(table, dwell, ["impression_id", "doc_id"])
