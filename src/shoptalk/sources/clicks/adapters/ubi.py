"""Logs of User Behavior Insights 1.3.0: queries with the results returned, and events that name their query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from os.path import commonpath
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import duckdb

from shoptalk.errors import InputError
from shoptalk.sources.clicks.adapters import joining
from shoptalk.sources.clicks.adapters.adapter import Converted, check_base, empty, some, undecided
from shoptalk.sources.clicks.adapters.fields import DEEPEST, Fields
from shoptalk.sources.clicks.adapters.reading import columns_of, place, rows
from shoptalk.sources.clicks.adapters.writing import Sheet, compose, tables

_ORDINAL, _OBJECT = "event_attributes.position.ordinal", "event_attributes.object.object_id"
_RANKER, _BOT = "query_attributes.ranker_id", "query_attributes.is_bot"


@dataclass(frozen=True)
class UserBehaviorInsights:
    """Files of queries and files of events, told apart by their names.

    The results of a query are its ``query_response_hit_ids``, in the order in which they were returned; of a query
    without any, the documents of its impression events at their ordinals. Clicks and conversions belong to results
    by ``query_id`` and ``object_id``. Dwell is the time from a click to the next event or query of the session (of
    the client where events name no session), null where none is known.

    Attributes:
        queries, events: patterns of the files' paths below their common folder, without regard to case; a file of
            both holds events.
        click_actions, impression_actions, conversion_actions: values of ``action_name``.
    """

    queries: str = "*quer*"
    events: str = "*event*"
    click_actions: Sequence[str] = ("click", "item_click", "result_click")
    impression_actions: Sequence[str] = ("impression", "view")
    conversion_actions: Sequence[str] = ("purchase", "conversion")
    needs: ClassVar[str] = "ubi: a file with 'queries' and one with 'events' in its name, of User Behavior Insights"

    def recognises(self, files: Sequence[Path]) -> bool:
        """See ``Adapter``."""
        queries, events, _ = self._split(files)
        return bool(queries and events) and "action_name" in columns_of(events[0])

    def convert(self, files: Sequence[Path], position_base: int | None, folder: Path) -> Converted:
        """See ``Adapter``; ``position_base`` is that of ordinals, and must be given where there are any."""
        check_base(position_base)
        queries, events, others = self._split(files)
        for kind, found in (("queries", queries), ("events", events)):
            if not found:
                pattern = getattr(self, kind)
                raise InputError(f"{files[0]}: no file of the log is called {pattern}; set log_format.{kind}.")
        with TemporaryDirectory(dir=folder) as scratch:
            sheets = {name: Path(scratch) / f"{name}.parquet" for name in joining.SHEETS}
            counts = self._read(sheets, queries, events, position_base)
            with tables(Path(scratch), sheets) as connection:
                if position_base is None and (smallest := _smallest_ordinal(connection)) is not None:
                    raise undecided(events[0], "ordinal", smallest)
                joining.join(connection)
                _refuse_early(connection, events)
                counts |= joining.counts(connection)
                made, told = compose(connection, folder / "clicks.parquet", timed=True)
        if not made:
            raise InputError(f"{queries[0]}: no query has results, in query_response_hit_ids or as impression events.")
        notices = [f"{path} holds neither queries nor events; it was left out." for path in others]
        if counts["ordinals_unlike_results"]:
            notices.append(
                f"{counts['ordinals_unlike_results']:,} clicks name another ordinal than the place of their document "
                "in query_response_hit_ids, and the place was taken; check position_base, and whether later pages "
                "have queries of their own."
            )
        return Converted((folder / "clicks.parquet",), told, some(counts | {"rows_made": made}), tuple(notices))

    def _split(self, files: Sequence[Path]) -> tuple[list[Path], list[Path], list[Path]]:
        """Files of queries, of events, and others."""
        common = commonpath([path.parent for path in files])
        queries, events, others = [], [], []
        for path in files:
            name = path.relative_to(common).as_posix().lower()
            is_event, is_query = (fnmatchcase(name, pattern.lower()) for pattern in (self.events, self.queries))
            (events if is_event else queries if is_query else others).append(path)
        return queries, events, others

    def _read(
        self, sheets: Mapping[str, Path], queries: Sequence[Path], events: Sequence[Path], base: int | None
    ) -> dict[str, int]:
        """The files as flat tables; what was counted."""
        counts: Counter[str] = Counter()
        with Sheet(sheets["queries"], joining.QUERIES) as asked, Sheet(sheets["hits"], joining.HITS) as hits:
            for path in queries:
                for number, values in rows(path):
                    _add_query(asked, hits, Fields(path, number, values, {}), counts)
        with Sheet(sheets["events"], joining.EVENTS) as happened:
            for file, path in enumerate(events):
                for number, values in rows(path):
                    self._add_event(happened, file, Fields(path, number, values, {}), base)
        for path, sheet in ((queries[0], asked), (events[0], happened)):
            if not sheet.count:
                raise empty(path)
        return {"rows_read": asked.count + happened.count, "queries": asked.count, "events": happened.count, **counts}

    def _add_event(self, sheet: Sheet, file: int, event: Fields, base: int | None) -> None:
        action, ts_ms = event.text("action_name"), event.time_ms("timestamp")
        for name, value in (("action_name", action), ("timestamp", ts_ms)):
            if value is None:
                raise event.refused(name, "the value is missing; every event needs one")
        kind = self._kind(action)
        ordinal = event.rank(_ORDINAL, base or 0) if kind in ("click", "impression") else None
        if ordinal is not None and base is not None:
            ordinal += 1 - base
        doc_id = None if kind == "other" else event.id(_OBJECT)
        query_id, *people = (event.id(name) for name in ("query_id", "session_id", "client_id", "user_id"))
        sheet.add(sheet.count, file, event.number, kind, ts_ms, ordinal, query_id, doc_id, *people)

    def _kind(self, action: str | None) -> str:
        known = {
            "click": self.click_actions,
            "impression": self.impression_actions,
            "conversion": self.conversion_actions,
        }
        return next((kind for kind, actions in known.items() if action in actions), "other")


def _add_query(asked: Sheet, hits: Sheet, query: Fields, counts: Counter[str]) -> None:
    query_id, ts_ms = query.id("query_id"), query.time_ms("timestamp")
    for name, value in (("query_id", query_id), ("timestamp", ts_ms)):
        if value is None:
            raise query.refused(name, "the value is missing; every query needs one")
    results = query.ids("query_response_hit_ids") or []
    if len(results) > DEEPEST:
        raise query.refused("query_response_hit_ids", f"holds {len(results):,} results, more than {DEEPEST:,}")
    number, first = asked.count, dict.fromkeys(results)
    counts["repeated_results"] += len(results) - len(first)
    people = (query.id(name) for name in ("session_id", "client_id", "user_id"))
    context = (query.id(_RANKER), query.id("query_attributes.surface"), query.id("query_attributes.device"))
    text = query.text("user_query") or ""
    asked.add(number, query_id, ts_ms, text, len(results), *people, *context, query.flag(_BOT))
    seen: set[str] = set()
    for position, doc_id in enumerate(results, 1):
        if doc_id not in seen:
            hits.add(number, position, doc_id)
            seen.add(doc_id)


def _smallest_ordinal(connection: duckdb.DuckDBPyConnection) -> int | None:
    found = connection.execute("SELECT min(ordinal) FROM events").fetchone()
    return found[0] if found else None


def _refuse_early(connection: duckdb.DuckDBPyConnection, events: Sequence[Path]) -> None:
    early = connection.execute(joining.EARLY).fetchone()
    if early:
        file, number, event_ms, query_id, query_ms = early
        raise InputError(
            f"{place(events[file], number, 'timestamp')}: {event_ms} lies before its query {query_id} ({query_ms}); "
            "no event comes before what it answers, so mend the clocks or leave it out."
        )
