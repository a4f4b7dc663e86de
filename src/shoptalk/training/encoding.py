"""The texts of a batch to vectors: in groups of similar length, over all ranks, in as little memory as asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from shoptalk.errors import InputError
from shoptalk.models.ragged import Ragged
from shoptalk.models.tokens import chunks
from shoptalk.training.ranks import shares, united, world


class Group(NamedTuple):
    """Texts encoded together: their places in the batch (queries, then documents) and their prompt's length."""

    rows: np.ndarray
    prompt_length: int


@dataclass
class Encoding:
    """Encodes batches.

    Grouping removes nearly all padding and leaves the gradient unchanged.

    Attributes:
        encoder: ``start(texts) -> run``, ``run(rows, prompt_length)`` -> vectors [len(rows), d].
        chunk_tokens: padded tokens of a group at the most; a longer single text has a group to itself.
        cached: keep only the vectors of each group and encode it again in the backward pass. Memory is then that of
            one group, for a third more arithmetic: gradient caching (Gao et al. 2021, section 3.2), by checkpoints.
        seed: what is drawn while encoding (dropout) is a function of it, the step and the group's number.
        halved: step to the ``chunk_tokens`` that memory allowed from there on.
    """

    encoder: Any
    chunk_tokens: int
    cached: bool
    seed: int
    halved: dict[str, int] = field(default_factory=dict)

    def __call__(self, queries: Ragged, documents: Ragged, step: int) -> tuple[Tensor, Tensor]:
        """Vectors of queries [n, d] and documents [m, d], those of all ranks on every rank."""
        texts = Ragged.joined([queries, documents])
        groups = self.plan(queries, documents)
        run = self.encoder.start(texts)
        parts = [self._encode(run, groups[number], step, number) for number in self._own(groups, texts)]
        rows = np.concatenate([groups[number].rows for number in self._own(groups, texts)])
        own = torch.cat(parts)
        vectors = united(own, torch.from_numpy(rows).to(own.device), len(texts))
        return vectors[: len(queries)], vectors[len(queries) :]

    def halve(self, step: int) -> None:
        """Make do with half the memory from ``step`` on.

        Raises:
            InputError: chunks cannot get any smaller.
        """
        if self.chunk_tokens < 2:
            raise InputError(f"Memory is too small for a single text at step {step}: lower model.max_length.")
        self.chunk_tokens, self.cached = self.chunk_tokens // 2, True
        self.halved[str(step)] = self.chunk_tokens

    def told(self) -> dict[str, Any]:
        """The chunk plan in force, which decides the last digits of a run."""
        return {"chunk_tokens": self.chunk_tokens, "gradient_cache": self.cached, "halved": dict(self.halved)}

    def resume(self, told: dict[str, Any]) -> None:
        """Go on with the chunk plan of a run that was stopped."""
        self.chunk_tokens, self.cached = told["chunk_tokens"], told["gradient_cache"]
        self.halved = dict(told["halved"])

    def plan(self, queries: Ragged, documents: Ragged) -> list[Group]:
        """The groups of a batch; texts of both kinds share one where their prompts need no telling apart."""
        lengths = np.concatenate([queries.lengths, documents.lengths])
        prompts = np.repeat(
            [self.encoder.prompt_length(k) for k in ("query", "document")], [len(queries), len(documents)]
        )
        budget = min(self.chunk_tokens, max(1, -(-int(lengths.sum()) // world()[1])))
        groups = []
        for prompt in np.unique(prompts):
            rows = np.flatnonzero(prompts == prompt)
            groups += [Group(rows[part], int(prompt)) for part in chunks(lengths[rows], budget)]
        return groups

    def _own(self, groups: list[Group], texts: Ragged) -> list[int]:
        rank, ranks = world()
        if len(groups) < ranks:
            raise InputError(
                f"A batch of {len(texts)} texts cannot be shared by {ranks} devices: raise trainer.batch_size."
            )
        lengths = texts.lengths
        return shares([int(lengths[group.rows].sum()) for group in groups], ranks)[rank]

    def _encode(self, run: Callable[..., Tensor], group: Group, step: int, number: int) -> Tensor:
        def vectors() -> Tensor:
            torch.manual_seed(_seed(self.seed, step, number))
            return run(group.rows, group.prompt_length)

        # The seed is set inside, so that encoding again draws what was drawn.
        return checkpoint(vectors, use_reentrant=False, preserve_rng_state=False) if self.cached else vectors()


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)
