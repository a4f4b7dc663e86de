"""The one schema of a click log: one row per impression and document.

Rows may lie in Parquet, CSV or JSON lines (the latter two also gzipped). Whatever the files' own types,
`open_log` gives the columns of `COLUMNS` in their types or says in one sentence which value does not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shoptalk.errors import InputError
from shoptalk.sources.clicks.engine import Engine, format_of

if TYPE_CHECKING:
    import ibis

REQUIRED = {
    "impression_id": "string",
    "ts_ms": "int64",
    "query_raw": "string",
    "doc_id": "string",
    "position": "int16",
    "clicked": "boolean",
}
OPTIONAL = {
    "session_id": "string",
    "user_key": "string",
    "ranker_id": "string",
    "surface": "string",
    "device": "string",
    "viewed": "boolean",
    "click_ts_ms": "int64",
    "dwell_s": "float32",
    "returned_to_serp": "boolean",
    "last_click": "boolean",
    "converted": "boolean",
    "next_query": "string",
    "next_query_gap_s": "float32",
    "propensity": "float32",
    "is_bot": "boolean",
    "weight": "float32",
}
COLUMNS = REQUIRED | OPTIONAL
"""Column to type. ``position`` counts from 1, absolute across pages; times are UTC milliseconds since 1970;
``dwell_s`` is null where it was not seen (the last event), which does not mean short; ``weight`` is how many
impressions a row stands for. A missing optional column reads as null."""

DAY_MS = 86_400_000

_TRUE, _FALSE = ("true", "t", "1", "1.0"), ("false", "f", "0", "0.0")
_LIMIT = {"int16": 2**15, "int64": 2**53}
_SECONDS = (600_000_000, 100_000_000_000)  # from 1989 on, in seconds; as milliseconds: before 1973
_FAR_MS = 100_000_000_000_000  # the year 5138


@dataclass(frozen=True)
class Log:
    """A log in its one schema.

    Attributes:
        table: exactly the columns of ``COLUMNS``. rows: how many. told: the columns that hold a value anywhere.
    """

    table: ibis.Table
    rows: int
    told: frozenset[str]


def open_log(engine: Engine, connection: ibis.BaseBackend, files: Sequence[Path], shift: int = 0) -> Log:
    """The log in ``files``, checked; ``shift`` is added to positions (1 for those that count from 0).

    Raises:
        InputError: a file is missing, unreadable or empty, lacks a required column, or holds a value
            that does not fit its column (the first such row is named).
    """
    raw = _read(engine, connection, files)
    _require_columns(raw, files)
    typed = {c: _converted(raw, c, t) for c, t in COLUMNS.items()}
    typed["position"] = _from_one(typed["position"], shift)
    rows, told = _check(engine, connection, raw, typed, files, shift)
    table = raw.select(**typed)
    return Log(table.mutate(query_raw=table.query_raw.fill_null("")), rows, told)


def _read(engine: Engine, connection: ibis.BaseBackend, files: Sequence[Path]) -> ibis.Table:
    for path in files:
        if not path.is_file():
            raise InputError(f"{path}: there is no such click log; give the path of a Parquet, CSV or JSONL file.")
        if path.stat().st_size == 0:
            raise InputError(f"{path}: the click log is empty.")
        format_of(path)
    table = engine.read(connection, files, list(COLUMNS))
    if format_of(files[0]) != "json":
        return table
    present = table.aggregate(**{c: table[c].notnull().any() for c in REQUIRED if c in table.columns})
    seen = present.to_pyarrow().to_pylist()[0]
    return table.drop(*(c for c, some in seen.items() if not some and c != "query_raw"))


def _require_columns(raw: ibis.Table, files: Sequence[Path]) -> None:
    missing = [c for c in REQUIRED if c not in raw.columns]
    if missing:
        listed = " and ".join(f"'{c}'" for c in missing)
        raise InputError(
            f"{files[0]}: the click log lacks the column{'s' * (len(missing) > 1)} {listed}; rename or add what is "
            f"missing (required: {', '.join(REQUIRED)})."
        )


def _from_one(position: ibis.Value, shift: int) -> ibis.Value:
    # As int64: Ibis leaves a cast to the type it expects out, and Spark's sum of short numbers is no short one.
    return (position.cast("int64") + shift).cast("int16")


def _converted(raw: ibis.Table, column: str, kind: str) -> ibis.Value:
    """The column in its type; null where the value does not fit."""
    import ibis

    if column not in raw.columns:
        return ibis.null(kind)
    value = raw[column]
    if value.type() == ibis.dtype(kind) and kind != "float32":
        return value
    if kind == "string":
        return value.cast("string") if _is_flat(value) else ibis.null("string")
    if kind == "boolean":
        text = value.cast("string").lower()
        return ibis.cases((text.isin(_TRUE), True), (text.isin(_FALSE), False), else_=ibis.null("boolean"))
    if value.type().is_integer() and kind == "int16":
        return ibis.cases((value.abs() < _LIMIT[kind], value.cast(kind)), else_=ibis.null(kind))
    number = value.try_cast("float64") if _is_flat(value) and not value.type().is_temporal() else ibis.null("float64")
    if kind == "float32":
        return ibis.cases((number.abs() < 1e30, number.cast("float32")), else_=ibis.null("float32"))
    whole = (number.abs() < _LIMIT[kind]) & (number == number.floor())
    return ibis.cases((whole, number.try_cast(kind)), else_=ibis.null(kind))


def _is_flat(value: ibis.Value) -> bool:
    kind = value.type()
    return not (kind.is_nested() or kind.is_binary())


def _faults(raw: ibis.Table, typed: dict[str, ibis.Value]) -> dict[str, ibis.BooleanValue]:
    """All that can be wrong with a row, as "column fault" to where it is."""
    given = [c for c in COLUMNS if c in raw.columns]
    faults = {f"{c} unfit": raw[c].notnull() & typed[c].isnull() for c in given if c != "query_raw"}
    faults |= {f"{c} null": raw[c].isnull() for c in REQUIRED if c != "query_raw"}
    faults["position low"] = typed["position"] < 1
    for column in ("ts_ms", "click_ts_ms"):
        if column in given:
            faults[f"{column} seconds"] = (typed[column] >= _SECONDS[0]) & (typed[column] < _SECONDS[1])
            faults[f"{column} far"] = typed[column] >= _FAR_MS
    if "click_ts_ms" in given:
        faults["click_ts_ms early"] = typed["click_ts_ms"] < typed["ts_ms"]
    faults |= {f"{c} negative": typed[c] < 0 for c in ("dwell_s", "next_query_gap_s") if c in given}
    if "weight" in given:
        faults["weight none"] = typed["weight"] <= 0
    return faults


def _check(engine, connection, raw, typed, files, shift) -> tuple[int, frozenset[str]]:
    """One pass that counts rows, values and faults; the first fault is then looked up and told."""
    import ibis

    faults = _faults(raw, typed)
    totals = {name: ibis.ifelse(fault, 1, 0).sum() for name, fault in faults.items()}
    filled = {f"filled {c}": typed[c].notnull().any() for c in COLUMNS if c in raw.columns}
    found = raw.aggregate(rows=raw.count(), **totals, **filled).to_pyarrow().to_pylist()[0]
    rows = found.pop("rows")
    if rows == 0:
        raise InputError(f"{files[0]}: the click log is empty.")
    for name in faults:
        if found[name]:
            raise InputError(_sentence(engine, connection, files, name, shift))
    return rows, frozenset(c for c in COLUMNS if found.get(f"filled {c}"))


_MEND = {
    "unfit": "{value!r} is not a valid {kind}",
    "null": "the value is missing; every row needs one",
    "low": "position {value} is below 1; positions count from 1, so set position_base=0 for a log that counts from 0",
    "seconds": "{value} looks like seconds; times are milliseconds since 1970, so multiply by 1000",
    "far": "{value} is too far in the future for milliseconds since 1970; divide micro- or nanoseconds down",
    "early": "{value} lies before ts_ms of its row; a click cannot come before the list was shown",
    "negative": "{value} is negative; seconds are 0 or more, and empty where they were not seen",
    "none": "weight {value} must be above 0: it is the number of impressions that the row stands for",
}


def _sentence(engine: Engine, connection, files: Sequence[Path], name: str, shift: int) -> str:
    """About the first row with this fault, in the first file that has one."""
    import ibis

    column, fault = name.split(" ", 1)
    for path in files:
        raw = _read(engine, connection, [path])
        typed = {c: _converted(raw, c, t) for c, t in COLUMNS.items()}
        typed["position"] = _from_one(typed["position"], shift)
        where = _faults(raw, typed).get(name)
        if where is None:
            continue
        numbered = raw.mutate(_row=ibis.row_number() + 1, _fault=where)
        first = numbered.filter(numbered._fault).order_by("_row").limit(1)
        for row in first.select("_row", value=first[column]).to_pyarrow().to_pylist():
            value = row["value"]
            shown = value if not isinstance(value, str) or len(value) <= 60 else value[:60] + "…"
            place = f"{path}, row {row['_row']}, column '{column}'"
            return f"{place}: {_MEND[fault].format(value=shown, kind=COLUMNS[column])}."
    return f"{files[0]}, column '{column}': {_MEND[fault].format(value='a value', kind=COLUMNS[column])}."
