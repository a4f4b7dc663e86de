"""Many texts as token ids laid end to end, so that nothing loops over tokens or texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

_AT_ONCE = 1000
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Ragged:
    """n texts of different lengths.

    Attributes:
        values: int32 [t], the token ids of all texts.
        offsets: int64 [n + 1]; text i is ``values[offsets[i]:offsets[i + 1]]``.
    """

    values: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[Sequence[int]]) -> Ragged:
        """From one sequence of ids per text."""
        offsets = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum([len(text) for text in texts], out=offsets[1:])
        values = np.concatenate([np.asarray(text, dtype=np.int32) for text in texts]) if len(texts) else []
        return cls(np.asarray(values, dtype=np.int32), offsets)

    @classmethod
    def coded(cls, code: Callable[[Sequence[T]], Sequence[Sequence[int]]], texts: Sequence[T]) -> Ragged:
        """What ``code`` makes of ``texts``, some at a time: a tokenizer holds far more of a text than its ids."""
        parts = [cls.of(code(texts[start : start + _AT_ONCE])) for start in range(0, len(texts), _AT_ONCE)]
        return cls.joined(parts) if parts else cls.of([])

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        if not 0 <= row < len(self):
            raise IndexError(row)
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[row] for row in range(len(self)))

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each text, int64 [n]."""
        return np.diff(self.offsets)

    def take(self, rows: Sequence[int] | np.ndarray) -> Ragged:
        """The texts at ``rows``, in that order."""
        rows = np.asarray(rows, dtype=np.int64)
        lengths = self.lengths[rows]
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        places = np.repeat(self.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Ragged(self.values[places], offsets)

    def padded(self, pad_id: int, side: str = "right") -> tuple[np.ndarray, np.ndarray]:
        """Ids and mask, both int64 [n, w], w the longest text (at least 1)."""
        lengths = self.lengths[:, None]
        width = max(1, int(lengths.max(initial=0)))
        column = np.arange(width)
        mask = column >= width - lengths if side == "left" else column < lengths
        ids = np.full(mask.shape, pad_id, dtype=np.int64)
        ids[mask] = self.values
        return ids, mask.astype(np.int64)

    @staticmethod
    def joined(parts: Sequence[Ragged]) -> Ragged:
        """The texts of all parts, one part behind the other."""
        shifts = np.cumsum([0, *(len(part.values) for part in parts)])
        offsets = [
            np.zeros(1, np.int64),
            *(part.offsets[1:] + shift for part, shift in zip(parts, shifts, strict=False)),
        ]
        return Ragged(np.concatenate([part.values for part in parts]), np.concatenate(offsets))

    def write(self, path: Path) -> None:
        """As an Arrow file with one column of lists."""
        import pyarrow as pa

        column = pa.LargeListArray.from_arrays(self.offsets, pa.array(self.values, pa.int32()))
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, pa.schema([("ids", column.type)])) as writer:
            writer.write_table(pa.table({"ids": column}))

    @classmethod
    def read(cls, path: Path) -> Ragged:
        """What ``write`` wrote, memory-mapped: only what is looked at is loaded."""
        import pyarrow as pa

        column = pa.ipc.open_file(pa.memory_map(str(path))).read_all()["ids"]
        part = column.chunk(0) if column.num_chunks else pa.array([], pa.large_list(pa.int32()))
        return cls(part.values.to_numpy(), part.offsets.to_numpy())
