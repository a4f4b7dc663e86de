"""From scored pairs to training pairs: support, selection, weight. What is left out has a reason."""

from dataclasses import dataclass
from typing import Protocol

import polars as pl

from shoptalk.errors import InputError


@dataclass(frozen=True)
class Support:
    """How much evidence a pair needs before its score is looked at.

    Attributes:
        impressions: times shown. clickers: different users who clicked it. examinations: expected looks at
            it (the sum of propensities).

    Raises:
        InputError: a threshold is negative.
    """

    impressions: int = 3
    clickers: int = 2
    examinations: float = 1.0

    def __post_init__(self) -> None:
        if min(self.impressions, self.clickers, self.examinations) < 0:
            raise InputError("support: impressions, clickers and examinations must be 0 or more.")

    def reasons(self) -> list[tuple[str, pl.Expr]]:
        """Reason and condition under which a pair is left out, in order."""
        return [
            ("never_clicked", pl.col("clicks") == 0),
            ("few_impressions", pl.col("impressions") < self.impressions),
            ("few_clickers", pl.col("clickers") < self.clickers),
            ("few_examinations", pl.col("examinations") < self.examinations),
        ]


@dataclass(frozen=True)
class Selection:
    """Which supported pairs train; each limit may be ``None``.

    Attributes:
        min_score: least score.
        per_query: so many best documents per query.
        max_pairs: so many best pairs in all.

    Ties go to the pair with more clicks, then by query and document.

    Raises:
        InputError: ``per_query`` or ``max_pairs`` is below 1.
    """

    min_score: float | None = 0.5
    per_query: int | None = None
    max_pairs: int | None = None

    def __post_init__(self) -> None:
        for name in ("per_query", "max_pairs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"selection.{name} is {value}; it must be at least 1, or null for no limit.")

    def reasons(self) -> list[tuple[str, pl.Expr]]:
        """Reason and condition under which a pair is left out, in order, for a table sorted best first."""
        found = []
        if self.min_score is not None:
            found.append(("low_score", pl.col("score") < self.min_score))
        if self.per_query is not None:
            found.append(("not_best_of_query", pl.col("score").cum_count().over("query_id") > self.per_query))
        if self.max_pairs is not None:
            found.append(("beyond_max_pairs", pl.col("score").cum_count() > self.max_pairs))
        return found


class Weight(Protocol):
    """The weight of a chosen pair in the loss."""

    def of(self, chosen: pl.DataFrame) -> pl.Series:
        """Positive weights [pairs]; their scale does not matter."""
        ...


class ClippedRate:
    """Inverse-propensity-weighted clicks per impression, within ``spread`` times their median, up or down.

    A rate, not a count: a query asked a thousand times weighs no more than one asked ten times with the same
    success, and a pair at most ``spread**2`` times another.

    Raises:
        InputError: ``spread`` is below 1.
    """

    def __init__(self, spread: float = 2.0):
        if not spread >= 1:
            raise InputError(f"weight.spread is {spread}; it must be at least 1 (1: all pairs weigh the same).")
        self.spread = spread

    def of(self, chosen: pl.DataFrame) -> pl.Series:
        """Weights [pairs] around 1."""
        rate = chosen["weighted_clicks"] / chosen["impressions"]
        middle = rate.median() or 1.0
        return (rate / middle).clip(1 / self.spread, self.spread).alias("weight")


def sift(table: pl.DataFrame, reasons: list[tuple[str, pl.Expr]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows no reason takes, in their order, and the others with the first ``reason`` that takes each.

    Reasons apply one after the other, so that a later one counts and ranks only what the earlier ones left.
    """
    taken = []
    for reason, condition in reasons:
        marked = table.with_columns(_out=condition)
        taken.append(marked.filter("_out").drop("_out").with_columns(reason=pl.lit(reason)))
        table = marked.filter(~pl.col("_out")).drop("_out")
    return table, pl.concat(taken) if taken else table.clear().with_columns(reason=pl.lit(""))
