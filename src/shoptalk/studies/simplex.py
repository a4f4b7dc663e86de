"""Shares that sum to 1, as independent numbers between 0 and 1 and back."""

from collections.abc import Sequence

import numpy as np

_CLOSE = 1e-6


def shares(sticks: Sequence[float]) -> list[float]:
    """Break a stick of length 1: k - 1 numbers in [0, 1] to k shares, at least 0, sum 1.

    Uniform numbers give shares uniform over the simplex: what is left is cut so that the piece follows Beta(1, pieces
    still to come), the distribution of a Dirichlet's parts (Devroye 1986, section XI.4.2).
    """
    rest, found = 1.0, []
    for place, stick in enumerate(sticks):
        kept = (1.0 - stick) ** (1.0 / (len(sticks) - place))
        found.append(rest * (1.0 - kept))
        rest *= kept
    return [*found, rest]


def sticks(parts: Sequence[float]) -> list[float]:
    """The numbers that ``shares`` turns into ``parts``; what no number can change any more is 0.

    Raises:
        ValueError: the parts are negative or do not sum to 1.
    """
    parts = np.asarray(parts, dtype=float)
    if (parts < 0).any() or abs(parts.sum() - 1) > _CLOSE:
        raise ValueError("shares must be at least 0 and sum to 1")
    rest, found = 1.0, []
    for place, part in enumerate(parts[:-1]):
        kept = min(max(1.0 - part / rest, 0.0), 1.0) if rest > _CLOSE else 1.0
        found.append(1.0 - kept ** (len(parts) - 1 - place))
        rest -= part
    return found
