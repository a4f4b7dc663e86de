"""How well a click model foretells the clicks of lists it has not seen."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from shoptalk.sources.clicks.observed import Observed, numbered_pairs
from shoptalk.sources.clicks.propensity.browsing import Cascade, DependentClicks, SimplifiedDBN, UserBrowsingEM, places
from shoptalk.sources.clicks.propensity.em import Smoothing, counts, two_factors
from shoptalk.sources.clicks.propensity.examination import Propensity
from shoptalk.sources.clicks.propensity.identify import ranks
from shoptalk.sources.clicks.propensity.regression import RegressionEM, pairs_of

Chances = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""``chances(query, document, clicked)`` for int [lists], int [lists, ranks] (-1 where a list ends) and bool of that
shape: P(click at k | clicks above k), float64 [lists, ranks]."""

_LEAST = 1e-6  # a cascade would give a second click no chance at all, and one of them would settle every comparison


@dataclass(frozen=True)
class PerPair:
    """A number for every pair, and ``other`` for pairs that were never seen."""

    keys: np.ndarray
    values: np.ndarray
    other: float

    @classmethod
    def of(cls, pairs: pl.DataFrame, values: np.ndarray, other: float) -> "PerPair":
        """``pairs`` (``query_id, doc_id``, the latter numbers as text) in the order of ``values``."""
        keys = _keys(pairs["query_id"].to_numpy(), pairs["doc_id"].cast(pl.Int64).to_numpy())
        order = np.argsort(keys)
        return cls(keys[order], values[order], other)

    def at(self, query: np.ndarray, document: np.ndarray) -> np.ndarray:
        """Float64 [lists, ranks]."""
        wanted = _keys(query[:, None], document)
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[place] == wanted, self.values[place], self.other)


def position_based(observed: Observed, theta: np.ndarray) -> Chances:
    """The position-based model with ``theta`` [deepest] held and attractiveness fitted to it."""
    gamma = _refitted(observed.pair_numbers(), ranks(observed), *counts(observed), theta)
    liked = PerPair.of(pairs_of(observed), gamma, float(gamma.mean()))
    return lambda query, document, clicks: theta[: document.shape[1]] * liked.at(query, document)


def of_estimator(observed: Observed, estimator: Propensity) -> Chances:
    """The model behind an estimator, fitted; those of propensities alone stand in a position-based model."""
    fitters = {
        UserBrowsingEM: user_browsing,
        Cascade: cascade,
        DependentClicks: dependent_clicks,
        SimplifiedDBN: simplified_dbn,
        RegressionEM: regression,
    }
    fit = fitters.get(type(estimator))
    return fit(observed, estimator) if fit else position_based(observed, estimator.estimate(observed).theta)


def regression(observed: Observed, estimator: RegressionEM) -> Chances:
    """theta, and attractiveness from the features."""
    theta, gamma = estimator.fitted(observed)
    liked = PerPair.of(pairs_of(observed), gamma, float(gamma.mean()))
    return lambda query, document, clicks: theta[: document.shape[1]] * liked.at(query, document)


def user_browsing(observed: Observed, estimator: UserBrowsingEM) -> Chances:
    """theta by rank and the rank of the nearest click above."""
    theta, table = estimator.table_of(observed)[0], observed.lists
    pairs = numbered_pairs(table)
    gamma = _refitted(pairs, places(table), table["impressions"].to_numpy(), table["clicks"].to_numpy(), theta)
    liked = PerPair.of(table.select("query_id", "doc_id").unique(maintain_order=True), gamma, float(gamma.mean()))

    def chances(query: np.ndarray, document: np.ndarray, clicked: np.ndarray) -> np.ndarray:
        rank = np.arange(1, document.shape[1] + 1)
        last = np.maximum.accumulate(np.where(clicked, rank, 0), axis=1)
        previous = np.concatenate([np.zeros((len(query), 1), dtype=np.int64), last[:, :-1]], axis=1)
        place = np.minimum(rank * (rank - 1) // 2 + previous, len(theta) - 1)
        return theta[place] * liked.at(query, document)

    return chances


def cascade(observed: Observed, estimator: Cascade) -> Chances:
    """Nothing is clicked after a click."""
    liked = _attractiveness(observed, estimator.looked(observed).table)
    return lambda query, document, clicked: _browsed(liked.at(query, document), clicked, lambda k: 0.0)


def dependent_clicks(observed: Observed, estimator: DependentClicks) -> Chances:
    """On after a click at rank k with the chance lambda_k."""
    liked, onward = _attractiveness(observed, estimator.looked(observed).table), estimator.onward(observed)
    return lambda query, document, clicked: _browsed(liked.at(query, document), clicked, lambda k: onward[k])


def simplified_dbn(observed: Observed, estimator: SimplifiedDBN) -> Chances:
    """On after a click that did not satisfy."""
    liked, table = _attractiveness(observed, estimator.looked(observed).table), estimator.satisfaction(observed)
    clicks = observed.lists.group_by("query_id", "doc_id").agg(pl.col("clicks").sum())
    told = table.join(clicks, ["query_id", "doc_id"], maintain_order="left")
    mean = float((told["satisfied"] * told["clicks"]).sum() / told["clicks"].sum())
    ended = (told["satisfied"] * told["clicks"] + mean) / (told["clicks"] + 1)
    satisfied = PerPair.of(told, ended.to_numpy(), mean)

    def chances(query: np.ndarray, document: np.ndarray, clicked: np.ndarray) -> np.ndarray:
        onward = 1 - satisfied.at(query, document)
        return _browsed(liked.at(query, document), clicked, lambda k: onward[:, k])

    return chances


def log_likelihood(chances: np.ndarray, clicked: np.ndarray, shown: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean log-likelihood of a list (nats), and the perplexity of each rank, float64 [ranks]: 2 to the mean of
    -log2 P (Chuklin et al. 2015, section 5.2), given the clicks above; 1 is best, 2 a coin. All [lists, ranks]."""
    chance = np.clip(chances, _LEAST, 1 - _LEAST)
    logs = np.where(shown, np.where(clicked, np.log(chance), np.log1p(-chance)), 0.0)
    return float(logs.sum(axis=1).mean()), np.exp(-logs.sum(axis=0) / np.maximum(shown.sum(axis=0), 1))


def _browsed(liked: np.ndarray, clicked: np.ndarray, onward: Callable[[int], np.ndarray | float]) -> np.ndarray:
    """Chances of a user who looks at rank 1, goes on from whatever is not clicked, and after a click at rank k with
    the chance ``onward(k)``; the belief that the user still looks follows Bayes' rule."""
    looking, chances = np.ones(len(liked)), np.empty_like(liked)
    for k in range(liked.shape[1]):
        chances[:, k] = looking * liked[:, k]
        passed = looking * (1 - liked[:, k]) / np.maximum(1 - chances[:, k], 1e-12)
        looking = np.where(clicked[:, k], onward(k), passed)
    return chances


def _attractiveness(observed: Observed, looked: pl.DataFrame) -> PerPair:
    """Clicks per look by pair, drawn towards the mean by one look."""
    seen = pl.when(pl.col("looked") > 0).then("clicks").otherwise(0.0)
    pairs = looked.group_by("query_id", "doc_id").agg(pl.col("looked").sum(), clicks=seen.sum())
    mean = float(pairs["clicks"].sum() / pairs["looked"].sum())
    return PerPair.of(pairs, ((pairs["clicks"] + mean) / (pairs["looked"] + 1)).to_numpy(), mean)


def _refitted(
    pair: np.ndarray, place: np.ndarray, shown: np.ndarray, clicked: np.ndarray, theta: np.ndarray
) -> np.ndarray:
    """gamma by pair with ``theta`` held, drawn towards the log's own clicks per look: foretelling wants a prior,
    estimating theta does not."""
    mean = np.clip(clicked.sum() / (shown * theta[place]).sum(), 1e-6, 0.9)
    return two_factors(pair, place, shown, clicked, Smoothing(1.0, 1 / mean - 1), 300, 1e-5, theta=theta)[1]


def _keys(query: np.ndarray, document: np.ndarray) -> np.ndarray:
    return query.astype(np.int64) * 2**32 + document.astype(np.int64)
