"""The one table every source yields, and what a source is handed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain
from shoptalk.domain.text import normalise
from shoptalk.sources.forms import Forms
from shoptalk.sources.forms import form as FORM

SCHEMA = pl.Schema(
    {
        "query": pl.String,
        "doc_id": pl.String,
        "weight": pl.Float32,
        "source": pl.String,
        "query_kind": pl.String,
        "query_form": pl.String,
        "teacher_score": pl.Float32,
    }
)

Embed = Callable[[Sequence[str], str], np.ndarray]
"""``embed(texts, "query" | "document")`` -> float32 [n, d], rows of length 1."""


@contextmanager
def _no_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, of: None


@dataclass(frozen=True)
class Voice:
    """How long work talks to the user while it goes on.

    Attributes:
        say: prints a sentence.
        bar: ``with bar(title) as tell: tell(done, of)`` shows progress.
    """

    say: Callable[[str], None] = str
    bar: Callable[[str], AbstractContextManager[Callable[[int, int], None]]] = _no_bar


@dataclass(frozen=True)
class Ground:
    """What a source may use.

    Attributes:
        simulated_log: writes (or finds) the simulated click log of the domain and gives its path;
            ``None`` where a domain has no intents to simulate from.
        others: pairs of the sources read before, evaluation queries left out; ``None`` where none was.
        form: names the form of a query.
    """

    domain: Domain
    embed: Embed
    cache: Cache
    seed: int
    simulated_log: Callable[[], Path] | None = None
    others: pl.DataFrame | None = None
    voice: Voice = field(default_factory=Voice)
    form: Forms = FORM


@dataclass(frozen=True)
class Yielded:
    """What a source gives: pairs, and all that is worth telling of how they came about.

    Attributes:
        pairs: table of ``SCHEMA``, one row per (query, doc_id), mean weight 1.
        documents: documents the source brings that the corpus lacks.
        negatives: the user's own negatives, columns ``query``, ``doc_id``.
        rejected: rows left out, column ``reason`` and whatever the row held.
        counts: rows read, kept, and left out by reason.
        notices: sentences the user should see.
        simulated: the pairs come from a log that was simulated for this run.
        diagnosis: works out what the source's report shows; the source's own kind of object.
        removed_rows: a Parquet file of all rows of the input that were left out, where the user asked for it.
        unlabelled: queries that people asked and no pair answers.
        quality: works out how written queries compare with real ones, JSON-able.
    """

    pairs: pl.DataFrame
    documents: Corpus | None = None
    negatives: pl.DataFrame | None = None
    rejected: pl.DataFrame | None = None
    counts: dict[str, int] = field(default_factory=dict)
    notices: Sequence[str] = ()
    simulated: bool = False
    diagnosis: Callable[[], object] | None = None
    removed_rows: Path | None = None
    unlabelled: Sequence[str] = ()
    quality: Callable[[], dict[str, Any]] | None = None


class Source(Protocol):
    """A source of training pairs; ``read`` is a function of its config and the ground alone.

    One with a true ``after_others`` is read after those without and finds their pairs in the ground. One with
    ``contents(ground)`` is read once for its options and these, see ``sources.cached``.
    """

    def read(self, name: str, ground: Ground) -> Yielded:
        """The pairs, stamped with ``name`` as their source."""
        ...


def as_pairs(table: pl.DataFrame, source: str) -> pl.DataFrame:
    """``table`` (at least ``query``, ``doc_id``) as Pairs: columns completed, weights scaled to mean 1.

    Raises:
        ValueError: a weight is not finite and positive.
    """
    if "weight" not in table.columns:
        table = table.with_columns(weight=pl.lit(1.0))
    missing = [pl.lit(None, dtype=SCHEMA[c]).alias(c) for c in SCHEMA if c not in table.columns and c != "source"]
    table = table.with_columns(*missing, source=pl.lit(source)).select(pl.col(c).cast(t) for c, t in SCHEMA.items())
    weight = table["weight"]
    if table.height and not (weight.is_finite().all() and weight.min() > 0):
        raise ValueError(f"source {source}: every weight must be finite and above 0")
    return table.with_columns((pl.col("weight") / pl.col("weight").cast(pl.Float64).mean()).cast(pl.Float32))


def without_evaluation(pairs: pl.DataFrame, domain: Domain) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split ``pairs`` into those that may train and those whose query is an evaluation query."""
    forbidden = domain.evaluation_queries()
    leaks = pl.Series([normalise(q) in forbidden for q in pairs["query"]], dtype=pl.Boolean)
    return pairs.filter(~leaks), pairs.filter(leaks)
