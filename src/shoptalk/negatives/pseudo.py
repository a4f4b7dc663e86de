"""Positives for queries that nobody labelled: the best candidate, where the teacher is sure of it.

RocketQA (Qu et al. 2021, section 3.3) takes the passages of unlabelled queries that a cross-encoder gives more than
0.9. Here one document per query, and the threshold is on calibrated probabilities.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Known
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.negatives.mined import Relevance, Search

SOURCE = "pseudo"
_PAIRS = {"query": pl.String, "doc_id": pl.String, "weight": pl.Float32, "source": pl.String}


@dataclass(frozen=True)
class Pseudo:
    """What came of unlabelled queries.

    Attributes:
        pairs: ``query``, ``doc_id``, ``weight`` (1), ``source`` and ``teacher_score``, the calibrated probability.
        counts: queries given, kept, and left out by reason.
    """

    pairs: pl.DataFrame
    counts: dict[str, int]


def unlabelled(rejected: Iterable[pl.DataFrame], known: Known) -> list[str]:
    """Queries of pairs that click logs gave and selection left out, those with a known positive excepted.

    Args:
        rejected: tables with a column ``query``.
    """
    asked = dict.fromkeys(query for table in rejected for query in table["query"])
    return [query for query in asked if not known.documents(query)]


def pseudo_positives(
    queries: Sequence[str],
    dense: Search,
    relevance: Relevance,
    corpus: Corpus,
    known: Known,
    evaluation: Collection[str],
    *,
    depth: int = 50,
    min_probability: float = 0.9,
) -> Pseudo:
    """The document of each query that the teacher finds likeliest, where that is above ``min_probability``.

    Args:
        queries: texts; of several spellings of one query the first counts.
        dense, depth: where the candidates come from, the best ``depth``; equally likely ones go by its order.
        relevance: a calibrated teacher that never saw the queries.
        known: queries with a known positive are left out.
        evaluation: normalised evaluation queries, which are left out too.
        min_probability: in (0, 1).

    Raises:
        InputError: an impossible threshold or depth.
    """
    if not 0 < min_probability < 1:
        raise InputError(f"pseudo_positives.min_probability={min_probability} must lie between 0 and 1.")
    if depth < 1:
        raise InputError(f"pseudo_positives.depth={depth} must be at least 1.")
    counts = {"queries": len(queries), "evaluation query": 0, "known positive": 0, "repeated": 0}
    free: dict[str, str] = {}
    for query in queries:
        name = normalise(query)
        if name in evaluation:
            counts["evaluation query"] += 1
        elif known.documents(query):
            counts["known positive"] += 1
        elif name in free:
            counts["repeated"] += 1
        else:
            free[name] = query
    asked = list(free.values())
    rows, probabilities = _best(asked, dense, relevance, min(depth, len(corpus)))
    sure = np.flatnonzero(probabilities > min_probability)
    counts |= {"not likely enough": len(asked) - len(sure), "kept": len(sure)}
    lines = [(asked[i], corpus.ids[rows[i]], 1.0, SOURCE) for i in sure]
    scores = pl.Series(probabilities[sure], dtype=pl.Float32)
    return Pseudo(pl.DataFrame(lines, schema=_PAIRS, orient="row").with_columns(teacher_score=scores), counts)


def _best(queries: Sequence[str], dense: Search, relevance: Relevance, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and probability [n] of the likeliest candidate."""
    if not queries:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    rows = dense(queries, depth).rows
    probabilities = relevance(queries, [""] * len(queries), rows)
    if np.isnan(probabilities[rows >= 0]).any():
        raise InputError("The teacher gave scores that are not a number; choose another teacher.")
    best = np.nanargmax(probabilities, axis=1)[:, None]
    return np.take_along_axis(rows, best, axis=1)[:, 0], np.take_along_axis(probabilities, best, axis=1)[:, 0]
