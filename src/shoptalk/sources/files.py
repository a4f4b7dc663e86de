"""The user's own pairs from JSONL, CSV or Parquet files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from shoptalk.cache import digest_file, digest_texts
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.sources import rows
from shoptalk.sources.pairs import Ground, Yielded, as_pairs

COLUMNS = ("query", "doc_id", "text", "title", "negatives", "score", "weight")
_VERSION = 1  # of all that makes pairs of files
WEIGHTS = (1e-6, 1e6)
"""Least and greatest weight a row may have; a float32 holds every weight after scaling to mean 1."""


class FileSource:
    """Pairs of a query and a document, the document by id or by its text.

    A row whose ``doc_id`` is in the corpus means that document. Otherwise its ``text`` (with ``title``) does: a
    text equal to a passage or a text of the corpus, up to spelling, means the first such document, and any
    other becomes a document of its own with the id ``pairs:`` + hash. ``negatives`` is a list of ids or texts
    (in CSV a JSON list); an entry without white space must be a known id or text.

    Args:
        path: a file or a glob of ``.jsonl``, ``.csv``, ``.tsv`` (each also ``.gz``) or ``.parquet``.
        columns: the names of ``COLUMNS`` in the files, where they differ.
    """

    def __init__(self, path: str | None = None, columns: Mapping[str, str] | None = None):
        self.path = path
        unknown = sorted(set(columns or {}) - set(COLUMNS))
        if unknown:
            raise InputError(f"pairs: columns.{unknown[0]} is not known; the columns are {', '.join(COLUMNS)}.")
        self.columns = {c: c for c in COLUMNS} | {c: str(n) for c, n in (columns or {}).items() if n is not None}

    def contents(self, ground: Ground) -> list[object] | None:
        """See ``sources.cached``: the files by their paths, which stand in ``rejected``, and by what is in them."""
        return [_VERSION, [[str(f), digest_file(f)] for f in rows.files(self.path)]] if self.path else None

    def read(self, name: str, ground: Ground) -> Yielded:
        """All rows of all files; rows with an empty query or document and repeats are left out and counted.

        Raises:
            InputError: no file, a row that cannot be read, a document that is not known, a weight or score
                that is no number, with file, line and column.
        """
        if not self.path:
            raise InputError(f"{name}: no file is given; set data.sources.{name}.path to a file or a glob.")
        reading = _Reading(_Documents(ground.domain.corpus), self.columns)
        for path in rows.files(self.path):
            for row in rows.read(path):
                reading.add(*row)
        if not reading.pairs:
            raise InputError(f"{self.path}: holds no pair with a query and a document; give a file that does.")
        negatives = reading.negatives()
        pairs = as_pairs(pl.DataFrame(reading.pairs, schema=_PAIRS, orient="row"), name)
        rejected = pl.DataFrame(reading.rejected, schema=_REJECTED, orient="row")
        new = reading.documents.new
        reasons = dict(rejected.group_by("reason").len().sort("reason").iter_rows())
        counts = {"read": reading.read, "kept": pairs.height, "documents added": len(new)} | reasons
        documents = Corpus(list(new), *map(list, zip(*new.values(), strict=True))) if new else None
        return Yielded(pairs, documents, negatives, rejected, counts)


_TEXTS = {"query": pl.String, "doc_id": pl.String}
_PAIRS = _TEXTS | {"weight": pl.Float64, "teacher_score": pl.Float32}
_REJECTED = {"file": pl.String, "row": pl.Int64, "query": pl.String, "reason": pl.String}


class _Documents:
    """Which document an id or a text means; texts that none has become new documents."""

    def __init__(self, corpus: Corpus):
        self.corpus = corpus
        self.new: dict[str, tuple[str, str]] = {}
        self._given: dict[str, str] = {}
        self._by_text: dict[str, str] = {}
        for texts in (corpus.passages, corpus.texts):
            for doc_id, text in zip(corpus.ids, texts, strict=True):
                if text:
                    self._by_text.setdefault(normalise(text), doc_id)

    def by_id(self, doc_id: str) -> str | None:
        return doc_id if doc_id in self.corpus.index else self._given.get(doc_id)

    def by_text(self, title: str, text: str, given: str | None = None) -> str:
        known = normalise(f"{title} {text}".strip())
        doc_id = self._by_text.get(known)
        if doc_id is None:
            doc_id = self._by_text[known] = f"pairs:{digest_texts([title, text])}"
            self.new[doc_id] = (title, text)
        if given:
            self._given[given] = doc_id
        return doc_id

    def mentioned(self, entry: str) -> str | None:
        """The document of an id or text; ``None`` for one word that is neither."""
        found = self.by_id(entry) or self._by_text.get(normalise(entry))
        return found or (self.by_text("", entry) if len(entry.split()) > 1 else None)


@dataclass
class _Reading:
    """What has been read so far, and where each negative stood."""

    documents: _Documents
    columns: Mapping[str, str]
    read: int = 0
    pairs: list[tuple] = field(default_factory=list)
    rejected: list[tuple] = field(default_factory=list)
    _seen: set[tuple[str, str]] = field(default_factory=set)
    _negatives: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, path: Path, line: int, values: Mapping[str, object]) -> None:
        self.read += 1
        row = rows.Row(path, line, values, self.columns)
        query = row.text("query", needed=True)
        doc_id = self._document(row) if query else None
        weight, score = row.number("weight"), row.number("score")
        if weight is not None and not WEIGHTS[0] <= weight <= WEIGHTS[1]:
            raise InputError(f"{row.at('weight')}: {weight:g} is no weight; give a number from 0.000001 to 1000000.")
        key = (normalise(query), doc_id or "")
        wrong = {"empty query": not key[0], "empty document": not key[1], "repeated pair": key in self._seen}
        if any(wrong.values()):
            reason = next(reason for reason, holds in wrong.items() if holds)
            self.rejected.append((str(path), line, query, reason))
            return
        self._seen.add(key)
        self.pairs.append((query, doc_id, 1.0 if weight is None else weight, score))
        self._negatives += [(query, entry, row.at("negatives")) for entry in row.entries("negatives")]

    def _document(self, row: rows.Row) -> str | None:
        if not row.has("doc_id") and not row.has("text"):
            raise InputError(f"{row.at('doc_id')}: is missing, and so is '{self.columns['text']}'; add one of them.")
        given, title, text = row.text("doc_id"), row.text("title"), row.text("text")
        if given and (found := self.documents.by_id(given)):
            return found
        if text:
            return self.documents.by_text(title, text, given)
        if given:
            raise InputError(f"{row.at('doc_id')}: '{given}' is not in the corpus; mend it or give its text.")
        return None

    def negatives(self) -> pl.DataFrame | None:
        """Columns ``query``, ``doc_id``; read last, because they may mean documents of later rows."""
        found = []
        for query, entry, place in self._negatives:
            doc_id = self.documents.mentioned(entry)
            if doc_id is None:
                raise InputError(f"{place}: '{entry}' is not in the corpus; mend it or give its text.")
            if (normalise(query), doc_id) not in self._seen:
                found.append((query, doc_id))
        return pl.DataFrame(found, schema=_TEXTS, orient="row").unique(maintain_order=True) if found else None
