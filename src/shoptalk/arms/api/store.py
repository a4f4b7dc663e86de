"""Vectors that endpoints gave, kept on disk one by one, so that nothing is asked or paid for twice."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from shoptalk.cache import Cache, digest_texts
from shoptalk.keyed import Keyed


class Vectors:
    """Unit vectors float32 of texts by one model, for one kind; several processes may write at a time.

    Args:
        file: an SQLite database; made where it does not exist.
    """

    def __init__(self, file: Path):
        self._kept = Keyed(file, "vectors", {"text": "TEXT PRIMARY KEY", "vector": "BLOB NOT NULL"})

    @classmethod
    def of(cls, cache: Cache, identity: str) -> "Vectors":
        """Those of the model and kind with this identity."""
        return cls(cache.folder("api-vectors", identity, lambda folder: None) / "vectors.sqlite")

    def dimension(self) -> int | None:
        """Length of the vectors; ``None`` while there are none."""
        row = self._kept.any("length(vector)")
        return row and row[0] // 4

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Those of ``texts`` that have no vector, each once, in their order."""
        keys = {key(text): text for text in texts}
        there = {name for _, rows in self._kept.find(list(keys), "text") for (name,) in rows}
        return [text for name, text in keys.items() if name not in there]

    def find(self, texts: Sequence[str], dimension: int) -> Iterator[np.ndarray]:
        """The vectors of ``texts``, float32 [some, dimension], in their order."""
        for part, rows in self._kept.find([key(text) for text in texts], "text, vector"):
            told = dict(rows)
            yield np.frombuffer(b"".join(told[name] for name in part), "<f4").reshape(len(part), dimension)

    def keep(self, texts: Sequence[str], vectors: np.ndarray) -> None:
        """Write vectors; they are safe on disk when this returns."""
        pairs = zip(texts, vectors, strict=True)
        self._kept.keep([[(key(text), vector.astype("<f4").tobytes()) for text, vector in pairs]])


def key(text: str) -> str:
    """What a text's vector is kept by."""
    return digest_texts([text])
