"""Batch number ``step`` of a run, as a pure function of the run's tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
import torch

from shoptalk.cache import digest
from shoptalk.losses import Targets
from shoptalk.models.ragged import Ragged


class Batch(NamedTuple):
    """One optimizer step: n queries, m distinct documents, and how they belong together.

    ``pairs`` int64 [n] names the rows of the pairs table.
    """

    queries: Ragged
    documents: Ragged
    targets: Targets
    pairs: np.ndarray


@dataclass(frozen=True)
class Guide:
    """Vectors of a frozen model, rows of length 1: per pair its query's, per corpus row its document's."""

    queries: np.ndarray
    documents: np.ndarray


@dataclass(frozen=True)
class Examples:
    """All that a run trains on, as token ids and corpus rows.

    Attributes:
        query_tokens: per pair, the ids of its query.
        document_tokens: per corpus row, the ids of its passage.
        positives: int64 [p], per pair the corpus row of its document.
        weights: float32 [p].
        negatives: per pair the corpus rows of its mined negatives, hardest first; may be empty.
        known: per pair the corpus rows of its query's known positives.
        order: int64 [draws], the schedule: pair rows in the order they are trained on.
        sources: int64 [p], a number per pair that tells its source.
        teacher: per pair the teacher's logits of its positive and then of its ``negatives``, NaN where it judged
            none; ``None`` without a teacher.
        guide: vectors to tell false negatives by; ``None`` without a guide.
        own_temperatures: float32 [p], the temperature of pairs whose source has its own, NaN for the others; ``None``
            where no source has one.
    """

    query_tokens: Ragged
    document_tokens: Ragged
    positives: np.ndarray
    weights: np.ndarray
    negatives: Sequence[np.ndarray]
    known: Sequence[np.ndarray]
    order: np.ndarray
    sources: np.ndarray
    teacher: Sequence[np.ndarray] | None = None
    guide: Guide | None = None
    own_temperatures: np.ndarray | None = None

    @cached_property
    def repetitions(self) -> np.ndarray:
        """int64 [draws]: how often the pair of each draw was drawn before."""
        table = pl.DataFrame({"pair": self.order})
        return table.select(times=pl.int_range(pl.len()).over("pair"))["times"].to_numpy() if len(table) else self.order

    def identity(self) -> dict[str, str]:
        """A hash of each part that decides the batches, so that a foreign checkpoint can be told."""
        return {
            "pairs": digest(self.positives.tolist(), self.weights.tolist(), self.query_tokens.values.tolist()),
            "schedule": digest(self.order.tolist()),
            "negatives": digest([row.tolist() for row in self.negatives]),
        }


def mixed(examples: Examples, size: int) -> list[np.ndarray]:
    """Places of the schedule batch by batch, in its own order."""
    places = np.arange(len(examples.order))
    return [places[start : start + size] for start in range(0, len(places), size)]


def one_source(examples: Examples, size: int) -> list[np.ndarray]:
    """Places of the schedule in batches of one source each, emitted in the order in which they fill.

    What is left of each source at the end makes a short batch of its own, so that nothing is dropped.
    """
    waiting: dict[int, list[int]] = {}
    full = []
    for place, source in enumerate(examples.sources[examples.order].tolist()):
        line = waiting.setdefault(source, [])
        line.append(place)
        if len(line) == size:
            full.append(np.array(waiting.pop(source)))
    return full + [np.array(line) for line in waiting.values()]


@dataclass(frozen=True)
class Batches:
    """The run's batches by step; the same step always gives the same batch.

    Attributes:
        size: pairs per batch; the last batch, with one-source batches the last of each source, may be smaller.
        rotate: ``rotate(kept, seed, pair, repetition)`` -> places of the negatives to use in this draw.
        divide: ``mixed`` or ``one_source``.
    """

    examples: Examples
    size: int
    seed: int
    rotate: Callable[[int, int, int, int], np.ndarray]
    divide: Callable[[Examples, int], list[np.ndarray]] = mixed

    @cached_property
    def places(self) -> list[np.ndarray]:
        """Per step, which places of the schedule make its batch."""
        return self.divide(self.examples, self.size)

    @property
    def short(self) -> int:
        """Batches with fewer than ``size`` pairs."""
        return sum(len(places) < self.size for places in self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, step: int) -> Batch:
        examples, places = self.examples, self.places[step]
        pairs = examples.order[places]
        kept = [self._kept(*draw) for draw in zip(pairs.tolist(), examples.repetitions[places].tolist(), strict=True)]
        negatives = [examples.negatives[pair][chosen] for pair, chosen in zip(pairs, kept, strict=True)]
        documents = np.unique(np.concatenate([examples.positives[pairs], *negatives]))
        positive = np.searchsorted(documents, examples.positives[pairs])
        targets = Targets(
            torch.from_numpy(positive),
            torch.from_numpy(_mask(documents, positive, [examples.known[pair] for pair in pairs])),
            torch.from_numpy(examples.weights[pairs]),
            self._teacher(pairs, documents, positive, kept, negatives),
            self._guide(pairs, documents),
            None if examples.own_temperatures is None else torch.from_numpy(examples.own_temperatures[pairs]),
        )
        return Batch(examples.query_tokens.take(pairs), examples.document_tokens.take(documents), targets, pairs)

    def _kept(self, pair: int, repetition: int) -> np.ndarray:
        count = len(self.examples.negatives[pair])
        return self.rotate(count, self.seed, pair, repetition) if count else np.empty(0, np.int64)

    def _teacher(self, pairs, documents, positive, kept, negatives) -> torch.Tensor | None:
        """float32 [n, m], NaN where the teacher judged nothing."""
        if self.examples.teacher is None:
            return None
        scores = np.full((len(pairs), len(documents)), np.nan, dtype=np.float32)
        for line, pair in enumerate(pairs):
            told = self.examples.teacher[pair]
            scores[line, np.searchsorted(documents, negatives[line])] = told[1:][kept[line]]
            scores[line, positive[line]] = told[0]
        return torch.from_numpy(scores)

    def _guide(self, pairs: np.ndarray, documents: np.ndarray) -> torch.Tensor | None:
        """Cosines by the guide, float32 [n, m]."""
        guide = self.examples.guide
        return None if guide is None else torch.from_numpy(guide.queries[pairs] @ guide.documents[documents].T)


def _mask(documents: np.ndarray, positive: np.ndarray, known: Sequence[np.ndarray]) -> np.ndarray:
    """Columns that hold a known positive of the query other than the one its pair is about."""
    mask = np.zeros((len(positive), len(documents)), dtype=bool)
    lines = np.repeat(np.arange(len(known)), [len(rows) for rows in known])
    rows = np.concatenate(known)
    places = np.minimum(np.searchsorted(documents, rows), len(documents) - 1)
    inside = documents[places] == rows
    mask[lines[inside], places[inside]] = True
    mask[np.arange(len(positive)), positive] = False
    return mask
