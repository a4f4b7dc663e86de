"""Judged queries, and what is known of which document answers which query."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from shoptalk.cache import digest, digest_texts
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.text import normalise

EVALUATION = ("dev", "test", "audit")
"""Splits that measure: they mask and filter nothing, and their queries train nothing."""


@dataclass(frozen=True)
class Judged:
    """One split: queries, graded judgments (integers >= 0), and columns to slice by.

    ``columns`` maps a slice name (``query_kind``, ``traffic``) to one value per query; ``None`` where
    a query has none.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    qrels: Mapping[str, Mapping[str, int]]
    columns: Mapping[str, Sequence[str | None]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def positives(self) -> list[list[str]]:
        """Per query the ids of its documents with a grade above zero, best grade first."""
        graded = ((self.qrels.get(q) or {}) for q in self.ids)
        return [[d for d, g in sorted(row.items(), key=lambda kv: (-kv[1], kv[0])) if g > 0] for row in graded]

    def take(self, rows: Sequence[int]) -> "Judged":
        """The queries at ``rows``, in that order, with their judgments and columns."""
        ids = [self.ids[r] for r in rows]
        return Judged(
            ids,
            [self.texts[r] for r in rows],
            {q: self.qrels[q] for q in ids if q in self.qrels},
            {name: [values[r] for r in rows] for name, values in self.columns.items()},
        )


@dataclass(frozen=True)
class Domain:
    """All that is known of one domain before anything is trained.

    Attributes:
        splits: of ``train``, ``dev``, ``test``, ``calibration``, ``audit``, those the domain has.
        intents: queries with their document for a *simulated* click log; ``None`` for real domains.
        neighbours: document id to related documents (they attract simulated clicks).
        unrecorded: document id to a document that answers the same queries and is recorded nowhere; for
            reports alone, no stage of a run is handed it.
        traffic: document id to its share of simulated traffic, for every document that owns a query; the
            shares sum to 1 and are 0 for documents nobody asks for. Empty for real domains.
        log: a real click log.
        counts: what was read and what was left out, by reason.
        notices: sentences the user should see.
        identity: hash-able description of all that determined this domain.
    """

    name: str
    corpus: Corpus
    splits: Mapping[str, Judged]
    intents: Judged | None = None
    neighbours: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unrecorded: Mapping[str, str] = field(default_factory=dict)
    traffic: Mapping[str, float] = field(default_factory=dict)
    log: Path | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    notices: Sequence[str] = ()
    identity: str = ""

    @cached_property
    def digest(self) -> str:
        """Hash of name, documents, judgments and counts, whatever made them: not of what a click log is simulated from,
        nor of a real log."""
        corpus = digest_texts([*self.corpus.ids, *self.corpus.titles, *self.corpus.texts])
        splits = {
            name: [list(split.ids), list(split.texts), split.qrels, split.columns]
            for name, split in self.splits.items()
        }
        return digest(self.name, len(self.corpus), corpus, splits, self.counts)

    def evaluation_queries(self) -> set[str]:
        """Normalised texts of every evaluation query: none may occur in training data."""
        return {normalise(t) for name in EVALUATION if name in self.splits for t in self.splits[name].texts}


class Known:
    """Known positives: normalised query to document ids. Never negatives of that query.

    Built from the run's training pairs and the ``train`` and ``calibration`` judgments only.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]):
        self._documents: dict[str, set[str]] = {}
        for query, doc_id in pairs:
            self._documents.setdefault(normalise(query), set()).add(doc_id)

    @classmethod
    def of(cls, domain: Domain, pairs: Iterable[tuple[str, str]]) -> "Known":
        """Known positives of a run that trains on ``pairs`` in ``domain``."""
        judged = [domain.splits[name] for name in ("train", "calibration") if name in domain.splits]
        from_splits = [
            (text, doc_id)
            for split in judged
            for text, doc_ids in zip(split.texts, split.positives(), strict=True)
            for doc_id in doc_ids
        ]
        return cls([*pairs, *from_splits])

    def documents(self, query: str) -> set[str]:
        """Ids of the known positives of ``query``, in any spelling that normalises to the same."""
        return self._documents.get(normalise(query), set())
