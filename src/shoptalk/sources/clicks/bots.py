"""Searchers that do not behave like people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shoptalk.sources.clicks.log import DAY_MS

if TYPE_CHECKING:
    import ibis


def marked(rows: ibis.Table, limits: Any, told: frozenset[str]) -> tuple[ibis.Table, Sequence[str]]:
    """``rows`` (with ``user`` and ``search``) and one bool column per rule of pace that the log can serve.

    ``limits`` is a ``cleaning.Cleaning``; ``told`` the columns of the log that hold values.
    """
    import ibis

    day = rows.ts_ms // DAY_MS
    rows = rows.mutate(day=day)
    suspects: list[tuple[str, ibis.Table, list[str]]] = []
    if "session_id" in told and limits.max_session_searches is not None:
        suspects.append(("busy_session", _busy_sessions(rows, limits.max_session_searches), ["session_id"]))
    if told & {"user_key", "session_id"}:
        suspects += _by_user(rows, limits, told)
    for name, table, keys in suspects:
        flagged = table.select(*keys, **{name: ibis.literal(True)})
        rows = rows.left_join(flagged, keys).drop(*(f"{key}_right" for key in keys))
        rows = rows.mutate(**{name: rows[name].fill_null(False)})
    return rows.drop("day"), [name for name, _, _ in suspects]


def _busy_sessions(rows: ibis.Table, most: int) -> ibis.Table:
    named = rows.filter(rows.session_id.notnull())
    counted = named.group_by("session_id").agg(searches=named.search.nunique())
    return counted.filter(counted.searches > most)


def _by_user(rows: ibis.Table, limits: Any, told: frozenset[str]) -> list[tuple[str, ibis.Table, list[str]]]:
    clicks = rows.filter(rows.clicked).select("user", "day", "position", "click_ts_ms")
    found = []
    if "ts_ms" in told and limits.max_day_clicks is not None:
        days = clicks.group_by("user", "day").agg(clicks=clicks.count())
        found.append(("busy_day", days.filter(days.clicks > limits.max_day_clicks), ["user", "day"]))
    if "click_ts_ms" in told and limits.min_click_gap_s is not None:
        found.append(("hasty_clicks", _hasty(clicks, limits), ["user"]))
    if "position" in told and limits.max_first_rank_share is not None:
        users = clicks.group_by("user").agg(clicks=clicks.count(), first=(clicks.position == 1).cast("int64").sum())
        enough = users.clicks > limits.judged_clicks
        blind = users.filter(enough & (users.first > limits.max_first_rank_share * users.clicks))
        found.append(("first_rank_only", blind, ["user"]))
    return found


def _hasty(clicks: ibis.Table, limits: Any) -> ibis.Table:
    import ibis

    timed = clicks.filter(clicks.click_ts_ms.notnull())
    order = ibis.window(group_by="user", order_by="click_ts_ms")
    gaps = timed.mutate(gap=timed.click_ts_ms - timed.click_ts_ms.lag().over(order))
    users = gaps.group_by("user").agg(clicks=gaps.count(), gap=gaps.gap.quantile(0.5))
    return users.filter((users.clicks > limits.judged_clicks) & (users.gap < 1000 * limits.min_click_gap_s))
