"""How much each document of a simulated domain is asked for."""

from collections.abc import Iterable, Mapping

import numpy as np

_STREAM = 0x7AF
SILENT = 0.4
"""Share of the documents that own a query which nobody asks for."""
MUCH = 1 / 3
"""Share of the documents with traffic that count as having much of it."""


def term_traffic(doc_ids: Iterable[str], seed: int) -> dict[str, float]:
    """Document id to the probability that a session is about it; sums to 1, zero for silent documents.

    Repeated ids count once. The ids are sorted, then shuffled by ``seed``; the last 40 % of the shuffle are
    silent and the document at place r = 1, 2, … of the others gets a probability proportional to 1/r (Zipf,
    exponent 1). Traffic therefore says nothing of how many queries a document owns.
    """
    ids = sorted(set(doc_ids))
    order = np.random.default_rng([_STREAM, seed]).permutation(len(ids))
    asked = order[: round(len(ids) * (1 - SILENT))]
    shares = 1 / np.arange(1, len(asked) + 1)
    traffic = dict.fromkeys(ids, 0.0)
    traffic.update(zip((ids[row] for row in asked), (shares / shares.sum()).tolist(), strict=True))
    return traffic


def traffic_levels(traffic: Mapping[str, float]) -> dict[str, str]:
    """Document id to ``none``, ``much`` (the third of the others with the highest share) or ``little``."""
    asked = sorted((doc_id for doc_id, share in traffic.items() if share > 0), key=lambda d: (-traffic[d], d))
    levels = dict.fromkeys(traffic, "none")
    levels.update(dict.fromkeys(asked, "little"))
    levels.update(dict.fromkeys(asked[: round(len(asked) * MUCH)], "much"))
    return levels
