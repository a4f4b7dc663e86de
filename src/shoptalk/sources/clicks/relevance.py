"""How surely people click a document of a query once they look at it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.examination import Examination


@dataclass(frozen=True)
class Evidence:
    """What was seen of every pair.

    Attributes:
        clicks, examinations: float64 [pairs]; the latter are expected ones, the sum of propensities.
        pair: int64 [rows], ascending: the pair that a row is about; every pair has a row.
        theta, shown, clicked: [rows]: chance of examination at one rank, impressions and clicks there.
    """

    clicks: np.ndarray
    examinations: np.ndarray
    pair: np.ndarray
    theta: np.ndarray
    shown: np.ndarray
    clicked: np.ndarray

    @classmethod
    def of(cls, observed: Observed, examination: Examination) -> "Evidence":
        """Pairs keep the order of ``observed.by_position``; clicks that trust alone yields are taken off."""
        table, pair = observed.by_position, observed.pair_numbers()
        position = table["position"].to_numpy().astype(np.int64)
        theta = examination.of_rows(position)
        shown = table["impressions"].to_numpy().astype(np.float64)
        clicked = table["clicks"].to_numpy().astype(np.float64)
        if examination.false_clicks is not None:
            clicked = np.clip(clicked - shown * examination.false_clicks[position - 1], 0, None)
        size = int(pair[-1]) + 1
        clicks, looks = np.bincount(pair, clicked, size), np.bincount(pair, shown * theta, size)
        return cls(clicks, looks, pair, theta, shown, clicked)

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sums of ``values`` [rows] over each pair, float64 [pairs]."""
        return np.bincount(self.pair, values, len(self.clicks))


class Relevance(Protocol):
    """A score per (query, document); higher is surer.

    Attributes:
        level: of the log that the score needs (see ``capability``).
    """

    level: str

    def score(self, evidence: Evidence) -> np.ndarray:
        """float64 [pairs]."""
        ...


class GammaLowerBound:
    """Lower confidence bound on clicks per examination, whatever the other pairs of the log are like.

    The ``quantile`` of Gamma(clicks + mu, rate = examinations + 1), where mu is the log's own clicks per
    examination: a pair starts with one examination of the average document. Clicks at rank k count in units of
    examinations, so ranks are comparable; little evidence pulls the bound down, so pairs are.

    Raises:
        InputError: ``quantile`` lies outside (0, 1).
    """

    level = "L1"

    def __init__(self, quantile: float = 0.1):
        self.quantile = _checked(quantile)

    def score(self, evidence: Evidence) -> np.ndarray:
        """The bound for every pair, float64 [pairs], at least 0."""
        from scipy.stats import gamma

        average = evidence.clicks.sum() / evidence.examinations.sum()
        if average == 0:
            return np.zeros(len(evidence.clicks))
        return gamma.ppf(self.quantile, evidence.clicks + average, scale=1 / (evidence.examinations + 1))


class PosteriorLowerBound:
    """Lower bound on the chance of a click given examination, learning from all pairs what chances are usual.

    Empirical Bayes with a non-parametric prior (Kiefer & Wolfowitz 1956; Laird 1978): the chance g of a pair
    lies in one of ``cells`` equal cells of (0, 1). At rank k a click has the probability ``theta_k * g``. The
    shares of the cells among all pairs maximise the likelihood of the log (EM), so that the rate of chance
    clicks, and how rare clear answers are, come from the log itself. The score is the ``quantile`` of
    g's posterior: with probability ``1 - quantile`` a look turns into a click at least so often. Unlike a bound on
    counts it knows that a document never passed over differs from one clicked as often but also passed over.

    Raises:
        InputError: ``quantile`` lies outside (0, 1), or ``cells`` is below 2.
    """

    level = "L1"
    _ROUNDS, _SAMPLE, _CHUNK = 200, 100_000, 200_000

    def __init__(self, quantile: float = 0.1, cells: int = 20):
        if cells < 2:
            raise InputError(f"relevance.cells is {cells}; it must be at least 2, such as 20.")
        self.quantile, self.cells = _checked(quantile), cells

    def score(self, evidence: Evidence) -> np.ndarray:
        """The bound for every pair, float64 [pairs], in [0, 1]."""
        pairs = len(evidence.clicks)
        sample = np.unique(np.linspace(0, pairs - 1, min(pairs, self._SAMPLE)).astype(np.int64))
        starts = np.searchsorted(evidence.pair, np.arange(pairs + 1))
        prior = self.prior(np.concatenate([block for _, block in self._likelihoods(evidence, starts, sample)]))
        bounds = np.empty(pairs)
        for chosen, block in self._likelihoods(evidence, starts, np.arange(pairs)):
            bounds[chosen] = self._quantiles(block * prior)
        return bounds

    def prior(self, likelihood: np.ndarray) -> np.ndarray:
        """Shares of the cells, float64 [cells], that make ``likelihood`` [pairs, cells] most likely."""
        shares = np.full(self.cells, 1 / self.cells)
        for _ in range(self._ROUNDS):
            shares = shares * (likelihood.T @ (1 / (likelihood @ shares))) / len(likelihood)
        return np.maximum(shares / shares.sum(), 1e-12)

    def _likelihoods(self, evidence: Evidence, starts: np.ndarray, pairs: np.ndarray):
        """Blocks of pair numbers and their likelihoods by cell, float64 [block, cells], at most 1 in a line."""
        centres = (np.arange(self.cells) + 0.5) / self.cells
        for begin in range(0, len(pairs), self._CHUNK):
            chosen = pairs[begin : begin + self._CHUNK]
            sizes = starts[chosen + 1] - starts[chosen]
            first = np.cumsum(sizes) - sizes
            rows = np.repeat(starts[chosen] - first, sizes) + np.arange(sizes.sum())
            chance = evidence.theta[rows, None] * centres
            seen = evidence.clicked[rows, None] * np.log(chance)
            seen += (evidence.shown - evidence.clicked)[rows, None] * np.log1p(-chance)
            logs = np.add.reduceat(seen, first, axis=0)
            yield chosen, np.exp(logs - logs.max(axis=1, keepdims=True))

    def _quantiles(self, mass: np.ndarray) -> np.ndarray:
        """The ``quantile`` of lines of ``mass`` over the cells, spread evenly within a cell."""
        mass = mass / mass.sum(axis=1, keepdims=True)
        total = np.cumsum(mass, axis=1)
        cell = (total < self.quantile).sum(axis=1)
        line = np.arange(len(mass))
        below = total[line, cell] - mass[line, cell]
        return (cell + (self.quantile - below) / mass[line, cell]) / self.cells


class ClickThroughRate:
    """Clicks per impression, whatever the rank."""

    level = "L1"

    def score(self, evidence: Evidence) -> np.ndarray:
        """In [0, 1]."""
        return evidence.clicks / evidence.total(evidence.shown)


class ClicksOverExpected:
    """Clicks over expected examinations (COEC; Zhang and Jones 2007), without regard to how many they are."""

    level = "L1"

    def score(self, evidence: Evidence) -> np.ndarray:
        """At least 0; around the chance of a click on a look."""
        return evidence.clicks / evidence.examinations


class InversePropensity:
    """Mean of clicks over clipped propensities (Joachims et al. 2017, eq. 4).

    Attributes:
        clip: least propensity that a click is divided by, in (0, 1].
    """

    level = "L1"

    def __init__(self, clip: float = 0.1):
        self.clip = _checked_clip(clip)

    def score(self, evidence: Evidence) -> np.ndarray:
        """At least 0; unbiased for the chance of a click on a look where nothing is clipped, and noisy."""
        weight = 1 / np.maximum(evidence.theta, self.clip)
        return evidence.total(evidence.clicked * weight) / evidence.total(evidence.shown)


class SelfNormalised(InversePropensity):
    """Clicks weighted by clipped inverse propensities over the weights of all impressions (SNIPS; Swaminathan and
    Joachims 2015)."""

    def score(self, evidence: Evidence) -> np.ndarray:
        """In [0, 1]: a weighted click-through rate, less noisy than `InversePropensity` and no longer unbiased."""
        weight = 1 / np.maximum(evidence.theta, self.clip)
        return evidence.total(evidence.clicked * weight) / evidence.total(evidence.shown * weight)


class Clicks:
    """The number of clicks: all that a log of clicked pairs tells, and no measure of relevance."""

    level = "L0"

    def score(self, evidence: Evidence) -> np.ndarray:
        """At least 0; ``selection.min_score`` then counts clicks."""
        return evidence.clicks


def _checked_clip(clip: float) -> float:
    if not 0 < clip <= 1:
        raise InputError(f"relevance.clip is {clip}; it must be above 0 and at most 1, such as 0.1.")
    return clip


def _checked(quantile: float) -> float:
    if not 0 < quantile < 1:
        raise InputError(f"relevance.quantile is {quantile}; it must lie between 0 and 1, such as 0.1.")
    return quantile
