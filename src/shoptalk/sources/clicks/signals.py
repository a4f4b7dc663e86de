"""What happens after a click, and when it speaks against the click.

Every signal has a ``weight``: what a doubtful click still counts. 1 switches the signal off, 0 makes such a click a
look without a click, anything between weighs it. Several doubts multiply. What was not seen is no doubt: the last
event of a session has no dwell, and that does not make it short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

import polars as pl

from shoptalk.domain.text import normalise
from shoptalk.errors import InputError

if TYPE_CHECKING:
    import ibis


class Signal(Protocol):
    """One reason to doubt a click.

    Attributes:
        needs: columns of the log without any one of which the signal says nothing.
    """

    weight: float
    where_told: bool
    needs: ClassVar[Sequence[str]]

    def marked(self, rows: ibis.Table) -> ibis.Table:
        """``rows`` with a column ``doubt`` (bool, never null) that matters where ``clicked`` is true."""
        ...


@dataclass(frozen=True)
class Dwell:
    """The searcher was back too soon: satisfied clicks last 30 seconds or more (Fox et al. 2005, section 5).

    Attributes:
        min_s: seconds. where_told: say nothing on a log without dwell, instead of refusing it.
    """

    min_s: float = 30.0
    weight: float = 0.0
    where_told: bool = True
    needs: ClassVar = ("dwell_s",)

    def __post_init__(self) -> None:
        _checked(self, min_s=(0, float("inf")))

    def marked(self, rows: ibis.Table) -> ibis.Table:
        """Doubt where the dwell was seen and is shorter than ``min_s``."""
        return rows.mutate(doubt=(rows.dwell_s < self.min_s).fill_null(False))


@dataclass(frozen=True)
class DwellByLength:
    """The searcher was back sooner than from most documents as long as this one (Kim et al. 2014, section 4).

    Attributes:
        quantile: of the dwell seen on clicked documents of like length; shorter ones are doubted.
        bins: groups of documents by length in words, equally large over the corpus.
    """

    quantile: float = 0.3
    bins: int = 10
    weight: float = 1.0
    where_told: bool = False
    needs: ClassVar = ("dwell_s",)

    def __post_init__(self) -> None:
        _checked(self, quantile=(0, 1), bins=(1, 1000))

    def marked(self, rows: ibis.Table) -> ibis.Table:
        """Doubt where the dwell was seen and lies below the quantile of its group."""
        bins = (rows.length_rank * self.bins).floor()
        rows = rows.mutate(length_bin=bins)
        seen = rows.filter(rows.clicked & rows.dwell_s.notnull())
        usual = seen.group_by("length_bin").agg(usual_dwell=seen.dwell_s.quantile(self.quantile))
        joined = rows.left_join(usual, "length_bin").drop("length_bin_right")
        doubt = (joined.dwell_s < joined.usual_dwell).fill_null(False)
        return joined.mutate(doubt=doubt).drop("length_bin", "usual_dwell")


@dataclass(frozen=True)
class Reformulated:
    """The searcher tried other words soon after (Hassan et al. 2013: a similar query within five minutes).

    Attributes:
        max_gap_s: seconds from the list to the next query; ``None`` for any.
        min_similarity: Jaccard similarity of character 3-grams that the two queries need; ``None`` for any query.
    """

    max_gap_s: float | None = 300.0
    min_similarity: float | None = None
    weight: float = 1.0
    where_told: bool = False
    needs: ClassVar = ("next_query",)

    def __post_init__(self) -> None:
        _checked(self, min_similarity=(0, 1), max_gap_s=(0, float("inf")))

    def marked(self, rows: ibis.Table) -> ibis.Table:
        """Doubt every click of a search that was followed so."""
        soon = rows.next_query.notnull()
        if self.max_gap_s is not None:
            soon &= (rows.next_query_gap_s <= self.max_gap_s).fill_null(False)
        if self.min_similarity is None:
            return rows.mutate(doubt=soon)
        import ibis

        steps = rows.filter(soon & rows.clicked).select("query_raw", "next_query").distinct().to_polars()
        pairs = zip(steps["query_raw"], steps["next_query"], strict=True)
        alike = pl.Series([similarity(a, b) >= self.min_similarity for a, b in pairs], dtype=pl.Boolean)
        similar = ibis.memtable(steps.filter(alike).with_columns(similar=pl.lit(True)))
        joined = rows.left_join(similar, ["query_raw", "next_query"])
        doubt = soon & joined.similar.fill_null(False)
        return joined.mutate(doubt=doubt).select(*rows.columns, "doubt")


@dataclass(frozen=True)
class Returned:
    """The searcher came back to the list of results."""

    weight: float = 1.0
    where_told: bool = False
    needs: ClassVar = ("returned_to_serp",)

    def __post_init__(self) -> None:
        _checked(self)

    def marked(self, rows: ibis.Table) -> ibis.Table:
        """Doubt where the log says so."""
        return rows.mutate(doubt=rows.returned_to_serp.fill_null(False))


@dataclass(frozen=True)
class NotLast:
    """Another click followed in the same search; the last click is the one that ended it."""

    weight: float = 1.0
    where_told: bool = False
    needs: ClassVar = ("last_click",)

    def __post_init__(self) -> None:
        _checked(self)

    def marked(self, rows: ibis.Table) -> ibis.Table:
        """Doubt where the log says so."""
        return rows.mutate(doubt=(~rows.last_click).fill_null(False))


@dataclass(frozen=True)
class Signals:
    """All signals by name; those of weight 1 are off.

    Attributes:
        each: name to signal.
    """

    each: dict[str, Signal] = field(default_factory=dict)

    def used(self, told: frozenset[str]) -> tuple[dict[str, Signal], list[str]]:
        """The signals that are on and that the log can serve, and a sentence about each that stays silent.

        Raises:
            InputError: the log lacks what a signal needs that must not stay silent.
        """
        used, notices = {}, []
        for name, signal in self.each.items():
            if signal.weight == 1:
                continue
            if told & set(signal.needs):
                used[name] = signal
                continue
            wanted = " or ".join(f"'{c}'" for c in signal.needs)
            if not signal.where_told:
                raise InputError(
                    f"The click log lacks the column {wanted}, which signals.{name} needs (level L3); add it, or "
                    f"switch the signal off with signals.{name}.weight=1."
                )
            notices.append(f"The click log lacks the column {wanted}, so signals.{name} doubts no click.")
        return used, notices

    def weighed(self, rows: ibis.Table, told: frozenset[str]) -> ibis.Table:
        """``rows`` with ``worth`` (float64: 0 without a click, else what the doubts leave of 1) and one column
        ``doubt_NAME`` (bool) per signal used."""
        import ibis

        # A literal 1.0 is a decimal to Spark, whose products would be rounded.
        rows = rows.mutate(worth=rows.clicked.cast("float64"))
        for name, signal in self.used(told)[0].items():
            marked = signal.marked(rows)
            doubt = marked.doubt & marked.clicked
            left = ibis.ifelse(doubt, marked.worth * signal.weight, marked.worth)
            rows = marked.mutate(worth=left, **{f"doubt_{name}": doubt}).drop("doubt")
        return rows


def similarity(one: str, other: str) -> float:
    """Jaccard similarity of the character 3-grams of two normalised texts, in [0, 1]."""
    first, second = (_grams(normalise(text)) for text in (one, other))
    return len(first & second) / len(first | second) if first | second else 1.0


def _grams(text: str) -> set[str]:
    padded = f"  {text} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)} if text else set()


def _checked(signal: Signal, **ranges: tuple[float, float]) -> None:
    for name, (low, high) in {"weight": (0, 1), **ranges}.items():
        value = getattr(signal, name)
        if value is not None and not low <= value <= high:
            raise InputError(f"signals: {name} of {type(signal).__name__} is {value}; it must lie in [{low}, {high}].")
