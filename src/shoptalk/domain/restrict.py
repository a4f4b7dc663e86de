"""A small, fixed part of a domain, for trying things out."""

from collections.abc import Sequence
from dataclasses import replace

from shoptalk.cache import digest
from shoptalk.domain.judgments import Domain, Judged

_FIRST = ("dev", "test", "calibration", "train")


def restrict(domain: Domain, limit: int) -> Domain:
    """``domain`` over at most ``limit`` documents, its name with ``(smoke-<limit>)`` behind.

    Judged documents of dev, test, calibration and train come first, then those with the lowest hash of their
    id; the corpus keeps its order. Judgments, intents, neighbours, unrecorded documents and traffic (scaled to
    sum to 1 again) are kept as far as their documents are; a query left without a relevant document goes.
    A domain with no more than ``limit`` documents loses none, and has ``(smoke)`` behind its name. No seed plays a
    part but the one that made the splits.
    """
    kept = set(_ranked(domain)[:limit])
    rows = [row for row, doc_id in enumerate(domain.corpus.ids) if doc_id in kept]
    splits = {name: _judged(split, kept) for name, split in domain.splits.items()}
    traffic = {doc_id: share for doc_id, share in domain.traffic.items() if doc_id in kept}
    total = sum(traffic.values()) or 1.0
    lost = sum(map(len, domain.splits.values())) - sum(map(len, splits.values()))
    removed = {
        "removed_documents_by_restriction": len(domain.corpus) - len(rows),
        "removed_queries_by_restriction": lost,
    }
    intents = _judged(domain.intents, kept) if domain.intents else None
    if domain.intents and intents is not None:
        removed["removed_intents_by_restriction"] = len(domain.intents) - len(intents)
    return replace(
        domain,
        name=f"{domain.name} (smoke-{limit})" if len(rows) < len(domain.corpus) else f"{domain.name} (smoke)",
        corpus=domain.corpus.take(rows),
        splits={name: split for name, split in splits.items() if len(split)},
        intents=intents,
        neighbours={d: _within(near, kept) for d, near in domain.neighbours.items() if d in kept},
        unrecorded={d: other for d, other in domain.unrecorded.items() if d in kept and other in kept},
        traffic={doc_id: share / total for doc_id, share in traffic.items()},
        counts={**domain.counts, **removed},
        identity=digest("restricted", domain.identity, limit),
    )


def _ranked(domain: Domain) -> list[str]:
    """All document ids, those that must stay first."""
    place = domain.corpus.index
    order: dict[str, None] = {}
    for name in _FIRST:
        if name in domain.splits:
            judged = {d for row in domain.splits[name].qrels.values() for d in row if d in place}
            order.update(dict.fromkeys(sorted(judged, key=place.__getitem__)))
    rest = (doc_id for doc_id in domain.corpus.ids if doc_id not in order)
    return [*order, *sorted(rest, key=lambda doc_id: (digest("smoke", doc_id), doc_id))]


def _judged(split: Judged, kept: set[str]) -> Judged:
    qrels = {q: {d: g for d, g in row.items() if d in kept} for q, row in split.qrels.items()}
    rows = [row for row, query_id in enumerate(split.ids) if any(qrels.get(query_id, {}).values())]
    return replace(split, qrels=qrels).take(rows)


def _within(ids: Sequence[str], kept: set[str]) -> list[str]:
    return [doc_id for doc_id in ids if doc_id in kept]
