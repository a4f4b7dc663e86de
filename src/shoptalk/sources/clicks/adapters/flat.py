"""Logs that were added up: how often a document was shown for a query at a position, and how often clicked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import polars as pl
import pyarrow.parquet as pq

from shoptalk.errors import InputError
from shoptalk.sources.clicks.adapters.adapter import Converted, check_base, empty, names_given, naming, some, undecided
from shoptalk.sources.clicks.adapters.fields import DEEPEST, below
from shoptalk.sources.clicks.adapters.reading import BATCH, batches, columns_of, columns_shown
from shoptalk.sources.clicks.adapters.rows import smallest_whole
from shoptalk.sources.clicks.adapters.writing import schema
from shoptalk.sources.clicks.log import COLUMNS

_ALIASES = {
    "query": ("query", "query_text", "query_raw"),
    "doc_id": ("doc_id", "doc", "document"),
    "clicks": ("clicks",),
    "position": ("position", "rank"),
    "impressions": ("impressions", "views"),
    "ranker_id": ("ranker_id", "ranker"),
    "surface": ("surface",),
    "device": ("device",),
}
_NEEDED, _COUNTS = ("query", "doc_id", "clicks"), ("position", "impressions", "clicks")
_CONTEXT = ("ranker_id", "surface", "device")
_MADE = ("impression_id", "ts_ms", "query_raw", "doc_id", "position", "clicked", *_CONTEXT, "weight")
_SCHEMA = schema({c: COLUMNS[c] for c in _MADE})


@dataclass(frozen=True)
class Flat:
    """``query, doc_id, position, impressions, clicks`` (and ``ranker_id, surface, device``), one row for what was
    added up. Each becomes up to two rows of the schema, clicked and not, weighted by how many impressions they
    stand for.

    Without ``impressions`` only clicks are known; without ``position`` all is put at rank 1, and neither is told.

    Attributes:
        columns: names of ours to those of the files, beyond the aliases above; ``None`` for what is called as here.

    Raises:
        InputError: ``columns`` renames what there is not.
    """

    columns: Mapping[str, str | None] = field(default_factory=dict)
    names: ClassVar[Sequence[str]] = tuple(_ALIASES)
    needs: ClassVar[str] = "flat: query, doc_id, position, impressions, clicks"

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", names_given(self.columns, _ALIASES))

    def recognises(self, files: Sequence[Path]) -> bool:
        """See ``Adapter``."""
        return set(_NEEDED) <= set(self._named(files[0]))

    def convert(self, files: Sequence[Path], position_base: int | None, folder: Path) -> Converted:
        """See ``Adapter``."""
        check_base(position_base)
        named = self._all_named(files)
        if position_base is None and "position" in named[0]:
            ranks = (batch for path, n in zip(files, named, strict=True) for batch in batches(path, [n["position"]]))
            found = [smallest_whole(batch.to_series()) for batch in ranks]
            raise undecided(files[0], named[0]["position"], min((f for f in found if f is not None), default=None))
        path, counts = folder / "clicks.parquet", Counter(rows_read=0, rows_made=0)
        with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
            for file, (source, names) in enumerate(zip(files, named, strict=True)):
                for part in _parts(source, names, 1 if position_base is None else position_base):
                    made = _weighted(part, file)
                    writer.write_table(_arrow(made), row_group_size=BATCH)
                    counts.update(_counted(part, made))
        if not counts["rows_read"]:
            raise empty(files[0])
        if not counts["rows_made"]:
            raise InputError(f"{files[0]}: none of the {counts['rows_read']:,} rows has an impression or a click.")
        given = {name for names in named for name in names}
        told = {"query_raw", "doc_id", "clicked", "weight"} | (given & {"position", *_CONTEXT})
        return Converted((path,), frozenset(told), some(counts))

    def _named(self, path: Path) -> dict[str, str]:
        """Our names to those of the file, as far as it has them."""
        there = columns_of(path)
        names = {}
        for ours, aliases in _ALIASES.items():
            found = [c for c in ([self.columns[ours]] if ours in self.columns else aliases) if c in there]
            names |= {ours: found[0]} if found else {}
        return names

    def _all_named(self, files: Sequence[Path]) -> list[dict[str, str]]:
        """The same for every file, which all must have the columns of the first."""
        named = [self._named(path) for path in files]
        wanted = {*_NEEDED, *self.columns, *(c for c in _COUNTS if any(c in names for names in named))}
        for path, names in zip(files, named, strict=True):
            lacking = [c for c in _ALIASES if c in wanted and c not in names]
            if lacking:
                listed = " and ".join(f"'{self.columns.get(c, c)}'" for c in lacking)
                raise InputError(
                    f"{path}: lacks the column{'s' * (len(lacking) > 1)} {listed}; add what is missing or name yours "
                    f"by {naming('flat', lacking[0])} (there are: {columns_shown(path)})."
                )
        return named


def _parts(path: Path, names: dict[str, str], base: int) -> Iterator[pl.DataFrame]:
    """``row, query, doc_id, position, clicks, passed, ranker_id, surface, device`` of some rows at a time;
    ``passed``: impressions without a click. Positions count from 1.

    Raises:
        InputError: a value cannot be, with its place.
    """
    row = 1
    for batch in batches(path, list(names.values())):
        raw = batch.select(**{ours: pl.col(theirs) for ours, theirs in names.items()})
        texts = {c: _text(raw[c]) for c in ("query", "doc_id", *_CONTEXT) if c in names}
        numbers = {c: _whole(raw[c]) for c in _COUNTS if c in names}
        _check(path, row, names, raw, texts, numbers, base)
        rank = numbers["position"] + 1 - base if "position" in names else pl.lit(1.0)
        passed = numbers["impressions"] - numbers["clicks"] if "impressions" in names else pl.lit(0.0)
        part = pl.DataFrame(texts).with_columns(position=rank, clicks=numbers["clicks"], passed=passed)
        unknown = [pl.lit(None, pl.String).alias(c) for c in _CONTEXT if c not in names]
        yield part.with_columns(*unknown).with_row_index("row", row)
        row += batch.height


def _text(column: pl.Series) -> pl.Series:
    """Null for what is no text."""
    fits = not (column.dtype.is_nested() or column.dtype == pl.Binary)
    return column.cast(pl.String) if fits else pl.Series(column.name, [None] * len(column), pl.String)


def _whole(column: pl.Series) -> pl.Series:
    """NaN for what is no whole number."""
    if column.dtype.is_nested() or column.dtype in (pl.Boolean, pl.Binary) or column.dtype.is_temporal():
        return pl.Series(column.name, [float("nan")] * len(column))
    if column.dtype == pl.String:
        column = column.str.strip_chars()
    number = column.cast(pl.Float64, strict=False)
    whole = (number == number.floor()) & (number.abs() < 2**53)
    return number.set(~whole.fill_null(False), float("nan"))


def _check(
    path: Path,
    row: int,
    names: dict[str, str],
    raw: pl.DataFrame,
    texts: dict[str, pl.Series],
    numbers: dict[str, pl.Series],
    base: int,
) -> None:
    """Refuse the first row of ``raw`` with a fault; ``row`` is the number of its first."""
    faults = [("doc_id", raw["doc_id"].is_null(), "the value is missing; every row needs one")]
    faults += [(c, raw[c].is_not_null() & texts[c].is_null(), "is not a text; write it as one") for c in texts]
    for column, number in numbers.items():
        faults.append((column, raw[column].is_null(), "the value is missing; every row needs one"))
        faults.append((column, number.is_nan(), "{!r} is not a whole number"))
        if column != "position":
            faults.append((column, number < 0, "{!r} is negative; a count is 0 or more"))
    if "position" in numbers:
        faults.append(("position", numbers["position"] < base, None))
        faults.append(("position", numbers["position"] > DEEPEST - 1 + base, f"{{!r}} is beyond {DEEPEST:,}"))
    if "impressions" in numbers:
        more = numbers["clicks"] > numbers["impressions"]
        faults.append(("clicks", more, "{!r} clicks are more than the impressions of the row; each needs one"))
    found = [(int(wrong.arg_max()), column, said) for column, wrong, said in faults if wrong.any()]  # type: ignore
    if found:
        at, column, said = min(found, key=lambda fault: fault[0])
        said = said or below(int(numbers["position"][at]), base)
        value = raw[column][at]
        shown = said.format(value if len(str(value)) <= 60 else str(value)[:60] + "…") if "{!r}" in said else said
        raise InputError(f"{path}, row {row + at}, column '{names[column]}': {shown}.")


def _weighted(part: pl.DataFrame, file: int) -> pl.DataFrame:
    """Up to two rows of the schema for each row. They are different impressions, and have ids of their own."""
    rows = part.rename({"query": "query_raw"}).with_columns(ts_ms=pl.lit(0))
    clicked = rows.with_columns(clicked=pl.lit(True), weight="clicks", half=pl.lit("clicked"))
    passed = rows.with_columns(clicked=pl.lit(False), weight="passed", half=pl.lit("passed"))
    both = pl.concat([clicked, passed]).filter(pl.col("weight") > 0).sort("row", "half")
    return both.with_columns(impression_id=pl.format("{}-{}-{}", pl.lit(file), "row", "half")).select(_MADE)


def _counted(part: pl.DataFrame, made: pl.DataFrame) -> dict[str, int]:
    nothing = part.filter(pl.col("clicks") + pl.col("passed") == 0).height
    return {"rows_read": part.height, "rows_made": made.height, "rows_without_impression": nothing}


def _arrow(table: pl.DataFrame):
    return table.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(_SCHEMA)
