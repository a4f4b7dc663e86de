"""Rows of the user's own files, each with its place, whatever the format."""

import csv
import glob
import gzip
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shoptalk.errors import InputError, at

Placed = tuple[Path, int, dict[str, object]]
"""File, line (text formats) or row (Parquet) counted from 1, and the values by column."""


def files(pattern: str) -> list[Path]:
    """The files that ``pattern`` names, sorted.

    Raises:
        InputError: none, or one of a format that is not read.
    """
    found = sorted(Path(p) for p in glob.glob(str(pattern), recursive=True) if Path(p).is_file())
    found = found or [Path(pattern)] * Path(pattern).is_file()
    if not found:
        raise InputError(f"{pattern}: no such file; give the path of a file or a glob that matches one.")
    for path in found:
        if _format(path) not in READERS:
            known = ", ".join(READERS)
            raise InputError(f"{path}: '{_format(path)}' files are not read; give {known} (text also .gz).")
    return found


def read(path: Path) -> Iterator[Placed]:
    """The rows of one file, in order.

    Raises:
        InputError: the file cannot be read, with the line at fault.
    """
    try:
        yield from READERS[_format(path)](path)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8.") from error
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: the file cannot be read ({error}).") from error


def _format(path: Path) -> str:
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _text(path: Path) -> io.TextIOBase:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return open(path, encoding="utf-8-sig", newline="")


def _jsonl(path: Path) -> Iterator[Placed]:
    with _text(path) as handle:
        for line, raw in enumerate(handle, 1):
            if not raw.strip():
                continue
            try:
                row = json.loads(raw)
            except (json.JSONDecodeError, RecursionError) as error:
                raise InputError(f"{at(path, line)}: not valid JSON ({error}); mend or remove the line.") from error
            if not isinstance(row, dict):
                raise InputError(f"{at(path, line)}: not a JSON object; write one object with named values a line.")
            yield path, line, row


def _separated(by: str) -> Callable[[Path], Iterator[Placed]]:
    def rows(path: Path) -> Iterator[Placed]:
        with _text(path) as handle:
            reader = csv.reader(handle, delimiter=by, strict=True)
            try:
                header = next(reader, [])
                for values in reader:
                    if not values:
                        continue
                    if len(values) != len(header):
                        raise InputError(
                            f"{at(path, reader.line_num)}: {len(values)} values under {len(header)} column names; "
                            "quote values that hold the separator."
                        )
                    yield path, reader.line_num, dict(zip(header, values, strict=True))
            except csv.Error as error:
                raise InputError(f"{at(path, reader.line_num)}: not valid CSV ({error}); mend the line.") from error

    return rows


def _parquet(path: Path) -> Iterator[Placed]:
    import polars as pl

    try:
        table = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]}).") from error
    for row, values in enumerate(table.iter_rows(named=True), 1):
        yield path, row, values


csv.field_size_limit(2**31 - 1)  # documents may be longer than the 131,072 characters csv allows

READERS: dict[str, Callable[[Path], Iterator[Placed]]] = {
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
    ".parquet": _parquet,
}


@dataclass(frozen=True)
class Row:
    """One row and its place; values by the source's names for the columns, which ``columns`` maps to the file's."""

    path: Path
    line: int
    values: Mapping[str, object]
    columns: Mapping[str, str]

    def at(self, column: str | None = None) -> str:
        """The place, for a message."""
        return at(self.path, self.line, column and self.columns[column])

    def has(self, column: str) -> bool:
        """Whether the row has the column, filled or not."""
        return self.columns[column] in self.values

    def text(self, column: str, needed: bool = False) -> str:
        """A trimmed text, empty where there is none; ``InputError`` for another type or a needed column missing."""
        if needed and not self.has(column):
            raise InputError(f"{self.at(column)}: is missing; add it or name yours with columns.{column}.")
        value = self.values.get(self.columns[column])
        if isinstance(value, int) and not isinstance(value, bool) and column == "doc_id":
            value = str(value)
        if value is not None and not isinstance(value, str):
            raise InputError(f"{self.at(column)}: {str(value)[:60]} is not a text; write it as one.")
        return " ".join((value or "").split()) if column == "query" else (value or "").strip()

    def number(self, column: str) -> float | None:
        """A finite number, ``None`` where there is none; ``InputError`` for anything else."""
        value = self.values.get(self.columns[column])
        if value is None or value == "":
            return None
        try:
            number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not abs(number) < 1e38:
            raise InputError(f"{self.at(column)}: {value!r} is not a finite number; mend it or leave it empty.")
        return number

    def entries(self, column: str) -> list[str]:
        """A list of texts, given as one or as JSON; empty where there is none."""
        value = self.values.get(self.columns[column])
        if value is None or value == "":
            return []
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (json.JSONDecodeError, RecursionError):
                raise InputError(f'{self.at(column)}: is not a JSON list; write it as ["id", "…"].') from None
        if not isinstance(value, list):
            raise InputError(f"{self.at(column)}: is not a list; give a list of ids or texts.")
        entries = [str(v) if isinstance(v, int) and not isinstance(v, bool) else v for v in value]
        if not all(isinstance(e, str) and e.strip() for e in entries):
            raise InputError(f"{self.at(column)}: holds an entry that is not a text; give ids or texts.")
        return [e.strip() for e in entries]
