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
    times = draw.multinomial(len(queries), np.full(len(queries), 1 / len(queries)), size=_RESAMPLES)
    resampled = np.tensordot(times.astype(float), tables, 1)
    whole = tables.sum(axis=0)
    found: list[Any] = []
    for weights in (None, "linear"):
        value = kappa(whole, weights)
        spread = kappas(resampled, weights)
        interval = tuple(np.nanpercentile(spread, [2.5, 97.5]).tolist()) if value is not None else None
        found += [value, interval]
    return Agreement(len(both), len(queries), float(np.trace(whole) / whole.sum()), *found)


def kappas(tables: np.ndarray, weights: str | None) -> np.ndarray:
    """``kappa`` of many tables [n, grades, grades] at once: float64 [n], NaN where there is none."""
    places = np.arange(tables.shape[1])
    apart = np.abs(places[:, None] - places)
    cost = apart if weights == "linear" else apart > 0
    shares = tables / tables.sum(axis=(1, 2), keepdims=True)
    chance = np.einsum("na,nb,ab->n", shares.sum(axis=2), shares.sum(axis=1), cost)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance > 0, 1 - np.einsum("nab,ab->n", shares, cost) / chance, np.nan)


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
