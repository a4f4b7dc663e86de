"""Who does the tabular work: the same Ibis expressions on DuckDB, out of core on one machine, or on Spark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from shoptalk.errors import InputError

if TYPE_CHECKING:
    import ibis


class Engine(Protocol):
    """Opens a connection of Ibis and reads files with it."""

    def connect(self) -> ibis.BaseBackend:
        """A fresh connection."""
        ...

    def read(self, connection: ibis.BaseBackend, files: Sequence[Path], text: Sequence[str]) -> ibis.Table:
        """The rows of ``files``, all of one format, in their own types (Parquet) or as text; ``text`` are the
        columns wanted of a format without a header."""
        ...

    def kept(self, connection: ibis.BaseBackend, name: str, table: ibis.Table) -> ibis.Table:
        """``table``, worked out once and kept until the connection goes."""
        ...

    def write(self, connection: ibis.BaseBackend, table: ibis.Table, path: Path) -> None:
        """``table`` as one Parquet file."""
        ...

    def number(self, text: ibis.StringValue) -> ibis.IntegerValue:
        """64 bits that stand for ``text``."""
        ...

    def errors(self) -> tuple[type[Exception], ...]:
        """What this engine raises when it cannot go on."""
        ...

    def complaint(self, error: Exception) -> str:
        """What ``error`` says, short enough for a sentence."""
        ...


@dataclass(frozen=True)
class DuckDB:
    """DuckDB in this process.

    Attributes:
        threads: ``None`` for all cores. memory: beyond it, work goes to disk. spill: the folder for that;
            ``None`` for DuckDB's own choice.

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
        """DuckDB in memory, which fetches nothing from the network and keeps times in UTC."""
        import duckdb
        import ibis

        options: dict[str, Any] = {
            "memory_limit": self.memory,
            "autoinstall_known_extensions": False,
        }
        if self.threads is not None:
            options["threads"] = self.threads
        if self.spill is not None:
            options["temp_directory"] = self.spill
        try:
            return ibis.duckdb.connect(**options)
        except duckdb.Error as error:
            raise InputError(f"engine: DuckDB refuses {options} ({first_line(error)}).") from error

    def read(self, connection: ibis.BaseBackend, files: Sequence[Path], text: Sequence[str]) -> ibis.Table:
        """Columns are matched by name from file to file."""
        paths, kind = [str(f) for f in files], format_of(files[0])
        if kind == "parquet":
            return connection.read_parquet(paths, union_by_name=True)
        if kind == "csv":
            return connection.read_csv(paths, all_varchar=True, header=True, union_by_name=True)
        return connection.read_json(paths, columns=dict.fromkeys(text, "VARCHAR"), format="newline_delimited")

    def kept(self, connection: ibis.BaseBackend, name: str, table: ibis.Table) -> ibis.Table:
        """As a temporary table."""
        return connection.create_table(name, table, temp=True)

    def write(self, connection: ibis.BaseBackend, table: ibis.Table, path: Path) -> None:
        """In bounded memory."""
        connection.to_parquet(table, path)

    def number(self, text: ibis.StringValue) -> ibis.IntegerValue:
        """DuckDB's own hash."""
        return text.hash()

    def errors(self) -> tuple[type[Exception], ...]:
        """All that DuckDB raises."""
        import duckdb

        return (duckdb.Error,)

    def complaint(self, error: Exception) -> str:
        """Memory is the one thing the user can mend."""
        import duckdb

        if isinstance(error, duckdb.OutOfMemoryException):
            return f"engine.memory={self.memory} is too little for this log; raise it"
        return first_line(error)


_FORMATS = {
    (".parquet", ".pq"): "parquet",
    (".csv", ".tsv"): "csv",
    (".jsonl", ".ndjson", ".json"): "json",
}


def format_of(path: Path) -> str:
    """``parquet``, ``csv`` or ``json``, by the file's name.

    Raises:
        InputError: it has another ending.
    """
    name = path.name.lower().removesuffix(".gz")
    for suffixes, kind in _FORMATS.items():
        if name.endswith(suffixes):
            return kind
    raise InputError(f"{path}: a click log ends in .parquet, .csv or .jsonl (the latter two may end in .gz).")


def first_line(error: Exception) -> str:
    """What an engine's error says, short enough for a sentence."""
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
