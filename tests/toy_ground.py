"""A ground of few documents, and tables of queries as filters see them."""

from collections.abc import Sequence

import polars as pl

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain
from shoptalk.sources.pairs import Ground

SCHEMA = {"row": pl.Int64, "query": pl.String}


def toy(documents: Sequence[tuple[str, str]], embed=None, cache: str = "unused") -> Ground:
    """Documents as (title, text), their ids 0, 1, …"""
    titles, texts = map(list, zip(*documents, strict=True))
    ids = [str(row) for row in range(len(titles))]
    return Ground(Domain("toy", Corpus(ids, titles, texts), {}), embed, Cache(cache), 0)


def written(*rows: tuple[int, str]) -> pl.DataFrame:
    """Queries, each with the row of its document."""
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
