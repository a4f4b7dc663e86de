"""Rows by key in an SQLite file: what was paid for is kept one by one."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

_MANY = 500  # keys of one question to the database


class Keyed:
    """One table whose first column, the key, is of each row its own; several processes may write at a time.

    Args:
        file: an SQLite database; made where it does not exist.
        table: its name.
        columns: their names, the key first, and the type of each in SQLite's words.
    """

    def __init__(self, file: Path, table: str, columns: dict[str, str]):
        self.file, self.table, self.key, self.width = file, table, next(iter(columns)), len(columns)
        told = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        with self._open() as base:
            base.execute(f"CREATE TABLE IF NOT EXISTS {table} ({told})")

    def find(self, keys: Sequence[str], columns: str) -> Iterator[tuple[Sequence[str], list[tuple]]]:
        """Some of ``keys`` after the others, and ``columns`` of those of their rows that are there."""
        with self._open() as base:
            for start in range(0, len(keys), _MANY):
                part = keys[start : start + _MANY]
                marks = ",".join("?" * len(part))
                wanted = f"SELECT {columns} FROM {self.table} WHERE {self.key} IN ({marks})"
                yield part, base.execute(wanted, part).fetchall()

    def any(self, columns: str) -> tuple | None:
        """``columns`` of some row; ``None`` where there is none."""
        with self._open() as base:
            return base.execute(f"SELECT {columns} FROM {self.table} LIMIT 1").fetchone()

    def keep(self, parts: Iterable[Sequence[tuple]]) -> None:
        """Write rows, each part of them safe on disk before the next is taken; a key that is there keeps its row."""
        wanted = f"INSERT OR IGNORE INTO {self.table} VALUES ({','.join('?' * self.width)})"
        with self._open() as base:
            for part in parts:
                with base:
                    base.executemany(wanted, part)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.file, timeout=60)) as base:
            yield base
