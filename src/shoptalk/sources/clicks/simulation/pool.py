"""A world for estimators: judged pools of documents, deterministic rankers, Zipf traffic, and nothing else.

No corpus, no text, no dwell, no bots: what an estimator gets out of its clicks can be compared with what was put in.
"""

from dataclasses import dataclass

import numpy as np

from shoptalk.errors import InputError
from shoptalk.sources.clicks.simulation.checks import require_number

_RELEVANT, _NOISE, _SEARCHES = 0, 1, 2


@dataclass(frozen=True)
class Pool:
    """What is searched and how it is ranked.

    A ranker sorts the documents of a query by ``strength * relevant`` plus standard normal noise, which is fixed
    for a ranker, query and document: the same ranker always answers a query with the same list, and
    rankers differ from each other.

    Attributes:
        queries: how many. documents: in the pool of each query. relevant: how many of these are relevant.
        rankers: how many; one at random answers a search. list_length: documents shown.
        zipf: query q = 0, 1, … is asked in proportion to ``1 / (q + 1)**zipf``.
        strength: how much better relevant documents score.

    Raises:
        InputError: a count is below 1, or a list or the relevant documents exceed the pool.
    """

    queries: int = 1000
    documents: int = 30
    relevant: int = 3
    rankers: int = 3
    list_length: int = 10
    zipf: float = 1.0
    strength: float = 1.0

    def __post_init__(self) -> None:
        require_number("pool.zipf", self.zipf)
        if min(self.queries, self.documents, self.rankers, self.list_length) < 1 or self.relevant < 0:
            raise InputError("pool: queries, documents, rankers, list_length must be 1 or more, relevant 0 or more.")
        if max(self.list_length, self.relevant) > self.documents:
            raise InputError(f"pool: list_length and relevant must be at most documents, here {self.documents}.")

    def shares(self) -> np.ndarray:
        """How often each query is asked, float64 [queries], sum 1."""
        share = 1 / np.arange(1, self.queries + 1) ** self.zipf
        return share / share.sum()


@dataclass(frozen=True)
class PoolLists:
    """Searches and what they were shown, with the truth.

    Attributes:
        query, ranker: int64 [S]. document: int32 [S, K], numbers within the pool of the query, rank 1 first.
        relevance: float32 [S, K], 0 or 1: relevance of what is shown.
        relevant: bool [queries, documents], the truth. orders: int32 [rankers, queries, K], each ranker's lists.
    """

    query: np.ndarray
    ranker: np.ndarray
    document: np.ndarray
    relevance: np.ndarray
    relevant: np.ndarray
    orders: np.ndarray


def draw(pool: Pool, sessions: int, seed: int) -> PoolLists:
    """``sessions`` searches; documents and rankers depend on ``pool`` and ``seed`` alone, not on ``sessions``."""
    relevant = np.arange(pool.documents) < np.full((pool.queries, 1), pool.relevant)
    relevant = _random(seed, _RELEVANT).permuted(relevant, axis=1)
    noise = _random(seed, _NOISE).standard_normal((pool.rankers, pool.queries, pool.documents))
    best = np.argsort(-(pool.strength * relevant + noise), axis=2)
    orders = best[:, :, : pool.list_length].astype(np.int32)
    random = _random(seed, _SEARCHES)
    query = random.choice(pool.queries, size=sessions, p=pool.shares())
    ranker = random.integers(0, pool.rankers, sessions)
    document = orders[ranker, query]
    grades = np.take_along_axis(relevant[None], orders, axis=2).astype(np.float32)
    return PoolLists(query, ranker, document, grades[ranker, query], relevant, orders)


def _random(seed: int, purpose: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64([seed, purpose]))
