"""The documents of a domain, in a fixed order, with a hash of their content."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from shoptalk.cache import digest_texts


@dataclass(frozen=True)
class Corpus:
    """Ordered documents: three sequences of equal length.

    ``ids`` are unique; a document has a title or a text or both.
    """

    ids: Sequence[str]
    titles: Sequence[str]
    texts: Sequence[str]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def index(self) -> dict[str, int]:
        """Document id to row."""
        return {doc_id: row for row, doc_id in enumerate(self.ids)}

    @cached_property
    def passages(self) -> list[str]:
        """What every retriever reads of a document: title, then text."""
        return [f"{title} {text}".strip() for title, text in zip(self.titles, self.texts, strict=True)]

    @cached_property
    def digest(self) -> str:
        """Hash of ids and passages, in order."""
        return digest_texts([*self.ids, *self.passages])

    def take(self, rows: Sequence[int]) -> "Corpus":
        """The documents at ``rows``, in that order."""
        return Corpus(*([column[r] for r in rows] for column in (self.ids, self.titles, self.texts)))

    def extended(self, more: "Corpus") -> "Corpus":
        """This corpus with ``more`` behind it; ids must not clash."""
        return Corpus([*self.ids, *more.ids], [*self.titles, *more.titles], [*self.texts, *more.texts])
