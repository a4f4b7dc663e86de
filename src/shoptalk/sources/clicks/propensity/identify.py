"""Whether a log tells the chances of examination at all.

Clicks at two ranks can be compared only through documents that were shown at both for the same query. Ranks are
nodes, and an edge joins two of them that enough pairs link; chances are known up to one factor within a connected
part of this graph (Chen et al. 2023, "Identifiability matters", theorem 1), so ranks outside it cannot be compared
with rank 1.
"""

from collections.abc import Iterator

import numpy as np

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed

_SHARE = 0.01  # of the impressions: ranks shown less often may go unlinked


def both_ranks(observed: Observed, least: float = 1.0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of ``by_position`` that show one (query, document) at two ranks, in blocks ``(upper, lower)``, int64
    each; only rows with at least ``least`` impressions."""
    shown = observed.by_position["impressions"].to_numpy()
    rows = np.flatnonzero(shown >= least)
    pair = observed.pair_numbers()[rows]
    for step in range(1, len(rows)):
        same = np.flatnonzero(pair[step:] == pair[:-step])
        if not len(same):
            return
        yield rows[same], rows[same + step]


def link_counts(observed: Observed, least: float = 1.0) -> np.ndarray:
    """Pairs shown at both of two ranks, int64 [deepest, deepest], symmetric, zero on the diagonal."""
    rank, deepest = ranks(observed), observed.deepest
    counts = np.zeros((deepest, deepest), dtype=np.int64)
    for upper, lower in both_ranks(observed, least):
        np.add.at(counts, (rank[upper], rank[lower]), 1)
    return counts + counts.T


def ranks(observed: Observed) -> np.ndarray:
    """int64 [rows of by_position], from 0."""
    return observed.by_position["position"].to_numpy().astype(np.int64) - 1


def linked_ranks(
    observed: Observed, min_pairs: int, method: str, least: float = 1.0, neighbours: bool = False
) -> np.ndarray:
    """bool [deepest]: the ranks that are comparable with rank 1; with ``neighbours`` by way of neighbouring ranks
    alone.

    Raises:
        InputError: a rank with at least 1 % of the impressions is not among them.
    """
    counts = link_counts(observed, least)
    if neighbours:
        counts = np.triu(np.tril(counts, 1), -1)
    linked = _reached(counts >= min_pairs)
    shown = np.bincount(ranks(observed), observed.by_position["impressions"].to_numpy(), observed.deepest)
    lost = np.flatnonzero(~linked & (shown >= _SHARE * shown.sum()))
    if len(lost) or not linked[1:].any():
        raise InputError(_refusal(counts, linked, lost, min_pairs, method))
    return linked


def borrowed(theta: np.ndarray, linked: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """``theta`` [deepest] where ranks that are not linked take the value of the nearest linked one above."""
    above = np.maximum.accumulate(np.where(linked, np.arange(len(theta)), 0))
    if linked.all():
        return theta, []
    listed = ", ".join(map(str, np.flatnonzero(~linked) + 1))
    return theta[above], [
        f"Rank {listed} is too seldom shown to tell how often it is looked at; it is taken for the rank above."
    ]


def _reached(edges: np.ndarray) -> np.ndarray:
    """Nodes connected with node 0."""
    from scipy.sparse.csgraph import connected_components

    _, part = connected_components(edges, directed=False)
    return part == part[0]


def _refusal(counts: np.ndarray, linked: np.ndarray, lost: np.ndarray, min_pairs: int, method: str) -> str:
    lost = lost if len(lost) else np.arange(1, len(linked))
    best = counts[np.ix_(linked, ~linked)].max(initial=0) if (~linked).any() else 0
    mend = (
        "log the lists of several rankers, put a random document into a share of the lists, or give the chances by "
        "hand with propensity=given"
    )
    if not len(lost):
        return f"{method} cannot tell position bias from a log that shows one rank only: {mend}."
    listed = f"rank {lost[0] + 1}" if len(lost) == 1 else f"ranks {lost[0] + 1} to {lost[-1] + 1}"
    return (
        f"{method} cannot tell position bias from relevance in this log: {listed} and the ranks linked with rank 1 "
        f"share at most {best:,} (query, document) pairs shown at both, and {min_pairs:,} are needed; {mend}."
    )
