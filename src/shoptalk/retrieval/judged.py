"""How much of what an arm finds was ever judged: unjudged documents count as irrelevant."""

from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np

from shoptalk.domain.judgments import Judged
from shoptalk.retrieval.ranked import Ranked

DEPTH = 10
UNEVEN = 0.1
"""Arms differ in what is judged where their shares lie further apart than this: one document in ten."""
SPARSE = 10
"""Judgments are sparse where the median query has fewer judged documents than the measure reads."""


def judged_share(ranked: Ranked, doc_ids: Sequence[str], judged: Judged, depth: int = DEPTH) -> np.ndarray:
    """Per query the share of its first ``depth`` results with any grade, 0 included: float64 [n].

    Where an arm returns fewer, of those; a query without results has NaN.
    """
    shares = np.full(len(judged), np.nan)
    for line, (query_id, rows) in enumerate(zip(judged.ids, ranked.rows[:, :depth], strict=True)):
        known = judged.qrels.get(query_id) or {}
        found = [doc_ids[row] in known for row in rows if row >= 0]
        if found:
            shares[line] = sum(found) / len(found)
    return shares


def judged_documents(judged: Judged) -> float:
    """Median number of judged documents per query; 0 without queries."""
    return float(median([len(judged.qrels.get(query_id) or {}) for query_id in judged.ids] or [0]))


def warnings(split: str, arms: Mapping[str, float], documents: float) -> list[str]:
    """Sentences on what the judgments of a split cannot tell.

    Args:
        arms: name to mean judged@10.
        documents: median number of judged documents per query.
    """
    told = []
    least, most = min(arms, key=arms.__getitem__), max(arms, key=arms.__getitem__)
    if arms[most] - arms[least] > UNEVEN:
        told.append(
            f"On {split} {100 * arms[most]:.0f} % of the first ten results of {most} are judged, but only "
            f"{100 * arms[least]:.0f} % of those of {least}: what nobody judged counts as irrelevant, so that {least} "
            "may be better than its figures."
        )
    if documents < SPARSE:
        told.append(
            f"Sparse judgments: the median query of {split} has {documents:g} judged "
            f"document{'s' * (documents != 1)}, fewer than {SPARSE}; a good document that nobody judged counts as bad."
        )
    return told
