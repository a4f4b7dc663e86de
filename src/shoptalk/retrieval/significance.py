"""Is the difference between two arms real? Paired, per query."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Difference:
    """Mean paired difference with its 95 % interval and two-sided p-value."""

    mean: float
    low: float
    high: float
    p_value: float
    n: int

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``inconclusive`` at the 5 % level, interval and test agreeing."""
        if self.p_value < 0.05 and self.low > 0:
            return "better"
        if self.p_value < 0.05 and self.high < 0:
            return "worse"
        return "inconclusive"

    def told(self, measure: str = "ndcg@10") -> dict[str, Any]:
        """For ``metrics.json``: a difference in ``measure``."""
        return {
            measure: self.mean,
            "ci95": [self.low, self.high],
            "p_value": self.p_value,
            "n": self.n,
            "verdict": self.verdict,
        }


def compare(treated: np.ndarray, baseline: np.ndarray, resamples: int = 9999, seed: int = 0) -> Difference:
    """``treated - baseline`` over the same queries, both float [n].

    The p-value is the paired randomisation test's (signs of the differences flipped; Smucker et al.
    2007), the interval the percentile bootstrap's over queries.
    """
    delta = np.asarray(treated, dtype=np.float64) - np.asarray(baseline, dtype=np.float64)
    if delta.size < 2 or not delta.any():
        mean = float(delta.mean()) if delta.size else 0.0
        return Difference(mean, mean, mean, 1.0, int(delta.size))
    test = stats.permutation_test(
        (delta,), np.mean, permutation_type="samples", vectorized=True, n_resamples=resamples, batch=500, rng=seed
    )
    interval = stats.bootstrap(
        (delta,), np.mean, n_resamples=resamples, batch=500, method="percentile", rng=seed
    ).confidence_interval
    return Difference(
        float(delta.mean()), float(interval.low), float(interval.high), float(test.pvalue), int(delta.size)
    )
