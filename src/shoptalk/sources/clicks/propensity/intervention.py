"""Intervention harvesting: the same document at two ranks is an experiment that rankers made by accident."""

from itertools import pairwise

import numpy as np

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.examination import Examination, relative
from shoptalk.sources.clicks.propensity.identify import borrowed, both_ranks, linked_ranks, ranks

_FAR = 10.0  # log(theta) stays within, where nobody ever clicked


class AllPairs:
    """Intervention harvesting over all pairs of ranks (Agarwal et al. 2019, "Estimating position bias without
    intrusive interventions", section 4.2).

    For every (query, document) shown at ranks k and k' the click rates are added up, C_kk' at k and C_k'k at k'.
    The likelihood sum C_kk' log(theta_k r_kk') + (W_kk' - C_kk') log(1 - theta_k r_kk'), with the mean relevance
    r symmetric in its ranks, is maximised over theta and r. A rate of one impression says less than one of a
    thousand: unlike in the paper each pair weighs w = n n' / (n + n'), the inverse variance of the difference of
    two rates of n and n' impressions. The weight is the same on both sides, so that the ratio of expectations
    stays theta_k / theta_k'.

    Raises:
        InputError: ``min_pairs`` or ``min_impressions`` is below 1.
    """

    needs_lists = False
    level = "L2"

    def __init__(self, min_pairs: int = 50, min_impressions: float = 1.0):
        if min_pairs < 1 or min_impressions < 1:
            raise InputError("propensity: min_pairs and min_impressions must be at least 1.")
        self.min_pairs, self.min_impressions = min_pairs, min_impressions

    def estimate(self, observed: Observed) -> Examination:
        """Chances of examination by rank.

        Raises:
            InputError: the ranks are not linked by enough pairs.
        """
        linked = linked_ranks(observed, self.min_pairs, "AllPairs", self.min_impressions)
        clicks, weight = harvested(observed, self.min_impressions)
        theta, notices = borrowed(_most_likely(clicks, weight, linked), linked)
        return Examination(relative(theta), notices=notices)


class AdjacentChain(AllPairs):
    """The ratio of click rates of what was shown at both of two neighbouring ranks, multiplied down the list
    (Agarwal et al. 2019, section 4.1). Errors add up on the way; AllPairs uses more of the log.
    """

    def estimate(self, observed: Observed) -> Examination:
        """Chances of examination by rank.

        Raises:
            InputError: two neighbouring ranks are not linked by enough pairs, or nobody clicked at one of them.
        """
        linked = linked_ranks(observed, self.min_pairs, "AdjacentChain", self.min_impressions, neighbours=True)
        clicks, weight = harvested(observed, self.min_impressions)
        theta, used = np.ones(len(linked)), np.flatnonzero(linked)
        for above, below in pairwise(used):
            up, down = clicks[above, below], clicks[below, above]
            if not (weight[above, below] and up and down):
                raise InputError(
                    f"AdjacentChain finds no clicks on documents shown at both ranks {above + 1} and {below + 1}; "
                    "use propensity=all_pairs, which needs no chain, or a larger log."
                )
            theta[below] = theta[above] * down / up
        theta, notices = borrowed(theta, linked)
        return Examination(relative(theta), notices=notices)


def harvested(observed: Observed, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Weighted click rates C [k, k'] at rank k of what was also shown at k', and the weights W, symmetric."""
    shown = observed.by_position["impressions"].to_numpy()
    rate, rank = observed.by_position["clicks"].to_numpy() / shown, ranks(observed)
    clicks, weight = (np.zeros((observed.deepest, observed.deepest)) for _ in range(2))
    for upper, lower in both_ranks(observed, least):
        both = shown[upper] * shown[lower] / (shown[upper] + shown[lower])
        np.add.at(clicks, (rank[upper], rank[lower]), both * rate[upper])
        np.add.at(clicks, (rank[lower], rank[upper]), both * rate[lower])
        np.add.at(weight, (rank[upper], rank[lower]), both)
    return clicks, weight + weight.T


def _most_likely(clicks: np.ndarray, weight: np.ndarray, linked: np.ndarray) -> np.ndarray:
    """theta [deepest], relative to rank 1, at the maximum of the likelihood; 1 for ranks that are not linked.

    For given theta the best r of two ranks solves a quadratic equation, so that log(theta) alone is searched; by
    the envelope theorem r counts as constant in the slope.
    """
    from scipy.optimize import minimize

    size = len(linked)
    first, second = np.nonzero(np.triu(weight > 0, 1) & linked[:, None] & linked)
    total = weight[first, second].sum()
    trials = weight[first, second] / total
    hits = np.stack([clicks[first, second], clicks[second, first]]) / total
    at = np.stack([first, second])

    def loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
        theta = np.exp(np.concatenate([[0.0], logs]))[at]
        chance = np.clip(theta * _relevance(theta, hits, trials), 1e-12, 1 - 1e-12)
        value = -(hits * np.log(chance) + (trials - hits) * np.log1p(-chance)).sum()
        slope = -(hits - trials * chance) / (1 - chance)
        return value, np.bincount(at.ravel(), slope.ravel(), size)[1:]

    bounds = [(-_FAR, _FAR)] * (size - 1)
    options = {"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-10}
    found = minimize(loss, np.zeros(size - 1), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.exp(np.concatenate([[0.0], np.where(linked[1:], found.x, 0.0)]))


def _relevance(theta: np.ndarray, hits: np.ndarray, trials: np.ndarray) -> np.ndarray:
    """The r of every pair of ranks that makes ``hits`` [2, pairs] in ``trials`` [pairs] each most likely under the
    chances ``theta * r``: the smaller root of its quadratic equation."""
    a = 2 * trials * theta.prod(axis=0)
    b = ((trials + hits[::-1]) * theta).sum(axis=0)
    c = hits.sum(axis=0)
    return 2 * c / (b + np.sqrt(np.maximum(b * b - 4 * a * c, 0.0)))
