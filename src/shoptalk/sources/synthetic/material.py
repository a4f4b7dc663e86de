"""What a generator is asked to write, and what it may learn from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import polars as pl

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.sources.forms import form as FORM
from shoptalk.sources.pairs import Embed, Voice

REAL = {"query": pl.String, "doc_id": pl.String, "query_form": pl.String}


@dataclass(frozen=True)
class Order:
    """Queries asked for one document.

    Attributes:
        forms: one per query, each a form of ``sources.forms`` or ``None``, which leaves it to the writer.
    """

    title: str
    text: str
    forms: Sequence[str | None]


@dataclass(frozen=True)
class Material:
    """What a generator may learn from before it writes.

    Attributes:
        real: training queries of real people, columns of ``REAL``; evaluation queries are not among them.
        embed: the base model's vectors.
        seed: of what is drawn.
        form: names the form of a query.
    """

    corpus: Corpus
    cache: Cache
    real: pl.DataFrame
    embed: Embed
    seed: int
    voice: Voice = field(default_factory=Voice)
    form: Callable[[str], str] = FORM
