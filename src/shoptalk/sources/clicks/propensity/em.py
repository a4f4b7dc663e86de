"""The position-based model by expectation maximisation."""

from dataclasses import dataclass

import numpy as np

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.examination import Examination, relative
from shoptalk.sources.clicks.propensity.identify import borrowed, linked_ranks, ranks


@dataclass(frozen=True)
class Smoothing:
    """A Beta prior on the attractiveness of a pair: ``clicked`` and ``passed`` looks that it starts with."""

    clicked: float
    passed: float


def two_factors(
    pair: np.ndarray,
    place: np.ndarray,
    shown: np.ndarray,
    clicked: np.ndarray,
    smoothing: Smoothing,
    rounds: int,
    tolerance: float,
    theta: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Examination by place and attractiveness by pair of P(click) = theta[place] * gamma[pair].

    All arrays [rows]: numbers of pair and place from 0, impressions, clicks. A given ``theta`` is held. The
    expectations of Richardson et al. 2007 and Chuklin et al. 2015, section 4.3: a click was looked at and liked;
    of a skipped row the pair was liked (but unseen) with gamma (1 - theta) / (1 - theta gamma), and seen (but
    disliked) with theta (1 - gamma) / (1 - theta gamma). Ends after ``rounds``, or once no theta moves by more
    than ``tolerance`` times itself. Two steps that point the same way are extrapolated (SQUAREM; Varadhan and
    Roland 2008, scheme S3), since plain EM creeps.
    """
    held, skipped = theta, shown - clicked
    trials, looks = np.bincount(pair, shown), np.bincount(place, shown)
    hits, seen_hits = np.bincount(pair, clicked, len(trials)), np.bincount(place, clicked, len(looks))
    prior = smoothing.clicked + smoothing.passed

    def step(theta: np.ndarray, gamma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        t, g = theta[place], gamma[pair]
        missed = skipped / np.maximum(1 - t * g, 1e-12)
        liked = hits + np.bincount(pair, missed * g * (1 - t), len(trials))
        new = (liked + smoothing.clicked) / (trials + prior)
        if held is not None:
            return held, new
        return (seen_hits + np.bincount(place, missed * t * (1 - g), len(looks))) / np.maximum(looks, 1e-12), new

    gamma = (hits + smoothing.clicked) / (trials + prior)
    theta = np.full(len(looks), 0.5) if held is None else held
    for _ in range(max(1, rounds // 3)):
        one = step(theta, gamma)
        two = step(*one)
        new = step(*(_leap(a, b, c) for a, b, c in zip((theta, gamma), one, two, strict=True)))
        moved = np.abs(new[0] - theta).max() if held is None else np.abs(new[1] - gamma).max()
        theta, gamma = new
        if moved <= tolerance * (theta.max() if held is None else 1.0):
            break
    return theta, gamma


def _leap(start: np.ndarray, one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Where the two steps lead, kept within the open unit interval; never shorter than both steps."""
    r, v = one - start, two - 2 * one + start
    length = np.sqrt((r * r).sum() / max((v * v).sum(), 1e-300))
    if length <= 1:
        return two
    leapt = start + 2 * length * r + length * length * v
    return np.where((leapt > 0) & (leapt < 1), leapt, two)


class PositionEM:
    """The position-based model by EM: a click needs a look, which depends on the rank alone, and an attractive
    document (Richardson et al. 2007, section 4.1; Chuklin et al. 2015, section 4.3).

    Attributes:
        clicked, passed: looks with and without a click that every pair starts with (a Beta prior). Little: a prior
            that outweighs the many pairs with few looks pulls the chances along.
        rounds, tolerance: EM ends after so many steps, or once no chance moves by more than this share of the
            largest.
        min_pairs: that must link the ranks (see ``identify``).

    Raises:
        InputError: a number is out of range.
    """

    needs_lists = False
    level = "L2"

    def __init__(
        self,
        clicked: float = 0.01,
        passed: float = 0.01,
        rounds: int = 600,
        tolerance: float = 1e-5,
        min_pairs: int = 50,
    ):
        self.smoothing = checked_smoothing(clicked, passed)
        self.rounds, self.tolerance = checked_rounds(rounds, tolerance)
        self.min_pairs = checked_pairs(min_pairs)

    def estimate(self, observed: Observed) -> Examination:
        """Chances of examination by rank.

        Raises:
            InputError: the ranks are not linked by enough pairs.
        """
        linked = linked_ranks(observed, self.min_pairs, type(self).__name__)
        theta, notices = borrowed(self._theta(observed), linked)
        return Examination(relative(np.maximum(theta, 1e-9)), notices=notices)

    def _theta(self, observed: Observed) -> np.ndarray:
        return two_factors(
            observed.pair_numbers(), ranks(observed), *counts(observed), self.smoothing, self.rounds, self.tolerance
        )[0]


def counts(observed: Observed) -> tuple[np.ndarray, np.ndarray]:
    """Impressions and clicks, float64 [rows of by_position]."""
    return observed.by_position["impressions"].to_numpy(), observed.by_position["clicks"].to_numpy()


def checked_smoothing(clicked: float, passed: float) -> Smoothing:
    """The prior, if it can be."""
    if not (clicked > 0 and passed > 0):
        raise InputError("propensity: clicked and passed are a prior and must be above 0, such as 0.01.")
    return Smoothing(clicked, passed)


def checked_pairs(min_pairs: int) -> int:
    """The number, if it can be."""
    if min_pairs < 1:
        raise InputError(f"propensity.min_pairs is {min_pairs}; it must be at least 1.")
    return min_pairs


def checked_rounds(rounds: int, tolerance: float) -> tuple[int, float]:
    """Both, if they can be."""
    if rounds < 1 or not tolerance >= 0:
        raise InputError("propensity: rounds must be at least 1 and tolerance 0 or more.")
    return rounds, tolerance
