"""Which queries are judged: a stratified sample with known chances, so that weights undo the choice."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from shoptalk.cache import digest
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError, whole_number
from shoptalk.judging.asked import Asked


@dataclass(frozen=True)
class Sampling:
    """How many queries of which kind.

    Cells are traffic by form. Traffic is ``head`` for the most asked queries that make up the first ``head`` of all
    searches, ``torso`` for the next ``torso`` of them, and ``tail``. A cell gets queries in proportion to the
    ``power`` of its searches (power allocation, Bankier 1988), at least one, and at most those it holds; within a cell
    every query has the same chance.

    Attributes:
        queries: in all. head, torso: shares of the searches, above 0 and in sum below 1.
        power: 1 gives to cells as people ask, 0 to all alike.
    """

    queries: int = 250
    head: float = 1 / 3
    torso: float = 1 / 3
    power: float = 0.5

    def __post_init__(self) -> None:
        whole_number("sampling.queries", self.queries)
        if not (self.head > 0 and self.torso > 0 and self.head + self.torso < 1):
            raise InputError(
                f"sampling.head={self.head} and sampling.torso={self.torso} must lie above 0 and sum to less than 1."
            )
        if not 0 <= self.power <= 1:
            raise InputError(f"sampling.power={self.power} must lie between 0 and 1.")

    def draw(self, asked: Asked, form: Callable[[str], str], seed: int) -> pl.DataFrame:
        """The sample, in an order that tells nothing, as a function of (seed, query).

        Returns:
            ``query_id``, ``query``, ``traffic``, ``form``, ``searches``, ``population`` (queries in the cell),
            ``cell_searches`` (of all of them) and ``inclusion_probability``.

        Raises:
            InputError: there are more cells than queries wanted.
        """
        table = asked.table.with_columns(
            traffic=self._traffic(asked),
            form=pl.Series([form(query) for query in asked.table["query"]], dtype=pl.String),
        )
        known = [normalise(query) for query in table["query"]]
        table = table.with_columns(
            query_id=pl.Series([f"q-{digest(query)[:12]}" for query in known], dtype=pl.String),
            key=pl.Series([digest("judged", seed, query) for query in known], dtype=pl.String),
            # Another stream: within cells that give a small share only low keys are drawn.
            turn=pl.Series([digest("turn", seed, query) for query in known], dtype=pl.String),
        )
        cells = table.group_by("traffic", "form").agg(
            pl.len().alias("population"), cell_searches=pl.col("searches").sum()
        )
        cells = cells.sort("traffic", "form")
        taken = shared(cells["population"].to_numpy(), cells["cell_searches"].to_numpy() ** self.power, self.queries)
        cells = cells.with_columns(taken=pl.Series(taken))
        placed = table.join(cells, on=["traffic", "form"]).sort("key")
        placed = placed.with_columns(place=pl.int_range(pl.len()).over("traffic", "form"))
        drawn = placed.filter(pl.col("place") < pl.col("taken")).sort("turn")
        drawn = drawn.with_columns(inclusion_probability=pl.col("taken") / pl.col("population"))
        columns = ("query_id", "query", "traffic", "form", "searches", "population", "cell_searches")
        return drawn.select(*columns, "inclusion_probability")

    def _traffic(self, asked: Asked) -> pl.Series:
        if not asked.counted:
            return pl.Series(["unknown"] * asked.table.height, dtype=pl.String)
        searches = asked.table["searches"].to_numpy()
        order = np.argsort(-searches, kind="stable")
        before = np.empty(len(searches))
        before[order] = (searches[order].cumsum() - searches[order]) / searches.sum()
        names = np.array(["head", "torso", "tail"])
        return pl.Series(names[np.searchsorted([self.head, self.head + self.torso], before, side="right")].tolist())


def shared(held: np.ndarray, size: np.ndarray, count: int) -> np.ndarray:
    """Int64 [k]: ``count`` shared over cells in proportion to ``size``, each at least 1 and at most ``held``.

    By the method of Webster (Sainte-Laguë): the next goes where ``size`` over what a cell has, plus a half, is largest.

    Raises:
        InputError: there are more cells than ``count``.
    """
    if len(held) > count:
        raise InputError(
            f"sampling.queries={count} is too few for {len(held)} cells of traffic and form; give at least {len(held)}."
        )
    taken = np.ones(len(held), np.int64)
    for _ in range(min(count, held.sum()) - len(held)):
        taken[np.argmax(np.where(taken < held, size / (taken + 0.5), -np.inf))] += 1
    return taken
