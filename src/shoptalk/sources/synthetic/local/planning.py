"""Which prompts are written together."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shoptalk.models.ragged import Ragged

_FEW = 8
"""Prompts with a prefix of their own below which they are written together with others."""

_PADDING = 512
"""Tokens of padding that cost as much as another batch, which reads all weights again for each token it writes."""


@dataclass(frozen=True)
class Group:
    """Prompts that are written one batch after another.

    Attributes:
        rows: of all prompts.
        shared: number of tokens they all begin with; each has at least one more.
    """

    rows: np.ndarray
    shared: int


def groups(ids: Ragged, prefixes: Sequence[str]) -> list[Group]:
    """A group for each prefix that is frequent enough, and one for the others."""
    by_prefix: dict[str, list[int]] = defaultdict(list)
    for row, prefix in enumerate(prefixes):
        by_prefix[prefix].append(row)
    large = [rows for rows in by_prefix.values() if len(rows) >= _FEW]
    others = [row for rows in by_prefix.values() if len(rows) < _FEW for row in rows]
    return [Group(np.array(rows), _shared(ids, rows)) for rows in [*large, others] if rows]


def batches(lengths: np.ndarray, beside: int, budget: int) -> list[np.ndarray]:
    """Split prompts into batches of similar length, the longest first.

    Args:
        lengths: tokens [n] of each prompt that are read in its batch.
        beside: other tokens that each row takes room for.
        budget: most tokens of a batch; it holds one prompt at least.

    Returns:
        Index arrays into ``lengths``; together a permutation of it.
    """
    order, plan = np.argsort(-lengths, kind="stable"), []
    while len(order):
        longest = int(lengths[order[0]])
        alike = np.searchsorted(np.cumsum(longest - lengths[order]), _PADDING, side="right")
        size = max(1, min(int(alike), budget // (longest + beside)))
        plan.append(order[:size])
        order = order[size:]
    return plan


def _shared(ids: Ragged, rows: Sequence[int]) -> int:
    if len(rows) == 1:
        return 0
    first = ids[rows[0]]
    shared = int(ids.lengths[rows].min()) - 1
    for row in rows:
        differing = np.flatnonzero(ids[row][:shared] != first[:shared])
        shared = int(differing[0]) if len(differing) else shared
    return shared
