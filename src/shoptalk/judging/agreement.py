"""How far two judges agree beyond chance."""

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from shoptalk.judging.journal import GRADES

_RESAMPLES = 999


@dataclass(frozen=True)
class Agreement:
    """Two judges on the documents both have graded.

    Attributes:
        documents, queries: how many both have graded. same: share of equal grades.
        kappa: Cohen's (1960); linear: weighted by the distance of grades (Cohen 1968). Each with its 95 % interval:
            percentiles of a bootstrap over queries. ``None`` where nothing but chance could be seen, as when both
            give one grade alone.
    """

    documents: int
    queries: int
    same: float
    kappa: float | None
    kappa_ci95: tuple[float, float] | None
    linear: float | None
    linear_ci95: tuple[float, float] | None

    def told(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


def agreement(
    one: Mapping[tuple[str, str], int], other: Mapping[tuple[str, str], int], seed: int = 0
) -> Agreement | None:
    """Of grades by (query, document); ``None`` where there is none in common."""
    both = sorted(one.keys() & other.keys())
    if not both:
        return None
    queries = sorted({query_id for query_id, _ in both})
    place = {query_id: row for row, query_id in enumerate(queries)}
    tables = np.zeros((len(queries), len(GRADES), len(GRADES)))
    for key in both:
        tables[place[key[0]], one[key], other[key]] += 1
    draw = np.random.default_rng([0xA62EE, seed])
    times = [
        np.bincount(draw.integers(len(queries), size=len(queries)), minlength=len(queries)) for _ in range(_RESAMPLES)
    ]
    resampled = [np.tensordot(t, tables, 1) for t in times]
    whole = tables.sum(axis=0)
    found = []
    for weights in (None, "linear"):
        value = kappa(whole, weights)
        spread = [k for k in (kappa(table, weights) for table in resampled) if k is not None]
        low, high = np.percentile(spread, [2.5, 97.5]).tolist() if spread else (0.0, 0.0)
        found += [value, (low, high) if value is not None else None]
    return Agreement(len(both), len(queries), float(np.trace(whole) / whole.sum()), *found)


def kappa(table: np.ndarray, weights: str | None) -> float | None:
    """Cohen's kappa of counts [grade of one, grade of the other]; ``weights``: ``None`` or ``linear``."""
    from sklearn.metrics import cohen_kappa_score

    row, column = np.nonzero(table)
    if len({*row.tolist(), *column.tolist()}) < 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = cohen_kappa_score(row, column, weights=weights, labels=GRADES, sample_weight=table[row, column])
    return float(value) if np.isfinite(value) else None
