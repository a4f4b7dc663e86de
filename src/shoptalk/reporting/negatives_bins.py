"""Histograms of several series over the same bins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

BINS = 40

Edges = Callable[[np.ndarray], np.ndarray]
"""Values [n], at least one, to the edges of their bins [b + 1]."""


@dataclass(frozen=True)
class Bins:
    """Float ``edges`` [b + 1], and each series' int ``counts`` [b]."""

    edges: np.ndarray
    counts: dict[str, np.ndarray]

    @classmethod
    def of(cls, series: Mapping[str, np.ndarray], edges: Edges) -> "Bins":
        """``series`` of finite values, at least one in all, in the bins of all of them together."""
        shared = edges(np.concatenate([np.asarray(values, np.float64) for values in series.values()]))
        return cls(shared, {name: np.histogram(values, shared)[0] for name, values in series.items()})


def even(values: np.ndarray) -> np.ndarray:
    """``BINS`` bins from the least to the greatest."""
    return np.histogram_bin_edges(values, BINS)


def whole(values: np.ndarray) -> np.ndarray:
    """At most twice ``BINS`` bins over whole numbers from 0, each of the same number of them."""
    width = 1 + int(values.max()) // (2 * BINS)
    return np.arange(0, values.max() + width + 1, width) - 0.5
