"""Positives for queries that nobody labelled: the best candidate, where the teacher is sure of it.

RocketQA (Qu et al. 2021, section 3.3) takes the passages of unlabelled queries that a cross-encoder gives more than
0.9. Here one document per query, and the threshold is on calibrated probabilities.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Known
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.negatives.mined import Mine, Relevance, Search


@dataclass(frozen=True)
class Pseudo:
    """What came of unlabelled queries.

    Attributes:
        pairs: ``query``, ``doc_id`` and ``teacher_score``, the calibrated probability (float32).
        counts: queries given, and left out by reason.
    """

    pairs: pl.DataFrame
    counts: dict[str, int]


class PseudoPositives(Protocol):
    """Whether (``wanted``), and how, unlabelled queries get a positive."""

    wanted: bool

    def __call__(self, queries: Sequence[str], ask: Mine, evaluation: Collection[str]) -> Pseudo:
        """Pairs of ``queries``; see ``Confident``."""
        ...


class NoPseudoPositives:
    """Unlabelled queries stay unlabelled."""

    wanted = False

    def __call__(self, queries: Sequence[str], ask: Mine, evaluation: Collection[str]) -> Pseudo:
        """No pairs."""
        return Pseudo(_table([], np.empty(0)), {})


@dataclass(frozen=True)
class Confident:
    """The document of each query that the teacher finds likeliest, where that is above ``min_probability``.

    Attributes:
        min_probability: in (0, 1), of the calibrated teacher.
        depth: candidates of each query, the base model's best; equally likely ones go by its order.

    Raises:
        InputError: an impossible threshold or depth.
    """

    min_probability: float = 0.9
    depth: int = 10

    wanted = True

    def __post_init__(self) -> None:
        if not 0 < self.min_probability < 1:
            raise InputError(f"pseudo_positives.min_probability={self.min_probability} must lie between 0 and 1.")
        if self.depth < 1:
            raise InputError(f"pseudo_positives.depth={self.depth} must be at least 1.")

    def __call__(self, queries: Sequence[str], ask: Mine, evaluation: Collection[str]) -> Pseudo:
        """Pairs of those of ``queries`` that are no evaluation query and have no known positive.

        Args:
            queries: texts; of several spellings of one query the first counts.
            ask: its ``relevance`` is a calibrated teacher that never saw the queries.
            evaluation: normalised evaluation queries.

        Raises:
            InputError: there is no teacher, or its scores are not a number.
        """
        if ask.relevance is None:
            raise InputError("pseudo_positives=confident needs a teacher: choose teacher=own or teacher=hub.")
        asked, counts = _free(queries, ask.known, evaluation)
        rows, probabilities = _best(asked, ask.dense, ask.relevance, ask.corpus, self.depth)
        sure = np.flatnonzero(probabilities > self.min_probability)
        counts["not likely enough"] = len(asked) - len(sure)
        return Pseudo(_table([(asked[i], ask.corpus.ids[rows[i]]) for i in sure], probabilities[sure]), counts)


def _table(pairs: Sequence[tuple[str, str]], probabilities: np.ndarray) -> pl.DataFrame:
    table = pl.DataFrame(pairs, schema={"query": pl.String, "doc_id": pl.String}, orient="row")
    return table.with_columns(teacher_score=pl.Series(probabilities, dtype=pl.Float32))


def _free(queries: Sequence[str], known: Known, evaluation: Collection[str]) -> tuple[list[str], dict[str, int]]:
    """The queries that may get a positive, and how many may not."""
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
    return list(free.values()), counts


def _best(
    queries: Sequence[str], dense: Search, relevance: Relevance, corpus: Corpus, depth: int
) -> tuple[np.ndarray, np.ndarray]:
    """Row and probability [n] of the likeliest candidate."""
    if not queries:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    rows = dense(queries, min(depth, len(corpus))).rows
    probabilities = relevance(queries, [""] * len(queries), rows)
    if np.isnan(probabilities[rows >= 0]).any():
        raise InputError("The teacher gave scores that are not a number; choose another teacher.")
    best = np.nanargmax(probabilities, axis=1)[:, None]
    return np.take_along_axis(rows, best, axis=1)[:, 0], np.take_along_axis(probabilities, best, axis=1)[:, 0]
