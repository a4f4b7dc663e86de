"""Regression EM: attractiveness as a function of features, so that pairs with few impressions learn from others."""

import numpy as np
import polars as pl

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.em import PositionEM, counts
from shoptalk.sources.clicks.propensity.identify import ranks


class RegressionEM(PositionEM):
    """The position-based model with attractiveness sigmoid(w x + b) of the features x of query and document (Wang
    et al. 2018, "Position bias estimation for unbiased learning to rank in personal search", section 4.2).

    Instead of the paper's boosted trees on sampled labels, the M step fits a ridge logistic regression to the
    expected labels themselves, by Newton's method.

    Attributes:
        ridge: strength of the penalty on w, in units of one look.
    """

    def __init__(self, ridge: float = 1.0, rounds: int = 50, tolerance: float = 1e-4, min_pairs: int = 50):
        super().__init__(rounds=rounds, tolerance=tolerance, min_pairs=min_pairs)
        if not ridge > 0:
            raise InputError(f"propensity.ridge is {ridge}; it must be above 0, such as 1.")
        self.ridge = ridge

    def _theta(self, observed: Observed) -> np.ndarray:
        return self.fitted(observed)[0]

    def fitted(self, observed: Observed) -> tuple[np.ndarray, np.ndarray]:
        """theta [deepest] and gamma [pairs].

        Raises:
            InputError: there are no features.
        """
        if observed.features is None:
            raise InputError("RegressionEM needs features of query and document; it runs where a model embeds them.")
        pair, place, (shown, clicked) = observed.pair_numbers(), ranks(observed), counts(observed)
        x = standardised(observed.features(pairs_of(observed)))
        trials, looks = np.bincount(pair, shown), np.bincount(place, shown)
        weights = np.zeros(x.shape[1])
        gamma, theta = np.full(len(trials), clicked.sum() / shown.sum()), np.full(len(looks), 0.5)
        for _ in range(self.rounds):
            t, g = theta[place], gamma[pair]
            missed = (shown - clicked) / np.maximum(1 - t * g, 1e-12)
            liked = np.bincount(pair, clicked + missed * g * (1 - t))
            new = np.bincount(place, clicked + missed * t * (1 - g)) / np.maximum(looks, 1e-12)
            weights = self._newton(x, liked, trials, weights)
            gamma = _sigmoid(x @ weights)
            moved, theta = np.abs(new - theta).max(), new
            if moved <= self.tolerance * theta.max():
                break
        return theta, gamma

    def _newton(self, x: np.ndarray, liked: np.ndarray, trials: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """A few steps towards the weights under which ``liked`` of ``trials`` looks are most likely."""
        penalty = np.full(x.shape[1], self.ridge)
        penalty[-1] = 1e-6  # of the constant
        for _ in range(3):
            chance = _sigmoid(x @ weights)
            slope = x.T @ (liked - trials * chance) - penalty * weights
            curve = (x * (trials * np.maximum(chance * (1 - chance), 1e-6))[:, None]).T @ x + np.diag(penalty)
            weights = weights + np.clip(np.linalg.solve(curve, slope), -5, 5)
        return weights


def pairs_of(observed: Observed) -> pl.DataFrame:
    """``query_id, doc_id`` of every pair, in the order of ``pair_numbers``."""
    return observed.by_position.select("query_id", "doc_id").unique(maintain_order=True)


def standardised(features: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and deviation 1, and a constant behind them; float64."""
    x = features.astype(np.float64)
    x = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-9)
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return np.clip(expit(values), 1e-9, 1 - 1e-9)
