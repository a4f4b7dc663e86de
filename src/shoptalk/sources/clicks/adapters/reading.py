"""Rows of a log's files with their places, a bounded part of a file at a time, whatever the format.

A place is a line of JSON lines, and a row of data, counted from 1, of CSV and Parquet.
"""

from __future__ import annotations

import gzip
import itertools
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from shoptalk.errors import InputError, at
from shoptalk.sources.clicks.adapters.adapter import empty
from shoptalk.sources.clicks.engine import first_line, format_of

BATCH = 200_000  # rows
_BLOCK = 1 << 24  # bytes of CSV
_FAILURES = (OSError, EOFError, ValueError, OverflowError, zlib.error, pa.ArrowException, pl.exceptions.PolarsError)
_RAGGED = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")
_LINES = 50_000  # of JSON that are held at a time
_LOOK = 100  # of them that are looked at for the names of columns


def place(path: Path, number: int, column: str | None = None) -> str:
    """The head of a message about one value."""
    if format_of(path) == "json":
        return at(path, number, column)
    return f"{path}, row {number}" + (f", column '{column}'" if column else "")


def columns_of(path: Path) -> list[str]:
    """The names of a file's columns; of JSON lines, the names in the first hundred lines.

    Raises:
        InputError: the file is empty or cannot be read, or two columns share a name.
    """
    if path.stat().st_size == 0:
        raise empty(path)
    with _refusing(path):
        if format_of(path) == "json":
            names = list(dict.fromkeys(name for _, row in itertools.islice(_lines(path), _LOOK) for name in row))
        elif format_of(path) == "csv":
            with _csv(path) as reader:
                names = reader.schema.names
        else:
            names = pq.read_schema(path).names
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{path}: two columns are called '{_short(twice)}'; rename or remove one.")
    return names


def columns_shown(path: Path) -> str:
    """The first names, for a message."""
    return ", ".join(map(_short, columns_of(path)[:20]))


def rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Place and values by column, in order; values of CSV are texts.

    Raises:
        InputError: the file cannot be read.
    """
    if format_of(path) == "json":
        with _refusing(path):
            yield from _lines(path)
        return
    number = 0
    for batch in batches(path, columns_of(path)):
        with _refusing(path):
            for row in batch.iter_rows(named=True):
                number += 1
                yield number, row


def batches(path: Path, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """``columns`` of some rows at a time, in order; numbers of JSON lines and all of CSV as text.

    Raises:
        InputError: the file cannot be read, or holds a list or an object in a line of JSON.
    """
    with _refusing(path):
        if format_of(path) == "json":
            yield from _text_batches(path, columns)
        elif format_of(path) == "csv":
            with _csv(path, columns) as reader:
                for batch in reader:
                    yield pl.from_arrow(batch)
        else:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(BATCH):
                    yield pl.from_arrow(batch.select(list(columns)))


def parsed(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is not JSON, or holds half a character (a lone surrogate), which no file can hold.
    """
    try:
        value = json.loads(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("too deeply nested") from error
    return value


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with gzip.open(path) if path.suffix.lower() == ".gz" else open(path, "rb") as handle:
        for line, raw in enumerate(handle, 1):
            if not raw.strip():
                continue
            try:
                row = parsed(raw.decode("utf-8-sig"))
            except ValueError as error:
                raise InputError(
                    f"{at(path, line)}: not valid JSON ({_short(error)}); mend or remove the line."
                ) from error
            if not isinstance(row, dict):
                raise InputError(f"{at(path, line)}: not a JSON object; write one object with named values a line.")
            yield line, row


def _text_batches(path: Path, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    lines = _lines(path)
    while some := list(itertools.islice(lines, _LINES)):
        texts = {c: [_scalar(path, line, c, row.get(c)) for line, row in some] for c in columns}
        yield pl.DataFrame(texts, schema=dict.fromkeys(columns, pl.String))


def _scalar(path: Path, line: int, column: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        raise InputError(f"{at(path, line, column)}: is a list or an object; write one text or number.")
    return str(value) if type(value) is int else json.dumps(value)


@contextmanager
def _csv(path: Path, columns: Sequence[str] = ()) -> Iterator[pc.CSVStreamingReader]:
    """``columns`` as texts, null where nothing stands."""
    source = pa.OSFile(str(path))
    if path.suffix.lower() == ".gz":
        source = pa.CompressedInputStream(source, "gzip")
    separator = "\t" if path.name.lower().removesuffix(".gz").endswith(".tsv") else ","
    try:
        with pc.open_csv(
            source,
            pc.ReadOptions(block_size=_BLOCK, use_threads=False),  # threads would forget the numbers of bad rows
            pc.ParseOptions(delimiter=separator, newlines_in_values=True),
            pc.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()),
                include_columns=list(columns),
                null_values=[""],
                strings_can_be_null=True,
            ),
        ) as reader:
            yield reader
    except pa.ArrowInvalid as error:
        ragged = _RAGGED.search(str(error))
        if ragged is None:
            raise
        row, expected, found = map(int, ragged.groups())  # the header is a row, too
        raise InputError(
            f"{place(path, row - 1)}: {found} values under {expected} column names; quote values that hold the "
            "separator."
        ) from error


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except _FAILURES as error:
        raise InputError(f"{path}: the file cannot be read ({_short(error)}).") from error


def _short(said: Exception | str) -> str:
    """One line of 120 characters at most."""
    text = said if isinstance(said, str) else first_line(said)
    return " ".join(text.split())[:120]
