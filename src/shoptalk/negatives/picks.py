"""Which of the candidates that may stay are taken: the hardest, any, or those near the positive."""

import math
from typing import Protocol

import numpy as np

from shoptalk.errors import InputError
from shoptalk.negatives.draws import gumbel, orders

_NOISE = 3
"""Stream of ``SimAns``'s draws."""


class Pick(Protocol):
    """How negatives are picked among the candidates that may stay."""

    def rank(self, keys: np.ndarray, scores: np.ndarray, positive: np.ndarray) -> np.ndarray:
        """Int64 [n, k]: the order in which candidate columns are taken.

        Args:
            keys: uint64 [n], a number per (seed, pair); all chance comes from it.
            scores: float32 [n, k], the miner's, in its order, hardest first; -inf where there is no candidate.
            positive: float32 [n], the miner's score of each pair's own document; NaN where it has none.
        """
        ...


class Top:
    """The hardest first."""

    def rank(self, keys: np.ndarray, scores: np.ndarray, positive: np.ndarray) -> np.ndarray:
        """Columns as they stand."""
        return np.broadcast_to(np.arange(scores.shape[1]), scores.shape)


class Uniform:
    """Any, with equal chance, by (seed, pair)."""

    def rank(self, keys: np.ndarray, scores: np.ndarray, positive: np.ndarray) -> np.ndarray:
        """A random order per pair."""
        return orders(keys, scores.shape[1])


class SimAns:
    """Those about as near as the positive: without replacement, with chance ~ exp(-a (s - s_pos + b)^2).

    SimANS (Zhou et al. 2022, section 4): candidates far above the positive are likely to be relevant, those
    far below teach little. Where the positive has no score, any candidate has an equal chance.

    Drawn by adding Gumbel noise to the log of the chances and taking the highest (Kool et al. 2019), which is
    drawing one after the other without replacement.

    Args:
        a: how fast the chance falls with the distance of the scores, >= 0; 0 is ``Uniform``. The paper's 0.5 is
            for inner products in the tens, and cosines need more: 50 halves the chance at a distance of 0.12.
        b: how far below the positive (above it, if negative) the chance is highest, in units of the score.
    """

    def __init__(self, a: float = 0.5, b: float = 0.0):
        if not 0 <= a < math.inf:
            raise InputError(f"negatives.pick.a={a} must be a number of at least 0.")
        if not math.isfinite(b):
            raise InputError(f"negatives.pick.b={b} must be a finite number.")
        self.a, self.b = a, b

    def rank(self, keys: np.ndarray, scores: np.ndarray, positive: np.ndarray) -> np.ndarray:
        """A random order per pair, likelier candidates likelier to stand in front."""
        with np.errstate(invalid="ignore"):
            distance = scores.astype(np.float64) - positive[:, None] + self.b
            chance = -self.a * distance**2
        noisy = np.nan_to_num(chance, nan=0.0, neginf=-np.inf) + gumbel(keys, scores.shape[1], _NOISE)
        return np.argsort(-noisy, axis=1, kind="stable")
