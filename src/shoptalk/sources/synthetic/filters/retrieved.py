"""Queries judged by what the base model finds with them."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from shoptalk.errors import InputError
from shoptalk.retrieval.dense import inner_products, search
from shoptalk.sources.pairs import Ground
from shoptalk.sources.synthetic.filters.base import count


class RoundTrip:
    """Queries that do not lead the base model back to their document.

    As Promptagator filters with K = 1 (Dai et al. 2023, section 3.2); there it helped 8 of 11 corpora and hurt
    two small scientific ones, since it drops what the base model finds hard: abbreviations before all. Documents that
    score the same as the query's own do not count against it, since copies are no competitors.

    Args:
        depth: keep a query whose document is among this many nearest; ``None`` keeps all queries.
        depths: another depth for some of the forms of ``sources.forms``; ``None`` keeps all queries of a form.
    """

    reason = "does not find its document"

    def __init__(self, depth: int | None = 100, depths: Mapping[str, int | None] | None = None):
        self.depth, self.depths = depth, dict(depths or {})
        given = {"depth": depth, **{f"depths.{form}": value for form, value in self.depths.items()}}
        for name, value in given.items():
            if value is not None:
                count(f"round_trip.{name}", value)

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """Document not among the nearest; memory is bounded by blocks of queries and of documents."""
        for name in self.depths:
            if name not in ground.form.names:
                known = ", ".join(ground.form.names)
                raise InputError(f"filters.round_trip.depths.{name} is no form; the forms are {known}.")
        depths = [self.depths.get(ground.form(query), self.depth) for query in written["query"]]
        lines = np.flatnonzero([depth is not None for depth in depths])
        dropped = np.zeros(written.height, dtype=bool)
        if len(lines):
            wanted = np.array([depths[line] for line in lines])
            queries, documents = _vectors(written[lines], ground)
            nearest = search(queries, documents, int(wanted.max())).scores
            own = inner_products(queries, documents, written["row"].to_numpy()[lines, None])[:, 0]
            dropped[lines] = own < nearest[np.arange(len(lines)), wanted - 1]
        return dropped


class NearTied:
    """Queries for which many documents score about as well as the best, so that they point at none of them.

    By meaning what ``Generic`` judges by words. The margin depends on the base model: similarities of some models
    lie close together.

    Args:
        documents: how many nearly tied documents, the best among them, make a query generic.
        margin: how far below the best score a document still counts as tied, on the cosine's scale.
    """

    reason = "nearly tied documents"

    def __init__(self, documents: int = 10, margin: float = 0.02):
        self.documents = count("near_tied.documents", documents)
        if isinstance(margin, bool) or not isinstance(margin, int | float) or not 0 <= margin <= 2:
            raise InputError(f"filters.near_tied.margin={margin} is not possible; give a number from 0 to 2.")
        self.margin = margin

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """Too many documents within the margin."""
        if written.is_empty():
            return np.zeros(0, dtype=bool)
        scores = search(*_vectors(written, ground), self.documents).scores
        return scores[:, -1] >= scores[:, 0] - self.margin


def _vectors(written: pl.DataFrame, ground: Ground) -> tuple[np.ndarray, np.ndarray]:
    return ground.embed(written["query"].to_list(), "query"), ground.embed(ground.domain.corpus.passages, "document")
