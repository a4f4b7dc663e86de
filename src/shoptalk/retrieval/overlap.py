"""Do queries that mean the same document find the same documents?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from shoptalk.domain.judgments import Judged
from shoptalk.retrieval.ranked import Ranked
from shoptalk.retrieval.significance import Difference, compare

PERSISTENCE = 0.9
"""The first ten ranks hold 86 % of the weight."""
MOST = 20
"""Queries of a group that are compared with each other; the first in the split's order."""


def rbo(left: Sequence[int], right: Sequence[int], p: float = PERSISTENCE) -> float:
    """Rank-biased overlap of two lists, extrapolated to endless ones, in [0, 1].

    RBO_ext of Webber, Moffat and Zobel (2010), equation 32: beyond what is seen, agreement goes on as it was. Two
    empty lists agree in nothing.

    Args:
        left: distinct items, best first; the lists may differ in length.
        p: how likely a reader goes on to the next rank, above 0 and below 1.
    """
    short, long = sorted((list(left), list(right)), key=len)
    if not short:
        return 0.0
    shared, seen_short, seen_long, common = np.empty(len(long)), set(), set(), 0
    for depth, item in enumerate(long):
        seen_long.add(item)
        if depth < len(short):
            seen_short.add(short[depth])
            common += short[depth] in seen_long and short[depth] != item
        common += item in seen_short
        shared[depth] = common
    s, depths = len(short), np.arange(1, len(long) + 1)
    agreement = (shared + np.maximum(depths - s, 0) * shared[s - 1] / s) / depths
    return float((1 - p) / p * (agreement * p**depths).sum() + agreement[-1] * p ** len(long))


@dataclass(frozen=True)
class Consistency:
    """Mean overlap between results of queries that mean the same document.

    Attributes:
        arms: name to the mean over groups.
        difference: of the second arm over the first, paired by group; ``None`` where there is no group.
        groups: documents that two queries or more mean, and ``queries`` how many those are.
    """

    arms: Mapping[str, float]
    difference: Difference | None
    groups: int
    queries: int


def same_meaning(judged: Judged) -> list[list[int]]:
    """Rows of the queries that have the same best document: two at least, ``MOST`` at most.

    Where several documents have a query's best grade, that with the lowest id counts, so that a query is in one group.
    """
    groups: dict[str, list[int]] = {}
    for row, documents in enumerate(judged.positives()):
        if documents:
            groups.setdefault(documents[0], []).append(row)
    return [rows[:MOST] for rows in groups.values() if len(rows) > 1]


def consistency(found: Mapping[str, Ranked], judged: Judged, base: str, treated: str) -> Consistency:
    """``base`` against ``treated``: each group's mean overlap over its pairs of queries."""
    groups = same_meaning(judged)
    arms = {arm: np.array([_within(found[arm].rows, group) for group in groups]) for arm in (base, treated)}
    return Consistency(
        {arm: float(values.mean()) if groups else float("nan") for arm, values in arms.items()},
        compare(arms[treated], arms[base]) if groups else None,
        len(groups),
        sum(map(len, groups)),
    )


def _within(rows: np.ndarray, group: Sequence[int]) -> float:
    lists = [rows[row][rows[row] >= 0].tolist() for row in group]
    return float(np.mean([rbo(one, other) for one, other in combinations(lists, 2)]))
