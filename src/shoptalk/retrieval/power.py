"""What a number of queries can show: the power of a paired comparison."""

from collections.abc import Sequence

import numpy as np
from scipy import optimize, special, stats

LEVEL, POWER = 0.05, 0.8
"""Two-sided level of a test, and the chance that a difference of the smallest size is found."""


def power(difference: float, deviation: float, n: int, level: float = LEVEL) -> float:
    """The chance that a true mean ``difference`` is found by the paired t-test, in its own direction or not, in [0, 1].

    For means of many queries the randomisation test has the same power.

    Args:
        deviation: standard deviation of the paired differences, above 0.
        n: queries, 2 or more.
    """
    edge = stats.t.ppf(1 - level / 2, n - 1)
    shift = abs(difference) * np.sqrt(n) / deviation
    # Not a number where a tail holds nothing: far below a large difference, all of it lies above the edge.
    missed, below = (np.nan_to_num(special.nctdtr(n - 1, shift, at)) for at in (edge, -edge))
    return float(np.clip(1 - missed + below, 0.0, 1.0))


def smallest(deviation: float, n: int, wanted: float = POWER, level: float = LEVEL) -> float | None:
    """The smallest mean difference that ``n`` queries show with power ``wanted``.

    ``None`` where nothing can be said: fewer than two queries, or no two differences that differ.
    """
    if n < 2 or not deviation > 0:
        return None
    most = deviation * (stats.t.ppf(1 - level / 2, n - 1) + 10) / np.sqrt(n)
    return float(optimize.brentq(lambda d: power(d, deviation, n, level) - wanted, 0.0, most))


def needed(difference: float, deviation: float, wanted: float = POWER, level: float = LEVEL) -> int:
    """Queries that show a mean ``difference`` other than 0 with power ``wanted``; 2 at the least."""
    low, high = 1, 2
    while power(difference, deviation, high, level) < wanted:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if power(difference, deviation, middle, level) < wanted else (low, middle)
    return high


def curve(deviation: float, n: int, differences: Sequence[float]) -> list[float]:
    """The power to find each of ``differences``."""
    return [power(difference, deviation, n) for difference in differences]
