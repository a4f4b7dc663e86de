"""Chances of examination by rank with their uncertainty, one curve per estimator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Features, Observed
from shoptalk.sources.clicks.propensity.examination import Examination, Propensity


@dataclass(frozen=True)
class Curve:
    """How often each rank is looked at, by one estimator.

    Attributes:
        theta: chances of examination relative to rank 1, [deepest rank]; empty where ``refused``.
        low, high: 95 % interval by rank; NaN where there is none.
        refused: the estimator's sentence where the log does not identify the chances.
        assumed: given by hand, not estimated. rounds: bootstrap rounds behind the interval.
    """

    name: str
    theta: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    refused: str | None = None
    assumed: bool = False
    rounds: int = 0

    @property
    def estimated(self) -> bool:
        """Whether the log itself gave this curve."""
        return self.refused is None and not self.assumed

    @property
    def bounded(self) -> bool:
        """Whether it is estimated and has an interval at some rank below the first."""
        return self.estimated and bool(np.isfinite(self.low[1:]).any())

    def bounds(self, tests: int) -> tuple[np.ndarray, np.ndarray]:
        """Intervals of which all ``tests`` hold at once with 95 % (Bonferroni), [deepest rank] each."""
        from scipy.stats import t

        theta, high = np.array(self.theta), np.array(self.high)
        wider = t.isf(0.025 / tests, self.rounds - 1) / t.isf(0.025, self.rounds - 1)
        factor = (high / theta) ** wider
        return theta / factor, theta * factor


def curves(
    observed: Observed,
    estimators: Mapping[str, Propensity],
    used: tuple[str, Examination],
    rounds: int = 40,
    limit: int = 2_000,
    seed: int = 0,
) -> list[Curve]:
    """A curve for every estimator, and for ``used`` where it is none of them (without an interval, then).

    Standard errors on the log scale come from a bootstrap over queries (Efron & Tibshirani 1993, sections 6.4 and
    8: some 25 to 200 rounds suffice for a standard error): each round draws ``min(limit, queries)`` of them with
    replacement, a query drawn twice being two queries. Fewer than there are give larger errors, which shrink with
    the root of the ratio (m out of n bootstrap; Bickel, Goetze & van Zwet 1997). An estimator that refuses most
    of the rounds has no interval.
    """
    points = {name: used[1] if name == used[0] else _point(e, observed) for name, e in estimators.items()}
    points.setdefault(*used)
    asked = [name for name, found in points.items() if name in estimators and _is_estimate(found)]
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in asked}
    for resample in _resamples(observed, rounds, limit, seed) if asked else ():
        for name in asked:
            if isinstance(found := _point(estimators[name], resample), Examination):
                drawn[name].append(_logs(found, observed.deepest))
    queries = observed.by_position["query_id"].n_unique()
    shrink = np.sqrt(min(1.0, limit / queries))
    return [_curve(name, found, drawn.get(name, []), rounds, shrink) for name, found in points.items()]


def _point(estimator: Propensity, observed: Observed) -> Examination | str:
    """Its result, or the sentence it refuses with."""
    if estimator.needs_lists and observed.lists is None:
        return "It needs whole lists with the clicks around each document, and this log was not read for them."
    try:
        return estimator.estimate(observed)
    except InputError as error:
        return str(error)


def _is_estimate(found: Examination | str) -> bool:
    return isinstance(found, Examination) and not found.assumed


def _logs(found: Examination, deepest: int) -> np.ndarray:
    """log(theta / theta_1), [deepest]; NaN for ranks that the resample does not reach."""
    padded = np.full(deepest, np.nan)
    padded[: len(found.theta)] = np.log(found.theta / found.theta[0])
    return padded


def _curve(name: str, found: Examination | str, drawn: list[np.ndarray], rounds: int, shrink: float) -> Curve:
    from scipy.stats import t

    if isinstance(found, str):
        return Curve(name, refused=found)
    theta = found.theta / found.theta[0]
    if len(drawn) < 2 or len(drawn) < rounds / 2:
        nothing = [float("nan")] * len(theta)
        return Curve(name, theta.tolist(), nothing, nothing, assumed=found.assumed)
    logs = np.array(drawn)
    seen = np.isfinite(logs).sum(axis=0) > rounds / 2
    error = np.full(len(theta), np.nan)
    error[seen] = np.nanstd(logs[:, seen], axis=0, ddof=1) * shrink
    factor = np.exp(t.isf(0.025, len(drawn) - 1) * error)
    return Curve(name, theta.tolist(), (theta / factor).tolist(), (theta * factor).tolist(), rounds=len(drawn))


def _resamples(observed: Observed, rounds: int, limit: int, seed: int) -> Iterator[Observed]:
    ids = observed.by_position["query_id"].unique().sort().to_numpy()
    tables = [observed.by_position]
    if observed.lists is not None:
        tables.append(observed.lists.sort("query_id", maintain_order=True))
    for number in range(rounds):
        random = np.random.default_rng([seed, number])
        drawn = ids[random.integers(0, len(ids), min(limit, len(ids)))]
        taken = [_taken(table, drawn) for table in tables]
        yield Observed(*taken, features=_features(observed.features, drawn))


def _taken(table: pl.DataFrame, drawn: np.ndarray) -> pl.DataFrame:
    """The rows of every query in ``drawn``, which gets its place there as its new ``query_id``."""
    column = table["query_id"].to_numpy()
    starts, ends = np.searchsorted(column, drawn), np.searchsorted(column, drawn, side="right")
    sizes = ends - starts
    first = np.cumsum(sizes) - sizes
    rows = np.repeat(starts - first, sizes) + np.arange(sizes.sum())
    return table[rows].with_columns(query_id=np.repeat(np.arange(len(drawn), dtype=np.int32), sizes))


def _features(features: Features | None, drawn: np.ndarray) -> Features | None:
    if features is None:
        return None
    return lambda pairs: features(pairs.with_columns(query_id=drawn[pairs["query_id"].to_numpy()]))
