"""How far a mean is to be trusted."""

import numpy as np
from scipy import stats


def of_mean(values: np.ndarray, resamples: int = 9999, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of the mean of float [n] over other queries like these, by the percentile bootstrap."""
    values = np.asarray(values, dtype=np.float64)
    if values.size < 2 or np.ptp(values) == 0:
        mean = float(values.mean()) if values.size else 0.0
        return mean, mean
    found = stats.bootstrap((values,), np.mean, n_resamples=resamples, batch=500, method="percentile", rng=seed)
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
