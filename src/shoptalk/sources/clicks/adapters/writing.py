"""Parquet files written a bounded part at a time, and the one schema put together from lists and what they showed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from shoptalk.errors import InputError
from shoptalk.sources.clicks.adapters.reading import BATCH
from shoptalk.sources.clicks.engine import first_line
from shoptalk.sources.clicks.log import COLUMNS

_KINDS = {
    "string": pa.string(), "int64": pa.int64(), "int16": pa.int16(), "boolean": pa.bool_(), "float32": pa.float32()
}  # fmt: skip
_MEMORY = "2GB"

SEARCHES = {
    "search": "int64",
    **{c: COLUMNS[c] for c in ("impression_id", "ts_ms", "query_raw", "session_id", "user_key")},
    **{c: COLUMNS[c] for c in ("ranker_id", "surface", "device", "is_bot")},
}
"""A search: its number in the order of the log, and what is said of all its rows."""
SHOWN = {
    "search": "int64",
    **{c: COLUMNS[c] for c in ("position", "doc_id", "clicked", "click_ts_ms", "dwell_s", "converted")},
}
"""A document in the results of a search."""


def schema(columns: dict[str, str]) -> pa.Schema:
    """Columns and their types by the names that ``log.COLUMNS`` uses."""
    return pa.schema([(name, _KINDS[kind]) for name, kind in columns.items()])


class Sheet:
    """A Parquet file that is written row by row; used as a context."""

    def __init__(self, path: Path, columns: dict[str, str]):
        self.path, self.schema, self.count = path, schema(columns), 0
        self._rows: list[tuple[object, ...]] = []

    def add(self, *values: object) -> None:
        """One row, its values in the order of the columns."""
        self._rows.append(values)
        self.count += 1
        if len(self._rows) == BATCH:
            self._flush()

    def __enter__(self) -> Sheet:
        self._writer = pq.ParquetWriter(self.path, self.schema, compression="zstd")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        if kind is None:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            arrays = [
                pa.array(values, field.type)
                for values, field in zip(zip(*self._rows, strict=True), self.schema, strict=True)
            ]
            self._writer.write_batch(pa.record_batch(arrays, schema=self.schema))
            self._rows = []


@contextmanager
def tables(folder: Path, sheets: dict[str, Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB over ``sheets`` by name; what does not fit into memory goes to ``folder`` for a while.

    Raises:
        InputError: memory or disk are full.
    """
    connection = duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": str(folder / "spill")})
    try:
        for name, path in sheets.items():
            connection.register(name, ds.dataset(path))
        yield connection
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        raise InputError(
            f"{folder}: the click log cannot be put together there ({first_line(error)}); free disk space or memory."
        ) from error
    finally:
        connection.close()


_COMPOSED = """
SELECT impression_id, ts_ms, query_raw, doc_id, position, clicked, session_id, user_key, ranker_id, surface, device,
       click_ts_ms, dwell_s, converted, next_query, next_query_gap_s, is_bot
FROM shown JOIN (
    SELECT *, lead(query_raw) OVER following AS next_query,
           CASE WHEN $timed THEN ((lead(ts_ms) OVER following - ts_ms) / 1000)::FLOAT END AS next_query_gap_s
    FROM searches WHERE session_id IS NOT NULL WINDOW following AS (PARTITION BY session_id ORDER BY ts_ms, search)
    UNION ALL BY NAME SELECT * FROM searches WHERE session_id IS NULL
) USING (search)
ORDER BY search, position, doc_id
"""


def compose(connection: duckdb.DuckDBPyConnection, path: Path, timed: bool) -> tuple[int, frozenset[str]]:
    """Tables ``searches`` (`SEARCHES`) and ``shown`` (`SHOWN`) as one Parquet file in the schema of a log.

    What was searched next follows from sessions; ``timed``: whether ``ts_ms`` is a time, not just an order.

    Returns:
        How many rows, and the columns that hold values of the log's own.
    """
    rows, filled = 0, set()
    reader = pa.RecordBatchReader.from_stream(connection.sql(_COMPOSED, params={"timed": timed}))
    target = schema({name: COLUMNS[name] for name in reader.schema.names})
    with pq.ParquetWriter(path, target, compression="zstd") as writer:
        for batch in reader:
            writer.write_table(pa.Table.from_batches([batch]).cast(target), row_group_size=BATCH)
            rows += batch.num_rows
            filled |= {name for name in batch.schema.names if batch[name].null_count < batch.num_rows}
    return rows, frozenset(filled - (set() if timed else {"ts_ms"}))
