"""The one schema of a click log: one row per impression and document.

Rows may lie in Parquet, CSV or JSON lines (the latter two also gzipped). Whatever the file's own types,
`open_log` gives the columns of `COLUMNS` in their types or says in one sentence which value does not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shoptalk.errors import InputError

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
``dwell_s`` is null where it was not seen (the last event), which does not mean short. A missing optional
column reads as null."""

_TRUE, _FALSE = ("true", "t", "1", "1.0"), ("false", "f", "0", "0.0")
_LIMIT = {"int16": 2**15, "int64": 2**53}


@dataclass(frozen=True)
class Engine:
    """How DuckDB may work: ``threads`` (``None``: all), ``memory`` beyond which it spills to ``spill``.

    Raises:
        InputError: ``threads`` is below 1.
    """

    threads: int | None = None
    memory: str = "2GB"
    spill: str | None = None

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise InputError(f"engine.threads is {self.threads}; it must be at least 1, or null for all cores.")

    def connect(self) -> ibis.BaseBackend:
        """A fresh DuckDB in memory that fetches nothing from the network."""
        import duckdb
        import ibis

        options: dict[str, Any] = {"memory_limit": self.memory, "autoinstall_known_extensions": False}
        if self.threads is not None:
            options["threads"] = self.threads
        if self.spill is not None:
            options["temp_directory"] = self.spill
        try:
            return ibis.duckdb.connect(**options)
        except duckdb.Error as error:
            raise InputError(f"engine: DuckDB refuses {options} ({first_line(error)}).") from error


def open_log(connection: ibis.BaseBackend, path: Path) -> ibis.Table:
    """The log at ``path`` with exactly the columns of `COLUMNS`, checked.

    Raises:
        InputError: the file is missing, unreadable or empty, lacks a required column, or holds a value
            that does not fit its column (the first such row is named).
    """
    import duckdb

    try:
        raw = _read(connection, path)
        _require_columns(raw, path)
        typed = raw.select(**{c: _converted(raw, c, t) for c, t in COLUMNS.items()})
        _check(raw, typed, path)
    except duckdb.Error as error:
        raise InputError(f"{path}: cannot be read as a click log ({first_line(error)}).") from error
    return typed.mutate(query_raw=typed.query_raw.fill_null(""))


def _read(connection: ibis.BaseBackend, path: Path) -> ibis.Table:
    if not path.is_file():
        raise InputError(f"{path}: there is no such click log; give the path of a Parquet, CSV or JSONL file.")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the click log is empty.")
    name = path.name.lower().removesuffix(".gz")
    for suffixes, reader in _READERS.items():
        if name.endswith(suffixes):
            return reader(connection, str(path))
    raise InputError(f"{path}: a click log ends in .parquet, .csv or .jsonl (the latter two may end in .gz).")


def _read_json(connection: ibis.BaseBackend, path: str) -> ibis.Table:
    text = dict.fromkeys(COLUMNS, "VARCHAR")
    table = connection.read_json(path, columns=text, format="newline_delimited")
    present = table.aggregate(**{c: table[c].notnull().any() for c in REQUIRED}).to_pyarrow().to_pylist()[0]
    return table.drop(*(c for c, seen in present.items() if not seen and c != "query_raw"))


_READERS: dict[tuple[str, ...], Callable[[ibis.BaseBackend, str], ibis.Table]] = {
    (".parquet", ".pq"): lambda connection, path: connection.read_parquet(path),
    (".csv", ".tsv"): lambda connection, path: connection.read_csv(path, all_varchar=True, header=True),
    (".jsonl", ".ndjson", ".json"): _read_json,
}


def _require_columns(raw: ibis.Table, path: Path) -> None:
    missing = [c for c in REQUIRED if c not in raw.columns]
    if missing:
        listed = " and ".join(f"'{c}'" for c in missing)
        raise InputError(
            f"{path}: the click log lacks the column{'s' * (len(missing) > 1)} {listed}; rename or add what is missing "
            f"(required: {', '.join(REQUIRED)})."
        )


def _converted(raw: ibis.Table, column: str, kind: str) -> ibis.Value:
    """The column in its type; null where the value does not fit."""
    import ibis

    if column not in raw.columns:
        return ibis.null(kind)
    value = raw[column]
    if kind == "string":
        return value.cast("string") if _is_flat(value) else ibis.null("string")
    if kind == "boolean":
        text = value.cast("string").lower()
        return ibis.cases((text.isin(_TRUE), True), (text.isin(_FALSE), False), else_=ibis.null("boolean"))
    number = value.try_cast("float64") if _is_flat(value) and not value.type().is_temporal() else ibis.null("float64")
    if kind == "float32":
        return ibis.cases((number.abs() < 1e30, number.cast("float32")), else_=ibis.null("float32"))
    whole = (number.abs() < _LIMIT[kind]) & (number == number.floor())
    return ibis.cases((whole, number.try_cast(kind)), else_=ibis.null(kind))


def _is_flat(value: ibis.Value) -> bool:
    kind = value.type()
    return not (kind.is_nested() or kind.is_binary())


def _check(raw: ibis.Table, typed: ibis.Table, path: Path) -> None:
    """One pass that counts rows and faults; the first fault is then looked up and told."""
    import ibis

    faults = {f"{c} unfit": (raw[c].notnull() & _converted(raw, c, COLUMNS[c]).isnull()) for c in _present(raw)}
    faults |= {f"{c} null": raw[c].isnull() for c in REQUIRED if c != "query_raw"}
    faults["position low"] = _converted(raw, "position", "int16") < 1
    if "weight" in raw.columns:
        faults["weight not 1"] = _converted(raw, "weight", "float32") != 1
    totals = {name: ibis.ifelse(fault, 1, 0).sum() for name, fault in faults.items()}
    found = raw.aggregate(rows=raw.count(), **totals).to_pyarrow().to_pylist()[0]
    if found.pop("rows") == 0:
        raise InputError(f"{path}: the click log is empty.")
    for name, count in found.items():
        if count:
            column, fault = name.split(" ", 1)
            raise InputError(_sentence(raw, path, column, fault, faults[name]))


def _present(raw: ibis.Table) -> list[str]:
    return [c for c in COLUMNS if c in raw.columns]


_MEND = {
    "unfit": "{value!r} is not a valid {kind}",
    "null": "the value is missing; every row needs one",
    "low": "position {value} is below 1; positions count from 1, so add 1 to a log that counts from 0",
    "not 1": "weight {value}: a row must stand for one impression, not for an aggregate of them",
}


def _sentence(raw: ibis.Table, path: Path, column: str, fault: str, where: ibis.BooleanValue) -> str:
    import ibis

    numbered = raw.mutate(_row=ibis.row_number() + 1, _fault=where)
    first = numbered.filter(numbered._fault).order_by("_row").limit(1)
    row = first.select("_row", value=first[column]).to_pyarrow().to_pylist()[0]
    place = f"{path}, row {row['_row']}, column '{column}'"
    value = row["value"]
    shown = value if not isinstance(value, str) or len(value) <= 60 else value[:60] + "…"
    return f"{place}: {_MEND[fault].format(value=shown, kind=COLUMNS[column])}."


def first_line(error: Exception) -> str:
    """What an engine's error says, short enough for a sentence."""
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
