"""Logs of sessions: lists of results and what was clicked in them, one session or one search a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from shoptalk.sources.clicks.adapters.adapter import Converted, check_base, empty, names_given, some
from shoptalk.sources.clicks.adapters.fields import DEEPEST, Fields
from shoptalk.sources.clicks.adapters.reading import columns_of, rows
from shoptalk.sources.clicks.adapters.writing import SEARCHES, SHOWN, Sheet, compose, tables

_SHARED = ("session_id", "user", "ranker", "surface", "device", "is_bot")
_NAMES = (*_SHARED, "searches", "query", "results", "clicks", "ts_ms", "first_position", "doc_id", "dwell_s")


@dataclass(frozen=True)
class Click:
    """One document clicked: the first time, and the longest stay (``None`` where one of its stays was not seen)."""

    ts_ms: int | None = None
    dwell_s: float | None = None

    def and_again(self, other: Click) -> Click:
        """This click and another on the same document."""
        times = [t for t in (self.ts_ms, other.ts_ms) if t is not None]
        stays = (self.dwell_s, other.dwell_s)
        return Click(min(times, default=None), None if None in stays else max(stays))  # type: ignore[type-var]


@dataclass(frozen=True)
class SessionLines:
    """One session a line, ``{"session_id", "user", "ranker", "searches": [...]}``, or one search a line,
    ``{"session_id", "query", "results": [ids], "clicks": [...], "ts_ms", "user", "ranker", ...}``.

    The place of a document in ``results`` is its position, counted from ``first_position`` (1). ``clicks`` are ids,
    objects ``{"doc_id", "ts_ms", "dwell_s"}``, or one 0 or 1 for each result. Times are given for all searches
    or for none; the order of lines then stands for them. What else may stand in a line: ``surface, device,
    is_bot``.

    Attributes:
        columns: names of ours (as above) to those of the files; ``None`` for what is called as here.

    Raises:
        InputError: ``columns`` renames what there is not.
    """

    columns: Mapping[str, str | None] = field(default_factory=dict)
    names: ClassVar[Sequence[str]] = _NAMES
    needs: ClassVar[str] = "sessions: query, results and clicks a line, or searches that hold them"

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", names_given(self.columns, _NAMES))

    def recognises(self, files: Sequence[Path]) -> bool:
        """See ``Adapter``."""
        named = {ours for ours in _NAMES if self.columns.get(ours, ours) in set(columns_of(files[0]))}
        return "searches" in named or {"query", "results", "clicks"} <= named

    def convert(self, files: Sequence[Path], position_base: int | None, folder: Path) -> Converted:
        """See ``Adapter``; ``position_base`` says nothing here, lists have their order."""
        check_base(position_base)
        path = folder / "clicks.parquet"
        with TemporaryDirectory(dir=folder) as scratch:
            sheets = {name: Path(scratch) / f"{name}.parquet" for name in ("searches", "shown")}
            with Sheet(sheets["searches"], SEARCHES) as searches, Sheet(sheets["shown"], SHOWN) as shown:
                reader = _Reader(searches, shown)
                for number, file in enumerate(files):
                    reader.read(number, file, self.columns)
            if not shown.count:
                raise empty(files[0])
            with tables(Path(scratch), sheets) as connection:
                made, told = compose(connection, path, reader.timed or False)
        counts = {"rows_read": reader.counts.pop("rows_read"), "rows_made": made, **reader.counts}
        return Converted((path,), told, some(counts))


class _Reader:
    """Turns lines into searches and what they showed, and counts."""

    def __init__(self, searches: Sheet, shown: Sheet):
        self.searches, self.shown = searches, shown
        self.counts: Counter[str] = Counter()
        self.timed: bool | None = None

    def read(self, file: int, path: Path, columns: Mapping[str, str]) -> None:
        """All lines of one file."""
        for line, values in rows(path):
            self.counts["rows_read"] += 1
            session = Fields(path, line, values, columns)
            searches = _searches(session)
            self.counts["sessions_without_searches"] += not searches
            for nth, search in enumerate(searches):
                self._add(f"{file}-{line}-{nth}", search)

    def _add(self, impression_id: str, search: Fields) -> None:
        for name in ("query", "results", "clicks"):
            search.required(name)
        number, ts_ms = self.searches.count, self._time(search)
        order = number if ts_ms is None else ts_ms
        ids = (search.id(name) for name in ("session_id", "user", "ranker"))
        context = (search.text("surface"), search.text("device"), search.flag("is_bot"))
        self.searches.add(number, impression_id, order, search.text("query") or "", *ids, *context)
        self.counts["searches"] += 1
        self._show(number, search, ts_ms)

    def _show(self, number: int, search: Fields, ts_ms: int | None) -> None:
        results, first = search.ids("results") or [], search.rank("first_position", 1) or 1
        if first + len(results) - 1 > DEEPEST:
            raise search.refused("results", f"reaches position {first + len(results) - 1:,}, beyond {DEEPEST:,}")
        clicks = self._clicks(search, results, ts_ms)
        seen: set[str] = set()
        for position, doc_id in enumerate(results, first):
            if doc_id in seen:
                self.counts["repeated_results"] += 1
                continue
            seen.add(doc_id)
            click = clicks.get(doc_id)
            times = (click.ts_ms, click.dwell_s) if click else (None, None)
            self.shown.add(number, position, doc_id, click is not None, *times, None)
        self.counts["searches_without_results"] += not results

    def _clicks(self, search: Fields, results: list[str], ts_ms: int | None) -> dict[str, Click]:
        shown, clicks = set(results), {}
        for doc_id, click in _told_clicks(search, results):
            if click.ts_ms is not None and (ts_ms is None or click.ts_ms < ts_ms):
                said = "the search has no time of its own" if ts_ms is None else f"lies before the search ({ts_ms})"
                raise search.refused("ts_ms", f"the click on {doc_id!r} at {click.ts_ms}: {said}; mend the times")
            if doc_id not in shown:
                self.counts["clicks_without_impression"] += 1
            elif doc_id in clicks:
                self.counts["repeated_clicks"] += 1
                clicks[doc_id] = clicks[doc_id].and_again(click)
            else:
                clicks[doc_id] = click
        return clicks

    def _time(self, search: Fields) -> int | None:
        found = search.time_ms("ts_ms")
        if self.timed is None:
            self.timed = found is not None
        elif self.timed != (found is not None):
            said = "is missing where other searches have a time" if self.timed else "is given where others have none"
            raise search.refused("ts_ms", f"{said}; give the times of all searches or of none")
        return found


def _searches(session: Fields) -> list[Fields]:
    """The searches of a line, each with what the session says of them all."""
    if not session.has("searches"):
        return [session]
    shared = {session.columns.get(name, name) for name in _SHARED}
    common = {name: value for name, value in session.values.items() if name in shared}
    own = [{n: v for n, v in s.values.items() if n not in shared or v is not None} for s in session.objects("searches")]
    return [session.inner(common | values) for values in own]


def _told_clicks(search: Fields, results: list[str]) -> Iterator[tuple[str, Click]]:
    entries = search.listed("clicks") or []
    if entries and all(_is_flag(entry) for entry in entries):
        named = [str(entry) for entry in entries]
        if not set(named) <= set(results):
            entries = _flagged(search, results, entries)
        elif len(entries) == len(results) and set(named) != set(_flagged(search, results, entries)):
            raise search.refused("clicks", "may be ids or flags, as results are called 0 or 1 too; write ids as texts")
    for entry in entries:
        click = search.inner(entry if isinstance(entry, Mapping) else {search.columns.get("doc_id", "doc_id"): entry})
        doc_id = click.id("doc_id")
        if doc_id is None:
            raise search.refused("clicks", "holds a click without an id")
        yield doc_id, Click(click.time_ms("ts_ms"), click.numeric("dwell_s"))


def _flagged(search: Fields, results: list[str], flags: list[Any]) -> list[str]:
    """The results whose flag is set."""
    if len(flags) != len(results):
        raise search.refused("clicks", f"holds {len(flags)} flags for {len(results)} results; give one for each")
    return [doc_id for doc_id, flag in zip(results, flags, strict=True) if flag]


def _is_flag(entry: Any) -> bool:
    return isinstance(entry, bool | int) and entry in (0, 1)
