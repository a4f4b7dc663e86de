"""What sections are made of, before anything is drawn: paragraphs (plain strings), tables, code."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """A table; every row has a cell for each column, and numbers, which follow the first ``words``, stand as text."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int


@dataclass(frozen=True)
class Code:
    """Text kept as it is."""

    text: str


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    parts: Sequence[str | Grid | Code]
