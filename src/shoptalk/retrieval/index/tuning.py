"""How much of an index a search must look at, by its recall on a sample of the queries."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from shoptalk.cache import Cache
from shoptalk.retrieval.dense import SPARE
from shoptalk.retrieval.index.base import Kind
from shoptalk.retrieval.index.built import Built
from shoptalk.retrieval.ranked import Ranked

SAMPLED = 256
"""Queries that recall is measured on, at most."""


@dataclass(frozen=True)
class Tuned:
    """The effort of a search, and its recall on a sample.

    Attributes:
        recall: mean share of the exact top k that was found.
        low: ``recall`` less two standard errors, which must reach what is asked.
        sampled: queries of the sample.
    """

    effort: int
    recall: float
    low: float
    sampled: int

    def told(self, kind: Kind, k: int) -> str:
        """As part of a sentence."""
        return (
            f"{self.recall:.1%} of the exact top {k} with {kind.unit}={self.effort} "
            f"(at least {self.low:.1%}, by {self.sampled} sampled queries)"
        )


def tune(built: Built, asked: np.ndarray, truth: Ranked) -> Tuned:
    """The least effort with enough recall on the sample ``asked``; the highest where none has, by bisection."""
    kind, k = built.kind, truth.rows.shape[1]
    efforts = [kind.effort] if kind.effort else kind.efforts(built.structure(), k)
    low, high, enough = 0, len(efforts), None
    while low < high:
        middle = (low + high) // 2
        seen = _seen(built.search(asked, k, efforts[middle]), truth, efforts[middle])
        if seen.low >= kind.recall:
            enough, high = seen, middle
        else:
            low = middle + 1
    return enough or seen


def recalls(found: Ranked, truth: Ranked) -> np.ndarray:
    """Per query the share of ``truth``'s rows that were found, float64 [n]."""
    return np.array([np.isin(right, line).mean() for line, right in zip(found.rows, truth.rows, strict=True)])


def sample(queries: np.ndarray, count: int | None = None) -> np.ndarray:
    """``count`` queries, evenly spaced, or all: by itself a sixteenth of them, but 32 at the least and 256 at most."""
    n = len(queries)
    count = min(n, count or min(SAMPLED, max(32, n // 16)))
    return np.ascontiguousarray(queries[np.linspace(0, n - 1, count).astype(np.int64)], np.float32)


def trivial(n: int, m: int, k: int) -> bool:
    """Whether nothing is asked, or every document is a candidate anyway."""
    return not n or not k or k + SPARE >= m


def once(cache: Cache, kind: str, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``make`` told the first time, from the cache ever after."""
    folder = cache.folder(kind, key, lambda place: (place / "told.json").write_text(json.dumps(make())) and None)
    return json.loads((folder / "told.json").read_text())


def _seen(found: Ranked, truth: Ranked, effort: int) -> Tuned:
    shares = recalls(found, truth)
    error = shares.std(ddof=1) / np.sqrt(len(shares)) if len(shares) > 1 else 0.0
    return Tuned(effort, float(shares.mean()), float(shares.mean() - 2 * error), len(shares))
