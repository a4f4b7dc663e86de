"""Batch number ``step`` of a run, as a pure function of the run's tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from torch import Tensor

from shoptalk.cache import digest
from shoptalk.models.tokens import chunks as length_sorted

Tokens = Sequence[np.ndarray]
Pad = Callable[[list[np.ndarray]], tuple[Tensor, Tensor]]


class Chunk(NamedTuple):
    """Texts of similar length, encoded together: ``rows`` int64 [c] are their places in the batch."""

    rows: Tensor
    input_ids: Tensor
    attention_mask: Tensor


class Batch(NamedTuple):
    """One optimizer step: n queries, m distinct documents, and how they belong together.

    ``positive`` int64 [n] and ``mask`` bool [n, m] are as the losses take them; ``pairs`` int64 [n]
    names the rows of the pairs table.
    """

    queries: list[Chunk]
    documents: list[Chunk]
    positive: Tensor
    mask: Tensor
    weight: Tensor
    pairs: Tensor


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
    """

    query_tokens: Tokens
    document_tokens: Tokens
    positives: np.ndarray
    weights: np.ndarray
    negatives: Sequence[np.ndarray]
    known: Sequence[np.ndarray]
    order: np.ndarray

    @cached_property
    def repetitions(self) -> np.ndarray:
        """int64 [draws]: how often the pair of each draw was drawn before."""
        table = pl.DataFrame({"pair": self.order})
        return table.select(times=pl.int_range(pl.len()).over("pair"))["times"].to_numpy() if len(table) else self.order

    def identity(self) -> dict[str, str]:
        """A hash of each part that decides the batches, so that a foreign checkpoint can be told."""
        return {
            "pairs": digest(self.positives.tolist(), self.weights.tolist(), [len(q) for q in self.query_tokens]),
            "schedule": digest(self.order.tolist()),
            "negatives": digest([row.tolist() for row in self.negatives]),
        }


@dataclass(frozen=True)
class Batches:
    """The run's batches by step; the same step always gives the same batch.

    Attributes:
        size: pairs per batch; the last batch may be smaller.
        chunk_tokens: padded tokens per chunk at the most; a longer single text has a chunk to itself.
        rotate: ``rotate(kept, seed, pair, repetition)`` -> places of the negatives to use in this draw.
    """

    examples: Examples
    pad: Pad
    size: int
    chunk_tokens: int
    seed: int
    rotate: Callable[[int, int, int, int], np.ndarray]

    def __len__(self) -> int:
        return -(-len(self.examples.order) // self.size)

    def __getitem__(self, step: int) -> Batch:
        examples = self.examples
        start = step * self.size
        pairs = examples.order[start : start + self.size]
        times = examples.repetitions[start : start + self.size]
        negatives = [self._negatives(int(pair), int(time)) for pair, time in zip(pairs, times, strict=True)]
        documents = np.unique(np.concatenate([examples.positives[pairs], *negatives]))
        column = {int(row): place for place, row in enumerate(documents)}
        positive = np.array([column[int(row)] for row in examples.positives[pairs]])
        return Batch(
            chunks([examples.query_tokens[p] for p in pairs], self.pad, self.chunk_tokens),
            chunks([examples.document_tokens[d] for d in documents], self.pad, self.chunk_tokens),
            torch.from_numpy(positive),
            torch.from_numpy(_mask(pairs, positive, column, examples.known)),
            torch.from_numpy(examples.weights[pairs]),
            torch.from_numpy(pairs),
        )

    def _negatives(self, pair: int, repetition: int) -> np.ndarray:
        kept = self.examples.negatives[pair]
        return kept[self.rotate(len(kept), self.seed, pair, repetition)] if len(kept) else kept


def _mask(pairs: np.ndarray, positive: np.ndarray, column: dict[int, int], known: Sequence[np.ndarray]) -> np.ndarray:
    """Columns that hold a known positive of the query other than the one this pair is about."""
    mask = np.zeros((len(pairs), len(column)), dtype=bool)
    for place, pair in enumerate(pairs):
        mask[place, [column[int(row)] for row in known[pair] if int(row) in column]] = True
        mask[place, positive[place]] = False
    return mask


def chunks(tokens: Tokens, pad: Pad, chunk_tokens: int) -> list[Chunk]:
    """``tokens`` in chunks of similar length, which removes nearly all padding and leaves the gradient unchanged."""
    plan = length_sorted([len(t) for t in tokens], chunk_tokens)
    return [Chunk(torch.from_numpy(rows), *pad([tokens[r] for r in rows])) for rows in plan]
