"""How much each document of a simulated domain is asked for."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

_STREAM, _SECTIONS = 0x7AF, 0x5EC
SILENT = 0.4
"""Share of the documents that own a query which nobody asks for."""
MUCH = 1 / 3
"""Share of the documents with traffic that count as having much of it."""


def term_traffic(
    doc_ids: Iterable[str], seed: int, sections: Mapping[str, Collection[str]] | None = None
) -> dict[str, float]:
    """Document id to the probability that a session is about it; sums to 1, zero for silent documents.

    Repeated ids count once. The ids are sorted, then shuffled by ``seed``; the last 40 % of the shuffle are
    silent and the document at place r = 1, 2, … of the others gets a probability proportional to 1/r (Zipf,
    exponent 1). Traffic therefore says nothing of how many queries a document owns.

    Args:
        sections: document id to the names of its sections. Silent are then the documents of ``silent_sections``.
    """
    ids = sorted(set(doc_ids))
    order = np.random.default_rng([_STREAM, seed]).permutation(len(ids))
    if sections is None:
        asked = order[: round(len(ids) * (1 - SILENT))]
    else:
        silent = silent_sections(ids, seed, sections)
        asked = [row for row in order if silent.isdisjoint(sections.get(ids[row], ()))]
    shares = 1 / np.arange(1, len(asked) + 1)
    traffic = dict.fromkeys(ids, 0.0)
    traffic.update(zip((ids[row] for row in asked), (shares / shares.sum()).tolist(), strict=True))
    return traffic


def silent_sections(ids: Sequence[str], seed: int, sections: Mapping[str, Collection[str]]) -> set[str]:
    """Names of sections nobody searches in, for at most 40 % of ``ids``.

    Their names are sorted, then shuffled by ``seed``; each in turn falls silent unless that would take too many
    documents, where those of several sections count as soon as one of these is silent.
    """
    held: dict[str, set[str]] = {}
    for doc_id in ids:
        for name in sections.get(doc_id, ()):
            held.setdefault(name, set()).add(doc_id)
    names, silent, documents = sorted(held), set(), set()
    for at in np.random.default_rng([_SECTIONS, seed]).permutation(len(names)):
        more = documents | held[names[at]]
        if len(more) <= SILENT * len(ids):
            documents = more
            silent.add(names[at])
    return silent


def traffic_levels(traffic: Mapping[str, float]) -> dict[str, str]:
    """Document id to ``none``, ``much`` (the third of the others with the highest share) or ``little``."""
    asked = sorted((doc_id for doc_id, share in traffic.items() if share > 0), key=lambda d: (-traffic[d], d))
    levels = dict.fromkeys(traffic, "none")
    levels.update(dict.fromkeys(asked, "little"))
    levels.update(dict.fromkeys(asked[: round(len(asked) * MUCH)], "much"))
    return levels
