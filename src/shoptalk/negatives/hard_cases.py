"""Candidates near the threshold for a person to judge: drawn with known chances, so that weights undo the choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.errors import InputError
from shoptalk.negatives.draws import pair_keys
from shoptalk.negatives.mined import Relevance

STRATA = 5
_SAID = {"query": pl.String, "row": pl.Int64, "probability": pl.Float32}


class Watched:
    """A ``Relevance`` that remembers what it said."""

    def __init__(self, relevance: Relevance):
        self.relevance = relevance
        self._said: list[pl.DataFrame] = []

    def __call__(self, queries: Sequence[str], positives: Sequence[str], rows: np.ndarray) -> np.ndarray:
        """As ``relevance``."""
        probabilities = self.relevance(queries, positives, rows)
        line, column = np.nonzero(rows >= 0)
        columns = ([queries[i] for i in line], rows[line, column], probabilities[line, column])
        self._said.append(pl.DataFrame(columns, schema=_SAID))
        return probabilities

    def said(self) -> pl.DataFrame:
        """``query``, ``row`` (of the corpus) and ``probability``, every question once."""
        return pl.concat([pl.DataFrame(schema=_SAID), *self._said]).unique(
            ["query", "row"], keep="first", maintain_order=True
        )


@dataclass(frozen=True)
class HardCases:
    """Which judged candidates a person is to look at.

    The band is cut into five strata of equal width, and each gives the same number as far as it holds that many,
    without replacement. A case stands for as many candidates as its stratum holds for each one taken.

    Attributes:
        low, high: calibrated probabilities of the band, both in [0, 1].
        count: cases in all, at least 5.
    """

    low: float = 0.05
    high: float = 0.3
    count: int = 200

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 1:
            raise InputError(
                f"negatives.hard_cases.low={self.low} must be at least 0 and below "
                f"negatives.hard_cases.high={self.high}, which is at most 1."
            )
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < STRATA:
            raise InputError(
                f"negatives.hard_cases.count={self.count} must be a whole number of at least {STRATA}, one per stratum."
            )

    @classmethod
    def of(cls, options: Mapping[str, float]) -> "HardCases":
        """From the options of a config.

        Raises:
            InputError: an option that there is not, or an impossible one.
        """
        names = [field.name for field in fields(cls)]
        for name in options:
            if name not in names:
                raise InputError(f"negatives.hard_cases has no option {name}; it takes {', '.join(names)}.")
        return cls(**options)

    def sample(self, said: pl.DataFrame, corpus: Corpus, seed: int) -> pl.DataFrame:
        """The cases, in an order that tells nothing, as a function of (seed, candidate).

        Args:
            said: as of ``Watched``.

        Returns:
            ``query``, ``doc_id``, ``passage``, ``probability``, ``stratum``, ``weight`` (candidates it stands for)
            and an empty column ``grade``.
        """
        inside = said.filter(pl.col("probability").is_between(self.low, self.high))
        rows, stratum = inside["row"].to_list(), self._strata(inside["probability"].to_numpy())
        doc_ids = [corpus.ids[row] for row in rows]
        keys = pair_keys(inside["query"].to_list(), doc_ids, seed)
        drawn, weights = _draw(stratum, keys, self.count)
        edges = np.linspace(self.low, self.high, STRATA + 1)
        table = inside.select("query", "probability").with_columns(
            doc_id=pl.Series(doc_ids, dtype=pl.String),
            passage=pl.Series([corpus.passages[row] for row in rows], dtype=pl.String),
            stratum=pl.Series([f"{edges[s]:.3g} to {edges[s + 1]:.3g}" for s in stratum], dtype=pl.String),
            weight=pl.Series(weights, dtype=pl.Float64),
            grade=pl.lit(None, dtype=pl.String),
        )
        columns = ("query", "doc_id", "passage", "probability", "stratum", "weight", "grade")
        return table[drawn].select(columns)

    def _strata(self, probabilities: np.ndarray) -> np.ndarray:
        place = (probabilities.astype(np.float64) - self.low) / (self.high - self.low) * STRATA
        return place.astype(np.int64).clip(0, STRATA - 1)

    def notice(self, cases: pl.DataFrame) -> str:
        """What the user should do with the cases."""
        if cases.is_empty():
            return f"No candidate has a probability between {self.low:g} and {self.high:g}, so there is no hard case."
        return (
            f"{cases.height:,} of {round(cases['weight'].sum()):,} candidates with a probability between {self.low:g} "
            f"and {self.high:g} stand in hard_cases.csv: fill its column grade (0 where the passage does not answer "
            "the query, 1 or more where it does) and give the file as teacher.judged_cases."
        )


def _draw(stratum: np.ndarray, keys: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of at most ``count`` candidates, those with the lowest keys of their stratum, in the order of keys; and
    for every candidate [n] how many of its stratum one that is drawn stands for."""
    held = np.bincount(stratum, minlength=STRATA)
    taken = shared(held, count)
    order = np.lexsort((keys, stratum))
    turn = np.empty(len(stratum), np.int64)
    turn[order] = np.arange(len(stratum)) - (held.cumsum() - held)[stratum[order]]
    drawn = np.flatnonzero(turn < taken[stratum])
    return drawn[np.argsort(keys[drawn], kind="stable")], held[stratum] / np.maximum(taken[stratum], 1)


def shared(held: np.ndarray, count: int) -> np.ndarray:
    """Int64 [k]: ``count`` shared as evenly as strata that hold ``held`` allow, the first ones taking what is over."""
    taken = np.zeros_like(held)
    while (left := count - taken.sum()) > 0 and (room := taken < held).any():
        share = max(1, left // room.sum())
        for stratum in np.flatnonzero(room):
            taken[stratum] += min(share, held[stratum] - taken[stratum], count - taken.sum())
    return taken
