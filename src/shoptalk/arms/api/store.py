"""Vectors that endpoints gave, kept on disk one by one, so that nothing is asked or paid for twice."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from shoptalk.cache import Cache, digest_texts

_MANY = 500  # keys of one question to the database


class Vectors:
    """Unit vectors float32 of texts by one model, for one kind; several processes may write at a time.

    Args:
        file: an SQLite database; made where it does not exist.
    """

    def __init__(self, file: Path):
        self.file = file
        with self._open() as base:
            base.execute("CREATE TABLE IF NOT EXISTS vectors (text TEXT PRIMARY KEY, vector BLOB NOT NULL)")

    @classmethod
    def of(cls, cache: Cache, identity: str) -> "Vectors":
        """Those of the model and kind with this identity."""
        return cls(cache.folder("api-vectors", identity, lambda folder: None) / "vectors.sqlite")

    def dimension(self) -> int | None:
        """Length of the vectors; ``None`` while there are none."""
        with self._open() as base:
            row = base.execute("SELECT length(vector) FROM vectors LIMIT 1").fetchone()
        return row and row[0] // 4

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Those of ``texts`` that have no vector, each once, in their order."""
        there: set[str] = set()
        keys = {key(text): text for text in texts}
        with self._open() as base:
            for part, marks in _parts(list(keys)):
                there.update(name for (name,) in base.execute(f"SELECT text FROM vectors WHERE text IN {marks}", part))
        return [text for name, text in keys.items() if name not in there]

    def find(self, texts: Sequence[str], dimension: int) -> Iterator[np.ndarray]:
        """The vectors of ``texts``, float32 [some, dimension], in their order."""
        with self._open() as base:
            for part, marks in _parts([key(text) for text in texts]):
                told = dict(base.execute(f"SELECT text, vector FROM vectors WHERE text IN {marks}", part))
                yield np.frombuffer(b"".join(told[name] for name in part), "<f4").reshape(len(part), dimension)

    def keep(self, texts: Sequence[str], vectors: np.ndarray) -> None:
        """Write vectors; they are safe on disk when this returns."""
        rows = [(key(text), vector.astype("<f4").tobytes()) for text, vector in zip(texts, vectors, strict=True)]
        with self._open() as base, base:
            base.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.file, timeout=60)) as base:
            yield base


def key(text: str) -> str:
    """What a text's vector is kept by."""
    return digest_texts([text])


def _parts(keys: Sequence[str]) -> Iterator[tuple[Sequence[str], str]]:
    for start in range(0, len(keys), _MANY):
        part = keys[start : start + _MANY]
        yield part, f"({','.join('?' * len(part))})"
