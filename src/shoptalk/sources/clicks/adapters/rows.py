"""Logs that are in the one schema already."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from shoptalk.sources.clicks.adapters.adapter import Converted, check_base, undecided
from shoptalk.sources.clicks.adapters.reading import batches, columns_of
from shoptalk.sources.clicks.log import COLUMNS, REQUIRED


@dataclass(frozen=True)
class Rows:
    """One row per impression and document, columns as in ``log.COLUMNS``. Files are left as they are; values are
    checked, and rows counted, when the log is opened."""

    needs: ClassVar[str] = f"rows: {', '.join(REQUIRED)}"

    def recognises(self, files: Sequence[Path]) -> bool:
        """See ``Adapter``."""
        return {"impression_id", "doc_id", "clicked"} <= set(columns_of(files[0]))

    def convert(self, files: Sequence[Path], position_base: int | None, folder: Path) -> Converted:
        """See ``Adapter``."""
        check_base(position_base)
        ranked = [path for path in files if "position" in columns_of(path)]
        if position_base is None and ranked:
            raise undecided(files[0], "position", _smallest(ranked))
        told = {c for path in files for c in columns_of(path)} & set(COLUMNS)
        shift = 1 if position_base == 0 else 0
        return Converted(tuple(files), frozenset(told), position_shift=shift)


def _smallest(files: Sequence[Path]) -> int | None:
    found = [smallest_whole(batch["position"]) for path in files for batch in batches(path, ["position"])]
    return min((n for n in found if n is not None), default=None)


def smallest_whole(column: pl.Series) -> int | None:
    """The smallest whole number in a column of numbers or texts."""
    if column.dtype.is_nested() or column.dtype in (pl.Boolean, pl.Binary):
        return None
    numbers = column.cast(pl.Float64, strict=False)
    numbers = numbers.filter(numbers.is_finite() & (numbers == numbers.floor()))
    return None if numbers.is_empty() else int(numbers.min())  # type: ignore[arg-type]
