"""How long one query takes, and how many documents are embedded in a second."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from shoptalk.arms.base import Search

_WARM = 5
"""Queries searched before any is timed: memory is fetched and kernels are chosen in them."""

Clock = Callable[[], float]


def milliseconds(
    search: Search, queries: Sequence[str], k: int, rounds: int, clock: Clock = time.perf_counter
) -> np.ndarray:
    """Each of ``queries`` alone, from text to results, once per round: float64 [rounds * queries]."""
    for query in queries[:_WARM]:
        search([query], k)
    took = []
    for query in [*queries] * rounds:
        began = clock()
        search([query], k)
        took.append(clock() - began)
    return 1000 * np.array(took)


def per_second(work: Callable[[Sequence[str]], Any], texts: Sequence[str], clock: Clock = time.perf_counter) -> float:
    """How many of ``texts`` ``work`` does in a second, all handed over together, after the first of them."""
    work(texts[:_WARM])
    began = clock()
    work(texts)
    return len(texts) / max(clock() - began, 1e-9)


def spaced(texts: Sequence[str], count: int) -> list[str]:
    """``count`` of ``texts``, evenly spaced, or all."""
    rows = np.linspace(0, len(texts) - 1, min(count, len(texts))).astype(int)
    return [texts[row] for row in rows]
